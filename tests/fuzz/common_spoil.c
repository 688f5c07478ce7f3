/* SPDX-License-Identifier: MIT */
/* common_spoil.c - see common_spoil.h. */
#include <stdlib.h>
#include <unistd.h>

#include "common_spoil.h"
#include "ft-ring.h"

static const uint64_t words[] = {
	0,
	1,
	2,
	10,
	11,
	12,
	UINT64_MAX,
	UINT64_MAX - 1,
	INT64_MAX,
	UINT64_C(1) << 63,
	UINT32_MAX,
	UINT64_C(1) << 32,
	(UINT64_C(1) << 32) - 4096,
	4096,
	4097,
	FT_ARENA_MAGIC,
	IMAGE_SIZE,
	IMAGE_SIZE - 4096,
	IMAGE_SIZE - 64,
	IMAGE_EVENTS,
	IMAGE_RINGS,
	IMAGE_RINGS + IMAGE_RING_BYTES,
	511,
	512,
	513,
	1023,
	65535,
	65536,
	UINT64_C(1) << 17,
	UINT64_C(1) << 20,
	UINT64_C(1) << 47,
	UINT64_C(100000000000),
};
#define RINGS_END   (UINT64_C(1) << 27)
#define TABLE_BYTES (UINT32_C(8) << 20)
#define WORDS	    (sizeof(words) / sizeof(*words))

static void value_set(struct spoil *s, uint64_t value, size_t bytes)
{
	memcpy(s->value, &value, bytes);
	s->bytes = bytes;
}

static void value_read(struct spoil *s, struct input *in, unsigned kind)
{
	struct input text;

	switch (kind) {
	case SPOIL_U64:
		value_set(s, input_u64(in), 8);
		break;
	case SPOIL_U32:
		value_set(s, input_u32(in), 4);
		break;
	case SPOIL_U16:
		value_set(s, input_u16(in), 2);
		break;
	case SPOIL_TEXT:
		text = input_take(in, input_u8(in));
		if (text.size)
			memcpy(s->value, text.data, text.size);
		s->bytes = text.size;
		break;
	default:
		value_set(s, input_u8(in), 1);
	}
}

static uint64_t word_read(struct input *in, unsigned kind, uint64_t now, uint64_t base,
			  uint64_t bytes)
{
	switch (kind) {
	case SPOIL_ADD:
		return now + (uint64_t)(int64_t)(int8_t)input_u8(in);
	case SPOIL_BIT:
		return now ^ UINT64_C(1) << (input_u8(in) & 63);
	case SPOIL_COPY:
		return image_get(base + input_u16(in) * UINT64_C(8) % bytes);
	default:
		return words[input_u8(in) % WORDS];
	}
}

struct spoil spoil_read(struct input *in, uint8_t op)
{
	unsigned kind = op >> 3 & 15;
	uint8_t index = input_u8(in);
	uint64_t place = input_u16(in), bytes, base = image_at(op & 7, index, &bytes);
	struct spoil s = {.offset = base + place % bytes};

	if (kind == SPOIL_HALF) {
		s.offset = base + place * 4 % bytes;
		value_set(&s, words[input_u8(in) % WORDS], 4);
	} else if (kind >= SPOIL_WORD && kind <= SPOIL_COPY) {
		s.offset = base + place * 8 % bytes;
		value_set(&s, word_read(in, kind, image_get(s.offset), base, bytes), 8);
	} else {
		value_read(&s, in, kind);
	}
	return s;
}

static void word_put(uint64_t offset, uint64_t value)
{
	image_put(offset, &value, sizeof(value));
}

/* Entries that may overlap: the names of one are then the heads of those that follow. */
static void table_spoil(struct input *in)
{
	uint32_t n = input_u16(in), stride = (input_u8(in) + UINT32_C(1)) * 8, size = input_u16(in);
	uint32_t bytes, at = (uint32_t)IMAGE_EVENTS;
	char *table;

	if (n > TABLE_BYTES / stride)
		n = TABLE_BYTES / stride;
	bytes = n * stride + size;
	table = calloc(1, bytes + sizeof(struct ft_event_entry) + 8);
	for (uint32_t i = 0; i < n; i++, at += stride) {
		struct ft_event_entry e = {.next = i + 1 < n ? at + stride : 0,
					   .size = size,
					   .id = (uint16_t)(i + 1),
					   .nfields = size < 256 ? 1 : FASTTRACE_MAX_FIELDS,
					   .provider_len = 1,
					   .name_len = 1};

		memset(e.types, FASTTRACE_TYPE_U8 | FASTTRACE_TYPE_ARRAY, sizeof(e.types));
		memcpy(table + (at - IMAGE_EVENTS), &e, sizeof(e));
		memcpy(table + (at - IMAGE_EVENTS) + sizeof(e), "p\0e\0f", 6);
	}
	image_put(IMAGE_EVENTS, table, bytes);
	free(table);
	at = (uint32_t)IMAGE_EVENTS;
	image_put(offsetof(struct ft_arena, events_first), &at, sizeof(at));
	word_put(offsetof(struct ft_arena, events_end), bytes);
	word_put(offsetof(struct ft_arena, events_bytes), bytes);
}

static void places_spoil(struct input *in)
{
	uint64_t n = input_u16(in), bytes, from = image_at(IMAGE_PLACE, input_u8(in), &bytes);
	uint64_t word[sizeof(struct ft_buffer_place) / 8];

	for (unsigned i = 0; i < sizeof(word) / 8; i++)
		word[i] = image_get(from + 8 * i);
	for (uint64_t i = 0; i < n && i < FT_MAX_BUFFERS; i++)
		image_put(IMAGE_PLACES + i * sizeof(word), word, sizeof(word));
	word_put(offsetof(struct ft_arena, buffers), n);
}

/* The geometry that the buffer's place gives, if it is one. */
static struct fasttrace_ring ring_at(unsigned index, struct ft_buffer_place *place)
{
	uint64_t bytes, from = image_at(IMAGE_PLACE, index, &bytes), shifts;

	place->offset = image_get(from);
	place->pages_offset = image_get(from + 8);
	shifts = image_get(from + 16);
	place->subbuf_shift = 12 + (uint32_t)(shifts - 12) % 13;
	place->subbufs_shift = 1 + (uint32_t)((shifts >> 32) - 1) % 12;
	return (struct fasttrace_ring){.mask = (UINT64_C(1) << place->subbufs_shift) - 1,
				       .units = 1u << (place->subbuf_shift - 3),
				       .unit_bits = (uint8_t)(place->subbuf_shift - 2)};
}

/* A page full of events without a field. */
static void page_fill(const struct ft_buffer_place *place, uint64_t page)
{
	uint64_t at = place->pages_offset + (page << place->subbuf_shift);
	size_t n = (size_t)1 << (place->subbuf_shift - 3);
	uint64_t *events;

	if (at > RINGS_END || n > TABLE_BYTES / 8)
		return;
	events = malloc(8 * n);
	for (size_t i = 0; i < n; i++)
		events[i] = fasttrace_event_header(UINT64_C(5) << 40, 3);
	image_put(at, events, 8 * n);
	free(events);
}

/* All slots closed, full, and in each the same page. */
static void pages_spoil(struct input *in)
{
	struct ft_buffer_place place;
	struct fasttrace_ring r = ring_at(input_u8(in) % IMAGE_BUFFERS, &place);
	uint64_t page = input_u8(in), head = r.mask + 5, at = place.offset;
	uint64_t full = r.units | UINT64_C(1) << r.unit_bits;

	if (at > IMAGE_SIZE)
		return;
	for (uint64_t seq = head - r.mask; seq != head + 1; seq++) {
		struct fasttrace_slot slot = {.word = ft_word_tag(&r, seq) |
						      ft_word_closed_bit(&r) | full,
					      .committed = ft_word_tag(&r, seq) | full,
					      .page = ft_page_word(seq, 0, page),
					      .anchor = ft_anchor(seq, UINT64_C(5) << 40)};

		image_put(at + sizeof(struct ft_buffer) + (seq & r.mask) * sizeof(slot), &slot,
			  sizeof(slot));
	}
	page_fill(&place, page);
	word_put(at + offsetof(struct ft_buffer, head), head);
	word_put(at + offsetof(struct ft_buffer, consumed), 0);
	word_put(at + offsetof(struct ft_buffer, base), 0);
}

static void fill_spoil(struct input *in)
{
	uint8_t part = input_u8(in), index = input_u8(in);
	uint64_t place = input_u16(in), bytes, base = image_at(part & 7, index, &bytes);
	size_t n = input_u32(in) & 0x1fffff;
	char *fill = malloc(n + 1);

	memset(fill, input_u8(in), n);
	image_put(base + place % bytes, fill, n);
	free(fill);
}

static void size_spoil(uint64_t size)
{
	if (ftruncate(image_fd(), (off_t)size))
		abort();
	word_put(offsetof(struct ft_arena, size), size);
}

static void ring_spoil(struct input *in)
{
	uint64_t bytes, from = image_at(IMAGE_PLACE, input_u8(in) % IMAGE_BUFFERS, &bytes);
	uint8_t shifts = input_u8(in);

	word_put(from + 16, (12 + (shifts & 15)) | (uint64_t)(1 + (shifts >> 4)) << 32);
	word_put(from + 8, image_get(from) + 0x80000);
}

void spoil_many(struct input *in, uint8_t op)
{
	switch (op) {
	case SPOIL_TABLE:
		table_spoil(in);
		break;
	case SPOIL_PLACES:
		places_spoil(in);
		break;
	case SPOIL_PAGES:
		pages_spoil(in);
		break;
	case SPOIL_FILL:
		fill_spoil(in);
		break;
	case SPOIL_SIZE:
		size_spoil(UINT64_C(1) << (20 + (input_u8(in) & 7)));
		break;
	case SPOIL_RING:
		ring_spoil(in);
		break;
	case SPOIL_TRUNCATE:
		if (ftruncate(image_fd(), input_u16(in) * 64))
			abort();
		break;
	}
}
