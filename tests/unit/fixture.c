/* SPDX-License-Identifier: MIT */
/* fixture.c - see fixture.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

#define MAX_SPAWNED 512
#define BODY_IN	    "FIXTURE_IN"
#define BODY_OUT    "FIXTURE_OUT"

char fixture_dir[FIXTURE_DIR_BYTES];
static char *given_dir; /* where whoever runs the tests removes what is left */
static pid_t spawned[MAX_SPAWNED];
static unsigned spawned_count;
static int to_body = -1, from_body = -1;

int fixture_main(int argc, char **argv, const struct fixture_body *bodies)
{
	if (argc != 3 || strcmp(argv[1], "--body"))
		return -1;
	for (; bodies->name; bodies++)
		if (!strcmp(bodies->name, argv[2])) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			bodies->run();
			return 0;
		}
	fprintf(stderr, "no body %s\n", argv[2]);
	return 2;
}

int fixture_setup(void **state)
{
	(void)state;
	if (!given_dir)
		given_dir = strdup(getenv("FASTTRACE_DIR") ? getenv("FASTTRACE_DIR") : "/dev/shm");
	snprintf(fixture_dir, sizeof(fixture_dir), "%s/test-XXXXXX", given_dir);
	if (!mkdtemp(fixture_dir))
		return -1;
	spawned_count = 0;
	return setenv("FASTTRACE_DIR", fixture_dir, 1);
}

static void pipes_close(void)
{
	if (to_body >= 0)
		close(to_body);
	if (from_body >= 0)
		close(from_body);
	to_body = from_body = -1;
}

static void dir_remove(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *d;

	while (dir && (d = readdir(dir))) {
		if (!strcmp(d->d_name, ".") || !strcmp(d->d_name, ".."))
			continue;
		if (unlinkat(dirfd(dir), d->d_name, 0))
			unlinkat(dirfd(dir), d->d_name, AT_REMOVEDIR);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

int fixture_teardown(void **state)
{
	(void)state;
	while (spawned_count)
		fixture_kill(spawned[0]);
	pipes_close();
	dir_remove(fixture_dir);
	return 0;
}

static void body_exec(const char *body, const char *const *env, const int in[2], const int out[2])
{
	char number[16];

	for (; env && *env; env++)
		putenv(strdup(*env));
	snprintf(number, sizeof(number), "%d", dup(in[0]));
	setenv(BODY_IN, number, 1);
	snprintf(number, sizeof(number), "%d", dup(out[1]));
	setenv(BODY_OUT, number, 1);
	execl("/proc/self/exe", "traced", "--body", body, (char *)NULL);
	_exit(127);
}

pid_t fixture_spawn(const char *body, const char *const *env)
{
	int in[2], out[2];
	pid_t pid;

	assert_true(spawned_count < MAX_SPAWNED);
	pipes_close();
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid)
		body_exec(body, env, in, out);
	close(in[0]);
	close(out[1]);
	to_body = in[1];
	from_body = out[0];
	spawned[spawned_count++] = pid;
	return pid;
}

void fixture_say(char what)
{
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(write(to_body, &what, 1), 1);
}

int fixture_hear(void)
{
	unsigned char c;

	return read(from_body, &c, 1) == 1 ? c : -1;
}

void body_say(char what)
{
	if (write(atoi(getenv(BODY_OUT)), &what, 1) != 1)
		_exit(3);
}

int body_hear(void)
{
	unsigned char c;

	return read(atoi(getenv(BODY_IN)), &c, 1) == 1 ? c : -1;
}

int fixture_wait(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	for (unsigned i = 0; i < spawned_count; i++)
		if (spawned[i] == pid)
			spawned[i] = spawned[--spawned_count];
	return status;
}

void fixture_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	fixture_wait(pid);
}

int fixture_arena_path(pid_t pid, char *path, size_t size)
{
	DIR *dir = opendir(fixture_dir);
	struct dirent *d;
	char part[32];
	int found = 0;

	snprintf(part, sizeof(part), "-%d-", (int)pid);
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.' && strstr(d->d_name, part)) {
			snprintf(path, size, "%s/%s", fixture_dir, d->d_name);
			found = 1;
		}
	if (dir)
		closedir(dir);
	return found;
}

struct fasttrace_arena *fixture_open(pid_t pid, unsigned flags)
{
	struct fasttrace_arena *a = NULL;
	char path[512];
	const char *why = "";

	assert_true(fixture_arena_path(pid, path, sizeof(path)));
	if (fasttrace_arena_open(AT_FDCWD, path, flags, &a, &why))
		fail_msg("%s: %s", path, why);
	return a;
}

uint64_t fixture_owner(struct fasttrace_arena *a, unsigned index)
{
	struct fasttrace_buffer_info info;

	assert_int_equal(fasttrace_buffer_get_info(a, index, &info), 0);
	return info.serial;
}

size_t fixture_values(const struct fasttrace_packet *p, uint64_t *out, size_t max)
{
	const char *at = p->body;
	size_t n = p->body_bytes / 16;

	if (n > max)
		n = max;
	for (size_t i = 0; i < n; i++)
		memcpy(&out[i], at + 16 * i + 8, 8);
	return n;
}

uint64_t fixture_begun(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	assert_int_equal(fasttrace_arena_stats(a, &s), 0);
	assert_int_equal(s.begun, s.consumed + s.readable + s.overwritten + s.lost_full +
					  s.lost_too_big + s.lost_nested + s.lost_no_buffer +
					  s.lost_no_event + s.in_flight);
	return s.begun;
}

uint64_t fixture_readable(struct fasttrace_arena *a)
{
	struct fasttrace_stats s;

	fasttrace_arena_stats(a, &s);
	return s.readable;
}

unsigned fixture_interrupt(void (*run)(void), unsigned instructions, void (*meanwhile)(void))
{
	volatile bool *done =
		mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned taken = 0;
	int status = 0;
	pid_t pid;

	assert_ptr_not_equal(done, MAP_FAILED);
	pid = fork();
	if (!pid) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		run();
		*done = true;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL);
	for (; taken < instructions && !*done; taken++) {
		ptrace(PTRACE_SINGLESTEP, pid, NULL, 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
	}
	meanwhile();
	ptrace(PTRACE_CONT, pid, NULL, 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	munmap((void *)done, 1);
	return taken;
}

int fixture_serve_dir(void)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/.lock", fixture_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	return fd;
}
