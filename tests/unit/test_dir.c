/* SPDX-License-Identifier: MIT */
/*
 * test_dir.c - the arena directory: whose it must be, what counts in it, and who has to go when it
 * is full. Room is made in a small tmpfs, in a mount namespace of a child's.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "ft-tracer.h"

#define KIB	     UINT64_C(1024)
#define TMPFS_OPTION "size=4m,mode=0700" /* so arenas may take 1 MiB */
#define BOUND	     (1024 * KIB)
#define ARENA	     (200 * KIB)

static char sub[128];	   /* a path in the test's directory */
static pid_t holder;	   /* has the small tmpfs mounted */
static int small_dir = -1; /* it */

static const char *in(const char *name)
{
	snprintf(sub, sizeof(sub), "%s/%s", fixture_dir, name);
	return sub;
}

/* Arena directories that tests make have no files in them. */
static int teardown(void **state)
{
	if (small_dir >= 0)
		close(small_dir);
	small_dir = -1;
	if (holder > 0) {
		kill(holder, SIGKILL);
		waitpid(holder, NULL, 0);
	}
	holder = 0;
	return fixture_teardown(state);
}

static void assert_refused(const char *path, int err, const char *words)
{
	const char *why = NULL;
	int fd = ft_dir_open(path, &why);

	if (fd >= 0)
		close(fd);
	assert_int_equal(fd, err);
	assert_non_null(why);
	assert_non_null(strstr(why, words));
}

static void missing_directory_is_made_for_us_alone(void **state)
{
	mode_t old = umask(0);
	const char *why = NULL;
	struct stat st;
	int fd = ft_dir_open(in("new"), &why), again;

	(void)state;
	umask(old);
	assert_true(fd >= 0);
	again = ft_dir_open(sub, &why);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	close(again);
	assert_true(again >= 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(st.st_uid, geteuid());
}

static void descriptor_is_not_inherited(void **state)
{
	const char *why = NULL;
	int fd = ft_dir_open(fixture_dir, &why), flags = fcntl(fd, F_GETFD);

	(void)state;
	close(fd);
	assert_true(fd >= 0);
	assert_int_equal(flags, FD_CLOEXEC);
}

static void directory_without_parent_is_not_made(void **state)
{
	(void)state;
	assert_refused(in("no/parent"), -ENOENT, "cannot make");
}

static void file_is_refused(void **state)
{
	int fd = open(in("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0700);

	(void)state;
	close(fd);
	assert_refused(sub, -ENOTDIR, "not a directory");
}

static void symlink_is_refused(void **state)
{
	char target[128];

	(void)state;
	strcpy(target, in("real"));
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, in("link")), 0);
	assert_refused(sub, -ENOTDIR, "not a directory");
	assert_int_equal(symlink("nowhere", in("dangling")), 0);
	assert_refused(sub, -ENOTDIR, "not a directory");
}

static void symlink_is_refused_with_a_slash_behind_it(void **state)
{
	char target[128];

	(void)state;
	strcpy(target, in("real"));
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, in("link")), 0);
	assert_refused(in("link/"), -ENOTDIR, "not a directory");
}

static void directory_that_others_may_enter_is_refused(void **state)
{
	static const mode_t modes[] = {0755, 0710, 0701, 0777 | S_ISVTX, 0740, 0702};

	(void)state;
	assert_int_equal(mkdir(in("open"), 0700), 0);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		assert_int_equal(chmod(sub, modes[i]), 0);
		assert_refused(sub, -EACCES, "0700");
	}
}

static void directory_of_another_user_is_refused(void **state)
{
	(void)state;
	if (geteuid()) {
		print_message("SKIP: only root can give a directory away\n");
		skip();
	}
	assert_int_equal(mkdir(in("theirs"), 0700), 0);
	assert_int_equal(chown(sub, 65534, 65534), 0);
	assert_refused(sub, -EPERM, "our own");
}

struct arena {
	const char *name;
	bool clean;    /* exit() ran */
	time_t time;   /* of its last change */
	int lock_byte; /* 1: the writer's, 2: the reader's; 0: none */
};

static int file_make(int dir, const char *name, const void *head, size_t head_bytes, uint64_t bytes)
{
	static char zeros[4096];
	int fd = openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	for (uint64_t at = 0; at < bytes; at += sizeof(zeros))
		assert_int_equal(pwrite(fd, zeros, sizeof(zeros), (off_t)at), sizeof(zeros));
	assert_int_equal(pwrite(fd, head, head_bytes, 0), head_bytes);
	return fd;
}

/* Return: a descriptor that holds the lock, if there is one. */
static int arena_make(int dir, const struct arena *arena)
{
	struct ft_arena head = {.magic = FT_ARENA_MAGIC,
				.abi = FASTTRACE_ABI,
				.header_bytes = sizeof(head),
				.size = ARENA,
				.exit_mark = arena->clean ? UINT64_C(1) << 32 : 0};
	struct flock lock = {.l_type = F_WRLCK,
			     .l_whence = SEEK_SET,
			     .l_start = arena->lock_byte == 1 ? FT_LOCK_WRITER : FT_LOCK_READER,
			     .l_len = 1};
	struct timespec times[2] = {{arena->time, 0}, {arena->time, 0}};
	int fd = file_make(dir, arena->name, &head, sizeof(head), ARENA);

	assert_int_equal(futimens(fd, times), 0);
	if (arena->lock_byte)
		assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

static void arenas_make(int dir, const struct arena *arenas)
{
	for (; arenas->name; arenas++)
		close(arena_make(dir, arenas));
}

static void bytes_count_arenas_and_nothing_hidden(void **state)
{
	static const struct arena arenas[] = {
		{"1000-1-a", false, 1, 0}, {"1000-2-b", true, 2, 0}, {NULL, false, 0, 0}};
	int dir = open(fixture_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes;

	(void)state;
	assert_int_equal(ft_dir_bytes(dir), 0);
	arenas_make(dir, arenas);
	close(file_make(dir, ".new", "", 0, ARENA));
	assert_int_equal(mkdirat(dir, "folder", 0700), 0);
	assert_int_equal(symlinkat("1000-1-a", dir, "link"), 0);
	assert_int_equal(mkfifoat(dir, "fifo", 0600), 0);
	bytes = ft_dir_bytes(dir);
	close(dir);
	assert_int_equal(bytes, 2 * ARENA);
}

static void bytes_are_those_that_are_occupied(void **state)
{
	static const struct arena arenas[] = {{"1000-1-a", false, 1, 0}, {NULL, false, 0, 0}};
	int dir = open(fixture_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes;

	(void)state;
	arenas_make(dir, arenas);
	assert_int_equal(truncate(in("1000-1-a"), 1 << 30), 0); /* a hole, as in every arena */
	bytes = ft_dir_bytes(dir);
	close(dir);
	assert_int_equal(bytes, ARENA);
}

static void bytes_of_a_foreign_file_count_too(void **state)
{
	int dir = open(fixture_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes;

	(void)state;
	close(file_make(dir, "notes.txt", "hello", 5, ARENA));
	bytes = ft_dir_bytes(dir);
	close(dir);
	assert_int_equal(bytes, ARENA); /* they fill the filesystem as well */
}

static void many_arenas_are_all_counted(void **state)
{
	int dir = open(fixture_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint64_t bytes;

	(void)state;
	for (int i = 0; i < 300; i++) { /* more than one read of the directory returns */
		struct ft_arena head = {.magic = FT_ARENA_MAGIC};
		char name[32];

		snprintf(name, sizeof(name), "1000-%d-some-longer-name", i);
		close(file_make(dir, name, &head, sizeof(head), 4096));
	}
	bytes = ft_dir_bytes(dir);
	close(dir);
	assert_int_equal(bytes, 300 * 4096);
}

static void holder_run(int ready)
{
	char ok = 1;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("tmpfs", fixture_dir, "tmpfs", 0, TMPFS_OPTION) || write(ready, &ok, 1) != 1)
		_exit(1);
	for (;;)
		pause();
}

/* Mount a small tmpfs where only a child sees it, and open it through that child. */
static void small_dir_open(void)
{
	int ready[2];
	char path[128], ok = 0;

	if (geteuid()) {
		print_message("SKIP: only root can mount a small tmpfs\n");
		skip();
	}
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	holder = fork();
	assert_true(holder >= 0);
	if (!holder)
		holder_run(ready[1]);
	close(ready[1]);
	if (read(ready[0], &ok, 1) != 1)
		ok = 0;
	close(ready[0]);
	if (!ok) {
		print_message("SKIP: no tmpfs can be mounted in a namespace of our own\n");
		skip();
	}
	snprintf(path, sizeof(path), "/proc/%d/root%s", (int)holder, fixture_dir);
	small_dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(small_dir >= 0);
	assert_int_equal(ft_dir_bound(small_dir), BOUND);
}

/* Those of a, b, c ... that are there. */
static const char *left(void)
{
	static char names[32];
	size_t n = 0;

	for (char c = 'a'; c <= 'z'; c++)
		if (!faccessat(small_dir, (char[]){c, '\0'}, F_OK, AT_SYMLINK_NOFOLLOW))
			names[n++] = c;
	names[n] = '\0';
	return names;
}

static void clean_exits_go_first_and_then_the_oldest(void **state)
{
	static const struct arena arenas[] = {{"a", false, 100, 0},
					      {"b", true, 300, 0},
					      {"c", true, 200, 0},
					      {"d", false, 400, 0},
					      {NULL, false, 0, 0}};

	(void)state;
	small_dir_open();
	arenas_make(small_dir, arenas);
	ft_dir_evict(small_dir, BOUND - 4 * ARENA);
	assert_string_equal(left(), "abcd"); /* it fits */
	ft_dir_evict(small_dir, BOUND - 4 * ARENA + 1);
	assert_string_equal(left(), "abd");
	ft_dir_evict(small_dir, BOUND - 2 * ARENA);
	assert_string_equal(left(), "ad");
	ft_dir_evict(small_dir, BOUND - ARENA);
	assert_string_equal(left(), "d");
	ft_dir_evict(small_dir, BOUND);
	assert_string_equal(left(), "");
}

static void as_many_go_at_once_as_must(void **state)
{
	static const struct arena arenas[] = {{"a", false, 300, 0},
					      {"b", false, 100, 0},
					      {"c", true, 500, 0},
					      {"d", false, 200, 0},
					      {NULL, false, 0, 0}};

	(void)state;
	small_dir_open();
	arenas_make(small_dir, arenas);
	ft_dir_evict(small_dir, BOUND - ARENA);
	assert_string_equal(left(), "a");
}

static void living_and_held_arenas_stay(void **state)
{
	static const struct arena living = {"a", false, 1, 1}, held = {"b", true, 1, 2},
				  dead = {"c", false, 9, 0};
	const char *both, *one;
	int writer, reader;

	(void)state;
	small_dir_open();
	writer = arena_make(small_dir, &living);
	reader = arena_make(small_dir, &held);
	close(arena_make(small_dir, &dead));
	ft_dir_evict(small_dir, 2 * BOUND); /* can never fit */
	both = strcmp(left(), "ab") ? "" : "ab";
	close(writer);
	ft_dir_evict(small_dir, 2 * BOUND);
	one = strcmp(left(), "b") ? "" : "b";
	close(reader);
	ft_dir_evict(small_dir, 2 * BOUND);
	assert_string_equal(both, "ab");
	assert_string_equal(one, "b");
	assert_string_equal(left(), "");
}

static pthread_barrier_t both;

static void *evictor(void *fits)
{
	pthread_barrier_wait(&both);
	*(bool *)fits = ft_dir_evict(small_dir, BOUND);
	return NULL;
}

static void two_who_evict_at_once_both_have_room(void **state)
{
	static const struct arena arenas[] = {{"a", false, 100, 0},
					      {"b", true, 300, 0},
					      {"c", true, 200, 0},
					      {"d", false, 400, 0},
					      {NULL, false, 0, 0}};
	unsigned refused = 0;

	(void)state;
	small_dir_open();
	pthread_barrier_init(&both, NULL, 2);
	for (int round = 0; round < 100; round++) {
		bool fits[2];
		pthread_t id;

		arenas_make(small_dir, arenas);
		assert_int_equal(pthread_create(&id, NULL, evictor, &fits[0]), 0);
		evictor(&fits[1]);
		pthread_join(id, NULL);
		refused += !fits[0] + !fits[1];
		assert_string_equal(left(), "");
	}
	pthread_barrier_destroy(&both);
	assert_int_equal(refused, 0);
}

static void what_is_no_arena_stays(void **state)
{
	static const struct arena arenas[] = {{"a", false, 100, 0}, {NULL, false, 0, 0}};
	static const uint64_t magic = FT_ARENA_MAGIC;

	(void)state;
	small_dir_open();
	close(file_make(small_dir, "x", "hello", 5, ARENA));
	close(file_make(small_dir, "y", &magic, sizeof(magic), 0)); /* too short for one */
	assert_int_equal(symlinkat("a", small_dir, "z"), 0);
	arenas_make(small_dir, arenas);
	ft_dir_evict(small_dir, 2 * BOUND);
	assert_string_equal(left(), "xyz");
}

static void lock_set(int fd, short type)
{
	struct flock lock = {.l_type = type, .l_whence = SEEK_SET};

	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
}

static void directory_is_served_while_its_lock_is_held(void **state)
{
	int dir = open(fixture_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;
	bool served[5];

	(void)state;
	served[0] = ft_dir_served(dir);
	fd = openat(dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	served[1] = ft_dir_served(dir);
	lock_set(fd, F_WRLCK);
	served[2] = ft_dir_served(dir);
	served[3] = ft_dir_served(dir); /* asking does not take the lock away */
	close(fd);
	served[4] = ft_dir_served(dir);
	close(dir);
	assert_false(served[0]);
	assert_false(served[1]);
	assert_true(served[2]);
	assert_true(served[3]);
	assert_false(served[4]);
}

static void killed_daemon_does_not_serve(void **state)
{
	int dir = open(fixture_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ready[2];
	bool before, after;
	char c;

	(void)state;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	holder = fork();
	assert_true(holder >= 0);
	if (!holder) {
		struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
		int fd = openat(dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (fcntl(fd, F_OFD_SETLK, &lock) || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	before = ft_dir_served(dir);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	holder = 0;
	after = ft_dir_served(dir);
	close(dir);
	assert_true(before);
	assert_false(after);
}

static void lock_behind_a_symlink_does_not_count(void **state)
{
	int dir = open(fixture_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd = openat(dir, "other", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool served;

	(void)state;
	lock_set(fd, F_WRLCK);
	assert_int_equal(symlinkat("other", dir, ".lock"), 0);
	served = ft_dir_served(dir);
	close(fd);
	close(dir);
	assert_false(served);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(missing_directory_is_made_for_us_alone),
		TEST(descriptor_is_not_inherited),
		TEST(directory_without_parent_is_not_made),
		TEST(file_is_refused),
		TEST(symlink_is_refused),
		TEST(symlink_is_refused_with_a_slash_behind_it),
		TEST(directory_that_others_may_enter_is_refused),
		TEST(directory_of_another_user_is_refused),
		TEST(bytes_count_arenas_and_nothing_hidden),
		TEST(bytes_are_those_that_are_occupied),
		TEST(bytes_of_a_foreign_file_count_too),
		TEST(many_arenas_are_all_counted),
		TEST(clean_exits_go_first_and_then_the_oldest),
		TEST(as_many_go_at_once_as_must),
		TEST(living_and_held_arenas_stay),
		TEST(two_who_evict_at_once_both_have_room),
		TEST(what_is_no_arena_stays),
		TEST(directory_is_served_while_its_lock_is_held),
		TEST(killed_daemon_does_not_serve),
		TEST(lock_behind_a_symlink_does_not_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
