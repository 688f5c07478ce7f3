/* SPDX-License-Identifier: MIT */
/* common_ops.c - see common_ops.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "common_fence.h"
#include "common_ops.h"

#define SWEEP_BUFFERS 4096u
#define SWEEP_PACKETS 8

bool ops_open(struct ops *o, bool consume)
{
	unsigned flags = consume ? FASTTRACE_OPEN_CONSUME : 0;
	const char *why = "";
	int err = fasttrace_arena_open(AT_FDCWD, image_path(), flags, &o->a, &why);

	if (err) {
		CHECK(err == -EPROTO || err == -ENOTSUP || err == -ENOMEM);
		CHECK(err == -ENOMEM || (why && *why));
		o->a = NULL;
		return false;
	}
	check_info(o->a);
	if (o->fenced)
		fence(o->a);
	return true;
}

static uint64_t owner(struct ops *o, unsigned index)
{
	struct fasttrace_buffer_info info;

	if (fasttrace_buffer_get_info(o->a, index, &info))
		return 0;
	check_buffer(&info);
	return info.serial;
}

static void next(struct ops *o, unsigned index, uint64_t from)
{
	uint64_t seq, serial = owner(o, index);
	size_t bytes;

	if (fasttrace_buffer_next(o->a, index, serial, from, &seq, &bytes))
		return;
	CHECK(seq >= from);
	CHECK(bytes >= FASTTRACE_HEADER_BYTES &&
	      bytes <= (size_t)1 << o->a->buffers[index]->ring.page_shift);
	if (index < IMAGE_BUFFERS)
		o->seq[index] = seq;
}

static void get(struct ops *o, unsigned index, uint64_t seq)
{
	struct fasttrace_packet p;
	int err = fasttrace_buffer_get(o->a, index, owner(o, index), seq, &p);

	if (err)
		return;
	CHECK(!o->taken[index]);
	check_packet(o->a, index, &p, o->still);
	o->packet[index] = p;
	o->taken[index] = true;
}

static void give_back(struct ops *o, unsigned index, bool read)
{
	if (!o->taken[index])
		return;
	o->taken[index] = false;
	if (read)
		fasttrace_buffer_put(o->a, index, &o->packet[index]);
	else
		fasttrace_buffer_unget(o->a, index, &o->packet[index]);
}

static void metadata(struct ops *o)
{
	char *text;
	size_t len;

	if (fasttrace_arena_metadata(o->a, &text, &len))
		return;
	check_metadata(text, len);
	CHECK(!o->metadata || !strncmp(text, o->metadata, strlen(o->metadata)));
	free(o->metadata);
	o->metadata = text;
}

static void events(struct ops *o)
{
	struct fasttrace_event_info info;
	int n = fasttrace_arena_events(o->a);

	CHECK(n >= -EPROTO && n <= (int)FT_MAX_EVENTS);
	for (unsigned id = 0; !fasttrace_event_get_info(o->a, id + 1, &info); id++)
		check_event(&info);
	CHECK(fasttrace_event_get_info(o->a, 0, &info) == -ENOENT);
}

/* What they say hangs on this machine's clock. */
static void times(struct ops *o, unsigned index)
{
	struct fasttrace_times t;
	int64_t begin;
	int err = fasttrace_buffer_times(o->a, index, owner(o, index), &t);

	CHECK(!err || err == -ENODATA || err == -ENOENT || err == -ENOMEM || err == -EPROTO);
	if (index < IMAGE_BUFFERS)
		err = fasttrace_buffer_begin(o->a, index, owner(o, index), o->seq[index], &begin);
	CHECK(!err || err == -ENODATA || err == -ENOENT || err == -ENOMEM || err == -EPROTO);
}

static void stats(struct ops *o, unsigned index)
{
	struct fasttrace_stats s;

	times(o, index);

	if (!fasttrace_arena_stats(o->a, &s))
		check_out(&s, sizeof(s));
	if (!fasttrace_buffer_stats(o->a, index, owner(o, index), &s))
		check_out(&s, sizeof(s));
}

/* As text: lines that no value can break, and the same again. */
static void snapshot_lines(struct ops *o, const struct fasttrace_snapshot *s)
{
	static char text[(64 << 10) + 1], again[sizeof(text)];
	struct fasttrace_lines *lines;
	size_t n;

	if (fasttrace_lines_open(o->a, s, &lines))
		return;
	n = fasttrace_lines_read(lines, text, sizeof(text) - 1);
	text[n] = '\0';
	check_lines(text, n);
	fasttrace_lines_rewind(lines);
	CHECK(fasttrace_lines_read(lines, again, sizeof(again) - 1) == n);
	CHECK(!memcmp(text, again, n));
	fasttrace_lines_free(lines);
}

/* The same of a packet that is the caller's by now, in two parts of time. */
static void packet_lines(struct ops *o, struct fasttrace_packet *p)
{
	struct fasttrace_snapshot_stream stream = {.data = p->data, .bytes = p->bytes};
	const struct fasttrace_snapshot_stream *ended = NULL;
	uint64_t until = p->begin + (p->end - p->begin) / 2;
	void *copy = fasttrace_packet_keep(p);
	struct fasttrace_lines *lines;
	const char *line;
	size_t bytes;
	bool added;

	CHECK(copy == stream.data);
	if (!fasttrace_lines_new(o->a, &lines)) {
		added = fasttrace_lines_add(lines, &stream);
		for (unsigned part = 0; added && part < 2; part++, until = UINT64_MAX)
			while (fasttrace_lines_next(lines, until, &line, &bytes, &ended)) {
				CHECK(bytes && line[bytes - 1] == '\n');
				check_lines(line, bytes);
			}
		CHECK(!added || ended == &stream);
		fasttrace_lines_free(lines);
	}
	free(copy);
}

/* With the arena write-protected: a snapshot that writes is a fault. */
static void snapshot(struct ops *o)
{
	struct fasttrace_snapshot *s;
	int err, protect = PROT_READ | PROT_WRITE;

	for (unsigned i = 0; i < fasttrace_arena_buffers(o->a); i++)
		owner(o, i); /* its view is made, and what an old reader held is taken over */
	metadata(o);	     /* and the clock is known */
	if (o->still)
		mprotect(o->a->map, o->a->size, PROT_READ);
	err = fasttrace_snapshot_take(o->a, &s);
	mprotect(o->a->map, o->a->size, protect);
	if (err) {
		CHECK(err == -EPROTO || err == -ENOMEM);
		return;
	}
	check_snapshot(o->a, s);
	snapshot_lines(o, s);
	fasttrace_snapshot_free(s);
}

static void geometry(struct ops *o, struct input *in)
{
	struct fasttrace_geometry g = {UINT64_C(1) << (input_u8(in) & 63), input_u8(in)}, now;

	CHECK(fasttrace_geometry_set(o->a, &g) <= 0);
	if (!fasttrace_geometry_get(o->a, &now))
		CHECK(ft_subbuf_valid(now.subbuf_bytes) && ft_subbufs_valid(now.subbufs));
}

static void events_switch(struct ops *o, struct input *in)
{
	static const char *const names[] = {NULL,   "shop", "disk", "order",
					    "read", "none", "a/b",  ""};
	uint8_t which = input_u8(in), on = input_u8(in);
	struct input given;
	char name[256] = "";

	if (which == 0xff)
		geometry(o, in);
	if (which & 0x80)
		fasttrace_tracing_switch(o->a, on & 2);
	if (which & 0x40) {
		given = input_take(in, on);
		if (given.size)
			memcpy(name, given.data, given.size);
		fasttrace_events_switch(o->a, name, NULL, on & 1);
		return;
	}
	fasttrace_events_switch(o->a, names[which & 7], names[which >> 3 & 7], on & 1);
}

/* Whole, or not at all. */
static void marker(struct ops *o, size_t bytes)
{
	static const char text[FASTTRACE_MARKER_BYTES + 256];
	struct fasttrace_stats before, after;
	int err;

	if (fasttrace_arena_stats(o->a, &before))
		return;
	err = fasttrace_marker_write(o->a, text, bytes * 17);
	check_timed();
	CHECK(!err || err == -EMSGSIZE || err == -EBUSY || err == -ESRCH || err == -EBADF ||
	      err == -EAGAIN || err == -ENOSPC || err == -ENOTSUP || err == -EPROTO);
	CHECK(err || bytes * 17 <= FASTTRACE_MARKER_BYTES);
	if (o->still && err && err != -EPROTO && !fasttrace_arena_stats(o->a, &after))
		CHECK(after.begun == before.begun && after.in_flight == before.in_flight);
}

static void end(struct ops *o, struct input *in)
{
	uint8_t how = input_u8(in);
	int code;

	fasttrace_arena_end(o->a, &code);
	CHECK(code >= -1 && code <= 255);
	fasttrace_arena_set_end(o->a, (enum fasttrace_end)(how & 7), how);
	fasttrace_arena_end(o->a, &code);
	if (how & 0x80)
		marker(o, input_u8(in));
}

static void waiting(struct ops *o, unsigned index)
{
	uint32_t ticket = fasttrace_arena_ticket(o->a);

	fasttrace_buffer_watch(o->a, index);
	fasttrace_arena_wait(o->a, ticket, 1);
	fasttrace_arena_interrupt(o->a);
}

static void force(struct ops *o, unsigned index, enum fasttrace_switch how)
{
	uint64_t serial = owner(o, index);

	fasttrace_buffer_switch(o->a, index, serial, how);
	fasttrace_buffer_settled(o->a, index, serial);
	fasttrace_buffer_drained(o->a, index, serial);
}

static void reopen(struct ops *o, bool consume)
{
	ops_close(o);
	ops_open(o, consume);
}

void ops_step(struct ops *o, struct input *in, uint8_t op)
{
	unsigned index = op >> 4 & (IMAGE_BUFFERS - 1);
	uint64_t serial = owner(o, index);

	switch (op & 15) {
	case 0:
		reopen(o, input_u8(in) & 1);
		break;
	case 1:
		image_alive(input_u8(in) & 1);
		break;
	case 2:
		next(o, index, input_u8(in));
		break;
	case 3:
		get(o, index, o->seq[index] + (uint64_t)(int64_t)(int8_t)input_u8(in));
		break;
	case 4:
		give_back(o, index, true);
		break;
	case 5:
		give_back(o, index, false);
		break;
	case 6:
		fasttrace_buffer_drop(o->a, index, serial, o->seq[index]);
		break;
	case 7:
		force(o, index, FASTTRACE_FLUSH);
		break;
	case 8:
		force(o, index, FASTTRACE_ACTIVE);
		break;
	case 9:
		stats(o, index);
		break;
	case 10:
		snapshot(o);
		break;
	case 11:
		metadata(o);
		break;
	case 12:
		events(o);
		break;
	case 13:
		events_switch(o, in);
		break;
	case 14:
		end(o, in);
		break;
	case 15:
		waiting(o, index);
		fasttrace_arena_consume(o->a);
		break;
	}
}

/* Read a buffer to its end. */
static void drain(struct ops *o, unsigned index)
{
	uint64_t seq, from = 0, serial = owner(o, index);
	struct fasttrace_packet p;

	for (int n = 0; n < SWEEP_PACKETS; n++, from = seq + 1) {
		next(o, index, from);
		if (fasttrace_buffer_next(o->a, index, serial, from, &seq, NULL))
			return;
		if (fasttrace_buffer_get(o->a, index, serial, seq, &p))
			continue;
		check_packet(o->a, index, &p, o->still);
		if (n & 2)
			packet_lines(o, &p);
		if (n & 1)
			fasttrace_buffer_unget(o->a, index, &p);
		else
			fasttrace_buffer_put(o->a, index, &p);
	}
}

static const unsigned char *buffer_end(const struct ft_reader_buffer *b)
{
	return b->ring.pages + ((size_t)b->pages << b->ring.page_shift);
}

/* Each buffer is inside, and no two share a byte, or a page would be in more than one place. */
static void disjoint(const struct ops *o, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		const struct ft_reader_buffer *b = o->a->buffers[i], *c;

		CHECK(!b || buffer_end(b) <= o->a->map + o->a->size);
		for (unsigned j = 0; b && j < i; j++) {
			c = o->a->buffers[j];
			CHECK(!c || buffer_end(b) <= (unsigned char *)c->shared ||
			      buffer_end(c) <= (unsigned char *)b->shared);
		}
	}
}

void ops_sweep(struct ops *o)
{
	unsigned n = fasttrace_arena_buffers(o->a);

	CHECK(n <= SWEEP_BUFFERS);
	events(o);
	snapshot(o);
	for (unsigned i = 0; i < n; i++) {
		force(o, i, FASTTRACE_FLUSH);
		drain(o, i);
		force(o, i, FASTTRACE_ACTIVE);
	}
	disjoint(o, n);
	stats(o, 0);
	waiting(o, 1);
	snapshot(o);
	metadata(o);
	marker(o, 3);
	disjoint(o, fasttrace_arena_buffers(o->a));
	snapshot(o);
}

void ops_close(struct ops *o)
{
	for (unsigned i = 0; o->a && i < IMAGE_BUFFERS; i++)
		if (o->taken[i])
			give_back(o, i, false);
	free(o->metadata);
	o->metadata = NULL;
	if (o->a && o->fenced)
		fence_end(o->a);
	fasttrace_arena_close(o->a);
	o->a = NULL;
}
