/* SPDX-License-Identifier: MIT */
/*
 * metadata.c - the trace's description in TSDL, CTF 1.8's language.
 *
 * The text only ever grows: it is kept in the arena, and event classes are appended as they come.
 * Nothing in an arena may break its grammar: names are made harmless here.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ft-clock.h"
#include "ft-walk.h"

/* An event's names in TSDL may not surprise a terminal either: no controls, no broken UTF-8. */
static void append_quoted(GString *s, const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);

	g_string_append_c(s, '"');
	for (const char *p = valid; *p; p++) {
		unsigned control = ft_control_bytes(p);

		if (control) {
			g_string_append_c(s, '_');
			p += control - 1;
			continue;
		}
		if (*p == '"' || *p == '\\')
			g_string_append_c(s, '\\');
		g_string_append_c(s, *p);
	}
	g_string_append_c(s, '"');
	g_free(valid);
}

static void append_uuid(GString *s, const uint8_t *uuid, const char *dash)
{
	for (unsigned i = 0; i < 16; i++)
		g_string_append_printf(s, "%s%02x",
				       i == 4 || i == 6 || i == 8 || i == 10 ? dash : "", uuid[i]);
}

/* Clocks of arenas with different offsets must not share a name. */
static void append_clock_name(GString *s, const struct fasttrace_arena *a)
{
	g_string_append(s, "fasttrace_");
	append_uuid(s, a->info.uuid, "");
}

static void emit_types(GString *s)
{
	static const unsigned bits[] = {8, 16, 32, 64};

	for (unsigned i = 0; i < 4; i++)
		g_string_append_printf(
			s,
			"typealias integer { size = %u; align = 8; signed = true; } := int%u_t;\n"
			"typealias integer { size = %u; align = 8; signed = false; } := "
			"uint%u_t;\n",
			bits[i], bits[i], bits[i], bits[i]);
	for (unsigned i = 0; i < 4; i++)
		g_string_append_printf(s,
				       "typealias integer { size = %u; align = 8; signed = false; "
				       "base = 16; } := hex%u_t;\n",
				       bits[i], bits[i]);
	g_string_append(
		s,
		"typealias integer { size = 8; align = 8; signed = false; encoding = UTF8; } := "
		"char_t;\n"
		"typealias floating_point { exp_dig = 8; mant_dig = 24; align = 8; } := float_t;\n"
		"typealias floating_point { exp_dig = 11; mant_dig = 53; align = 8; } := "
		"double_t;\n\n");
}

static void emit_trace(GString *s, const struct fasttrace_arena *a)
{
	g_string_append(s, "trace {\n\tmajor = 1;\n\tminor = 8;\n\tuuid = \"");
	append_uuid(s, a->info.uuid, "-");
	g_string_append(s, "\";\n"
			   "\tbyte_order = le;\n"
			   "\tpacket.header := struct {\n"
			   "\t\tuint32_t magic;\n"
			   "\t\tuint8_t uuid[16];\n"
			   "\t\tuint32_t stream_id;\n"
			   "\t\tuint64_t stream_instance_id;\n"
			   "\t};\n"
			   "};\n\n");
}

static void emit_env(GString *s, const struct fasttrace_arena *a)
{
	char hostname[256] = "";

	g_string_append(s, "env {\n");
	/* Of an arena from elsewhere nobody knows it. */
	if (ft_clock_here(a) && !gethostname(hostname, sizeof(hostname) - 1)) {
		g_string_append(s, "\thostname = ");
		append_quoted(s, hostname);
		g_string_append(s, ";\n");
	}
	g_string_append(s, "\tdomain = \"fasttrace\";\n"
			   "\ttracer_name = \"fasttrace\";\n"
			   "\ttracer_major = 0;\n"
			   "\ttracer_minor = 1;\n"
			   "\ttracer_patchlevel = 0;\n"
			   "\tprocname = ");
	append_quoted(s, a->info.comm);
	g_string_append_printf(s, ";\n\tvpid = %u;\n};\n\n", a->info.pid);
}

static void emit_clock(GString *s, struct fasttrace_arena *a)
{
	struct ft_clock clock;

	ft_clock_get(a, &clock);
	if (clock.guessed)
		g_string_append(
			s, "/* Recorded before this machine was started, or on another one, "
			   "and nobody had measured\n * the clock: its frequency is that of this "
			   "machine's. */\n");
	g_string_append(s, "clock {\n\tname = ");
	append_clock_name(s, a);
	g_string_append_printf(s,
			       ";\n\tdescription = \"%s\";\n"
			       "\tfreq = %" G_GUINT64_FORMAT ";\n"
			       "\toffset_s = %" G_GINT64_FORMAT ";\n"
			       "\toffset = %" G_GUINT64_FORMAT ";\n"
			       "\tabsolute = TRUE;\n};\n\n",
			       a->info.raw_clock ? "cycle counter" : "CLOCK_MONOTONIC", clock.hz,
			       clock.offset_s, clock.offset);
}

static void emit_clock_type(GString *s, const struct fasttrace_arena *a, unsigned size,
			    const char *name)
{
	g_string_append_printf(
		s, "typealias integer { size = %u; align = 8; signed = false; map = clock.", size);
	append_clock_name(s, a);
	g_string_append_printf(s, ".value; } := %s;\n", name);
}

static void emit_stream(GString *s, const struct fasttrace_arena *a)
{
	emit_clock_type(s, a, 64, "time64_t");
	emit_clock_type(s, a, 48, "time48_t");
	g_string_append(s, "\nstream {\n"
			   "\tid = 0;\n"
			   "\tpacket.context := struct {\n"
			   "\t\ttime64_t timestamp_begin;\n"
			   "\t\ttime64_t timestamp_end;\n"
			   "\t\tuint64_t content_size;\n"
			   "\t\tuint64_t packet_size;\n"
			   "\t\tuint64_t packet_seq_num;\n"
			   "\t\tuint64_t events_discarded;\n"
			   "\t\tuint64_t tid;\n"
			   "\t};\n"
			   /* One 64-bit store: id in the low bits. */
			   "\tevent.header := struct {\n"
			   "\t\tinteger { size = 16; align = 64; signed = false; } id;\n"
			   "\t\ttime48_t timestamp;\n"
			   "\t};\n"
			   "};\n\n");
}

/* Both begin with "_". babeltrace2 takes _x for the same as __x, which it shows as _x. */
static gboolean names_clash(gconstpointer a, gconstpointer b)
{
	const char *x = a, *y = b;

	return !strcmp(x, y) || !strcmp(x + 1, y) || !strcmp(x, y + 1);
}

/* "_" and the name, harmless, and different from those before it in the event. */
static char *field_name(const char *name, GPtrArray *before)
{
	GString *s = g_string_new("_");
	size_t len;

	for (const char *p = name; *p; p++)
		g_string_append_c(s, g_ascii_isalnum(*p) ? *p : '_');
	if (!*name)
		g_string_append(s, "field");
	len = s->len;
	for (unsigned n = 2; g_ptr_array_find_with_equal_func(before, s->str, names_clash, NULL);
	     n++) {
		g_string_truncate(s, len);
		g_string_append_printf(s, "_%u", n);
	}
	return g_string_free(s, FALSE);
}

/* @length: of an array, the name of the field that holds its count. */
static void emit_field(GString *s, unsigned type, const char *name, const char *length)
{
	static const char *const names[] = {
		[FASTTRACE_TYPE_I8] = "int8_t",
		[FASTTRACE_TYPE_I16] = "int16_t",
		[FASTTRACE_TYPE_I32] = "int32_t",
		[FASTTRACE_TYPE_I64] = "int64_t",
		[FASTTRACE_TYPE_U8] = "uint8_t",
		[FASTTRACE_TYPE_U16] = "uint16_t",
		[FASTTRACE_TYPE_U32] = "uint32_t",
		[FASTTRACE_TYPE_U64] = "uint64_t",
		[FASTTRACE_TYPE_BOOL] = "uint8_t",
		[FASTTRACE_TYPE_CHAR] = "char_t",
		[FASTTRACE_TYPE_FLOAT] = "float_t",
		[FASTTRACE_TYPE_DOUBLE] = "double_t",
		[FASTTRACE_TYPE_STRING] = "string { encoding = UTF8; }",
		[FASTTRACE_TYPE_POINTER] = "hex64_t",
		[FASTTRACE_TYPE_HEX8] = "hex8_t",
		[FASTTRACE_TYPE_HEX16] = "hex16_t",
		[FASTTRACE_TYPE_HEX32] = "hex32_t",
		[FASTTRACE_TYPE_HEX64] = "hex64_t",
	};

	if (length)
		g_string_append_printf(s, "\t\tuint32_t %s;\n\t\t%s %s[%s];\n", length,
				       names[type & ~FASTTRACE_TYPE_ARRAY], name, length);
	else /* An array of one, for readers show a char in an array as a character. */
		g_string_append_printf(s, "\t\t%s %s%s;\n", names[type], name,
				       type == FASTTRACE_TYPE_CHAR ? "[1]" : "");
}

static void emit_fields(GString *s, const struct ft_event_class *c, const char *field)
{
	GPtrArray *before = g_ptr_array_new_with_free_func(g_free);

	for (unsigned i = 0; i < c->nfields; i++) {
		char *name = field_name(field, before), *length = NULL;

		g_ptr_array_add(before, name);
		if (c->types[i] & FASTTRACE_TYPE_ARRAY) {
			char *full = g_strconcat(name, "_length", NULL);

			length = field_name(full, before);
			g_ptr_array_add(before, length);
			g_free(full);
		}
		emit_field(s, c->types[i], name, length);
		field += strlen(field) + 1;
	}
	g_ptr_array_unref(before);
}

/* CTF's levels go on from syslog's with finer ones for debugging; 14 is its plain DEBUG. */
static unsigned ctf_level(unsigned level)
{
	return level >= FASTTRACE_DEBUG ? 14 : level;
}

static void emit_event(GString *s, const struct ft_event_class *c, unsigned id)
{
	static const char *const suffixes[] = {[FASTTRACE_KIND_EVENT] = "",
					       [FASTTRACE_KIND_BEGIN] = ":begin",
					       [FASTTRACE_KIND_END] = ":end",
					       [FASTTRACE_KIND_COUNTER] = ":counter",
					       [FASTTRACE_KIND_MARKER] = ""};
	const char *provider = c->names, *name = provider + strlen(provider) + 1;
	char *full;

	if (c->kind == FASTTRACE_KIND_GUARD)
		return; /* is never recorded */
	full = g_strconcat(provider, ":", name, suffixes[c->kind], NULL);
	g_string_append(s, "event {\n\tname = ");
	append_quoted(s, full);
	g_string_append_printf(s,
			       ";\n\tid = %u;\n\tstream_id = 0;\n\tloglevel = %u;\n"
			       "\tfields := struct {\n",
			       id, ctf_level(c->level));
	emit_fields(s, c, name + strlen(name) + 1);
	g_string_append(s, "\t};\n};\n\n");
	g_free(full);
}

static GString *emit_new(struct fasttrace_arena *a)
{
	GString *s = g_string_new(NULL);

	if (!a->metadata) {
		g_string_append(s, "/* CTF 1.8 */\n\n");
		emit_types(s);
		emit_trace(s, a);
		emit_env(s, a);
		emit_clock(s, a);
		emit_stream(s, a);
	}
	for (unsigned i = a->metadata_events; i < a->nclasses; i++)
		emit_event(s, &a->classes[i], i + 1);
	return s;
}

/* Bring the text in the arena up to the event classes that we know. */
static int metadata_grow(struct fasttrace_arena *a)
{
	GString *s = emit_new(a);
	char *grown = realloc(a->metadata, a->metadata_bytes + s->len + 1);

	if (grown) {
		memcpy(grown + a->metadata_bytes, s->str, s->len + 1);
		a->metadata = grown;
		a->metadata_bytes += s->len;
		a->metadata_events = a->nclasses;
	}
	g_string_free(s, TRUE);
	return grown ? 0 : -ENOMEM;
}

int fasttrace_arena_metadata(struct fasttrace_arena *a, char **text, size_t *len)
{
	int err;

	if (a->broken)
		return -EPROTO;
	if (ft_classes_refresh(a) ==
	    -ENOMEM) /* a bad entry ends the table: events before it stand */
		return -ENOMEM;
	err = !a->metadata || a->metadata_events < a->nclasses ? metadata_grow(a) : 0;
	if (err)
		return err;
	*text = malloc(a->metadata_bytes + 1);
	if (!*text)
		return -ENOMEM;
	memcpy(*text, a->metadata, a->metadata_bytes + 1);
	*len = a->metadata_bytes;
	return 0;
}
