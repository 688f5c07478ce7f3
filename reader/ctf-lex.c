/* SPDX-License-Identifier: MIT */
/*
 * ctf-lex.c - the words of TSDL, CTF 1.8's language of types.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ft-ctf-parse.h"

static bool G_GNUC_PRINTF(3, 0)
	fail_at(struct ft_ctf_parser *p, const char *at, const char *format, va_list args)
{
	char *what, *shown;

	p->token = FT_CTF_EOF;
	if (p->error)
		return false;
	what = g_strdup_vprintf(format, args);
	/* Words of the file stand in it: they may not surprise a terminal. */
	shown = g_strescape(what, "\"'");
	ft_ctf_error(p->meta, p->name, (size_t)(at - p->meta->text), shown, &p->error);
	g_free(what);
	g_free(shown);
	return false;
}

bool ft_ctf_fail(struct ft_ctf_parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_at(p, p->before, format, args);
	va_end(args);
	return false;
}

/* Of the token that is looked at, or that does not become one. */
static bool G_GNUC_PRINTF(2, 3) fail_here(struct ft_ctf_parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fail_at(p, p->from, format, args);
	va_end(args);
	return false;
}

bool ft_ctf_expected(struct ft_ctf_parser *p, const char *what)
{
	if (p->token == FT_CTF_EOF)
		return fail_here(p, "the end of the metadata: expected %s", what);
	if (p->token == FT_CTF_NUMBER)
		return fail_here(p, "%" G_GUINT64_FORMAT ": expected %s", p->number, what);
	return fail_here(p, "'%.60s': expected %s", p->word, what);
}

static bool space_skip(struct ft_ctf_parser *p)
{
	const char *end;

	if (g_ascii_isspace(*p->at)) {
		p->at++;
		return true;
	}
	if (*p->at != '/' || p->at + 1 >= p->end)
		return false;
	if (p->at[1] == '/') {
		end = memchr(p->at, '\n', (size_t)(p->end - p->at));
		p->at = end ? end : p->end;
		return true;
	}
	if (p->at[1] != '*')
		return false;
	end = g_strstr_len(p->at + 2, p->end - p->at - 2, "*/");
	p->from = p->at;
	if (!end)
		return fail_here(p, "this comment does not end: expected \"*/\"");
	p->at = end + 2;
	return true;
}

static void word_set(struct ft_ctf_parser *p, enum ft_ctf_token token, const char *from, size_t n)
{
	g_free(p->word);
	p->word = g_strndup(from, n);
	p->token = token;
}

static void lex_number(struct ft_ctf_parser *p)
{
	char digits[70], *end;
	size_t n = 0;

	while (p->at + n < p->end && n < sizeof(digits) - 1 && g_ascii_isalnum(p->at[n])) {
		digits[n] = p->at[n];
		n++;
	}
	digits[n] = 0;
	errno = 0;
	p->number = strtoull(digits, &end, 0);
	end += strspn(end, "uUlL");
	word_set(p, FT_CTF_NUMBER, p->at, n);
	p->at += n;
	if (*end || errno)
		fail_here(p, "'%s': expected a number of at most 64 bits", digits);
}

/* Of an escape at `at`: the character it means. */
static char lex_escape(struct ft_ctf_parser *p)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	const char *known = strchr(from, *p->at);
	unsigned value = 0;

	if (*p->at >= '0' && *p->at <= '7') {
		for (int i = 0; i < 3 && p->at < p->end && *p->at >= '0' && *p->at <= '7'; i++)
			value = value * 8 + (unsigned)(*p->at++ - '0');
		return (char)value;
	}
	if (*p->at == 'x') {
		for (p->at++; p->at < p->end && g_ascii_isxdigit(*p->at); p->at++)
			value = value * 16 + (unsigned)g_ascii_xdigit_value(*p->at);
		return (char)value;
	}
	p->at++;
	return known && *known ? to[known - from] : p->at[-1];
}

static void lex_quoted(struct ft_ctf_parser *p, char quote)
{
	GString *s = g_string_new(NULL);

	for (p->at++; p->at < p->end && *p->at != quote && *p->at != '\n';) {
		if (*p->at == '\\' && p->at + 1 < p->end) {
			p->at++;
			g_string_append_c(s, lex_escape(p));
		} else {
			g_string_append_c(s, *p->at++);
		}
	}
	g_free(p->word);
	p->word = g_string_free(s, FALSE);
	p->token = FT_CTF_QUOTED;
	if (p->at >= p->end || *p->at != quote)
		fail_here(p, "this string does not end: expected %c", quote);
	else
		p->at++;
}

static size_t sign_bytes(const struct ft_ctf_parser *p)
{
	size_t left = (size_t)(p->end - p->at);

	if (left >= 3 && !memcmp(p->at, "...", 3))
		return 3;
	if (left >= 2 && (!memcmp(p->at, ":=", 2) || !memcmp(p->at, "->", 2)))
		return 2;
	return 1;
}

void ft_ctf_lex(struct ft_ctf_parser *p)
{
	size_t n = 0;

	p->before = p->from;
	while (!p->error && p->at < p->end && space_skip(p))
		;
	if (!p->error)
		p->from = p->at;
	if (p->error || p->at >= p->end) {
		p->token = FT_CTF_EOF;
		return;
	}
	if (g_ascii_isdigit(*p->at)) {
		lex_number(p);
		return;
	}
	if (*p->at == '"' || *p->at == '\'') {
		lex_quoted(p, *p->at);
		return;
	}
	while (p->at + n < p->end && (g_ascii_isalnum(p->at[n]) || p->at[n] == '_'))
		n++;
	word_set(p, n ? FT_CTF_WORD : FT_CTF_SIGN, p->at, n ? n : sign_bytes(p));
	p->at += strlen(p->word) ? strlen(p->word) : 1;
}

bool ft_ctf_is(const struct ft_ctf_parser *p, const char *word)
{
	return (p->token == FT_CTF_WORD || p->token == FT_CTF_SIGN) && !strcmp(p->word, word);
}

bool ft_ctf_accept(struct ft_ctf_parser *p, const char *word)
{
	if (!ft_ctf_is(p, word))
		return false;
	ft_ctf_lex(p);
	return !p->error;
}

bool ft_ctf_want(struct ft_ctf_parser *p, const char *word)
{
	char what[16];

	if (ft_ctf_accept(p, word))
		return true;
	g_snprintf(what, sizeof(what), "\"%s\"", word);
	return ft_ctf_expected(p, what);
}

bool ft_ctf_integer(struct ft_ctf_parser *p, uint64_t *value)
{
	bool negative = ft_ctf_accept(p, "-");

	if (!negative)
		ft_ctf_accept(p, "+");
	if (p->token != FT_CTF_NUMBER)
		return ft_ctf_expected(p, "a number");
	*value = negative ? -p->number : p->number;
	ft_ctf_lex(p);
	return !p->error;
}

const char *ft_ctf_path(struct ft_ctf_parser *p)
{
	GString *s = g_string_new(NULL);
	const char *path;

	do {
		if (p->token != FT_CTF_WORD) {
			ft_ctf_expected(p, "a name");
			break;
		}
		if (s->len)
			g_string_append_c(s, '.');
		g_string_append(s, p->word);
		ft_ctf_lex(p);
	} while (ft_ctf_accept(p, "."));
	path = p->error ? NULL : g_string_chunk_insert(p->meta->strings, s->str);
	g_string_free(s, TRUE);
	return path;
}
