/* SPDX-License-Identifier: MIT */
/*
 * control.c - fasttrace control: what `control` and `events` of a mount do, with or without one.
 *
 * What a daemon serves is told to the daemon, through its mount.
 */
#include <unistd.h>

#include "cmd.h"
#include "ft-rules.h"

#define SETTLE_MS 10 /* to wait for an event in flight */

/* What is to be done to a process. */
struct order {
	const char *word;
	bool events, on;
	char **globs;
	const char *given; /* SOURCE */
	char *folder;	   /* of a mount; NULL: we are the consumer */
	struct fasttrace_arena *arena;
};

static bool order_is(const struct order *o, const char *word)
{
	return !strcmp(o->word, word);
}

static int wait_settled(struct fasttrace_arena *arena, unsigned index, uint64_t serial)
{
	int err;

	for (int ms = 0; (err = fasttrace_buffer_settled(arena, index, serial)) == -EAGAIN; ms++) {
		if (ms == SETTLE_MS)
			break;
		usleep(1000);
	}
	return err == -ENOENT ? 0 : err;
}

/* Return: 0; -EAGAIN an event is in flight, or the ring is full; others. */
static int thread_switch(struct fasttrace_arena *arena, unsigned index,
			 const struct fasttrace_buffer_info *info, enum fasttrace_switch how)
{
	int err = fasttrace_buffer_switch(arena, index, info->serial, how);

	if (err == -EAGAIN && fasttrace_buffer_settled(arena, index, info->serial) == -EAGAIN)
		err = wait_settled(arena, index, info->serial);
	else if (err == -EAGAIN) /* settled meanwhile, or the ring is full */
		err = fasttrace_buffer_switch(arena, index, info->serial, how);
	return err == -ENOENT ? 0 : err; /* its thread is gone */
}

/* Those that are complete now, and not those that come meanwhile. */
static int thread_clear(struct fasttrace_arena *arena, unsigned index, uint64_t serial)
{
	uint64_t seq, last = 0, from = 0;
	int err;

	while (!(err = fasttrace_buffer_next(arena, index, serial, from, &seq, NULL)) &&
	       seq >= from) {
		last = seq;
		from = seq + 1;
	}
	if (!from)
		return err == -EAGAIN || err == -ENOENT ? 0 : err;
	for (from = 0; !(err = fasttrace_buffer_next(arena, index, serial, from, &seq, NULL)) &&
		       seq >= from && seq <= last;
	     from = seq + 1) {
		err = fasttrace_buffer_drop(arena, index, serial, seq);
		if (err && err != -ENOENT) /* overwritten meanwhile */
			return err;
	}
	return err == -EAGAIN || err == -ENOENT ? 0 : err;
}

static int threads_order(const struct order *o)
{
	enum fasttrace_switch how = order_is(o, "active") ? FASTTRACE_ACTIVE : FASTTRACE_FLUSH;
	unsigned n = fasttrace_arena_buffers(o->arena);
	struct fasttrace_buffer_info info;
	int err = how == FASTTRACE_ACTIVE ? -EINVAL : 0, failed; /* until one lives */

	for (unsigned i = 0; i < n; i++) {
		if (fasttrace_buffer_get_info(o->arena, i, &info) ||
		    (how == FASTTRACE_ACTIVE && !info.live))
			continue;
		failed = thread_switch(o->arena, i, &info, how);
		if (order_is(o, "clear") && (!failed || failed == -EAGAIN))
			failed = thread_clear(o->arena, i, info.serial); /* in flight: stays */
		err = err && err != -EINVAL ? err : failed;
	}
	return err;
}

static int event_switch_mounted(const struct order *o, const char *provider, const char *event)
{
	char *name = !provider ? g_strdup("events/enable")
		     : !event  ? g_strdup_printf("events/%s/enable", provider)
			       : g_strdup_printf("events/%s/%s/enable", provider, event);
	int err = ft_mount_write(o->folder, name, o->on ? "1" : "0");

	g_free(name);
	return err;
}

static int event_switch(const struct order *o, const char *provider, const char *event)
{
	if (o->folder)
		return event_switch_mounted(o, provider, event);
	return fasttrace_events_switch(o->arena, provider, event, o->on);
}

static bool has_glob(const char *text)
{
	return strpbrk(text, "*?") != NULL;
}

/* Those there are that match. Return: how many, or -errno. */
static int glob_switch(const struct order *o, const char *glob)
{
	int n = fasttrace_arena_events(o->arena), matched = 0, err;
	struct fasttrace_event_info info;

	for (int id = 1; id <= n; id++) {
		if (fasttrace_event_get_info(o->arena, (unsigned)id, &info) ||
		    info.kind == FASTTRACE_EVENT_MARKER ||
		    !ft_rule_match((struct ft_span){glob, strlen(glob)},
				   (struct ft_span){info.provider, strlen(info.provider)},
				   (struct ft_span){info.name, strlen(info.name)}))
			continue;
		err = event_switch(o, info.provider, info.name);
		if (err)
			return err;
		matched++;
	}
	return matched;
}

/* A rule where it can be one, which holds for events to come as well; else the events there are. */
static int events_switch(const struct order *o, const char *glob)
{
	char **part = g_strsplit(glob, ":", 2);
	const char *event = part[1] && strcmp(part[1], "*") ? part[1] : NULL;
	int err;

	if (!strcmp(part[0], "*") && !event) {
		err = event_switch(o, NULL, NULL);
	} else if (has_glob(part[0]) || (event && has_glob(event))) {
		err = glob_switch(o, glob);
		err = err > 0 ? 0 : err ? err : -ENOENT;
	} else {
		err = event_switch(o, part[0], event);
	}
	g_strfreev(part);
	if (err == -ENOENT)
		ft_report("%s: no event of %s is called so by now: `fasttrace info %s` lists those "
			  "there are",
			  glob, o->given, o->given);
	return err;
}

static int events_order(const struct order *o)
{
	int err = 0;

	for (char **g = o->globs; *g && !err; g++)
		err = events_switch(o, *g);
	return err;
}

static void order_explain(const struct order *o, int err)
{
	const char *why = strerror(-err);

	if (err == -ENOENT) /* it has been told */
		return;
	if (err == -EAGAIN)
		why = order_is(o, "active") ? "a ring is full of what nobody has read"
					    : "an event is in flight: its sub-buffer is delivered "
					      "once it is written";
	else if (err == -EINVAL && order_is(o, "active"))
		why = "none of its threads lives: active is for the living, flush the dead";
	else if (err == -ENOSPC)
		why = "there is no room for more rules";
	else if (err == -EPROTO)
		why = "its arena contradicts itself";
	ft_report("%s: %s: %s", o->given, o->word, why);
}

static int order_run(const struct order *o)
{
	if (o->events)
		return events_order(o);
	if (o->folder)
		return ft_mount_write(o->folder, "control", o->word);
	if (order_is(o, "start") || order_is(o, "stop"))
		return fasttrace_tracing_switch(o->arena, order_is(o, "start"));
	return threads_order(o);
}

/* Who is the consumer: we, or the daemon of a mount? */
static int order_reach(struct order *o, const struct ft_source *source)
{
	pid_t pid = 0;

	if (!ft_source_consume(o->arena))
		return 0;
	o->folder = source->kind == FT_SOURCE_PROCESS ? g_strdup(source->path)
						      : ft_source_served(source, o->arena, &pid);
	if (o->folder)
		return 0;
	ft_report(
		"%s: another process reads it (`fasttrace record`, or a daemon without a mount)%s: "
		"end that first",
		o->given, access(source->arena, W_OK) ? ", or you may not write to its arena" : "");
	return -EBUSY;
}

static int control(struct order *o)
{
	struct ft_source source;
	int status = EXIT_FAILURE, err;

	if (ft_source_find(o->given, FT_SOURCE_ARENA | FT_SOURCE_PROCESS, &source))
		return EXIT_FAILURE;
	if (!ft_source_open(&source, 0, &o->arena)) {
		if (!order_reach(o, &source)) {
			err = order_run(o);
			status = err ? EXIT_FAILURE : EXIT_SUCCESS;
			if (err)
				order_explain(o, err);
		}
		fasttrace_arena_close(o->arena);
	}
	g_free(o->folder);
	ft_source_clear(&source);
	return status;
}

#define WORDS "flush, active, clear, start, stop, events on GLOB.. or events off GLOB.."

/* Return: 0, or an exit status. */
static int order_parse(struct order *o, GPtrArray *operands)
{
	static const char *const words[] = {"flush", "active", "clear", "start", "stop", NULL};
	const char *on;

	if (!operands->len)
		return ft_misused("SOURCE is missing: expected a process");
	o->given = operands->pdata[0];
	if (operands->len < 2)
		return ft_misused("what to do with %s is missing: expected " WORDS, o->given);
	o->word = operands->pdata[1];
	if (g_strv_contains(words, o->word)) {
		if (operands->len > 2)
			return ft_misused("%s: expected nothing after %s",
					  (char *)operands->pdata[2], o->word);
		return 0;
	}
	if (strcmp(o->word, "events"))
		return ft_misused("%s: expected " WORDS, o->word);
	on = operands->len > 2 ? operands->pdata[2] : "";
	if (strcmp(on, "on") && strcmp(on, "off"))
		return ft_misused("events %s: expected events on GLOB.. or events off GLOB..", on);
	if (operands->len < 4)
		return ft_misused("events %s: GLOB is missing: expected " FT_RULES_ACCEPTED, on);
	o->events = true;
	o->on = !strcmp(on, "on");
	g_ptr_array_add(operands, NULL);
	o->globs = (char **)operands->pdata + 3;
	for (char **g = o->globs; *g; g++)
		if (!ft_rules_valid((struct ft_span){*g, strlen(*g)}) || strpbrk(*g, "!, \t\n") ||
		    !**g)
			return ft_misused("events %s %s: expected PROVIDER or PROVIDER:EVENT, in "
					  "which * stands for any characters and ? for one",
					  on, *g);
	return 0;
}

int ft_control(int argc, char **argv)
{
	const struct ft_usage usage = {
		"control", "SOURCE ORDER", "Control a traced process, as the files of a mount do.",
		"\nSOURCE is a process id, the file of an arena, or the folder of a process in a "
		"mount.\nORDER is one of\n\n"
		"  flush                  make readable all events that have returned\n"
		"  active                 the same of the living, and begin new sub-buffers\n"
		"  clear                  drop all that was recorded until now\n"
		"  stop, start            stop tracing as a whole; go on\n"
		"  events on|off GLOB..   switch PROVIDER or PROVIDER:EVENT, in which * stands "
		"for\n"
		"                         any characters and ? for one\n",
		NULL};
	GPtrArray *operands = g_ptr_array_new();
	struct order order = {.word = NULL};
	int status;

	if (ft_usage_parse(&usage, argc, argv, operands, &status)) {
		status = order_parse(&order, operands);
		if (!status)
			status = control(&order);
	}
	g_ptr_array_unref(operands);
	return status;
}
