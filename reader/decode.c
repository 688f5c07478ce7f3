/* SPDX-License-Identifier: MIT */
/*
 * decode.c - an event as text, that no value can make more than one line of, or surprise a terminal
 * with.
 */
#include <math.h>
#include <string.h>

#include "ft-lines.h"

void ft_append_u64(GString *to, uint64_t value, unsigned digits)
{
	char text[20], *p = text + sizeof(text), *least = p - digits;

	for (; value || p > least; value /= 10)
		*--p = (char)('0' + value % 10);
	g_string_append_len(to, p, text + sizeof(text) - p);
}

static void append_i64(GString *to, int64_t value)
{
	if (value < 0)
		g_string_append_c(to, '-');
	ft_append_u64(to, value < 0 ? -(uint64_t)value : (uint64_t)value, 1);
}

static void append_hex(GString *to, uint64_t value)
{
	char text[16], *p = text + sizeof(text);

	do
		*--p = "0123456789abcdef"[value & 15];
	while (value >>= 4);
	g_string_append_len(to, "0x", 2);
	g_string_append_len(to, p, text + sizeof(text) - p);
}

/* Bytes of the character at text that may be shown as it is; 0: it must be escaped. */
static size_t plain_bytes(const char *text, size_t bytes, char quote)
{
	gunichar c;

	if (!(*text & 0x80))
		return *text >= ' ' && *text != 0x7f && *text != '\\' && *text != quote;
	c = g_utf8_get_char_validated(text, (gssize)bytes);
	if (c >= (gunichar)-2 || g_unichar_iscntrl(c))
		return 0;
	return (size_t)g_unichar_to_utf8(c, NULL);
}

static void append_escape(GString *to, unsigned char c, char quote)
{
	static const char letters[] = "abtnvfr"; /* from 7 on */

	g_string_append_c(to, '\\');
	if (c == '\\' || c == (unsigned char)quote) {
		g_string_append_c(to, (char)c);
	} else if (c >= '\a' && c <= '\r') {
		g_string_append_c(to, letters[c - '\a']);
	} else {
		g_string_append_c(to, 'x');
		g_string_append_c(to, "0123456789abcdef"[c >> 4]);
		g_string_append_c(to, "0123456789abcdef"[c & 15]);
	}
}

void ft_append_escaped(GString *to, const char *text, size_t bytes, char quote)
{
	size_t done = 0, plain = 0, n;

	while (done + plain < bytes) {
		n = plain_bytes(text + done + plain, bytes - done - plain, quote);
		plain += n;
		if (n)
			continue;
		g_string_append_len(to, text + done, (gssize)plain);
		done += plain;
		plain = 0;
		append_escape(to, (unsigned char)text[done++], quote);
	}
	g_string_append_len(to, text + done, (gssize)plain);
}

static void append_quoted(GString *to, const char *text, size_t bytes, char quote)
{
	g_string_append_c(to, quote);
	ft_append_escaped(to, text, bytes, quote);
	g_string_append_c(to, quote);
}

/* As few digits as give the same number again; @digits: that may be enough. */
static void append_double(GString *to, double value, int digits, bool single)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE], format[] = "%.00g";

	if (!isfinite(value)) {
		g_string_append(to, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
		return;
	}
	for (;; digits++) {
		double again;

		format[2] = (char)('0' + digits / 10);
		format[3] = (char)('0' + digits % 10);
		g_ascii_formatd(text, sizeof(text), format, value);
		again = g_ascii_strtod(text, NULL);
		if (digits >= 17 || (single ? (float)again == (float)value : again == value))
			break;
	}
	g_string_append(to, text);
}

static void append_float(GString *to, const unsigned char *p)
{
	float value;

	memcpy(&value, p, sizeof(value));
	append_double(to, (double)value, 6, true);
}

/* A value of fixed size. */
static void append_value(GString *to, unsigned type, const unsigned char *p)
{
	unsigned bytes = ft_type_bytes(type);
	uint64_t value = 0;
	double real;

	memcpy(&value, p, bytes);
	switch (type) {
	case FASTTRACE_TYPE_I8:
	case FASTTRACE_TYPE_I16:
	case FASTTRACE_TYPE_I32:
	case FASTTRACE_TYPE_I64:
		append_i64(to, (int64_t)(value << (64 - 8 * bytes)) >> (64 - 8 * bytes));
		return;
	case FASTTRACE_TYPE_CHAR:
		append_quoted(to, (const char *)p, 1, '\'');
		return;
	case FASTTRACE_TYPE_FLOAT:
		append_float(to, p);
		return;
	case FASTTRACE_TYPE_DOUBLE:
		memcpy(&real, p, sizeof(real));
		append_double(to, real, 15, false);
		return;
	case FASTTRACE_TYPE_POINTER:
	case FASTTRACE_TYPE_HEX8:
	case FASTTRACE_TYPE_HEX16:
	case FASTTRACE_TYPE_HEX32:
	case FASTTRACE_TYPE_HEX64:
		append_hex(to, value);
		return;
	default: /* unsigned, bool */
		ft_append_u64(to, value, 1);
	}
}

static size_t append_array(GString *to, unsigned type, const unsigned char *p)
{
	unsigned bytes = ft_type_bytes(type);
	uint32_t count;

	memcpy(&count, p, sizeof(count));
	p += sizeof(count);
	g_string_append_c(to, '[');
	for (uint32_t i = 0; i < count; i++, p += bytes) {
		if (i)
			g_string_append_c(to, ',');
		append_value(to, type, p);
	}
	g_string_append_c(to, ']');
	return sizeof(count) + (size_t)count * bytes;
}

/* Return: bytes of the field at p. */
static size_t append_field(GString *to, unsigned type, const unsigned char *p)
{
	size_t bytes = ft_type_bytes(type);

	if (type == FASTTRACE_TYPE_STRING) {
		bytes = strlen((const char *)p);
		append_quoted(to, (const char *)p, bytes, '"');
		return bytes + 1;
	}
	if (type & FASTTRACE_TYPE_ARRAY)
		return append_array(to, type & ~FASTTRACE_TYPE_ARRAY, p);
	append_value(to, type, p);
	return bytes;
}

/* " name=": what no tracer would write into a name becomes "_". */
static char *field_text(const char *name)
{
	GString *s = g_string_new(" ");

	for (const char *p = name; *p; p++)
		g_string_append_c(s, g_ascii_isalnum(*p) || *p & 0x80 ? *p : '_');
	if (!*name)
		g_string_append(s, "field");
	g_string_append_c(s, '=');
	return g_string_free(s, FALSE);
}

static char *event_text(const struct ft_event_class *c)
{
	static const char *const suffixes[] = {
		[FASTTRACE_KIND_EVENT] = ":",	    [FASTTRACE_KIND_BEGIN] = ":begin:",
		[FASTTRACE_KIND_END] = ":end:",	    [FASTTRACE_KIND_COUNTER] = ":counter:",
		[FASTTRACE_KIND_GUARD] = ":guard:", [FASTTRACE_KIND_MARKER] = ":"};

	return g_strconcat(c->names, ":", c->names + strlen(c->names) + 1, suffixes[c->kind], NULL);
}

static GStrv names_new(const struct ft_event_class *c)
{
	const char *name = c->names + strlen(c->names) + 1;
	char **names = g_new0(char *, c->nfields + 2u);

	for (unsigned i = 0; i <= c->nfields; i++) {
		char *text = i ? field_text(name) : event_text(c);

		names[i] = g_utf8_make_valid(text, -1);
		g_free(text);
		name += strlen(name) + 1;
	}
	return names;
}

static void names_free(gpointer names)
{
	g_strfreev(names);
}

struct ft_decoder *ft_decoder_new(struct fasttrace_arena *a)
{
	struct ft_decoder *decoder = g_new(struct ft_decoder, 1);

	decoder->arena = a;
	decoder->names = g_ptr_array_new_with_free_func(names_free);
	return decoder;
}

void ft_decoder_free(struct ft_decoder *decoder)
{
	if (!decoder)
		return;
	g_ptr_array_free(decoder->names, TRUE);
	g_free(decoder);
}

void ft_decode(struct ft_decoder *decoder, unsigned id, const unsigned char *payload, GString *to)
{
	const struct ft_event_class *c = &decoder->arena->classes[id - 1];
	GStrv names;

	if (decoder->names->len < id)
		g_ptr_array_set_size(decoder->names, (gint)id);
	if (!decoder->names->pdata[id - 1])
		decoder->names->pdata[id - 1] = names_new(c);
	names = decoder->names->pdata[id - 1];
	g_string_append(to, names[0]);
	for (unsigned i = 0; i < c->nfields; i++) {
		g_string_append(to, names[i + 1]);
		payload += append_field(to, c->types[i], payload);
	}
}
