/* SPDX-License-Identifier: MIT */
/*
 * points.c - a program is killed at each label of the sources; what is read then must be what
 * points-table.h says, event by event and count by count.
 *
 *   points writer MODE [all]   the program, in a handler or two, or after them
 *
 * Only the crash build has labels: points.sh builds it and runs this.
 */
#include "points.h" /* first: what a label means, also in what is inlined */

#include "points-life.h"
#include "row.h"

/* A label that is in no table does not compile; one that is never reached, or now is, fails here. */
static void reach_check(enum fasttrace_buffer_mode mode, const char *marks)
{
	for (unsigned at = 1; at < POINTS; at++) {
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
		else if (strcmp(found, expected))
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

static void writer_report(enum fasttrace_buffer_mode mode)
{
	char fault[80], tried[80];
	unsigned labels = 0;

	for (unsigned at = 1; at < POINTS; at++)
		labels += reached[at][0] || reached[at][1] || reached[at][2];
	snprintf(fault, sizeof(fault), "writer killed at each label, %s", modes[mode]);
	snprintf(tried, sizeof(tried), "%u labels, in 0, 1 and 2 handlers: %llu kills", labels,
		 (unsigned long long)kills);
	row(fault, tried, "exact events and counts, from a table",
	    "%llu differences in %llu comparisons", (unsigned long long)failures,
	    (unsigned long long)comparisons);
}

int main(int argc, char **argv)
{
	enum fasttrace_buffer_mode mode = FASTTRACE_OVERWRITE;

	while (argc > 2 && mode <= FASTTRACE_BLOCK && strcmp(argv[2], modes[mode]))
		mode++;
	if (argc < 3 || mode > FASTTRACE_BLOCK) {
		puts("to be run by points.sh");
		return 77;
	}
	if (!getenv("POINTS_DIR"))
		environment_set(argv[2], argv);
	snprintf(run_dir, sizeof(run_dir), "%s", getenv("POINTS_DIR"));
	run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	life_run(mode);
	writer_run(mode, argc > 3);
	reach_check(mode, "012");
	writer_report(mode);
	rmdir(run_dir);
	return failures != 0;
}
