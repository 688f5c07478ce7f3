/* SPDX-License-Identifier: MIT */
/*
 * priority.c - a real-time thread's first event comes while an ordinary thread of the same
 * processor creates the arena: it lets that thread work, and does not take the processor from it.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"

#define ROUNDS	 400
#define STEP_NS	 4000 /* the event comes so much later, */
#define STEPS	 100  /* in so many steps */
#define PRIORITY 5

struct times {
	double urgent, ordinary; /* processor time of the first event of each, in seconds */
};

static struct times times;
static long delay;
static uint32_t ready;

static double first_event(void)
{
	struct timespec begin, end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin);
	FASTTRACE(life, first);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

static void *urgent(void *arg)
{
	struct timespec pause = {0, delay};

	__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	nanosleep(&pause, NULL);
	times.urgent = first_event();
	return arg;
}

/* Return: 0, or 77: we may not have such a thread. */
static int process_run(int out)
{
	struct sched_param priority = {.sched_priority = PRIORITY};
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
	pthread_attr_setschedparam(&attr, &priority);
	if (pthread_create(&thread, &attr, urgent, NULL))
		return 77;
	while (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE))
		sched_yield();
	times.ordinary = first_event();
	pthread_join(thread, NULL);
	return write(out, &times, sizeof(times)) != sizeof(times);
}

int main(void)
{
	struct times sum = {0, 0}, one;
	cpu_set_t processor;
	int ends[2], status;

	CPU_ZERO(&processor);
	CPU_SET(sched_getcpu(), &processor);
	if (sched_setaffinity(0, sizeof(processor), &processor) || pipe(ends))
		return 1;
	for (int i = 0; i < ROUNDS; i++) {
		delay = (i % STEPS + 1) * STEP_NS;
		if (!fork())
			_exit(process_run(ends[1]));
		if (wait(&status) < 0 || (status && WEXITSTATUS(status) != 77))
			return 1;
		if (status) {
			puts("SKIP: no right to have a real-time thread");
			return 77;
		}
		if (read(ends[0], &one, sizeof(one)) != sizeof(one))
			return 1;
		sum.urgent += one.urgent;
		sum.ordinary += one.ordinary;
	}
	printf("processor time of first events: real-time %.4f s, ordinary %.4f s\n", sum.urgent,
	       sum.ordinary);
	return sum.urgent > 4 * sum.ordinary;
}
