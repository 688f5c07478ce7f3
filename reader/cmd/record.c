/* SPDX-License-Identifier: MIT */
/*
 * record.c - fasttrace record: take every event from memory as it comes, and write it to a folder.
 *
 * One process, or all of a directory, those that come later included. Of a directory that no daemon
 * serves we are the server meanwhile: its lock is ours, and programs in block mode wait for us from
 * their first event on.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft-geometry.h"
#include "record.h"

#define LOOK_MS	    500 /* between two lines of progress */
#define MAX_SECONDS 86400.0 * 365

struct recording {
	struct ft_record record;
	struct ft_source source;
	GPtrArray *tracees;
	GHashTable *known; /* paths of arenas that were looked at */
	uint64_t lost;	   /* of those that have ended */
	unsigned processes;
	int inotify;
	int lock;   /* -1, or that of the directory */
	bool first; /* the first look: who is dead already is not ours */
	int64_t began_us;
};

/* Who is the consumer: we, or a daemon with a mount? Return: 0; -EBUSY, and it was told. */
static int arena_reach(const char *path, struct fasttrace_arena *arena, char **folder)
{
	struct ft_source source = {.arena = (char *)(uintptr_t)path};
	pid_t pid;

	*folder = NULL;
	if (!ft_source_consume(arena))
		return 0;
	*folder = ft_source_served(&source, arena, &pid);
	if (*folder)
		return 0;
	ft_report("%s: %s", path,
		  access(path, W_OK) ? "Permission denied: expected an arena of one's own"
				     : "another process reads it already: expected to be alone");
	return -EBUSY;
}

static int tracee_add(struct recording *r, const char *path, struct fasttrace_arena *arena,
		      const char *out)
{
	struct ft_tracee *t;
	char *folder;

	if (arena_reach(path, arena, &folder)) {
		fasttrace_arena_close(arena);
		r->record.incomplete = true;
		return -EBUSY;
	}
	t = ft_tracee_new(&r->record, path, arena, folder, out);
	if (!t)
		return -EIO;
	g_ptr_array_add(r->tracees, t);
	r->processes++;
	return 0;
}

/* A file of the directory: a process that lives, or did when we came to know it. */
static void file_look(const char *path, void *arg)
{
	struct recording *r = arg;
	struct fasttrace_arena *arena;
	char *base, *out;

	if (g_hash_table_contains(r->known, path) || r->record.stop)
		return;
	if (fasttrace_arena_open(AT_FDCWD, path, 0, &arena, NULL))
		return; /* not yet, or none */
	g_hash_table_add(r->known, g_strdup(path));
	if (r->first && !fasttrace_arena_alive(arena)) {
		fasttrace_arena_close(arena);
		return;
	}
	base = g_path_get_basename(path);
	out = g_build_filename(r->record.out, base, NULL);
	if (mkdir(out, 0777)) {
		ft_report("%s: %s", out, strerror(errno));
		r->record.failed = true;
		fasttrace_arena_close(arena);
	} else if (tracee_add(r, path, arena, out)) {
		rmdir(out);
	}
	g_free(out);
	g_free(base);
}

static void directory_look(struct recording *r)
{
	char events[4096];

	while (read(r->inotify, events, sizeof(events)) > 0)
		continue;
	ft_arenas_each(r->source.dir, file_look, r);
	r->first = false;
}

/* Two would take from each other. Whose lock names a mount is a daemon, which we read from. */
static bool directory_taken(const struct recording *r)
{
	char *root = NULL;
	pid_t pid;
	bool taken = ft_mount_server(r->source.dir, &pid, &root) && *root != '/';

	if (taken)
		ft_report("%s: is recorded already, by process %d: expected to be alone",
			  r->source.dir, (int)pid);
	g_free(root);
	return taken;
}

/*
 * Be the server of the directory, if nobody is. Run folders have servers of their own. A folder that
 * is no directory of arenas gets no lock file.
 */
static void directory_lock(struct recording *r)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	char *path = g_build_filename(r->source.dir, ".lock", NULL);
	struct stat st;

	if (!stat(r->source.dir, &st) && st.st_uid == geteuid() && !(st.st_mode & 077))
		r->lock = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (r->lock >= 0 && fcntl(r->lock, F_OFD_SETLK, &lock)) {
		close(r->lock);
		r->lock = -1;
	}
	/* Who wants to serve it too is told of us. */
	if (r->lock >= 0 &&
	    (ftruncate(r->lock, 0) || dprintf(r->lock, "%d fasttrace record\n", (int)getpid()) < 0))
		ft_report("%s: %s", path, strerror(errno));
	g_free(path);
}

/* As a daemon at its end: what ended by exit and is read leaves nothing behind. */
static void arena_remove(struct recording *r, struct ft_tracee *t)
{
	int code;

	if (r->lock >= 0 && t->drained && fasttrace_arena_end(t->arena, &code) == FASTTRACE_EXITED)
		unlink(t->path);
}

static void ended_collect(struct recording *r)
{
	for (guint i = r->tracees->len; i--;) {
		struct ft_tracee *t = r->tracees->pdata[i];

		if (!t->ended)
			continue;
		r->lost += t->lost;
		arena_remove(r, t);
		ft_tracee_free(t);
		g_ptr_array_remove_index_fast(r->tracees, i);
	}
}

static uint64_t lost_sum(const struct recording *r)
{
	uint64_t lost = r->lost;

	for (guint i = 0; i < r->tracees->len; i++)
		lost += ((struct ft_tracee *)r->tracees->pdata[i])->lost;
	return lost;
}

/* How wide the terminal is that waits for us; 0: none does, and nobody wants to see us at work. */
static unsigned terminal_width(void)
{
	struct winsize size;

	if (!isatty(STDERR_FILENO) || tcgetpgrp(STDERR_FILENO) != getpgrp())
		return 0;
	return !ioctl(STDERR_FILENO, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : 80;
}

/* A line that were longer than the terminal is wide would not replace itself. */
static void progress_print(const struct recording *r)
{
	static uint64_t events, bytes;
	static int64_t at_us;
	int64_t now = g_get_monotonic_time();
	double s = (double)(now - (at_us ? at_us : r->began_us)) / 1e6;
	unsigned width = terminal_width();
	char *line;

	if (!width || s < 0.001)
		return;
	line = g_strdup_printf(
		"%.1f s  %" PRIu64 " events, %.0f/s  %.1f MB, %.1f MB/s  %" PRIu64 " lost",
		(double)(now - r->began_us) / 1e6, r->record.events,
		(double)(r->record.events - events) / s, (double)r->record.bytes / 1e6,
		(double)(r->record.bytes - bytes) / s / 1e6, lost_sum(r));
	if (strlen(line) >= width)
		line[width - 1] = '\0';
	ft_report_over(line);
	g_free(line);
	events = r->record.events;
	bytes = r->record.bytes;
	at_us = now;
}

static void loop_wait(struct recording *r)
{
	struct pollfd p[2] = {{.fd = ft_signals_fd(), .events = POLLIN},
			      {.fd = r->inotify, .events = POLLIN}};

	/* Who ended is looked for soon where that is the end. */
	poll(p, 2, r->source.dir ? LOOK_MS : 10);
}

static void stop(struct recording *r)
{
	r->record.stop = true;
	for (guint i = 0; i < r->tracees->len; i++)
		ft_tracee_wake(r->tracees->pdata[i]);
	for (guint i = 0; i < r->tracees->len; i++) {
		struct ft_tracee *t = r->tracees->pdata[i];

		g_thread_join(t->thread);
		t->thread = NULL;
	}
	ended_collect(r);
}

static void loop(struct recording *r)
{
	int64_t printed = r->began_us;

	while (!ft_interrupted() && !r->record.failed) {
		if (r->source.dir)
			directory_look(r);
		ended_collect(r);
		if (!r->source.dir && !r->tracees->len)
			break;
		if (g_get_monotonic_time() - printed >= LOOK_MS * 1000) {
			progress_print(r);
			printed = g_get_monotonic_time();
		}
		loop_wait(r);
	}
	stop(r);
	ft_report_over(NULL);
}

static int one_begin(struct recording *r)
{
	struct fasttrace_arena *arena;
	int err = ft_source_open(&r->source, 0, &arena);

	return err ? err : tracee_add(r, r->source.arena, arena, r->record.out);
}

static void all_begin(struct recording *r)
{
	r->first = true;
	r->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	inotify_add_watch(r->inotify, r->source.dir, IN_MOVED_TO | IN_CREATE);
	directory_lock(r);
}

/* Two files for each thread of a program may be many. */
static void descriptors_raise(void)
{
	struct rlimit l;

	if (!getrlimit(RLIMIT_NOFILE, &l) && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

static void summary_print(const struct recording *r)
{
	const struct ft_record *c = &r->record;
	double s = (double)(g_get_monotonic_time() - r->began_us) / 1e6;
	uint64_t lost = lost_sum(r);

	fprintf(stderr, "%s: %" PRIu64 " events, %" PRIu64 " bytes, %" PRIu64 " streams of %u %s",
		c->out, c->events, c->bytes, c->streams, r->processes,
		r->processes == 1 ? "process" : "processes");
	if (c->max_bytes || c->max_ns)
		fprintf(stderr, " in %" PRIu64 " chunks", c->chunks);
	fprintf(stderr, ", %.1f s; %" PRIu64 " events lost%s\n", s, lost,
		lost ? ": FASTTRACE_MODE=block and FASTTRACE_BLOCK_TIMEOUT=inf make a program wait"
		     : "");
}

/* Made, or empty. */
static int out_make(const char *out)
{
	GDir *dir;
	bool empty;
	int err;

	if (!mkdir(out, 0777))
		return 0;
	err = -errno;
	dir = err == -EEXIST ? g_dir_open(out, 0, NULL) : NULL;
	empty = dir && !g_dir_read_name(dir);
	if (dir)
		g_dir_close(dir);
	if (empty)
		return 0;
	ft_report("%s: %s", out,
		  dir		   ? "is not empty: expected a new or an empty folder"
		  : err == -EEXIST ? "exists: expected a new or an empty folder"
		  : err == -ENOENT ? "lies in no folder: expected a new one in a folder that exists"
				   : strerror(-err));
	return err;
}

static int record(struct recording *r, const char *given)
{
	int status = EXIT_FAILURE;

	if (ft_source_find(given,
			   FT_SOURCE_ARENA | FT_SOURCE_PROCESS | FT_SOURCE_MOUNT | FT_SOURCE_ARENAS,
			   &r->source))
		return EXIT_FAILURE;
	signal(SIGXFSZ, SIG_IGN); /* it is a full disk to us */
	ft_signals_catch();
	fasttrace_reader_guard();
	descriptors_raise();
	r->tracees = g_ptr_array_new();
	r->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	r->inotify = r->lock = -1;
	r->began_us = g_get_monotonic_time();
	if (!(r->source.dir && directory_taken(r)) && !out_make(r->record.out)) {
		if (r->source.dir)
			all_begin(r);
		if (r->source.dir || !one_begin(r)) {
			loop(r);
			summary_print(r);
			status = r->record.failed || r->record.incomplete ? EXIT_FAILURE
									  : EXIT_SUCCESS;
		} else {
			rmdir(r->record.out);
		}
	}
	g_hash_table_unref(r->known);
	g_ptr_array_unref(r->tracees);
	ft_source_clear(&r->source);
	return status;
}

/* Return: 0, or an exit status. */
static int limits_parse(struct ft_record *r, const char *size, const char *seconds)
{
	char *end = NULL;
	double s = seconds ? g_ascii_strtod(seconds, &end) : 0;

	if (size && (!ft_number_parse(size, strlen(size), &r->max_bytes) || !r->max_bytes))
		return ft_misused("--max-size=%s: expected bytes, or with K, M or G behind", size);
	if (seconds && (end == seconds || *end || !(s > 0 && s <= MAX_SECONDS)))
		return ft_misused("--max-time=%s: expected seconds, more than 0", seconds);
	r->max_ns = (int64_t)(s * (double)FT_NS_PER_S);
	return 0;
}

static int command_check(const GPtrArray *operands, const char *out)
{
	if (!operands->len)
		return ft_misused("SOURCE is missing: expected a process, or a directory of them");
	if (operands->len > 1)
		return ft_misused("%s: expected one SOURCE", (char *)operands->pdata[1]);
	if (!out || !*out)
		return ft_misused("--output is missing: expected -o DIR, a folder to be made");
	return 0;
}

int ft_record(int argc, char **argv)
{
	char *out = NULL, *size = NULL, *seconds = NULL;
	gboolean zstd = FALSE;
	const GOptionEntry entries[] = {
		{"output", 'o', 0, G_OPTION_ARG_FILENAME, &out, "the folder to be made", "DIR"},
		{"max-size", 0, 0, G_OPTION_ARG_FILENAME, &size,
		 "write chunks of so many bytes, with K, M or G", "SIZE"},
		{"max-time", 0, 0, G_OPTION_ARG_FILENAME, &seconds,
		 "write chunks of so many seconds", "SECONDS"},
		{"zstd", 0, 0, G_OPTION_ARG_NONE, &zstd,
		 "compress: zstd -d --rm DIR/*.zst undoes it", NULL},
		G_OPTION_ENTRY_NULL,
	};
	const struct ft_usage usage = {
		"record", "SOURCE -o DIR", "Write events into a CTF trace as they come.",
		"\nSOURCE is a process id, the file of an arena, or the folder of a process in a "
		"mount,\nwhich is recorded until it ends; or the root of a mount or a directory of "
		"arenas:\nall processes that live and those to come, until Ctrl-C, each in a "
		"folder "
		"of DIR.\nEvents are consumed. DIR is a readable trace at any moment. A chunk is "
		"one "
		"too, in\n000001, 000002 .. Exit status: 0; 1 it ended early, and what was written "
		"is whole.\n",
		entries};
	GPtrArray *operands = g_ptr_array_new();
	struct recording r = {.first = false};
	int status;

	if (!ft_usage_parse(&usage, argc, argv, operands, &status))
		goto out;
	status = command_check(operands, out);
	if (!status)
		status = limits_parse(&r.record, size, seconds);
	if (!status) {
		r.record.out = out;
		r.record.zstd = zstd;
		status = record(&r, operands->pdata[0]);
	}
out:
	g_free(out);
	g_free(size);
	g_free(seconds);
	g_ptr_array_unref(operands);
	return status;
}
