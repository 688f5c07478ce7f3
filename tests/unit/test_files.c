/* SPDX-License-Identifier: MIT */
/*
 * test_files.c - streams become files behind who copies them: as they were given, dropped again,
 * and not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/files.h"
#include "fixture.h"

#define PACKET ((size_t)768 << 10) /* does not divide a segment */

static struct ft_outdir out;
static struct ft_files files;
static char dir[64];

static int entry_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static int begin(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_files.XXXXXX");
	assert_non_null(mkdtemp(dir));
	out = (struct ft_outdir){.path = dir, .fd = open(dir, O_RDONLY | O_DIRECTORY)};
	assert_true(out.fd >= 0);
	ft_files_begin(&files, &out, "");
	return 0;
}

static int end(void **state)
{
	(void)state;
	close(out.fd);
	return nftw(dir, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Packets of @c; one behind them is reserved, and no packet in the end. */
static void give(void *stream, int c, unsigned packets)
{
	while (packets--) {
		memset(files.sink.reserve(stream, PACKET, 64 * PACKET), c, PACKET);
		files.sink.commit(stream, PACKET);
	}
	memset(files.sink.reserve(stream, PACKET, 64 * PACKET), '-', PACKET);
}

/* The thread may be as far as this, or not: that is to make no difference. */
static void written(off_t bytes)
{
	struct stat st;

	for (int i = 0; i < 1000 && (fstatat(out.fd, ".0", &st, 0) || st.st_size < bytes); i++)
		usleep(1000);
}

static void *stream_new(void)
{
	void *stream = files.sink.begin(files.sink.arg);

	assert_non_null(stream);
	return stream;
}

static void has(const char *name, int c, unsigned packets)
{
	int fd = openat(out.fd, name, O_RDONLY);
	struct stat st;
	char *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, packets * PACKET);
	data = malloc(packets * PACKET);
	assert_int_equal(read(fd, data, packets * PACKET), packets * PACKET);
	for (size_t i = 0; i < packets * PACKET; i++)
		if (data[i] != c)
			fail_msg("%s: byte %zu is %d, not %d", name, i, data[i], c);
	free(data);
	close(fd);
}

static unsigned files_there(void)
{
	GDir *d = g_dir_open(dir, 0, NULL);
	unsigned n = 0;

	while (g_dir_read_name(d))
		n++;
	g_dir_close(d);
	return n;
}

static void streams_at_once_are_files_each(void **state)
{
	void *a = stream_new(), *b, *c;

	(void)state;
	give(a, 'a', 9);
	b = stream_new();
	give(b, 'b', 1);
	b = files.sink.end(b, true);
	c = stream_new();
	give(a, 'a', 4);
	assert_null(files.sink.end(c, false));
	a = files.sink.end(a, true);
	ft_files_wait(&files);
	assert_int_equal(ft_files_name(&files, a, "one"), 0);
	assert_int_equal(ft_files_name(&files, b, "two"), 0);
	assert_int_equal(ft_files_end(&files), 0);
	has("one", 'a', 13);
	has("two", 'b', 1);
	assert_int_equal(files_there(), 2);
	free(a);
	free(b);
}

static void older_part_is_dropped_after_it_was_written(void **state)
{
	void *a = stream_new();

	(void)state;
	give(a, 'x', 9);
	written(1);
	files.sink.drop(a);
	give(a, 'a', 5);
	a = files.sink.end(a, true);
	ft_files_wait(&files);
	assert_int_equal(ft_files_name(&files, a, "one"), 0);
	assert_int_equal(ft_files_end(&files), 0);
	has("one", 'a', 5);
	free(a);
}

static void stream_of_which_nothing_is_left_leaves_no_file(void **state)
{
	void *a = stream_new();

	(void)state;
	give(a, 'x', 9);
	written(1);
	files.sink.drop(a);
	assert_null(files.sink.end(a, false));
	ft_files_wait(&files);
	assert_int_equal(ft_files_end(&files), 0);
	assert_int_equal(files_there(), 0);
}

/* Of two, the one that was written later is full first. */
static void no_room_in_the_middle_is_told_of_its_file(void **state)
{
	struct rlimit before, limit;
	void *a = stream_new(), *b = stream_new();

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){6 * PACKET, before.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	give(a, 'a', 4);
	give(b, 'b', 9);
	give(a, 'a', 4);
	a = files.sink.end(a, true);
	b = files.sink.end(b, true);
	ft_files_wait(&files);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(ft_files_name(&files, a, "one"), 0);
	assert_int_equal(ft_files_name(&files, b, "two"), -EFBIG);
	assert_int_equal(ft_files_end(&files), -EFBIG);
	free(a);
	free(b);
}

static void signal_in_the_middle_ends_it(void **state)
{
	void *a = stream_new();
	struct stat st;

	(void)state;
	give(a, 'a', 3);
	written(1);
	ft_signals_catch();
	raise(SIGTERM);
	give(a, 'a', 9);
	a = files.sink.end(a, true);
	ft_files_wait(&files);
	assert_int_equal(ft_files_name(&files, a, "one"), -EINTR);
	assert_int_equal(ft_files_end(&files), -EINTR);
	assert_int_equal(fstatat(out.fd, ".0", &st, 0), 0);
	assert_true(st.st_size < (off_t)(12 * PACKET));
	free(a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(streams_at_once_are_files_each),
		TEST(older_part_is_dropped_after_it_was_written),
		TEST(stream_of_which_nothing_is_left_leaves_no_file),
		TEST(no_room_in_the_middle_is_told_of_its_file),
		TEST(signal_in_the_middle_ends_it), /* the last: it stays noted */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
