/* SPDX-License-Identifier: MIT */
/* test_config.c - the environment: defaults, good values, and the line that a bad one costs. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "environment.h"
#include "fixture.h"
#include "ft-tracer.h"

#define TIMEOUT "FASTTRACE_BLOCK_TIMEOUT"
#define MEMORY	"FASTTRACE_MAX_MEMORY"
#define DEEP	10 /* folders of 250 letters */

static struct ft_config config;
static char said[65536]; /* on stderr, by the last call */
static int home = -1;	 /* where the tests began */

static int nothing_set(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENVIRONMENT_NAMES; i++)
		unsetenv(environment_names[i]);
	home = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return home < 0 ? -1 : fixture_setup(state) || unsetenv("FASTTRACE_DIR");
}

static int back_home(void **state)
{
	int err = fchdir(home);

	close(home);
	return fixture_teardown(state) || err ? -1 : 0;
}

static void get(void)
{
	int ends[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_true(saved >= 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	ft_config_get(&config);
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = read(ends[0], said, sizeof(said) - 1);
	said[n > 0 ? n : 0] = '\0';
	close(ends[0]);
	close(ends[1]);
}

static void get_with(const char *name, const char *value)
{
	setenv(name, value, 1);
	get();
	unsetenv(name);
}

static void assert_silent(const char *name, const char *value)
{
	if (said[0])
		fail_msg("%s='%s' was complained of: %s", name, value, said);
}

/* One line, which names the variable with its value, and what is accepted. */
static void assert_complaint(const char *name, const char *value, const char *accepted)
{
	char what[8192];

	snprintf(what, sizeof(what), "%s=%s", name, value);
	if (!strstr(said, what))
		fail_msg("%s is not named in '%s'", what, said);
	if (!strstr(said, accepted))
		fail_msg("'%s' does not say: %s", said, accepted);
	if (strchr(said, '\n') != said + strlen(said) - 1)
		fail_msg("'%s' is not one line", said);
}

static void assert_defaults(void)
{
	char dir[64];

	snprintf(dir, sizeof(dir), "/dev/shm/fasttrace-%u", (unsigned)geteuid());
	assert_false(config.off);
	assert_int_equal(config.mode, FT_OVERWRITE);
	assert_int_equal(config.subbuf_bytes, 128 << 10);
	assert_int_equal(config.subbufs, 8);
	assert_int_equal(config.max_bytes, 256 << 20);
	assert_int_equal(config.block_timeout_ns, 2000000000);
	assert_string_equal(config.dir, dir);
	assert_string_equal(config.mount, "");
}

static void assert_refused(const char *name, const char *value, const char *accepted)
{
	get_with(name, value);
	assert_complaint(name, value, accepted);
	assert_defaults();
}

static void nothing_set_gives_the_defaults(void **state)
{
	(void)state;
	get();
	assert_silent("nothing", "");
	assert_defaults();
}

static void empty_values_are_as_good_as_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENVIRONMENT_NAMES; i++) {
		get_with(environment_names[i], "");
		assert_silent(environment_names[i], "");
		assert_defaults();
	}
}

static void tracing_is_on_or_off(void **state)
{
	(void)state;
	get_with("FASTTRACE", "on");
	assert_silent("FASTTRACE", "on");
	assert_defaults();
	get_with("FASTTRACE", "off");
	assert_silent("FASTTRACE", "off");
	assert_true(config.off);
	assert_refused("FASTTRACE", "bogus", "on or off");
	assert_refused("FASTTRACE", "OFF", "on or off");
	assert_refused("FASTTRACE", "offf", "on or off");
}

static void mode_is_one_of_three(void **state)
{
	static const char *const modes[] = {"overwrite", "discard", "block"};
	static const char *const bad[] = {"Block", "over", "overwrite ", "0"};

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		get_with("FASTTRACE_MODE", modes[i]);
		assert_silent("FASTTRACE_MODE", modes[i]);
		assert_int_equal(config.mode, i);
	}
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_refused("FASTTRACE_MODE", bad[i], "overwrite, discard or block");
}

static void block_timeout_takes_times_with_units(void **state)
{
	static const struct {
		const char *value;
		uint64_t ns;
	} good[] = {{"2s", 2000000000},
		    {"500ms", 500000000},
		    {"10us", 10000},
		    {"7ns", 7},
		    {"1", 1000000000},
		    {"inf", UINT64_MAX},
		    {"0", 0},
		    {"0ms", 0},
		    {"0003s", 3000000000},
		    {"18446744073s", UINT64_C(18446744073000000000)}};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		get_with(TIMEOUT, good[i].value);
		assert_silent(TIMEOUT, good[i].value);
		assert_int_equal(config.block_timeout_ns, good[i].ns);
	}
}

static void events_take_globs(void **state)
{
	char longest[FT_EVENTS_MAX + 1];

	(void)state;
	get();
	assert_string_equal(config.events, "");
	get_with("FASTTRACE_EVENTS", "shop:*,!shop:cache_?");
	assert_silent("FASTTRACE_EVENTS", "shop:*,!shop:cache_?");
	assert_string_equal(config.events, "shop:*,!shop:cache_?");
	get_with("FASTTRACE_EVENTS", "shop:[ab]");
	assert_refused(
		"FASTTRACE_EVENTS", "shop:[ab]",
		"globs of PROVIDER:EVENT with * and ?, separated by commas, !GLOB to exclude");
	assert_string_equal(config.events, "");
	memset(longest, 'a', sizeof(longest));
	longest[FT_EVENTS_MAX] = '\0';
	get_with("FASTTRACE_EVENTS", longest);
	assert_refused("FASTTRACE_EVENTS", longest, "4095 bytes at most");
	assert_string_equal(config.events, "");
	longest[FT_EVENTS_MAX - 1] = '\0';
	get_with("FASTTRACE_EVENTS", longest);
	assert_string_equal(config.events, longest);
}

static void block_timeout_that_is_no_time_is_refused(void **state)
{
	static const char *const bad[] = {"2m",
					  "-1",
					  "s",
					  "1.5s",
					  "2 s",
					  "2s ",
					  "soon",
					  "infinite",
					  "+2s",
					  " 2s",
					  "2S",
					  "18446744074s",
					  "18446744073709551616ns",
					  "99999999999999999999999999999999s"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_refused(TIMEOUT, bad[i], "a time such as 2s or 500ms, or inf");
}

static void sizes_take_suffixes(void **state)
{
	static const struct {
		const char *value;
		uint64_t bytes;
	} subbuf[] = {{"4096", 4096},
		      {"4K", 4096},
		      {"64k", 65536},
		      {"1M", 1 << 20},
		      {"16m", 16 << 20}},
	  memory[] = {{"65536", 65536}, {"100000", 100000}, {"64K", 65536},
		      {"3M", 3 << 20},	{"1g", 1 << 30},    {"1024G", UINT64_C(1) << 40}},
	  subbufs[] = {{"2", 2}, {"64", 64}, {"4096", 4096}, {"4K", 4096}};

	(void)state;
	for (size_t i = 0; i < sizeof(subbuf) / sizeof(*subbuf); i++) {
		get_with("FASTTRACE_SUBBUF_SIZE", subbuf[i].value);
		assert_silent("FASTTRACE_SUBBUF_SIZE", subbuf[i].value);
		assert_int_equal(config.subbuf_bytes, subbuf[i].bytes);
	}
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++) {
		get_with(MEMORY, memory[i].value);
		assert_silent(MEMORY, memory[i].value);
		assert_int_equal(config.max_bytes, memory[i].bytes);
	}
	for (size_t i = 0; i < sizeof(subbufs) / sizeof(*subbufs); i++) {
		get_with("FASTTRACE_SUBBUFS", subbufs[i].value);
		assert_silent("FASTTRACE_SUBBUFS", subbufs[i].value);
		assert_int_equal(config.subbufs, subbufs[i].bytes);
	}
}

static void sizes_out_of_range_are_refused(void **state)
{
	static const char *const subbuf[] = {"0", "2048", "2K", "4095", "32M", "1G"};
	static const char *const subbufs[] = {"0", "1", "8192", "8K"};
	static const char *const memory[] = {"0", "65535", "63K", "1025G"};

	(void)state;
	for (size_t i = 0; i < sizeof(subbuf) / sizeof(*subbuf); i++)
		assert_refused("FASTTRACE_SUBBUF_SIZE", subbuf[i], "a power of two from 4K to 16M");
	for (size_t i = 0; i < sizeof(subbufs) / sizeof(*subbufs); i++)
		assert_refused("FASTTRACE_SUBBUFS", subbufs[i], "a power of two from 2 to 4096");
	for (size_t i = 0; i < sizeof(memory) / sizeof(*memory); i++)
		assert_refused(MEMORY, memory[i], "a size from 64K to 1024G");
}

static void geometry_that_is_no_power_of_two_is_refused(void **state)
{
	(void)state;
	assert_refused("FASTTRACE_SUBBUF_SIZE", "5000", "a power of two");
	assert_refused("FASTTRACE_SUBBUF_SIZE", "12K", "a power of two");
	assert_refused("FASTTRACE_SUBBUFS", "3", "a power of two");
	assert_refused("FASTTRACE_SUBBUFS", "4095", "a power of two");
}

static void sizes_that_overflow_are_refused(void **state)
{
	static const char *const bad[] = {
		"18446744073709551616", "18446744073709617152",
		"18014398509482048K",	"17592186044417M",
		"17179869185G",		"99999999999999999999999999999999999999"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_refused(MEMORY, bad[i], "a size from 64K to 1024G");
}

static void sizes_that_are_no_numbers_are_refused(void **state)
{
	static const char *const bad[] = {"1T",	 "64KB", "64KiB", "K",	      "-1",   "+1G",
					  " 1G", "1 G",	 "1G ",	  "0x100000", "1.5G", "lots"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_refused(MEMORY, bad[i], "a size from 64K to 1024G");
}

static void a_blank_is_no_suffix(void **state)
{
	(void)state;
	assert_refused(MEMORY, "1 ", "a size from 64K to 1024G");
}

static void absolute_paths_are_taken_as_they_are(void **state)
{
	(void)state;
	get_with("FASTTRACE_DIR", "/some/where");
	assert_silent("FASTTRACE_DIR", "/some/where");
	assert_string_equal(config.dir, "/some/where");
	assert_string_equal(config.mount, "");
	get_with("FASTTRACE_MOUNT", "/mnt/trace");
	assert_silent("FASTTRACE_MOUNT", "/mnt/trace");
	assert_string_equal(config.mount, "/mnt/trace");
}

static void relative_paths_become_absolute(void **state)
{
	char want[PATH_MAX];

	(void)state;
	assert_int_equal(chdir(fixture_dir), 0);
	snprintf(want, sizeof(want), "%s/arenas/here", fixture_dir);
	get_with("FASTTRACE_DIR", "arenas/here");
	assert_silent("FASTTRACE_DIR", "arenas/here");
	assert_string_equal(config.dir, want);
	snprintf(want, sizeof(want), "%s/m", fixture_dir);
	get_with("FASTTRACE_MOUNT", "m");
	assert_silent("FASTTRACE_MOUNT", "m");
	assert_string_equal(config.mount, want);
}

static void relative_path_is_refused_where_there_is_no_working_directory(void **state)
{
	char gone[128];

	(void)state;
	snprintf(gone, sizeof(gone), "%s/gone", fixture_dir);
	assert_int_equal(mkdir(gone, 0700), 0);
	assert_int_equal(chdir(gone), 0);
	assert_int_equal(rmdir(gone), 0);
	get_with("FASTTRACE_DIR", "arenas");
	assert_defaults();
	assert_complaint("FASTTRACE_DIR", "arenas", "expected");
}

static void path_that_is_too_long_is_refused(void **state)
{
	char path[PATH_MAX];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	assert_refused("FASTTRACE_DIR", path, "a shorter path");
	assert_refused("FASTTRACE_MOUNT", path, "a shorter path");
}

/* Cut at the end, it would be another path. */
static void relative_path_is_not_cut_in_a_deep_folder(void **state)
{
	char name[251], path[2001], cwd[2 * PATH_MAX];
	int depth;

	(void)state;
	memset(name, 'd', 250);
	name[250] = '\0';
	memset(path, 'p', 2000);
	path[2000] = '\0';
	assert_int_equal(chdir(fixture_dir), 0);
	for (depth = 0; depth < DEEP && !mkdir(name, 0700) && !chdir(name); depth++)
		;
	if (getcwd(cwd, PATH_MAX))
		get_with("FASTTRACE_DIR", path);
	for (int i = 0; i < depth; i++)
		if (!chdir(".."))
			rmdir(name);
	assert_int_equal(depth, DEEP);
	strcat(strcat(cwd, "/"), path);
	if (strcmp(config.dir, cwd)) {
		assert_defaults();
		assert_complaint("FASTTRACE_DIR", path, "a shorter path");
	}
}

static void value_of_any_length_leaves_one_line_that_says_what_is_accepted(void **state)
{
	char path[6001];

	(void)state;
	memset(path, 'x', 6000);
	path[6000] = '\0';
	get_with("FASTTRACE_DIR", path);
	assert_defaults();
	assert_non_null(strstr(said, "FASTTRACE_DIR=xxx")); /* the value may be cut */
	assert_non_null(strstr(said, "a shorter path"));
	assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void each_bad_value_costs_a_line(void **state)
{
	unsigned lines = 0;

	(void)state;
	setenv("FASTTRACE_MODE", "a", 1);
	setenv(TIMEOUT, "b", 1);
	setenv(MEMORY, "c", 1);
	setenv("FASTTRACE_SUBBUFS", "16", 1);
	get();
	for (const char *p = said; (p = strchr(p, '\n')); p++)
		lines++;
	assert_int_equal(lines, 3);
	assert_non_null(strstr(said, "FASTTRACE_MODE=a: "));
	assert_non_null(strstr(said, "FASTTRACE_BLOCK_TIMEOUT=b: "));
	assert_non_null(strstr(said, "FASTTRACE_MAX_MEMORY=c: "));
	assert_int_equal(config.subbufs, 16); /* the good one counts */
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, nothing_set, back_home)
	const struct CMUnitTest tests[] = {
		TEST(nothing_set_gives_the_defaults),
		TEST(empty_values_are_as_good_as_none),
		TEST(tracing_is_on_or_off),
		TEST(mode_is_one_of_three),
		TEST(events_take_globs),
		TEST(block_timeout_takes_times_with_units),
		TEST(block_timeout_that_is_no_time_is_refused),
		TEST(sizes_take_suffixes),
		TEST(sizes_out_of_range_are_refused),
		TEST(geometry_that_is_no_power_of_two_is_refused),
		TEST(sizes_that_overflow_are_refused),
		TEST(sizes_that_are_no_numbers_are_refused),
		TEST(a_blank_is_no_suffix),
		TEST(absolute_paths_are_taken_as_they_are),
		TEST(relative_paths_become_absolute),
		TEST(relative_path_is_refused_where_there_is_no_working_directory),
		TEST(path_that_is_too_long_is_refused),
		TEST(relative_path_is_not_cut_in_a_deep_folder),
		TEST(value_of_any_length_leaves_one_line_that_says_what_is_accepted),
		TEST(each_bad_value_costs_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
