/* SPDX-License-Identifier: MIT */
/*
 * test_marker.c - markers: what becomes of one, in each mode; what is refused, and that it leaves
 * nothing; who may; a ring that lies. Deaths in the middle of one: tests/crash/points-marker.h.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-reader.h"

#define LONGEST	 FASTTRACE_MARKER_BYTES
#define RACERS	 3000
#define SUBBUFS	 4
#define A_SUBBUF 3 /* of the longest */

static void body_stays(void)
{
	FASTTRACE(test, one);
	body_say('.');
	while (body_hear() > 0) {
		FASTTRACE(test, two);
		body_say('.');
	}
}

/* Registers events while markers come. */
static void body_races(void)
{
	static struct fasttrace_event site[RACERS];
	static char text[RACERS][16];

	FASTTRACE(test, one);
	body_say('.');
	for (unsigned i = 0; i < RACERS; i++) {
		snprintf(text[i], sizeof(text[i]), "race, e%u", i);
		site[i] = (struct fasttrace_event){.on = &fasttrace_unregistered,
						   .text = text[i],
						   .abi = FASTTRACE_ABI,
						   .level = FASTTRACE_INFO};
		if (!fasttrace_event_register(&site[i]))
			body_say('!');
	}
	body_say('.');
	pause();
}

static const struct fixture_body bodies[] = {
	{"stays", body_stays}, {"races", body_races}, {NULL, NULL}};

static char text[LONGEST + 1];

/* One of the longest, all of one letter. */
static int mark(struct fasttrace_arena *a, char letter)
{
	memset(text, letter, LONGEST);
	return fasttrace_marker_write(a, text, LONGEST);
}

static int mark_text(struct fasttrace_arena *a, const char *what)
{
	return fasttrace_marker_write(a, what, strlen(what));
}

static struct fasttrace_arena *traced(pid_t *pid, const char *mode)
{
	*pid = fixture_spawn_env("stays", mode);
	assert_int_equal(fixture_hear(), '.');
	return fixture_open(*pid, FASTTRACE_OPEN_CONSUME);
}

/* The ring's index: there is one. */
static unsigned ring(struct fasttrace_arena *a, struct fasttrace_buffer_info *info)
{
	unsigned index = 0, rings = 0;

	for (unsigned i = 0; i < fasttrace_arena_buffers(a); i++)
		if (!fasttrace_buffer_get_info(a, i, info) && !info->tid) {
			index = i;
			rings++;
		}
	assert_int_equal(rings, 1);
	assert_int_equal(fasttrace_buffer_get_info(a, index, info), 0);
	return index;
}

static struct fasttrace_stats stats(struct fasttrace_arena *a)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_stats s;
	unsigned index = ring(a, &info);

	assert_int_equal(fasttrace_buffer_stats(a, index, info.serial, &s), 0);
	return s;
}

/* The next packet, consumed; appends the first letter of each marker. */
static bool letters(struct fasttrace_arena *a, char *to)
{
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	unsigned index = ring(a, &info);
	const char *event;
	uint64_t seq;

	if (fasttrace_buffer_next(a, index, info.serial, 0, &seq, NULL))
		return false;
	assert_int_equal(fasttrace_buffer_get(a, index, info.serial, seq, &p), 0);
	event = p.body;
	to += strlen(to);
	for (uint64_t i = 0; i < p.events; i++) {
		*to++ = event[8] ? event[8] : '-';
		event += (8 + strlen(event + 8) + 8) & ~(size_t)7;
	}
	*to = '\0';
	fasttrace_buffer_put(a, index, &p);
	return true;
}

/* All there are. */
static void markers_are(struct fasttrace_arena *a, const char *expected)
{
	struct fasttrace_buffer_info info;
	unsigned index = ring(a, &info);
	char found[128] = "";

	assert_int_equal(fasttrace_buffer_switch(a, index, info.serial, FASTTRACE_FLUSH), 0);
	while (letters(a, found))
		;
	assert_string_equal(found, expected);
}

static void marker_is_an_event_with_its_text_and_its_time(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL);
	struct fasttrace_buffer_info info;
	struct fasttrace_event_info event;
	uint64_t seq, before = fasttrace_arena_now(a), after;
	struct fasttrace_packet p;
	unsigned index;

	(void)state;
	assert_int_equal(fasttrace_marker_write(a, "a\0b \n", 5), 0);
	after = fasttrace_arena_now(a);
	index = ring(a, &info);
	assert_string_equal(info.name, "marker");
	assert_true(info.live);
	assert_int_equal(fasttrace_buffer_switch(a, index, info.serial, FASTTRACE_ACTIVE), 0);
	assert_int_equal(fasttrace_buffer_next(a, index, info.serial, 0, &seq, NULL), 0);
	assert_int_equal(fasttrace_buffer_get(a, index, info.serial, seq, &p), 0);
	assert_int_equal(p.events, 1);
	assert_true(p.begin >= before && p.begin <= after);
	assert_string_equal((const char *)p.body + 8, "a?b \n");
	assert_int_equal(fasttrace_event_get_info(a, *(const uint16_t *)p.body, &event), 0);
	assert_int_equal(event.kind, FASTTRACE_EVENT_MARKER);
	assert_string_equal(event.provider, "fasttrace");
	assert_string_equal(event.name, "marker");
	assert_int_equal(event.nfields, 1);
	assert_string_equal(event.field[0].name, "text");
	fasttrace_buffer_put(a, index, &p);
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void up_to_the_longest_and_no_longer(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL);

	(void)state;
	assert_int_equal(mark_text(a, ""), 0);
	assert_int_equal(mark(a, 'l'), 0);
	assert_int_equal(fasttrace_marker_write(a, text, LONGEST + 1), -EMSGSIZE);
	assert_int_equal(stats(a).begun, 2);
	markers_are(a, "-l");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void overwrite_keeps_the_newest_and_counts_the_rest(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, "FASTTRACE_MODE=overwrite");
	struct fasttrace_stats s;

	(void)state;
	for (char c = 'a'; c <= 'z'; c++)
		assert_int_equal(mark(a, c), 0);
	s = stats(a);
	assert_int_equal(s.begun, 26);
	assert_int_equal(s.readable, (SUBBUFS - 1) * A_SUBBUF + 26 % A_SUBBUF);
	assert_int_equal(s.overwritten, 26 - s.readable);
	markers_are(a, "pqrstuvwxyz");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void full_ring_refuses_and_loses_nothing(const char *mode)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, mode);
	char found[16] = "";

	for (char c = 'a'; c < 'a' + SUBBUFS * A_SUBBUF; c++)
		assert_int_equal(mark(a, c), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(mark(a, 'x'), -EAGAIN);
	assert_int_equal(stats(a).begun, SUBBUFS * A_SUBBUF);
	assert_int_equal(stats(a).lost_full, 0);
	assert_true(letters(a, found));
	assert_string_equal(found, "abc");
	assert_int_equal(mark(a, 'y'), 0);
	markers_are(a, "defghijkly");
	assert_int_equal(mark(a, 'z'), 0);
	markers_are(a, "z");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void discard_refuses_when_full(void **state)
{
	(void)state;
	full_ring_refuses_and_loses_nothing("FASTTRACE_MODE=discard");
}

static void block_does_not_block_the_consumer(void **state)
{
	(void)state;
	full_ring_refuses_and_loses_nothing("FASTTRACE_MODE=block");
}

static void only_tracing_as_a_whole_turns_it_off(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, "FASTTRACE_EVENTS=test");
	struct fasttrace_event_info event;

	(void)state;
	assert_int_equal(mark_text(a, "a"), 0); /* no rule names it */
	assert_int_equal(fasttrace_events_switch(a, NULL, NULL, false), 0);
	assert_int_equal(fasttrace_events_switch(a, "fasttrace", "marker", false), 0);
	assert_int_equal(mark_text(a, "b"), 0);
	assert_int_equal(fasttrace_event_get_info(a, a->marker_id, &event), 0);
	assert_true(event.on);
	assert_int_equal(fasttrace_tracing_switch(a, false), 0);
	assert_int_equal(mark_text(a, "c"), -EBADF);
	assert_int_equal(fasttrace_tracing_switch(a, true), 0);
	assert_int_equal(mark_text(a, "d"), 0);
	markers_are(a, "abd");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void who_does_not_consume_may_not_and_the_dead_take_none(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL), *other = fixture_open(pid, 0);

	(void)state;
	assert_int_equal(mark_text(other, "x"), -EBUSY);
	assert_int_equal(fasttrace_arena_buffers(a), 1); /* and left nothing */
	assert_int_equal(mark_text(a, "a"), 0);
	fixture_kill(pid);
	assert_int_equal(mark_text(a, "b"), -ESRCH);
	markers_are(a, "a");
	assert_int_equal(stats(a).begun, 1);
	fasttrace_arena_close(other);
	fasttrace_arena_close(a);
}

static void next_consumer_goes_on_in_the_same_ring(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL), *looks;
	struct fasttrace_buffer_info first, now;
	struct fasttrace_times t;
	int64_t last = 0;

	(void)state;
	assert_int_equal(mark_text(a, "a"), 0);
	ring(a, &first);
	for (char c = 'b'; c < 'f'; c++) {
		fasttrace_arena_close(a);
		looks = fixture_open(pid, 0);
		ring(looks, &now);
		assert_false(now.live);
		fasttrace_arena_close(looks);
		a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
		assert_int_equal(fasttrace_marker_write(a, &c, 1), 0);
		assert_int_equal(fasttrace_buffer_times(a, ring(a, &now), now.serial, &t), 0);
		assert_int_equal(now.serial, first.serial);
		assert_true(now.live && t.newest_ns >= last);
		last = t.newest_ns;
	}
	assert_int_equal(stats(a).begun, 5);
	markers_are(a, "abcde");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void time_never_goes_back_in_a_stream(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL);
	struct fasttrace_buffer_info first, now;
	uint64_t ahead;

	(void)state;
	assert_int_equal(mark_text(a, "a"), 0);
	ring(a, &first);
	ahead = a->marker_last = fasttrace_arena_now(a) + (1 << 19);
	assert_int_equal(mark_text(a, "b"), 0);
	assert_true(a->marker_last >=
		    ahead); /* another processor's counter may be so much behind */
	a->marker_last -= UINT64_C(1) << 47;
	assert_int_equal(mark_text(a, "c"), 0);
	assert_int_equal(stats(a).subbufs_produced, 1); /* 48 bits do not say so much */
	assert_int_equal(stats(a).clock_steps, 1);
	a->marker_last += UINT64_C(1) << 40;
	assert_int_equal(mark_text(a, "d"), 0);
	ring(a, &now);
	assert_true(now.serial != first.serial);
	markers_are(a, "d");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void what_finds_no_room_is_refused(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL);
	uint64_t buffers = a->shared->buffers, end = a->shared->events_end;
	uint32_t offset = a->marker_offset;

	(void)state;
	a->shared->events_end = a->events_bytes - 8;
	assert_int_equal(mark_text(a, "a"), -ENOSPC);
	a->shared->events_end = end;
	a->shared->buffers = FT_MAX_BUFFERS;
	assert_int_equal(mark_text(a, "a"), -ENOSPC);
	a->shared->buffers = buffers;
	a->marker_offset = 0;
	assert_int_equal(mark_text(a, "a"), -ENOTSUP);
	a->marker_offset = offset;
	assert_int_equal(mark_text(a, "b"), 0);
	markers_are(a, "b");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void ring_that_lies_is_left_alone(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL);
	struct fasttrace_slot *slot, as_it_was;

	(void)state;
	assert_int_equal(mark_text(a, "a"), 0);
	slot = a->marker->ring.slots;
	as_it_was = *slot;
	for (unsigned bit = 0; bit < 64; bit++) {
		slot->word = as_it_was.word ^ UINT64_C(1) << bit;
		if (!ft_word_closed(&a->marker->ring, slot->word)) /* that would be no lie */
			assert_int_equal(mark_text(a, "x"), -EPROTO);
		*slot = as_it_was;
		slot->committed = as_it_was.committed ^ UINT64_C(1) << bit;
		assert_int_equal(mark_text(a, "x"), -EPROTO);
		*slot = as_it_was;
	}
	slot->word = slot->committed = as_it_was.word | 0xfff; /* more units than there are */
	assert_int_equal(mark_text(a, "x"), -EPROTO);
	*slot = as_it_was;
	slot->page |= 0xffff;
	assert_int_equal(mark_text(a, "x"), -EPROTO);
	*slot = as_it_was;
	assert_int_equal(mark_text(a, "b"), 0);
	markers_are(a, "ab");
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

static void process_registers_its_events_meanwhile(void **state)
{
	struct fasttrace_event_info event;
	struct fasttrace_arena *a;
	unsigned markers = 0;
	pid_t pid;

	(void)state;
	for (unsigned round = 0; round < 20; round++) {
		pid = fixture_spawn("races", NULL);
		assert_int_equal(fixture_hear(), '.');
		a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
		usleep(round * 20);
		assert_int_equal(mark_text(a, "a"), 0);
		assert_int_equal(fixture_hear(), '.');
		assert_int_equal(mark_text(a, "b"), 0);
		assert_int_equal(fasttrace_arena_events(a), RACERS + 2);
		for (unsigned id = 1; id <= RACERS + 2; id++) {
			assert_int_equal(fasttrace_event_get_info(a, id, &event), 0);
			markers += event.kind == FASTTRACE_EVENT_MARKER;
		}
		assert_int_equal(markers, round + 1);
		markers_are(a, "ab");
		fasttrace_arena_close(a);
		fixture_kill(pid);
	}
}

static void who_waits_for_a_sub_buffer_is_woken(void **state)
{
	pid_t pid;
	struct fasttrace_arena *a = traced(&pid, NULL);
	struct fasttrace_buffer_info info;
	uint32_t ticket = fasttrace_arena_ticket(a);

	(void)state;
	assert_int_equal(mark(a, 'a'), 0);
	fasttrace_buffer_watch(a, ring(a, &info));
	assert_int_equal(mark(a, 'b'), 0);
	assert_int_equal(fasttrace_arena_ticket(a), ticket);
	for (unsigned i = 0; i < A_SUBBUF; i++)
		assert_int_equal(mark(a, 'c'), 0);
	assert_int_equal(fasttrace_arena_ticket(a), ticket + 1);
	fasttrace_arena_close(a);
	fixture_kill(pid);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(marker_is_an_event_with_its_text_and_its_time),
		TEST(up_to_the_longest_and_no_longer),
		TEST(overwrite_keeps_the_newest_and_counts_the_rest),
		TEST(discard_refuses_when_full),
		TEST(block_does_not_block_the_consumer),
		TEST(only_tracing_as_a_whole_turns_it_off),
		TEST(who_does_not_consume_may_not_and_the_dead_take_none),
		TEST(next_consumer_goes_on_in_the_same_ring),
		TEST(time_never_goes_back_in_a_stream),
		TEST(what_finds_no_room_is_refused),
		TEST(ring_that_lies_is_left_alone),
		TEST(process_registers_its_events_meanwhile),
		TEST(who_waits_for_a_sub_buffer_is_woken),
	};
	int code = fixture_main(argc, argv, bodies);

	return code >= 0 ? code : cmocka_run_group_tests(tests, NULL, NULL);
}
