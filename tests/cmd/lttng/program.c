/* SPDX-License-Identifier: MIT */
/*
 * program.c [TICKS] - what LTTng-UST records: two threads, each event with each of its fields, then
 * as many ticks as there is no room for.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include <pthread.h>
#include <stdlib.h>

#include "events.h"

static void *some(void *arg)
{
	static const int numbers[] = {1, -2, 300, 4};
	static const uint16_t words[] = {1, 0x8000, 0xfffe, 4};

	for (int i = 0; i < 50; i++) {
		lttng_ust_tracepoint(lt, all, i, "say \"hello\"\tnow", i % 4, numbers, i * 1.1);
		lttng_ust_tracepoint(lt, tick, i);
		lttng_ust_tracepoint(lt, none);
		lttng_ust_tracepoint(lt, other, (unsigned)i % 5, words, "gr\303\274\303\237 dich",
				     0.1);
#define MANY_TRACE(name) lttng_ust_tracepoint(lt, name, i);
		MANY(MANY_TRACE)
	}
	return arg;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	some(NULL);
	pthread_create(&thread, NULL, some, NULL);
	pthread_join(thread, NULL);
	for (int i = 0; argc > 1 && i < atoi(argv[1]); i++)
		lttng_ust_tracepoint(lt, tick, i);
	return 0;
}
