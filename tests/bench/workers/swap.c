/* SPDX-License-Identifier: MIT */
/*
 * swap.c library ARENA | mount FOLDER [PAUSE] - a reader that has a thread's sub-buffers switched and
 * takes them out of its ring all the time, as fast as it can, or with PAUSE us between two: of the
 * first buffer of an arena through libfasttrace-reader, or through a thread's folder in a mount.
 *
 * Says "ready"; each line of stdin begins that, or ends it, and is answered: by "begun", or by how many
 * have been taken.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fasttrace-reader.h>

enum { READ_BYTES = 1 << 20, STEPS = 64 /* between two looks at stdin */ };

static struct fasttrace_arena *arena;
static struct fasttrace_buffer_info buffer;
static const char *folder;
static useconds_t pause_us;
static char bytes[READ_BYTES];

/* Each returns how many sub-buffers it has taken, or a negative errno. */
static int step_library(void)
{
	struct fasttrace_packet packet;
	uint64_t seq = 0;
	int taken = 0, err;

	err = fasttrace_buffer_switch(arena, 0, buffer.serial, FASTTRACE_ACTIVE);
	while ((!err || err == -EAGAIN) &&
	       !(err = fasttrace_buffer_next(arena, 0, buffer.serial, seq, &seq, NULL))) {
		err = fasttrace_buffer_get(arena, 0, buffer.serial, seq++, &packet);
		if (!err) {
			fasttrace_buffer_put(arena, 0, &packet);
			taken++;
		} else if (err == -ENOENT) {
			err = 0; /* overwritten meanwhile */
		}
	}
	return err && err != -EAGAIN ? err : taken;
}

static int step_mount(void)
{
	static char path[4096];
	int fd, err = 0;
	ssize_t n = 0;

	snprintf(path, sizeof(path), "%s/control", folder);
	fd = open(path, O_WRONLY);
	if (fd < 0 || (write(fd, "active\n", 7) < 0 && errno != EAGAIN))
		err = -errno;
	close(fd);
	snprintf(path, sizeof(path), "%s/drain", folder);
	fd = err ? -1 : open(path, O_RDONLY);
	if (fd < 0)
		return err ? err : -errno;
	for (ssize_t got; (got = read(fd, bytes, sizeof(bytes))) > 0;)
		n += got;
	close(fd);
	return n > 0;
}

static bool said(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&in, 1, 0) > 0;
}

/* Until it is told to end. Returns how many sub-buffers were taken. */
static long swap(int (*step)(void))
{
	long taken = 0;

	puts("begun");
	fflush(stdout);
	for (;;) {
		for (int i = 0; i < STEPS; i++) {
			int n = step();

			if (n < 0) {
				fprintf(stderr, "swap: %s\n", strerror(-n));
				return -1;
			}
			taken += n;
			if (pause_us)
				usleep(pause_us);
		}
		if (said())
			return taken;
	}
}

int main(int argc, char **argv)
{
	bool library = argc >= 3 && !strcmp(argv[1], "library");
	const char *why = NULL;
	long taken = 0;

	if (argc < 3 || argc > 4 || (!library && strcmp(argv[1], "mount") != 0)) {
		fputs("usage: swap library ARENA | mount FOLDER [PAUSE]\n", stderr);
		return 2;
	}
	pause_us = argc == 4 ? (useconds_t)atoi(argv[3]) : 0;
	folder = argv[2];
	if (library &&
	    (fasttrace_arena_open(AT_FDCWD, argv[2], FASTTRACE_OPEN_CONSUME, &arena, &why) ||
	     fasttrace_arena_buffers(arena) < 1 || fasttrace_buffer_get_info(arena, 0, &buffer))) {
		printf("error: %s: %s\n", argv[2], why ? why : "no arena with a buffer");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (taken >= 0 && fgets(bytes, sizeof(bytes), stdin)) {
		taken = swap(library ? step_library : step_mount);
		if (taken >= 0 && fgets(bytes, sizeof(bytes), stdin))
			printf("%ld\n", taken);
		fflush(stdout);
	}
	fasttrace_arena_close(arena);
	return taken < 0;
}
