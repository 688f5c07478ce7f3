/* SPDX-License-Identifier: MIT */
/*
 * spans.c - a traced program with spans as they should be, and as they should not. It kills
 * itself, so that its arena stays.
 *
 *   spans THREADS [N]   each of them: 100 spans with one within, instants, counters; before that N
 *                       begins, and a third as many ends
 */
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "fasttrace.h"

static void *work(void *arg)
{
	for (int i = 0; i < 100; i++) {
		FASTTRACE_BEGIN(work, outer, (i, i));
		FASTTRACE_COUNTER(work, depth, i % 7 - 3);
		FASTTRACE_BEGIN(work, inner, (text, "\"\"\\,\n\xff"), (half, i / 2.0));
		FASTTRACE(work, step, (i, i));
		FASTTRACE_END(work, inner);
		FASTTRACE_COUNTER(work, load, i / 8.0);
		FASTTRACE_END(work, outer);
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t threads[16];
	int n = argc > 1 ? atoi(argv[1]) : 0;

	if (n > 16)
		return 2;
	for (int i = 0; argc > 2 && i < atoi(argv[2]); i++)
		FASTTRACE_BEGIN(odd, deep, (i, i));
	for (int i = 0; argc > 2 && i < atoi(argv[2]) / 3; i++)
		FASTTRACE_END(odd, deep);
	for (int i = 0; i < n; i++)
		if (pthread_create(&threads[i], NULL, work, NULL))
			return 1;
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	FASTTRACE_END(odd, never);
	FASTTRACE_BEGIN(odd, a);
	FASTTRACE_BEGIN(odd, b);
	FASTTRACE_END(odd, a); /* and so of b */
	FASTTRACE_END(odd, b);
	FASTTRACE_BEGIN(odd, again);
	FASTTRACE_BEGIN(odd, again);
	FASTTRACE_END(odd, again);
	FASTTRACE_END(odd, again);
	FASTTRACE(odd, begin);
	FASTTRACE_COUNTER(odd, none, NAN);
	FASTTRACE_COUNTER(odd, all, INFINITY);
	FASTTRACE_COUNTER(odd, most, UINT64_MAX);
	FASTTRACE_BEGIN(odd, open);
	return raise(SIGKILL);
}
