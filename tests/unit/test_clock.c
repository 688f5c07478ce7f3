/* SPDX-License-Identifier: MIT */
/* test_clock.c - what time stamps mean: the counter's frequency, and the time of day they give. */
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-clock.h"

#define NS_PER_S   INT64_C(1000000000)
#define NS_PER_MS  INT64_C(1000000)
#define MEASURE_NS (200 * NS_PER_MS)
#define SOURCE	   "/sys/devices/system/clocksource/clocksource0/current_clocksource"

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

/* Two events; the first one's time lies between their values. */
static void events_trace(void)
{
	uint64_t before = (uint64_t)clock_ns(CLOCK_REALTIME), after;

	FASTTRACE(test, number, (n, before));
	after = (uint64_t)clock_ns(CLOCK_REALTIME);
	FASTTRACE(test, number, (n, after));
}

static void body_events(void)
{
	FASTTRACE(test, number, (n, 0)); /* makes the arena */
	FASTTRACE(test, number, (n, 0));
	body_say('r');
	while (body_hear() >= 0) {
		events_trace();
		body_say('.');
	}
}

/* Have the kernel seem not to take the cycle counter for a clock. */
static void body_other_source(void)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/.source", getenv("FASTTRACE_DIR"));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "hpet\n", 5) != 5 || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(path, SOURCE, NULL, MS_BIND, NULL)) {
		body_say('s');
		return;
	}
	close(fd);
	body_events();
}

static const struct fixture_body bodies[] = {
	{"events", body_events}, {"other_source", body_other_source}, {NULL, NULL}};

struct pair {
	uint64_t ticks;
	int64_t ns, real_ns;
};

/* The clocks at one instant: of some tries the one that took least. */
static struct pair pair_take(void)
{
	uint64_t best = UINT64_MAX;
	struct pair p = {0, 0, 0};

	for (int i = 0; i < 100; i++) {
		uint64_t before = fasttrace_clock_cycles();
		int64_t ns = clock_ns(CLOCK_MONOTONIC), real_ns = clock_ns(CLOCK_REALTIME);
		uint64_t took = fasttrace_clock_cycles() - before;

		if (took < best) {
			best = took;
			p = (struct pair){before + took / 2, ns, real_ns};
		}
	}
	return p;
}

static double hz_measure(void)
{
	struct timespec sleep = {0, MEASURE_NS};
	struct pair from = pair_take(), to;

	nanosleep(&sleep, NULL);
	to = pair_take();
	return (double)(to.ticks - from.ticks) * 1e9 / (double)(to.ns - from.ns);
}

static void assert_close(uint64_t hz, double want)
{
	if (!((double)hz > 0.999 * want && (double)hz < 1.001 * want))
		fail_msg("%ju Hz, expected %.0f", (uintmax_t)hz, want);
}

/* An arena of our own making, as if it were read. */
static struct fasttrace_arena *arena_new(void)
{
	struct fasttrace_arena *a = calloc(1, sizeof(*a));
	struct pair now = pair_take();
	char text[64] = "";
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned n = 0, byte;

	assert_non_null(a);
	a->shared = calloc(1, sizeof(*a->shared));
	assert_non_null(a->shared);
	if (f && fgets(text, sizeof(text), f))
		for (const char *p = text; n < 16 && *p; p += 2) {
			p += *p == '-';
			if (sscanf(p, "%2x", &byte) != 1)
				break;
			a->info.boot_id[n++] = (uint8_t)byte;
		}
	if (f)
		fclose(f);
	a->writable = true;
	a->info.raw_clock = true;
	a->shared->clock_ticks = now.ticks;
	a->shared->clock_monotonic_ns = (uint64_t)now.ns;
	a->shared->clock_realtime_ns = (uint64_t)now.real_ns;
	return a;
}

static void arena_free(struct fasttrace_arena *a)
{
	free(a->shared);
	free(a);
}

static bool no_counter(void)
{
	if (fasttrace_clock_cycles())
		return false;
	print_message("SKIP: this machine has no cycle counter\n");
	return true;
}

static int64_t decode(const struct ft_clock *clock, uint64_t ticks)
{
	return clock->offset_s * NS_PER_S +
	       (int64_t)((unsigned __int128)(clock->offset + ticks) * NS_PER_S / clock->hz);
}

/* The last event but one of the arena is as old as its neighbours' values say, to a millisecond. */
static void assert_time_of_day(struct fasttrace_arena *a)
{
	struct fasttrace_packet p;
	struct ft_clock clock;
	uint64_t values[64], seq;
	int64_t at;
	size_t n;

	ft_clock_get(a, &clock);
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_ACTIVE), 0);
	assert_int_equal(fasttrace_buffer_next(a, 0, 1, 0, &seq, NULL), 0);
	assert_int_equal(fasttrace_buffer_get(a, 0, 1, seq, &p), 0);
	n = fixture_values(&p, values, 64);
	assert_int_equal(n, 2);
	at = decode(&clock, p.begin);
	assert_true(at >= (int64_t)values[0] - NS_PER_MS && at <= (int64_t)values[1] + NS_PER_MS);
	assert_true(decode(&clock, p.end) >= (int64_t)values[1] - NS_PER_MS);
	assert_true(decode(&clock, p.end) <= clock_ns(CLOCK_REALTIME) + NS_PER_MS);
	fasttrace_buffer_put(a, 0, &p);
}

/* Two events, of a process that has traced for a while. */
static void events_check(struct fasttrace_arena *a, unsigned age_us)
{
	usleep(age_us);
	fixture_say('e');
	assert_int_equal(fixture_hear(), '.');
	assert_time_of_day(a);
}

static struct fasttrace_arena *arena_started(const char *body)
{
	pid_t pid = fixture_spawn(body, NULL);
	struct fasttrace_arena *a;

	if (fixture_hear() != 'r') {
		print_message("SKIP: the clock source cannot be hidden here\n");
		skip();
	}
	a = fixture_open(pid, FASTTRACE_OPEN_CONSUME);
	assert_int_equal(fasttrace_buffer_switch(a, 0, 1, FASTTRACE_ACTIVE), 0);
	assert_int_equal(fasttrace_buffer_drop(a, 0, 1, 0), 0); /* what is of no known age */
	return a;
}

static void events_carry_the_time_of_day(void **state)
{
	struct fasttrace_arena *a = arena_started("events");

	(void)state;
	events_check(a, 0);
	events_check(a, 100000);
	events_check(a, 500000);
	fasttrace_arena_close(a);
}

static void events_carry_the_time_of_day_without_a_cycle_counter(void **state)
{
	struct fasttrace_arena *a = arena_started("other_source");
	struct ft_clock clock;

	(void)state;
	assert_false(fasttrace_arena_info(a)->raw_clock);
	ft_clock_get(a, &clock);
	assert_int_equal(clock.hz, NS_PER_S);
	assert_false(clock.guessed);
	events_check(a, 0);
	events_check(a, 100000);
	fasttrace_arena_close(a);
}

static void frequency_of_a_process_is_the_counters(void **state)
{
	struct fasttrace_arena *a = arena_started("events");
	struct ft_clock clock;

	(void)state;
	if (!fasttrace_arena_info(a)->raw_clock) {
		fasttrace_arena_close(a);
		print_message("SKIP: the kernel does not take the cycle counter for a clock\n");
		skip();
	}
	ft_clock_get(a, &clock);
	assert_false(clock.guessed);
	assert_int_equal(fasttrace_arena_info(a)->clock_hz, clock.hz);
	assert_close(clock.hz, hz_measure());
	fasttrace_arena_close(a);
}

static void every_reader_is_told_the_same_frequency(void **state)
{
	pid_t pid = fixture_spawn("events", NULL);
	struct ft_clock clock[4];

	(void)state;
	assert_int_equal(fixture_hear(), 'r');
	for (int i = 0; i < 4; i++) {
		struct fasttrace_arena *a = fixture_open(pid, 0);

		ft_clock_get(a, &clock[i]);
		fasttrace_arena_close(a);
		usleep(20000);
	}
	for (int i = 1; i < 4; i++) {
		assert_int_equal(clock[i].hz, clock[0].hz);
		assert_int_equal(clock[i].offset_s, clock[0].offset_s);
		assert_int_equal(clock[i].offset, clock[0].offset);
	}
}

static void learned_frequency_is_left_in_the_arena(void **state)
{
	struct fasttrace_arena *a;
	struct ft_clock clock;

	(void)state;
	if (no_counter())
		skip();
	a = arena_new();
	assert_true(ft_clock_here(a));
	ft_clock_get(a, &clock);
	assert_false(clock.guessed);
	assert_close(clock.hz, hz_measure());
	assert_int_equal(a->shared->clock_hz, clock.hz);
	arena_free(a);
}

static void arena_that_is_read_only_is_left_alone(void **state)
{
	struct fasttrace_arena *a;
	struct ft_clock clock;

	(void)state;
	if (no_counter())
		skip();
	a = arena_new();
	a->writable = false;
	ft_clock_get(a, &clock);
	assert_false(clock.guessed);
	assert_close(clock.hz, hz_measure());
	assert_int_equal(a->shared->clock_hz, 0);
	arena_free(a);
}

static void frequency_that_stands_in_the_arena_is_taken(void **state)
{
	struct fasttrace_arena *a = arena_new();
	struct ft_clock clock;

	(void)state;
	a->shared->clock_hz = 24000000;
	ft_clock_get(a, &clock);
	assert_int_equal(clock.hz, 24000000);
	assert_false(clock.guessed);
	arena_free(a);
}

static void senseless_frequency_is_not_believed(void **state)
{
	static const uint64_t bad[] = {1, 999999, UINT64_C(100000000001), UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct fasttrace_arena *a = arena_new();
		struct ft_clock clock;

		a->shared->clock_hz = bad[i];
		ft_clock_get(a, &clock);
		assert_int_equal(clock.hz, NS_PER_S);
		assert_true(clock.guessed);
		assert_true(clock.offset < clock.hz);
		arena_free(a);
	}
}

static void arena_of_another_boot_gets_a_guess_that_is_not_kept(void **state)
{
	struct fasttrace_arena *a;
	struct ft_clock clock;

	(void)state;
	if (no_counter())
		skip();
	a = arena_new();
	a->info.boot_id[7] ^= 1;
	assert_false(ft_clock_here(a));
	ft_clock_get(a, &clock);
	assert_true(clock.guessed);
	assert_close(clock.hz, hz_measure());
	assert_int_equal(a->shared->clock_hz, 0);
	arena_free(a);
}

/* In another time namespace, or the machine slept: both clocks went on, but not together. */
static void start_that_contradicts_our_own_clocks_is_not_used(void **state)
{
	static const int64_t off_ns[] = {-3600 * NS_PER_S, -NS_PER_S, 3600 * NS_PER_S};

	(void)state;
	if (no_counter())
		skip();
	for (size_t i = 0; i < sizeof(off_ns) / sizeof(*off_ns); i++) {
		struct fasttrace_arena *a = arena_new();
		struct ft_clock clock;

		a->shared->clock_monotonic_ns += (uint64_t)off_ns[i];
		ft_clock_get(a, &clock);
		assert_close(clock.hz, hz_measure());
		arena_free(a);
	}
}

/* One that was made `ns` ago, when the counter is told to have run at hz since. */
static struct fasttrace_arena *arena_aged(int64_t ns, double hz)
{
	struct fasttrace_arena *a = arena_new();

	a->shared->clock_ticks -= (uint64_t)((double)ns / 1e9 * hz);
	a->shared->clock_monotonic_ns -= (uint64_t)ns;
	a->shared->clock_realtime_ns -= (uint64_t)ns;
	return a;
}

static double hz_told(struct fasttrace_arena *a)
{
	struct ft_clock clock;

	ft_clock_get(a, &clock);
	arena_free(a);
	return (double)clock.hz;
}

static bool ppm_apart(double a, double b, double ppm)
{
	return fabs(a - b) > b * ppm / 1e6;
}

/* 100 ppm tell whether it was used; so much may be NTP's doing. */
static void arena_older_than_the_reader_gives_the_base(void **state)
{
	double hz;

	(void)state;
	if (no_counter())
		skip();
	hz = hz_measure();
	assert_false(ppm_apart(hz_told(arena_aged(3600 * NS_PER_S, hz * 1.0001)), hz * 1.0001, 20));
}

static void arena_younger_than_the_reader_does_not(void **state)
{
	double hz;

	(void)state;
	if (no_counter())
		skip();
	hz = hz_measure();
	assert_false(ppm_apart(hz_told(arena_aged(60 * NS_PER_MS, hz * 1.0001)), hz, 20));
}

/* A second asleep in an hour is 278 ppm. */
static void base_with_a_suspend_in_it_is_not_used(void **state)
{
	struct fasttrace_arena *a;
	double hz;

	(void)state;
	if (no_counter())
		skip();
	hz = hz_measure();
	a = arena_aged(3600 * NS_PER_S, hz);
	a->shared->clock_monotonic_ns += (uint64_t)NS_PER_S;
	assert_false(ppm_apart(hz_told(a), hz, 20));
}

static void monotonic_clock_counts_nanoseconds(void **state)
{
	struct fasttrace_arena *a = arena_new();
	struct ft_clock clock;

	(void)state;
	a->info.raw_clock = false;
	a->shared->clock_ticks = a->shared->clock_monotonic_ns;
	ft_clock_get(a, &clock);
	assert_int_equal(clock.hz, NS_PER_S);
	assert_false(clock.guessed);
	assert_int_equal(a->info.clock_hz, NS_PER_S);
	assert_int_equal(decode(&clock, a->shared->clock_ticks), a->shared->clock_realtime_ns);
	arena_free(a);
}

static void offsets_give_the_instant_back_exactly(void **state)
{
	static const struct {
		uint64_t hz, ticks, ns;
	} at[] = {{1000000000, 5, 1700000000123456789},
		  {1000000000, 1700000000123456789, 1700000000123456789},
		  {1000000000, 1700000000123456790, 1700000000123456789}, /* before 1970 */
		  {3000000000, UINT64_C(9000000000000000000), 1700000000000000000},
		  {2999999999, 12345, 1},
		  {1000000, UINT64_C(1) << 62, 0},
		  {UINT64_C(100000000000), 0, UINT64_MAX}};

	(void)state;
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		struct ft_clock clock = {.hz = at[i].hz};
		__int128 ticks, want = ((__int128)at[i].ns * at[i].hz + NS_PER_S / 2) / NS_PER_S;

		ft_clock_offset(&clock, at[i].ticks, at[i].ns);
		ticks = (__int128)clock.offset_s * at[i].hz + clock.offset + at[i].ticks;
		assert_true(clock.offset < clock.hz);
		assert_true(ticks == want);
	}
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(events_carry_the_time_of_day),
		TEST(events_carry_the_time_of_day_without_a_cycle_counter),
		TEST(frequency_of_a_process_is_the_counters),
		TEST(every_reader_is_told_the_same_frequency),
		TEST(learned_frequency_is_left_in_the_arena),
		TEST(arena_that_is_read_only_is_left_alone),
		TEST(frequency_that_stands_in_the_arena_is_taken),
		TEST(senseless_frequency_is_not_believed),
		TEST(arena_of_another_boot_gets_a_guess_that_is_not_kept),
		TEST(start_that_contradicts_our_own_clocks_is_not_used),
		TEST(arena_older_than_the_reader_gives_the_base),
		TEST(arena_younger_than_the_reader_does_not),
		TEST(base_with_a_suspend_in_it_is_not_used),
		TEST(monotonic_clock_counts_nanoseconds),
		TEST(offsets_give_the_instant_back_exactly),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
