/* SPDX-License-Identifier: MIT */
/*
 * clock.c - what the time stamps of an arena mean: how fast the cycle counter runs, and since when.
 *
 * The kernel does not tell the counter's frequency. It is measured against CLOCK_MONOTONIC, over
 * the time since the arena was made, or since this library was loaded.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ft-clock.h"

#define NS_PER_S    UINT64_C(1000000000)
#define BASELINE_NS (50 * UINT64_C(1000000)) /* 100 ns of jitter are 2 ppm of it */
#define CHECK_NS    UINT64_C(1000000)
#define MIN_HZ	    UINT64_C(1000000)
#define MAX_HZ	    UINT64_C(100000000000)
#define PAIR_TRIES  16

/* Both clocks at one instant. */
struct pair {
	uint64_t ticks;
	uint64_t ns;
};

static struct pair loaded;

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Of some tries the one that took least. */
static struct pair pair_take(void)
{
	struct pair p = {0, 0};
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < PAIR_TRIES; i++) {
		uint64_t before = fasttrace_clock_cycles(), ns = monotonic_ns();
		uint64_t after = fasttrace_clock_cycles();

		if (after - before >= best)
			continue;
		best = after - before;
		p = (struct pair){before + best / 2, ns};
	}
	return p;
}

static __attribute__((constructor)) void clock_load(void)
{
	loaded = pair_take();
}

/* Ticks per second between two pairs; 0: senseless. */
static uint64_t pair_hz(const struct pair *from, const struct pair *to)
{
	unsigned __int128 ticks = to->ticks - from->ticks;
	uint64_t ns = to->ns - from->ns, hz;

	if ((int64_t)ns <= 0 || (int64_t)(to->ticks - from->ticks) <= 0)
		return 0;
	hz = (uint64_t)((ticks * NS_PER_S + ns / 2) / ns);
	return hz < MIN_HZ || hz > MAX_HZ ? 0 : hz;
}

/* A pair at least `ns` after the one of our start. */
static struct pair pair_after(uint64_t ns)
{
	uint64_t age = monotonic_ns() - loaded.ns;
	struct timespec rest;

	if (age < ns) {
		rest = (struct timespec){0, (long)(ns - age)};
		while (nanosleep(&rest, &rest))
			; /* a signal: the rest of it */
	}
	return pair_take();
}

static uint64_t hz_here(void)
{
	struct pair now = pair_after(BASELINE_NS);

	return pair_hz(&loaded, &now);
}

/* Over the arena's life; 0: it is too short, or contradicts what we see ourselves. */
static uint64_t hz_since(const struct pair *made)
{
	struct pair now = pair_after(CHECK_NS);
	uint64_t ours = pair_hz(&loaded, &now), hz = pair_hz(made, &now);
	uint64_t apart = hz > ours ? hz - ours : ours - hz;

	if (now.ns - made->ns < BASELINE_NS || !hz || apart > ours / 1000)
		return 0; /* also: suspended meanwhile, or CLOCK_MONOTONIC of another namespace */
	return hz;
}

bool ft_clock_here(const struct fasttrace_arena *a)
{
	char text[64] = "", hex[33];
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned n = 0;

	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	for (const char *p = text; *p && n < 32; p++)
		if (*p != '-' && *p != '\n')
			hex[n++] = *p;
	for (unsigned i = 0; i < 16 && n == 32; i++) {
		static const char digits[] = "0123456789abcdef";
		uint8_t byte = a->info.boot_id[i];

		if (hex[2 * i] != digits[byte >> 4] || hex[2 * i + 1] != digits[byte & 15])
			return false;
	}
	return n == 32;
}

void ft_clock_offset(struct ft_clock *clock, uint64_t ticks, uint64_t realtime_ns)
{
	__int128 hz = clock->hz;
	__int128 offset = ((__int128)realtime_ns * hz + NS_PER_S / 2) / NS_PER_S - ticks;
	__int128 s = offset / hz - (offset % hz < 0);

	clock->offset_s = (int64_t)s;
	clock->offset = (uint64_t)(offset - s * hz);
}

static uint64_t hz_learn(struct fasttrace_arena *a, bool *guessed)
{
	struct pair made = {ft_load_relaxed(&a->shared->clock_ticks),
			    ft_load_relaxed(&a->shared->clock_monotonic_ns)};
	bool here = ft_clock_here(a);
	uint64_t hz = here ? hz_since(&made) : 0;

	if (!hz)
		hz = hz_here();
	*guessed = !here || !hz;
	if (!hz)
		return NS_PER_S; /* a machine without a counter reads another one's arena */
	if (here && a->writable && !ft_cas(&a->shared->clock_hz, 0, hz))
		hz = ft_load_relaxed(&a->shared->clock_hz); /* another reader was first */
	return hz;
}

void ft_clock_get(struct fasttrace_arena *a, struct ft_clock *clock)
{
	/* Words that were written once, before the arena got its name. */
	uint64_t ticks = ft_load_relaxed(&a->shared->clock_ticks);
	uint64_t realtime = ft_load_relaxed(&a->shared->clock_realtime_ns);

	clock->guessed = false;
	clock->hz = NS_PER_S;
	if (a->info.raw_clock) {
		clock->hz = ft_load_relaxed(&a->shared->clock_hz);
		if (!clock->hz)
			clock->hz = hz_learn(a, &clock->guessed);
		if (clock->hz < MIN_HZ || clock->hz > MAX_HZ) {
			clock->hz = NS_PER_S;
			clock->guessed = true;
		}
	}
	a->info.clock_hz = clock->hz;
	ft_clock_offset(clock, ticks, realtime);
}
