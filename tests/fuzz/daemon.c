/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - what daemon.sh lets loose beside a daemon: processes that trace honestly, and arenas
 * that lie.
 *
 *   daemon valid NAME COUNTS    two threads trace and note in COUNTS what has returned, until killed
 *   daemon base                 traces a little and dies as by a crash
 *   daemon lies                 prints the kinds of lies
 *   daemon lie KIND FILE PID    makes a copy of base's arena, FILE, one that lies; it claims PID
 *   daemon flip FILE            claims to live, and changes words of FILE at full speed
 *   daemon resize FILE          truncates it and lets it grow again, at full speed
 *   daemon churn DIR BASE FILE...  puts one thing after the other in place of the FILEs
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon_lies.h"
#include "fasttrace.h"

#define THREADS 2
#define MANY	1000 /* files of junk */

static uint64_t *counts;
static const char *name;

static void *valid_thread(void *arg)
{
	uint64_t t = (uintptr_t)arg;

	for (uint64_t n = 0;; n++) {
		FASTTRACE(test, tick, (thread, t), (n, n), (mark, name));
		__atomic_store_n(&counts[t * 8], n + 1, __ATOMIC_RELEASE);
		usleep(2000);
	}
	return NULL;
}

static _Noreturn void valid_run(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	pthread_t thread[THREADS];

	if (fd < 0 || ftruncate(fd, PAGE))
		fail(path);
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		fail(path);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, valid_thread, (void *)i);
	for (;;)
		pause();
}

static void *base_thread(void *arg)
{
	for (uintptr_t i = 0; i < 3000; i++)
		FASTTRACE(base, event, (i, i), (text, "nothing to hide"));
	return arg;
}

static int base_run(void)
{
	pthread_t thread;

	FASTTRACE(base, first);
	pthread_create(&thread, NULL, base_thread, NULL);
	base_thread(NULL);
	pthread_join(thread, NULL);
	kill(getpid(), SIGKILL);
	return 1;
}

static int lie_tell(const char *kind, const char *path, const char *pid)
{
	struct mapped m;

	state = strtoull(pid, NULL, 10);
	arena_map(path, &m);
	m.arena->pid = (uint32_t)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		if (!strcmp(lies[i].name, kind)) {
			lies[i].tell(&m);
			return 0;
		}
	fprintf(stderr, "no such lie: %s\n", kind);
	return 2;
}

static void writer_lock(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FT_LOCK_WRITER, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &lock))
		fail("lock");
}

/* Words of what changes in an honest arena, and of what does not, to and fro. */
static _Noreturn void flip_run(const char *path)
{
	static unsigned char honest[5][1024];
	struct mapped m;
	uint64_t word;

	arena_map(path, &m);
	writer_lock(m.fd);
	const uint64_t regions[5] = {64, m.arena->places_offset, m.arena->events_offset,
				     place(&m, 0)->offset, place(&m, 1)->offset};

	for (unsigned i = 0; i < 5; i++)
		memcpy(honest[i], m.map + regions[i], sizeof(honest[i]));
	for (;;) {
		unsigned r = any() % 5, offset = any() % (sizeof(honest[0]) / 8) * 8;

		if (any() % 3)
			memcpy(&word, honest[r] + offset, 8);
		else
			word = any() & 1 ? any() : UINT64_C(1) << any() % 64;
		__atomic_store_n((uint64_t *)(void *)(m.map + regions[r] + offset), word,
				 __ATOMIC_RELAXED);
	}
}

static _Noreturn void resize_run(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		fail(path);
	writer_lock(fd);
	for (;;) {
		usleep(2000);
		if (ftruncate(fd, (off_t)(any() % 8 ? any() % (uint64_t)st.st_size : 0)))
			fail("ftruncate");
		usleep(200);
		if (ftruncate(fd, st.st_size * (off_t)(1 + any() % 3)))
			fail("ftruncate");
	}
}

static void socket_put(int dir, const char *at)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, at);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		perror("bind");
	close(fd);
}

static void file_put(int dir, const char *at, mode_t mode, off_t bytes)
{
	int fd = openat(dir, at, O_RDWR | O_CREAT | O_CLOEXEC, mode);

	if (fd >= 0 && ftruncate(fd, bytes))
		perror("ftruncate");
	if (fd >= 0)
		close(fd);
}

static void junk_put(int dir)
{
	char at[32];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(at, sizeof(at), "junk-%u", i);
		file_put(dir, at, 0600, 100);
	}
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(at, sizeof(at), "junk-%u", i);
		unlinkat(dir, at, 0);
	}
}

/* What stands where an arena was. */
static void thing_put(int dir, const char *at, unsigned what)
{
	char other[64];

	snprintf(other, sizeof(other), ".%s", at);
	unlinkat(dir, at, AT_REMOVEDIR);
	if (what) /* 0: it is renamed over */
		unlinkat(dir, at, 0);
	switch (what) {
	case 0:
		file_put(dir, other, 0600, 4096);
		renameat(dir, other, dir, at);
		break;
	case 1:
		mkfifoat(dir, at, 0600);
		break;
	case 2:
		socket_put(dir, at);
		break;
	case 3:
		mkdirat(dir, at, 0700);
		break;
	case 4:
		symlinkat("/proc/self/mem", dir, at);
		break;
	case 5:
		mknodat(dir, at, S_IFCHR | 0600, makedev(1, 5)); /* /dev/zero */
		break;
	case 6:
		file_put(dir, at, 0600, (off_t)HUGE_BYTES);
		break;
	case 7:
		file_put(dir, at, 0, 1 << 20);
		break;
	case 8:
		junk_put(dir);
		break;
	}
}

static void copy_put(int dir, const char *from, const char *at)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "cp --sparse=always '%s' '/proc/%d/fd/%d/%s' 2>/dev/null", from, (int)getpid(),
		 dir, at);
	if (system(command))
		exit(1);
}

static void names_put(int dir)
{
	char longest[256];

	memset(longest, 'n', 255);
	longest[255] = '\0';
	file_put(dir, longest, 0600, 4096);
	file_put(dir, "new\nline", 0600, 4096);
	file_put(dir, "\033[31mred\033[2J", 0600, 4096);
	file_put(dir, "\xff\xfe..", 0600, 4096);
	file_put(dir, "-rf", 0600, 4096);
	mkdirat(dir, "run-..", 0700);
	mkdirat(dir, "run-\n", 0777);
	symlinkat("/", dir, "run-link");
}

static _Noreturn void churn_run(const char *path, char **files, const char *base)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		fail(path);
	names_put(dir);
	for (;;)
		for (char **file = files; *file; file++) {
			thing_put(dir, *file, any() % 9);
			usleep(3000);
			unlinkat(dir, *file, AT_REMOVEDIR);
			unlinkat(dir, *file, 0);
			copy_put(dir, base, *file);
			usleep(3000);
		}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	name = argc > 2 ? argv[2] : "";
	if (!strcmp(what, "valid") && argc == 4)
		valid_run(argv[3]);
	if (!strcmp(what, "base"))
		return base_run();
	if (!strcmp(what, "lies"))
		for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
			puts(lies[i].name);
	if (!strcmp(what, "lies"))
		return 0;
	if (!strcmp(what, "lie") && argc == 5)
		return lie_tell(argv[2], argv[3], argv[4]);
	if (!strcmp(what, "flip") && argc == 3)
		flip_run(argv[2]);
	if (!strcmp(what, "resize") && argc == 3)
		resize_run(argv[2]);
	if (!strcmp(what, "churn") && argc > 4)
		churn_run(argv[2], argv + 4, argv[3]);
	fprintf(stderr, "usage: see the head of daemon.c\n");
	return 2;
}
