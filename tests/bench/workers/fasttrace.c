/* SPDX-License-Identifier: MIT */
/*
 * fasttrace.c [FLOOR_BYTES] - events, and the least they could cost on this machine.
 *
 * The floor of an event is a read of the cycle counter and a store of 16 bytes into a buffer of
 * FLOOR_BYTES, a power of two, over and over: as much as an event with one u64 field has to record.
 * That of an event that is off is a load of a word and a branch. Events of `bench_off` are to be off.
 */
#include <fasttrace.h>

#include "worker.h"

static unsigned char *buffer;
static size_t buffer_bytes, filled;
static uint32_t off_word;
static uint64_t evaluated; /* fields of events that should be off */
static const char text[] = "sixteen letters.";

static void floor_loop(uint64_t n)
{
	size_t at = filled;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t entry[2] = {fasttrace_clock_cycles(), i};

		memcpy(buffer + at, entry, 16);
		at = (at + 16) & (buffer_bytes - 1);
		WORKER_BARRIER();
	}
	filled = at;
}

static void one_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		FASTTRACE(bench, one, (value, i));
}

static void four_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		FASTTRACE(bench, four, (a, (int)i), (b, (int)i + 1), (c, (int)i + 2),
			  (d, (int)i + 3));
}

static void string_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		const char *s = text;

		__asm__("" : "+r"(s)); /* its length is not known */
		FASTTRACE(bench, string, (text, s));
	}
}

static void sixteen_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		FASTTRACE(bench, sixteen, (f0, i), (f1, i + 1), (f2, i + 2), (f3, i + 3),
			  (f4, i + 4), (f5, i + 5), (f6, i + 6), (f7, i + 7), (f8, i + 8),
			  (f9, i + 9), (f10, i + 10), (f11, i + 11), (f12, i + 12), (f13, i + 13),
			  (f14, i + 14), (f15, i + 15));
}

static void scope_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		FASTTRACE_SCOPE(bench, scope, (value, i));
		WORKER_BARRIER();
	}
}

/* What a scope records, as two events. */
static void two_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		FASTTRACE(bench, first, (value, i));
		WORKER_BARRIER();
		FASTTRACE(bench, second);
	}
}

static void off_floor_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		if (__atomic_load_n(&off_word, __ATOMIC_RELAXED))
			evaluated += i;
		WORKER_BARRIER();
	}
}

static void off_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		FASTTRACE(bench_off, loop, (value, (evaluated++, i)));
		WORKER_BARRIER();
	}
}

__attribute__((noinline)) static uint64_t off_floor_once(uint64_t i)
{
	if (__atomic_load_n(&off_word, __ATOMIC_RELAXED))
		evaluated += i;
	WORKER_BARRIER();
	return i + 1;
}

__attribute__((noinline)) static uint64_t off_once(uint64_t i)
{
	FASTTRACE(bench_off, call, (value, (evaluated++, i)));
	WORKER_BARRIER();
	return i + 1;
}

static void off_floor_call_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n;)
		i = off_floor_once(i);
}

static void off_call_loop(uint64_t n)
{
	for (uint64_t i = 0; i < n;)
		i = off_once(i);
}

static const struct worker_kind kinds[] = {
	{"floor", floor_loop},	     {"one", one_loop},
	{"four", four_loop},	     {"string", string_loop},
	{"sixteen", sixteen_loop},   {"scope", scope_loop},
	{"two", two_loop},	     {"off_floor", off_floor_loop},
	{"off", off_loop},	     {"off_floor_call", off_floor_call_loop},
	{"off_call", off_call_loop}, {0}};

int main(int argc, char **argv)
{
	uint64_t recorded = 0;
	int code;

	buffer_bytes = argc > 1 ? strtoull(argv[1], NULL, 0) : 1 << 20;
	buffer = calloc(1, buffer_bytes);
	if (!buffer || buffer_bytes < 16 || buffer_bytes & (buffer_bytes - 1))
		return worker_serve(kinds, "FLOOR_BYTES is no power of two, or more than there is");
	FASTTRACE(bench, one, (value, ++recorded));
	code = worker_serve(kinds, recorded ? NULL : "events are not recorded");
	if (evaluated)
		fputs("events that were to be off were on\n", stderr);
	free(buffer);
	return evaluated ? 1 : code;
}
