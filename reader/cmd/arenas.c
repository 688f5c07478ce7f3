/* SPDX-License-Identifier: MIT */
/*
 * arenas.c - directories of arenas: which there are, and who is in them.
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

#define RUN_PREFIX "run-" /* of the folder that fasttracefs makes for one program */

char *ft_arenas_dir(void)
{
	const char *env = getenv("FASTTRACE_DIR");

	if (env && *env)
		return g_canonicalize_filename(env, NULL);
	return g_strdup_printf("/dev/shm/fasttrace-%u", (unsigned)geteuid());
}

static int folder_each(const char *dir, bool top, void (*each)(const char *path, void *arg),
		       void *arg)
{
	DIR *d = opendir(dir);
	struct dirent *entry;
	struct stat st;

	if (!d)
		return -errno;
	while ((entry = readdir(d))) {
		char *path;

		if (*entry->d_name == '.' ||
		    fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		path = g_build_filename(dir, entry->d_name, NULL);
		if (S_ISREG(st.st_mode))
			each(path, arg);
		else if (S_ISDIR(st.st_mode) && top && g_str_has_prefix(entry->d_name, RUN_PREFIX))
			folder_each(path, false, each, arg);
		g_free(path);
	}
	closedir(d);
	return 0;
}

int ft_arenas_each(const char *dir, void (*each)(const char *path, void *arg), void *arg)
{
	return folder_each(dir, true, each, arg);
}

static void found_free(void *found)
{
	struct ft_found *f = found;

	fasttrace_arena_close(f->arena);
	g_free(f->path);
	g_free(f);
}

struct search {
	GPtrArray *found;
	uint32_t pid;
};

static void search_add(const char *path, void *arg)
{
	struct search *search = arg;
	struct fasttrace_arena *arena;
	struct ft_found *f;
	struct stat st;

	if (fasttrace_arena_open(AT_FDCWD, path, 0, &arena, NULL))
		return;
	if (stat(path, &st) || (search->pid && fasttrace_arena_info(arena)->pid != search->pid)) {
		fasttrace_arena_close(arena);
		return;
	}
	f = g_new0(struct ft_found, 1);
	f->path = g_strdup(path);
	f->arena = arena;
	f->info = fasttrace_arena_info(arena);
	f->bytes = (uint64_t)st.st_blocks * 512;
	g_ptr_array_add(search->found, f);
}

static gint found_compare(gconstpointer a, gconstpointer b)
{
	const struct fasttrace_process_info *x = (*(struct ft_found *const *)a)->info;
	const struct fasttrace_process_info *y = (*(struct ft_found *const *)b)->info;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->created_realtime_ns > y->created_realtime_ns ? -1 : 1;
}

GPtrArray *ft_arenas_list(const char *dir, uint32_t pid)
{
	struct search search = {g_ptr_array_new_with_free_func(found_free), pid};
	int err = ft_arenas_each(dir, search_add, &search);

	if (err) {
		g_ptr_array_unref(search.found);
		errno = -err;
		return NULL;
	}
	g_ptr_array_sort(search.found, found_compare);
	return search.found;
}
