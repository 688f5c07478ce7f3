/* SPDX-License-Identifier: MIT */
/*
 * test_geometry.c - the size of rings to come: as it is written, as a word, as threads get it, and
 * what becomes of rings of another size.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-reader.h"

#define K UINT64_C(1024)

static void *thread_of_one_event(void *arg)
{
	FASTTRACE(test, number, (n, (uint64_t)(uintptr_t)arg));
	return arg;
}

static void one_thread(void *(*run)(void *arg))
{
	pthread_t id;

	pthread_create(&id, NULL, run, NULL);
	pthread_join(id, NULL);
}

static void *thread_that_stays(void *arg)
{
	thread_of_one_event(arg);
	body_say('.');
	for (;;)
		pause();
	return NULL;
}

static void *thread_that_waits(void *arg)
{
	body_say('.');
	body_hear();
	return thread_of_one_event(arg);
}

/* t: a thread that ends; s: one that stays; w: one that waits and ends; f: a child. */
static void body_obeys(void)
{
	pthread_t id;
	int what;

	thread_of_one_event(NULL);
	body_say('.');
	while ((what = body_hear()) > 0) {
		if (what == 's') {
			pthread_create(&id, NULL, thread_that_stays, NULL);
			continue; /* which says so itself */
		}
		if (what == 't')
			one_thread(thread_of_one_event);
		if (what == 'w')
			one_thread(thread_that_waits);
		if (what == 'f' && !fork()) {
			thread_of_one_event(NULL);
			_exit(0);
		}
		while (waitpid(-1, NULL, 0) > 0)
			;
		body_say('.');
	}
}

static const struct fixture_body bodies[] = {{"obeys", body_obeys}, {NULL, NULL}};

static struct fasttrace_arena *start(const char *memory)
{
	pid_t pid = fixture_spawn_env("obeys", "FASTTRACE_SUBBUF_SIZE=8K", "FASTTRACE_SUBBUFS=4",
				      memory);

	assert_int_equal(fixture_hear(), '.');
	return fixture_open(pid, FASTTRACE_OPEN_CONSUME);
}

static void order(char what)
{
	fixture_say(what);
	assert_int_equal(fixture_hear(), '.');
}

static int set(struct fasttrace_arena *a, uint64_t subbuf_bytes, uint32_t subbufs)
{
	return fasttrace_geometry_set(a, &(struct fasttrace_geometry){subbuf_bytes, subbufs});
}

static void is_set(struct fasttrace_arena *a, uint64_t subbuf_bytes, uint32_t subbufs)
{
	struct fasttrace_geometry g;

	assert_int_equal(fasttrace_geometry_get(a, &g), 0);
	assert_int_equal(g.subbuf_bytes, subbuf_bytes);
	assert_int_equal(g.subbufs, subbufs);
}

static void buffer_is(struct fasttrace_arena *a, unsigned index, uint64_t subbuf_bytes,
		      uint32_t subbufs)
{
	struct fasttrace_buffer_info info;

	assert_int_equal(fasttrace_buffer_get_info(a, index, &info), 0);
	assert_int_equal(info.subbuf_bytes, subbuf_bytes);
	assert_int_equal(info.subbufs, subbufs);
}

static bool parsed(const char *text, uint64_t *n)
{
	return ft_number_parse(text, strlen(text), n);
}

static void numbers_take_a_suffix(void **state)
{
	static const struct {
		const char *text;
		uint64_t n;
	} good[] = {{"0", 0},
		    {"4096", 4096},
		    {"4k", 4096},
		    {"1M", K * K},
		    {"16m", 16 * K * K},
		    {"1G", K * K * K},
		    {"18446744073709551615", UINT64_MAX},
		    {"17179869183G", UINT64_MAX - (K * K * K - 1)}};
	static const char *const bad[] = {
		"",	 "K",	"4KK",	       "4 K", " 4",
		"-1",	 "0x4", "4T",	       "4.0", "18446744073709551616",
		"4\xcb", "4\v", "17179869184G"};
	uint64_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		assert_true(parsed(good[i].text, &n));
		assert_int_equal(n, good[i].n);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (parsed(bad[i], &n))
			fail_msg("\"%s\" is taken", bad[i]);
	assert_true(ft_number_parse("64K", 2, &n));
	assert_int_equal(n, 64);
}

static void what_is_out_of_bounds_changes_nothing(void **state)
{
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=1G"), *other;

	(void)state;
	is_set(a, 8 * K, 4);
	assert_int_equal(set(a, 2 * K, 4), -EINVAL);
	assert_int_equal(set(a, 32 * K * K, 4), -EINVAL);
	assert_int_equal(set(a, 12 * K, 4), -EINVAL);
	assert_int_equal(set(a, 0, 4), -EINVAL);
	assert_int_equal(set(a, 8 * K, 1), -EINVAL);
	assert_int_equal(set(a, 8 * K, 8192), -EINVAL);
	assert_int_equal(set(a, 8 * K, 3), -EINVAL);
	assert_int_equal(set(a, 16 * K * K, 32),
			 -ENOSPC); /* with the spare, and its control block */
	is_set(a, 8 * K, 4);
	assert_int_equal(set(a, 16 * K * K, 16), 0);
	assert_int_equal(set(a, 4 * K, 4096), 0);
	assert_int_equal(set(a, 4 * K, 2), 0);
	other = fixture_open((pid_t)fasttrace_arena_info(a)->pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(set(other, 8 * K, 4), -EBUSY);
	is_set(other, 4 * K, 2);
	fasttrace_arena_close(other);
	fasttrace_arena_close(a);
}

/* As large as all of it: there is no half that it could be past of. */
static void a_ring_no_larger_than_a_small_one_may_take_it_all(void **state)
{
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=96K");

	(void)state;
	assert_int_equal(set(a, 32 * K, 2), -ENOSPC);
	assert_int_equal(set(a, 16 * K, 4), 0);
	assert_int_equal(set(a, 16 * K, 8), -ENOSPC);
	fasttrace_arena_close(a);
}

static void threads_to_come_have_it_and_those_there_are_keep_theirs(void **state)
{
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=64M");

	(void)state;
	order('s');
	assert_int_equal(set(a, 1024 * K, 8), 0);
	order('s');
	assert_int_equal(set(a, 4 * K, 64), 0);
	order('s');
	buffer_is(a, 0, 8 * K, 4);
	buffer_is(a, 1, 8 * K, 4);
	buffer_is(a, 2, 1024 * K, 8);
	buffer_is(a, 3, 4 * K, 64);
	assert_int_equal(fixture_readable(a), 4);
	fasttrace_arena_close(a);
}

static void a_forked_child_begins_with_what_was_set(void **state)
{
	int served = fixture_serve_dir(); /* else it takes its arena with it */
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=64M"), *child = NULL;
	pid_t parent = (pid_t)fasttrace_arena_info(a)->pid;
	char path[512];

	(void)state;
	assert_int_equal(set(a, 64 * K, 16), 0);
	order('f');
	for (pid_t pid = parent + 1; !child; pid = pid % (1 << 22) + 1)
		if (pid != parent && fixture_arena_path(pid, path, sizeof(path)))
			child = fixture_open(pid, 0);
	is_set(child, 64 * K, 16);
	buffer_is(child, 0, 64 * K, 16);
	fasttrace_arena_close(child);
	fasttrace_arena_close(a);
	close(served);
}

/* Elsewhere a compare-and-swap may be a loop that single steps never get out of. */
#ifdef __x86_64__
#define STEPS true
#else
#define STEPS false
#endif

/* Let thread `tid`, which is stopped, go on for one instruction. False: it has ended. */
static bool step(pid_t tid)
{
	int status;

	ptrace(PTRACE_SINGLESTEP, tid, NULL, NULL);
	return waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status);
}

/* Whenever who sets it dies: what stands there was set. */
static void at_no_instruction_a_half_is_set(void **state)
{
	const uint64_t before = ft_geometry_word(ft_geometry_make(8 * K, 4));
	const uint64_t after = ft_geometry_word(ft_geometry_make(64 * K, 2));
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=64M");
	uint64_t now = before;
	unsigned changes = 0;
	pid_t pid;

	(void)state;
	if (!STEPS)
		skip();
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		set(a, 64 * K, 2); /* the consumer's lock is inherited */
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	while (step(pid)) {
		changes += now != a->shared->geometry;
		now = a->shared->geometry;
		if (now != before && now != after)
			fail_msg("%" PRIx64, now);
	}
	assert_int_equal(now, after);
	assert_int_equal(changes, 1);
	fasttrace_arena_close(a);
}

static pid_t second_thread(pid_t pid)
{
	char path[64];
	struct dirent *d;
	pid_t tid = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		if (atoi(d->d_name) && atoi(d->d_name) != pid)
			tid = atoi(d->d_name);
	closedir(dir);
	return tid;
}

/* It is changed after each instruction of a thread that makes its ring. */
static void at_no_instruction_a_thread_gets_a_mix(void **state)
{
	const uint64_t pairs[] = {ft_geometry_word(ft_geometry_make(4 * K, 32)),
				  ft_geometry_word(ft_geometry_make(64 * K, 2))};
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=64M");
	struct fasttrace_buffer_info info;
	unsigned seen[2] = {0, 0};

	(void)state;
	if (!STEPS)
		skip();
	for (unsigned n = 1; n <= 8; n++) {
		pid_t tid;
		unsigned i = n;

		order('w');
		tid = second_thread((pid_t)fasttrace_arena_info(a)->pid);
		ptrace(PTRACE_SEIZE, tid, NULL, NULL);
		ptrace(PTRACE_INTERRUPT, tid, NULL, NULL);
		waitpid(tid, NULL, __WALL);
		fixture_say('x');
		while (step(tid))
			a->shared->geometry = pairs[i++ % 2];
		assert_int_equal(fixture_hear(), '.');
		assert_int_equal(fasttrace_buffer_get_info(a, n, &info), 0);
		assert_int_equal(info.subbufs, info.subbuf_bytes == 4 * K ? 32 : 2);
		seen[info.subbufs == 2]++;
	}
	assert_true(seen[0] && seen[1]);
	fasttrace_arena_close(a);
}
/* Rings of this size whose threads are over. */
static unsigned dead_rings(struct fasttrace_arena *a, uint64_t subbuf_bytes)
{
	struct fasttrace_buffer_info info;
	unsigned n = 0;

	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
		if (!fasttrace_buffer_get_info(a, i, &info) && info.subbuf_bytes == subbuf_bytes)
			n += !info.live;
	return n;
}

static uint64_t newest_tid_bytes(struct fasttrace_arena *a)
{
	struct fasttrace_buffer_info info, newest = {.serial = 0};

	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
		if (!fasttrace_buffer_get_info(a, i, &info) && info.serial > newest.serial)
			newest = info;
	return newest.subbuf_bytes;
}

/* 512K: 8K rings of 44K up to half of it; then those of 4K, which are less than small ones. */
static void rings_of_the_size_that_is_wanted_are_reused_first_and_then_all(void **state)
{
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=512K");
	unsigned old, wanted;

	(void)state;
	for (int i = 0; i < 4; i++)
		order('t');
	old = dead_rings(a, 8 * K);
	assert_int_equal(set(a, 4 * K, 2), 0);
	for (int i = 0; i < 60; i++)
		order('t');
	assert_int_equal(old, 4);
	wanted = dead_rings(a, 4 * K);
	assert_true(wanted > 2);
	for (unsigned i = 0; i < 2 * wanted; i++) {
		order('t');
		assert_int_equal(newest_tid_bytes(a), 4 * K);
	}
	for (unsigned i = 0; i < wanted; i++) {
		order('s');
		assert_int_equal(newest_tid_bytes(a), 4 * K);
	}
	for (unsigned i = 0; i < old; i++) { /* none is lost for ever */
		order('s');
		assert_int_equal(newest_tid_bytes(a), 8 * K);
	}
	assert_int_equal(fasttrace_arena_buffers(a), 1 + old + wanted);
	fasttrace_arena_close(a);
}

static void a_word_that_lies_is_refused(void **state)
{
	static const uint64_t lies[] = {0,
					UINT64_MAX,
					UINT64_C(1) << 32 | 11,
					UINT64_C(1) << 32 | 25,
					UINT64_C(13) << 32 | 12,
					12,
					UINT64_C(1) << 63 | 12};
	struct fasttrace_arena *a = start("FASTTRACE_MAX_MEMORY=64M"), *other;
	struct fasttrace_geometry g;
	const char *why = NULL;
	char path[512];

	(void)state;
	assert_true(fixture_arena_path((pid_t)fasttrace_arena_info(a)->pid, path, sizeof(path)));
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		a->shared->geometry = lies[i];
		assert_int_equal(fasttrace_geometry_get(a, &g), -EPROTO);
		assert_int_equal(fasttrace_arena_open(AT_FDCWD, path, 0, &other, &why), -EPROTO);
		assert_string_equal(why, "its geometry is out of range");
	}
	assert_int_equal(set(a, 4 * K, 2),
			 0); /* both are given: what stands there does not matter */
	is_set(a, 4 * K, 2);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_take_a_suffix),
		TEST(what_is_out_of_bounds_changes_nothing),
		TEST(a_ring_no_larger_than_a_small_one_may_take_it_all),
		TEST(threads_to_come_have_it_and_those_there_are_keep_theirs),
		TEST(a_forked_child_begins_with_what_was_set),
		TEST(at_no_instruction_a_half_is_set),
		TEST(at_no_instruction_a_thread_gets_a_mix),
		TEST(rings_of_the_size_that_is_wanted_are_reused_first_and_then_all),
		TEST(a_word_that_lies_is_refused),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
