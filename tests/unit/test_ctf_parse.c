/* SPDX-License-Identifier: MIT */
/*
 * test_ctf_parse.c - TSDL that is wrong, or hostile: what is said of it, and that it costs little. What
 * is right is held against babeltrace2 by tests/cmd/read.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ft-ctf.h"

#define INTEGER "integer { size = 8; }"
#define HEADER                                                \
	"trace { major = 1; minor = 8; byte_order = le; };\n" \
	"stream { id = 0; event.header := struct { " INTEGER " id; }; };\n"
#define EVENT(fields) \
	HEADER "event { id = 0; stream_id = 0; name = e; fields := struct { " fields " }; };"

/* What is said of a text; "" if it is good. Static. */
static const char *said(const char *text, size_t bytes)
{
	static char message[512];
	GError *error = NULL;
	struct ft_ctf_meta *meta = ft_ctf_meta_new(text, bytes, "m", &error);

	assert_int_equal(!meta, !!error);
	g_strlcpy(message, error ? error->message : "", sizeof(message));
	g_clear_error(&error);
	ft_ctf_meta_free(meta);
	return message;
}

static void says(const char *text, const char *what)
{
	const char *message = said(text, strlen(text));

	if (!*what ? *message : !strstr(message, what))
		fail_msg("of %.200s: \"%s\", expected \"%s\"", text, message, what);
}

static void errors_tell_the_line_and_what_was_expected(void **state)
{
	(void)state;
	says(EVENT(INTEGER " a;"), "");
	says("", "");
	says("trace {\n major = 2;", "m:2: byte 17: version 2: expected CTF 1.8");
	says("trace {\n\n byte_order = middle; };", "m:3: byte 23: 'middle': expected le or be");
	says("bogus {};", "m:1: byte 0: 'bogus': expected trace, env, clock, stream, event");
	says("clock { freq = 0; };", "expected a number of ticks per second");
	says("clock { name = c; freq = 99999999999999999999; };", "a number of at most 64 bits");
	says("event { name = \"a\n\"; };", "this string does not end");
	says("env {};\n/* no end", "m:2: byte 8: this comment does not end");
	says("event { id = 1; }", "m:1: byte 16: this event has no name");
	says("event { id = 1; name = e; stream_id = 3; };",
	     "stream_id = 3: expected that of a stream");
	says(EVENT("") "event { id = 0; stream_id = 0; name = f; };",
	     "one that no event of this stream has");
	says(HEADER "stream { id = 0; };", "one that no other stream has");
	says("trace { uuid = \"12\"; };", "a uuid of 32 digits");
	says("event {\n name = e; stream_id = 3; };", "m:1: byte 0: stream_id = 3: expected");
	says("trace {", "m:1: byte 7: the end of the metadata: expected");
	says(EVENT("nothing a;"), "nothing a: no such type is declared before");
	says(EVENT("integer { size = 65; } a;"), "65 bits: expected 1 to 64");
	says(EVENT("integer { size = 0; } a;"), "0 bits: expected 1 to 64");
	says(EVENT("integer { signed = 1; } a;"), "has no size");
	says(EVENT("integer { size = 8; align = 3; } a;"), "align 3: expected a power of two");
	says(EVENT("integer { size = 8; base = 3; } a;"), "base 3: expected 2, 8, 10 or 16");
	says(EVENT("floating_point { exp_dig = 5; mant_dig = 11; } a;"),
	     "of 16 bits: expected exp_dig");
	says(EVENT(INTEGER " a[b];"), "b: expected the name of an integer or enum before it");
	says(EVENT(INTEGER " a[0][2]; struct {} s; struct { } t[4];"), "");
	says(EVENT("enum : struct { } { A } a;"), "expected an integer");
	says(EVENT("variant <v> { string A; } a;"), "v: expected the name of");
	says(EVENT(INTEGER " v; variant <v> { string A; } a;"), "v is not an enum: expected one");
	says(EVENT("struct nobody s;"), "struct nobody is not declared");
	says(EVENT(INTEGER " a"), "'}': expected \";\"");
	says("trace { packet.header := struct { integer { size = 8; map = clock.c.value; } "
	     "timestamp; }; };",
	     "");
	says(HEADER
	     "stream { id = 1; event.header := struct { integer { size = 8; map = clock.c.value; } "
	     "timestamp; }; };",
	     "clock.c.value: expected a clock of that name");
}

static void a_terminal_is_not_surprised_by_what_is_wrong(void **state)
{
	const char *message = said("\033[2J", 4);

	(void)state;
	assert_non_null(strstr(message, "m:1: "));
	assert_null(strchr(message, '\033'));
	assert_string_not_equal(said("a\0b", 3), "");
}

/* @n times @open in front of @middle and @close behind it. */
static char *nested(const char *open, const char *middle, const char *close, unsigned n)
{
	GString *s = g_string_new(HEADER "event { name = e; fields := struct { ");

	for (unsigned i = 0; i < n; i++)
		g_string_append(s, open);
	g_string_append(s, middle);
	for (unsigned i = 0; i < n; i++)
		g_string_append(s, close);
	g_string_append(s, " }; };");
	return g_string_free(s, FALSE);
}

static void depth_has_a_bound(void **state)
{
	char *text;

	(void)state;
	text = nested("struct { ", INTEGER " a;", " } s;", 20);
	says(text, "");
	g_free(text);
	text = nested("struct { ", INTEGER " a;", " } s;", 100000);
	says(text, "deep: expected fewer");
	g_free(text);
	text = nested("", INTEGER " a", "[1]", 100000);
	says(text, "more than 32 dimensions");
	g_free(text);
}

static void types_of_types_do_not_multiply(void **state)
{
	GString *s = g_string_new(HEADER "struct s0 { " INTEGER " a; };");

	(void)state;
	for (unsigned i = 1; i < 30; i++)
		g_string_append_printf(s, "struct s%u { struct s%u x; struct s%u y; };", i, i - 1,
				       i - 1);
	says(s->str, "");
	g_string_append(s, "event { name = e; fields := struct { struct s29 s; }; };");
	says(s->str, "fields: expected fewer");
	g_string_free(s, TRUE);
}

static void fields_of_all_events_have_a_bound(void **state)
{
	GString *s = g_string_new(HEADER "struct s0 { " INTEGER " a; };");

	(void)state;
	for (unsigned i = 1; i < 14; i++)
		g_string_append_printf(s, "struct s%u { struct s%u x; struct s%u y; };", i, i - 1,
				       i - 1);
	for (unsigned i = 0; i < 100; i++)
		g_string_append_printf(s, "event { name = e; id = %u; fields := struct s13; };", i);
	says(s->str, "fields in all: expected fewer");
	g_string_free(s, TRUE);
}

/* What many short words make large. */
static void names_options_and_ids_have_bounds(void **state)
{
	GString *s = g_string_new(EVENT("") "enum tag : " INTEGER " { A");

	(void)state;
	for (unsigned i = 0; i < FT_CTF_OPTIONS; i++)
		g_string_append(s, ",A");
	g_string_append(
		s,
		"}; event { name = e; id = 1; fields := struct { enum tag t; variant <t> { " INTEGER
		" A; } v; }; };");
	says(s->str, "4097 labels: expected at most 4096");
	g_string_assign(s, EVENT("") "enum tag : " INTEGER " { A");
	for (unsigned i = 0; i < 4000; i++)
		g_string_append(s, ",B");
	g_string_append(s, "}; variant choice { " INTEGER " A; };"
			   "event { name = e; id = 1; fields := struct { enum tag t; ");
	for (unsigned i = 0; i < 1100; i++)
		g_string_append_printf(s, "variant choice <t> v%u; ", i);
	g_string_append(s, "}; };");
	says(s->str, "1 members, of 4001 labels: expected fewer in all");
	g_string_assign(s, EVENT("") "struct s { " INTEGER " ");
	g_string_append_printf(s, " %0500000d", 0);
	memset(strstr(s->str, " 000"), 'n', 1); /* no number */
	g_string_append(s, "; }; event { name = e; id = 1; fields := struct { struct s a");
	for (unsigned i = 0; i < 1000; i++)
		g_string_append_printf(s, ", a%u", i);
	g_string_append(s, "; }; };");
	says(s->str, "names of more than 67108864 bytes");
	g_string_free(s, TRUE);
}

static void ids_may_be_anything(void **state)
{
	GString *s = g_string_new(HEADER);

	(void)state;
	for (unsigned i = 1; i < 4000; i++)
		g_string_append_printf(s,
				       "stream { id = %u; }; event { name = e; id = 65535; "
				       "stream_id = %u; };",
				       i, i);
	says(s->str, "");
	says(HEADER "event { id = 300; name = a; }; event { id = 0; name = b; };"
		    "event { id = 255; name = c; }; event { id = 511; name = d; };"
		    "event { id = 300; name = e; };",
	     "id = 300: expected one that no event");
	g_string_free(s, TRUE);
}

static void packets_of_metadata_are_checked(void **state)
{
	/* magic, uuid, checksum, content_size, packet_size in bits, and five bytes */
	uint8_t packet[41] = {0x57,	    0x1d, 0xd1, 0x75,	      [24] = 41 * 8 % 256,
			      41 * 8 / 256, 0,	  0,	41 * 8 % 256, 41 * 8 / 256};
	const char *text = (const char *)packet;

	(void)state;
	memcpy(packet + 37, ";;\n;", 4);
	assert_string_equal(said(text, sizeof(packet)), "");
	packet[40] = '=';
	assert_string_equal(said(text, sizeof(packet)),
			    "m:2: byte 40: '=': expected trace, env, clock, stream, event or a "
			    "type's declaration");
	packet[40] = ';';
	assert_non_null(
		strstr(said(text, sizeof(packet) - 1), "byte 24: expected a packet's sizes"));
	assert_non_null(strstr(said(text, 20), "byte 0: the end: expected a packet of metadata"));
	packet[28] = packet[29] = 0;
	assert_non_null(strstr(said(text, sizeof(packet)), "byte 24: expected a packet's sizes"));
	packet[32] = 1;
	packet[28] = packet[24];
	packet[29] = packet[25];
	assert_non_null(strstr(said(text, sizeof(packet)), "neither compressed nor encrypted"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_tell_the_line_and_what_was_expected),
		cmocka_unit_test(a_terminal_is_not_surprised_by_what_is_wrong),
		cmocka_unit_test(depth_has_a_bound),
		cmocka_unit_test(types_of_types_do_not_multiply),
		cmocka_unit_test(fields_of_all_events_have_a_bound),
		cmocka_unit_test(names_options_and_ids_have_bounds),
		cmocka_unit_test(ids_may_be_anything),
		cmocka_unit_test(packets_of_metadata_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
