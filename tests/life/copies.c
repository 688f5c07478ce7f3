/* SPDX-License-Identifier: MIT */
/*
 * copies.c - several copies of libfasttrace in one process; see copies.sh, which builds the
 * plugins.
 *
 * With -DPLUGIN=name it is a plugin: it exports name(n), which traces n. Else it is the program:
 *
 *   copies HOW LIBRARY...   loads the libraries, does what HOW says, and prints what came out:
 *                           "arenas A begun B readable R live L maps = fds ="
 *
 * It is not traced itself but through those libraries, or where copies.sh gives it a copy too.
 */
#include <stdint.h>

#include "fasttrace.h"

#ifdef PLUGIN
#define STRING_OF(x) #x
#define STRING(x)    STRING_OF(x)

__attribute__((visibility("default"))) void plugin_trace(uint64_t n);
void plugin_trace(uint64_t n)
{
	FASTTRACE(plugin, PLUGIN, (n, n));
}

/* A site that a process passes when it wants to enter one more event. */
__attribute__((visibility("default"))) void plugin_trace_late(uint64_t n);
void plugin_trace_late(uint64_t n)
{
	FASTTRACE(late, PLUGIN, (n, n));
}
#else
#include <dlfcn.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "common.h"

#define LIBRARIES 4
#define RACERS	  LIBRARIES

typedef void trace_fn(uint64_t n);

static void *handle[LIBRARIES];
static trace_fn *trace_in[LIBRARIES], *late_in[LIBRARIES];
static int libraries;
static unsigned ready;

static void load(int i, const char *path, int flags)
{
	handle[i] = dlopen(path, RTLD_NOW | flags);
	if (!handle[i]) {
		fprintf(stderr, "%s\n", dlerror());
		exit(2);
	}
	*(void **)&trace_in[i] = dlsym(handle[i], "plugin_trace");
	*(void **)&late_in[i] = dlsym(handle[i], "plugin_trace_late");
}

/* One line for each arena of the directory, in the order of their pids. */
static void report(void)
{
	DIR *dir = opendir(fixture_dir);
	struct dirent *d;
	unsigned arenas = 0;
	uint64_t begun = 0, readable = 0, buffers = 0;

	while (dir && (d = readdir(dir))) {
		struct fasttrace_arena *a;
		struct fasttrace_stats s;

		if (d->d_name[0] == '.' || fasttrace_arena_open(dirfd(dir), d->d_name, 0, &a, NULL))
			continue;
		if (!fasttrace_arena_stats(a, &s)) {
			begun += s.begun;
			readable += s.readable;
		}
		buffers += fasttrace_arena_buffers(a);
		arenas++;
		fasttrace_arena_close(a);
	}
	closedir(dir);
	printf("arenas %u buffers %u begun %u readable %u\n", arenas, (unsigned)buffers,
	       (unsigned)begun, (unsigned)readable);
	fflush(stdout);
}

/* Each library two events, one of a new site. */
static void all_trace(void)
{
	for (int i = 0; i < libraries; i++) {
		trace_in[i](1);
		late_in[i](2);
	}
}

static void *racer(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	__atomic_add_fetch(&ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&ready, __ATOMIC_SEQ_CST) < RACERS)
		;
	trace_in[i % (unsigned)libraries](i);
	return NULL;
}

/* The first events of all copies, at one time. */
static void race(void)
{
	pthread_t id[RACERS];

	for (uintptr_t i = 0; i < RACERS; i++)
		pthread_create(&id[i], NULL, racer, (void *)i);
	for (int i = 0; i < RACERS; i++)
		pthread_join(id[i], NULL);
}

/* Copies come to the arena of a forked child in any order, also those that were silent before. */
static void forks(void)
{
	pid_t pid;

	trace_in[0](1); /* the others not yet */
	for (int first = 0; first < libraries; first++) {
		pid = fork();
		if (!pid) {
			for (int i = 0; i < libraries; i++)
				trace_in[(first + i) % libraries](1);
			if (fork()) {
				while (wait(NULL) > 0)
					;
				_exit(0);
			}
			for (int i = libraries; i-- > 0;)
				late_in[(first + i) % libraries](1);
			_exit(0);
		}
		wait_child(pid);
	}
}

static void loop(void)
{
	unsigned maps, fds;

	all_trace();
	maps = mappings();
	fds = descriptors();
	for (int i = 0; i < 200; i++) {
		pid_t pid = fork();

		if (!pid) {
			trace_in[i % libraries](1);
			trace_in[(i + 1) % libraries](1);
			exit(0);
		}
		wait_child(pid);
	}
	printf("%s %s\n", mappings() == maps ? "=" : "maps", descriptors() == fds ? "=" : "fds");
}

/* A thread that has traced through a library ends after the library was closed. */
static void *closer(void *arg)
{
	(void)arg;
	all_trace();
	for (int i = 0; i < libraries; i++)
		dlclose(handle[i]);
	return NULL;
}

static void closing(char **paths)
{
	pthread_t id;

	pthread_create(&id, NULL, closer, NULL);
	pthread_join(id, NULL);
	wait_child(fork() ? -1 : (_exit(0), 0)); /* hooks of fork() */
	while (wait(NULL) > 0)
		;
	for (int i = 0; i < libraries; i++)
		load(i, paths[i], RTLD_LOCAL);
	all_trace();
}

/* Loaded, traced through and closed again and again. */
static void reloading(char **paths)
{
	unsigned maps = 0, fds = 0;

	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < libraries; i++) {
			dlclose(handle[i]);
			load(i, paths[i], RTLD_LOCAL);
		}
		all_trace();
		if (round == 1) {
			maps = mappings();
			fds = descriptors();
		}
	}
	printf("%s %s\n", mappings() == maps ? "=" : "maps", descriptors() == fds ? "=" : "fds");
}

/* With a daemon: what does the arena of a child say of its end? */
static int served(char **paths)
{
	int code = -2, lock = fixture_serve_dir();
	enum fasttrace_end end;
	pid_t pid = fork();

	if (!pid) {
		for (int i = 0; i < libraries; i++)
			load(i, paths[i], RTLD_LOCAL);
		all_trace();
		exit(42);
	}
	wait_child(pid);
	end = end_of(pid, &code);
	printf("%s %d\n", end == FASTTRACE_EXITED ? "exited" : "not exited", code);
	close(lock);
	return 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 2 ? argv[1] : "";

	snprintf(fixture_dir, sizeof(fixture_dir), "%s", getenv("FASTTRACE_DIR"));
	libraries = argc - 2;
	if (libraries < 1 || libraries > LIBRARIES)
		return 2;
	if (!strcmp(how, "served"))
		return served(argv + 2);
	for (int i = 0; i < libraries; i++)
		load(i, argv[2 + i], strcmp(how, "global") ? RTLD_LOCAL : RTLD_GLOBAL);
#ifdef TRACED
	trace(0);
#endif
	if (!strcmp(how, "race"))
		race();
	else if (!strcmp(how, "forks"))
		forks();
	else if (!strcmp(how, "loop"))
		loop();
	else if (!strcmp(how, "closing"))
		closing(argv + 2);
	else if (!strcmp(how, "reloading"))
		reloading(argv + 2);
	else
		all_trace();
	report();
	if (!strcmp(how, "leave"))
		_exit(0);
	return 42;
}
#endif
