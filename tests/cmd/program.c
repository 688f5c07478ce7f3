/* SPDX-License-Identifier: MIT */
/*
 * program.c - the traced program of the tests of `fasttrace`.
 *
 *   program write THREADS EVENTS   traces one event, waits for SIGUSR1, then each thread writes
 *                                  EVENTS ticks (0: for ever); prints the seconds that took
 *   program pace THREADS EVENTS    the same, no more than about a million events in a second
 *   program churn THREADS EVENTS   the same, but the threads come one after another
 *   program classes                after SIGUSR1, events of one class after another, with pauses
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"

#define MAX_THREADS 1024

static uint64_t events;
static int pace;

static void *writer(void *arg)
{
	uint64_t t = (uintptr_t)arg;

	for (uint64_t n = 0; !events || n < events; n++) {
		FASTTRACE(test, tick, (thread, t), (n, n));
		if (pace && n % 1000 == 0)
			usleep(1000);
	}
	return NULL;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_all(unsigned threads, int churn)
{
	static pthread_t id[MAX_THREADS];

	for (uintptr_t i = 0; i < threads; i++) {
		pthread_create(&id[i], NULL, writer, (void *)i);
		if (churn)
			pthread_join(id[i], NULL);
	}
	for (unsigned i = 0; !churn && i < threads; i++)
		pthread_join(id[i], NULL);
}

static void classes_write(void)
{
	FASTTRACE(test, one, (n, 1));
	usleep(300000);
	FASTTRACE(test, two, (n, 2));
	usleep(300000);
	FASTTRACE(test, three, (text, "3"));
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	sigset_t set;
	double begin;
	int sig;

	if (argc < 2 || threads > MAX_THREADS) {
		fprintf(stderr, "usage: see the head of program.c\n");
		return 2;
	}
	events = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
	pace = !strcmp(argv[1], "pace");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	FASTTRACE(test, begin);
	sigwait(&set, &sig);
	begin = now_s();
	if (!strcmp(argv[1], "classes"))
		classes_write();
	else
		write_all(threads, !strcmp(argv[1], "churn"));
	printf("%.6f\n", now_s() - begin);
	return 0;
}
