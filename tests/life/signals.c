/* SPDX-License-Identifier: MIT */
/*
 * signals.c - signals at full rate while tracing: timers of each thread, a thread that sends more,
 * handlers that nest; every event is there once, in order. And the first event of a thread, or of
 * the process, in a handler, on a small alternate stack.
 */
#include <sys/auxv.h>

#include "common-threads.h"

#define THREADS	    2u
#define EVENTS	    60000u /* of the loop, in each thread; the handlers' come on top */
#define STACK_BYTES 16384u

static pthread_t threads[THREADS];
static uint32_t ended;

static void *traces_under_fire(void *arg)
{
	program_self = (uintptr_t)arg;
	program_timer(SIGRTMIN, SIGNAL_NS);
	program_timer(SIGRTMIN + 1, SIGNAL_NS * 7 / 9);
	__atomic_add_fetch(&counts->running, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < EVENTS; i++)
		program_event(0);
	__atomic_add_fetch(&ended, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&counts->stop, __ATOMIC_ACQUIRE))
		usleep(1000);
	return NULL;
}

/* One event as it stands in a packet, and what must come of it. Return: its bytes. */
static size_t event_follows(const char *at, size_t room, unsigned thread, uint64_t next[KINDS],
			    uint64_t *last)
{
	struct program_event e;
	uint64_t header;
	size_t bytes = program_event_read(at, room, &e);

	check(bytes);
	memcpy(&header, at, 8);
	check(((header >> 16) - *last) << 16 < UINT64_C(1) << 63); /* times never decrease */
	*last = header >> 16;
	check_equal(e.thread, thread);
	check_equal(e.n, next[e.kind]++);
	return bytes ? bytes : room;
}

static void stream_is_whole(struct fasttrace_arena *a, unsigned index)
{
	struct fasttrace_buffer_info info;
	uint64_t next[KINDS] = {0}, last = 0, seq;
	struct fasttrace_packet p;
	unsigned thread = THREADS;

	program_ids_find(a);
	check_equal(fasttrace_buffer_get_info(a, index, &info), 0);
	fasttrace_buffer_switch(a, index, info.serial, FASTTRACE_FLUSH);
	while (!fasttrace_buffer_next(a, index, info.serial, 0, &seq, NULL)) {
		check_equal(fasttrace_buffer_get(a, index, info.serial, seq, &p), 0);
		if (thread == THREADS) {
			uint64_t t;

			memcpy(&t, (const char *)p.body + 16, 8);
			thread = (unsigned)t;
			last = p.begin & (UINT64_MAX >> 16);
		}
		size_t at = 0;
		uint64_t events = 0;

		for (; at < p.body_bytes; events++)
			at += event_follows((const char *)p.body + at, p.body_bytes - at, thread,
					    next, &last);
		check_equal(events, p.events);
		fasttrace_buffer_put(a, index, &p);
	}
	for (unsigned k = 0; k < KINDS; k++)
		check_equal(next[k], counts->thread[thread].n[k]);
}

/* By other signals than the timers', for these do not queue: they come faster than we handle. */
static void under_fire(int sig)
{
	program_handler(sig == SIGUSR1 ? SIGRTMIN : SIGRTMIN + 1);
}

/* Two signals that count together do not interrupt each other. */
static void fire_open(int own, int timer)
{
	struct sigaction sa = {.sa_handler = under_fire, .sa_flags = SA_RESTART};

	sigaddset(&sa.sa_mask, timer);
	sigaction(own, &sa, NULL);
	sa = (struct sigaction){.sa_handler = program_handler, .sa_flags = SA_RESTART};
	sigaddset(&sa.sa_mask, own);
	sigaction(timer, &sa, NULL);
}

static void full_rate(void)
{
	uint64_t sum = 0, handled = 0;
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	counts_make();
	fire_open(SIGUSR1, SIGRTMIN);
	fire_open(SIGUSR2, SIGRTMIN + 1);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, traces_under_fire, (void *)i);
	while (__atomic_load_n(&counts->running, __ATOMIC_ACQUIRE) < THREADS)
		usleep(1000);
	while (__atomic_load_n(&ended, __ATOMIC_ACQUIRE) < THREADS) {
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_kill(threads[i], SIGUSR1);
			pthread_kill(threads[i], SIGUSR2);
		}
		usleep(20);
	}
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	signal(SIGRTMIN, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	__atomic_store_n(&counts->stop, 1, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	a = arena_own();
	for (unsigned i = 0; i < THREADS; i++)
		for (unsigned k = 0; k < KINDS; k++) {
			sum += counts->thread[i].n[k];
			handled += k ? counts->thread[i].n[k] : 0;
		}
	s = stats_of(a);
	check_equal(s.begun, sum);
	check_equal(s.readable, sum);
	check(handled > 100);
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
		stream_is_whole(a, i);
	check_equal(stats_of(a).consumed, sum);
	printf("     %llu events, %llu of handlers\n", (unsigned long long)sum,
	       (unsigned long long)handled);
	fasttrace_arena_close(a);
}

static void handler_first(int sig)
{
	FASTTRACE(life, first, (signal, sig), (text, "a string"));
}

/* A handler's first event on a stack of 16 KB, above a page that nothing may touch. */
static void *first_on_a_small_stack(void *arg)
{
	struct sigaction sa = {.sa_handler = handler_first, .sa_flags = SA_ONSTACK};
	unsigned char *m = mmap(NULL, STACK_BYTES + 4096, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	stack_t stack = {.ss_sp = m + 4096, .ss_size = STACK_BYTES},
		none = {.ss_flags = SS_DISABLE};
	unsigned untouched = 0;

	check(m != MAP_FAILED);
	mprotect(m, 4096, PROT_NONE);
	memset(m + 4096, 0xa5, STACK_BYTES);
	check_equal(sigaltstack(&stack, NULL), 0);
	sigaction(SIGUSR1, &sa, NULL);
	check_equal(pthread_kill(pthread_self(), SIGUSR1), 0);
	while (m[4096 + untouched] == 0xa5)
		untouched++;
	check(untouched < STACK_BYTES - 1024); /* it did run there */
	printf("     %u bytes of stack, the kernel's own frame %lu of them at most\n",
	       STACK_BYTES - untouched, getauxval(AT_MINSIGSTKSZ));
	sigaltstack(&none, NULL);
	munmap(m, STACK_BYTES + 4096);
	return arg;
}

static void first_of_the_process(void)
{
	struct fasttrace_arena *a;

	first_on_a_small_stack(NULL);
	a = arena_own();
	check_equal(stats_of(a).readable, 1);
	fasttrace_arena_close(a);
}

static void first_of_a_thread(void)
{
	struct fasttrace_arena *a;
	pthread_t id;

	pthread_create(&id, NULL, first_on_a_small_stack, NULL); /* and of the process */
	pthread_join(id, NULL);
	pthread_create(&id, NULL, first_on_a_small_stack, NULL);
	pthread_join(id, NULL);
	a = arena_own();
	check_equal(stats_of(a).readable, 2);
	check_equal(fasttrace_arena_buffers(a), 2);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define LARGE "FASTTRACE_SUBBUF_SIZE=256K", "FASTTRACE_SUBBUFS=128"
	static const struct turn turns[] = {
		{"first_of_the_process", first_of_the_process, {NULL}},
		{"first_of_a_thread", first_of_a_thread, {NULL}},
		{"full_rate", full_rate, {LARGE}},
		{NULL, NULL, {NULL}},
	};

	return turns_run(turns, argc, argv);
}
