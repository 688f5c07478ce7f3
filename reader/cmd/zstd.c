/* SPDX-License-Identifier: MIT */
/*
 * zstd.c - stream files that are compressed, a frame at a time: what is in memory does not grow with
 * them. `fasttrace record --zstd` makes a frame of each packet.
 *
 * A frame that is damaged inside costs itself; one that does not tell where it ends, the rest.
 */
#include <zstd.h>
#include <zstd_errors.h>

#include "cmd.h"
#include "inputs.h"

#define FRAME_BYTES (UINT64_C(256) << 20) /* that one may expand to: a packet takes 16 MiB */

/* A frame in the file. */
struct frame {
	const uint8_t *data;
	size_t bytes;
	uint64_t expanded; /* as it says, or a guess: it need not */
};

/* Return: what is expected instead; NULL: all is well so far. */
static const char *frame_measure(struct frame *frame, uint64_t left)
{
	frame->bytes = ZSTD_findFrameCompressedSize(frame->data, left);
	if (ZSTD_isError(frame->bytes))
		return ZSTD_getErrorCode(frame->bytes) == ZSTD_error_srcSize_wrong
			       ? "the rest of a zstd frame"
			       : "a zstd frame";
	frame->expanded = ZSTD_getFrameContentSize(frame->data, frame->bytes);
	if (frame->expanded == ZSTD_CONTENTSIZE_UNKNOWN)
		frame->expanded = 4 * (uint64_t)frame->bytes;
	return frame->expanded > FRAME_BYTES ? "a zstd frame that expands to 256 MiB at most"
					     : NULL;
}

static bool room_make(struct ft_ctf_file *f, uint64_t bytes)
{
	uint8_t *grown = bytes > f->room ? g_try_realloc(f->unpacked, bytes) : f->unpacked;

	if (!grown && bytes)
		return false;
	f->unpacked = grown;
	f->room = MAX(f->room, bytes);
	return true;
}

/* Return: as above. */
static const char *frame_expand(struct ft_ctf_file *f, const struct frame *frame)
{
	static ZSTD_DCtx *zstd; /* as long as we live */
	uint64_t room = frame->expanded;
	size_t size;

	if (!zstd)
		zstd = ZSTD_createDCtx();
	do {
		if (!room_make(f, room))
			return "memory for it";
		size = ZSTD_decompressDCtx(zstd, f->unpacked, f->room, frame->data, frame->bytes);
		room *= 2;
	} while (ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall && room <= FRAME_BYTES);
	if (ZSTD_isError(size))
		return ZSTD_getErrorName(size);
	f->before += f->bytes;
	f->data = f->unpacked;
	f->bytes = size;
	f->at = 0;
	return NULL;
}

bool ft_zstd_unpack(struct ft_ctf_reader *reader, struct ft_ctf_file *f)
{
	while (f->packed_at < f->packed_bytes) {
		struct frame frame = {.data = f->packed + f->packed_at};
		const char *wrong = frame_measure(&frame, f->packed_bytes - f->packed_at);

		f->ended = wrong;
		if (wrong) {
			ft_ctf_complain(reader, "%s: byte %" G_GUINT64_FORMAT ": expected %s",
					f->path, f->packed_at, wrong);
			return false;
		}
		wrong = frame_expand(f, &frame);
		if (wrong)
			ft_ctf_complain(reader,
					"%s: byte %" G_GUINT64_FORMAT
					": expected a whole zstd frame: %s",
					f->path, f->packed_at, wrong);
		f->packed_at += frame.bytes;
		if (!wrong)
			return true;
	}
	return false;
}
