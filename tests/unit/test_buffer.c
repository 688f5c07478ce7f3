/* SPDX-License-Identifier: MIT */
/* test_buffer.c - rings of threads: claimed, given back, reused within the bounds. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"

static void trace(uint64_t n)
{
	FASTTRACE(test, number, (n, n));
}

static void *short_thread(void *arg)
{
	for (uintptr_t i = 0; i < 10; i++)
		trace((uintptr_t)arg * 10 + i);
	return NULL;
}

static void body_short_threads(void)
{
	for (uintptr_t i = 0; i < 3000; i++) {
		pthread_t id;

		pthread_create(&id, NULL, short_thread, (void *)i);
		pthread_join(id, NULL);
	}
	body_say('.');
	body_hear();
}

static pthread_barrier_t barrier;

static void *long_thread(void *arg)
{
	trace((uintptr_t)arg);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void body_some_short_threads(void)
{
	for (uintptr_t i = 0; i < 200; i++) {
		pthread_t id;

		pthread_create(&id, NULL, short_thread, (void *)i);
		pthread_join(id, NULL);
	}
	body_say('.');
	body_hear();
}

static void body_thousand_threads(void)
{
	static pthread_t id[1000];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_barrier_init(&barrier, NULL, 1001);
	for (uintptr_t i = 0; i < 1000; i++)
		pthread_create(&id[i], &attr, long_thread, (void *)i);
	pthread_barrier_wait(&barrier);
	body_say('.');
	body_hear();
	_exit(0);
}

static void *hundred_and_wait(void *arg)
{
	for (uintptr_t i = 0; i < 100; i++)
		trace(i);
	body_say('.');
	body_hear();
	return arg;
}

static void body_hundred_then_one(void)
{
	pthread_t id;

	pthread_create(&id, NULL, hundred_and_wait, NULL);
	pthread_join(id, NULL);
	pthread_create(&id, NULL, short_thread, (void *)7);
	pthread_join(id, NULL);
	body_say('.');
	body_hear();
}

static pthread_key_t key;

static void late_destructor(void *arg)
{
	trace((uintptr_t)arg);
	if ((uintptr_t)arg < 3)
		pthread_setspecific(key, (void *)((uintptr_t)arg + 1));
}

static void *thread_with_destructor(void *arg)
{
	(void)arg;
	trace(0);
	pthread_setspecific(key, (void *)1);
	return NULL;
}

static void body_destructors(void)
{
	pthread_t id;

	trace(100); /* the library's key is made before ours: its destructor runs first */
	pthread_key_create(&key, late_destructor);
	pthread_create(&id, NULL, thread_with_destructor, NULL);
	pthread_join(id, NULL);
	body_say('.');
	body_hear();
}

static const struct fixture_body bodies[] = {
	{"short_threads", body_short_threads},
	{"some_short_threads", body_some_short_threads},
	{"thousand_threads", body_thousand_threads},
	{"destructors", body_destructors},
	{"hundred_then_one", body_hundred_then_one},
	{NULL, NULL},
};

static void short_threads_reuse_buffers_within_the_bound(void **state)
{
	const char *const modes[] = {"FASTTRACE_MODE=overwrite", "FASTTRACE_MODE=discard"};

	(void)state;
	for (int m = 0; m < 2; m++) {
		pid_t pid = fixture_spawn_env("short_threads", "FASTTRACE_MAX_MEMORY=4M", modes[m]);
		struct fasttrace_buffer_info info;
		struct fasttrace_arena *a;
		char path[512];
		struct stat st;

		assert_int_equal(fixture_hear(), '.');
		a = fixture_open(pid, 0);
		assert_int_equal(fixture_begun(a), 30000);
		assert_true(fasttrace_arena_buffers(a) < 60);
		assert_true(fasttrace_arena_buffers(a) > 10);
		assert_int_equal(fasttrace_buffer_get_info(a, 0, &info), 0);
		assert_false(info.live);
		if (m == 0) /* each of them is the last of a thread */
			assert_int_equal(fixture_readable(a), 10 * fasttrace_arena_buffers(a));
		assert_true(fixture_arena_path(pid, path, sizeof(path)));
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_blocks * 512 < 5 << 20);
		fasttrace_arena_close(a);
		fixture_kill(pid);
	}
}

static void drain(struct fasttrace_arena *a)
{
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;
		struct fasttrace_packet p;
		uint64_t seq;

		if (fasttrace_buffer_get_info(a, i, &info))
			continue;
		if (!info.live)
			fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH);
		while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL) &&
		       !fasttrace_buffer_get(a, i, info.serial, seq, &p))
			fasttrace_buffer_put(a, i, &p);
	}
}

static void in_block_mode_a_thread_waits_for_an_ended_ones_buffer(void **state)
{
	int served = fixture_serve_dir();
	pid_t pid = fixture_spawn_env("some_short_threads", "FASTTRACE_MAX_MEMORY=512K",
				      "FASTTRACE_MODE=block", "FASTTRACE_BLOCK_TIMEOUT=20s");
	struct fasttrace_arena *a = NULL;
	struct fasttrace_stats s;
	char path[512];

	(void)state;
	while (!a)
		if (fixture_arena_path(pid, path, sizeof(path)))
			fasttrace_arena_open(AT_FDCWD, path, FASTTRACE_OPEN_CONSUME, &a, NULL);
	for (s.begun = 0; s.begun < 2000; fasttrace_arena_stats(a, &s))
		drain(a);
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(fixture_begun(a), 2000);
	assert_int_equal(s.lost_no_buffer, 0);
	assert_true(fasttrace_arena_buffers(a) < 10);
	fasttrace_arena_close(a);
	close(served);
}

static void a_thousand_threads_fit(void **state)
{
	pid_t pid = fixture_spawn("thousand_threads", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_buffers(a), 1000);
	assert_int_equal(fixture_readable(a), 1000);
	fasttrace_arena_close(a);
}

static void destructors_that_trace_late_go_on_in_the_same_buffer(void **state)
{
	pid_t pid = fixture_spawn("destructors", NULL);
	struct fasttrace_buffer_info info;
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_int_equal(fasttrace_buffer_get_info(a, 1, &info), 0);
	assert_int_equal(fixture_begun(a), 5);
	assert_int_equal(fixture_readable(a), 5);
	assert_false(info.live);
	fasttrace_arena_close(a);
}

static void buffer_with_unread_events_is_not_reused_in_discard_mode(void **state)
{
	pid_t pid = fixture_spawn_env("hundred_then_one", "FASTTRACE_MODE=discard",
				      "FASTTRACE_MAX_MEMORY=128K");
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(fasttrace_buffer_switch(a, 0, fixture_owner(a, 0), FASTTRACE_ACTIVE), 0);
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.readable, 100);
	assert_int_equal(s.overwritten, 0);
	assert_int_equal(s.lost_no_buffer, 10);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(short_threads_reuse_buffers_within_the_bound),
		TEST(in_block_mode_a_thread_waits_for_an_ended_ones_buffer),
		TEST(a_thousand_threads_fit),
		TEST(destructors_that_trace_late_go_on_in_the_same_buffer),
		TEST(buffer_with_unread_events_is_not_reused_in_discard_mode),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
