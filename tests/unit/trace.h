/* SPDX-License-Identifier: MIT */
/*
 * trace.h - a CTF folder of packets made by hand, as babeltrace2 reads it.
 */
#ifndef TRACE_H
#define TRACE_H

#include "ft-reader.h"

#define NOW UINT64_C(2000) /* ns: 1000 after the arena was made */

/* cmocka's setup and teardown of one test: an arena of table.h, and the folder. */
int trace_setup(void **state);
int trace_teardown(void **state);
extern struct fasttrace_arena *arena;

/** file_write() - put a file into the folder; its name is "metadata", or a digit. */
void file_write(const char *name, const void *data, size_t bytes);

/** metadata() - the arena's. To be freed. */
char *metadata(void);

/** packet_add() - append an event's payload to the packet. */
void packet_add(unsigned id, uint64_t time, const void *payload, size_t bytes);

/** packet_write() - write the packet under this name and begin another one. */
void packet_write(const char *name, struct ft_packet_fields f);

/** babeltrace() - run babeltrace2 on the folder: fills in text and warnings. Skips without it. */
void babeltrace(const char *options);
extern char text[65536];
extern char warnings[4096];

/** trace_read() - with the arena's metadata; there must be no warning. */
void trace_read(const char *options);
void trace_read_warned(const char *options);
void assert_has(const char *what);

#endif
