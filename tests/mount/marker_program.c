/* SPDX-License-Identifier: MIT */
/*
 * marker_program.c - the traced programs of marker.sh.
 *
 *   marker_program churn COUNT     enters COUNT events, each by a thread that traces it and ends;
 *                                  then waits for a signal
 *   marker_program fork            traces one event, and so does a forked child; prints that one's
 *                                  pid; both wait
 *   marker_program hold FILE       is the consumer of the arena FILE, says so, and waits
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fasttrace.h"
#include "ft-layout.h"

static void *short_thread(void *name)
{
	struct fasttrace_event *site = calloc(1, sizeof(*site));
	struct fasttrace_reservation r;
	uint32_t id;

	*site = (struct fasttrace_event){.on = &fasttrace_unregistered,
					 .text = name,
					 .abi = FASTTRACE_ABI,
					 .level = FASTTRACE_INFO};
	id = fasttrace_event_register(site);
	if (id && fasttrace_reserve(&r, 1, id))
		fasttrace_commit(&r);
	return NULL;
}

static void churn(unsigned count)
{
	pthread_t thread;
	char *name;

	for (unsigned i = 0; i < count; i++) {
		if (asprintf(&name, "churn, e%u", i) < 0)
			exit(1);
		pthread_create(&thread, NULL, short_thread, name);
		pthread_join(thread, NULL);
	}
}

static void fork_one(void)
{
	pid_t pid;

	FASTTRACE(family, parent);
	pid = fork();
	if (!pid)
		FASTTRACE(family, child);
	else
		printf("%d\n", (int)pid);
	fclose(stdout);
}

static int hold(const char *file)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FT_LOCK_READER, .l_len = 1};
	int fd = open(file, O_RDWR | O_CLOEXEC);

	return fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) || puts("holds") < 0 || fclose(stdout);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "churn"))
		churn((unsigned)atoi(argv[2]));
	else if (argc == 2 && !strcmp(argv[1], "fork"))
		fork_one();
	else if (argc != 3 || strcmp(argv[1], "hold") || hold(argv[2]))
		return 2;
	for (;;)
		pause();
}
