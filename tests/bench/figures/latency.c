/* SPDX-License-Identifier: MIT */
/*
 * latency.c EVENTS - how long each of so many events takes, by the cycle counter before and after it.
 *
 * For latency.py. One thread, on one processor: EVENTS into pages that nobody has touched, of a ring
 * that holds more than these; then enough to have touched all of it; then EVENTS again. The time of
 * an event includes that of reading the counter, which intervals with nothing in them show. Prints
 * lines of a case, tab, value: ns, or as the case says.
 *
 * In an interval, or behind it, in which the thread was switched out, the kernel's count of switches
 * changed. It is looked at when an interval, or what is between two, takes longer than LONG_NS: what
 * is shorter is taken for the event's. Nobody tells of what a hypervisor or an interrupt takes.
 */
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <x86intrin.h>

#include "one_event.h"

enum { LONG_NS = 20000, CALIBRATION_MS = 50, RING_BYTES = 64 << 20, LEAST_EVENT_BYTES = 12 };

static double ns_per_tick;
static uint32_t *ticks; /* of each interval, UINT32_MAX at most */

static struct {
	unsigned n;
	uint64_t longest; /* ticks */
} switched;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Everything before it is done, and nothing behind it begun. */
static inline uint64_t counter(void)
{
	uint64_t t;

	_mm_lfence();
	t = __rdtsc();
	_mm_lfence();
	return t;
}

static void calibrate(void)
{
	uint64_t ns = now_ns(), t = counter(), passed;

	do
		passed = now_ns() - ns;
	while (passed < CALIBRATION_MS * 1000000u);
	ns_per_tick = (double)passed / (double)(counter() - t);
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw + usage.ru_nivcsw;
}

/* Returns how many intervals were the events' own: those come first. */
static size_t intervals(size_t n, bool with_event)
{
	uint64_t limit = (uint64_t)(LONG_NS / ns_per_tick), end = counter();
	long seen = switches();
	size_t kept = 0;

	memset(&switched, 0, sizeof(switched));
	for (size_t i = 0; i < n; i++) {
		uint64_t begin = counter(), took, before = begin - end;

		if (with_event)
			EVENT(i);
		end = counter();
		took = end - begin;
		ticks[kept++] = took < UINT32_MAX ? (uint32_t)took : UINT32_MAX;
		if (took <= limit && before <= limit)
			continue;
		if (switches() != seen && took > limit) {
			switched.n++;
			switched.longest = took > switched.longest ? took : switched.longest;
			kept--;
		}
		seen = switches();
		end = counter();
	}
	return kept;
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static void measure(const char *pages, size_t n, bool with_event)
{
	static const struct {
		const char *name;
		double part;
	} parts[] = {{"p50", .5}, {"p99", .99}, {"p99.99", .9999}, {"max", 1}};
	size_t kept = intervals(n, with_event);

	qsort(ticks, kept, sizeof(*ticks), compare);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		printf("%s, %s\t%.1f\n", pages, parts[i].name,
		       ticks[(size_t)((double)(kept - 1) * parts[i].part)] * ns_per_tick);
	printf("%s, switched out\t%u\n", pages, switched.n);
	printf("%s, longest switched out\t%.1f\n", pages, (double)switched.longest * ns_per_tick);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	cpu_set_t set;

	ticks = n ? malloc(n * sizeof(*ticks)) : NULL;
	if (!ticks) {
		fputs("usage: latency EVENTS\n", stderr);
		return 2;
	}
	memset(ticks, 1, n * sizeof(*ticks));
	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	sched_setaffinity(0, sizeof(set), &set);
	calibrate();
	intervals(n < 100000 ? n : 100000, false); /* warm */
	EVENT(UINT64_MAX);			   /* the thread's first is of another figure */
#ifdef UNLINKED
	measure("nothing", n, false);
#else
	measure("pages untouched", n, true);
	for (size_t i = 0; i < RING_BYTES / LEAST_EVENT_BYTES; i++)
		EVENT(i);
	measure("pages touched", n, true);
#endif
	return 0;
}
