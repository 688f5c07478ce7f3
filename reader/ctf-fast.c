/* SPDX-License-Identifier: MIT */
/*
 * ctf-fast.c - what of a program can be passed over, or read, at once.
 */
#include <string.h>

#include "ft-ctf-parse.h"

/* Is its size always the same, from an aligned place on? */
static void program_fix(struct ft_ctf_program *program)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < program->count; i++) {
		const struct ft_ctf_op *op = &program->ops[i];

		at = (at + op->align - 1) & ~(op->align - 1);
		if (op->slot || op->clock || op->length_slot || at > UINT32_MAX)
			return;
		switch (op->code) {
		case FT_CTF_OP_INT:
		case FT_CTF_OP_FLOAT:
			at += op->bits;
			break;
		case FT_CTF_OP_TEXT:
		case FT_CTF_OP_ARRAY:
			if (!op->fixed || op->count > UINT32_MAX)
				return;
			at += op->count * op->fixed;
			i = op->code == FT_CTF_OP_ARRAY ? op->next - 1 : i;
			break;
		case FT_CTF_OP_STRING:
		case FT_CTF_OP_VARIANT:
			return;
		}
	}
	program->is_fixed = true;
	program->fixed = at;
}

static void program_plain(struct ft_ctf_program *program)
{
	program->plain = program->count > 2 && program->align <= 8;
	for (uint32_t i = 1; i + 2 < program->count; i++) {
		const struct ft_ctf_op *op = &program->ops[i];

		program->plain &= op->code == FT_CTF_OP_STRING ||
				  (op->run && (op->bytes || op->code == FT_CTF_OP_TEXT));
	}
}

static bool program_shown(const struct ft_ctf_program *program)
{
	for (uint32_t i = 1; i + 2 < program->count; i++)
		if (!program->ops[i].hidden)
			return true;
	return false;
}

/* Bits of what always takes as many whole bytes; 0: it does not. */
static uint64_t whole_bits(const struct ft_ctf_op *op)
{
	if (op->slot || op->clock || op->length_slot || op->align != 8)
		return 0;
	if (op->code == FT_CTF_OP_TEXT && op->count <= UINT32_MAX)
		return op->count * 8;
	return op->code == FT_CTF_OP_INT || op->code == FT_CTF_OP_FLOAT ? op->bits & ~7u : 0;
}

/* Whole bytes of fixed size, one behind the other, are passed over at once. */
static void program_runs(struct ft_ctf_program *program)
{
	for (uint32_t i = program->count; i--;) {
		struct ft_ctf_op *op = &program->ops[i], *next = op + 1;
		uint64_t bits = whole_bits(op);

		if (!bits || (op->code != FT_CTF_OP_TEXT && bits != op->bits))
			continue;
		op->run = bits + next->run;
		op->run_next = next->run ? next->run_next : i + 1;
	}
}

/* An id, and a time right behind it. */
static void header_word(struct ft_ctf_stream_class *stream, const struct ft_ctf_op *id,
			const struct ft_ctf_op *time, uint64_t last)
{
	if (id->code != FT_CTF_OP_INT || id->slot != FT_CTF_ID || id->big || id->is_signed ||
	    id->clock || time->code != FT_CTF_OP_INT || !time->clock || time->slot || time->big ||
	    id->bits % time->align || id->bits + time->bits > 64 || id->bits > 32 ||
	    G_BYTE_ORDER != G_LITTLE_ENDIAN)
		return;
	stream->id_bits = id->bits;
	stream->time_bits = time->bits;
	stream->id_last = last;
}

/* Our header, and LTTng's two, of which large ids and times have another form. */
void ft_ctf_header_fast(struct ft_ctf_stream_class *stream)
{
	const struct ft_ctf_op *ops = stream->header.ops;
	const struct ft_ctf_option *option;

	if (!ops || stream->header.align < 8 || stream->header.count < 5)
		return;
	if (stream->header.count == 5) {
		header_word(stream, &ops[1], &ops[2], UINT64_MAX);
		return;
	}
	if (ops[2].code != FT_CTF_OP_VARIANT || ops[2].length_slot != FT_CTF_ID ||
	    ops[3].code != FT_CTF_OP_STRUCT || !ops[2].options->len || ops[2].next <= 6 ||
	    ops[5].code != FT_CTF_OP_STRUCT_END || ops[2].next + 2 != stream->header.count ||
	    ops[1].bits % ops[3].align)
		return;
	option = (void *)ops[2].options->data;
	if (option->op == 3 && !option->from)
		header_word(stream, &ops[1], &ops[4], option->to);
}

/* @at: where a program may begin; where it does. Return: is its size always the same? */
static bool program_place(const struct ft_ctf_stream_class *stream,
			  const struct ft_ctf_program *program, uint32_t *at, uint64_t *end)
{
	*at = (uint32_t)*end;
	if (!program->ops)
		return true;
	if (!program->is_fixed || program->align > stream->header.align)
		return false;
	*end = ((*end + program->align - 1) & ~(program->align - 1)) + program->fixed;
	return *end <= UINT32_MAX;
}

void ft_ctf_event_fast(const struct ft_ctf_stream_class *stream, struct ft_ctf_event_class *event)
{
	uint64_t end = stream->id_bits + stream->time_bits;

	if (stream->id_bits && program_place(stream, &stream->context, &event->context_at, &end) &&
	    program_place(stream, &event->context, &event->own_at, &end) &&
	    program_place(stream, &event->fields, &event->fields_at, &end))
		event->whole = (uint32_t)end;
}

void ft_ctf_program_fast(struct ft_ctf_program *program)
{
	program_fix(program);
	program_runs(program);
	program_plain(program);
	program->shown = program_shown(program);
}
