/* SPDX-License-Identifier: MIT */
/*
 * descriptors.c - we stand in none of the program's descriptors, and need none: it may close all of
 * them, or put its own over any number.
 */
#include <pthread.h>
#include <sys/syscall.h>

#include "common.h"

#define LAST_FD 40

/* Bit n: descriptor n is open. */
static uint64_t open_fds(void)
{
	uint64_t mask = 0;

	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			mask |= UINT64_C(1) << fd;
	return mask;
}

static void *thread_traces(void *arg)
{
	trace((uintptr_t)arg);
	FASTTRACE(test, other_site, (n, (uint64_t)(uintptr_t)arg + 1));
	return NULL;
}

static void thread_run(uintptr_t n)
{
	pthread_t id;

	pthread_create(&id, NULL, thread_traces, (void *)n);
	pthread_join(id, NULL);
}

/* The pipes to standard input and output, then nothing else. */
static void pipes_only(void)
{
	dup2(atoi(getenv("FIXTURE_IN")), 0);
	dup2(atoi(getenv("FIXTURE_OUT")), 1);
	setenv("FIXTURE_IN", "0", 1);
	setenv("FIXTURE_OUT", "1", 1);
	if (syscall(SYS_close_range, 3, ~0U, 0))
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
}

static void body_stands_in_none(void)
{
	uint64_t before = open_fds();

	trace(1);
	body_say(open_fds() == before ? '=' : '!');
	thread_run(2);
	body_say(open_fds() == before ? '=' : '!');
	if (!fork()) {
		trace(9);
		body_say(open_fds() == before ? '=' : '!');
		_exit(0);
	}
	while (wait(NULL) > 0)
		;
	body_stand();
}

static void we_stand_in_no_descriptor(void **state)
{
	pid_t pid = fixture_spawn("stands_in_none", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '.');
	assert_values(pid, 1, 2, 3);
}

static void body_close_range(void)
{
	trace(1);
	pipes_only();
	trace(2);
	thread_run(3);
	body_say(open_fds() == 7 ? '=' : '!');
	body_stand();
}

static void program_that_closes_all_goes_on(void **state)
{
	pid_t pid = fixture_spawn("close_range", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '.');
	assert_true(arena_alive(pid));
	assert_values(pid, 1, 2, 3, 4);
	fixture_kill(pid);
	assert_false(arena_alive(pid));
}

/* A file of its own under each number, with its number in it; also past its first event. */
static void body_reuse(void)
{
	unsigned bad = 0;
	char path[512];

	trace(1);
	pipes_only();
	snprintf(path, sizeof(path), "%s/file", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	for (int fd = 3; fd <= LAST_FD; fd++) {
		int own = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);

		if (own < 0 || write(own, &fd, sizeof(fd)) != sizeof(fd) || unlink(path))
			_exit(9);
		if (own != fd && (dup2(own, fd) != fd || close(own)))
			_exit(10);
	}
	trace(2);
	thread_run(3);
	for (int fd = 3; fd <= LAST_FD; fd++) {
		struct stat st;
		int n = 0;

		bad += fstat(fd, &st) || st.st_size != sizeof(n) ||
		       pread(fd, &n, sizeof(n), 0) != sizeof(n) || n != fd ||
		       lseek(fd, 0, SEEK_CUR) != sizeof(n);
	}
	body_say(bad ? '!' : '=');
	body_stand();
}

static void reused_numbers_are_not_touched(void **state)
{
	pid_t pid = fixture_spawn("reuse", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '.');
	assert_values(pid, 1, 2, 3, 4);
}

/* Threads come and go: of none does anything stay. */
static void body_threads(void)
{
	unsigned maps, fds;

	trace(0);
	thread_run(0);
	thread_run(0);
	maps = mappings();
	fds = descriptors();
	for (int i = 0; i < 500; i++)
		thread_run(0);
	body_say(mappings() == maps ? '=' : 'm');
	body_say(descriptors() == fds ? '=' : 'd');
	body_stand();
}

static void threads_leak_nothing(void **state)
{
	(void)state;
	fixture_spawn("threads", NULL);
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), 1);
}

static const struct fixture_body bodies[] = {{"stands_in_none", body_stands_in_none},
					     {"close_range", body_close_range},
					     {"reuse", body_reuse},
					     {"threads", body_threads},
					     {NULL, NULL}};

LIFE_MAIN(TEST(we_stand_in_no_descriptor), TEST(program_that_closes_all_goes_on),
	  TEST(reused_numbers_are_not_touched), TEST(threads_leak_nothing))
