/* SPDX-License-Identifier: MIT */
/*
 * loop.h - the daemon's one event loop: descriptors and timers, one thread, no locks.
 */
#ifndef FT_FS_LOOP_H
#define FT_FS_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#define FT_NS_PER_MS INT64_C(1000000)
#define FT_NS_PER_S  INT64_C(1000000000)

typedef void ft_loop_handler(void *arg);

/* A descriptor to watch; the caller keeps it in place until it is removed. */
struct ft_watch {
	int fd;
	ft_loop_handler *ready;
	void *arg;
};

/* A timer that fires once; the caller keeps it in place until it is stopped or has fired. */
struct ft_timer {
	int64_t due_ns; /* CLOCK_MONOTONIC; 0: not set */
	ft_loop_handler *fire;
	void *arg;
};

struct ft_loop;

/** ft_loop_new() - Return: a loop, or NULL and errno. */
struct ft_loop *ft_loop_new(void);
void ft_loop_free(struct ft_loop *loop);

/** ft_loop_add() - call watch->ready when fd has @events of epoll(7). Return: 0 or -errno. */
int ft_loop_add(struct ft_loop *loop, struct ft_watch *watch, uint32_t events);
/** ft_loop_remove() - stop watching; to be called before fd is closed. */
void ft_loop_remove(struct ft_loop *loop, struct ft_watch *watch);

/** ft_timer_set() - fire in @ns from now; set again, the earlier time holds. */
void ft_timer_set(struct ft_loop *loop, struct ft_timer *timer, int64_t ns);
void ft_timer_stop(struct ft_loop *loop, struct ft_timer *timer);

/**
 * ft_loop_turn() - fire the timers that are due, then handle one event.
 * @max_ms: to wait for it; -1: for ever, or until a timer is due.
 * Return: 1 there was one; 0 none came, or the loop was stopped; -errno of epoll_wait(2).
 */
int ft_loop_turn(struct ft_loop *loop, int max_ms);
/** ft_loop_run() - until ft_loop_stop(). Return: 0 or -errno of epoll_wait(2). */
int ft_loop_run(struct ft_loop *loop);
void ft_loop_stop(struct ft_loop *loop);

/** ft_now_ns() - the time that timers go by (now.c). */
int64_t ft_now_ns(void);

#endif
