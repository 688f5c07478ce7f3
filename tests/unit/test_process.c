/* SPDX-License-Identifier: MIT */
/* test_process.c - an arena through fork, raw clone, exec, exit, and descriptors closed under it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

static const struct fixture_body bodies[] = {
	{"one", body_one},
	{"fork", body_fork},
	{"clone", body_clone},
	{"forked_child_without_events", body_forked_child_without_events},
	{"exec", body_exec},
	{"close_all", body_close_all},
	{"exit", body_exit},
	{"off", body_off},
	{"file_limit", body_file_limit},
	{"locked_memory", body_locked_memory},
	{"cancel", body_cancel},
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
	assert_int_equal(fixture_begun(a), 1);
	assert_int_equal(fixture_begun(b), 2);
	assert_int_equal(fasttrace_arena_metadata(b, &text, &len), 0);
	assert_non_null(strstr(text, "number"));
	assert_non_null(strstr(text, "another"));
	free(text);
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(fixture_begun(a), 2);
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
	assert_int_equal(fixture_begun(a), 2);
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
	assert_int_equal(fixture_begun(a), 2);
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
	assert_int_equal(fixture_readable(a), 1);
	fasttrace_arena_close(a);
}

static void closed_descriptors_do_not_matter(void **state)
{
	pid_t pid = fixture_spawn("close_all", NULL);
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_int_equal(fixture_begun(a), 2);
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
	fd = fixture_serve_dir();
	pid = fixture_spawn("exit", NULL);
	fixture_wait(pid);
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_end(a, &code), FASTTRACE_EXITED);
	assert_int_equal(code, 42);
	fasttrace_arena_close(a);
	close(fd);
}

#define STOPS 200

static struct fasttrace_arena *asked;
static pid_t ending;
static int *answer; /* shared with the process that asks */

static void end_ask(void)
{
	int code;

	*answer = fasttrace_arena_end(asked, &code);
}

static void end_tell(void)
{
	fixture_kill(ending);
	assert_int_equal(fasttrace_arena_set_end(asked, FASTTRACE_KILLED, SIGKILL), 0);
}

static void end_is_not_unknown_while_it_is_told(void **state)
{
	unsigned all = 0, taken, stop = UINT_MAX; /* first, how many instructions there are */

	(void)state;
	answer = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(answer, MAP_FAILED);
	for (unsigned n = 0; n <= STOPS; n++, stop = n * all / STOPS) {
		ending = fixture_spawn("one", NULL);
		assert_int_equal(fixture_hear(), '.');
		asked = fixture_open(ending, FASTTRACE_OPEN_CONSUME);
		taken = fixture_interrupt(end_ask, stop, end_tell);
		all = n ? all : taken;
		if (*answer != FASTTRACE_RUNNING)
			assert_int_equal(*answer, FASTTRACE_KILLED);
		fasttrace_arena_close(asked);
	}
	munmap(answer, 4096);
}

static void off_means_off(void **state)
{
	(void)state;
	fixture_spawn_env("off", "FASTTRACE=off");
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(arenas(), 0);
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
	assert_int_equal(fixture_begun(a), 3);
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
		TEST(end_is_not_unknown_while_it_is_told),
		TEST(off_means_off),
		TEST(file_size_limit_is_not_fatal),
		TEST(locked_memory_does_not_populate_the_arena),
		TEST(no_event_is_a_cancellation_point),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
