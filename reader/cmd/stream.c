/* SPDX-License-Identifier: MIT */
/*
 * stream.c - one stream file, which is a row of whole packets whenever we die.
 *
 * A write(2) that a SIGKILL cuts short would leave half a packet, and with that a trace that no
 * reader opens. So the file ends in room: an empty packet that reaches up to its end. What comes is
 * written into the room behind that packet's header, with the header of the room that is left behind
 * it; then the header in front is replaced, within one page. Only where room is made for more is
 * there an instant, between two system calls, in which the file is longer than its packets say.
 *
 * No packet lies across the end of former room: the one before it is made to reach there. So who
 * opens a file that grows finds whole packets up to the size that it had then.
 *
 * Compressed, a file is a row of zstd's frames, one for each packet, and the room is a frame to be
 * skipped.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>

#include "ft-reader.h"
#include "record.h"

#define HEADER	       FASTTRACE_PACKET_HEADER_BYTES
#define PAGE	       4096
#define ROOM	       (UINT64_C(16) << 20)
#define PACKET_SIZE_AT 56 /* of packet_size, in a header */
#define LEVEL	       1  /* of zstd's: what keeps up with a program */
#define SKIP_MAGIC     UINT32_C(0x184d2a50)
#define SKIP_HEADER    8 /* of a frame to be skipped: magic, and how much follows */

struct ft_stream {
	struct fasttrace_arena *arena;
	int dirfd;
	int fd; /* -1: not there yet */
	char *name;
	bool named;	  /* or still under its hidden name */
	uint64_t at;	  /* end of its packets */
	uint64_t size;	  /* end of its room */
	uint64_t last_at; /* the last packet: where, and what it says */
	struct ft_packet_fields last;
	ZSTD_CCtx *zstd;
	void *frame;
	size_t frame_bytes;
};

struct ft_stream *ft_stream_new(struct fasttrace_arena *arena, int dirfd, const char *name,
				bool zstd)
{
	struct ft_stream *s = g_new0(struct ft_stream, 1);

	s->arena = arena;
	s->dirfd = dirfd;
	s->fd = -1;
	s->name = zstd ? g_strconcat(name, ".zst", NULL) : g_strdup(name);
	if (zstd) {
		s->zstd = ZSTD_createCCtx();
		ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_compressionLevel, LEVEL);
		ZSTD_CCtx_setParameter(s->zstd, ZSTD_c_checksumFlag, 1);
	}
	return s;
}

uint64_t ft_stream_bytes(const struct ft_stream *s)
{
	return s->at;
}

const char *ft_stream_name(const struct ft_stream *s)
{
	return s->name;
}

static int write_at(int fd, struct iovec *iov, int n, uint64_t at)
{
	while (n) {
		ssize_t done = pwritev(fd, iov, n, (off_t)at);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? -errno : -ENOSPC;
		at += (uint64_t)done;
		for (; n && (size_t)done >= iov->iov_len; iov++, n--)
			done -= (ssize_t)iov->iov_len;
		if (n) {
			iov->iov_base = (char *)iov->iov_base + done;
			iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

/* Hidden from readers until there is a packet in it. */
static int file_make(struct ft_stream *s)
{
	char *hidden = g_strconcat(".", s->name, NULL);
	int err = 0;

	s->fd = openat(s->dirfd, hidden, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (s->fd < 0)
		err = -errno;
	g_free(hidden);
	return err;
}

static int file_name(struct ft_stream *s)
{
	char *hidden = g_strconcat(".", s->name, NULL);
	int err = renameat(s->dirfd, hidden, s->dirfd, s->name) ? -errno : 0;

	g_free(hidden);
	s->named = !err;
	return err;
}

static void skip_header(uint64_t bytes, uint8_t *out)
{
	uint32_t words[] = {GUINT32_TO_LE(SKIP_MAGIC),
			    GUINT32_TO_LE((uint32_t)(bytes - SKIP_HEADER))};

	memcpy(out, words, sizeof(words));
}

static size_t header_bytes(const struct ft_stream *s)
{
	return s->zstd ? SKIP_HEADER : HEADER;
}

/* What is empty at @at, and follows the packet that @last tells of. */
static void room_header(const struct ft_stream *s, const struct ft_packet_fields *last, uint64_t at,
			uint8_t *out)
{
	struct ft_packet_fields room = *last;

	if (s->zstd) {
		skip_header(s->size - at, out);
		return;
	}
	room.begin = last->end;
	room.seq = last->seq + 1;
	room.bytes = s->size - at;
	room.pad = (uint32_t)(room.bytes - HEADER);
	ft_packet_header(s->arena, &room, out);
}

/* The last packet reaches to the end of the room; a frame to be skipped does already. */
static int room_close(struct ft_stream *s)
{
	uint64_t bits = 8 * (s->size - s->last_at);
	struct iovec iov = {&bits, sizeof(bits)};
	int err = s->zstd ? 0 : write_at(s->fd, &iov, 1, s->last_at + PACKET_SIZE_AT);

	if (!err)
		s->at = s->size;
	return err;
}

static uint64_t pages(uint64_t bytes)
{
	return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* For a packet of @bytes and more; near a limit on the size of files, for it alone. */
static int room_open(struct ft_stream *s, size_t bytes)
{
	uint64_t size = pages(MAX(ROOM, 4 * (uint64_t)bytes));
	uint8_t room[HEADER];
	struct iovec iov = {room, header_bytes(s)};

	if (ftruncate(s->fd, (off_t)(s->at + size))) {
		size = pages(bytes + 2 * HEADER);
		if (errno != EFBIG || ftruncate(s->fd, (off_t)(s->at + size)))
			return -errno;
	}
	s->size = s->at + size;
	if (!s->named)
		return 0;
	room_header(s, &s->last, s->at, room);
	return write_at(s->fd, &iov, 1, s->at);
}

/* A header does not lie across two pages: it is replaced at once, or not at all. */
static uint64_t gap_behind(const struct ft_stream *s, uint64_t end)
{
	uint64_t left = PAGE - end % PAGE;

	return left >= header_bytes(s) ? 0 : s->zstd ? SKIP_HEADER : left;
}

/* Room for what is so long, and for one more header. */
static int room_make(struct ft_stream *s, size_t bytes)
{
	int err = 0;

	if (s->at + bytes + gap_behind(s, s->at + bytes) + header_bytes(s) <= s->size)
		return 0;
	if (s->at < s->size)
		err = room_close(s);
	return err ? err : room_open(s, bytes);
}

/*
 * At s->at: what replaces the header there, what follows it, the gap behind that, and the header of
 * the room that is left.
 */
static int row_write(struct ft_stream *s, struct iovec iov[4])
{
	struct iovec front = iov[0];
	int err;

	if (!s->named) {
		err = write_at(s->fd, iov, 4, 0);
		return err ? err : file_name(s);
	}
	err = write_at(s->fd, iov + 1, 3, s->at + front.iov_len);
	return err ? err : write_at(s->fd, &front, 1, s->at);
}

static int plain_write(struct ft_stream *s, const uint8_t *packet, size_t bytes)
{
	static uint8_t zeros[HEADER];
	uint8_t header[HEADER], room[HEADER];
	struct ft_packet_fields f;
	uint64_t gap, end;
	struct iovec iov[] = {{header, HEADER},
			      {(void *)(uintptr_t)(packet + HEADER), bytes - HEADER},
			      {zeros, 0},
			      {room, HEADER}};
	int err = room_make(s, bytes);

	if (err)
		return err;
	gap = iov[2].iov_len = gap_behind(s, s->at + bytes);
	end = s->at + bytes + gap;
	ft_packet_parse(packet, &f);
	room_header(s, &f, end, room);
	f.bytes += gap;
	f.pad += (uint32_t)gap;
	ft_packet_header(s->arena, &f, header);
	err = row_write(s, iov);
	if (err)
		return err;
	s->last = f;
	s->last_at = s->at;
	s->at = end;
	return 0;
}

static int frame_make(struct ft_stream *s, const void *packet, size_t bytes, size_t *n)
{
	size_t bound = ZSTD_compressBound(bytes);

	if (bound > s->frame_bytes) {
		s->frame = g_realloc(s->frame, bound);
		s->frame_bytes = bound;
	}
	*n = ZSTD_compress2(s->zstd, s->frame, s->frame_bytes, packet, bytes);
	return ZSTD_isError(*n) ? -ENOMEM : 0;
}

static int zstd_write(struct ft_stream *s, const void *packet, size_t bytes)
{
	uint8_t gap[SKIP_HEADER], room[SKIP_HEADER];
	struct iovec iov[] = {{NULL, SKIP_HEADER}, {NULL, 0}, {gap, 0}, {room, SKIP_HEADER}};
	uint64_t end;
	size_t n;
	int err = frame_make(s, packet, bytes, &n);

	err = err ? err : room_make(s, n);
	if (err)
		return err;
	iov[0].iov_base = s->frame;
	iov[1] = (struct iovec){(uint8_t *)s->frame + SKIP_HEADER, n - SKIP_HEADER};
	iov[2].iov_len = gap_behind(s, s->at + n);
	skip_header(SKIP_HEADER, gap);
	end = s->at + n + iov[2].iov_len;
	room_header(s, &s->last, end, room);
	err = row_write(s, iov);
	if (!err)
		s->at = end;
	return err;
}

int ft_stream_write(struct ft_stream *s, const void *packet, size_t bytes)
{
	int err = s->fd < 0 ? file_make(s) : 0;

	if (err)
		return err;
	return s->zstd ? zstd_write(s, packet, bytes) : plain_write(s, packet, bytes);
}

void ft_stream_free(struct ft_stream *s)
{
	if (!s)
		return;
	if (s->fd >= 0 && !s->named) {
		char *hidden = g_strconcat(".", s->name, NULL);

		unlinkat(s->dirfd, hidden, 0);
		g_free(hidden);
	} else if (s->fd >= 0 && ftruncate(s->fd, (off_t)s->at)) {
		ft_report("%s: %s", s->name, strerror(errno)); /* what is in it is whole */
	}
	if (s->fd >= 0)
		close(s->fd);
	ZSTD_freeCCtx(s->zstd);
	g_free(s->frame);
	g_free(s->name);
	g_free(s);
}
