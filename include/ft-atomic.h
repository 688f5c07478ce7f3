/* SPDX-License-Identifier: MIT */
/*
 * ft-atomic.h - atomic accesses to plain words in shared memory, named by their order.
 *
 * C11's _Atomic does not parse in C++ and is no promise about layout; the compilers' __atomic
 * built-ins work on the fixed-width words of ft-layout.h as they stand.
 */
#ifndef FT_ATOMIC_H
#define FT_ATOMIC_H

#define ft_load_relaxed(p)     __atomic_load_n((p), __ATOMIC_RELAXED)
#define ft_load_acquire(p)     __atomic_load_n((p), __ATOMIC_ACQUIRE)
#define ft_store_relaxed(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define ft_store_release(p, v) __atomic_store_n((p), (v), __ATOMIC_RELEASE)
#define ft_add_relaxed(p, v)   __atomic_fetch_add((p), (v), __ATOMIC_RELAXED)
#define ft_add_acq_rel(p, v)   __atomic_fetch_add((p), (v), __ATOMIC_ACQ_REL)
#define ft_exchange(p, v)      __atomic_exchange_n((p), (v), __ATOMIC_ACQ_REL)
#define ft_fence_acquire()     __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define ft_fence_release()     __atomic_thread_fence(__ATOMIC_RELEASE)
#define ft_fence_full()	       __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define ft_fence_signal()      __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* Strong compare-and-swap, acquire-release; acquire on failure. True when it stored. */
#define ft_cas(p, old, new)                                                            \
	({                                                                             \
		__typeof__(*(p)) ft_old_ = (old);                                      \
		__atomic_compare_exchange_n((p), &ft_old_, (new), 0, __ATOMIC_ACQ_REL, \
					    __ATOMIC_ACQUIRE);                         \
	})

#endif
