/* SPDX-License-Identifier: MIT */
/*
 * usage.c - command lines: options, help, and messages.
 */
#include <stdarg.h>
#include <stdio.h>

#include "cmd.h"

#define WIPE "\r\033[K"

static char program[64] = "fasttrace"; /* in messages: "fasttrace COMMAND" */
static _Atomic bool line_shown;	       /* ft_report_over() has put one on the terminal */

static G_GNUC_PRINTF(1, 0) void report(const char *format, va_list args)
{
	char *text = g_strdup_vprintf(format, args);

	fprintf(stderr, "%s%s: %s\n", line_shown ? WIPE : "", program, text);
	line_shown = false;
	g_free(text);
}

void ft_report_over(const char *line)
{
	if (line)
		fprintf(stderr, "\r%s\033[K", line); /* what is equal does not flicker */
	else if (line_shown)
		fputs(WIPE, stderr);
	line_shown = line != NULL;
}

void ft_report(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
}

int ft_misused(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	report(format, args);
	va_end(args);
	fprintf(stderr, "Try '%s --help'\n", program);
	return FT_EXIT_USAGE;
}

int ft_print(const char *text)
{
	if (fputs(text, stdout) != EOF && !fflush(stdout))
		return EXIT_SUCCESS;
	ft_report("standard output: %s", strerror(errno));
	return EXIT_FAILURE;
}

static int help_print(const struct ft_usage *usage, GOptionContext *context)
{
	char *options = g_option_context_get_help(context, TRUE, NULL), *list, *text;
	int status;

	/* GLib's list alone: the rest as it is with our other program. */
	list = strstr(options, "Options:\n");
	list = g_strstrip(list ? list + strlen("Options:\n") : options);
	text = g_strdup_printf("Usage: %s%s %s\n\n%s\n\n  %s\n%s", program,
			       usage->entries ? " [OPTION]..." : "", usage->operands,
			       usage->summary, list, usage->more ? usage->more : "");
	status = ft_print(text);
	g_free(text);
	g_free(options);
	return status;
}

/* "Unknown option --x" as others say it: "unknown option --x". */
static int option_misused(const GError *error)
{
	char *text = g_strdup(error->message);
	int status;

	*text = g_ascii_tolower(*text);
	status = ft_misused("%s", text);
	g_free(text);
	return status;
}

bool ft_usage_parse(const struct ft_usage *usage, int argc, char **argv, GPtrArray *operands,
		    int *status)
{
	gboolean help = FALSE;
	const GOptionEntry more[] = {
		{"help", 'h', 0, G_OPTION_ARG_NONE, &help, "print this and exit", NULL},
		G_OPTION_ENTRY_NULL,
	};
	GOptionContext *context = g_option_context_new(NULL);
	GError *error = NULL;
	bool good, dashes = false;

	g_snprintf(program, sizeof(program), "fasttrace %s", usage->name);
	g_option_context_set_help_enabled(context, FALSE);
	if (usage->entries)
		g_option_context_add_main_entries(context, usage->entries, NULL);
	g_option_context_add_main_entries(context, more, NULL);
	good = g_option_context_parse(context, &argc, &argv, &error);
	if (!good) {
		*status = option_misused(error);
		g_error_free(error);
	} else if (help) {
		*status = help_print(usage, context);
	}
	g_option_context_free(context);
	for (int i = 1; good && i < argc; i++) {
		if (!dashes && !strcmp(argv[i], "--")) { /* GLib leaves it there, if at all */
			dashes = true;
			continue;
		}
		g_ptr_array_add(operands, argv[i]);
	}
	return good && !help;
}
