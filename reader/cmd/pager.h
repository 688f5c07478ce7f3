/* SPDX-License-Identifier: MIT */
/*
 * pager.h - text that may be longer than the terminal.
 */
#ifndef FT_PAGER_H
#define FT_PAGER_H

#include <stdbool.h>
#include <sys/types.h>

struct ft_pager {
	pid_t pid; /* 0: there is none */
	int fd;	   /* where the text goes */
};

/**
 * ft_pager_begin() - of FASTTRACE_PAGER, else PAGER, else less, if standard output is a terminal.
 * @fd of it is standard output if there is none: "cat" and "" stand for that. One that cannot be
 * run is told of. To be called before signals are caught, for the pager inherits what is ignored.
 */
void ft_pager_begin(struct ft_pager *pager);
/** ft_pager_end() - no more comes: wait until its user has seen it. */
void ft_pager_end(struct ft_pager *pager);
/** ft_colour_wanted() - on standard output, by NO_COLOR and TERM. @when: --color's; NULL: auto. */
bool ft_colour_wanted(const char *when);

#endif
