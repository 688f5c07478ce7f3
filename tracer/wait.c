/* SPDX-License-Identifier: MIT */
/*
 * wait.c - futexes in shared memory: the writer wakes a sleeping reader, and waits for one.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ft-wait.h"

/* How long the daemon's death can go unnoticed by a waiting writer. */
#define WAIT_SLICE_NS 5000000

void ft_wake_reader(struct ft_arena *arena)
{
	FASTTRACE_POINT(wake_taken);
	if (!arena)
		return;
	ft_add_acq_rel(&arena->wake, 1);
	FASTTRACE_POINT(wake_counted);
	syscall(SYS_futex, &arena->wake, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	FASTTRACE_POINT(wake_called);
}

/* Cannot tell, for want of descriptors or memory: then only a timeout that ends is waited for. */
static bool reader_unknown(int err)
{
	return (err == EMFILE || err == ENFILE || err == ENOMEM) &&
	       ft_process_config()->block_timeout_ns != UINT64_MAX;
}

/* Does anybody serve us: a consumer of this arena, or the daemon of its directory? */
static bool reader_lives(void)
{
	int fd = open(ft_process_path(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	bool lives;
	int served;

	if (fd < 0)
		return reader_unknown(errno);
	lives = !ft_dir_lock_free(fd, FT_LOCK_READER, 1);
	close(fd);
	if (lives)
		return true;
	fd = open(ft_process_config()->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return reader_unknown(errno);
	served = ft_dir_served(fd);
	close(fd);
	return served < 0 ? reader_unknown(-served) : served > 0;
}

static bool room_is(const struct ft_end *end, uint64_t seq)
{
	struct ft_buffer *b = end->buffer;

	return (int64_t)(ft_load_acquire(&b->consumed) - (seq - end->ring.mask)) > 0; /* full:R */
}

int ft_wait_room(const struct ft_end *end, uint64_t seq)
{
	struct ft_arena *arena = ft_process_arena();
	struct timespec slice = {0, WAIT_SLICE_NS};
	struct ft_buffer *b = end->buffer;
	uint64_t start, timeout;

	if (!arena || arena->mode != FT_BLOCK || end->quiet ||
	    ft_load_relaxed(&b->block_expired) == seq + 1)
		return -EAGAIN;
	start = fasttrace_clock_monotonic();
	timeout = ft_process_config()->block_timeout_ns;
	for (;;) {
		uint32_t room = ft_load_acquire(&b->room); /* room:R */

		if (room_is(end, seq) || ft_end_wiped(end))
			return 0;
		if (fasttrace_clock_monotonic() - start >= timeout || !reader_lives())
			break;
		syscall(SYS_futex, &b->room, FUTEX_WAIT, room, &slice, NULL, 0);
	}
	ft_store_relaxed(&b->block_expired, seq + 1);
	FASTTRACE_POINT(wait_expired);
	return -EAGAIN;
}

bool ft_wait_buffer(uint64_t *since)
{
	struct timespec slice = {0, WAIT_SLICE_NS};
	const struct ft_config *config = ft_process_config();

	if (config->mode != FT_BLOCK || !ft_process_arena())
		return false;
	if (!*since)
		*since = fasttrace_clock_monotonic();
	if (fasttrace_clock_monotonic() - *since >= config->block_timeout_ns || !reader_lives())
		return false;
	nanosleep(&slice, NULL);
	return true;
}
