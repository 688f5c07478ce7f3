/* SPDX-License-Identifier: MIT */
/* ring_writer.pml - reserve and commit, at one level of nesting. */

#define level _pid

/* Once more: for nothing that somebody else did? */
#define RETRY                                                                                 \
	if                                                                                    \
	:: moved & (1 << level) -> moved = moved & (7 ^ (1 << level)); tries = 0              \
	:: else -> tries = tries + RETRIES; assert(waits_for_others || tries <= 2)            \
	fi
#define RETRY_BEGIN                                                                           \
	moved = RETRIES * ((moved | (7 ^ (1 << level))) & (7 ^ (1 << level)));                \
	tries = 0
#define RETRY_END moved = moved & (7 ^ (1 << level)); tries = 0

/* The event's bytes: one more write is stray unless the page is its slot's, and fresh there. */
inline event_write()
{
	d_step {
		assert(stray_write || page[SLOT(s)] == PAGE(s, 0, pg));
		assert(stray_write || (data[pg * CAP + COUNT(at)] >> 1) != s);
		data[pg * CAP + COUNT(at)] = s << 1
	}
}

/* The event is over; its registers are forgotten. */
inline event_over()
{
	s = 0; w = 0; at = 0; pg = 0; c = 0; k = 0; low = 0; high = 0;
	RETRY_END;
	running = level - 1
}

/* The macro returns: from here on the event counts. */
inline event_return()
{
	if
	:: data[pg * CAP + COUNT(at)] == s << 1 -> data[pg * CAP + COUNT(at)] = s << 1 | 1
	:: else
	fi;
	event_over()
}

#define BEFORE before[pg * RANGES + k]
#define AFTER  after[pg * RANGES + k]

/* At depth 1 nobody interrupts this: its loads, which the reader does not care about, are one step. */
#if LEVELS == 2
#define LOOKS atomic
#else
#define LOOKS
#endif

/* fasttrace_commit_nested(). Registers: c, k the range, low and high as in the code, + 1. */
inline nested_commit()
{
	LOOKS {
		k = 0;
look:		atomic {
			if
			:: k >= RANGES -> k = 0; goto looked
			:: else -> c = BEFORE
			fi
		}
		atomic { /* nested_valid() */
			if
			:: SEQ(c) != s || SEQ(AFTER) != s || UNITS(AFTER) <= HEADER ->
				k++; c = 0; goto look
			:: else -> c = 0
			fi
		}
		atomic {
			if
			:: AFTER == at -> low = k + 1
			:: else
			fi
		}
		atomic {
			if
#ifndef FAULT_RANGES_NOT_MERGED
			:: BEFORE == at + 1 -> high = k + 1
#endif
			:: else
			fi;
			k++;
			goto look
		}
	}
looked:	atomic {
		if
		:: low != 0 && high != 0 -> k = high - 1; c = AFTER; k = low - 1
		:: low != 0 && high == 0 -> k = low - 1; c = at + 1
		:: low == 0 && high != 0 ->
			k = high - 1;
			assert(against_protocol || BEFORE == at + 1); /* the CAS does not fail */
			BEFORE = at;
			event_return();
			goto end_idle
		:: else -> goto free
		fi
	}
	atomic {
		assert(against_protocol || AFTER == at); /* nor does this one */
		AFTER = c;
		if
		:: high != 0 -> k = high - 1
		:: high == 0 -> event_return(); goto end_idle
		fi
	}
	atomic {
		if
		:: AFTER == c -> AFTER = TAG(s)
		:: else
		fi;
		event_return();
		goto end_idle
	}
free:	atomic { /* nested_add() */
		assert(event_lost || k < RANGES); /* there is room for it */
		c = AFTER;
		if
#ifdef FAULT_RANGES_NOT_REUSED
		:: SEQ(c) == s && UNITS(c) != 0 -> k++; c = 0; goto free
#else
		:: SEQ(c) == s && UNITS(c) != 0 && (UNITS(c) < HEADER || c > committed[SLOT(s)]) ->
			k++; c = 0; goto free
#endif
		:: else
		fi
	}
#ifndef FAULT_NESTED_PLAIN
	atomic {
		if
		:: AFTER == c -> AFTER = TAG(s) | 1; c = 0
		:: else -> k++; c = 0; goto free
		fi
	}
#endif
#ifdef FAULT_RANGE_FORGOTTEN
	atomic { event_return(); goto end_idle }
#endif
	BEFORE = at;
	atomic { AFTER = at + 1; event_return(); goto end_idle }
}

proctype Writer() provided (!reader_dead && (running == _pid || running == _pid - 1 || writer_dead))
{
	byte s, w, at, pg, c, err, tries;
	byte t_begun, t_prev, t_old, t_page, t_committed, t_word;
	byte k, low, high; /* nested ranges */

	{
	goto end_idle;
end_idle:
	atomic {
		running == level - 1 && left[level - 1] > 0 && !abandoned && !writer_dead && !swapping ->
		left[level - 1]--;
		running = level;
		RETRY_BEGIN;
#ifndef FAULT_OPEN_LATE
		s = open /* fasttrace_reserve() */
#endif
	}
	at = own_slot;
	pg = own_page;
	w = word[at];
	atomic {
		at = 0;
#ifdef FAULT_OPEN_LATE
		s = open;
#endif
		if
		:: SEQ(w) != s || !OPEN(w) || UNITS(w) >= FULL -> s = 0; w = 0; pg = 0; goto again
		:: else
		fi
	}
	/* fasttrace_word_cas(): what fails is stored as well */
	atomic { c = word[SLOT(s)]; swapping = 1 }
	atomic {
		swapping = 0;
		if
#ifdef FAULT_RESERVE_PLAIN
		:: true ->
#else
		:: c == w ->
#endif
			word[SLOT(s)] = w + 1; reserved++; PROGRESS(level); c = 0;
			at = w; w = 0; goto place
		:: else -> word[SLOT(s)] = c; s = 0; w = 0; c = 0; pg = 0; goto again
		fi
	}
	/* event_reserve() */
again:	s = head;
	atomic {
		w = word[SLOT(s)];
		if
		:: SEQ(w) != s -> RETRY; goto again
		:: SEQ(w) == s && OPEN(w) && UNITS(w) < FULL -> goto event_place
		:: SEQ(w) == s && !OPEN(w) -> w = 0; goto turn
		:: else /* close */
		fi
	}
	atomic { /* boundary_cross(), ft_ring_close() */
		if
		:: word[SLOT(s)] == w -> word[SLOT(s)] = w | CLOSED; PROGRESS(level); w = 0
		:: else -> w = 0; RETRY; goto again
		fi
	}
turn:	ring_turn(s, level);
turned:	atomic {
		turn_forget();
		if
		:: err == RETURN_0 -> RETRY; goto again
		:: err == RETURN_FULL && BLOCK && consumed > s - (N - 1) -> /* the reader moved it */
			assert(waits_for_others || !RETRIES || (moved & (1 << level)));
			err = 0; RETRY_END; goto again
		:: err == RETURN_FULL -> err = 0; lost++; event_over(); goto end_idle
		:: err == RETURN_BUSY ->
			/* only for an event in flight of our own, which waits until we are through */
			assert(event_lost || (SEQ(committed[SLOT(s + 1)]) == s + 1 - N &&
					      committed[SLOT(s + 1)] != LESS(word[SLOT(s + 1)])));
			err = 0; abandoned = 1; elsewhere++; event_over(); goto end_idle
		fi
	}
event_place:
	if
	:: atomic { COUNT(w) == 0 -> c = anchor[SLOT(s)] };
		d_step {
			if
#ifdef FAULT_ANCHOR_LAPPED
			:: anchor[SLOT(s)] == c -> anchor[SLOT(s)] = s
#else
			:: anchor[SLOT(s)] == c && c <= s -> anchor[SLOT(s)] = s
#endif
			:: else
			fi;
			c = 0
		}
	:: COUNT(w) != 0
	fi;
	atomic {
		if
#ifdef FAULT_RESERVE_PLAIN
		:: true ->
#else
		:: word[SLOT(s)] == w ->
#endif
			word[SLOT(s)] = w + 1; reserved++; PROGRESS(level)
		:: else -> w = 0; RETRY; goto again
		fi
	}
	atomic { /* open_publish() */
		pg = INDEX(page[SLOT(s)]); at = w; w = 0;
		if
#ifndef FAULT_PUBLISHED_MIXED
		:: publishing -> goto place
#endif
		:: else -> publishing = 1
		fi
	}
	open = 0;
	own_slot = SLOT(s);
	own_page = pg;
	open = s;
	publishing = 0;
place:
#ifndef FAULT_COMMIT_BEFORE_STORE
	event_write();
#endif
	/* fasttrace_commit() */
	atomic {
		if
		:: committed[SLOT(s)] != at -> goto nested
		:: else -> c = at + 1
		fi
	}
	/* c is what this event has stored, or will store: `stored` */
store:	committed[SLOT(s)] = c;
#ifdef FAULT_COMMIT_BEFORE_STORE
	event_write();
#endif
	/* fasttrace_commit_again() */
#ifdef FAULT_COMMIT_LOOKS_ONCE
	atomic { event_return(); goto end_idle }
#endif
#ifdef FAULT_COMMIT_COMMITTED_FIRST
	atomic {
		if
		:: committed[SLOT(s)] != c -> event_return(); goto end_idle
		:: else
		fi
	}
#endif
	atomic {
		w = LESS(word[SLOT(s)]);
		if
		:: w == c -> event_return(); goto end_idle
		:: else
		fi
	}
	atomic {
		if
#if !defined(FAULT_COMMIT_BLIND) && !defined(FAULT_COMMIT_COMMITTED_FIRST)
		:: committed[SLOT(s)] != c -> event_return(); goto end_idle
#endif
		:: else -> c = w; w = 0; goto store
		fi
	}
nested:
	nested_commit();
	} unless {
		atomic {
			writer_dead ->
			s = 0; w = 0; at = 0; pg = 0; c = 0; err = 0; tries = 0;
			k = 0; low = 0; high = 0;
			turn_forget();
			running = 0;
			buried++
		}
	}
}
