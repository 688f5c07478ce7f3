/* SPDX-License-Identifier: MIT */
/* exec.c - a process that becomes another program, and one that becomes a daemon. */
#include "common.h"

static void body_second(void)
{
	trace(2);
	body_stand();
}

static void body_exec(void)
{
	trace(1);
	body_stand();
	execl("/proc/self/exe", "traced", "--body", "second", (char *)NULL);
}

/* Arenas of pid, first those whose writer has gone: their values. Return: how many there are. */
static unsigned arenas_of(pid_t pid, struct fasttrace_arena **dead, struct fasttrace_arena **live)
{
	DIR *dir = opendir(fixture_dir);
	struct fasttrace_arena *a;
	struct dirent *d;
	unsigned n = 0;

	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.' || fasttrace_arena_open(dirfd(dir), d->d_name, 0, &a, NULL))
			continue;
		assert_int_equal(fasttrace_arena_info(a)->pid, pid);
		*(fasttrace_arena_alive(a) ? live : dead) = a;
		n++;
	}
	closedir(dir);
	return n;
}

static void the_new_program_is_a_new_entry(void **state)
{
	struct fasttrace_arena *dead = NULL, *live = NULL;
	pid_t pid = fixture_spawn("exec", NULL);
	int code;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	fixture_say('x');
	assert_int_equal(fixture_hear(), '.');
	assert_int_equal(arenas_of(pid, &dead, &live), 2);
	assert_non_null(dead);
	assert_non_null(live);
	assert_int_equal(fasttrace_arena_end(dead, &code), FASTTRACE_ENDED);
	assert_int_equal(fasttrace_arena_end(live, &code), FASTTRACE_RUNNING);
	assert_int_equal(fixture_readable(dead), 1);
	assert_int_equal(fixture_readable(live), 1);
	assert_memory_not_equal(fasttrace_arena_info(dead)->uuid, fasttrace_arena_info(live)->uuid,
				16);
	assert_int_equal(fasttrace_arena_info(dead)->start_time,
			 fasttrace_arena_info(live)->start_time);
	/* Whoever serves knows that the pid lives on, and says so. */
	assert_int_equal(fasttrace_arena_consume(dead), 0);
	assert_int_equal(fasttrace_arena_set_end(dead, FASTTRACE_REPLACED, -1), 0);
	assert_int_equal(fasttrace_arena_end(dead, &code), FASTTRACE_REPLACED);
	assert_int_equal(fasttrace_arena_consume(live), 0);
	assert_int_equal(fasttrace_arena_set_end(live, FASTTRACE_REPLACED, -1), -EBUSY);
	fasttrace_arena_close(dead);
	fasttrace_arena_close(live);
}

static void body_daemon(void)
{
	trace(1);
	if (daemon(0, 0))
		_exit(9);
	trace(2);
	body_say('.');
	wait_for_test_end();
}

static void daemon_records_on_in_its_own(void **state)
{
	pid_t pid = fixture_spawn("daemon", NULL), child;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	fixture_wait(pid);
	child = arena_pid(pid);
	assert_int_not_equal(child, 0);
	assert_values(pid, 1);
	assert_values(child, 2);
	assert_false(arena_alive(pid));
	assert_true(arena_alive(child));
}

/* Twice forked; those between exit cleanly. */
static void body_double_fork(void)
{
	trace(1);
	if (fork())
		exit(0);
	setsid();
	trace(2);
	if (fork())
		exit(0);
	trace(3);
	body_say('.');
	wait_for_test_end();
}

static void double_fork_leaves_one_arena(void **state)
{
	pid_t pid = fixture_spawn("double_fork", NULL);

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	fixture_wait(pid);
	for (int i = 0; i < 1000 && files() > 1; i++)
		usleep(1000);
	assert_int_equal(files(), 1);
	assert_values(arena_pid(pid), 3);
}

static const struct fixture_body bodies[] = {{"second", body_second},
					     {"exec", body_exec},
					     {"daemon", body_daemon},
					     {"double_fork", body_double_fork},
					     {NULL, NULL}};

LIFE_MAIN(TEST(the_new_program_is_a_new_entry), TEST(daemon_records_on_in_its_own),
	  TEST(double_fork_leaves_one_arena))
