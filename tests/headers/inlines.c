/* SPDX-License-Identifier: MIT */
/*
 * inlines.c - see inlines.h.
 */
#include "inlines.h"

#ifndef __cplusplus
extern inline int inline_traced(int x);
#endif

static int inline_elsewhere(int x)
{
	return inline_traced(x) + static_traced(x);
}

static void check_traced(void)
{
	EXPECT(nevents == 8);
	EXPECT_EVENT(0, BEGIN, "p, scope");
	EXPECT_EVENT(
		1, EVENT,
		"p, in_inline, (x, x), (h, FASTTRACE_HEX(x)), (s, FASTTRACE_STRN(\"text\", x))");
	EXPECT(!memcmp(events[1].bytes + 8, "\2\0\0\0\2\0\0\0te\0", 11));
	EXPECT_EVENT(4, COUNTER, "p, in_inline, (value)");
	EXPECT_EVENT(6, END, "p, scope");
	EXPECT_EVENT(7, EVENT, "p, in_static, (x, x)");
}

void check_inlines(void)
{
	events_forget();
	EXPECT(inline_elsewhere(2) == 4);
	check_traced();
	events_forget();
	EXPECT(inline_here(2) == 4);
	check_traced();
}
