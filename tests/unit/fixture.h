/* SPDX-License-Identifier: MIT */
/*
 * fixture.h - traced processes for tests: this very program run again, with an environment and an
 * arena directory of the test's own, talked to through pipes, killed and removed at the end.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "fasttrace-reader.h"

/* What a traced process does, by name. */
struct fixture_body {
	const char *name;
	void (*run)(void);
};

/** fixture_main() - run a body when told so on the command line; else return -1. */
int fixture_main(int argc, char **argv, const struct fixture_body *bodies);

/* cmocka's setup and teardown of one test: makes and removes fixture_dir, ends what still runs. */
int fixture_setup(void **state);
int fixture_teardown(void **state);
#define FIXTURE_DIR_BYTES 100
extern char fixture_dir[FIXTURE_DIR_BYTES];

/** fixture_spawn() - start a body. @env: NAME=VALUE..., ended by NULL; or NULL. */
pid_t fixture_spawn(const char *body, const char *const *env);
#define fixture_spawn_env(body, ...) fixture_spawn(body, (const char *const[]){__VA_ARGS__, NULL})

/* The test's side of the pipes of the process spawned last. hear returns -1 when it is gone. */
void fixture_say(char what);
int fixture_hear(void);

/* The body's side. */
void body_say(char what);
int body_hear(void);

/** fixture_kill() - SIGKILL, and wait for it. fixture_wait() - wait; the wait status. */
void fixture_kill(pid_t pid);
int fixture_wait(pid_t pid);

/** fixture_open() - the arena of pid. Fails the test if there is none. */
struct fasttrace_arena *fixture_open(pid_t pid, unsigned flags);

/** fixture_arena_path() - its file; false if there is none. */
int fixture_arena_path(pid_t pid, char *path, size_t size);

/** fixture_owner() - serial of buffer `index`. */
uint64_t fixture_owner(struct fasttrace_arena *a, unsigned index);

/**
 * fixture_values() - the u64 values of a packet's events, each { header, u64 }, into out.
 * Return: how many.
 */
size_t fixture_values(const struct fasttrace_packet *p, uint64_t *out, size_t max);

/** fixture_begun() - events begun; fails the test if the counts do not add up. */
uint64_t fixture_begun(struct fasttrace_arena *a);

/** fixture_readable() - events that can be read. */
uint64_t fixture_readable(struct fasttrace_arena *a);

/**
 * fixture_interrupt() - run this in a process of its own, which is stopped behind so many
 * instructions until meanwhile() is done. Return: how many it took, at most as many.
 */
unsigned fixture_interrupt(void (*run)(void), unsigned instructions, void (*meanwhile)(void));

/** fixture_serve_dir() - hold the directory's lock, as a daemon does. Return: what to close. */
int fixture_serve_dir(void);

#endif
