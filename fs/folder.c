/* SPDX-License-Identifier: MIT */
/*
 * folder.c - one folder of arenas: what is in it, what is not an arena, what must make room.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "launch.h"
#include "registry.h"

#define AGAIN_NS  FT_NS_PER_S
#define ROOM_KEPT 4 /* dead arenas leave so much of the bound to those who come */

/* A file that was looked at: an arena, or the reason why it is not. */
struct ft_folder_file {
	ino_t ino;
	struct timespec mtime;
	struct ft_process *process; /* the registry's reference */
	char *why;
	bool seen;
	int64_t again_ns; /* to be tried again then, for want of what may be free by then; 0: not */
};

static void file_free(void *data)
{
	struct ft_folder_file *file = data;

	g_free(file->why);
	g_free(file);
}

struct ft_folder *ft_folder_new(const char *path, const char *name, int fd, int lock_fd)
{
	struct ft_folder *folder = g_new0(struct ft_folder, 1);

	folder->path = g_strdup(path);
	folder->name = g_strdup(name);
	folder->fd = fd;
	folder->lock_fd = lock_fd;
	folder->inotify_id = -1;
	folder->files = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, file_free);
	folder->busy = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return folder;
}

void ft_folder_free(struct ft_folder *folder)
{
	close(folder->fd);
	if (folder->lock_fd >= 0)
		close(folder->lock_fd);
	g_hash_table_destroy(folder->files);
	g_hash_table_destroy(folder->busy);
	g_free(folder->path);
	g_free(folder->name);
	g_free(folder);
}

struct ft_folder *ft_folder_open_run(struct ft_folder *parent, const char *name, bool *busy)
{
	int fd = openat(parent->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), lock;
	struct ft_folder *folder;
	struct stat st;
	char *path;

	*busy = false;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) || st.st_uid != geteuid() || st.st_mode & 077)
		goto close_fd;
	/* Made if there is none: the folder was removed under its program, which has made it anew. */
	lock = ft_lock_open(fd);
	if (lock < 0)
		goto close_fd;
	if (ft_lock_take(lock)) {
		*busy = true;
		close(lock);
		goto close_fd;
	}
	path = g_build_filename(parent->path, name, NULL);
	folder = ft_folder_new(path, name, fd, lock);
	g_free(path);
	return folder;
close_fd:
	close(fd);
	return NULL;
}

static bool file_same(const struct ft_folder_file *file, const struct stat *st)
{
	if (file->ino != st->st_ino || (file->again_ns && file->again_ns <= ft_now_ns()))
		return false;
	/* A foreign file that was written since may have become an arena. */
	return file->process || (file->mtime.tv_sec == st->st_mtim.tv_sec &&
				 file->mtime.tv_nsec == st->st_mtim.tv_nsec);
}

static void file_gone(struct ft_registry *registry, struct ft_folder_file *file)
{
	struct ft_process *process = file->process;

	file->process = NULL;
	if (process)
		ft_registry_drop(registry, process);
}

static void file_try(struct ft_folder *folder, struct ft_registry *registry, const char *name,
		     const struct stat *st)
{
	struct ft_folder_file *file = g_new0(struct ft_folder_file, 1);
	const char *why = "belongs to another user";
	int err = -EPERM;

	/* In root's folder there may be copies of everybody's; each stays its owner's. */
	if (st->st_uid == geteuid() || !geteuid()) {
		why = NULL;
		err = ft_process_open(registry, folder, name, &file->process, &why);
	}
	file->ino = st->st_ino;
	file->mtime = st->st_mtim;
	file->seen = true;
	if (err)
		file->why = g_strdup(why ? why : strerror(-err));
	if (err == -EMFILE || err == -ENFILE || err == -ENOMEM) {
		file->again_ns = ft_now_ns() + AGAIN_NS;
		folder->again = true;
	}
	if (!err) {
		file->process->uid = st->st_uid;
		file->process->gid = st->st_gid;
		ft_registry_add(registry, file->process);
	}
	g_hash_table_replace(folder->files, g_strdup(name), file);
}

static void file_see(struct ft_folder *folder, struct ft_registry *registry, const char *name)
{
	struct ft_folder_file *file = g_hash_table_lookup(folder->files, name);
	struct stat st;

	if (fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW))
		return;
	if (S_ISDIR(st.st_mode) && !folder->name && g_str_has_prefix(name, FT_RUN_PREFIX))
		g_hash_table_add(folder->busy, g_strdup(name));
	if (!S_ISREG(st.st_mode))
		return;
	if (file && file_same(file, &st)) {
		folder->again |= file->again_ns != 0;
		file->seen = true;
		return;
	}
	if (file)
		file_gone(registry, file);
	file_try(folder, registry, name, &st);
}

/* Files that are no longer there; of a process that lives, the arena is not given up. */
static void files_sweep(struct ft_folder *folder, struct ft_registry *registry)
{
	struct ft_folder_file *file;
	GHashTableIter iter;
	int code;

	g_hash_table_iter_init(&iter, folder->files);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&file)) {
		if (file->seen)
			continue;
		if (file->process && ft_process_end(file->process, &code) == FASTTRACE_RUNNING)
			continue;
		file_gone(registry, file);
		g_hash_table_iter_remove(&iter);
	}
}

void ft_folder_scan(struct ft_folder *folder, struct ft_registry *registry)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct ft_folder_file *file;
	GHashTableIter iter;
	struct dirent *d;

	folder->again = !dir;
	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	g_hash_table_remove_all(folder->busy);
	g_hash_table_iter_init(&iter, folder->files);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&file))
		file->seen = false;
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.')
			file_see(folder, registry, d->d_name);
	closedir(dir);
	files_sweep(folder, registry);
}

/* Clean exits go first, then the oldest. */
static bool victim_better(struct ft_process *p, struct ft_process *best)
{
	if (!best)
		return true;
	if ((p->end == FASTTRACE_EXITED) != (best->end == FASTTRACE_EXITED))
		return p->end == FASTTRACE_EXITED;
	return p->info->created_realtime_ns < best->info->created_realtime_ns;
}

/* The dead process to go first. Never the newest: somebody is about to look at that crash. */
static struct ft_process *folder_victim(struct ft_folder *folder)
{
	struct ft_process *newest = NULL, *victim = NULL;
	GPtrArray *dead = g_ptr_array_new();
	struct ft_folder_file *file;
	GHashTableIter iter;
	int code;

	g_hash_table_iter_init(&iter, folder->files);
	while (g_hash_table_iter_next(&iter, NULL, (void **)&file)) {
		struct ft_process *p = file->process;

		if (!p || ft_process_end(p, &code) == FASTTRACE_RUNNING)
			continue;
		g_ptr_array_add(dead, p);
		if (!newest || p->info->created_realtime_ns > newest->info->created_realtime_ns)
			newest = p;
	}
	for (guint i = 0; i < dead->len; i++) {
		struct ft_process *p = dead->pdata[i];

		if (p != newest && !p->opens && victim_better(p, victim))
			victim = p;
	}
	g_ptr_array_free(dead, TRUE);
	return victim;
}

/* Bytes of memory that the folder's files take. */
static uint64_t folder_weigh(struct ft_folder *folder)
{
	GHashTableIter iter;
	uint64_t bytes = 0;
	struct stat st;
	char *name;

	g_hash_table_iter_init(&iter, folder->files);
	while (g_hash_table_iter_next(&iter, (void **)&name, NULL))
		if (!fstatat(folder->fd, name, &st, AT_SYMLINK_NOFOLLOW))
			bytes += (uint64_t)st.st_blocks * 512;
	return bytes;
}

void ft_folder_evict(struct ft_folder *folder)
{
	struct ft_process *victim;
	struct statfs fs;
	uint64_t bound;

	if (fstatfs(folder->fd, &fs))
		return;
	/* Who begins where there is no room is refused, and cannot evict what we hold. */
	bound = (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize / 4;
	while (folder_weigh(folder) > bound - bound / ROOM_KEPT) {
		victim = folder_victim(folder);
		if (!victim || ft_registry_remove(victim))
			return;
	}
}

void ft_folder_complaints(struct ft_folder *folder, GString *text)
{
	struct ft_folder_file *file;
	GHashTableIter iter;
	char *name;

	g_hash_table_iter_init(&iter, folder->files);
	while (g_hash_table_iter_next(&iter, (void **)&name, (void **)&file)) {
		char *shown = file->why ? g_strescape(name, NULL) : NULL;

		if (shown)
			g_string_append_printf(text, "ignored: %s%s%s: %s\n",
					       folder->name ? folder->name : "",
					       folder->name ? "/" : "", shown, file->why);
		g_free(shown);
	}
}

void ft_folder_forget(struct ft_folder *folder, struct ft_process *process)
{
	struct ft_folder_file *file = g_hash_table_lookup(folder->files, process->file);

	if (!file || file->process != process)
		return;
	file->process = NULL;
	g_hash_table_remove(folder->files, process->file);
}

void ft_folder_remove(struct ft_folder *folder, struct ft_folder *parent)
{
	int fd = openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	bool empty = dir != NULL;
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (strcmp(d->d_name, ".") && strcmp(d->d_name, "..") &&
		    strcmp(d->d_name, FT_LOCK_NAME))
			empty = false;
	if (dir)
		closedir(dir);
	if (!empty)
		return;
	unlinkat(folder->fd, FT_LOCK_NAME, 0);
	if (parent)
		unlinkat(parent->fd, folder->name, AT_REMOVEDIR);
	else
		rmdir(folder->path);
}
