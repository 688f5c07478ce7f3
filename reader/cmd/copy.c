/* SPDX-License-Identifier: MIT */
/*
 * copy.c - packets of CTF traces into a new folder.
 *
 * Packets stay as they are, in files of their own, for what an event means depends on the packet around
 * it. Where a packet of our tracer is partly wanted, it is made anew of the events that are: each begins
 * at a multiple of eight bytes, and has its time itself. With none of them it stays, as an empty one,
 * if there are others of its ring: they are numbered, and a gap means a loss. Of other tracers the
 * whole packet is taken.
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
	GHashTable *rings; /* instances of streams that have events which pass the filter */
};

/* A file that is being written. */
struct file {
	struct ft_copy *copy;
	struct group *group;
	struct ft_ctf_stream *stream;
	struct ft_ctf_file *from;
	char *name; /* NULL: nothing was written yet */
	int fd;
};

/* What is wanted of one packet. */
struct part {
	GByteArray *body;     /* its events, each at a multiple of eight bytes */
	uint64_t begin, last; /* their times, in ticks */
	uint64_t events, others;
	bool is_within; /* is it of the time that is wanted? */
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
	g_hash_table_unref(g->rings);
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
			g->rings = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
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
	if (f->from->packed && g_str_has_suffix(wish, ".zst"))
		wish[strlen(wish) - strlen(".zst")] = '\0';
	name = name_make(f->group->names, wish);
	f->name = g_strconcat(f->group->folder, name, NULL);
	g_free(name);
	g_free(wish);
	f->fd = openat(f->copy->out->fd, f->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	return told(f, f->fd < 0 ? -errno : 0);
}

static int packet_write(struct file *f, const uint8_t *head, size_t head_bytes, const uint8_t *rest,
			size_t rest_bytes)
{
	int err = f->name ? 0 : file_begin(f, &f->stream->cursor);

	if (err)
		return err;
	err = ft_write_all(f->fd, head, head_bytes);
	if (!err)
		err = ft_write_all(f->fd, rest, rest_bytes);
	f->copy->packets++;
	f->copy->bytes += head_bytes + rest_bytes;
	return told(f, err);
}

static bool is_timely(const struct ft_copy *copy, struct ft_ctf_stream *s, uint64_t ticks)
{
	const struct ft_ctf_clock *clock = s->cursor.stream->clock;

	s->ns = clock ? ft_ctf_clock_ns(clock, ticks) : 0;
	return !clock || (s->ns >= copy->filter->from_ns && s->ns <= copy->filter->to_ns);
}

static bool is_wanted(const struct ft_copy *copy, struct ft_ctf_stream *s)
{
	return is_timely(copy, s, s->cursor.clock) &&
	       (!s->cursor.stream->clock || ft_filter_passes(copy->filter, s));
}

static void body_append(struct part *part, const struct ft_ctf_cursor *c)
{
	static const uint8_t zeros[8];

	g_byte_array_append(part->body, zeros, -part->body->len & 7);
	g_byte_array_append(part->body, c->data + c->header / 8,
			    (guint)((c->next + 7) / 8 - c->header / 8));
}

/* Return: 0 or -EPROTO, as ft_ctf_event_next(). */
static int part_find(const struct ft_copy *copy, struct ft_ctf_stream *s, struct part *part)
{
	struct ft_ctf_cursor *c = &s->cursor;
	bool ours = is_ours(s->trace->meta);
	int more;

	part->begin = c->slots[FT_CTF_BEGIN];
	part->last = c->slots[FT_CTF_STREAM_END];
	part->is_within = is_timely(copy, s, part->begin);
	while ((more = ft_ctf_event_next(c)) > 0) {
		part->is_within |= is_timely(copy, s, c->clock);
		if (!is_wanted(copy, s)) {
			part->others++;
			continue;
		}
		if (!part->events++)
			part->begin = c->clock;
		part->last = c->clock;
		if (ours)
			body_append(part, c);
	}
	return more;
}

/* Less than all of a packet of ours. */
static int part_write(struct file *f, const uint8_t *data, const struct part *part)
{
	uint64_t content = FASTTRACE_HEADER_BYTES + part->body->len,
		 size = (content + 7) & ~UINT64_C(7);
	uint8_t head[FASTTRACE_HEADER_BYTES];
	static const uint8_t zeros[8];

	memcpy(head, data, sizeof(head));
	ft_packet_cut(head, part->begin, part->last, content, size);
	g_byte_array_append(part->body, zeros, (guint)(size - content));
	return packet_write(f, head, sizeof(head), part->body->data, part->body->len);
}

static int wanted_copy(struct file *f, struct part *part)
{
	struct ft_ctf_cursor *c = &f->stream->cursor;
	uint64_t events_at = c->next / 8, bytes = c->packet_bytes;
	bool keep_empty = g_hash_table_contains(f->group->rings, &c->slots[FT_CTF_INSTANCE]);

	if (part_find(f->copy, f->stream, part) < 0) {
		ft_ctf_complain(
			f->copy->reader,
			"%s: byte %" G_GUINT64_FORMAT ": expected %s: its packet is left out",
			f->from->path, f->from->before + f->from->at + c->wrong_at / 8, c->wrong);
		return 0;
	}
	f->copy->events += part->events;
	if (!part->events && !(part->is_within && keep_empty))
		return 0;
	if (part->others && is_ours(f->stream->trace->meta) && events_at == FASTTRACE_HEADER_BYTES)
		return part_write(f, c->data, part);
	f->copy->whole += part->others > 0;
	return packet_write(f, c->data, bytes, NULL, 0);
}

static int packet_copy(struct file *f)
{
	const struct ft_ctf_cursor *c = &f->stream->cursor;
	struct part part = {.body = NULL};
	int err;

	if (!f->copy->filter)
		return packet_write(f, c->data, c->packet_bytes, NULL, 0);
	part.body = g_byte_array_new();
	err = wanted_copy(f, &part);
	g_byte_array_unref(part.body);
	return err;
}

/* Go to the next packet. Return: false: there is none, or it is not whole, and that was told. */
static bool packet_enter(struct file *f, struct ft_ctf_cursor *c)
{
	struct ft_ctf_file *from = f->from;

	if (!ft_ctf_file_more(f->copy->reader, from) || from->broken)
		return false;
	if (!ft_ctf_packet_enter(c, from->data + from->at, from->bytes - from->at) &&
	    c->packet_bytes && c->packet_bytes <= from->bytes - from->at)
		return true;
	ft_ctf_complain(f->copy->reader, "%s: byte %" G_GUINT64_FORMAT ": expected %s", from->path,
			from->before + from->at + c->wrong_at / 8,
			c->wrong ? c->wrong : "a whole packet");
	return false;
}

static int file_copy(struct file *f)
{
	struct ft_ctf_cursor *c = &f->stream->cursor;
	int err = 0;

	f->fd = -1;
	*c = (struct ft_ctf_cursor){.meta = f->stream->trace->meta};
	f->stream->what = FT_CTF_EVENT;
	while (!err && packet_enter(f, c)) {
		uint64_t bytes = c->packet_bytes;

		err = ft_interrupted() ? -EINTR : packet_copy(f);
		f->from->at += bytes;
	}
	if (f->fd >= 0 && close(f->fd) && !err)
		err = told(f, -errno);
	g_free(f->name);
	return err;
}

/* Does it choose by more than time? */
static bool has_choice(const struct ft_filter *filter)
{
	return filter && (filter->events || filter->level || filter->tids || filter->where);
}

/* Does any event of it pass? */
static bool file_passes(const struct ft_copy *copy, struct ft_ctf_stream *s,
			const struct ft_ctf_file *from)
{
	struct ft_ctf_cursor *c = &s->cursor;

	for (uint64_t at = 0, bytes; at < from->bytes && !from->broken; at += bytes) {
		if (ft_ctf_packet_enter(c, from->data + at, from->bytes - at))
			return false;
		bytes = c->packet_bytes;
		if (!bytes || bytes > from->bytes - at)
			return false;
		while (ft_ctf_event_next(c) > 0)
			if (is_wanted(copy, s))
				return true;
	}
	return false;
}

/* What is wrong is told when it is copied. */
static int stream_look(struct ft_copy *copy, struct group *g, struct ft_ctf_stream *s)
{
	s->cursor = (struct ft_ctf_cursor){.meta = s->trace->meta};
	s->what = FT_CTF_EVENT;
	for (guint i = 0; i < s->files->len; i++)
		if (file_passes(copy, s, s->files->pdata[i])) {
			g_hash_table_add(g->rings, g_memdup2(&s->cursor.slots[FT_CTF_INSTANCE],
							     sizeof(s->cursor.slots[0])));
			break;
		}
	return ft_interrupted() ? -EINTR : 0;
}

static int stream_copy(struct ft_copy *copy, struct group *g, struct ft_ctf_stream *s)
{
	int err = 0;

	for (guint i = 0; i < s->files->len && !err; i++)
		err = file_copy(&(struct file){
			.copy = copy, .group = g, .stream = s, .from = s->files->pdata[i]});
	return err;
}

static int streams_each(struct ft_copy *copy, struct group *g,
			int (*each)(struct ft_copy *, struct group *, struct ft_ctf_stream *))
{
	int err = 0;

	for (guint i = 0; i < g->traces->len; i++) {
		struct ft_ctf_trace *trace = g->traces->pdata[i];

		for (guint j = 0; j < trace->streams->len && !err; j++)
			err = each(copy, g, trace->streams->pdata[j]);
	}
	return err;
}

static int group_copy(struct ft_copy *copy, struct group *g)
{
	int err = has_choice(copy->filter) ? streams_each(copy, g, stream_look) : 0;

	return err ? err : streams_each(copy, g, stream_copy);
}

/* Packets of other tracers cannot be taken apart. */
static int groups_check(const struct ft_copy *copy, const GPtrArray *groups)
{
	for (guint i = 0; i < groups->len && has_choice(copy->filter); i++) {
		struct group *g = groups->pdata[i];
		struct ft_ctf_trace *trace = g->traces->pdata[0];

		if (is_ours(g->meta))
			continue;
		ft_report("%s: is of another tracer, of which packets are copied whole: expected "
			  "none of --event, --level, --tid, --where",
			  trace->path);
		return -EINVAL;
	}
	return 0;
}

int ft_copy_all(struct ft_copy *copy)
{
	GPtrArray *groups = groups_make(copy->reader);
	int err = groups_check(copy, groups);

	groups_name(groups);
	for (guint i = 0; i < groups->len && !err; i++)
		err = group_copy(copy, groups->pdata[i]);
	g_ptr_array_unref(groups);
	return err;
}
