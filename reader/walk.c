/* SPDX-License-Identifier: MIT */
/*
 * walk.c - the event table, read as a hostile text, and the events in a sub-buffer's body.
 *
 * Each entry is copied once into private memory and checked there. An event of fixed size then
 * costs a look into an array and an addition.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ft-walk.h"

#define ENTRY_MAX_BYTES (sizeof(struct ft_event_entry) + (2 + FASTTRACE_MAX_FIELDS) * 256u)

unsigned ft_type_bytes(unsigned type)
{
	static const uint8_t bytes[] = {
		[FASTTRACE_TYPE_I8] = 1,     [FASTTRACE_TYPE_I16] = 2,
		[FASTTRACE_TYPE_I32] = 4,    [FASTTRACE_TYPE_I64] = 8,
		[FASTTRACE_TYPE_U8] = 1,     [FASTTRACE_TYPE_U16] = 2,
		[FASTTRACE_TYPE_U32] = 4,    [FASTTRACE_TYPE_U64] = 8,
		[FASTTRACE_TYPE_BOOL] = 1,   [FASTTRACE_TYPE_CHAR] = 1,
		[FASTTRACE_TYPE_FLOAT] = 4,  [FASTTRACE_TYPE_DOUBLE] = 8,
		[FASTTRACE_TYPE_STRING] = 0, [FASTTRACE_TYPE_POINTER] = 8,
		[FASTTRACE_TYPE_HEX8] = 1,   [FASTTRACE_TYPE_HEX16] = 2,
		[FASTTRACE_TYPE_HEX32] = 4,  [FASTTRACE_TYPE_HEX64] = 8,
	};

	return type < sizeof(bytes) ? bytes[type] : 0;
}

static bool type_known(unsigned type)
{
	unsigned base = type & ~FASTTRACE_TYPE_ARRAY;

	if (base == type)
		return type == FASTTRACE_TYPE_STRING || ft_type_bytes(type);
	return ft_type_bytes(base) && base != FASTTRACE_TYPE_CHAR && base != FASTTRACE_TYPE_POINTER;
}

/* Sets bytes. False: a type that we do not know. */
static bool class_measure(struct ft_event_class *c)
{
	bool fixed = c->kind != FASTTRACE_KIND_GUARD;
	uint32_t bytes = 8;

	for (unsigned i = 0; i < c->nfields; i++) {
		if (!type_known(c->types[i]))
			return false;
		bytes += ft_type_bytes(c->types[i]);
		fixed = fixed && ft_type_bytes(c->types[i]);
	}
	c->bytes = (uint8_t)(fixed ? bytes : 0); /* at most 8 + 16 * 8 */
	return true;
}

/* Bytes that `count` strings take, of at most `room`; 0: they are not that many. */
static size_t strings_bytes(const char *strings, size_t room, unsigned count)
{
	size_t bytes = 0;

	while (count--) {
		const char *end = memchr(strings + bytes, '\0', room - bytes);

		if (!end)
			return 0;
		bytes = (size_t)(end - strings) + 1;
	}
	return bytes;
}

unsigned ft_control_bytes(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (*p < ' ' || *p == 0x7f)
		return *p != 0;
	return *p == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f ? 2 : 0;
}

/* The strings of an entry, made harmless; of provider and event folders can be made. */
static char *names_copy(const char *strings, size_t bytes)
{
	char *copy = malloc(bytes + 2), *to = copy; /* an empty name grows by one */
	const char *end = strings + bytes;

	for (unsigned i = 0; copy && strings < end; i++, strings++, *to++ = '\0') {
		if (i < 2 && (!*strings || !strcmp(strings, ".") || !strcmp(strings, ".."))) {
			*to++ = '_';
			strings += *strings == '.';
		}
		while (*strings) {
			unsigned control = ft_control_bytes(strings);

			*to++ = control || *strings == '/' ? '_' : *strings;
			strings += control ? control : 1;
		}
	}
	return copy;
}

/* Check a private copy of entry `id` and make a class of it. */
static int class_fill(struct ft_event_class *c, const struct ft_event_entry *e, unsigned id)
{
	size_t room = e->size - sizeof(*e), bytes;

	if (e->id != id || e->nfields > FASTTRACE_MAX_FIELDS || e->kind > FASTTRACE_KIND_MARKER ||
	    e->provider_len > NAME_MAX || e->name_len > NAME_MAX)
		return -EPROTO;
	bytes = strings_bytes(e->strings, room, 2u + e->nfields);
	if (!bytes || strlen(e->strings) != e->provider_len ||
	    strlen(e->strings + e->provider_len + 1) != e->name_len)
		return -EPROTO;
	c->kind = e->kind;
	c->level = e->level;
	c->nfields = e->nfields;
	memcpy(c->types, e->types, sizeof(c->types));
	if (!class_measure(c))
		return -EPROTO;
	c->names = names_copy(e->strings, bytes);
	return c->names ? 0 : -ENOMEM;
}

/*
 * Copy the entry at `offset`, once, into `copy` of ENTRY_MAX_BYTES: what never changes, so neither
 * `next` nor `on`.
 */
static int entry_copy(const struct fasttrace_arena *a, uint32_t offset, struct ft_event_entry *copy)
{
	const struct ft_event_entry *e = (const void *)(a->map + offset);
	uint64_t end = ft_load_acquire(&a->shared->events_end);
	uint32_t size;

	if (end > a->events_bytes)
		end = a->events_bytes;
	end += a->events_offset;
	if (offset % 8 || offset < a->events_offset || offset > end || end - offset < sizeof(*e))
		return -EPROTO;
	size = ft_load_relaxed(&e->size);
	if (size <= sizeof(*e) || size > ENTRY_MAX_BYTES || size > end - offset)
		return -EPROTO;
	memcpy(&copy->id, &e->id, size - offsetof(struct ft_event_entry, id));
	copy->size = size;
	return 0;
}

static int classes_grow(struct fasttrace_arena *a)
{
	unsigned cap = a->classes_cap ? 2 * a->classes_cap : 64;
	struct ft_event_class *classes = realloc(a->classes, cap * sizeof(*classes));

	if (!classes)
		return -ENOMEM;
	a->classes = classes;
	if (!a->class_bytes)
		a->class_bytes = calloc(UINT16_MAX + 1, 1);
	if (!a->class_bytes)
		return -ENOMEM;
	a->classes_cap = cap;
	return 0;
}

static int class_add(struct fasttrace_arena *a, uint32_t offset)
{
	union {
		struct ft_event_entry entry;
		char room[ENTRY_MAX_BYTES];
	} copy;
	int err = entry_copy(a, offset, &copy.entry);

	if (!err &&
	    (a->nclasses >= FT_MAX_EVENTS || copy.entry.size > a->events_bytes - a->classes_bytes))
		err = -EPROTO;
	if (!err && a->nclasses == a->classes_cap)
		err = classes_grow(a);
	if (!err)
		err = class_fill(&a->classes[a->nclasses], &copy.entry, a->nclasses + 1);
	if (!err) {
		a->classes[a->nclasses++].offset = offset;
		a->class_bytes[a->nclasses] = a->classes[a->nclasses - 1].bytes;
		a->classes_last = offset;
		a->classes_bytes += copy.entry.size;
	}
	return err;
}

int ft_classes_refresh(struct fasttrace_arena *a)
{
	for (;;) {
		const uint32_t *link = &a->shared->events_first;
		uint32_t next;
		int err;

		if (a->classes_last)
			link = &((struct ft_event_entry *)(void *)(a->map + a->classes_last))->next;
		next = ft_load_acquire(link); /* event:R */
		if (!next)
			return 0;
		err = class_add(a, next);
		if (err)
			return err;
	}
}

/* What was loaded from shared memory may change there: the compiler must not load it again. */
#define LOADED(x) __asm__ volatile("" : "+r"(x))

/* Bytes of a field at p, or 0: it does not fit into `room`. */
static size_t field_measure(unsigned type, const unsigned char *p, size_t room)
{
	unsigned bytes = ft_type_bytes(type & ~FASTTRACE_TYPE_ARRAY);
	const unsigned char *end;
	uint32_t count;

	if (type == FASTTRACE_TYPE_STRING) {
		end = memchr(p, 0, room);
		return end ? (size_t)(end - p) + 1 : 0;
	}
	if (!(type & FASTTRACE_TYPE_ARRAY))
		return bytes <= room ? bytes : 0;
	if (room < sizeof(count))
		return 0;
	memcpy(&count, p, sizeof(count));
	LOADED(count);
	return count <= (room - sizeof(count)) / bytes ? sizeof(count) + (size_t)count * bytes : 0;
}

/* Bytes of an event whose class does not tell them; 0: it is longer than `room`, or a guard's. */
static size_t event_measure_fields(const struct ft_event_class *c, const unsigned char *p,
				   size_t room)
{
	size_t bytes = 8;

	for (unsigned i = 0; i < c->nfields; i++) {
		size_t field = field_measure(c->types[i], p + bytes, room - bytes);

		if (!field)
			return 0;
		bytes += field;
	}
	return c->kind == FASTTRACE_KIND_GUARD ? 0 : bytes;
}

/* Bytes of the event at p without its padding, or 0: with it, it does not fit into `room`. */
static size_t event_measure(const struct ft_event_class *c, const unsigned char *p, size_t room)
{
	size_t bytes = c->bytes ? c->bytes : event_measure_fields(c, p, room);

	return ((bytes + 7) & ~(size_t)7) <= room ? bytes : 0;
}

int ft_event_next(struct fasttrace_arena *a, const unsigned char *p, size_t room, uint64_t time,
		  struct ft_event *event)
{
	uint64_t header;
	unsigned id;

	if (room < 8)
		return 0;
	memcpy(&header, p, 8);
	LOADED(header);
	id = header & 0xffff;
	if (id - 1 >= a->nclasses && ft_classes_refresh(a) == -ENOMEM)
		return -ENOMEM;
	if (id - 1 >= a->nclasses)
		return 0;
	event->id = id;
	event->time = ft_packet_time(header, time);
	event->bytes = event_measure(&a->classes[id - 1], p, room);
	return event->bytes != 0;
}

/* Of two headers with the same id: what the second one's time is later by. Else, or if it is back: odd. */
#define NOT_LATER (UINT64_C(1) << 63 | 0xffff)

/*
 * As many events of fixed size as follow, behind one at least. Most are of the same id as the one before:
 * that is guessed, so that the processor need not wait for an event's bytes to know where the next one
 * begins, and such headers differ by their times alone.
 */
static void fixed_walk(const struct fasttrace_arena *a, const unsigned char *body, size_t bytes,
		       struct ft_walk *out)
{
	const unsigned char *p = body + out->bytes, *end = body + bytes;
	const uint8_t *class_bytes = a->class_bytes;
	uint64_t before = 0, last = out->last, events = out->events;
	size_t step = SIZE_MAX;
	unsigned own = 0;

	for (; end - p >= 8; events++, p += step) {
		uint64_t header, later;

		memcpy(&header, p, 8);
		LOADED(header);
		later = header - before;
		if (FASTTRACE_UNLIKELY(later & NOT_LATER)) {
			unsigned id_bytes = class_bytes[header & 0xffff];
			uint64_t time = ft_packet_time(header, last);

			step = (id_bytes + 7u) & ~(size_t)7;
			if (!id_bytes || time < last || (size_t)(end - p) < step)
				break;
			own = id_bytes;
			later = (time - last) << 16;
		}
		if ((size_t)(end - p) < step || last + (later >> 16) < last)
			break;
		last += later >> 16;
		before = header;
	}
	if (own)
		out->pad = (uint32_t)-own & 7;
	out->last = last;
	out->events = events;
	out->bytes = (size_t)(p - body);
}

int ft_events_walk(struct fasttrace_arena *a, const unsigned char *body, size_t bytes,
		   uint64_t anchor_time, struct ft_walk *out)
{
	struct ft_event e;
	int got;

	*out = (struct ft_walk){.last = anchor_time};
	for (;;) {
		if (out->events)
			fixed_walk(a, body, bytes, out);
		got = ft_event_next(a, body + out->bytes, bytes - out->bytes, out->last, &e);
		if (got <= 0 || (out->events && e.time < out->last))
			return got < 0 ? got : 0;
		if (!out->events)
			out->first = e.time;
		out->events++;
		out->pad = (uint32_t)-e.bytes & 7;
		out->bytes += e.bytes + out->pad;
		out->last = e.time;
	}
}

void ft_walk_free(struct fasttrace_arena *a)
{
	for (unsigned i = 0; i < a->nclasses; i++)
		free(a->classes[i].names);
	free(a->classes);
	free(a->class_bytes);
	a->classes = NULL;
	a->class_bytes = NULL;
	a->nclasses = a->classes_cap = 0;
	a->classes_last = 0;
	a->classes_bytes = 0;
}
