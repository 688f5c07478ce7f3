/* SPDX-License-Identifier: MIT */
/*
 * events.c - what events there are, which are on, and turning them on and off.
 *
 * A switch is a new last rule (ft-rules.h). Rules that it makes useless are dropped, so the text
 * grows with the events switched and not with the times they are.
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
		.on = ft_load_relaxed(class_switch(a, c)) != 0,
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

/* What the rules are; none, if what stands there are no rules. */
static GString *rules_read(const struct fasttrace_arena *a, uint64_t word)
{
	uint64_t bytes = ft_rules_bytes(word);
	const unsigned char *half = a->map + a->rules_offset + ft_rules_half(word) * FT_RULES_BYTES;
	GString *s = g_string_new(NULL);

	if (bytes <= FT_RULES_BYTES)
		g_string_append_len(s, (const char *)half, (gssize)bytes);
	if (!ft_rules_valid(span_of(s)))
		g_string_truncate(s, 0);
	return s;
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

static int rules_publish(struct fasttrace_arena *a, uint64_t before, const GString *text)
{
	unsigned half = !ft_rules_half(before);
	uint64_t offset = a->rules_offset + half * FT_RULES_BYTES;

	/* The file is sparse: a full tmpfs is an error here, and would be SIGBUS at the store. */
	while (fallocate(a->fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)text->len))
		if (errno != EINTR)
			return -errno;
	FASTTRACE_POINT(rules_backed);
	memcpy(a->map + offset, text->str, text->len);
	FASTTRACE_POINT(rules_written);
	if (!ft_cas(&a->shared->rules, before, ft_rules_word(before, half, text->len)))
		return -EPROTO; /* rules:W. Nobody but us writes it */
	FASTTRACE_POINT(rules_published);
	return 0;
}

static int rules_remember(struct fasttrace_arena *a, const char *provider, const char *event,
			  bool on)
{
	uint64_t before = ft_load_acquire(&a->shared->rules);
	GString *old = rules_read(a, before), *text = rules_add(span_of(old), provider, event, on);
	int err = text->len <= FT_RULES_BYTES ? rules_publish(a, before, text) : 0;

	g_string_free(old, TRUE);
	g_string_free(text, TRUE);
	return err;
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
	ft_fence_full(); /* rules:W, then the entries: ft-layout.h, SWITCHES */
	err = ft_classes_refresh(a);
	for (unsigned i = 0; i < a->nclasses; i++) {
		const struct ft_event_class *c = &a->classes[i];

		/* The last rule decides, and for these it is the new one. */
		if ((!provider || !strcmp(provider, c->names)) &&
		    (!event || !strcmp(event, class_event(c)))) {
			ft_store_relaxed(class_switch(a, c), on ? i + 1 : 0);
			FASTTRACE_POINT(event_switched);
		}
	}
	return err;
}
