/* SPDX-License-Identifier: MIT */
/*
 * kinds.c - spans, scopes, counters, guards, messages; names and levels as they are written; and
 * when values are evaluated. C and C++.
 */
#include "standin.h"

#include <errno.h>

static int calls;

static int call(int x)
{
	EXPECT(calls == x);
	calls++;
	return x;
}

static int nest(int x)
{
	FASTTRACE(p, inner, (x, x));
	return x;
}

static void evaluation(void)
{
	int i = 0;

	calls = 0;
	FASTTRACE(p, e, (a, call(0)), (b, call(1)), (c, call(2)), (i, i++));
	EXPECT(calls == 3 && i == 1);
	FASTTRACE_LEVEL(FASTTRACE_ERR, p, e, (a, call(3)), (i, i++));
	FASTTRACE_BEGIN(p, e, (a, call(4)), (i, i++));
	FASTTRACE_END(p, e, (a, call(5)), (i, i++));
	FASTTRACE_COUNTER(p, e, call(6));
	FASTTRACE_PRINTF("%d %d", call(7), i++);
	{
		FASTTRACE_SCOPE(p, e, (a, call(8)), (i, i++));
	}
	EXPECT(calls == 9 && i == 6);
	switched_on = 0;
	FASTTRACE(p, e, (a, call(0)), (i, i++));
	FASTTRACE_LEVEL(FASTTRACE_ERR, p, e, (a, call(0)), (i, i++));
	FASTTRACE_BEGIN(p, e, (a, call(0)), (i, i++));
	FASTTRACE_END(p, e, (a, call(0)), (i, i++));
	FASTTRACE_COUNTER(p, e, call(0));
	FASTTRACE_PRINTF("%d %d", call(0), i++);
	{
		FASTTRACE_SCOPE(p, e, (a, call(0)), (i, i++));
	}
	EXPECT(calls == 9 && i == 6);
	switched_on = 1;
	events_forget();
	FASTTRACE(p, e, (a, nest(1)), (b, nest(2)));
	EXPECT(nevents == 3 && record[8] == 1 && record[12] == 2);
	EXPECT_EVENT(0, EVENT, "p, inner, (x, x)");
	EXPECT_EVENT(2, EVENT, "p, e, (a, nest(1)), (b, nest(2))");
	if (i)
		FASTTRACE(p, e, (i, i));
	else
		FASTTRACE(p, e);
	EXPECT(site->nfields == 1);
	errno = EDOM;
	FASTTRACE(p, e, (errno, errno));
	EXPECT(record[8] == EDOM && errno == EDOM);
}

static void spans(void)
{
	events_forget();
	FASTTRACE_BEGIN(p, e, (x, 1), (y, "y"));
	FASTTRACE_END(p, e, (z, 'z'));
	FASTTRACE_END(p, e);
	EXPECT(nevents == 3);
	EXPECT_EVENT(0, BEGIN, "p, e, (x, 1), (y, \"y\")");
	EXPECT_EVENT(1, END, "p, e, (z, 'z')");
	EXPECT_EVENT(2, END, "p, e");
	EXPECT(events[0].site->nfields == 2 && events[0].bytes[8] == 1);
	EXPECT(events[0].site->level == FASTTRACE_INFO && events[2].site->level == FASTTRACE_INFO);
}

static void counters(void)
{
	float f = -2.5f;
	short s = -3;

	events_forget();
	FASTTRACE_COUNTER(p, e, f);
	EXPECT_KIND(COUNTER);
	EXPECT_TEXT("p, e, (value)");
	EXPECT(site->nfields == 1 && site->types[0] == FASTTRACE_TYPE_FLOAT);
	EXPECT(!memcmp(record + 8, &f, sizeof(f)) && record_units == 2);
	FASTTRACE_COUNTER(p, e, s);
	EXPECT(site->types[0] == FASTTRACE_TYPE_I16 && !memcmp(record + 8, &s, sizeof(s)));
	FASTTRACE_COUNTER(errno, linux, sizeof(s) * 2);
	EXPECT_TEXT("errno, linux, (value)");
	EXPECT(site->types[0] == FASTTRACE_TYPE_U64 && record[8] == 4);
	if (s)
		FASTTRACE_COUNTER(p, e, 'c');
	else
		FASTTRACE_COUNTER(p, e, 1.0);
	EXPECT(site->types[0] == (sizeof('c') == 1 ? FASTTRACE_TYPE_CHAR : FASTTRACE_TYPE_I32));
	EXPECT(nevents == 4);
}

static void messages(void)
{
	events_forget();
	FASTTRACE_PRINTF("plain");
	EXPECT(!strcmp((char *)record + 8, "plain"));
	if (nevents)
		FASTTRACE_PRINTF("retry %d of %s: %5.2f", 3, "host", 0.5);
	else
		FASTTRACE_PRINTF("not this");
	EXPECT(!strcmp((char *)record + 8, "retry 3 of host:  0.50"));
	EXPECT_KIND(EVENT);
	EXPECT_TEXT("fasttrace, printf, (message)");
	EXPECT(site->nfields == 1 && site->types[0] == FASTTRACE_TYPE_STRING);
	EXPECT(nevents == 2);
}

static void guards(void)
{
	int costly = 0;

	events_forget();
	if (FASTTRACE_ENABLED(errno, guarded))
		costly++;
	EXPECT_KIND(GUARD);
	EXPECT_TEXT("errno, guarded");
	EXPECT(site->nfields == 0 && costly == 1);
	EXPECT(FASTTRACE_ENABLED(p, a) && FASTTRACE_ENABLED(p, b));
	switched_on = 0;
	if (FASTTRACE_ENABLED(errno, guarded))
		costly++;
	EXPECT(!FASTTRACE_ENABLED(p, a) && costly == 1);
	switched_on = 1;
	EXPECT(nevents == 0);
}

static int leave_by_return(int x)
{
	FASTTRACE_SCOPE(p, by_return, (x, x));
	if (x)
		return nest(x);
	nest(2);
	return 0;
}

static void leave_by_goto(void)
{
	{
		FASTTRACE_SCOPE(p, by_goto);
		goto out;
	}
out:
	nest(3);
}

static void leave_by_break(void)
{
	for (int i = 0; i < 3; i++) {
		FASTTRACE_SCOPE(p, turn, (i, i));
		if (i == 1)
			continue;
		if (i == 2)
			break;
		nest(i);
	}
}

#define SCOPE_BEGIN(n, t)                  \
	do {                               \
		EXPECT_EVENT(n, BEGIN, t); \
	} while (0)
#define SCOPE_END(n, t)                                                       \
	do {                                                                  \
		EXPECT_EVENT(n, END, t);                                      \
		EXPECT(events[n].site->nfields == 0 && events[n].units == 1); \
	} while (0)

static void scopes(void)
{
	static const char by_return[] = "p, by_return, (x, x)", turn[] = "p, turn, (i, i)";

	for (int i = 0; i < 2; i++) {
		events_forget();
		leave_by_return(i);
		EXPECT(nevents == 3);
		SCOPE_BEGIN(0, by_return);
		EXPECT_EVENT(1, EVENT, "p, inner, (x, x)");
		SCOPE_END(2, by_return);
		EXPECT(events[0].bytes[8] == i);
	}
	events_forget();
	leave_by_goto();
	EXPECT(nevents == 3);
	SCOPE_BEGIN(0, "p, by_goto");
	SCOPE_END(1, "p, by_goto");
	events_forget();
	leave_by_break();
	EXPECT(nevents == 7);
	for (unsigned i = 0; i < 3; i++) {
		unsigned at = i ? 2 * i + 1 : 0;

		SCOPE_BEGIN(at, turn);
		EXPECT(events[at].bytes[8] == i);
		SCOPE_END(i ? at + 1 : 2, turn);
	}
	events_forget();
	{
		FASTTRACE_SCOPE(p, outer, (x, 1));
		FASTTRACE_SCOPE(p, inner, (x, 2));
		{
			FASTTRACE_SCOPE(p, nested);
		}
	}
	EXPECT(nevents == 6);
	SCOPE_BEGIN(1, "p, inner, (x, 2)");
	SCOPE_BEGIN(2, "p, nested");
	SCOPE_END(3, "p, nested");
	SCOPE_END(4, "p, inner, (x, 2)");
	SCOPE_END(5, "p, outer, (x, 1)");
}

/* An end is recorded only if its begin was, and if it is on by then. */
static void half_scopes(void)
{
	events_forget();
	switched_on = 0;
	{
		FASTTRACE_SCOPE(p, off_then_on);
		switched_on = 1;
	}
	EXPECT(nevents == 0);
	{
		FASTTRACE_SCOPE(p, on_then_off);
		switched_on = 0;
	}
	EXPECT(nevents == 1);
	switched_on = no_room = 1;
	{
		FASTTRACE_SCOPE(p, lost);
		no_room = 0;
	}
	EXPECT(nevents == 1);
	{
		FASTTRACE_SCOPE(p, end_lost);
		no_room = 1;
	}
	EXPECT(nevents == 2);
	no_room = 0;
}

#define renamed other_name
#define number	(1 + 2)
#define nothing_
#define called(x) nowhere(x)
static void names(void)
{
	int renamed = 3;

	FASTTRACE(new, class, (renamed, renamed), (linux, 1), (errno, 2), (event, 3), (level, 4));
	EXPECT_TEXT("new, class, (renamed, renamed), (linux, 1), (errno, 2), (event, 3), "
		    "(level, 4)");
	EXPECT(record[8] == 3 && record[12] == 1);
	FASTTRACE(short, string, (number, number), (nothing_, 5), (called, 6), (id, 7), (at, 8),
		  (r, 9), (value, 10), (name, 11), (text, 12), (each, 13), (m, 14), (i, 15));
	EXPECT_TEXT("short, string, (number, number), (nothing_, 5), (called, 6), (id, 7), "
		    "(at, 8), (r, 9), (value, 10), (name, 11), (text, 12), (each, 13), (m, 14), "
		    "(i, 15)");
	EXPECT(site->nfields == 12 && record[8] == 3 && record[12] == 5 && record[8 + 44] == 15);
	FASTTRACE(errno, errno);
	EXPECT_TEXT("errno, errno");
	FASTTRACE_SCOPE(linux, renamed, (number, renamed));
	EXPECT_TEXT("linux, renamed, (number, renamed)");
	FASTTRACE_BEGIN(renamed, nothing_);
	EXPECT_TEXT("renamed, nothing_");
	FASTTRACE_COUNTER(number, called, renamed);
	EXPECT_TEXT("number, called, (value)");
	EXPECT(FASTTRACE_ENABLED(nothing_, number));
	EXPECT_TEXT("nothing_, number");
}

static void levels(void)
{
	static const uint8_t syslog[] = {0, 1, 2, 3, 4, 5, 6, 7}; /* LOG_EMERG to LOG_DEBUG */
	unsigned i = 0;

#define EXPECT_LEVEL(name)                                         \
	do {                                                       \
		FASTTRACE_LEVEL(FASTTRACE_##name, p, e, (x, "x")); \
		EXPECT(site->level == syslog[i++]);                \
		EXPECT_TEXT("p, e, (x, \"x\")");                   \
	} while (0)
	EXPECT_LEVEL(EMERG);
	EXPECT_LEVEL(ALERT);
	EXPECT_LEVEL(CRIT);
	EXPECT_LEVEL(ERR);
	EXPECT_LEVEL(WARNING);
	EXPECT_LEVEL(NOTICE);
	EXPECT_LEVEL(INFO);
	EXPECT_LEVEL(DEBUG);
}

void check_kinds(void)
{
	evaluation();
	spans();
	counters();
	messages();
	guards();
	scopes();
	half_scopes();
	names();
	levels();
}
