/* SPDX-License-Identifier: MIT */
/*
 * row.h - a line for the table of docs/reliability.md (tests/reliability.sh collects them).
 */
#ifndef ROW_H
#define ROW_H

#include <stdarg.h>
#include <stdio.h>

/**
 * row() - say what was really tried and found; also when the test fails.
 * @fault:    what was done to it, in a few words, no tab and no bar.
 * @tried:    how often, with its unit: "200 kills".
 * @promised: what a user may count on.
 * @found:    a format: what came out, in numbers that were counted.
 */
__attribute__((format(printf, 4, 5))) static inline void
row(const char *fault, const char *tried, const char *promised, const char *found, ...)
{
	va_list args;

	printf("row\t%s\t%s\t%s\t", fault, tried, promised);
	va_start(args, found);
	vprintf(found, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

#endif
