/* SPDX-License-Identifier: MIT */
/*
 * swap.c - threads that write at full speed, with signal handlers that write too, against a reader
 * that swaps, and forces switches, all the time.
 *
 *   swap [SECONDS [MODE [SUBBUF_SIZE [SUBBUFS [THREADS]]]]]
 *
 * Each event carries its thread, its number and a checksum of both; the program counts for itself
 * what it has written, in a page outside the arena. Nothing may be torn, repeated or out of order,
 * and what was begun must be read, overwritten or lost, to the last event.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace-reader.h"
#include "fasttrace.h"

#define MAX_THREADS 64
#define MAX_STREAMS 8192
#define KINDS       3 /* the loop's events, a handler's, and those of one that interrupts it */
#define SIGNAL_NS   50000

/* Shared by program and reader, outside the arena. */
struct counts {
	uint32_t stop;
	struct {
		uint64_t n[KINDS];
	} thread[MAX_THREADS];
};

static struct counts *counts;
static __thread uint64_t self;

static uint64_t mix(uint64_t kind, uint64_t thread, uint64_t n)
{
	uint64_t x = kind << 61 ^ thread << 48 ^ n;

	x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

static void handler(int sig)
{
	uint64_t kind = (uint64_t)(sig - SIGRTMIN) + 1, t = self, n = counts->thread[t].n[kind];

	FASTTRACE(stress, event, (kind, kind), (thread, t), (n, n), (check, mix(kind, t, n)));
	counts->thread[t].n[kind] = n + 1;
}

static void timer_start(int sig, long ns)
{
	struct itimerspec every = {{0, ns}, {0, ns}};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig};
	timer_t timer;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &every, NULL))
		perror("timer");
}

static void *writer_thread(void *arg)
{
	uint64_t t = (uintptr_t)arg;

	self = t;
	timer_start(SIGRTMIN, SIGNAL_NS);
	timer_start(SIGRTMIN + 1, SIGNAL_NS * 7 / 9);
	for (uint64_t n = 0; !__atomic_load_n(&counts->stop, __ATOMIC_RELAXED); n++) {
		FASTTRACE(stress, event, (kind, (uint64_t)0), (thread, t), (n, n),
			  (check, mix(0, t, n)));
		counts->thread[t].n[0] = n + 1;
	}
	signal(SIGRTMIN, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	return NULL;
}

static int writer(unsigned threads)
{
	struct sigaction sa = {.sa_handler = handler, .sa_flags = SA_RESTART};
	pthread_t id[MAX_THREADS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGRTMIN, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	for (uintptr_t i = 0; i < threads; i++)
		pthread_create(&id[i], NULL, writer_thread, (void *)i);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	kill(getpid(), SIGKILL); /* so that the arena stays, as after a crash */
	return 1;
}

/* The reader's side. */

struct seen {
	/* The smallest number that may come, by stream: a thread's handler that laps the ring while an
	 * event is in flight goes on in another one. */
	uint64_t next[MAX_STREAMS][KINDS];
	uint64_t events, packets, errors, swapped_away;
};

static void complain(struct seen *seen, const char *what, const uint64_t *v, uint64_t seq)
{
	if (seen->errors++ < 10)
		fprintf(stderr, "%s: kind %llu thread %llu n %llu in sub-buffer %llu\n", what,
			(unsigned long long)v[0], (unsigned long long)v[1],
			(unsigned long long)v[2], (unsigned long long)seq);
}

static void packet_check(struct seen *seen, const struct fasttrace_packet *p)
{
	const char *at = p->body;

	if (p->body_bytes % 40 || p->body_bytes / 40 != p->events) {
		fprintf(stderr, "%zu bytes, %llu events\n", p->body_bytes,
			(unsigned long long)p->events);
		seen->errors++;
	}
	for (uint64_t i = 0; i < p->events; i++, at += 40) {
		uint64_t v[4];

		memcpy(v, at + 8, sizeof(v));
		if (v[0] >= KINDS || v[1] >= MAX_THREADS || v[3] != mix(v[0], v[1], v[2]))
			complain(seen, "torn", v, p->seq);
		else if (v[2] < seen->next[p->serial % MAX_STREAMS][v[0]])
			complain(seen, "repeated or out of order", v, p->seq);
		else
			seen->next[p->serial % MAX_STREAMS][v[0]] = v[2] + 1;
	}
	seen->events += p->events;
	seen->packets++;
}

/* Take what there is of one buffer; now and then force a switch, or leave a packet half-read. */
static void buffer_read(struct fasttrace_arena *a, unsigned i, struct seen *seen, unsigned *random)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	uint64_t seq;

	if (fasttrace_buffer_info(a, i, &info))
		return;
	*random = *random * 1103515245 + 12345;
	if ((*random >> 16) % 8 == 0)
		fasttrace_buffer_switch(a, i, info.serial,
					(*random >> 20) % 2 ? FASTTRACE_ACTIVE : FASTTRACE_FLUSH);
	while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL)) {
		if (fasttrace_buffer_get(a, i, info.serial, seq, &p)) {
			seen->swapped_away++;
			continue;
		}
		*random = *random * 1103515245 + 12345;
		if ((*random >> 16) % 64 == 0) {
			fasttrace_buffer_unget(a, i, &p);
			return;
		}
		packet_check(seen, &p);
		fasttrace_buffer_put(a, i, &p);
	}
}

static struct fasttrace_arena *arena_find(const char *dir)
{
	struct fasttrace_arena *a = NULL;
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.')
			fasttrace_arena_open(dirfd(d), e->d_name, FASTTRACE_OPEN_CONSUME, &a, NULL);
	if (d)
		closedir(d);
	return a;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void read_until(struct fasttrace_arena *a, struct seen *seen, double end)
{
	unsigned random = 1;

	while (end == 0 || now() < end) {
		for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
			buffer_read(a, i, seen, &random);
		if (end == 0 && !fasttrace_arena_alive(a))
			return;
	}
}

static void read_rest(struct fasttrace_arena *a, struct seen *seen)
{
	unsigned random = 1;

	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;

		if (fasttrace_buffer_info(a, i, &info))
			continue;
		fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH);
		while (!fasttrace_buffer_drained(a, i, info.serial))
			buffer_read(a, i, seen, &random);
	}
}

/* The sums; an event in flight when the program was killed was counted by neither side. */
static bool sums_check(struct fasttrace_arena *a, const struct seen *seen, unsigned threads)
{
	struct fasttrace_stats s;
	uint64_t begun = 0, lost;

	fasttrace_arena_stats(a, &s);
	for (unsigned i = 0; i < threads; i++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			begun += counts->thread[i].n[kind];
	lost = s.lost_full + s.lost_too_big + s.lost_nested + s.lost_no_buffer + s.lost_no_event;
	printf("begun %llu = read %llu + overwritten %llu + lost %llu (in flight %llu)\n",
	       (unsigned long long)s.begun, (unsigned long long)seen->events,
	       (unsigned long long)s.overwritten, (unsigned long long)lost,
	       (unsigned long long)s.in_flight);
	printf("%llu packets, %llu lost to the writer, %llu errors\n",
	       (unsigned long long)seen->packets, (unsigned long long)seen->swapped_away,
	       (unsigned long long)seen->errors);
	if (s.begun != begun)
		printf("the program itself counted %llu\n", (unsigned long long)begun);
	return s.begun == begun && s.consumed == seen->events && !s.readable && !s.in_flight &&
	       s.begun == seen->events + s.overwritten + lost && !seen->errors && seen->events;
}

static void dir_remove(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
	rmdir(dir);
}

static pid_t program_start(char **argv, unsigned threads, int memfd)
{
	char fd[16], n[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(fd, sizeof(fd), "%d", dup(memfd));
	snprintf(n, sizeof(n), "%u", threads);
	execl("/proc/self/exe", argv[0], "--writer", fd, n, (char *)NULL);
	_exit(127);
}

int main(int argc, char **argv)
{
	char dir[] = "/dev/shm/fasttrace-stress-XXXXXX";
	double seconds = argc > 1 ? atof(argv[1]) : 2, end;
	unsigned threads = argc > 5 ? (unsigned)atoi(argv[5]) : 4;
	struct fasttrace_arena *a = NULL;
	static struct seen seen;
	bool ok = false;
	pid_t pid;
	int fd;

	if (argc == 4 && !strcmp(argv[1], "--writer")) {
		counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED,
			      atoi(argv[2]), 0);
		return writer((unsigned)atoi(argv[3]));
	}
	fd = memfd_create("counts", MFD_CLOEXEC);
	if (ftruncate(fd, sizeof(*counts)) || !mkdtemp(dir) || threads > MAX_THREADS)
		return 1;
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	setenv("FASTTRACE_DIR", dir, 1);
	setenv("FASTTRACE_MODE", argc > 2 ? argv[2] : "overwrite", 1);
	setenv("FASTTRACE_SUBBUF_SIZE", argc > 3 ? argv[3] : "4096", 1);
	setenv("FASTTRACE_SUBBUFS", argc > 4 ? argv[4] : "4", 1);
	pid = program_start(argv, threads, fd);
	for (end = now() + 10; !a && now() < end; usleep(1000))
		a = arena_find(dir);
	if (a) {
		read_until(a, &seen, now() + seconds);
		__atomic_store_n(&counts->stop, 1, __ATOMIC_RELAXED);
		read_until(a, &seen, 0);
	} else {
		kill(pid, SIGKILL);
	}
	waitpid(pid, NULL, 0);
	if (a) {
		read_rest(a, &seen);
		ok = sums_check(a, &seen, threads);
	}
	fasttrace_arena_close(a);
	dir_remove(dir);
	puts(ok ? "1 passed, 0 failed" : "0 passed, 1 failed");
	return !ok;
}
