/* SPDX-License-Identifier: MIT */
/*
 * mounts.c - mounts of fasttracefs: where they are, what they serve, who serves a directory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "cmd.h"

/* "ID PARENT MAJOR:MINOR ROOT PATH .. - fuse.fasttracefs SOURCE OPTIONS". False: another line. */
static bool line_parse(const char *line, dev_t device, char **path, char **dir)
{
	const char *type = strstr(line, " - fuse.fasttracefs ");
	char *at = NULL, *source = NULL;
	unsigned major, minor;
	bool good;

	good = type && sscanf(line, "%*u %*u %u:%u %*s %ms", &major, &minor, &at) == 3 &&
	       makedev(major, minor) == device &&
	       sscanf(type, " - fuse.fasttracefs %ms", &source) == 1;
	if (good) {
		*path = g_strcompress(at); /* \040 is a space */
		*dir = g_strcompress(source);
	}
	free(at);
	free(source);
	return good;
}

static bool lies_in(const char *path, const char *root)
{
	size_t n = strlen(root);

	return !strncmp(path, root, n) && (!path[n] || path[n] == '/' || n == 1);
}

bool ft_mount_of(const char *path, char **root, char **dir)
{
	char *text = NULL, **lines;
	bool found = false;
	struct stat st;

	if (stat(path, &st) || !g_file_get_contents("/proc/self/mountinfo", &text, NULL, NULL))
		return false;
	lines = g_strsplit(text, "\n", -1);
	for (char **l = lines; *l && !found; l++) {
		if (!line_parse(*l, st.st_dev, root, dir))
			continue;
		found = lies_in(path, *root); /* it may be mounted at other places too */
		if (!found) {
			g_free(*root);
			g_free(*dir);
		}
	}
	g_strfreev(lines);
	g_free(text);
	return found;
}

/* The uuid that the metadata in @folder tells. */
static bool folder_shows(const char *folder, const uint8_t *uuid)
{
	char *path = g_build_filename(folder, "ctf-metadata", NULL), *text = NULL, *at, *end;
	GString *wanted = g_string_new("uuid = \"");
	bool shows = false;

	for (unsigned i = 0; i < 16; i++)
		g_string_append_printf(wanted, "%s%02x",
				       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", uuid[i]);
	if (g_file_get_contents(path, &text, NULL, NULL)) {
		at = strstr(text, wanted->str);
		end = strstr(text, "\nenv {"); /* behind it may stand anybody's names */
		shows = at && end && at < end;
	}
	g_string_free(wanted, TRUE);
	g_free(text);
	g_free(path);
	return shows;
}

char *ft_mount_folder(const char *root, uint32_t pid, const uint8_t *uuid)
{
	for (unsigned n = 0;; n++) {
		char *folder = n ? g_strdup_printf("%s/%u.%u", root, pid, n)
				 : g_strdup_printf("%s/%u", root, pid);

		if (folder_shows(folder, uuid))
			return folder;
		if (access(folder, F_OK)) {
			g_free(folder);
			return NULL;
		}
		g_free(folder);
	}
}

bool ft_mount_server(const char *dir, pid_t *pid, char **root)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *path = g_build_filename(dir, ".lock", NULL), text[5000];
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	bool locked;
	ssize_t n;
	char *end;

	g_free(path);
	if (fd < 0)
		return false;
	locked = !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK;
	n = pread(fd, text, sizeof(text) - 1, 0);
	close(fd);
	if (!locked || n <= 0 || text[n - 1] != '\n')
		return false;
	text[n - 1] = '\0';
	*pid = (pid_t)strtol(text, &end, 10);
	if (*pid <= 0 || *end != ' ')
		return false;
	*root = g_strdup(end + 1);
	return true;
}

int ft_mount_write(const char *folder, const char *name, const char *text)
{
	char *path = g_build_filename(folder, name, NULL);
	int fd = open(path, O_WRONLY | O_CLOEXEC), err = 0;

	g_free(path);
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}
