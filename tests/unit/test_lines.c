/* SPDX-License-Identifier: MIT */
/*
 * test_lines.c - a snapshot as lines: of packets made by hand, and of processes that lose events.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-lines.h"
#include "table.h"

#define NOW UINT64_C(1000) /* when the table's arena was made, 1700000000.000001000 */

static struct fasttrace_arena *arena;
static unsigned char data[3][4096];
static struct fasttrace_snapshot_stream streams[3];
static struct fasttrace_snapshot snapshot;
static struct ft_packet_fields packet;

static int setup(void **state)
{
	char *metadata;
	size_t len;

	(void)state;
	arena = table_new();
	strcpy(arena->info.comm, "a\nb");
	table_add(arena, 1, TABLE_TYPES(FASTTRACE_TYPE_U8), TABLE_NAMES("p", "one", "x"));
	assert_int_equal(fasttrace_arena_metadata(arena, &metadata, &len), 0);
	free(metadata);
	memset(streams, 0, sizeof(streams));
	for (unsigned i = 0; i < 3; i++) {
		streams[i].data = data[i];
		streams[i].tid = 10 + i;
		snprintf(streams[i].name, sizeof(streams[i].name), "thread %u", i);
	}
	snapshot = (struct fasttrace_snapshot){.stream = streams};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	table_free(arena);
	return 0;
}

/* Append a packet to stream i: an event at each time, x is its number in the packet. */
static void packet_add(unsigned i, uint64_t lost, const uint64_t *times, unsigned n)
{
	unsigned char *begin = data[i] + streams[i].bytes, *p = begin + FASTTRACE_HEADER_BYTES;

	for (uint8_t x = 0; x < n; x++, p += 8) {
		p = table_event(p, NOW + times[x], 1);
		*p = x;
	}
	packet = (struct ft_packet_fields){.begin = NOW + times[0],
					   .end = NOW + times[n - 1],
					   .bytes = (size_t)(p - begin),
					   .pad = 7,
					   .lost = lost,
					   .tid = streams[i].tid};
	ft_packet_header(arena, &packet, begin);
	streams[i].bytes += packet.bytes;
	streams[i].events += n;
	streams[i].lost = lost;
	snapshot.streams = MAX(snapshot.streams, i + 1);
}
#define PACKET(i, lost, ...) \
	packet_add(i, lost, (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8)

/* All of it, read in pieces of this size. */
static GString *lines_read(struct fasttrace_lines *lines, size_t size)
{
	GString *text = g_string_new(NULL);
	char *piece = malloc(size);
	size_t n;

	do {
		n = fasttrace_lines_read(lines, piece, size);
		g_string_append_len(text, piece, (gssize)n);
	} while (n == size);
	assert_int_equal(fasttrace_lines_read(lines, piece, size), 0);
	free(piece);
	return text;
}

static struct fasttrace_lines *lines_open(struct fasttrace_arena *a,
					  const struct fasttrace_snapshot *s)
{
	struct fasttrace_lines *lines;

	assert_int_equal(fasttrace_lines_open(a, s, &lines), 0);
	return lines;
}

/* What stands below the head. */
static void assert_lines(const char *wanted)
{
	struct fasttrace_lines *lines = lines_open(arena, &snapshot);
	GString *text = lines_read(lines, 4096);
	const char *p = text->str;

	while (*p == '#')
		p = strchr(p, '\n') + 1;
	assert_string_equal(p, wanted);
	g_string_free(text, TRUE);
	fasttrace_lines_free(lines);
}

static void nothing_has_a_head(void **state)
{
	struct fasttrace_lines *lines = lines_open(arena, &snapshot);
	GString *text = lines_read(lines, 100);

	(void)state;
	assert_string_equal(text->str, "# trace of a\\nb, process 4711\n"
				       "# events: 0 below, 0 overwritten, 0 lost, 0 consumed, "
				       "0 in flight\n"
				       "#\n"
				       "#    THREAD-TID     SECONDS.NANOSECONDS: "
				       "PROVIDER:EVENT: FIELD=VALUE ...\n");
	g_string_free(text, TRUE);
	fasttrace_lines_free(lines);
}

static void threads_are_merged_by_time(void **state)
{
	(void)state;
	PACKET(0, 0, 1, 4);
	PACKET(0, 0, 6);
	PACKET(1, 0, 2, 3, 1000000000);
	PACKET(2, 0, 4, 5);
	assert_lines("        thread 0-10      1700000000.000001001: p:one: x=0\n"
		     "        thread 1-11      1700000000.000001002: p:one: x=0\n"
		     "        thread 1-11      1700000000.000001003: p:one: x=1\n"
		     "        thread 0-10      1700000000.000001004: p:one: x=1\n"
		     "        thread 2-12      1700000000.000001004: p:one: x=0\n"
		     "        thread 2-12      1700000000.000001005: p:one: x=1\n"
		     "        thread 0-10      1700000000.000001006: p:one: x=0\n"
		     "        thread 1-11      1700000001.000001000: p:one: x=2\n");
}

static void what_was_lost_is_told_where_it_was(void **state)
{
	(void)state;
	streams[0].lost_before = 5;
	PACKET(0, 5, 1);
	PACKET(0, 12, 2);
	PACKET(0, 12, 4);
	PACKET(0, 13, 5);
	PACKET(1, 0, 3);
	assert_lines("        thread 0-10      1700000000.000001001: p:one: x=0\n"
		     "        thread 0-10      1700000000.000001002: p:one: x=0\n"
		     "        thread 0-10      1700000000.000001002: LOST 7 EVENTS\n"
		     "        thread 1-11      1700000000.000001003: p:one: x=0\n"
		     "        thread 0-10      1700000000.000001004: p:one: x=0\n"
		     "        thread 0-10      1700000000.000001005: p:one: x=0\n"
		     "        thread 0-10      1700000000.000001005: LOST 1 EVENTS\n");
}

static void what_is_being_written_tells_its_own(void **state)
{
	(void)state;
	streams[0].open = true;
	PACKET(0, 0, 1);
	streams[0].lost_before = 2;
	streams[0].lost = 3;
	assert_lines("        thread 0-10      1700000000.000001001: p:one: x=0\n"
		     "        thread 0-10      1700000000.000001001: LOST 1 EVENTS\n");
}

static void names_of_threads_stay_in_their_line(void **state)
{
	(void)state;
	strcpy(streams[0].name, "\n\x1b[2J\\");
	PACKET(0, 0, 1);
	assert_lines("     \\n\\x1b[2J\\\\-10      1700000000.000001001: p:one: x=0\n");
}

static void text_is_the_same_however_it_is_read(void **state)
{
	static const size_t sizes[] = {1, 7, 64, 65536};
	struct fasttrace_lines *lines;
	GString *whole, *text;
	char some[100];

	(void)state;
	PACKET(0, 3, 1, 4, 7, 8);
	PACKET(1, 0, 2, 5, 6);
	lines = lines_open(arena, &snapshot);
	whole = lines_read(lines, 65536);
	for (unsigned i = 0; i < 4; i++) {
		fasttrace_lines_rewind(lines);
		fasttrace_lines_read(lines, some, 30 * i);
		fasttrace_lines_rewind(lines);
		text = lines_read(lines, sizes[i]);
		assert_string_equal(text->str, whole->str);
		g_string_free(text, TRUE);
	}
	g_string_free(whole, TRUE);
	fasttrace_lines_free(lines);
}

static void packets_are_read_as_they_are_added(void **state)
{
	const struct fasttrace_snapshot_stream *ended;
	struct fasttrace_lines *lines;
	const char *line;
	size_t bytes;

	(void)state;
	PACKET(0, 0, 1, 4);
	PACKET(1, 0, 2);
	assert_int_equal(fasttrace_lines_new(arena, &lines), 0);
	assert_true(fasttrace_lines_add(lines, &streams[0]));
	assert_true(fasttrace_lines_next(lines, NOW + 1, &line, &bytes, &ended));
	assert_memory_equal(line + bytes - 5, " x=0\n", 5);
	assert_null(ended);
	assert_false(fasttrace_lines_next(lines, NOW + 3, &line, &bytes, &ended));
	assert_true(fasttrace_lines_add(lines, &streams[1]));
	assert_true(fasttrace_lines_next(lines, NOW + 3, &line, &bytes, &ended));
	assert_ptr_equal(ended, &streams[1]);
	assert_false(fasttrace_lines_next(lines, NOW + 3, &line, &bytes, &ended));
	assert_true(fasttrace_lines_next(lines, UINT64_MAX, &line, &bytes, &ended));
	assert_memory_equal(line + bytes - 5, " x=1\n", 5);
	assert_ptr_equal(ended, &streams[0]);
	assert_false(fasttrace_lines_next(lines, UINT64_MAX, &line, &bytes, &ended));
	table_event(data[1] + FASTTRACE_HEADER_BYTES, NOW, 99); /* no such event */
	assert_false(fasttrace_lines_add(lines, &streams[1]));
	fasttrace_lines_free(lines);
}

static void what_was_overwritten_is_told_before_what_follows(void **state)
{
	const struct fasttrace_snapshot_stream *ended;
	struct fasttrace_lines *lines;
	const char *line;
	size_t bytes;

	(void)state;
	PACKET(0, 5, 4);
	streams[0].lost_before = 3;
	streams[0].overwritten_before = 40;
	PACKET(1, 0, 2);
	assert_int_equal(fasttrace_lines_new(arena, &lines), 0);
	assert_true(fasttrace_lines_add(lines, &streams[0]));
	assert_true(fasttrace_lines_add(lines, &streams[1]));
	for (int i = 0; i < 4; i++) {
		static const char *const wanted[] = {
			"        thread 1-11      1700000000.000001002: p:one: x=0\n",
			"        thread 0-10      1700000000.000001004: LOST 40 EVENTS\n",
			"        thread 0-10      1700000000.000001004: p:one: x=0\n",
			"        thread 0-10      1700000000.000001004: LOST 2 EVENTS\n",
		};

		assert_true(fasttrace_lines_next(lines, UINT64_MAX, &line, &bytes, &ended));
		assert_int_equal(bytes, strlen(wanted[i]));
		assert_memory_equal(line, wanted[i], bytes);
	}
	assert_ptr_equal(ended, &streams[0]);
	assert_false(fasttrace_lines_next(lines, UINT64_MAX, &line, &bytes, &ended));
	fasttrace_lines_free(lines);
}

#define PER_SUBBUF ((4096 - 88) / 16) /* events of 16 bytes */

static void body_loses(void)
{
	static char big[5000];

	/* Two sub-buffers are filled; the ring is full, and what follows is lost. */
	for (uint64_t n = 0; n < 2 * PER_SUBBUF + 30; n++)
		FASTTRACE(test, number, (n, n));
	body_say('.');
	body_hear();
	/* There is room again; one is too big, two sub-buffers are filled. */
	FASTTRACE(test, number, (n, (uint64_t)1));
	FASTTRACE(test, big, (big, FASTTRACE_BYTES(big, sizeof(big))));
	body_say('.');
	body_hear();
}

static const struct fixture_body bodies[] = {{"loses", body_loses}, {NULL, NULL}};

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static GString *text_of(struct fasttrace_arena *a)
{
	struct fasttrace_snapshot *s;
	struct fasttrace_lines *lines;
	GString *text;

	assert_int_equal(fasttrace_snapshot_take(a, &s), 0);
	lines = lines_open(a, s);
	text = lines_read(lines, 1000);
	fasttrace_lines_free(lines);
	fasttrace_snapshot_free(s);
	return text;
}

static void process_that_loses_events_shows_where(void **state)
{
	struct fasttrace_packet p;
	struct fasttrace_arena *a;
	pid_t pid;
	GString *text;
	uint64_t seq, serial;

	assert_int_equal(fixture_setup(state), 0);
	pid = fixture_spawn_env("loses", "FASTTRACE_MODE=discard", "FASTTRACE_SUBBUF_SIZE=4096",
				"FASTTRACE_SUBBUFS=2");
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	text = text_of(a);
	assert_int_equal(count(text->str, "test:number:"), 2 * PER_SUBBUF);
	assert_int_equal(count(text->str, "LOST"), 1);
	assert_non_null(strstr(text->str, " 30 lost,"));
	assert_true(g_str_has_suffix(text->str, ": LOST 30 EVENTS\n"));
	g_string_free(text, TRUE);
	/* The first is consumed: what was lost comes behind the second, before what follows. */
	serial = fixture_owner(a, 0);
	assert_int_equal(fasttrace_buffer_next(a, 0, serial, 0, &seq, NULL), 0);
	assert_int_equal(fasttrace_buffer_get(a, 0, serial, seq, &p), 0);
	fasttrace_buffer_put(a, 0, &p);
	fixture_say('.');
	assert_int_equal(fixture_hear(), '.');
	text = text_of(a);
	assert_int_equal(count(text->str, "test:number:"), PER_SUBBUF + 1);
	assert_int_equal(count(text->str, "LOST"), 2);
	assert_non_null(strstr(strstr(text->str, "LOST 30 EVENTS\n"), "test:number: n=1\n"));
	assert_true(g_str_has_suffix(text->str, ": LOST 1 EVENTS\n"));
	g_string_free(text, TRUE);
	fasttrace_arena_close(a);
	fixture_kill(pid);
	fixture_teardown(state);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(nothing_has_a_head),
		TEST(threads_are_merged_by_time),
		TEST(what_was_lost_is_told_where_it_was),
		TEST(what_is_being_written_tells_its_own),
		TEST(names_of_threads_stay_in_their_line),
		TEST(text_is_the_same_however_it_is_read),
		TEST(packets_are_read_as_they_are_added),
		TEST(what_was_overwritten_is_told_before_what_follows),
		cmocka_unit_test(process_that_loses_events_shows_where),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
