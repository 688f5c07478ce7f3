/* SPDX-License-Identifier: MIT */
/*
 * speed_program.c - what speed.sh measures with.
 *
 *   speed_program write PHASE    write events until SIGTERM; then print what one took, in ns of
 *                                processor time, median of batches: while PHASE was 0, and while 1
 *   speed_program stat PATH N    stat it so often; print what one took, in us: median and worst
 *
 * PHASE is a file of one byte.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"

#define BATCH	100000 /* events */
#define SAMPLES 100000

struct samples {
	double at[SAMPLES];
	size_t n;
};

static volatile sig_atomic_t ended;

static void end(int sig)
{
	(void)sig;
	ended = 1;
}

static double now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts them. */
static double median(struct samples *s)
{
	qsort(s->at, s->n, sizeof(s->at[0]), compare);
	return s->n ? s->at[s->n / 2] : 0;
}

static int write_events(const char *path)
{
	static struct samples samples[2];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const volatile uint8_t *phase =
		fd < 0 ? MAP_FAILED : mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);

	if (phase == MAP_FAILED) {
		perror(path);
		return 1;
	}
	signal(SIGTERM, end);
	for (uint64_t n = 0; !ended;) {
		uint8_t before = *phase & 1;
		double began = now_ns(CLOCK_THREAD_CPUTIME_ID);

		for (unsigned i = 0; i < BATCH; i++, n++)
			FASTTRACE(test, number, (n, n), (twice, 2 * n));
		if (*phase == before && samples[before].n < SAMPLES)
			samples[before].at[samples[before].n++] =
				(now_ns(CLOCK_THREAD_CPUTIME_ID) - began) / BATCH;
	}
	printf("%.2f %.2f %zu %zu\n", median(&samples[0]), median(&samples[1]), samples[0].n,
	       samples[1].n);
	return 0;
}

static int stat_often(const char *path, unsigned n)
{
	static struct samples samples;
	struct stat st;
	double m;

	while (samples.n < n && samples.n < SAMPLES) {
		double began = now_ns(CLOCK_MONOTONIC);

		if (stat(path, &st)) {
			perror(path);
			return 1;
		}
		samples.at[samples.n++] = (now_ns(CLOCK_MONOTONIC) - began) / 1e3;
	}
	m = median(&samples);
	printf("%.0f %.0f\n", m, samples.at[samples.n - 1]);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "write"))
		return write_events(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "stat"))
		return stat_often(argv[2], (unsigned)atoi(argv[3]));
	return 2;
}
