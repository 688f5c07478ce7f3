/* SPDX-License-Identifier: MIT */
/*
 * ctf-text.c - the text of metadata, which may come in packets, and where in the file it stands.
 */
#include <string.h>

#include "ft-ctf-parse.h"

/* A packet of metadata: what precedes its text, without padding. */
#define PACKET_BYTES 37u

static uint32_t packet_u32(const uint8_t *p, bool big)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return big ? GUINT32_FROM_BE(value) : GUINT32_FROM_LE(value);
}

static bool packet_error(const char *name, size_t at, const char *what, GError **error)
{
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s: byte %zu: %s", name, at, what);
	return false;
}

static void part_add(GArray *parts, size_t text, size_t file)
{
	struct ft_ctf_part part = {text, file};

	g_array_append_val(parts, part);
}

/* The text of all packets. */
static bool packets_join(const uint8_t *data, size_t bytes, const char *name, GString *to,
			 GArray *parts, GError **error)
{
	bool big = packet_u32(data, true) == FT_CTF_METADATA_MAGIC;

	for (size_t at = 0; at < bytes;) {
		const uint8_t *p = data + at;
		size_t left = bytes - at, content, size;

		if (left < PACKET_BYTES)
			return packet_error(name, at, "the end: expected a packet of metadata",
					    error);
		if (packet_u32(p, big) != FT_CTF_METADATA_MAGIC)
			return packet_error(name, at, "expected a packet's magic, 0x75d11d57",
					    error);
		content = packet_u32(p + 24, big) / 8;
		size = packet_u32(p + 28, big) / 8;
		if (p[32] || p[33])
			return packet_error(
				name, at + 32,
				"expected a packet that is neither compressed nor encrypted",
				error);
		if (content < PACKET_BYTES || content > size || size > left)
			return packet_error(name, at + 24,
					    "expected a packet's sizes, within the file", error);
		part_add(parts, to->len, at + PACKET_BYTES);
		g_string_append_len(to, (const char *)p + PACKET_BYTES,
				    (gssize)(content - PACKET_BYTES));
		at += size;
	}
	return true;
}

static bool is_packets(const uint8_t *data, size_t bytes)
{
	return bytes >= 4 && (packet_u32(data, false) == FT_CTF_METADATA_MAGIC ||
			      packet_u32(data, true) == FT_CTF_METADATA_MAGIC);
}

bool ft_ctf_text_get(GString *text, GArray *parts, const char *data, size_t bytes, const char *name,
		     GError **error)
{
	if (bytes > FT_CTF_METADATA_BYTES) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL,
			    "%s: %zu bytes: expected metadata of at most %" G_GUINT64_FORMAT, name,
			    bytes, (guint64)FT_CTF_METADATA_BYTES);
		return false;
	}
	if (is_packets((const uint8_t *)data, bytes))
		return packets_join((const uint8_t *)data, bytes, name, text, parts, error);
	part_add(parts, 0, 0);
	g_string_append_len(text, data, (gssize)bytes);
	return true;
}

void ft_ctf_error(const struct ft_ctf_meta *meta, const char *name, size_t at, const char *what,
		  GError **error)
{
	const struct ft_ctf_part *part = (void *)meta->parts->data;
	unsigned line = 1;

	for (size_t i = 0; i < at; i++)
		line += meta->text[i] == '\n';
	for (guint i = 1; i < meta->parts->len && part[1].text <= at; i++)
		part++;
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_INVAL, "%s:%u: byte %zu: %s", name, line,
		    part->file + (at - part->text), what);
}
