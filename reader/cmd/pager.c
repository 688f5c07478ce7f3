/* SPDX-License-Identifier: MIT */
/*
 * pager.c - a pager, and colours, as git and systemd have them.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd.h"
#include "pager.h"

/* Leave at once if it fits on the screen, let colours through, leave the text standing. */
#define LESS "FRX"

static const char *pager_name(const char **variable)
{
	static const char *const variables[] = {"FASTTRACE_PAGER", "PAGER"};

	for (size_t i = 0; i < G_N_ELEMENTS(variables); i++) {
		const char *name = getenv(variables[i]);

		*variable = variables[i];
		if (name)
			return name;
	}
	*variable = NULL;
	return "less";
}

/* Words, or, if it is more than these, a shell's command. */
static char **pager_words(const char *name, GError **error)
{
	char *shell[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)name, NULL};
	char **words = NULL;

	if (strpbrk(name, "|&;<>()$`*?[#~=%\n"))
		return g_strdupv(shell);
	return g_shell_parse_argv(name, NULL, &words, error) ? words : NULL;
}

static bool pager_spawn(struct ft_pager *pager, const char *name, GError **error)
{
	char **words = pager_words(name, error), **env;
	GPid pid;
	bool good;
	int fd;

	if (!words)
		return false;
	env = g_environ_setenv(g_get_environ(), "LESS", LESS, FALSE);
	good = g_spawn_async_with_pipes(NULL, words, env,
					G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
					&pid, &fd, NULL, NULL, error);
	g_strfreev(env);
	g_strfreev(words);
	if (good)
		*pager = (struct ft_pager){pid, fd};
	return good;
}

void ft_pager_begin(struct ft_pager *pager)
{
	GError *error = NULL;
	const char *variable, *name = pager_name(&variable);

	*pager = (struct ft_pager){0, STDOUT_FILENO};
	if (!isatty(STDOUT_FILENO) || !*name || !strcmp(name, "cat"))
		return;
	if (pager_spawn(pager, name, &error))
		return;
	if (variable)
		ft_report("%s=%s: %s: expected a program to read with, or cat", variable, name,
			  error->message);
	g_error_free(error); /* no less: what there is scrolls by */
}

void ft_pager_end(struct ft_pager *pager)
{
	if (!pager->pid)
		return;
	close(pager->fd);
	while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
		continue; /* ^C is the pager's */
	pager->pid = 0;
}

bool ft_colour_wanted(const char *when)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (when && strcmp(when, "auto"))
		return !strcmp(when, "always");
	return isatty(STDOUT_FILENO) && !(no && *no) && term && *term && strcmp(term, "dumb");
}
