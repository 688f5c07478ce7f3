/* SPDX-License-Identifier: MIT */
/* common_image.c - see common_image.h. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common_image.h"
#include "ft-ring.h"

#define FIRST  UINT64_C(2)		   /* seq */
#define NOW    (UINT64_C(5) << 40 | 12345) /* ticks */
#define SHIFT  12u
#define NSHIFT 2u
#define MODES  3u

static char dir[256], path[272];
static int file = -1, writer = -1;
static unsigned char *images[MODES];

/* An honest writer. */
struct pen {
	struct fasttrace_ring ring;
	struct ft_buffer *b;
	uint64_t time;
};

static void image_remove(void)
{
	unlink(path);
	rmdir(dir);
}

static int fail(const char *what)
{
	perror(what);
	exit(2);
}

const char *image_path(void)
{
	const char *base = getenv("FASTTRACE_DIR");

	if (file >= 0)
		return path;
	snprintf(dir, sizeof(dir), "%.200s/fuzz-XXXXXX", base ? base : "/dev/shm");
	if (!mkdtemp(dir))
		fail(dir);
	snprintf(path, sizeof(path), "%s/arena", dir);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	writer = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0 || writer < 0)
		fail(path);
	atexit(image_remove);
	return path;
}

int image_fd(void)
{
	image_path();
	return file;
}

void image_alive(bool alive)
{
	struct flock lock = {.l_type = alive ? F_WRLCK : F_UNLCK,
			     .l_whence = SEEK_SET,
			     .l_start = FT_LOCK_WRITER,
			     .l_len = 1};

	if (fcntl(writer, F_OFD_SETLK, &lock))
		fail("lock");
}

static void header_make(struct ft_arena *h, unsigned mode)
{
	*h = (struct ft_arena){
		.magic = FT_ARENA_MAGIC,
		.abi = FASTTRACE_ABI,
		.header_bytes = sizeof(*h),
		.size = IMAGE_SIZE,
		.uuid = "0123456789abcde",
		.boot_id = "another machine",
		.pid = 4711,
		.uid = 1000,
		.comm = "image",
		.mode = mode,
		.clock = FT_CLOCK_CYCLES,
		.clock_hz = 2000000000,
		.clock_ticks = NOW,
		.clock_monotonic_ns = 1000000000,
		.clock_realtime_ns = UINT64_C(1700000000000000000),
		.geometry = (uint64_t)NSHIFT << 32 | SHIFT,
		.block_timeout_ns = 1000000,
		.max_bytes = IMAGE_BUFFERS * IMAGE_RING_BYTES,
		.places_offset = IMAGE_PLACES,
		.events_offset = IMAGE_EVENTS,
		.events_bytes = IMAGE_EVENTS_END - IMAGE_EVENTS,
		.buffers_offset = IMAGE_RINGS,
		.exe_offset = IMAGE_PATHS,
		.cmdline_offset = IMAGE_PATHS + FT_PATH_BYTES,
		.cmdline_bytes = 13,
		.clock_source = "tsc",
		.marker_offset = IMAGE_MARKER,
		.rules_offset = IMAGE_RULES,
		.buffers = IMAGE_BUFFERS,
		.buffers_end = IMAGE_BUFFERS * IMAGE_RING_BYTES,
		.serials = IMAGE_BUFFERS,
		.rules = 7,
	};
	strcpy((char *)h + h->exe_offset, "/usr/bin/image");
	memcpy((char *)h + h->cmdline_offset, "image\0--fast\0", 13);
	memcpy((char *)h + h->rules_offset, "!shop:*", 7);
}

#define NAMES(text) text, sizeof(text)

static void event_make(struct ft_arena *h, unsigned nfields, const char *types, const char *names,
		       size_t bytes)
{
	uint32_t offset = (uint32_t)(h->events_offset + h->events_end), *link = &h->events_first;
	struct ft_event_entry *e = (void *)((char *)h + offset);

	while (*link)
		link = &((struct ft_event_entry *)(void *)((char *)h + *link))->next;
	*link = offset;
	e->id = (uint16_t)++h->events_count;
	e->on = e->id;
	e->level = FASTTRACE_INFO;
	e->nfields = (uint8_t)nfields;
	memcpy(e->types, types, nfields);
	memcpy(e->strings, names, bytes);
	e->provider_len = (uint16_t)strlen(names);
	e->name_len = (uint16_t)strlen(names + e->provider_len + 1);
	e->size = (uint32_t)(sizeof(*e) + bytes);
	h->events_end += (e->size + 7) & ~7u;
	h->events_committed = h->events_end;
}

/* Ids: 1 a number, 2 a string and an array, 3 nothing, 4 a bit of all, 5 what follows an array. */
static void events_make(struct ft_arena *h)
{
	event_make(h, 1, "\x08", NAMES("shop\0order\0id"));
	event_make(h, 2, "\x0d\x45", NAMES("shop\0opened\0name\0bytes"));
	event_make(h, 0, "", NAMES("disk\0sync"));
	event_make(h, 5, "\x01\x0a\x0c\x0e\x50", NAMES("disk\0read\0a\0a\0c\0d\0a_length"));
	event_make(h, 3, "\x48\x0d\x05", NAMES("net\0send\0to\0text\0ttl"));
}

static bool pen_turn(struct pen *p, uint64_t seq)
{
	struct fasttrace_slot *slot = ft_ring_slot(&p->ring, seq);
	int err;

	slot->word |= ft_word_closed_bit(&p->ring);
	err = ft_ring_turn(&p->ring, p->b, seq);
	if (err)
		slot->word &= ~ft_word_closed_bit(&p->ring);
	return !err && p->b->head == seq + 1;
}

/* Reserve and write an event; commit is the caller's. Return: word before it, 0: the ring is full. */
static uint64_t pen_reserve(struct pen *p, unsigned id, const void *payload, size_t bytes)
{
	struct fasttrace_slot *slot = ft_ring_slot(&p->ring, p->b->head);
	uint64_t units = 1 + (bytes + 7) / 8, before, header;
	unsigned char *to;

	if (ft_word_units(&p->ring, slot->word) + units > p->ring.units) {
		if (!pen_turn(p, p->b->head)) {
			p->b->lost[FT_LOST_FULL]++;
			return 0;
		}
		slot = ft_ring_slot(&p->ring, p->b->head);
	}
	before = slot->word;
	if (!ft_word_count(&p->ring, before))
		slot->anchor = ft_anchor(p->b->head, p->time);
	to = p->ring.pages + (ft_page_index(slot->page) << p->ring.page_shift) +
	     8 * ft_word_units(&p->ring, before);
	header = fasttrace_event_header(p->time += 100, id);
	memcpy(to, &header, 8);
	if (bytes)
		memcpy(to + 8, payload, bytes);
	slot->word += units + (UINT64_C(1) << p->ring.unit_bits);
	return before;
}

static void pen_event(struct pen *p, unsigned id, const void *payload, size_t bytes)
{
	struct fasttrace_slot *slot;

	if (!pen_reserve(p, id, payload, bytes))
		return;
	slot = ft_ring_slot(&p->ring, p->b->head);
	slot->committed = slot->word;
}

static void pen_events(struct pen *p, unsigned n)
{
	static const char string[] = "hello\0\x03\0\0\0abc";

	for (uint64_t i = 0; i < n; i++) {
		static const uint8_t array[] = {[0] = 2, [20] = 'x', [22] = 64};
		uint8_t mixed[24] = {7, 'x', [18] = 1};

		pen_event(p, 1, &i, sizeof(i));
		pen_event(p, 2, string, sizeof(string) - 1);
		pen_event(p, 3, NULL, 0);
		pen_event(p, 4, mixed, sizeof(mixed));
		pen_event(p, 5, array, sizeof(array));
	}
}

/* Buffer `index` with nothing in it yet. */
static struct pen pen_take(struct ft_arena *h, unsigned index)
{
	uint64_t offset = h->buffers_offset + index * IMAGE_RING_BYTES;
	struct ft_buffer *b = (void *)((char *)h + offset);
	struct ft_buffer_place *place = (void *)((char *)h + h->places_offset);
	struct pen p = {.b = b, .time = NOW};

	place[index] = (struct ft_buffer_place){.offset = offset,
						.pages_offset = offset + 4096,
						.subbuf_shift = SHIFT,
						.subbufs_shift = NSHIFT,
						.ready = 1};
	p.ring = (struct fasttrace_ring){.slots = (struct fasttrace_slot *)(b + 1),
					 .pages = (unsigned char *)b + 4096,
					 .mask = (1u << NSHIFT) - 1,
					 .units = 1u << (SHIFT - 3),
					 .unit_bits = SHIFT - 2,
					 .page_shift = SHIFT,
					 .overwrite = h->mode == FT_OVERWRITE};
	for (uint64_t seq = FIRST; seq <= FIRST + p.ring.mask; seq++) {
		struct fasttrace_slot *slot = ft_ring_slot(&p.ring, seq);
		uint64_t tag = seq == FIRST ? seq : seq - (p.ring.mask + 1);

		slot->committed = ft_word_fresh(&p.ring, tag);
		slot->word = slot->committed | (seq == FIRST ? 0 : ft_word_closed_bit(&p.ring));
		slot->page = ft_page_word(tag, 0, seq & p.ring.mask);
	}
	b->head = b->base = b->consumed = FIRST;
	b->state = FT_BUFFER_LIVE;
	b->tid = 4711 + index;
	b->serial = 1 + index;
	strcpy(b->name, "thread");
	return p;
}

/* A thread that died in an event, in which two handlers had written one each. */
static void pen_die(struct pen *p)
{
	uint64_t value = 1, outer = pen_reserve(p, 1, &value, 8);
	struct fasttrace_slot *slot = ft_ring_slot(&p->ring, p->b->head);
	uint64_t *ranges = (void *)(p->ring.pages + (ft_page_index(slot->page) << SHIFT));

	if (!outer)
		return;
	ranges[0] = pen_reserve(p, 1, &value, 8);
	ranges[1] = slot->word;
	pen_reserve(p, 1, &value, 8);
	ranges[2] = pen_reserve(p, 3, NULL, 0);
	ranges[3] = slot->word;
	p->b->state = FT_BUFFER_DEAD;
}

/* A reader that was killed between get and put; in overwrite mode it had swapped. */
static void pen_hold(struct pen *p)
{
	uint64_t seq = p->b->head - 1;
	struct fasttrace_slot *slot = ft_ring_slot(&p->ring, seq);
	struct ft_hold hold = {.state = FT_HOLD_HELD,
			       .seq = seq,
			       .page = ft_page_index(slot->page),
			       .word = slot->word,
			       .committed = slot->committed,
			       .anchor = slot->anchor};

	p->b->hold = hold;
	if (p->ring.overwrite)
		slot->page = ft_page_word(seq, FT_PAGE_TAKEN, p->ring.mask + 1);
}

static void image_build(unsigned mode)
{
	struct ft_arena *h = aligned_alloc(4096, IMAGE_SIZE);
	struct pen p;

	if (!h)
		fail("image");
	memset(h, 0, IMAGE_SIZE);
	header_make(h, mode);
	events_make(h);
	p = pen_take(h, 0);
	pen_events(&p, 300);
	ft_ring_slot(&p.ring, p.b->head - 2)->page |= FT_PAGE_TAKEN;
	p = pen_take(h, 1);
	pen_events(&p, 60);
	pen_die(&p);
	p = pen_take(h, 2);
	pen_events(&p, 60);
	pen_hold(&p);
	p = pen_take(h, 3);
	p.b->state = FT_BUFFER_UNUSED;
	images[mode] = (void *)h;
}

static void extent_put(unsigned mode, uint64_t offset, uint64_t bytes)
{
	image_put(offset, images[mode] + offset, bytes);
}

void image_make(unsigned mode)
{
	mode %= MODES;
	if (!images[mode])
		image_build(mode);
	image_raw(images[mode], sizeof(struct ft_arena), IMAGE_SIZE);
	extent_put(mode, IMAGE_PLACES, IMAGE_BUFFERS * sizeof(struct ft_buffer_place));
	extent_put(mode, IMAGE_PATHS, 32);
	extent_put(mode, IMAGE_PATHS + FT_PATH_BYTES, 32);
	extent_put(mode, IMAGE_RULES, 32);
	extent_put(mode, IMAGE_EVENTS, 512);
	for (unsigned i = 0; i < IMAGE_BUFFERS; i++)
		extent_put(mode, IMAGE_RINGS + i * IMAGE_RING_BYTES, 6 * 4096);
}

void image_raw(const void *data, size_t bytes, uint64_t size)
{
	image_path();
	if (ftruncate(file, 0) || ftruncate(file, (off_t)size))
		fail("truncate");
	image_put(0, data, bytes);
}

uint64_t image_at(enum image_part part, unsigned index, uint64_t *bytes)
{
	uint64_t ring = IMAGE_RINGS + index % IMAGE_BUFFERS * IMAGE_RING_BYTES;
	const uint64_t parts[IMAGE_PARTS][2] = {
		[IMAGE_HEADER] = {0, sizeof(struct ft_arena)},
		[IMAGE_PLACE] = {IMAGE_PLACES + index * sizeof(struct ft_buffer_place),
				 sizeof(struct ft_buffer_place)},
		[IMAGE_EVENT] = {IMAGE_EVENTS, 512},
		[IMAGE_RULE] = {IMAGE_RULES, 2 * FT_RULES_BYTES},
		[IMAGE_BUFFER] = {ring, sizeof(struct ft_buffer)},
		[IMAGE_SLOT] = {ring + sizeof(struct ft_buffer), sizeof(struct fasttrace_slot)
									 << NSHIFT},
		[IMAGE_PAGE] = {ring + 4096, 5 * 4096},
		[IMAGE_PATH] = {IMAGE_PATHS, 2 * FT_PATH_BYTES},
	};

	*bytes = parts[part % IMAGE_PARTS][1];
	return parts[part % IMAGE_PARTS][0];
}

void image_put(uint64_t offset, const void *data, size_t bytes)
{
	if (pwrite(file, data, bytes, (off_t)offset) != (ssize_t)bytes)
		fail("write");
}

uint64_t image_get(uint64_t offset)
{
	uint64_t value = 0;

	if (pread(file, &value, sizeof(value), (off_t)offset) < 0)
		fail("read");
	return value;
}
