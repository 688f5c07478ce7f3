/* SPDX-License-Identifier: MIT */
/*
 * trace.c - the trace of one process, or its chunks: metadata, and a file for each stream.
 *
 * Metadata is replaced as a whole, by a rename, before a packet is written that needs what is new.
 * Each chunk is a folder with a complete trace. Threads share nothing here: a process is one
 * thread's of ours.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft-reader.h"
#include "record.h"

#define TABLE_BAD   (-1) /* what stands before the bad entry is declared */
#define NO_METADATA (-2)

struct ft_trace {
	struct ft_record *record;
	struct fasttrace_arena *arena;
	char *path;   /* of the process */
	char *folder; /* where it is written now: path, or a chunk in it */
	int dirfd;    /* of folder */
	unsigned chunk;
	uint64_t chunk_bytes;
	int64_t chunk_begin_ns;
	int classes;	     /* in the metadata that was written */
	GHashTable *streams; /* by serial; NULL: done, and never again in this chunk */
	GHashTable *names;   /* of this chunk */
};

static void stream_free(void *stream)
{
	ft_stream_free(stream);
}

static int metadata_replace(struct ft_trace *t)
{
	struct ft_outdir dir = {.path = t->folder, .fd = t->dirfd};
	char *text;
	size_t len;
	int err = fasttrace_arena_metadata(t->arena, &text, &len);

	if (err) {
		ft_report("%s/metadata: %s", t->folder, strerror(-err));
		return err;
	}
	unlinkat(t->dirfd, ".metadata", 0);
	err = ft_outdir_file(&dir, ".metadata", text, len);
	free(text);
	if (!err && renameat(t->dirfd, ".metadata", t->dirfd, "metadata")) {
		err = -errno;
		ft_report("%s/metadata: %s", t->folder, strerror(-err));
	}
	if (err)
		unlinkat(t->dirfd, ".metadata", 0);
	return err;
}

/* Have in it what the packets that were taken until now need. */
static int metadata_update(struct ft_trace *t)
{
	int classes = MAX(fasttrace_arena_events(t->arena), TABLE_BAD), err;

	if (classes == t->classes)
		return 0;
	err = metadata_replace(t);
	if (!err)
		t->classes = classes;
	return err;
}

static void chunk_close(struct ft_trace *t)
{
	g_hash_table_remove_all(t->streams);
	g_hash_table_remove_all(t->names);
	if (t->dirfd >= 0)
		close(t->dirfd);
	t->dirfd = -1;
	g_clear_pointer(&t->folder, g_free);
}

/* @folder is where it comes to be; a chunk has another name until it is a trace. */
static int folder_open(struct ft_trace *t, const char *folder, bool make)
{
	int err = 0;

	t->folder = g_strdup(folder);
	if (make && mkdir(folder, 0777))
		err = -errno;
	if (!err) {
		t->dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		err = t->dirfd < 0 ? -errno : 0;
	}
	if (err)
		ft_report("%s: %s", folder, strerror(-err));
	t->classes = NO_METADATA;
	return err ? err : metadata_update(t);
}

static int chunk_make(struct ft_trace *t)
{
	char *hidden = g_strdup_printf("%s/.%06u", t->path, ++t->chunk);
	int err = folder_open(t, hidden, true);

	g_free(t->folder);
	t->folder = g_strdup_printf("%s/%06u", t->path, t->chunk);
	if (!err && rename(hidden, t->folder)) {
		err = -errno;
		ft_report("%s: %s", t->folder, strerror(-err));
		unlinkat(t->dirfd, "metadata", 0);
	}
	if (err)
		rmdir(hidden);
	g_free(hidden);
	return err;
}

static int chunk_open(struct ft_trace *t)
{
	int err = t->record->max_bytes || t->record->max_ns ? chunk_make(t)
							    : folder_open(t, t->path, false);

	t->chunk_bytes = 0;
	t->chunk_begin_ns = ft_now_ns();
	if (!err)
		t->record->chunks++;
	return err;
}

struct ft_trace *ft_trace_new(struct ft_record *record, struct fasttrace_arena *arena,
			      const char *path)
{
	struct ft_trace *t = g_new0(struct ft_trace, 1);

	t->record = record;
	t->arena = arena;
	t->path = g_strdup(path);
	t->dirfd = -1;
	t->streams = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, stream_free);
	t->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	if (!chunk_open(t))
		return t;
	record->failed = true;
	ft_trace_free(t);
	return NULL;
}

/* Is this packet the next chunk's? */
static bool chunk_full(const struct ft_trace *t, size_t bytes)
{
	const struct ft_record *r = t->record;

	return t->chunk_bytes && ((r->max_bytes && t->chunk_bytes + bytes > r->max_bytes) ||
				  (r->max_ns && ft_now_ns() - t->chunk_begin_ns >= r->max_ns));
}

/* TID, or TID.n: the number is used again, or it goes on in another ring. */
static struct ft_stream *stream_make(struct ft_trace *t, uint64_t serial, uint32_t tid)
{
	struct ft_stream *stream;
	char *name = g_strdup_printf("%" PRIu32, tid);

	for (unsigned n = 1; g_hash_table_contains(t->names, name); n++) {
		g_free(name);
		name = g_strdup_printf("%" PRIu32 ".%u", tid, n);
	}
	stream = ft_stream_new(t->arena, t->dirfd, name, t->record->zstd);
	g_hash_table_add(t->names, name);
	g_hash_table_insert(t->streams, g_memdup2(&serial, sizeof(serial)), stream);
	t->record->streams++;
	return stream;
}

static int packet_write(struct ft_trace *t, const void *packet, size_t bytes)
{
	struct ft_packet_fields f;
	struct ft_stream *stream;
	uint64_t before;
	int err = 0;

	if (chunk_full(t, bytes)) {
		chunk_close(t);
		err = chunk_open(t);
	}
	err = err ? err : metadata_update(t);
	if (err)
		return err;
	ft_packet_parse(packet, &f);
	stream = g_hash_table_lookup(t->streams, &f.instance);
	if (!stream)
		stream = stream_make(t, f.instance, f.tid);
	before = ft_stream_bytes(stream);
	err = ft_stream_write(stream, packet, bytes);
	if (err) {
		ft_report("%s/%s: %s", t->folder, ft_stream_name(stream), strerror(-err));
		return err;
	}
	t->chunk_bytes += ft_stream_bytes(stream) - before;
	t->record->bytes += ft_stream_bytes(stream) - before;
	return 0;
}

int ft_trace_write(struct ft_trace *t, const void *packet, size_t bytes, uint64_t events)
{
	int err = packet_write(t, packet, bytes);

	if (err)
		t->record->failed = true;
	else
		t->record->events += events;
	return err;
}

void ft_trace_done(struct ft_trace *t, uint64_t serial)
{
	g_hash_table_remove(t->streams, &serial);
}

void ft_trace_free(struct ft_trace *t)
{
	if (!t)
		return;
	if (t->dirfd >= 0)
		chunk_close(t);
	g_hash_table_unref(t->streams);
	g_hash_table_unref(t->names);
	g_free(t->folder);
	g_free(t->path);
	g_free(t);
}
