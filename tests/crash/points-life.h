/* SPDX-License-Identifier: MIT */
/*
 * points-life.h - the program that is killed while an arena is made, a ring is claimed or given
 * back, a thread or the process ends.
 */
#ifndef POINTS_LIFE_H
#define POINTS_LIFE_H

#include <sys/vfs.h>

#include "points-reader.h"

enum life {
	FIRST,	  /* the first event of a process */
	FORKED,	  /* of a forked child */
	EVICTS,	  /* of a process for which another one's arena must go */
	CROWDED,  /* of one that has no room, until later */
	OUTRUN,	  /* the same, and it learns that when its arena has its name */
	SQUEEZED, /* and when its ring has its memory */
	ENDS,	  /* a thread ends */
	REVIVED,  /* and traces once more, in a destructor */
	REUSES,	  /* another one takes its ring */
	RETURNS,  /* and gives it back: a reader holds some of it by then */
	REFUSED,  /* a thread that gets none: they may not be more */
	NO_SPACE, /* or there is no memory */
	EXITS,	  /* exit() */
	LIVES
};

static const char *const lives[] = {"first event", "forked",	   "evicts",	  "crowded",
				    "outrun",	   "squeezed",	   "thread ends", "revived",
				    "reuses ring", "returns ring", "refused",	  "no space",
				    "exits"};

static uint64_t life_kills;

#define LIFE_EVENTS 200	 /* of the thread, or the process, that was before */
#define LIFE_LOST   1024 /* until one is refused no more: it asks once in so many */

/* What the system tells, when it is to tell something else. */
static enum life system_life = LIVES;
static bool memory_is_full;

int madvise(void *at, size_t bytes, int advice)
{
	if (memory_is_full && advice == MADV_POPULATE_WRITE) {
		errno = ENOMEM;
		return -1;
	}
	return (int)syscall(SYS_madvise, at, bytes, advice);
}

/* Room for nothing: somebody else has it all. */
static bool system_is_full(void)
{
	const uint64_t *hits = run->points.hits;

	return (system_life == CROWDED && !run->returned[1]) ||
	       (system_life == OUTRUN && hits[POINT_file_named] == 1 &&
		!hits[POINT_name_dropped]) ||
	       (system_life == SQUEEZED && hits[POINT_space_backed]);
}

int fstatfs(int fd, struct statfs *fs)
{
	int err = (int)syscall(SYS_fstatfs, fd, fs);

	if (system_is_full())
		fs->f_blocks = 4;
	else if (system_life == EVICTS)
		fs->f_blocks = 1024; /* for one arena, but not for another while it is made */
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
		run->before = (uint32_t)pid;
	} else if (life == FORKED) {
		run->before = (uint32_t)getpid();
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

/* What it traces when its time has come. */
static unsigned life_events(enum life life)
{
	return life == CROWDED || life == OUTRUN ? LIFE_LOST + 1 : 1;
}

_Noreturn static void life_program(enum life life)
{
	void *armed = run;

	if ((life == CROWDED || life == OUTRUN) && !freopen("/dev/null", "w", stderr))
		_exit(1); /* where it says that it is refused */
	life_before(life);
	if (life == REFUSED || life == NO_SPACE || life == EXITS)
		life_thread(NULL);
	else if (life == REUSES || life == RETURNS)
		life_start_thread(life_thread, NULL);
	if (life == REUSES)
		life_consume();
	system_life = life;
	memory_is_full = life == NO_SPACE;
	if (life == REUSES || life == RETURNS || life == REFUSED)
		ft_process_arena()->max_bytes = ft_process_arena()->buffers_end;
	if (life != ENDS && life != REVIVED)
		run->points.armed = 1;
	__atomic_store_n(&run->ready, (uint32_t)getpid(), __ATOMIC_RELEASE);
	if (life == RETURNS)
		flag_wait(writer_may);
	if (life == ENDS)
		life_start_thread(life_thread, armed);
	else if (life == REVIVED)
		life_start_thread(life_reviving_thread, NULL);
	else if (life == REFUSED || life == NO_SPACE)
		life_start_thread(life_late_thread, NULL);
	else if (life == EXITS)
		exit(0);
	else
		for (unsigned i = life_events(life); i; i--)
			one_event(1);
	run->points.armed = 0;
	kill(getpid(), SIGKILL);
	_exit(1);
}

static void life_model(struct model *m, enum life life, enum fate fate)
{
	unsigned lost = life_events(life) - 1;

	if (life > SQUEEZED)
		model_events(m, 0, 0, LIFE_EVENTS);
	for (unsigned i = 0; life == REUSES && m->mode != FASTTRACE_OVERWRITE && i < m->events; i++)
		m->event[i].state = CONSUMED;
	if (life == REUSES && run->points.hits[POINT_ring_claimed])
		m->ring[0] = (struct model_ring){.first = 9, .head = 9};
	if (life == ENDS || life == EXITS)
		return;
	if (life == REFUSED || life == NO_SPACE || life == SQUEEZED || life == RETURNS) {
		m->lost_no_buffer = fate >= DONE && fate != NO_ARENA;
		return;
	}
	if (run->points.hits[POINT_lost_before])
		m->lost_no_buffer = lost;
	model_event(m, 1, (UINT64_C(1) << 32) + lost, fate);
}

/* The arena of the process that was before: whole, or gone for the sake of ours. */
static void life_before_check(enum fasttrace_buffer_mode mode, enum life life)
{
	static struct model m;
	struct fasttrace_arena *a;

	if (!run->before)
		return;
	a = arena_of((pid_t)run->before);
	model_start(&m, mode);
	model_events(&m, 0, 0, LIFE_EVENTS);
	if (life == EVICTS && run->points.hits[POINT_arena_evicted])
		same("arenas of the process before", a != NULL, 0);
	else if (!a || !arena_same(a, &m))
		differs("the arena of the process before");
	fasttrace_arena_close(a);
}

/* The dead thread's ring is looked at, and free; then a reader holds some of it, and dies. */
static void life_reader(pid_t pid)
{
	pid_t reader;

	flag_wait(&run->ready);
	memset(reader_page, 0, sizeof(*reader_page));
	reader_set(POINT_hold_filled, POINT_held);
	reader = reader_start(pid, TAKE);
	stopped_wait(reader_page, reader);
	*writer_may = 1;
	stopped_wait(&run->points, pid);
	reader_page->go = 1;
	waitpid(reader, NULL, 0);
	run->points.go = 1;
}

/* `pass`: how often it passes the label and lives. */
static void life_set(enum life life, enum point at, uint32_t pass)
{
	static const enum point claimed = POINT_ring_claimed;
	struct points *p = &run->points;

	run_set(0, EVENT, 0, life == RETURNS ? &claimed : &at, 0);
	*writer_may = 0;
	if (life == RETURNS) {
		p->order[0].deed = POINT_STOP;
		p->order[p->orders++] = (struct point_order){.at = at, .deed = POINT_KILL};
	}
	p->order[p->orders - 1].pass = pass;
}

/* Its fate, and all that must be so then. */
static void life_check(enum fasttrace_buffer_mode mode, enum life life, enum fate fate)
{
	const struct points *p = &run->points;
	struct fasttrace_arena *a = arena_of((pid_t)run->ready);
	static struct model m;

	model_start(&m, mode);
	if (p->done < p->orders)
		fate = life == EXITS ? NO_ARENA : DONE;
	else if (run->returned[1] == life_events(life) && fate < DONE)
		fate = DONE;
	life_model(&m, life, fate);
	if (fate == NO_ARENA)
		same("arenas", a != NULL, 0);
	else if (!a)
		differs("no arena");
	else
		arena_same(a, &m);
	fasttrace_arena_close(a);
	life_before_check(mode, life);
}

static void life_try(enum fasttrace_buffer_mode mode, enum life life, enum point at, uint32_t pass)
{
	const struct points *p = &run->points;
	pid_t pid;

	life_set(life, at, pass);
	snprintf(what, sizeof(what), "mode %d, %s, at %s, pass %u", mode, lives[life],
		 table[at].name, pass);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		points = &run->points;
		life_program(life);
	}
	if (life == RETURNS)
		life_reader(pid);
	waitpid(pid, NULL, 0);
	life_check(mode, life, table[at].fate);
	dir_empty(run_dir);
	if (p->done == p->orders) {
		life_kills++;
		reached[at][0] = 1;
	}
}

static void life_run(enum fasttrace_buffer_mode mode, bool all)
{
	const uint64_t *hits = run->points.hits;
	uint64_t passes[POINTS];

	(void)all;
	for (enum life life = 0; life < LIVES; life++) {
		if (life == RETURNS && mode != FASTTRACE_OVERWRITE)
			continue; /* there nothing is left that a reader could hold */
		life_try(mode, life, POINT_none, 0);
		memcpy(passes, hits, sizeof(passes));
		for (unsigned at = 1; at < POINTS; at++)
			for (uint32_t pass = 0; pass < passes[at]; pass++)
				life_try(mode, life, (enum point)at, pass);
	}
}

#endif
