/* SPDX-License-Identifier: MIT */
/*
 * switches.h - the arena of a dead process whose events are switched.
 */
#ifndef SWITCHES_H
#define SWITCHES_H

#include "fixture.h"
#include "ft-reader.h"
#include "ft-rules.h"

/* cmocka's setup and teardown of one test: the arena, which is ours to consume, and its file. */
int switches_setup(void **state);
int switches_teardown(void **state);
extern struct fasttrace_arena *traced;
extern char switches_path[FIXTURE_DIR_BYTES + 16];

/** arena_open() - the file once more. */
struct fasttrace_arena *arena_open(unsigned flags);

/** event_add() - an event without fields, to be changed. */
struct ft_event_entry *event_add(const char *provider, const char *name);

/** turn() - fasttrace_events_switch() of the arena. is_on() - the switch of a class. */
int turn(const char *provider, const char *event, bool on);
bool is_on(unsigned id);

/** rules() - as a process reads them. rules_set() - as it leaves them at its start. */
struct ft_span rules(void);
void rules_set(const char *text);
void rules_are(const char *text);

#endif
