/* SPDX-License-Identifier: MIT */
/*
 * outdir.c - a folder that is complete, or not there at all.
 *
 * It is made as .NAME.XXXXXX beside its own name, and renamed when all is in it.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

int ft_write_all(int fd, const void *data, size_t bytes)
{
	const char *at = data, *end = at + bytes;

	while (at < end) {
		ssize_t n = write(fd, at, MIN((size_t)(end - at), (size_t)1 << 30));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
	}
	return 0;
}

static int refuse(const char *path, int err)
{
	if (err == -EEXIST || err == -ENOTEMPTY)
		ft_report("%s: exists: expected the name of a folder to be made", path);
	else
		ft_report("%s: %s", path, strerror(-err));
	return err;
}

/* Beside @path: there a rename is one step. Return: NULL and errno. */
static char *temporary_make(const char *path)
{
	char *dir = g_path_get_dirname(path), *name = g_path_get_basename(path);
	char *temporary = g_strdup_printf("%s/.%s.XXXXXX", dir, name);
	int err;

	g_free(dir);
	g_free(name);
	if (g_mkdtemp_full(temporary, 0777))
		return temporary;
	err = errno;
	g_free(temporary);
	errno = err;
	return NULL;
}

int ft_outdir_begin(const char *path, struct ft_outdir *out)
{
	struct stat st;
	int err = 0;

	*out = (struct ft_outdir){.path = g_canonicalize_filename(path, NULL), .fd = -1};
	if (!lstat(out->path, &st))
		err = -EEXIST;
	if (!err) {
		out->temporary = temporary_make(out->path);
		err = out->temporary ? 0 : -errno;
	}
	if (!err) {
		out->fd = open(out->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = out->fd < 0 ? -errno : 0;
	}
	if (!err)
		return 0;
	refuse(path, err);
	ft_outdir_end(out, false);
	return err;
}

int ft_outdir_file(const struct ft_outdir *out, const char *name, const void *data, size_t bytes)
{
	int fd = openat(out->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	int err = fd < 0 ? -errno : ft_write_all(fd, data, bytes);

	if (fd >= 0 && close(fd) && !err)
		err = -errno;
	if (err)
		ft_report("%s/%s: %s", out->path, name, strerror(-err));
	return err;
}

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	remove(path);
	return 0;
}

int ft_outdir_end(struct ft_outdir *out, bool good)
{
	int err = 0;

	/* Not over an empty folder that somebody has made meanwhile, either. */
	if (good && renameat2(AT_FDCWD, out->temporary, AT_FDCWD, out->path, RENAME_NOREPLACE)) {
		err = -errno;
		/* Not every filesystem knows the flag. */
		if (err == -EINVAL)
			err = rename(out->temporary, out->path) ? -errno : 0;
		if (err)
			refuse(out->path, err);
	}
	if (out->temporary && (!good || err))
		nftw(out->temporary, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
	if (out->fd >= 0)
		close(out->fd);
	g_free(out->temporary);
	g_free(out->path);
	*out = (struct ft_outdir){.fd = -1};
	return err;
}
