/* SPDX-License-Identifier: MIT */
/*
 * test_follow.c - what comes into an arena, of real writers: each event once, or told of as missed.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-follow.h"

#define SMALL	   "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4"
#define PER_SUBBUF ((4096 - 88) / 16) /* events of 16 bytes */
#define MS	   INT64_C(1000000)

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

/* An event; another one in flight; then, as a handler inside of it, three; then it is finished. */
static void body_in_flight(void)
{
	struct fasttrace_reservation r;
	unsigned char *p;
	uint64_t n = 1;

	FASTTRACE(test, number, (n, (uint64_t)0));
	p = fasttrace_reserve(&r, 2, 1);
	memcpy(p + 8, &n, 8);
	for (n = 2; n < 5; n++)
		FASTTRACE(test, number, (n, n));
	body_say('.');
	if (body_hear() == 'f') /* more than a sub-buffer's */
		for (; n < 5 + PER_SUBBUF; n++)
			FASTTRACE(test, number, (n, n));
	body_say('.');
	body_hear();
	fasttrace_commit(&r);
	body_say('.');
	body_hear();
}

/* Threads, one after another, ten numbers each: in few rings, which they take over. */
static void *ten(void *n)
{
	for (uint64_t i = 0; i < 10; i++)
		FASTTRACE(test, number, (n, *(uint64_t *)n));
	++*(uint64_t *)n;
	return NULL;
}

static void body_threads(void)
{
	uint64_t n = 0;

	while (body_hear() >= 0) {
		for (int i = 0; i < 50; i++) {
			pthread_t id;

			pthread_create(&id, NULL, ten, &n);
			pthread_join(id, NULL);
		}
		body_say('.');
	}
}

static const struct fixture_body bodies[] = {{"numbers", body_numbers},
					     {"in_flight", body_in_flight},
					     {"threads", body_threads},
					     {NULL, NULL}};

static void tell(char what)
{
	fixture_say(what);
	assert_int_equal(fixture_hear(), '.');
	if (what != '*')
		assert_int_equal(fixture_hear(), '.');
}

/* What was taken. */
static struct {
	uint64_t seen, missed; /* missed: of each stream, together */
	uint64_t first, last;  /* numbers */
	bool once;	       /* numbers are of one thread, and go up */
	unsigned ended;
} got;

static void packet(struct ft_follow_stream *s, void *data, size_t bytes, void *arg)
{
	struct ft_packet_fields fields;
	uint64_t n;

	(void)arg;
	got.ended += !data;
	if (!data)
		return;
	ft_packet_parse(data, &fields);
	assert_int_equal(fields.bytes, bytes);
	assert_int_equal(fields.lost, s->missed);
	got.missed += s->missed - (uintptr_t)s->user;
	s->user = (void *)(uintptr_t)s->missed;
	for (size_t at = FASTTRACE_HEADER_BYTES; at < bytes; at += 16, got.seen++) {
		memcpy(&n, (char *)data + at + 8, 8);
		if (!got.seen)
			got.first = n;
		else if (got.once)
			assert_true(n > got.last);
		got.last = n;
	}
	free(data);
}

static struct ft_follow *begin(struct fasttrace_arena *a, bool all)
{
	memset(&got, 0, sizeof(got));
	got.once = true;
	return ft_follow_new(a, all, packet, NULL);
}

static void look(struct ft_follow *f, int64_t now_ns)
{
	f->room = SIZE_MAX;
	assert_int_equal(ft_follow_look(f, now_ns), 0);
}

static void end(struct ft_follow *f, struct fasttrace_arena *a)
{
	ft_follow_free(f);
	fasttrace_arena_close(a);
}

static void each_event_comes_once(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	tell('a');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	look(f, 0);
	assert_int_equal(got.seen, 10);
	look(f, 0);
	assert_int_equal(got.seen, 10);
	assert_true(f->idle);
	for (unsigned i = 1; i <= 20; i++) {
		tell(i % 2 ? 'a' : 'b');
		look(f, 0);
		assert_int_equal(got.last + 1, got.seen);
	}
	assert_int_equal(got.seen, 10 + 100 + 10 * PER_SUBBUF);
	assert_int_equal(got.missed, 0);
	assert_false(f->ended);
	fixture_kill(pid);
	look(f, 0);
	assert_true(f->ended);
	assert_int_equal(got.missed, 0);
	ft_follow_free(f);
	assert_int_equal(got.ended, 2); /* the thread's, and nobody's */
	fasttrace_arena_close(a);
}

static void what_was_overwritten_is_missed(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	tell('c');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	look(f, 0);
	assert_int_equal(got.missed, 0); /* before us */
	assert_int_equal(got.last, 40 * PER_SUBBUF - 1);
	assert_int_equal(got.seen, 40 * PER_SUBBUF - got.first);
	tell('a');
	look(f, 0);
	got.seen = 0;
	tell('c');
	look(f, 0);
	assert_true(f->hurry);
	assert_int_equal(got.last, 80 * PER_SUBBUF + 9);
	assert_true(got.missed > 0);
	assert_int_equal(got.seen + got.missed, 40 * PER_SUBBUF);
	ft_follow_free(f);
	f = begin(a, true); /* it is new: all of it counts */
	look(f, 0);
	assert_int_equal(got.seen + got.missed, 80 * PER_SUBBUF + 10);
	end(f, a);
}

static void full_ring_tells_of_what_it_drops(void **state)
{
	pid_t pid = fixture_spawn("numbers", discard);
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	tell('a');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	look(f, 0);
	tell('c');
	look(f, 500 * MS);
	assert_int_equal(got.last + 1, got.seen);
	assert_int_equal(got.seen + got.missed, 40 * PER_SUBBUF + 10); /* behind its last packet */
	tell('a');
	look(f, 900 * MS); /* not each time: a line of losses alone comes each second */
	assert_int_equal(got.seen + got.missed, 40 * PER_SUBBUF + 10);
	look(f, 1000 * MS);
	assert_int_equal(got.seen + got.missed, 40 * PER_SUBBUF + 20);
	end(f, a);
}

/* In discard mode what was consumed stands until its slot turns; swapped out, it is missed. */
static void consumed_count(const char *const *env, bool seen)
{
	pid_t pid = fixture_spawn("numbers", env);
	struct fasttrace_arena *a, *consumer;
	struct fasttrace_packet p;
	struct ft_follow *f;
	uint64_t seq;

	tell('a');
	a = fixture_open(pid, 0);
	consumer = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	f = begin(a, false);
	look(f, 0);
	tell('b');
	assert_int_equal(
		fasttrace_buffer_next(consumer, 0, fixture_owner(consumer, 0), 0, &seq, NULL), 0);
	assert_int_equal(fasttrace_buffer_get(consumer, 0, fixture_owner(consumer, 0), seq, &p), 0);
	assert_int_equal(p.events, PER_SUBBUF); /* what we have looked at is not consumed */
	fasttrace_buffer_put(consumer, 0, &p);
	look(f, 0);
	assert_int_equal(got.seen + got.missed, 10 + PER_SUBBUF);
	assert_int_equal(got.missed, seen ? 0 : PER_SUBBUF - 10);
	fasttrace_arena_close(consumer);
	end(f, a);
}

static void what_a_consumer_took_counts(void **state)
{
	(void)state;
	consumed_count(discard, true);
	consumed_count(small, false);
}

static void event_in_flight_is_waited_for(void **state)
{
	pid_t pid = fixture_spawn("in_flight", small);
	const struct ft_follow_stream *s;
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	look(f, 0);
	s = f->streams->pdata[0];
	assert_int_equal(got.seen, 1);
	assert_true(s->settled == s->last); /* others go no further than this */
	look(f, 1000 * MS);
	assert_true(s->settled == UINT64_MAX); /* nor wait for ever */
	for (int i = 0; i < 2; i++) {
		fixture_say('-');
		assert_int_equal(fixture_hear(), '.');
	}
	got.once = false;
	look(f, 1001 * MS);
	assert_int_equal(got.seen, 5);
	assert_int_equal(got.missed, 0);
	end(f, a);
	fixture_kill(pid);
}

static void event_in_flight_for_too_long_is_passed(void **state)
{
	pid_t pid = fixture_spawn("in_flight", small);
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	fixture_say('f');
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	look(f, 0);
	assert_int_equal(got.seen, 1);
	look(f, 1000 * MS);
	assert_int_equal(got.last, 4 + PER_SUBBUF);
	assert_int_equal(got.seen + got.missed, 5 + PER_SUBBUF);
	assert_true(got.missed > 0);
	end(f, a);
	fixture_kill(pid);
}

static void killed_writer_leaves_what_its_handlers_wrote(void **state)
{
	pid_t pid = fixture_spawn("in_flight", small);
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	look(f, 0);
	assert_int_equal(got.seen, 1);
	fixture_kill(pid);
	look(f, 0);
	assert_int_equal(got.seen, 4);
	assert_int_equal(got.last, 4);
	assert_int_equal(got.missed, 0); /* the one in flight never was */
	assert_true(f->ended);
	end(f, a);
}

static void ring_with_another_owner_is_another_stream(void **state)
{
	pid_t pid = fixture_spawn_env("threads", SMALL, "FASTTRACE_MAX_MEMORY=1M");
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	fixture_say('a');
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	f = begin(a, true);
	got.once = false;
	look(f, 0);
	for (unsigned i = 1; i < 8; i++) {
		fixture_say('a');
		assert_int_equal(fixture_hear(), '.');
		look(f, 0);
		assert_int_equal(got.seen + got.missed, 500 * (i + 1));
	}
	assert_true(got.missed > 0); /* a ring had two since the last look */
	assert_true(got.ended > 0);
	end(f, a);
}

static void writer_at_full_speed_gives_no_torn_event(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	time_t until = time(NULL) + 2;
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	tell('a');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	look(f, 0);
	tell('*');
	while (time(NULL) < until)
		look(f, 0);
	fixture_kill(pid);
	look(f, 0);
	assert_true(got.seen > 10 && got.missed);
	assert_int_equal(got.seen + got.missed, got.last + 1);
	assert_true(f->ended);
	end(f, a);
}

static void without_room_it_waits(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	struct fasttrace_arena *a;
	struct ft_follow *f;

	(void)state;
	tell('a');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	assert_int_equal(ft_follow_look(f, 0), 0);
	assert_int_equal(got.seen, 10); /* a packet is always had */
	((struct ft_follow_stream *)f->streams->pdata[0])->in_hand = 1;
	tell('a');
	f->room = 10;
	assert_int_equal(ft_follow_look(f, 0), 0);
	assert_int_equal(got.seen, 10);
	assert_true(((struct ft_follow_stream *)f->streams->pdata[0])->settled != UINT64_MAX);
	fixture_kill(pid);
	f->room = 10;
	assert_int_equal(ft_follow_look(f, 0), 0);
	assert_false(f->ended);
	look(f, 0);
	assert_int_equal(got.seen, 20);
	assert_true(f->ended);
	end(f, a);
}

static void file_bytes(pid_t pid, void **bytes, size_t *n)
{
	char path[256];
	struct stat st;
	int fd;

	assert_true(fixture_arena_path(pid, path, sizeof(path)));
	fd = open(path, O_RDONLY);
	assert_int_equal(fstat(fd, &st), 0);
	*n = (size_t)st.st_size;
	*bytes = malloc(*n);
	assert_int_equal(read(fd, *bytes, *n), *n);
	close(fd);
}

static void nothing_is_written(void **state)
{
	pid_t pid = fixture_spawn("numbers", small);
	void *before, *after;
	struct fasttrace_arena *a;
	struct ft_follow *f;
	size_t n, m;

	(void)state;
	tell('c');
	tell('a');
	a = fixture_open(pid, 0);
	f = begin(a, false);
	file_bytes(pid, &before, &n);
	look(f, 0);
	look(f, 2000 * MS);
	file_bytes(pid, &after, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(before);
	free(after);
	end(f, a);
	fixture_kill(pid);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(each_event_comes_once),
		TEST(what_was_overwritten_is_missed),
		TEST(full_ring_tells_of_what_it_drops),
		TEST(what_a_consumer_took_counts),
		TEST(event_in_flight_is_waited_for),
		TEST(event_in_flight_for_too_long_is_passed),
		TEST(killed_writer_leaves_what_its_handlers_wrote),
		TEST(ring_with_another_owner_is_another_stream),
		TEST(writer_at_full_speed_gives_no_torn_event),
		TEST(without_room_it_waits),
		TEST(nothing_is_written),
	};
	int status = fixture_main(argc, argv, bodies);

	return status >= 0 ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
