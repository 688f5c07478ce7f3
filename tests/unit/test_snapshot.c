/* SPDX-License-Identifier: MIT */
/*
 * test_snapshot.c - copies of what is unread, of real writers: dead, alive, at full speed, and
 * while a consumer has something out.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-reader.h"
#include "ft-snapshot.h"

#define SMALL	   "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4"
#define PER_SUBBUF ((4096 - 88) / 16) /* events of 16 bytes */

static const char *const small[] = {SMALL, NULL};
static const char *const discard[] = {SMALL, "FASTTRACE_MODE=discard", NULL};

/* 'a' 10 numbers, 'b' a sub-buffer's, 'c' 10 rings' worth, '*' for ever. */
static void body_numbers(void)
{
	uint64_t n = 0;
	int c;

	while ((c = body_hear()) >= 0) {
		uint64_t count = c == 'a' ? 10 : c == 'b' ? PER_SUBBUF : 40 * PER_SUBBUF;

		body_say('.');
		while (c == '*' || count--) {
			FASTTRACE(test, number, (n, n));
			n++;
		}
		body_say('.');
	}
}

static void body_texts(void)
{
	static const char text[] = "0123456789012345678901234567890123456789";

	for (unsigned n = 0; n < 1000; n++) {
		FASTTRACE(test, text, (n, n), (text, text + n % 40));
		if (n % 7 == 0)
			FASTTRACE_LEVEL(FASTTRACE_WARNING, test, seven, (n, n), (f, n / 7.0));
	}
	body_say('.');
	body_hear();
}

static void *one_and_one_in_flight(void *arg)
{
	struct fasttrace_reservation r;

	FASTTRACE(test, number, (n, (uint64_t)0));
	assert_non_null(fasttrace_reserve(&r, 2, 1));
	return arg;
}

static void body_in_flight(void)
{
	pthread_t id;

	pthread_create(&id, NULL, one_and_one_in_flight, NULL);
	pthread_join(id, NULL);
	body_say('.');
	body_hear();
}

static const struct fixture_body bodies[] = {{"numbers", body_numbers},
					     {"texts", body_texts},
					     {"in_flight", body_in_flight},
					     {NULL, NULL}};

static void tell(char what)
{
	fixture_say(what);
	assert_int_equal(fixture_hear(), '.');
	if (what != '*')
		assert_int_equal(fixture_hear(), '.');
}

static struct fasttrace_snapshot *take(struct fasttrace_arena *a)
{
	struct fasttrace_snapshot *s;

	assert_int_equal(fasttrace_snapshot_take(a, &s), 0);
	return s;
}

/* Numbers must go on from packet to packet, and from the stream to the open one after it. */
static uint64_t numbers_check(const struct fasttrace_snapshot *s, uint64_t *first, uint64_t *last)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < s->streams; i++) {
		const unsigned char *p = s->stream[i].data, *end = p + s->stream[i].bytes;
		uint64_t words[11], events = 0;

		for (; p < end; p += words[6] / 8) {
			memcpy(words, p, sizeof(words));
			assert_true(words[6] / 8 > sizeof(words) &&
				    words[6] / 8 <= (size_t)(end - p));
			for (size_t at = sizeof(words); at < words[6] / 8;
			     at += 16, events++, count++) {
				uint64_t n;

				memcpy(&n, p + at + 8, 8);
				if (!count)
					*first = n;
				else
					assert_int_equal(n, *last + 1);
				*last = n;
			}
		}
		assert_int_equal(events, s->stream[i].events);
	}
	return count;
}

static void file_write(const char *dir, const char *name, const void *data, size_t bytes)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
}

/* Lines that babeltrace2 prints of it; it must not warn. */
static unsigned babeltrace_lines(const struct fasttrace_snapshot *s)
{
	char dir[] = "/tmp/test_snapshot.XXXXXX", command[512], line[1024];
	unsigned lines = 0;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	file_write(dir, "metadata", s->metadata, s->metadata_bytes);
	for (unsigned i = 0; i < s->streams; i++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", i);
		file_write(dir, name, s->stream[i].data, s->stream[i].bytes);
	}
	snprintf(command, sizeof(command),
		 "prlimit --as=2000000000 babeltrace2 %s 2>&1 </dev/null; e=$?; rm -r %s; exit $e",
		 dir, dir);
	f = popen(command, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		lines++;
		if (line[0] != '[')
			fail_msg("%s", line);
	}
	assert_int_equal(pclose(f), 0);
	return lines;
}

static void all_events_of_a_killed_program_are_there(void **state)
{
	pid_t pid = fixture_spawn("texts", NULL);
	struct fasttrace_snapshot *s;
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	fixture_kill(pid);
	a = fixture_open(pid, 0);
	s = take(a);
	assert_int_equal(babeltrace_lines(s), 1000 + 143);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
}

static void open_part_is_a_stream_of_its_own(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	uint64_t first = 0, last = 0;
	struct fasttrace_snapshot *s;
	struct fasttrace_arena *a;

	(void)state;
	tell('b');
	tell('a');
	a = fixture_open(pid, 0);
	s = take(a);
	assert_int_equal(s->streams, 2);
	assert_false(s->stream[0].open);
	assert_true(s->stream[1].open);
	assert_int_equal(s->stream[0].nth, 0);
	assert_int_equal(s->stream[1].nth, 1);
	assert_int_equal(s->stream[0].events, PER_SUBBUF);
	assert_int_equal(s->stream[1].events, 10);
	assert_int_equal(numbers_check(s, &first, &last), PER_SUBBUF + 10);
	assert_int_equal(s->bytes, s->stream[0].bytes + s->stream[1].bytes);
	assert_int_equal(babeltrace_lines(s), PER_SUBBUF + 10);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
}

static void two_in_a_row_are_the_same(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	struct fasttrace_snapshot *s, *t;
	struct fasttrace_arena *a;

	(void)state;
	tell('c');
	a = fixture_open(pid, 0);
	s = take(a);
	t = take(a);
	assert_int_equal(s->streams, t->streams);
	for (unsigned i = 0; i < s->streams; i++) {
		assert_int_equal(s->stream[i].bytes, t->stream[i].bytes);
		assert_memory_equal(s->stream[i].data, t->stream[i].data, s->stream[i].bytes);
	}
	assert_string_equal(s->metadata, t->metadata);
	fasttrace_snapshot_free(s);
	fasttrace_snapshot_free(t);
	fasttrace_arena_close(a);
}

static void ring_that_was_overwritten_is_whole_from_its_oldest(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	uint64_t first = 0, last = 0;
	struct fasttrace_snapshot *s;
	struct fasttrace_arena *a;

	(void)state;
	tell('c');
	tell('a');
	fixture_kill(pid);
	a = fixture_open(pid, 0);
	s = take(a);
	numbers_check(s, &first, &last);
	assert_int_equal(last, 40 * PER_SUBBUF + 9);
	assert_int_equal(first, 37 * PER_SUBBUF);
	assert_int_equal(babeltrace_lines(s), 3 * PER_SUBBUF + 10);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
}

static void ring_that_is_full_keeps_the_first_events(void **state)
{
	pid_t pid = fixture_spawn("numbers", discard);
	uint64_t first = 1, last = 0;
	struct fasttrace_snapshot *s;
	struct fasttrace_arena *a;
	uint64_t lost;

	(void)state;
	tell('c');
	a = fixture_open(pid, 0);
	s = take(a);
	assert_int_equal(numbers_check(s, &first, &last), 4 * PER_SUBBUF);
	assert_int_equal(first, 0);
	/* events_discarded of the last packet */
	memcpy(&lost, (const char *)s->stream[0].data + s->stream[0].bytes - PER_SUBBUF * 16 - 16,
	       8);
	assert_int_equal(lost, 36 * PER_SUBBUF);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
}

static void writer_at_full_speed_gives_no_torn_event(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	time_t end = time(NULL) + 2;
	struct fasttrace_arena *a;
	unsigned rounds = 0, with = 0;

	(void)state;
	tell('a');
	tell('*');
	a = fixture_open(pid, 0);
	while (time(NULL) < end) {
		struct fasttrace_snapshot *s = take(a);
		uint64_t first = 0, last = 0;

		with += numbers_check(s, &first, &last) > 0;
		if (rounds++ % 64 == 0)
			babeltrace_lines(s);
		fasttrace_snapshot_free(s);
	}
	assert_true(with > 0);
	fasttrace_arena_close(a);
}

static void what_a_consumer_holds_is_unread(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	uint64_t first = 1, last = 0, seq = 0;
	struct fasttrace_packet p;
	struct fasttrace_snapshot *s;
	struct fasttrace_arena *a;

	(void)state;
	tell('b');
	tell('b');
	tell('a');
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(fasttrace_buffer_next(a, 0, fixture_owner(a, 0), 0, &seq, NULL), 0);
	assert_int_equal(fasttrace_buffer_get(a, 0, fixture_owner(a, 0), seq, &p), 0);
	s = take(a);
	assert_int_equal(numbers_check(s, &first, &last), 2 * PER_SUBBUF + 10);
	assert_int_equal(first, 0);
	fasttrace_snapshot_free(s);
	fasttrace_buffer_put(a, 0, &p);
	s = take(a);
	assert_int_equal(numbers_check(s, &first, &last), PER_SUBBUF + 10);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
}

/* A sink in whose first packet's way the program comes: it overwrites that and the next one. */
struct overtaken {
	unsigned char data[5 * 4096];
	size_t used;
	unsigned packets, dropped;
};

static void *overtaken_begin(void *arg)
{
	return arg;
}

static unsigned char *overtaken_reserve(void *stream, size_t bytes, size_t most)
{
	struct overtaken *o = stream;

	(void)most;
	return sizeof(o->data) - o->used < bytes ? NULL : o->data + o->used;
}

static void overtaken_commit(void *stream, size_t bytes)
{
	struct overtaken *o = stream;

	o->used += bytes;
	if (o->packets++)
		return;
	tell('b');
	tell('b');
}

static void overtaken_drop(void *stream)
{
	struct overtaken *o = stream;

	o->used = 0;
	o->dropped++;
}

static void *overtaken_end(void *stream, bool any)
{
	struct overtaken *o = stream;

	return any ? memcpy(malloc(o->used), o->data, o->used) : NULL;
}

static void what_is_older_than_overwritten_is_dropped_again(void **state)
{
	static struct overtaken overtaken;
	const struct ft_snapshot_sink sink = {&overtaken,	overtaken_begin, overtaken_reserve,
					      overtaken_commit, overtaken_drop,	 overtaken_end};
	struct fasttrace_snapshot *s = calloc(1, sizeof(*s));
	pid_t pid = fixture_spawn("numbers", small);
	uint64_t first = 0, last = 0, count;
	struct fasttrace_arena *a;

	(void)state;
	overtaken = (struct overtaken){.used = 0};
	tell('c');
	a = fixture_open(pid, 0);
	assert_int_equal(ft_snapshot_fill(a, &sink, s), 0);
	assert_true(overtaken.dropped > 0);
	assert_int_equal(s->streams, 1);
	count = numbers_check(s, &first, &last);
	assert_int_equal(last, 40 * PER_SUBBUF - 1);
	assert_true(count > 0 && count <= 2 * PER_SUBBUF);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
}

static struct fasttrace_arena *copied;
static struct ft_buffer *claimed;
static uint64_t *events; /* shared with the process that copies */

static void copy(void)
{
	struct fasttrace_snapshot *s = take(copied);

	*events = 0;
	for (unsigned i = 0; i < s->streams; i++)
		*events += s->stream[i].events;
}

/* As a thread that takes the ring over: what was in flight will never be finished. */
static void claim(void)
{
	struct fasttrace_slot *slot = (void *)(claimed + 1);

	claimed->state = FT_BUFFER_CLAIMED;
	slot->committed = slot->word & ~(UINT64_C(1) << (2 * (12 - 2)));
}

static void event_in_flight_is_not_read_while_the_owner_changes(void **state)
{
	pid_t pid = fixture_spawn_env("in_flight", SMALL);
	struct ft_reader_buffer *b;
	struct fasttrace_slot *slot;
	uint64_t committed;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	copied = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(fasttrace_buffer_switch(copied, 0, 1, FASTTRACE_FLUSH), 0);
	assert_int_equal(ft_reader_buffer(copied, 0, &b), 0);
	claimed = b->shared;
	slot = ft_ring_slot(&b->ring, 0);
	committed = slot->committed;
	assert_int_equal(ft_word_count(&b->ring, slot->word), 2);
	events = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(events, MAP_FAILED);
	for (unsigned n = 0; !*events; n += 32 + n / 16) { /* then the copy was complete */
		assert_int_equal(claimed->state, FT_BUFFER_DEAD);
		fixture_interrupt(copy, n, claim);
		assert_true(*events <= 1);
		claimed->state = FT_BUFFER_DEAD;
		slot->committed = committed;
	}
	munmap(events, 4096);
	fasttrace_arena_close(copied);
}

static void arena_without_events_is_an_empty_trace(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	struct fasttrace_snapshot *s;
	struct fasttrace_arena *a;
	uint64_t seq;
	struct fasttrace_packet p;

	(void)state;
	tell('b');
	fixture_kill(pid);
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	fasttrace_buffer_switch(a, 0, fixture_owner(a, 0), FASTTRACE_FLUSH);
	while (!fasttrace_buffer_next(a, 0, fixture_owner(a, 0), 0, &seq, NULL)) {
		assert_int_equal(fasttrace_buffer_get(a, 0, fixture_owner(a, 0), seq, &p), 0);
		fasttrace_buffer_put(a, 0, &p);
	}
	s = take(a);
	assert_int_equal(s->streams, 0);
	assert_int_equal(s->bytes, 0);
	assert_int_equal(babeltrace_lines(s), 0);
	fasttrace_snapshot_free(s);
	fasttrace_arena_close(a);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(all_events_of_a_killed_program_are_there),
		TEST(open_part_is_a_stream_of_its_own),
		TEST(two_in_a_row_are_the_same),
		TEST(ring_that_was_overwritten_is_whole_from_its_oldest),
		TEST(ring_that_is_full_keeps_the_first_events),
		TEST(writer_at_full_speed_gives_no_torn_event),
		TEST(what_a_consumer_holds_is_unread),
		TEST(what_is_older_than_overwritten_is_dropped_again),
		TEST(event_in_flight_is_not_read_while_the_owner_changes),
		TEST(arena_without_events_is_an_empty_trace),
	};
	int status = fixture_main(argc, argv, bodies);

	return status >= 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
