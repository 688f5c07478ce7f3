/* SPDX-License-Identifier: MIT */
/*
 * tree.c - the table of what there is in the tree, and the nodes that are known.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "node.h"

/* name: NULL for those whose names are not fixed. bytes: st_size, where it is exact. */
struct kind {
	const char *name;
	enum ft_kind parent;
	mode_t mode;
	int (*open)(struct ft_node *node, struct ft_file **file);
	const struct ft_file_ops *ops; /* instead of open, where a file keeps nothing */
	int (*truncate)(struct ft_node *node);
	int (*size)(struct ft_node *node, off_t *size);
	int (*lookup)(struct ft_node *node, struct ft_call *call, const char *name,
		      struct ft_node **child);
	int (*list)(struct ft_node *node, struct ft_call *call, GArray *entries);
	int (*remove)(struct ft_node *node, const char *name, bool directory);
};

/*
 * What can be removed from needs the write bit: default_permissions looks at it. So does a copy of
 * a snapshot, which its user wants to remove.
 */
#define DIR_MODE    (S_IFDIR | 0500)
#define REMOVE_MODE (S_IFDIR | 0700)
#define OTHERS_MODE (S_IFDIR | 0755) /* of the root, where other users are let in */
#define SHOW_MODE   (S_IFREG | 0400)
#define WRITE_MODE  (S_IFREG | 0600)

#define OPENED_FILE(n, p, m, o)                              \
	{                                                    \
		.name = n, .parent = p, .mode = m, .open = o \
	}
#define PLAIN_FILE(n, p, m, o)                               \
	{                                                    \
		.name = n, .parent = p, .mode = m, .ops = &o \
	}
#define TEXT_FILE(n, p)	    OPENED_FILE(n, p, SHOW_MODE, ft_text_open)
#define CHOICE_FILE(n, p)   OPENED_FILE(n, p, WRITE_MODE, ft_text_open)
#define CONTROL_FILE(p)	    PLAIN_FILE("control", p, WRITE_MODE, ft_control_ops)
#define TRACING_FILE(p)	    PLAIN_FILE("tracing_on", p, WRITE_MODE, ft_tracing_ops)
#define GEOMETRY_FILE(n, p) PLAIN_FILE(n, p, WRITE_MODE, ft_geometry_ops)
#define ENABLE_FILE(p)	    PLAIN_FILE("enable", p, WRITE_MODE, ft_enable_ops)
#define ERRORS_FILE(p)                                                                      \
	{                                                                                   \
		.name = "error_log", .parent = p, .mode = WRITE_MODE, .open = ft_text_open, \
		.truncate = ft_errors_clear                                                 \
	}

static const struct kind kinds[FT_KINDS] = {
	[FT_ROOT] = {.name = NULL,
		     .parent = FT_KINDS,
		     .mode = REMOVE_MODE,
		     .lookup = ft_root_lookup,
		     .list = ft_root_list,
		     .remove = ft_root_remove},
	[FT_README] = TEXT_FILE("README", FT_ROOT),
	[FT_ALL_CONTROL] = CONTROL_FILE(FT_ROOT),
	[FT_ALL_TRACING] = TRACING_FILE(FT_ROOT),
	[FT_ALL_ERRORS] = ERRORS_FILE(FT_ROOT),
	[FT_PROCESS] = {.name = NULL, .parent = FT_ROOT, .mode = DIR_MODE},
	[FT_PROCESS_CONTROL] = CONTROL_FILE(FT_PROCESS),
	[FT_PROCESS_TRACING] = TRACING_FILE(FT_PROCESS),
	[FT_PROCESS_ERRORS] = ERRORS_FILE(FT_PROCESS),
	[FT_COMM] = TEXT_FILE("comm", FT_PROCESS),
	[FT_EXE] = TEXT_FILE("exe", FT_PROCESS),
	[FT_CMDLINE] = TEXT_FILE("cmdline", FT_PROCESS),
	[FT_PROCESS_STATE] = TEXT_FILE("state", FT_PROCESS),
	[FT_MODE] = CHOICE_FILE("mode", FT_PROCESS),
	[FT_SUBBUF_SIZE] = GEOMETRY_FILE("subbuf_size", FT_PROCESS),
	[FT_SUBBUFS_COUNT] = GEOMETRY_FILE("subbufs", FT_PROCESS),
	[FT_CLOCK] = CHOICE_FILE("clock", FT_PROCESS),
	[FT_PROCESS_STATS] = TEXT_FILE("stats", FT_PROCESS),
	[FT_METADATA] = TEXT_FILE("ctf-metadata", FT_PROCESS),
	[FT_TRACE] = {.name = "trace",
		      .parent = FT_PROCESS,
		      .mode = WRITE_MODE,
		      .open = ft_trace_open,
		      .truncate = ft_trace_truncate},
	[FT_TRACE_PIPE] = OPENED_FILE("trace_pipe", FT_PROCESS, SHOW_MODE, ft_pipe_open),
	[FT_MARKER] = PLAIN_FILE("marker", FT_PROCESS, WRITE_MODE, ft_marker_ops),
	[FT_EVENTS] = {.name = "events",
		       .parent = FT_PROCESS,
		       .mode = DIR_MODE,
		       .lookup = ft_events_lookup,
		       .list = ft_events_list},
	[FT_EVENTS_ENABLE] = ENABLE_FILE(FT_EVENTS),
	[FT_PROVIDER] = {.name = NULL,
			 .parent = FT_EVENTS,
			 .mode = DIR_MODE,
			 .lookup = ft_events_lookup,
			 .list = ft_events_list},
	[FT_PROVIDER_ENABLE] = ENABLE_FILE(FT_PROVIDER),
	[FT_EVENT] = {.name = NULL, .parent = FT_PROVIDER, .mode = DIR_MODE},
	[FT_EVENT_ENABLE] = ENABLE_FILE(FT_EVENT),
	[FT_EVENT_FORMAT] = TEXT_FILE("format", FT_EVENT),
	[FT_EVENT_ID] = TEXT_FILE("id", FT_EVENT),
	[FT_SNAPSHOT] = {.name = "snapshot",
			 .parent = FT_PROCESS,
			 .mode = REMOVE_MODE,
			 .lookup = ft_snapshot_lookup,
			 .list = ft_snapshot_list},
	[FT_SNAPSHOT_FILE] = {.name = NULL,
			      .parent = FT_SNAPSHOT,
			      .mode = SHOW_MODE,
			      .open = ft_snapshot_open,
			      .size = ft_snapshot_size},
	[FT_THREADS] = {.name = "threads",
			.parent = FT_PROCESS,
			.mode = DIR_MODE,
			.lookup = ft_threads_lookup,
			.list = ft_threads_list},
	[FT_THREAD] = {.name = NULL, .parent = FT_THREADS, .mode = DIR_MODE},
	[FT_THREAD_NAME] = TEXT_FILE("name", FT_THREAD),
	[FT_THREAD_STATE] = TEXT_FILE("state", FT_THREAD),
	[FT_THREAD_CONTROL] = CONTROL_FILE(FT_THREAD),
	[FT_THREAD_STATS] = TEXT_FILE("stats", FT_THREAD),
	[FT_SUBBUFS] = {.name = "subbuf",
			.parent = FT_THREAD,
			.mode = REMOVE_MODE,
			.lookup = ft_subbufs_lookup,
			.list = ft_subbufs_list,
			.remove = ft_subbufs_remove},
	[FT_SUBBUF] = {.name = NULL,
		       .parent = FT_SUBBUFS,
		       .mode = SHOW_MODE,
		       .open = ft_subbuf_open,
		       .size = ft_subbuf_size},
	[FT_STREAM] = OPENED_FILE("stream", FT_THREAD, SHOW_MODE, ft_stream_open),
	[FT_DRAIN] = OPENED_FILE("drain", FT_THREAD, SHOW_MODE, ft_stream_open),
};

/* What makes a node the same as another. */
struct node_key {
	enum ft_kind kind;
	uint64_t process, thread, generation, number;
};

static uint64_t mix(uint64_t hash, uint64_t value)
{
	hash ^= value + UINT64_C(0x9e3779b97f4a7c15);
	hash *= UINT64_C(0xbf58476d1ce4e5b9);
	hash ^= hash >> 29;
	hash *= UINT64_C(0x94d049bb133111eb);
	return hash ^ hash >> 32;
}

/* The inode number: of 64 bits, so that two nodes never meet in practice. */
static uint64_t key_ino(const struct node_key *key)
{
	uint64_t ino = mix(0, (uint64_t)key->kind);

	if (key->kind == FT_ROOT)
		return FT_ROOT_INO;
	ino = mix(ino, key->process);
	ino = mix(ino, key->thread);
	ino = mix(ino, key->generation);
	ino = mix(ino, key->number);
	return ino > FT_ROOT_INO ? ino : FT_ROOT_INO + 1;
}

/*
 * The objects of a child of @node: those of @node, and @object, which is a struct ft_process,
 * ft_thread or ft_generation as the kind wants.
 */
static void child_objects(const struct ft_node *node, enum ft_kind kind, const void *object,
			  struct ft_node *child)
{
	child->tree = node->tree;
	child->kind = kind;
	child->process = node->process;
	child->thread = node->thread;
	child->generation = node->generation;
	if (kind == FT_PROCESS)
		child->process = (void *)(uintptr_t)object;
	else if (kind == FT_THREAD)
		child->thread = (void *)(uintptr_t)object;
	else if (kind == FT_SNAPSHOT_FILE)
		child->generation = (void *)(uintptr_t)object;
}

static uint64_t node_ino(const struct ft_node *node)
{
	struct node_key key = {
		.kind = node->kind,
		.process = node->process ? node->process->key : 0,
		.thread = node->thread ? node->thread->serial : 0,
		.generation = node->generation ? node->generation->id : 0,
		.number = node->number,
	};

	return key_ino(&key);
}

struct ft_node *ft_node_child(struct ft_node *node, enum ft_kind kind, const void *object,
			      uint64_t number)
{
	struct ft_node probe = {.number = number}, *child;

	child_objects(node, kind, object, &probe);
	probe.ino = node_ino(&probe);
	child = ft_tree_find(node->tree, probe.ino);
	if (child)
		return child;
	child = g_new(struct ft_node, 1);
	*child = probe;
	child->parent_ino = node->ino;
	if (child->process)
		ft_process_ref(child->process);
	if (child->thread)
		ft_thread_ref(child->thread);
	if (child->generation)
		ft_generation_ref(child->generation);
	g_hash_table_insert(node->tree->nodes, &child->ino, child);
	return child;
}

void ft_entry_add(GArray *entries, struct ft_node *node, enum ft_kind kind, const void *object,
		  uint64_t number, const char *name)
{
	struct ft_node probe = {.number = number};
	struct ft_entry entry = {.name = g_strdup(name), .mode = kinds[kind].mode};

	child_objects(node, kind, object, &probe);
	entry.ino = node_ino(&probe);
	g_array_append_val(entries, entry);
}

static void node_free(void *data)
{
	struct ft_node *node = data;

	ft_generation_unref(node->generation);
	ft_thread_unref(node->thread);
	ft_process_unref(node->process);
	g_free(node);
}

static void node_settle(struct ft_node *node)
{
	if (!node->lookups && !node->opens && node != node->tree->root)
		g_hash_table_remove(node->tree->nodes, &node->ino);
}

struct ft_tree *ft_tree_new(struct ft_registry *registry)
{
	struct ft_tree *tree = g_new0(struct ft_tree, 1);

	tree->registry = registry;
	tree->nodes = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, node_free);
	tree->root = g_new0(struct ft_node, 1);
	tree->root->tree = tree;
	tree->root->kind = FT_ROOT;
	tree->root->ino = tree->root->parent_ino = FT_ROOT_INO;
	g_hash_table_insert(tree->nodes, &tree->root->ino, tree->root);
	return tree;
}

void ft_tree_free(struct ft_tree *tree)
{
	if (!tree)
		return;
	g_hash_table_destroy(tree->nodes);
	g_free(tree);
}

struct ft_node *ft_tree_find(struct ft_tree *tree, uint64_t ino)
{
	return g_hash_table_lookup(tree->nodes, &ino);
}

const char *ft_node_fixed_name(const struct ft_node *node)
{
	return kinds[node->kind].name ? kinds[node->kind].name : "";
}

bool ft_node_has_fixed_name(const struct ft_node *node)
{
	return kinds[node->kind].name || node->kind == FT_PROVIDER || node->kind == FT_EVENT;
}

/*
 * What is written to has its size guessed at by the kernel: that guess is not to be kept. Who looks
 * at the root shall see that the daemon is dead, and who looks at a process, that it has ended.
 */
bool ft_node_is_constant(const struct ft_node *node)
{
	if (node->kind == FT_ROOT)
		return false;
	if (node->kind == FT_PROCESS || node->kind == FT_PROCESS_STATE)
		return node->process->ended;
	return S_ISDIR(kinds[node->kind].mode) || !(kinds[node->kind].mode & 0200);
}

/* Is what the node stands for still there? */
static int node_check(struct ft_node *node)
{
	struct fasttrace_buffer_info info;

	if (node->process && (node->process->removed || !node->process->arena))
		return -ENOENT;
	if (node->process && fasttrace_arena_broken(node->process->arena))
		return -EPROTO;
	if (node->generation)
		return node->generation->data ? 0 : -ENOENT;
	return node->thread ? ft_thread_info(node->thread, &info) : 0;
}

int ft_node_lookup(struct ft_node *node, struct ft_call *call, const char *name,
		   struct ft_node **child)
{
	const struct kind *kind = &kinds[node->kind];
	int err = node_check(node);

	*child = NULL;
	if (err)
		return err;
	for (int k = 0; k < FT_KINDS; k++)
		if (kinds[k].parent == node->kind && kinds[k].name && !strcmp(kinds[k].name, name))
			*child = ft_node_child(node, (enum ft_kind)k, NULL, node->number);
	if (!*child)
		err = kind->lookup ? kind->lookup(node, call, name, child) : -ENOENT;
	if (!err)
		(*child)->lookups++;
	return err;
}

void ft_node_forget(struct ft_node *node, uint64_t lookups)
{
	node->lookups -= MIN(lookups, node->lookups);
	node_settle(node);
}

static uid_t node_owner(const struct ft_node *node)
{
	return node->process ? node->process->uid : geteuid();
}

bool ft_node_permits(const struct ft_node *node, uid_t uid, bool change)
{
	bool for_all = node->tree->others && node->kind == FT_ROOT && !change;

	return !uid || uid == node_owner(node) || for_all;
}

/*
 * Since when it is as it is: since the process traces, but for what its end changes, and what holds
 * events. Not the time of each event in what grows all the time: it would be a file that changes
 * while tar reads it.
 */
static struct timespec node_time(struct ft_node *node)
{
	int64_t ns = 0;

	if (!node->process)
		return node->tree->registry->started;
	if (node->kind == FT_PROCESS || node->kind == FT_PROCESS_STATE)
		ns = ft_process_time_ns(node->process);
	else if (node->kind == FT_SNAPSHOT_FILE)
		ns = ft_snapshot_time_ns(node);
	else if (node->kind == FT_SUBBUF)
		ns = node->time_ns;
	if (ns <= 0)
		ns = (int64_t)(node->process->info->created_realtime_ns & INT64_MAX);
	return (struct timespec){.tv_sec = ns / FT_NS_PER_S, .tv_nsec = ns % FT_NS_PER_S};
}

/* 1: how many is not said, as find and others know it, where sub-directories come and go. */
static nlink_t node_links(const struct ft_node *node)
{
	const struct kind *kind = &kinds[node->kind];
	nlink_t links = 2;

	if (!S_ISDIR(kind->mode))
		return 1;
	for (int k = 0; k < FT_KINDS; k++) {
		if (kinds[k].parent != node->kind || !S_ISDIR(kinds[k].mode))
			continue;
		if (!kinds[k].name)
			return 1;
		links++;
	}
	return links;
}

/* What cat and others read at once: it costs to offer the kernel more room than there is data. */
static blksize_t block_size(off_t size)
{
	blksize_t block = 4096;

	if (!size)
		return FT_BLOCK_BYTES;
	while (block < size && block < FT_BLOCK_BYTES)
		block *= 2;
	return block;
}

int ft_node_stat(struct ft_node *node, struct stat *st)
{
	const struct kind *kind = &kinds[node->kind];
	int err = node_check(node);

	/* A broken one stands there to be removed. */
	if (err == -EPROTO && node->kind == FT_PROCESS)
		err = 0;
	/* An open file can be asked even when its name is gone. */
	if (err && !(node->opens && node->process && node->process->arena))
		return err;
	*st = (struct stat){
		.st_ino = node->ino,
		.st_mode = node->kind == FT_ROOT && node->tree->others ? OTHERS_MODE : kind->mode,
		.st_nlink = node_links(node),
		.st_uid = node_owner(node),
		.st_gid = node->process ? node->process->gid : getegid(),
	};
	err = kind->size ? kind->size(node, &st->st_size) : 0;
	st->st_blksize = block_size(st->st_size);
	st->st_blocks = (st->st_size + 511) / 512;
	st->st_atim = st->st_mtim = st->st_ctim = node_time(node);
	return err;
}

int ft_node_list(struct ft_node *node, struct ft_call *call, GArray *entries)
{
	const struct kind *kind = &kinds[node->kind];
	int err = node_check(node);

	if (err)
		return err;
	for (int k = 0; k < FT_KINDS; k++)
		if (kinds[k].parent == node->kind && kinds[k].name)
			ft_entry_add(entries, node, (enum ft_kind)k, NULL, node->number,
				     kinds[k].name);
	return kind->list ? kind->list(node, call, entries) : 0;
}

int ft_node_remove(struct ft_node *node, const char *name, bool directory)
{
	const struct kind *kind = &kinds[node->kind];
	int err = node_check(node);

	if (err)
		return err;
	return kind->remove ? kind->remove(node, name, directory) : -EPERM;
}

int ft_node_truncate(struct ft_node *node, off_t size)
{
	const struct kind *kind = &kinds[node->kind];
	int err = node_check(node);

	if (!err && !(kind->mode & 0200)) /* the kernel lets root pass */
		err = -EACCES;
	return err || size || !kind->truncate ? err : kind->truncate(node);
}

int ft_node_open(struct ft_node *node, int flags, struct ft_file **file)
{
	const struct kind *kind = &kinds[node->kind];
	int err = node_check(node);

	if (err)
		return err;
	if (!kind->open && !kind->ops)
		return -EISDIR;
	/* The kernel lets root pass. */
	if ((flags & O_ACCMODE) != O_RDONLY && !(kind->mode & 0200))
		return -EACCES;
	err = flags & O_TRUNC ? ft_node_truncate(node, 0) : 0;
	if (!err && kind->open)
		err = kind->open(node, file);
	if (err)
		return err;
	if (kind->ops) {
		*file = g_new0(struct ft_file, 1);
		(*file)->ops = kind->ops;
	}
	(*file)->node = node;
	node->opens++;
	if (node->process)
		ft_process_hold(node->process);
	return 0;
}

void ft_file_close(struct ft_file *file)
{
	struct ft_node *node = file->node;
	struct ft_process *process = node->process;

	if (file->ops->release)
		file->ops->release(file);
	else
		g_free(file);
	node->opens--;
	if (process)
		ft_process_release(process);
	node_settle(node);
}
