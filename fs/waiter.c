/* SPDX-License-Identifier: MIT */
/*
 * waiter.c - a helper thread per arena sleeps on the arena's futex and pokes the loop.
 *
 * It touches nothing but the arena's wake word, so the loop needs no lock.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "registry.h"

#define WAITER_STACK_BYTES (128 << 10)

struct ft_waiter {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct fasttrace_arena *arena;
	int poke;
	uint32_t ticket;
	bool armed;
	atomic_bool stop;
	atomic_bool fired;
};

static bool waiter_next(struct ft_waiter *w, uint32_t *ticket)
{
	pthread_mutex_lock(&w->lock);
	while (!w->armed && !w->stop)
		pthread_cond_wait(&w->changed, &w->lock);
	*ticket = w->ticket;
	pthread_mutex_unlock(&w->lock);
	return !w->stop;
}

static void *waiter_run(void *arg)
{
	static const uint64_t one = 1;
	struct ft_waiter *w = arg;
	uint32_t ticket;

	while (waiter_next(w, &ticket)) {
		/* A second at most: the end of a thread or an exec wakes nobody. */
		fasttrace_arena_wait(w->arena, ticket, FT_NS_PER_S);
		pthread_mutex_lock(&w->lock);
		w->armed = false;
		pthread_mutex_unlock(&w->lock);
		w->fired = true;
		if (write(w->poke, &one, sizeof(one)) < 0)
			continue; /* the counter is full: it is poked */
	}
	return NULL;
}

static int waiter_new(struct ft_process *process)
{
	struct ft_waiter *w = g_new0(struct ft_waiter, 1);
	pthread_attr_t attr;
	sigset_t all, old;
	int err;

	w->arena = process->arena;
	w->poke = process->registry->poke.fd;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WAITER_STACK_BYTES);
	sigfillset(&all);
	sigdelset(&all, SIGBUS); /* of a truncated arena: blocked, it would kill */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&w->thread, &attr, waiter_run, w);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	if (err)
		g_free(w);
	else
		process->waiter = w;
	return -err;
}

int ft_waiter_arm(struct ft_process *process)
{
	int err = process->waiter ? 0 : waiter_new(process);
	struct ft_waiter *w = process->waiter;

	if (err)
		return err;
	pthread_mutex_lock(&w->lock);
	if (!w->armed) {
		w->ticket = fasttrace_arena_ticket(w->arena);
		w->armed = true;
		pthread_cond_signal(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return 0;
}

bool ft_waiter_fired(struct ft_waiter *waiter)
{
	return waiter && atomic_exchange(&waiter->fired, false);
}

void ft_waiter_free(struct ft_waiter *w)
{
	struct timespec until;

	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->changed);
	pthread_mutex_unlock(&w->lock);
	do { /* it may be about to sleep: interrupt until it is gone */
		fasttrace_arena_interrupt(w->arena);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 2 * FT_NS_PER_MS;
		until.tv_sec += until.tv_nsec / FT_NS_PER_S;
		until.tv_nsec %= FT_NS_PER_S;
	} while (pthread_timedjoin_np(w->thread, NULL, &until) == ETIMEDOUT);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	g_free(w);
}
