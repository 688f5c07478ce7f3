/* SPDX-License-Identifier: MIT */
/*
 * now.c - the time that the daemon lives by. In a file of its own: a test brings another.
 */
#include <time.h>

#include "loop.h"

int64_t ft_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * FT_NS_PER_S + ts.tv_nsec;
}
