/* SPDX-License-Identifier: MIT */
/*
 * helper_user.c - what a user may try with what is not his: one system call or two, and its errno.
 *
 *   user OP TARGET [OTHER]    exit 0: it worked; 1: refused, prints the errno's name
 *   user swap A B             exchanges two names in a loop, until it is killed
 *   user watch DIR...         prints a line for each file that appears in them, until it is killed
 *   user hold FILE            locks all of it and waits
 *   user claim ARENA UID      writes into its header that it is UID's
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "ft-layout.h"

static int list(const char *path, const char *other)
{
	DIR *dir = opendir(path);

	(void)other;
	return dir && readdir(dir) ? 0 : -1;
}

static int look(const char *path, const char *other)
{
	struct stat st;

	(void)other;
	return lstat(path, &st);
}

static int read_some(const char *path, const char *other)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK);
	char byte;

	(void)other;
	return fd < 0 || read(fd, &byte, 1) < 0 ? -1 : 0;
}

static int write_word(const char *path, const char *word)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK);

	return fd < 0 || write(fd, word, strlen(word)) < 0 ? -1 : 0;
}

static int map(const char *path, const char *other)
{
	int fd = open(path, O_RDWR);

	(void)other;
	return fd < 0 || mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED
		       ? -1
		       : 0;
}

static int lock_byte(const char *path, int access, short type, off_t at)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = at, .l_len = 1};
	int fd = open(path, access);

	return fd < 0 || fcntl(fd, F_OFD_SETLK, &lock) ? -1 : 0;
}

static int lock_write(const char *path, const char *at)
{
	return lock_byte(path, O_RDWR, F_WRLCK, strtoll(at, NULL, 0));
}

static int lock_read(const char *path, const char *at)
{
	return lock_byte(path, O_RDONLY, F_RDLCK, strtoll(at, NULL, 0));
}

static int watch_one(const char *path, const char *other)
{
	(void)other;
	return inotify_add_watch(inotify_init1(IN_CLOEXEC), path, IN_ALL_EVENTS) < 0 ? -1 : 0;
}

static int create(const char *path, const char *other)
{
	(void)other;
	return open(path, O_WRONLY | O_CREAT | O_EXCL, 0600) < 0 ? -1 : 0;
}

static int make_folder(const char *path, const char *other)
{
	(void)other;
	return mkdir(path, 0700);
}

static int remove_file(const char *path, const char *other)
{
	(void)other;
	return unlink(path);
}

static int remove_folder(const char *path, const char *other)
{
	(void)other;
	return rmdir(path);
}

static int enter(const char *path, const char *other)
{
	(void)other;
	return chdir(path);
}

static int mode(const char *path, const char *other)
{
	(void)other;
	return chmod(path, 0777);
}

static int owner(const char *path, const char *other)
{
	(void)other;
	return chown(path, geteuid(), (gid_t)-1);
}

static int attribute(const char *path, const char *other)
{
	(void)other;
	return setxattr(path, "user.x", "x", 1, 0);
}

static int follow(const char *path, const char *other)
{
	char target[PATH_MAX];

	(void)other;
	return readlink(path, target, sizeof(target)) < 0 ? -1 : 0;
}

static int mount_over(const char *path, const char *other)
{
	return mount(other, path, NULL, MS_BIND, NULL);
}

static int unmount(const char *path, const char *other)
{
	(void)other;
	return umount2(path, MNT_DETACH);
}

static int terminate(const char *pid, const char *other)
{
	(void)other;
	return kill(atoi(pid), SIGTERM);
}

static int attach(const char *pid, const char *other)
{
	(void)other;
	return ptrace(PTRACE_SEIZE, atoi(pid), NULL, NULL) < 0 ? -1 : 0;
}

/* A descriptor out of its table: 3 is open in every daemon. */
static int steal(const char *pid, const char *other)
{
	int pidfd = (int)syscall(SYS_pidfd_open, atoi(pid), 0);

	(void)other;
	return pidfd < 0 || syscall(SYS_pidfd_getfd, pidfd, 3, 0) < 0 ? -1 : 0;
}

static int memory(const char *pid, const char *other)
{
	char byte;
	struct iovec at = {&byte, 1};

	(void)other;
	return process_vm_readv(atoi(pid), &at, 1, &at, 1, 0) < 0 ? -1 : 0;
}

static int limit(const char *pid, const char *other)
{
	struct rlimit files;

	(void)other;
	return prlimit(atoi(pid), RLIMIT_NOFILE, NULL, &files);
}

static const struct {
	const char *name;
	int (*run)(const char *target, const char *other);
} ops[] = {
	{"list", list},
	{"stat", look},
	{"read", read_some},
	{"write", write_word},
	{"map", map},
	{"lock", lock_write},
	{"lock-read", lock_read},
	{"inotify", watch_one},
	{"create", create},
	{"mkdir", make_folder},
	{"unlink", remove_file},
	{"rmdir", remove_folder},
	{"cd", enter},
	{"chmod", mode},
	{"chown", owner},
	{"setxattr", attribute},
	{"readlink", follow},
	{"link", link},
	{"rename", rename},
	{"mount-over", mount_over},
	{"umount", unmount},
	{"kill", terminate},
	{"ptrace", attach},
	{"pidfd-getfd", steal},
	{"vm-read", memory},
	{"prlimit", limit},
};

static _Noreturn void swap(const char *a, const char *b)
{
	for (;;)
		if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE)) {
			perror("exchange");
			exit(1);
		}
}

static _Noreturn void watch(char **dirs)
{
	_Alignas(struct inotify_event) char events[4096];
	int fd = inotify_init1(IN_CLOEXEC);
	ssize_t n;

	for (; *dirs; dirs++)
		if (inotify_add_watch(fd, *dirs, IN_CREATE | IN_MOVED_TO) < 0)
			exit(1);
	puts("watching");
	fflush(stdout);
	while ((n = read(fd, events, sizeof(events))) > 0)
		for (char *at = events; at < events + n;) {
			struct inotify_event *e = (struct inotify_event *)(void *)at;

			printf("%s %s\n", e->mask & IN_ISDIR ? "folder" : "file", e->name);
			fflush(stdout);
			at += sizeof(*e) + e->len;
		}
	exit(1);
}

static _Noreturn void hold(const char *path)
{
	if (lock_byte(path, O_RDWR, F_WRLCK, 0))
		exit(1);
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}

static int claim(const char *path, uint32_t uid)
{
	int fd = open(path, O_RDWR);

	return fd < 0 || pwrite(fd, &uid, sizeof(uid), offsetof(struct ft_arena, uid)) !=
				 (ssize_t)sizeof(uid);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "swap"))
		swap(argv[2], argv[3]);
	if (argc > 2 && !strcmp(argv[1], "watch"))
		watch(argv + 2);
	if (argc == 3 && !strcmp(argv[1], "hold"))
		hold(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "claim"))
		return claim(argv[2], (uint32_t)atol(argv[3]));
	for (size_t i = 0; argc > 2 && i < sizeof(ops) / sizeof(*ops); i++) {
		if (strcmp(argv[1], ops[i].name))
			continue;
		if (!ops[i].run(argv[2], argc > 3 ? argv[3] : ""))
			return 0;
		puts(strerrorname_np(errno));
		return 1;
	}
	fprintf(stderr, "usage: see the head of helper_user.c\n");
	return 2;
}
