/* SPDX-License-Identifier: MIT */
/*
 * options.c - the command line.
 */
#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ft-geometry.h"
#include "ft-rules.h"
#include "launch.h"

#define MAX_PERIOD 86400.0

enum {
	OPT_MODE = 256,
	OPT_SUBBUF_SIZE,
	OPT_SUBBUFS,
	OPT_EVENTS,
	OPT_DIR,
	OPT_SWITCH_PERIOD,
	OPT_ALLOW_OTHER,
	OPT_SPAWNED
};

static const struct option long_options[] = {
	{"mode", required_argument, NULL, OPT_MODE},
	{"subbuf-size", required_argument, NULL, OPT_SUBBUF_SIZE},
	{"subbufs", required_argument, NULL, OPT_SUBBUFS},
	{"events", required_argument, NULL, OPT_EVENTS},
	{"dir", required_argument, NULL, OPT_DIR},
	{"foreground", no_argument, NULL, 'f'},
	{"switch-period", required_argument, NULL, OPT_SWITCH_PERIOD},
	{"allow-other", no_argument, NULL, OPT_ALLOW_OTHER},
	{"spawned", no_argument, NULL, OPT_SPAWNED},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static const char help_text[] =
	"Usage: fasttracefs [OPTION]... MOUNT\n"
	"       fasttracefs [OPTION]... MOUNT -- PROGRAM [ARG]...\n"
	"\n"
	"Show traced programs, alive or dead, as a tree of files at the directory MOUNT.\n"
	"With PROGRAM, mount first, then become PROGRAM; the mount shows it and all its\n"
	"descendants that are linked with libfasttrace. Start with MOUNT/README.\n"
	"\n"
	"      --dir=DIR            directory of arenas; default $FASTTRACE_DIR, else\n"
	"                             /dev/shm/fasttrace-UID\n"
	"  -f, --foreground         stay in the foreground; not with PROGRAM\n"
	"      --switch-period=SECONDS\n"
	"                           while a reader of `stream` waits, deliver what is\n"
	"                             written that often; default 1; 0: never\n"
	"      --allow-other        let other users in, each to his own processes\n"
	"  -h, --help               print this and exit\n"
	"  -V, --version            print the version and exit\n"
	"\n"
	"For PROGRAM, in place of the environment variables:\n"
	"      --mode=MODE          overwrite, discard or block (FASTTRACE_MODE)\n"
	"      --subbuf-size=BYTES  a power of two, 4K to 16M (FASTTRACE_SUBBUF_SIZE)\n"
	"      --subbufs=COUNT      a power of two, 2 to 4096 (FASTTRACE_SUBBUFS)\n"
	"      --events=GLOBS       what to record: PROVIDER or PROVIDER:EVENT, in which\n"
	"                             * stands for any characters and ? for one; several\n"
	"                             with commas; !GLOB leaves out (FASTTRACE_EVENTS)\n"
	"\n"
	"Unmount with `fusermount3 -u MOUNT` or `umount MOUNT`. Exit status: 0; 1 it\n"
	"could not be mounted; 2 wrong usage; with PROGRAM its own, 126 when it cannot\n"
	"be executed, 127 when it is not found. More: fasttracefs(1), MOUNT/README.\n";

void ft_report(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	fprintf(stderr, "fasttracefs: %s\n", text);
	g_free(text);
}

static bool mode_set(struct ft_options *o, const char *value)
{
	o->mode = value;
	if (!strcmp(value, "overwrite") || !strcmp(value, "discard") || !strcmp(value, "block"))
		return true;
	ft_report("--mode=%s: expected overwrite, discard or block", value);
	return false;
}

static bool subbuf_size_set(struct ft_options *o, const char *value)
{
	uint64_t n;

	o->subbuf_size = value;
	if (ft_number_parse(value, strlen(value), &n) && ft_subbuf_valid(n))
		return true;
	ft_report("--subbuf-size=%s: expected " FT_SUBBUF_ACCEPTED, value);
	return false;
}

static bool subbufs_set(struct ft_options *o, const char *value)
{
	uint64_t n;

	o->subbufs = value;
	if (ft_number_parse(value, strlen(value), &n) && ft_subbufs_valid(n))
		return true;
	ft_report("--subbufs=%s: expected " FT_SUBBUFS_ACCEPTED, value);
	return false;
}

static bool events_set(struct ft_options *o, const char *value)
{
	o->events = value;
	if (ft_rules_valid((struct ft_span){value, strlen(value)}))
		return true;
	ft_report("--events=%s: expected " FT_RULES_ACCEPTED, value);
	return false;
}

static bool period_set(struct ft_options *o, const char *value)
{
	char *end;
	double seconds = g_ascii_strtod(value, &end);

	if (end != value && !*end && seconds >= 0 && seconds <= MAX_PERIOD) {
		o->switch_ns = (int64_t)(seconds * 1e9);
		return true;
	}
	ft_report("--switch-period=%s: expected seconds from 0, which is never, to 86400", value);
	return false;
}

static bool option_set(struct ft_options *o, int option)
{
	switch (option) {
	case OPT_MODE:
		return mode_set(o, optarg);
	case OPT_SUBBUF_SIZE:
		return subbuf_size_set(o, optarg);
	case OPT_SUBBUFS:
		return subbufs_set(o, optarg);
	case OPT_EVENTS:
		return events_set(o, optarg);
	case OPT_SWITCH_PERIOD:
		return period_set(o, optarg);
	case OPT_DIR:
		o->dir = optarg;
		if (*optarg)
			return true;
		ft_report("--dir=: expected a directory");
		return false;
	case OPT_ALLOW_OTHER:
		o->allow_other = true;
		return true;
	case OPT_SPAWNED:
		o->spawned = true;
		return true;
	case 'f':
		o->foreground = true;
		return true;
	default:
		return false; /* getopt has said why */
	}
}

static bool operands_set(struct ft_options *o, int argc, char **argv)
{
	int n = argc - optind;

	/* getopt eats a "--" that comes before MOUNT. */
	if (n < 1 || !argv[optind][0]) {
		ft_report("MOUNT is missing: expected a directory to mount on");
		return false;
	}
	o->mount = argv[optind];
	if (n == 1)
		return true;
	if (strcmp(argv[optind + 1], "--")) {
		ft_report("%s: expected nothing, or -- PROGRAM, after MOUNT; options come before "
			  "it",
			  argv[optind + 1]);
		return false;
	}
	if (n == 2) {
		ft_report("PROGRAM is missing after --");
		return false;
	}
	o->program = argv + optind + 2;
	return true;
}

static bool combination_check(const struct ft_options *o)
{
	const char *given = o->mode	     ? "--mode"
			    : o->subbuf_size ? "--subbuf-size"
			    : o->subbufs     ? "--subbufs"
			    : o->events	     ? "--events"
					     : NULL;

	if (!o->program && given) {
		ft_report("%s: is for PROGRAM, and there is none; expected MOUNT -- PROGRAM",
			  given);
		return false;
	}
	if (o->program && o->foreground) {
		ft_report("--foreground: expected no PROGRAM, which takes the foreground itself");
		return false;
	}
	return true;
}

/* Return: exit status. */
static int print(const char *text)
{
	if (fputs(text, stdout) != EOF && !fflush(stdout))
		return EXIT_SUCCESS;
	ft_report("standard output: %s", strerror(errno));
	return EXIT_FAILURE;
}

bool ft_options_parse(int argc, char **argv, struct ft_options *o, int *status)
{
	static char name[] = "fasttracefs"; /* what getopt says is of us, whatever our path is */
	int option;

	if (argc)
		argv[0] = name;
	*o = (struct ft_options){.switch_ns = INT64_C(1000000000)};
	*status = FT_EXIT_USAGE;
	/* "+": what comes after MOUNT is PROGRAM's. */
	while ((option = getopt_long(argc, argv, "+fhV", long_options, NULL)) != -1) {
		if (option == 'h' || option == 'V') {
			*status = print(option == 'h' ? help_text
						      : "fasttracefs " FASTTRACE_VERSION "\n");
			return false;
		}
		if (!option_set(o, option))
			goto usage;
	}
	if (operands_set(o, argc, argv) && combination_check(o))
		return true;
usage:
	fputs("Try 'fasttracefs --help'\n", stderr);
	return false;
}
