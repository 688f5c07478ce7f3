/* SPDX-License-Identifier: MIT */
/*
 * points.c - a program is killed at each label of the sources; what is read then must be what
 * points-table.h says, event by event and count by count.
 *
 *   points MODE [all]    the program at all its labels, in handlers or not; the reader; both.
 *                        all: everything with everything
 *
 * Only the crash build has labels: points.sh builds it and runs this.
 */
#include "points.h" /* first: what a label means, also in what is inlined */

#include "points-life.h"
#include "points-marker.h"
#include "points-pair.h"
#include "row.h"

/* A label that is in no table does not compile; one that is never reached, or now is, fails here. */
static void reach_check(enum fasttrace_buffer_mode mode, const char *marks)
{
	for (unsigned at = 1; at < POINTS; at++) {
		bool here =
			clock_is_raw || at != POINT_clock_learnt; /* where there is such a clock */
		char found[8] = "", expected[8] = "";
		const char *in_table = table[at].reach[mode];
		unsigned n = 0, k = 0;

		for (unsigned i = 0; marks[i]; i++) {
			if (reached[at][i])
				found[n++] = marks[i];
			if (strchr(in_table, marks[i]))
				expected[k++] = marks[i];
		}
		if (getenv("POINTS_REACH"))
			printf("reach %d %s %s\n", mode, table[at].name, found);
		else if (here && strcmp(found, expected))
			differs("%s is reached at \"%s\", expected \"%s\"", table[at].name, found,
				expected);
	}
}

/* So that what is forked later finds it so at its start. */
static void environment_set(const char *mode, char **argv)
{
	if (!dir_make(run_dir, sizeof(run_dir)))
		exit(1);
	setenv("FASTTRACE_DIR", run_dir, 1);
	setenv("FASTTRACE_MODE", mode, 1);
	setenv("FASTTRACE_SUBBUF_SIZE", "4096", 1);
	setenv("FASTTRACE_SUBBUFS", "2", 1);
	setenv("FASTTRACE_BLOCK_TIMEOUT", "1ms", 1);
	setenv("POINTS_DIR", run_dir, 1);
	execv("/proc/self/exe", argv);
	exit(1);
}

static const char *const modes[] = {"overwrite", "discard", "block"};

/* A part of the test, and its row: `kills` is its counter. */
static void part(enum fasttrace_buffer_mode mode, const char *fault,
		 void (*run_part)(enum fasttrace_buffer_mode, bool), bool all,
		 const uint64_t *count)
{
	uint64_t failures_before = failures, comparisons_before = comparisons;
	char text[100], tried[40];

	run_part(mode, all);
	snprintf(text, sizeof(text), "%s, %s", fault, modes[mode]);
	snprintf(tried, sizeof(tried), "%llu kills", (unsigned long long)*count);
	row(text, tried, "exact events and counts, from a table",
	    "%llu differences in %llu comparisons",
	    (unsigned long long)(failures - failures_before),
	    (unsigned long long)(comparisons - comparisons_before));
}

int main(int argc, char **argv)
{
	enum fasttrace_buffer_mode mode = FASTTRACE_OVERWRITE;
	bool all = argc > 2;

	while (argc > 1 && mode <= FASTTRACE_BLOCK && strcmp(argv[1], modes[mode]))
		mode++;
	if (argc < 2 || mode > FASTTRACE_BLOCK) {
		puts("to be run by points.sh");
		return 77;
	}
	if (!getenv("POINTS_DIR"))
		environment_set(argv[1], argv);
	snprintf(run_dir, sizeof(run_dir), "%s", getenv("POINTS_DIR"));
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	reader_page = mmap(NULL, sizeof(*reader_page) + 4096, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	writer_may = (uint32_t *)(reader_page + 1);
	writer_later = writer_may + 1;
	part(mode, "writer killed at each label, in 0, 1 and 2 handlers", writer_run, all, &kills);
	part(mode, "process killed at each label of its start, its threads and its end", life_run,
	     all, &life_kills);
	part(mode, "reader killed at each label, and the one that takes over", reader_run, all,
	     &reader_kills);
	part(mode, "consumer killed at each label of a marker, and the one that takes over",
	     marker_run, all, &marker_kills);
	part(mode, "both killed, each at a label of its own", pair_run, all, &pair_kills);
	reach_check(mode, "012r");
	rmdir(run_dir);
	return failures != 0;
}
