/* SPDX-License-Identifier: MIT */
/*
 * guard.c - survive an arena that is truncated while we look at it.
 *
 * The kernel then raises SIGBUS at the access. The handler puts zero pages in place of what is lost
 * and marks the arena broken; the access is repeated, finds zeros, which every check refuses.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ft-reader.h"

#define GUARD_ENTRIES 8192

static struct guard {
	uintptr_t map; /* 0: free; written last */
	size_t size;
	volatile sig_atomic_t *broken;
} guards[GUARD_ENTRIES];
static struct sigaction guard_old;
static uintptr_t guard_page;

void ft_guard_add(void *map, size_t size, volatile sig_atomic_t *broken)
{
	for (unsigned i = 0; i < GUARD_ENTRIES; i++) {
		if (!ft_cas(&guards[i].map, 0, 1))
			continue;
		guards[i].size = size;
		guards[i].broken = broken;
		ft_store_release(&guards[i].map, (uintptr_t)map);
		return;
	}
}

void ft_guard_remove(void *map)
{
	for (unsigned i = 0; i < GUARD_ENTRIES; i++)
		if (ft_load_acquire(&guards[i].map) == (uintptr_t)map) {
			ft_store_release(&guards[i].map, 0);
			return;
		}
}

/* Promised to nobody: a file may be larger than all the memory there is. */
static bool zeros_put(uintptr_t at, size_t size)
{
	return mmap((void *)at, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) != MAP_FAILED;
}

static bool guard_mend(uintptr_t fault)
{
	uintptr_t from = fault & ~(guard_page - 1);

	for (unsigned i = 0; i < GUARD_ENTRIES; i++) {
		uintptr_t map = ft_load_acquire(&guards[i].map);

		if (map <= 1 || fault < map || fault - map >= guards[i].size)
			continue;
		*guards[i].broken = 1;
		return zeros_put(from, map + guards[i].size - from) || zeros_put(from, guard_page);
	}
	return false;
}

/* As if we were not there: the old handler, or what the kernel would have done. */
static void guard_pass(int signal, siginfo_t *info, void *context)
{
	if (guard_old.sa_handler == SIG_IGN && info->si_code <= 0)
		return; /* sent by kill() */
	if (guard_old.sa_handler == SIG_DFL || guard_old.sa_handler == SIG_IGN) {
		struct sigaction dfl = {.sa_handler = SIG_DFL};

		sigaction(SIGBUS, &dfl, NULL);
		raise(SIGBUS); /* it is blocked by nobody: SA_NODEFER */
	} else if (guard_old.sa_flags & SA_SIGINFO) {
		guard_old.sa_sigaction(signal, info, context);
	} else {
		guard_old.sa_handler(signal);
	}
}

static void guard_handler(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;

	if (info->si_code <= 0 || !guard_mend((uintptr_t)info->si_addr))
		guard_pass(signal, info, context);
	errno = saved_errno;
}

int fasttrace_reader_guard(void)
{
	struct sigaction sa = {.sa_flags = SA_SIGINFO | SA_NODEFER};

	if (guard_page)
		return 0;
	guard_page = (uintptr_t)sysconf(_SC_PAGESIZE);
	sa.sa_sigaction = guard_handler;
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, &guard_old) ? -errno : 0;
}
