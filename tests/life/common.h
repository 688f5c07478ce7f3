/* SPDX-License-Identifier: MIT */
/*
 * common.h - what the tests of a process's life share: an event with a number, what a process has
 * in its hands, what an arena directory holds.
 */
#ifndef LIFE_COMMON_H
#define LIFE_COMMON_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"
#include "unit/fixture.h"

static inline void trace(uint64_t n)
{
	FASTTRACE(test, number, (n, n));
}

static inline void wait_child(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The body has done its part: the test looks, then kills it, or says to go on. */
static inline void body_stand(void)
{
	body_say('.');
	body_hear();
}

/* Outlive our parent, but not the test, which holds the other end of the pipe. */
static inline _Noreturn void wait_for_test_end(void)
{
	struct pollfd end = {.fd = atoi(getenv("FIXTURE_IN"))};

	while (poll(&end, 1, -1) < 0)
		;
	_exit(0);
}

static inline unsigned entries(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;
	unsigned n = 0;

	while (dir && (d = readdir(dir)))
		n += strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
	if (dir)
		closedir(dir);
	return n;
}

/* Files in the arena directory, hidden ones too. */
static inline unsigned files(void)
{
	return entries(getenv("FASTTRACE_DIR"));
}

static inline unsigned descriptors(void)
{
	return entries("/proc/self/fd");
}

static inline unsigned mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	unsigned lines = 0;
	int c;

	while (f && (c = getc(f)) != EOF)
		lines += c == '\n';
	if (f)
		fclose(f);
	return lines;
}

/* The pid of an arena in the directory that is not `other`'s; 0: none. */
static inline pid_t arena_pid(pid_t other)
{
	DIR *dir = opendir(fixture_dir);
	struct dirent *d;
	pid_t pid = 0;

	while (dir && (d = readdir(dir))) {
		const char *dash = d->d_name[0] == '.' ? NULL : strchr(d->d_name, '-');

		if (dash && atoi(dash + 1) != other)
			pid = atoi(dash + 1);
	}
	if (dir)
		closedir(dir);
	return pid;
}

/* The values of all events of an arena, in the order of its buffers; they are consumed. */
static inline size_t values_take(pid_t pid, uint64_t *out, size_t max)
{
	struct fasttrace_arena *a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	struct fasttrace_packet packet;
	size_t n = 0, bytes;

	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		uint64_t serial = fixture_owner(a, i), seq = 0;

		fasttrace_buffer_switch(a, i, serial, FASTTRACE_FLUSH);
		while (!fasttrace_buffer_next(a, i, serial, seq, &seq, &bytes) &&
		       !fasttrace_buffer_get(a, i, serial, seq, &packet)) {
			n += fixture_values(&packet, out + n, max - n);
			fasttrace_buffer_put(a, i, &packet);
			seq++;
		}
	}
	fasttrace_arena_close(a);
	return n;
}

#define assert_values(pid, ...)                                                         \
	do {                                                                            \
		const uint64_t expected_[] = {__VA_ARGS__};                             \
		uint64_t values_[64];                                                   \
                                                                                        \
		assert_int_equal(values_take(pid, values_, 64), sizeof(expected_) / 8); \
		assert_memory_equal(values_, expected_, sizeof(expected_));             \
	} while (0)

static inline struct fasttrace_stats stats_of(pid_t pid)
{
	struct fasttrace_arena *a = fixture_open(pid, 0);
	struct fasttrace_stats stats;

	assert_int_equal(fasttrace_arena_stats(a, &stats), 0);
	assert_int_equal(fixture_begun(a), stats.begun);
	fasttrace_arena_close(a);
	return stats;
}

static inline bool arena_alive(pid_t pid)
{
	struct fasttrace_arena *a = fixture_open(pid, 0);
	bool alive = fasttrace_arena_alive(a);

	fasttrace_arena_close(a);
	return alive;
}

static inline enum fasttrace_end end_of(pid_t pid, int *code)
{
	struct fasttrace_arena *a = fixture_open(pid, 0);
	enum fasttrace_end end = fasttrace_arena_end(a, code);

	fasttrace_arena_close(a);
	return end;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
#define LIFE_MAIN(...)                                                               \
	int main(int argc, char **argv)                                              \
	{                                                                            \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                     \
		int body = fixture_main(argc, argv, bodies);                         \
                                                                                     \
		return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL); \
	}

#endif
