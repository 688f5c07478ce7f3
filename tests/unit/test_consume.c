/* SPDX-License-Identifier: MIT */
/* test_consume.c - get, swap, put, and forced switches, against a real writer process. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-consume.h"

#define SMALL	   "FASTTRACE_SUBBUF_SIZE=4096", "FASTTRACE_SUBBUFS=4"
#define PER_SUBBUF ((4096 - 88) / 16) /* events of 16 bytes */
#define MANY	   100000
#define STOPS	   200 /* at most, between the instructions of what is tried */

/* Writes as many numbers as it is told: 'a' 10, 'b' one sub-buffer's, 'c' 10 rings' worth. */
static void body_numbers(void)
{
	uint64_t n = 0;
	int c;

	while ((c = body_hear()) >= 0) {
		uint64_t count = c == 'a' ? 10 : c == 'b' ? PER_SUBBUF : 40 * PER_SUBBUF;

		while (count--) {
			FASTTRACE(test, number, (n, n));
			n++;
		}
		body_say('.');
	}
}

static void body_many(void)
{
	for (uint64_t n = 0; n < MANY; n++)
		FASTTRACE(test, number, (n, n));
	body_say('.');
	pause();
}

static const struct fixture_body bodies[] = {
	{"numbers", body_numbers}, {"many", body_many}, {NULL, NULL}};

static void tell(char what)
{
	fixture_say(what);
	assert_int_equal(fixture_hear(), '.');
}

static struct fasttrace_arena *start(const char *const *env, pid_t *pid, char first)
{
	*pid = fixture_spawn("numbers", env);
	tell(first);
	return fixture_open(*pid, FASTTRACE_OPEN_CONSUME);
}

static const char *const small[] = {SMALL, NULL};
static const char *const discard[] = {SMALL, "FASTTRACE_MODE=discard", NULL};
static const char *const block[] = {SMALL, "FASTTRACE_MODE=block", NULL};

static void assert_adds_up(struct fasttrace_arena *a, uint64_t begun)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.begun, begun);
	assert_int_equal(s.begun, s.consumed + s.readable + s.overwritten + s.lost_full +
					  s.lost_too_big + s.lost_nested + s.lost_no_buffer +
					  s.lost_no_event + s.in_flight);
	assert_int_equal(s.subbufs_produced >= s.subbufs_consumed + s.subbufs_overwritten, 1);
}

/* Take seq, check that its numbers go on from `first`; leave it taken. */
static void take(struct fasttrace_arena *a, uint64_t seq, uint64_t first,
		 struct fasttrace_packet *p)
{
	static uint64_t values[PER_SUBBUF];
	size_t n;

	assert_int_equal(fasttrace_buffer_get(a, 0, 1, seq, p), 0);
	n = fixture_values(p, values, PER_SUBBUF);
	assert_int_equal(n, p->events);
	assert_true(n > 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(values[i], first + i);
	assert_true(p->begin <= p->end);
}

static uint64_t next(struct fasttrace_arena *a, uint64_t from)
{
	uint64_t seq;

	return fasttrace_buffer_next(a, 0, 1, from, &seq, NULL) ? UINT64_MAX : seq;
}

static void open_subbuf_is_not_readable_until_flush(void **state)
{
	struct fasttrace_packet p;
	pid_t pid;
	struct fasttrace_arena *a = start(small, &pid, 'a');

	(void)state;
	assert_int_equal(next(a, 0), UINT64_MAX);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, 0, &p), -ENOENT);
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
	assert_int_equal(next(a, 0), 0);
	take(a, 0, 0, &p);
	assert_int_equal(p.events, 10);
	fasttrace_buffer_put(a, 0, &p);
	assert_int_equal(next(a, 0), UINT64_MAX);
	assert_adds_up(a, 10);
	fasttrace_arena_close(a);
}

static void empty_subbuf_is_not_switched(void **state)
{
	struct fasttrace_stats s;
	pid_t pid;
	struct fasttrace_arena *a = start(small, &pid, 'a');

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_ACTIVE), 0);
		assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
	}
	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.subbufs_produced, 1);
	tell('a'); /* the writer goes on in what active has opened */
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
	assert_int_equal(next(a, 1), 1);
	assert_adds_up(a, 20);
	fasttrace_arena_close(a);
}

static void half_read_subbuf_is_whole_for_the_next_reader(void **state)
{
	struct fasttrace_packet p;
	pid_t pid;
	struct fasttrace_arena *a = start(small, &pid, 'b');

	(void)state;
	tell('a');
	for (int i = 0; i < 3; i++) {
		take(a, 0, 0, &p);
		fasttrace_buffer_unget(a, 0, &p);
		assert_int_equal(next(a, 0), 0);
	}
	tell('b');
	take(a, 1, PER_SUBBUF, &p); /* what was put back stands in the ring, not aside */
	fasttrace_buffer_put(a, 0, &p);
	take(a, 0, 0, &p);
	fasttrace_buffer_put(a, 0, &p);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, 0, &p), -ENOENT);
	assert_adds_up(a, 2 * PER_SUBBUF + 10);
	fasttrace_arena_close(a);
}

static void taken_page_is_not_touched_while_the_writer_laps(void **state)
{
	struct fasttrace_packet p;
	static uint64_t values[PER_SUBBUF];
	pid_t pid;
	struct fasttrace_arena *a = start(small, &pid, 'b');

	(void)state;
	tell('a');
	take(a, 0, 0, &p);
	tell('c');
	assert_int_equal(fixture_values(&p, values, PER_SUBBUF), PER_SUBBUF);
	for (size_t i = 0; i < PER_SUBBUF; i++)
		assert_int_equal(values[i], i);
	fasttrace_buffer_unget(a, 0, &p); /* its slot is claimed: kept aside */
	assert_int_equal(next(a, 0), 0);
	take(a, 0, 0, &p);
	assert_int_equal(p.events, PER_SUBBUF);
	fasttrace_buffer_unget(a, 0, &p);
	assert_adds_up(a, 41 * PER_SUBBUF + 10);
	take(a, next(a, 1), next(a, 1) * PER_SUBBUF, &p); /* drops what was aside */
	fasttrace_buffer_put(a, 0, &p);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, 0, &p), -ENOENT);
	assert_adds_up(a, 41 * PER_SUBBUF + 10);
	fasttrace_arena_close(a);
}

static void one_at_a_time(void **state)
{
	struct fasttrace_packet p, q;
	struct fasttrace_arena *a, *other;
	pid_t pid;

	(void)state;
	a = start(small, &pid, 'b');
	tell('b');
	tell('a');
	take(a, 0, 0, &p);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, 1, &q), -EBUSY);
	other = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(fasttrace_arena_consume(other), -EBUSY);
	assert_int_equal(fasttrace_buffer_get(other, 0, 1, 1, &q), -EBUSY);
	fasttrace_arena_close(other);
	fasttrace_buffer_put(a, 0, &p);
	fasttrace_arena_close(a);
}

static void taken_in_any_order(void **state)
{
	static const int order[] = {2, 0, 1};
	const char *const *modes[] = {small, discard};
	struct fasttrace_packet p;

	(void)state;
	for (int m = 0; m < 2; m++) {
		pid_t pid;
		struct fasttrace_arena *a = start(modes[m], &pid, 'b');

		tell('b');
		tell('b');
		tell('a');
		for (int i = 0; i < 3; i++) {
			take(a, (uint64_t)order[i], (uint64_t)order[i] * PER_SUBBUF, &p);
			fasttrace_buffer_put(a, 0, &p);
			assert_int_equal(fasttrace_buffer_get(a, 0, 1, (uint64_t)order[i], &p),
					 -ENOENT);
		}
		tell('c'); /* in discard mode there is room for three again, and one more is open */
		assert_int_equal(next(a, 0), m ? 3 : 40);
		assert_adds_up(a, 43 * PER_SUBBUF + 10);
		fasttrace_arena_close(a);
		fixture_kill(pid);
	}
}

static void packet_tells_what_was_overwritten_since_the_one_before(void **state)
{
	struct fasttrace_packet p;
	pid_t pid;
	struct fasttrace_arena *a = start(small, &pid, 'c');

	(void)state;
	take(a, 36, 36 * PER_SUBBUF, &p);
	assert_int_equal(p.overwritten_before, 36 * PER_SUBBUF);
	fasttrace_buffer_unget(a, 0, &p);
	take(a, 36, 36 * PER_SUBBUF, &p); /* nobody has had it: again */
	assert_int_equal(p.overwritten_before, 36 * PER_SUBBUF);
	fasttrace_buffer_put(a, 0, &p);
	take(a, 37, 37 * PER_SUBBUF, &p);
	assert_int_equal(p.overwritten_before, 0);
	fasttrace_buffer_put(a, 0, &p);
	fasttrace_arena_close(a); /* the next reader goes on from there */
	tell('c');
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	take(a, 77, 77 * PER_SUBBUF, &p); /* newer ones first: what is older was not overwritten */
	assert_int_equal(p.overwritten_before, (77 - 38) * PER_SUBBUF);
	fasttrace_buffer_put(a, 0, &p);
	take(a, 76, 76 * PER_SUBBUF, &p);
	assert_int_equal(p.overwritten_before, 0);
	fasttrace_buffer_put(a, 0, &p);
	take(a, 78, 78 * PER_SUBBUF, &p);
	assert_int_equal(p.overwritten_before, 0);
	fasttrace_buffer_put(a, 0, &p);
	fasttrace_arena_close(a);
}

static void overwritten_names_are_gone_and_counted(void **state)
{
	struct fasttrace_packet p;
	struct fasttrace_stats s;
	pid_t pid;
	struct fasttrace_arena *a = start(small, &pid, 'c');

	(void)state;
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, 0, &p), -ENOENT);
	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.overwritten, 36 * PER_SUBBUF);
	assert_int_equal(s.readable, 4 * PER_SUBBUF);
	assert_int_equal(s.subbufs_overwritten, 36);
	assert_adds_up(a, 40 * PER_SUBBUF);
	fasttrace_arena_close(a);
}

static void discard_keeps_the_first_events_and_counts_the_rest(void **state)
{
	struct fasttrace_packet p = {.seq = 0};
	struct fasttrace_stats s;
	pid_t pid;
	struct fasttrace_arena *a = start(discard, &pid, 'c');

	(void)state;
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_ACTIVE), -EAGAIN);
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
	for (uint64_t seq = 0; seq < 4; seq++) {
		take(a, seq, seq * PER_SUBBUF, &p);
		assert_int_equal(p.events, PER_SUBBUF);
		assert_int_equal(p.lost, seq == 3 ? 36 * PER_SUBBUF : 0);
		fasttrace_buffer_put(a, 0, &p);
	}
	assert_int_equal(next(a, 0), UINT64_MAX);
	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.lost_full, 36 * PER_SUBBUF);
	assert_adds_up(a, 40 * PER_SUBBUF);
	tell('a'); /* and there is room again */
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
	take(a, 4, 40 * PER_SUBBUF, &p);
	fasttrace_buffer_put(a, 0, &p);
	fasttrace_arena_close(a);
}

static struct ft_reader_buffer *view;
static uint64_t *lost; /* shared with the process that asks */

static void lost_ask(void)
{
	*lost = ft_lost_after(view, 3);
}

static void writer_goes_on(void)
{
	tell('a');
}

static void lost_counts_hold_while_the_writer_turns(void **state)
{
	struct fasttrace_packet p = {.seq = 0};
	unsigned all = 0, taken, stop = UINT_MAX; /* first, how many there are */

	(void)state;
	lost = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(lost, MAP_FAILED);
	for (unsigned n = 0; n <= STOPS; n++, stop = n * all / STOPS) {
		pid_t pid;
		struct fasttrace_arena *a = start(discard, &pid, 'c');

		for (uint64_t seq = 0; seq < 4; seq++) {
			take(a, seq, seq * PER_SUBBUF, &p);
			fasttrace_buffer_put(a, 0, &p);
		}
		assert_int_equal(ft_reader_buffer(a, 0, &view), 0);
		taken = fixture_interrupt(lost_ask, stop, writer_goes_on);
		all = n ? all : taken;
		assert_int_equal(*lost, 36 * PER_SUBBUF);
		fasttrace_arena_close(a);
		fixture_kill(pid);
	}
	munmap(lost, 4096);
}

static void turn(void)
{
	ft_ring_turn(&view->ring, view->shared, 0);
}

static void writer_fills_the_ring(void)
{
	tell('c');
}

static void lost_counts_hold_while_the_reader_turns(void **state)
{
	struct fasttrace_packet p = {.seq = 0};
	unsigned all = 0, taken, stop = UINT_MAX;

	(void)state;
	for (unsigned n = 0; n <= STOPS; n++, stop = n * all / STOPS) {
		pid_t pid;
		struct fasttrace_arena *a = start(discard, &pid, 'a');

		assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
		assert_int_equal(ft_reader_buffer(a, 0, &view), 0);
		taken = fixture_interrupt(turn, stop, writer_fills_the_ring);
		all = n ? all : taken;
		for (uint64_t seq = 0; seq < 4; seq++) {
			take(a, seq, seq ? (seq - 1) * PER_SUBBUF + 10 : 0, &p);
			assert_int_equal(p.lost, seq == 3 ? 37 * PER_SUBBUF : 0);
			fasttrace_buffer_put(a, 0, &p);
		}
		fasttrace_arena_close(a);
		fixture_kill(pid);
	}
}

static void wait_for_number(struct fasttrace_arena *a, uint64_t *expect)
{
	static uint64_t values[PER_SUBBUF];
	struct fasttrace_packet p;
	uint32_t ticket = fasttrace_arena_ticket(a);
	uint64_t seq;

	fasttrace_buffer_watch(a, 0);
	if (fasttrace_buffer_next(a, 0, 1, 0, &seq, NULL)) {
		assert_int_equal(fasttrace_arena_wait(a, ticket, 5000000000), 0);
		return;
	}
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, seq, &p), 0);
	assert_int_equal(p.lost, 0);
	for (size_t i = 0, n = fixture_values(&p, values, PER_SUBBUF); i < n; i++)
		assert_int_equal(values[i], (*expect)++);
	fasttrace_buffer_put(a, 0, &p);
}

static void block_loses_nothing_while_a_reader_comes(void **state)
{
	uint64_t expect = 0, last = (MANY / PER_SUBBUF - 1) * PER_SUBBUF;
	struct timespec late = {0, 300000000};
	struct fasttrace_arena *a = NULL;
	int served = fixture_serve_dir();
	pid_t pid =
		fixture_spawn("many", (const char *const[]){SMALL, "FASTTRACE_MODE=block",
							    "FASTTRACE_BLOCK_TIMEOUT=20s", NULL});
	char path[512];

	(void)state;
	while (!a)
		if (fixture_arena_path(pid, path, sizeof(path)))
			fasttrace_arena_open(AT_FDCWD, path, FASTTRACE_OPEN_CONSUME, &a, NULL);
	nanosleep(&late, NULL);
	while (expect < last)
		wait_for_number(a, &expect);
	assert_int_equal(fixture_hear(), '.');
	assert_adds_up(a, MANY);
	fasttrace_arena_close(a);
	close(served);
}

static void block_ends_with_the_reader(void **state)
{
	struct fasttrace_arena *a = NULL;
	int served = fixture_serve_dir();
	pid_t pid =
		fixture_spawn("many", (const char *const[]){SMALL, "FASTTRACE_MODE=block",
							    "FASTTRACE_BLOCK_TIMEOUT=inf", NULL});
	struct fasttrace_stats s;

	(void)state;
	usleep(100000);
	a = fixture_open(pid, 0);
	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.lost_full, 0); /* it waits */
	close(served);
	assert_int_equal(fixture_hear(), '.');
	assert_adds_up(a, MANY);
	fasttrace_arena_close(a);
}

static void block_times_out(void **state)
{
	int served = fixture_serve_dir();
	pid_t pid =
		fixture_spawn("many", (const char *const[]){SMALL, "FASTTRACE_MODE=block",
							    "FASTTRACE_BLOCK_TIMEOUT=100ms", NULL});
	struct fasttrace_arena *a;

	(void)state;
	assert_int_equal(fixture_hear(), '.');
	a = fixture_open(pid, 0);
	assert_adds_up(a, MANY);
	fasttrace_arena_close(a);
	close(served);
}

static void block_without_a_reader_drops_at_once(void **state)
{
	struct timespec t0, t1;
	struct fasttrace_arena *a;
	pid_t pid;

	(void)state;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	a = start(block, &pid, 'c');
	clock_gettime(CLOCK_MONOTONIC, &t1);
	assert_true(t1.tv_sec - t0.tv_sec < 2); /* the block timeout */
	assert_adds_up(a, 40 * PER_SUBBUF);
	fasttrace_arena_close(a);
}

static void active_needs_a_living_writer(void **state)
{
	struct fasttrace_packet p;
	pid_t pid;
	struct fasttrace_arena *a = start(small, &pid, 'a');

	(void)state;
	fixture_kill(pid);
	assert_false(fasttrace_arena_alive(a));
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_ACTIVE), -EINVAL);
	assert_false(fasttrace_buffer_drained(a, 0, 1));
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_FLUSH), 0);
	take(a, 0, 0, &p);
	fasttrace_buffer_put(a, 0, &p);
	assert_true(fasttrace_buffer_drained(a, 0, 1));
	assert_adds_up(a, 10);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(open_subbuf_is_not_readable_until_flush),
		TEST(empty_subbuf_is_not_switched),
		TEST(half_read_subbuf_is_whole_for_the_next_reader),
		TEST(taken_page_is_not_touched_while_the_writer_laps),
		TEST(one_at_a_time),
		TEST(taken_in_any_order),
		TEST(packet_tells_what_was_overwritten_since_the_one_before),
		TEST(overwritten_names_are_gone_and_counted),
		TEST(lost_counts_hold_while_the_writer_turns),
		TEST(lost_counts_hold_while_the_reader_turns),
		TEST(discard_keeps_the_first_events_and_counts_the_rest),
		TEST(block_loses_nothing_while_a_reader_comes),
		TEST(block_ends_with_the_reader),
		TEST(block_times_out),
		TEST(block_without_a_reader_drops_at_once),
		TEST(active_needs_a_living_writer),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
