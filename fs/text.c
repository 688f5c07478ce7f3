/* SPDX-License-Identifier: MIT */
/*
 * text.c - files of text: made when they are opened, and the same for as long as they are open.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "node.h"

struct text_file {
	struct ft_file file;
	GString *text;
};

void ft_text_trim(const char **text, size_t *bytes)
{
	while (*bytes && g_ascii_isspace(**text)) {
		++*text;
		--*bytes;
	}
	while (*bytes && g_ascii_isspace((*text)[*bytes - 1]))
		--*bytes;
}

int ft_text_word(struct ft_call *call, const char *const *words)
{
	const char *text = call->data, *next;
	size_t bytes = call->size, len = 0;
	char *all;
	int err;

	ft_text_trim(&text, &bytes);
	while (len < bytes && !g_ascii_isspace(text[len]))
		len++;
	for (int i = 0; words[i]; i++) {
		if (len != strlen(words[i]) || memcmp(text, words[i], len) != 0)
			continue;
		if (len == bytes)
			return i;
		for (next = text + len; g_ascii_isspace(*next);)
			next++;
		return ft_call_refuse(call, next, -EINVAL, "expected nothing after %s", words[i]);
	}
	all = g_strjoinv(", ", (char **)(uintptr_t)words);
	err = ft_call_refuse(call, text, -EINVAL, "expected one of: %s", all);
	g_free(all);
	return err;
}

int ft_text_switch(struct ft_call *call, bool *on)
{
	static const char *const words[] = {"0", "1", NULL};
	int word = ft_text_word(call, words);

	*on = word == 1;
	return MIN(word, 0);
}

ssize_t ft_text_slice(const char *text, size_t bytes, struct ft_call *call)
{
	if (call->offset < 0 || (uint64_t)call->offset >= bytes)
		return 0;
	call->data = text + call->offset;
	return (ssize_t)MIN(call->size, bytes - (size_t)call->offset);
}

static ssize_t text_read(struct ft_file *file, struct ft_call *call)
{
	GString *text = ((struct text_file *)file)->text;

	return ft_text_slice(text->str, text->len, call);
}

static void text_release(struct ft_file *file)
{
	g_string_free(((struct text_file *)file)->text, TRUE);
	g_free(file);
}

/* What the process has chosen, among what it had to choose from. */
struct choice {
	const char *const names[4]; /* ended by NULL */
	int (*current)(const struct ft_process *p);
	const char *chosen; /* when, and how */
};

static int mode_current(const struct ft_process *p)
{
	return (int)p->info->mode;
}

static int clock_current(const struct ft_process *p)
{
	return p->info->raw_clock ? 0 : 1;
}

static const struct choice mode_choice = {
	{[FASTTRACE_OVERWRITE] = "overwrite",
	 [FASTTRACE_DISCARD] = "discard",
	 [FASTTRACE_BLOCK] = "block"},
	mode_current,
	"the mode is chosen when the program starts: --mode, FASTTRACE_MODE",
};
static const struct choice clock_choice = {
	{"tsc", "monotonic"},
	clock_current,
	"the clock is chosen when the program starts, by what the machine has",
};

static void choice_text(const struct choice *c, const struct ft_process *p, GString *text)
{
	for (int i = 0; c->names[i]; i++)
		g_string_append_printf(text, i == c->current(p) ? "%s[%s]" : "%s%s", i ? " " : "",
				       c->names[i]);
	g_string_append_c(text, '\n');
}

/* To choose what is chosen changes nothing, and so is no fault. */
static ssize_t choice_write(struct ft_node *node, struct ft_call *call)
{
	const struct choice *c = node->kind == FT_MODE ? &mode_choice : &clock_choice;
	int i = ft_text_word(call, c->names);

	if (i < 0)
		return i;
	if (i != c->current(node->process))
		return ft_call_refuse(call, NULL, -EPERM, "%s", c->chosen);
	return (ssize_t)call->size;
}

/* What is written to error_log is nothing; tee and others truncate it, and that clears. */
static ssize_t text_write(struct ft_file *file, struct ft_call *call)
{
	struct ft_node *node = file->node;

	if (node->kind == FT_MODE || node->kind == FT_CLOCK)
		return choice_write(node, call);
	return (ssize_t)call->size;
}

static const struct ft_file_ops text_ops = {
	.read = text_read, .write = text_write, .release = text_release};

int ft_text_open(struct ft_node *node, struct ft_file **file)
{
	GString *text = g_string_new(NULL);
	struct text_file *f;
	int err = 0;

	if (node->kind == FT_ALL_ERRORS || node->kind == FT_PROCESS_ERRORS)
		ft_errors_text(node, text);
	else if (!node->process)
		err = ft_readme_text(node, text);
	else
		err = node->thread ? ft_thread_text(node, text) : ft_process_text(node, text);
	if (err) {
		g_string_free(text, TRUE);
		return err;
	}
	f = g_new0(struct text_file, 1);
	f->file.ops = &text_ops;
	f->text = text;
	*file = &f->file;
	return 0;
}

int ft_readme_text(struct ft_node *node, GString *text)
{
	g_string_append(
		text,
		"Each traced process is a directory named by its pid; an older holder: PID.1\n"
		"\n"
		"PID/state                  running, exited CODE, killed SIGNAL, replaced, ended\n"
		"PID/comm exe cmdline mode clock\n"
		"PID/stats                  `name value` lines; times are in s since 1970; rates "
		"of "
		"what can\n"
		"                             be read: from the oldest event till now, or a dead "
		"one's newest\n"
		"PID/subbuf_size subbufs    the rings of threads to come: write a power of two; "
		"those\n"
		"                             there are stay: threads/TID/stats\n"
		"PID/snapshot/              a CTF trace of all that is unread; reads nothing "
		"away:\n"
		"                             cp -r PID/snapshot OUT && babeltrace2 OUT\n"
		"                           grep -r and cp -r belong here and in events; "
		"elsewhere\n"
		"                             they consume, and wait in trace_pipe and stream\n"
		"PID/trace                  the same as text, all threads in the order of time;\n"
		"                             > PID/trace drops it\n"
		"PID/trace_pipe             the same as it comes: consumes, and waits for more\n"
		"PID/marker                 write a line, 4 KiB at most: it becomes an event of "
		"the trace,\n"
		"                             fasttrace:marker; those stand in threads/0\n"
		"PID/ctf-metadata           the snapshot's metadata, for what you collect "
		"yourself\n"
		"PID/events/                which events are recorded: 1, 0, or X for some:\n"
		"  enable PROVIDER/enable PROVIDER/EVENT/enable\n"
		"                             write 0 or 1; it holds also for events to come\n"
		"  PROVIDER/EVENT/format id   its fields, and its numbers in the trace\n"
		"PID/threads/TID/           a thread: name state stats, and what consumes:\n"
		"  subbuf/SEQ               a complete sub-buffer; read to its end, it is gone\n"
		"  stream                   all of them in order; waits for more until the thread "
		"ends\n"
		"  drain                    the same, but ends at what is complete now\n"
		"\n"
		"control, PID/control, PID/threads/TID/control: write one word\n"
		"  flush                    make what was written so far readable\n"
		"  active                   the same, and begin the next sub-buffer\n"
		"  clear                    drop all that was written so far, unread\n"
		"  start stop               not for a thread: as 1 and 0 in tracing_on\n"
		"tracing_on, PID/tracing_on   write 0: no event is recorded; 1: those that events/ "
		"says\n"
		"\n"
		"error_log, PID/error_log   the last 8 writes that were refused: what, why and "
		"where; > "
		"clears\n"
		"rmdir PID                  forget a dead process, if no file of it is open; not "
		"rm "
		"-r\n"
		"fusermount3 -u MOUNT       or umount: the end of the daemon, not of the "
		"programs\n");
	ft_registry_look(node->tree->registry);
	ft_registry_complaints(node->tree->registry, text);
	return 0;
}

static void state_text(struct ft_process *p, GString *text)
{
	int code;

	switch (ft_process_end(p, &code)) {
	case FASTTRACE_RUNNING:
		g_string_append(text, "running\n");
		break;
	case FASTTRACE_EXITED:
		if (code >= 0)
			g_string_append_printf(text, "exited %d\n", code);
		else
			g_string_append(text, "exited\n");
		break;
	case FASTTRACE_KILLED:
		g_string_append_printf(text, "killed %d\n", code);
		break;
	case FASTTRACE_REPLACED:
		g_string_append(text, "replaced\n");
		break;
	case FASTTRACE_ENDED:
		g_string_append(text, "ended\n");
		break;
	}
}

static int metadata_text(struct ft_process *p, GString *text)
{
	char *metadata;
	size_t len;
	int err = fasttrace_arena_metadata(p->arena, &metadata, &len);

	if (err)
		return err;
	g_string_append_len(text, metadata, (gssize)len);
	free(metadata);
	return 0;
}

/* The frequency is known once the metadata has been made. */
static int clock_text(struct ft_process *p, GString *text)
{
	char *metadata;
	size_t len;
	int err;

	if (!p->info->raw_clock) {
		g_string_append_printf(text, "monotonic: %s\n", p->info->clock_why);
		return 0;
	}
	err = fasttrace_arena_metadata(p->arena, &metadata, &len);
	if (err)
		return err;
	free(metadata);
	g_string_append_printf(text, "tsc %" PRIu64 " Hz: %s\n", p->info->clock_hz,
			       p->info->clock_why);
	return 0;
}

int ft_process_text(struct ft_node *node, GString *text)
{
	struct ft_process *p = node->process;

	switch (node->kind) {
	case FT_COMM:
		g_string_append_printf(text, "%.16s\n", p->info->comm);
		return 0;
	case FT_EXE:
		g_string_append_printf(text, "%s\n", p->info->exe);
		return 0;
	case FT_CMDLINE:
		g_string_append_len(text, p->info->cmdline, (gssize)p->info->cmdline_bytes);
		return 0;
	case FT_PROCESS_STATE:
		state_text(p, text);
		return 0;
	case FT_MODE:
		choice_text(&mode_choice, p, text);
		return 0;
	case FT_CLOCK:
		choice_text(&clock_choice, p, text);
		return clock_text(p, text);
	case FT_PROCESS_STATS:
		return ft_process_stats(p, text);
	case FT_METADATA:
		return metadata_text(p, text);
	case FT_EVENT_FORMAT:
	case FT_EVENT_ID:
		return ft_event_text(node, text);
	default:
		return -ENOENT;
	}
}

int ft_thread_text(struct ft_node *node, GString *text)
{
	struct ft_thread *t = node->thread;
	struct fasttrace_buffer_info info;
	int err = ft_thread_info(t, &info);

	if (err)
		return err;
	switch (node->kind) {
	case FT_THREAD_NAME:
		g_string_append_printf(text, "%.16s\n", info.name);
		return 0;
	case FT_THREAD_STATE:
		g_string_append(text, ft_thread_live(t) ? "running\n" : "ended\n");
		return 0;
	case FT_THREAD_STATS:
		return ft_thread_stats(t, &info, text);
	default:
		return -ENOENT;
	}
}
