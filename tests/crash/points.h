/* SPDX-License-Identifier: MIT */
/*
 * points.h - what FASTTRACE_POINT() means in the crash build, which includes this file before all
 * others: look at a shared page whether this is the label at which something is to happen.
 *
 * A page belongs to one process. A test maps it and lets `points` point at it.
 */
#ifndef POINTS_H
#define POINTS_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

enum point {
	POINT_none,
#define POINT(name, ...) POINT_##name,
#include "points-table.h"
#undef POINT
	POINTS
};

#define POINT_ORDERS 3

enum point_deed {
	POINT_KILL,  /* this process, by SIGKILL */
	POINT_TRACE, /* a signal arrives, whose handler traces */
	POINT_STOP   /* here, until told to go on */
};

/* Orders are done one after another. */
struct point_order {
	uint32_t at;	/* enum point */
	uint32_t depth; /* of handlers at which it is meant */
	uint32_t pass;	/* how often it is passed before */
	uint32_t deed;	/* enum point_deed */
};

struct points {
	uint32_t armed;
	uint32_t depth;
	uint32_t done; /* orders */
	uint32_t orders;
	struct point_order order[POINT_ORDERS];
	uint32_t stopped;
	uint32_t go;
	uint64_t hits[POINTS]; /* while armed */
};

#define POINT_SHARED __attribute__((weak, visibility("hidden")))

/* In each object of the crash build; the linker takes one of all. */
POINT_SHARED struct points *points;

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
	__atomic_store_n(&p->done, done + 1, __ATOMIC_RELEASE);
	if (p->order[done].deed == POINT_STOP)
		points_pause(p);
	else
		raise(p->order[done].deed == POINT_KILL ? SIGKILL : SIGRTMIN + (int)p->depth);
	errno = saved_errno;
}

#define FASTTRACE_POINT(name) points_reached(POINT_##name)

#endif
