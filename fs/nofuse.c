/* SPDX-License-Identifier: MIT */
/*
 * nofuse.c - where nothing can be mounted: what is missing, what would help, and what goes on without.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "launch.h"

#define HELPER	      "fusermount3"
#define CAP_SYS_ADMIN 21 /* bit of CapEff: capabilities(7) */

/* Of one PROGRAM the arenas would stand in the directory itself. */
static void way_out(const struct ft_arenadir *dir)
{
	char *path = dir->run ? g_path_get_dirname(dir->path) : g_strdup(dir->path);

	ft_report("programs record without a mount, in files in %s: libfasttrace-reader reads "
		  "them, and so does the `fasttrace` command where it is installed",
		  path);
	g_free(path);
}

int ft_nofuse_check(const struct ft_arenadir *dir)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), err = -errno;

	if (fd >= 0) {
		close(fd);
		return 0;
	}
	if (err == -EACCES)
		ft_report("/dev/fuse: %s: expected a device that user %u may read and write",
			  strerror(-err), (unsigned)geteuid());
	else
		ft_report("/dev/fuse: %s: expected FUSE in the kernel (modprobe fuse), in a "
			  "container the device (--device /dev/fuse)",
			  strerror(-err));
	way_out(dir);
	return err;
}

static bool may_mount(void)
{
	char *text = NULL, *line;
	bool yes = false;

	if (!g_file_get_contents("/proc/self/status", &text, NULL, NULL))
		return false;
	line = strstr(text, "\nCapEff:");
	if (line)
		yes = strtoull(line + strlen("\nCapEff:"), NULL, 16) >> CAP_SYS_ADMIN & 1;
	g_free(text);
	return yes;
}

/* What is wrong with the program that mounts for those who may not; NULL: nothing that we see. */
static const char *helper_fault(void)
{
	char *path = g_find_program_in_path(HELPER);
	const char *fault = NULL;
	struct statvfs fs;
	struct stat st;

	if (!path) /* libfuse looks where it was built for, too */
		path = g_find_program_in_path("/usr/bin/" HELPER);
	if (!path)
		return "expected " HELPER " in PATH: it comes with FUSE, as package fuse3";
	if (stat(path, &st) || st.st_uid || !(st.st_mode & S_ISUID) || statvfs(path, &fs) ||
	    fs.f_flag & ST_NOSUID)
		fault = "expected " HELPER " to be set-user-id root";
	else if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		fault = "no_new_privs is set, so that " HELPER
			" cannot become root: expected to be started outside of that "
			"(NoNewPrivileges= of systemd)";
	g_free(path);
	return fault;
}

void ft_nofuse_explain(const char *mount, const struct ft_arenadir *dir)
{
	const char *fault = NULL;

	if (!may_mount())
		fault = geteuid() ? helper_fault()
				  : "expected the right to mount, CAP_SYS_ADMIN: in a container "
				    "--cap-add SYS_ADMIN --device /dev/fuse";
	ft_report("%s: cannot be mounted on: %s", mount,
		  fault ? fault
			: "mounting was refused: " HELPER " may have said why; in a container "
			  "see --cap-add SYS_ADMIN, AppArmor and seccomp");
	way_out(dir);
}
