/* SPDX-License-Identifier: MIT */
/*
 * node.h - the tree that a mount shows: nodes, and files that are open. Knows nothing of FUSE.
 *
 * Errors are negative errno values; -EPROTO is for the adapter to translate.
 */
#ifndef FT_FS_NODE_H
#define FT_FS_NODE_H

#include "registry.h"

#define FT_ROOT_INO    1
#define FT_BLOCK_BYTES (1 << 20) /* st_blksize: what cat reads at once */

/* What a node is. A directory's fixed children name it as their parent, in tree.c. */
enum ft_kind {
	FT_ROOT,
	FT_README,
	FT_ALL_CONTROL,
	FT_ALL_TRACING,
	FT_ALL_ERRORS,
	FT_PROCESS,
	FT_PROCESS_CONTROL,
	FT_PROCESS_TRACING,
	FT_PROCESS_ERRORS,
	FT_COMM,
	FT_EXE,
	FT_CMDLINE,
	FT_PROCESS_STATE,
	FT_MODE,
	FT_SUBBUF_SIZE,
	FT_SUBBUFS_COUNT,
	FT_CLOCK,
	FT_PROCESS_STATS,
	FT_METADATA,
	FT_TRACE,
	FT_TRACE_PIPE,
	FT_MARKER,
	FT_EVENTS,
	FT_EVENTS_ENABLE,
	FT_PROVIDER,
	FT_PROVIDER_ENABLE,
	FT_EVENT,
	FT_EVENT_ENABLE,
	FT_EVENT_FORMAT,
	FT_EVENT_ID,
	FT_SNAPSHOT,
	FT_SNAPSHOT_FILE,
	FT_THREADS,
	FT_THREAD,
	FT_THREAD_NAME,
	FT_THREAD_STATE,
	FT_THREAD_CONTROL,
	FT_THREAD_STATS,
	FT_SUBBUFS,
	FT_SUBBUF,
	FT_STREAM,
	FT_DRAIN,
	FT_KINDS
};

struct ft_tree {
	struct ft_registry *registry;
	GHashTable *nodes; /* ino -> struct ft_node, while the kernel or an open file knows it */
	struct ft_node *root;
	bool others; /* other users are let in, each to his own processes */
};

struct ft_node {
	struct ft_tree *tree;
	enum ft_kind kind;
	uint64_t ino;
	uint64_t parent_ino;
	uint64_t lookups; /* the kernel's */
	unsigned opens;
	struct ft_process *process; /* references, or NULL */
	struct ft_thread *thread;
	struct ft_generation *generation;
	uint64_t number; /* seq of a sub-buffer; file of a snapshot; first class of an event */
	size_t bytes;	 /* of a sub-buffer, when it was looked up */
	int64_t time_ns; /* and its first event's, since 1970 */
};

/* One request of one caller. */
struct ft_call {
	pid_t tid; /* the caller's; 0: not known */
	bool nonblock;
	size_t size; /* read: bytes that fit; write: bytes there are */
	off_t offset;
	char *buffer;	      /* read: room for FT_BLOCK_BYTES that data may point to */
	const char *data;     /* read: the answer, valid until the file's next call; write: input */
	int64_t deadline_ns;  /* of a call to be asked again: not later than that; 0: none */
	GPtrArray *unsettled; /* write: threads with an event in flight */
	char *why;	      /* write: what is wrong, for error_log; NULL: the errno says it */
	size_t fault;	      /* and where in data */
};

struct ft_file;

/*
 * What can be done with an open file. read: returns the number of bytes at call->data. read and
 * write: -EINPROGRESS asks to be called again with the same call, after a wake-up of the process
 * or, if call->deadline_ns is set, in a millisecond.
 */
struct ft_file_ops {
	ssize_t (*read)(struct ft_file *file, struct ft_call *call);
	ssize_t (*write)(struct ft_file *file, struct ft_call *call);
	/* the kernel has the answer of the last read; or not: its caller is gone */
	void (*answered)(struct ft_file *file, bool arrived);
	short (*poll)(struct ft_file *file, bool wait); /* events of poll(2) */
	void (*cancel)(struct ft_file *file);		/* nobody waits for it any more */
	void (*flush)(struct ft_file *file);		/* one of its descriptors was closed */
	void (*release)(struct ft_file *file); /* frees it; NULL: it is a ft_file, no more */
	bool stream;			       /* cannot seek */
};

struct ft_file {
	const struct ft_file_ops *ops;
	struct ft_node *node;
};

struct ft_entry {
	char *name;
	uint64_t ino;
	mode_t mode;
};

/* tree.c: what the adapter calls */
struct ft_tree *ft_tree_new(struct ft_registry *registry);
void ft_tree_free(struct ft_tree *tree);
struct ft_node *ft_tree_find(struct ft_tree *tree, uint64_t ino);
/** ft_node_lookup() - @child's lookups are counted up. Return: 0, or -errno. */
int ft_node_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		   struct ft_node **child);
void ft_node_forget(struct ft_node *node, uint64_t lookups);
/** ft_node_permits() - may user @uid look into it, or @change what is in it? */
bool ft_node_permits(const struct ft_node *node, uid_t uid, bool change);
int ft_node_stat(struct ft_node *node, struct stat *st);
/** ft_node_list() - @entries: a GArray of struct ft_entry; names are to be freed. */
int ft_node_list(struct ft_node *node, struct ft_call *call, GArray *entries);
int ft_node_remove(struct ft_node *node, const char *name, bool directory);
int ft_node_open(struct ft_node *node, int flags, struct ft_file **file);
void ft_file_close(struct ft_file *file);
/**
 * ft_node_truncate() - `>`: where there is something to be cleared, it is.
 * @size: other than 0, it does nothing: who writes in place sets the size to what he has written.
 * Return: 0; -EACCES it is not written to; others.
 */
int ft_node_truncate(struct ft_node *node, off_t size);
/** ft_node_fixed_name() - "" where it has none. */
const char *ft_node_fixed_name(const struct ft_node *node);
/** ft_node_has_fixed_name() - does its name mean the same node for as long as its parent lives? */
bool ft_node_has_fixed_name(const struct ft_node *node);
/** ft_node_is_constant() - do its attributes never change? */
bool ft_node_is_constant(const struct ft_node *node);

/* tree.c: for the kinds of nodes */
/** ft_node_child() - the node of @kind below @node, with the same process and thread. */
struct ft_node *ft_node_child(struct ft_node *node, enum ft_kind kind, const void *object,
			      uint64_t number);
void ft_entry_add(GArray *entries, struct ft_node *node, enum ft_kind kind, const void *object,
		  uint64_t number, const char *name);

/* dirs.c: children that come and go */
int ft_root_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		   struct ft_node **child);
int ft_root_list(struct ft_node *node, struct ft_call *call, GArray *entries);
int ft_root_remove(struct ft_node *node, const char *name, bool directory);
int ft_threads_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		      struct ft_node **child);
int ft_threads_list(struct ft_node *node, struct ft_call *call, GArray *entries);
/** ft_process_name() - append what its directory is called now. */
void ft_process_name(struct ft_process *process, GString *text);
/** ft_thread_name() - the same; "?" where its ring has become another one's. */
void ft_thread_name(struct ft_thread *thread, GString *text);

/* text.c: files of text, made when they are opened */
int ft_text_open(struct ft_node *node, struct ft_file **file);
int ft_readme_text(struct ft_node *node, GString *text);
int ft_process_text(struct ft_node *node, GString *text);
int ft_thread_text(struct ft_node *node, GString *text);
/** ft_text_trim() - leave out the white space around it. */
void ft_text_trim(const char **text, size_t *bytes);
/** ft_text_word() - which of the words it is. @words: ended by NULL. Return: its index, or -EINVAL. */
int ft_text_word(struct ft_call *call, const char *const *words);
/** ft_text_switch() - "0" or "1". Return: 0, or -EINVAL. */
int ft_text_switch(struct ft_call *call, bool *on);
/** ft_text_slice() - answer a read from @bytes of text. */
ssize_t ft_text_slice(const char *text, size_t bytes, struct ft_call *call);

/* errors.c */
/**
 * ft_call_refuse() - say why a write is.
 * @at: the fault, in call->data; NULL: its beginning.
 * Return: @err.
 */
__attribute__((format(printf, 4, 5))) int ft_call_refuse(struct ft_call *call, const char *at,
							 int err, const char *format, ...);
/** ft_errors_add() - note that a write to the node failed. */
void ft_errors_add(struct ft_node *node, const struct ft_call *call, ssize_t err);
void ft_errors_text(struct ft_node *node, GString *text);
int ft_errors_clear(struct ft_node *node);

/* stats.c */
int ft_process_stats(struct ft_process *process, GString *text);
int ft_thread_stats(struct ft_thread *thread, const struct fasttrace_buffer_info *info,
		    GString *text);

/* control.c */
extern const struct ft_file_ops ft_control_ops;

/* tracing.c */
extern const struct ft_file_ops ft_tracing_ops;
/** ft_tracing_set() - of the node's process; of the root, of all that live. */
int ft_tracing_set(struct ft_node *node, bool on);

/* geometry.c */
extern const struct ft_file_ops ft_geometry_ops;

/* events.c */
int ft_events_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		     struct ft_node **child);
int ft_events_list(struct ft_node *node, struct ft_call *call, GArray *entries);
/** ft_event_text() - of `format` and `id`. */
int ft_event_text(struct ft_node *node, GString *text);

/* enable.c */
extern const struct ft_file_ops ft_enable_ops;

/* subbuf.c */
int ft_subbufs_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		      struct ft_node **child);
int ft_subbufs_list(struct ft_node *node, struct ft_call *call, GArray *entries);
int ft_subbufs_remove(struct ft_node *node, const char *name, bool directory);
int ft_subbuf_open(struct ft_node *node, struct ft_file **file);
int ft_subbuf_size(struct ft_node *node, off_t *size);

/* stream.c */
int ft_stream_open(struct ft_node *node, struct ft_file **file);

/* trace.c */
int ft_trace_open(struct ft_node *node, struct ft_file **file);
int ft_trace_truncate(struct ft_node *node);

/* marker.c */
extern const struct ft_file_ops ft_marker_ops;

/* pipe.c */
int ft_pipe_open(struct ft_node *node, struct ft_file **file);

/* snapshot.c */
int ft_snapshot_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		       struct ft_node **child);
int ft_snapshot_list(struct ft_node *node, struct ft_call *call, GArray *entries);
int ft_snapshot_open(struct ft_node *node, struct ft_file **file);
int ft_snapshot_size(struct ft_node *node, off_t *size);
/** ft_snapshot_time_ns() - of its newest event, since 1970; 0: it has none. */
int64_t ft_snapshot_time_ns(struct ft_node *node);

#endif
