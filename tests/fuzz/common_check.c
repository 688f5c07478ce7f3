/* SPDX-License-Identifier: MIT */
/* common_check.c - see common_check.h. */
#include <glib.h>
#include <limits.h>
#include <string.h>

#include "common_check.h"
#include "ft-walk.h"

/* Of a packet's header, in bytes. */
#define MAGIC_AT   0
#define UUID_AT	   4
#define BEGIN_AT   32
#define END_AT	   40
#define CONTENT_AT 48
#define PACKET_AT  56

static uint64_t sum;
static bool timed; /* what comes now depends on when */
static uint64_t allocated;
static bool watched;

/* The sanitizers' runtime has these. */
extern int __sanitizer_install_malloc_and_free_hooks(void (*)(const volatile void *, size_t),
						     void (*)(const volatile void *))
	__attribute__((weak));
extern size_t __sanitizer_get_allocated_size(const volatile void *) __attribute__((weak));

static void heap_grew(const volatile void *p, size_t bytes)
{
	uint64_t now = __atomic_add_fetch(&allocated, bytes, __ATOMIC_RELAXED);

	(void)p;
	CHECK(!watched || (int64_t)now < (int64_t)CHECK_HEAP);
}

static void heap_shrank(const volatile void *p)
{
	if (p)
		__atomic_sub_fetch(&allocated, __sanitizer_get_allocated_size(p), __ATOMIC_RELAXED);
}

void check_heap(void)
{
	if (!watched && __sanitizer_install_malloc_and_free_hooks && __sanitizer_get_allocated_size)
		__sanitizer_install_malloc_and_free_hooks(heap_grew, heap_shrank);
	watched = true;
	allocated = 0;
}

void check_timed(void)
{
	timed = true;
}

void check_out(const void *data, size_t bytes)
{
	const unsigned char *p = data;

	if (timed)
		return;
	for (; bytes >= 8; bytes -= 8, p += 8) {
		uint64_t word;

		memcpy(&word, p, 8);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	for (; bytes; bytes--)
		sum = (sum ^ *p++) * UINT64_C(0x100000001b3);
}

uint64_t fuzz_output(void)
{
	uint64_t now = sum;

	sum = 0;
	timed = false;
	return now;
}

static void number_out(uint64_t n)
{
	check_out(&n, sizeof(n));
}

/* No control character, be it of one byte or UTF-8's of two. */
static bool harmless(const char *text, size_t len, const char *allowed)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i], next = (unsigned char)text[i + 1];

		if ((c < ' ' && !strchr(allowed, c)) || c == 0x7f || !c)
			return false;
		if (c == 0xc2 && next >= 0x80 && next <= 0x9f)
			return false;
	}
	return true;
}

void check_text(const char *text)
{
	size_t len = strlen(text);

	CHECK(len && harmless(text, len, "") && !strchr(text, '/'));
	check_out(text, len);
}

void check_lines(const char *text, size_t len)
{
	CHECK(harmless(text, len, "\n"));
}

void check_info(const struct fasttrace_arena *a)
{
	const struct fasttrace_process_info *i = fasttrace_arena_info(a);

	CHECK(memchr(i->comm, '\0', sizeof(i->comm)));
	CHECK(strlen(i->exe) < FT_PATH_BYTES);
	CHECK(i->cmdline_bytes <= FT_PATH_BYTES && !i->cmdline[i->cmdline_bytes]);
	CHECK(i->mode <= FASTTRACE_BLOCK);
	CHECK(harmless(i->clock_why, strlen(i->clock_why), "") && *i->clock_why);
	check_out(i->comm, strlen(i->comm));
	check_out(i->exe, strlen(i->exe));
	check_out(i->cmdline, i->cmdline_bytes);
	check_out(i->uuid, sizeof(i->uuid));
	check_out(i->boot_id, sizeof(i->boot_id));
	number_out(i->pid ^ i->start_time ^ i->pid_ns);
}

void check_buffer(const struct fasttrace_buffer_info *info)
{
	CHECK(memchr(info->name, '\0', sizeof(info->name)));
	CHECK(info->subbuf_bytes >= FT_MIN_SUBBUF && info->subbuf_bytes <= FT_MAX_SUBBUF);
	CHECK(info->subbufs >= FT_MIN_SUBBUFS && info->subbufs <= FT_MAX_SUBBUFS);
	check_out(info->name, strlen(info->name));
	number_out(info->serial ^ info->base ^ info->tid);
}

void check_event(const struct fasttrace_event_info *info)
{
	check_text(info->provider);
	check_text(info->name);
	CHECK(strlen(info->provider) <= NAME_MAX && strlen(info->name) <= NAME_MAX);
	CHECK(strcmp(info->provider, ".") && strcmp(info->provider, ".."));
	CHECK(strcmp(info->name, ".") && strcmp(info->name, ".."));
	CHECK(info->kind <= FASTTRACE_EVENT_MARKER && info->nfields <= FASTTRACE_MAX_FIELDS);
	for (unsigned i = 0; i < info->nfields; i++) {
		check_text(info->field[i].name);
		check_text(info->field[i].type);
		CHECK(info->field[i].bytes <= 8);
	}
}

void check_metadata(const char *text, size_t len)
{
	const char *clock;

	CHECK(strlen(text) == len);
	CHECK(g_str_has_prefix(text, "/* CTF 1.8 */") && g_str_has_suffix(text, "};\n\n"));
	CHECK(g_utf8_validate(text, (gssize)len, NULL));
	CHECK(harmless(text, len, "\n\t"));
	clock = strstr(text, "freq = "); /* which may have been measured just now */
	check_out(text, (size_t)(clock - text));
	clock = strstr(clock, "};");
	check_out(clock, strlen(clock));
}

static uint64_t word_at(const void *header, size_t at)
{
	uint64_t word;

	memcpy(&word, (const char *)header + at, sizeof(word));
	return word;
}

/* A packet's header. Return: bytes of the packet. */
static size_t header_check(const struct fasttrace_arena *a, const void *header, size_t room)
{
	uint64_t packet = word_at(header, PACKET_AT), content = word_at(header, CONTENT_AT);

	CHECK((uint32_t)word_at(header, MAGIC_AT) == UINT32_C(0xC1FC1FC1));
	CHECK(!memcmp((const char *)header + UUID_AT, a->info.uuid, 16));
	CHECK(packet % 64 == 0 && packet <= room * 8 && content <= packet);
	CHECK(packet - content < 64 && content >= 8 * FASTTRACE_HEADER_BYTES);
	return packet / 8;
}

void check_packet(struct fasttrace_arena *a, unsigned index, const struct fasttrace_packet *p,
		  bool still)
{
	const struct ft_reader_buffer *b = a->buffers[index];
	size_t most = ((size_t)1 << b->ring.page_shift) - FASTTRACE_HEADER_BYTES;
	struct ft_walk walk;

	CHECK(p->body_bytes <= most && p->body_bytes % 8 == 0);
	CHECK(p->data == p->copy && p->body == (const char *)p->data + FASTTRACE_HEADER_BYTES);
	CHECK(p->bytes == FASTTRACE_HEADER_BYTES + p->body_bytes);
	CHECK(header_check(a, p->data, p->bytes) == p->bytes);
	CHECK(p->events <= p->body_bytes / 8);
	CHECK(p->cut_short <= (UINT64_C(1) << b->ring.unit_bits));
	check_out(p->data, p->bytes);
	number_out(p->events ^ p->cut_short);
	if (!still)
		return;
	CHECK(!ft_events_walk(a, p->body, p->body_bytes, p->begin, &walk));
	CHECK(walk.events == p->events && walk.bytes == p->body_bytes);
	CHECK(!p->events || (walk.first == p->begin && walk.last == p->end));
}

static void stream_check(const struct fasttrace_arena *a,
			 const struct fasttrace_snapshot_stream *stream)
{
	const char *at = stream->data;
	size_t left = stream->bytes;

	CHECK(stream->events && stream->events <= stream->bytes / 8);
	while (left) {
		size_t bytes;

		CHECK(left >= FASTTRACE_HEADER_BYTES);
		bytes = header_check(a, at, left);
		CHECK(word_at(at, BEGIN_AT) <= word_at(at, END_AT));
		at += bytes;
		left -= bytes;
	}
	check_out(stream->data, stream->bytes);
}

void check_snapshot(const struct fasttrace_arena *a, const struct fasttrace_snapshot *snapshot)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < snapshot->streams; i++) {
		stream_check(a, &snapshot->stream[i]);
		bytes += snapshot->stream[i].bytes;
	}
	CHECK(bytes == snapshot->bytes);
	check_metadata(snapshot->metadata, snapshot->metadata_bytes);
}
