/* SPDX-License-Identifier: MIT */
/*
 * ring.pml - the protocol of include/ft-layout.h as a model, for Spin to try every interleaving.
 *
 * One thread with its signal handlers (ring_writer.pml), one reader that gets, puts and forces
 * switches (ring_reader.pml), and a killer that ends either of them between any two steps. An access
 * to a shared word is one transition; what a side computes by itself belongs to the access before
 * it. Registers whose value does not matter any more are set to 0, so that states which differ in
 * nothing else are one.
 *
 * PROMISES, each an assertion that names it (the variables `torn_read` and so on, never set):
 *
 *   torn_read         what is read is what its event wrote, from a page that is the reader's
 *   stray_write       a write goes to the page that stands in its slot for its seq, once (I1, I2)
 *   page_twice        no page stands in two slots (I4); the spare is in none
 *   event_lost        each event whose macro returned is read; nothing is lost for nothing
 *   put_twice         no sub-buffer is consumed twice, also after kills
 *   count_wrong       recorded = consumed + in flight + overwritten; begun of each slot (I9)
 *   slot_not_ready    what is reserved in is claimed and committed for that seq (I3)
 *   waits_for_others  the writer retries twice at most without somebody else's progress
 *   against_protocol  the words are never what the code calls -EPROTO
 *
 * and no process but an idle writer ever stops (Spin's invalid end states).
 *
 * LEFT OUT: memory order (an interleaving is sequentially consistent: docs/memory-order.md), clocks
 * and times (I8), the lost counts in slots, sleeping and waking, fork, reuse of a ring, snapshots,
 * events of more than one unit. Block mode is discard mode that may look again. A writer whose outer
 * event blocks the ring goes on elsewhere, out of this model.
 *
 * CORRESPONDENCE. Below, each function with a sum of its text, what it is here, and its accesses as
 * quotes in their order. check.sh compares both. When it says that the code has changed: look at
 * what changed, change the model alike, then write down the new sums (`check.sh sums`).
 *
 * @include/fasttrace-abi.h fasttrace_reserve() 1797460874 ring_writer.pml, from `end_idle` and from `place`
 * | uint64_t open = t->open
 * | __atomic_signal_fence(__ATOMIC_SEQ_CST);
 * | slot = t->slot;
 * | p = t->page;
 * | __atomic_signal_fence(__ATOMIC_SEQ_CST);
 * | word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);
 * | if (FASTTRACE_UNLIKELY((word ^ open) >= t->closed ||
 * | if (FASTTRACE_UNLIKELY(!fasttrace_word_cas(&slot->word, word, r->after)))
 * | __builtin_memcpy(p, &header, 8);
 * @include/fasttrace-abi.h fasttrace_word_cas() 2023705847 `swapping`: what it stores may come behind a CAS of the reader
 * | cmpxchgq %3, %1
 * @include/fasttrace-abi.h fasttrace_commit() 1969908693 behind event_write()
 * | FASTTRACE_OWN(slot->committed) != r->before)) {
 * | __atomic_store_n(&slot->committed, r->after, __ATOMIC_RELEASE);
 * | if (FASTTRACE_UNLIKELY(FASTTRACE_OWN(slot->word) != r->after))
 * @include/ft-ring.h ft_ring_close() 4040051908 `close` in both
 * | if (!ft_cas(&slot->word, word, word | ft_word_closed_bit(r)))
 * | word = ft_word_fenced(slot);
 * @include/ft-ring.h ft_word_fenced() 3440832760 the reader's wait until not `swapping`, and what follows it
 * | ft_barrier();
 * | return ft_load_acquire(&slot->word);
 * @include/ft-ring.h ft_ring_turn() 368187895 ring_turn()
 * | ft_load_acquire(&prev->begun);
 * | uint64_t word_prev = ft_load_acquire(&prev->word);
 * | uint64_t begun_old = ft_load_acquire(&slot->begun)
 * | uint64_t page = ft_load_acquire(&slot->page);
 * | uint64_t committed = ft_load_acquire(&slot->committed);
 * | ft_load_acquire(&slot->word);
 * | ft_cas(&b->head, seq, next);
 * | if (committed != fresh && committed != (word & ~ft_word_closed_bit(r)))
 * | return ft_word_is(r, committed, old) ? -EBUSY : 0;
 * | if (!r->overwrite && (int64_t)(ft_load_acquire(&b->consumed) - old) <= 0)
 * | !ft_cas(&slot->page, page, ft_page_word(next, 0, ft_page_index(page)))))
 * | ft_cas(&slot->begun, begun_old, begun_prev + ft_word_count(r, word_prev));
 * | ft_cas(&slot->committed, word & ~ft_word_closed_bit(r), fresh);
 * | ft_cas(&slot->word, word, fresh);
 * | if (!r->fences || ft_word_fenced(slot) != word)
 * | ft_cas(&b->head, seq, next);
 * @include/ft-ring.h ft_ring_lay() 4088391924 init
 * | slot->committed = ft_word_fresh(r, tag);
 * | slot->word = slot->committed | (open ? 0 : ft_word_closed_bit(r));
 * | slot->page = ft_page_word(tag, 0, seq & r->mask);
 * | b->head = b->consumed = b->base = first;
 * @tracer/reserve.c boundary_cross() 729331602 from `close` to `turned`
 * | int err = ft_ring_close(&end->ring, seq, word);
 * | err = ft_ring_turn(&end->ring, end->buffer, seq);
 * @tracer/reserve.c event_place() 859369191 `event_place`
 * | uint64_t anchor = ft_load_relaxed(&slot->anchor);
 * | ft_cas(&slot->anchor, anchor, ft_anchor(seq, now));
 * | if (!ft_cas(&slot->word, word, after))
 * | ft_page_index(ft_load_relaxed(&slot->page))
 * | open_publish(t, slot, p, ft_word_tag(ring, seq));
 * | __builtin_memcpy(p, &header, sizeof(header));
 * @tracer/reserve.c open_publish() 1602443991 `event_place`, behind the reservation
 * | if (ft_load_relaxed(&t->publishing))
 * | ft_store_relaxed(&t->publishing, 1);
 * | ft_store_relaxed(&t->open, UINT64_MAX);
 * | ft_store_relaxed(&t->slot, slot);
 * | ft_store_relaxed(&t->page, page);
 * | ft_store_relaxed(&t->open, t->straight ? tag : UINT64_MAX);
 * | ft_store_relaxed(&t->publishing, 0);
 * @tracer/reserve.c event_reserve() 2278037861 `again`
 * | seq = ft_load_acquire(&end.buffer->head);
 * | word = ft_load_acquire(&ft_ring_slot(&end.ring, seq)->word);
 * | int err = boundary_cross(&end, seq, word);
 * | p = event_place(r, &end, seq, word, units, id);
 * @tracer/reserve.c fasttrace_commit_again() 1153583564 from `store` on
 * | word = ft_load_relaxed(&slot->word) & ~closed;
 * | if (word == stored || ft_load_relaxed(&slot->committed) != stored)
 * | ft_store_release(&slot->committed, word);
 * @tracer/reserve.c nested_valid() 1781238923 nested_commit(), `look`
 * | uint64_t before = ft_load_relaxed(&pair[0]),
 * | after = ft_load_relaxed(&pair[1]);
 * @tracer/reserve.c nested_free() 2457445630 nested_commit(), `free`
 * | after <= ft_load_relaxed(&r->slot->committed);
 * @tracer/reserve.c nested_add() 298698362 nested_commit(), from `free` on
 * | uint64_t after = ft_load_relaxed(&pair[1]);
 * | if (!ft_cas(&pair[1], after, ft_word_tag(ring, seq) | 1))
 * | ft_store_release(&pair[0], r->before);
 * | ft_store_release(&pair[1], r->after);
 * @tracer/reserve.c fasttrace_commit_nested() 122629695 nested_commit()
 * | if (ft_load_relaxed(&pair[1]) == r->before)
 * | if (ft_load_relaxed(&pair[0]) == r->after)
 * | end = ft_load_relaxed(&high[1]);
 * | if (ft_cas(&low[1], r->before, end) && high) {
 * | ft_cas(&high[1], end, ft_word_tag(ring, seq));
 * | if (high && ft_cas(&high[0], r->after, r->before)) {
 * | if (nested_add(ring, pair, r, seq))
 * @reader/consume.c ft_subbuf_look() 4189361123 ring_reader.pml, `look`
 * | s->word = ft_load_acquire(&slot->word);
 * | s->committed = ft_load_acquire(&slot->committed);
 * | s->anchor = ft_load_acquire(&slot->anchor);
 * | s->page = ft_load_acquire(&slot->page);
 * | if (s->committed != (s->word & ~ft_word_closed_bit(&b->ring)) && !gone)
 * @reader/consume.c hold_fill() 619011125 `fill`
 * | ft_hold_store(b, FT_HOLD_HELD);
 * @reader/consume.c hold_count() 2791547980 `taken`
 * | hold->consumed_events = ft_load_relaxed(&shared->consumed_events) + p->events;
 * | hold->in_flight = ft_load_relaxed(&shared->in_flight) + p->cut_short;
 * @reader/consume.c subbuf_swap() 1228712749 from `look` to `taken`
 * | int64_t spare = ft_page_spare(b);
 * | hold_fill(b, seq, s);
 * | if (ft_cas(&ft_ring_slot(&b->ring, seq)->page, s->page,
 * | ft_hold_store(b, (enum ft_hold_state)aside.state);
 * @reader/consume.c subbuf_take() 3893031851 choose(), which takes any seq that it lets through
 * | err = ft_subbuf_look(b, seq, ft_reader_gone(a, b), &s);
 * | return subbuf_swap(b, seq,
 * @reader/switch.c ring_full() 997055387 `switch`
 * @reader/switch.c switch_try() 1570707524 `switch`
 * | uint64_t head = ft_load_acquire(&b->shared->head);
 * | uint64_t word = ft_load_acquire(&ft_ring_slot(&b->ring, head)->word);
 * | err = ft_ring_close(&b->ring, head, word);
 * | err = ft_ring_turn(&b->ring, b->shared, head);
 * @reader/takeover.c ft_page_standing() 574978165 STANDS: the indices are changed by the reader alone
 * @reader/takeover.c ft_page_spare() 3220491298 SPARE: the same
 * @reader/takeover.c ft_buffer_oldest() 3209015675 OLDEST
 * @reader/takeover.c ft_hold_store() 3457955895 hold_clear(), then `fill` or the same behind a failed swap
 * | ft_store_relaxed(&shared->state, FT_HOLD_NONE);
 * | ft_store_relaxed(&to[i], from[i]);
 * | ft_store_release(&shared->state, state);
 * @reader/takeover.c ft_hold_clear() 27261569 `clear`
 * @reader/takeover.c ft_hold_load() 909757939 `give_back`: the reader's own words, nobody writes them now
 * @reader/takeover.c consumed_advance() 3800411569 from `advance` to the end of `store_consumed`
 * | uint64_t head = ft_load_acquire(&b->shared->head);
 * | seq = ft_buffer_oldest(b);
 * | uint64_t page = ft_load_acquire(&ft_ring_slot(&b->ring, seq)->page);
 * | ft_store_release(&b->shared->consumed, seq);
 * @reader/takeover.c ft_hold_put() 1343032274 from the second content_read() to `clear`
 * | ft_store_release(&shared->hold.state, FT_HOLD_PUT);
 * | ft_store_relaxed(&shared->consumed_events, hold->consumed_events);
 * | ft_store_relaxed(&shared->in_flight, hold->in_flight);
 * | ft_cas(&ft_ring_slot(&b->ring, hold->seq)->page, page, page | FT_PAGE_TAKEN);
 * | ft_hold_clear(b);
 * | consumed_advance(b);
 * @reader/takeover.c hold_undo() 2688164612 behind `give_back`
 * | uint64_t now = ft_load_acquire(&slot->page);
 * | if (!b->ring.overwrite || ft_page_standing(b, b->hold.page) >= 0)
 * | !ft_cas(&slot->page, now, ft_page_word(b->hold.seq, 0, b->hold.page)))
 * @reader/takeover.c ft_hold_return() 703789289 `give_back`
 * @reader/takeover.c ft_takeover() 3122195854 the escape at the end of Reader; no marker_undo(), which leaves threads alone
 * @reader/recover.c range_load() 491953343 content_read()
 * | uint64_t before = ft_load_acquire(&pair[0]), after = ft_load_acquire(&pair[1]);
 * @reader/recover.c ranges_clip() 2870901324 content_read(), where overlaps are one
 * @reader/recover.c ft_recover_ranges() 3960888258 content_read()
 */

#ifndef N
#define N 2 /* slots */
#endif
#ifndef CAP
#define CAP 2 /* events that a sub-buffer holds: at most 5 */
#endif
#ifndef LEVELS
#define LEVELS 2 /* the thread, a handler, a handler of the handler */
#endif
#ifndef RANGES
#define RANGES (LEVELS - 1)
#endif
#ifndef EVENTS
#define EVENTS 4
#endif
#ifndef NESTED
#define NESTED 1
#endif
#ifndef NESTED2
#define NESTED2 1
#endif
#ifndef MODE
#define MODE 0
#endif
#ifndef WKILLS
#define WKILLS 0
#endif
#ifndef RKILLS
#define RKILLS 0
#endif
#ifndef RETRIES
#define RETRIES 0 /* 1: count the writer's retries */
#endif
#ifndef READER
#define READER 7 /* what it does while the writer runs: 1 get, 2 flush, 4 running, 8 unget */
#endif

#define OVERWRITE (MODE == 0)
#define BLOCK     (MODE == 2)
#if MODE == 0
#define PAGES (N + 1)
#else
#define PAGES N
#endif

/* { seq, closed, units }; every event is one unit and one event */
#define SEQ(w)	  ((w) >> 4)
#define CLOSED	  8
#define OPEN(w)	  (((w) & CLOSED) == 0)
#define LESS(w)	  ((w) & 247)
#define UNITS(w)  ((w) & 7)
#define HEADER	  2
#define COUNT(w)  (UNITS(w) - HEADER)
#define FULL	  (HEADER + CAP)
#define TAG(s)	  ((s) << 4)
#define FRESH(s)  (TAG(s) | HEADER)

/* { seq, taken, index } */
#define TAKEN	      8
#define INDEX(p)      ((p) & 7)
#define PAGE(s, t, i) (TAG(s) | (t) | (i))

#define SLOT(s) ((s) % N)
#define FIRST	N /* the first sequence number, so that none is negative */
#define OLDEST(h) ((consumed > (h) - (N - 1)) -> consumed : (h) - (N - 1))

#if N == 2
#define STANDS(i) (INDEX(page[0]) == (i) || INDEX(page[1]) == (i))
#define SUM	  (INDEX(page[0]) + INDEX(page[1]))
#define DISTINCT  (INDEX(page[0]) != INDEX(page[1]))
#else
#define STANDS(i)                                                                             \
	(INDEX(page[0]) == (i) || INDEX(page[1]) == (i) || INDEX(page[2]) == (i) ||           \
	 INDEX(page[3]) == (i))
#define SUM (INDEX(page[0]) + INDEX(page[1]) + INDEX(page[2]) + INDEX(page[3]))
#define DISTINCT                                                                              \
	(INDEX(page[0]) != INDEX(page[1]) && INDEX(page[0]) != INDEX(page[2]) &&              \
	 INDEX(page[0]) != INDEX(page[3]) && INDEX(page[1]) != INDEX(page[2]) &&              \
	 INDEX(page[1]) != INDEX(page[3]) && INDEX(page[2]) != INDEX(page[3]))
#endif
#ifdef FAULT_SPARE_ASSUMED
#define SPARE N
#else
#define SPARE (N * (N + 1) / 2 - SUM)
#endif

/* Shared words */
byte head = FIRST, consumed = FIRST;
byte word[N], committed[N], page[N], anchor[N], begun[N];
byte hold_state, hold_seq, hold_page, hold_word, hold_committed, hold_events, hold_in_flight;
byte consumed_events, in_flight;
byte data[PAGES * CAP];			/* { seq, returned } of the event written there */
byte before[PAGES * RANGES], after[PAGES * RANGES]; /* nested ranges, in the page */
byte open, own_slot, own_page;		/* the thread's own, but its handlers share them */
bool publishing;
bool swapping;				/* it has loaded a word, and will store it: one instruction */

#define NONE 0
#define HELD 1
#define PUT  2

/* Ghosts: nobody's memory, they only watch */
byte running;		/* level that runs; 0: between two events */
byte left[LEVELS];	/* events that are still to come, per level */
bool abandoned;		/* the thread went on with another ring */
byte reserved, lost, elsewhere;
byte accounted;		/* events of the sub-buffers that were put */
short puts;		/* those sub-buffers, a bit each */
bool writer_dead, reader_dead;
byte buried, kills_left = RKILLS, writer_kills = WKILLS;
byte moved;		/* levels that may retry, for somebody else did something */
#define PROGRESS(l) moved = moved | (RETRIES * (7 ^ (1 << (l))))

/* What is promised: never set. They name the assertion that fails. */
hidden byte torn_read, stray_write, page_twice, event_lost, put_twice, count_wrong, waits_for_others,
	slot_not_ready, against_protocol;

#define FINISHED ((writer_dead && buried == LEVELS) || (running == 0 && (left[0] == 0 || abandoned)))

/* I4, after each change of a page word. */
inline pages_check()
{
	assert(page_twice || DISTINCT)
}

#if LEVELS > 2
#define TOTAL (EVENTS + NESTED + NESTED2)
#define STILL (left[0] + left[1] + left[2])
#else
#define TOTAL (EVENTS + NESTED)
#define STILL (left[0] + left[1])
#endif

#define RETURN_0    0
#define RETURN_FULL 1
#define RETURN_BUSY 2

/* ft_ring_turn(): goes on at the label `turned`. Registers: t_begun t_prev t_old t_page t_committed t_word */
inline ring_turn(s, who)
{
	t_begun = begun[SLOT(s)];
	atomic {
		t_prev = word[SLOT(s)];
		if
		:: SEQ(t_prev) != s -> err = RETURN_0; goto turned /* whatever else is loaded */
		:: else
		fi
	}
	t_old = begun[SLOT(s + 1)];
	t_page = page[SLOT(s + 1)];
	t_committed = committed[SLOT(s + 1)];
	atomic {
		t_word = word[SLOT(s + 1)];
		err = RETURN_0;
		assert(against_protocol || !OPEN(t_prev));
		if
		:: SEQ(t_word) == s + 1 -> goto turn_head
		:: SEQ(t_word) != s + 1 && SEQ(t_word) != s + 1 - N -> goto turned
		:: else
		fi;
		assert(against_protocol || !OPEN(t_word));
		if
#ifdef FAULT_HALF_TURNED
		:: t_committed != LESS(t_word) -> err = RETURN_BUSY; goto turned
#elif defined(FAULT_IN_FLIGHT_IGNORED)
#else
		:: t_committed != FRESH(s + 1) && t_committed != LESS(t_word) ->
			if
			:: SEQ(t_committed) == s + 1 - N -> err = RETURN_BUSY
			:: else
			fi;
			goto turned
#endif
		:: else
		fi
	}
	if
	:: atomic { !OVERWRITE ->
#ifndef FAULT_FULL_IGNORED
		if
		:: consumed <= s + 1 - N -> err = RETURN_FULL; goto turned /* never in Reader: it looked */
		:: else
		fi
#endif
	   }
	:: OVERWRITE
	fi;
	atomic {
		if
		:: SEQ(t_page) == s + 1 ->
#ifdef FAULT_WAITS_FOR_TURN
			goto turned
#endif
			skip
		:: SEQ(t_page) == s + 1 - N && page[SLOT(s + 1)] == t_page ->
			page[SLOT(s + 1)] = PAGE(s + 1, 0, INDEX(t_page));
			PROGRESS(who);
			pages_check()
		:: else -> goto turned
		fi;
		t_page = 0; t_committed = 0
	}
	d_step {
		if
#ifdef FAULT_BEGUN_PLAIN
		:: true -> begun[SLOT(s + 1)] = t_begun + COUNT(t_prev)
#endif
		:: begun[SLOT(s + 1)] == t_old -> begun[SLOT(s + 1)] = t_begun + COUNT(t_prev)
		:: else
		fi;
		t_old = 0; t_begun = 0; t_prev = 0
	}
#ifdef FAULT_WORD_BEFORE_COMMITTED
	turn_word(s, who);
#endif
	d_step {
		if
		:: committed[SLOT(s + 1)] == LESS(t_word) ->
			committed[SLOT(s + 1)] = FRESH(s + 1);
			PROGRESS(who)
		:: else
		fi
	}
#ifndef FAULT_WORD_BEFORE_COMMITTED
turn_word_again:
	turn_word(s, who);
#endif
#ifndef FAULT_TURN_NOT_FENCED
	if
	:: atomic { who != 0 || !swapping -> skip } /* FENCE */
	fi;
#endif
#if !defined(FAULT_TURN_UNSEEN) && !defined(FAULT_WORD_BEFORE_COMMITTED)
	if
	:: atomic { who == 0 && word[SLOT(s + 1)] == t_word -> goto turn_word_again }
	:: atomic { !(who == 0 && word[SLOT(s + 1)] == t_word) -> skip }
	fi;
#endif
turn_head:
	atomic {
		if
		:: head == s -> head = s + 1; PROGRESS(who)
		:: else
		fi;
		goto turned
	}
}

inline turn_word(s, who)
{
	d_step {
		if
		:: word[SLOT(s + 1)] == t_word ->
			word[SLOT(s + 1)] = FRESH(s + 1);
			PROGRESS(who);
			assert(slot_not_ready || committed[SLOT(s + 1)] == FRESH(s + 1));
			assert(slot_not_ready || SEQ(page[SLOT(s + 1)]) == s + 1);
			assert(count_wrong || begun[SLOT(s + 1)] == reserved)
		:: else
		fi
	}
}

inline turn_forget()
{
	t_begun = 0; t_prev = 0; t_old = 0; t_page = 0; t_committed = 0; t_word = 0
}

#include "ring_writer.pml"
#include "ring_reader.pml"

/* SIGKILL, of either side, between any two steps. */
proctype Killer() provided (!reader_dead && !(writer_dead && buried < LEVELS))
{
end:	do
	:: d_step { kills_left > 0 -> kills_left--; reader_dead = 1 }
	:: d_step { writer_kills > 0 && running != 0 && !swapping -> writer_kills--; writer_dead = 1 }
	od
} /* never in Killer */

init
{
	atomic {
		byte i = 0;
		do
		:: i < N ->
			word[i] = (i == 0 -> FRESH(FIRST) : FRESH(i) | CLOSED);
			committed[i] = LESS(word[i]);
			page[i] = PAGE(SEQ(word[i]), 0, i);
			i++
		:: else -> break
		od;
		left[0] = EVENTS;
		left[1] = NESTED;
		run Writer(); /* its _pid is its level */
		run Writer();
#if LEVELS > 2
		left[2] = NESTED2;
		run Writer();
#endif
		run Reader();
		run Killer();
		i = 0
	}
}
