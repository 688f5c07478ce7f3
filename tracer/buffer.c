/* SPDX-License-Identifier: MIT */
/*
 * buffer.c - a thread's ring: claimed at its first event, given back when the thread ends.
 *
 * Space is handed out by a CAS on buffers_end, and given back the same way if no ring comes to stand
 * in it; a ring whose thread has ended is claimed by a CAS on its state. So this is lock-free, and it
 * runs with signals blocked, for a handler must not find its thread between two rings.
 */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fasttrace.h"
#include "ft-create.h"
#include "ft-tsan.h"
#include "ft-wait.h"

/* A refused thread asks again once in so many events. */
#define REFUSED_RETRY 1024

static pthread_key_t thread_key;
static uint32_t thread_key_ready;
/* Its end came, but it may trace again; how often it asked since it was refused. */
static __thread struct fasttrace_thread *thread_ended __attribute__((tls_model("initial-exec")));
static __thread uint32_t thread_refused __attribute__((tls_model("initial-exec")));

static struct ft_buffer_place *place_of(struct ft_arena *a, uint32_t index)
{
	return (struct ft_buffer_place *)((char *)a + a->places_offset) + index;
}

static struct ft_buffer *buffer_of(struct ft_arena *a, uint32_t index)
{
	return (struct ft_buffer *)((char *)a + place_of(a, index)->offset);
}

static void buffer_died(struct ft_arena *a, struct ft_buffer *b)
{
	ft_tsan_release(b);
	ft_store_relaxed(&b->death, ft_add_relaxed(&a->deaths, 1)); /* state publishes it */
	FASTTRACE_POINT(death_counted);
	ft_store_release(&b->state, FT_BUFFER_DEAD); /* end:W */
	FASTTRACE_POINT(death_told);
	ft_fence_full();
	if (ft_load_relaxed(&b->waiters) && ft_exchange(&b->waiters, 0)) /* wake:R */
		ft_wake_reader(a);
}

/* The thread ends: its ring, and those it had to abandon, may be read to the end and reused. */
static void thread_end(void *arg)
{
	struct fasttrace_thread *t = arg;
	struct ft_cancel cancel;
	struct ft_arena *a;
	sigset_t saved;
	uint64_t count;

	if (t != fasttrace_self || !t->ring.slots)
		return; /* a forked child's: wiped */
	cancel = ft_cancel_hold();
	saved = ft_signals_block();

	a = ft_process_arena();
	count = ft_load_acquire(&a->buffers);
	for (uint32_t i = 0; i < count; i++) {
		struct ft_buffer *b =
			ft_load_acquire(&place_of(a, i)->ready) ? buffer_of(a, i) : NULL;

		if (b && ft_load_acquire(&b->state) == FT_BUFFER_ABANDONED &&
		    ft_load_relaxed(&b->tid) == t->tid) /* its next owner may be writing its own */
			buffer_died(a, b);
	}
	thread_ended = t;
	fasttrace_self = &ft_process_none;
	buffer_died(a, t->buffer);
	ft_signals_restore(&saved);
	ft_cancel_restore(cancel);
}

void ft_buffer_start(void)
{
	if (ft_cas(&thread_key_ready, 0, 1))
		ft_store_release(&thread_key_ready,
				 pthread_key_create(&thread_key, thread_end) ? 3 : 2);
}

static void thread_key_set(struct fasttrace_thread *t)
{
	ft_buffer_start(); /* constructors of others may trace before ours */
	if (ft_load_acquire(&thread_key_ready) == 2)
		pthread_setspecific(thread_key, t);
}

/* Make the ring of an ended thread fit to go on: close what is open, forget what is in flight. */
static void ring_reuse(const struct fasttrace_ring *r, struct ft_buffer *b)
{
	uint64_t head = ft_load_acquire(&b->head); /* open:R */

	for (uint64_t seq = head - r->mask; seq != head + 1; seq++) {
		struct fasttrace_slot *slot = ft_ring_slot(r, seq);
		uint64_t word = ft_load_acquire(&slot->word), committed;

		if (ft_word_count(r, word))
			while (ft_ring_close(r, seq, word) == -EAGAIN)
				word = ft_load_acquire(&slot->word);
		committed = ft_load_acquire(&slot->committed);
		if (ft_word_is(r, committed, seq)) /* else a reader's `active` is turning it */
			ft_cas(&slot->committed, committed,
			       ft_load_acquire(&slot->word) & ~ft_word_closed_bit(r));
		FASTTRACE_POINT(slot_settled);
	}
	while (ft_word_closed(r,
			      ft_load_acquire(&ft_ring_slot(r, ft_load_acquire(&b->head))->word)) &&
	       !ft_ring_turn(r, b, ft_load_acquire(&b->head)))
		;
}

static void ring_view(struct ft_arena *a, uint32_t index, struct fasttrace_ring *r)
{
	const struct ft_buffer_place *p = place_of(a, index);

	*r = (struct fasttrace_ring){
		.slots = (struct fasttrace_slot *)(buffer_of(a, index) + 1),
		.pages = (unsigned char *)a + p->pages_offset,
		.mask = (UINT64_C(1) << p->subbufs_shift) - 1,
		.units = UINT32_C(1) << (p->subbuf_shift - 3),
		.unit_bits = (uint8_t)(p->subbuf_shift - 2),
		.page_shift = (uint8_t)p->subbuf_shift,
		.overwrite = a->mode == FT_OVERWRITE,
		.raw_clock = a->clock == FT_CLOCK_CYCLES,
	};
}

static int directory_open(void)
{
	return open(ft_process_config()->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* All arenas together, after what we have claimed. */
static bool bound_is_kept(void)
{
	FASTTRACE_POINT(space_backed);
	int fd = directory_open();
	bool kept = fd < 0 || ft_dir_evict(fd, 0);

	if (fd >= 0)
		close(fd);
	return kept;
}

static struct ft_geometry place_geometry(const struct ft_buffer_place *p)
{
	return (struct ft_geometry){p->subbuf_shift, p->subbufs_shift};
}

/* Give back what no ring stands in: its memory always, its place unless what follows is taken. */
static void space_return(struct ft_arena *a, const struct ft_buffer_place *p)
{
	uint64_t control, at = p->offset - a->buffers_offset;
	uint64_t bytes = ft_ring_bytes(a->mode, place_geometry(p), &control);

	madvise((char *)a + p->offset, bytes, MADV_REMOVE);
	FASTTRACE_POINT(space_freed);
	ft_cas(&a->buffers_end, at + bytes, at);
	FASTTRACE_POINT(space_returned);
}

/* Take ring space from the end. -ENOMEM: none is left. */
static int space_claim(struct ft_arena *a, struct ft_geometry g, struct ft_buffer_place *p)
{
	uint64_t end, control, bytes = ft_ring_bytes(a->mode, g, &control);

	p->subbuf_shift = g.subbuf_shift;
	p->subbufs_shift = g.subbufs_shift;
	do {
		end = ft_load_acquire(&a->buffers_end);
		if (bytes > a->max_bytes - end)
			return -ENOMEM;
	} while (!ft_cas(&a->buffers_end, end, end + bytes));
	FASTTRACE_POINT(space_claimed);
	p->offset = a->buffers_offset + end;
	p->pages_offset = p->offset + control;
	if (!ft_process_commit(p->offset, bytes) && bound_is_kept())
		return 0;
	space_return(a, p);
	return -ENOMEM;
}

/*
 * Is a full ring more than what remains of half the directory's bound, or of half of our own? Then
 * it is to be a small one. Is even that more than what remains of all of it?
 */
static int space_left(struct ft_arena *a, struct ft_geometry *g)
{
	uint64_t full = ft_ring_bytes(a->mode, *g, &(uint64_t){0});
	uint64_t least = ft_ring_bytes(a->mode, FT_GEOMETRY_SMALL, &(uint64_t){0});
	uint64_t bytes = 0, bound = UINT64_MAX, end = ft_load_relaxed(&a->buffers_end);
	int fd;

	/* Many short threads come here in vain: do not look at the directory each time. */
	if (a->max_bytes - end < (least < full ? least : full))
		return -ENOMEM;
	fd = directory_open();
	if (fd >= 0) {
		ft_dir_evict(fd, full);
		bytes = ft_dir_bytes(fd);
		bound = ft_dir_bound(fd);
		close(fd);
	}
	/* Hints: the claim's CAS decides. */
	if (full > least && (!ft_geometry_fits(a->mode, *g, end + full, a->max_bytes) ||
			     bytes + full > bound / 2)) {
		*g = FT_GEOMETRY_SMALL;
		full = least;
	}
	return bytes + full > bound ? -ENOMEM : 0;
}

/* Take the next place. */
static int place_take(struct ft_arena *a, uint32_t *index)
{
	uint64_t bytes = sizeof(struct ft_buffer_place), count;

	do {
		count = ft_load_acquire(&a->buffers);
		if (count >= FT_MAX_BUFFERS ||
		    ft_process_commit(a->places_offset + count * bytes, bytes))
			return -ENOMEM;
	} while (!ft_cas(&a->buffers, count, count + 1));
	FASTTRACE_POINT(place_counted);
	*index = (uint32_t)count;
	return 0;
}

static int place_new(struct ft_arena *a, struct ft_geometry g, uint32_t *index)
{
	struct ft_buffer_place made = {0}, *place;
	int err = space_left(a, &g);

	if (!err && ft_load_acquire(&a->buffers) >= FT_MAX_BUFFERS)
		err = -ENOMEM;
	if (!err)
		err = space_claim(a, g, &made);
	if (err)
		return err;
	err = place_take(a, index);
	if (err) {
		space_return(a, &made);
		return err;
	}
	place = place_of(a, *index);
	place->offset = made.offset; /* all but ready, at which others look already */
	place->pages_offset = made.pages_offset;
	place->subbuf_shift = made.subbuf_shift;
	place->subbufs_shift = made.subbufs_shift;
	FASTTRACE_POINT(place_made);
	return 0;
}

/* May this ring be taken over, if its thread has ended? Not while a reader holds a part of it. */
static bool place_free(struct ft_arena *a, uint32_t index)
{
	struct ft_buffer *b = buffer_of(a, index);
	uint64_t head = ft_load_acquire(&b->head);
	struct fasttrace_ring r;
	int64_t left;

	if (ft_load_acquire(&b->hold.state)) /* held:R */
		return false;
	if (a->mode == FT_OVERWRITE)
		return true;
	ring_view(a, index, &r);
	left = (int64_t)(ft_load_acquire(&b->consumed) - head); /* full:R */
	return left > 0 ||
	       (left == 0 && !ft_word_count(&r, ft_load_acquire(&ft_ring_slot(&r, head)->word)));
}

/* It was looked at before it was ours, and may have had another owner since: look again. */
static bool place_claim(struct ft_arena *a, uint32_t index)
{
	struct ft_buffer *b = buffer_of(a, index);

	if (!ft_cas(&b->state, FT_BUFFER_DEAD, FT_BUFFER_CLAIMED)) /* claim:R */
		return false;
	FASTTRACE_POINT(ring_claimed);
	ft_fence_full(); /* held:R, behind the claim */
	if (place_free(a, index))
		return true;
	ft_store_release(&b->state, FT_BUFFER_DEAD); /* end:W */
	FASTTRACE_POINT(ring_returned);
	return false;
}

/* Of a ring that a new one would be like: of what is wanted now, or small for want of space. */
static bool place_fits(struct ft_arena *a, uint32_t index, struct ft_geometry wanted)
{
	struct ft_geometry g = place_geometry(place_of(a, index));

	return ft_geometry_same(g, wanted) || ft_geometry_same(g, FT_GEOMETRY_SMALL);
}

/* The ring whose thread ended first; of all, or of those that fit. */
static bool place_oldest(struct ft_arena *a, const struct ft_geometry *wanted, uint32_t *index)
{
	uint64_t count = ft_load_acquire(&a->buffers), best = UINT64_MAX;

	for (uint32_t i = 0; i < count; i++) {
		if (!ft_load_acquire(&place_of(a, i)->ready) ||
		    ft_load_acquire(&buffer_of(a, i)->state) != FT_BUFFER_DEAD ||
		    !place_free(a, i) || ft_load_relaxed(&buffer_of(a, i)->death) >= best ||
		    (wanted && !place_fits(a, i, *wanted)))
			continue;
		best = ft_load_relaxed(&buffer_of(a, i)->death);
		*index = i;
	}
	return best != UINT64_MAX;
}

/* What has a size that was wanted once comes last. But it comes: no space is lost by a change. */
static int place_reuse(struct ft_arena *a, struct ft_geometry wanted, uint32_t *index)
{
	while (place_oldest(a, &wanted, index) || place_oldest(a, NULL, index))
		if (place_claim(a, *index))
			return 0;
	return -ENOMEM;
}

/* From here on it is this thread's. */
static void buffer_own(struct ft_arena *a, struct ft_buffer *b, const struct fasttrace_ring *r)
{
	ft_buffer_own(a, b, r, (uint32_t)syscall(SYS_gettid));
	prctl(PR_GET_NAME, b->name);
	FASTTRACE_POINT(owner_named);
	ft_store_release(&b->state, FT_BUFFER_LIVE); /* attach:W */
	FASTTRACE_POINT(owner_told);
}

static int buffer_claim(struct ft_arena *a, uint32_t *index)
{
	struct ft_geometry wanted = ft_geometry_of(ft_load_relaxed(&a->geometry)); /* I10 */
	struct fasttrace_ring ring;
	struct ft_buffer *b;
	int err = place_new(a, wanted, index);

	if (err && place_reuse(a, wanted, index))
		return err;
	ring_view(a, *index, &ring);
	b = buffer_of(a, *index);
	ft_tsan_acquire(b);
	if (err)
		ring_reuse(&ring, b);
	else
		ft_ring_lay(&ring, b, 0);
	buffer_own(a, b, &ring);
	ft_store_release(&place_of(a, *index)->ready, 1); /* attach:W */
	FASTTRACE_POINT(place_ready);
	return 0;
}

/* Traced again after its end, by a destructor that ran later than ours: go on in the same ring. */
static bool thread_revive(struct fasttrace_thread *t)
{
	struct ft_buffer *b = t ? t->buffer : NULL;
	uint32_t tid = (uint32_t)syscall(SYS_gettid);

	if (!b || ft_load_relaxed(&b->tid) != tid || t->tid != tid ||
	    !ft_cas(&b->state, FT_BUFFER_DEAD, FT_BUFFER_LIVE))
		return false;
	FASTTRACE_POINT(owner_revived);
	if (ft_load_acquire(&b->tid) != tid) { /* it had another owner meanwhile, who has ended */
		buffer_died(ft_process_arena(), b);
		return false;
	}
	fasttrace_self = t;
	thread_key_set(t);
	return true;
}

static int thread_attach(bool abandon)
{
	struct ft_arena *a = ft_process_arena();
	struct fasttrace_thread *old = fasttrace_self, *t;
	struct fasttrace_ring ring;
	uint32_t index = 0; /* gcc -O1 does not see that it is set */

	if (!a)
		return -ENOMEM;
	abandon = abandon && old->ring.slots; /* a forked child has nothing to leave */
	if (!abandon && old->ring.slots)
		return 0; /* a handler was first */
	if (ft_process_borrowed())
		return -ENOMEM; /* it would be ours when we are gone */
	if (!abandon && thread_revive(thread_ended))
		return 0;
	if (buffer_claim(a, &index))
		return thread_refused ? -ENOMEM : -EAGAIN;
	t = ft_process_thread(index);
	ring_view(a, index, &ring);
	*t = (struct fasttrace_thread){
		.ring = ring,
		.event = UINT64_C(1) << ring.unit_bits,
		.closed = ft_word_closed_bit(&ring),
		.units = ring.units,
		.straight = ring.raw_clock && (a->asymmetric || FASTTRACE_LOCK),
		.open = UINT64_MAX,
		.tag = UINT64_MAX,
		.buffer = buffer_of(a, index),
		.tid = buffer_of(a, index)->tid,
		.index = index,
		.last = fasttrace_clock(&ring),
	};
	if (abandon) {
		ft_store_release(&((struct ft_buffer *)old->buffer)->state, FT_BUFFER_ABANDONED);
		FASTTRACE_POINT(ring_abandoned);
	}
	fasttrace_self = t;
	thread_refused = 0;
	thread_key_set(t);
	return 0;
}

int ft_buffer_attach(bool abandon)
{
	sigset_t saved;
	int err;

	if (abandon && fasttrace_self->quiet)
		return -ENOMEM;
	if (ft_process_off() || (thread_refused && thread_refused++ % REFUSED_RETRY))
		return -ENOMEM; /* each event comes here: no system call */
	saved = ft_signals_block();
	err = thread_attach(abandon);
	ft_signals_restore(&saved);
	return err;
}

bool ft_buffer_equip(void)
{
	uint64_t since = 0;
	int err;

	while ((err = ft_buffer_attach(false)) == -EAGAIN)
		if (!ft_wait_buffer(&since)) {
			thread_refused += !thread_refused;
			break;
		}
	return !err;
}

int fasttrace_thread_prepare(void)
{
	struct ft_cancel cancel = ft_cancel_hold();
	int saved_errno = errno, err = 0;

	thread_refused = 0; /* ask now */
	if (!ft_buffer_equip() || ft_process_event_ahead()) {
		err = -ENOMEM;
	} else {
		const struct fasttrace_ring *r = &fasttrace_self->ring;

		ft_process_populate(r->pages, (r->mask + 1 + r->overwrite) << r->page_shift);
		fasttrace_self->quiet = 1;
	}
	ft_cancel_restore(cancel);
	errno = saved_errno;
	return err;
}
