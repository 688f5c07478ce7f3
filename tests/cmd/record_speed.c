/* SPDX-License-Identifier: MIT */
/*
 * record_speed.c THREADS EVENTS - one event of one u64, EVENTS times in each thread, at full speed.
 * THREADS 0: in the first thread itself.
 *
 * Traces the event once, says "ready", waits for SIGUSR1, and says when it began, in ns since 1970.
 * With LTTNG defined it is LTTng-UST's event, else ours.
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef LTTNG
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "speed.h"
#define WRITE(value) lttng_ust_tracepoint(speed, tick, value)
#else
#include "fasttrace.h"
#define WRITE(value) FASTTRACE(speed, tick, (n, value))
#endif

#define MAX_THREADS 64

static uint64_t events;

static void *writer(void *arg)
{
	for (uint64_t n = 0; n < events; n++)
		WRITE(n);
	return arg;
}

int main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[1]) : 0, sig;
	pthread_t id[MAX_THREADS];
	struct timespec now;
	sigset_t set;

	if (argc != 3 || threads < 0 || threads > MAX_THREADS) {
		fprintf(stderr, "usage: record_speed THREADS EVENTS\n");
		return 2;
	}
	events = strtoull(argv[2], NULL, 10);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	WRITE(UINT64_MAX);
	puts("ready");
	fflush(stdout);
	sigwait(&set, &sig);
	clock_gettime(CLOCK_REALTIME, &now);
	printf("%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	fflush(stdout);
	if (!threads)
		writer(NULL);
	for (int i = 0; i < threads; i++)
		pthread_create(&id[i], NULL, writer, NULL);
	for (int i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	return 0;
}
