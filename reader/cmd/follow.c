/* SPDX-License-Identifier: MIT */
/*
 * follow.c - fasttrace read --follow: look, write what is settled, sleep; and again.
 *
 * Nobody wakes us, for that takes the consumer's right: we look NAP_MAX_MS after the last time, and
 * sooner the faster rings turn. While nothing comes that is twenty looks in a second. A new arena
 * wakes us, for its program may have ended by the next look, and taken it away.
 */
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "cmd.h"
#include "follow.h"
#include "inputs.h"
#include "live.h"

#define NAP_MAX_MS 50
#define BATCH	   100000 /* events that are written between two looks, if there are many */

struct follow {
	const struct ft_following *use;
	struct ft_lives lives;
	GPtrArray *dirs;   /* directories of arenas */
	GHashTable *known; /* paths of arenas in them that were looked at */
	bool first;	   /* the first look there: who is dead already is not followed */
	int64_t dirs_us;   /* of the last look */
	int inotify;	   /* -1: there are no directories */
	int nap_ms;
};

static void declared(struct ft_ctf_trace *trace, void *arg)
{
	const struct ft_following *use = ((struct follow *)arg)->use;

	ft_filter_declared(use->filter, trace);
	if (use->fields)
		ft_fields_declared(trace, use->fields);
}

static void file_look(const char *path, void *arg)
{
	struct follow *f = arg;
	struct fasttrace_arena *arena;

	if (g_hash_table_contains(f->known, path) ||
	    fasttrace_arena_open(AT_FDCWD, path, 0, &arena, NULL))
		return; /* not yet, or none */
	g_hash_table_add(f->known, g_strdup(path));
	if (f->first && !fasttrace_arena_alive(arena))
		fasttrace_arena_close(arena);
	else
		ft_lives_add(&f->lives, path, arena, !f->first);
}

static void dirs_look(struct follow *f)
{
	int64_t now = g_get_monotonic_time();
	char events[4096];
	bool any = f->first;

	while (read(f->inotify, events, sizeof(events)) > 0)
		any = true;
	if (!f->dirs->len || (!any && now - f->dirs_us < NAP_MAX_MS * 1000))
		return;
	f->dirs_us = now;
	for (guint i = 0; i < f->dirs->len; i++)
		ft_arenas_each(f->dirs->pdata[i], file_look, f);
	f->first = false;
}

static int source_add(struct follow *f, const char *given)
{
	struct fasttrace_arena *arena;
	struct ft_source source;
	int err = ft_source_find(
		given, FT_SOURCE_ARENA | FT_SOURCE_PROCESS | FT_SOURCE_MOUNT | FT_SOURCE_ARENAS,
		&source);

	if (err)
		return err;
	if (source.dir) {
		if (f->inotify < 0)
			f->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		inotify_add_watch(f->inotify, source.dir, IN_MOVED_TO | IN_CREATE);
		g_ptr_array_add(f->dirs, g_strdup(source.dir));
		f->lives.more = true;
	} else if (!g_hash_table_contains(f->known, source.arena)) {
		err = ft_source_open(&source, 0, &arena);
		if (!err)
			err = ft_lives_add(&f->lives, source.arena, arena, false);
		if (!err)
			g_hash_table_add(f->known, g_strdup(source.arena));
	}
	ft_source_clear(&source);
	return err;
}

/* Return: is there more that can be written at once? */
static bool batch_write(struct follow *f, int64_t until)
{
	const struct ft_following *use = f->use;
	struct ft_ctf_stream *s;
	unsigned n = 0;

	until = MIN(until, use->filter->to_ns);
	while (!use->out->error && (s = ft_lives_first(&f->lives, until))) {
		if (n++ == BATCH)
			return true;
		if (!use->filter->any || ft_filter_passes(use->filter, s))
			use->put(s, use->arg);
		ft_lives_next(&f->lives);
	}
	return false;
}

/* A reader that goes away says so, though nothing is written to it. */
static void nap(struct follow *f)
{
	struct pollfd p[] = {{.fd = f->use->out->fd},
			     {.fd = ft_signals_fd(), .events = POLLIN},
			     {.fd = f->inotify, .events = POLLIN}};

	if (f->lives.hurry)
		f->nap_ms = MAX(f->nap_ms / 4, 1);
	else if (f->lives.idle)
		f->nap_ms = MIN(f->nap_ms * 2, NAP_MAX_MS);
	ft_out_flush(f->use->out);
	if (poll(p, G_N_ELEMENTS(p), f->nap_ms) > 0 && p[0].revents & (POLLERR | POLLHUP) &&
	    !f->use->out->error)
		f->use->out->error = -EPIPE;
}

static bool is_over(const struct follow *f)
{
	return ft_interrupted() || f->use->out->error || f->lives.until > f->use->filter->to_ns ||
	       (!f->lives.all->len && !f->dirs->len);
}

static void loop(struct follow *f)
{
	do {
		dirs_look(f);
		ft_lives_look(&f->lives);
		if (!batch_write(f, f->lives.until) && !is_over(f))
			nap(f);
	} while (!is_over(f));
	/* What is in hand is not held back any longer; but who has had enough is not kept waiting. */
	while (batch_write(f, INT64_MAX) && !ft_interrupted())
		continue;
}

int ft_following_run(const struct ft_following *use, const GPtrArray *operands)
{
	struct follow f = {.use = use, .first = true, .nap_ms = 1, .inotify = -1};
	int status = EXIT_SUCCESS;

	fasttrace_reader_guard();
	ft_signals_catch();
	ft_filter_since(use->filter, ft_now_ns());
	ft_lives_init(&f.lives, ft_inputs_complain, use->out);
	f.lives.declared = declared;
	f.lives.arg = &f;
	f.lives.reader.from_ns = use->filter->from_ns;
	f.dirs = g_ptr_array_new_with_free_func(g_free);
	f.known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < operands->len; i++)
		if (source_add(&f, operands->pdata[i]))
			status = EXIT_FAILURE;
	if (f.lives.all->len || f.dirs->len)
		loop(&f);
	if (f.lives.reader.complaints)
		status = EXIT_FAILURE;
	if (f.inotify >= 0)
		close(f.inotify);
	ft_lives_clear(&f.lives);
	g_hash_table_unref(f.known);
	g_ptr_array_unref(f.dirs);
	return status;
}
