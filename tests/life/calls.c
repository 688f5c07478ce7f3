/* SPDX-License-Identifier: MIT */
/*
 * calls.c - system calls from exec to exit: what linking costs, what the first event does, and that
 * those after it make none.
 *
 * The programs are tests/bench/start-with.c and start-without.c. They are counted by ptrace, so that nothing here
 * depends on how fast the machine is.
 */
#include <limits.h>
#include <signal.h>
#include <sys/ptrace.h>

#include "program.h"

#define LINKED_CALLS 5 /* of the constructor, when nothing is recorded and nothing is mounted */
#define TOO_MANY     1000

static char dir[200];
static unsigned failed;

static void dir_remove(void)
{
	dir_empty(dir);
	rmdir(dir);
}

static void traced_exec(const char *program, const char *events)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/tests/bench/%s", getenv("BUILD"), program);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
		_exit(77);
	execl(path, program, events, (char *)NULL);
	_exit(127);
}

/* Stops are counted: one before and one after each call. */
static unsigned calls(const char *program, const char *events)
{
	unsigned stops = 0;
	int status;
	pid_t pid = fork();

	if (!pid)
		traced_exec(program, events);
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && stops < 2 * TOO_MANY) {
		stops++;
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77 && !stops) {
		puts("SKIP: ptrace is not permitted");
		exit(77);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("FAIL %s %s: wait status %#x\n", program, events ? events : "", status);
		if (WIFSTOPPED(status))
			kill(pid, SIGKILL);
		exit(1);
	}
	printf("%s %s: %u calls\n", program, events ? events : "", stops / 2);
	return stops / 2;
}

static void check(bool good, const char *what)
{
	if (good)
		return;
	printf("FAIL %s\n", what);
	failed++;
}

int main(void)
{
	unsigned without, with, one, many;

	if (!getenv("BUILD")) {
		fputs("calls: BUILD is not set\n", stderr);
		return 2;
	}
	if (!dir_make(dir, sizeof(dir)) || setenv("FASTTRACE_DIR", dir, 1)) {
		perror("calls");
		return 1;
	}
	atexit(dir_remove);
	without = calls("start-without", NULL);
	with = calls("start-with", NULL);
	one = calls("start-with", "1");
	many = calls("start-with", "1000");
	check(with <= without + LINKED_CALLS, "a program that records nothing pays for it");
	check(one > with, "the first event makes no arena");
	check(many == one, "a later event makes system calls");
	return failed ? 1 : 0;
}
