/* SPDX-License-Identifier: MIT */
/*
 * packet.c - CTF packet headers: laid out as metadata.c declares them, from checked values only.
 */
#include <string.h>

#include "ft-reader.h"

#define CTF_MAGIC UINT32_C(0xC1FC1FC1)

struct packet_header {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id;
	uint64_t stream_instance_id;
	uint64_t timestamp_begin, timestamp_end;
	uint64_t content_size, packet_size; /* bits */
	uint64_t packet_seq_num;
	uint64_t events_discarded;
	uint64_t tid;
};
FT_CHECK("packet header", sizeof(struct packet_header) == FASTTRACE_HEADER_BYTES);
FT_CHECK("the same in public", FASTTRACE_PACKET_HEADER_BYTES == FASTTRACE_HEADER_BYTES);

void ft_packet_header(const struct fasttrace_arena *a, const struct ft_packet_fields *fields,
		      uint8_t *out)
{
	struct packet_header h = {
		.magic = CTF_MAGIC,
		.stream_instance_id = fields->instance,
		.timestamp_begin = fields->begin,
		.timestamp_end = fields->end,
		/* babeltrace2 takes the last event's padding for the beginning of an event */
		.content_size = (fields->bytes - fields->pad) * 8,
		.packet_size = fields->bytes * 8,
		.packet_seq_num = fields->seq,
		.events_discarded = fields->lost,
		.tid = fields->tid,
	};

	memcpy(h.uuid, a->info.uuid, sizeof(h.uuid));
	memcpy(out, &h, sizeof(h));
}

void ft_packet_cut(uint8_t *header, uint64_t begin, uint64_t end, uint64_t content, uint64_t bytes)
{
	struct packet_header h;

	memcpy(&h, header, sizeof(h));
	h.timestamp_begin = begin;
	h.timestamp_end = end;
	h.content_size = content * 8;
	h.packet_size = bytes * 8;
	memcpy(header, &h, sizeof(h));
}

void ft_packet_parse(const uint8_t *header, struct ft_packet_fields *fields)
{
	struct packet_header h;

	memcpy(&h, header, sizeof(h));
	*fields = (struct ft_packet_fields){
		.instance = h.stream_instance_id,
		.begin = h.timestamp_begin,
		.end = h.timestamp_end,
		.bytes = h.packet_size / 8,
		.pad = (uint32_t)((h.packet_size - h.content_size) / 8),
		.seq = h.packet_seq_num,
		.lost = h.events_discarded,
		.tid = (uint32_t)h.tid,
	};
}
