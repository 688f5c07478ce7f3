/* SPDX-License-Identifier: MIT */
/*
 * test_ctf_trace.c - packets in files: their order, what is lost, what is wrong, where.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ft-ctf.h"

static const char metadata[] =
	"typealias integer { size = 8; } := u8; typealias integer { size = 64; } := u64;\n"
	"trace { major = 1; minor = 8; byte_order = le;\n"
	"  packet.header := struct { integer { size = 32; } magic; u8 stream_id; u8 "
	"stream_instance_id; }; };\n"
	"clock { name = c; freq = 1000000000; offset_s = 5; };\n"
	"stream { id = 0; packet.context := struct {\n"
	"    integer { size = 64; map = clock.c.value; } timestamp_begin; u64 content_size;\n"
	"    u64 packet_size; u8 packet_seq_num; u8 events_discarded; };\n"
	"  event.header := struct { u8 id; integer { size = 8; map = clock.c.value; } timestamp; "
	"}; };\n"
	"event { id = 0; stream_id = 0; name = tick; };\n"
	"event { id = 1; stream_id = 0; name = text; fields := struct { string s; "
	"integer { size = 8; encoding = UTF8; } t[2]; }; };\n"
	"event { id = 2; stream_id = 0; name = none; fields := struct {\n"
	"  integer { size = 16; } n; u8 m; struct { u8 bytes[m]; } of[n]; }; };\n";

#define HEADER 32 /* bytes of a packet before its events */

static GString *complaints;

static void complain(void *of, const char *message)
{
	(void)of;
	g_string_append_printf(complaints, "%s\n", message);
}

struct packet {
	uint8_t instance;
	uint64_t begin;
	uint8_t seq, discarded;
	const char *events;
	size_t bytes;
	int content, size; /* bytes more than there are */
};

static void packet_add(GByteArray *to, const struct packet *p)
{
	uint32_t magic = FT_CTF_MAGIC;
	uint64_t content = (uint64_t)((int)(HEADER + p->bytes) + p->content) * 8;
	uint64_t size = (uint64_t)((int)(HEADER + p->bytes) + p->size) * 8;
	const uint8_t head[] = {0, p->instance}, tail[] = {p->seq, p->discarded};

	g_byte_array_append(to, (const uint8_t *)&magic, 4);
	g_byte_array_append(to, head, 2);
	g_byte_array_append(to, (const uint8_t *)&p->begin, 8);
	g_byte_array_append(to, (const uint8_t *)&content, 8);
	g_byte_array_append(to, (const uint8_t *)&size, 8);
	g_byte_array_append(to, tail, 2);
	g_byte_array_append(to, (const uint8_t *)p->events, (guint)p->bytes);
}

static void file_add(struct ft_ctf_trace *trace, const char *name, const struct packet *packets,
		     unsigned n)
{
	struct ft_ctf_file *file = g_new0(struct ft_ctf_file, 1);
	GByteArray *bytes = g_byte_array_new();

	for (unsigned i = 0; i < n; i++)
		packet_add(bytes, &packets[i]);
	file->path = g_strdup(name);
	file->bytes = bytes->len;
	file->data = file->memory = g_byte_array_free(bytes, FALSE);
	ft_ctf_trace_add(trace, file);
}

/* Strings of a text event. */
static void text_append(GString *to, struct ft_ctf_cursor *c)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;

	ft_ctf_values_at(c, &c->event->fields, c->fields, &values);
	while (ft_ctf_value_next(&values, &value))
		if (value.op->code == FT_CTF_OP_STRING || value.op->code == FT_CTF_OP_TEXT)
			g_string_append_printf(to, "(%.*s)", (int)value.bytes, value.text);
}

/* "time:event", "time-lost", one behind the other. To be freed. */
static char *all_of(struct ft_ctf_reader *reader)
{
	GString *to = g_string_new(NULL);
	struct ft_ctf_stream *s;

	while ((s = ft_ctf_reader_next(reader))) {
		g_string_append_printf(to, " %d", (int)(s->ns - INT64_C(5000000000)));
		if (s->what == FT_CTF_EVENT) {
			g_string_append_printf(to, ":%s", s->cursor.event->name);
			if (s->cursor.event->fields.ops)
				text_append(to, &s->cursor);
		} else {
			g_string_append_printf(to, "%c%d",
					       s->what == FT_CTF_LOST_EVENTS ? '-' : '~',
					       (int)s->lost);
		}
	}
	return g_string_free(to, FALSE);
}

/* Of what is merely counted, as many events are passed, and the same is lost. */
static unsigned count_of(struct ft_ctf_trace *trace)
{
	unsigned all = 0;

	for (guint i = 0; i < trace->streams->len; i++) {
		struct ft_ctf_stream *s = trace->streams->pdata[i];

		while (ft_ctf_stream_next(s))
			all += 1 + (s->what == FT_CTF_EVENT
					    ? (unsigned)ft_ctf_events_pass(&s->cursor)
					    : 0);
	}
	return all;
}

static unsigned items_count(const char *text)
{
	unsigned n = 0;

	for (; *text; text++)
		n += *text == ' ';
	return n;
}

/* What two files hold, and what is complained of. */
static void reads(const struct packet *a, unsigned na, const struct packet *b, unsigned nb,
		  const char *events, const char *complaint)
{
	complaints = g_string_new(NULL);
	for (int counts = 0; counts < 2; counts++) {
		struct ft_ctf_reader reader = {.complain = complain};
		struct ft_ctf_trace *trace =
			ft_ctf_reader_memory(&reader, "m", metadata, strlen(metadata));
		char *all;

		assert_non_null(trace);
		g_string_truncate(complaints, 0);
		file_add(trace, "a", a, na);
		if (nb)
			file_add(trace, "b", b, nb);
		if (counts) {
			assert_int_equal(count_of(trace), items_count(events));
		} else {
			all = all_of(&reader);
			assert_string_equal(all, events);
			g_free(all);
		}
		if (!strstr(complaints->str, complaint) || !*complaint != !*complaints->str)
			fail_msg("\"%s\", expected \"%s\"", complaints->str, complaint);
		ft_ctf_reader_clear(&reader);
	}
	g_string_free(complaints, TRUE);
}

static void times_wrap_within_a_packet(void **state)
{
	const struct packet p = {1, 250, 0, 0, "\0\xfb\0\x02\0\x02\0\x01", 8, 0, 0};

	(void)state;
	reads(&p, 1, NULL, 0, " 251:tick 258:tick 258:tick 513:tick", "");
}

/* As many as stand before one of another size, or of no class, or the last bytes. */
static void many_are_passed_at_once(void **state)
{
	const struct packet p[] = {
		{1, 0, 0, 0, "\0\1\0\2\0\3\0\4\0\1\1\2ab\0cd\0\3\0\3\0\4\0\5\0\6", 27, 0, 0},
		{1, 0, 1, 0, "\0\1\0\2\0\3\7\4\0\5\0\6\0\7\0\10", 16, 0, 0}};

	(void)state;
	reads(p, 2, NULL, 0,
	      " 1:tick 2:tick 3:tick 4:tick 257:tick 258:text(ab)(cd) 259:tick 259:tick 260:tick"
	      " 261:tick 262:tick 1:tick 2:tick 3:tick",
	      "a: byte 97: expected an event of a declared class, which 7 is not\n");
}

static void an_empty_string_is_empty(void **state)
{
	const struct packet p = {1, 0, 0, 0, "\1\0abc\0xy\1\1\0\0\0\1\2z\0w\0", 19, 0, 0};

	(void)state;
	reads(&p, 1, NULL, 0, " 0:text(abc)(xy) 1:text()() 2:text(z)(w)", "");
}

static void streams_are_merged_and_files_of_one_are_joined(void **state)
{
	const struct packet one[] = {{1, 1, 0, 0, "\0\1\0\5", 4, 0, 0},
				     {1, 20, 2, 0, "\0\24", 2, 0, 0}};
	const struct packet two[] = {{1, 10, 1, 0, "\0\12", 2, 0, 0},
				     {1, 20, 2, 0, "\0\24", 2, 0, 0}};
	const struct packet other[] = {{2, 2, 0, 0, "\0\2\0\14", 4, 0, 0}};

	(void)state;
	reads(one, 2, two, 1, " 1:tick 5:tick 10:tick 20:tick", "");
	reads(two, 1, one, 2, " 1:tick 5:tick 10:tick 20:tick", "");
	reads(one, 2, two, 2, " 1:tick 5:tick 10:tick 20:tick", ""); /* twice the same packet */
	reads(one, 1, other, 1, " 1:tick 2:tick 5:tick 12:tick", "");
}

static void what_was_lost_is_told_of(void **state)
{
	const struct packet first[] = {{1, 1, 0, 2, "\0\1", 2, 0, 0},
				       {1, 3, 1, 7, "\0\3", 2, 0, 0}};
	const struct packet gap[] = {{1, 1, 4, 2, "\0\1", 2, 0, 0}, {1, 3, 7, 2, "\0\3", 2, 0, 0}};

	(void)state;
	reads(first, 2, NULL, 0, " 1:tick 1-2 3:tick 3-5", "");
	reads(gap, 2, NULL, 0, " 1:tick 3~2 3:tick", "");
}

static void what_is_wrong_ends_no_more_than_its_packet(void **state)
{
	const struct packet id[] = {{1, 1, 0, 0, "\0\1\7\2\0\3", 6, 0, 0},
				    {1, 9, 1, 0, "\0\11", 2, 0, 0}};
	const struct packet cut[] = {{1, 1, 0, 0, "\0\1\1\2ab", 6, 0, 0},
				     {1, 9, 1, 0, "\0\11", 2, 0, 0}};

	(void)state;
	reads(id, 2, NULL, 0, " 1:tick 9:tick",
	      "a: byte 34: expected an event of a declared class, which 7 is not\n");
	reads(cut, 2, NULL, 0, " 1:tick 9:tick", "a: byte 36: expected a zero byte at the end");
}

static void sizes_that_lie_end_the_file(void **state)
{
	const struct packet large[] = {{1, 1, 0, 0, "\0\1", 2, 1, 0},
				       {1, 9, 1, 0, "\0\11", 2, 0, 0}};
	const struct packet none[] = {{1, 1, 0, 0, "\0\1", 2, -HEADER - 2, -HEADER - 2}};
	const struct packet rest[] = {{1, 1, 0, 0, "\0\1\0\2", 4, 100, 100}};

	(void)state;
	reads(large, 2, NULL, 0, "", "a: byte 32: expected content_size from 256 on");
	reads(none, 1, NULL, 0, "", "content_size from 256 on");
	reads(rest, 1, NULL, 0, " 1:tick 2:tick",
	      "a: byte 36: expected the rest of a packet of 136");
}

static void elements_of_no_bits_are_bounded(void **state)
{
	/* 4096 of them; 4097, with too little behind it; 3 that take some; 4097 with enough behind it. */
	const struct packet p[] = {{1, 0, 0, 0, "\2\0\0\x10\0\0\1", 7, 0, 0},
				   {1, 2, 1, 0, "\2\2\1\x10\0\0\2", 7, 0, 0},
				   {1, 3, 2, 0, "\2\3\3\0\1abc\0\3", 10, 0, 0}};
	const char many[600] = "\2\0\1\x10";
	const struct packet long_one = {1, 0, 0, 0, many, sizeof(many), 0, 0};

	(void)state;
	reads(p, 1, NULL, 0, " 0:none 1:tick", "");
	reads(p, 3, NULL, 0, " 0:none 1:tick 3:none 3:tick",
	      "a: byte 76: expected as many elements as the content has room for");
	reads(&long_one, 1, NULL, 0, "", "a: byte 37: expected fewer elements that take no bits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_wrap_within_a_packet),
		cmocka_unit_test(many_are_passed_at_once),
		cmocka_unit_test(an_empty_string_is_empty),
		cmocka_unit_test(streams_are_merged_and_files_of_one_are_joined),
		cmocka_unit_test(what_was_lost_is_told_of),
		cmocka_unit_test(what_is_wrong_ends_no_more_than_its_packet),
		cmocka_unit_test(elements_of_no_bits_are_bounded),
		cmocka_unit_test(sizes_that_lie_end_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
