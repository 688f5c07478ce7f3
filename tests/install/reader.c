/* SPDX-License-Identifier: MIT */
/* reader.c - anybody's reader: compiled against the installed <fasttrace-reader.h>. */
#include <fasttrace-reader.h>

int main(void)
{
	struct fasttrace_arena *arena = NULL;
	const char *why = NULL;

	/* Opening what is no arena is an error, in words. */
	if (!fasttrace_arena_open(-100, "/dev/null", 0, &arena, &why) || !why)
		return 1;
	return !fasttrace_reader_version();
}
