/* SPDX-License-Identifier: MIT */
/* points-page.h - a page that tells one process at which labels something is to happen to it. */
#ifndef POINTS_PAGE_H
#define POINTS_PAGE_H

#include <stdint.h>

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
	uint32_t pid;  /* who did the last one */
	uint32_t orders;
	struct point_order order[POINT_ORDERS];
	uint32_t stopped;
	uint32_t go;
	uint64_t hits[POINTS]; /* while armed */
};

#endif
