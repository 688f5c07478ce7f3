/* SPDX-License-Identifier: MIT */
/*
 * start.c - what a program's life costs when it is linked with libfasttrace: start to end.
 *
 *     start [ROUNDS]
 *
 * Each round runs, in turns, a program that is not linked with it, and one that is: static and
 * shared, with no event and with one, which makes the arena; and switched off. Time is from fork()
 * to what wait() returns; the programs do nothing else, so that it is the least a program takes.
 * Shown are the median, the least and the most, and the median of what each takes over the unlinked
 * one of its round.
 */
#include <dirent.h>
#include <libgen.h>
#include <limits.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ROUNDS 10000
#define WARM_UP	   5

extern char **environ;

static const struct kind {
	const char *name, *program, *events, *setting;
} kinds[] = {
	{"not linked", "start-without", NULL, "on"},
	{"static, no event", "start-with", NULL, "on"},
	{"static, one event", "start-with", "1", "on"},
	{"static, FASTTRACE=off", "start-with", "1", "off"},
	{"shared, no event", "start-shared", NULL, "on"},
	{"shared, one event", "start-shared", "1", "on"},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

static double took[KINDS][MAX_ROUNDS], over[KINDS][MAX_ROUNDS];
static char arenas[PATH_MAX], programs[PATH_MAX];

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void arenas_remove(void)
{
	DIR *dir = opendir(arenas);
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(arenas);
}

static double run(const struct kind *kind)
{
	char path[PATH_MAX + 32];
	char *argv[] = {path, (char *)(uintptr_t)kind->events, NULL};
	int status = 0, err;
	double begin;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s", programs, kind->program);
	setenv("FASTTRACE", kind->setting, 1);
	begin = now_us();
	err = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (err || waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "start: %s: %s\n", path, err ? strerror(err) : "it failed");
		exit(1);
	}
	return now_us() - begin;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void print(int kind, int rounds)
{
	qsort(took[kind], (size_t)rounds, sizeof(double), compare);
	qsort(over[kind], (size_t)rounds, sizeof(double), compare);
	printf("%-24s %8.0f %8.0f %8.0f %+8.0f\n", kinds[kind].name, took[kind][rounds / 2],
	       took[kind][0], took[kind][rounds - 1], over[kind][rounds / 2]);
}

/* No variable of the tracer's but a directory of our own, in tmpfs. */
static void environment_set(void)
{
	static const char *const names[] = {"FASTTRACE_MOUNT",	     "FASTTRACE_MODE",
					    "FASTTRACE_SUBBUFS",     "FASTTRACE_EVENTS",
					    "FASTTRACE_SUBBUF_SIZE", "FASTTRACE_MAX_MEMORY"};
	const char *in = getenv("FASTTRACE_DIR");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unsetenv(names[i]);
	snprintf(arenas, sizeof(arenas), "%s/start-XXXXXX", in ? in : "/dev/shm");
	if (!mkdtemp(arenas) || setenv("FASTTRACE_DIR", arenas, 1)) {
		perror("start");
		exit(1);
	}
	atexit(arenas_remove);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 200;

	if (rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: start [ROUNDS], 1 to %d\n", MAX_ROUNDS);
		return 2;
	}
	if (!realpath("/proc/self/exe", programs)) {
		perror("start");
		return 1;
	}
	dirname(programs);
	environment_set();
	for (int i = -WARM_UP; i < rounds; i++)
		for (int kind = 0, at = i < 0 ? 0 : i; kind < KINDS; kind++) {
			took[kind][at] = run(&kinds[kind]);
			over[kind][at] = took[kind][at] - took[0][at];
		}
	printf("%-24s %8s %8s %8s %8s\n", "spawn to wait, us", "median", "least", "most", "over");
	for (int kind = 0; kind < KINDS; kind++)
		print(kind, rounds);
	return 0;
}
