/* SPDX-License-Identifier: MIT */
/*
 * litmus-pairs.pml - the tests of litmus.pml: what each thread does, and what must never be seen.
 *
 * A line `TEST name number sites` lists a test for litmus.sh. Sites are counted from 1, in AT();
 * each of them, weakened alone, must let the forbidden be seen. Where a pair's order stands in a
 * fence, the access is relaxed as in the code.
 */

/* Each slot's or control block's words that a test is about; X is plain data. */
#define COMMITTED 0
#define WORD	  1
#define PAGE	  2
#define OTHER	  3
#define X	  4

/* TEST commit-deliver 1 2: the event's bytes are there when committed says so */
inline commit_deliver()
{
	if
	:: me == 0 ->
		plain_write(X);
		store(COMMITTED, AT(1, REL), 1) /* commit:W */
	:: me == 1 ->
		load(COMMITTED, AT(2, ACQ), R(0)); /* deliver:R */
		if
		:: R(0) == 1 -> plain_read(X)
		:: else
		fi
	:: else
	fi
}

/* TEST turn-reserve 2 2: who reserves in a sub-buffer finds its page */
inline turn_reserve()
{
	if
	:: me == 0 ->
		cas(PAGE, AR, 0, 1, got);
		cas(WORD, AT(1, AR), 0, 1, got) /* turn:W */
	:: me == 1 ->
		load(WORD, AT(2, ACQ), R(0)); /* reserve:R */
		if
		:: R(0) == 1 ->
			cas(WORD, AT(2, AR), 1, 2, R(1)); /* reserve:R */
			load(PAGE, RLX, R(2))
		:: else
		fi
	:: else
	fi
}

/* TEST turn-swap 3 2: one of them gets the memory; weak: by a load and a store, not a CAS */
inline turn_swap()
{
	if
	:: me < 2 && weak != me + 1 -> cas(PAGE, AR, 0, me + 1, R(0)) /* turn:W, swap:R */
	:: me < 2 && weak == me + 1 ->
		load(PAGE, ACQ, R(1));
		if
		:: R(1) == 0 ->
			store(PAGE, REL, me + 1);
			R(0) = 1
		:: else
		fi
	:: else
	fi
}

/* TEST swap-turn 4 2: the reader is done with the page that it gives as the spare */
inline swap_turn()
{
	if
	:: me == 0 ->
		plain_read(X);
		cas(PAGE, AT(1, AR), 0, 1, got) /* swap:W */
	:: me == 1 ->
		cas(PAGE, AT(2, AR), 1, 2, R(0)); /* turn:R */
		if
		:: R(0) -> plain_write(X)
		:: else
		fi
	:: else
	fi
}

/* TEST hold-takeover 5 2: what is held is written down when state says so */
inline hold_takeover()
{
	if
	:: me == 0 ->
		store(OTHER, RLX, 1);
		store(COMMITTED, AT(1, REL), 1) /* hold:W; COMMITTED is state */
	:: me == 1 ->
		load(COMMITTED, AT(2, ACQ), R(0)); /* takeover:R */
		load(OTHER, RLX, R(1))
	:: else
	fi
}

/* TEST put-full 6 2: the reader is done with what consumed has passed */
inline put_full()
{
	if
	:: me == 0 ->
		plain_read(X);
		store(OTHER, AT(1, REL), 1) /* put:W; OTHER is consumed */
	:: me == 1 ->
		load(OTHER, AT(2, ACQ), R(0)); /* full:R */
		if
		:: R(0) == 1 -> plain_write(X)
		:: else
		fi
	:: else
	fi
}

/* TEST sleep-wake 7 2: the reader sees the boundary, or the writer that it is waited for */
inline sleep_wake()
{
	if
	:: me == 0 ->
		store(OTHER, RLX, 1); /* sleep:W; OTHER is waiters */
		fence(AT(1, FULL));
		load(WORD, ACQ, R(0))
	:: me == 1 ->
		cas(WORD, AR, 0, 1, got); /* close:W */
		fence(AT(2, FULL));
		load(OTHER, RLX, R(0)) /* wake:R */
	:: else
	fi
}

/* TEST held-claim 23 2: get sees that the owner has changed, or the next owner what get holds */
inline held_claim()
{
	if
	:: me == 0 ->
		store(OTHER, REL, 1); /* held:W; OTHER is hold.state */
		fence(AT(1, FULL));
		load(WORD, ACQ, R(0)) /* again:R; WORD is state */
	:: me == 1 ->
		cas(WORD, AR, 0, 1, got); /* claim:R */
		fence(AT(2, FULL));
		load(OTHER, ACQ, R(0)) /* held:R */
	:: else
	fi
}

/* TEST attach 8 2: the owner is written down when state says that there is one */
inline attach()
{
	if
	:: me == 0 ->
		store(OTHER, RLX, 1);
		store(COMMITTED, AT(1, REL), 1) /* attach:W; COMMITTED is state */
	:: me == 1 ->
		load(COMMITTED, AT(2, ACQ), R(0)); /* attach:R */
		load(OTHER, RLX, R(1))
	:: else
	fi
}

/* TEST end-claim 9 2: the last owner is done with its ring when the next one claims it */
inline end_claim()
{
	if
	:: me == 0 ->
		plain_write(X);
		store(OTHER, AT(1, REL), 1) /* end:W; OTHER is state */
	:: me == 1 ->
		cas(OTHER, AT(2, AR), 1, 2, R(0)); /* claim:R */
		if
		:: R(0) -> plain_write(X)
		:: else
		fi
	:: else
	fi
}

/* TEST claim-again 10 2: tid and serial of one owner; 3 and 2: dead, claimed; 1: the next lives */
inline claim_again()
{
	if
	:: me == 0 ->
		cas(OTHER, AR, 0, 2, got); /* claim:W; OTHER is state */
		fence(AT(1, REL));
		store(WORD, RLX, 1); /* tid */
		store(PAGE, RLX, 1); /* serial */
		store(OTHER, REL, 1) /* attach:W */
	:: me == 1 ->
		load(OTHER, ACQ, R(0)); /* attach:R */
		load(PAGE, ACQ, R(1));
		load(WORD, RLX, R(2));
		fence(AT(2, ACQ));
		load(OTHER, ACQ, got); /* again:R */
		R(3) = R(1);
		load(PAGE, ACQ, R(1));
		R(3) = R(3) + R(1) + R(0) + got
	:: else
	fi
}

/* TEST event 11 2: an entry of the table is whole when it is linked */
inline event()
{
	if
	:: me == 0 ->
		plain_write(X);
		cas(OTHER, AT(1, AR), 0, 1, got) /* event:W; OTHER is next */
	:: me == 1 ->
		load(OTHER, AT(2, ACQ), R(0)); /* event:R */
		if
		:: R(0) == 1 -> plain_read(X)
		:: else
		fi
	:: else
	fi
}

/* TEST site 12 2: who reads an event that is committed finds its entry */
inline site()
{
	if
	:: me == 0 ->
		cas(WORD, AR, 0, 1, got);     /* event:W; WORD is next */
		store(OTHER, AT(1, REL), 1) /* site:W; OTHER is event->on */
	:: me == 1 ->
		load(OTHER, AT(2, ACQ), R(0)); /* site:R */
		if
		:: R(0) == 1 -> store(COMMITTED, REL, 1) /* commit:W */
		:: else
		fi
	:: me == 2 ->
		load(COMMITTED, ACQ, R(0)); /* deliver:R */
		load(WORD, ACQ, R(1))	    /* event:R */
	fi
}

/* TEST rules 13 2: the text is there when the rules are */
inline rules()
{
	if
	:: me == 0 ->
		plain_write(X);
		cas(OTHER, AT(1, AR), 0, 1, got) /* rules:W */
	:: me == 1 ->
		load(OTHER, AT(2, ACQ), R(0)); /* rules:R */
		if
		:: R(0) == 1 -> plain_read(X)
		:: else
		fi
	:: else
	fi
}

/* TEST rules-entry 14 2: the consumer sees the new entry, or who met it the new rules */
inline rules_entry()
{
	if
	:: me == 0 ->
		cas(OTHER, AR, 0, 1, got); /* rules:W */
		fence(AT(1, FULL));
		load(WORD, ACQ, R(0)) /* event:R; WORD is next */
	:: me == 1 -> cas(WORD, AR, 0, 1, got) /* event:W */
	:: me == 2 ->
		load(WORD, ACQ, R(0)); /* event:R, perhaps in another thread than who linked it */
		fence(AT(2, FULL));
		load(OTHER, ACQ, R(1)) /* rules:R */
	fi
}

/* TEST rules-half 15 2: a text that was written over is not taken for that of older rules */
inline rules_half()
{
	if
	:: me == 0 ->
		cas(OTHER, AR, 0, 1, got); /* rules:W: the other half from now on */
		fence(AT(1, FULL));
		store(WORD, RLX, 1) /* the next text, into the first */
	:: me == 1 ->
		load(OTHER, ACQ, R(0)); /* rules:R */
		load(WORD, RLX, R(1));
		fence(AT(2, FULL));
		load(OTHER, RLX, R(2))
	:: else
	fi
}

/* TEST open-head 16 2: begun is that of the sub-buffer that head names */
inline open_head()
{
	if
	:: me == 0 ->
		cas(WORD, AR, 0, 1, got); /* WORD is begun */
		cas(OTHER, AT(1, AR), 0, 1, got) /* open:W; OTHER is head */
	:: me == 1 ->
		load(OTHER, AT(2, ACQ), R(0)); /* open:R */
		load(WORD, ACQ, R(1))
	:: else
	fi
}

/* TEST lose 24 2: who counts an event as lost sees the sub-buffer in which it was */
inline lose()
{
	if
	:: me == 0 ->
		cas(WORD, AR, 0, 1, got); /* turn:W */
		add(OTHER, AT(1, AR)) /* lose:W; OTHER is lost */
	:: me == 1 ->
		load(OTHER, AT(2, ACQ), R(0)); /* lose:R */
		load(WORD, ACQ, R(1)) /* reserve:R */
	:: else
	fi
}

/* TEST lap-stand 17 2: a copy without a hold is dropped if the page went to the next lap */
inline lap_stand()
{
	if
	:: me == 0 ->
		cas(PAGE, AR, 0, 1, got);
		cas(WORD, AR, 0, 1, got); /* turned; then reserved in: */
		cas(WORD, AR, 1, 2, got);
		fence(AT(1, REL)); /* lap:W */
		store(OTHER, RLX, 1) /* a byte of the page */
	:: me == 1 ->
		load(OTHER, RLX, R(0));
		fence(AT(2, ACQ)); /* stand:R */
		load(PAGE, ACQ, R(1))
	:: else
	fi
}

/* TEST lap-stand-opened 18 3: the same, where the reader's switch turned the slot */
inline lap_stand_opened()
{
	if
	:: me == 0 ->
		cas(PAGE, AR, 0, 1, got);
		cas(WORD, AT(3, AR), 0, 1, got) /* turn:W */
	:: me == 1 ->
		cas(WORD, AR, 1, 2, R(0)); /* reserve:R */
		fence(AT(1, REL)); /* lap:W */
		if
		:: R(0) -> store(OTHER, RLX, 1)
		:: else
		fi
	:: me == 2 ->
		load(OTHER, RLX, R(0));
		fence(AT(2, ACQ)); /* stand:R */
		load(PAGE, ACQ, R(1))
	fi
}

/* TEST lap-stand-held 19 4: the same of a page that was held, given back and written to */
inline lap_stand_held()
{
	if
	:: me == 0 ->
		store(WORD, RLX, 1);	       /* hold.seq */
		cas(PAGE, AT(3, AR), 0, 1, got) /* swap:W: what was held is in the ring */
	:: me == 1 ->
		cas(PAGE, AT(4, AR), 1, 2, R(0)); /* turn:R */
		fence(AT(1, REL)); /* lap:W */
		if
		:: R(0) -> store(OTHER, RLX, 1)
		:: else
		fi
	:: me == 2 ->
		load(OTHER, RLX, R(0));
		fence(AT(2, ACQ)); /* stand:R */
		load(WORD, RLX, R(1))
	fi
}

/* TEST drop-stand 20 2: what a snapshot reads of the hold is of one hold */
inline drop_stand()
{
	if
	:: me == 0 ->
		store(OTHER, RLX, 2); /* drop:W; OTHER is state: 0 held, 2 none, 1 held */
		fence(AT(1, REL));
		store(WORD, RLX, 1); /* hold.word */
		store(PAGE, RLX, 1); /* hold.seq */
		store(OTHER, REL, 1) /* hold:W */
	:: me == 1 ->
		load(OTHER, ACQ, R(0)); /* takeover:R */
		load(PAGE, RLX, R(1));
		load(WORD, RLX, R(2));
		fence(AT(2, ACQ)); /* stand:R */
		load(OTHER, ACQ, got);
		R(3) = R(1) + (got == 2 -> 1 : 0);
		load(PAGE, RLX, R(1));
		R(3) = R(3) + R(1)
	:: else
	fi
}

/* TEST room 21 2: who sleeps on the new room sees what was consumed before it changed */
inline room()
{
	if
	:: me == 0 ->
		store(WORD, REL, 1); /* put:W; WORD is consumed */
		add(OTHER, AT(1, AR)) /* room:W */
	:: me == 1 ->
		load(OTHER, AT(2, ACQ), R(0)); /* sleep on it: room:R */
		load(WORD, ACQ, R(1))	       /* full:R */
	:: else
	fi
}

/*
 * TEST two-looks 22 2: a handler's event is committed by the outer one, or by itself. One thread:
 * the handler runs between any two steps (thread 1 here, in one step). Weak 1: the second look
 * comes before the store; 2: there is none. WORD and COMMITTED are exact: no order is at stake.
 */
#define LOOK looked[0]
inline two_looks()
{
	if
	:: me == 0 && weak == 1 ->
		LOOK = 1 + loc[WORD].last;
		store(COMMITTED, REL, 1);
		if
		:: LOOK != 1 -> store(COMMITTED, REL, LOOK)
		:: else
		fi
	:: me == 0 && weak != 1 ->
		store(COMMITTED, REL, 1); /* commit:W */
		LOOK = 1 + loc[WORD].last;
		if
		:: LOOK != 1 && weak != 2 -> store(COMMITTED, REL, LOOK)
		:: else
		fi
	:: me == 1 ->
		atomic {
			R(0) = loc[COMMITTED].value[loc[COMMITTED].last] == 1;
			write_at(WORD, AR, 2, true);
			if
			:: R(0) -> write_at(COMMITTED, REL, 2, false)
			:: else
			fi
		}
	:: else
	fi
}

inline run_pair()
{
	if
	:: litmus == 1 -> commit_deliver()
	:: litmus == 2 -> turn_reserve()
	:: litmus == 3 -> turn_swap()
	:: litmus == 4 -> swap_turn()
	:: litmus == 5 -> hold_takeover()
	:: litmus == 6 -> put_full()
	:: litmus == 7 -> sleep_wake()
	:: litmus == 8 -> attach()
	:: litmus == 9 -> end_claim()
	:: litmus == 10 -> claim_again()
	:: litmus == 11 -> event()
	:: litmus == 12 -> site()
	:: litmus == 13 -> rules()
	:: litmus == 14 -> rules_entry()
	:: litmus == 15 -> rules_half()
	:: litmus == 16 -> open_head()
	:: litmus == 17 -> lap_stand()
	:: litmus == 18 -> lap_stand_opened()
	:: litmus == 19 -> lap_stand_held()
	:: litmus == 20 -> drop_stand()
	:: litmus == 21 -> room()
	:: litmus == 22 -> two_looks()
	:: litmus == 23 -> held_claim()
	:: litmus == 24 -> lose()
	:: else -> assert(false)
	fi
}

/* S(t, n): what thread t's R(n) was. */
#define S(t, n) seen[(t)*4 + (n)]
#define NEWEST(x) loc[x].value[loc[x].last]

/* The premise is what the pair is there for; what is bad needs it. */
#define FINDS(p, b)                                                                                \
	premise = (p);                                                                             \
	bad = (p) && (b)

inline judge()
{
	d_step {
		if
		:: litmus == 1 || litmus == 11 || litmus == 13 -> FINDS(S(1, 0) == 1, raced)
		:: litmus == 2 -> FINDS(S(1, 1), S(1, 2) == 0)
		:: litmus == 3 -> FINDS(S(0, 0) || S(1, 0), S(0, 0) && S(1, 0))
		:: litmus == 4 || litmus == 6 || litmus == 9 -> FINDS(S(1, 0) == 1, raced)
		:: litmus == 5 || litmus == 8 || litmus == 16 || litmus == 21 || litmus == 24 ->
			FINDS(S(1, 0) == 1, S(1, 1) == 0)
		:: litmus == 7 || litmus == 23 ->
			FINDS(S(0, 0) == 0 || S(1, 0) == 0, S(0, 0) == 0 && S(1, 0) == 0)
		:: litmus == 10 -> FINDS(S(1, 0) == 0 && S(1, 2) == 1, S(1, 3) == 0)
		:: litmus == 14 -> FINDS(S(0, 0) == 0 && S(2, 0) == 1, S(2, 1) == 0)
		:: litmus == 15 -> FINDS(S(1, 0) == 0 && S(1, 1) == 1, S(1, 2) == 0)
		:: litmus == 17 -> FINDS(S(1, 0) == 1, S(1, 1) == 0)
		:: litmus == 12 || litmus == 18 || litmus == 19 -> FINDS(S(2, 0) == 1, S(2, 1) == 0)
		:: litmus == 20 -> FINDS(S(1, 0) == 0 && S(1, 2) == 1, S(1, 3) == 0)
		:: litmus == 22 -> FINDS(true, NEWEST(COMMITTED) != 2)
		fi
	}
}
