/* SPDX-License-Identifier: MIT */
/*
 * inlines.h - events in functions of a header that two files include.
 */
#ifndef INLINES_H
#define INLINES_H

#include "standin.h"

/* In C a function with external linkage, of which inlines.c holds the one body. */
inline int inline_traced(int x)
{
	FASTTRACE_SCOPE(p, scope);
	FASTTRACE(p, in_inline, (x, x), (h, FASTTRACE_HEX(x)), (s, FASTTRACE_STRN("text", x)));
	FASTTRACE_BEGIN(p, in_inline, (a, FASTTRACE_ARRAY(&x, 1)));
	FASTTRACE_END(p, in_inline, (b, FASTTRACE_BYTES(&x, 1)));
	FASTTRACE_COUNTER(p, in_inline, 0.5f);
	FASTTRACE_PRINTF("%d", x);
	return FASTTRACE_ENABLED(p, in_inline) ? x : 0;
}

static inline int static_traced(int x)
{
	FASTTRACE(p, in_static, (x, x));
	return x;
}

int inline_here(int x); /* calls both, from standin.c */

#endif
