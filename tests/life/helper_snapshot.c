/* SPDX-License-Identifier: MIT */
/*
 * helper_snapshot.c - writes what can be read of an arena into a folder, as a CTF trace, and says
 * how many events that is, and how many were begun.
 *
 *   helper_snapshot ARENA FOLDER
 */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

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

int main(int argc, char **argv)
{
	struct fasttrace_snapshot *shot;
	struct fasttrace_arena *a;
	struct fasttrace_stats s;
	uint64_t events = 0;
	const char *why = "";

	if (argc != 3)
		return 2;
	if (fasttrace_arena_open(AT_FDCWD, argv[1], 0, &a, &why) ||
	    fasttrace_snapshot_take(a, &shot) || fasttrace_arena_stats(a, &s)) {
		fprintf(stderr, "%s: %s\n", argv[1], why);
		return 1;
	}
	put_file(argv[2], "metadata", shot->metadata, shot->metadata_bytes);
	for (unsigned i = 0; i < shot->streams; i++) {
		char name[32];

		snprintf(name, sizeof(name), "stream_%u", i);
		put_file(argv[2], name, shot->stream[i].data, shot->stream[i].bytes);
		events += shot->stream[i].events;
	}
	printf("%" PRIu64 " %" PRIu64 "\n", events, s.begun);
	fasttrace_snapshot_free(shot);
	fasttrace_arena_close(a);
	return 0;
}
