/* SPDX-License-Identifier: MIT */
/*
 * helper_trace.c - runs a program, with the arena directory served so that its arena stays, then
 * writes what can be read of it into a folder, as a CTF trace, removes the arena, and says how many
 * events were begun, and how many of them are there.
 *
 *   helper_trace FOLDER PROGRAM ARGUMENT...
 */
#include <inttypes.h>

#include "program.h"

static void put_file(const char *folder, const char *name, const void *data, size_t bytes)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "we");
	if (!f || fwrite(data, 1, bytes, f) != bytes || fclose(f)) {
		perror(path);
		exit(1);
	}
}

/* Return: how many events. */
static uint64_t put_trace(struct fasttrace_arena *a, const char *folder)
{
	struct fasttrace_snapshot *shot;
	uint64_t events = 0;

	if (fasttrace_snapshot_take(a, &shot)) {
		fprintf(stderr, "no snapshot\n");
		exit(1);
	}
	put_file(folder, "metadata", shot->metadata, shot->metadata_bytes);
	for (unsigned i = 0; i < shot->streams; i++) {
		char name[32];

		snprintf(name, sizeof(name), "stream_%u", i);
		put_file(folder, name, shot->stream[i].data, shot->stream[i].bytes);
		events += shot->stream[i].events;
	}
	fasttrace_snapshot_free(shot);
	return events;
}

int main(int argc, char **argv)
{
	const char *dir = getenv("FASTTRACE_DIR");
	struct fasttrace_arena *a;
	struct fasttrace_stats s;
	int status = 0;
	pid_t pid;

	if (argc < 3 || !dir || dir_serve(dir) < 0)
		return 2;
	pid = fork();
	if (!pid) {
		execv(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	if (status && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) {
		fprintf(stderr, "%s: wait status %#x\n", argv[2], (unsigned)status);
		return 1;
	}
	a = arena_find(dir, pid);
	if (!a || fasttrace_arena_stats(a, &s)) {
		fprintf(stderr, "%s: no arena of it\n", argv[2]);
		return 1;
	}
	printf("%" PRIu64 " %" PRIu64 "\n", s.begun, put_trace(a, argv[1]));
	fasttrace_arena_close(a);
	dir_empty(dir);
	return 0;
}
