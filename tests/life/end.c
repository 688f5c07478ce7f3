/* SPDX-License-Identifier: MIT */
/*
 * end.c - every way to end: what had returned is readable, the state is right, and the arena stays
 * or goes as it should. Each also from a handler that interrupts an event.
 */
#include "common.h"
#include "ft-layout.h"

static int how; /* the last letter of the body */

static _Noreturn void end_now(void)
{
	switch (how) {
	case 'e':
		exit(3);
	case 'q':
		quick_exit(4);
	case '_':
		_exit(5);
	case 'a':
		abort();
	default:
		raise(SIGKILL);
	}
	for (;;)
		pause();
}

static void handler(int sig)
{
	(void)sig;
	trace(3);
	end_now();
}

/* An event that is reserved, and never committed: the handler ends the process. */
static void interrupted_event(void)
{
	struct fasttrace_reservation r;

	signal(SIGUSR1, handler);
	trace(1);
	trace(2);
	if (fasttrace_reserve(&r, 2, 1))
		raise(SIGUSR1);
	fasttrace_commit(&r);
}

static void plain_end(void)
{
	trace(1);
	trace(2);
	trace(3);
	end_now();
}

#define BODY(name, letter)                      \
	static void body_##name(void)           \
	{                                       \
		how = letter;                   \
		plain_end();                    \
	}                                       \
	static void body_##name##_handler(void) \
	{                                       \
		how = letter;                   \
		interrupted_event();            \
	}
BODY(exit, 'e')
BODY(quick, 'q')
BODY(_exit, '_')
BODY(abort, 'a')
BODY(kill, 'k')

static void body_return(void)
{
	trace(1);
}

static void body_late(void);

static const struct fixture_body bodies[] = {{"exit", body_exit},
					     {"exit_handler", body_exit_handler},
					     {"quick", body_quick},
					     {"quick_handler", body_quick_handler},
					     {"_exit", body__exit},
					     {"_exit_handler", body__exit_handler},
					     {"abort", body_abort},
					     {"abort_handler", body_abort_handler},
					     {"kill", body_kill},
					     {"kill_handler", body_kill_handler},
					     {"return", body_return},
					     {"late", body_late},
					     {NULL, NULL}};

static const struct way {
	const char *body;
	enum fasttrace_end end; /* as the arena itself tells */
	int code;
	bool clean; /* without a daemon no arena is left */
} ways[] = {
	{"exit", FASTTRACE_EXITED, 3, true},   {"quick", FASTTRACE_ENDED, -1, false},
	{"_exit", FASTTRACE_ENDED, -1, false}, {"abort", FASTTRACE_ENDED, -1, false},
	{"kill", FASTTRACE_ENDED, -1, false},
};

static pid_t run(const char *body)
{
	pid_t pid = fixture_spawn(body, NULL);

	fixture_wait(pid);
	return pid;
}

static void check_end(const struct way *way, bool handler_ends)
{
	struct fasttrace_stats s;
	char body[32];
	pid_t pid;
	int code = 0;

	snprintf(body, sizeof(body), "%s%s", way->body, handler_ends ? "_handler" : "");
	pid = run(body);
	assert_int_equal(end_of(pid, &code), way->end);
	assert_int_equal(code, way->code);
	assert_false(arena_alive(pid));
	s = stats_of(pid);
	assert_int_equal(s.begun, 3u + handler_ends);
	assert_int_equal(s.in_flight, handler_ends);
	assert_int_equal(s.readable, 3);
	assert_values(pid, 1, 2, 3);
}

static void every_way_with_a_daemon(void **state)
{
	int fd = fixture_serve_dir();

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		check_end(&ways[i], false);
		check_end(&ways[i], true);
	}
	close(fd);
}

static void every_way_without_a_daemon(void **state)
{
	unsigned left = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		if (ways[i].clean) {
			char body[32];

			snprintf(body, sizeof(body), "%s_handler", ways[i].body);
			run(ways[i].body);
			run(body);
		} else {
			check_end(&ways[i], false);
			check_end(&ways[i], true);
			left += 2;
		}
		assert_int_equal(files(), left);
	}
}

static void return_from_main_is_a_clean_exit(void **state)
{
	int code, fd;
	pid_t pid;

	(void)state;
	run("return");
	assert_int_equal(files(), 0);
	fd = fixture_serve_dir();
	pid = run("return");
	assert_int_equal(end_of(pid, &code), FASTTRACE_EXITED);
	assert_int_equal(code, 0);
	close(fd);
}

/* Functions that the program gave to atexit() trace too. */
static void at_exit(void)
{
	trace(2);
}

static void body_late(void)
{
	atexit(at_exit);
	trace(1);
	exit(6);
}

static void events_of_exit_functions_are_there(void **state)
{
	int code, fd = fixture_serve_dir();
	pid_t pid = run("late");

	(void)state;
	assert_int_equal(end_of(pid, &code), FASTTRACE_EXITED);
	assert_int_equal(code, 6);
	assert_values(pid, 1, 2);
	close(fd);
}

LIFE_MAIN(TEST(every_way_with_a_daemon), TEST(every_way_without_a_daemon),
	  TEST(return_from_main_is_a_clean_exit), TEST(events_of_exit_functions_are_there))
