/* SPDX-License-Identifier: MIT */
/*
 * litmus.c - the event path and each kind of order, to be compiled for arm64 and looked at:
 * litmus.sh. Needs no libc of that machine.
 */
#include "fasttrace-abi.h"
#include "ft-atomic.h"

void event(uint64_t n);
void event(uint64_t n)
{
	struct fasttrace_reservation r;
	unsigned char *p = fasttrace_reserve(&r, 2, 1);

	if (!p)
		return;
	__builtin_memcpy(p + 8, &n, sizeof(n));
	fasttrace_commit(&r);
}

int swap(uint64_t *word, uint64_t old, uint64_t new);
int swap(uint64_t *word, uint64_t old, uint64_t new)
{
	return ft_cas(word, old, new);
}

void fences(uint64_t *word);
void fences(uint64_t *word)
{
	ft_fence_full();
	ft_store_relaxed(&word[0], 1);
	ft_fence_release();
	ft_store_relaxed(&word[1], 1);
	ft_fence_acquire();
}
