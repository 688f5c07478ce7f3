/* SPDX-License-Identifier: MIT */
/*
 * events.c - what events there are, which are on, and turning them on and off.
 *
 * A switch is a new last rule (ft-rules.h). Rules that it makes useless are dropped, so the text
 * grows with the events switched and not with the times they are. While tracing is stopped, rules
 * alone are changed, and they alone say what is on.
 */
#include <fcntl.h>
#include <glib.h>
#include <limits.h>
#include <string.h>

#include "ft-rules.h"
#include "ft-walk.h"

static const char *const type_names[][2] = {
	[FASTTRACE_TYPE_I8] = {"i8", "i8[]"},
	[FASTTRACE_TYPE_I16] = {"i16", "i16[]"},
	[FASTTRACE_TYPE_I32] = {"i32", "i32[]"},
	[FASTTRACE_TYPE_I64] = {"i64", "i64[]"},
	[FASTTRACE_TYPE_U8] = {"u8", "u8[]"},
	[FASTTRACE_TYPE_U16] = {"u16", "u16[]"},
	[FASTTRACE_TYPE_U32] = {"u32", "u32[]"},
	[FASTTRACE_TYPE_U64] = {"u64", "u64[]"},
	[FASTTRACE_TYPE_BOOL] = {"bool", "bool[]"},
	[FASTTRACE_TYPE_CHAR] = {"char"},
	[FASTTRACE_TYPE_FLOAT] = {"float", "float[]"},
	[FASTTRACE_TYPE_DOUBLE] = {"double", "double[]"},
	[FASTTRACE_TYPE_STRING] = {"string"},
	[FASTTRACE_TYPE_POINTER] = {"pointer"},
	[FASTTRACE_TYPE_HEX8] = {"hex8", "hex8[]"},
	[FASTTRACE_TYPE_HEX16] = {"hex16", "hex16[]"},
	[FASTTRACE_TYPE_HEX32] = {"hex32", "hex32[]"},
	[FASTTRACE_TYPE_HEX64] = {"hex64", "hex64[]"},
};

int fasttrace_arena_events(struct fasttrace_arena *a)
{
	int err = a->broken ? -EPROTO : ft_classes_refresh(a);

	return err ? err : (int)a->nclasses;
}

/* The entry's switch, which the process writes as well. */
static uint32_t *class_switch(const struct fasttrace_arena *a, const struct ft_event_class *c)
{
	return &((struct ft_event_entry *)(void *)(a->map + c->offset))->on;
}

static const char *class_event(const struct ft_event_class *c)
{
	return c->names + strlen(c->names) + 1;
}

/* As the tracer makes them: identifiers, which may be UTF-8. */
static bool is_name(const char *s)
{
	size_t len = strlen(s);

	if (!len || len > NAME_MAX || g_ascii_isdigit(*s))
		return false;
	for (; *s; s++)
		if (!g_ascii_isalnum(*s) && *s != '_' && (unsigned char)*s < 0x80)
			return false;
	return true;
}

static struct ft_span span_of(const GString *s)
{
	return (struct ft_span){s->str, s->len};
}

/* What the rules are; none, if what stands there are no rules. Kept until they change. */
static struct ft_span rules_read(struct fasttrace_arena *a)
{
	uint64_t word = ft_load_acquire(&a->shared->rules), bytes = ft_rules_bytes(word);
	const unsigned char *half = a->map + a->rules_offset + ft_rules_half(word) * FT_RULES_BYTES;

	if (!a->rules || a->rules_word != word) {
		g_free(a->rules);
		a->rules_bytes = bytes <= FT_RULES_BYTES ? bytes : 0;
		a->rules = g_malloc(a->rules_bytes + 1);
		memcpy(a->rules, half, a->rules_bytes);
		a->rules_word = word;
		if (!ft_rules_valid((struct ft_span){a->rules, a->rules_bytes}))
			a->rules_bytes = 0;
	}
	return (struct ft_span){a->rules, a->rules_bytes};
}

static bool stopped(const struct fasttrace_arena *a)
{
	return ft_load_relaxed(&a->shared->rules) & FT_RULES_STOPPED; /* nothing hangs on it */
}

/* What the rules say of a class. */
static bool class_ruled_on(struct fasttrace_arena *a, const struct ft_event_class *c)
{
	const char *event = class_event(c);

	return ft_rules_on(rules_read(a), (struct ft_span){c->names, strlen(c->names)},
			   (struct ft_span){event, strlen(event)});
}

/* Or will be, once tracing is started. A marker has no switch. */
static bool class_is_on(struct fasttrace_arena *a, const struct ft_event_class *c)
{
	if (c->kind == FASTTRACE_KIND_MARKER)
		return true;
	return stopped(a) ? class_ruled_on(a, c) : ft_load_relaxed(class_switch(a, c)) != 0;
}

int fasttrace_event_get_info(struct fasttrace_arena *a, unsigned id,
			     struct fasttrace_event_info *info)
{
	const struct ft_event_class *c;
	const char *name;

	if (!id || id > a->nclasses)
		return -ENOENT;
	c = &a->classes[id - 1];
	name = class_event(c);
	*info = (struct fasttrace_event_info){
		.id = id,
		.provider = c->names,
		.name = name,
		.kind = (enum fasttrace_event_kind)c->kind,
		.level = c->level,
		.on = class_is_on(a, c),
		.nfields = c->nfields,
	};
	for (unsigned i = 0; i < c->nfields; i++) {
		unsigned base = c->types[i] & ~FASTTRACE_TYPE_ARRAY;

		name += strlen(name) + 1;
		info->field[i].name = *name ? name : "field";
		info->field[i].type = type_names[base][base != c->types[i]];
		info->field[i].bytes = ft_type_bytes(base);
	}
	return 0;
}

/* Are events on that no rule matches? */
static bool rules_default(struct ft_span rules)
{
	struct ft_span first;

	return !ft_rules_next(&rules, &first) || *first.text == '!';
}

/* Does the rule match nothing but what `pattern` does, "provider" or "provider:event"? */
static bool rule_covered(struct ft_span rule, const char *pattern)
{
	size_t len = strlen(pattern);

	if (*rule.text == '!') {
		rule.text++;
		rule.len--;
	}
	return rule.len >= len && !memcmp(rule.text, pattern, len) &&
	       (rule.len == len || rule.text[len] == ':');
}

/* The old rules, less those that the new one makes useless, and the new one. */
static GString *rules_add(struct ft_span old, const char *provider, const char *event, bool on)
{
	char *pattern = event ? g_strconcat(provider, ":", event, NULL)
			      : g_strdup(provider ? provider : "*");
	GString *s = g_string_new(NULL);
	bool otherwise = rules_default(old);
	struct ft_span rule;

	while (provider && ft_rules_next(&old, &rule)) {
		if (rule_covered(rule, pattern))
			continue;
		g_string_append_len(s, rule.text, (gssize)rule.len);
		g_string_append_c(s, ',');
	}
	g_string_append_printf(s, "%s%s", on ? "" : "!", pattern);
	/* Which rule is the first may have changed, and with it what it says of all others. */
	if (provider && rules_default(span_of(s)) != otherwise)
		g_string_prepend(s, otherwise ? "*," : "!*,");
	g_free(pattern);
	return s;
}

static int word_publish(struct fasttrace_arena *a, uint64_t before, uint64_t word)
{
	if (!ft_cas(&a->shared->rules, before, word)) /* rules:W */
		return -EPROTO;			      /* nobody but us writes it */
	FASTTRACE_POINT(rules_published);
	ft_fence_full(); /* rules:W, then the entries: ft-layout.h, SWITCHES */
	return 0;
}

static int rules_publish(struct fasttrace_arena *a, uint64_t before, const GString *text)
{
	unsigned half = !ft_rules_half(before);
	uint64_t offset = a->rules_offset + half * FT_RULES_BYTES;
	int err = ft_arena_back(a, offset, text->len);

	if (err)
		return err;
	FASTTRACE_POINT(rules_backed);
	memcpy(a->map + offset, text->str, text->len);
	FASTTRACE_POINT(rules_written);
	return word_publish(a, before, ft_rules_word(before, half, text->len));
}

static int rules_remember(struct fasttrace_arena *a, const char *provider, const char *event,
			  bool on)
{
	GString *text = rules_add(rules_read(a), provider, event, on);
	int err = 0;

	if (text->len <= FT_RULES_BYTES)
		err = rules_publish(a, a->rules_word, text);
	else if (stopped(a))
		err = -ENOSPC; /* there is nothing else to remember it by */
	g_string_free(text, TRUE);
	return err;
}

static void switch_set(struct fasttrace_arena *a, unsigned i, bool on)
{
	ft_store_relaxed(class_switch(a, &a->classes[i]), on ? i + 1 : 0);
	FASTTRACE_POINT(event_switched);
}

int fasttrace_events_switch(struct fasttrace_arena *a, const char *provider, const char *event,
			    bool on)
{
	int err;

	if ((event && !provider) || (provider && !is_name(provider)) || (event && !is_name(event)))
		return -EINVAL;
	if (!a->consumer)
		return -EBUSY;
	if (a->broken)
		return -EPROTO;
	err = rules_remember(a, provider, event, on);
	if (err)
		return err;
	err = ft_classes_refresh(a);
	for (unsigned i = 0; !stopped(a) && i < a->nclasses; i++) {
		const struct ft_event_class *c = &a->classes[i];

		/* The last rule decides, and for these it is the new one. */
		if ((!provider || !strcmp(provider, c->names)) &&
		    (!event || !strcmp(event, class_event(c))))
			switch_set(a, i, on);
	}
	return err;
}

bool fasttrace_tracing_is_on(const struct fasttrace_arena *a)
{
	return !stopped(a);
}

/* Every switch from class `from` on, by the rules or off. */
static int switches_set(struct fasttrace_arena *a, unsigned from, bool on)
{
	int err = ft_classes_refresh(a);

	for (unsigned i = from; i < a->nclasses; i++)
		switch_set(a, i, on && class_ruled_on(a, &a->classes[i]));
	return err;
}

void ft_tracing_align(struct fasttrace_arena *a)
{
	if (stopped(a))
		switches_set(a, 0, false);
}

static int stopped_publish(struct fasttrace_arena *a, bool stop)
{
	uint64_t before = ft_load_acquire(&a->shared->rules);

	return word_publish(a, before, ft_rules_stop(before, stop));
}

/* The entries first: should we die in between, it is stopped still, and our successor sees to it. */
static int tracing_start(struct fasttrace_arena *a)
{
	int err = switches_set(a, 0, true);
	unsigned done = a->nclasses;

	return stopped_publish(a, false) ? -EPROTO : err ? err : switches_set(a, done, true);
}

int fasttrace_tracing_switch(struct fasttrace_arena *a, bool on)
{
	int err;

	if (!a->consumer)
		return -EBUSY;
	if (a->broken)
		return -EPROTO;
	if (on) /* started already: there may be switches that no rule remembers */
		return stopped(a) ? tracing_start(a) : 0;
	err = stopped_publish(a, true);
	return err ? err : switches_set(a, 0, false);
}
