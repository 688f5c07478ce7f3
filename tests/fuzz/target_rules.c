/* SPDX-License-Identifier: MIT */
/*
 * target_rules.c - texts from outside that the tracer and the reader parse: rules of events, which
 * stand in an arena and in FASTTRACE_EVENTS, and the rest of the environment.
 *
 * The input is strings, each ended by a zero. The first byte of the first one tells what of.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common_check.h"
#include "common_input.h"
#include "environment.h"
#include "ft-rules.h"
#include "ft-tracer.h"

#define ENVIRONMENT '='
#define MAX_NAME    255

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Up to the next zero, or the end. */
static struct ft_span string_read(struct input *in)
{
	struct ft_span s = {(const char *)in->data, 0};

	while (s.len < in->size && in->data[s.len])
		s.len++;
	input_take(in, s.len + 1);
	return s;
}

/* Does the glob match? Told by a table of all pairs of beginnings: slow, and plainly right. */
static bool glob_slowly(struct ft_span glob, struct ft_span name)
{
	static bool fits[2][MAX_NAME + 1];
	bool *before = fits[0], *now = fits[1], *swap;

	memset(fits, 0, sizeof(fits));
	before[0] = true;
	for (size_t g = 0; g < glob.len; g++) {
		char c = glob.text[g];

		now[0] = before[0] && c == '*';
		for (size_t n = 1; n <= name.len; n++)
			now[n] = c == '*' ? before[n] || now[n - 1]
					  : before[n - 1] && (c == '?' || c == name.text[n - 1]);
		swap = before;
		before = now;
		now = swap;
	}
	return before[name.len];
}

static void rules_check(struct ft_span rules, struct ft_span provider, struct ft_span event)
{
	bool on = true, first = true;
	struct ft_span rule;

	if (provider.len > MAX_NAME || event.len > MAX_NAME)
		return;
	for (struct ft_span rest = rules; ft_rules_next(&rest, &rule); first = false) {
		struct ft_span left = rule, right = {"*", 1};
		bool excludes = *rule.text == '!';
		size_t skip = excludes, colon = skip;

		while (colon < rule.len && rule.text[colon] != ':')
			colon++;
		left = (struct ft_span){rule.text + skip, colon - skip};
		if (colon < rule.len)
			right = (struct ft_span){rule.text + colon + 1, rule.len - colon - 1};
		if (first)
			on = excludes;
		if (glob_slowly(left, provider) && glob_slowly(right, event))
			on = !excludes;
	}
	CHECK(ft_rules_on(rules, provider, event) == on);
}

/* Of valid rules each is a name's glob, so that they can be put together anew. */
static void valid_check(struct ft_span rules)
{
	if (!ft_rules_valid(rules))
		return;
	for (size_t i = 0; i < rules.len; i++)
		CHECK((unsigned char)rules.text[i] >= ' ' || ft_rules_gap(rules.text[i]));
	CHECK(!memchr(rules.text, '/', rules.len) && !memchr(rules.text, '\\', rules.len));
}

static bool power(uint64_t n)
{
	return n && !(n & (n - 1));
}

static void config_check(void)
{
	static struct ft_config c;
	int saved = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDERR_FILENO); /* what it says of bad values */
	ft_config_get(&c);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(null);
	CHECK(c.mode <= FT_BLOCK);
	CHECK(power(c.subbuf_bytes) && c.subbuf_bytes >= FT_MIN_SUBBUF);
	CHECK(c.subbuf_bytes <= FT_MAX_SUBBUF);
	CHECK(power(c.subbufs) && c.subbufs >= FT_MIN_SUBBUFS && c.subbufs <= FT_MAX_SUBBUFS);
	CHECK(c.max_bytes >= 65536 && c.max_bytes <= UINT64_C(1) << 40);
	CHECK(memchr(c.dir, '\0', sizeof(c.dir)) && memchr(c.mount, '\0', sizeof(c.mount)));
	CHECK(c.off || *c.dir == '/');
	CHECK(!*c.mount || *c.mount == '/');
	CHECK(memchr(c.events, '\0', sizeof(c.events)));
	CHECK(ft_rules_valid((struct ft_span){c.events, strlen(c.events)}));
}

static void environment_set(struct input *in)
{
	for (size_t i = 0; i < ENVIRONMENT_NAMES; i++) {
		struct ft_span s = string_read(in);
		char *value = strndup(s.text, s.len);

		setenv(environment_names[i], value, 1);
		free(value);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct ft_span rules, provider, event;

	if (!size)
		return 0;
	if (*data == ENVIRONMENT) {
		input_u8(&in);
		environment_set(&in);
		config_check();
		return 0;
	}
	rules = string_read(&in);
	provider = string_read(&in);
	event = string_read(&in);
	valid_check(rules);
	rules_check(rules, provider, event);
	return 0;
}
