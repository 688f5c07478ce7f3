/* SPDX-License-Identifier: MIT */
/*
 * registry.h - the arenas that are served: folders of arenas, processes, threads, their readers.
 *
 * Everything runs in the loop's thread. Errors are negative errno values.
 */
#ifndef FT_FS_REGISTRY_H
#define FT_FS_REGISTRY_H

#include <glib.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "fasttrace-reader.h"
#include "ft-geometry.h"
#include "loop.h"

struct ft_registry;
struct ft_waiter;
struct ft_folder;
struct ft_events;

/* A traced process: one arena. Lives while somebody holds a reference; arena may go before. */
struct ft_process {
	unsigned refs;
	struct ft_registry *registry;
	struct ft_folder *folder;
	char *file;		       /* the arena's name in the folder */
	struct fasttrace_arena *arena; /* NULL once it is removed and no file of it is open */
	const struct fasttrace_process_info *info;
	uid_t uid; /* owner of the arena's file: what is written in it may lie */
	gid_t gid;
	uint64_t key; /* never used again by this daemon */
	bool removed;
	bool ended; /* end and code are final */
	enum fasttrace_end end;
	int code;
	bool found_dead;	  /* it had ended before we came */
	int64_t ended_ns;	  /* when, since 1970; 0: nobody has asked yet */
	struct ft_watch pidfd;	  /* fd: -1 none */
	bool fired;		  /* the pidfd told of the end, the reason is not known yet */
	bool woken;		  /* for the wake handler's own use */
	unsigned opens;		  /* files of it that are open */
	GHashTable *threads;	  /* serial -> struct ft_thread, those that are in use */
	GQueue streams;		  /* of struct ft_stream, those open */
	struct ft_timer switcher; /* forces switches for blocked streams */
	struct ft_timer looker;	  /* looks for them, where there is no waiter */
	struct ft_waiter *waiter;
	GPtrArray *generations;	  /* snapshots */
	struct ft_events *events; /* the event table, sorted; NULL: nobody has looked yet */
	GQueue errors;		  /* texts, of its files */
};

/* One owner of a buffer. */
struct ft_thread {
	unsigned refs;
	struct ft_process *process; /* a reference */
	unsigned index;		    /* of the buffer */
	uint64_t serial;
	const void *holder; /* the open file that has the consumer's right, or NULL */
	bool held;	    /* packet is taken */
	struct fasttrace_packet packet;
};

/* What of an arena directory is to be served, and how. */
struct ft_registry_options {
	const char *path;  /* absolute */
	int fd;		   /* of the directory; the caller keeps it */
	bool runs;	   /* serve its run-* sub-directories as well */
	int64_t switch_ns; /* period of forced switches for blocked streams; 0: none */
	pid_t program;	   /* that we were started for, and is alive; 0: none */
};

/* Told when something that a blocked reader may wait for has happened to a process. */
typedef void ft_wake_handler(void *arg, struct ft_process *process);

struct ft_registry {
	struct ft_loop *loop;
	struct ft_registry_options options;
	GPtrArray *folders;
	GPtrArray *processes;	 /* references */
	uint64_t keys;		 /* handed out */
	bool dirty;		 /* scan at the next look */
	struct ft_watch inotify; /* fd: -1 none */
	struct ft_watch poke;	 /* an eventfd that helper threads write to */
	struct ft_timer tick;
	ft_wake_handler *wake;
	void *wake_arg;
	size_t snapshot_bytes; /* of all generations */
	uint64_t generations;  /* made */
	GQueue errors;	       /* texts, of all files */
	struct timespec started;
	int program_pidfd; /* so that its end is known however soon it comes; -1: none */
	uint64_t program_start;
};

/* registry.c */
struct ft_registry *ft_registry_new(struct ft_loop *loop,
				    const struct ft_registry_options *options);
void ft_registry_free(struct ft_registry *registry);
/** ft_registry_look() - take in what has appeared in the folders until now. */
void ft_registry_look(struct ft_registry *registry);
/** ft_registry_sorted() - all processes by pid, the newest first. To be freed with unref. */
GPtrArray *ft_registry_sorted(struct ft_registry *registry);
/** ft_registry_remove() - unlink a dead process's arena. Return: 0, -EBUSY, or unlink(2)'s. */
int ft_registry_remove(struct ft_process *process);
/** ft_registry_clean() - at unmount: remove the arenas of clean exits, and run folders left empty.
 */
void ft_registry_clean(struct ft_registry *registry);
/** ft_registry_complaints() - append a line for each file that is no arena. */
void ft_registry_complaints(struct ft_registry *registry, GString *text);
/** ft_registry_add() - take over the reference @process. */
void ft_registry_add(struct ft_registry *registry, struct ft_process *process);
/** ft_registry_drop() - its arena is gone: no longer show it. */
void ft_registry_drop(struct ft_registry *registry, struct ft_process *process);
/** ft_registry_replaced() - has the process that wrote @old begun another arena, by exec? */
bool ft_registry_replaced(struct ft_registry *registry, const struct ft_process *old);
/** ft_registry_soon() - have the registry look after things within a second. */
void ft_registry_soon(struct ft_registry *registry);

/* folder.c */
struct ft_folder {
	char *path;
	char *name; /* of a run folder, in its parent; NULL: the arena directory */
	int fd;
	int lock_fd; /* of a run folder */
	int inotify_id;
	bool again;	   /* there is what the last scan could not take, for now */
	GHashTable *files; /* name -> struct ft_folder_file */
	GHashTable *busy; /* names of run folders that other daemons serve, seen in the last scan */
};

struct ft_folder *ft_folder_new(const char *path, const char *name, int fd, int lock_fd);
void ft_folder_free(struct ft_folder *folder);
/** ft_folder_scan() - find arenas that came and went, through the registry's add and gone. */
void ft_folder_scan(struct ft_folder *folder, struct ft_registry *registry);
/** ft_folder_evict() - remove dead arenas, clean exits first, while all take too much room. */
void ft_folder_evict(struct ft_folder *folder);
/** ft_folder_open_run() - serve run folder @name of @parent if nobody does. Return: it, or NULL. */
struct ft_folder *ft_folder_open_run(struct ft_folder *parent, const char *name, bool *busy);
void ft_folder_complaints(struct ft_folder *folder, GString *text);
/** ft_folder_forget() - @process was removed: its file, should it come back, is a new one. */
void ft_folder_forget(struct ft_folder *folder, struct ft_process *process);
/** ft_folder_remove() - remove a run folder that holds nothing but its lock. */
void ft_folder_remove(struct ft_folder *folder, struct ft_folder *parent);

/* process.c */
/** ft_process_open() - Return: 0, or fasttrace_arena_open()'s; then @why says what is wrong. */
int ft_process_open(struct ft_registry *registry, struct ft_folder *folder, const char *name,
		    struct ft_process **process, const char **why);
struct ft_process *ft_process_ref(struct ft_process *process);
void ft_process_unref(struct ft_process *process);
/** ft_process_retire() - it is removed: let go of the arena as soon as no file is open. */
void ft_process_retire(struct ft_process *process);
/** ft_process_end() - how it ended, asking the kernel now; FASTTRACE_RUNNING while it lives. */
enum fasttrace_end ft_process_end(struct ft_process *process, int *code);
/** ft_process_time_ns() - since 1970: when it began to trace; of the dead, when it ended. */
int64_t ft_process_time_ns(struct ft_process *process);
/** ft_process_hold() - a file of it is opened: keep the arena until ft_process_release(). */
void ft_process_hold(struct ft_process *process);
void ft_process_release(struct ft_process *process);
/** ft_process_wake() - let blocked readers look again. */
void ft_process_wake(struct ft_process *process);

/* events.c */
void ft_events_free(struct ft_events *events);

/* waiter.c */
/** ft_waiter_arm() - wake @process at the next sub-buffer boundary that was asked for by watch. */
int ft_waiter_arm(struct ft_process *process);
/** ft_waiter_fired() - since the last call? */
bool ft_waiter_fired(struct ft_waiter *waiter);
void ft_waiter_free(struct ft_waiter *waiter);

/* pidfd.c */
/** ft_pidfd_open() - of process @pid, if its start time in ticks is @start. Return: fd or -errno.
 */
int ft_pidfd_open(pid_t pid, uint64_t start);
/** ft_pid_start() - start time of a living process, in ticks; 0: there is none. */
uint64_t ft_pid_start(pid_t pid);
/** ft_pidfd_dead() - has it ended? Waits @ms at most. */
bool ft_pidfd_dead(int pidfd, int ms);
/** ft_pidfd_status() - its wait status. Return: 0, or -ENODATA nobody tells. */
int ft_pidfd_status(int pidfd, pid_t pid, uint64_t start, int *status);
/** ft_pid_exiting() - is the process on its way out, or gone? */
bool ft_pid_exiting(pid_t pid, uint64_t start);
/** ft_pid_group() - the thread group of thread @tid; 0: not known. */
pid_t ft_pid_group(pid_t tid);
/** ft_pid_ns() - inode number of our pid namespace. */
uint64_t ft_pid_ns(void);

/* thread.c */
/** ft_thread_obtain() - Return: a reference. */
struct ft_thread *ft_thread_obtain(struct ft_process *process, unsigned index, uint64_t serial);
struct ft_thread *ft_thread_ref(struct ft_thread *thread);
void ft_thread_unref(struct ft_thread *thread);
/** ft_thread_info() - Return: 0; -ENOENT the buffer has another owner, or the arena is gone. */
int ft_thread_info(struct ft_thread *thread, struct fasttrace_buffer_info *info);
/**
 * ft_consume_again() - shall a call that returned @err be made again? It says that we are not the
 * consumer: another daemon was, and may be gone by now.
 */
bool ft_consume_again(struct fasttrace_arena *arena, int err);
/** ft_thread_live() - can it still write? */
bool ft_thread_live(struct ft_thread *thread);
/** ft_thread_take() - take sub-buffer @seq into thread->packet, for @holder. Return: 0; -EBUSY. */
int ft_thread_take(struct ft_thread *thread, const void *holder, uint64_t seq);
/** ft_thread_drop() - consume sub-buffer @seq unread. Return: fasttrace_buffer_drop()'s. */
int ft_thread_drop(struct ft_thread *thread, uint64_t seq);
/** ft_thread_switch() - Return: fasttrace_buffer_switch()'s. */
int ft_thread_switch(struct ft_thread *thread, enum fasttrace_switch how);
void ft_thread_put(struct ft_thread *thread);
void ft_thread_unget(struct ft_thread *thread);
/** ft_thread_next() - as fasttrace_buffer_next(), but the sub-buffer that is taken is listed too.
 */
int ft_thread_next(struct ft_thread *thread, uint64_t from, uint64_t *seq, size_t *bytes);

/** ft_thread_newest() - the newest sub-buffer that is complete by now. Return: as ft_thread_next(). */
int ft_thread_newest(struct ft_thread *thread, uint64_t *seq);
/* A ring's, and what is kept aside: who writes as fast as he is looked at holds nobody up. */
#define FT_THREAD_SUBBUFS (FT_MAX_SUBBUFS + 1)

/* clear.c */
/**
 * ft_thread_clear(), ft_process_clear() - drop all that can be read by now; it counts as consumed.
 * Return: 0; -EBUSY somebody has a sub-buffer in hand: the others are dropped; -EPROTO.
 */
int ft_thread_clear(struct ft_thread *thread);
int ft_process_clear(struct ft_process *process);

/* generation.c: a snapshot as one process sees it, frozen. */
struct ft_generation {
	unsigned refs;
	struct ft_process *process;	 /* NULL once it is dropped */
	struct fasttrace_snapshot *data; /* NULL once it is dropped, and so are the names */
	GPtrArray *names;		 /* of the files: `metadata`, then the streams */
	GHashTable *numbers;		 /* name -> its index in names */
	struct ft_registry *registry;
	uint64_t id;
	pid_t group;	       /* the thread group that it serves; 0: unknown ones */
	struct ft_watch pidfd; /* of that; fd: -1 none */
	bool orphan;	       /* that is gone */
	int64_t used_ns;
	unsigned opens;
};

/** ft_generation_obtain() - what the caller, thread @tid, sees. Return: 0; -ENOMEM; -EPROTO. */
int ft_generation_obtain(struct ft_process *process, pid_t tid, struct ft_generation **generation);
struct ft_generation *ft_generation_ref(struct ft_generation *generation);
void ft_generation_unref(struct ft_generation *generation);
void ft_generation_open(struct ft_generation *generation);
void ft_generation_close(struct ft_generation *generation);
/** ft_generation_drop() - free its data and what the process's list owns of it. */
void ft_generation_drop(void *generation);
/** ft_generations_expire() - drop what nobody has used for a while. Return: are there others? */
bool ft_generations_expire(struct ft_registry *registry);

/** ft_process_snapshot() - one that counts with them. Return: 0; -ENOMEM all are too large; -EPROTO. */
int ft_process_snapshot(struct ft_process *process, struct fasttrace_snapshot **snapshot);
void ft_process_snapshot_free(struct ft_process *process, struct fasttrace_snapshot *snapshot);

/* A buffer in the order of the tree: threads sorted by tid, the newest first. */
struct ft_thread_entry {
	unsigned index;
	struct fasttrace_buffer_info info;
};
/** ft_thread_sorted() - of struct ft_thread_entry. To be freed with g_array_unref(). */
GArray *ft_thread_sorted(struct ft_process *process);

#endif
