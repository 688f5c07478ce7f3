/* SPDX-License-Identifier: MIT */
/*
 * ctf-parse.c - TSDL's blocks: trace, env, clock, stream, event.
 */
#include <stdlib.h>
#include <string.h>

#include "ft-ctf-parse.h"

/* Passes over a block that says nothing to us, or the rest of an attribute. */
static bool skip_block(struct ft_ctf_parser *p)
{
	unsigned depth = 0;

	do {
		if (p->token == FT_CTF_EOF)
			return ft_ctf_expected(p, "\"}\"");
		depth += ft_ctf_is(p, "{");
		depth -= ft_ctf_is(p, "}");
		ft_ctf_lex(p);
	} while (depth && !p->error);
	return !p->error;
}

static bool skip_attribute(struct ft_ctf_parser *p)
{
	while (p->token != FT_CTF_EOF && !ft_ctf_is(p, ";"))
		if (ft_ctf_is(p, "{"))
			skip_block(p);
		else
			ft_ctf_lex(p);
	return !p->error;
}

/* A string or a word. Owned by the metadata. */
static bool parse_text(struct ft_ctf_parser *p, const char **text)
{
	if (p->token != FT_CTF_QUOTED && p->token != FT_CTF_WORD)
		return ft_ctf_expected(p, "a string");
	*text = g_string_chunk_insert(p->meta->strings, p->word);
	ft_ctf_lex(p);
	return !p->error;
}

static bool parse_struct_type(struct ft_ctf_parser *p, const struct ft_ctf_type **type)
{
	if (!(*type = ft_ctf_type(p)))
		return false;
	return (*type)->kind == FT_CTF_STRUCT || ft_ctf_fail(p, "expected a struct");
}

static bool parse_uuid(struct ft_ctf_parser *p)
{
	struct ft_ctf_meta *meta = p->meta;
	const char *text = p->word;
	unsigned n = 0;

	if (p->token != FT_CTF_QUOTED)
		return ft_ctf_expected(p, "a uuid in quotation marks");
	for (; *text && n < 32; text++) {
		int digit = g_ascii_xdigit_value(*text);

		if (*text == '-')
			continue;
		if (digit < 0)
			break;
		meta->uuid[n / 2] = (uint8_t)(meta->uuid[n / 2] << 4 | digit);
		n++;
	}
	if (n != 32 || *text)
		return ft_ctf_expected(p, "a uuid of 32 digits");
	meta->has_uuid = true;
	ft_ctf_lex(p);
	return !p->error;
}

static bool parse_trace_order(struct ft_ctf_parser *p)
{
	if (ft_ctf_accept(p, "le"))
		p->meta->order = FT_CTF_LE;
	else if (ft_ctf_accept(p, "be") || ft_ctf_accept(p, "network"))
		p->meta->order = FT_CTF_BE;
	else
		return ft_ctf_expected(p, "le or be");
	return true;
}

static bool parse_version(struct ft_ctf_parser *p, uint64_t wanted)
{
	uint64_t value;

	if (!ft_ctf_integer(p, &value))
		return false;
	return value == wanted ||
	       ft_ctf_fail(p, "version %" G_GUINT64_FORMAT ": expected CTF 1.8", value);
}

typedef bool attribute_fn(struct ft_ctf_parser *p, const char *name, void *of);

static bool trace_attribute(struct ft_ctf_parser *p, const char *name, void *of)
{
	(void)of;
	if (!strcmp(name, "packet.header"))
		return parse_struct_type(p, &p->meta->packet_type);
	if (!strcmp(name, "major"))
		return parse_version(p, 1);
	if (!strcmp(name, "minor"))
		return parse_version(p, 8);
	if (!strcmp(name, "uuid"))
		return parse_uuid(p);
	if (!strcmp(name, "byte_order"))
		return parse_trace_order(p);
	return skip_attribute(p);
}

static bool env_attribute(struct ft_ctf_parser *p, const char *name, void *of)
{
	struct ft_ctf_env env = {.name = name};

	(void)of;
	if (p->token == FT_CTF_QUOTED) {
		if (!parse_text(p, &env.text))
			return false;
	} else if (!ft_ctf_integer(p, (uint64_t *)&env.number)) {
		return false;
	}
	g_array_append_val(p->meta->env, env);
	return true;
}

static bool clock_attribute(struct ft_ctf_parser *p, const char *name, void *of)
{
	struct ft_ctf_clock *clock = of;
	const char *text = NULL;

	if (!strcmp(name, "name"))
		return parse_text(p, &clock->name);
	if (!strcmp(name, "freq")) {
		if (!ft_ctf_integer(p, &clock->hz))
			return false;
		return clock->hz || ft_ctf_fail(p, "freq 0: expected a number of ticks per second");
	}
	if (!strcmp(name, "offset_s"))
		return ft_ctf_integer(p, (uint64_t *)&clock->offset_s);
	if (!strcmp(name, "offset"))
		return ft_ctf_integer(p, (uint64_t *)&clock->offset);
	if (!strcmp(name, "absolute")) {
		if (!parse_text(p, &text))
			return false;
		clock->absolute = !g_ascii_strcasecmp(text, "true");
		return true;
	}
	return skip_attribute(p);
}

static bool stream_attribute(struct ft_ctf_parser *p, const char *name, void *of)
{
	struct ft_ctf_stream_class *stream = of;

	if (!strcmp(name, "id"))
		return ft_ctf_integer(p, &stream->id);
	if (!strcmp(name, "event.header"))
		return parse_struct_type(p, &stream->header_type);
	if (!strcmp(name, "packet.context"))
		return parse_struct_type(p, &stream->packet_type);
	if (!strcmp(name, "event.context"))
		return parse_struct_type(p, &stream->context_type);
	return skip_attribute(p);
}

static bool event_attribute(struct ft_ctf_parser *p, const char *name, void *of)
{
	struct ft_ctf_event_class *event = of;
	uint64_t level;

	if (!strcmp(name, "name"))
		return parse_text(p, &event->name);
	if (!strcmp(name, "id"))
		return ft_ctf_integer(p, &event->id);
	if (!strcmp(name, "stream_id"))
		return ft_ctf_integer(p, &event->stream_id);
	if (!strcmp(name, "context"))
		return parse_struct_type(p, &event->context_type);
	if (!strcmp(name, "fields"))
		return parse_struct_type(p, &event->fields_type);
	if (!strcmp(name, "loglevel")) {
		if (!ft_ctf_integer(p, &level))
			return false;
		event->loglevel = (int)MIN(level, 1000);
		return true;
	}
	return skip_attribute(p);
}

/* { name = value; name := type; declarations } and a ";", which may be missing. */
static bool parse_block(struct ft_ctf_parser *p, attribute_fn *set, void *of)
{
	bool ok = ft_ctf_want(p, "{");

	ft_ctf_scope_push(p);
	while (ok && !ft_ctf_accept(p, "}")) {
		const char *name;

		if (ft_ctf_declares(p) || ft_ctf_is(p, "struct") || ft_ctf_is(p, "enum") ||
		    ft_ctf_is(p, "variant")) {
			ok = ft_ctf_declaration(p);
			continue;
		}
		name = ft_ctf_path(p);
		ok = name && (ft_ctf_accept(p, ":=") || ft_ctf_want(p, "=")) && set(p, name, of) &&
		     ft_ctf_want(p, ";");
	}
	ft_ctf_scope_pop(p);
	ft_ctf_accept(p, ";");
	return ok && !p->error;
}

static bool parse_clock(struct ft_ctf_parser *p)
{
	struct ft_ctf_clock *clock = g_new0(struct ft_ctf_clock, 1);

	clock->hz = 1000000000;
	if (p->meta->clocks->len + p->meta->streams->len >= FT_CTF_STREAMS) {
		g_free(clock);
		return ft_ctf_fail(p, "more than %d clocks and streams: expected fewer",
				   FT_CTF_STREAMS);
	}
	g_ptr_array_add(p->meta->clocks, clock);
	if (!parse_block(p, clock_attribute, clock))
		return false;
	return clock->name || ft_ctf_fail(p, "this clock has no name: expected one");
}

static bool parse_stream(struct ft_ctf_parser *p)
{
	struct ft_ctf_stream_class *stream = g_new0(struct ft_ctf_stream_class, 1);

	if (p->meta->clocks->len + p->meta->streams->len >= FT_CTF_STREAMS) {
		g_free(stream);
		return ft_ctf_fail(p, "more than %d clocks and streams: expected fewer",
				   FT_CTF_STREAMS);
	}
	stream->at = (size_t)(p->before - p->meta->text);
	stream->by_id = g_ptr_array_new();
	stream->others = g_hash_table_new(g_int64_hash, g_int64_equal);
	g_ptr_array_add(p->meta->streams, stream);
	return parse_block(p, stream_attribute, stream);
}

static bool parse_event(struct ft_ctf_parser *p)
{
	struct ft_ctf_event_class *event = g_new0(struct ft_ctf_event_class, 1);

	if (p->meta->events->len >= FT_CTF_CLASSES) {
		g_free(event);
		return ft_ctf_fail(p, "more than %u events: expected fewer", FT_CTF_CLASSES);
	}
	event->index = p->meta->events->len;
	event->loglevel = -1;
	event->at = (size_t)(p->before - p->meta->text);
	g_ptr_array_add(p->meta->events, event);
	if (!parse_block(p, event_attribute, event))
		return false;
	return event->name || ft_ctf_fail(p, "this event has no name: expected one");
}

static bool parse_any(struct ft_ctf_parser *p)
{
	if (ft_ctf_accept(p, ";"))
		return true;
	if (ft_ctf_accept(p, "trace"))
		return parse_block(p, trace_attribute, NULL);
	if (ft_ctf_accept(p, "env"))
		return parse_block(p, env_attribute, NULL);
	if (ft_ctf_accept(p, "clock"))
		return parse_clock(p);
	if (ft_ctf_accept(p, "stream"))
		return parse_stream(p);
	if (ft_ctf_accept(p, "event"))
		return parse_event(p);
	if (ft_ctf_accept(p, "callsite"))
		return skip_block(p) && (ft_ctf_accept(p, ";") || !p->error);
	if (ft_ctf_declares(p) || ft_ctf_is(p, "struct") || ft_ctf_is(p, "enum") ||
	    ft_ctf_is(p, "variant"))
		return ft_ctf_declaration(p);
	return ft_ctf_expected(p, "trace, env, clock, stream, event or a type's declaration");
}

static void type_free(gpointer type)
{
	struct ft_ctf_type *t = type;

	if (t->members)
		g_array_unref(t->members);
	if (t->labels)
		g_array_unref(t->labels);
	g_free(t);
}

static void stream_free(gpointer stream)
{
	struct ft_ctf_stream_class *s = stream;

	g_ptr_array_unref(s->by_id);
	g_hash_table_destroy(s->others);
	g_free(s);
}

static void event_free(gpointer event)
{
	g_free(((struct ft_ctf_event_class *)event)->user);
	g_free(event);
}

static void programs_free(struct ft_ctf_meta *meta)
{
	for (guint i = 0; i < meta->programs->len; i++) {
		struct ft_ctf_program *program = meta->programs->pdata[i];

		for (uint32_t j = 0; j < program->count; j++)
			if (program->ops[j].options)
				g_array_unref(program->ops[j].options);
		g_free(program->ops);
		if (program->names)
			g_hash_table_destroy(program->names);
	}
	g_ptr_array_unref(meta->programs);
}

void ft_ctf_meta_free(struct ft_ctf_meta *meta)
{
	if (!meta)
		return;
	programs_free(meta);
	g_ptr_array_unref(meta->streams);
	g_ptr_array_unref(meta->events);
	g_ptr_array_unref(meta->clocks);
	g_ptr_array_unref(meta->types);
	g_array_unref(meta->env);
	g_array_unref(meta->parts);
	g_string_chunk_free(meta->strings);
	g_free(meta->text);
	g_free(meta);
}

static struct ft_ctf_meta *meta_empty(void)
{
	struct ft_ctf_meta *meta = g_new0(struct ft_ctf_meta, 1);

	meta->order = FT_CTF_LE;
	meta->streams = g_ptr_array_new_with_free_func(stream_free);
	meta->events = g_ptr_array_new_with_free_func(event_free);
	meta->clocks = g_ptr_array_new_with_free_func(g_free);
	meta->types = g_ptr_array_new_with_free_func(type_free);
	meta->programs = g_ptr_array_new();
	meta->env = g_array_new(FALSE, FALSE, sizeof(struct ft_ctf_env));
	meta->parts = g_array_new(FALSE, FALSE, sizeof(struct ft_ctf_part));
	meta->strings = g_string_chunk_new(4096);
	return meta;
}

static bool text_parse(struct ft_ctf_meta *meta, size_t bytes, const char *name, GError **error)
{
	struct ft_ctf_parser p = {.meta = meta,
				  .name = name,
				  .at = meta->text,
				  .end = meta->text + bytes,
				  .from = meta->text};

	p.scopes = g_ptr_array_new_with_free_func((GDestroyNotify)g_hash_table_destroy);
	ft_ctf_scope_push(&p);
	ft_ctf_lex(&p);
	while (!p.error && p.token != FT_CTF_EOF)
		parse_any(&p);
	g_ptr_array_unref(p.scopes);
	g_free(p.word);
	if (p.error)
		g_propagate_error(error, p.error);
	return !p.error;
}

struct ft_ctf_meta *ft_ctf_meta_new(const char *data, size_t bytes, const char *name,
				    GError **error)
{
	struct ft_ctf_meta *meta = meta_empty();
	GString *text = g_string_new(NULL);
	bool ok = ft_ctf_text_get(text, meta->parts, data, bytes, name, error);

	bytes = text->len;
	meta->text = g_string_free(text, FALSE);
	if (ok && text_parse(meta, bytes, name, error) && ft_ctf_compile(meta, name, error))
		return meta;
	ft_ctf_meta_free(meta);
	return NULL;
}

static const struct ft_ctf_env *env_find(const struct ft_ctf_meta *meta, const char *name)
{
	for (guint i = 0; i < meta->env->len; i++)
		if (!strcmp(g_array_index(meta->env, struct ft_ctf_env, i).name, name))
			return &g_array_index(meta->env, struct ft_ctf_env, i);
	return NULL;
}

const char *ft_ctf_env_text(const struct ft_ctf_meta *meta, const char *name)
{
	const struct ft_ctf_env *env = env_find(meta, name);

	return env ? env->text : NULL;
}

int64_t ft_ctf_env_number(const struct ft_ctf_meta *meta, const char *name, int64_t other)
{
	const struct ft_ctf_env *env = env_find(meta, name);

	return env && !env->text ? env->number : other;
}
