/* SPDX-License-Identifier: MIT */
/*
 * tools.c - a file to standard output, by the system calls that few tools use.
 *
 *   tools pread | readv | mmap | sendfile | splice FILE
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define BLOCK (1 << 20)

static char block[BLOCK];

static int put(const char *from, size_t bytes)
{
	return fwrite(from, 1, bytes, stdout) == bytes ? 0 : -1;
}

static int by_pread(int fd)
{
	off_t at = 0;
	ssize_t n;

	while ((n = pread(fd, block, 1000, at)) > 0 && !put(block, (size_t)n))
		at += n;
	return (int)n;
}

static int by_readv(int fd)
{
	struct iovec parts[] = {{block, 7}, {block + 7, 4096}, {block + 4103, BLOCK - 4103}};
	ssize_t n;

	while ((n = readv(fd, parts, 3)) > 0 && !put(block, (size_t)n))
		;
	return (int)n;
}

static int by_mmap(int fd)
{
	struct stat st;
	void *at;

	if (fstat(fd, &st))
		return -1;
	at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	return at == MAP_FAILED ? -1 : put(at, (size_t)st.st_size);
}

static int by_sendfile(int fd)
{
	ssize_t n;

	while ((n = sendfile(STDOUT_FILENO, fd, NULL, BLOCK)) > 0)
		;
	return (int)n;
}

static int by_splice(int fd)
{
	int ends[2];
	ssize_t n;

	if (pipe2(ends, O_CLOEXEC))
		return -1;
	while ((n = splice(fd, NULL, ends[1], NULL, 65536, 0)) > 0)
		for (ssize_t left = n, got; left > 0; left -= got) {
			got = read(ends[0], block, sizeof(block));
			if (got <= 0 || put(block, (size_t)got))
				return -1;
		}
	return (int)n;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int fd);
	} how[] = {{"pread", by_pread},
		   {"readv", by_readv},
		   {"mmap", by_mmap},
		   {"sendfile", by_sendfile},
		   {"splice", by_splice}};
	int fd = argc == 3 ? open(argv[2], O_RDONLY | O_CLOEXEC) : -1;

	for (size_t i = 0; fd >= 0 && i < sizeof(how) / sizeof(*how); i++)
		if (!strcmp(argv[1], how[i].name) && !how[i].run(fd) && !fflush(stdout))
			return 0;
	fprintf(stderr, "tools: %s\n", strerror(errno));
	return 1;
}
