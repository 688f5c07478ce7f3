/* SPDX-License-Identifier: MIT */
/* cancel.c - no event is a cancellation point, nor is one cut off in the library. */
#include <pthread.h>

#include "ft-tracer.h"

struct ft_cancel ft_cancel_hold(void)
{
	struct ft_cancel saved;

	pthread_setcanceltype(PTHREAD_CANCEL_DEFERRED, &saved.type);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &saved.state);
	return saved;
}

void ft_cancel_restore(struct ft_cancel saved)
{
	int old;

	pthread_setcancelstate(saved.state, &old);
	pthread_setcanceltype(saved.type, &old);
}
