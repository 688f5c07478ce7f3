/* SPDX-License-Identifier: MIT */
/* test_arena.c - open, check, lock: foreign, truncated, lying and newer files; who consumes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-reader.h"
#include "table.h"

static void body_numbers(void)
{
	for (uint64_t n = 0; n < 10000; n++)
		FASTTRACE(test, number, (n, n));
	body_say('.');
	body_hear();
}

static const struct fixture_body bodies[] = {{"numbers", body_numbers}, {NULL, NULL}};

static int opened(const char *path, const char **why)
{
	struct fasttrace_arena *a = NULL;
	int err = fasttrace_arena_open(AT_FDCWD, path, FASTTRACE_OPEN_CONSUME, &a, why);

	fasttrace_arena_close(a);
	return err;
}

/* A dead process's arena, copied so that it may be spoiled. */
static pid_t arena_make(char *path, size_t size)
{
	pid_t pid =
		fixture_spawn_env("numbers", "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4");

	assert_int_equal(fixture_hear(), '.');
	fixture_kill(pid);
	assert_true(fixture_arena_path(pid, path, size));
	return pid;
}

static void foreign_files_are_refused_in_words(void **state)
{
	char path[512], link[600];
	const char *why;
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "%s/foreign", fixture_dir);
	assert_int_equal(opened(path, &why), -ENOENT);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(opened(path, &why), -EPROTO);
	assert_string_equal(why, "too short for an arena");
	assert_int_equal(ftruncate(fd, 100000), 0);
	assert_int_equal(opened(path, &why), -EPROTO);
	assert_string_equal(why, "not an arena");
	close(fd);
	snprintf(link, sizeof(link), "%s/link", fixture_dir);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(opened(link, &why), -ELOOP);
	unlink(link);
	assert_int_equal(mkfifo(link, 0600), 0);
	assert_int_equal(opened(link, &why), -EPROTO);
	assert_string_equal(why, "not a regular file");
	assert_int_equal(opened(fixture_dir, &why), -EISDIR);
}

static void truncated_arena_is_refused(void **state)
{
	char path[512];
	const char *why;
	struct stat st;

	(void)state;
	arena_make(path, sizeof(path));
	assert_int_equal(opened(path, &why), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - 1), 0);
	assert_int_equal(opened(path, &why), -EPROTO);
	assert_string_equal(why, "truncated");
}

static void poke(const char *path, size_t offset, uint64_t value, size_t bytes)
{
	int fd = open(path, O_WRONLY);

	assert_int_equal(pwrite(fd, &value, bytes, (off_t)offset), bytes);
	close(fd);
}

static void newer_arena_is_refused(void **state)
{
	char path[512];
	const char *why;

	(void)state;
	arena_make(path, sizeof(path));
	poke(path, offsetof(struct ft_arena, abi), FASTTRACE_ABI + 1, 4);
	assert_int_equal(opened(path, &why), -ENOTSUP);
	assert_string_equal(why, "written by another version of libfasttrace");
}

static void lying_headers_are_refused(void **state)
{
	static const size_t offsets[] = {
		offsetof(struct ft_arena, header_bytes),   offsetof(struct ft_arena, size),
		offsetof(struct ft_arena, places_offset),  offsetof(struct ft_arena, events_offset),
		offsetof(struct ft_arena, events_bytes),   offsetof(struct ft_arena, exe_offset),
		offsetof(struct ft_arena, cmdline_offset), offsetof(struct ft_arena, cmdline_bytes),
		offsetof(struct ft_arena, buffers_offset), offsetof(struct ft_arena, geometry),
		offsetof(struct ft_arena, rules_offset),
	};
	char path[512];
	const char *why;

	(void)state;
	arena_make(path, sizeof(path));
	for (size_t i = 0; i < sizeof(offsets) / sizeof(*offsets); i++) {
		uint64_t was;
		int fd = open(path, O_RDONLY);

		assert_int_equal(pread(fd, &was, 8, (off_t)offsets[i]), 8);
		close(fd);
		poke(path, offsets[i], UINT64_MAX - 4095, 8);
		assert_int_equal(opened(path, &why), -EPROTO);
		assert_non_null(why);
		poke(path, offsets[i], was, 8);
		assert_int_equal(opened(path, &why), 0);
	}
}

static void clock_is_explained_in_words(void **state)
{
	static const struct {
		uint32_t clock, why;
		const char *source, *words;
	} cases[] = {
		{FT_CLOCK_CYCLES, FT_CLOCK_WHY_SOURCE, "tsc",
		 "invariant, and the kernel's clock source (tsc)"},
		{FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE, "kvm-clock",
		 "the kernel's clock source is kvm-clock"},
		{FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE, "",
		 "the kernel does not tell its clock source"},
		{FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_NOT_INVARIANT, "tsc",
		 "the cycle counter is not invariant"},
		{FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_UNKNOWN, "",
		 "the kernel does not tell its clock source"},
		{FT_CLOCK_CYCLES, FT_CLOCK_WHY_GENERIC_TIMER, "arch_sys_counter",
		 "arm64's generic timer"},
		{FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE, "\x1b[2J\x7f\n\xff%s0123456789",
		 "the kernel's clock source is _[2J___%s012345"}, /* and nothing ends it */
		{FT_CLOCK_MONOTONIC, 99, "tsc", "the kernel does not tell its clock source"},
	};
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/table", fixture_dir);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char source[FT_COMM_BYTES] = "";
		struct fasttrace_arena *a;
		int fd;

		table_file(path);
		poke(path, offsetof(struct ft_arena, clock), cases[i].clock, 4);
		poke(path, offsetof(struct ft_arena, clock_why), cases[i].why, 4);
		memcpy(source, cases[i].source, strnlen(cases[i].source, sizeof(source)));
		fd = open(path, O_WRONLY);
		assert_int_equal(
			pwrite(fd, source, sizeof(source), offsetof(struct ft_arena, clock_source)),
			sizeof(source));
		close(fd);
		assert_int_equal(fasttrace_arena_open(AT_FDCWD, path, 0, &a, NULL), 0);
		assert_string_equal(fasttrace_arena_info(a)->clock_why, cases[i].words);
		fasttrace_arena_close(a);
	}
}

/* Every call on every buffer must return, whatever stands in the words. */
static void walk_over(const char *path)
{
	struct fasttrace_snapshot *snapshot = NULL;
	struct fasttrace_arena *a = NULL;
	struct fasttrace_stats stats;
	int events;
	char *text = NULL;
	size_t len;

	if (fasttrace_arena_open(AT_FDCWD, path, FASTTRACE_OPEN_CONSUME, &a, NULL))
		return;
	fasttrace_arena_stats(a, &stats);
	events = fasttrace_arena_events(a);
	for (int id = 1; id <= events; id++) {
		struct fasttrace_event_info info;

		assert_int_equal(fasttrace_event_get_info(a, (unsigned)id, &info), 0);
	}
	fasttrace_events_switch(a, NULL, NULL, true);
	fasttrace_events_switch(a, "test", NULL, false);
	if (!fasttrace_arena_metadata(a, &text, &len))
		free(text);
	if (!fasttrace_snapshot_take(a, &snapshot))
		fasttrace_snapshot_free(snapshot);
	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++) {
		struct fasttrace_buffer_info info;
		struct fasttrace_packet p;
		uint64_t seq, tries = 0;

		if (fasttrace_buffer_get_info(a, i, &info))
			continue;
		fasttrace_buffer_switch(a, i, info.serial, FASTTRACE_FLUSH);
		while (tries++ < 100 && !fasttrace_buffer_next(a, i, info.serial, 0, &seq, NULL)) {
			if (fasttrace_buffer_get(a, i, info.serial, seq, &p))
				break;
			assert_true(p.body_bytes <= info.subbuf_bytes);
			fasttrace_buffer_put(a, i, &p);
		}
		fasttrace_buffer_drained(a, i, info.serial);
	}
	fasttrace_arena_close(a);
}

static void any_word_may_lie(void **state)
{
	char path[512], copy[600], command[1300];
	struct ft_arena h;
	uint64_t seed = 1;
	int fd;

	(void)state;
	arena_make(path, sizeof(path));
	fd = open(path, O_RDONLY);
	assert_int_equal(pread(fd, &h, sizeof(h), 0), sizeof(h));
	close(fd);
	const uint64_t bases[] = {0,
				  h.places_offset,
				  h.events_offset,
				  h.rules_offset,
				  h.buffers_offset,
				  h.buffers_offset + 4096 /* a page's head */};
	snprintf(copy, sizeof(copy), "%s/copy", fixture_dir);
	for (int round = 0; round < 300; round++) {
		snprintf(command, sizeof(command), "cp --sparse=always %s %s", path, copy);
		assert_int_equal(system(command), 0);
		fd = open(copy, O_RDWR);
		for (int i = 0; i < 8; i++) {
			uint64_t value;
			off_t at;

			seed = seed * 6364136223846793005 + 1442695040888963407;
			value = (seed >> 20) % 4 ? seed >> ((seed >> 10) % 60) : UINT64_MAX;
			at = (off_t)((seed >> 30) % 512 * 8 + bases[(seed >> 40) % 6]);
			assert_int_equal(pwrite(fd, &value, 8, at), 8);
		}
		close(fd);
		walk_over(copy);
	}
}

/* Positions far apart must not make a walk round the ring longer than the ring. */
static void positions_that_lie_end_the_walk(void **state)
{
	static const uint64_t lies[] = {
		0, 1, UINT64_MAX, (uint64_t)INT64_MAX, UINT64_C(1) << 62, UINT64_C(3) << 62};
	struct fasttrace_arena *a;
	char path[512];

	(void)state;
	arena_make(path, sizeof(path));
	assert_int_equal(fasttrace_arena_open(AT_FDCWD, path, 0, &a, NULL), 0);
	for (size_t i = 0; i < (size_t)6 * 6 * 6; i++) {
		struct ft_reader_buffer *b;

		assert_int_equal(ft_reader_buffer(a, 0, &b), 0);
		b->shared->head = lies[i % 6];
		b->shared->consumed = lies[i / 6 % 6] + (i % 7);
		b->shared->base = lies[i / 36] + (i % 5);
		b->shared->hold.state = i % 3;
		b->shared->hold.seq = lies[i % 6];
		b->shared->hold.page = lies[i / 6 % 6];
		b->shared->hold.word = lies[i / 36];
		walk_over(path);
	}
	fasttrace_arena_close(a);
}

static void truncation_under_the_mapping_is_survived(void **state)
{
	struct fasttrace_arena *a, *other;
	struct fasttrace_packet p;
	struct fasttrace_stats s;
	char path[512], path2[512];

	(void)state;
	assert_int_equal(fasttrace_reader_guard(), 0);
	arena_make(path, sizeof(path));
	arena_make(path2, sizeof(path2));
	assert_int_equal(fasttrace_arena_open(AT_FDCWD, path, FASTTRACE_OPEN_CONSUME, &a, NULL), 0);
	assert_int_equal(
		fasttrace_arena_open(AT_FDCWD, path2, FASTTRACE_OPEN_CONSUME, &other, NULL), 0);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, 37, &p), 0);
	fasttrace_buffer_put(a, 0, &p);
	assert_int_equal(truncate(path, 8192), 0);
	for (int i = 0; i < 3; i++)
		assert_int_not_equal(fasttrace_buffer_get(a, 0, 1, 38, &p), 0);
	assert_int_equal(fasttrace_arena_broken(a), -EPROTO);
	assert_int_equal(fasttrace_arena_stats(a, &s), -EPROTO);
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), -EPROTO);
	fasttrace_arena_close(a);
	assert_int_equal(fasttrace_arena_broken(other), 0);
	assert_int_equal(fasttrace_arena_stats(other, &s), 0);
	assert_int_equal(s.begun, 10000);
	fasttrace_arena_close(other);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(foreign_files_are_refused_in_words),
		TEST(truncated_arena_is_refused),
		TEST(newer_arena_is_refused),
		TEST(lying_headers_are_refused),
		TEST(clock_is_explained_in_words),
		TEST(any_word_may_lie),
		TEST(positions_that_lie_end_the_walk),
		TEST(truncation_under_the_mapping_is_survived),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
