/* SPDX-License-Identifier: MIT */
/*
 * signals.c - to be ended by a signal, and leave nothing half written.
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cmd.h"

static _Atomic int caught; /* any thread may be the one that handles it */
static int pipe_fds[2] = {-1, -1};

static void note(int sig)
{
	int err = errno;

	caught = sig;
	if (write(pipe_fds[1], "", 1) < 0)
		errno = err;
	errno = err;
}

/* Without SA_RESTART: who waits is to look. */
void ft_signals_catch(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = note}, before;

	if (pipe2(pipe_fds, O_CLOEXEC | O_NONBLOCK))
		return;
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++) {
		/* nohup; a script's background job has SIGINT ignored, and is to be ended by it */
		if (signals[i] == SIGHUP && !sigaction(signals[i], NULL, &before) &&
		    before.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &action, NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

int ft_interrupted(void)
{
	return caught;
}

int ft_signals_fd(void)
{
	return pipe_fds[0];
}
