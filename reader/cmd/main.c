/* SPDX-License-Identifier: MIT */
/*
 * main.c - fasttrace COMMAND: looks up the command.
 */
#include <stdio.h>

#include "cmd.h"

/* In the order of help. */
static const struct ft_command commands[] = {
	{"ls", "list traced processes, alive and dead", ft_ls},
	{"info", "show what an arena says of itself", ft_info},
	{"read", "print the events of traces", ft_read},
	{"stats", "count events, and tell how long spans took", ft_stats},
	{"export", "write the events of traces for other tools", ft_export},
	{"merge", "copy traces into one CTF folder", ft_merge},
	{"cut", "copy the events of a time into a CTF folder", ft_cut},
	{"control", "flush, clear, stop tracing, switch events", ft_control},
	{"snapshot", "copy what is in memory into a CTF trace", ft_snapshot},
	{"record", "write events into a CTF trace as they come", ft_record},
};

static char *help_text(void)
{
	GString *s = g_string_new("Usage: fasttrace COMMAND [OPTION]... SOURCE...\n"
				  "       fasttrace COMMAND --help\n"
				  "\n"
				  "Read, control and record what programs linked with libfasttrace "
				  "trace.\n"
				  "\n");

	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		g_string_append_printf(s, "  %-10s %s\n", commands[i].name, commands[i].summary);
	g_string_append(s,
			"\n"
			"  -h, --help     print this and exit\n"
			"  -V, --version  print the version and exit\n"
			"\n"
			"A SOURCE is a process id; the file of an arena; the folder of a process "
			"in\n"
			"a mount of fasttracefs, or its root; a directory of arenas; or a folder "
			"with\n"
			"a CTF trace. Exit status: 0; 1 something failed; 2 wrong usage. More:\n"
			"fasttrace(1).\n");
	return g_string_free(s, FALSE);
}

static int help_print(void)
{
	char *text = help_text();
	int status = ft_print(text);

	g_free(text);
	return status;
}

static int command_run(int argc, char **argv)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (!strcmp(argv[0], commands[i].name))
			return commands[i].run(argc, argv);
	return ft_misused("%s: expected a command: see the list in --help",
			  *argv[0] ? argv[0] : "''");
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	bool help = !strcmp(name, "help");

	if (argc < 2) {
		char *text = help_text();

		fputs(text, stderr);
		g_free(text);
		return FT_EXIT_USAGE;
	}
	if (!strcmp(name, "--help") || !strcmp(name, "-h") || (help && argc == 2))
		return help_print();
	if (!strcmp(name, "--version") || !strcmp(name, "-V"))
		return ft_print("fasttrace " FASTTRACE_VERSION "\n");
	if (help) /* "help read" is "read --help" */
		return command_run(2, (char *[]){argv[2], (char *)"--help", NULL});
	return command_run(argc - 1, argv + 1);
}
