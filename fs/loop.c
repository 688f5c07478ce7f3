/* SPDX-License-Identifier: MIT */
/*
 * loop.c - epoll and timers.
 */
#include <errno.h>
#include <glib.h>
#include <unistd.h>

#include "loop.h"

struct ft_loop {
	int epoll;
	bool stopped;
	GPtrArray *timers; /* those that are set; few */
};

struct ft_loop *ft_loop_new(void)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct ft_loop *loop;

	if (epoll < 0)
		return NULL;
	loop = g_new0(struct ft_loop, 1);
	loop->epoll = epoll;
	loop->timers = g_ptr_array_new();
	return loop;
}

void ft_loop_free(struct ft_loop *loop)
{
	if (!loop)
		return;
	close(loop->epoll);
	g_ptr_array_free(loop->timers, TRUE);
	g_free(loop);
}

int ft_loop_add(struct ft_loop *loop, struct ft_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, watch->fd, &event) ? -errno : 0;
}

void ft_loop_remove(struct ft_loop *loop, struct ft_watch *watch)
{
	epoll_ctl(loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
}

void ft_timer_set(struct ft_loop *loop, struct ft_timer *timer, int64_t ns)
{
	int64_t due = ft_now_ns() + ns;

	if (timer->due_ns && timer->due_ns <= due)
		return;
	if (!timer->due_ns)
		g_ptr_array_add(loop->timers, timer);
	timer->due_ns = due;
}

void ft_timer_stop(struct ft_loop *loop, struct ft_timer *timer)
{
	if (!timer->due_ns)
		return;
	timer->due_ns = 0;
	g_ptr_array_remove_fast(loop->timers, timer);
}

static struct ft_timer *timer_first(struct ft_loop *loop)
{
	struct ft_timer *first = NULL;

	for (guint i = 0; i < loop->timers->len; i++) {
		struct ft_timer *t = loop->timers->pdata[i];

		if (!first || t->due_ns < first->due_ns)
			first = t;
	}
	return first;
}

/* Fire what is due. Return: milliseconds until the next one, rounded up, or -1. */
static int timers_run(struct ft_loop *loop)
{
	int64_t now = ft_now_ns();
	struct ft_timer *t;

	while ((t = timer_first(loop)) && t->due_ns <= now) {
		ft_timer_stop(loop, t);
		t->fire(t->arg);
	}
	if (!t)
		return -1;
	return (int)MIN((t->due_ns - now + FT_NS_PER_MS - 1) / FT_NS_PER_MS, 1000000);
}

int ft_loop_turn(struct ft_loop *loop, int max_ms)
{
	int timeout = timers_run(loop), n;
	struct epoll_event event;

	if (loop->stopped)
		return 0;
	if (max_ms >= 0 && (timeout < 0 || timeout > max_ms))
		timeout = max_ms;
	/* One event at a time: a handler may free the watch of another. */
	n = epoll_wait(loop->epoll, &event, 1, timeout);
	if (n > 0) {
		struct ft_watch *watch = event.data.ptr;

		watch->ready(watch->arg);
	}
	return n < 0 && errno != EINTR ? -errno : n > 0;
}

int ft_loop_run(struct ft_loop *loop)
{
	int n = 0;

	while (!loop->stopped && n >= 0)
		n = ft_loop_turn(loop, -1);
	return MIN(n, 0);
}

void ft_loop_stop(struct ft_loop *loop)
{
	loop->stopped = true;
}
