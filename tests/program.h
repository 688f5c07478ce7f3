/* SPDX-License-Identifier: MIT */
/*
 * program.h - the traced program of the stress and crash tests, and what they need to watch it.
 *
 * Threads write at full speed; two timers interrupt each of them, and one the other, and their
 * handlers write too. Each event describes itself: kind, thread, number; every second one a payload,
 * whose length and bytes follow from these and the run's seed; a checksum of it all, written last.
 * What was written is noted in a page outside the arena, after the macro has returned.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

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

#define KINDS	    3 /* the loop's events, a handler's, and those of one that interrupts it */
#define MAX_THREADS 64
#define SIGNAL_NS   50000
#define MAX_PAYLOAD 200
#define NOTES_BYTES 65536

struct counts {
	uint32_t stop;
	uint32_t running; /* threads that have begun */
	uint64_t seed;	  /* of the payloads */
	struct {
		uint64_t n[KINDS]; /* events whose macro has returned */
		/* Events of kind 0 that had returned before the last of this kind began. */
		uint64_t before[KINDS];
	} thread[MAX_THREADS];
	uint64_t notes[NOTES_BYTES / 8]; /* what a reading process notes, in its own words */
};

static struct counts *counts;
static uint64_t program_seed; /* of the next program_start() */
static __thread uint64_t program_self;

static inline uint64_t mix(uint64_t kind, uint64_t thread, uint64_t n)
{
	uint64_t x = kind << 61 ^ thread << 48 ^ n;

	x = (x ^ x >> 31) * UINT64_C(0x9e3779b97f4a7c15);
	return x ^ x >> 29;
}

/* The payload of an event, MAX_PAYLOAD bytes at most. Return: how many; 0: it has none. */
static inline size_t payload_make(uint64_t to[MAX_PAYLOAD / 8], uint64_t kind, uint64_t thread,
				  uint64_t n, uint64_t *check)
{
	uint64_t x = mix(kind, thread, n) ^ counts->seed;
	size_t bytes = x & 1 ? 1 + (x >> 1) % MAX_PAYLOAD : 0;

	*check = x;
	for (size_t i = 0; i < (bytes + 7) / 8; i++) {
		x ^= x << 13; /* xorshift64 */
		x ^= x >> 7;
		x ^= x << 17;
		to[i] = x;
		*check = (*check ^ x) * UINT64_C(0x9e3779b97f4a7c15);
	}
	return bytes;
}

static inline void program_event(uint64_t kind)
{
	uint64_t t = program_self, n = counts->thread[t].n[kind], before = counts->thread[t].n[0];
	uint64_t payload[MAX_PAYLOAD / 8], check;
	size_t bytes = payload_make(payload, kind, t, n, &check);

	if (bytes)
		FASTTRACE(stress, longer, (kind, kind), (thread, t), (n, n),
			  (payload, FASTTRACE_BYTES(payload, bytes)), (check, check));
	else
		FASTTRACE(stress, event, (kind, kind), (thread, t), (n, n), (check, check));
	__atomic_store_n(&counts->thread[t].before[kind], before, __ATOMIC_RELAXED);
	__atomic_store_n(&counts->thread[t].n[kind], n + 1, __ATOMIC_RELEASE);
}

/* Their numbers in the trace, which is a matter of who comes first. */
static unsigned program_event_id, program_longer_id;

static inline void program_ids_find(struct fasttrace_arena *a)
{
	struct fasttrace_event_info info;
	int classes = fasttrace_arena_events(a);

	program_event_id = program_longer_id = 0;
	for (unsigned id = 1; (int)id <= classes; id++) {
		if (fasttrace_event_get_info(a, id, &info) || strcmp(info.provider, "stress"))
			continue;
		if (!strcmp(info.name, "event"))
			program_event_id = id;
		if (!strcmp(info.name, "longer"))
			program_longer_id = id;
	}
}

struct program_event {
	uint64_t kind, thread, n;
};

/* Decode an event. Return: its bytes; 0: something in it is not as it was written. */
static inline size_t program_event_read(const void *at, size_t room, struct program_event *e)
{
	uint64_t want[MAX_PAYLOAD / 8], check, written;
	uint16_t id;
	uint32_t count = 0;
	size_t bytes, fields = 32; /* header, kind, thread, n */

	memset(e, 0, sizeof(*e));
	if (room < fields + 8)
		return 0;
	memcpy(&id, at, sizeof(id));
	memcpy(e, (const char *)at + 8, sizeof(*e));
	if (!id || (id != program_event_id && id != program_longer_id) || e->kind >= KINDS ||
	    e->thread >= MAX_THREADS)
		return 0;
	bytes = payload_make(want, e->kind, e->thread, e->n, &check);
	if (id == program_longer_id) {
		memcpy(&count, (const char *)at + fields, sizeof(count));
		fields += sizeof(count);
	}
	if (count != bytes || (id == program_longer_id) != (bytes > 0) || room < fields + count + 8)
		return 0;
	memcpy(&written, (const char *)at + fields + count, sizeof(written));
	if (written != check || memcmp((const char *)at + fields, want, count))
		return 0;
	fields = (fields + count + sizeof(check) + 7) & ~(size_t)7;
	return fields <= room ? fields : 0;
}

static inline void program_handler(int sig)
{
	program_event((uint64_t)(sig - SIGRTMIN) + 1);
}

static inline void program_timer(int sig, long ns)
{
	struct itimerspec every = {{0, ns}, {0, ns}};
	struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = sig};
	timer_t timer;

	event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &every, NULL))
		perror("timer");
}

static inline void *program_thread(void *arg)
{
	program_self = (uintptr_t)arg;
	program_timer(SIGRTMIN, SIGNAL_NS);
	program_timer(SIGRTMIN + 1, SIGNAL_NS * 7 / 9);
	__atomic_add_fetch(&counts->running, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&counts->stop, __ATOMIC_RELAXED))
		program_event(0);
	signal(SIGRTMIN, SIG_IGN);
	signal(SIGRTMIN + 1, SIG_IGN);
	return NULL;
}

/* When told to stop it kills itself, so that the arena stays, as after a crash. */
static inline int program_run(unsigned threads)
{
	struct sigaction sa = {.sa_handler = program_handler, .sa_flags = SA_RESTART};
	pthread_t id[MAX_THREADS];

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sigaction(SIGRTMIN, &sa, NULL);
	sigaction(SIGRTMIN + 1, &sa, NULL);
	for (uintptr_t i = 0; i < threads; i++)
		pthread_create(&id[i], NULL, program_thread, (void *)i);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	kill(getpid(), SIGKILL);
	return 1;
}

static int counts_fd = -1;

/* The page of counts: made by the test, mapped by the program from the descriptor it inherits. */
static inline void counts_map(int fd)
{
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED) {
		perror("counts");
		exit(1);
	}
}

static inline void counts_make(void)
{
	counts_fd = memfd_create("counts", MFD_CLOEXEC);
	if (counts_fd < 0 || ftruncate(counts_fd, sizeof(*counts)))
		perror("memfd");
	counts_map(counts_fd);
}

/* True when this is the program, run again: `self --program FD THREADS`. */
static inline bool program_is(int argc, char **argv, int *status)
{
	if (argc != 4 || strcmp(argv[1], "--program"))
		return false;
	counts_map(atoi(argv[2]));
	*status = program_run((unsigned)atoi(argv[3]));
	return true;
}

static inline pid_t program_start(unsigned threads)
{
	char fd[16], n[16];
	pid_t pid;

	memset(counts, 0, sizeof(*counts));
	counts->seed = program_seed;
	pid = fork();
	if (pid)
		return pid;
	snprintf(fd, sizeof(fd), "%d", dup(counts_fd));
	snprintf(n, sizeof(n), "%u", threads);
	execl("/proc/self/exe", "program", "--program", fd, n, (char *)NULL);
	_exit(127);
}

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* The arena of pid, when it is there, within 10 s. */
static inline struct fasttrace_arena *arena_find(const char *dir, pid_t pid)
{
	struct fasttrace_arena *a = NULL;
	char part[32];

	snprintf(part, sizeof(part), "-%d-", (int)pid);
	for (double end = now() + 10; !a && now() < end; usleep(500)) {
		DIR *d = opendir(dir);
		struct dirent *e;

		while (d && !a && (e = readdir(d)))
			if (e->d_name[0] != '.' && strstr(e->d_name, part))
				fasttrace_arena_open(dirfd(d), e->d_name, FASTTRACE_OPEN_CONSUME,
						     &a, NULL);
		if (d)
			closedir(d);
	}
	return a;
}

/*
 * A new arena directory, inside that which whoever runs the tests removes, should we not come to
 * it.
 */
static inline bool dir_make(char *dir, size_t size)
{
	const char *in = getenv("FASTTRACE_DIR");

	snprintf(dir, size, "%s/test-XXXXXX", in ? in : "/dev/shm");
	return mkdtemp(dir) != NULL;
}

static inline void dir_empty(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)))
		unlinkat(dirfd(d), e->d_name, 0);
	if (d)
		closedir(d);
}

/* Hold the directory's lock, as a daemon does, so that block mode waits. */
static inline int dir_serve(const char *dir)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	return fcntl(fd, F_OFD_SETLK, &lock) ? -1 : fd;
}

#endif
