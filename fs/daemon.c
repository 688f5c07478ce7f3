/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - become a process that owes nothing to the one that started it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"

static void signals_reset(void)
{
	struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		sigaction(s, &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int fd_compare(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void fds_close(const int *keep, size_t n)
{
	int sorted[16], from = 3;

	if (n > sizeof(sorted) / sizeof(sorted[0]))
		return;
	memcpy(sorted, keep, n * sizeof(*keep));
	qsort(sorted, n, sizeof(*sorted), fd_compare);
	for (size_t i = 0; i < n; i++) {
		if (sorted[i] > from)
			close_range((unsigned)from, (unsigned)sorted[i] - 1, 0);
		if (sorted[i] >= from)
			from = sorted[i] + 1;
	}
	close_range((unsigned)from, ~0u, 0);
}

static void priority_reset(void)
{
	struct sched_param param = {0};
	cpu_set_t cpus;
	int fd;

	memset(&cpus, 0xff, sizeof(cpus));
	sched_setaffinity(0, sizeof(cpus), &cpus);
	sched_setscheduler(0, SCHED_OTHER, &param);
	setpriority(PRIO_PROCESS, 0, 0);
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (write(fd, "0", 1) < 0)
		errno = 0; /* not for us to lower */
	close(fd);
}

static void environment_reset(void)
{
	extern char **environ;
	char name[256];

	unsetenv("LD_PRELOAD");
	for (char **e = environ; e && *e;) {
		size_t n = strcspn(*e, "=");

		if (strncmp(*e, "FASTTRACE", strlen("FASTTRACE")) || n >= sizeof(name)) {
			e++;
			continue;
		}
		memcpy(name, *e, n);
		name[n] = 0;
		unsetenv(name); /* moves the next one here */
	}
}

void ft_daemon_reset(const int *keep, size_t n)
{
	signals_reset();
	fds_close(keep, n);
	priority_reset();
	environment_reset();
	umask(077);
	if (chdir("/"))
		return; /* it keeps our directory busy, nothing worse */
}

void ft_daemon_detach(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	for (int to = 0; to <= 2; to++)
		dup2(fd, to);
	if (fd > 2)
		close(fd);
}

static void grandchild(int (*serve)(void *arg, int report), void *arg, int report)
{
	pid_t pid = fork();

	if (pid < 0)
		ft_report("cannot fork: %s", strerror(errno));
	if (pid)
		_exit(pid < 0);
	exit(serve(arg, report) ? EXIT_FAILURE : EXIT_SUCCESS);
}

/* The daemon tells its pid when the mount answers, or ends. */
static int report_read(int fd, pid_t *pid)
{
	ssize_t n;

	do
		n = read(fd, pid, sizeof(*pid));
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*pid) ? 0 : -EIO;
}

int ft_daemon_fork(int (*serve)(void *arg, int report), void *arg, pid_t *pid, int *alive)
{
	int pipe_fds[2], status, err;
	pid_t child;

	if (pipe2(pipe_fds, O_CLOEXEC))
		return -errno;
	child = fork();
	if (child < 0) {
		err = -errno;
		ft_report("cannot fork: %s", strerror(errno));
		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return err;
	}
	if (!child) {
		close(pipe_fds[0]);
		setsid();
		grandchild(serve, arg, pipe_fds[1]);
	}
	close(pipe_fds[1]);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	err = report_read(pipe_fds[0], pid);
	*alive = pipe_fds[0];
	return err;
}
