/* SPDX-License-Identifier: MIT */
/*
 * clock.c - what the time stamps of an arena mean: how fast the cycle counter runs, and since when.
 *
 * The kernel does not tell the counter's frequency. It is measured against CLOCK_MONOTONIC, over
 * the longest time that is to be had for nothing: since the arena was made, or this library was
 * loaded. All clocks are read within some 50 ns of each other, which is 1 ppm of the shortest
 * base.
 *
 * Against CLOCK_MONOTONIC, and not _RAW, because NTP steers the former, and with it the time of day
 * that a trace is to be compared with; the counter itself it cannot steer. So the frequency
 * contains the correction of that time, as an average over the base. What NTP changes afterwards is
 * the drift of the trace against the clocks: less than a ppm in a machine that has been
 * synchronized for a while, and up to 500 ppm (ntpd) or more (chrony) while a first offset is
 * slewed away.
 *
 * The frequency is measured once an arena, by its first reader, and then stands in it: a trace
 * whose metadata changed under its readers' hands would be two traces.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "ft-clock.h"

#define NS_PER_S    UINT64_C(1000000000)
#define BASELINE_NS (50 * UINT64_C(1000000))
#define CHECK_NS    UINT64_C(1000000)
#define JUMP_NS	    UINT64_C(1000000) /* of the time of day, against CLOCK_MONOTONIC */
#define MIN_HZ	    UINT64_C(1000000)
#define MAX_HZ	    UINT64_C(100000000000)
#define TRIES	    16

/* The clocks at one instant. */
struct instant {
	uint64_t ticks;
	uint64_t ns; /* CLOCK_MONOTONIC */
	uint64_t real_ns;
};

static struct instant loaded;

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

/* Of some tries the one that took least. */
static struct instant instant_take(void)
{
	struct instant at = {.ticks = 0};
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < TRIES; i++) {
		uint64_t before = fasttrace_clock_cycles(), ns = clock_ns(CLOCK_MONOTONIC);
		uint64_t real_ns = clock_ns(CLOCK_REALTIME), after = fasttrace_clock_cycles();

		if (after - before >= best)
			continue;
		best = after - before;
		at = (struct instant){before + best / 2, ns, real_ns};
	}
	return at;
}

static __attribute__((constructor)) void clock_load(void)
{
	loaded = instant_take();
}

/* Ticks per second from one instant to another; 0: senseless. */
static uint64_t hz_between(const struct instant *from, const struct instant *to)
{
	unsigned __int128 ticks = to->ticks - from->ticks;
	uint64_t ns = to->ns - from->ns, hz;

	if ((int64_t)ns <= 0 || (int64_t)(to->ticks - from->ticks) <= 0)
		return 0;
	hz = (uint64_t)((ticks * NS_PER_S + ns / 2) / ns);
	return hz < MIN_HZ || hz > MAX_HZ ? 0 : hz;
}

/*
 * Did both clocks run all the time? CLOCK_MONOTONIC stands still while the machine is suspended,
 * the counter and the time of day do not. CLOCK_MONOTONIC of another time namespace is off as well.
 * NTP steers both, so only who sets the time of day makes us think so without a need.
 */
static bool continuous(const struct instant *from, const struct instant *to)
{
	uint64_t jump = (to->real_ns - to->ns) - (from->real_ns - from->ns);

	return jump + JUMP_NS <= 2 * JUMP_NS;
}

/* An instant at least `ns` after another. */
static struct instant instant_after(const struct instant *from, uint64_t ns)
{
	uint64_t age = clock_ns(CLOCK_MONOTONIC) - from->ns;
	struct timespec rest;

	if (age < ns) {
		rest = (struct timespec){0, (long)(ns - age)};
		while (nanosleep(&rest, &rest))
			; /* a signal: the rest of it */
	}
	return instant_take();
}

/* Over the time since we were loaded. */
static uint64_t hz_here(void)
{
	struct instant from = loaded, now = instant_after(&from, BASELINE_NS);

	if (!continuous(&from, &now)) {
		from = now;
		now = instant_after(&from, BASELINE_NS);
	}
	return hz_between(&from, &now);
}

/* Over the arena's life, if that is longer; 0: it is not, or contradicts what we see ourselves. */
static uint64_t hz_since(const struct instant *made)
{
	struct instant now = instant_after(&loaded, CHECK_NS);
	uint64_t age = now.ns - made->ns, ours, hz;

	if ((int64_t)age < (int64_t)BASELINE_NS || age < now.ns - loaded.ns ||
	    !continuous(made, &now))
		return 0;
	ours = hz_between(&loaded, &now);
	hz = hz_between(made, &now);
	return (hz > ours ? hz - ours : ours - hz) > ours / 1000 ? 0 : hz;
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

int64_t ft_clock_ns(const struct ft_clock *clock, uint64_t ticks)
{
	unsigned __int128 all = (unsigned __int128)clock->offset + ticks;

	return (int64_t)((uint64_t)clock->offset_s * NS_PER_S +
			 (uint64_t)(all * NS_PER_S / clock->hz)); /* a liar's may wrap */
}

static uint64_t hz_learn(struct fasttrace_arena *a, bool *guessed)
{
	struct instant made = {ft_load_relaxed(&a->shared->clock_ticks),
			       ft_load_relaxed(&a->shared->clock_monotonic_ns),
			       ft_load_relaxed(&a->shared->clock_realtime_ns)};
	bool here = ft_clock_here(a);
	uint64_t hz = here ? hz_since(&made) : 0;

	if (!hz)
		hz = hz_here();
	*guessed = !here || !hz;
	if (!hz)
		return NS_PER_S; /* a machine without a counter reads another one's arena */
	if (here && a->writable && !ft_cas(&a->shared->clock_hz, 0, hz))
		hz = ft_load_relaxed(&a->shared->clock_hz); /* another reader was first */
	FASTTRACE_POINT(clock_learnt);
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

uint64_t fasttrace_arena_now(const struct fasttrace_arena *a)
{
	return a->info.raw_clock ? fasttrace_clock_cycles() : clock_ns(CLOCK_MONOTONIC);
}

void ft_clock_again(const struct fasttrace_arena *a, struct ft_clock *clock)
{
	clock->hz = a->info.clock_hz;
	clock->guessed = false;
	ft_clock_offset(clock, ft_load_relaxed(&a->shared->clock_ticks),
			ft_load_relaxed(&a->shared->clock_realtime_ns));
}
