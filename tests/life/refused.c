/* SPDX-License-Identifier: MIT */
/*
 * refused.c - a process that gets no arena for now: it is recorded once there is room, in one arena.
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "common.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define LATER 3000 /* events: some of them ask again */

static uint32_t first_may, first_is_over;
static pid_t first_tid;

static void descriptors_limit(rlim_t most)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = most;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		_exit(9);
}

/* A pipe that is full takes the place of standard error. Return: its other end. */
static int stderr_block(void)
{
	char byte = 0;
	int fd[2];

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK))
		_exit(9);
	while (write(fd[1], &byte, 1) == 1)
		;
	fcntl(fd[1], F_SETFL, 0);
	dup2(fd[1], STDERR_FILENO);
	return fd[0];
}

static void *first(void *arg)
{
	(void)arg;
	__atomic_store_n(&first_tid, gettid(), __ATOMIC_RELEASE);
	while (!__atomic_load_n(&first_may, __ATOMIC_ACQUIRE))
		;
	trace(1);
	__atomic_store_n(&first_is_over, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void *later(void *arg)
{
	(void)arg;
	for (uint64_t n = 0; n < LATER; n++)
		trace(n);
	return NULL;
}

/* Its state, in a descriptor from before there are none left. */
static int first_open(void)
{
	char path[64];
	pid_t tid;

	while (!(tid = __atomic_load_n(&first_tid, __ATOMIC_ACQUIRE)))
		usleep(100);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static void first_sleeps_wait(int fd)
{
	char line[256];
	ssize_t n;

	do {
		n = pread(fd, line, sizeof(line) - 1, 0);
		line[n > 0 ? n : 0] = '\0';
	} while (!strstr(line, ") S "));
	close(fd);
}

/* While one thread complains to somebody who does not read, another one gets the arena. */
static void body_complains(void)
{
	struct rlimit limit;
	pthread_t id[2];
	char dust[4096];
	int heap = stderr_block(), fd;

	getrlimit(RLIMIT_NOFILE, &limit);
	pthread_create(&id[0], NULL, first, NULL);
	fd = first_open();
	descriptors_limit(3);
	__atomic_store_n(&first_may, 1, __ATOMIC_RELEASE);
	first_sleeps_wait(fd);
	descriptors_limit(limit.rlim_cur);
	later(NULL);
	while (!__atomic_load_n(&first_is_over, __ATOMIC_ACQUIRE))
		if (read(heap, dust, sizeof(dust)) < 0)
			usleep(100);
	pthread_create(&id[1], NULL, later, NULL);
	pthread_join(id[1], NULL);
	pthread_join(id[0], NULL);
	body_stand();
}

static void complaint_that_blocks_makes_no_second_arena(void **state)
{
	pid_t pid = fixture_spawn_env("complains", "FASTTRACE_SUBBUF_SIZE=64K");
	struct fasttrace_stats stats;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(files(), 1);
	stats = stats_of(pid);
	assert_int_equal(stats.begun, 1 + 2 * LATER);
	assert_true(stats.readable >= LATER);
}

/* A child's arena is to take the place of its parent's: that fails where mappings run out. */
static bool filter_set(struct sock_filter *code, size_t bytes)
{
	struct sock_fprog program = {(unsigned short)(bytes / sizeof(*code)), code};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

static bool mremap_forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mremap, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return filter_set(code, sizeof(code));
}

static void body_child(void)
{
	trace(1);
	if (!fork()) {
		unsigned maps;

		if (!mremap_forbid())
			body_say('x');
		trace(2);
		maps = mappings();
		later(NULL);
		body_say(mappings() == maps ? '=' : 'm');
		wait_for_test_end();
	}
	wait(NULL);
}

static void arena_that_finds_no_place_leaves_nothing(void **state)
{
	pid_t pid = fixture_spawn("child", NULL);
	int said = fixture_hear();

	if (said == 'x') {
		print_message("SKIP: no filter of system calls here\n");
		skip();
	}
	(void)state;
	assert_int_equal(said, '=');
	assert_int_equal(files(), 1);
	assert_true(arena_alive(pid));
}

/* There is memory for a ring, but no page for its place. */
static bool places_forbid(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MADV_POPULATE_WRITE, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 4096, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOMEM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return filter_set(code, sizeof(code));
}

static void body_thread(void)
{
	pthread_t id;

	trace(1);
	if (!places_forbid())
		body_say('x');
	body_stand();
	pthread_create(&id, NULL, later, NULL);
	pthread_join(id, NULL);
	body_stand();
}

static struct stat arena_stat(pid_t pid)
{
	struct stat st;
	char path[512];

	assert_true(fixture_arena_path(pid, path, sizeof(path)));
	assert_int_equal(stat(path, &st), 0);
	return st;
}

static void ring_that_finds_no_place_takes_no_memory(void **state)
{
	pid_t pid = fixture_spawn_env("thread", "FASTTRACE_SUBBUF_SIZE=4096");
	int said = fixture_hear();
	blkcnt_t blocks;

	(void)state;
	if (said == 'x') {
		print_message("SKIP: no filter of system calls here\n");
		skip();
	}
	blocks = arena_stat(pid).st_blocks;
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(stats_of(pid).lost_no_buffer, LATER);
	assert_int_equal(arena_stat(pid).st_blocks, blocks);
}

static const struct fixture_body bodies[] = {{"thread", body_thread},
					     {"complains", body_complains},
					     {"child", body_child},
					     {NULL, NULL}};

LIFE_MAIN(TEST(complaint_that_blocks_makes_no_second_arena),
	  TEST(arena_that_finds_no_place_leaves_nothing),
	  TEST(ring_that_finds_no_place_takes_no_memory))
