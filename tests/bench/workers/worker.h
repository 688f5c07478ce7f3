/* SPDX-License-Identifier: MIT */
/*
 * worker.h - a program that does on demand what is to be measured, so that several can take turns.
 *
 * It says "ready", or "error: WHY", then answers each line of stdin
 *
 *     KIND OPERATIONS WARM_UP THREADS
 *
 * with two numbers: ns per operation that passed, and ns of processor time, both of the mean thread.
 * First each thread does WARM_UP operations that do not count. With one thread it is the one that
 * reads stdin, and runs where the process may; else thread N runs on the N-th processor of those,
 * and round again.
 */
#ifndef WORKER_H
#define WORKER_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORKER_THREADS = 64 };

struct worker_kind {
	const char *name;
	void (*run)(uint64_t n);
};

struct worker_thread {
	pthread_t id;
	pthread_barrier_t *begin;
	void (*run)(uint64_t n);
	uint64_t operations, warm_up;
	int cpu;
	double wall, cpu_time; /* ns per operation */
};

static uint64_t worker_clock(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *worker_measure(void *arg)
{
	struct worker_thread *t = arg;
	uint64_t wall, cpu_time;
	cpu_set_t set;

	if (t->begin) {
		CPU_ZERO(&set);
		CPU_SET(t->cpu, &set);
		pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	}
	t->run(t->warm_up);
	if (t->begin)
		pthread_barrier_wait(t->begin);
	wall = worker_clock(CLOCK_MONOTONIC);
	cpu_time = worker_clock(CLOCK_THREAD_CPUTIME_ID);
	t->run(t->operations);
	cpu_time = worker_clock(CLOCK_THREAD_CPUTIME_ID) - cpu_time;
	wall = worker_clock(CLOCK_MONOTONIC) - wall;
	t->wall = (double)wall / (double)t->operations;
	t->cpu_time = (double)cpu_time / (double)t->operations;
	return NULL;
}

/* The n-th processor, round and round, of those that the process may run on. */
static int worker_cpu(int n)
{
	cpu_set_t set;
	int cpu = -1;

	sched_getaffinity(0, sizeof(set), &set);
	for (int left = n % CPU_COUNT(&set); left >= 0; left -= CPU_ISSET(cpu, &set) ? 1 : 0)
		cpu++;
	return cpu;
}

static void worker_threads(const struct worker_thread *what, int threads)
{
	struct worker_thread each[WORKER_THREADS];
	pthread_barrier_t begin;
	double wall = 0, cpu_time = 0;

	pthread_barrier_init(&begin, NULL, (unsigned)threads);
	for (int i = 0; i < threads; i++) {
		each[i] = *what;
		each[i].begin = threads > 1 ? &begin : NULL;
		each[i].cpu = worker_cpu(i);
		if (threads == 1)
			worker_measure(&each[i]);
		else if (pthread_create(&each[i].id, NULL, worker_measure, &each[i]))
			abort();
	}
	for (int i = 0; i < threads; i++) {
		if (threads > 1)
			pthread_join(each[i].id, NULL);
		wall += each[i].wall;
		cpu_time += each[i].cpu_time;
	}
	pthread_barrier_destroy(&begin);
	printf("%.4f %.4f\n", wall / threads, cpu_time / threads);
	fflush(stdout);
}

static const struct worker_kind *worker_find(const struct worker_kind *kinds, const char *name)
{
	while (kinds->name && strcmp(kinds->name, name) != 0)
		kinds++;
	return kinds->name ? kinds : NULL;
}

/* @kinds: ended by one without a name. @error: why nothing can be measured here, or NULL. */
static int worker_serve(const struct worker_kind *kinds, const char *error)
{
	const struct worker_kind *kind;
	struct worker_thread what = {0};
	char line[256], name[32];
	int threads;

	printf(error ? "error: %s\n" : "ready\n", error);
	fflush(stdout);
	while (!error && fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "%31s %lu %lu %d", name, &what.operations, &what.warm_up,
			   &threads) != 4 ||
		    !(kind = worker_find(kinds, name)) || !what.operations || threads < 1 ||
		    threads > WORKER_THREADS) {
			fprintf(stderr, "expected KIND OPERATIONS WARM_UP THREADS: %s", line);
			return 2;
		}
		what.run = kind->run;
		worker_threads(&what, threads);
	}
	return error ? 1 : 0;
}

#define WORKER_BARRIER()    \
	__asm__ volatile("" \
			 :  \
			 :  \
			 : "memory") /* what is stored is; what is loaded \
								may have changed */
#endif
