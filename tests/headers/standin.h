/* SPDX-License-Identifier: MIT */
/*
 * standin.h - in place of libfasttrace: a few lines that keep each event, for the checks.
 *
 * Sites stay unregistered, so that we hear of each event, also of one that is off.
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <fasttrace.h>
#include <stdio.h>
#include <string.h>

#define MAX_EVENTS 64
#define MAX_BYTES  4096

struct FASTTRACE_SITE_TYPE recorded {
	struct fasttrace_event *site;
	uint32_t units;
	unsigned char bytes[MAX_BYTES]; /* header included */
};

#ifdef __cplusplus
extern "C" {
#endif

extern struct recorded events[MAX_EVENTS]; /* those of this function: see events_forget() */
extern unsigned nevents;
extern struct fasttrace_event *site; /* of the last event, or the last that was asked for */
extern unsigned char *record;	     /* the last one's bytes */
extern uint32_t record_units;	     /* asked for, also when there was no room */
extern int switched_on;		     /* is every event */
extern int no_room, failures;

void events_forget(void);
void check(int ok, const char *file, int line, const char *what);
void check_field(const char *file, int line, uint8_t type, const void *bytes, size_t n);
void check_text(const char *file, int line, const char *text, size_t n);
void check_big(const char *file, int line, uint8_t type, uint32_t bytes);

/* What each file checks. */
void check_values(void);
void check_macros(void);
void check_kinds(void);
void check_inlines(void);
void check_cxx(void);

#ifdef __cplusplus
}
#endif

#define EXPECT(what)   check(what, __FILE__, __LINE__, #what)
#define EXPECT_TEXT(t) EXPECT(!strcmp(site->text, t))
#define EXPECT_KIND(k) EXPECT(site->kind == FASTTRACE_KIND_##k)
#define EXPECT_EVENT(n, k, t) \
	EXPECT(events[n].site->kind == FASTTRACE_KIND_##k && !strcmp(events[n].site->text, t))

/* One field: its type, its bytes. */
#define CHECK(t, stored, value)                                                 \
	do {                                                                    \
		const stored expected_ = (stored)(value);                       \
		FASTTRACE(p, e, (x, value));                                    \
		check_field(__FILE__, __LINE__, FASTTRACE_TYPE_##t, &expected_, \
			    sizeof(expected_));                                 \
	} while (0)

/* A string: a literal, zero bytes and all. */
#define CHECK_STRING(text, ...)                                     \
	do {                                                        \
		FASTTRACE(p, e, (x, __VA_ARGS__));                  \
		check_text(__FILE__, __LINE__, text, sizeof(text)); \
	} while (0)

/* An array: its type, its bytes; BYTES and ARRAY. */
#define CHECK_ARRAY(t, from, n, ...)                                                       \
	do {                                                                               \
		struct {                                                                   \
			uint32_t count;                                                    \
			unsigned char bytes[256];                                          \
		} expected_ = {(uint32_t)(n), {0}};                                        \
		size_t bytes_ = (n) * sizeof(*(from));                                     \
		memcpy(expected_.bytes, from, bytes_);                                     \
		FASTTRACE(p, e, (x, __VA_ARGS__));                                         \
		check_field(__FILE__, __LINE__, FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_##t, \
			    &expected_, 4 + bytes_);                                       \
	} while (0)
#define CHECK_NOTHING(t, ...)                                                              \
	do {                                                                               \
		FASTTRACE(p, e, (x, __VA_ARGS__));                                         \
		check_field(__FILE__, __LINE__, FASTTRACE_TYPE_ARRAY | FASTTRACE_TYPE_##t, \
			    "\0\0\0", 4);                                                  \
	} while (0)

/* Too big for any sub-buffer: so many bytes are asked for. */
#define CHECK_BIG(type, bytes, ...)                         \
	do {                                                \
		FASTTRACE(p, e, (x, __VA_ARGS__));          \
		check_big(__FILE__, __LINE__, type, bytes); \
	} while (0)

#endif
