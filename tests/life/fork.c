/* SPDX-License-Identifier: MIT */
/* fork.c - parent and child record apart, by fork() and raw clone(); neither leaks into the other.
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "common.h"
#include "ft-layout.h"

#define CHILDREN 50
#define FORKS	 1000
#define CLONES	 20
#define DEPTH	 12

/* All that has been written to our arena. */
static unsigned char *arena_copy(size_t *bytes)
{
	struct ft_arena a;
	unsigned char *copy;
	char path[512];
	int fd;

	strcpy(fixture_dir, getenv("FASTTRACE_DIR"));
	fixture_arena_path(getpid(), path, sizeof(path));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || pread(fd, &a, sizeof(a), 0) != sizeof(a))
		_exit(10);
	*bytes = a.buffers_offset + a.buffers_end;
	copy = malloc(*bytes);
	if (!copy || pread(fd, copy, *bytes, 0) != (ssize_t)*bytes)
		_exit(11);
	close(fd);
	return copy;
}

/* Child i writes i events, then one of a site that its parent never passed. */
static _Noreturn void server_child(uint64_t i)
{
	for (uint64_t n = 1; n <= i; n++)
		trace(n);
	FASTTRACE(test, child_end, (n, i));
	if (i % 2)
		raise(SIGKILL);
	_exit(0);
}

static void body_server(void)
{
	unsigned char *before, *after;
	size_t bytes, bytes_after;
	pid_t pids[CHILDREN];

	trace(1);
	trace(2);
	before = arena_copy(&bytes);
	for (uint64_t i = 0; i < CHILDREN; i++) {
		pids[i] = fork();
		if (!pids[i])
			server_child(i);
	}
	for (int i = 0; i < CHILDREN; i++)
		wait_child(pids[i]);
	after = arena_copy(&bytes_after);
	body_say(bytes == bytes_after && !memcmp(before, after, bytes) ? '=' : '!');
	for (int i = 0; i < CHILDREN; i++) {
		if (write(atoi(getenv("FIXTURE_OUT")), &pids[i], sizeof(pids[i])) < 0)
			_exit(12);
	}
	trace(3);
	body_stand();
}

static pid_t hear_pid(void)
{
	pid_t pid;
	unsigned char *p = (unsigned char *)&pid;

	for (size_t i = 0; i < sizeof(pid); i++)
		p[i] = (unsigned char)fixture_hear();
	return pid;
}

static void pre_fork_server(void **state)
{
	pid_t server = fixture_spawn("server", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '='); /* not a byte of the parent's arena has changed */
	for (uint64_t i = 0; i < CHILDREN; i++) {
		uint64_t values[CHILDREN + 1];
		pid_t child = hear_pid();

		assert_int_equal(stats_of(child).begun, i + 1);
		assert_int_equal(stats_of(child).readable, i + 1);
		assert_int_equal(values_take(child, values, CHILDREN + 1), i + 1);
		for (uint64_t n = 0; n < i; n++)
			assert_int_equal(values[n], n + 1);
		assert_int_equal(values[i], i);
	}
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), CHILDREN + 1);
	assert_values(server, 1, 2, 3);
}

/* Children come and go: of each kind, and with clean exits, so that no arena stays. */
static void body_loop(void)
{
	unsigned maps, fds;

	trace(0);
	maps = mappings();
	fds = descriptors();
	for (uint64_t i = 1; i <= FORKS; i++) {
		pid_t pid = i % 4 ? fork() : (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

		if (!pid && i % 8 == 1)
			exit(0); /* without an event */
		if (!pid) {
			trace(i);
			if (descriptors() != fds)
				body_say('d');
			exit(0);
		}
		wait_child(pid);
	}
	body_say(mappings() == maps ? '=' : 'm');
	body_say(descriptors() == fds ? '=' : 'd');
	body_say(files() == 1 ? '=' : 'f');
	trace(1);
	body_stand();
}

static void thousand_forks_leak_nothing(void **state)
{
	pid_t pid = fixture_spawn("loop", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '.');
	assert_values(pid, 0, 1);
}

/* Each generation traces and forks the next, which must not have more in its hands. */
static void body_generations(void)
{
	unsigned maps = 0, fds = 0;

	for (uint64_t depth = 0; depth < DEPTH; depth++) {
		pid_t pid;

		trace(depth);
		if (depth == 1) {
			maps = mappings();
			fds = descriptors();
		}
		if (depth > 1 && (mappings() != maps || descriptors() != fds))
			body_say('!');
		pid = fork();
		if (pid) {
			wait_child(pid);
			_exit(0);
		}
	}
	body_say('.');
	_exit(0);
}

static void generations_leak_nothing(void **state)
{
	pid_t pid = fixture_spawn("generations", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	fixture_wait(pid);
	assert_int_equal(files(), DEPTH);
}

static void body_clones(void)
{
	trace(1000);
	for (uint64_t i = 0; i < CLONES; i++) {
		long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

		if (!pid) {
			trace(i);
			FASTTRACE(test, clone, (n, i + 1));
			_exit(0);
		}
		if (i == CLONES - 1 &&
		    write(atoi(getenv("FIXTURE_OUT")), &(pid_t){(pid_t)pid}, 4) < 0)
			_exit(9);
		wait_child((pid_t)pid);
	}
	trace(1001);
	body_stand();
}

static void raw_clone_records_in_an_arena_of_its_own(void **state)
{
	pid_t pid = fixture_spawn("clones", NULL), last = hear_pid();

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), CLONES + 1);
	assert_values(last, CLONES - 1, CLONES);
	assert_false(arena_alive(last));
	assert_values(pid, 1000, 1001);
	assert_true(arena_alive(pid));
}

/* Fork while other threads trace for the first time: no child may keep its parent alive. */
static void *first_event(void *arg)
{
	trace((uintptr_t)arg);
	return NULL;
}

static void body_race(void)
{
	pthread_t id[8];

	for (uintptr_t i = 0; i < 8; i++)
		pthread_create(&id[i], NULL, first_event, (void *)i);
	if (!fork())
		wait_for_test_end();
	for (int i = 0; i < 8; i++)
		pthread_join(id[i], NULL);
	body_stand();
}

static void fork_while_the_arena_is_made(void **state)
{
	(void)state;
	for (int i = 0; i < 50; i++) {
		pid_t pid = fixture_spawn("race", NULL);
		struct fasttrace_arena *a;

		assert_int_equal(fixture_hear(), '.');
		a = fixture_open(pid, 0);
		assert_int_equal(fixture_begun(a), 8);
		assert_true(fasttrace_arena_alive(a));
		fixture_kill(pid);
		assert_false(fasttrace_arena_alive(a));
		fasttrace_arena_close(a);
	}
}

/* In a child another thread traces before the one that forked, which has a stale pointer. */
static _Noreturn void child_with_a_thread(void)
{
	pthread_t id;

	pthread_create(&id, NULL, first_event, (void *)(uintptr_t)2);
	pthread_join(id, NULL);
	pthread_create(&id, NULL, first_event, (void *)(uintptr_t)3);
	trace(4);
	pthread_join(id, NULL);
	body_say('c');
	wait_for_test_end();
}

static void body_stale(void)
{
	pid_t pid;

	trace(1);
	pid = fork();
	if (!pid)
		child_with_a_thread();
	body_hear();
	kill(pid, SIGKILL);
	wait_child(pid);
}

static void threads_of_a_child_do_not_share_a_buffer(void **state)
{
	pid_t pid = fixture_spawn("stale", NULL), child;
	struct fasttrace_buffer_info info;
	struct fasttrace_arena *a;
	unsigned main_threads = 0;

	(void)state;
	assert_int_equal(fixture_hear(), 'c');
	child = arena_pid(pid);
	a = fixture_open(child, 0);
	assert_true(fasttrace_arena_buffers(a) >= 2);
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		assert_int_equal(fasttrace_buffer_get_info(a, i, &info), 0);
		main_threads += info.tid == (uint32_t)child;
	}
	assert_int_equal(main_threads, 1);
	assert_int_equal(fixture_begun(a), 3);
	fasttrace_arena_close(a);
}

/* A handler forks while its thread waits for room: the child goes on without waiting for ever. */
static volatile sig_atomic_t in_child;

static void fork_once(int sig)
{
	int status;
	pid_t pid;

	signal(sig, SIG_DFL);
	pid = fork();
	if (!pid) {
		in_child = 1;
		alarm(30); /* ends it */
		return;
	}
	waitpid(pid, &status, 0);
	body_say(status ? '!' : '=');
}

static void body_waits(void)
{
	trace(0);
	body_stand();
	signal(SIGALRM, fork_once);
	ualarm(50000, 0);
	for (uint64_t n = 1;; n++) {
		trace(n);
		if (in_child)
			_exit(0);
	}
}

static void child_does_not_wait_for_its_parents_reader(void **state)
{
	pid_t pid = fixture_spawn_env("waits", "FASTTRACE_MODE=block", "FASTTRACE_SUBBUFS=2",
				      "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_BLOCK_TIMEOUT=inf");
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME); /* that does not read */
	fixture_say('x');
	assert_int_equal(fixture_hear(), '=');
	fasttrace_arena_close(a);
}

static const struct fixture_body bodies[] = {
	{"waits", body_waits},	 {"server", body_server},
	{"loop", body_loop},	 {"generations", body_generations},
	{"clones", body_clones}, {"race", body_race},
	{"stale", body_stale},	 {NULL, NULL}};

LIFE_MAIN(TEST(pre_fork_server), TEST(thousand_forks_leak_nothing), TEST(generations_leak_nothing),
	  TEST(child_does_not_wait_for_its_parents_reader),
	  TEST(raw_clone_records_in_an_arena_of_its_own), TEST(fork_while_the_arena_is_made),
	  TEST(threads_of_a_child_do_not_share_a_buffer))
