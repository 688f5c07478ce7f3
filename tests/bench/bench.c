/* SPDX-License-Identifier: MIT */
/*
 * bench.c - what an event costs, beside the least that it could cost on this machine.
 *
 *     bench [--check RATIO]
 *
 * The floor is a read of the cycle counter and a store of 16 bytes into a 64 KiB buffer: as much as
 * an event with one u64 field has to record. Short runs of floor and event take turns, so that
 * whatever else the machine does meets both; shown are medians, and the median of the ratios of
 * neighbours. With --check the exit status is 1 when that one is over RATIO.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fasttrace.h>

enum { ROUNDS = 301, WARM_UP = 10, OPERATIONS = 50000, FLOOR_BYTES = 64 << 10, MAX_THREADS = 2 };

enum what { FLOOR, EVENT, KINDS };

/* One run: every thread that takes part does OPERATIONS of one kind at the same time. */
static struct {
	pthread_barrier_t begin, end;
	enum what what;
	int threads; /* 0: end */
} run;

static struct worker {
	pthread_t thread;
	int index, cpu;
	double ns; /* per operation, in the run just done */
} workers[MAX_THREADS];

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

__attribute__((noinline)) static void floor_loop(unsigned char *buffer)
{
	for (uint64_t i = 0; i < OPERATIONS; i++) {
		uint64_t entry[2] = {fasttrace_clock_cycles(), i};

		memcpy(buffer + (i * 16) % FLOOR_BYTES, entry, 16);
		__asm__ volatile("" : : : "memory"); /* every store is done */
	}
}

__attribute__((noinline)) static void event_loop(void)
{
	for (uint64_t i = 0; i < OPERATIONS; i++)
		FASTTRACE(bench, event, (value, i));
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	unsigned char *buffer = calloc(1, FLOOR_BYTES);
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->cpu, &set);
	sched_setaffinity(0, sizeof(set), &set); /* steadier where it is allowed */
	for (;;) {
		pthread_barrier_wait(&run.begin);
		if (!run.threads)
			break;
		if (w->index < run.threads && buffer) {
			uint64_t t = now_ns();

			if (run.what == FLOOR)
				floor_loop(buffer);
			else
				event_loop();
			w->ns = (double)(now_ns() - t) / OPERATIONS;
		}
		pthread_barrier_wait(&run.end);
	}
	free(buffer);
	return NULL;
}

/* ns per operation, the mean of the threads. */
static double run_once(enum what what, int threads)
{
	double sum = 0;

	run.what = what;
	run.threads = threads;
	pthread_barrier_wait(&run.begin);
	pthread_barrier_wait(&run.end);
	for (int i = 0; i < threads; i++)
		sum += workers[i].ns;
	return sum / threads;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

struct result {
	double ns[KINDS], best[KINDS];
	double ratio;
};

static double results[KINDS + 1][ROUNDS];

static struct result measure(int threads)
{
	struct result r;

	for (int i = -WARM_UP; i < ROUNDS; i++) {
		int at = i < 0 ? 0 : i;

		for (enum what what = FLOOR; what < KINDS; what++)
			results[what][at] = run_once(what, threads);
		results[KINDS][at] = results[EVENT][at] / results[FLOOR][at];
	}
	for (enum what what = FLOOR; what < KINDS; what++) {
		r.ns[what] = median(results[what]);
		r.best[what] = results[what][0];
	}
	r.ratio = median(results[KINDS]);
	return r;
}

/* Two threads beside one: runs of both take turns too. Returns the median ratio. */
static double scaling(enum what what)
{
	for (int i = -WARM_UP; i < ROUNDS; i++) {
		double one = run_once(what, 1);

		results[0][i < 0 ? 0 : i] = run_once(what, 2) / one;
	}
	return median(results[0]);
}

/* What is measured is the default, whatever the environment says: start over without it. */
static void environment_clean(char **argv)
{
	static const char *const names[] = {"FASTTRACE",	   "FASTTRACE_MOUNT",
					    "FASTTRACE_MODE",	   "FASTTRACE_SUBBUFS",
					    "FASTTRACE_EVENTS",	   "FASTTRACE_SUBBUF_SIZE",
					    "FASTTRACE_MAX_MEMORY"};
	int found = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		found |= !!getenv(names[i]);
		unsetenv(names[i]);
	}
	if (found)
		execv("/proc/self/exe", argv);
}

/* Gives each worker a processor of its own, if there are as many. Returns how many there are. */
static int workers_start(void)
{
	cpu_set_t set;
	int cpus = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE && cpus < MAX_THREADS; cpu++)
		if (CPU_ISSET(cpu, &set))
			workers[cpus++].cpu = cpu;
	if (cpus < 1) {
		fputs("bench: found no processor to run on\n", stderr);
		exit(1);
	}
	pthread_barrier_init(&run.begin, NULL, (unsigned)cpus + 1);
	pthread_barrier_init(&run.end, NULL, (unsigned)cpus + 1);
	for (int i = 0; i < cpus; i++) {
		workers[i].index = i;
		if (pthread_create(&workers[i].thread, NULL, worker_run, &workers[i])) {
			fputs("bench: could not create a thread\n", stderr);
			exit(1);
		}
	}
	return cpus;
}

static void workers_stop(int cpus)
{
	run.threads = 0;
	pthread_barrier_wait(&run.begin);
	for (int i = 0; i < cpus; i++)
		pthread_join(workers[i].thread, NULL);
}

static void print(const char *title, const struct result *r)
{
	printf("%s\n", title);
	printf("  floor: cycle counter + 16-byte store   %6.2f ns   (best %.2f)\n", r->ns[FLOOR],
	       r->best[FLOOR]);
	printf("  event with one u64, overwrite mode     %6.2f ns   (best %.2f)\n", r->ns[EVENT],
	       r->best[EVENT]);
	printf("  ratio                                  %6.2f x\n", r->ratio);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"check", required_argument, NULL, 'c'}, {0}};
	double limit = 0;
	char *end = NULL;
	int opt;

	environment_clean(argv);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c')
			limit = strtod(optarg, &end);
		if (opt != 'c' || end == optarg || *end || !(limit > 0)) {
			fputs("usage: bench [--check RATIO]\n", stderr);
			return 2;
		}
	}

	int cpus = workers_start();
	struct result one = measure(1);

	print("one thread", &one);
	if (cpus > 1) {
		struct result two = measure(2);

		print("two threads at once", &two);
		printf("two threads beside one: event %.2f x, floor %.2f x\n", scaling(EVENT),
		       scaling(FLOOR));
	}
	workers_stop(cpus);
	if (limit > 0 && one.ratio > limit) {
		printf("bench: the ratio %.2f is over %.2f\n", one.ratio, limit);
		return 1;
	}
	return 0;
}
