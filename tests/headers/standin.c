/* SPDX-License-Identifier: MIT */
/*
 * standin.c - see standin.h; and what runs the checks.
 */
#include "inlines.h"

#include <stdarg.h>

static struct fasttrace_thread thread;
static struct fasttrace_slot slot;
static struct fasttrace_event *sites[1024];

struct recorded events[MAX_EVENTS];
unsigned nevents;
struct fasttrace_event *site;
unsigned char *record;
uint32_t record_units;
int switched_on = 1, no_room, failures;

__thread struct fasttrace_thread *fasttrace_self = &thread;
const uint32_t fasttrace_unregistered = FASTTRACE_UNREGISTERED;

void events_forget(void)
{
	nevents = 0;
}

uint32_t fasttrace_event_register(struct fasttrace_event *event)
{
	uint32_t i = 0;

	while (i < 1023 && sites[i] && sites[i] != event)
		i++;
	site = sites[i] = event;
	return switched_on ? i + 1 : 0;
}

unsigned char *fasttrace_reserve_slow(struct fasttrace_reservation *r, uint32_t units, uint32_t id)
{
	struct recorded *last;

	site = sites[id - 1];
	record_units = units;
	slot.committed = 0;
	if (no_room || units > MAX_BYTES / 8)
		return NULL;
	if (nevents == MAX_EVENTS)
		nevents = 0;
	last = &events[nevents++];
	last->site = site;
	last->units = units;
	memset(last->bytes, 0xee, sizeof(last->bytes));
	record = last->bytes;
	thread.closed = 1 << 20;
	r->thread = &thread;
	r->slot = &slot;
	slot.committed = r->before = 11;
	slot.word = r->after = 12;
	return record;
}

void fasttrace_commit_nested(struct fasttrace_thread *t, struct fasttrace_slot *at, uint64_t before,
			     uint64_t after)
{
	(void)t, (void)at, (void)before, (void)after;
	failures++;
}

void fasttrace_commit_again(struct fasttrace_thread *t, struct fasttrace_slot *at, uint64_t after)
{
	(void)t, (void)at, (void)after;
	failures++;
}

uint64_t fasttrace_clock_monotonic(void)
{
	return 0;
}

void fasttrace_put_string(unsigned char *to, const char *text, size_t bytes)
{
	check(text != NULL, __FILE__, __LINE__, "memcpy() from NULL");
	for (size_t i = 0; i < bytes - 1; i++)
		to[i] = text[i] ? (unsigned char)text[i] : '?';
	to[bytes - 1] = 0;
}

void fasttrace_print(uint32_t id, const char *format, ...)
{
	struct fasttrace_reservation r;
	char text[FASTTRACE_PRINTF_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	strcpy((char *)fasttrace_reserve_slow(&r, (uint32_t)(8 + strlen(text) + 1 + 7) / 8, id) + 8,
	       text);
}

void check(int ok, const char *file, int line, const char *what)
{
	if (ok)
		return;
	failures++;
	printf("%s:%d: %s\n", file, line, what);
}

void check_field(const char *file, int line, uint8_t type, const void *bytes, size_t n)
{
	check(site->nfields == 1 && site->types[0] == type, file, line, "type");
	check(!memcmp(record + 8, bytes, n), file, line, "bytes");
	check(record_units == (8 + n + 7) / 8, file, line, "size");
	check(record[8 + n] == 0xee, file, line, "written beyond its end");
	check(slot.committed == 12, file, line, "committed");
}

void check_text(const char *file, int line, const char *text, size_t n)
{
	check_field(file, line, FASTTRACE_TYPE_STRING, text, n);
}

void check_big(const char *file, int line, uint8_t type, uint32_t bytes)
{
	check(site->nfields == 1 && site->types[0] == type, file, line, "type");
	check(record_units == (8 + bytes + 7) / 8, file, line, "size");
	check(slot.committed == 0, file, line, "recorded although it has no room");
}

int inline_here(int x)
{
	return inline_traced(x) + static_traced(x);
}

int main(void)
{
	check_values();
	check_macros();
	check_kinds();
	check_inlines();
#ifdef __cplusplus
	check_cxx();
#endif
	return failures != 0;
}
