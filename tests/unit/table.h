/* SPDX-License-Identifier: MIT */
/*
 * table.h - an arena that has nothing but an event table, for units of the reader that look at
 * nothing else: in plain memory, or in a file.
 */
#ifndef TABLE_H
#define TABLE_H

#include "ft-reader.h"

#define TABLE_EVENTS_OFFSET 4096u
#define TABLE_EVENTS_BYTES  (1u << 20)

/** table_new() - an arena of pid 4711 with an empty table, CLOCK_MONOTONIC for its clock. */
struct fasttrace_arena *table_new(void);
void table_free(struct fasttrace_arena *a);

/**
 * table_file() - make the file of such an arena, of a process that is dead, with room for rules.
 * Is opened with fasttrace_arena_open(); table_add() then works on it as well.
 */
void table_file(const char *path);
#define TABLE_RULES_OFFSET (TABLE_EVENTS_OFFSET + TABLE_EVENTS_BYTES)

/**
 * table_add() - append an entry.
 * @names: provider, name, then one for each field.
 * Return: the entry, on and of plain kind, to be changed or spoilt.
 */
struct ft_event_entry *table_add(struct fasttrace_arena *a, unsigned nfields, const uint8_t *types,
				 const char *const *names);
#define TABLE_TYPES(...) ((const uint8_t[]){__VA_ARGS__})
#define TABLE_NAMES(...) ((const char *const[]){__VA_ARGS__})

/** table_event() - an event's header at `to`. Return: where its fields go. */
unsigned char *table_event(unsigned char *to, uint64_t time, unsigned id);

#endif
