/* SPDX-License-Identifier: MIT */
/*
 * common_check.h - what the reader library promises of an arena that nobody can trust.
 *
 * A promise that is broken ends the program. All that came out is summed up: the same input must
 * give the same sum, whatever stood in the heap before (replay.c).
 */
#ifndef COMMON_CHECK_H
#define COMMON_CHECK_H

#include <stdio.h>
#include <stdlib.h>

#include "ft-reader.h"

#define CHECK(what)                                                                        \
	do {                                                                               \
		if (!(what)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what); \
			abort();                                                           \
		}                                                                          \
	} while (0)

#define CHECK_HEAP (UINT64_C(96) << 20)

/** fuzz_output() - the sum of what came out since the last call. */
uint64_t fuzz_output(void);

/** check_heap() - begin to watch how much is allocated: more than CHECK_HEAP ends the program. */
void check_heap(void);

/** check_out() - these bytes came out. */
void check_out(const void *data, size_t bytes);

/** check_timed() - an event was stamped: what comes out from here on is not the same each time. */
void check_timed(void);

/** check_text() - a name: not empty, no control character, no slash; it came out. */
void check_text(const char *text);

/** check_lines() - events as text: no control character but the newlines. One byte behind is read. */
void check_lines(const char *text, size_t len);

/* Everything that a struct says, or that a call returned. */
void check_info(const struct fasttrace_arena *a);
void check_buffer(const struct fasttrace_buffer_info *info);
void check_event(const struct fasttrace_event_info *info);
void check_metadata(const char *text, size_t len);
void check_snapshot(const struct fasttrace_arena *a, const struct fasttrace_snapshot *snapshot);

/**
 * check_packet() - of buffer `index`.
 * @still: nobody writes to the arena: what is in the body must stand what the packet says.
 */
void check_packet(struct fasttrace_arena *a, unsigned index, const struct fasttrace_packet *p,
		  bool still);

#endif
