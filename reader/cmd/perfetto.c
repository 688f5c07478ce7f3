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
#define UUID_TRACK   (UINT64_C(2) << 61)
#define UUID_COUNTER (UINT64_C(3) << 61)

/* Of a process. */
struct counter {
	const struct ft_process *process;
	const struct ft_name *name;
	uint64_t uuid;
};

/* Messages that are being made, from the packet on to values within values. */
struct perfetto {
	GString *packet, *part, *inner;
	GString *value;
	GHashTable *counters; /* of struct counter */
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

static void descriptor_append(struct ft_export *x, uint64_t uuid, uint64_t parent, char *name)
{
	struct perfetto *p = x->user;

	number_append(p->part, TRACK_UUID, uuid);
	if (parent)
		number_append(p->part, TRACK_PARENT_UUID, parent);
	if (name)
		text_append(p->part, TRACK_NAME, name, strlen(name));
	g_free(name);
}

static void process_write(struct ft_export *x, const struct ft_process *process)
{
	struct perfetto *p = x->user;
	char *name = ft_process_name(process);

	number_append(p->inner, PROCESS_PID, (uint64_t)process->id);
	if (name)
		text_append(p->inner, PROCESS_NAME, name, strlen(name));
	descriptor_append(x, UUID_PROCESS | process->number, 0, NULL);
	message_append(p->part, TRACK_PROCESS, p->inner);
	packet_write(x, PACKET_TRACK_DESCRIPTOR);
	g_free(name);
}

static void track_write(struct ft_export *x, const struct ft_track *track)
{
	const struct ft_process *process = track->thread->process;
	uint64_t parent =
		track->parent ? UUID_TRACK | track->parent->number : UUID_PROCESS | process->number;
	bool is_thread = track->tid < FT_NO_ID; /* else a track of its own */
	struct perfetto *p = x->user;
	char *name = ft_track_name(track);

	if (is_thread) {
		number_append(p->inner, THREAD_PID, (uint64_t)process->id);
		number_append(p->inner, THREAD_TID, (uint64_t)track->tid);
		if (name)
			text_append(p->inner, THREAD_NAME, name, strlen(name));
		g_clear_pointer(&name, g_free);
	}
	descriptor_append(x, UUID_TRACK | track->number, parent, name);
	if (is_thread)
		message_append(p->part, TRACK_THREAD, p->inner);
	packet_write(x, PACKET_TRACK_DESCRIPTOR);
}

/* A counter is the process's. Return: its uuid. */
static uint64_t counter_of(struct ft_export *x, const struct ft_process *process,
			   const struct ft_name *name)
{
	struct perfetto *p = x->user;
	struct counter key = {process, name, 0}, *c = g_hash_table_lookup(p->counters, &key);

	if (c)
		return c->uuid;
	key.uuid = UUID_COUNTER | (g_hash_table_size(p->counters) + 1);
	g_hash_table_add(p->counters, g_memdup2(&key, sizeof(key)));
	descriptor_append(x, key.uuid, UUID_PROCESS | process->number,
			  g_strndup(name->text, name->bytes));
	message_append(p->part, TRACK_COUNTER, p->inner); /* no more of it is to be said */
	packet_write(x, PACKET_TRACK_DESCRIPTOR);
	return key.uuid;
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

static void annotations_append(struct perfetto *p, GString *to, struct ft_ctf_cursor *c,
			       const struct ft_ctf_program *program, uint64_t at)
{
	struct ft_ctf_values values;
	struct ft_ctf_value value;
	unsigned depth = 0;

	if (!program->ops)
		return;
	p->levels[0].message = to;
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

static void counter_append(GString *to, const struct ft_ctf_value *value)
{
	if (value->op->code == FT_CTF_OP_FLOAT)
		double_append(to, EVENT_DOUBLE_COUNTER_VALUE, value->real);
	else if (value->op->is_signed || value->u <= INT64_MAX)
		number_append(to, EVENT_COUNTER_VALUE, value->u);
	else
		double_append(to, EVENT_DOUBLE_COUNTER_VALUE, (double)value->u);
}

static void fields_append(struct perfetto *p, GString *to, struct ft_ctf_cursor *c)
{
	if (c->stream->packet.shown)
		annotations_append(p, to, c, &c->stream->packet, c->packet_at);
	annotations_append(p, to, c, &c->stream->context, c->context);
	annotations_append(p, to, c, &c->event->context, c->own);
	annotations_append(p, to, c, &c->event->fields, c->fields);
}

static void lost_append(struct perfetto *p, uint64_t lost)
{
	g_string_truncate(p->value, 0);
	text_append(p->value, ANNOTATION_NAME, "count", strlen("count"));
	number_append(p->value, ANNOTATION_UINT, lost);
	message_append(p->part, EVENT_DEBUG_ANNOTATIONS, p->value);
}

static void data_keep(struct ft_export *x, GString *data, struct ft_ctf_stream *s)
{
	fields_append(x->user, data, &s->cursor);
}

/* TrackEvent.Type */
enum { TYPE_BEGIN = 1, TYPE_END = 2, TYPE_INSTANT = 3, TYPE_COUNTER = 4 };

static void event_begin(struct perfetto *p, unsigned type, uint64_t uuid, int64_t ns)
{
	number_append(p->packet, PACKET_TIMESTAMP, (uint64_t)ns);
	number_append(p->part, EVENT_TYPE, type);
	number_append(p->part, EVENT_TRACK_UUID, uuid);
}

static void event_write(struct ft_export *x, unsigned type, uint64_t uuid,
			const struct ft_item *item)
{
	struct perfetto *p = x->user;
	const struct ft_name *name = item->name;

	event_begin(p, type, uuid, item->ns);
	text_append(p->part, EVENT_CATEGORIES, item->kind == FT_LOST ? "lost" : name->text,
		    item->kind == FT_LOST ? strlen("lost") : name->provider_bytes);
	text_append(p->part, EVENT_NAME, name->text, name->bytes);
	if (item->data)
		g_string_append_len(p->part, item->data->str, (gssize)item->data->len);
	else if (item->kind == FT_LOST)
		lost_append(p, item->stream->lost);
	else
		fields_append(p, p->part, &item->stream->cursor);
	packet_write(x, PACKET_TRACK_EVENT);
}

/* What it ends is the innermost of its track. */
static void end_event_write(struct ft_export *x, uint64_t uuid, const struct ft_item *item)
{
	struct perfetto *p = x->user;

	event_begin(p, TYPE_END, uuid, item->end_ns);
	fields_append(p, p->part, &item->stream->cursor);
	packet_write(x, PACKET_TRACK_EVENT);
}

static void counter_write(struct ft_export *x, const struct ft_track *track,
			  const struct ft_item *item)
{
	uint64_t uuid = counter_of(x, track->thread->process, item->name);
	struct perfetto *p = x->user;

	event_begin(p, TYPE_COUNTER, uuid, item->ns);
	counter_append(p->part, &item->value);
	packet_write(x, PACKET_TRACK_EVENT);
}

static void item_write(struct ft_export *x, const struct ft_track *track,
		       const struct ft_item *item)
{
	uint64_t uuid = UUID_TRACK | track->number;

	if (item->kind == FT_COUNTER) {
		counter_write(x, track, item);
		return;
	}
	event_write(x, item->kind == FT_SPAN || item->kind == FT_OPEN ? TYPE_BEGIN : TYPE_INSTANT,
		    uuid, item);
	if (item->kind == FT_SPAN)
		end_event_write(x, uuid, item);
}

static guint counter_hash(gconstpointer counter)
{
	const struct counter *c = counter;

	return g_direct_hash(c->process) * 31 + g_direct_hash(c->name);
}

static gboolean counter_equal(gconstpointer a, gconstpointer b)
{
	const struct counter *x = a, *y = b;

	return x->process == y->process && x->name == y->name;
}

static void begin_write(struct ft_export *x)
{
	struct perfetto *p = x->user = g_new0(struct perfetto, 1);

	p->packet = g_string_new(NULL);
	p->part = g_string_new(NULL);
	p->inner = g_string_new(NULL);
	p->value = g_string_new(NULL);
	p->counters = g_hash_table_new_full(counter_hash, counter_equal, g_free, NULL);
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
	.process = process_write,
	.track = track_write,
	.keep = data_keep,
	.item = item_write,
	.end = end_write,
};
