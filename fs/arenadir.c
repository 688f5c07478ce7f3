/* SPDX-License-Identifier: MIT */
/*
 * arenadir.c - the directory of arenas, and the lock that elects who serves it.
 *
 * The lock belongs to an open file description: it goes from the process that takes it to the
 * daemon that it forks, and is gone when the last of them is.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch.h"

static char *path_absolute(const char *wanted)
{
	const char *env = getenv("FASTTRACE_DIR");

	if (!wanted && env && *env)
		wanted = env;
	if (!wanted)
		return g_strdup_printf("/dev/shm/fasttrace-%u", (unsigned)geteuid());
	return g_canonicalize_filename(wanted, NULL);
}

static int directory_check(int fd, const char *path)
{
	struct stat st;
	int err;

	if (fstat(fd, &st)) {
		err = -errno;
		ft_report("%s: %s", path, strerror(-err));
		return err;
	}
	if (st.st_uid != geteuid()) {
		ft_report("%s: belongs to user %u: expected a directory of user %u", path,
			  (unsigned)st.st_uid, (unsigned)geteuid());
		return -EPERM;
	}
	if (st.st_mode & 077) {
		ft_report("%s: has mode %04o: expected 0700, for what is traced is private", path,
			  st.st_mode & 07777);
		return -EPERM;
	}
	return 0;
}

static int lock_open(struct ft_arenadir *dir)
{
	dir->lock_fd = ft_lock_open(dir->fd);
	if (dir->lock_fd >= 0)
		return 0;
	ft_report("%s/%s: %s: expected a file of user %u with no other name, or none", dir->path,
		  FT_LOCK_NAME, strerror(-dir->lock_fd), (unsigned)geteuid());
	return dir->lock_fd;
}

int ft_arenadir_open(const char *wanted, struct ft_arenadir *dir)
{
	int err;

	*dir = (struct ft_arenadir){.path = path_absolute(wanted), .fd = -1, .lock_fd = -1};
	if (mkdir(dir->path, 0700) && errno != EEXIST) {
		err = -errno;
		ft_report("%s: cannot make this directory: %s", dir->path, strerror(errno));
		return err;
	}
	dir->fd = open(dir->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir->fd < 0) {
		err = -errno;
		ft_report("%s: %s: expected a directory of arenas, and no symbolic link", dir->path,
			  strerror(errno));
		return err;
	}
	err = directory_check(dir->fd, dir->path);
	return err ? err : lock_open(dir);
}

void ft_arenadir_close(struct ft_arenadir *dir)
{
	if (dir->fd >= 0)
		close(dir->fd);
	if (dir->lock_fd >= 0)
		close(dir->lock_fd);
	g_free(dir->path);
}

int ft_arenadir_elect(struct ft_arenadir *dir)
{
	int err = ft_lock_take(dir->lock_fd);

	/* What a daemon that died had written is not true any more. */
	if (!err && ftruncate(dir->lock_fd, 0))
		return -errno;
	return err;
}

void ft_arenadir_sign(struct ft_arenadir *dir, const char *mount)
{
	char *text = g_strdup_printf("%d %s\n", (int)getpid(), mount);

	/* A full tmpfs: the lock counts without it. */
	if (ftruncate(dir->lock_fd, 0) ||
	    pwrite(dir->lock_fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		ft_report("%s/%s: %s", dir->path, FT_LOCK_NAME, strerror(errno));
	g_free(text);
}

int ft_arenadir_server(struct ft_arenadir *dir, pid_t *pid, char **mount)
{
	char text[5000], *end;
	ssize_t n = pread(dir->lock_fd, text, sizeof(text) - 1, 0);

	if (n <= 0 || text[n - 1] != '\n')
		return -EAGAIN;
	text[n - 1] = 0;
	*pid = (pid_t)strtol(text, &end, 10);
	if (*pid <= 0 || *end != ' ')
		return -EAGAIN;
	*mount = g_strdup(end + 1);
	return 0;
}

/* A new folder in @dir, named so that no daemon takes it yet. */
static int hidden_make(const struct ft_arenadir *dir, char *name, size_t size)
{
	int err = -EEXIST;

	for (int tries = 0; err == -EEXIST && tries < 16; tries++) {
		snprintf(name, size, "." FT_RUN_PREFIX "%08x", g_random_int());
		err = mkdirat(dir->fd, name, 0700) ? -errno : 0;
	}
	if (err)
		ft_report("%s: cannot make a directory in it: %s", dir->path, strerror(-err));
	return err;
}

/*
 * Made under a hidden name: it gets its own only when it is locked, so no other daemon takes it.
 * By descriptors: the path may lead elsewhere by now.
 */
int ft_arenadir_make_run(struct ft_arenadir *dir)
{
	struct ft_arenadir run = {.fd = -1, .lock_fd = -1, .run = true};
	char hidden[32];
	int err = hidden_make(dir, hidden, sizeof(hidden));

	if (err)
		return err;
	run.path = g_strdup_printf("%s/%s", dir->path, hidden + 1);
	run.fd = openat(dir->fd, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (run.fd < 0 || lock_open(&run) || ft_arenadir_elect(&run) ||
	    renameat(dir->fd, hidden, dir->fd, hidden + 1)) {
		err = errno ? -errno : -EIO;
		ft_report("%s: %s", run.path, strerror(-err));
		if (run.fd >= 0)
			unlinkat(run.fd, FT_LOCK_NAME, 0);
		unlinkat(dir->fd, hidden, AT_REMOVEDIR);
		ft_arenadir_close(&run);
		return err;
	}
	ft_arenadir_close(dir);
	*dir = run;
	return 0;
}

void ft_arenadir_discard(struct ft_arenadir *dir)
{
	if (!dir->run)
		return;
	unlinkat(dir->fd, FT_LOCK_NAME, 0);
	rmdir(dir->path);
}
