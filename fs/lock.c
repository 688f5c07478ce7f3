/* SPDX-License-Identifier: MIT */
/*
 * lock.c - the lock of a folder of arenas.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch.h"

/* It is written to: what has another name, or another owner, is not for us to change. */
int ft_lock_open(int dirfd)
{
	int fd = openat(dirfd, FT_LOCK_NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
			0600);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink <= 1)
		return fd;
	close(fd);
	return -EPERM;
}

int ft_lock_take(int fd)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (!fcntl(fd, F_OFD_SETLK, &lock))
		return 0;
	return errno == EACCES || errno == EAGAIN ? -EBUSY : -errno;
}
