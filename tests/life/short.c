/* SPDX-License-Identifier: MIT */
/*
 * short.c - a hundred thousand short threads under a small bound of memory: buffers go from thread
 * to thread, nothing grows, and every event is counted.
 */
#include "common-threads.h"

#define THREADS	 100000u
#define CREATORS 4u
#define EVENTS	 10u
#define WARM	 2000u

static pthread_attr_t small;

static void *short_thread(void *arg)
{
	for (uint64_t i = 0; i < EVENTS; i++)
		FASTTRACE(life, number, (n, (uint64_t)(uintptr_t)arg * EVENTS + i));
	return NULL;
}

static void one_after_another(uintptr_t first, uintptr_t count)
{
	for (uintptr_t i = 0; i < count; i++) {
		pthread_t id;

		check_equal(pthread_create(&id, &small, short_thread, (void *)(first + i)), 0);
		pthread_join(id, NULL);
	}
}

static void *creator(void *arg)
{
	one_after_another((uintptr_t)arg, (THREADS - WARM) / CREATORS);
	return NULL;
}

static void many(uintptr_t first)
{
	pthread_t id[CREATORS];

	for (uintptr_t i = 0; i < CREATORS; i++)
		pthread_create(&id[i], NULL, creator,
			       (void *)(first + i * ((THREADS - WARM) / CREATORS)));
	for (unsigned i = 0; i < CREATORS; i++)
		pthread_join(id[i], NULL);
}

static void nothing_grew(const struct resources *before)
{
	struct resources after = resources_now();

	check(after.maps <= before->maps + 4 * CREATORS + 4); /* stacks of creators */
	check_equal(after.descriptors, before->descriptors);
	check_equal(after.files, before->files);
	check_equal(after.arena_blocks, before->arena_blocks);
	check(after.pages < before->pages + 512);
}

static void overwrite(void)
{
	struct resources before;
	struct fasttrace_arena *a;
	struct fasttrace_stats s;
	uint64_t values[EVENTS + 1];
	unsigned buffers;

	one_after_another(0, WARM);
	before = resources_now();
	many(WARM);
	nothing_grew(&before);
	a = arena_own();
	buffers = fasttrace_arena_buffers(a);
	s = stats_of(a);
	check_equal(s.begun, (uint64_t)THREADS * EVENTS);
	check_equal(s.readable, buffers * EVENTS); /* each holds the last thread that had it */
	check_equal(s.overwritten, s.begun - s.readable);
	check(buffers > 10 && buffers < 60);

	one_after_another(THREADS, buffers); /* the oldest is reused first: all of them now */
	check_equal(fasttrace_arena_buffers(a), buffers);
	for (unsigned i = 0; i < buffers; i++) {
		check_equal(buffer_values(a, i, values, EVENTS + 1), EVENTS);
		check(values[0] >= (uint64_t)THREADS * EVENTS);
		for (unsigned j = 0; j < EVENTS; j++)
			check_equal(values[j], values[0] + j);
	}
	s = stats_of(a);
	check_equal(s.begun, (uint64_t)(THREADS + buffers) * EVENTS);
	check_equal(s.consumed, buffers * EVENTS);
	fasttrace_arena_close(a);
}

/* Nobody reads: who comes late gets no buffer, and is counted. */
static void discard(void)
{
	struct resources before;
	struct fasttrace_arena *a;
	struct fasttrace_stats s;

	one_after_another(0, WARM);
	before = resources_now();
	one_after_another(WARM, WARM);
	nothing_grew(&before);
	a = arena_own();
	s = stats_of(a);
	check_equal(s.begun, 2 * WARM * EVENTS);
	check_equal(s.readable, fasttrace_arena_buffers(a) * EVENTS);
	check_equal(s.lost_no_buffer, s.begun - s.readable);
	fasttrace_arena_close(a);
}

int main(int argc, char **argv)
{
	static const struct turn turns[] = {
		{"overwrite", overwrite, {"FASTTRACE_MAX_MEMORY=4M", "MALLOC_ARENA_MAX=1"}},
		{"discard", discard, {"FASTTRACE_MAX_MEMORY=4M", "FASTTRACE_MODE=discard"}},
		{"block", discard, {"FASTTRACE_MAX_MEMORY=4M", "FASTTRACE_MODE=block"}},
		{NULL, NULL, {NULL}},
	};

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	return turns_run(turns, argc, argv);
}
