/* SPDX-License-Identifier: MIT */
/*
 * points.h - what FASTTRACE_POINT() means in the crash build, which includes this file before all
 * others: look at a shared page whether this is the label at which something is to happen.
 *
 * A page belongs to one process. A test maps it and lets `points` point at it; a daemon finds its
 * own by the environment variable FASTTRACE_POINTS, the path of a file.
 */
#ifndef POINTS_H
#define POINTS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "points-page.h"

#define POINT_SHARED __attribute__((weak, visibility("hidden")))

/* In each object of the crash build; the linker takes one of all. */
POINT_SHARED struct points *points;

/* Each object asks for it, the first call does it. A daemon's children inherit the mapping. */
void points_find(void) __attribute__((constructor));
POINT_SHARED void points_find(void)
{
	const char *path = points ? NULL : getenv("FASTTRACE_POINTS");
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *at;

	if (fd < 0)
		return;
	at = mmap(NULL, sizeof(*points), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	points = at == MAP_FAILED ? NULL : (struct points *)at;
	close(fd);
}

void points_pause(struct points *p);
POINT_SHARED void points_pause(struct points *p)
{
	struct timespec a_while = {0, 100000};

	__atomic_store_n(&p->stopped, 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(&p->go, __ATOMIC_ACQUIRE))
		nanosleep(&a_while, NULL);
}

void points_reached(enum point at);
POINT_SHARED void points_reached(enum point at)
{
	int saved_errno = errno;
	struct points *p = points;
	uint32_t done;

	if (!p || !__atomic_load_n(&p->armed, __ATOMIC_ACQUIRE))
		return;
	__atomic_fetch_add(&p->hits[at], 1, __ATOMIC_RELAXED);
	done = p->done;
	if (done >= p->orders || p->order[done].at != at || p->order[done].depth != p->depth ||
	    p->order[done].pass--)
		return;
	p->pid = (uint32_t)getpid();
	__atomic_store_n(&p->done, done + 1, __ATOMIC_RELEASE);
	if (p->order[done].deed == POINT_STOP)
		points_pause(p);
	else
		raise(p->order[done].deed == POINT_KILL ? SIGKILL : SIGRTMIN + (int)p->depth);
	errno = saved_errno;
}

#define FASTTRACE_POINT(name) points_reached(POINT_##name)

#endif
