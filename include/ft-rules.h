/* SPDX-License-Identifier: MIT */
/*
 * ft-rules.h - which events are on: FASTTRACE_EVENTS, and what was switched since.
 *
 * Rules are separated by commas or spaces. A rule is "provider:event", either of them a glob in
 * which * stands for any characters and ? for one; without a colon it is a provider's. "!rule"
 * turns off. The last rule that matches decides. Where none does: on if there is no rule, or the
 * first is a "!rule"; else off.
 */
#ifndef FT_RULES_H
#define FT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FT_RULES_ACCEPTED \
	"globs of PROVIDER:EVENT with * and ?, separated by commas, !GLOB to exclude"

/* A piece of text that no zero byte ends. */
struct ft_span {
	const char *text;
	size_t len;
};

/* By going back to the last star only: O(len * glob.len), no recursion. */
static inline bool ft_glob_match(struct ft_span glob, struct ft_span name)
{
	size_t g = 0, n = 0, star = SIZE_MAX, retry = 0;

	while (n < name.len) {
		if (g < glob.len && glob.text[g] == '*') {
			star = ++g;
			retry = n;
		} else if (g < glob.len && (glob.text[g] == '?' || glob.text[g] == name.text[n])) {
			g++;
			n++;
		} else if (star != SIZE_MAX) {
			g = star;
			n = ++retry;
		} else {
			return false;
		}
	}
	while (g < glob.len && glob.text[g] == '*')
		g++;
	return g == glob.len;
}

static inline bool ft_rules_gap(char c)
{
	return c == ',' || c == ' ' || (c >= '\t' && c <= '\r');
}

/** ft_rules_next() - the next rule, its "!" included. False: there is none. */
static inline bool ft_rules_next(struct ft_span *rules, struct ft_span *rule)
{
	while (rules->len && ft_rules_gap(*rules->text)) {
		rules->text++;
		rules->len--;
	}
	*rule = (struct ft_span){rules->text, 0};
	while (rules->len && !ft_rules_gap(*rules->text)) {
		rules->text++;
		rules->len--;
		rule->len++;
	}
	return rule->len != 0;
}

static inline bool ft_rule_match(struct ft_span rule, struct ft_span provider, struct ft_span event)
{
	const char *colon = memchr(rule.text, ':', rule.len);
	struct ft_span left = rule, right = {"*", 1};

	if (colon) {
		left.len = (size_t)(colon - rule.text);
		right = (struct ft_span){colon + 1, rule.len - left.len - 1};
	}
	return ft_glob_match(left, provider) && ft_glob_match(right, event);
}

/** ft_rules_on() - is the event on? */
static inline bool ft_rules_on(struct ft_span rules, struct ft_span provider, struct ft_span event)
{
	bool on = true, first = true;
	struct ft_span rule;

	while (ft_rules_next(&rules, &rule)) {
		bool excludes = *rule.text == '!';

		if (first)
			on = excludes;
		first = false;
		rule.text += excludes;
		rule.len -= excludes;
		if (ft_rule_match(rule, provider, event))
			on = !excludes;
	}
	return on;
}

/** ft_rules_valid() - globs of names, with one colon at most? Names are UTF-8 identifiers. */
static inline bool ft_rules_valid(struct ft_span rules)
{
	struct ft_span rule;

	while (ft_rules_next(&rules, &rule)) {
		unsigned colons = 0;

		if (*rule.text == '!') {
			rule.text++;
			rule.len--;
		}
		for (size_t i = 0; i < rule.len; i++) {
			char c = rule.text[i];
			bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				    (c >= '0' && c <= '9') || c == '_' || (unsigned char)c >= 0x80;

			colons += c == ':';
			if (!word && c != '*' && c != '?' && c != ':')
				return false;
		}
		if (!rule.len || colons > 1)
			return false;
	}
	return true;
}

/* struct ft_arena.rules: { stopped:1, generation:31, half:1, bytes:31 } */
#define FT_RULES_STOPPED (UINT64_C(1) << 63)

/** ft_rules_word() - another text; tracing goes on, or does not, as before. */
static inline uint64_t ft_rules_word(uint64_t before, unsigned half, uint64_t bytes)
{
	uint64_t generation = ((before >> 32) + 1) & 0x7fffffff;

	return (before & FT_RULES_STOPPED) | generation << 32 | (uint64_t)half << 31 | bytes;
}

static inline unsigned ft_rules_half(uint64_t word)
{
	return word >> 31 & 1;
}

static inline uint64_t ft_rules_bytes(uint64_t word)
{
	return word & 0x7fffffff;
}

/** ft_rules_stop() - the same text, and all events off whatever it says; or as it says again. */
static inline uint64_t ft_rules_stop(uint64_t before, bool stopped)
{
	uint64_t word = ft_rules_word(before, ft_rules_half(before), ft_rules_bytes(before));

	return stopped ? word | FT_RULES_STOPPED : word & ~FT_RULES_STOPPED;
}

#endif
