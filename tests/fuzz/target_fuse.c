/* SPDX-License-Identifier: MIT */
/*
 * target_fuse.c - the request handler, fed in process: registry, tree, adapter and parked requests
 * as they are, mounted on one end of a socket; this file is the kernel at the other end.
 *
 * An input is a list of steps: requests, and what happens to the arenas meanwhile. Open files are
 * named by the numbers that the daemon gave, for it trusts the kernel in that; all else is wild.
 */
#include <sys/inotify.h>
#include <sys/syscall.h>

#include "target_fuse_input.h"

#define STEPS 120

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The daemon's clock: it stands still but for step_clock(). */
static int64_t clock_ns;

int64_t ft_now_ns(void)
{
	return clock_ns;
}

/* Half of the inputs live without inotify, as with a kernel that has no more of them to give. */
static bool no_inotify;

int inotify_init1(int flags)
{
	if (no_inotify) {
		errno = EMFILE;
		return -1;
	}
	return (int)syscall(SYS_inotify_init1, flags);
}

/* Go one level down: list a folder and look up one of its names. */
static void step_descend(void)
{
	struct open_file *dir = kernel_open(pick_ino(), true, 0);
	uint8_t n = take8();

	kernel.nnames = 0;
	if (!dir)
		return;
	if (kernel_read(dir, 0, 1 << 16) && kernel.nnames)
		kernel_lookup(dir->ino, kernel.names[n % MIN(kernel.nnames, NAMES)]);
	kernel_release(dir);
}

static void step_lookup(void)
{
	uint64_t parent = pick_ino();

	kernel_lookup(parent, pick_name());
}

/* What is open is never forgotten altogether. */
static void step_forget(void)
{
	struct known *k = pick_known();
	uint64_t most = k ? k->lookups - (k->opens ? 1 : 0) : 0;

	if (most)
		kernel_forget(k, take8() & 1 ? 1 : most);
}

/* Of the newest nodes all, and one that never was. */
static void step_forget_many(void)
{
	struct {
		struct fuse_batch_forget_in head;
		struct fuse_forget_one one[9];
	} arg = {.head.count = 1, .one[0] = {UINT64_C(77) << 40, take(4)}};
	struct iovec part = PART(&arg);

	for (unsigned i = kernel.nnodes; i-- && arg.head.count < 9;) {
		struct known *k = &kernel.nodes[i];

		if (k->opens)
			continue;
		arg.one[arg.head.count++] = (struct fuse_forget_one){k->ino, k->lookups};
		*k = kernel.nodes[--kernel.nnodes];
	}
	request_send(FUSE_BATCH_FORGET, 0, kernel.unique += 2, &part, 1);
	kernel_settle();
}

static void step_getattr(void)
{
	struct fuse_getattr_in arg = {0};

	ask_node(FUSE_GETATTR, pick_ino(), &arg, sizeof(arg), NULL);
}

static void step_setattr(void)
{
	struct fuse_setattr_in arg = {.valid = take(2), .mode = take(2), .size = take(4)};

	arg.valid &= ~(uint32_t)FATTR_FH;
	ask_node(FUSE_SETATTR, pick_ino(), &arg, sizeof(arg), NULL);
}

static void step_open(void)
{
	static const uint32_t flags[] = {O_RDONLY, O_RDONLY | O_NONBLOCK, O_WRONLY | O_TRUNC,
					 O_RDWR,   O_RDWR | O_NONBLOCK,	  O_WRONLY | O_APPEND};
	uint64_t ino = pick_ino();

	kernel_open(ino, false, flags[take8() % G_N_ELEMENTS(flags)]);
}

static void step_opendir(void)
{
	struct known *k = known_find(pick_ino());

	if (!k || k->directory)
		kernel_open(k ? k->ino : FUSE_ROOT_ID, true, 0);
}

static void step_read(void)
{
	struct open_file *file = pick_file();
	uint64_t offset = pick_offset();

	if (file && (file->flags & O_ACCMODE) != O_WRONLY)
		kernel_read(file, offset, pick_size());
}

/* To its end, as cat does. */
static void step_cat(void)
{
	struct open_file *file = pick_file();
	uint64_t offset = 0;

	while (file && !file->directory && (file->flags & O_ACCMODE) != O_WRONLY &&
	       offset < 1 << 20 && kernel_read(file, offset, 1 << 17) && !kernel.error &&
	       kernel.bytes)
		offset += kernel.bytes;
}

static void step_write(void)
{
	struct open_file *file = pick_file();
	uint64_t offset = pick_offset();
	size_t bytes;
	const char *text = pick_text(&bytes);

	if (file && !file->directory && (file->flags & O_ACCMODE) != O_RDONLY)
		kernel_write(file, offset, text, bytes);
}

static void step_flush(void)
{
	struct open_file *file = pick_file();

	if (file && !file->directory)
		kernel_flush(file);
}

static void step_release(void)
{
	struct open_file *file = pick_file();

	if (file)
		kernel_release(file);
}

static void step_poll(void)
{
	struct open_file *file = pick_file();
	uint8_t how = take8();

	if (file && !file->directory)
		kernel_poll(file, take(2), how & 1);
}

static void step_interrupt(void)
{
	struct fuse_getattr_in arg = {0};
	uint8_t n = take8();

	if (kernel.nrequests) {
		kernel_interrupt(kernel.requests[n % kernel.nrequests].unique);
		return;
	}
	kernel_interrupt(kernel.unique - 2 * (uint64_t)(n % 8));
	/* libfuse keeps it until the next request. */
	ask_node(FUSE_GETATTR, FUSE_ROOT_ID, &arg, sizeof(arg), NULL);
}

/* Requests with one name that change a folder. */
static void step_change(void)
{
	struct {
		uint8_t bytes[16];
	} arg = {{0}};
	static const struct {
		uint32_t opcode;
		size_t bytes;
	} kinds[] = {{FUSE_UNLINK, 0},
		     {FUSE_RMDIR, 0},
		     {FUSE_MKNOD, sizeof(struct fuse_mknod_in)},
		     {FUSE_MKDIR, sizeof(struct fuse_mkdir_in)},
		     {FUSE_CREATE, sizeof(struct fuse_create_in)},
		     {FUSE_LINK, sizeof(struct fuse_link_in)}};
	unsigned n = take8() % G_N_ELEMENTS(kinds);
	uint64_t ino = pick_ino();

	ask_node(kinds[n].opcode, ino, &arg, kinds[n].bytes, pick_name());
}

/* Requests with two names. */
static void step_move(void)
{
	struct fuse_rename2_in arg = {.newdir = FUSE_ROOT_ID, .flags = take8()};
	struct request r = {.opcode = take8() & 1 ? FUSE_SYMLINK : FUSE_RENAME2};
	char first[NAME_BYTES];
	const char *second;

	snprintf(first, sizeof(first), "%s", pick_name());
	second = pick_name();
	ask(&r, pick_ino(),
	    (struct iovec[]){{&arg, r.opcode == FUSE_SYMLINK ? 0 : sizeof(arg)},
			     {first, strlen(first) + 1},
			     {(void *)(uintptr_t)second, strlen(second) + 1}},
	    3);
}

/* What the daemon does not know, and requests that are cut short. */
static void step_other(void)
{
	static const uint32_t opcodes[] = {
		17,	    20,		  21,		22,	     23,	  24,
		30,	    31,		  32,		33,	     34,	  37,
		39,	    43,		  44,		46,	     47,	  48,
		49,	    50,		  51,		60,	     4095,	  4097,
		UINT32_MAX, FUSE_GETATTR, FUSE_SETATTR, FUSE_LOOKUP, FUSE_UNLINK, FUSE_READLINK};
	struct request r = {.opcode = opcodes[take8() % G_N_ELEMENTS(opcodes)]};
	uint8_t bytes[64] = {0};
	uint64_t ino = pick_ino();
	size_t n = take8() % sizeof(bytes);

	if (r.opcode != FUSE_GETATTR && r.opcode != FUSE_SETATTR) /* may name a file */
		for (size_t i = 0; i < n; i++)
			bytes[i] = take8();
	ask(&r, ino, (struct iovec[]){{bytes, n}}, 1);
	if (r.opcode == FUSE_LOOKUP && !kernel.error) {
		const struct fuse_entry_out *e = (const void *)kernel.data;
		struct known k = {.ino = e->nodeid, .lookups = 1};
		struct known *old = known_find(k.ino);

		if (old)
			old->lookups++;
		else if (kernel.nnodes < NODES)
			kernel.nodes[kernel.nnodes++] = k;
	}
}

/* Things that happen to the files of arenas. */
static void step_lie(void)
{
	static const uint64_t words[] = {
		0, 1, UINT64_MAX, UINT32_MAX, INT64_MAX, UINT64_C(1) << 63, 0x10000, 1 << 12};
	uint8_t which = take8() % IMAGES, region = take8(), n = take8();
	uint32_t offset = take(2) % (region % 8 ? 1 << 14 : 512);
	uint64_t word = n & 8 ? take(4) : words[n & 7];

	if (n & 0x40)
		word = (uint64_t)take(4) << 32 | take(4);
	arena_lie(which, region, offset, &word, (size_t)1 << (n >> 4 & 3));
}

static void step_truncate(void)
{
	uint8_t which = take8() % IMAGES, n = take8();
	const struct ft_arena *h = (void *)images[which].page[0].bytes;
	const uint64_t sizes[] = {0,
				  100,
				  PAGE,
				  h->events_offset,
				  h->buffers_offset,
				  h->buffers_offset + PAGE,
				  h->size - PAGE,
				  h->size * 2};
	int fd = openat(folder_fd, arena_name(which), O_RDWR | O_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, (off_t)sizes[n % G_N_ELEMENTS(sizes)]))
		die("ftruncate");
	if (fd >= 0)
		close(fd);
}

static void step_file(void)
{
	uint8_t how = take8(), which = take8() % (IMAGES + 1), other = take8() % (IMAGES + 1);

	if (which == LIVE && how % 8 > 1)
		which = 0;
	switch (how % 8) {
	case 0:
		unlinkat(folder_fd, arena_name(which), 0);
		break;
	case 1:
		arena_put(which);
		break;
	case 2:
		writer_lock(which);
		break;
	case 3:
		writer_unlock(which);
		break;
	case 4:
		renameat(folder_fd, arena_name(which), folder_fd, arena_name(other));
		break;
	case 5:
		mknodat(folder_fd, "junk\n\033[2J", S_IFREG | 0600, 0);
		mknodat(folder_fd, "fifo", S_IFIFO | 0600, 0);
		symlinkat("/etc/passwd", folder_fd, "link");
		break;
	case 6: /* a folder of a run whose daemon is gone, or not */
		mkdirat(folder_fd, "run-1", 0700);
		mknodat(folder_fd, "run-1/.lock", S_IFREG | 0600, 0);
		linkat(folder_fd, arena_name(which), folder_fd, "run-1/moved", 0);
		break;
	case 7:
		unlinkat(folder_fd, "run-1/.lock", 0);
		unlinkat(folder_fd, "run-1/moved", 0);
		unlinkat(folder_fd, "run-1", AT_REMOVEDIR);
		break;
	}
	kernel_settle();
}

static void step_trace(void)
{
	uint8_t n = take8();

	if (n >= 0xf0)
		arena_fly();
	else if (n >= 0xe0)
		arena_land();
	else if (!flying)
		trace(n);
	kernel_settle();
}

static void step_clock(void)
{
	static const int64_t ms[] = {0, 1, 5, 11, 100, 1000, 6000, 100000};

	clock_ns += ms[take8() % G_N_ELEMENTS(ms)] * FT_NS_PER_MS;
	kernel_settle();
}

static void step_caller(void)
{
	const uint32_t pids[] = {0, 1, (uint32_t)getpid(), UINT32_MAX, 1 << 22};

	kernel.pid = pids[take8() % G_N_ELEMENTS(pids)];
}

static void (*const steps[])(void) = {
	step_descend, step_lookup,  step_descend, step_open,	step_read,	step_cat,
	step_write,   step_poll,    step_release, step_flush,	step_forget,	step_forget_many,
	step_getattr, step_setattr, step_opendir, step_lookup,	step_interrupt, step_change,
	step_move,    step_other,   step_lie,	  step_lie,	step_truncate,	step_file,
	step_trace,   step_clock,   step_caller,  step_descend, step_open,	step_cat,
	step_trace,   step_clock,
};

static void mount_ready(void *arg)
{
	*(bool *)arg = true;
}

/* Everybody goes: what the daemon knew of them must be gone as well. */
static void all_leave(struct ft_tree *tree)
{
	clock_ns += 20 * FT_NS_PER_MS;
	for (int i = 0; i < 3; i++) {
		clock_ns += FT_NS_PER_MS;
		kernel_settle();
	}
	for (unsigned i = 0; i < kernel.nrequests; i++)
		if (kernel.requests[i].opcode == FUSE_WRITE)
			die("a write waits for ever");
	while (kernel.nrequests) {
		unsigned before = kernel.nrequests;

		kernel_interrupt(kernel.requests[0].unique);
		if (kernel.nrequests == before)
			die("%s cannot be interrupted", request_name(&kernel.requests[0]));
	}
	while (kernel.nfiles)
		kernel_release(&kernel.files[0]);
	for (unsigned i = 0; i < kernel.nnodes; i++)
		if (!ft_tree_find(tree, kernel.nodes[i].ino))
			die("a node that the kernel knows is forgotten");
	while (kernel.nnodes)
		kernel_forget(&kernel.nodes[0], kernel.nodes[0].lookups);
	if (g_hash_table_size(tree->nodes) != 1)
		die("%u nodes are left", g_hash_table_size(tree->nodes) - 1);
}

static void serve(uint8_t options)
{
	struct ft_registry_options served = {folder, folder_fd, options & 1,
					     options & 2 ? FT_NS_PER_MS : 0, 0};
	bool ready = false;
	char path[32];
	int pair[2], most = (int)MOST_BYTES * 10;
	struct ft_mount_options how = {path, false, mount_ready, &ready};
	struct ft_loop *loop = ft_loop_new();
	struct ft_registry *registry = ft_registry_new(loop, &served);
	struct ft_tree *tree = ft_tree_new(registry);
	struct ft_mount *mount;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		die("socketpair");
	setsockopt(pair[0], SOL_SOCKET, SO_SNDBUFFORCE, &most, sizeof(most));
	setsockopt(pair[1], SOL_SOCKET, SO_SNDBUFFORCE, &most, sizeof(most));
	snprintf(path, sizeof(path), "/dev/fd/%d", pair[0]);
	mount = ft_mount_new(tree, &how);
	if (!mount)
		die("cannot be mounted");
	kernel_begin(loop, pair[1]);
	if (!ready)
		die("the mount does not answer");
	for (int i = 0; i < STEPS && input_left; i++)
		steps[take8() % G_N_ELEMENTS(steps)]();
	if (options & 4) /* else it is unmounted under them */
		all_leave(tree);
	arena_land();
	ft_mount_free(mount);
	ft_registry_clean(registry);
	ft_tree_free(tree);
	ft_registry_free(registry);
	ft_loop_free(loop);
	close(pair[1]);
}

static void log_nothing(enum fuse_log_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
}

/* In the process that takes inputs: AFL++ forks it, and a fork is another traced process. */
static void begin(void)
{
	static bool begun;

	if (begun)
		return;
	begun = true;
	signal(SIGPIPE, SIG_IGN);
	arenas_init();
	fasttrace_reader_guard();
	fuse_set_log_func(log_nothing);
}

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t options, arenas;
	unsigned before;

	begin();
	before = descriptors();
	input = data;
	input_left = size;
	options = take8();
	arenas = take8();
	no_inotify = options & 8;
	clock_ns = FT_NS_PER_S;
	arenas_begin(arenas);
	serve(options);
	arenas_end();
	if (descriptors() != before)
		die("%u descriptors, %u before", descriptors(), before);
	return 0;
}
