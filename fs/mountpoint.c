/* SPDX-License-Identifier: MIT */
/*
 * mountpoint.c - where to mount: checked before, so that the user reads more than an errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

#define FUSE_MAGIC 0x65735546

extern char **environ;

/* The last component is not looked at: a dead daemon's mount would not let us. */
char *ft_mountpoint_path(const char *mount)
{
	char *canonical = g_canonicalize_filename(mount, NULL), *parent, *name, *path;
	char *real = realpath(mount, NULL);

	if (real) {
		g_free(canonical);
		path = g_strdup(real);
		free(real);
		return path;
	}
	parent = g_path_get_dirname(canonical);
	name = g_path_get_basename(canonical);
	real = realpath(parent, NULL);
	path = real ? g_build_filename(real, name, NULL) : g_strdup(canonical);
	free(real);
	g_free(name);
	g_free(parent);
	g_free(canonical);
	return path;
}

static int fusermount_detach(const char *path)
{
	char *argv[] = {(char *)"fusermount3",	 (char *)"-u", (char *)"-q", (char *)"-z",
			(char *)(uintptr_t)path, NULL};
	int status;
	pid_t pid;

	if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ))
		return -ENOENT;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return status ? -EPERM : 0;
}

/* What is open, and not what its name leads to by now. */
static int detach(int fd, const char *path)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (!umount2(self, MNT_DETACH))
		return 0;
	return geteuid() ? fusermount_detach(path) : -errno;
}

/* A filesystem whose daemon is gone. fstatfs(2) asks it, where stat(2) may be content with less. */
static bool is_dead(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) && (errno == ENOTCONN || errno == ECONNABORTED);
}

/* Return: 0 there is none, any more. */
static int stale_detach(const char *path)
{
	bool dead;
	int fd, err;

	do { /* one may lie below another */
		fd = open(path, O_PATH | O_CLOEXEC);
		if (fd < 0)
			return -errno;
		dead = is_dead(fd);
		err = dead ? detach(fd, path) : 0;
		close(fd);
	} while (dead && !err);
	if (!err)
		return 0;
	ft_report("%s: a dead mount is in the way, and cannot be unmounted", path);
	return -ENOTCONN;
}

/* A line of mountinfo. */
struct mount {
	unsigned id, parent, major, minor;
	bool ours; /* of this type of filesystem */
	char *path;
};

static void mount_clear(void *mount)
{
	g_free(((struct mount *)mount)->path);
}

/* All mounts that we see, those on top of others behind them. To be freed with g_array_unref(). */
static GArray *mounts_read(void)
{
	GArray *mounts = g_array_new(FALSE, FALSE, sizeof(struct mount));
	char *text = NULL, *path, **lines;
	struct mount m;

	g_array_set_clear_func(mounts, mount_clear);
	if (!g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
		return mounts;
	lines = g_strsplit(text, "\n", -1);
	for (char **l = lines; *l; l++) {
		if (sscanf(*l, "%u %u %u:%u %*s %ms", &m.id, &m.parent, &m.major, &m.minor,
			   &path) != 5)
			continue;
		m.path = g_strcompress(path); /* \040 is a space */
		m.ours = strstr(*l, " - fuse.fasttracefs ") != NULL;
		free(path);
		g_array_append_val(mounts, m);
	}
	g_strfreev(lines);
	g_free(text);
	return mounts;
}

dev_t ft_mountpoint_device(const char *path)
{
	GArray *mounts = mounts_read();
	dev_t device = 0;

	for (guint i = 0; i < mounts->len; i++) {
		struct mount *m = &g_array_index(mounts, struct mount, i);

		if (m->ours && !strcmp(m->path, path))
			device = makedev(m->major, m->minor);
	}
	g_array_unref(mounts);
	return device;
}

static bool mount_is_covered(const GArray *mounts, unsigned id)
{
	for (guint i = 0; i < mounts->len; i++)
		if (g_array_index(mounts, struct mount, i).parent == id)
			return true;
	return false;
}

/* Does @fd lie in mount @id? Asks the kernel alone: the filesystem may be the one we serve. */
static bool lies_in_mount(int fd, unsigned id)
{
	char path[40], *text = NULL, *line;
	bool yes = false;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return false;
	line = strstr(text, "mnt_id:");
	if (line)
		yes = strtoul(line + strlen("mnt_id:"), NULL, 10) == id;
	g_free(text);
	return yes;
}

/* Is the connection @fuse cut, by an unmount or otherwise? */
static bool is_cut(int fuse)
{
	struct pollfd p = {.fd = fuse};

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

/*
 * While its mount is open and our connection stands, the number is ours. If that is cut, our mount
 * is dead, if it is there at all: another one may have the number by now.
 */
static void mount_detach(const struct mount *m, int fuse)
{
	int fd = open(m->path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return;
	if (lies_in_mount(fd, m->id) && (!is_cut(fuse) || is_dead(fd)))
		detach(fd, m->path);
	close(fd);
}

void ft_mountpoint_release(dev_t device, int fuse)
{
	GArray *mounts = mounts_read();

	for (guint i = 0; i < mounts->len; i++) {
		struct mount *m = &g_array_index(mounts, struct mount, i);

		if (m->ours && makedev(m->major, m->minor) == device &&
		    !mount_is_covered(mounts, m->id))
			mount_detach(m, fuse);
	}
	g_array_unref(mounts);
}

int ft_mountpoint_check(const char *path)
{
	struct stat st;
	int err = stale_detach(path);

	if (err == -ENOTCONN)
		return err;
	if (!err && stat(path, &st))
		err = -errno;
	else if (!err && !S_ISDIR(st.st_mode))
		err = -ENOTDIR;
	if (err == -ENOENT)
		ft_report("%s: No such directory: expected a directory to mount on", path);
	else if (err)
		ft_report("%s: %s: expected a directory to mount on", path, strerror(-err));
	if (err)
		return err;
	if (geteuid() && access(path, W_OK)) {
		ft_report("%s: %s: expected a directory that user %u may write to", path,
			  strerror(errno), (unsigned)geteuid());
		return -EACCES;
	}
	if (ft_mountpoint_answers(path)) {
		ft_report("%s: is mounted already: expected a directory that is free, or "
			  "unmount it first",
			  path);
		return -EBUSY;
	}
	return 0;
}

bool ft_mountpoint_answers(const char *path)
{
	char *readme = g_build_filename(path, "README", NULL);
	struct statfs fs;
	struct stat st;
	bool yes = !stat(readme, &st) && !statfs(path, &fs) && fs.f_type == FUSE_MAGIC;

	g_free(readme);
	return yes;
}
