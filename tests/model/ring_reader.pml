/* SPDX-License-Identifier: MIT */
/* ring_reader.pml - get, swap, put, and what a new reader makes of a killed one's hold. */

#define GET    1
#define FLUSH  2
#define ACTIVE 4
#define UNGET  8

/* What of the held sub-buffer is written: content(), ft_recover_ranges(). ev: how many events. */
inline content_read()
{
	d_step {
		ev = 0;
		x = 0;
		assert(torn_read || !OVERWRITE || !STANDS(hold_page));
		assert(torn_read || OVERWRITE || page[SLOT(s)] == PAGE(s, 0, hold_page));
		do
		:: x < COUNT(hold_word) ->
			y = (SEQ(hold_committed) == SEQ(hold_word) && x < COUNT(hold_committed));
			k = 0;
			do
			:: k < RANGES ->
				if
				:: LESS(hold_word) != hold_committed &&
				   SEQ(before[hold_page * RANGES + k]) == SEQ(hold_word) &&
				   SEQ(after[hold_page * RANGES + k]) == SEQ(hold_word) &&
				   UNITS(before[hold_page * RANGES + k]) >= HEADER &&
				   UNITS(after[hold_page * RANGES + k]) <= UNITS(hold_word) &&
				   x >= COUNT(before[hold_page * RANGES + k]) &&
				   x + HEADER < UNITS(after[hold_page * RANGES + k]) -> y = 1
				:: else
				fi;
				k++
			:: else -> break
			od;
			if
			:: y -> assert(torn_read || (data[hold_page * CAP + x] >> 1) == s); ev++
			:: else -> assert(event_lost || data[hold_page * CAP + x] != (s << 1 | 1))
			fi;
			x++
		:: else -> break
		od;
		x = 0; y = 0; k = 0
	}
}

/* While the state is NONE nobody looks at the fields: they need not be told apart. */
inline hold_clear()
{
	d_step {
		hold_state = NONE;
		hold_events = 0; hold_in_flight = 0;
#ifndef FAULT_HOLD_MIXED
		hold_seq = 0; hold_page = 0; hold_word = 0; hold_committed = 0
#endif
	}
}

inline forget()
{
	s = 0; w = 0; c = 0; p = 0; a = 0; gone = 0; how = 0; err = 0;
	aside_state = 0; aside_seq = 0; aside_page = 0; aside_word = 0; aside_committed = 0
}

/* Of the harness: everything is over; is everything accounted for? */
inline final_check()
{
	d_step {
		x = (head - (N - 1) > FIRST && OVERWRITE -> head - (N - 1) : FIRST);
		do
		:: x <= head ->
			assert(event_lost || SEQ(word[SLOT(x)]) != x || SEQ(page[SLOT(x)]) != x ||
			       COUNT(word[SLOT(x)]) == 0 || (puts & (1 << x)));
			x++
		:: else -> break
		od;
		assert(count_wrong || begun[SLOT(head)] + COUNT(word[SLOT(head)]) == reserved);
		assert(count_wrong || consumed_events + in_flight == accounted);
		assert(count_wrong || (OVERWRITE -> accounted <= reserved : accounted == reserved));
		assert(count_wrong || writer_dead || reserved + lost + elsewhere + STILL == TOTAL);
		x = 0
	}
}

#define UNREAD(q) (SEQ(page[SLOT(q)]) == (q) && !(page[SLOT(q)] & TAKEN) && \
		   SEQ(word[SLOT(q)]) == (q) && COUNT(word[SLOT(q)]) != 0)

/* What to do next. While the writer runs, anything; then all that is left, in order. */
inline choose()
{
	if
	:: draining && hold_state == HELD -> s = hold_seq; goto taken
	:: draining && hold_state != HELD ->
		if
		:: OPEN(word[SLOT(head)]) && COUNT(word[SLOT(head)]) != 0 -> how = FLUSH; s = head; goto switch
		:: else
		fi;
		s = OLDEST(head);
		do
		:: s <= head && !UNREAD(s) -> s++
		:: else -> break
		od;
		if
		:: s <= head -> gone = writer_dead; goto look
		:: else -> s = 0; final_check(); goto finished
		fi
	:: !draining && FINISHED -> draining = 1; goto idle
	:: !draining && !FINISHED && (READER & GET) && hold_state == HELD -> s = hold_seq; goto taken
	:: !draining && !FINISHED && (READER & GET) ->
		s = OLDEST(head);
		do
		:: s < head -> s++
		:: break
		od;
		gone = writer_dead; goto look
	:: !draining && !FINISHED && (READER & FLUSH) -> how = FLUSH; s = head; goto switch
	:: !draining && !FINISHED && (READER & ACTIVE) -> how = ACTIVE; s = head; goto switch
	fi
}

proctype Reader() provided (!(writer_dead && buried < LEVELS))
{
	byte s, w, c, p, a, ev, how, err, x, y, k;
	byte t_begun, t_prev, t_old, t_page, t_committed, t_word;
	byte aside_state, aside_seq, aside_page, aside_word, aside_committed;
	bool gone, draining, storing;

	{
	goto idle;
idle:	atomic { choose() }

	/* subbuf_take(), ft_subbuf_look() */
look:	atomic {
		w = word[SLOT(s)];
		if
		:: SEQ(w) != s || OPEN(w) -> assert(event_lost || !draining); forget(); goto idle
		:: else /* else it will be refused whatever else is loaded */
		fi
	}
	c = committed[SLOT(s)];
	a = anchor[SLOT(s)];
	atomic {
		p = page[SLOT(s)];
#ifdef FAULT_GONE_LATE
		gone = writer_dead;
#endif
		if
		:: SEQ(p) != s || (p & TAKEN) || SEQ(w) != s || OPEN(w) ||
#ifndef FAULT_DELIVERED_IGNORED
		   (c != LESS(w) && !gone) ||
#endif
		   false ->
			assert(event_lost || !draining);
			forget(); goto idle
		:: else
		fi;
		assert(against_protocol || a == s);
		assert(against_protocol || UNITS(w) <= FULL);
		a = 0;
		gone = 0;
#ifndef FAULT_HOLD_LATE
		if
		:: OVERWRITE -> aside_state = hold_state; aside_seq = hold_seq; aside_page = hold_page;
			aside_word = hold_word; aside_committed = hold_committed
		:: else
		fi;
		if
		:: OVERWRITE && hold_state == NONE -> goto fill
		:: OVERWRITE && hold_state != NONE
		:: !OVERWRITE -> goto fill
		fi
	}
	/* hold_fill() */
#ifndef FAULT_HOLD_MIXED
	hold_clear();
#endif
fill:	storing = 1;
	d_step {
		hold_seq = s; hold_page = INDEX(p); hold_word = w; hold_committed = c;
		storing = 0
	}
	atomic {
		hold_state = HELD;
		if
		:: !OVERWRITE -> w = 0; c = 0; p = 0; goto taken
		:: else
		fi
#endif
	}
	/* subbuf_swap() */
	atomic {
		if
#ifdef FAULT_SWAP_UNTAGGED
		:: INDEX(page[SLOT(s)]) == INDEX(p) ->
#else
		:: page[SLOT(s)] == p ->
#endif
			page[SLOT(s)] = PAGE(s, TAKEN, SPARE);
			PROGRESS(0);
			pages_check();
#ifndef FAULT_HOLD_LATE
			w = 0; c = 0; p = 0;
			aside_state = 0; aside_seq = 0; aside_page = 0; aside_word = 0; aside_committed = 0;
			goto taken
#endif
		:: else ->
			assert(event_lost || !draining);
#ifdef FAULT_HOLD_LATE
			forget(); goto idle
#endif
			s = aside_seq; p = aside_page; w = aside_word; c = aside_committed
		fi
	}
#ifdef FAULT_HOLD_LATE
	d_step { hold_seq = s; hold_page = INDEX(p); hold_word = w; hold_committed = c }
	atomic { hold_state = HELD; w = 0; c = 0; p = 0; goto taken }
#endif
#ifndef FAULT_HOLD_MIXED
	atomic {
		hold_clear();
		if
		:: aside_state == NONE -> forget(); goto idle
		:: else
		fi
	}
#endif
	storing = 1;
	d_step {
		hold_seq = s; hold_page = INDEX(p); hold_word = w; hold_committed = c;
		storing = 0;
		s = 0; p = 0; w = 0; c = 0
	}
	atomic { hold_state = aside_state; forget(); goto idle }

	/* packet_fill(), hold_count() */
taken:	content_read();
	d_step {
		hold_events = consumed_events + ev;
		hold_in_flight = in_flight + COUNT(hold_word) - ev
	}
	if
	:: atomic { !draining && (READER & UNGET) -> ev = 0; s = 0; goto give_back }
	:: atomic { true -> skip }
	fi;
	/* ft_hold_put() */
	content_read();
	d_step {
		hold_state = PUT;
		assert(put_twice || !(puts & (1 << s)));
		puts = puts | (1 << s);
		accounted = accounted + COUNT(hold_word);
		ev = 0; s = 0
	}
put:	consumed_events = hold_events;
	in_flight = hold_in_flight;
	atomic {
		if
		:: !OVERWRITE && page[SLOT(hold_seq)] == PAGE(hold_seq, 0, hold_page) ->
			page[SLOT(hold_seq)] = PAGE(hold_seq, TAKEN, hold_page);
			PROGRESS(0)
		:: else
		fi
	}
clear:	atomic { hold_clear() }

	/* consumed_advance(): w is head, s the sub-buffer looked at */
advance:
	w = head;
	s = OLDEST(head);
step:	atomic {
		if
		:: s > w -> goto store_consumed
		:: else
		fi;
		if
#ifndef FAULT_CONSUMED_SKIPS
		:: SEQ(page[SLOT(s)]) == s && !(page[SLOT(s)] & TAKEN) -> goto store_consumed
#endif
		:: else -> s++; goto step
		fi
	}
store_consumed:
	atomic {
		if
		:: s > consumed -> consumed = s; PROGRESS(0)
		:: else
		fi;
		forget(); goto idle
	}
	/* fasttrace_arena_consume() */
elected:
#ifndef FAULT_ELECTED_NOT_FENCED
	atomic { !swapping -> skip }
#endif
	/* ft_takeover(), ft_hold_return() */
give_back:	atomic {
		if
		:: hold_state == PUT -> goto put
		:: hold_state == NONE -> goto advance
		:: hold_state == HELD && !OVERWRITE -> goto clear
		:: else
		fi
	}
	atomic { /* hold_undo() */
#ifdef FAULT_ASIDE_FIRST
		if
		:: STANDS(hold_page) -> goto clear
		:: else -> goto advance
		fi;
#endif
		p = page[SLOT(hold_seq)];
		if
		:: STANDS(hold_page) -> p = 0; goto clear
		:: !STANDS(hold_page) && (SEQ(p) != hold_seq || !(p & TAKEN)) -> p = 0; goto advance
		:: else
		fi
	}
	atomic {
		if
#ifdef FAULT_SWAP_BACK_PLAIN
		:: true ->
#else
		:: page[SLOT(hold_seq)] == p ->
#endif
			page[SLOT(hold_seq)] = PAGE(hold_seq, 0, hold_page);
			PROGRESS(0);
			pages_check();
			p = 0;
			goto clear
		:: else -> p = 0; goto advance
		fi
	}

	/* switch_try() */
switch:	atomic {
		w = word[SLOT(s)];
		if
		:: SEQ(w) != s -> forget(); goto idle
		:: else
		fi;
		if
		:: !OVERWRITE && how == ACTIVE && (!OPEN(w) || COUNT(w) != 0) && consumed <= s - (N - 1) ->
			forget(); goto idle
		:: else
		fi;
		if
		:: !OPEN(w) && how == ACTIVE -> w = 0; goto turn
		:: (!OPEN(w) && how == FLUSH) || (OPEN(w) && COUNT(w) == 0) -> forget(); goto idle
		:: else
		fi
	}
	atomic { /* ft_ring_close() */
		if
		:: word[SLOT(s)] == w -> word[SLOT(s)] = w | CLOSED; PROGRESS(0); w = 0
		:: else -> forget(); goto idle
		fi
	}
#ifndef FAULT_CLOSE_NOT_FENCED
	atomic { !swapping -> skip }
#endif
	atomic {
		w = word[SLOT(s)];
		if
#ifndef FAULT_CLOSE_UNSEEN
		:: SEQ(w) == s && OPEN(w) -> forget(); goto idle
#endif
		:: else -> w = 0
		fi;
		if
		:: how == FLUSH -> forget(); goto idle
		:: else
		fi
	}
turn:	ring_turn(s, 0);
turned:	atomic { turn_forget(); forget(); goto idle }
finished:
	skip
	} unless {
		atomic {
			reader_dead ->
			/* Killed among the stores of hold's fields: each is done or not. Nobody sees it
			 * if the state is NONE. The rest is never in Reader, but with a fault. */
			if
			:: storing && hold_state != NONE ->
				if
				:: hold_seq = s /* never in Reader */
				:: true
				fi;
				if
				:: hold_page = INDEX(p) /* never in Reader */
				:: true
				fi;
				if
				:: hold_word = w /* never in Reader */
				:: true
				fi;
				if
				:: hold_committed = c /* never in Reader */
				:: true
				fi
			:: else
			fi;
			s = 0; w = 0; c = 0; p = 0; a = 0; ev = 0; gone = 0; how = 0; err = 0;
			aside_state = 0; aside_seq = 0; aside_page = 0; aside_word = 0; aside_committed = 0;
			turn_forget();
			storing = 0;
			reader_dead = 0;
			goto elected
		}
	}
}
