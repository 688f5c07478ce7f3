/* SPDX-License-Identifier: MIT */
/*
 * life.c - what a program's life costs with a tracer, for start.py and memory.py.
 *
 *     life run EVENTS           records so many, and ends
 *     life spawn EVENTS         us from the spawn of a `life run EVENTS` to its end, median of many
 *     life first 0              us of the process's first event, and of the median other thread's
 *     life memory IDLE TRACING  KiB that are resident, and its share of these, with so many threads
 *                               that do nothing, and so many more that have recorded one event
 *     life fill TRACING         the same, of threads that have filled 2 MiB each
 */
#include <pthread.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "one_event.h"

enum { MAX_THREADS = 256, FIRST_THREADS = 15, SPAWNS = 21, FILL_EVENTS = (2 << 20) / 12 };

static pthread_barrier_t ready, leave;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t first_ns(void)
{
	uint64_t begin = (now_ns(), now_ns()); /* the clock's pages are there */

	EVENT(begin);
	return now_ns() - begin;
}

static void *first(void *arg)
{
	*(uint64_t *)arg = first_ns();
	return NULL;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t spawn_ns(char *events)
{
	static char name[] = "life", run[] = "run";
	char *argv[] = {name, run, events, NULL};
	uint64_t begin = now_ns();
	int status;
	pid_t pid;

	if (posix_spawn(&pid, "/proc/self/exe", NULL, NULL, argv, environ) ||
	    waitpid(pid, &status, 0) != pid || status) {
		fputs("life: what was spawned failed\n", stderr);
		exit(1);
	}
	return now_ns() - begin;
}

static void print_spawn(char *events)
{
	uint64_t took[SPAWNS];

	for (int i = 0; i < SPAWNS; i++)
		took[i] = spawn_ns(events);
	qsort(took, SPAWNS, sizeof(*took), compare);
	printf("%.1f\n", (double)took[SPAWNS / 2] / 1e3);
}

/* One after another; each lives until the last one began: none gets a ring that another one had. */
static void *first_of_many(void *arg)
{
	first(arg);
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&leave);
	return NULL;
}

static void print_first(void)
{
	uint64_t process = first_ns(), threads[FIRST_THREADS];
	pthread_t id[FIRST_THREADS];

	pthread_barrier_init(&ready, NULL, 2);
	pthread_barrier_init(&leave, NULL, FIRST_THREADS);
	for (int i = 0; i < FIRST_THREADS; i++) {
		pthread_create(&id[i], NULL, first_of_many, &threads[i]);
		pthread_barrier_wait(&ready);
	}
	for (int i = 0; i < FIRST_THREADS; i++)
		pthread_join(id[i], NULL);
	qsort(threads, FIRST_THREADS, sizeof(*threads), compare);
	printf("%.1f %.1f\n", (double)process / 1e3, (double)threads[FIRST_THREADS / 2] / 1e3);
}

static void *thread(void *arg)
{
	for (int i = 0; i < *(int *)arg; i++)
		EVENT((uint64_t)i);
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&leave);
	return NULL;
}

static void print_memory(int idle, int tracing, int events)
{
	static int none;
	pthread_t id[MAX_THREADS];
	char line[256], rss[64] = "", pss[64] = "";
	FILE *f;
	int n = 0;

	pthread_barrier_init(&ready, NULL, (unsigned)(idle + tracing + 1));
	pthread_barrier_init(&leave, NULL, (unsigned)(idle + tracing + 1));
	while (n < idle + tracing) {
		pthread_create(&id[n], NULL, thread, n < idle ? &none : &events);
		n++;
	}
	pthread_barrier_wait(&ready);
	f = fopen("/proc/self/smaps_rollup", "r");
	while (f && fgets(line, sizeof(line), f)) {
		sscanf(line, "Rss: %63s", rss);
		sscanf(line, "Pss: %63s", pss);
	}
	if (f)
		fclose(f);
	printf("%s %s\n", rss, pss);
	pthread_barrier_wait(&leave);
	while (n > 0)
		pthread_join(id[--n], NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int one = argc > 2 ? atoi(argv[2]) : 0, two = argc > 3 ? atoi(argv[3]) : 0;

	if (argc < 3 || one < 0 || two < 0 || one + two > MAX_THREADS)
		return 2;
	if (!strcmp(what, "run"))
		for (int i = 0; i < one; i++)
			EVENT((uint64_t)i);
	else if (!strcmp(what, "spawn"))
		print_spawn(argv[2]);
	else if (!strcmp(what, "first"))
		print_first();
	else if (!strcmp(what, "memory"))
		print_memory(one, two, 1);
	else if (!strcmp(what, "fill"))
		print_memory(0, one, FILL_EVENTS);
	else
		return 2;
	return 0;
}
