/* SPDX-License-Identifier: MIT */
/*
 * ctf-decode.c - packets, events and values, by the lists of operations that ctf-compile.c makes.
 *
 * The packet may be shared memory, or a file that somebody changes: each access is checked against
 * the end of the content, each time.
 */
#include <stdio.h>
#include <string.h>

#include "ft-ctf.h"

/* Bits that have no whole bytes, or the other order. The last byte of them is inside. */
static uint64_t bits_read(const uint8_t *data, uint64_t at, unsigned bits, bool big)
{
	const uint8_t *p = data + at / 8;
	unsigned skip = at % 8, bytes = (skip + bits + 7) / 8;
	unsigned __int128 word = 0;

	for (unsigned i = 0; i < bytes; i++)
		word |= (unsigned __int128)p[i] << 8 * (big ? bytes - 1 - i : i);
	word >>= big ? bytes * 8 - skip - bits : skip;
	return (uint64_t)word & UINT64_MAX >> (64 - bits);
}

/* CTF: what is cut off above is what it was, or one more if the rest has become less. */
static void clock_update(uint64_t *clock, uint64_t value, unsigned bits)
{
	uint64_t mask = bits < 64 ? (UINT64_C(1) << bits) - 1 : UINT64_MAX;

	if (bits < 64 && value < (*clock & mask))
		*clock += mask + 1;
	*clock = (*clock & ~mask) | value;
}

static bool does_not_fit(struct ft_ctf_values *v, const char *what)
{
	v->wrong = what;
	return false;
}

static inline bool align_to(struct ft_ctf_values *v, uint64_t align)
{
	v->at = (v->at + align - 1) & ~(align - 1);
	return v->at <= v->end || does_not_fit(v, "content up to the next field's alignment");
}

static inline bool integer_next(struct ft_ctf_values *v, const struct ft_ctf_op *op,
				uint64_t *value)
{
	uint64_t u;

	if (op->bits > v->end - v->at)
		return does_not_fit(v, "content that holds the whole of a number");
	if (op->bytes)
		u = ft_ctf_load(op, v->data + v->at / 8);
	else
		u = bits_read(v->data, v->at, op->bits, op->big);
	v->at += op->bits;
	if (op->clock && v->clock)
		clock_update(v->clock, u, op->bits);
	if (op->is_signed && !op->bytes)
		u = (uint64_t)((int64_t)(u << (64 - op->bits)) >> (64 - op->bits));
	if (op->slot)
		v->slots[op->slot] = u;
	*value = u;
	return true;
}

static bool string_next(struct ft_ctf_values *v, struct ft_ctf_value *value)
{
	uint64_t room = (v->end - v->at) / 8;

	value->text = (const char *)v->data + v->at / 8;
	value->bytes = ft_ctf_string_bytes(value->text, room);
	if (value->bytes == room)
		return does_not_fit(v, "a zero byte at the end of a string, within the content");
	v->at += (value->bytes + 1) * 8;
	return true;
}

static inline bool count_get(struct ft_ctf_values *v, const struct ft_ctf_op *op, uint64_t *count)
{
	*count = op->length_slot ? v->slots[op->length_slot] : op->count;
	if (*count > (v->end - v->at) / (op->fixed ? op->fixed : 1) &&
	    !(op->empty && *count <= FT_CTF_IDLE))
		return does_not_fit(v, "as many elements as the content has room for");
	return true;
}

static bool text_next(struct ft_ctf_values *v, const struct ft_ctf_op *op,
		      struct ft_ctf_value *value)
{
	uint64_t count;

	if (!count_get(v, op, &count))
		return false;
	value->text = (const char *)v->data + v->at / 8;
	value->bytes = strnlen(value->text, count);
	v->at += count * 8;
	return true;
}

static bool array_begin(struct ft_ctf_values *v, const struct ft_ctf_op *op, bool skip)
{
	uint64_t count;

	if (!count_get(v, op, &count))
		return false;
	if (!count || (skip && op->fixed)) {
		v->at += count * op->fixed;
		v->op = v->ops + op->next - (skip ? 0 : 1); /* to its end */
		if (skip)
			return true;
		v->arrays[v->depth].at = UINT64_MAX; /* no element ends there */
		v->arrays[v->depth++].left = 1;
		return true;
	}
	v->arrays[v->depth].left = count;
	v->arrays[v->depth].at = v->at;
	v->arrays[v->depth++].begin = (uint32_t)(op + 1 - v->ops);
	return true;
}

/* An element ends. Those that take no bits must be few: nothing else bounds them. */
static bool array_go_on(struct ft_ctf_values *v)
{
	if (v->at == v->arrays[v->depth - 1].at && ++v->idle > FT_CTF_IDLE)
		return does_not_fit(v, "fewer elements that take no bits");
	v->arrays[v->depth - 1].at = v->at;
	if (--v->arrays[v->depth - 1].left)
		v->op = v->ops + v->arrays[v->depth - 1].begin;
	else
		v->depth--;
	return true;
}

static bool variant_begin(struct ft_ctf_values *v, const struct ft_ctf_op *op)
{
	uint64_t tag = v->slots[op->length_slot];
	const struct ft_ctf_option *options = (void *)op->options->data;

	for (guint i = 0; i < op->options->len; i++) {
		bool in = op->is_signed ? (int64_t)tag >= (int64_t)options[i].from &&
						  (int64_t)tag <= (int64_t)options[i].to
					: tag >= options[i].from && tag <= options[i].to;

		if (!in)
			continue;
		v->op = v->ops + options[i].op;
		return true;
	}
	return does_not_fit(v, "a variant's tag with one of its members' labels");
}

/* One operation. @skip: only where it ends is wanted. */
static inline bool step(struct ft_ctf_values *v, struct ft_ctf_value *value, bool skip)
{
	const struct ft_ctf_op *op = v->op++;

	value->op = op;
	if (!align_to(v, op->align))
		return false;
	switch (op->code) {
	case FT_CTF_OP_INT:
		return integer_next(v, op, &value->u);
	case FT_CTF_OP_FLOAT:
		if (!integer_next(v, op, &value->u))
			return false;
		ft_ctf_real(value);
		return true;
	case FT_CTF_OP_STRING:
		return string_next(v, value);
	case FT_CTF_OP_TEXT:
		return text_next(v, op, value);
	case FT_CTF_OP_ARRAY:
		return array_begin(v, op, skip);
	case FT_CTF_OP_ARRAY_END:
		return array_go_on(v);
	case FT_CTF_OP_VARIANT:
		return variant_begin(v, op);
	case FT_CTF_OP_VARIANT_END:
		v->op = v->ops + v->ops[op->count].next;
		return true;
	case FT_CTF_OP_END:
		v->op = op;
		return false;
	default: /* a struct begins or ends */
		return true;
	}
}

bool ft_ctf_value_next(struct ft_ctf_values *v, struct ft_ctf_value *value)
{
	return v->op && !v->wrong && step(v, value, false);
}

static inline bool bits_skip(struct ft_ctf_values *v, uint64_t bits)
{
	if (G_UNLIKELY(bits > v->end - v->at))
		return does_not_fit(v, "content that holds the whole event");
	v->at += bits;
	return true;
}

static bool plain_skip(struct ft_ctf_values *v, const struct ft_ctf_program *program)
{
	const struct ft_ctf_op *op = program->ops + 1;
	struct ft_ctf_value value;

	if (!align_to(v, 8))
		return false;
	for (;;) {
		if (op->run) {
			if (!bits_skip(v, op->run))
				return false;
			op = program->ops + op->run_next;
		}
		if (op->code != FT_CTF_OP_STRING)
			return true;
		if (!string_next(v, &value))
			return false;
		op++;
	}
}

static bool any_skip(struct ft_ctf_values *v)
{
	struct ft_ctf_value value;

	do {
		if (!v->op->run)
			continue;
		if (!align_to(v, 8) || !bits_skip(v, v->op->run))
			return false;
		v->op = v->ops + v->op->run_next;
	} while (step(v, &value, true));
	return !v->wrong;
}

/* Pass over all of a program. */
static inline bool program_skip(struct ft_ctf_values *v, const struct ft_ctf_program *program)
{
	if (!program->ops)
		return true;
	if (program->is_fixed)
		return align_to(v, program->align) && bits_skip(v, program->fixed);
	if (program->plain)
		return plain_skip(v, program);
	v->ops = v->op = program->ops;
	return any_skip(v);
}

static int cursor_fail(struct ft_ctf_cursor *c, uint64_t at, const char *wrong)
{
	c->wrong = wrong;
	c->wrong_at = at;
	c->next = c->end;
	return -EPROTO;
}

/* Numbers of the event or stream that nobody declared stand in the message. */
static int undeclared(struct ft_ctf_cursor *c, uint64_t at, const char *what, uint64_t id)
{
	snprintf(c->why, sizeof(c->why),
		 "%s of a declared class, which %" G_GUINT64_FORMAT " is not", what, id);
	return cursor_fail(c, at, c->why);
}

static struct ft_ctf_stream_class *stream_get(const struct ft_ctf_meta *meta, uint64_t id)
{
	for (guint i = 0; i < meta->streams->len; i++) {
		struct ft_ctf_stream_class *stream = meta->streams->pdata[i];

		if (stream->id == id)
			return stream;
	}
	return NULL;
}

/* Do all bytes of the uuid in packet.header, if there is one, agree with the trace's? */
static bool uuid_right(struct ft_ctf_values *v, const struct ft_ctf_value *value,
		       const struct ft_ctf_meta *meta)
{
	const struct ft_ctf_op *op = value->op;

	if (op->code != FT_CTF_OP_ARRAY || !meta->has_uuid || strcmp(op->name, "uuid") ||
	    op->fixed != 8 || op->count != 16)
		return true;
	return !memcmp(v->data + v->at / 8, meta->uuid, 16) ||
	       does_not_fit(v, "the uuid of the metadata");
}

static bool packet_header_read(struct ft_ctf_cursor *c, struct ft_ctf_values *v)
{
	struct ft_ctf_value value;

	while (ft_ctf_value_next(v, &value)) {
		if (value.op->slot == FT_CTF_PACKET_MAGIC && value.u != FT_CTF_MAGIC) {
			v->at -= value.op->bits;
			return does_not_fit(v, "a packet's magic, 0xc1fc1fc1");
		}
		if (!uuid_right(v, &value, c->meta))
			return false;
	}
	return !v->wrong;
}

static int packet_sizes(struct ft_ctf_cursor *c, uint64_t header)
{
	uint64_t content = c->slots[FT_CTF_CONTENT_SIZE], size = c->slots[FT_CTF_PACKET_SIZE];

	if (size == UINT64_MAX)
		size = content == UINT64_MAX ? c->bytes * 8 : (content + 7) & ~UINT64_C(7);
	if (content == UINT64_MAX)
		content = size;
	if (content > size || content < header || size % 8) {
		snprintf(c->why, sizeof(c->why),
			 "content_size from %" G_GUINT64_FORMAT
			 " on, and not above packet_size: they are %" G_GUINT64_FORMAT
			 " and %" G_GUINT64_FORMAT " bits",
			 header, content, size);
		return cursor_fail(c, header, c->why);
	}
	c->packet_bytes = size / 8;
	c->end = MIN(content, c->bytes * 8);
	return 0;
}

int ft_ctf_packet_enter(struct ft_ctf_cursor *c, const uint8_t *data, uint64_t bytes)
{
	struct ft_ctf_values v;

	c->data = data;
	c->bytes = MIN(bytes, UINT64_MAX / 16);
	c->end = c->bytes * 8;
	c->packet_bytes = c->bytes;
	c->wrong = NULL;
	c->event = NULL;
	memset(c->slots, 0, sizeof(c->slots));
	c->slots[FT_CTF_CONTENT_SIZE] = c->slots[FT_CTF_PACKET_SIZE] = UINT64_MAX;
	c->slots[FT_CTF_SEQ] = c->slots[FT_CTF_INSTANCE] = UINT64_MAX;
	c->slots[FT_CTF_CPU] = c->slots[FT_CTF_TID] = UINT64_MAX;
	ft_ctf_values_at(c, &c->meta->packet, 0, &v);
	v.clock = &c->clock;
	if (v.op && !packet_header_read(c, &v))
		return cursor_fail(c, v.at, v.wrong);
	c->stream = stream_get(c->meta, c->slots[FT_CTF_STREAM_ID]);
	if (!c->stream)
		return undeclared(c, 0, "a stream_id", c->slots[FT_CTF_STREAM_ID]);
	c->packet_at = v.at;
	v.ops = v.op = c->stream->packet.ops;
	while (v.op && step(&v, &(struct ft_ctf_value){0}, true))
		;
	if (v.wrong)
		return cursor_fail(c, v.at, v.wrong);
	c->next = v.at;
	return packet_sizes(c, v.at);
}

/* The word of a header, or of what stands there. */
static inline uint64_t word_load(const struct ft_ctf_cursor *c, uint64_t at)
{
	uint64_t word;

	memcpy(&word, c->data + at / 8, sizeof(word));
	return word;
}

static inline uint64_t word_id(const struct ft_ctf_stream_class *s, uint64_t word)
{
	return word & ((UINT64_C(1) << s->id_bits) - 1);
}

static inline void word_clock(const struct ft_ctf_stream_class *s, uint64_t word, uint64_t *clock)
{
	unsigned bits = s->id_bits + s->time_bits;

	clock_update(clock, word << (64 - bits) >> (64 - s->time_bits), s->time_bits);
}

/* The header that is one word; false: it is not, or too near to the end to be read as one. */
static inline bool word_read(struct ft_ctf_cursor *c, struct ft_ctf_values *v)
{
	const struct ft_ctf_stream_class *s = c->stream;
	uint64_t word, id;

	if (!s->id_bits || v->end - v->at < 64)
		return false;
	word = word_load(c, v->at);
	id = word_id(s, word);
	if (id > s->id_last)
		return false;
	c->slots[FT_CTF_ID] = id;
	word_clock(s, word, &c->clock);
	v->at += s->id_bits + s->time_bits;
	return true;
}

/* Behind a header that is one word: all places at once. False: it is to be gone through. */
static inline bool whole_skip(struct ft_ctf_cursor *c, const struct ft_ctf_values *v)
{
	const struct ft_ctf_event_class *event = c->event;

	if (!event->whole || event->whole > v->end - c->header ||
	    v->at != c->header + c->stream->id_bits + c->stream->time_bits)
		return false;
	c->context = c->header + event->context_at;
	c->own = c->header + event->own_at;
	c->fields = c->header + event->fields_at;
	c->next = c->header + event->whole;
	return true;
}

/* How many bits an event of that id always takes; 0: not always as many, or there is none. */
static uint64_t whole_bits(const struct ft_ctf_stream_class *s, uint64_t id)
{
	const struct ft_ctf_event_class *event =
		id <= s->id_last && id < s->by_id->len ? s->by_id->pdata[id] : NULL;

	return event ? event->whole : 0;
}

uint64_t ft_ctf_events_pass(struct ft_ctf_cursor *c)
{
	const struct ft_ctf_stream_class *s = c->stream;
	const uint64_t align = s->header.align - 1, end = c->end;
	uint64_t at = c->next, clock = c->clock, last = UINT64_MAX, bits = 0, events = 0;

	for (; s->id_bits; events++) {
		uint64_t begin = (at + align) & ~align, word, id;

		if (begin + 64 > end)
			break;
		word = word_load(c, begin);
		id = word_id(s, word);
		/* Mostly it is: then the next event's place does not wait for what stands here. */
		if (G_UNLIKELY(id != last)) {
			bits = whole_bits(s, id);
			last = id;
		}
		if (!bits || bits > end - begin)
			break;
		word_clock(s, word, &clock);
		at = begin + bits;
	}
	c->next = at;
	c->clock = clock;
	return events;
}

static inline bool header_read(struct ft_ctf_cursor *c, struct ft_ctf_values *v)
{
	struct ft_ctf_value value;

	if (G_LIKELY(word_read(c, v)))
		return true;
	c->slots[FT_CTF_ID] = 0;
	v->ops = v->op = c->stream->header.ops;
	while (v->op && step(v, &value, true))
		;
	return !v->wrong;
}

int ft_ctf_event_next(struct ft_ctf_cursor *c)
{
	struct ft_ctf_values v;

	if (c->next >= c->end)
		return 0;
	v.data = c->data;
	v.end = c->end;
	v.slots = c->slots;
	v.clock = &c->clock;
	v.depth = v.idle = 0;
	v.wrong = NULL;
	v.at = (c->next + c->stream->header.align - 1) & ~(c->stream->header.align - 1);
	if (v.at >= v.end) /* padding */
		return c->next = c->end, 0;
	c->header = v.at;
	if (!header_read(c, &v))
		return cursor_fail(c, v.at, v.wrong);
	c->event = ft_ctf_event_get(c->stream, c->slots[FT_CTF_ID]);
	if (G_UNLIKELY(!c->event))
		return undeclared(c, c->header, "an event", c->slots[FT_CTF_ID]);
	if (whole_skip(c, &v))
		return 1;
	c->context = v.at;
	if (!program_skip(&v, &c->stream->context))
		return cursor_fail(c, v.at, v.wrong);
	c->own = v.at;
	if (!program_skip(&v, &c->event->context))
		return cursor_fail(c, v.at, v.wrong);
	c->fields = v.at;
	if (!program_skip(&v, &c->event->fields))
		return cursor_fail(c, v.at, v.wrong);
	if (G_UNLIKELY(v.at == c->next))
		return cursor_fail(c, v.at, "an event that takes at least a bit");
	c->next = v.at;
	return 1;
}
