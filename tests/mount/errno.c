/* SPDX-License-Identifier: MIT */
/*
 * errno.c - what operations on files say.
 *
 * For each line "OPERATION PATH OTHER" of its input: the operation, and the errno's name or 0. OTHER
 * is a path that two-sided operations need. All are of one process, so that it has one snapshot.
 * What consumes is never read from: a read is of no byte.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#define PAGE 4096

/* An operation is on a file that is opened with flags, or, where they are PATH, on a path. */
#define PATH (-1)
struct operation {
	const char *name;
	int flags;
	int (*run)(int fd, const char *path, const char *other);
};

#define OPERATION(op) static int op(int fd, const char *path, const char *other)
#define UNUSED	      ((void)fd, (void)path, (void)other)

OPERATION(nothing)
{
	UNUSED;
	return 0;
}

OPERATION(read_none)
{
	char byte;

	UNUSED;
	return (int)read(fd, &byte, 0);
}

OPERATION(read_one)
{
	char byte;

	UNUSED;
	return (int)read(fd, &byte, 1);
}

OPERATION(write_one)
{
	UNUSED;
	return (int)write(fd, "x", 1);
}

OPERATION(seek)
{
	UNUSED;
	return lseek(fd, 0, SEEK_SET) < 0 ? -1 : 0;
}

OPERATION(pread_at)
{
	char byte;

	UNUSED;
	return (int)pread(fd, &byte, 1, 1 << 20);
}

OPERATION(pwrite_at)
{
	UNUSED;
	return (int)pwrite(fd, "x", 1, 1);
}

OPERATION(ftruncate_some)
{
	UNUSED;
	return ftruncate(fd, 5);
}

OPERATION(allocate)
{
	UNUSED;
	return fallocate(fd, 0, 0, PAGE);
}

OPERATION(punch)
{
	UNUSED;
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, PAGE);
}

static int map(int fd, int protection, int flags)
{
	void *at = mmap(NULL, PAGE, protection, flags, fd, 0);

	return at == MAP_FAILED ? -1 : munmap(at, PAGE);
}

OPERATION(map_private)
{
	UNUSED;
	return map(fd, PROT_READ, MAP_PRIVATE);
}

OPERATION(map_shared)
{
	UNUSED;
	return map(fd, PROT_READ, MAP_SHARED);
}

OPERATION(map_write)
{
	UNUSED;
	return map(fd, PROT_READ | PROT_WRITE, MAP_SHARED);
}

OPERATION(lock_whole)
{
	UNUSED;
	return flock(fd, LOCK_SH | LOCK_NB);
}

OPERATION(lock_range)
{
	struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

	UNUSED;
	return fcntl(fd, F_SETLK, &lock);
}

OPERATION(terminal)
{
	struct termios t;

	UNUSED;
	return ioctl(fd, TCGETS, &t);
}

OPERATION(sync_all)
{
	UNUSED;
	return fsync(fd);
}

OPERATION(advise)
{
	UNUSED;
	errno = posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return errno ? -1 : 0;
}

OPERATION(copy_in)
{
	int from = open(other, O_RDONLY | O_CLOEXEC), err;

	(void)path;
	err = (int)copy_file_range(from, NULL, fd, NULL, 1, 0);
	close(from);
	return err;
}

OPERATION(poll_now)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	UNUSED;
	errno = EAGAIN; /* unless it is ready */
	return poll(&p, 1, 0) == 1 && p.revents == POLLIN ? 0 : -1;
}

OPERATION(list)
{
	DIR *dir = opendir(path);

	(void)fd, (void)other;
	return dir ? closedir(dir) : -1;
}

/* The inode numbers that a listing has are those of the folder and of its parent. */
OPERATION(list_self)
{
	struct stat self, parent;
	unsigned found = 0;
	struct dirent *d;
	DIR *dir;

	(void)other;
	if (fstat(fd, &self) || fstatat(fd, "..", &parent, 0))
		return -1;
	dir = opendir(path);
	while (dir && (d = readdir(dir)))
		found += (!strcmp(d->d_name, ".") && d->d_ino == self.st_ino) ||
			 (!strcmp(d->d_name, "..") && d->d_ino == parent.st_ino);
	if (dir)
		closedir(dir);
	errno = EBADMSG;
	return found == 2 ? 0 : -1;
}

OPERATION(create)
{
	int err = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	(void)fd, (void)other;
	return err < 0 ? -1 : close(err);
}

OPERATION(temporary)
{
	int err = open(path, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

	(void)fd, (void)other;
	return err < 0 ? -1 : close(err);
}

OPERATION(create_new)
{
	int err = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	(void)fd, (void)other;
	return err < 0 ? -1 : close(err);
}

OPERATION(make_dir)
{
	(void)fd, (void)other;
	return mkdir(path, 0700);
}

OPERATION(make_fifo)
{
	(void)fd, (void)other;
	return mkfifo(path, 0600);
}

OPERATION(make_symlink)
{
	(void)fd;
	return symlink(other, path);
}

OPERATION(link_to)
{
	(void)fd;
	return link(path, other);
}

OPERATION(rename_to)
{
	(void)fd;
	return rename(path, other);
}

OPERATION(rename_from)
{
	(void)fd;
	return rename(other, path);
}

OPERATION(remove_file)
{
	(void)fd, (void)other;
	return unlink(path);
}

OPERATION(remove_dir)
{
	(void)fd, (void)other;
	return rmdir(path);
}

OPERATION(truncate_none)
{
	(void)fd, (void)other;
	return truncate(path, 0);
}

OPERATION(truncate_some)
{
	(void)fd, (void)other;
	return truncate(path, 5);
}

OPERATION(change_mode)
{
	(void)fd, (void)other;
	return chmod(path, 0777);
}

OPERATION(change_owner)
{
	(void)fd, (void)other;
	return chown(path, 1, 1);
}

OPERATION(change_times)
{
	(void)fd, (void)other;
	return utimensat(AT_FDCWD, path, NULL, 0);
}

OPERATION(set_attribute)
{
	(void)fd, (void)other;
	return setxattr(path, "user.x", "x", 1, 0);
}

OPERATION(get_attribute)
{
	char byte;

	(void)fd, (void)other;
	return (int)getxattr(path, "user.x", &byte, 1);
}

OPERATION(list_attributes)
{
	(void)fd, (void)other;
	return (int)listxattr(path, NULL, 0);
}

OPERATION(stat_system)
{
	struct statfs st;

	(void)fd, (void)other;
	return statfs(path, &st);
}

OPERATION(may_read)
{
	(void)fd, (void)other;
	return access(path, R_OK);
}

OPERATION(may_write)
{
	(void)fd, (void)other;
	return access(path, W_OK);
}

OPERATION(may_execute)
{
	(void)fd, (void)other;
	return access(path, X_OK);
}

static const struct operation operations[] = {
	{"open-read", O_RDONLY, nothing},
	{"open-write", O_WRONLY, nothing},
	{"open-both", O_RDWR, nothing},
	{"open-append", O_WRONLY | O_APPEND, nothing},
	{"open-direct", O_RDONLY | O_DIRECT, nothing},
	{"open-sync", O_RDONLY | O_SYNC | O_NOATIME | O_NOFOLLOW, nothing},
	{"open-truncate", O_WRONLY | O_TRUNC, nothing},
	{"open-directory", O_RDONLY | O_DIRECTORY, nothing},
	{"open-path", O_PATH, nothing},
	{"opendir", PATH, list},
	{"list-self", O_RDONLY | O_DIRECTORY, list_self},
	{"create", PATH, create},
	{"create-new", PATH, create_new},
	{"tmpfile", PATH, temporary},
	{"read", O_RDONLY | O_NONBLOCK, read_none},
	{"read-write-only", O_WRONLY, read_one},
	{"write-read-only", O_RDONLY, write_one},
	{"lseek", O_RDONLY, seek},
	{"pread", O_RDONLY | O_NONBLOCK, pread_at},
	{"pwrite", O_WRONLY, pwrite_at},
	{"truncate", PATH, truncate_none},
	{"truncate-to-5", PATH, truncate_some},
	{"ftruncate-to-5", O_WRONLY, ftruncate_some},
	{"fallocate", O_WRONLY, allocate},
	{"punch-hole", O_WRONLY, punch},
	{"copy-file-range", O_WRONLY, copy_in},
	{"mmap-private", O_RDONLY, map_private},
	{"mmap-shared", O_RDONLY, map_shared},
	{"mmap-write", O_RDWR, map_write},
	{"flock", O_RDONLY, lock_whole},
	{"fcntl-lock", O_RDONLY, lock_range},
	{"ioctl-tcgets", O_RDONLY, terminal},
	{"fsync", O_RDONLY, sync_all},
	{"fadvise", O_RDONLY, advise},
	{"poll", O_RDONLY, poll_now},
	{"unlink", PATH, remove_file},
	{"rmdir", PATH, remove_dir},
	{"mkdir", PATH, make_dir},
	{"mkfifo", PATH, make_fifo},
	{"symlink", PATH, make_symlink},
	{"link", PATH, link_to},
	{"rename-to", PATH, rename_to},
	{"rename-from", PATH, rename_from},
	{"chmod", PATH, change_mode},
	{"chown", PATH, change_owner},
	{"utimens", PATH, change_times},
	{"setxattr", PATH, set_attribute},
	{"getxattr", PATH, get_attribute},
	{"listxattr", PATH, list_attributes},
	{"statfs", PATH, stat_system},
	{"access-read", PATH, may_read},
	{"access-write", PATH, may_write},
	{"access-execute", PATH, may_execute},
};

/* Return: the errno, or 0. */
static int run(const struct operation *o, const char *path, const char *other)
{
	int fd = -1, err;

	if (o->flags != PATH) {
		fd = open(path, o->flags | O_CLOEXEC);
		if (fd < 0)
			return errno;
	}
	err = o->run(fd, path, other) < 0 ? errno : 0;
	if (fd >= 0)
		close(fd);
	return err;
}

static const struct operation *find(const char *name)
{
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
		if (!strcmp(operations[i].name, name))
			return &operations[i];
	return NULL;
}

int main(void)
{
	char name[64], path[PAGE], other[PAGE];
	const struct operation *o;
	int err;

	while (scanf("%63s %4095s %4095s", name, path, other) == 3) {
		o = find(name);
		err = o ? run(o, path, other) : ENOSYS;
		printf("%s %s %s\n", name, path, err ? strerrorname_np(err) : "0");
	}
	return 0;
}
