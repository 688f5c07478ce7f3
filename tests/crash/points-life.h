/* SPDX-License-Identifier: MIT */
/*
 * points-life.h - the program that is killed while an arena is made, a ring is claimed or given
 * back, a thread or the process ends.
 */
#ifndef POINTS_LIFE_H
#define POINTS_LIFE_H

#include <sys/vfs.h>

#include "points-writer.h"

enum life {
	FIRST,	  /* the first event of a process */
	FORKED,	  /* of a forked child */
	EVICTS,	  /* of a process for which another one's arena must go */
	ENDS,	  /* a thread ends */
	REVIVED,  /* and traces once more, in a destructor */
	REUSES,	  /* another one takes its ring */
	REFUSED,  /* a thread that gets none: they may not be more */
	NO_SPACE, /* or there is no memory */
	EXITS,	  /* exit() */
	LIVES
};

static const char *const lives[] = {"first event", "forked",  "evicts",	  "thread ends", "revived",
				    "reuses ring", "refused", "no space", "exits"};

static uint64_t life_kills;

#define LIFE_EVENTS 200 /* of the thread, or the process, that was before */

/* What the system tells, when it is to tell something else. */
static bool system_is_full, memory_is_full;

int madvise(void *at, size_t bytes, int advice)
{
	if (memory_is_full && advice == MADV_POPULATE_WRITE) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

int fstatfs(int fd, struct statfs *fs)
{
	int err = (int)syscall(SYS_fstatfs, fd, fs);

	if (system_is_full)
		fs->f_blocks = 4;
	return err;
}

static void *life_thread(void *arg)
{
	for (int i = 0; i < LIFE_EVENTS; i++)
		one_event(0);
	run->points.armed = arg != NULL;
	return NULL;
}

static void life_destructor(void *arg)
{
	(void)arg;
	run->points.armed = 1;
	one_event(1);
}

static void *life_reviving_thread(void *arg)
{
	pthread_key_t key;

	pthread_key_create(&key, life_destructor);
	pthread_setspecific(key, &key);
	life_thread(NULL);
	return arg;
}

static void *life_late_thread(void *arg)
{
	one_event(1);
	return arg;
}

static void life_start_thread(void *(*thread)(void *), void *arg)
{
	pthread_t id;

	if (!pthread_create(&id, NULL, thread, arg))
		pthread_join(id, NULL);
}

/* The process that was before; it is dead, or waits for us to be. */
static void life_before(enum life life)
{
	pid_t pid;

	if (life == EVICTS) {
		pid = fork();
		if (!pid) {
			life_thread(NULL);
			kill(getpid(), SIGKILL);
		}
		waitpid(pid, NULL, 0);
	} else if (life == FORKED) {
		life_thread(NULL);
		pid = fork();
		if (pid) {
			waitpid(pid, NULL, 0);
			kill(getpid(), SIGKILL);
		}
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	}
}

/* Where a ring can be reused only when all of it was read. */
static void life_consume(void)
{
	struct fasttrace_arena *a = NULL;
	struct fasttrace_buffer_info info;
	uint64_t seq;

	if (ft_process_config()->mode == FT_OVERWRITE ||
	    fasttrace_arena_open(AT_FDCWD, ft_process_path(), FASTTRACE_OPEN_CONSUME, &a, NULL) ||
	    fasttrace_buffer_get_info(a, 0, &info))
		return;
	fasttrace_buffer_switch(a, 0, info.serial, FASTTRACE_FLUSH);
	while (!fasttrace_buffer_next(a, 0, info.serial, 0, &seq, NULL))
		fasttrace_buffer_drop(a, 0, info.serial, seq);
	fasttrace_arena_close(a);
}

_Noreturn static void life_program(enum life life)
{
	void *armed = run;

	life_before(life);
	if (life == REFUSED || life == NO_SPACE || life == EXITS)
		life_thread(NULL);
	else if (life == REUSES)
		life_start_thread(life_thread, NULL);
	if (life == REUSES)
		life_consume();
	system_is_full = life == EVICTS;
	memory_is_full = life == NO_SPACE;
	if (life == REUSES || life == REFUSED)
		ft_process_arena()->max_bytes = ft_process_arena()->buffers_end;
	if (life != ENDS && life != REVIVED)
		run->points.armed = 1;
	run->ready = (uint32_t)getpid();
	if (life == ENDS)
		life_start_thread(life_thread, armed);
	else if (life == REVIVED)
		life_start_thread(life_reviving_thread, NULL);
	else if (life == REFUSED || life == NO_SPACE)
		life_start_thread(life_late_thread, NULL);
	else if (life == EXITS)
		exit(0);
	else
		one_event(1);
	run->points.armed = 0;
	kill(getpid(), SIGKILL);
	_exit(1);
}

static void life_model(struct model *m, enum life life, enum fate fate)
{
	bool before = life != FIRST && life != FORKED && life != EVICTS;

	if (before)
		model_events(m, 0, 0, LIFE_EVENTS);
	for (unsigned i = 0; life == REUSES && m->mode != FASTTRACE_OVERWRITE && i < m->events; i++)
		m->event[i].state = CONSUMED;
	if (life == REUSES && run->points.hits[POINT_ring_claimed])
		m->ring[0] = (struct model_ring){.first = 9, .head = 9};
	if (life == ENDS || life == EXITS)
		return;
	if (life == REFUSED || life == NO_SPACE || life == EVICTS)
		m->lost_no_buffer = fate >= DONE && fate != NO_ARENA;
	else
		model_event(m, 1, UINT64_C(1) << 32, fate);
}

/* The arena of the process that was before: whole, or gone for the sake of ours. */
static void life_before_check(enum fasttrace_buffer_mode mode, enum life life, pid_t pid)
{
	static struct model m;
	struct fasttrace_arena *a = life == FORKED ? arena_of(pid) : NULL;

	if (life != FORKED)
		return;
	model_start(&m, mode);
	model_events(&m, 0, 0, LIFE_EVENTS);
	if (!a || !arena_same(a, &m))
		differs("the parent's arena");
	fasttrace_arena_close(a);
}

static bool life_try(enum fasttrace_buffer_mode mode, enum life life, enum point at, bool *hits)
{
	const struct points *p = &run->points;
	enum fate fate = table[at].fate;
	static struct model m;
	struct fasttrace_arena *a;
	pid_t pid;

	run_set(0, EVENT, 0, &at, 0);
	snprintf(what, sizeof(what), "mode %d, %s, at %s", mode, lives[life], table[at].name);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		points = &run->points;
		life_program(life);
	}
	waitpid(pid, NULL, 0);
	a = arena_of((pid_t)run->ready);
	model_start(&m, mode);
	if (!p->done)
		fate = life == EXITS ? NO_ARENA : DONE;
	else if (run->returned[1] && fate < DONE)
		fate = DONE;
	life_model(&m, life, fate);
	if (fate == NO_ARENA)
		same("arenas", a != NULL, 0);
	else if (!a)
		differs("no arena");
	else
		arena_same(a, &m);
	fasttrace_arena_close(a);
	life_before_check(mode, life, pid);
	dir_empty(run_dir);
	life_kills += p->done;
	for (unsigned i = 0; hits && i < POINTS; i++)
		hits[i] = p->hits[i];
	if (p->done)
		reached[at][0] = 1;
	return p->done;
}

static void life_run(enum fasttrace_buffer_mode mode, bool all)
{
	(void)all;
	bool hits[POINTS];

	for (enum life life = 0; life < LIVES; life++) {
		life_try(mode, life, POINT_none, hits);
		for (unsigned at = 1; at < POINTS; at++)
			if (hits[at])
				life_try(mode, life, (enum point)at, NULL);
	}
}

#endif
