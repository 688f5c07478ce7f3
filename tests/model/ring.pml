/* SPDX-License-Identifier: MIT */
/* ring.pml - words, ghosts and processes; see ring_head for correspondence (to be written). */

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
#else
#define STANDS(i)                                                                             \
	(INDEX(page[0]) == (i) || INDEX(page[1]) == (i) || INDEX(page[2]) == (i) ||           \
	 INDEX(page[3]) == (i))
#define SUM (INDEX(page[0]) + INDEX(page[1]) + INDEX(page[2]) + INDEX(page[3]))
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
byte open;				/* the thread's own, but its handlers share it */

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
#ifdef RETRIES
byte moved;		/* levels that somebody else's progress excuses */
#define PROGRESS(l) moved = moved | (7 ^ (1 << (l)))
#else
#define PROGRESS(l) skip
#endif

/* What is promised: never set. They name the assertion that fails. */
hidden byte torn_read, stray_write, page_twice, event_lost, put_twice, count_wrong, waits_for_others,
	slot_not_ready, against_protocol;

#define FINISHED ((writer_dead && buried == LEVELS) || (running == 0 && (left[0] == 0 || abandoned)))

/* I4, after each change of a page word. */
inline pages_check()
{
	assert(page_twice || (INDEX(page[0]) != INDEX(page[1])));
#if N == 4
	assert(page_twice || (INDEX(page[0]) != INDEX(page[2]) && INDEX(page[0]) != INDEX(page[3]) &&
			      INDEX(page[1]) != INDEX(page[2]) && INDEX(page[1]) != INDEX(page[3]) &&
			      INDEX(page[2]) != INDEX(page[3])));
#endif
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
		:: consumed <= s + 1 - N -> err = RETURN_FULL; goto turned
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
	turn_word(s, who);
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
	:: d_step { writer_kills > 0 && running != 0 -> writer_kills--; writer_dead = 1 }
	od
}

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
