/* SPDX-License-Identifier: MIT */
/*
 * perfetto.c - events as protobuf of Perfetto: a message Trace, of which each event is a TracePacket.
 *
 * Fields have the numbers of protos/perfetto/trace/ in Perfetto's sources: trace.proto and
 * trace_packet.proto there; track_event.proto, track_descriptor.proto, process_descriptor.proto,
 * thread_descriptor.proto, counter_descriptor.proto and debug_annotation.proto in track_event/.
 */
#include "cmd.h"
#include "export.h"

enum {
	/* Trace */
	TRACE_PACKET = 1,
	/* TracePacket */
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10, /* trusted_packet_sequence_id */
	PACKET_TRACK_EVENT = 11,
	PACKET_TRACK_DESCRIPTOR = 60,
	/* TrackDescriptor */
	TRACK_UUID = 1,
	TRACK_NAME = 2,
	TRACK_PROCESS = 3,
	TRACK_THREAD = 4,
	TRACK_PARENT_UUID = 5,
	TRACK_COUNTER = 8,
	/* ProcessDescriptor */
	PROCESS_PID = 1,
	PROCESS_NAME = 6,
	/* ThreadDescriptor */
	THREAD_PID = 1,
	THREAD_TID = 2,
	THREAD_NAME = 5,
	/* TrackEvent */
	EVENT_DEBUG_ANNOTATIONS = 4,
	EVENT_TYPE = 9,
	EVENT_TRACK_UUID = 11,
	EVENT_CATEGORIES = 22,
	EVENT_NAME = 23,
	EVENT_COUNTER_VALUE = 30,
	EVENT_DOUBLE_COUNTER_VALUE = 44,
	/* DebugAnnotation */
	ANNOTATION_UINT = 3,
	ANNOTATION_INT = 4,
	ANNOTATION_DOUBLE = 5,
	ANNOTATION_STRING = 6,
	ANNOTATION_NAME = 10,
	ANNOTATION_DICT_ENTRIES = 11,
	ANNOTATION_ARRAY_VALUES = 12,
};

/* What uuids are of: the number of one of them stands behind. */
#define UUID_PROCESS (UINT64_C(1) << 61)
#define UUID_THREAD  (UINT64_C(2) << 61)
#define UUID_COUNTER (UINT64_C(3) << 61)

/* Messages that are being made, from the packet on to values within values. */
struct perfetto {
	GString *packet, *part, *inner;
	GString *value;
	GHashTable *counters; /* uuids, by process and name */
	struct {
		GString *message;
		unsigned field; /* of what is within it */
	} levels[FT_CTF_DEPTH + 2];
};

static void varint_append(GString *to, uint64_t value)
{
	for (; value > 0x7f; value >>= 7)
		g_string_append_c(to, (char)(value | 0x80));
	g_string_append_c(to, (char)value);
}

static void number_append(GString *to, unsigned field, uint64_t value)
{
	varint_append(to, field << 3);
	varint_append(to, value);
}

static void double_append(GString *to, unsigned field, double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	bits = GUINT64_TO_LE(bits);
	varint_append(to, field << 3 | 1);
	g_string_append_len(to, (const char *)&bits, sizeof(bits));
}

static void bytes_append(GString *to, unsigned field, const char *data, size_t bytes)
{
	varint_append(to, field << 3 | 2);
	varint_append(to, bytes);
	g_string_append_len(to, data, (gssize)bytes);
}

static void message_append(GString *to, unsigned field, const GString *message)
{
	bytes_append(to, field, message->str, message->len);
}

/* A string of protobuf is UTF-8. */
static void text_append(GString *to, unsigned field, const char *text, size_t bytes)
{
	char *valid;

	if (g_utf8_validate(text, (gssize)bytes, NULL)) {
		bytes_append(to, field, text, bytes);
		return;
	}
	valid = g_utf8_make_valid(text, (gssize)bytes);
	bytes_append(to, field, valid, strlen(valid));
	g_free(valid);
}

static void packet_write(struct ft_export *x, unsigned field)
{
	struct perfetto *p = x->user;
	GString *head = p->inner;

	number_append(p->packet, PACKET_SEQUENCE_ID, 1);
	message_append(p->packet, field, p->part);
	g_string_truncate(head, 0);
	varint_append(head, TRACE_PACKET << 3 | 2);
	varint_append(head, p->packet->len);
	ft_out_need(x->out, head->len + p->packet->len);
	ft_out_bytes(x->out, head->str, head->len);
	ft_out_bytes(x->out, p->packet->str, p->packet->len);
	g_string_truncate(p->packet, 0);
	g_string_truncate(p->part, 0);
	g_string_truncate(head, 0);
}

static void process_write(struct ft_export *x, const struct ft_thread *t)
{
	struct perfetto *p = x->user;

	number_append(p->inner, PROCESS_PID, (uint64_t)t->pid);
	if (t->process)
		text_append(p->inner, PROCESS_NAME, t->process, strlen(t->process));
	number_append(p->part, TRACK_UUID, UUID_PROCESS | (uint64_t)t->pid);
	message_append(p->part, TRACK_PROCESS, p->inner);
	packet_write(x, PACKET_TRACK_DESCRIPTOR);
}

static void thread_write(struct ft_export *x, const struct ft_thread *t)
{
	struct perfetto *p = x->user;

	if (t->first)
		process_write(x, t);
	number_append(p->part, TRACK_UUID, UUID_THREAD | t->number);
	number_append(p->part, TRACK_PARENT_UUID, UUID_PROCESS | (uint64_t)t->pid);
	if (t->is_cpu) { /* a track of its own */
		text_append(p->part, TRACK_NAME, t->name, strlen(t->name));
	} else {
		number_append(p->inner, THREAD_PID, (uint64_t)t->pid);
		number_append(p->inner, THREAD_TID, (uint64_t)t->tid);
		if (t->name)
			text_append(p->inner, THREAD_NAME, t->name, strlen(t->name));
		message_append(p->part, TRACK_THREAD, p->inner);
	}
	packet_write(x, PACKET_TRACK_DESCRIPTOR);
}

/* A counter is the process's. Return: its uuid. */
static uint64_t counter_of(struct ft_export *x, const struct ft_thread *t,
			   const struct ft_item *item)
{
	struct perfetto *p = x->user;
	char *key =
		g_strdup_printf("%" G_GINT64_FORMAT " %.*s", t->pid, (int)item->bytes, item->name);
	uint64_t uuid = GPOINTER_TO_SIZE(g_hash_table_lookup(p->counters, key));

	if (uuid) {
		g_free(key);
		return UUID_COUNTER | uuid;
	}
	uuid = g_hash_table_size(p->counters) + 1;
	g_hash_table_insert(p->counters, key, GSIZE_TO_POINTER(uuid));
	uuid |= UUID_COUNTER;
	number_append(p->part, TRACK_UUID, uuid);
	number_append(p->part, TRACK_PARENT_UUID, UUID_PROCESS | (uint64_t)t->pid);
	text_append(p->part, TRACK_NAME, item->name, item->bytes);
	message_append(p->part, TRACK_COUNTER, p->inner); /* no more of it is to be said */
	packet_write(x, PACKET_TRACK_DESCRIPTOR);
	return uuid;
}

static const char *label_of(const struct ft_ctf_value *value)
{
	const struct ft_ctf_type *type = value->op->type;

	for (guint i = 0; type->kind == FT_CTF_ENUM && i < type->labels->len; i++) {
		const struct ft_ctf_label *l = &g_array_index(type->labels, struct ft_ctf_label, i);

		if (ft_ctf_label_is(l, value->u, value->op->is_signed))
			return l->name;
	}
	return NULL;
}

static void value_append(GString *to, const struct ft_ctf_value *value)
{
	const char *label;

	switch (value->op->code) {
	case FT_CTF_OP_INT:
		label = label_of(value);
		if (label)
			text_append(to, ANNOTATION_STRING, label, strlen(label));
		else
			number_append(to, value->op->is_signed ? ANNOTATION_INT : ANNOTATION_UINT,
				      value->u);
		break;
	case FT_CTF_OP_FLOAT:
		double_append(to, ANNOTATION_DOUBLE, value->real);
		break;
	default:
		text_append(to, ANNOTATION_STRING, value->text, value->bytes);
	}
}

/* What begins or ends within others. Return: the depth from there on. */
static unsigned level_change(struct perfetto *p, unsigned depth, const struct ft_ctf_op *op,
			     bool last)
{
	switch (op->code) {
	case FT_CTF_OP_STRUCT:
	case FT_CTF_OP_ARRAY:
		depth++;
		g_string_truncate(p->levels[depth].message, 0);
		p->levels[depth].field = op->code == FT_CTF_OP_ARRAY ? ANNOTATION_ARRAY_VALUES
								     : ANNOTATION_DICT_ENTRIES;
		if (*op->name)
			text_append(p->levels[depth].message, ANNOTATION_NAME, op->name,
				    strlen(op->name));
		break;
	case FT_CTF_OP_STRUCT_END:
	case FT_CTF_OP_ARRAY_END:
		if (!last)
			break;
		depth--;
		message_append(p->levels[depth].message, p->levels[depth].field,
			       p->levels[depth + 1].message);
	}
	return depth;
}

static bool is_value(const struct ft_ctf_op *op)
{
	return op->code == FT_CTF_OP_INT || op->code == FT_CTF_OP_FLOAT ||
	       op->code == FT_CTF_OP_STRING || op->code == FT_CTF_OP_TEXT;
}

static void annotations_append(struct perfetto *p, struct ft_ctf_cursor *c,
			       const struct ft_ctf_program *program, uint64_t at)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;
	unsigned depth = 0;

	if (!program->ops)
		return;
	p->levels[0].message = p->part;
	p->levels[0].field = EVENT_DEBUG_ANNOTATIONS;
	ft_ctf_values_at(c, program, at, &values);
	while (ft_ctf_value_next(&values, &value)) {
		const struct ft_ctf_op *op = value.op;

		if (op == program->ops || op == program->ops + program->count - 2 || op->hidden)
			continue;
		if (!is_value(op)) {
			depth = level_change(p, depth, op,
					     op->code == FT_CTF_OP_STRUCT_END ||
						     values.op == op + 1);
			continue;
		}
		g_string_truncate(p->value, 0);
		if (*op->name)
			text_append(p->value, ANNOTATION_NAME, op->name, strlen(op->name));
		value_append(p->value, &value);
		message_append(p->levels[depth].message, p->levels[depth].field, p->value);
	}
}

static void counter_append(GString *to, struct ft_ctf_cursor *c)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;

	ft_ctf_values_at(c, &c->event->fields, c->fields, &values);
	while (c->event->fields.ops && ft_ctf_value_next(&values, &value)) {
		if (value.op->code == FT_CTF_OP_FLOAT)
			double_append(to, EVENT_DOUBLE_COUNTER_VALUE, value.real);
		else if (value.op->code != FT_CTF_OP_INT)
			continue;
		else if (value.op->is_signed || value.u <= INT64_MAX)
			number_append(to, EVENT_COUNTER_VALUE, value.u);
		else
			double_append(to, EVENT_DOUBLE_COUNTER_VALUE, (double)value.u);
		return;
	}
}

static void fields_append(struct perfetto *p, const struct ft_item *item)
{
	struct ft_ctf_cursor *c = &item->stream->cursor;

	if (item->kind == FT_LOST) {
		g_string_truncate(p->value, 0);
		text_append(p->value, ANNOTATION_NAME, "count", strlen("count"));
		number_append(p->value, ANNOTATION_UINT, item->stream->lost);
		message_append(p->part, EVENT_DEBUG_ANNOTATIONS, p->value);
		return;
	}
	annotations_append(p, c, &c->stream->context, c->context);
	annotations_append(p, c, &c->event->context, c->own);
	annotations_append(p, c, &c->event->fields, c->fields);
}

static void item_write(struct ft_export *x, const struct ft_thread *t, const struct ft_item *item)
{
	/* TrackEvent.Type */
	static const uint8_t types[] = {
		[FT_BEGIN] = 1, [FT_END] = 2, [FT_INSTANT] = 3, [FT_LOST] = 3, [FT_COUNTER] = 4};
	bool counts = item->kind == FT_COUNTER;
	uint64_t uuid = counts ? counter_of(x, t, item) : UUID_THREAD | t->number;
	struct perfetto *p = x->user;

	number_append(p->packet, PACKET_TIMESTAMP, (uint64_t)item->ns);
	number_append(p->part, EVENT_TYPE, types[item->kind]);
	number_append(p->part, EVENT_TRACK_UUID, uuid);
	if (counts) {
		counter_append(p->part, &item->stream->cursor);
	} else {
		text_append(p->part, EVENT_CATEGORIES, item->kind == FT_LOST ? "lost" : item->name,
			    item->kind == FT_LOST ? strlen("lost") : item->provider_bytes);
		text_append(p->part, EVENT_NAME, item->name, item->bytes);
		if (item->stream)
			fields_append(p, item);
	}
	packet_write(x, PACKET_TRACK_EVENT);
}

static void begin_write(struct ft_export *x)
{
	struct perfetto *p = x->user = g_new0(struct perfetto, 1);

	p->packet = g_string_new(NULL);
	p->part = g_string_new(NULL);
	p->inner = g_string_new(NULL);
	p->value = g_string_new(NULL);
	p->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (size_t i = 1; i < G_N_ELEMENTS(p->levels); i++)
		p->levels[i].message = g_string_new(NULL);
}

static void end_write(struct ft_export *x)
{
	struct perfetto *p = x->user;

	g_string_free(p->packet, TRUE);
	g_string_free(p->part, TRUE);
	g_string_free(p->inner, TRUE);
	g_string_free(p->value, TRUE);
	g_hash_table_unref(p->counters);
	for (size_t i = 1; i < G_N_ELEMENTS(p->levels); i++)
		g_string_free(p->levels[i].message, TRUE);
	g_free(p);
}

const struct ft_format ft_format_perfetto = {
	.name = "perfetto",
	.begin = begin_write,
	.thread = thread_write,
	.item = item_write,
	.end = end_write,
};
