/* SPDX-License-Identifier: MIT */
/*
 * limit.c [ROUNDS] - figure `limit`: what it costs to do anything at all beside the floor of an event, a
 * read of the cycle counter and a store of 16 bytes: does a processor hide it behind the counter?
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <fasttrace.h>

enum { OPERATIONS = 50000, FLOOR_BYTES = 64 << 10, MAX_ROUNDS = 999 };

static unsigned char buffer[FLOOR_BYTES];
static uint64_t word[8] __attribute__((aligned(64)));

#define LOOP(name, ...)                                                     \
	__attribute__((noinline)) static void name(void)                    \
	{                                                                   \
		for (uint64_t i = 0; i < OPERATIONS; i++) {                 \
			uint64_t entry[2] = {fasttrace_clock_cycles(), i};  \
                                                                            \
			__VA_ARGS__;                                        \
			memcpy(buffer + (i * 16) % FLOOR_BYTES, entry, 16); \
			__asm__ volatile("" : : : "memory");                \
		}                                                           \
	}

/* None waits for another. */
#if defined(__x86_64__)
#define INSTRUCTION "lea 1(%1), %0\n"
#else
#define INSTRUCTION "add %0, %1, #1\n"
#endif
#define TEN                                                                                 \
	INSTRUCTION INSTRUCTION INSTRUCTION INSTRUCTION INSTRUCTION INSTRUCTION INSTRUCTION \
		INSTRUCTION INSTRUCTION INSTRUCTION
#define TEXT(text)                                          \
	do {                                                \
		uint64_t x;                                 \
                                                            \
		__asm__ volatile(text : "=&r"(x) : "r"(i)); \
		(void)x;                                    \
	} while (0)

LOOP(floor_alone, )
LOOP(instructions_20, TEXT(TEN TEN))
LOOP(instructions_40, TEXT(TEN TEN TEN TEN))
LOOP(compare, fasttrace_word_cas(word, word[0], word[0] + 3))
LOOP(locked, uint64_t old = word[0];
     __atomic_compare_exchange_n(word, &old, old + 3, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))

static const struct {
	const char *name;
	void (*loop)(void);
} limits[] = {
	{"20 instructions more", instructions_20},
	{"40 instructions more", instructions_40},
	{"a compare-and-swap more, as an owner's", compare},
	{"a locked compare-and-swap more", locked},
};

enum { LIMITS = sizeof(limits) / sizeof(*limits) };

static double values[LIMITS][2][MAX_ROUNDS];

/* ns for each operation, of processor time. */
static double run(void (*loop)(void))
{
	struct timespec a, b;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
	loop();
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / OPERATIONS;
}

static void print(const char *name, const char *subject, const char *label, const double *ns,
		  int rounds)
{
	printf("{\"figure\": \"limit\", \"case\": \"%s\", \"subject\": \"%s\", \"label\": \"%s\", "
	       "\"unit\": \"ns\", \"values\": [",
	       name, subject, label);
	for (int i = 0; i < rounds; i++)
		printf("%s%.3f", i ? ", " : "", ns[i]);
	puts("]}");
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 101;

	if (rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: limit [ROUNDS], 1 to %d\n", MAX_ROUNDS);
		return 2;
	}
	for (int i = 0; i < rounds; i++)
		for (int l = 0; l < LIMITS; l++) {
			values[l][0][i] = run(floor_alone);
			values[l][1][i] = run(limits[l].loop);
		}
	for (int l = 0; l < LIMITS; l++) {
		print(limits[l].name, "floor", "floor", values[l][0], rounds);
		print(limits[l].name, "none", "floor, with it", values[l][1], rounds);
	}
	return 0;
}
