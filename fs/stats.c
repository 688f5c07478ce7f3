/* SPDX-License-Identifier: MIT */
/*
 * stats.c - the text of `stats`: counts, geometry, times and rates, each `name value` in a line.
 *
 * A rate is of what can be read: from its oldest event until now, or, of a writer that is gone, until
 * its newest. So it needs no memory of earlier looks, and nobody's look changes another one's. A
 * process's is the sum of its threads', for their rings go back to different times.
 */
#include <errno.h>
#include <inttypes.h>

#include "node.h"

/* Of what can be read, of one thread or of more. */
struct recent {
	struct fasttrace_times times; /* zero: there is nothing */
	uint64_t events_per_second, bytes_per_second;
};

static void counts_text(const struct fasttrace_stats *s, GString *text)
{
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {
		{"begun", s->begun},
		{"consumed", s->consumed},
		{"readable", s->readable},
		{"overwritten", s->overwritten},
		{"lost_full", s->lost_full},
		{"lost_too_big", s->lost_too_big},
		{"lost_nested", s->lost_nested},
		{"lost_no_buffer", s->lost_no_buffer},
		{"lost_no_event", s->lost_no_event},
		{"in_flight", s->in_flight},
		{"corrupted", s->corrupted},
		{"clock_steps", s->clock_steps},
		{"subbufs_produced", s->subbufs_produced},
		{"subbufs_consumed", s->subbufs_consumed},
		{"subbufs_overwritten", s->subbufs_overwritten},
		{"bytes_readable", s->bytes_readable},
		{"bytes_produced", s->bytes_produced},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		g_string_append_printf(text, "%s %" PRIu64 "\n", lines[i].name, lines[i].value);
}

static uint64_t per_second(uint64_t n, int64_t ns)
{
	return ns > 0 ? (uint64_t)((double)n * FT_NS_PER_S / (double)ns) : 0;
}

static int recent_add(struct recent *r, struct fasttrace_arena *arena, unsigned index,
		      uint64_t serial)
{
	struct fasttrace_stats stats;
	struct fasttrace_times times;
	int64_t ns;
	int err = fasttrace_buffer_times(arena, index, serial, &times);

	if (!err)
		err = fasttrace_buffer_stats(arena, index, serial, &stats);
	if (err)
		return err == -ENODATA || err == -ENOENT ? 0
							 : err; /* nothing, or of another by now */
	ns = (int64_t)((uint64_t)times.until_ns -
		       (uint64_t)times.oldest_ns); /* a liar's may wrap */
	r->events_per_second += per_second(stats.readable, ns);
	r->bytes_per_second += per_second(stats.bytes_readable, ns);
	if (!r->times.oldest_ns || times.oldest_ns < r->times.oldest_ns)
		r->times.oldest_ns = times.oldest_ns;
	r->times.newest_ns = MAX(r->times.newest_ns, times.newest_ns);
	return 0;
}

static void time_text(const char *name, int64_t ns, GString *text)
{
	ns = MAX(ns, 0);
	g_string_append_printf(text, "%s %" PRIi64 ".%09" PRIi64 "\n", name, ns / FT_NS_PER_S,
			       ns % FT_NS_PER_S);
}

static void recent_text(const struct recent *r, GString *text)
{
	time_text("oldest", r->times.oldest_ns, text);
	time_text("newest", r->times.newest_ns, text);
	g_string_append_printf(text,
			       "events_per_second %" PRIu64 "\nbytes_per_second %" PRIu64 "\n",
			       r->events_per_second, r->bytes_per_second);
}

int ft_thread_stats(struct ft_thread *t, const struct fasttrace_buffer_info *info, GString *text)
{
	struct fasttrace_arena *arena = t->process->arena;
	struct recent recent = {.events_per_second = 0};
	struct fasttrace_stats stats;
	int err = fasttrace_buffer_stats(arena, t->index, t->serial, &stats);

	if (!err)
		err = recent_add(&recent, arena, t->index, t->serial);
	if (err)
		return err;
	counts_text(&stats, text);
	recent_text(&recent, text);
	g_string_append_printf(text, "subbuf_size %" PRIu64 "\nsubbufs %" PRIu32 "\n",
			       info->subbuf_bytes, info->subbufs);
	return 0;
}

int ft_process_stats(struct ft_process *p, GString *text)
{
	unsigned n = fasttrace_arena_buffers(p->arena);
	struct recent recent = {.events_per_second = 0};
	struct fasttrace_buffer_info info;
	struct fasttrace_stats stats;
	int err = fasttrace_arena_stats(p->arena, &stats);

	/* A buffer that contradicts itself is left out, as in the counts. */
	for (unsigned i = 0; !err && i < n; i++)
		if (!fasttrace_buffer_get_info(p->arena, i, &info))
			recent_add(&recent, p->arena, i, info.serial);
	if (err)
		return err;
	counts_text(&stats, text);
	recent_text(&recent, text);
	g_string_append_printf(text, "buffers %u\n", n);
	return 0;
}
