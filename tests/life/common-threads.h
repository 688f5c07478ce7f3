/* SPDX-License-Identifier: MIT */
/*
 * common-threads.h - tests of a thread's life: turns, each in a process of its own with an
 * environment of its own, which traces and then reads its own arena.
 */
#ifndef COMMON_THREADS_H
#define COMMON_THREADS_H

#include <sys/stat.h>

#include "program.h"

struct turn {
	const char *name;
	void (*run)(void);
	const char *env[4]; /* NAME=VALUE */
};

#define check(what) ((what) ? (void)0 : check_failed(__FILE__, __LINE__, #what, 0, 0))
#define check_equal(a, b)                                                             \
	do {                                                                          \
		uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b);                      \
		if (a_ != b_)                                                         \
			check_failed(__FILE__, __LINE__, #a " == " #b, (long long)a_, \
				     (long long)b_);                                  \
	} while (0)

static inline void check_failed(const char *file, int line, const char *what, long long a,
				long long b)
{
	fprintf(stderr, "%s:%d: not so: %s (%lld, %lld)\n", file, line, what, a, b);
	_exit(1);
}

/* Our own arena, as its consumer. */
static inline struct fasttrace_arena *arena_own(void)
{
	struct fasttrace_arena *a = arena_find(getenv("FASTTRACE_DIR"), getpid());

	check(a != NULL);
	return a;
}

/* The counts, which must add up. */
static inline struct fasttrace_stats stats_of(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	check_equal(fasttrace_arena_stats(a, &s), 0);
	check_equal(s.begun, s.consumed + s.readable + s.overwritten + s.lost_full +
				     s.lost_too_big + s.lost_nested + s.lost_no_buffer +
				     s.lost_no_event + s.in_flight);
	return s;
}

static inline unsigned lines_of(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned n = 0;

	for (int c; f && (c = getc(f)) != EOF;)
		n += c == '\n';
	if (f)
		fclose(f);
	return n;
}

static inline unsigned files_in(const char *path)
{
	DIR *d = opendir(path);
	unsigned n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

/* What a leak would show in. */
struct resources {
	unsigned maps, descriptors, files;
	uint64_t pages, arena_blocks;
};

static inline struct resources resources_now(void)
{
	struct resources r = {lines_of("/proc/self/maps"), files_in("/proc/self/fd"),
			      files_in(getenv("FASTTRACE_DIR")), 0, 0};
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long size, resident;
	struct stat st;
	struct dirent *e;
	DIR *d;

	if (f && fscanf(f, "%lu %lu", &size, &resident) == 2)
		r.pages = resident;
	if (f)
		fclose(f);
	d = opendir(getenv("FASTTRACE_DIR"));
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && !fstatat(dirfd(d), e->d_name, &st, 0))
			r.arena_blocks += (uint64_t)st.st_blocks;
	if (d)
		closedir(d);
	return r;
}

static inline int turn_start(const struct turn *t)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < 4 && t->env[i]; i++)
			putenv(strdup(t->env[i]));
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl("/proc/self/exe", "turn", t->name, (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	printf("%s %s\n", status ? "FAIL" : "ok  ", t->name);
	if (WIFSIGNALED(status))
		printf("     signal %d\n", WTERMSIG(status));
	dir_empty(getenv("FASTTRACE_DIR"));
	return status != 0;
}

/* main(): all of them, or the one that is named. */
static inline int turns_run(const struct turn *turns, int argc, char **argv)
{
	int failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!getenv("FASTTRACE_DIR")) {
		fprintf(stderr, "FASTTRACE_DIR: a folder of the test's own is wanted\n");
		return 2;
	}
	for (const struct turn *t = turns; t->name; t++) {
		if (argc < 2)
			failures += turn_start(t);
		else if (!strcmp(argv[1], t->name)) {
			t->run();
			return 0;
		}
	}
	return failures != 0;
}

/* The u64 values of a packet of events that hold one each. */
static inline size_t packet_values(const struct fasttrace_packet *p, uint64_t *out, size_t max)
{
	size_t n = p->body_bytes / 16 < max ? p->body_bytes / 16 : max;

	for (size_t i = 0; i < n; i++)
		memcpy(&out[i], (const char *)p->body + 16 * i + 8, 8);
	return n;
}

/* The values of buffer `index`, consumed: all its packets, the last one flushed if its thread
 * ended. */
static inline size_t buffer_values(struct fasttrace_arena *a, unsigned index, uint64_t *out,
				   size_t max)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	size_t n = 0;
	uint64_t seq;

	check_equal(fasttrace_buffer_get_info(a, index, &info), 0);
	fasttrace_buffer_switch(a, index, info.serial, FASTTRACE_FLUSH);
	while (!fasttrace_buffer_next(a, index, info.serial, 0, &seq, NULL) &&
	       !fasttrace_buffer_get(a, index, info.serial, seq, &p)) {
		n += packet_values(&p, out + n, max - n);
		fasttrace_buffer_put(a, index, &p);
	}
	return n;
}

#endif
