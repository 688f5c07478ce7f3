/* SPDX-License-Identifier: MIT */
/*
 * ctf-compile.c - types as lists of operations: what a decoder runs along without recursion.
 *
 * A compound is its operation, those of its members, and an end. What a length or a tag says is kept
 * in a slot by the operation that reads it. A field's full name, "event.fields._a._b", tells which.
 */
#include <stdarg.h>
#include <string.h>

#include "ft-ctf-parse.h"

/* What can be a length or a tag. */
struct named {
	uint32_t op;
	const struct ft_ctf_type *type;
};

bool ft_ctf_compile_fail(struct ft_ctf_compiler *c, size_t at, const char *format, ...)
{
	va_list args;
	char *what, *whole;

	va_start(args, format);
	what = g_strdup_vprintf(format, args);
	va_end(args);
	whole = g_strdup_printf("%.200s%s%s", c->path->str, c->path->len ? ": " : "", what);
	ft_ctf_error(c->meta, c->name, at, whole, c->error);
	g_free(whole);
	g_free(what);
	return false;
}

static struct ft_ctf_op *op_at(struct ft_ctf_compiler *c, uint32_t at)
{
	return &g_array_index(c->ops, struct ft_ctf_op, at);
}

static uint8_t who_of(const struct ft_ctf_op *op)
{
	bool text = op->code == FT_CTF_OP_TEXT || op->code == FT_CTF_OP_STRING;

	if (text)
		return strcmp(op->name, "procname") ? FT_CTF_NOBODY : FT_CTF_WHO_PROCNAME;
	if (op->code != FT_CTF_OP_INT)
		return FT_CTF_NOBODY;
	return !strcmp(op->name, "vtid")  ? FT_CTF_WHO_VTID
	       : !strcmp(op->name, "tid") ? FT_CTF_WHO_TID
					  : FT_CTF_NOBODY;
}

static void op_name(struct ft_ctf_op *op, const char *name)
{
	op->name = name ? name : "";
	op->name_bytes = (uint32_t)strlen(op->name);
	op->who = who_of(op);
	op->label_bytes = 0;
	if (op->name_bytes && op->name_bytes + 2 < sizeof(op->label))
		op->label_bytes =
			(uint8_t)g_snprintf(op->label, sizeof(op->label), " %s=", op->name);
}

static bool op_add(struct ft_ctf_compiler *c, const struct ft_ctf_type *type, struct ft_ctf_op op)
{
	if (c->ops->len >= FT_CTF_OPS - 1)
		return ft_ctf_compile_fail(c, type->at, "more than %d fields: expected fewer",
					   FT_CTF_OPS);
	if (++c->all_ops > FT_CTF_ALL_OPS)
		return ft_ctf_compile_fail(
			c, type->at, "more than %d fields in all: expected fewer", FT_CTF_ALL_OPS);
	op.type = type;
	op_name(&op, op.name);
	g_array_append_val(c->ops, op);
	return true;
}

static bool is_big(const struct ft_ctf_compiler *c, const struct ft_ctf_type *type)
{
	enum ft_ctf_order order = type->order == FT_CTF_NATIVE ? c->meta->order : type->order;

	return order == FT_CTF_BE;
}

/* "_" is what tracers put before a name that may be a keyword. */
static const char *shown_name(const char *name)
{
	return name && *name == '_' ? name + 1 : name;
}

/* Fields that mean something to us where they stand. */
static const struct {
	enum ft_ctf_header in;
	const char *name;
	uint8_t slot;
} meanings[] = {
	{FT_CTF_PACKET_HEADER, "magic", FT_CTF_PACKET_MAGIC},
	{FT_CTF_PACKET_HEADER, "stream_id", FT_CTF_STREAM_ID},
	{FT_CTF_PACKET_HEADER, "stream_instance_id", FT_CTF_INSTANCE},
	{FT_CTF_PACKET_CONTEXT, "timestamp_begin", FT_CTF_BEGIN},
	{FT_CTF_PACKET_CONTEXT, "timestamp_end", FT_CTF_STREAM_END},
	{FT_CTF_PACKET_CONTEXT, "content_size", FT_CTF_CONTENT_SIZE},
	{FT_CTF_PACKET_CONTEXT, "packet_size", FT_CTF_PACKET_SIZE},
	{FT_CTF_PACKET_CONTEXT, "packet_seq_num", FT_CTF_SEQ},
	{FT_CTF_PACKET_CONTEXT, "events_discarded", FT_CTF_DISCARDED},
	{FT_CTF_PACKET_CONTEXT, "cpu_id", FT_CTF_CPU},
	{FT_CTF_PACKET_CONTEXT, "tid", FT_CTF_TID},
	{FT_CTF_EVENT_HEADER, "id", FT_CTF_ID},
};

static uint8_t meaning_of(enum ft_ctf_header in, const char *name)
{
	for (size_t i = 0; name && i < G_N_ELEMENTS(meanings); i++)
		if (in == meanings[i].in && !strcmp(shown_name(name), meanings[i].name))
			return meanings[i].slot;
	return FT_CTF_NO_SLOT;
}

/* Of a header's integer; one that says "timestamp" needs no map if there is but one clock. */
static void meaning_set(struct ft_ctf_compiler *c, const struct ft_ctf_type *of,
			struct ft_ctf_op *op)
{
	const char *clock = of->clock;

	op->slot = meaning_of(c->header, op->name);
	op->hidden = op->slot; /* it is told of otherwise, or is nothing to tell */
	if (!clock && c->meta->clocks->len == 1 && op->name &&
	    g_str_has_prefix(op->name, "timestamp"))
		clock = ((struct ft_ctf_clock *)c->meta->clocks->pdata[0])->name;
	op->clock = clock && op->slot != FT_CTF_STREAM_END;
	if (clock && !c->clock)
		c->clock = clock;
}

static bool compile(struct ft_ctf_compiler *c, const struct ft_ctf_type *type, const char *name);

static bool compile_integer(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			    const char *name)
{
	const struct ft_ctf_type *of = type->kind == FT_CTF_ENUM ? type->of : type;
	struct ft_ctf_op op = {.code = of->kind == FT_CTF_FLOAT ? FT_CTF_OP_FLOAT : FT_CTF_OP_INT,
			       .bits = (uint8_t)of->bits,
			       .base = (uint8_t)of->base,
			       .is_signed = of->is_signed,
			       .big = is_big(c, of),
			       .align = of->align,
			       .text = of->text,
			       .name = shown_name(name)};

	if (c->header)
		meaning_set(c, of, &op);
	op.simple = op.code == FT_CTF_OP_INT && type == of && !op.is_signed && op.base == 10 &&
		    !(op.text && op.bits == 8);
	if (!op.big && G_BYTE_ORDER == G_LITTLE_ENDIAN && of->align % 8 == 0 &&
	    (op.bits == 8 || op.bits == 16 || op.bits == 32 || op.bits == 64))
		op.bytes = op.bits / 8;
	return op_add(c, type, op);
}

/* Of a field that was compiled: its slot, a new one if need be. 0: told of. */
static unsigned slot_of(struct ft_ctf_compiler *c, const struct ft_ctf_program *program,
			struct ft_ctf_op *op, const struct ft_ctf_type *type)
{
	unsigned *next = &c->own_slots, end = FT_CTF_STREAM_SLOTS;

	if (op->slot)
		return op->slot;
	if (program == &c->meta->packet) {
		next = &c->header_slots;
		end = FT_CTF_SLOTS;
	} else if (program == &c->stream->packet || program == &c->stream->header ||
		   program == &c->stream->context) {
		next = &c->stream->slots;
		end = FT_CTF_HEADER_SLOTS;
	}
	if (*next < end)
		return op->slot = (uint8_t)(*next)++;
	ft_ctf_compile_fail(c, type->at, "too many lengths and tags: expected fewer");
	return 0;
}

static struct named *named_find(const struct ft_ctf_program *program, const char *path)
{
	return program->names ? g_hash_table_lookup(program->names, path) : NULL;
}

/* Look for a name in the compound that we are in, then in those around it. */
static struct named *named_near(struct ft_ctf_compiler *c, const char *tag)
{
	char *scope = g_strdup(c->path->str), *dot;
	struct named *found = NULL;

	do {
		char *path = g_strconcat(scope, ".", tag, NULL);

		found = named_find(c->program, path);
		g_free(path);
		dot = strrchr(scope, '.');
		if (dot)
			*dot = 0;
	} while (!found && dot);
	g_free(scope);
	return found;
}

/* In other scopes: by its full name, or by the end of it. */
static struct named *named_far(struct ft_ctf_compiler *c, const char *tag,
			       struct ft_ctf_program **program)
{
	for (unsigned i = c->nscopes; i; i--) {
		char *path = g_strconcat(c->scopes[i - 1].name, ".", tag, NULL);
		struct named *found;

		*program = c->scopes[i - 1].program;
		found = named_find(*program, tag);
		if (!found)
			found = named_find(*program, path);
		g_free(path);
		if (found)
			return found;
	}
	return NULL;
}

/*
 * What a length or a tag refers to: the slot in which it will be.
 * @of: if not NULL, its type.  @before: is it the operation right before the next one?
 */
static unsigned reference(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			  const struct ft_ctf_type **of, bool *before)
{
	struct ft_ctf_program *program = c->program;
	struct named *named = type->tag ? named_near(c, type->tag) : NULL;

	*before = false;
	if (!named && type->tag)
		named = named_find(c->program, type->tag);
	if (!named && type->tag)
		named = named_far(c, type->tag, &program);
	if (!named) {
		ft_ctf_compile_fail(c, type->at,
				    "%.200s: expected the name of an integer or enum before it",
				    type->tag ? type->tag : "no tag");
		return 0;
	}
	*of = named->type;
	if (program != c->program)
		return slot_of(c, program, &program->ops[named->op], type);
	*before = named->op + 1 == c->ops->len;
	return slot_of(c, program, op_at(c, named->op), type);
}

static bool is_character(const struct ft_ctf_type *type)
{
	return type->kind == FT_CTF_INTEGER && type->text && type->bits == 8 && type->align == 8;
}

/* Bits of an element, if elements of fixed size follow each other without gaps; 0: they do not. */
static uint64_t element_bits(const struct ft_ctf_type *type)
{
	const struct ft_ctf_type *of = type->kind == FT_CTF_ENUM ? type->of : type;

	if (of->kind != FT_CTF_INTEGER && of->kind != FT_CTF_FLOAT)
		return 0;
	return of->bits % of->align ? 0 : of->bits;
}

/* "_NAME_length", as LTTng and we call what stands before the sequence NAME. */
static bool is_length_of(const char *length, const char *name)
{
	length += *length == '_';
	return name && g_str_has_prefix(length, name) && !strcmp(length + strlen(name), "_length");
}

static bool compile_array(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			  const char *name)
{
	const struct ft_ctf_type *tag;
	struct ft_ctf_op op = {.code = is_character(type->of) ? FT_CTF_OP_TEXT : FT_CTF_OP_ARRAY,
			       .count = type->count,
			       .fixed = element_bits(type->of),
			       .align = type->align,
			       .empty = type->of->empty,
			       .name = shown_name(name)};
	uint32_t at = c->ops->len;
	bool before;

	if (type->kind == FT_CTF_SEQUENCE) {
		op.length_slot = (uint8_t)reference(c, type, &tag, &before);
		if (!op.length_slot)
			return false;
		if (before && is_length_of(op_at(c, at - 1)->name, op.name))
			op_at(c, at - 1)->hidden = true;
	}
	if (op.code == FT_CTF_OP_TEXT) {
		op.align = 8;
		return op_add(c, type, op);
	}
	if (!op_add(c, type, op) || !compile(c, type->of, NULL))
		return false;
	op.code = FT_CTF_OP_ARRAY_END;
	op.align = 1;
	op.name = "";
	if (!op_add(c, type, op))
		return false;
	op_at(c, at)->next = c->ops->len;
	return true;
}

static bool compile_struct(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			   const char *name)
{
	struct ft_ctf_op op = {
		.code = FT_CTF_OP_STRUCT, .align = type->align, .name = shown_name(name)};
	uint32_t at = c->ops->len;

	if (!op_add(c, type, op))
		return false;
	for (guint i = 0; i < type->members->len; i++) {
		const struct ft_ctf_member *m =
			&g_array_index(type->members, struct ft_ctf_member, i);

		if (!compile(c, m->type, m->name))
			return false;
	}
	op = (struct ft_ctf_op){.code = FT_CTF_OP_STRUCT_END, .align = 1};
	if (!op_add(c, type, op))
		return false;
	op_at(c, at)->next = c->ops->len;
	return true;
}

/* The ranges of the tag for which it is the member @name. */
static bool options_add(GArray *options, const struct ft_ctf_type *tag, const char *name,
			uint32_t op)
{
	bool any = false;

	for (guint i = 0; i < tag->labels->len; i++) {
		const struct ft_ctf_label *label =
			&g_array_index(tag->labels, struct ft_ctf_label, i);
		struct ft_ctf_option option = {label->from, label->to, op};

		if (strcmp(label->name, name) && strcmp(shown_name(label->name), shown_name(name)))
			continue;
		g_array_append_val(options, option);
		any = true;
	}
	return any;
}

static bool compile_options(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			    const struct ft_ctf_type *tag, uint32_t at)
{
	GArray *options = g_array_new(FALSE, FALSE, sizeof(struct ft_ctf_option));
	struct ft_ctf_op end = {.code = FT_CTF_OP_VARIANT_END, .align = 1};

	op_at(c, at)->options = options;
	c->all_options += (uint64_t)type->members->len * tag->labels->len;
	if (c->all_options > FT_CTF_ALL_OPTIONS)
		return ft_ctf_compile_fail(c, type->at,
					   "%u members, of %u labels: expected fewer in all",
					   type->members->len, tag->labels->len);
	for (guint i = 0; i < type->members->len; i++) {
		const struct ft_ctf_member *m =
			&g_array_index(type->members, struct ft_ctf_member, i);
		uint32_t begin = c->ops->len;

		options_add(options, tag, m->name, begin);
		if (!compile(c, m->type, m->name))
			return false;
		op_name(op_at(c, begin), op_at(c, at)->name); /* the tag tells which it is */
		end.count = at;				      /* its variant */
		if (!op_add(c, type, end))
			return false;
	}
	op_at(c, at)->next = c->ops->len;
	return options->len <= FT_CTF_OPTIONS ||
	       ft_ctf_compile_fail(c, type->at, "%u labels: expected at most %d", options->len,
				   FT_CTF_OPTIONS);
}

static bool compile_variant(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			    const char *name)
{
	const struct ft_ctf_type *tag;
	bool before;
	struct ft_ctf_op op = {.code = FT_CTF_OP_VARIANT, .align = 1, .name = shown_name(name)};
	uint32_t at = c->ops->len;

	op.length_slot = (uint8_t)reference(c, type, &tag, &before);
	if (!op.length_slot)
		return false;
	if (tag->kind != FT_CTF_ENUM)
		return ft_ctf_compile_fail(c, type->at, "%.200s is not an enum: expected one",
					   type->tag);
	op.is_signed = tag->of->is_signed;
	return op_add(c, type, op) && compile_options(c, type, tag, at);
}

/* Remember what may be a length or a tag. */
static bool named_add(struct ft_ctf_compiler *c, const struct ft_ctf_type *type)
{
	struct named *named;

	c->name_bytes += c->path->len;
	if (c->name_bytes > FT_CTF_NAME_BYTES)
		return ft_ctf_compile_fail(c, type->at,
					   "names of more than %u bytes: expected fewer",
					   FT_CTF_NAME_BYTES);
	named = g_new(struct named, 1);
	*named = (struct named){c->ops->len - 1, type};
	g_hash_table_replace(c->program->names, g_strdup(c->path->str), named);
	return true;
}

static bool compile(struct ft_ctf_compiler *c, const struct ft_ctf_type *type, const char *name)
{
	gsize before = c->path->len;
	bool ok = true, named = type->kind == FT_CTF_INTEGER || type->kind == FT_CTF_ENUM;

	if (++c->depth > FT_CTF_DEPTH)
		return ft_ctf_compile_fail(c, type->at,
					   "types within types, more than %d deep: expected fewer",
					   FT_CTF_DEPTH);
	if (!named && name)
		g_string_append_printf(c->path, ".%s", name);
	switch (type->kind) {
	case FT_CTF_INTEGER:
	case FT_CTF_FLOAT:
	case FT_CTF_ENUM:
		ok = compile_integer(c, type, name);
		break;
	case FT_CTF_STRING:
		ok = op_add(c, type,
			    (struct ft_ctf_op){.code = FT_CTF_OP_STRING,
					       .align = 8,
					       .name = shown_name(name)});
		break;
	case FT_CTF_STRUCT:
		ok = compile_struct(c, type, name);
		break;
	case FT_CTF_VARIANT:
		ok = compile_variant(c, type, name);
		break;
	case FT_CTF_ARRAY:
	case FT_CTF_SEQUENCE:
		ok = compile_array(c, type, name);
		break;
	}
	if (ok && named && name) {
		g_string_append_printf(c->path, ".%s", name);
		ok = named_add(c, type);
	}
	if (ok)
		g_string_truncate(c->path, before);
	c->depth--;
	return ok;
}

bool ft_ctf_program_make(struct ft_ctf_compiler *c, const struct ft_ctf_type *type,
			 const char *scope, struct ft_ctf_program *program)
{
	bool ok;

	program->align = 1;
	if (!type)
		return true;
	c->program = program;
	c->ops = g_array_new(FALSE, TRUE, sizeof(struct ft_ctf_op));
	c->depth = 0;
	g_string_assign(c->path, scope);
	program->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_ptr_array_add(c->meta->programs, program);
	ok = compile(c, type, NULL);
	if (ok)
		ok = op_add(c, type, (struct ft_ctf_op){.code = FT_CTF_OP_END, .align = 1});
	program->align = type->align;
	program->count = c->ops->len;
	program->ops = (struct ft_ctf_op *)(void *)g_array_free(c->ops, FALSE);
	c->scopes[c->nscopes].name = scope;
	c->scopes[c->nscopes++].program = program;
	return ok;
}
