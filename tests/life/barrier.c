/* SPDX-License-Identifier: MIT */
/*
 * barrier.c - who closes a sub-buffer has its writer execute a fence (ft-barrier.h): what becomes of
 * it where the kernel refuses that to the writer, or to the reader.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "common.h"
#include "ft-barrier.h"
#include "ft-reader.h"

#define EVENTS 20000

static bool barrier_forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static void events_write(void)
{
	body_stand();
	for (uint64_t n = 0; n < EVENTS; n++)
		trace(n);
	body_stand();
}

static void body_may(void)
{
	trace(0);
	events_write();
}

static void body_may_not(void)
{
	if (!barrier_forbid())
		body_say('x');
	trace(0);
	events_write();
}

/* Switches all the time; none of the events may be lost, or come twice. */
static void events_switched(pid_t pid)
{
	struct fasttrace_arena *a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	uint64_t seq = 0, events = 0, serial = fixture_owner(a, 0);
	struct fasttrace_packet packet;
	time_t end = time(NULL) + 30;
	size_t bytes;

	fixture_say('x');
	while (events < 1 + EVENTS && time(NULL) < end) {
		int err = fasttrace_buffer_switch(a, 0, serial, FASTTRACE_FLUSH);

		assert_true(!err || err == -EAGAIN);
		while (!fasttrace_buffer_next(a, 0, serial, seq, &seq, &bytes) &&
		       !fasttrace_buffer_get(a, 0, serial, seq, &packet)) {
			events += packet.events;
			fasttrace_buffer_put(a, 0, &packet);
			seq++;
		}
	}
	assert_int_equal(events, 1 + EVENTS);
	assert_int_equal(fixture_hear(), '.');
	fasttrace_arena_close(a);
}

static bool asymmetric(pid_t pid)
{
	struct fasttrace_arena *a = fixture_open(pid, 0);
	bool is = a->shared->asymmetric;

	fasttrace_arena_close(a);
	return is;
}

static void writer_that_may_takes_no_lock(void **state)
{
	pid_t pid = fixture_spawn_env("may", "FASTTRACE_MODE=block");

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(asymmetric(pid), ft_barrier_register());
	events_switched(pid);
}

static void writer_that_may_not_locks(void **state)
{
	pid_t pid = fixture_spawn_env("may-not", "FASTTRACE_MODE=block");
	int said = fixture_hear();

	(void)state;
	if (said == 'x') {
		print_message("SKIP: no filter of system calls here\n");
		skip();
	}
	assert_false(asymmetric(pid));
	events_switched(pid);
}

/* Return: exit status: what has failed. */
static int reader_run(pid_t pid)
{
	struct fasttrace_arena *a;
	struct fasttrace_packet packet;
	uint64_t serial;

	if (!barrier_forbid())
		return 77;
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	serial = fixture_owner(a, 0);
	if (fasttrace_buffer_switch(a, 0, serial, FASTTRACE_FLUSH) != -EOPNOTSUPP)
		return 1;
	kill(pid, SIGKILL);
	while (fasttrace_arena_alive(a))
		usleep(1000);
	if (fasttrace_buffer_switch(a, 0, serial, FASTTRACE_FLUSH))
		return 2;
	if (fasttrace_buffer_get(a, 0, serial, 0, &packet))
		return 3;
	return packet.events == 1 ? 0 : 4;
}

static void reader_that_may_not_switches_none_that_live(void **state)
{
	pid_t pid = fixture_spawn("may", NULL), child;
	int status;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	if (!asymmetric(pid)) {
		print_message("SKIP: writers lock here\n");
		skip();
	}
	child = fork();
	if (!child)
		_exit(reader_run(pid));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77) {
		print_message("SKIP: no filter of system calls here\n");
		skip();
	}
	assert_int_equal(WEXITSTATUS(status), 0);
}

static const struct fixture_body bodies[] = {
	{"may", body_may}, {"may-not", body_may_not}, {NULL, NULL}};

LIFE_MAIN(TEST(writer_that_may_takes_no_lock), TEST(writer_that_may_not_locks),
	  TEST(reader_that_may_not_switches_none_that_live))
