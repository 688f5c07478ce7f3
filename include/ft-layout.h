/* SPDX-License-Identifier: MIT */
/*
 * ft-layout.h - the shared memory of one traced process, and the protocol that runs over it.
 *
 * ROLES
 *
 *   owner    the thread that a buffer belongs to, with its signal handlers nested to any depth; of
 *            the marker's, the reader.
 *   reader   one process at a time, elected by a kernel-released lock on the arena file.
 *   opener   whoever turns a slot to its next sub-buffer: the owner, or the reader for `active`.
 *
 * Every step is one compare-and-swap on one 64-bit word, and whoever finds a step half done can do
 * the next one. So the death of either side between two steps leaves a state from which everybody
 * carries on.
 *
 * WORDS of a buffer; a sub-buffer has a sequence number seq and stands in slot seq mod N
 *
 *   head            seq of the sub-buffer being written
 *   slot.word       { seq, closed, events, units } reserved
 *   slot.committed  { seq, 0, events, units } all before it is written
 *   slot.page       { seq, taken, page } the memory that stands in the slot, and for which seq
 *   slot.anchor     { seq, time >> 40 } 64-bit time to within half of the 48 bits in each event
 *   slot.begun, slot.lost   the ring's running counts when seq was opened
 *   consumed        seq of the oldest sub-buffer not consumed
 *   hold            what the reader has swapped out and not put yet
 *
 * STATES of a sub-buffer
 *
 *   open        word = {seq, 0, ..}
 *   closed      word = {seq, 1, ..}: its length is frozen
 *   delivered   closed, and committed = word less the closed bit. A fact, not a step
 *   taken       page = {seq, 1, spare}: the reader owns what was in it (overwrite mode), or has
 *               consumed it (discard and block mode)
 *   gone        page = {seq', ..} with seq' = seq + N: claimed for the next lap
 *
 * INVARIANTS
 *
 *   I1  A reservation is a CAS of word from a value with closed = 0 and seq = head's. It succeeds
 *       only if nothing was reserved, closed or turned since word was loaded. Where the arena is
 *       asymmetric, the owner's takes no lock, and the reader's stands once it was fenced.
 *   I2  While committed < word in a slot, neither its page nor its word's seq can change: a turn
 *       needs closed and committed = word; so does a swap.
 *   I3  A slot turns in this order: page, begun, lost, committed, word; then head. So nothing is
 *       reserved in a slot that is not ready, and a half-turned slot can be told and finished.
 *   I4  Each of the N (+ 1 in overwrite mode) page indices stands in exactly one place: a slot, or
 *       the spare. The spare is the index that stands in no slot; it is derived, never stored.
 *   I5  Only the owner stores committed, but for the opener's CAS when the slot turns. Handlers
 *       nest as a stack: when committed is where my reservation began, all that is reserved by
 *       now, closed or not, is written but for what a handler of mine may be adding.
 *   I6  hold names a page before the CAS that swaps it out, and is cleared after the page is
 *       consumed or swapped back. A new reader can tell every case apart (reader/takeover.c).
 *   I7  Discard and block: a slot turns only when consumed > its old seq.
 *   I8  Times in a buffer never decrease: a stamp is read after word is loaded, is compared with
 *       the newest stamp, and is read again whenever the reservation is retried.
 *   I9  Counts: word's events are exact, since they change in the CAS that reserves; begun of
 *       seq + 1 = begun of seq + events of seq; lost of seq was counted while seq - 1 was the newest.
 *       What was overwritten is derived.
 *   I10 A ring has the geometry that its place says, for ever. That of rings to come is one word,
 *       which the consumer changes by a CAS and who makes a ring loads once: the size of a
 *       sub-buffer and their number are of one pair that was set.
 *
 * ORDER (A: acquire, R: release; every CAS is acquire-release)
 *
 *   store                          load                           what is ordered
 *   commit:W   committed, R        deliver:R  committed, A        the event's bytes, the anchor
 *   turn:W     word, R (CAS)       reserve:R  word, A             page, committed of the new seq
 *   turn:W     page, R (CAS)       swap:R     page, AR (CAS)      who owns the memory
 *   swap:W     page, R (CAS)       turn:R     page, AR (CAS)      the reader's last access to spare
 *   open:W     head, R (CAS)       open:R     head, A             begun, lost of the new seq
 *   lose:W     lost, AR (add)      lose:R     lost, A             head, word when it was lost
 *   lap:W      bytes, fence R      stand:R    page, fence A       a copy is torn, or its page stood
 *   hold:W     hold, R             takeover:R hold, A             the fields that describe it
 *   drop:W     hold, fence R       stand:R    hold, fence A       fields are of one hold
 *   held:W     hold, full          held:R     hold, full          get's last look at the owner, or
 *                                  claim:R    state, AR (CAS)     the next owner's at the hold
 *   put:W      consumed, R         full:R     consumed, A         the reader's last access to it
 *   room:W     room, AR (add)      room:R     room, A             consumed, before it sleeps
 *   sleep:W    waiters, full       close:W    word, full (CAS)    the reader's last look before it
 *                                  wake:R     waiters, relaxed    sleeps, or the writer's wake-up
 *   attach:W   state, R            attach:R   state, A            identity of the buffer's owner
 *   end:W      state, R            claim:R    state, AR (CAS)     the last owner's last access
 *   claim:W    state, fence R      again:R    state, fence A      tid, base, .. are of one serial
 *   event:W    next, R (CAS)       event:R    next, A             an entry of the event table
 *   site:W     event->on, R        site:R     event->on, A        that entry, for who reads events
 *   rules:W    rules, R (CAS)      rules:R    rules, A            the text of the rules
 *   commit's two looks race with this thread's own handlers only: signal fences.
 *   What each pair rules out, and what would break: docs/memory-order.md.
 *
 * ASYMMETRY. A locked instruction takes longer than all the rest of an event. Of a word only its
 * owner stores, all the time, but for the reader's switches: they are rare. So on x86-64 the owner's
 * CAS of word is one instruction without a lock prefix: for its handlers done or not begun, as a
 * locked one. For the reader it is a load and, later, a store, which comes also when the comparison
 * fails: of what was loaded. A CAS of the reader's between the two is undone by that store. So the
 * reader has a full fence executed by all threads of the process (membarrier(2): the process allows
 * it before its first ring), by when that store is done, and looks again whether its CAS stands; if
 * not, it was never done. It does so where it closes, and where it turns a slot, before head moves
 * on; and when it is elected, for one that was killed just there. What begins behind the fence has
 * loaded what the reader stored. Where the kernel does not, `asymmetric` is 0, and all CAS are locked;
 * a reader that may not have others fenced does not switch those that live.
 *
 * THE OPEN SUB-BUFFER. The owner keeps, in private memory, what the straight path needs of it: open,
 * its word's seq; its slot; its page. Handlers use and store the same. Who loads takes open first and
 * word last: a handler in between that stored others has closed open's, and word, or the CAS, tells.
 * Who stores makes open none, and a handler that meets another one storing leaves it to that: so
 * slot and page are never of two sub-buffers while open is one.
 *
 * PROGRESS. The owner is lock-free: a failed CAS means that a handler, or the reader's switch, made
 * progress. It makes no system call but one FUTEX_WAKE at a sub-buffer boundary when `waiters` is
 * set, and waits in block mode only. The reader never retries more than the ring's length.
 *
 * ABA. seq is 64 bits in head and consumed; in word what the counts leave (33 bits with 128 KiB,
 * so 2^50 bytes a turn); in page 47. A stale CAS would need a full turn of those during one stop.
 *
 * TRUST. The reader takes nothing for granted: geometry is checked once and kept in private memory
 * (struct fasttrace_ring), page indices and lengths are checked at each load, no offset is followed
 * unchecked, and packet headers are built from the words, never from the page. The owner trusts its
 * own arena, which only the same user can open.
 *
 * SWITCHES. What is on is a matter of the rules (ft-rules.h), a text in one of two halves that the
 * consumer alone writes: into the half that is not in use; then it publishes which half is
 * (rules:W) and, behind a full fence, brings the `on` of every entry in line. The process links an
 * entry whose `on` is unset (FASTTRACE_UNREGISTERED); who then meets it looks, behind a full fence,
 * at the rules (rules:R) and sets it, by a CAS that fails if somebody has. So one of both sees what
 * the other did, an old rule never undoes a new one, and a death in between leaves no rule half
 * written. Tracing as a whole is stopped and started by a bit beside the text: while it is set,
 * every `on` is 0, the text stays and may change, and once it is cleared each `on` is what the text
 * says. A new consumer finishes a stop that its predecessor's death cut short.
 *
 * GEOMETRY. The word of I10 is relaxed on both sides: no other access hangs on it, and of one word
 * there are no halves, whoever dies when. The bounds on memory are the process's to keep, at each
 * ring that it makes; the reader refuses what could never be had (ft_geometry_fits()).
 *
 * NESTED EVENTS. A handler that commits while an outer event is in flight cannot move committed.
 * It notes its range in the page's first 80 bytes (the reader's header space): up to five pairs
 * {before, after} of word values. The pair is valid when both carry the page's seq. A range that
 * continues another extends it, neighbours are merged, and one that is committed by now gives its
 * place away: there are about as many as events in flight. Should the process die before the outer
 * event is finished, the ranges are what recovery adds to the committed prefix.
 *
 * MARKERS. What a shell writes into `marker` is an event of the process that the reader records, in
 * one ring that it owns: its state is FT_BUFFER_MARKER, its tid 0. The ring's memory has a place of
 * its own in the file, at marker_offset: so there is never a second one, no bound of the process's
 * keeps it out, and no thread takes it over. What it needs of what the process hands out, a place
 * and an entry of the event table, the reader takes by the same CAS as a thread does; a death before
 * the place is `ready` costs a place, and the ring is laid anew. The entry is of a kind that no call
 * site shares and no rule switches; while tracing is stopped, a marker is refused.
 * The reader is this ring's writer and does one thing at a time: nothing is in flight in it, but
 * where a reader died. Its successor undoes that reservation before it does anything else with the
 * ring: word goes back to committed, and was not closed in between. The write had not returned, and
 * so the event was never begun. While nobody is the reader, the ring's writer is gone
 * for those who look at it. A full ring (discard, block) refuses a marker, which is no loss: who
 * wrote it is told. A clock that went back makes the ring a new owner's, as a thread takes a new
 * ring; a death in between leaves it FT_BUFFER_CLAIMED, and the successor goes on from there.
 */
#ifndef FT_LAYOUT_H
#define FT_LAYOUT_H

#include "fasttrace-abi.h"
#include "ft-geometry.h"

#define FT_ARENA_MAGIC	 UINT64_C(0x31656361727466ff) /* "\xffftrace1" */
#define FT_MAX_BUFFERS	 4096u
#define FT_MAX_EVENTS	 65535u
#define FT_EVENTS_BYTES	 (UINT64_C(4) << 20) /* of the event table, at most */
#define FT_COMM_BYTES	 16
#define FT_PATH_BYTES	 4096
#define FT_NESTED_RANGES 5u
#define FT_RULES_BYTES	 (UINT64_C(64) << 10) /* of each half */

/* The marker's ring: control block and slots in a page, 4 sub-buffers, a spare. */
#define FT_MARKER_SHIFT	       14
#define FT_MARKER_N_SHIFT      2
#define FT_MARKER_PAGES_OFFSET UINT64_C(4096)
#define FT_MARKER_BYTES \
	(FT_MARKER_PAGES_OFFSET + (((UINT64_C(1) << FT_MARKER_N_SHIFT) + 1) << FT_MARKER_SHIFT))

/* Bytes of the arena file that are locked (OFD locks), far past its end. */
#define FT_LOCK_WRITER INT64_C(0x4000000000000000)
#define FT_LOCK_READER INT64_C(0x4000000000000001)

enum ft_mode { FT_OVERWRITE = 0, FT_DISCARD = 1, FT_BLOCK = 2 };
enum ft_clock_kind { FT_CLOCK_MONOTONIC = 0, FT_CLOCK_CYCLES = 1 };

/* Why this clock is used. */
enum ft_clock_why {
	FT_CLOCK_WHY_SOURCE = 0, /* the kernel's own source is this one (CYCLES) or another */
	FT_CLOCK_WHY_NOT_INVARIANT = 1, /* MONOTONIC: the counter stops or changes its pace */
	FT_CLOCK_WHY_UNKNOWN = 2,	/* MONOTONIC: the kernel does not tell its source */
	FT_CLOCK_WHY_GENERIC_TIMER = 3	/* CYCLES: arm64's, which never changes its pace */
};

/* Why an event was lost. */
enum ft_lost {
	FT_LOST_FULL = 0,    /* discard, or block past its timeout */
	FT_LOST_TOO_BIG = 1, /* longer than a sub-buffer */
	FT_LOST_NESTED = 2,  /* an outer event holds the oldest sub-buffer */
	FT_LOST_REASONS = 4
};

/* Who owns a buffer. */
enum ft_buffer_state {
	FT_BUFFER_UNUSED = 0,
	FT_BUFFER_CLAIMED = 1, /* between owners: identity is being written */
	FT_BUFFER_LIVE = 2,
	FT_BUFFER_DEAD = 3,	 /* its thread has ended */
	FT_BUFFER_ABANDONED = 4, /* its thread went on with another one, after a siglongjmp */
	FT_BUFFER_MARKER = 5	 /* the reader's own, for what a shell writes */
};

/* hold.state */
enum ft_hold_state {
	FT_HOLD_NONE = 0,
	FT_HOLD_HELD = 1, /* not consumed */
	FT_HOLD_PUT = 2	  /* consumed: the counts below are to be stored, then cleared */
};

/* What the reader has taken and not put. Fields first, then state (hold:W). */
struct ft_hold {
	uint64_t state; /* enum ft_hold_state */
	uint64_t seq;
	uint64_t page; /* index of the page taken; the one in the slot, in discard and block mode */
	uint64_t word; /* the slot's word, committed, anchor as they were */
	uint64_t committed;
	uint64_t anchor;
	uint64_t lost_after;	  /* events lost up to the end of this sub-buffer */
	uint64_t consumed_events; /* consumed_events, corrupted and in_flight once it is put */
	uint64_t corrupted;
	uint64_t in_flight;
	uint64_t consumed_subbufs;
	uint64_t begun;	    /* the slot's, as it was */
	uint64_t put_begun; /* put_begun and put_lost once it is put */
	uint64_t put_lost;
	uint64_t unused[2];
};

/* Control block of one ring; its slots follow it, its pages stand at pages_offset. */
struct ft_buffer {
	/* written by openers */
	uint64_t head;
	uint64_t lost[FT_LOST_REASONS];
	uint64_t steps;		/* of the clock */
	uint64_t block_expired; /* block mode: 1 + seq behind which the writer waited in vain */
	uint64_t unused0;

	/* written by the reader */
	uint64_t consumed;
	uint64_t consumed_events;
	uint64_t corrupted; /* sub-buffers consumed in which an event was in flight at death */
	uint64_t in_flight; /* those events */
	uint32_t waiters;   /* the reader sleeps: wake it at the next boundary */
	uint32_t room;	    /* futex: changes at each put */
	uint64_t consumed_subbufs;
	uint64_t put_begun; /* begun and lost up to the end of the newest sub-buffer that was put */
	uint64_t put_lost;

	struct ft_hold hold;

	/* who owns it: written in FT_BUFFER_CLAIMED */
	uint32_t state; /* enum ft_buffer_state */
	uint32_t tid;
	uint64_t serial;     /* stream_instance_id: never used twice in an arena */
	uint64_t base;	     /* first seq of this owner */
	uint64_t base_begun; /* the counts when this owner came */
	uint64_t base_lost[FT_LOST_REASONS];
	uint64_t base_steps;
	uint64_t death; /* arena.deaths when it died: the smallest is reused first */
	uint64_t base_consumed_events;
	uint64_t base_in_flight;
	uint64_t base_corrupted;
	uint64_t base_consumed_subbufs;
	char name[FT_COMM_BYTES];
	uint64_t unused2[8];
};

/* Where a ring is and how big: written once, before `ready`. */
struct ft_buffer_place {
	uint64_t offset;       /* of struct ft_buffer, from the arena's start */
	uint64_t pages_offset; /* of page 0 */
	uint32_t subbuf_shift; /* log2 of a sub-buffer's bytes */
	uint32_t subbufs_shift;
	uint32_t ready;
	uint32_t unused;
};

/* An entry of the event table; its strings follow: provider, name, then the field names. */
struct ft_event_entry {
	uint32_t next; /* offset from the arena's start, 0: the last */
	uint32_t size; /* bytes of the entry with its strings */
	uint32_t on;   /* id, or 0 when off; FASTTRACE_UNREGISTERED: unset */
	uint16_t id;   /* from 1, that of the entry before + 1 */
	uint8_t level;
	uint8_t nfields;
	uint8_t types[FASTTRACE_MAX_FIELDS];
	uint16_t provider_len; /* bytes, without the zero that ends each string */
	uint16_t name_len;
	uint32_t kind : 8;  /* enum fasttrace_kind */
	uint32_t hash : 24; /* the writer's own, to tell entries apart at a look */
	char strings[];
};

enum ft_end_state { FT_END_NONE = 0, FT_END_EXITED = 1, FT_END_KILLED = 2, FT_END_REPLACED = 3 };

/* The first page of the arena file. */
struct ft_arena {
	uint64_t magic;
	uint32_t abi;
	uint32_t header_bytes; /* sizeof(struct ft_arena) */
	uint64_t size;	       /* of the file */
	uint8_t uuid[16];
	uint8_t boot_id[16];
	uint64_t start_time; /* field 22 of its stat, in clock ticks, out of time namespaces */
	uint64_t pid_ns;     /* inode of its pid namespace */
	uint32_t pid;
	uint32_t uid;
	char comm[FT_COMM_BYTES];

	uint32_t mode;	      /* enum ft_mode */
	uint32_t clock;	      /* enum ft_clock_kind */
	uint64_t clock_hz;    /* 0: not known yet; set once, by CAS (fasttrace_arena_clock()) */
	uint64_t clock_ticks; /* at one instant: the clock, */
	uint64_t clock_monotonic_ns; /* CLOCK_MONOTONIC, */
	uint64_t clock_realtime_ns;  /* and CLOCK_REALTIME */

	/* of rings to come; by the process before its first event, then by the reader */
	uint64_t geometry;	   /* { subbufs_shift:32, subbuf_shift:32 } */
	uint64_t block_timeout_ns; /* UINT64_MAX: for ever */
	uint64_t max_bytes;	   /* of buffers */

	uint64_t places_offset; /* struct ft_buffer_place[FT_MAX_BUFFERS] */
	uint64_t events_offset; /* the event table's space */
	uint64_t events_bytes;
	uint64_t buffers_offset; /* where rings begin; they go on to size */
	uint64_t exe_offset;	 /* FT_PATH_BYTES each; zero-terminated; */
	uint64_t cmdline_offset; /* arguments separated by zeros, cmdline_bytes in all */
	uint64_t cmdline_bytes;

	uint32_t asymmetric;		  /* writers take no lock: who closes waits for them */
	uint32_t clock_why;		  /* enum ft_clock_why */
	uint32_t marker_offset;		  /* room for the marker's ring, FT_MARKER_BYTES; 0: none */
	char clock_source[FT_COMM_BYTES]; /* the kernel's; empty: not known */
	uint64_t rules_offset;		  /* two halves of FT_RULES_BYTES */

	/* written by the process */
	uint64_t buffers;      /* places in use */
	uint64_t buffers_end;  /* bytes of ring space handed out */
	uint64_t events_end;   /* bytes of event space handed out */
	uint32_t events_first; /* offset of the first entry, 0: none */
	uint32_t events_count; /* a hint: entries linked so far */
	uint64_t serials;      /* handed out */
	uint64_t deaths;
	uint64_t lost_no_buffer; /* events of threads that got no buffer */
	uint64_t lost_no_event;	 /* events that found no place in the event table */
	uint64_t recycled_lost;	 /* of buffers reused */
	uint64_t exit_mark; /* 1 << 32 | status: exit() ran; 2 << 32: and the status is unknown */

	uint64_t events_committed; /* bytes of event space that are sure to be backed by memory */

	/* written by the process before its first event, then by the reader */
	uint64_t rules; /* { stopped:1, generation:31, half:1, bytes:31 } */

	/* written by the reader */
	uint64_t end_state; /* enum ft_end_state << 32 | code or signal */
	uint32_t wake;	    /* futex: counts boundaries that a waiting reader asked to hear of */
	uint32_t reader_pid;
};

#define FT_CHECK(name, what) _Static_assert(what, name)
FT_CHECK("a slot is a cache line", sizeof(struct fasttrace_slot) == 64);
FT_CHECK("control block", sizeof(struct ft_buffer) == 448);
FT_CHECK("reader's words have a line", offsetof(struct ft_buffer, consumed) == 64);
FT_CHECK("hold", offsetof(struct ft_buffer, hold) == 128 && sizeof(struct ft_hold) == 128);
FT_CHECK("identity", offsetof(struct ft_buffer, state) == 256);
FT_CHECK("arena header is one page at most", sizeof(struct ft_arena) <= 4096);
FT_CHECK("geometry", offsetof(struct ft_arena, geometry) % 8 == 0);
FT_CHECK("event entry", sizeof(struct ft_event_entry) == 40);
FT_CHECK("place", sizeof(struct ft_buffer_place) == 32);
FT_CHECK("the marker's control block",
	 sizeof(struct ft_buffer) + (sizeof(struct fasttrace_slot) << FT_MARKER_N_SHIFT) <=
		 FT_MARKER_PAGES_OFFSET);

#endif
