/* SPDX-License-Identifier: MIT */
/*
 * ft-tsan.h - what ThreadSanitizer must be told: in a program that is built with it, that the
 * atomics which order one owner of a buffer before the next stand in a library that is not; and
 * which copy is meant to race, for it is looked at again.
 *
 * Weak: without the sanitizer's run time these are nothing.
 */
#ifndef FT_TSAN_H
#define FT_TSAN_H

#include <stdbool.h>

extern void __tsan_release(void *address) __attribute__((weak));
extern void __tsan_acquire(void *address) __attribute__((weak));
extern void AnnotateIgnoreWritesBegin(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreWritesEnd(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreReadsBegin(const char *file, int line) __attribute__((weak));
extern void AnnotateIgnoreReadsEnd(const char *file, int line) __attribute__((weak));

/** ft_tsan_release() - what this thread did comes before whoever acquires the same address. */
static inline void ft_tsan_release(void *address)
{
	if (__tsan_release)
		__tsan_release(address);
}

static inline void ft_tsan_acquire(void *address)
{
	if (__tsan_acquire)
		__tsan_acquire(address);
}

/** ft_tsan_ignore() - from here on, or no longer: this thread writes before all that look. */
static inline void ft_tsan_ignore(bool begin)
{
	if (begin && AnnotateIgnoreWritesBegin)
		AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	else if (!begin && AnnotateIgnoreWritesEnd)
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}

/** ft_tsan_race() - from here on, or no longer: what this thread reads may be torn, and it knows. */
static inline void ft_tsan_race(bool begin)
{
	if (begin && AnnotateIgnoreReadsBegin)
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	else if (!begin && AnnotateIgnoreReadsEnd)
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}

#endif
