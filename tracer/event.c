/* SPDX-License-Identifier: MIT */
/*
 * event.c - the event table: call sites enter it at their first event.
 *
 * Entries form a list that only grows, at its end, by a CAS of the last one's `next` (event:W). Who
 * loses that CAS goes on from what was linked: it may be the same event. An entry that was prepared
 * and not linked is lost space. So registering is lock-free, also against a handler that does it in
 * the middle of ours.
 */
#include <string.h>
#include <unistd.h>

#include "fasttrace.h"
#include "ft-rules.h"
#include "ft-tracer.h"
#include "ft-tsan.h"

#define NAME_MAX_BYTES 255u
/* What found no room asks again once in so many events that are lost so: a tmpfs may be emptied. */
#define HOMELESS_RETRY 1024u

/* A name as it stands in the text of a site: not terminated, perhaps not valid. */
struct name {
	const char *text;
	uint32_t len;
};

/* A site, parsed. names: provider, event, fields. */
struct site {
	const struct fasttrace_event *event;
	unsigned nfields;
	struct name names[2 + FASTTRACE_MAX_FIELDS];
	uint32_t bytes; /* of an entry for it */
	uint32_t hash;	/* of its names, for that entry */
};

const uint32_t fasttrace_unregistered = FASTTRACE_UNREGISTERED;

/* Switches of sites that have no entry: off for good; and no room, an event counts as lost. */
static const uint32_t event_off;
static const uint32_t event_homeless = FASTTRACE_UNREGISTERED;

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Of an identifier; UTF-8 is left as it is. */
static bool is_word(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

/* Past a string or character literal that begins at its quote. */
static const char *skip_quoted(const char *p)
{
	char quote = *p++;

	while (*p && *p != quote)
		p += p[0] == '\\' && p[1] ? 2 : 1;
	return *p ? p + 1 : p;
}

/* Past R"delimiter( ... )delimiter", from its quote. */
static const char *skip_raw(const char *p)
{
	const char *delimiter = p + 1;
	size_t len = strcspn(delimiter, "(");

	for (p = delimiter + len; *p; p++)
		if (*p == ')' && !strncmp(p + 1, delimiter, len) && p[1 + len] == '"')
			return p + len + 2;
	return p;
}

/* No other word that ends in R, as PRIXPTR before a string does. */
static bool is_raw_prefix(const char *word, size_t len)
{
	static const char prefixes[][4] = {"R", "LR", "uR", "UR", "u8R"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (len == strlen(prefixes[i]) && !memcmp(word, prefixes[i], len))
			return true;
	return false;
}

/* Past a word: an identifier, a number (1'000'000 is one), a literal with its prefix. */
static const char *skip_word(const char *p)
{
	const char *word = p;
	bool number = is_digit(*p);

	while (is_word(*p) || (number && (*p == '.' || (*p == '\'' && is_word(p[1])))))
		p++;
	return *p == '"' && is_raw_prefix(word, (size_t)(p - word)) ? skip_raw(p) : p;
}

/* Up to the next `,` outside of any brackets, or the bracket that closes, or the end. */
static const char *skip_argument(const char *p)
{
	unsigned depth = 0;

	while (*p && (depth || (*p != ',' && *p != ')'))) {
		if (is_word(*p)) {
			p = skip_word(p);
			continue;
		}
		if (*p == '"' || *p == '\'') {
			p = skip_quoted(p);
			continue;
		}
		if (*p == '(' || *p == '[' || *p == '{')
			depth++;
		else if (depth && (*p == ')' || *p == ']' || *p == '}'))
			depth--;
		p++;
	}
	return p;
}

/* A name from `p` on. Return: what ended it. */
static const char *parse_name(const char *p, struct name *name)
{
	const char *end = skip_argument(p), *last = end;

	while (p < last && is_space(*p))
		p++;
	while (last > p && is_space(last[-1]))
		last--;
	name->text = p;
	name->len = (uint32_t)(last - p);
	if (name->len > NAME_MAX_BYTES)
		name->len = NAME_MAX_BYTES;
	return end;
}

/* The name of a field "(name, value...)". Return: past it and the comma that follows. */
static const char *parse_field(const char *p, struct name *name)
{
	while (is_space(*p))
		p++;
	if (*p == '(')
		p++;
	p = parse_name(p, name);
	while (*p && *p != ')')
		p = skip_argument(*p == ',' ? p + 1 : p);
	if (*p == ')')
		p++;
	while (is_space(*p) || *p == ',')
		p++;
	return p;
}

/* Names are identifiers; what is not becomes one. */
static char name_char(const struct name *name, uint32_t i)
{
	char c = name->text[i];

	return is_word(c) && !(i == 0 && is_digit(c)) ? c : '_';
}

/* FNV-1a, in the bits that an entry has for it. */
static uint32_t names_hash(const struct site *site)
{
	uint32_t hash = 2166136261u;

	for (unsigned i = 0; i < 2 + site->nfields; i++)
		for (uint32_t j = 0; j < site->names[i].len; j++)
			hash = (hash ^ (unsigned char)name_char(&site->names[i], j)) * 16777619u;
	return (hash ^ hash >> 24) & 0xffffff;
}

static void site_parse(struct site *site, const struct fasttrace_event *event)
{
	const char *p = event->text;

	site->event = event;
	site->nfields =
		event->nfields < FASTTRACE_MAX_FIELDS ? event->nfields : FASTTRACE_MAX_FIELDS;
	for (unsigned i = 0; i < 2; i++) {
		p = parse_name(p, &site->names[i]);
		if (*p == ',')
			p++;
	}
	for (unsigned i = 0; i < site->nfields; i++)
		p = parse_field(p, &site->names[2 + i]);
	site->bytes = sizeof(struct ft_event_entry);
	for (unsigned i = 0; i < 2 + site->nfields; i++)
		site->bytes += site->names[i].len + 1;
	site->hash = names_hash(site);
}

static bool name_is(const struct name *name, const char *s)
{
	for (uint32_t i = 0; i < name->len; i++)
		if (s[i] != name_char(name, i))
			return false;
	return !s[name->len];
}

static bool entry_is(const struct ft_event_entry *e, const struct site *site)
{
	const char *s = e->strings;

	if (e->hash != site->hash || e->size != site->bytes || e->level != site->event->level ||
	    e->kind != site->event->kind || e->nfields != site->nfields ||
	    e->provider_len != site->names[0].len || e->name_len != site->names[1].len ||
	    memcmp(e->types, site->event->types, sizeof(e->types)) != 0)
		return false;
	for (unsigned i = 0; i < 2 + site->nfields; i++) {
		if (!name_is(&site->names[i], s))
			return false;
		s += site->names[i].len + 1;
	}
	return true;
}

/* All but id and on, which depend on where it will stand. The space is zeroed. */
static void entry_fill(struct ft_event_entry *e, const struct site *site)
{
	char *s = e->strings;

	e->size = site->bytes;
	e->level = site->event->level;
	e->kind = site->event->kind;
	e->hash = site->hash & 0xffffff;
	e->nfields = (uint8_t)site->nfields;
	memcpy(e->types, site->event->types, sizeof(e->types));
	e->provider_len = (uint16_t)site->names[0].len;
	e->name_len = (uint16_t)site->names[1].len;
	for (unsigned i = 0; i < 2 + site->nfields; i++) {
		for (uint32_t j = 0; j < site->names[i].len; j++)
			*s++ = name_char(&site->names[i], j);
		*s++ = '\0';
	}
}

/*
 * Set the switch of an entry that is linked, as the rules say; whoever meets it unset may. If the
 * rules change from here on, who changes them finds the entry and sets it: that stands.
 */
static void entry_switch(struct ft_arena *a, struct ft_event_entry *e)
{
	struct ft_span provider = {e->strings, e->provider_len};
	struct ft_span name = {e->strings + e->provider_len + 1, e->name_len}, text;
	uint64_t rules;
	uint32_t on;

	if (ft_load_relaxed(&e->on) != FASTTRACE_UNREGISTERED)
		return;
	do {
		ft_fence_full();
		rules = ft_load_acquire(&a->rules); /* rules:R */
		text.text =
			(const char *)a + a->rules_offset + ft_rules_half(rules) * FT_RULES_BYTES;
		text.len = ft_rules_bytes(rules);
		ft_tsan_race(true);
		on = !(rules & FT_RULES_STOPPED) && ft_rules_on(text, provider, name) ? e->id : 0u;
		ft_tsan_race(false);
		ft_fence_full(); /* the text is that of these rules if they have not changed */
	} while (ft_load_relaxed(&a->rules) != rules);
	ft_cas(&e->on, FASTTRACE_UNREGISTERED, on);
	FASTTRACE_POINT(entry_switched);
}

/* The site's entry, found or added. NULL: there is no room for it. */
static struct ft_event_entry *entry_get(struct ft_arena *a, const struct site *site)
{
	struct ft_event_entry *fresh = NULL;
	uint32_t *link = &a->events_first, offset = 0, next, id = 1;

	for (;;) {
		next = ft_load_acquire(link); /* event:R */
		if (next) {
			struct ft_event_entry *e = (void *)((char *)a + next);

			if (entry_is(e, site))
				return e;
			id = e->id + 1u;
			link = &e->next;
			continue;
		}
		if (id > FT_MAX_EVENTS)
			return NULL;
		if (!fresh) {
			fresh = ft_process_event_space(site->bytes, &offset);
			if (!fresh)
				return NULL;
			entry_fill(fresh, site);
			FASTTRACE_POINT(entry_filled);
			continue; /* a handler may have come in between */
		}
		fresh->id = (uint16_t)id;
		fresh->on = FASTTRACE_UNREGISTERED;
		FASTTRACE_POINT(entry_numbered);
		if (ft_cas(link, 0, offset)) { /* event:W */
			FASTTRACE_POINT(entry_linked);
			ft_add_relaxed(&a->events_count, 1);
			FASTTRACE_POINT(entry_counted);
			return fresh;
		}
	}
}

static void complain_abi(void)
{
	static const char line[] =
		"fasttrace: a program or library was built with a <fasttrace.h> that this "
		"libfasttrace does not know; its events are not recorded\n";
	static bool told;

	if (__atomic_exchange_n(&told, true, __ATOMIC_RELAXED))
		return;
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		return; /* nowhere to complain to */
}

/* The switch that belongs to the event. */
static const uint32_t *event_enter(const struct fasttrace_event *event)
{
	struct ft_event_entry *e;
	struct ft_arena *a;
	struct site site;

	if (event->abi != FASTTRACE_ABI) {
		complain_abi();
		return &event_off;
	}
	a = ft_process_arena();
	if (!a && ft_process_off())
		return &event_off;
	if (!a) { /* not yet: the switch is our parent's memory, and it may have one */
		ft_process_lost(1);
		return &fasttrace_unregistered;
	}
	if (ft_load_relaxed(&event->on) != &event_homeless ||
	    ft_load_relaxed(&a->lost_no_event) % HOMELESS_RETRY == 0) {
		site_parse(&site, event);
		e = entry_get(a, &site);
		if (e) {
			entry_switch(a, e);
			return &e->on;
		}
	}
	ft_add_relaxed(&a->lost_no_event, 1);
	FASTTRACE_POINT(lost_homeless);
	/* Another thread may have room made for it. */
	return fasttrace_self->quiet ? &fasttrace_unregistered : &event_homeless;
}

uint32_t fasttrace_event_register(struct fasttrace_event *event)
{
	struct ft_cancel cancel = ft_cancel_hold(); /* no event is a cancellation point */
	int saved_errno = errno;
	const uint32_t *on;
	uint32_t id;

	on = event_enter(event);
	id = ft_load_relaxed(on);
	ft_store_release(&event->on, on); /* site:W */
	ft_cancel_restore(cancel);
	errno = saved_errno;
	return id == FASTTRACE_UNREGISTERED ? 0 : id;
}

/* Is a byte of x zero? Warren, Hacker's Delight, "Find First 0-Byte". Return: 0: none. */
static uint64_t zero_bytes(uint64_t x)
{
	return (x - UINT64_C(0x0101010101010101)) & ~x & UINT64_C(0x8080808080808080);
}

/* Another thread may change the text: what is looked at is what is stored. */
static uint64_t eight_load(const char *from)
{
	uint64_t x;

	memcpy(&x, from, sizeof(x));
	__asm__("" : "+r"(x));
	return x;
}

/* Copy 8 to 16 bytes, as two words that may overlap. Return: is there no zero in them? */
static bool words_copy(unsigned char *to, const char *text, size_t bytes)
{
	uint64_t first = eight_load(text), last = eight_load(text + bytes - 8);

	memcpy(to, &first, 8);
	memcpy(to + bytes - 8, &last, 8);
	return !(zero_bytes(first) | zero_bytes(last));
}

static bool short_copy(unsigned char *to, const char *text, size_t bytes)
{
	if (bytes - 8 <= 16 - 8)
		return words_copy(to, text, bytes);
	return bytes - 16 <= 32 - 16 && words_copy(to, text, 16) &&
	       words_copy(to + bytes - 16, text + bytes - 16, 16);
}

/* Of any length; a zero byte before its end has come since it was measured. */
__attribute__((noinline)) static void text_copy(char *to, const char *text, size_t bytes)
{
	const char *end = to + bytes;

	memcpy(to, text, bytes);
	while ((to = strchr(to, '\0')) != end)
		*to = '?';
}

void fasttrace_put_string(unsigned char *to, const char *text, size_t bytes)
{
	size_t length = bytes - 1;

	to[length] = '\0';
	if (!short_copy(to, text, length))
		text_copy((char *)to, text, length);
}
