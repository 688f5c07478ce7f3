/* SPDX-License-Identifier: MIT */
/*
 * vfork.c - children that borrow our memory for a while: vfork(), clone(CLONE_VM | CLONE_VFORK),
 * posix_spawn(). They may trace, as a handler may; nothing of theirs stays.
 */
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>

#include "common.h"

#define STACK_BYTES 65536

extern char **environ;

static __attribute__((noinline)) void trace_apart(uint64_t n)
{
	FASTTRACE(test, apart, (n, n));
}

static int child_once(void *arg)
{
	trace_apart(*(uint64_t *)arg);
	_exit(0);
}

static int child_exec(void *arg)
{
	trace_apart(*(uint64_t *)arg);
	execl("/bin/true", "true", (char *)NULL);
	_exit(127);
}

static int child_exit(void *arg)
{
	(void)arg;
	exit(0);
}

/* A child with a stack of its own, in our memory. */
static void borrow(int (*run)(void *), uint64_t n)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	pid_t pid = clone(run, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, &n);

	if (pid < 0)
		_exit(9);
	wait_child(pid);
}

/* Events of children between ours, in our thread's buffer. */
static void body_exec(void)
{
	pid_t pid;

	trace(1);
	pid = vfork();
	if (!pid) {
		trace(2);
		execl("/bin/true", "true", (char *)NULL);
		_exit(127);
	}
	wait_child(pid);
	borrow(child_exec, 3);
	trace(4);
	body_stand();
}

static void child_traces_into_its_parents_buffer(void **state)
{
	pid_t pid = fixture_spawn("exec", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), 1);
	a = fixture_open(pid, 0);
	assert_true(fasttrace_arena_alive(a));
	assert_int_equal(fasttrace_arena_buffers(a), 1);
	fasttrace_arena_close(a);
	assert_values(pid, 1, 2, 3, 4);
}

/* The first event of the process, and of that site, is a borrower's. */
static void body_first(void)
{
	pid_t pid = vfork();

	if (!pid) {
		trace_apart(1);
		_exit(0);
	}
	wait_child(pid);
	borrow(child_once, 2);
	borrow(child_exec, 3);
	body_say((char)('0' + files()));
	body_hear();
	trace_apart(4);
	body_stand();
}

static void first_event_of_all_in_a_child(void **state)
{
	pid_t pid = fixture_spawn("first", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '0');
	assert_int_equal(arena_pid(0), 0);
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), 1);
	assert_int_equal(stats_of(pid).begun, 4);
	assert_int_equal(stats_of(pid).lost_no_buffer, 3);
	assert_true(arena_alive(pid));
	assert_values(pid, 4);
}

/* The arena is there, but this thread has no buffer yet. */
static void *thread_first(void *arg)
{
	borrow(child_once, 2);
	trace_apart(3);
	*(uint32_t *)arg = (uint32_t)syscall(SYS_gettid);
	body_stand();
	return NULL;
}

static void body_thread(void)
{
	uint32_t tid = 0;
	pthread_t id;

	trace_apart(1);
	pthread_create(&id, NULL, thread_first, &tid);
	pthread_join(id, NULL);
}

static void first_event_of_a_thread_in_a_child(void **state)
{
	pid_t pid = fixture_spawn("thread", NULL);
	struct fasttrace_buffer_info info;
	struct fasttrace_arena *a;
	char task[64];

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(stats_of(pid).lost_no_buffer, 1);
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_int_equal(fasttrace_buffer_get_info(a, 1, &info), 0);
	snprintf(task, sizeof(task), "/proc/%d/task/%u", (int)pid, info.tid);
	assert_int_equal(access(task, F_OK), 0); /* not the child's */
	fasttrace_arena_close(a);
	assert_values(pid, 1, 3);
}

/* A forked child that has not traced yet, and its own borrower. */
static void body_fork_first(void)
{
	pid_t pid;

	trace_apart(1);
	pid = fork();
	if (!pid) {
		borrow(child_once, 2);
		body_say((char)('0' + files()));
		trace_apart(3);
		body_say('c');
		wait_for_test_end();
	}
	body_hear();
	kill(pid, SIGKILL);
	wait_child(pid);
}

static void first_event_of_a_forked_child_in_its_child(void **state)
{
	pid_t pid = fixture_spawn("fork_first", NULL), child;

	(void)state;
	assert_int_equal(fixture_hear(), '1');
	assert_int_equal(fixture_hear(), 'c');
	assert_int_equal(files(), 2);
	child = arena_pid(pid);
	assert_true(arena_alive(child));
	assert_int_equal(stats_of(child).lost_no_buffer, 1);
	assert_values(child, 3);
	assert_values(pid, 1);
}

/* exit() in a borrower is a mistake that programs make: it is not our end. */
static void body_exit(void)
{
	trace(1);
	borrow(child_exit, 0);
	trace(2);
	body_stand();
}

static void exit_of_a_borrower_is_not_our_end(void **state)
{
	pid_t pid = fixture_spawn("exit", NULL);
	int code;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(end_of(pid, &code), FASTTRACE_RUNNING);
	assert_values(pid, 1, 2);
	fixture_kill(pid);
	assert_int_equal(end_of(pid, &code), FASTTRACE_ENDED);
}

static void body_one(void)
{
	trace(10);
	_exit(0);
}

static void spawn_one(void)
{
	char *argv[] = {(char *)"traced", (char *)"--body", (char *)"one", NULL};
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ))
		_exit(9);
	wait_child(pid);
}

static void body_spawn(void)
{
	spawn_one();
	body_say((char)('0' + files()));
	trace(1);
	spawn_one();
	trace(2);
	body_stand();
}

static void spawned_programs_have_their_own(void **state)
{
	pid_t pid = fixture_spawn("spawn", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '1');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), 3);
	assert_values(arena_pid(pid), 10);
	assert_values(pid, 1, 2);
}

static void body_loop(void)
{
	unsigned maps, fds;

	trace_apart(0);
	borrow(child_once, 1);
	maps = mappings();
	fds = descriptors();
	for (uint64_t i = 2; i < 1000; i++)
		borrow(i % 20 ? child_once : child_exec, i);
	body_say(mappings() == maps && descriptors() == fds ? '=' : '!');
	body_stand();
}

static void thousand_borrowers_leak_nothing(void **state)
{
	static uint64_t values[1001];
	pid_t pid = fixture_spawn("loop", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '=');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), 1);
	assert_int_equal(values_take(pid, values, 1001), 1000);
	for (uint64_t i = 0; i < 1000; i++)
		assert_int_equal(values[i], i);
}

static const struct fixture_body bodies[] = {
	{"exec", body_exec}, {"first", body_first}, {"thread", body_thread},
	{"one", body_one},   {"spawn", body_spawn}, {"fork_first", body_fork_first},
	{"exit", body_exit}, {"loop", body_loop},   {NULL, NULL}};

LIFE_MAIN(TEST(child_traces_into_its_parents_buffer), TEST(first_event_of_all_in_a_child),
	  TEST(first_event_of_a_thread_in_a_child),
	  TEST(first_event_of_a_forked_child_in_its_child), TEST(exit_of_a_borrower_is_not_our_end),
	  TEST(spawned_programs_have_their_own), TEST(thousand_borrowers_leak_nothing))
