/* SPDX-License-Identifier: MIT */
/*
 * program.c - the traced program of the mount tests.
 *
 *   program write COUNTS THREADS [EVENTS [PAUSE_US]]   each thread writes ticks; EVENTS 0: for ever
 *   program stay COUNTS THREADS EVENTS                 the same, then waits for SIGTERM
 *   program counts COUNTS THREADS      prints how many had returned, a line for each thread
 *   program end exit CODE | abort | segv | exec        traces one event, then ends so
 *   program churn THREADS              so many one after the other, beside one that writes meanwhile
 *   program unlocked FILE              exit 0 if nobody locks FILE
 *   program seek FILE COPY             exit 0 if FILE reads as COPY does, from anywhere
 *
 * COUNTS is a file that the program maps and where each thread notes the events that have returned.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fasttrace.h"

#define MAX_THREADS 64

static uint64_t *counts;
static uint64_t events;
static useconds_t pause_us;

static int counts_map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, MAX_THREADS * 64)) {
		perror(path);
		return -1;
	}
	counts = mmap(NULL, MAX_THREADS * 64, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return counts == MAP_FAILED ? -1 : 0;
}

static void *writer(void *arg)
{
	uint64_t t = (uintptr_t)arg;

	for (uint64_t n = 0; !events || n < events; n++) {
		FASTTRACE(test, tick, (thread, t), (n, n));
		__atomic_store_n(&counts[t * 8], n + 1, __ATOMIC_RELEASE);
		if (pause_us)
			usleep(pause_us);
	}
	return NULL;
}

static void write_all(unsigned threads)
{
	pthread_t id[MAX_THREADS];

	for (uintptr_t i = 0; i < threads; i++)
		pthread_create(&id[i], NULL, writer, (void *)i);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
}

static int end(const char *how, const char *code)
{
	FASTTRACE(test, end, (how, how));
	if (!strcmp(how, "exit"))
		exit(atoi(code));
	if (!strcmp(how, "abort"))
		abort();
	if (!strcmp(how, "segv"))
		raise(SIGSEGV);
	if (!strcmp(how, "exec"))
		execlp("sleep", "sleep", code ? code : "60", (char *)NULL);
	return 1;
}

/* Reserved, and not committed before the signal. */
static _Noreturn void flight(void)
{
	struct fasttrace_reservation r;
	uint64_t header, n = 1;
	sigset_t set;
	int sig;
	unsigned char *p;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	FASTTRACE(test, tick, (thread, n - 1), (n, n - 1));
	memcpy(&header, fasttrace_self->ring.pages + FASTTRACE_HEADER_BYTES, sizeof(header));
	p = fasttrace_reserve(&r, 3, (uint32_t)(header & 0xffff));
	memset(p + 8, 0, 8);
	memcpy(p + 16, &n, sizeof(n));
	sigwait(&set, &sig);
	fasttrace_commit(&r);
	for (;;)
		pause();
}

static bool churned;

static void *begin(void *unused)
{
	(void)unused;
	FASTTRACE(test, begun);
	return NULL;
}

static void *run_on(void *unused)
{
	(void)unused;
	for (unsigned n = 0; !__atomic_load_n(&churned, __ATOMIC_RELAXED); n++) {
		FASTTRACE(test, running, (n, n));
		if (n % 50 == 0)
			usleep(20);
	}
	return NULL;
}

static int churn(unsigned threads)
{
	pthread_t id, running;

	pthread_create(&running, NULL, run_on, NULL);
	while (threads--) {
		pthread_create(&id, NULL, begin, NULL);
		pthread_join(id, NULL);
	}
	__atomic_store_n(&churned, true, __ATOMIC_RELAXED);
	return pthread_join(running, NULL);
}

static int readable(const char *path, int ms)
{
	struct pollfd p = {.fd = open(path, O_RDONLY | O_CLOEXEC), .events = POLLIN};

	return p.fd < 0 || poll(&p, 1, ms) != 1;
}

static int unlocked(const char *path)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	int fd = open(path, O_RDWR | O_CLOEXEC);

	return fd < 0 || fcntl(fd, F_OFD_GETLK, &lock) || lock.l_type != F_UNLCK;
}

/* Back, ahead and beyond the end. */
static int seek(const char *path, const char *copy)
{
	static char a[5000], b[sizeof(a)];
	int x = open(path, O_RDONLY | O_CLOEXEC), y = open(copy, O_RDONLY | O_CLOEXEC);
	off_t size = lseek(y, 0, SEEK_END);

	for (int i = 0; i < 200 && size > 0; i++) {
		off_t at = rand() % (size + 1000);
		size_t n = 1 + (size_t)rand() % sizeof(a);
		ssize_t got = pread(x, a, n, at);

		if (got < 0 || got != pread(y, b, n, at) || memcmp(a, b, (size_t)got)) {
			fprintf(stderr, "%zu bytes at %jd: got %zd\n", n, (intmax_t)at, got);
			return 1;
		}
	}
	return x < 0 || y < 0;
}

int main(int argc, char **argv)
{
	unsigned threads = argc > 3 ? (unsigned)atoi(argv[3]) : 1;

	if (argc > 2 && !strcmp(argv[1], "end"))
		return end(argv[2], argc > 3 ? argv[3] : NULL);
	if (argc == 2 && !strcmp(argv[1], "flight"))
		flight();
	if (argc == 3 && !strcmp(argv[1], "churn"))
		return churn((unsigned)atoi(argv[2]));
	if (argc == 4 && !strcmp(argv[1], "poll"))
		return readable(argv[2], atoi(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "unlocked"))
		return unlocked(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "seek"))
		return seek(argv[2], argv[3]);
	if (argc < 4 || threads > MAX_THREADS || counts_map(argv[2])) {
		fprintf(stderr, "usage: see the head of program.c\n");
		return 2;
	}
	events = argc > 4 ? strtoull(argv[4], NULL, 10) : 0;
	pause_us = argc > 5 ? (useconds_t)atoi(argv[5]) : 0;
	if (!strcmp(argv[1], "counts")) {
		for (unsigned i = 0; i < threads; i++)
			printf("%u %llu\n", i, (unsigned long long)counts[i * 8]);
		return 0;
	}
	write_all(threads);
	if (!strcmp(argv[1], "stay"))
		for (;;)
			pause();
	return 0;
}
