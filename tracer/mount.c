/* SPDX-License-Identifier: MIT */
/*
 * mount.c - FASTTRACE_MOUNT: the third way to start. The daemon is spawned, never forked from here:
 * a fork would inherit locks, the allocator's state and every descriptor of the program.
 */
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ft-create.h"

extern char **environ;

static void complain(const char *mount, const char *what)
{
	ft_complain("fasttrace: FASTTRACE_MOUNT=", mount, ": ", what,
		    ": events are recorded, but not mounted\n", NULL);
}

/* Is the directory served already: by our parent's daemon, or a sibling's? */
static bool served(const struct ft_config *config)
{
	const char *why;
	int fd = ft_dir_open(config->dir, &why);
	bool yes = fd >= 0 && ft_dir_served(fd) > 0;

	if (fd >= 0)
		close(fd);
	return yes;
}

void ft_mount_start(const struct ft_config *config)
{
	char *argv[] = {(char *)"fasttracefs",
			(char *)"--spawned",
			(char *)"--dir",
			(char *)(uintptr_t)config->dir,
			(char *)(uintptr_t)config->mount,
			NULL};
	int status = 0, err;
	pid_t pid, got;

	if (served(config))
		return;
	err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (err) {
		complain(config->mount, err == ENOENT ? "fasttracefs is not in PATH"
						      : "fasttracefs cannot be run");
		return;
	}
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got == pid && !(WIFEXITED(status) && !WEXITSTATUS(status)))
		complain(config->mount, "fasttracefs failed");
}
