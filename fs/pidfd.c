/* SPDX-License-Identifier: MIT */
/*
 * pidfd.c - what the kernel knows of processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "registry.h"

/* Of kernel 6.15 and later; older headers do not have it. */
struct pidfd_exit_info {
	uint64_t mask;
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t uids_and_gids[8];
	int32_t exit_code;
};

#define PIDFD_EXIT_MASK	    (UINT64_C(1) << 3)
#define PIDFD_GET_EXIT_INFO _IOWR(0xFF, 11, struct pidfd_exit_info)
#define TASK_EXITING	    0x4u /* PF_EXITING */

/* Fields of /proc/PID/stat, counted from 1 as in proc(5). */
enum { STAT_STATE = 3, STAT_FLAGS = 9, STAT_START = 22, STAT_EXIT_CODE = 52, STAT_FIELDS = 52 };

struct pid_stat {
	uint64_t start;
	unsigned flags;
	char state;
	int exit_code;
};

static ssize_t text_read(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, size - 1);
	if (n < 0)
		n = -errno;
	else
		text[n] = 0;
	close(fd);
	return n;
}

/* Ticks that our time namespace adds to start times; arenas hold them without. */
static uint64_t start_offset(void)
{
	static uint64_t ticks;
	static bool known;
	char text[256];
	const char *p;

	if (known)
		return ticks;
	known = true;
	if (text_read("/proc/self/timens_offsets", text, sizeof(text)) <= 0)
		return 0;
	p = strstr(text, "boottime");
	if (p)
		ticks = (uint64_t)(strtoll(p + strlen("boottime"), NULL, 10) *
				   sysconf(_SC_CLK_TCK));
	return ticks;
}

static int stat_read(pid_t pid, struct pid_stat *st)
{
	char path[64], text[2048], *p, *save = NULL;
	uint64_t field[STAT_FIELDS + 1] = {0};
	int n = STAT_STATE;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (text_read(path, text, sizeof(text)) <= 0)
		return -ESRCH;
	p = strrchr(text, ')'); /* the name before it may hold anything */
	if (!p || p[1] != ' ' || !p[2])
		return -EPROTO;
	st->state = p[2];
	for (p = strtok_r(p + 2, " ", &save); p && n <= STAT_FIELDS; p = strtok_r(NULL, " ", &save))
		field[n++] = strtoull(p, NULL, 10);
	if (n <= STAT_FIELDS)
		return -EPROTO;
	st->flags = (unsigned)field[STAT_FLAGS];
	st->start = field[STAT_START] - start_offset();
	st->exit_code = (int)field[STAT_EXIT_CODE];
	return 0;
}

int ft_pidfd_open(pid_t pid, uint64_t start)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pid_stat st;

	if (fd < 0)
		return -errno;
	/* Looked at after the open: now the pid cannot be somebody else's than the fd's. */
	if (stat_read(pid, &st) || st.start != start) {
		close(fd);
		return -ESRCH;
	}
	return fd;
}

uint64_t ft_pid_start(pid_t pid)
{
	struct pid_stat st;

	return stat_read(pid, &st) ? 0 : st.start;
}

bool ft_pidfd_dead(int pidfd, int ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, ms) > 0;
}

int ft_pidfd_status(int pidfd, pid_t pid, uint64_t start, int *status)
{
	struct pidfd_exit_info info = {.mask = PIDFD_EXIT_MASK};
	struct pid_stat st;

	if (!stat_read(pid, &st) && st.start == start && st.state == 'Z') {
		*status = st.exit_code;
		return 0;
	}
	/* The kernel keeps it for the pidfd from the time on that the parent has reaped it. */
	if (!ioctl(pidfd, PIDFD_GET_EXIT_INFO, &info) && info.mask & PIDFD_EXIT_MASK) {
		*status = info.exit_code;
		return 0;
	}
	return -ENODATA;
}

bool ft_pid_exiting(pid_t pid, uint64_t start)
{
	struct pid_stat st;

	return stat_read(pid, &st) || st.start != start || st.flags & TASK_EXITING;
}

pid_t ft_pid_group(pid_t tid)
{
	char path[64], text[4096], *p;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)tid);
	if (tid <= 0 || text_read(path, text, sizeof(text)) <= 0)
		return 0;
	p = strstr(text, "\nTgid:");
	return p ? (pid_t)atoi(p + strlen("\nTgid:")) : 0;
}

uint64_t ft_pid_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}
