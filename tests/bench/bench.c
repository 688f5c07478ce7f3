/* SPDX-License-Identifier: MIT */
/*
 * bench.c - what an event costs, beside the least that it could cost on this machine.
 *
 *     bench [--check RATIO]
 *
 * The floor of an event is a read of the cycle counter and a store of 16 bytes into a 64 KiB
 * buffer: as much as an event with one u64 field has to record. How much of the difference is the
 * compare-and-swap, which some processors hide behind the counter's read and others do not, a second
 * floor tells, which has one, as an event has it: where it is hidden both are the same. That of an event that
 * is off is a load of a word and a branch: once in a loop, and once in a function that does little
 * else, where registers that the event would need if it were on may be saved in vain. Short runs of
 * floor and event take turns, so that whatever else the machine does meets both; shown are medians,
 * the median of the ratios of neighbours, and the ratio of the best runs. With --check the exit
 * status is 1 when the median ratio of an event and the second floor is over RATIO, or that of the
 * best runs of an event that is off, in a loop, over OFF_RATIO.
 */
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fasttrace.h>

enum { ROUNDS = 301, WARM_UP = 10, OPERATIONS = 50000, FLOOR_BYTES = 64 << 10, MAX_THREADS = 2 };

#define OFF_RATIO 2.0 /* of the best runs: of such short ones, the median may be of noise */

/* A floor, and what is compared with it. */
enum what {
	FLOOR,
	EVENT,
	SWAP_FLOOR,
	SWAP_EVENT, /* the same event */
	LOOP_FLOOR,
	LOOP_OFF,
	CALL_FLOOR,
	CALL_OFF,
	KINDS
};

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

__attribute__((noinline)) static void swap_floor_loop(unsigned char *buffer)
{
	static uint64_t word[8] __attribute__((aligned(64)));

	for (uint64_t i = 0; i < OPERATIONS; i++) {
		uint64_t entry[2] = {fasttrace_clock_cycles(), i};

		fasttrace_word_cas(word, word[0], word[0] + 3);
		memcpy(buffer + (i * 16) % FLOOR_BYTES, entry, 16);
		__asm__ volatile("" : : : "memory");
	}
}

__attribute__((noinline)) static void event_loop(void)
{
	for (uint64_t i = 0; i < OPERATIONS; i++)
		FASTTRACE(bench, event, (value, i));
}

#define BARRIER() __asm__ volatile("" : : : "memory") /* what is loaded may have changed */

static uint32_t off_word;
static uint64_t evaluated; /* fields of events that should be off */

__attribute__((noinline)) static void loop_floor(void)
{
	for (uint64_t i = 0; i < OPERATIONS; i++) {
		if (__atomic_load_n(&off_word, __ATOMIC_RELAXED))
			evaluated += i;
		BARRIER();
	}
}

__attribute__((noinline)) static void loop_off(void)
{
	for (uint64_t i = 0; i < OPERATIONS; i++) {
		FASTTRACE(bench_off, loop, (value, (evaluated++, i)));
		BARRIER();
	}
}

__attribute__((noinline)) static uint64_t call_floor_once(uint64_t i)
{
	if (__atomic_load_n(&off_word, __ATOMIC_RELAXED))
		evaluated += i;
	BARRIER();
	return i + 1;
}

__attribute__((noinline)) static uint64_t call_off_once(uint64_t i)
{
	FASTTRACE(bench_off, call, (value, (evaluated++, i)));
	BARRIER();
	return i + 1;
}

static void call_floor(void)
{
	for (uint64_t i = 0; i < OPERATIONS;)
		i = call_floor_once(i);
}

static void call_off(void)
{
	for (uint64_t i = 0; i < OPERATIONS;)
		i = call_off_once(i);
}

static void operations(enum what what, unsigned char *buffer)
{
	static void (*const loops[KINDS])(void) = {
		[EVENT] = event_loop,  [SWAP_EVENT] = event_loop, [LOOP_FLOOR] = loop_floor,
		[LOOP_OFF] = loop_off, [CALL_FLOOR] = call_floor, [CALL_OFF] = call_off};

	if (what == FLOOR)
		floor_loop(buffer);
	else if (what == SWAP_FLOOR)
		swap_floor_loop(buffer);
	else
		loops[what]();
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

			operations(run.what, buffer);
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
	double ns[2], best[2]; /* of the floor, and of what is compared with it */
	double ratio;
};

static double results[3][ROUNDS];

static struct result measure(enum what floor, int threads)
{
	struct result r;

	for (int i = -WARM_UP; i < ROUNDS; i++) {
		int at = i < 0 ? 0 : i;

		for (int j = 0; j < 2; j++)
			results[j][at] = run_once(floor + (enum what)j, threads);
		results[2][at] = results[1][at] / results[0][at];
	}
	for (int j = 0; j < 2; j++) {
		r.ns[j] = median(results[j]);
		r.best[j] = results[j][0];
	}
	r.ratio = median(results[2]);
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

/* What is measured is the default, but for events that are off, whatever the environment says. */
static void environment_set(char **argv)
{
	static const char *const names[] = {
		"FASTTRACE",	     "FASTTRACE_MOUNT",	     "FASTTRACE_MODE",
		"FASTTRACE_SUBBUFS", "FASTTRACE_MAX_MEMORY", "FASTTRACE_SUBBUF_SIZE"};
	static const char events[] = "!bench_off";
	const char *given = getenv("FASTTRACE_EVENTS");
	bool again = !given || strcmp(given, events) != 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		again |= !!getenv(names[i]);
		unsetenv(names[i]);
	}
	setenv("FASTTRACE_EVENTS", events, 1);
	if (again)
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

static double best_ratio(const struct result *r)
{
	return r->best[1] / r->best[0];
}

static void print(const char *title, const char *floor, const char *what, const struct result *r)
{
	printf("%s\n", title);
	printf("  %-38s %6.2f ns   (best %.2f)\n", floor, r->ns[0], r->best[0]);
	printf("  %-38s %6.2f ns   (best %.2f)\n", what, r->ns[1], r->best[1]);
	printf("  %-38s %6.2f x    (of the best %.2f)\n", "ratio", r->ratio, best_ratio(r));
}

static void print_events(const char *title, const struct result *r)
{
	print(title, "floor: cycle counter + 16-byte store", "event with one u64, overwrite mode",
	      r);
}

static void print_off(const char *title, const struct result *r)
{
	print(title, "floor: load + branch", "event that is off", r);
}

static bool over(const char *what, double ratio, double limit)
{
	if (!(limit > 0) || ratio <= limit)
		return false;
	printf("bench: %s: the ratio %.2f is over %.2f\n", what, ratio, limit);
	return true;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"check", required_argument, NULL, 'c'}, {0}};
	double limit = 0;
	char *end = NULL;
	int opt;

	environment_set(argv);
	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (opt == 'c')
			limit = strtod(optarg, &end);
		if (opt != 'c' || end == optarg || *end || !(limit > 0)) {
			fputs("usage: bench [--check RATIO]\n", stderr);
			return 2;
		}
	}

	uint64_t recorded = 0;

	FASTTRACE(bench, event, (value, ++recorded));
	if (!recorded) {
		fputs("bench: events are not recorded here\n", stderr);
		return 1;
	}

	int cpus = workers_start();
	struct result one = measure(FLOOR, 1), loop = measure(LOOP_FLOOR, 1);
	struct result call = measure(CALL_FLOOR, 1), swap = measure(SWAP_FLOOR, 1);

	print_events("one thread", &one);
	print("one thread, beside a floor that swaps", "floor with a compare-and-swap",
	      "event with one u64, overwrite mode", &swap);
	if (cpus > 1) {
		struct result two = measure(FLOOR, 2);

		print_events("two threads at once", &two);
		printf("two threads beside one: event %.2f x, floor %.2f x\n", scaling(EVENT),
		       scaling(FLOOR));
	}
	workers_stop(cpus);
	print_off("off, in a loop", &loop);
	print_off("off, in a function of its own", &call);
	if (evaluated) {
		fputs("bench: events that were to be off were on\n", stderr);
		return 1;
	}
	bool fails = over("event", swap.ratio, limit);

	fails |= over("event that is off", best_ratio(&loop), limit > 0 ? OFF_RATIO : 0);
	return fails;
}
