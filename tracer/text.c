/* SPDX-License-Identifier: MIT */
/*
 * text.c - small tools that are safe in a signal handler, where libc's are not.
 */
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "ft-create.h"

#ifdef __GLIBC__
#define ERROR_TEXT(err) strerrordesc_np(err)
#else
#define ERROR_TEXT(err) ((void)(err), (const char *)NULL)
#endif

const char *ft_text_error(int err)
{
	const char *text = ERROR_TEXT(err);

	return text ? text : "error";
}

void ft_complain(const char *first, ...)
{
	struct iovec iov[16] = {{(void *)(uintptr_t)first, strlen(first)}};
	int n = 1;
	va_list ap;

	va_start(ap, first);
	for (const char *s = va_arg(ap, const char *); s && n < 16; s = va_arg(ap, const char *))
		iov[n++] = (struct iovec){(void *)(uintptr_t)s, strlen(s)};
	va_end(ap);
	if (writev(STDERR_FILENO, iov, n) < 0)
		return; /* nowhere to complain to */
}

void ft_text_join(char *out, size_t size, ...)
{
	size_t n = 0;
	va_list ap;

	va_start(ap, size);
	for (const char *s = va_arg(ap, const char *); s; s = va_arg(ap, const char *))
		while (*s && n + 1 < size)
			out[n++] = *s++;
	va_end(ap);
	out[n] = '\0';
}

char *ft_text_u64(char *out, uint64_t value)
{
	char digits[20], *p = out;
	int n = 0;

	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n)
		*p++ = digits[--n];
	*p = '\0';
	return out;
}

size_t ft_text_read(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t have = 0;

	if (fd < 0)
		return 0;
	while (have < size) {
		ssize_t n = read(fd, out + have, size - have);

		if (n <= 0)
			break;
		have += (size_t)n;
	}
	close(fd);
	return have;
}

sigset_t ft_signals_block(void)
{
	sigset_t all, saved;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	return saved;
}

void ft_signals_restore(const sigset_t *saved)
{
	pthread_sigmask(SIG_SETMASK, saved, NULL);
}
