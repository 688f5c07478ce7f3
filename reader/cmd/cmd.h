/* SPDX-License-Identifier: MIT */
/*
 * cmd.h - what the commands of `fasttrace` share: the command line, messages, sources.
 *
 * What fails is told to the user on stderr by the function that finds it.
 */
#ifndef FT_CMD_H
#define FT_CMD_H

#include <errno.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "fasttrace-reader.h"

#define FT_EXIT_USAGE 2
#define FT_NS_PER_S   INT64_C(1000000000)

/* main.c */
struct ft_command {
	const char *name;
	const char *summary;
	/* @argv: from the command's name on. Return: exit status. */
	int (*run)(int argc, char **argv);
};

int ft_ls(int argc, char **argv);
int ft_info(int argc, char **argv);
int ft_control(int argc, char **argv);
int ft_snapshot(int argc, char **argv);
int ft_record(int argc, char **argv);
int ft_read(int argc, char **argv);
int ft_stats(int argc, char **argv);
int ft_export(int argc, char **argv);
int ft_merge(int argc, char **argv);
int ft_cut(int argc, char **argv);

/* usage.c */
struct ft_usage {
	const char *name; /* of the command */
	const char *operands;
	const char *summary;
	const char *more; /* behind the options */
	const GOptionEntry *entries;
};

/**
 * ft_usage_parse() - the options of a command line, and help if that is asked for.
 * Strings among them are to be freed. The first command line that is parsed names the command in
 * messages.
 * @operands: what is left, in @argv: borrowed.
 * Return: true to go on; false to exit with *@status.
 */
bool ft_usage_parse(const struct ft_usage *usage, int argc, char **argv, GPtrArray *operands,
		    int *status);

/** ft_misused() - "fasttrace COMMAND: MESSAGE" and where help is. Return: FT_EXIT_USAGE. */
int ft_misused(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** ft_report() - "fasttrace COMMAND: MESSAGE" on stderr. */
void ft_report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * ft_report_over() - a line on the terminal that the next one replaces, and a message too.
 * NULL: none is there any more.
 */
void ft_report_over(const char *line);

/** ft_print() - on stdout. Return: exit status: EXIT_FAILURE if it cannot be written. */
int ft_print(const char *text);

/* source.c */
enum ft_source_kind {
	FT_SOURCE_ARENA = 1,   /* an arena's file */
	FT_SOURCE_PROCESS = 2, /* PID folder of a mount */
	FT_SOURCE_MOUNT = 4,   /* a mount's root */
	FT_SOURCE_ARENAS = 8,  /* a directory of arenas */
	FT_SOURCE_CTF = 16,    /* a folder with `metadata` */
};

struct ft_source {
	enum ft_source_kind kind;
	char *path;  /* absolute: of what was given */
	char *arena; /* path of the arena's file: of FT_SOURCE_ARENA and FT_SOURCE_PROCESS */
	char *dir;   /* the directory of arenas: of FT_SOURCE_MOUNT and FT_SOURCE_ARENAS */
};

/**
 * ft_source_find() - what a SOURCE of the command line is. A number is a process, the newest of it.
 * @accepted: of enum ft_source_kind. A PID is accepted where an arena is.
 * Return: 0; -errno, and it was told why.
 */
int ft_source_find(const char *given, unsigned accepted, struct ft_source *source);
void ft_source_clear(struct ft_source *source);

/** ft_source_open() - its arena. Return: 0; -errno, and it was told why. */
int ft_source_open(const struct ft_source *source, unsigned flags, struct fasttrace_arena **arena);

/** ft_source_consume() - be the consumer; who is it for an instant, as `control`, is waited for. */
int ft_source_consume(struct fasttrace_arena *arena);

/**
 * ft_source_served() - where a mount shows @arena, which it serves: its PID folder. To be freed.
 * @pid: who is the consumer; 0: not known. Return: NULL: no mount is known that does.
 */
char *ft_source_served(const struct ft_source *source, struct fasttrace_arena *arena, pid_t *pid);

/* arenas.c */
/* An arena in a directory. */
struct ft_found {
	char *path;
	struct fasttrace_arena *arena;
	const struct fasttrace_process_info *info;
	uint64_t bytes; /* of memory */
};

/** ft_arenas_dir() - $FASTTRACE_DIR, else the usual one. To be freed. */
char *ft_arenas_dir(void);

/**
 * ft_arenas_list() - those of @dir and of the run folders in it, by pid, the newest of a pid first.
 * @pid: 0: all. What is no arena is left out. Return: NULL and errno: @dir cannot be read.
 */
GPtrArray *ft_arenas_list(const char *dir, uint32_t pid);

/** ft_arenas_each() - @each(path of a file that may be an arena, arg), run folders included. */
int ft_arenas_each(const char *dir, void (*each)(const char *path, void *arg), void *arg);

/* outdir.c */
/* A folder that is being made under another name, beside its own: complete, or not there. */
struct ft_outdir {
	char *path; /* its own */
	char *temporary;
	int fd;
};

/** ft_outdir_begin() - Return: 0; -errno, and it was told why: it exists, for one. */
int ft_outdir_begin(const char *path, struct ft_outdir *out);
/** ft_outdir_file() - write a file of it. Return: 0; -errno, and it was told why. */
int ft_outdir_file(const struct ft_outdir *out, const char *name, const void *data, size_t bytes);
/** ft_outdir_end() - give it its name; or, if not @good, remove it. Return: as above. */
int ft_outdir_end(struct ft_outdir *out, bool good);
/** ft_write_all() - Return: 0 or -errno. */
int ft_write_all(int fd, const void *data, size_t bytes);

/* signals.c */
/** ft_signals_catch() - from now on SIGINT, SIGTERM and SIGHUP are noted, and SIGPIPE ignored. */
void ft_signals_catch(void);
/** ft_interrupted() - the signal that came; 0: none. */
int ft_interrupted(void);
/** ft_signals_fd() - becomes readable when one comes. */
int ft_signals_fd(void);

/* text.c */
/** ft_state_text() - as `state` of a mount: "running", "exited 0", "killed 9" .. To be freed. */
char *ft_state_text(struct fasttrace_arena *arena);
/** ft_size_text() - "12K", "3.4M". To be freed. */
char *ft_size_text(uint64_t bytes);
/** ft_age_text() - "12 s", "3 min", "5 h", "2 d". To be freed. */
char *ft_age_text(int64_t ns);
/** ft_safe_text() - a name that may hold anything, harmless for a terminal. To be freed. */
char *ft_safe_text(const char *text, size_t bytes);
int64_t ft_now_ns(void); /* since 1970 */

/* mounts.c */
/**
 * ft_mount_of() - the mount of fasttracefs in which @path lies.
 * @root, @dir: where it is mounted, and its directory of arenas. To be freed.
 */
bool ft_mount_of(const char *path, char **root, char **dir);
/** ft_mount_folder() - the PID folder of mount @root that shows @uuid. To be freed; NULL: none. */
char *ft_mount_folder(const char *root, uint32_t pid, const uint8_t *uuid);
/** ft_mount_server() - who serves the directory of arenas @dir, and where. False: nobody. */
bool ft_mount_server(const char *dir, pid_t *pid, char **root);
/** ft_mount_write() - to a file of a mount. Return: 0 or -errno. */
int ft_mount_write(const char *folder, const char *name, const char *text);

#endif
