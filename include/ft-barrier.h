/* SPDX-License-Identifier: MIT */
/*
 * ft-barrier.h - a full fence that one process makes another execute.
 *
 * What the owner of a ring does all the time needs no fence then; the reader, who needs one at each
 * sub-buffer that it closes, makes both. membarrier(2), as liburcu has it for its readers; the
 * instruction without a lock prefix is what Linux calls a local_cmpxchg(). See ft-layout.h.
 */
#ifndef FT_BARRIER_H
#define FT_BARRIER_H

#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

/* <linux/membarrier.h> of before Linux 4.16 has these not. */
#define FT_MEMBARRIER_GLOBAL_EXPEDITED		(1 << 1)
#define FT_MEMBARRIER_REGISTER_GLOBAL_EXPEDITED (1 << 2)

/**
 * ft_barrier_register() - let others fence this process. In one with other threads already it may
 * take milliseconds, else a microsecond. Context: async-signal-safe; keeps no state but the kernel's.
 * Return: can they?
 */
static inline bool ft_barrier_register(void)
{
#if defined(__x86_64__)
	return !syscall(SYS_membarrier, FT_MEMBARRIER_REGISTER_GLOBAL_EXPEDITED, 0, 0);
#else
	return false; /* an owner's compare-and-swap is one for all processors, or none */
#endif
}

/**
 * ft_barrier() - have every thread that runs in a process that has registered execute a full fence,
 * after this call begins and before it returns. One that does not run has, when it was stopped.
 * Return: whether the kernel has done so.
 */
static inline bool ft_barrier(void)
{
	return !syscall(SYS_membarrier, FT_MEMBARRIER_GLOBAL_EXPEDITED, 0, 0);
}

#endif
