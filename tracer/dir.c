/* SPDX-License-Identifier: MIT */
/*
 * dir.c - the arena directory: checked, measured, made room in.
 *
 * Read with getdents64 into the stack, since opendir() allocates.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "ft-create.h"

#define LOCK_NAME ".lock"
#define NEW_NAME  ".new-" /* of an arena that is being made */
#define NEW_S	  60	  /* whoever makes one is dead, if it is not locked by then */

struct dirent64_raw {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
};

int ft_dir_open(const char *path, const char **why)
{
	size_t len = strlen(path);
	struct stat st;
	int fd, err;

	*why = "not a directory for us: a slash at its end would follow a link";
	if (len > 1 && path[len - 1] == '/')
		return -ENOTDIR;
	if (mkdir(path, 0700) && errno != EEXIST) {
		*why = "cannot make this directory";
		return -errno;
	}
	FASTTRACE_POINT(dir_made);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		*why = "not a directory, or not for us";
		return -errno;
	}
	if (!fstat(fd, &st) && st.st_uid == geteuid() && !(st.st_mode & 077))
		return fd;
	err = st.st_uid != geteuid() ? -EPERM : -EACCES;
	*why = st.st_uid != geteuid() ? "the directory of arenas must be our own"
				      : "the directory of arenas must have mode 0700";
	close(fd);
	return err;
}

static bool name_is_new(const char *name)
{
	return !strncmp(name, NEW_NAME, strlen(NEW_NAME));
}

/* Call each() for every arena file, those being made as well, until it returns false. */
static void dir_each(int dirfd, bool (*each)(int, const char *, const struct stat *, void *),
		     void *arg)
{
	_Alignas(struct dirent64_raw) char space[1024];
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent64_raw *d;
	struct stat st;
	long n;

	if (fd < 0)
		return;
	while ((n = syscall(SYS_getdents64, fd, space, sizeof(space))) > 0)
		for (long at = 0; at < n; at += d->reclen) {
			d = (struct dirent64_raw *)(space + at);
			if ((d->name[0] == '.' && !name_is_new(d->name)) ||
			    fstatat(fd, d->name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
				continue;
			if (!each(fd, d->name, &st, arg))
				goto out;
		}
out:
	close(fd);
}

static bool bytes_add(int dirfd, const char *name, const struct stat *st, void *arg)
{
	(void)dirfd;
	(void)name;
	*(uint64_t *)arg += (uint64_t)st->st_blocks * 512;
	return true;
}

uint64_t ft_dir_bytes(int dirfd)
{
	uint64_t bytes = 0;

	dir_each(dirfd, bytes_add, &bytes);
	return bytes;
}

uint64_t ft_dir_bound(int dirfd)
{
	struct statfs fs;

	if (fstatfs(dirfd, &fs))
		return UINT64_MAX;
	return (uint64_t)fs.f_blocks * (uint64_t)fs.f_bsize / 4;
}

struct victim {
	char name[128];
	bool clean;
	struct timespec time;
};

bool ft_dir_lock_free(int fd, off_t at, off_t len)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = at, .l_len = len};

	return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type == F_UNLCK;
}

/* A file that may be one, but is none yet, and not going to be. */
static bool new_is_dead(const struct stat *st)
{
	struct timespec now;

	return !clock_gettime(CLOCK_REALTIME, &now) && now.tv_sec - st->st_mtim.tv_sec > NEW_S;
}

static bool arena_is_finished(int fd, const struct stat *st, bool *clean)
{
	struct ft_arena a;

	if (st->st_size <= (off_t)sizeof(a) || pread(fd, &a, sizeof(a), 0) != sizeof(a) ||
	    a.magic != FT_ARENA_MAGIC)
		return false;
	*clean = a.exit_mark;
	return true;
}

/* An arena that nobody writes or reads; did its process exit cleanly, or has it no events at all? */
static bool arena_is_dead(int dirfd, const char *name, const struct stat *st, bool *clean)
{
	int fd = openat(dirfd, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	bool dead;

	if (fd < 0)
		return false;
	*clean = true;
	dead = (name_is_new(name) ? new_is_dead(st) : arena_is_finished(fd, st, clean)) &&
	       ft_dir_lock_free(fd, FT_LOCK_WRITER, 2);
	close(fd);
	return dead;
}

static bool victim_consider(int dirfd, const char *name, const struct stat *st, void *arg)
{
	struct victim *best = arg;
	bool clean, older;

	if (strlen(name) >= sizeof(best->name) || !arena_is_dead(dirfd, name, st, &clean))
		return true;
	older = st->st_mtim.tv_sec < best->time.tv_sec ||
		(st->st_mtim.tv_sec == best->time.tv_sec &&
		 st->st_mtim.tv_nsec < best->time.tv_nsec);
	if (best->name[0] && (best->clean != clean ? best->clean : !older))
		return true;
	ft_text_join(best->name, sizeof(best->name), name, NULL);
	best->clean = clean;
	best->time = st->st_mtim;
	return true;
}

static bool bytes_fit(int dirfd, uint64_t bytes)
{
	return ft_dir_bytes(dirfd) + bytes <= ft_dir_bound(dirfd);
}

bool ft_dir_evict(int dirfd, uint64_t bytes)
{
	while (!bytes_fit(dirfd, bytes)) {
		struct victim v = {.name = ""};

		dir_each(dirfd, victim_consider, &v);
		if (!v.name[0])
			return bytes_fit(dirfd, bytes); /* somebody else removed the last */
		if (unlinkat(dirfd, v.name, 0) && errno != ENOENT)
			return false;
		FASTTRACE_POINT(arena_evicted);
	}
	return true;
}

int ft_dir_served(int dirfd)
{
	int fd = openat(dirfd, LOCK_NAME, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool served;

	if (fd < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;
	/* Who holds a lock that is not ours serves nobody. */
	served = !fstat(fd, &st) && st.st_uid == geteuid() && !ft_dir_lock_free(fd, 0, 0);
	close(fd);
	return served;
}
