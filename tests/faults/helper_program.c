/* SPDX-License-Identifier: MIT */
/*
 * helper_program.c - the traced program of the fault tests: it does what its arguments say, one
 * after another, and exits with 0.
 *
 *   threads N      starts N threads, which wait
 *   write E        each thread writes E ticks, one thread after the other; without threads: main
 *   join           ends the threads
 *   touch FILE     FILE now holds how many events have returned
 *   await FILE     until FILE is there
 *   ms N           sleeps
 *   nofile N       from now on N descriptors at most; `hog`: takes all that are left, `leave N`:
 *                  gives N of those back
 *   as BYTES       address space: so much more than now; `as max`: as much as there is
 *   fork N HOW     N children in turn, each of which writes a tick and ends: exit, _exit, kill, exec
 *   swarm N COUNT FILE   N children at once, each writes a tick and adds a byte to
 *                  COUNT; they end when FILE is there
 *   reap           waits for all children
 *   exit CODE, abort, stay
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"

#define MAX_THREADS 1200
#define MAX_HOGS    4096
#define STACK_BYTES (64 << 10)

struct worker {
	pthread_t id;
	sem_t go, done;
	uint64_t n;	 /* of its next tick */
	uint64_t events; /* to write; 0: end */
};

static struct worker workers[MAX_THREADS], main_worker;
static unsigned threads, hogs;
static int hog[MAX_HOGS];
static uint64_t returned;

static void ticks(struct worker *w, uint64_t thread, uint64_t events)
{
	for (uint64_t i = 0; i < events; i++) {
		FASTTRACE(test, tick, (thread, thread), (n, w->n));
		w->n++;
	}
	returned += events; /* one thread at a time */
}

static void *work(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		sem_wait(&w->go);
		if (!w->events)
			return NULL;
		ticks(w, (uint64_t)(w - workers) + 1, w->events);
		sem_post(&w->done);
	}
}

static void threads_start(unsigned n)
{
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	for (; n && threads < MAX_THREADS; n--) {
		struct worker *w = &workers[threads];

		sem_init(&w->go, 0, 0);
		sem_init(&w->done, 0, 0);
		if (pthread_create(&w->id, &attr, work, w)) {
			perror("pthread_create");
			exit(2);
		}
		threads++;
	}
}

static void all_write(uint64_t events)
{
	for (unsigned i = 0; i < threads; i++) {
		workers[i].events = events;
		sem_post(&workers[i].go);
		sem_wait(&workers[i].done);
	}
	if (!threads)
		ticks(&main_worker, 0, events);
}

static void all_join(void)
{
	for (; threads; threads--) {
		workers[threads - 1].events = 0;
		sem_post(&workers[threads - 1].go);
		pthread_join(workers[threads - 1].id, NULL);
	}
}

/* Written whole or not there: whoever waits for it reads it at once. */
static void file_touch(const char *path)
{
	char other[4096];
	FILE *f;

	snprintf(other, sizeof(other), "%s.new", path);
	f = fopen(other, "w");
	if (!f || fprintf(f, "%llu\n", (unsigned long long)returned) < 0 || fclose(f) ||
	    rename(other, path)) {
		perror(path);
		exit(2);
	}
}

static void file_await(const char *path)
{
	while (access(path, F_OK))
		usleep(2000);
}

static void limit_set(int resource, rlim_t soft)
{
	struct rlimit limit;

	getrlimit(resource, &limit);
	limit.rlim_cur = soft < limit.rlim_max ? soft : limit.rlim_max;
	if (setrlimit(resource, &limit)) {
		perror("setrlimit");
		exit(2);
	}
}

static rlim_t address_space(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (!f || fscanf(f, "%lu", &pages) != 1)
		exit(2);
	fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void descriptors_take(void)
{
	while (hogs < MAX_HOGS && (hog[hogs] = dup(STDERR_FILENO)) >= 0)
		hogs++;
}

static _Noreturn void child(const char *how)
{
	FASTTRACE(test, tick, (thread, getpid()), (n, 0));
	if (!strcmp(how, "_exit"))
		_exit(0);
	if (!strcmp(how, "kill"))
		kill(getpid(), SIGKILL);
	if (!strcmp(how, "exec"))
		execl("/bin/true", "true", (char *)NULL);
	exit(0);
}

static pid_t fork_or_die(void)
{
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	return pid;
}

static void children(unsigned n, const char *how)
{
	for (unsigned i = 0; i < n; i++)
		if (!fork_or_die())
			child(how);
		else
			while (wait(NULL) < 0)
				;
	returned += n;
}

/* A byte for each: appended, so that their number is exact. */
static void swarm(unsigned n, const char *count, const char *until)
{
	int fd = open(count, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0)
		exit(2);
	for (unsigned i = 0; i < n; i++)
		if (!fork_or_die()) {
			FASTTRACE(test, tick, (thread, getpid()), (n, 0));
			if (write(fd, "x", 1) != 1)
				exit(2);
			file_await(until);
			exit(0);
		}
	close(fd);
	returned += n;
}

/* What stands alone. */
static bool word(const char *w)
{
	if (!strcmp(w, "join"))
		all_join();
	else if (!strcmp(w, "hog"))
		descriptors_take();
	else if (!strcmp(w, "reap"))
		while (wait(NULL) > 0)
			;
	else if (!strcmp(w, "abort"))
		abort();
	else if (!strcmp(w, "stay"))
		for (;;)
			pause();
	else
		return false;
	return true;
}

static _Noreturn void usage(const char *w)
{
	fprintf(stderr, "%s: see the head of helper_program.c\n", w);
	exit(2);
}

static void with_number(const char *w, const char *arg)
{
	unsigned long long n = strtoull(arg, NULL, 10);

	if (!strcmp(w, "threads"))
		threads_start((unsigned)n);
	else if (!strcmp(w, "write"))
		all_write(n);
	else if (!strcmp(w, "ms"))
		usleep((useconds_t)n * 1000);
	else if (!strcmp(w, "nofile"))
		limit_set(RLIMIT_NOFILE, (rlim_t)n);
	else if (!strcmp(w, "leave"))
		for (; n && hogs; n--)
			close(hog[--hogs]);
	else if (!strcmp(w, "as"))
		limit_set(RLIMIT_AS, strcmp(arg, "max") ? address_space() + n : RLIM_INFINITY);
	else if (!strcmp(w, "exit"))
		exit((int)n);
	else
		usage(w);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *w = argv[i], *arg = argv[i + 1];

		if (word(w))
			continue;
		if (!arg)
			return 2;
		i++;
		if (!strcmp(w, "touch"))
			file_touch(arg);
		else if (!strcmp(w, "await"))
			file_await(arg);
		else if (!strcmp(w, "fork") && argv[i + 1])
			children((unsigned)atoi(arg), argv[++i]);
		else if (!strcmp(w, "swarm") && argv[i + 1] && argv[i + 2])
			swarm((unsigned)atoi(arg), argv[i + 1], argv[i + 2]), i += 2;
		else
			with_number(w, arg);
	}
	return 0;
}
