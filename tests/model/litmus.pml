/* SPDX-License-Identifier: MIT */
/*
 * litmus.pml - one small test for each pair of the ORDER table (include/ft-layout.h), under the
 * memory of C11: docs/memory-order.md says what each means. litmus.sh runs them.
 *
 * MEMORY. Each location keeps every value that it ever had. A thread's view says, for each
 * location, how old a value it may still read. A release store, or one behind a release fence,
 * hands the view over with the value; an acquire load, or an acquire fence behind it, takes it. A
 * read-modify-write reads the newest value, and hands on what that carried. A full fence
 * exchanges views with one that all full fences share. A view counts each thread's accesses to
 * plain data too: one that was not in the other's view is a data race.
 *
 * Left out: stores of two threads to one location that are not read-modify-writes (no pair has
 * such), and values out of thin air.
 *
 * WHICH. Environment: LITMUS, the test; WEAK, the site whose order is taken away, 0: none, as
 * coded; SEEN=1 asserts instead that the pair's premise never holds, to see that it does.
 */
#define NL 5 /* locations */
#define NM 8 /* values of each */
#define NT 3 /* threads */
#define NV 8 /* NL + NT: what a view has of locations, then of threads */

/* Orders; a load's and a store's part of a read-modify-write apart. */
#define RLX 0
#define ACQ 1
#define REL 2
#define AR  3
#define FULL 4

typedef view { byte at[NV] };
typedef place { byte value[NM]; view with[NM]; byte last };

place loc[NL];
view now[NT], taken[NT], given[NT]; /* views; what an acquire fence adds; as of a release fence */
view common; /* of all full fences */
byte wrote[NL], wrote_by[NL]; /* plain data: the last write; */
byte looked[NL * NT];	      /* the last read of each thread */
bool raced, premise, bad;
byte seen[NT * 4]; /* what a thread read, for the others and the end */
byte done;
byte litmus, weak, only_seen;

#define JOIN(a, b)                                                                                 \
	for (i : 0 .. NV - 1) {                                                                    \
		a.at[i] = (b.at[i] > a.at[i] -> b.at[i] : a.at[i])                                 \
	}
#define COPY(a, b)                                                                                 \
	for (i : 0 .. NV - 1) {                                                                    \
		a.at[i] = b.at[i]                                                                  \
	}

/* The order that stands in the code at a site, or what remains of it when that is weak. */
#define AT(site, order) (weak == site -> RLX : order)

inline read_at(x, order, to)
{
	to = loc[x].value[ts];
	now[me].at[x] = ts;
	JOIN(taken[me], loc[x].with[ts])
	if
	:: (order) & ACQ -> JOIN(now[me], loc[x].with[ts])
	:: else
	fi
}

/* Behind the newest value. `rmw`: what that carries is handed on. */
inline write_at(x, order, v, rmw)
{
	loc[x].last++;
	assert(loc[x].last < NM);
	now[me].at[x] = loc[x].last;
	taken[me].at[x] = loc[x].last;
	loc[x].value[loc[x].last] = v;
	if
	:: (order) & REL -> COPY(loc[x].with[loc[x].last], now[me])
	:: else -> COPY(loc[x].with[loc[x].last], given[me])
	fi;
	loc[x].with[loc[x].last].at[x] = loc[x].last;
	if
	:: rmw -> JOIN(loc[x].with[loc[x].last], loc[x].with[loc[x].last - 1])
	:: else
	fi
}

inline load(x, order, to)
{
	atomic {
		ts = now[me].at[x];
		do
		:: ts < loc[x].last -> ts++
		:: break
		od;
		d_step { read_at(x, order, to) }
	}
}

inline store(x, order, v)
{
	d_step { write_at(x, order, v, false) }
}

/* to: whether it stored. A failure may have read any value but the one that was expected. */
inline cas(x, order, old, new, to)
{
	atomic {
		ts = now[me].at[x];
		do
		:: ts < loc[x].last -> ts++
		:: loc[x].value[ts] != old -> to = 0; break
		:: ts == loc[x].last && loc[x].value[ts] == old -> to = 1; break
		od;
		d_step {
			if
			:: to ->
				read_at(x, order, got);
				write_at(x, order, new, true)
			:: else -> read_at(x, ACQ, got)
			fi
		}
	}
}

inline add(x, order)
{
	d_step {
		ts = loc[x].last;
		read_at(x, order, got);
		write_at(x, order, got + 1, true)
	}
}

inline fence(order)
{
	d_step {
		if
		:: (order) & ACQ || (order) == FULL -> JOIN(now[me], taken[me])
		:: else
		fi;
		if
		:: (order) == FULL ->
			JOIN(common, now[me])
			JOIN(now[me], common)
			JOIN(taken[me], common)
		:: else
		fi;
		if
		:: (order) & REL || (order) == FULL -> COPY(given[me], now[me])
		:: else
		fi
	}
}

/* Plain data: a race, if the other's access is not in our view. */
inline plain_read(x)
{
	d_step {
		raced = raced || (wrote[x] && wrote_by[x] != me &&
				  wrote[x] > now[me].at[NL + wrote_by[x]]);
		now[me].at[NL + me]++;
		taken[me].at[NL + me] = now[me].at[NL + me];
		looked[x * NT + me] = now[me].at[NL + me]
	}
}

inline plain_write(x)
{
	d_step {
		raced = raced || (wrote[x] && wrote_by[x] != me &&
				  wrote[x] > now[me].at[NL + wrote_by[x]]);
		for (i : 0 .. NT - 1) {
			raced = raced || (i != me && looked[x * NT + i] > now[me].at[NL + i])
		}
		now[me].at[NL + me]++;
		taken[me].at[NL + me] = now[me].at[NL + me];
		wrote[x] = now[me].at[NL + me];
		wrote_by[x] = me
	}
}

#define R(n) seen[me * 4 + n]

#include "litmus-pairs.pml"

proctype thread(byte me)
{
	byte ts, i, got;

	run_pair();
	d_step {
		ts = 0;
		i = 0;
		got = 0;
		done++
	}
}

init
{
	c_code {
		now.litmus = getenv("LITMUS") ? atoi(getenv("LITMUS")) : 0;
		now.weak = getenv("WEAK") ? atoi(getenv("WEAK")) : 0;
		now.only_seen = getenv("SEEN") ? atoi(getenv("SEEN")) : 0;
	};
	atomic {
		run thread(0);
		run thread(1);
		run thread(2)
	}
	done == NT;
	judge();
	assert(!(only_seen && premise));
	assert(only_seen || !bad)
}
