/* SPDX-License-Identifier: MIT */
/*
 * source.c - what a SOURCE of the command line is: a process, a file, a mount, a folder.
 *
 * A PID folder of a mount is for what does not consume another name of the process's arena, which
 * is opened beside the daemon. What consumes goes through the mount's own files: one process at a
 * time is the consumer, and there that is the daemon.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

static const struct {
	enum ft_source_kind kind;
	const char *is;
	const char *name;
} kinds[] = {
	{FT_SOURCE_ARENA, "the file of an arena", "a process id, the file of an arena"},
	{FT_SOURCE_PROCESS, "the folder of a process in a mount",
	 "the folder of a process in a mount (MOUNT/PID)"},
	{FT_SOURCE_MOUNT, "the root of a mount", "the root of a mount"},
	{FT_SOURCE_ARENAS, "a folder without CTF metadata", "a directory of arenas"},
	{FT_SOURCE_CTF, "a CTF trace", "a folder with a CTF trace"},
};

static char *accepted_text(unsigned accepted)
{
	GString *s = g_string_new("expected ");
	unsigned left = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		left += (accepted & kinds[i].kind) != 0;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (accepted & kinds[i].kind)
			g_string_append_printf(s, "%s%s", kinds[i].name,
					       --left > 1  ? ", "
					       : left == 1 ? " or "
							   : "");
	return g_string_free(s, FALSE);
}

static int refuse(const char *given, const char *why, unsigned accepted, int err)
{
	char *text = accepted_text(accepted);

	ft_report("%s: %s: %s", *given ? given : "''", why, text);
	g_free(text);
	return err;
}

/* The newest arena of a process. */
static int pid_find(const char *given, struct ft_source *source)
{
	char *dir = ft_arenas_dir();
	uint64_t pid = g_ascii_strtoull(given, NULL, 10);
	GPtrArray *found = ft_arenas_list(dir, pid > UINT32_MAX ? UINT32_MAX : (uint32_t)pid);
	int err = 0;

	if (found && found->len && pid) {
		struct ft_found *f = found->pdata[0];

		source->kind = FT_SOURCE_ARENA;
		source->path = g_strdup(f->path);
		source->arena = g_strdup(f->path);
	} else {
		err = found ? -ESRCH : -errno;
		ft_report("%s: no arena of such a process in %s%s%s: `fasttrace ls` lists those "
			  "there are, FASTTRACE_DIR says where",
			  given, dir, found ? "" : ": ", found ? "" : strerror(errno));
	}
	if (found)
		g_ptr_array_unref(found);
	g_free(dir);
	return err;
}

static bool is_in(const char *folder, const char *name)
{
	char *path = g_build_filename(folder, name, NULL);
	bool is = !access(path, F_OK);

	g_free(path);
	return is;
}

/* The arena of which a PID folder tells the uuid. */
static int process_find(const char *root, const char *dir, struct ft_source *source)
{
	const char *name = source->path + strlen(root) + 1;
	uint32_t pid = (uint32_t)g_ascii_strtoull(name, NULL, 10);
	GPtrArray *found = pid ? ft_arenas_list(dir, pid) : NULL;

	for (guint i = 0; found && i < found->len && !source->arena; i++) {
		struct ft_found *f = found->pdata[i];
		char *folder = ft_mount_folder(root, pid, f->info->uuid);

		if (!g_strcmp0(folder, source->path))
			source->arena = g_strdup(f->path);
		g_free(folder);
	}
	if (found)
		g_ptr_array_unref(found);
	if (source->arena)
		return 0;
	ft_report("%s: its arena is not in %s, or not for user %u: expected a process of one's own",
		  source->path, dir, (unsigned)geteuid());
	return -ENOENT;
}

/* Something in a mount. */
static int mounted_find(const char *given, unsigned accepted, const char *root, const char *dir,
			struct ft_source *source)
{
	if (!strcmp(source->path, root)) {
		source->kind = FT_SOURCE_MOUNT;
		source->dir = g_strdup(dir);
		return 0;
	}
	if (is_in(source->path, "ctf-metadata")) {
		source->kind = FT_SOURCE_PROCESS;
		return process_find(root, dir, source);
	}
	if (is_in(source->path, "metadata")) {
		source->kind = FT_SOURCE_CTF;
		return 0;
	}
	return refuse(given, "lies inside of a mount", accepted, -EINVAL);
}

static int path_find(const char *given, unsigned accepted, struct ft_source *source)
{
	char *root = NULL, *dir = NULL, *real = realpath(given, NULL);
	struct stat st;
	int err = 0;

	if (!real || stat(real, &st)) {
		err = -errno;
		free(real);
		return refuse(given,
			      err == -ENOTCONN ? "the daemon of this mount is dead"
					       : strerror(-err),
			      accepted, err);
	}
	source->path = g_strdup(real);
	free(real);
	if (ft_mount_of(source->path, &root, &dir)) {
		err = mounted_find(given, accepted, root, dir, source);
		g_free(root);
		g_free(dir);
	} else if (S_ISREG(st.st_mode)) {
		source->kind = FT_SOURCE_ARENA;
		source->arena = g_strdup(source->path);
	} else if (!S_ISDIR(st.st_mode)) {
		err = refuse(given, "is neither a file nor a folder", accepted, -EINVAL);
	} else if (is_in(source->path, "metadata")) {
		source->kind = FT_SOURCE_CTF;
	} else {
		source->kind = FT_SOURCE_ARENAS;
		source->dir = g_strdup(source->path);
	}
	return err;
}

static int kind_check(const char *given, unsigned accepted, const struct ft_source *source)
{
	if (accepted & source->kind)
		return 0;
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].kind == source->kind) {
			char *is = g_strconcat("is ", kinds[i].is, NULL);

			refuse(given, is, accepted, -EINVAL);
			g_free(is);
		}
	return -EINVAL;
}

int ft_source_find(const char *given, unsigned accepted, struct ft_source *source)
{
	int err;

	*source = (struct ft_source){.path = NULL};
	if (*given && strspn(given, "0123456789") == strlen(given) && accepted & FT_SOURCE_ARENA)
		err = pid_find(given, source);
	else
		err = path_find(given, accepted, source);
	if (!err)
		err = kind_check(given, accepted, source);
	if (err)
		ft_source_clear(source);
	return err;
}

void ft_source_clear(struct ft_source *source)
{
	g_free(source->path);
	g_free(source->arena);
	g_free(source->dir);
	*source = (struct ft_source){.path = NULL};
}

int ft_source_open(const struct ft_source *source, unsigned flags, struct fasttrace_arena **arena)
{
	const char *why;
	int err = fasttrace_arena_open(AT_FDCWD, source->arena, flags, arena, &why);

	if (err)
		ft_report("%s: %s: expected the file of an arena, as libfasttrace makes it",
			  source->arena, why ? why : strerror(-err));
	return err;
}

int ft_source_consume(struct fasttrace_arena *arena)
{
	int err;

	for (int tries = 0; (err = fasttrace_arena_consume(arena)) && tries < 10; tries++)
		g_usleep(5000);
	return err;
}

char *ft_source_served(const struct ft_source *source, struct fasttrace_arena *arena, pid_t *pid)
{
	const struct fasttrace_process_info *info = fasttrace_arena_info(arena);
	char *dir = g_path_get_dirname(source->arena), *folder = NULL, *root;

	*pid = 0;
	/* A run folder is served by its own daemon, or by that of the folder around it. */
	for (int level = 0; level < 2 && !folder; level++) {
		char *up = g_path_get_dirname(dir);

		if (ft_mount_server(dir, pid, &root)) {
			folder = ft_mount_folder(root, info->pid, info->uuid);
			g_free(root);
		}
		g_free(dir);
		dir = up;
	}
	g_free(dir);
	return folder;
}
