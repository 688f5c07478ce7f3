/* SPDX-License-Identifier: MIT */
/* test_process.c - an arena through fork, raw clone, exec, exit, and descriptors closed under it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"

static void trace(uint64_t n)
{
	FASTTRACE(test, number, (n, n));
}

static void body_one(void)
{
	trace(1);
	body_say('.');
	body_hear();
}

/* Outlive our parent, but not the test, which holds the other end of the pipe. */
static void wait_for_test_end(void)
{
	struct pollfd end = {.fd = atoi(getenv("FIXTURE_IN"))};

	while (poll(&end, 1, -1) < 0)
		;
	_exit(0);
}

/* The child says its pid's low byte when it has traced; then both wait. */
static void body_fork(void)
{
	pid_t pid;

	trace(1);
	pid = fork();
	if (!pid) {
		trace(2);
		FASTTRACE(test, another, (n, 3), (text, "child"));
		body_say('c');
		wait_for_test_end();
	}
	body_hear(); /* the child lives on after we are killed */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	trace(4);
	body_say('.');
	body_hear();
}

static void body_clone(void)
{
	long pid;

	trace(1);
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (!pid) {
		trace(2);
		_exit(0);
	}
	waitpid((pid_t)pid, NULL, 0);
	trace(3);
	body_say('.');
	body_hear();
}

static void body_forked_child_without_events(void)
{
	pid_t pid;

	trace(1);
	pid = fork();
	if (!pid)
		exit(7); /* runs the library's end: it must leave the parent's arena alone */
	waitpid(pid, NULL, 0);
	trace(2);
	body_say('.');
	body_hear();
}

static void body_exec(void)
{
	trace(1);
	body_say('.');
	body_hear();
	execl("/bin/sleep", "sleep", "100", (char *)NULL);
}

static void body_close_all(void)
{
	int in = atoi(getenv("FIXTURE_IN")), out = atoi(getenv("FIXTURE_OUT"));

	trace(1);
	for (int fd = 3; fd < 256; fd++)
		if (fd != in && fd != out)
			close(fd);
	for (int i = 0; i < 16; i++) /* and reuse their numbers */
		if (open("/dev/null", O_RDONLY) < 0)
			_exit(9);
	trace(2);
	body_say('.');
	body_hear();
}

static void body_exit(void)
{
	trace(1);
	exit(42);
}

static void body_off(void)
{
	trace(1);
	body_say('.');
	body_hear();
}

static void *short_thread(void *arg)
{
	for (uintptr_t i = 0; i < 10; i++)
		trace((uintptr_t)arg * 10 + i);
	return NULL;
}

static void body_short_threads(void)
{
	for (uintptr_t i = 0; i < 3000; i++) {
		pthread_t id;

		pthread_create(&id, NULL, short_thread, (void *)i);
		pthread_join(id, NULL);
	}
	body_say('.');
	body_hear();
}

static pthread_barrier_t barrier;

static void *long_thread(void *arg)
{
	trace((uintptr_t)arg);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	return NULL;
}

static void body_some_short_threads(void)
{
	for (uintptr_t i = 0; i < 200; i++) {
		pthread_t id;

		pthread_create(&id, NULL, short_thread, (void *)i);
		pthread_join(id, NULL);
	}
	body_say('.');
	body_hear();
}

static void body_thousand_threads(void)
{
	static pthread_t id[1000];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	pthread_barrier_init(&barrier, NULL, 1001);
	for (uintptr_t i = 0; i < 1000; i++)
		pthread_create(&id[i], &attr, long_thread, (void *)i);
	pthread_barrier_wait(&barrier);
	body_say('.');
	body_hear();
	_exit(0);
}

/* Limits and locks of a program that must not make an event fatal. */
static void body_file_limit(void)
{
	struct rlimit limit = {1 << 20, 1 << 20};

	setrlimit(RLIMIT_FSIZE, &limit);
	trace(1);
	body_say('.');
	body_hear();
}

static void body_locked_memory(void)
{
	if (mlockall(MCL_FUTURE)) {
		body_say('x');
		return;
	}
	trace(1);
	body_say('.');
	body_hear();
}

static void *cancelled_thread(void *arg)
{
	pthread_cancel(pthread_self());
	trace((uintptr_t)arg);
	trace((uintptr_t)arg);
	pthread_testcancel();
	return NULL;
}

static void body_cancel(void)
{
	pthread_t id;

	pthread_create(&id, NULL, cancelled_thread, NULL);
	pthread_join(id, NULL);
	trace(3);
	body_say('.');
	body_hear();
}

static void *hundred_and_wait(void *arg)
{
	for (uintptr_t i = 0; i < 100; i++)
		trace(i);
	body_say('.');
	body_hear();
	return arg;
}

static void body_hundred_then_one(void)
{
	pthread_t id;

	pthread_create(&id, NULL, hundred_and_wait, NULL);
	pthread_join(id, NULL);
	pthread_create(&id, NULL, short_thread, (void *)7);
	pthread_join(id, NULL);
	body_say('.');
	body_hear();
}

static pthread_key_t key;

static void late_destructor(void *arg)
{
	trace((uintptr_t)arg);
	if ((uintptr_t)arg < 3)
		pthread_setspecific(key, (void *)((uintptr_t)arg + 1));
}

static void *thread_with_destructor(void *arg)
{
	(void)arg;
	trace(0);
	pthread_setspecific(key, (void *)1);
	return NULL;
}

static void body_destructors(void)
{
	pthread_t id;

	trace(100); /* the library's key is made before ours: its destructor runs first */
	pthread_key_create(&key, late_destructor);
	pthread_create(&id, NULL, thread_with_destructor, NULL);
	pthread_join(id, NULL);
	body_say('.');
	body_hear();
}

static const struct fixture_body bodies[] = {
	{"one", body_one},
	{"fork", body_fork},
	{"clone", body_clone},
	{"forked_child_without_events", body_forked_child_without_events},
	{"exec", body_exec},
	{"close_all", body_close_all},
	{"exit", body_exit},
	{"off", body_off},
	{"short_threads", body_short_threads},
	{"some_short_threads", body_some_short_threads},
	{"thousand_threads", body_thousand_threads},
	{"destructors", body_destructors},
	{"file_limit", body_file_limit},
	{"locked_memory", body_locked_memory},
	{"cancel", body_cancel},
	{"hundred_then_one", body_hundred_then_one},
	{NULL, NULL}};

static unsigned arenas(void)
{
	DIR *dir = opendir(fixture_dir);
	struct dirent *d;
	unsigned n = 0;

	while ((d = readdir(dir)))
		n += d->d_name[0] != '.';
	closedir(dir);
	return n;
}

static uint64_t begun(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.begun, s.consumed + s.readable + s.overwritten + s.lost_full +
					  s.lost_too_big + s.lost_nested + s.lost_no_buffer +
					  s.lost_no_event + s.in_flight);
	return s.begun;
}

static uint64_t readable(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	fasttrace_arena_stats(a, &s);
	return s.readable;
}

static int serve_dir(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/.lock", fixture_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}

static void who_was_traced(void **state)
{
	const struct fasttrace_process_info *info;
	pid_t pid = fixture_spawn("one", NULL);
	struct fasttrace_arena *a;
	char path[512];
	struct stat st;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	info = fasttrace_arena_info(a);
	assert_int_equal(info->pid, pid);
	assert_int_equal(info->uid, geteuid());
	assert_string_equal(info->comm, "exe");
	assert_non_null(strstr(info->exe, "test_process"));
	assert_memory_equal(info->cmdline, "traced\0--body\0one", 18);
	assert_int_equal(info->cmdline_bytes, 18);
	assert_true(fasttrace_arena_alive(a));
	assert_true(fixture_arena_path(pid, path, sizeof(path)));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fasttrace_arena_close(a);
}

static void forked_child_has_an_arena_of_its_own(void **state)
{
	pid_t parent = fixture_spawn("fork", NULL), child = 0;
	struct fasttrace_arena *a, *b;
	char *text;
	size_t len;
	DIR *dir;
	struct dirent *d;

	(void)state;
	assert_int_equal(fixture_hear(), 'c');
	assert_int_equal(arenas(), 2);
	dir = opendir(fixture_dir);
	while ((d = readdir(dir)))
		if (strchr(d->d_name, '-') && atoi(strchr(d->d_name, '-') + 1) != parent)
			child = atoi(strchr(d->d_name, '-') + 1);
	closedir(dir);
	a = fixture_open(parent, 0);
	b = fixture_open(child, 0);
	assert_int_equal(begun(a), 1);
	assert_int_equal(begun(b), 2);
	assert_int_equal(fasttrace_arena_metadata(b, &text, &len), 0);
	assert_non_null(strstr(text, "number"));
	assert_non_null(strstr(text, "another"));
	free(text);
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(begun(a), 2);
	assert_true(fasttrace_arena_alive(a));
	assert_false(fasttrace_arena_alive(b));
	fasttrace_arena_close(a);
	fasttrace_arena_close(b);
}

static void forked_child_does_not_keep_its_parent_alive(void **state)
{
	pid_t parent = fixture_spawn("fork", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), 'c');
	a = fixture_open(parent, 0);
	assert_true(fasttrace_arena_alive(a));
	fixture_kill(parent); /* the child waits on, with the parent's memory mapped */
	assert_false(fasttrace_arena_alive(a));
	fasttrace_arena_close(a);
}

static void raw_clone_does_not_touch_its_parents_buffer(void **state)
{
	pid_t pid = fixture_spawn("clone", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(arenas(), 2);
	a = fixture_open(pid, 0);
	assert_int_equal(begun(a), 2);
	fasttrace_arena_close(a);
}

static void child_without_events_leaves_no_trace(void **state)
{
	pid_t pid = fixture_spawn("forked_child_without_events", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(arenas(), 1);
	a = fixture_open(pid, 0);
	assert_int_equal(begun(a), 2);
	fasttrace_arena_close(a);
}

static void exec_ends_the_arena_while_the_pid_lives(void **state)
{
	pid_t pid = fixture_spawn("exec", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_true(fasttrace_arena_alive(a));
	fixture_say('x');
	for (int i = 0; i < 1000 && fasttrace_arena_alive(a); i++)
		usleep(1000);
	assert_false(fasttrace_arena_alive(a));
	assert_int_equal(kill(pid, 0), 0);
	assert_int_equal(readable(a), 1);
	fasttrace_arena_close(a);
}

static void closed_descriptors_do_not_matter(void **state)
{
	pid_t pid = fixture_spawn("close_all", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(begun(a), 2);
	assert_true(fasttrace_arena_alive(a));
	fasttrace_arena_close(a);
}

static void clean_exit_removes_the_arena_if_nobody_serves(void **state)
{
	pid_t pid = fixture_spawn("exit", NULL);

	(void)state;
	assert_int_equal(WEXITSTATUS(fixture_wait(pid)), 42);
	assert_int_equal(arenas(), 0);
}

static void clean_exit_is_marked_if_somebody_serves(void **state)
{
	struct fasttrace_arena *a;
	pid_t pid;
	int fd, code;

	(void)state;
	fd = serve_dir();
	pid = fixture_spawn("exit", NULL);
	fixture_wait(pid);
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_end(a, &code), FASTTRACE_EXITED);
	assert_int_equal(code, 42);
	fasttrace_arena_close(a);
	close(fd);
}

static void off_means_off(void **state)
{
	(void)state;
	fixture_spawn_env("off", "FASTTRACE=off");
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(arenas(), 0);
}

static void short_threads_reuse_buffers_within_the_bound(void **state)
{
	const char *const modes[] = {"FASTTRACE_MODE=overwrite", "FASTTRACE_MODE=discard"};

	(void)state;
	for (int m = 0; m < 2; m++) {
		pid_t pid = fixture_spawn_env("short_threads", "FASTTRACE_MAX_MEMORY=4M", modes[m]);
		struct fasttrace_buffer_info info;
		struct fasttrace_arena *a;
		char path[512];
		struct stat st;

		assert_int_equal(fixture_hear(), '.');
		a = fixture_open(pid, 0);
		assert_int_equal(begun(a), 30000);
		assert_true(fasttrace_arena_buffers(a) < 60);
		assert_true(fasttrace_arena_buffers(a) > 10);
		assert_int_equal(fasttrace_buffer_get_info(a, 0, &info), 0);
		assert_false(info.live);
		if (m == 0) /* each of them is the last of a thread */
			assert_int_equal(readable(a), 10 * fasttrace_arena_buffers(a));
		assert_true(fixture_arena_path(pid, path, sizeof(path)));
		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_blocks * 512 < 5 << 20);
		fasttrace_arena_close(a);
		fixture_kill(pid);
	}
}

static void drain(struct fasttrace_arena *a)
{
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;
		struct fasttrace_packet p;
		uint64_t seq;

		if (fasttrace_buffer_get_info(a, i, &info))
			continue;
		if (!info.live)
			fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH);
		while (!fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL) &&
		       !fasttrace_buffer_get(a, i, info.serial, seq, &p))
			fasttrace_buffer_put(a, i, &p);
	}
}

static void in_block_mode_a_thread_waits_for_an_ended_ones_buffer(void **state)
{
	int served = serve_dir();
	pid_t pid = fixture_spawn_env("some_short_threads", "FASTTRACE_MAX_MEMORY=512K",
				      "FASTTRACE_MODE=block", "FASTTRACE_BLOCK_TIMEOUT=20s");
	struct fasttrace_arena *a = NULL;
	struct fasttrace_stats s;
	char path[512];

	(void)state;
	while (!a)
		if (fixture_arena_path(pid, path, sizeof(path)))
			fasttrace_arena_open(AT_FDCWD, path, FASTTRACE_OPEN_CONSUME, &a, NULL);
	for (s.begun = 0; s.begun < 2000; fasttrace_arena_stats(a, &s))
		drain(a);
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(begun(a), 2000);
	assert_int_equal(s.lost_no_buffer, 0);
	assert_true(fasttrace_arena_buffers(a) < 10);
	fasttrace_arena_close(a);
	close(served);
}

static void a_thousand_threads_fit(void **state)
{
	pid_t pid = fixture_spawn("thousand_threads", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_buffers(a), 1000);
	assert_int_equal(readable(a), 1000);
	fasttrace_arena_close(a);
}

static void destructors_that_trace_late_go_on_in_the_same_buffer(void **state)
{
	pid_t pid = fixture_spawn("destructors", NULL);
	struct fasttrace_buffer_info info;
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_buffers(a), 2);
	assert_int_equal(fasttrace_buffer_get_info(a, 1, &info), 0);
	assert_int_equal(begun(a), 5);
	assert_int_equal(readable(a), 5);
	assert_false(info.live);
	fasttrace_arena_close(a);
}

static void file_size_limit_is_not_fatal(void **state)
{
	(void)state;
	fixture_spawn("file_limit", NULL);
	assert_int_equal(fixture_hear(), '.'); /* one line on stderr says that it is not traced */
	assert_int_equal(arenas(), 0);
}

static void locked_memory_does_not_populate_the_arena(void **state)
{
	pid_t pid = fixture_spawn("locked_memory", NULL);
	char path[512];
	struct stat st;

	(void)state;
	if (fixture_hear() != '.')
		skip();
	assert_true(fixture_arena_path(pid, path, sizeof(path)));
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 < 8 << 20);
}

static void no_event_is_a_cancellation_point(void **state)
{
	pid_t pid = fixture_spawn("cancel", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(begun(a), 3);
	fasttrace_arena_close(a);
}

static void buffer_with_unread_events_is_not_reused_in_discard_mode(void **state)
{
	pid_t pid = fixture_spawn_env("hundred_then_one", "FASTTRACE_MODE=discard",
				      "FASTTRACE_MAX_MEMORY=128K");
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(fasttrace_buffer_switch(a, 0, fixture_owner(a, 0), FASTTRACE_ACTIVE), 0);
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.readable, 100);
	assert_int_equal(s.overwritten, 0);
	assert_int_equal(s.lost_no_buffer, 10);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(who_was_traced),
		TEST(forked_child_has_an_arena_of_its_own),
		TEST(forked_child_does_not_keep_its_parent_alive),
		TEST(raw_clone_does_not_touch_its_parents_buffer),
		TEST(child_without_events_leaves_no_trace),
		TEST(exec_ends_the_arena_while_the_pid_lives),
		TEST(closed_descriptors_do_not_matter),
		TEST(clean_exit_removes_the_arena_if_nobody_serves),
		TEST(clean_exit_is_marked_if_somebody_serves),
		TEST(off_means_off),
		TEST(short_threads_reuse_buffers_within_the_bound),
		TEST(in_block_mode_a_thread_waits_for_an_ended_ones_buffer),
		TEST(a_thousand_threads_fit),
		TEST(destructors_that_trace_late_go_on_in_the_same_buffer),
		TEST(file_size_limit_is_not_fatal),
		TEST(locked_memory_does_not_populate_the_arena),
		TEST(no_event_is_a_cancellation_point),
		TEST(buffer_with_unread_events_is_not_reused_in_discard_mode),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
