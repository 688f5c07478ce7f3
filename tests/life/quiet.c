/* SPDX-License-Identifier: MIT */
/*
 * quiet.c - a prepared thread traces under a seccomp filter that kills for any system call but
 * write, exit and sigreturn: over many sub-buffers, in every mode, with a reader that asked to be
 * woken, and events that were never registered.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/resource.h>
#include <time.h>

#include "common-threads.h"

#define EVENTS 300000u
#define SITES  5000u /* more than were made room for */

static uint32_t prepared, go, done;
static uint32_t ticket;

static void filter(void)
{
#define ALLOW(call)                                            \
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), \
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(write),
		ALLOW(exit),
		ALLOW(exit_group),
		ALLOW(rt_sigreturn),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(*code), code};

	check_equal(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	check_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

static void number(uint64_t n)
{
	FASTTRACE(life, number, (n, n));
}

static void handler(int sig)
{
	FASTTRACE(life, never_before, (signal, (uint64_t)sig));
}

static void *confined(void *arg)
{
	check_equal(fasttrace_thread_prepare(), 0);
	check_equal(fasttrace_thread_prepare(), 0); /* again is nothing */
	filter();
	__atomic_store_n(&prepared, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&go, __ATOMIC_ACQUIRE))
		;
	for (uint64_t i = 0; i < EVENTS; i++)
		number(i);
	__atomic_store_n(&done, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&go, __ATOMIC_ACQUIRE) < 2)
		;
	syscall(SYS_exit, 0); /* libc's end of a thread takes more calls */
	return arg;
}

static void await(const uint32_t *flag)
{
	while (!__atomic_load_n(flag, __ATOMIC_ACQUIRE))
		usleep(1000);
}

static struct fasttrace_stats confined_run(struct fasttrace_arena **a)
{
	struct fasttrace_stats s;
	pthread_t id;

	signal(SIGUSR1, handler);
	check_equal(pthread_create(&id, NULL, confined, NULL), 0);
	await(&prepared);
	*a = arena_own();
	check_equal(fasttrace_arena_buffers(*a), 1);
	fasttrace_buffer_watch(*a, 0);
	ticket = fasttrace_arena_ticket(*a);
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	await(&done);
	pthread_kill(id, SIGUSR1);
	do {
		s = stats_of(*a);
	} while (s.begun <= EVENTS || s.in_flight);
	__atomic_store_n(&go, 2, __ATOMIC_RELEASE);
	pthread_join(id, NULL);
	check_equal(s.begun, EVENTS + 1);
	check_equal(fasttrace_arena_ticket(*a), ticket); /* nobody was woken */
	return s;
}

static void overwrite(void)
{
	struct fasttrace_arena *a;
	struct fasttrace_stats s = confined_run(&a);

	check(s.overwritten > 0);
	check_equal(s.readable + s.overwritten, EVENTS + 1);
	fasttrace_arena_close(a);
}

/* Also in block mode, and although there is a reader to wait for. */
static void full(void)
{
	int served = dir_serve(getenv("FASTTRACE_DIR"));
	struct fasttrace_arena *a;
	struct fasttrace_stats s = confined_run(&a);

	check(served >= 0);
	check(s.readable > 0 && s.lost_full > 0);
	check_equal(s.readable + s.lost_full, EVENTS + 1);
	fasttrace_arena_close(a);
	close(served);
}

/* A filter that would not bite proves nothing. */
static void unprepared(void)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		filter();
		number(0);
		_exit(0);
	}
	check_equal(waitpid(pid, &status, 0), pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static struct fasttrace_event *sites_make(void)
{
	struct fasttrace_event *sites = calloc(SITES, sizeof(*sites));
	struct fasttrace_event site = {
		&fasttrace_unregistered, NULL, FASTTRACE_ABI, FASTTRACE_INFO, 0,
		FASTTRACE_KIND_EVENT,	 {0}};

	for (unsigned i = 0; i < SITES; i++) {
		char text[64];

		snprintf(text, sizeof(text), "life, event_number_%u", i);
		site.text = strdup(text);
		memcpy(&sites[i], &site, sizeof(site));
	}
	return sites;
}

static void *enters_more_events_than_there_is_room_for(void *arg)
{
	struct fasttrace_event *sites = arg;
	unsigned lost = 0;

	check_equal(fasttrace_thread_prepare(), 0);
	filter();
	for (unsigned i = 0; i < SITES; i++)
		lost += !fasttrace_event_register(&sites[i]);
	__atomic_store_n(&done, lost, __ATOMIC_RELEASE);
	syscall(SYS_exit, 0);
	return NULL;
}

static void events_run_out(void)
{
	struct fasttrace_event *sites = sites_make();
	struct fasttrace_arena *a;
	pthread_t id;

	pthread_create(&id, NULL, enters_more_events_than_there_is_room_for, sites);
	pthread_join(id, NULL);
	a = arena_own();
	check(done > 0 && done < SITES - 100); /* a step ahead takes more than a hundred */
	check_equal(stats_of(a).lost_no_event, done);
	for (unsigned i = 0; i < SITES; i++)
		check_equal(fasttrace_event_register(&sites[i]), i + 1);
	check_equal(stats_of(a).lost_no_event, done);
	fasttrace_arena_close(a);
}

/* exit() of a confined process, too; and a forked child is free again. */
static void forked_and_exit(void)
{
	struct fasttrace_arena *a;
	int status;
	pid_t pid;

	check_equal(fasttrace_thread_prepare(), 0);
	number(0);
	pid = fork();
	if (!pid) {
		number(1);
		a = arena_own();
		check_equal(stats_of(a).begun, 1);
		fasttrace_arena_close(a);
		check_equal(fasttrace_thread_prepare(), 0);
		filter();
		for (unsigned i = 0; i < EVENTS; i++)
			number(i);
		exit(3);
	}
	check_equal(waitpid(pid, &status, 0), pid);
	check(WIFEXITED(status));
	check_equal(WEXITSTATUS(status), 3);
	a = arena_find(getenv("FASTTRACE_DIR"), pid);
	check(a != NULL);
	check_equal(stats_of(a).begun, EVENTS + 1);
	fasttrace_arena_close(a);
}

static int strict_child(bool trace)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct fasttrace_ring ring = {.raw_clock = 1};

		check_equal(fasttrace_thread_prepare(), 0);
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
		for (unsigned i = 0; trace && i < EVENTS; i++)
			number(i);
		syscall(SYS_exit, fasttrace_clock(&ring) == 1);
	}
	check_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/* On x86 the kernel takes the cycle counter away with it, and clock_gettime() uses that, too. */
static void strict(void)
{
	int status = strict_child(false);

	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV) {
		printf("     strict mode takes the clock away: not tried\n");
		return;
	}
	check_equal(status, 0);
	check_equal(strict_child(true), 0);
}

static long faults(void)
{
	struct rusage used;

	check_equal(getrusage(RUSAGE_THREAD, &used), 0);
	return used.ru_minflt;
}

/* So many page faults do EVENTS take in a ring of which they need 1170 pages. */
static void *faults_of_events(void *arg)
{
	bool *prepare = arg;
	long before;

	if (*prepare)
		check_equal(fasttrace_thread_prepare(), 0);
	number(0);
	before = faults();
	for (unsigned i = 0; i < EVENTS; i++)
		number(i);
	return (void *)(faults() - before);
}

/* Of a large ring, what no event has come to is memory that is there, but not mapped. */
static void faulted_in(void)
{
	for (int prepare = 1; prepare >= 0; prepare--) {
		bool prepared_first = prepare;
		pthread_t id;
		void *found;

		pthread_create(&id, NULL, faults_of_events, &prepared_first);
		pthread_join(id, &found);
		printf("     %s: %ld page faults\n", prepare ? "prepared" : "not prepared",
		       (long)found);
		check(prepare ? (long)found < 20 : (long)found > 20);
	}
}

static void off(void)
{
	check_equal(fasttrace_thread_prepare(), (uint64_t)-ENOMEM);
	number(0);
}

int main(int argc, char **argv)
{
	static const struct turn turns[] = {
		{"overwrite", overwrite, {NULL}},
		{"overwrite_small", overwrite, {"FASTTRACE_SUBBUF_SIZE=4K", "FASTTRACE_SUBBUFS=2"}},
		{"discard", full, {"FASTTRACE_MODE=discard"}},
		{"block", full, {"FASTTRACE_MODE=block", "FASTTRACE_BLOCK_TIMEOUT=inf"}},
		{"unprepared", unprepared, {NULL}},
		{"faulted_in", faulted_in, {"FASTTRACE_SUBBUFS=64"}},
		{"events_run_out", events_run_out, {NULL}},
		{"forked_and_exit", forked_and_exit, {NULL}},
		{"strict", strict, {NULL}},
		{"off", off, {"FASTTRACE=off"}},
		{NULL, NULL, {NULL}},
	};

	return turns_run(turns, argc, argv);
}
