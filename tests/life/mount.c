/* SPDX-License-Identifier: MIT */
/*
 * mount.c - a server for mount.sh: `mount N READY` forks N children, of which child i writes the
 * numbers up to i, makes the file READY when all have, and waits for SIGTERM.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fasttrace.h"

int main(int argc, char **argv)
{
	uint64_t children = argc == 3 ? strtoull(argv[1], NULL, 10) : 0;
	char byte = 0;
	int done[2];

	if (!children || pipe(done))
		return 2;
	FASTTRACE(test, number, (n, (uint64_t)0));
	for (uint64_t i = 1; i <= children; i++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (uint64_t n = 1; n <= i; n++)
			FASTTRACE(test, number, (n, n));
		if (write(done[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	for (uint64_t i = 0; i < children; i++)
		if (read(done[0], &byte, 1) != 1)
			return 1;
	close(open(argv[2], O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	for (;;)
		pause();
}
