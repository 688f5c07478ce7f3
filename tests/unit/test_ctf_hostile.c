/* SPDX-License-Identifier: MIT */
/*
 * test_ctf_hostile.c - a trace that is cut off at each of its bytes, or of which each bit is wrong:
 * what is told of it names the file, the byte and what was expected, and what stands before that is
 * read all the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ft-ctf.h"

static const char metadata[] =
	"/* CTF 1.8 */ typealias integer { size = 8; } := u8;\n"
	"trace { major = 1; minor = 8; byte_order = le;\n"
	"  packet.header := struct { integer { size = 32; } magic; u8 stream_id; }; };\n"
	"env { hostname = \"h\"; };\n"
	"clock { name = c; freq = 1000000000; };\n"
	"stream { id = 7; packet.context := struct {\n"
	"    integer { size = 32; map = clock.c.value; } timestamp_begin;\n"
	"    integer { size = 16; } content_size; integer { size = 16; } packet_size; };\n"
	"  event.header := struct { enum : integer { size = 5; } { small = 0 ... 30, large = 31 } "
	"id;\n"
	"    variant <id> { struct { integer { size = 27; map = clock.c.value; } t; } small;\n"
	"      struct { integer { size = 32; } id; integer { size = 64; map = clock.c.value; } t; "
	"} large; } v; } align(8);\n"
	"  event.context := struct { u8 tid; }; };\n"
	"event { id = 1; stream_id = 7; name = all; fields := struct {\n"
	"  string s; u8 n; u8 list[n]; u8 text_length; integer { size = 8; encoding = UTF8; } "
	"text[text_length];\n"
	"  enum : u8 { A, B = 2 ... 4 } tag; variant <tag> { u8 A; struct { string x; } B; } v;\n"
	"  integer { size = 3; byte_order = be; } odd; floating_point { exp_dig = 8; mant_dig = "
	"24; } f;\n"
	"  struct { u8 a; integer { size = 16; signed = true; base = 16; } b; } pair[2]; }; };\n";

/* Two packets of two events. */
#define EVENT(time)            \
	"\x21" time "\0\0\x09" \
	"abc\0\2\5\6\3xyz\2w\0\7\0\0\x80\x3f\1\2\3\4\5\6"
#define EVENT_BYTES  30
#define PACKET_BYTES (13 + 2 * EVENT_BYTES)
#define PACKET(time) "\xc1\x1f\xfc\xc1\7" time "\0\0\0\x48\2\x48\2" EVENT(time) EVENT(time)

static const char packets[] = PACKET("\1") PACKET("\2");

static GString *complaints;
static unsigned complained;

static void complain(void *of, const char *message)
{
	(void)of;
	complained++;
	g_string_append_printf(complaints, "%s\n", message);
}

static void program_append(GString *to, struct ft_ctf_cursor *c,
			   const struct ft_ctf_program *program, uint64_t at)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;

	if (!program->ops)
		return;
	ft_ctf_values_at(c, program, at, &values);
	while (ft_ctf_value_next(&values, &value))
		if (value.op->code == FT_CTF_OP_STRING || value.op->code == FT_CTF_OP_TEXT)
			g_string_append_printf(to, " %.*s", (int)value.bytes, value.text);
		else if (value.op->code <= FT_CTF_OP_FLOAT)
			g_string_append_printf(to, " %" G_GINT64_MODIFIER "x", value.u);
	assert_null(values.wrong);
}

/* Events as lines. */
static char *lines_of(struct ft_ctf_reader *reader)
{
	GString *to = g_string_new(NULL);
	struct ft_ctf_stream *s;

	while ((s = ft_ctf_reader_next(reader))) {
		struct ft_ctf_cursor *c = &s->cursor;

		if (s->what != FT_CTF_EVENT)
			continue;
		g_string_append_printf(to, "%" G_GINT64_FORMAT, s->ns);
		program_append(to, c, &c->stream->context, c->context);
		program_append(to, c, &c->event->context, c->own);
		program_append(to, c, &c->event->fields, c->fields);
		g_string_append_c(to, '\n');
	}
	return g_string_free(to, FALSE);
}

/* NULL: its metadata cannot be read. The packets stand right before the end of their memory. */
static char *trace_lines(const char *meta, size_t meta_bytes, const char *data, size_t bytes)
{
	struct ft_ctf_reader reader = {.complain = complain};
	char *exact = g_memdup2(meta, meta_bytes), *lines = NULL;
	struct ft_ctf_trace *trace = ft_ctf_reader_memory(&reader, "m", exact, meta_bytes);

	if (trace) {
		struct ft_ctf_file *file = g_new0(struct ft_ctf_file, 1);

		file->path = g_strdup("s");
		file->bytes = bytes;
		file->data = file->memory = g_memdup2(data, bytes);
		ft_ctf_trace_add(trace, file);
		lines = lines_of(&reader);
	}
	ft_ctf_reader_clear(&reader);
	g_free(exact);
	return lines;
}

/* "s: byte 12: expected ..." of what is in @file, or "m:3: byte 12: ... expected ...". */
static void complaints_are_clear(const char *file, size_t bytes)
{
	const char *line = complaints->str, *byte;

	for (unsigned i = 0; i < complained; i++, line = strchr(line, '\n') + 1) {
		byte = strstr(line, "byte ");
		if (*line != *file || !byte || strtoull(byte + 5, NULL, 10) > bytes ||
		    !strstr(line, "expected "))
			fail_msg("\"%s\" of a file of %zu bytes", line, bytes);
	}
}

static void complaints_begin(void)
{
	g_string_truncate(complaints, 0);
	complained = 0;
}

static int setup(void **state)
{
	(void)state;
	complaints = g_string_new(NULL);
	complaints_begin();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	g_string_free(complaints, TRUE);
	return 0;
}

static char *whole_lines(void)
{
	char *lines = trace_lines(metadata, strlen(metadata), packets, sizeof(packets) - 1);

	assert_string_equal(complaints->str, "");
	assert_int_equal(sizeof(packets) - 1, 2 * PACKET_BYTES);
	return lines;
}

static void a_whole_trace_is_read(void **state)
{
	char *lines = whole_lines();

	(void)state;
	assert_true(g_str_has_prefix(lines, "9 9 abc 2 5 6 3 xyz 2 w 0 "));
	g_free(lines);
}

static unsigned lines_count(const char *lines)
{
	unsigned n = 0;

	for (; *lines; lines++)
		n += *lines == '\n';
	return n;
}

static void packets_cut_anywhere_are_read_up_to_there(void **state)
{
	char *whole = whole_lines();

	(void)state;
	for (size_t n = 0; n < sizeof(packets) - 1; n++) {
		char *lines = trace_lines(metadata, strlen(metadata), packets, n);
		size_t in = n % PACKET_BYTES, events = in < 13 ? 0 : (in - 13) / EVENT_BYTES;

		assert_true(g_str_has_prefix(whole, lines));
		assert_int_equal(lines_count(lines), n / PACKET_BYTES * 2 + events);
		assert_int_equal(complained, in ? 1 : 0);
		complaints_are_clear("s", n);
		complaints_begin();
		g_free(lines);
	}
	g_free(whole);
}

static void packets_with_any_bit_wrong_are_read_before_it(void **state)
{
	char *whole = whole_lines(), *first = strchr(strchr(whole, '\n') + 1, '\n') + 1;
	char data[sizeof(packets)];

	(void)state;
	memcpy(data, packets, sizeof(packets));
	for (size_t bit = 0; bit < (sizeof(packets) - 1) * 8; bit++) {
		char *lines;

		data[bit / 8] ^= (char)(1 << bit % 8);
		lines = trace_lines(metadata, strlen(metadata), data, sizeof(packets) - 1);
		if (bit / 8 >= PACKET_BYTES)
			assert_memory_equal(lines, whole, first - whole);
		complaints_are_clear("s", sizeof(packets) - 1);
		complaints_begin();
		g_free(lines);
		data[bit / 8] ^= (char)(1 << bit % 8);
	}
	g_free(whole);
}

static void metadata_cut_anywhere_is_told_of(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(metadata); n++) {
		char *lines = trace_lines(metadata, n, packets, sizeof(packets) - 1);

		assert_true(lines || complained == 1);
		complaints_are_clear(lines ? "s" : "m", lines ? sizeof(packets) : n);
		complaints_begin();
		g_free(lines);
	}
}

static void metadata_with_any_bit_wrong_harms_nobody(void **state)
{
	char text[sizeof(metadata)];

	(void)state;
	memcpy(text, metadata, sizeof(metadata));
	for (size_t bit = 0; bit < (sizeof(metadata) - 1) * 8; bit++) {
		char *lines;

		text[bit / 8] ^= (char)(1 << bit % 8);
		lines = trace_lines(text, strlen(metadata), packets, sizeof(packets) - 1);
		assert_true(lines || complained == 1);
		complaints_are_clear(lines ? "s" : "m", sizeof(metadata));
		complaints_begin();
		g_free(lines);
		text[bit / 8] ^= (char)(1 << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_whole_trace_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(packets_cut_anywhere_are_read_up_to_there, setup,
						teardown),
		cmocka_unit_test_setup_teardown(packets_with_any_bit_wrong_are_read_before_it,
						setup, teardown),
		cmocka_unit_test_setup_teardown(metadata_cut_anywhere_is_told_of, setup, teardown),
		cmocka_unit_test_setup_teardown(metadata_with_any_bit_wrong_harms_nobody, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
