/* SPDX-License-Identifier: MIT */
/*
 * test_wait.c - block mode: a writer waits for room, is woken by put, and never waits for nobody;
 * and a reader that sleeps is woken by the writer.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-layout.h"

#define SMALL	   "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4", "FASTTRACE_MODE=block"
#define PER_SUBBUF ((4096 - 88) / 16) /* events of 16 bytes */
#define RING	   (4 * PER_SUBBUF)
#define MANY	   (40 * PER_SUBBUF)
#define NS_PER_MS  INT64_C(1000000)
#define PATIENCE_S 30 /* where only a failure takes as long */

static pid_t server; /* holds a lock, as a daemon or a reader does */

static void numbers(unsigned count)
{
	for (uint64_t n = 0; n < count; n++)
		FASTTRACE(test, number, (n, n));
}

/* 'a' one event, 'b' a sub-buffer's, 'r' a ring's and one more, 'm' many. */
static void body_told(void)
{
	int c;

	while ((c = body_hear()) >= 0) {
		numbers(c == 'a' ? 1 : c == 'b' ? PER_SUBBUF : c == 'r' ? RING + 1 : MANY);
		body_say('.');
	}
}

static void body_flood(void)
{
	numbers(1);
	body_say('.');
	for (;;)
		numbers(1000);
}

static const struct fixture_body bodies[] = {
	{"told", body_told}, {"flood", body_flood}, {NULL, NULL}};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * INT64_C(1000000000) + ts.tv_nsec;
}

static void server_kill(void)
{
	if (server <= 0)
		return;
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	server = 0;
}

static int teardown(void **state)
{
	server_kill();
	return fixture_teardown(state);
}

/* A process that locks a file from `start` on, as a daemon does: until it is killed. */
static void server_run(const char *path, int64_t start, int64_t len)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = len};
	int ready[2], fd;
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	server = fork();
	assert_true(server >= 0);
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fcntl(fd, F_OFD_SETLK, &lock) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
}

static void daemon_run(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/.lock", fixture_dir);
	server_run(path, 0, 0);
}

/* Tell the writer; how long it took. */
static int64_t tell(char what)
{
	int64_t start = now_ns();

	fixture_say(what);
	assert_int_equal(fixture_hear(), '.');
	return now_ns() - start;
}

static struct fasttrace_stats stats(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.begun, s.consumed + s.readable + s.lost_full + s.in_flight);
	return s;
}

/* The writer stands before a full ring: all of it is written, and nothing lost. */
static void full_await(struct fasttrace_arena *a, uint64_t subbufs)
{
	int64_t end = now_ns() + PATIENCE_S * 1000 * NS_PER_MS;

	while (stats(a).subbufs_produced < subbufs) {
		assert_true(now_ns() < end);
		usleep(1000);
	}
	usleep(100000);
	assert_int_equal(stats(a).begun, subbufs * PER_SUBBUF);
	assert_int_equal(stats(a).lost_full, 0);
}

static void begun_await(struct fasttrace_arena *a, uint64_t events)
{
	int64_t end = now_ns() + PATIENCE_S * 1000 * NS_PER_MS;

	while (stats(a).begun < events) {
		assert_true(now_ns() < end);
		usleep(1000);
	}
}

static struct fasttrace_arena *start(const char *body, const char *timeout)
{
	pid_t pid = fixture_spawn_env(body, SMALL, timeout);

	if (!strcmp(body, "told"))
		fixture_say('a');
	assert_int_equal(fixture_hear(), '.');
	return fixture_open(pid, FASTTRACE_OPEN_CONSUME);
}

static void consume(struct fasttrace_arena *a, unsigned count)
{
	uint64_t seq;

	while (count--) {
		assert_int_equal(fasttrace_buffer_next(a, 0, 1, 0, &seq, NULL), 0);
		assert_int_equal(fasttrace_buffer_drop(a, 0, 1, seq), 0);
	}
}

/*
 * How many of 60 puts had the writer's answer, a new sub-buffer, within 1 ms. A writer that looks
 * every 5 ms only would answer a fifth of them so soon, for the puts come at any time between.
 */
static unsigned soon_count(struct fasttrace_arena *a)
{
	unsigned soon = 0;

	for (unsigned i = 0; i < 60; i++) {
		uint64_t produced = stats(a).subbufs_produced;
		int64_t put;

		usleep(5000 + i * 5000 / 60);
		consume(a, 1);
		put = now_ns();
		while (stats(a).subbufs_produced == produced) {
			assert_true(now_ns() - put < PATIENCE_S * 1000 * NS_PER_MS);
			usleep(50); /* the writer may have been put on our processor */
		}
		soon += now_ns() - put < NS_PER_MS;
	}
	return soon;
}

static void put_wakes_the_writer_at_once(void **state)
{
	struct fasttrace_arena *a;
	unsigned best = 0;

	(void)state;
	daemon_run(); /* there before the writer's first event */
	a = start("flood", "FASTTRACE_BLOCK_TIMEOUT=inf");
	full_await(a, 4);
	for (int tries = 0; tries < 5 && best <= 30; tries++) { /* the machine may be busy */
		unsigned soon = soon_count(a);

		best = soon > best ? soon : best;
	}
	assert_true(best > 30);
	assert_int_equal(stats(a).lost_full, 0);
	fasttrace_arena_close(a);
}

static void writer_waits_for_a_consumer_as_for_a_daemon(void **state)
{
	struct fasttrace_arena *a = start("told", "FASTTRACE_BLOCK_TIMEOUT=inf");

	(void)state;
	fixture_say('r');
	full_await(a, 4);
	consume(a, 1);
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(stats(a).begun, RING + 2);
	assert_int_equal(stats(a).lost_full, 0);
	fasttrace_arena_close(a);
}

/* It waits, for ever if it must, while the server lives, and not a moment longer. */
static void assert_waits_for_the_server(struct fasttrace_arena *a)
{
	fixture_say('m');
	full_await(a, 4);
	server_kill();
	begun_await(a, MANY + 1);
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(stats(a).lost_full, MANY + 1 - RING);
}

static void writer_goes_on_when_the_daemon_is_killed(void **state)
{
	struct fasttrace_arena *a;
	pid_t pid;

	(void)state;
	daemon_run();
	pid = fixture_spawn_env("told", SMALL, "FASTTRACE_BLOCK_TIMEOUT=inf");
	tell('a');
	a = fixture_open(pid, 0);
	assert_waits_for_the_server(a);
	fasttrace_arena_close(a);
}

static void writer_goes_on_when_the_reader_is_killed(void **state)
{
	pid_t pid = fixture_spawn_env("told", SMALL, "FASTTRACE_BLOCK_TIMEOUT=inf");
	struct fasttrace_arena *a;
	char path[512];

	(void)state;
	tell('a');
	a = fixture_open(pid, 0);
	assert_true(fixture_arena_path(pid, path, sizeof(path)));
	server_run(path, FT_LOCK_READER, 1);
	assert_waits_for_the_server(a);
	fasttrace_arena_close(a);
}

static void writer_without_anybody_never_waits(void **state)
{
	pid_t pid = fixture_spawn_env("told", SMALL, "FASTTRACE_BLOCK_TIMEOUT=inf");
	struct fasttrace_arena *a;

	(void)state;
	tell('m');
	a = fixture_open(pid, 0);
	assert_int_equal(stats(a).begun, MANY);
	assert_int_equal(stats(a).lost_full, MANY - RING);
	fasttrace_arena_close(a);
}

static void timeout_is_waited_once_and_not_for_each_event(void **state)
{
	struct fasttrace_arena *a = start("told", "FASTTRACE_BLOCK_TIMEOUT=100ms");
	int64_t took = tell('m');

	(void)state;
	assert_true(took >= 100 * NS_PER_MS);
	assert_true(took < 5000 * NS_PER_MS); /* of 900 s */
	assert_int_equal(stats(a).begun, MANY + 1);
	assert_int_equal(stats(a).lost_full, MANY + 1 - RING);
	fasttrace_arena_close(a);
}

static void timeout_of_zero_drops(void **state)
{
	struct fasttrace_arena *a = start("told", "FASTTRACE_BLOCK_TIMEOUT=0");

	(void)state;
	tell('m');
	assert_int_equal(stats(a).lost_full, MANY + 1 - RING);
	fasttrace_arena_close(a);
}

static void writer_waits_again_once_there_was_room(void **state)
{
	struct fasttrace_arena *a = start("told", "FASTTRACE_BLOCK_TIMEOUT=300ms");

	(void)state;
	for (int round = 0; round < 3; round++) {
		assert_true(tell('r') >= 300 * NS_PER_MS);
		assert_int_equal(stats(a).lost_full, 2 + round); /* the first is over by two */
		consume(a, 4);
	}
	fasttrace_arena_close(a);
}

/* A ring that is full and given up: then one sub-buffer's room, and the next one opened by
 * `active`. */
static void writer_waits_again_when_the_reader_has_opened_the_room(void **state)
{
	struct fasttrace_arena *a = start("told", "FASTTRACE_BLOCK_TIMEOUT=300ms");
	int64_t took;

	(void)state;
	assert_true(tell('r') >= 300 * NS_PER_MS);
	consume(a, 1);
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_ACTIVE), 0);
	tell('b');
	assert_int_equal(stats(a).readable, RING);
	took = tell('a');
	assert_true(took >= 300 * NS_PER_MS);
	fasttrace_arena_close(a);
}

static void boundary_wakes_the_reader_that_asked_for_it(void **state)
{
	struct fasttrace_arena *a = start("told", "FASTTRACE_BLOCK_TIMEOUT=inf");
	uint32_t ticket = fasttrace_arena_ticket(a);

	(void)state;
	tell('b'); /* nobody asked */
	assert_int_equal(fasttrace_arena_wait(a, ticket, 1000000), -ETIMEDOUT);
	fasttrace_buffer_watch(a, 0);
	fixture_say('b');
	assert_int_equal(fasttrace_arena_wait(a, ticket, UINT64_C(30000000000)), 0);
	assert_int_equal(fixture_hear(), '.');
	ticket = fasttrace_arena_ticket(a);
	tell('b'); /* the request was used up */
	assert_int_equal(fasttrace_arena_wait(a, ticket, 1000000), -ETIMEDOUT);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(put_wakes_the_writer_at_once),
		TEST(writer_waits_for_a_consumer_as_for_a_daemon),
		TEST(writer_goes_on_when_the_daemon_is_killed),
		TEST(writer_goes_on_when_the_reader_is_killed),
		TEST(writer_without_anybody_never_waits),
		TEST(timeout_is_waited_once_and_not_for_each_event),
		TEST(timeout_of_zero_drops),
		TEST(writer_waits_again_once_there_was_room),
		TEST(writer_waits_again_when_the_reader_has_opened_the_room),
		TEST(boundary_wakes_the_reader_that_asked_for_it),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
