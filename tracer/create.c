/* SPDX-License-Identifier: MIT */
/*
 * create.c - make the arena's file: sized once, sparse, mapped whole, locked; then its descriptors
 * are closed, for programs close them all or reuse their numbers.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ft-barrier.h"
#include "ft-create.h"
#include "ft-rules.h"

#define PAGE		UINT64_C(4096)
#define EXE_OFFSET	PAGE
#define CMDLINE_OFFSET	(2 * PAGE)
#define PLACES_OFFSET	(3 * PAGE)
#define EVENTS_OFFSET	(PLACES_OFFSET + FT_MAX_BUFFERS * sizeof(struct ft_buffer_place))
#define RULES_OFFSET	(EVENTS_OFFSET + FT_EVENTS_BYTES)
#define MARKER_OFFSET	(RULES_OFFSET + 2 * FT_RULES_BYTES) /* backed with the first marker */
#define BUFFERS_OFFSET	(MARKER_OFFSET + FT_MARKER_BYTES)
#define FIRST_EVENTS	(3 * PAGE) /* bytes of the event table that the first events take */
#define NEW_ARENA_BYTES (UINT64_C(2) << 20) /* make room for this much before one is created */

/* What a limit leaves of the space for buffers. */
static uint64_t limit_apply(int resource, uint64_t divisor, uint64_t bytes)
{
	struct rlimit limit;
	uint64_t most;

	if (getrlimit(resource, &limit) || limit.rlim_cur == RLIM_INFINITY)
		return bytes;
	most = limit.rlim_cur / divisor;
	most = most > BUFFERS_OFFSET ? (most - BUFFERS_OFFSET) & ~(PAGE - 1) : 0;
	return bytes < most ? bytes : most;
}

static uint64_t buffer_bytes(const struct ft_config *config)
{
	return limit_apply(
		RLIMIT_AS, 4,
		limit_apply(RLIMIT_FSIZE, 1, (config->max_bytes + PAGE - 1) & ~(PAGE - 1)));
}

static bool same_file(const char *one, const char *two)
{
	struct stat a, b;

	return !stat(one, &a) && !stat(two, &b) && a.st_ino == b.st_ino;
}

/* Seconds that our time namespace adds to what /proc tells of the time since boot. */
static int64_t boot_offset(void)
{
	char text[256];
	size_t len = ft_text_read("/proc/self/timens_offsets", text, sizeof(text) - 1);
	const char *p;
	int64_t seconds = 0;
	bool negative;

	text[len] = '\0';
	p = strstr(text, "boottime");
	if (!p || !same_file("/proc/self/ns/time", "/proc/self/ns/time_for_children"))
		return 0; /* the offsets are those of children */
	p += strcspn(p, "-0123456789");
	negative = *p == '-';
	for (p += negative; *p >= '0' && *p <= '9'; p++)
		seconds = seconds * 10 + (*p - '0');
	return negative ? -seconds : seconds;
}

/*
 * Field 22 of /proc/self/stat, counted after the name, which may hold anything; as it is outside of
 * time namespaces, so that a daemon there knows us.
 */
static uint64_t process_start_time(void)
{
	char text[1024], *p;
	size_t len = ft_text_read("/proc/self/stat", text, sizeof(text) - 1);
	uint64_t ticks = 0;

	text[len] = '\0';
	p = strrchr(text, ')');
	for (int field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	while (p && *++p >= '0' && *p <= '9')
		ticks = ticks * 10 + (uint64_t)(*p - '0');
	return ticks - (uint64_t)(boot_offset() * sysconf(_SC_CLK_TCK));
}

static void boot_id_read(uint8_t id[16])
{
	char text[64];
	size_t len = ft_text_read("/proc/sys/kernel/random/boot_id", text, sizeof(text));
	unsigned digits = 0;

	for (size_t i = 0; i < len && digits < 32; i++) {
		char c = text[i];
		int v = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;

		if (v < 0)
			continue;
		id[digits / 2] = (uint8_t)(id[digits / 2] << 4 | v);
		digits++;
	}
}

static void identity_fill(struct ft_arena *a)
{
	struct stat st;
	ssize_t n;

	a->pid = (uint32_t)getpid();
	a->uid = (uint32_t)geteuid();
	a->start_time = process_start_time();
	if (!stat("/proc/self/ns/pid", &st))
		a->pid_ns = st.st_ino;
	boot_id_read(a->boot_id);
	if (getrandom(a->uuid, sizeof(a->uuid), GRND_NONBLOCK) != sizeof(a->uuid)) {
		uint64_t now[2] = {fasttrace_clock_monotonic(), a->start_time << 32 | a->pid};

		memcpy(a->uuid, now, sizeof(now));
	}
	n = (ssize_t)ft_text_read("/proc/self/comm", a->comm, sizeof(a->comm) - 1);
	if (n > 0 && a->comm[n - 1] == '\n')
		a->comm[n - 1] = '\0';
	n = readlink("/proc/self/exe", (char *)a + a->exe_offset, FT_PATH_BYTES - 1);
	(void)n; /* stays empty */
	a->cmdline_bytes =
		ft_text_read("/proc/self/cmdline", (char *)a + a->cmdline_offset, FT_PATH_BYTES);
}

/* A forked child goes on with what its parent has switched since, stopped if that is. */
static void rules_fill(struct ft_arena *a, const struct ft_arena *parent, const char *events)
{
	uint64_t bytes = strlen(events), rules = 0;

	do {
		if (parent) {
			rules = ft_load_acquire(&parent->rules); /* rules:R */
			bytes = ft_rules_bytes(rules);
			events = (const char *)parent + parent->rules_offset +
				 ft_rules_half(rules) * FT_RULES_BYTES;
		}
		memcpy((char *)a + a->rules_offset, events, bytes);
		a->rules = ft_rules_word(rules & FT_RULES_STOPPED, 0, bytes);
		FASTTRACE_POINT(rules_laid);
		ft_fence_full();
	} while (parent && ft_load_relaxed(&parent->rules) != rules);
}

/*
 * A forked child keeps its parent's table: cut after the last entry that was linked, and before what
 * the parent has added since there is memory for ours. Our call sites know of none of those.
 */
static void events_inherit(struct ft_arena *a, const struct ft_arena *parent, uint64_t bytes)
{
	uint32_t last = 0, next = ft_load_acquire(&parent->events_first); /* event:R */

	while (next && next < a->events_offset + bytes) {
		last = next;
		next = ft_load_acquire(
			&((const struct ft_event_entry *)((const char *)parent + last))->next);
	}
	if (!last)
		return;
	a->events_end = bytes;
	memcpy((char *)a + a->events_offset, (const char *)parent + a->events_offset,
	       a->events_end);
	((struct ft_event_entry *)((char *)a + last))->next = 0;
	a->events_first = parent->events_first;
	a->events_count = ((struct ft_event_entry *)((char *)a + last))->id;
	FASTTRACE_POINT(entries_inherited);
}

/* A forked child goes on with what has been set for its parent's threads to come. */
static uint64_t geometry_first(const struct ft_arena *parent, const struct ft_config *config)
{
	if (parent)
		return ft_load_relaxed(&parent->geometry); /* I10 */
	return ft_geometry_word(ft_geometry_make(config->subbuf_bytes, config->subbufs));
}

static void arena_fill(struct ft_arena *a, uint64_t size, const struct ft_config *config)
{
	a->abi = FASTTRACE_ABI;
	a->header_bytes = sizeof(*a);
	a->size = size;
	a->exe_offset = EXE_OFFSET;
	a->cmdline_offset = CMDLINE_OFFSET;
	a->places_offset = PLACES_OFFSET;
	a->events_offset = EVENTS_OFFSET;
	a->events_bytes = FT_EVENTS_BYTES;
	a->rules_offset = RULES_OFFSET;
	a->marker_offset = (uint32_t)MARKER_OFFSET;
	a->buffers_offset = BUFFERS_OFFSET;
	a->max_bytes = size - BUFFERS_OFFSET;
	a->mode = config->mode;
	a->block_timeout_ns = config->block_timeout_ns;
	a->asymmetric = ft_barrier_register();
	identity_fill(a);
	ft_clock_fill(a);
	FASTTRACE_POINT(header_filled);
	a->magic = FT_ARENA_MAGIC;
	FASTTRACE_POINT(header_signed);
}

/* "comm-pid-random", with nothing in it that a shell or a path would mind. */
static void file_name(const struct ft_arena *a, char *out, size_t size)
{
	char comm[FT_COMM_BYTES], pid[21], tail[17];

	for (unsigned i = 0; i < sizeof(comm); i++) {
		char c = a->comm[i];
		bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			     (c >= 'A' && c <= 'Z') || c == '_' || c == '+' || c == '-';

		comm[i] = c && !plain ? '_' : c;
	}
	for (unsigned i = 0; i < 16; i++)
		tail[i] = "0123456789abcdef"[(a->uuid[i / 2] >> (i % 2 ? 0 : 4)) & 15];
	tail[16] = '\0';
	ft_text_join(out, size, comm[0] ? comm : "_", "-", ft_text_u64(pid, a->pid), "-", tail,
		     NULL);
}

static int temporary_open(int dirfd, char *name, size_t size)
{
	char pid[21], random[21];
	uint64_t bits = fasttrace_clock_monotonic();

	for (int tries = 0; tries < 16; tries++, bits++) {
		ft_text_join(name, size, ".new-", ft_text_u64(pid, (uint64_t)getpid()), "-",
			     ft_text_u64(random, bits), NULL);
		int fd = openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
				0600);

		FASTTRACE_POINT(file_made);
		if (fd >= 0 || errno != EEXIST)
			return fd < 0 ? -errno : fd;
	}
	return -EEXIST;
}

/* The page whose mapping keeps fd's open file description, and so the writer's lock, alive. */
static void *lock_take(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FT_LOCK_WRITER, .l_len = 1};
	void *page;

	if (fcntl(fd, F_OFD_SETLK, &lock))
		return MAP_FAILED;
	page = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	FASTTRACE_POINT(file_locked);
	if (page != MAP_FAILED && madvise(page, PAGE, MADV_DONTFORK)) {
		munmap(page, PAGE);
		return MAP_FAILED;
	}
	return page;
}

/* Mapped without access first: in a program that locks its memory, what is mapped is populated. */
static void *sparse_map(int fd, size_t size)
{
	void *at = mmap(NULL, size, PROT_NONE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return at;
	munlock(at, size);
	if (!mprotect(at, size, PROT_READ | PROT_WRITE))
		return at;
	munmap(at, size);
	return MAP_FAILED;
}

static int file_size(int fd, struct ft_created *made)
{
	const struct ft_arena *parent = made->parent;
	uint64_t events = parent ? ft_load_acquire(&parent->events_end) : 0, size = made->size;
	/* With room for what somebody adds meanwhile. */
	uint64_t rules =
		FT_EVENTS_MAX + (parent ? ft_rules_bytes(ft_load_acquire(&parent->rules)) : 0);
	struct rlimit limit;

	if (!getrlimit(RLIMIT_FSIZE, &limit) && limit.rlim_cur != RLIM_INFINITY &&
	    size > limit.rlim_cur)
		return -EFBIG; /* where ftruncate() would kill with SIGXFSZ */
	if (ftruncate(fd, (off_t)size))
		return -errno;
	FASTTRACE_POINT(file_sized);
	/*
	 * What is written before the first buffer is claimed; an error here, not SIGBUS there. And
	 * the first buffer's place, which the bound on the directory is then checked with.
	 */
	if (fallocate(fd, 0, 0, (off_t)(PLACES_OFFSET + PAGE)) ||
	    fallocate(fd, 0, (off_t)EVENTS_OFFSET,
		      (off_t)(events > FIRST_EVENTS ? events : FIRST_EVENTS)) ||
	    fallocate(fd, 0, (off_t)RULES_OFFSET, (off_t)rules))
		return -errno;
	FASTTRACE_POINT(file_backed);
	made->events = events;
	return 0;
}

static int arena_make(int dirfd, int fd, const char *temporary, const struct ft_config *config,
		      struct ft_created *made, char *name, size_t name_size)
{
	int err = file_size(fd, made), whole;

	if (!err && !ft_dir_evict(dirfd, 0))
		err = -EDQUOT;
	if (err)
		return err;
	made->lock_page = lock_take(fd);
	if (made->lock_page == MAP_FAILED)
		return -errno;
	whole = openat(dirfd, temporary, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	made->arena = whole < 0 ? MAP_FAILED : sparse_map(whole, made->size);
	err = made->arena == MAP_FAILED ? -errno : 0;
	if (whole >= 0)
		close(whole);
	if (err)
		goto unlock;
	made->arena->geometry = geometry_first(made->parent, config);
	arena_fill(made->arena, made->size, config);
	rules_fill(made->arena, made->parent, config->events);
	if (made->parent)
		events_inherit(made->arena, made->parent, made->events);
	file_name(made->arena, name, name_size);
	err = renameat(dirfd, temporary, dirfd, name) ? -errno : 0;
	FASTTRACE_POINT(file_named);
	/* Who looks meanwhile may miss what gets another name: so the last one looks once more. */
	if (!err && !ft_dir_evict(dirfd, 0)) {
		unlinkat(dirfd, name, 0);
		FASTTRACE_POINT(name_dropped);
		err = -EDQUOT;
	}
	if (!err)
		return 0;
	munmap(made->arena, made->size);
unlock:
	munmap(made->lock_page, PAGE);
	return err;
}

int ft_create(const struct ft_config *config, struct ft_created *made, char *path, size_t path_size,
	      const char **why)
{
	int dirfd = ft_dir_open(config->dir, why), fd, err;
	char temporary[64], name[96];

	if (dirfd < 0)
		return dirfd;
	*why = "cannot create an arena in it";
	if (!made->size)
		made->size = BUFFERS_OFFSET + buffer_bytes(config);
	ft_dir_evict(dirfd, NEW_ARENA_BYTES);
	fd = temporary_open(dirfd, temporary, sizeof(temporary));
	err = fd < 0 ? fd : arena_make(dirfd, fd, temporary, config, made, name, sizeof(name));
	if (err == -EDQUOT)
		*why = "all arenas in it take a quarter of its filesystem";
	if (fd >= 0) {
		if (err) {
			unlinkat(dirfd, temporary, 0);
			FASTTRACE_POINT(file_dropped);
		}
		close(fd);
	}
	close(dirfd);
	if (!err)
		ft_text_join(path, path_size, config->dir, "/", name, NULL);
	return err;
}
