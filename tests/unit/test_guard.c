/* SPDX-License-Identifier: MIT */
/*
 * test_guard.c - mappings that are truncated under us: zeros for ours, the old handler for others'.
 * Each body is a process of its own, for the guard is put in place once.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "ft-reader.h"

#define PAGES 4

static sigjmp_buf escape;
static volatile sig_atomic_t handled;
static void *volatile handled_at;
static volatile sig_atomic_t broken[3];
static size_t page_size;

static void old_plain(int sig)
{
	handled = sig;
	siglongjmp(escape, 1);
}

static void old_info(int sig, siginfo_t *info, void *context)
{
	handled = context ? sig : -1;
	handled_at = info->si_addr;
	siglongjmp(escape, 1);
}

/* A file of PAGES pages, each filled with its number, mapped; fd to truncate it with. */
static unsigned char *file_map(int *fd)
{
	unsigned char *map;

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	*fd = memfd_create("arena", MFD_CLOEXEC);
	if (*fd < 0 || ftruncate(*fd, (off_t)(PAGES * page_size)))
		_exit(10);
	map = mmap(NULL, PAGES * page_size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (map == MAP_FAILED)
		_exit(11);
	for (size_t i = 0; i < PAGES; i++)
		memset(map + i * page_size, (int)i + 1, page_size);
	return map;
}

static void truncate_to(int fd, size_t pages)
{
	if (ftruncate(fd, (off_t)(pages * page_size)))
		_exit(12);
}

static unsigned char look(const unsigned char *map, size_t page)
{
	return *(const volatile unsigned char *)(map + page * page_size + 100);
}

static void check(bool ok)
{
	body_say(ok ? '.' : '!');
}

/* Does an access end in the old handler? */
static bool goes_to_old(const unsigned char *map, size_t page)
{
	handled = 0;
	if (!sigsetjmp(escape, 1))
		look(map, page);
	return handled == SIGBUS;
}

static void guard(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	if (fasttrace_reader_guard())
		_exit(13);
}

static void old_info_set(void)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO};

	sa.sa_sigaction = old_info;
	sigaction(SIGBUS, &sa, NULL);
}

static void body_several(void)
{
	unsigned char *map[3];
	int fd[3];

	old_info_set();
	guard();
	for (int i = 0; i < 3; i++) {
		map[i] = file_map(&fd[i]);
		ft_guard_add(map[i], PAGES * page_size, &broken[i]);
	}
	truncate_to(fd[1], 2);
	check(look(map[1], 0) == 1 && look(map[1], 1) == 2 && !broken[1]); /* not lost */
	check(look(map[1], 3) == 0 && broken[1]);
	check(look(map[1], 2) == 0);
	check(look(map[1], 0) == 1 && look(map[1], 1) == 2);
	check(!broken[0] && !broken[2] && look(map[0], 3) == 4 && look(map[2], 3) == 4);
	truncate_to(fd[2], 0);
	check(look(map[2], 0) == 0 && look(map[2], 3) == 0 && broken[2]);
	check(!broken[0] && look(map[0], 0) == 1);
	map[1][3 * page_size] = 7; /* a store is harmless as well */
	check(map[1][3 * page_size] == 7 && !handled);
}

/* Larger than the memory of any machine, as a sparse file can be. */
static void body_huge(void)
{
	const size_t size = (size_t)1 << 40;
	unsigned char *map;
	int fd;

	old_info_set();
	guard();
	munmap(file_map(&fd), PAGES * page_size);
	if (ftruncate(fd, (off_t)size))
		_exit(14);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		_exit(15);
	ft_guard_add(map, size, &broken[0]);
	truncate_to(fd, 1);
	check(look(map, 0) == 1 && !broken[0]);
	check(!goes_to_old(map, 1) && look(map, 1) == 0 && broken[0]);
	check(!goes_to_old(map, size / page_size - 1));
}

static void body_removed(void)
{
	unsigned char *map[2];
	int fd[2];

	old_info_set();
	guard();
	for (int i = 0; i < 2; i++) {
		map[i] = file_map(&fd[i]);
		ft_guard_add(map[i], PAGES * page_size, &broken[i]);
		truncate_to(fd[i], 1);
	}
	ft_guard_remove(map[0]);
	check(goes_to_old(map[0], 2) && !broken[0]);
	check(handled_at == map[0] + 2 * page_size + 100);
	check(look(map[1], 2) == 0 && broken[1]);
	ft_guard_add(map[0], PAGES * page_size, &broken[0]); /* in the place that became free */
	check(look(map[0], 2) == 0 && broken[0]);
	ft_guard_remove(map[0]);
	ft_guard_remove(map[0]); /* twice does not matter */
	ft_guard_remove(map[1]);
	check(look(map[0], 2) == 0); /* zeros stay */
}

/* What begins or ends beside a guarded mapping is not in it. */
static void body_beside(void)
{
	unsigned char *map;
	int fd;

	old_info_set();
	guard();
	map = file_map(&fd);
	ft_guard_add(map + page_size, page_size, &broken[0]);
	truncate_to(fd, 0);
	check(goes_to_old(map, 0) && goes_to_old(map, 2) && !broken[0]);
	check(look(map, 1) == 0 && broken[0]);
	check(goes_to_old(map, 0) && goes_to_old(map, 2));
}

static void body_foreign_plain(void)
{
	unsigned char *map;
	int fd;

	signal(SIGBUS, old_plain);
	guard();
	map = file_map(&fd);
	truncate_to(fd, 0);
	check(goes_to_old(map, 1));
	check(goes_to_old(map, 1)); /* and it stays in place */
}

static void body_foreign_info(void)
{
	unsigned char *map;
	int fd;

	old_info_set();
	guard();
	guard(); /* a second call does not take itself for the old handler */
	map = file_map(&fd);
	truncate_to(fd, 0);
	check(goes_to_old(map, 1) && handled_at == map + page_size + 100);
	check(goes_to_old(map, 3) && handled_at == map + 3 * page_size + 100);
}

static void foreign_fatal(void (*old)(int))
{
	unsigned char *map;
	int fd;

	signal(SIGBUS, old);
	guard();
	map = file_map(&fd);
	truncate_to(fd, 0);
	look(map, 0);
	body_say('!');
}

static void body_foreign_default(void)
{
	foreign_fatal(SIG_DFL);
}

static void body_foreign_ignored(void)
{
	foreign_fatal(SIG_IGN); /* the kernel does not let a fault be ignored */
}

static void body_sent_default(void)
{
	signal(SIGBUS, SIG_DFL);
	guard();
	kill(getpid(), SIGBUS);
	body_say('!');
}

static void body_sent_ignored(void)
{
	unsigned char *map;
	int fd;

	signal(SIGBUS, SIG_IGN);
	guard();
	kill(getpid(), SIGBUS);
	map = file_map(&fd);
	ft_guard_add(map, PAGES * page_size, &broken[0]);
	truncate_to(fd, 0);
	check(look(map, 0) == 0 && broken[0]);
}

static const struct fixture_body bodies[] = {{"several", body_several},
					     {"huge", body_huge},
					     {"removed", body_removed},
					     {"beside", body_beside},
					     {"foreign_plain", body_foreign_plain},
					     {"foreign_info", body_foreign_info},
					     {"foreign_default", body_foreign_default},
					     {"foreign_ignored", body_foreign_ignored},
					     {"sent_default", body_sent_default},
					     {"sent_ignored", body_sent_ignored},
					     {NULL, NULL}};

/* All of the body's checks hold, and it ends well. */
static void assert_checks(const char *body, int checks)
{
	pid_t pid = fixture_spawn(body, NULL);

	for (int i = 0; i < checks; i++)
		if (fixture_hear() != '.')
			fail_msg("%s: check %d of %d", body, i + 1, checks);
	assert_int_equal(fixture_wait(pid), 0);
}

static void assert_dies_of_sigbus(const char *body)
{
	pid_t pid = fixture_spawn(body, NULL);
	int heard = fixture_hear(), status = fixture_wait(pid);

	assert_int_equal(heard, -1);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
}

static void each_of_several_mappings_is_mended_alone(void **state)
{
	(void)state;
	assert_checks("several", 8);
}

static void mapping_larger_than_memory_is_mended(void **state)
{
	(void)state;
	assert_checks("huge", 3);
}

static void removed_mapping_is_guarded_no_more(void **state)
{
	(void)state;
	assert_checks("removed", 5);
}

static void neighbour_of_a_mapping_is_not_guarded(void **state)
{
	(void)state;
	assert_checks("beside", 3);
}

static void foreign_fault_goes_to_the_plain_handler_there_was(void **state)
{
	(void)state;
	assert_checks("foreign_plain", 2);
}

static void foreign_fault_goes_with_its_address_to_the_handler_there_was(void **state)
{
	(void)state;
	assert_checks("foreign_info", 2);
}

static void foreign_fault_kills_where_there_was_no_handler(void **state)
{
	(void)state;
	assert_dies_of_sigbus("foreign_default");
	assert_dies_of_sigbus("foreign_ignored");
}

static void signal_sent_by_kill_kills_where_there_was_no_handler(void **state)
{
	(void)state;
	assert_dies_of_sigbus("sent_default");
}

static void ignored_signal_sent_by_kill_does_not_end_the_guard(void **state)
{
	(void)state;
	assert_checks("sent_ignored", 1);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(each_of_several_mappings_is_mended_alone),
		TEST(mapping_larger_than_memory_is_mended),
		TEST(removed_mapping_is_guarded_no_more),
		TEST(neighbour_of_a_mapping_is_not_guarded),
		TEST(foreign_fault_goes_to_the_plain_handler_there_was),
		TEST(foreign_fault_goes_with_its_address_to_the_handler_there_was),
		TEST(foreign_fault_kills_where_there_was_no_handler),
		TEST(signal_sent_by_kill_kills_where_there_was_no_handler),
		TEST(ignored_signal_sent_by_kill_does_not_end_the_guard),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
