/* SPDX-License-Identifier: MIT */
/* test_tracer_clock.c - which clock is chosen, and what an arena tells of it and of its start. */
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "fixture.h"
#include "ft-create.h"

#define SOURCE	 "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define NS_PER_S UINT64_C(1000000000)

static void tsc_is_a_clock_only_where_the_kernel_says_so(void **state)
{
	static const struct {
		const char *source;
		bool invariant;
		enum ft_clock_kind kind;
		enum ft_clock_why why;
	} table[] = {
		{"tsc", true, FT_CLOCK_CYCLES, FT_CLOCK_WHY_SOURCE},
		{"tsc", false, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_NOT_INVARIANT},
		{"", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_UNKNOWN},
		{"", false, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_UNKNOWN},
		{"hpet", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"acpi_pm", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"jiffies", false, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"kvm-clock", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"xen", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"hyperv_clocksou", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"tsc-early", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"ts", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
		{"TSC", true, FT_CLOCK_MONOTONIC, FT_CLOCK_WHY_SOURCE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		enum ft_clock_why why = FT_CLOCK_WHY_GENERIC_TIMER;

		if (ft_clock_choose(table[i].source, table[i].invariant, &why) != table[i].kind ||
		    why != table[i].why)
			fail_msg("\"%s\", invariant %d", table[i].source, table[i].invariant);
	}
}

static void invariance_wants_its_leaf_and_its_bit(void **state)
{
	static const struct {
		uint32_t highest, edx;
		bool invariant;
	} table[] = {
		{0x80000008, 0x100, true}, {0x80000007, 0x100, true},
		{0x80000007, 0xfff, true}, {0x80000007, ~0x100u, false},
		{0x80000008, 0, false},	   {0x80000006, 0x100, false}, /* the leaf is not there */
		{0x80000000, ~0u, false},  {0x1f, ~0u, false}, /* nor are any extended ones */
		{0, 0x100, false},	   {0xffffffff, 0x100, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		assert_int_equal(ft_clock_invariant(table[i].highest, table[i].edx),
				 table[i].invariant);
}

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* What is noted lies between what the clocks show before and after. */
static void start_is_one_instant_of_three_clocks(void **state)
{
	struct ft_arena a = {.magic = 0};
	struct fasttrace_ring ring = {.slots = NULL};
	uint64_t mono[2], real[2], ticks[2];

	(void)state;
	ft_clock_fill(&a);
	ring.raw_clock = a.clock == FT_CLOCK_CYCLES;
	mono[0] = clock_ns(CLOCK_MONOTONIC);
	real[0] = clock_ns(CLOCK_REALTIME);
	ticks[0] = fasttrace_clock(&ring);
	memset(&a, 0, sizeof(a));
	ft_clock_fill(&a);
	mono[1] = clock_ns(CLOCK_MONOTONIC);
	real[1] = clock_ns(CLOCK_REALTIME);
	ticks[1] = fasttrace_clock(&ring);
	assert_in_range(a.clock_monotonic_ns, mono[0], mono[1]);
	assert_in_range(a.clock_realtime_ns, real[0], real[1]);
	assert_in_range(a.clock_ticks, ticks[0], ticks[1]);
}

/* The instant does not suffer from one interruption: realtime less monotonic is what it is. */
static void instants_readings_belong_together(void **state)
{
	uint64_t apart = UINT64_MAX;

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct ft_arena a = {.magic = 0};
		uint64_t before = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC), off;

		ft_clock_fill(&a);
		off = a.clock_realtime_ns - a.clock_monotonic_ns - before;
		if ((int64_t)off < 0)
			off = -off;
		if (off < apart)
			apart = off;
	}
	assert_true(apart < 1000);
}

static void source_is_noted_without_its_end_of_line(void **state)
{
	struct ft_arena a = {.magic = 0};
	char text[FT_COMM_BYTES] = "";
	FILE *f = fopen(SOURCE, "re");

	(void)state;
	if (f && !fgets(text, sizeof(text), f))
		text[0] = '\0';
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = '\0';
	ft_clock_fill(&a);
	assert_string_equal(a.clock_source, text);
#if defined(__x86_64__)
	if (strcmp(text, "tsc") != 0)
		assert_int_equal(a.clock, FT_CLOCK_MONOTONIC);
	if (!text[0])
		assert_int_equal(a.clock_why, FT_CLOCK_WHY_UNKNOWN);
#endif
}

/* The body: fills a header in a mount namespace where the source is another, and tells of it. */
static void fill_with(const char *source)
{
	struct ft_arena a = {.magic = 0};
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/.source", getenv("FASTTRACE_DIR"));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, source, strlen(source)) < 0 || unshare(CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(source[0] ? path : "/dev/null", SOURCE, NULL, MS_BIND, NULL)) {
		body_say('s');
		return;
	}
	close(fd);
	ft_clock_fill(&a);
	body_say((char)('0' + a.clock));
	body_say((char)('0' + a.clock_why));
	body_say(a.clock_source[0] ? a.clock_source[0] : '-');
	body_say(a.clock_hz == NS_PER_S && a.clock_ticks - a.clock_monotonic_ns + 1000 <= 2000
			 ? '.'
			 : '!');
}

static void body_hpet(void)
{
	fill_with("hpet\n");
}

static void body_long_name(void)
{
	fill_with("hyperv_clocksource_tsc_page\n");
}

static void body_nothing(void)
{
	fill_with("");
}

static const struct fixture_body bodies[] = {{"hpet", body_hpet},
					     {"long_name", body_long_name},
					     {"nothing", body_nothing},
					     {NULL, NULL}};

static void kernel_that_uses_no_tsc_is_heeded(void **state)
{
	static const struct {
		const char *body;
		char why, source;
	} table[] = {{"hpet", '0' + FT_CLOCK_WHY_SOURCE, 'h'},
		     {"long_name", '0' + FT_CLOCK_WHY_SOURCE, 'h'},
		     {"nothing", '0' + FT_CLOCK_WHY_UNKNOWN, '-'}};

	(void)state;
#if !defined(__x86_64__)
	print_message("SKIP: the source decides on x86 only\n");
	skip();
#endif
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		pid_t pid = fixture_spawn(table[i].body, NULL);
		int kind = fixture_hear();

		if (kind == 's') {
			print_message("SKIP: the clock source cannot be hidden here\n");
			skip();
		}
		assert_int_equal(kind, '0' + FT_CLOCK_MONOTONIC);
		assert_int_equal(fixture_hear(), table[i].why);
		assert_int_equal(fixture_hear(), table[i].source);
		assert_int_equal(fixture_hear(), '.');
		assert_int_equal(fixture_wait(pid), 0);
	}
}

int main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(tsc_is_a_clock_only_where_the_kernel_says_so),
		TEST(invariance_wants_its_leaf_and_its_bit),
		TEST(start_is_one_instant_of_three_clocks),
		TEST(instants_readings_belong_together),
		TEST(source_is_noted_without_its_end_of_line),
		TEST(kernel_that_uses_no_tsc_is_heeded),
	};
	int body = fixture_main(argc, argv, bodies);

	return body >= 0 ? body : cmocka_run_group_tests(tests, NULL, NULL);
}
