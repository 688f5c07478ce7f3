/* SPDX-License-Identifier: MIT */
/*
 * many.c - an ordinary program of many short threads, a signal, a fork: for compilers and C
 * libraries that the library itself was not built with.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"

#define CREATORS 4
#define THREADS	 250
#define EVENTS	 200

static void handler(int sig)
{
	FASTTRACE(many, signal, (signal, sig));
}

static void *short_thread(void *arg)
{
	for (int i = 0; i < EVENTS; i++)
		FASTTRACE(many, number, (n, i), (text, "some text"), (x, 0.5));
	return arg;
}

static void *creator(void *arg)
{
	for (int i = 0; i < THREADS; i++) {
		pthread_t id[2];

		for (int j = 0; j < 2; j++)
			if (pthread_create(&id[j], NULL, short_thread, NULL))
				abort();
		for (int j = 0; j < 2; j++)
			pthread_join(id[j], NULL);
	}
	return arg;
}

static void trace(void)
{
	pthread_t id[CREATORS];

	for (int i = 0; i < CREATORS; i++)
		if (pthread_create(&id[i], NULL, creator, NULL))
			abort();
	raise(SIGUSR1);
	for (int i = 0; i < CREATORS; i++)
		pthread_join(id[i], NULL);
}

/* With an argument, die at the end, so that the arena stays. */
int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	(void)argv;
	signal(SIGUSR1, handler);
	trace();
	pid = fork();
	if (!pid) {
		FASTTRACE(many, child);
		exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return 1;
	if (argc > 1)
		kill(getpid(), SIGKILL);
	return 0;
}
