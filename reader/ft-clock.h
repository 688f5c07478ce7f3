/* SPDX-License-Identifier: MIT */
/*
 * ft-clock.h - what the time stamps of an arena mean.
 */
#ifndef FT_CLOCK_H
#define FT_CLOCK_H

#include "ft-reader.h"

/* Time in s since 1970 = offset_s + (offset + ticks) / hz, with 0 <= offset < hz. */
struct ft_clock {
	uint64_t hz;
	int64_t offset_s;
	uint64_t offset;
	bool guessed; /* hz is this machine's; the arena comes from another boot */
};

/**
 * ft_clock_get() - the clock of an arena.
 * Learns the frequency if nobody has yet, and leaves it in the arena if that is writable.
 * Context: may sleep up to 50 ms, once.
 */
void ft_clock_get(struct fasttrace_arena *a, struct ft_clock *clock);

/** ft_clock_again() - the clock as ft_clock_get() gave it, which has been called. */
void ft_clock_again(const struct fasttrace_arena *a, struct ft_clock *clock);
/** ft_clock_ns() - ns since 1970. */
int64_t ft_clock_ns(const struct ft_clock *clock, uint64_t ticks);

/** ft_clock_here() - was the arena written since this machine started? */
bool ft_clock_here(const struct fasttrace_arena *a);

/** ft_clock_offset() - sets both offsets: ticks and realtime_ns were read at one instant. */
void ft_clock_offset(struct ft_clock *clock, uint64_t ticks, uint64_t realtime_ns);

#endif
