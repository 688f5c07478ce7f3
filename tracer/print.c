/* SPDX-License-Identifier: MIT */
/*
 * print.c - FASTTRACE_PRINTF().
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "fasttrace.h"
#include "ft-tracer.h"

/* Return: the length of what vsnprintf() made of it, at most FASTTRACE_PRINTF_BYTES - 1. */
static __attribute__((format(printf, 2, 0))) size_t text_format(char *text, const char *format,
								va_list args)
{
	static const char cut[] = "...";
	int n = vsnprintf(text, FASTTRACE_PRINTF_BYTES, format, args);

	if (n < 0) {
		strcpy(text, "(unprintable)"); /* a wide character that the locale has not */
		return strlen(text);
	}
	if (n < FASTTRACE_PRINTF_BYTES)
		return (size_t)n;
	memcpy(text + FASTTRACE_PRINTF_BYTES - sizeof(cut), cut, sizeof(cut));
	return FASTTRACE_PRINTF_BYTES - 1;
}

void fasttrace_print(uint32_t id, const char *format, ...)
{
	struct ft_cancel cancel = ft_cancel_hold(); /* no event is a cancellation point */
	struct fasttrace_reservation reservation;
	char text[FASTTRACE_PRINTF_BYTES];
	struct fasttrace_value value;
	int saved_errno = errno;
	unsigned char *at;
	va_list args;

	va_start(args, format);
	value = fasttrace_of_text(text, text_format(text, format, args));
	va_end(args);
	at = fasttrace_reserve(&reservation, (8 + value.bytes + 7) / 8, id);
	if (at) {
		fasttrace_put(at + 8, value);
		fasttrace_commit(&reservation);
	}
	ft_cancel_restore(cancel);
	errno = saved_errno;
}
