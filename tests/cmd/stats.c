/* SPDX-License-Identifier: MIT */
/*
 * stats.c - the traced program of stats.sh: spans in each way that they can lie.
 *
 *   stats THREADS ROUNDS   each thread traces so many times: nested, in itself, crossing; and one
 *                          begin and two ends alone
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fasttrace.h"

static unsigned rounds;

static void recurse(unsigned depth)
{
	FASTTRACE_SCOPE(test, inner, (depth, depth));
	if (depth)
		recurse(depth - 1);
}

static void *work(void *arg)
{
	int64_t thread = (intptr_t)arg;

	FASTTRACE_END(test, outer, (n, -1)); /* ours has not begun, whatever others did */
	for (unsigned n = 0; n < rounds; n++) {
		if (n % 64 == 0)
			FASTTRACE_BEGIN(test, phase, (n, n));
		FASTTRACE_BEGIN(test, outer, (n, n));
		recurse(n % 3);
		FASTTRACE_BEGIN(test, cross, (n, n));
		FASTTRACE_END(test, outer, (n, n));
		FASTTRACE(test, value, (sign, thread - (int64_t)n), (real, n / 4.0), (text, "no"));
		FASTTRACE_END(test, cross, (n, n));
		if (n % 64 == 63)
			FASTTRACE_END(test, phase, (n, n));
	}
	FASTTRACE_END(test, inner, (depth, -1));
	FASTTRACE_BEGIN(test, outer, (n, -1));
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t id[16];
	int threads = argc > 2 ? atoi(argv[1]) : 0;

	if (threads < 1 || threads > 16) {
		fprintf(stderr, "usage: stats THREADS ROUNDS\n");
		return 2;
	}
	rounds = (unsigned)strtoul(argv[2], NULL, 10);
	for (int i = 0; i < threads; i++)
		pthread_create(&id[i], NULL, work, (void *)(intptr_t)i);
	for (int i = 0; i < threads; i++)
		pthread_join(id[i], NULL);
	return 0;
}
