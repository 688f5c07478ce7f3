/* SPDX-License-Identifier: MIT */
/*
 * clock.c - which clock stamps the events of this process, and what it showed at the start.
 *
 * A counter of the processor is read in a few nanoseconds, but is a clock only if it never changes
 * its pace, never stops, and shows the same on every processor. The processor tells the first two
 * (invariant TSC). The third the kernel alone knows, which watches the TSC and gives it up as its
 * clock source where it finds it wanting: its vDSO reads the TSC when, and only when, the source is
 * `tsc`. What a hypervisor scales (kvm-clock, hyperv_clocksource_tsc_page) is another clock.
 *
 * Where the source cannot be read, as in a container without sysfs, nobody vouches for the counter,
 * and CLOCK_MONOTONIC is used. arm64's generic timer is one clock for all processors, by design.
 *
 * The choice is made once, with the arena: a trace has one clock. Should the kernel give the TSC up
 * afterwards, stamps go on as before, and what goes back or far ahead is a step (reserve.c).
 */
#include <string.h>
#include <time.h>

#include "ft-create.h"

#define SOURCE_PATH    "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define INSTANT_TRIES  16
#define CPUID_EXTENDED 0x80000000u
#define CPUID_POWER    0x80000007u
#define TSC_INVARIANT  (1u << 8) /* edx of CPUID_POWER */

bool ft_clock_invariant(uint32_t highest_leaf, uint32_t power_edx)
{
	return highest_leaf >= CPUID_POWER && (power_edx & TSC_INVARIANT);
}

enum ft_clock_kind ft_clock_choose(const char *source, bool invariant, enum ft_clock_why *why)
{
	*why = source[0] ? FT_CLOCK_WHY_SOURCE : FT_CLOCK_WHY_UNKNOWN;
	if (strcmp(source, "tsc") != 0)
		return FT_CLOCK_MONOTONIC;
	if (!invariant)
		*why = FT_CLOCK_WHY_NOT_INVARIANT;
	return invariant ? FT_CLOCK_CYCLES : FT_CLOCK_MONOTONIC;
}

/* The kernel's clock source, in one line; cut if it is long. */
static void source_read(char *out, size_t size)
{
	size_t len = ft_text_read(SOURCE_PATH, out, size - 1);

	out[len] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

#if defined(__x86_64__)

static void cpuid(uint32_t leaf, uint32_t *eax, uint32_t *edx)
{
	uint32_t b, c = 0;

	__asm__ volatile("cpuid" : "=a"(*eax), "=b"(b), "+c"(c), "=d"(*edx) : "a"(leaf));
}

static bool counter_invariant(void)
{
	uint32_t highest, unused, edx;

	cpuid(CPUID_EXTENDED, &highest, &edx);
	cpuid(CPUID_POWER, &unused, &edx); /* where there is no such leaf, that of another */
	return ft_clock_invariant(highest, edx);
}

static enum ft_clock_kind kind_choose(const char *source, enum ft_clock_why *why)
{
	bool looks = !strcmp(source, "tsc"); /* a virtual machine's host answers cpuid: slow */

	return ft_clock_choose(source, looks && counter_invariant(), why);
}

static uint64_t hz_known(void)
{
	return 0;
}

#elif defined(__aarch64__)

static enum ft_clock_kind kind_choose(const char *source, enum ft_clock_why *why)
{
	(void)source;
	*why = FT_CLOCK_WHY_GENERIC_TIMER;
	return FT_CLOCK_CYCLES;
}

static uint64_t hz_known(void)
{
	uint64_t hz;

	__asm__("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

#else

static enum ft_clock_kind kind_choose(const char *source, enum ft_clock_why *why)
{
	return ft_clock_choose(source, false, why);
}

static uint64_t hz_known(void)
{
	return 0;
}

#endif

static uint64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

uint64_t fasttrace_clock_monotonic(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* One instant on three clocks: of some tries the one that took least. */
static void instant_fill(struct ft_arena *a)
{
	struct fasttrace_ring ring = {.raw_clock = a->clock == FT_CLOCK_CYCLES};
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < INSTANT_TRIES; i++) {
		uint64_t before = fasttrace_clock(&ring), mono = clock_ns(CLOCK_MONOTONIC);
		uint64_t real = clock_ns(CLOCK_REALTIME), after = fasttrace_clock(&ring);

		if (after - before >= best)
			continue;
		best = after - before;
		a->clock_ticks = before + best / 2;
		a->clock_monotonic_ns = mono;
		a->clock_realtime_ns = real;
	}
}

void ft_clock_fill(struct ft_arena *a)
{
	enum ft_clock_why why;

	source_read(a->clock_source, sizeof(a->clock_source));
	a->clock = kind_choose(a->clock_source, &why);
	a->clock_why = why;
	a->clock_hz = a->clock == FT_CLOCK_CYCLES ? hz_known() : 1000000000;
	instant_fill(a);
}
