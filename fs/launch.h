/* SPDX-License-Identifier: MIT */
/*
 * launch.h - from the command line to a daemon that serves: options, arena directory, mount point.
 *
 * What fails here is told to the user on stderr by the function that finds it.
 */
#ifndef FT_FS_LAUNCH_H
#define FT_FS_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef FASTTRACE_VERSION
#define FASTTRACE_VERSION "0.1.0"
#endif

#define FT_LOCK_NAME  ".lock"
#define FT_RUN_PREFIX "run-"

#define FT_EXIT_USAGE	       2
#define FT_EXIT_NOT_EXECUTABLE 126
#define FT_EXIT_NOT_FOUND      127

/* options.c */
struct ft_options {
	const char *dir;
	const char *mode; /* NULL: as PROGRAM finds it */
	const char *subbuf_size;
	const char *subbufs;
	const char *events;
	bool foreground;
	bool spawned; /* by the library: another daemon is as good */
	bool allow_other;
	int64_t switch_ns;
	const char *mount;
	char **program; /* NULL: none */
};

/** ft_options_parse() - Return: true to go on; false to exit with *@status. */
bool ft_options_parse(int argc, char **argv, struct ft_options *options, int *status);

/** ft_report() - "fasttracefs: MESSAGE" on stderr. */
void ft_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* arenadir.c */
struct ft_arenadir {
	char *path; /* absolute */
	int fd;
	int lock_fd; /* open, and locked once we are elected */
	bool run;    /* made for one PROGRAM */
};

/** ft_arenadir_open() - make it if need be, and check it. @wanted: NULL for the usual one. */
int ft_arenadir_open(const char *wanted, struct ft_arenadir *dir);
/** ft_arenadir_close() - forget it; a lock is the daemon's from now on. */
void ft_arenadir_close(struct ft_arenadir *dir);
/** ft_arenadir_make_run() - a directory of PROGRAM's own in it, locked; @dir becomes that. */
int ft_arenadir_make_run(struct ft_arenadir *dir);
/** ft_arenadir_discard() - remove a run directory that was not used. */
void ft_arenadir_discard(struct ft_arenadir *dir);
/** ft_arenadir_elect() - Return: 0 we serve it, -EBUSY another daemon does, or fcntl(2)'s. */
int ft_arenadir_elect(struct ft_arenadir *dir);
/** ft_arenadir_sign() - tell in the lock file who serves it, and where. */
void ft_arenadir_sign(struct ft_arenadir *dir, const char *mount);
/** ft_arenadir_server() - who does? @mount is to be freed. Return: 0, or -EAGAIN not told yet. */
int ft_arenadir_server(struct ft_arenadir *dir, pid_t *pid, char **mount);

/* lock.c */
/** ft_lock_open() - the lock file of a directory; made if there is none. Return: fd, or -errno. */
int ft_lock_open(int dirfd);
/** ft_lock_take() - lock all of an open lock file for this open file description. */
int ft_lock_take(int fd);

/* mountpoint.c */
/** ft_mountpoint_path() - absolute, without touching what is mounted there. To be freed. */
char *ft_mountpoint_path(const char *mount);
/** ft_mountpoint_check() - can we mount there? Detaches a stale mount of a dead daemon. */
int ft_mountpoint_check(const char *path);
/** ft_mountpoint_answers() - is one of ours mounted there, and alive? */
bool ft_mountpoint_answers(const char *path);

/** ft_mountpoint_device() - of the uppermost of ours on an absolute path; 0: not known. */
dev_t ft_mountpoint_device(const char *path);
/**
 * ft_mountpoint_release() - unmount the filesystem of ours that has the number @device and the
 * connection @fuse, wherever it is by now.
 * Not where another one is mounted on it: that would go with it.
 */
void ft_mountpoint_release(dev_t device, int fuse);

/* nofuse.c */
/** ft_nofuse_check() - does /dev/fuse open? Return: 0, or -errno, and it was told what is missing. */
int ft_nofuse_check(const struct ft_arenadir *dir);
/** ft_nofuse_explain() - tell why a mount was refused, as far as that can be seen. */
void ft_nofuse_explain(const char *mount, const struct ft_arenadir *dir);

/* daemon.c */
/** ft_daemon_reset() - forget what we inherited, but for the descriptors in @keep and 0 to 2. */
void ft_daemon_reset(const int *keep, size_t n);
/** ft_daemon_detach() - 0 to 2 become /dev/null: nobody listens any more. */
void ft_daemon_detach(void);
/**
 * ft_daemon_fork() - in a grandchild, a session of its own, run serve(arg, report) and exit.
 * @report: serve() writes one byte to it when the mount answers; it is closed on exit.
 * Return: in the parent, once it answers, 0 and the daemon's pid; -EIO it failed and told why.
 */
int ft_daemon_fork(int (*serve)(void *arg, int report), void *arg, pid_t *pid, int *alive);

/* serve.c */
struct ft_service {
	const struct ft_options *options;
	struct ft_arenadir *dir;
	const char *mount;
	pid_t program; /* that is to become PROGRAM; 0: none */
};
/** ft_serve() - mount, serve until unmounted, clean up. @report: -1, or as above. @arg: service. */
int ft_serve(void *arg, int report);

#endif
