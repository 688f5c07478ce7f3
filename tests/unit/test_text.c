/* SPDX-License-Identifier: MIT */
/* test_text.c - the tools that stand in for libc's in a signal handler. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "ft-create.h"

static char path[128];

static const char *file_make(const char *text, size_t bytes)
{
	int fd;

	snprintf(path, sizeof(path), "%s/file", fixture_dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, bytes), bytes);
	close(fd);
	return path;
}

static void joined_strings_follow_each_other(void **state)
{
	char out[32];

	(void)state;
	ft_text_join(out, sizeof(out), "one", "", ", two", ", three", NULL);
	assert_string_equal(out, "one, two, three");
	ft_text_join(out, sizeof(out), NULL);
	assert_string_equal(out, "");
}

static void joined_strings_that_just_fit_are_whole(void **state)
{
	char out[8];

	(void)state;
	memset(out, '#', sizeof(out));
	ft_text_join(out, 7, "abc", "def", NULL);
	assert_memory_equal(out, "abcdef\0#", 8);
}

static void joined_strings_are_cut_and_ended(void **state)
{
	char out[16];

	(void)state;
	for (size_t size = 1; size <= 7; size++) {
		memset(out, '#', sizeof(out));
		ft_text_join(out, size, "abc", "defg", "h", NULL);
		assert_memory_equal(out, "abcdefgh", size - 1);
		assert_int_equal(out[size - 1], '\0');
		assert_int_equal(out[size], '#');
	}
}

static void numbers_stand_in_base_ten(void **state)
{
	static const uint64_t values[] = {0,
					  1,
					  9,
					  10,
					  99,
					  100,
					  12345,
					  UINT32_MAX,
					  INT64_MAX,
					  UINT64_MAX,
					  UINT64_C(10000000000000000000)};
	char out[22], want[32];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		memset(out, '#', sizeof(out));
		snprintf(want, sizeof(want), "%ju", (uintmax_t)values[i]);
		assert_ptr_equal(ft_text_u64(out, values[i]), out);
		assert_string_equal(out, want);
		assert_int_equal(out[21], '#');
	}
}

static void small_file_is_read_whole_without_a_zero(void **state)
{
	char out[16];

	(void)state;
	memset(out, '#', sizeof(out));
	assert_int_equal(ft_text_read(file_make("hello\n", 6), out, sizeof(out)), 6);
	assert_memory_equal(out, "hello\n#", 7);
}

static void long_file_is_cut(void **state)
{
	char out[16];

	(void)state;
	memset(out, '#', sizeof(out));
	assert_int_equal(ft_text_read(file_make("0123456789", 10), out, 4), 4);
	assert_memory_equal(out, "0123#", 5);
	assert_int_equal(ft_text_read(path, out, 10), 10);
	assert_memory_equal(out, "0123456789#", 11);
	assert_int_equal(ft_text_read(path, out, 0), 0);
}

static void zeros_in_a_file_are_bytes_like_others(void **state)
{
	char out[16];

	(void)state;
	assert_int_equal(ft_text_read(file_make("a\0b\0", 4), out, sizeof(out)), 4);
	assert_memory_equal(out, "a\0b\0", 4);
}

static void file_that_comes_in_pieces_is_put_together(void **state)
{
	static char out[1 << 16];
	size_t n = ft_text_read("/proc/self/smaps", out, sizeof(out)); /* a page at a time */
	unsigned lines = 0;

	(void)state;
	if (!n) {
		print_message("SKIP: no /proc/self/smaps\n");
		skip();
	}
	for (size_t i = 0; i < n; i++)
		lines += out[i] == '\n';
	assert_true(n > 4096);
	assert_true(lines > 50);
}

static void what_cannot_be_read_is_empty(void **state)
{
	char out[16], missing[128];

	(void)state;
	snprintf(missing, sizeof(missing), "%s/missing", fixture_dir);
	assert_int_equal(ft_text_read(missing, out, sizeof(out)), 0);
	assert_int_equal(ft_text_read(fixture_dir, out, sizeof(out)), 0);
	assert_int_equal(ft_text_read(file_make("", 0), out, sizeof(out)), 0);
}

static void reading_leaves_no_descriptor_open(void **state)
{
	char out[16];
	int before, after;

	(void)state;
	file_make("x", 1);
	before = dup(STDIN_FILENO);
	close(before);
	ft_text_read(path, out, sizeof(out));
	ft_text_read(fixture_dir, out, sizeof(out));
	after = dup(STDIN_FILENO);
	close(after);
	assert_int_equal(before, after);
}

static void errors_have_words(void **state)
{
	(void)state;
	assert_string_equal(ft_text_error(99999), "error");
#ifdef __GLIBC__
	assert_string_equal(ft_text_error(ENOENT), "No such file or directory");
#else
	assert_true(*ft_text_error(ENOENT));
#endif
}

static void blocked_signals_come_back_as_they_were(void **state)
{
	sigset_t mine, before, during, after, saved;

	(void)state;
	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR1);
	pthread_sigmask(SIG_SETMASK, &mine, &before);
	saved = ft_signals_block();
	pthread_sigmask(SIG_SETMASK, NULL, &during);
	ft_signals_restore(&saved);
	pthread_sigmask(SIG_SETMASK, &before, &after);
	assert_int_equal(sigismember(&during, SIGTERM), 1);
	assert_int_equal(sigismember(&during, SIGUSR1), 1);
	assert_int_equal(sigismember(&after, SIGUSR1), 1);
	assert_int_equal(sigismember(&after, SIGTERM), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(joined_strings_follow_each_other),
		TEST(joined_strings_that_just_fit_are_whole),
		TEST(joined_strings_are_cut_and_ended),
		TEST(numbers_stand_in_base_ten),
		TEST(small_file_is_read_whole_without_a_zero),
		TEST(long_file_is_cut),
		TEST(zeros_in_a_file_are_bytes_like_others),
		TEST(file_that_comes_in_pieces_is_put_together),
		TEST(what_cannot_be_read_is_empty),
		TEST(reading_leaves_no_descriptor_open),
		TEST(errors_have_words),
		TEST(blocked_signals_come_back_as_they_were),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
