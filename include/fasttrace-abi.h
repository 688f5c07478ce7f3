/* SPDX-License-Identifier: MIT */
/*
 * fasttrace-abi.h - what the inlined event path shares with libfasttrace.
 *
 * Every program built with <fasttrace.h> has this layout compiled in; FASTTRACE_ABI changes when
 * it does, and the library refuses a descriptor of another ABI. Users include <fasttrace.h>.
 *
 * The protocol these words obey is written down once, in ft-layout.h; labels such as
 * "reserve:R" below refer to its tables.
 */
#ifndef FASTTRACE_ABI_H
#define FASTTRACE_ABI_H

#include <stddef.h>
#include <stdint.h>

#define FASTTRACE_ABI	       3
#define FASTTRACE_HEADER_BYTES 88u /* CTF packet header and context, filled in by the reader */
#define FASTTRACE_HEADER_UNITS (FASTTRACE_HEADER_BYTES / 8u)
#define FASTTRACE_MAX_FIELDS   16u
#define FASTTRACE_STEP_BITS    46 /* a gap of 2^46 ticks, or a step back, closes a sub-buffer */

#define FASTTRACE_API  __attribute__((visibility("default")))
#define FASTTRACE_COLD __attribute__((visibility("default"), cold, noinline))

/* Not static: an inline function of C99 with external linkage may use it. Never emitted by itself.
 */
#ifdef __cplusplus
#define FASTTRACE_INLINE inline __attribute__((always_inline, unused, visibility("hidden")))
#else
#define FASTTRACE_INLINE extern inline __attribute__((always_inline, gnu_inline, unused))
#endif

#ifdef __has_feature
#define FASTTRACE_FEATURE_(x) __has_feature(x)
#else
#define FASTTRACE_FEATURE_(x) 0
#endif

#define FASTTRACE_LIKELY(x)   __builtin_expect(!!(x), 1)
#define FASTTRACE_UNLIKELY(x) __builtin_expect(!!(x), 0)

/*
 * A label behind a step that another process can see the effect of: nothing, unless a test gave it
 * a meaning before, to kill the process just there.
 */
#ifndef FASTTRACE_POINT
#define FASTTRACE_POINT(name) ((void)0)
#endif

/*
 * Hidden, so that a site in an inline function or a template belongs to the library that it stands
 * in: one that is unique in the process would keep that library loaded for ever.
 */
#ifdef __cplusplus
#define FASTTRACE_SITE_TYPE __attribute__((visibility("hidden")))
#else
#define FASTTRACE_SITE_TYPE
#endif

#ifdef __cplusplus
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast" /* here and there it is C */
extern "C" {
#endif

/* Field types as they stand in the event table. The value is part of the ABI. */
enum fasttrace_type {
	FASTTRACE_TYPE_NONE = 0,
	FASTTRACE_TYPE_I8 = 1,
	FASTTRACE_TYPE_I16 = 2,
	FASTTRACE_TYPE_I32 = 3,
	FASTTRACE_TYPE_I64 = 4,
	FASTTRACE_TYPE_U8 = 5,
	FASTTRACE_TYPE_U16 = 6,
	FASTTRACE_TYPE_U32 = 7,
	FASTTRACE_TYPE_U64 = 8,
	FASTTRACE_TYPE_BOOL = 9,     /* one byte, 0 or 1 */
	FASTTRACE_TYPE_CHAR = 10,    /* one byte, shown as a character */
	FASTTRACE_TYPE_FLOAT = 11,   /* IEEE 754 binary32 */
	FASTTRACE_TYPE_DOUBLE = 12,  /* IEEE 754 binary64; long double is stored so */
	FASTTRACE_TYPE_STRING = 13,  /* UTF-8, ends with a zero byte */
	FASTTRACE_TYPE_POINTER = 14, /* u64 shown in base 16 */
	FASTTRACE_TYPE_HEX8 = 15,    /* unsigned, shown in base 16: in this order */
	FASTTRACE_TYPE_HEX16 = 16,
	FASTTRACE_TYPE_HEX32 = 17,
	FASTTRACE_TYPE_HEX64 = 18
};

/* With one of the types of fixed size: u32 count, then so many elements, not aligned. */
#define FASTTRACE_TYPE_ARRAY 0x40u

/* The level of an event: the names and the order of syslog(3). */
enum fasttrace_level {
	FASTTRACE_EMERG = 0,
	FASTTRACE_ALERT = 1,
	FASTTRACE_CRIT = 2,
	FASTTRACE_ERR = 3,
	FASTTRACE_WARNING = 4,
	FASTTRACE_NOTICE = 5,
	FASTTRACE_INFO = 6,
	FASTTRACE_DEBUG = 7
};

/* What an event says of time. The same name may be used with each. The value is part of the ABI. */
enum fasttrace_kind {
	FASTTRACE_KIND_EVENT = 0,
	FASTTRACE_KIND_BEGIN = 1,   /* of a span, that an END of its thread ends */
	FASTTRACE_KIND_END = 2,	    /* of the innermost span of this name in its thread */
	FASTTRACE_KIND_COUNTER = 3, /* one field, `value`: what it is from now on */
	FASTTRACE_KIND_GUARD = 4,   /* is never recorded: a switch to look at */
	FASTTRACE_KIND_MARKER = 5   /* of no call site: what was written into the mount's marker */
};

/*
 * One call site. Static storage, one per expansion of FASTTRACE(); constant but for `on`.
 *
 * @on:    points at the event's switch: its id while it is on, 0 while it is off. Until the site is
 *         registered that is fasttrace_unregistered; then it is the event's entry in the arena,
 *         which the mount writes.
 * @text:  the macro's arguments as written: "provider, event, (name, value), ...". Names are taken
 *         from here, so that an event or field may be called `errno`, `new` or `linux`.
 * @kind:  enum fasttrace_kind.
 * @types: one enum fasttrace_type per field, perhaps with FASTTRACE_TYPE_ARRAY.
 */
struct FASTTRACE_SITE_TYPE fasttrace_event {
	const uint32_t *on;
	const char *text;
	uint8_t abi;
	uint8_t level;
	uint8_t nfields;
	uint8_t kind;
	uint8_t types[FASTTRACE_MAX_FIELDS];
};

/*
 * One place in the ring. Shared with the reader; 64 bytes, a cache line.
 *
 * word and committed have one layout, low bits first: units (of 8 bytes, `unit_bits` wide), count
 * of events (`unit_bits` wide), closed (1 bit, always 0 in committed), sequence number (the rest).
 */
struct fasttrace_slot {
	uint64_t word;	    /* reserved so far */
	uint64_t committed; /* all bytes before it are written */
	uint64_t page;	    /* { seq:47, taken:1, page index:16 } */
	uint64_t anchor;    /* { seq:40, time of the first event >> 40 : 24 } */
	uint64_t begun;	    /* events recorded in this ring before this sub-buffer */
	uint64_t lost;	    /* events lost in this ring before this sub-buffer was opened */
	uint64_t unused[2];
};

/* A ring as one side maps it. Private memory of that side, checked before it is filled in. */
struct fasttrace_ring {
	struct fasttrace_slot *slots; /* NULL: none, take the slow path */
	unsigned char *pages;
	uint64_t mask;	    /* slots - 1 */
	uint32_t units;	    /* of 8 bytes, in a sub-buffer */
	uint8_t unit_bits;  /* width of units and of count in word: log2(units) + 1 */
	uint8_t page_shift; /* log2 of a sub-buffer's bytes */
	uint8_t overwrite;  /* there is a spare, and the writer pushes the reader */
	uint8_t raw_clock;  /* the cycle counter is the clock */
	uint8_t fences;	    /* of the reader's: who changes a word fences its owner */
};

/*
 * A thread's writing end. Private memory that fork() wipes (MADV_WIPEONFORK), so that a child, even
 * of raw clone(), finds slot NULL and never touches its parent's buffer.
 *
 * What the straight path needs stands in one cache line. open is loaded first: then slot and page
 * are of its sub-buffer, or its word is not (ft-layout.h, THE OPEN SUB-BUFFER).
 */
struct fasttrace_thread {
	uint64_t open; /* word of the sub-buffer, with closed, count and units 0; of a thread
			      * that takes the slow path none is */
	struct fasttrace_slot *slot; /* NULL: none, take the slow path */
	unsigned char *page;
	uint64_t last;	    /* time of the newest event, in ticks */
	uint64_t event;	    /* what one event adds to a word's count */
	uint64_t closed;    /* the bit of a word: what is below it counts. 0: wiped */
	uint64_t units;	    /* of 8 bytes, in a sub-buffer */
	uint8_t straight;   /* the reader fences us, and the cycle counter is the clock */
	uint8_t quiet;	    /* fasttrace_thread_prepare(): no system calls */
	uint8_t publishing; /* open, slot and page are being stored */
	uint64_t tag;	    /* open, of all threads */
	void *buffer;	    /* struct ft_buffer *, for the slow path */
	struct fasttrace_ring ring;
	uint32_t tid;
	uint32_t index;
};

/* Space claimed in a sub-buffer and not committed yet. Lives on the writer's stack. */
struct fasttrace_reservation {
	struct fasttrace_thread *thread;
	struct fasttrace_slot *slot;
	uint64_t before; /* word when we reserved, closed bit clear */
	uint64_t after;	 /* word once we had */
};

/* Initial-exec: eight bytes, reached without a call, also from a library that is loaded later.
 * Never NULL: a thread that has not traced yet points at a struct of zeros. */
extern FASTTRACE_API __thread struct fasttrace_thread *fasttrace_self
	__attribute__((tls_model("initial-exec")));

/* The switch of every event that is not registered yet. */
#define FASTTRACE_UNREGISTERED 0x10000u
extern FASTTRACE_API const uint32_t fasttrace_unregistered;

/**
 * fasttrace_event_register() - enter a call site into the arena's event table.
 * @event: the site; `on` is set. A later site with the same names, level and types shares the
 *         first one's entry.
 * Context: async-signal-safe; lock-free; creates the arena if this is the process's first event.
 * Return: the event's id, or 0 when it is off or nothing can be recorded.
 */
FASTTRACE_COLD uint32_t fasttrace_event_register(struct fasttrace_event *event);

/**
 * fasttrace_reserve_slow() - reserve where the inlined path could not.
 * @r:     filled in on success.
 * @units: of 8 bytes, event header included; at most UINT32_MAX.
 * @id:    of the event.
 * Does all that is rare: gives the thread a buffer, switches sub-buffers, waits in block mode.
 * Context: async-signal-safe. Blocks in block mode only.
 * Return: where the event's header goes, already written; NULL when the event is lost, and counted.
 */
FASTTRACE_COLD unsigned char *fasttrace_reserve_slow(struct fasttrace_reservation *r,
						     uint32_t units, uint32_t id);

/**
 * fasttrace_commit_nested() - commit inside an event of this thread that is still in flight.
 * fasttrace_commit_again() - commit once more: a handler reserved between our two looks.
 * Context: async-signal-safe; the thread that reserved.
 */
FASTTRACE_COLD void fasttrace_commit_nested(struct fasttrace_thread *thread,
					    struct fasttrace_slot *slot, uint64_t before,
					    uint64_t after);
FASTTRACE_COLD void fasttrace_commit_again(struct fasttrace_thread *thread,
					   struct fasttrace_slot *slot, uint64_t after);

/** fasttrace_clock_monotonic() - CLOCK_MONOTONIC in ns, where the cycle counter is no clock. */
FASTTRACE_COLD uint64_t fasttrace_clock_monotonic(void);

/** fasttrace_clock_cycles() - the cycle counter: TSC, or arm64's generic timer. */
FASTTRACE_INLINE uint64_t fasttrace_clock_cycles(void)
{
#if defined(__x86_64__)
	uint64_t lo, hi; /* their upper halves are zero */
	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return hi << 32 | lo;
#elif defined(__aarch64__)
	uint64_t t;
	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(t) : : "memory");
	return t;
#else
	return 0;
#endif
}

FASTTRACE_INLINE uint64_t fasttrace_clock_of(uint8_t raw)
{
	return FASTTRACE_LIKELY(raw) ? fasttrace_clock_cycles() : fasttrace_clock_monotonic();
}

FASTTRACE_INLINE uint64_t fasttrace_clock(const struct fasttrace_ring *ring)
{
	return fasttrace_clock_of(ring->raw_clock);
}

/** fasttrace_event_header() - id in the low 16 bits, time modulo 2^48 above them. */
FASTTRACE_INLINE uint64_t fasttrace_event_header(uint64_t now, uint32_t id)
{
	return now << 16 | id;
}

/* ThreadSanitizer does not see through assembly, and knows atomics alone to be no races. */
#if defined(__SANITIZE_THREAD__) || FASTTRACE_FEATURE_(thread_sanitizer)
#define FASTTRACE_OWN(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define FASTTRACE_LOCK	 1
#elif defined(__x86_64__)
#define FASTTRACE_OWN(x) (x)
#define FASTTRACE_LOCK	 0
#else
#define FASTTRACE_OWN(x) (x)
#define FASTTRACE_LOCK	 1
#endif

/*
 * fasttrace_word_cas() - compare-and-swap of a slot's word by its owner, for whom the reader waits.
 * One instruction, without a lock prefix: a handler of this thread finds it done or not begun, and
 * no other process stores behind what it has loaded.
 */
FASTTRACE_INLINE int fasttrace_word_cas(uint64_t *at, uint64_t old, uint64_t word)
{
#if FASTTRACE_LOCK
	return __atomic_compare_exchange_n(at, &old, word, 0, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
#else
	unsigned char done;

	__asm__ volatile("cmpxchgq %3, %1"
			 : "=@ccz"(done), "+m"(*at), "+a"(old)
			 : "r"(word)
			 : "memory");
	return done;
#endif
}

/* The slow path fills in a struct of its own: so that of the straight path needs no memory. */
FASTTRACE_INLINE unsigned char *fasttrace_reserve_else(struct fasttrace_reservation *r,
						       uint32_t units, uint32_t id)
{
	struct fasttrace_reservation slow;
	unsigned char *p = fasttrace_reserve_slow(&slow, units, id);

	*r = slow;
	return p;
}

/**
 * fasttrace_reserve() - claim space for one event and stamp it.
 * As fasttrace_reserve_slow(); what it cannot do in a straight line it hands over.
 */
FASTTRACE_INLINE unsigned char *fasttrace_reserve(struct fasttrace_reservation *r, uint32_t units,
						  uint32_t id)
{
	struct fasttrace_thread *t = fasttrace_self;
	uint64_t open = t->open, event = t->event, word, used, now, header;
	struct fasttrace_slot *slot;
	unsigned char *p;

	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	slot = t->slot;
	p = t->page;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (FASTTRACE_UNLIKELY(!slot))
		return fasttrace_reserve_else(r, units, id);
	word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE); /* reserve:R */
	used = word & (event - 1);
	if (FASTTRACE_UNLIKELY((word ^ open) >= t->closed || used + units > t->units))
		return fasttrace_reserve_else(r, units, id);
	now = fasttrace_clock_cycles();
	if (FASTTRACE_UNLIKELY((now - t->last) >> FASTTRACE_STEP_BITS))
		return fasttrace_reserve_else(r, units, id);
	t->last = now;
	r->thread = t;
	r->slot = slot;
	r->before = word;
	r->after = word + units + event;
	if (FASTTRACE_UNLIKELY(!fasttrace_word_cas(&slot->word, word, r->after)))
		return fasttrace_reserve_else(r, units,
					      id); /* a handler or the reader came first */
	FASTTRACE_POINT(reserved);
	p += used * 8;
	header = fasttrace_event_header(now, id);
	__builtin_memcpy(p, &header, 8);
	FASTTRACE_POINT(stamped);
	return p;
}

/**
 * fasttrace_commit() - say that the reserved bytes are written.
 * Context: async-signal-safe; the thread that reserved, once.
 */
FASTTRACE_INLINE void fasttrace_commit(const struct fasttrace_reservation *r)
{
	struct fasttrace_slot *slot = r->slot;

	FASTTRACE_POINT(filled);
	if (FASTTRACE_UNLIKELY(!r->thread->closed || /* wiped, we are a forked child */
			       FASTTRACE_OWN(slot->committed) != r->before)) {
		fasttrace_commit_nested(r->thread, slot, r->before, r->after);
		return;
	}
	__atomic_store_n(&slot->committed, r->after, __ATOMIC_RELEASE); /* commit:W */
	FASTTRACE_POINT(committed);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (FASTTRACE_UNLIKELY(FASTTRACE_OWN(slot->word) != r->after))
		fasttrace_commit_again(r->thread, slot, r->after);
}

#ifdef __cplusplus
}
#pragma GCC diagnostic pop
#endif
#endif
