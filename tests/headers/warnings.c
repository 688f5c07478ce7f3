/* SPDX-License-Identifier: MIT */
/*
 * warnings.c - each macro once, in words that are good C and C++: for the warnings that few turn on.
 */
#include <fasttrace.h>

struct bits {
	unsigned a : 3;
	int b : 5;
};
enum sign { MINUS = -1, PLUS };

int warnings(const struct bits *bits, short s, float f, const char *text, const int *v, int n);

int warnings(const struct bits *bits, short s, float f, const char *text, const int *v, int n)
{
	const volatile double d = 1;
	const enum sign sign = MINUS;
	char array[4] = "abc";

	FASTTRACE(p, e);
	FASTTRACE(p, e, (a, bits->a), (b, bits->b), (s, s), (f, f), (t, text), (v, v), (d, d));
	FASTTRACE(p, e, (sign, sign), (array, array), (n, n++), (f, f * 2), (literal, "literal"));
	FASTTRACE_LEVEL(FASTTRACE_DEBUG, p, e, (s, FASTTRACE_HEX(s)), (a, FASTTRACE_HEX(bits->a)),
			(t, FASTTRACE_STRN(text, n)), (v, FASTTRACE_ARRAY(v, n)),
			(b, FASTTRACE_BYTES(bits, sizeof(*bits))));
	FASTTRACE_SCOPE(p, e, (f, f));
	{
		FASTTRACE_SCOPE(p, inner);
	}
	FASTTRACE_COUNTER(p, e, f);
	FASTTRACE_COUNTER(p, e, s);
	FASTTRACE_PRINTF("%d", n);
	if (FASTTRACE_ENABLED(p, e)) {
		FASTTRACE_BEGIN(p, e, (f, f));
		FASTTRACE_END(p, e, (f, f));
	}
	return n;
}

#ifdef __cpp_impl_coroutine
#include <coroutine>

struct task {
	struct promise_type {
		task get_return_object()
		{
			return {};
		}
		std::suspend_never initial_suspend()
		{
			return {};
		}
		std::suspend_never final_suspend() noexcept
		{
			return {};
		}
		void return_void()
		{
		}
		void unhandled_exception()
		{
		}
	};
};

task coroutine(int n);

task coroutine(int n)
{
	FASTTRACE_SCOPE(p, e, (n, n));
	co_await std::suspend_never{};
	FASTTRACE(p, e, (n, n));
}
#endif
