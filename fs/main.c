/* SPDX-License-Identifier: MIT */
/*
 * main.c - fasttracefs: serve an arena directory, alone or for one program.
 */
#include <errno.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launch.h"

#define WAIT_MS	  10000 /* for another daemon's mount to answer */
#define AWAY_MS	  3000	/* the same, where nothing is mounted any more: it may be about to end */
#define WAIT_STEP 5

/* Another daemon serves the directory: is it what the user wants? Return: exit status. */
static int loser_judge(const struct ft_options *o, struct ft_arenadir *dir, const char *mount,
		       pid_t pid, const char *theirs)
{
	bool same = !strcmp(mount, theirs);

	if (o->spawned)
		return EXIT_SUCCESS;
	if (same)
		ft_report("%s: is mounted already, by process %d", mount, (int)pid);
	else
		ft_report("%s: is served already, at %s by process %d: use that, or unmount it, "
			  "or give another --dir",
			  dir->path, theirs, (int)pid);
	return same ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Is it no daemon, but `fasttrace record`? Then there is no mount to wait for; @theirs is freed. */
static bool recorder_tell(const struct ft_arenadir *dir, pid_t pid, char *theirs)
{
	if (*theirs == '/')
		return false;
	ft_report("%s: is served already, by process %d, %s: end that first", dir->path, (int)pid,
		  theirs);
	g_free(theirs);
	return true;
}

/*
 * Become the one who serves @dir, or wait for the one who does.
 * Return: true we are elected; false and the exit status.
 */
static bool elect(const struct ft_options *o, struct ft_arenadir *dir, const char *mount,
		  int *status)
{
	char *theirs = NULL;
	pid_t pid = 0;
	int err, away_ms = 0;

	*status = EXIT_FAILURE;
	for (int ms = 0; ms < WAIT_MS && away_ms < AWAY_MS; ms += WAIT_STEP) {
		err = ft_arenadir_elect(dir);
		if (!err)
			return true;
		if (err != -EBUSY) {
			ft_report("%s/%s: %s", dir->path, FT_LOCK_NAME, strerror(-err));
			return false;
		}
		if (!ft_arenadir_server(dir, &pid, &theirs)) {
			bool answers = *theirs == '/' && ft_mountpoint_answers(theirs);

			if (recorder_tell(dir, pid, theirs))
				return false;
			away_ms = ft_mountpoint_device(theirs) ? 0 : away_ms + WAIT_STEP;
			if (answers)
				*status = loser_judge(o, dir, mount, pid, theirs);
			g_free(theirs);
			if (answers)
				return false;
		}
		usleep(WAIT_STEP * 1000);
	}
	if (away_ms)
		ft_report("%s: is served already, by process %d whose mount was taken away and is "
			  "still in use: end who uses it, or process %d",
			  dir->path, (int)pid, (int)pid);
	else
		ft_report("%s: is served already, by process %d whose mount does not answer",
			  dir->path, (int)pid);
	return false;
}

static void program_environment(const struct ft_options *o, const struct ft_arenadir *dir)
{
	setenv("FASTTRACE_DIR", dir->path, 1);
	unsetenv("FASTTRACE_MOUNT");
	if (o->mode)
		setenv("FASTTRACE_MODE", o->mode, 1);
	if (o->subbuf_size)
		setenv("FASTTRACE_SUBBUF_SIZE", o->subbuf_size, 1);
	if (o->subbufs)
		setenv("FASTTRACE_SUBBUFS", o->subbufs, 1);
	if (o->events)
		setenv("FASTTRACE_EVENTS", o->events, 1);
}

/* Become PROGRAM; if that cannot be, unmount. @alive: end of file when the daemon has ended. */
static int program_exec(const struct ft_options *o, pid_t daemon, int alive)
{
	char byte;
	int err;

	execvp(o->program[0], o->program);
	err = errno;
	ft_report("%s: cannot be executed: %s", o->program[0], strerror(err));
	kill(daemon, SIGTERM);
	while (read(alive, &byte, 1) < 0 && errno == EINTR)
		continue;
	return err == ENOENT ? FT_EXIT_NOT_FOUND : FT_EXIT_NOT_EXECUTABLE;
}

static int start(const struct ft_options *o, struct ft_arenadir *dir, const char *mount)
{
	struct ft_service service = {o, dir, mount, o->program ? getpid() : 0};
	int status = EXIT_FAILURE, err, alive = -1;
	pid_t daemon = 0;

	if (o->program ? ft_arenadir_make_run(dir) : !elect(o, dir, mount, &status))
		return status;
	err = ft_nofuse_check(dir);
	if (!err)
		err = ft_mountpoint_check(mount);
	if (!err && o->foreground)
		err = ft_serve(&service, -1);
	else if (!err)
		err = ft_daemon_fork(ft_serve, &service, &daemon, &alive);
	if (err)
		ft_arenadir_discard(dir);
	if (err || !o->program)
		return err ? EXIT_FAILURE : EXIT_SUCCESS;
	program_environment(o, dir);
	return program_exec(o, daemon, alive);
}

int main(int argc, char **argv)
{
	struct ft_arenadir dir;
	struct ft_options o;
	int status;
	char *mount;

	if (!ft_options_parse(argc, argv, &o, &status))
		return status;
	mount = ft_mountpoint_path(o.mount);
	status = ft_arenadir_open(o.dir, &dir) ? EXIT_FAILURE : start(&o, &dir, mount);
	ft_arenadir_close(&dir);
	g_free(mount);
	return status;
}
