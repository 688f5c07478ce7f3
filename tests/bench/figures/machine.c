/* SPDX-License-Identifier: MIT */
/*
 * machine.c [ROUNDS] - figure `machine`: what this machine takes for what the rest is made of. A fence that
 * one process has another one execute, as a reader that switches does: what it takes of either's time.
 * And a question and its answer, between two processes that sleep meanwhile, on one processor and on
 * two, as between who reads a file of the mount and the daemon.
 */
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

#include <fasttrace.h>

#include "ft-barrier.h"

enum { FENCES = 500, QUESTIONS = 500, PAUSE_US = 10000, MAX_ROUNDS = 999 };
enum value { ASKS, FENCED, APART, TOGETHER, VALUES };

static const struct {
	const char *name, *subject, *label;
} rows[VALUES] = {
	{"a fence for another process", "fasttrace", "who asks"},
	{"a fence for another process", "none", "who is fenced"},
	{"a question and its answer", "fasttrace", "on two processors"},
	{"a question and its answer", "none", "on one"},
};

static double values[VALUES][MAX_ROUNDS];
static volatile uint64_t *work; /* of the process that is fenced */
static int processors[2];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void bind(int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* A child that runs until we end. */
static pid_t begin(void (*run)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid < 0)
		exit(1);
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run(arg);
	_exit(0);
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void works(void *arg)
{
	(void)arg;
	bind(processors[1]);
	work[1] = ft_barrier_register() ? 1 : 2;
	for (;;) {
		for (int i = 0; i < 16; i++)
			fasttrace_clock_cycles();
		work[0]++;
	}
}

/* Return: false: the kernel does not. */
static bool fence(int round)
{
	uint64_t done = work[0];
	double began = now_us(), alone, took;

	usleep(PAUSE_US);
	alone = (double)(work[0] - done) / (now_us() - began);
	began = now_us();
	done = work[0];
	for (int i = 0; i < FENCES; i++)
		if (!ft_barrier())
			return false;
	took = now_us() - began;
	values[ASKS][round] = took / FENCES;
	values[FENCED][round] = (took - (double)(work[0] - done) / alone) / FENCES;
	return true;
}

static void answers(void *arg)
{
	int *pipes = arg;
	char c;

	while (read(pipes[0], &c, 1) == 1 && write(pipes[3], &c, 1) == 1)
		;
}

static double questions(int processor)
{
	int pipes[4];
	double began;
	pid_t pid;
	char c = 0;

	if (pipe(pipes) || pipe(pipes + 2))
		exit(1);
	bind(processor);
	pid = begin(answers, pipes);
	bind(processors[0]);
	began = now_us();
	for (int i = 0; i < QUESTIONS; i++)
		if (write(pipes[1], &c, 1) != 1 || read(pipes[2], &c, 1) != 1)
			exit(1);
	began = now_us() - began;
	end(pid);
	for (int i = 0; i < 4; i++)
		close(pipes[i]);
	return began / QUESTIONS;
}

static void print(enum value v, int rounds, const char *missing)
{
	printf("{\"figure\": \"machine\", \"case\": \"%s\", \"subject\": \"%s\", \"label\": "
	       "\"%s\", ",
	       rows[v].name, rows[v].subject, rows[v].label);
	if (missing) {
		printf("\"missing\": \"%s\"}\n", missing);
		return;
	}
	printf("\"unit\": \"us\", \"values\": [");
	for (int i = 0; i < rounds; i++)
		printf("%s%.3f", i ? ", " : "", values[v][i]);
	puts("]}");
}

static int processors_find(void)
{
	cpu_set_t set;
	int n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (int i = 0; i < CPU_SETSIZE && n < 2; i++)
		if (CPU_ISSET(i, &set))
			processors[n++] = i;
	return n;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 15;
	const char *one = processors_find() < 2 ? "there is but one processor" : NULL,
		   *refused = one;
	pid_t pid;

	if (rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: machine [ROUNDS], 1 to %d\n", MAX_ROUNDS);
		return 2;
	}
	bind(processors[0]);
	work = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (work == MAP_FAILED)
		return 1;
	pid = begin(works, NULL);
	while (!one && !work[1])
		usleep(1000);
	for (int i = 0; i < rounds && !refused; i++)
		if (work[1] == 2 || !fence(i))
			refused = "no process can be fenced here";
	end(pid);
	for (int i = 0; i < rounds; i++) {
		values[TOGETHER][i] = questions(processors[0]);
		values[APART][i] = one ? 0 : questions(processors[1]);
	}
	print(ASKS, rounds, refused);
	print(FENCED, rounds, refused);
	print(APART, rounds, one);
	print(TOGETHER, rounds, NULL);
	return 0;
}
