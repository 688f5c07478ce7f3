/* SPDX-License-Identifier: MIT */
/*
 * copy.c - packets of CTF traces into a new folder.
 *
 * Packets stay as they are, in files of their own, for what an event means depends on the packet around
 * it. Where a packet of our tracer is partly asked for, its header is made anew for the events that
 * are: each begins at a multiple of eight bytes, and has its time itself. Of other tracers the whole
 * packet is taken.
 *
 * Traces of one process, as chunks are, become one if the metadata of one begins with that of the
 * other: it only ever grows.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "copy.h"
#include "ft-reader.h"

/* What becomes one trace. */
struct group {
	const struct ft_ctf_meta *meta; /* the longest */
	GPtrArray *traces;
	char *folder; /* in the new one, with "/" at its end; "": that itself */
	GHashTable *names;
};

/* A file that is being written. */
struct file {
	struct ft_copy *copy;
	struct group *group;
	struct ft_ctf_trace *trace;
	struct ft_ctf_file *from;
	char *name; /* NULL: nothing was written yet */
	int fd;
};

/* Where the events are that are wanted, of one packet. */
struct part {
	uint64_t at, end;     /* bytes from its begin; end 0: there are none */
	uint64_t begin, last; /* their times, in ticks */
	bool some;	      /* are there others? */
};

static bool is_ours(const struct ft_ctf_meta *meta)
{
	return !g_strcmp0(ft_ctf_env_text(meta, "tracer_name"), "fasttrace") &&
	       !g_strcmp0(ft_ctf_env_text(meta, "domain"), "fasttrace");
}

static bool is_same(const struct ft_ctf_meta *a, const struct ft_ctf_meta *b)
{
	return a->has_uuid && b->has_uuid && !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) &&
	       !strncmp(a->text, b->text, MIN(strlen(a->text), strlen(b->text)));
}

static void group_free(gpointer group)
{
	struct group *g = group;

	g_ptr_array_unref(g->traces);
	g_hash_table_unref(g->names);
	g_free(g->folder);
	g_free(g);
}

static GPtrArray *groups_make(struct ft_ctf_reader *reader)
{
	GPtrArray *groups = g_ptr_array_new_with_free_func(group_free);

	for (guint i = 0; reader->traces && i < reader->traces->len; i++) {
		struct ft_ctf_trace *trace = reader->traces->pdata[i];
		struct group *g = NULL;

		for (guint j = 0; j < groups->len && !g; j++) {
			g = groups->pdata[j];
			if (!is_same(g->meta, trace->meta))
				g = NULL;
		}
		if (!g) {
			g = g_new0(struct group, 1);
			g->meta = trace->meta;
			g->traces = g_ptr_array_new();
			g->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
			g_hash_table_add(g->names, g_strdup("metadata"));
			g_ptr_array_add(groups, g);
		}
		g_ptr_array_add(g->traces, trace);
		if (strlen(trace->meta->text) > strlen(g->meta->text))
			g->meta = trace->meta;
	}
	return groups;
}

/* One that is not among them yet, and now is. */
static char *name_make(GHashTable *names, const char *wish)
{
	char *name = g_strdup(wish);

	for (unsigned n = 1; !g_hash_table_add(names, g_strdup(name)); n++) {
		g_free(name);
		name = g_strdup_printf("%s.%u", wish, n);
	}
	return name;
}

/* PROCESS-PID/, or what the trace's own folder is called. */
static void groups_name(GPtrArray *groups)
{
	GHashTable *names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < groups->len; i++) {
		struct group *g = groups->pdata[i];
		struct ft_ctf_trace *trace = g->traces->pdata[0];
		char *wish, *name;

		wish = trace->procname && trace->vpid >= 0
			       ? g_strdup_printf("%s-%" G_GINT64_FORMAT, trace->procname,
						 trace->vpid)
			       : g_path_get_basename(trace->path);
		g_strdelimit(wish, "/", '_');
		if (*wish == '.')
			*wish = '_';
		name = name_make(names, wish);
		g->folder = groups->len > 1 ? g_strconcat(name, "/", NULL) : g_strdup("");
		g_free(name);
		g_free(wish);
	}
	g_hash_table_unref(names);
}

static int told(const struct file *f, int err)
{
	if (err && err != -EINTR)
		ft_report("%s/%s: %s", f->copy->out->path, f->name, strerror(-err));
	return err;
}

/* The folder and its metadata come with the first of its packets. */
static int group_begin(struct ft_copy *copy, struct group *g)
{
	static const char signature[] = "/* CTF 1.8 */\n";
	const char *text = g->meta->text;
	char *name = g_strconcat(g->folder, "metadata", NULL), *whole;
	int err = 0;

	whole = g_strconcat(g_str_has_prefix(text, "/* CTF 1.8") ? "" : signature, text, NULL);
	if (*g->folder && mkdirat(copy->out->fd, g->folder, 0777)) {
		err = -errno;
		ft_report("%s/%s: %s", copy->out->path, g->folder, strerror(-err));
	}
	if (!err)
		err = ft_outdir_file(copy->out, name, whole, strlen(whole));
	copy->traces++;
	g_free(whole);
	g_free(name);
	return err;
}

static int file_begin(struct file *f, const struct ft_ctf_cursor *c)
{
	char *wish, *name;
	int err = g_hash_table_size(f->group->names) == 1 ? group_begin(f->copy, f->group) : 0;

	if (err)
		return err;
	if (f->from->map)
		wish = g_path_get_basename(f->from->path);
	else
		wish = g_strdup_printf("%" G_GUINT64_FORMAT, c->slots[FT_CTF_TID]);
	name = name_make(f->group->names, wish);
	f->name = g_strconcat(f->group->folder, name, NULL);
	g_free(name);
	g_free(wish);
	f->fd = openat(f->copy->out->fd, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return told(f, f->fd < 0 ? -errno : 0);
}

static int packet_write(struct file *f, const struct ft_ctf_cursor *c, const uint8_t *head,
			size_t head_bytes, const uint8_t *rest, size_t rest_bytes)
{
	int err = f->name ? 0 : file_begin(f, c);

	if (err)
		return err;
	err = ft_write_all(f->fd, head, head_bytes);
	if (!err)
		err = ft_write_all(f->fd, rest, rest_bytes);
	f->copy->packets++;
	f->copy->bytes += head_bytes + rest_bytes;
	return told(f, err);
}

static bool is_wanted(const struct ft_copy *copy, const struct ft_ctf_cursor *c)
{
	int64_t ns;

	if (!c->stream->clock)
		return true;
	ns = ft_ctf_clock_ns(c->stream->clock, c->clock);
	return ns >= copy->from_ns && ns <= copy->to_ns;
}

/* Return: 0 or -EPROTO, as ft_ctf_event_next(). */
static int part_find(const struct ft_copy *copy, struct ft_ctf_cursor *c, struct part *part)
{
	int more;

	*part = (struct part){.end = 0};
	while ((more = ft_ctf_event_next(c)) > 0) {
		if (!is_wanted(copy, c)) {
			part->some = true;
			continue;
		}
		if (!part->end) {
			part->at = c->header / 8;
			part->begin = c->clock;
		}
		part->end = (c->next + 7) / 8;
		part->last = c->clock;
	}
	return more;
}

/* Less than all of a packet of ours. */
static int part_write(struct file *f, struct ft_ctf_cursor *c, const struct part *part)
{
	static const uint8_t zeros[8];
	uint64_t begin = part->at & ~UINT64_C(7), bytes = part->end - begin;
	uint64_t content = FASTTRACE_HEADER_BYTES + bytes, size = (content + 7) & ~UINT64_C(7);
	uint8_t head[FASTTRACE_HEADER_BYTES];
	int err;

	memcpy(head, c->data, sizeof(head));
	ft_packet_cut(head, part->begin, part->last, content, size);
	err = packet_write(f, c, head, sizeof(head), c->data + begin, bytes);
	return err ? err : told(f, ft_write_all(f->fd, zeros, size - content));
}

static int packet_copy(struct file *f, struct ft_ctf_cursor *c)
{
	bool all = f->copy->from_ns == INT64_MIN && f->copy->to_ns == INT64_MAX;
	uint64_t events_at = c->next / 8, bytes = c->packet_bytes;
	struct part part = {.end = 0};
	int err = all ? 0 : part_find(f->copy, c, &part);

	if (err < 0) {
		ft_ctf_complain(f->copy->reader,
				"%s: byte %" G_GUINT64_FORMAT
				": expected %s: its packet is left out",
				f->from->path, f->from->at + c->wrong_at / 8, c->wrong);
		return 0;
	}
	if (!all && !part.end)
		return 0;
	if (part.some && is_ours(f->trace->meta) && events_at == FASTTRACE_HEADER_BYTES)
		return part_write(f, c, &part);
	f->copy->whole += part.some;
	return packet_write(f, c, c->data, bytes, NULL, 0);
}

/* Go to the next packet. Return: false: there is none, or it is not whole, and that was told. */
static bool packet_enter(struct file *f, struct ft_ctf_cursor *c)
{
	struct ft_ctf_file *from = f->from;

	if (from->at >= from->bytes || from->broken)
		return false;
	if (!ft_ctf_packet_enter(c, from->data + from->at, from->bytes - from->at) &&
	    c->packet_bytes && c->packet_bytes <= from->bytes - from->at)
		return true;
	ft_ctf_complain(f->copy->reader, "%s: byte %" G_GUINT64_FORMAT ": expected %s", from->path,
			from->at + c->wrong_at / 8, c->wrong ? c->wrong : "a whole packet");
	return false;
}

static int file_copy(struct file *f)
{
	struct ft_ctf_cursor c = {.meta = f->trace->meta};
	int err = 0;

	f->fd = -1;
	while (!err && packet_enter(f, &c)) {
		uint64_t bytes = c.packet_bytes;

		err = packet_copy(f, &c);
		f->from->at += bytes;
	}
	if (f->fd >= 0 && close(f->fd) && !err)
		err = told(f, -errno);
	g_free(f->name);
	return err;
}

static int group_copy(struct ft_copy *copy, struct group *g)
{
	int err = 0;

	for (guint i = 0; i < g->traces->len; i++) {
		struct ft_ctf_trace *trace = g->traces->pdata[i];

		for (guint j = 0; j < trace->streams->len; j++) {
			struct ft_ctf_stream *s = trace->streams->pdata[j];

			for (guint k = 0; k < s->files->len && !err; k++)
				err = file_copy(&(struct file){.copy = copy,
							       .group = g,
							       .trace = trace,
							       .from = s->files->pdata[k]});
		}
	}
	return err;
}

int ft_copy_all(struct ft_copy *copy)
{
	GPtrArray *groups = groups_make(copy->reader);
	int err = 0;

	groups_name(groups);
	for (guint i = 0; i < groups->len && !err; i++)
		err = group_copy(copy, groups->pdata[i]);
	g_ptr_array_unref(groups);
	return err;
}
