/* SPDX-License-Identifier: MIT */
/*
 * start-with.c - a program that is linked with libfasttrace, for tests/life/calls.c.
 *
 *     start-with [EVENTS]    records so many; default: none
 */
#include <stdlib.h>

#include <fasttrace.h>

int main(int argc, char **argv)
{
	for (int i = 0, n = argc > 1 ? atoi(argv[1]) : 0; i < n; i++)
		FASTTRACE(start, event, (value, i));
	return 0;
}
