/* SPDX-License-Identifier: MIT */
/*
 * instructions.c - loops of events whose instructions instructions.sh has valgrind count.
 *
 *     instructions EVENTS...
 *
 * Each loop is called with each number of EVENTS. What a loop itself takes, loop_none() takes too.
 * Exit status 77 where it is not the straight path that would be counted.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <fasttrace.h>

#define BARRIER() __asm__ volatile("" : : : "memory") /* what is loaded may have changed */

/* So many events; called twice, so that the difference is theirs alone. */
#define LOOP(name, ...)                                               \
	__attribute__((noinline)) static void loop_##name(uint64_t n) \
	{                                                             \
		for (uint64_t i = 0; i < n; i++) {                    \
			__VA_ARGS__;                                  \
			BARRIER();                                    \
		}                                                     \
	}

static const char *volatile text = "sixteen bytes .";
static volatile uint64_t x; /* sixteen loads: the same value twice would be stored as a vector */

/* clang-format off */
LOOP(none, )
LOOP(off, FASTTRACE(count_off, event, (value, i)))
LOOP(u64, FASTTRACE(count, u64, (value, i)))
LOOP(four, FASTTRACE(count, four, (a, i), (b, (uint32_t)i), (c, (int)i), (d, i + 1)))
LOOP(literal, FASTTRACE(count, literal, (text, "sixteen bytes .")))
LOOP(string, FASTTRACE(count, string, (text, text)))
LOOP(sixteen, FASTTRACE(count, sixteen, (a, x), (b, x), (c, x), (d, x), (e, x), (f, x), (g, x),
			(h, x), (i, x), (j, x), (k, x), (l, x), (m, x), (n, x), (o, x), (p, x)))
LOOP(scope, FASTTRACE_SCOPE(count, scope))
/* clang-format on */

static void (*const loops[])(uint64_t) = {loop_none,	loop_off,    loop_u64,	   loop_four,
					  loop_literal, loop_string, loop_sixteen, loop_scope};

enum { LOOPS = sizeof(loops) / sizeof(*loops) };

int main(int argc, char **argv)
{
	for (int l = 0; l < LOOPS; l++)
		loops[l](1); /* registers its event; the first one makes the ring */
	if (!fasttrace_self->slot) {
		puts("events are not recorded here");
		return 1;
	}
	if (!fasttrace_self->straight) {
		puts("no straight path: membarrier(2) is refused, or the cycle counter is no "
		     "clock");
		return 77;
	}
	for (int i = 1; i < argc; i++)
		for (int l = 0; l < LOOPS; l++)
			loops[l](strtoull(argv[i], NULL, 10));
	return 0;
}
