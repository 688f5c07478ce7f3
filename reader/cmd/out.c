/* SPDX-License-Identifier: MIT */
/*
 * out.c - a buffer of text, and what stands in it: numbers, times, strings.
 *
 * This is where most of the time of `fasttrace read` goes: two digits at a time, no division that can
 * be spared, no call of printf().
 */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "cmd.h"
#include "out.h"

#define BUFFER_BYTES (1u << 17)

static const char pairs[] = "00010203040506070809101112131415161718192021222324"
			    "25262728293031323334353637383940414243444546474849"
			    "50515253545556575859606162636465666768697071727374"
			    "75767778798081828384858687888990919293949596979899";

void ft_out_open(struct ft_out *out, int fd)
{
	*out = (struct ft_out){.fd = fd, .second_ns = INT64_MIN};
	out->begin = out->at = g_malloc(BUFFER_BYTES);
	out->end = out->begin + BUFFER_BYTES;
	out->scratch = g_string_new(NULL);
}

void ft_out_flush(struct ft_out *out)
{
	if (out->fd < 0)
		return;
	if (!out->error && out->at > out->begin)
		out->error = ft_write_all(out->fd, out->begin, (size_t)(out->at - out->begin));
	out->at = out->begin;
}

void ft_out_grow(struct ft_out *out, size_t bytes)
{
	size_t used = (size_t)(out->at - out->begin), size = (size_t)(out->end - out->begin);

	/* A line that is begun goes out in pieces: its length has no bound. */
	ft_out_flush(out);
	used = (size_t)(out->at - out->begin);
	if (size - used >= bytes)
		return;
	size = MAX(used + bytes, 2 * size);
	out->begin = g_realloc(out->begin, size);
	out->at = out->begin + used;
	out->end = out->begin + size;
}

int ft_out_close(struct ft_out *out)
{
	ft_out_flush(out);
	g_free(out->begin);
	g_string_free(out->scratch, TRUE);
	return out->error;
}

static inline unsigned digits_of(uint64_t value)
{
	static const uint64_t powers[] = {0,
					  10,
					  100,
					  1000,
					  10000,
					  100000,
					  1000000,
					  10000000,
					  100000000,
					  1000000000,
					  10000000000,
					  100000000000,
					  1000000000000,
					  10000000000000,
					  100000000000000,
					  1000000000000000,
					  10000000000000000,
					  100000000000000000,
					  1000000000000000000,
					  10000000000000000000u};
	/* Of the logarithm to base 2, 1233 / 4096 is that to base 10. */
	unsigned guess = (64 - (unsigned)__builtin_clzll(value | 1)) * 1233 >> 12;

	return guess + (value >= powers[guess]);
}

void ft_out_u64(struct ft_out *out, uint64_t value)
{
	unsigned n = value ? digits_of(value) : 1;
	char *end = out->at + n;

	out->at = end;
	for (; value > UINT32_MAX; value /= 100) {
		end -= 2;
		memcpy(end, pairs + value % 100 * 2, 2);
	}
	for (uint32_t rest = (uint32_t)value;; rest /= 100) {
		if (rest < 10) {
			end[-1] = (char)('0' + rest);
			return;
		}
		end -= 2;
		memcpy(end, pairs + rest % 100 * 2, 2);
		if (rest < 100)
			return;
	}
}

void ft_out_i64(struct ft_out *out, int64_t value)
{
	if (value < 0)
		ft_out_char(out, '-');
	ft_out_u64(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

/* In base 16, 8 or 2: 4, 3 or 1 bits a digit. */
static void power_write(struct ft_out *out, uint64_t value, unsigned bits)
{
	char text[64], *end = text + sizeof(text), *p = end;

	do
		*--p = "0123456789abcdef"[value & ((1u << bits) - 1)];
	while (value >>= bits);
	ft_out_bytes(out, p, (size_t)(end - p));
}

/* Bits of a number in whole digits: of a negative one the first is 0xf, 7 or 1, as of babeltrace2's. */
static uint64_t digits_bits(uint64_t value, unsigned bits, unsigned digit)
{
	bits = (bits + digit - 1) / digit * digit;
	return bits < 64 ? value & ((UINT64_C(1) << bits) - 1) : value;
}

void ft_out_integer(struct ft_out *out, const struct ft_ctf_op *op, uint64_t value)
{
	if (G_LIKELY(op->base == 10)) {
		if (op->is_signed)
			ft_out_i64(out, (int64_t)value);
		else
			ft_out_u64(out, value);
	} else if (op->base == 16) {
		ft_out_bytes(out, "0x", 2);
		power_write(out, digits_bits(value, op->bits, 4), 4);
	} else if (op->base == 8) {
		ft_out_char(out, '0');
		power_write(out, digits_bits(value, op->bits, 3), 3);
	} else {
		ft_out_bytes(out, "0b", 2);
		power_write(out, digits_bits(value, op->bits, 1), 1);
	}
}

/*
 * A number that has at most six digits behind the point and fifteen in all is the only one of so few
 * digits that gives it back: then it takes no printf().
 */
static bool short_write(struct ft_out *out, double value, double most)
{
	static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
	double size = fabs(value);

	if (!(size >= 1e-4 && size < most))
		return false;
	for (unsigned k = 0; k < G_N_ELEMENTS(powers); k++) {
		double scaled = size * powers[k];
		uint64_t whole = (uint64_t)scaled, power = (uint64_t)powers[k];

		if (scaled >= 1e15)
			return false;
		if ((double)whole != scaled || (double)whole / powers[k] != size)
			continue;
		if (value < 0)
			ft_out_char(out, '-');
		ft_out_u64(out, whole / power);
		if (!k)
			return true;
		ft_out_char(out, '.');
		for (whole %= power; k--; whole %= power) {
			power /= 10;
			ft_out_char(out, (char)('0' + whole / power));
		}
		return true;
	}
	return false;
}

void ft_out_real(struct ft_out *out, double value, bool single)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE], format[] = "%.00g";

	if (!isfinite(value)) {
		const char *name = isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";

		ft_out_bytes(out, name, strlen(name));
		return;
	}
	/* Of a float, fewer digits may do: six are looked for first. */
	if (!single && short_write(out, value, 1e15))
		return;
	for (int n = single ? 6 : 15;; n++) {
		double again;

		format[2] = (char)('0' + n / 10);
		format[3] = (char)('0' + n % 10);
		g_ascii_formatd(text, sizeof(text), format, value);
		again = g_ascii_strtod(text, NULL);
		if (n >= 17 || (single ? (float)again == (float)value : again == value))
			break;
	}
	ft_out_bytes(out, text, strlen(text));
}

static void second_set(struct ft_out *out, int64_t ns)
{
	int64_t second = ns / FT_NS_PER_S - (ns % FT_NS_PER_S < 0);

	time_t unix_time = (time_t)second;
	struct tm tm;

	out->second_ns = second * FT_NS_PER_S;
	if (out->utc && gmtime_r(&unix_time, &tm)) {
		out->second_bytes =
			strftime(out->second, sizeof(out->second), "%Y-%m-%dT%H:%M:%S.", &tm);
		return;
	}
	out->second_bytes = (size_t)g_snprintf(out->second, sizeof(out->second),
					       "%" G_GINT64_FORMAT ".", second);
}

void ft_out_time(struct ft_out *out, int64_t ns)
{
	uint64_t rest = (uint64_t)ns - (uint64_t)out->second_ns;
	uint32_t high, low;

	if (G_UNLIKELY(rest >= (uint64_t)FT_NS_PER_S)) {
		second_set(out, ns);
		rest = (uint64_t)ns - (uint64_t)out->second_ns;
	}
	memcpy(out->at, out->second, sizeof(out->second));
	out->at += out->second_bytes;
	high = (uint32_t)rest / 10000; /* 5 digits, and 4 */
	low = (uint32_t)rest % 10000;
	*out->at++ = (char)('0' + high / 10000);
	memcpy(out->at, pairs + high % 10000 / 100 * 2, 2);
	memcpy(out->at + 2, pairs + high % 100 * 2, 2);
	memcpy(out->at + 4, pairs + low / 100 * 2, 2);
	memcpy(out->at + 6, pairs + low % 100 * 2, 2);
	out->at += 8;
	if (out->utc)
		*out->at++ = 'Z';
}

/* Bytes at the begin that need no escape. */
static size_t plain_bytes(const char *text, size_t bytes, char quote)
{
	size_t n = 0;

	while (n < bytes && text[n] >= ' ' && text[n] < 0x7f && text[n] != '\\' && text[n] != quote)
		n++;
	return n;
}

static void escaped(struct ft_out *out, const char *text, size_t bytes, char quote)
{
	size_t plain = plain_bytes(text, bytes, quote);

	ft_out_need(out, plain + FT_OUT_ROOM);
	ft_out_bytes(out, text, plain);
	if (plain == bytes)
		return;
	g_string_truncate(out->scratch, 0);
	ft_append_escaped(out->scratch, text + plain, bytes - plain, quote);
	ft_out_need(out, out->scratch->len + FT_OUT_ROOM);
	ft_out_bytes(out, out->scratch->str, out->scratch->len);
}

void ft_out_quoted(struct ft_out *out, const char *text, size_t bytes, char quote)
{
	ft_out_need(out, FT_OUT_ROOM);
	ft_out_char(out, quote);
	escaped(out, text, bytes, quote);
	ft_out_char(out, quote);
}

/* Of eight bytes: those of which the top bit is set must be looked at one by one. */
static inline uint64_t odd_bytes(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones * 0x80;
	uint64_t quote = word ^ ones * '"', slash = word ^ ones * '\\', del = word ^ ones * 0x7f;

	return (((word - ones * ' ') | (quote - ones) | (slash - ones) | (del - ones)) | word) &
	       tops;
}

size_t ft_out_string(struct ft_out *out, const char *text, size_t room)
{
	size_t n = 0, bytes;
	char *begin = out->at;
	uint64_t word;

	ft_out_need(out, FT_OUT_ROOM);
	begin = out->at++;
	*begin = '"';
	/* Most are short and plain: they are copied while their end is looked for. */
	for (; room - n >= 8 && n < 128; n += 8) {
		memcpy(&word, text + n, sizeof(word));
		memcpy(out->at, &word, sizeof(word));
		if (odd_bytes(word))
			break;
		out->at += 8;
	}
	while (n < room && n < 136 && text[n] >= ' ' && text[n] < 0x7f && text[n] != '"' &&
	       text[n] != '\\')
		*out->at++ = text[n++];
	if (n < room && !text[n]) {
		*out->at++ = '"';
		return n;
	}
	out->at = begin;
	bytes = strnlen(text, room);
	ft_out_quoted(out, text, bytes, '"');
	return bytes;
}

void ft_out_plain(struct ft_out *out, const char *text, size_t bytes)
{
	escaped(out, text, bytes, '\\');
}

static void who_value(const struct ft_ctf_value *value, size_t bytes, struct ft_who *who)
{
	switch (value->op->who) {
	case FT_CTF_WHO_TID:
		if (who->has_vtid)
			break;
		who->tid = (int64_t)value->u;
		break;
	case FT_CTF_WHO_VTID:
		who->tid = (int64_t)value->u;
		who->has_vtid = true;
		break;
	case FT_CTF_WHO_PROCNAME:
		who->comm = value->text;
		who->comm_bytes = bytes;
	}
}

static void who_plain(struct ft_ctf_cursor *c, struct ft_who *who)
{
	struct ft_ctf_plain plain = ft_ctf_plain_at(c, &c->stream->context, c->context);
	struct ft_ctf_value value = {.bytes = 0};

	while (ft_ctf_plain_next(&plain, &value)) {
		size_t bytes = value.bytes;

		if (value.op->code == FT_CTF_OP_STRING) {
			bytes = ft_ctf_string_bytes(value.text, value.bytes);
			plain.at += bytes + 1;
		}
		who_value(&value, bytes, who);
	}
}

void ft_who_get(struct ft_ctf_stream *s, struct ft_who *who)
{
	struct ft_ctf_cursor *c = &s->cursor;
	const char *comm = s->comm ? s->comm : s->trace->procname;
	struct ft_ctf_values values;
	struct ft_ctf_value value;

	*who = (struct ft_who){comm, comm ? strlen(comm) : 0, (int64_t)c->slots[FT_CTF_TID],
			       (int64_t)c->slots[FT_CTF_CPU], false};
	if (who->tid < 0)
		who->tid = s->trace->vpid;
	if (s->what != FT_CTF_EVENT || !c->stream->context.ops)
		return;
	if (c->stream->context.plain) {
		who_plain(c, who);
		return;
	}
	ft_ctf_values_at(c, &c->stream->context, c->context, &values);
	while (ft_ctf_value_next(&values, &value))
		who_value(&value, value.bytes, who);
}
