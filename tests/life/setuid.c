/* SPDX-License-Identifier: MIT */
/*
 * setuid.c - a set-user-id program records nothing: this very program, copied, owned by another
 * user and run as a third. The same copy without the bit does record, else the test proves nothing.
 */
#include <sys/auxv.h>

#include "common.h"

#define OWNER	1
#define CALLER	65534
#define SKIPPED 77

static char folder[200], arena_dir[256], program[256];

/* The program under test. Its status: 1 set-user-id, 0 not, 2 not even its owner's. */
static _Noreturn void traced_main(void)
{
	trace(1);
	_exit(geteuid() != OWNER ? 2 : getauxval(AT_SECURE) ? 1 : 0);
}

/* Run the copy as `uid`. Return: its exit status; -1: it could not be run. */
static int run_as(uid_t uid)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		if (setgid(uid) || setuid(uid))
			_exit(3);
		execl(program, "setuid", "--traced", (char *)NULL);
		_exit(127);
	}
	while (waitpid(pid, &status, 0) < 0)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool copy_self(void)
{
	int in = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int out = open(program, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	char block[65536];
	ssize_t n;

	while ((n = read(in, block, sizeof(block))) > 0)
		if (write(out, block, (size_t)n) != n)
			return false;
	close(in);
	return !n && !fchown(out, OWNER, OWNER) && !fchmod(out, 0755) && !close(out);
}

static bool prepare(void)
{
	const char *tmp = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";

	snprintf(folder, sizeof(folder), "%s/setuid-XXXXXX", tmp);
	if (!mkdtemp(folder) || chmod(folder, 0755))
		return false;
	snprintf(arena_dir, sizeof(arena_dir), "%s/arenas", folder);
	snprintf(program, sizeof(program), "%s/program", folder);
	return !mkdir(arena_dir, 0700) && !chown(arena_dir, OWNER, OWNER) && copy_self() &&
	       !setenv("FASTTRACE_DIR", arena_dir, 1);
}

static void clean(void)
{
	DIR *dir = opendir(arena_dir);
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(arena_dir);
	unlink(program);
	rmdir(folder);
}

static int skip_because(const char *why)
{
	printf("SKIP: %s\n", why);
	return SKIPPED;
}

static int run(void)
{
	int status;

	if (!prepare()) {
		perror(folder);
		return 1;
	}
	status = run_as(OWNER);
	if (status == 126 || status == 127 || status == -1)
		return skip_because("another user cannot run programs in TMPDIR");
	if (status != 0 || entries(arena_dir) != 1) {
		printf("without the bit: status %d, %u arenas, expected 0 and 1\n", status,
		       entries(arena_dir));
		return 1;
	}
	if (chmod(program, 04755)) {
		perror(program);
		return 1;
	}
	status = run_as(CALLER);
	if (status == 2)
		return skip_because("set-user-id bits have no effect in TMPDIR (nosuid?)");
	printf("with the bit: status %d, %u arenas, expected 1 and 1\n", status,
	       entries(arena_dir));
	return !(status == 1 && entries(arena_dir) == 1);
}

int main(int argc, char **argv)
{
	int status;

	if (argc == 2 && !strcmp(argv[1], "--traced"))
		traced_main();
	if (geteuid())
		return skip_because("needs root, to give a program to another user");
	status = run();
	clean();
	return status;
}
