/* SPDX-License-Identifier: MIT */
/*
 * daemon.c - what daemon.sh lets loose beside a daemon: processes that trace honestly, and arenas
 * that lie.
 *
 *   daemon valid NAME COUNTS    two threads trace and note in COUNTS what has returned, until killed
 *   daemon base                 traces a little and dies as by a crash
 *   daemon lies                 prints the kinds of lies
 *   daemon lie KIND FILE PID    makes a copy of base's arena, FILE, one that lies; it claims PID
 *   daemon flip FILE            claims to live, and changes words of FILE at full speed
 *   daemon resize FILE          truncates it and lets it grow again, at full speed
 *   daemon churn DIR BASE FILE...  puts one thing after the other in place of the FILEs
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "ft-layout.h"

#define THREADS	   2
#define PAGE	   4096u
#define HUGE_BYTES (UINT64_C(1) << 40)
#define MANY	   1000 /* files of junk */

/* An arena, mapped. */
struct mapped {
	int fd;
	size_t size;
	unsigned char *map;
	struct ft_arena *arena;
};

static uint64_t *counts;
static const char *name;
static uint64_t state; /* of the random numbers: the same in each run */

static uint64_t any(void)
{
	state += UINT64_C(0x9e3779b97f4a7c15);
	return (state ^ state >> 31) * UINT64_C(0xbf58476d1ce4e5b9) >> 7;
}

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void *valid_thread(void *arg)
{
	uint64_t t = (uintptr_t)arg;

	for (uint64_t n = 0;; n++) {
		FASTTRACE(test, tick, (thread, t), (n, n), (mark, name));
		__atomic_store_n(&counts[t * 8], n + 1, __ATOMIC_RELEASE);
		usleep(2000);
	}
	return NULL;
}

static _Noreturn void valid_run(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	pthread_t thread[THREADS];

	if (fd < 0 || ftruncate(fd, PAGE))
		fail(path);
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (counts == MAP_FAILED)
		fail(path);
	for (uintptr_t i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, valid_thread, (void *)i);
	for (;;)
		pause();
}

static void *base_thread(void *arg)
{
	for (uintptr_t i = 0; i < 3000; i++)
		FASTTRACE(base, event, (i, i), (text, "nothing to hide"));
	return arg;
}

static int base_run(void)
{
	pthread_t thread;

	FASTTRACE(base, first);
	pthread_create(&thread, NULL, base_thread, NULL);
	base_thread(NULL);
	pthread_join(thread, NULL);
	kill(getpid(), SIGKILL);
	return 1;
}

static void arena_map(const char *path, struct mapped *m)
{
	struct stat st;

	m->fd = open(path, O_RDWR | O_CLOEXEC);
	if (m->fd < 0 || fstat(m->fd, &st))
		fail(path);
	m->size = (size_t)st.st_size;
	m->map = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->map == MAP_FAILED)
		fail(path);
	m->arena = (struct ft_arena *)(void *)m->map;
}

static struct ft_buffer_place *place(const struct mapped *m, unsigned i)
{
	return (struct ft_buffer_place *)(void *)(m->map + m->arena->places_offset) + i;
}

static struct ft_buffer *buffer(const struct mapped *m, unsigned i)
{
	return (struct ft_buffer *)(void *)(m->map + place(m, i)->offset);
}

static struct fasttrace_slot *slots(const struct mapped *m, unsigned i)
{
	return (struct fasttrace_slot *)(buffer(m, i) + 1);
}

/* LIES. Each takes an honest arena of a dead process. */

static void lie_size(struct mapped *m)
{
	m->arena->size = INT64_MAX;
}

static void lie_offsets(struct mapped *m)
{
	m->arena->events_offset = m->size - 64;
	m->arena->events_bytes = UINT32_MAX;
	m->arena->exe_offset = UINT64_MAX;
}

/* Everything is where it was, in a file as large as the filesystem allows. */
static void lie_huge(struct mapped *m)
{
	if (ftruncate(m->fd, (off_t)HUGE_BYTES))
		fail("ftruncate");
	m->arena->size = HUGE_BYTES;
}

static void lie_counters(struct mapped *m)
{
	for (unsigned i = 0; i < THREADS; i++) {
		buffer(m, i)->head = i ? UINT64_MAX : UINT64_C(1) << 62;
		buffer(m, i)->consumed = i ? UINT64_MAX - 2 : 0;
		buffer(m, i)->base = i;
	}
	m->arena->buffers = UINT64_MAX;
}

/* All slots say that one page stands in them; all buffers, that they are the first one. */
static void lie_pages(struct mapped *m)
{
	unsigned n = 1u << place(m, 0)->subbufs_shift;

	for (unsigned i = 1; i < n; i++)
		slots(m, 0)[i].page =
			(slots(m, 0)[i].page & ~UINT64_C(0xffff)) | (slots(m, 0)[0].page & 0xffff);
	for (unsigned i = 1; i < FT_MAX_BUFFERS; i++)
		*place(m, i) = *place(m, 0);
	m->arena->buffers = FT_MAX_BUFFERS;
}

/* Page indices far outside; a sub-buffer that claims more than there is room for. */
static void lie_indices(struct mapped *m)
{
	for (unsigned i = 0; i < 1u << place(m, 0)->subbufs_shift; i++) {
		slots(m, 0)[i].page |= 0xfff0;
		slots(m, 1)[i].word |= (UINT64_C(1) << (place(m, 1)->subbuf_shift - 2)) - 1;
	}
	buffer(m, 1)->hold.state = FT_HOLD_HELD;
	buffer(m, 1)->hold.page = 0xffff;
	buffer(m, 1)->hold.seq = UINT64_MAX;
}

static struct ft_event_entry *entry(const struct mapped *m, uint32_t offset)
{
	return (struct ft_event_entry *)(void *)(m->map + offset);
}

/* A new event table; an entry each `step` bytes. Strings: of all their bytes, zeros too. */
static void table_add(struct mapped *m, uint32_t step, const char *strings, size_t bytes,
		      size_t provider_len)
{
	uint32_t at = (uint32_t)(m->arena->events_offset + m->arena->events_end);
	struct ft_event_entry *e = entry(m, at);

	memset(e, 0, sizeof(*e));
	memcpy(e->strings, strings, bytes);
	e->size = (uint32_t)(sizeof(*e) + bytes);
	e->id = (uint16_t)++m->arena->events_count;
	e->on = e->id;
	e->level = 6;
	e->provider_len = (uint16_t)provider_len;
	e->name_len = (uint16_t)strlen(strings + provider_len + 1);
	if (m->arena->events_first)
		entry(m, at - (uint32_t)m->arena->lost_no_event)->next = at;
	else
		m->arena->events_first = at;
	m->arena->lost_no_event = step;
	m->arena->events_end += step;
	m->arena->events_committed = m->arena->events_end;
}

static void table_begin(struct mapped *m)
{
	m->arena->events_first = m->arena->events_count = 0;
	m->arena->events_end = 0;
}

static void lie_cycle(struct mapped *m)
{
	uint32_t first = m->arena->events_first;

	entry(m, first)->next = first;
}

/* As many events as there can be, each of a provider of its own. */
static void lie_providers(struct mapped *m)
{
	char strings[32];

	table_begin(m);
	for (unsigned i = 0; i < FT_MAX_EVENTS; i++) {
		snprintf(strings, sizeof(strings), "p%05u", i);
		memcpy(strings + 7, "e", 2);
		table_add(m, 56, strings, 9, 6);
	}
}

/* Names that are none. */
static void lie_names(struct mapped *m)
{
	static const char *const names[] = {
		"..",	   ".",	       "",	 "/",	       "../../etc", "a\nb",
		"\033[2J", "\xff\xfe", "enable", "\xc2\x9b",   "a\x7f",	    "%s%n",
		"-rf",	   "~",	       "\t",	 "name:\nID:", "..\xc0\xaf"};
	char strings[600];

	table_begin(m);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		for (unsigned j = 0; j < sizeof(names) / sizeof(*names); j++) {
			size_t p = strlen(names[i]), n = strlen(names[j]);

			memcpy(strings, names[i], p + 1);
			memcpy(strings + p + 1, names[j], n + 1);
			table_add(m, 96, strings, p + n + 2, p);
		}
	memset(strings, 'x', sizeof(strings));
	strings[255] = strings[511] = '\0';
	table_add(m, 640, strings, 512, 255);
}

/* A name of a megabyte, as far as the table goes. */
static void lie_long(struct mapped *m)
{
	struct ft_event_entry *e = entry(m, m->arena->events_first);

	e->size = 1 << 20;
	e->provider_len = UINT16_MAX;
	e->nfields = 255;
	memset(e->strings, 'y', 1 << 20);
	m->arena->events_end = 2 << 20;
}

/* Sub-buffers of 16 MB, 4096 of them, that all are one page, full of events of one time. */
static void lie_bomb(struct mapped *m)
{
	struct ft_buffer_place *p = place(m, 0);
	uint64_t pages = p->pages_offset, bytes = UINT64_C(1) << 24, event;
	unsigned n = 1u << 12, bits = 24 - 2;
	uint64_t control = (sizeof(struct ft_buffer) + n * sizeof(struct fasttrace_slot));
	uint32_t units = 1 << 17; /* a megabyte of them is real */

	pages = (p->offset + control + PAGE - 1) & ~(uint64_t)(PAGE - 1);
	if (ftruncate(m->fd, (off_t)(pages + (n + 1) * bytes)))
		fail("ftruncate");
	m->size = pages + (n + 1) * bytes;
	m->map = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, m->fd, 0);
	if (m->map == MAP_FAILED)
		fail("mmap");
	m->arena = (struct ft_arena *)(void *)m->map;
	m->arena->size = m->size;
	m->arena->buffers = 1;
	p = place(m, 0);
	p->pages_offset = pages;
	p->subbuf_shift = 24;
	p->subbufs_shift = 12;
	buffer(m, 0)->head = n - 1;
	buffer(m, 0)->consumed = buffer(m, 0)->base = 0;
	memcpy(&event, m->map + place(m, 1)->pages_offset + FASTTRACE_HEADER_BYTES, 8);
	for (uint64_t seq = 0; seq < n; seq++) {
		struct fasttrace_slot *s = &slots(m, 0)[seq];
		uint64_t count = units - FASTTRACE_HEADER_UNITS;

		s->committed = seq << (2 * bits + 1) | count << bits | units;
		s->word = s->committed | UINT64_C(1) << (2 * bits);
		s->page = seq << 17;
		s->anchor = seq << 24;
	}
	event = m->arena->events_count ? 1 : event; /* of id 1, which has no field, at time 0 */
	for (uint64_t i = FASTTRACE_HEADER_UNITS; i < units; i++)
		memcpy(m->map + pages + 8 * i, &event, 8);
}

static void lie_words(struct mapped *m)
{
	const uint64_t regions[] = {0, m->arena->places_offset, m->arena->events_offset,
				    place(m, 0)->offset, place(m, 1)->offset};
	const uint64_t magic = m->arena->magic;

	for (unsigned i = 0; i < 60; i++) {
		uint64_t word = any() & 1 ? any() : UINT64_C(1) << any() % 64;
		uint64_t offset = regions[any() % 5] + any() % 700 / 8 * 8;

		memcpy(m->map + offset, &word, 8);
	}
	m->arena->magic = magic;
	m->arena->abi = FASTTRACE_ABI;
}

static void lie_clock(struct mapped *m)
{
	m->arena->clock_hz = 1;
	m->arena->clock_ticks = UINT64_MAX;
	m->arena->clock_realtime_ns = UINT64_MAX;
	m->arena->start_time = 1;
	memset(m->arena->comm, '\033', sizeof(m->arena->comm));
	memset(m->map + m->arena->cmdline_offset, '\n', FT_PATH_BYTES);
	m->arena->cmdline_bytes = FT_PATH_BYTES;
}

static void lie_none(struct mapped *m)
{
	m->arena->end_state = UINT64_MAX;
}

static const struct {
	const char *name;
	void (*tell)(struct mapped *m);
} lies[] = {
	{"size", lie_size},	  {"offsets", lie_offsets},   {"huge", lie_huge},
	{"words", lie_words},	  {"counters", lie_counters}, {"pages", lie_pages},
	{"indices", lie_indices}, {"cycle", lie_cycle},	      {"providers", lie_providers},
	{"names", lie_names},	  {"long", lie_long},	      {"bomb", lie_bomb},
	{"clock", lie_clock},	  {"none", lie_none},
};

static int lie_tell(const char *kind, const char *path, const char *pid)
{
	struct mapped m;

	state = strtoull(pid, NULL, 10);
	arena_map(path, &m);
	m.arena->pid = (uint32_t)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		if (!strcmp(lies[i].name, kind)) {
			lies[i].tell(&m);
			return 0;
		}
	fprintf(stderr, "no such lie: %s\n", kind);
	return 2;
}

static void writer_lock(int fd)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = FT_LOCK_WRITER, .l_len = 1};

	if (fcntl(fd, F_OFD_SETLK, &lock))
		fail("lock");
}

/* Words of what changes in an honest arena, and of what does not, to and fro. */
static _Noreturn void flip_run(const char *path)
{
	static unsigned char honest[5][1024];
	struct mapped m;
	uint64_t word;

	arena_map(path, &m);
	writer_lock(m.fd);
	const uint64_t regions[5] = {64, m.arena->places_offset, m.arena->events_offset,
				     place(&m, 0)->offset, place(&m, 1)->offset};

	for (unsigned i = 0; i < 5; i++)
		memcpy(honest[i], m.map + regions[i], sizeof(honest[i]));
	for (;;) {
		unsigned r = any() % 5, offset = any() % (sizeof(honest[0]) / 8) * 8;

		if (any() % 3)
			memcpy(&word, honest[r] + offset, 8);
		else
			word = any() & 1 ? any() : UINT64_C(1) << any() % 64;
		__atomic_store_n((uint64_t *)(void *)(m.map + regions[r] + offset), word,
				 __ATOMIC_RELAXED);
	}
}

static _Noreturn void resize_run(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st))
		fail(path);
	writer_lock(fd);
	for (;;) {
		usleep(2000);
		if (ftruncate(fd, (off_t)(any() % 8 ? any() % (uint64_t)st.st_size : 0)))
			fail("ftruncate");
		usleep(200);
		if (ftruncate(fd, st.st_size * (off_t)(1 + any() % 3)))
			fail("ftruncate");
	}
}

static void socket_put(int dir, const char *at)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, at);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		perror("bind");
	close(fd);
}

static void file_put(int dir, const char *at, mode_t mode, off_t bytes)
{
	int fd = openat(dir, at, O_RDWR | O_CREAT | O_CLOEXEC, mode);

	if (fd >= 0 && ftruncate(fd, bytes))
		perror("ftruncate");
	if (fd >= 0)
		close(fd);
}

static void junk_put(int dir)
{
	char at[32];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(at, sizeof(at), "junk-%u", i);
		file_put(dir, at, 0600, 100);
	}
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(at, sizeof(at), "junk-%u", i);
		unlinkat(dir, at, 0);
	}
}

/* What stands where an arena was. */
static void thing_put(int dir, const char *at, unsigned what)
{
	char other[64];

	snprintf(other, sizeof(other), ".%s", at);
	unlinkat(dir, at, AT_REMOVEDIR);
	if (what) /* 0: it is renamed over */
		unlinkat(dir, at, 0);
	switch (what) {
	case 0:
		file_put(dir, other, 0600, 4096);
		renameat(dir, other, dir, at);
		break;
	case 1:
		mkfifoat(dir, at, 0600);
		break;
	case 2:
		socket_put(dir, at);
		break;
	case 3:
		mkdirat(dir, at, 0700);
		break;
	case 4:
		symlinkat("/proc/self/mem", dir, at);
		break;
	case 5:
		mknodat(dir, at, S_IFCHR | 0600, makedev(1, 5)); /* /dev/zero */
		break;
	case 6:
		file_put(dir, at, 0600, (off_t)HUGE_BYTES);
		break;
	case 7:
		file_put(dir, at, 0, 1 << 20);
		break;
	case 8:
		junk_put(dir);
		break;
	}
}

static void copy_put(int dir, const char *from, const char *at)
{
	char command[1024];

	snprintf(command, sizeof(command),
		 "cp --sparse=always '%s' '/proc/%d/fd/%d/%s' 2>/dev/null", from, (int)getpid(),
		 dir, at);
	if (system(command))
		exit(1);
}

static void names_put(int dir)
{
	char longest[256];

	memset(longest, 'n', 255);
	longest[255] = '\0';
	file_put(dir, longest, 0600, 4096);
	file_put(dir, "new\nline", 0600, 4096);
	file_put(dir, "\033[31mred\033[2J", 0600, 4096);
	file_put(dir, "\xff\xfe..", 0600, 4096);
	file_put(dir, "-rf", 0600, 4096);
	mkdirat(dir, "run-..", 0700);
	mkdirat(dir, "run-\n", 0777);
	symlinkat("/", dir, "run-link");
}

static _Noreturn void churn_run(const char *path, char **files, const char *base)
{
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		fail(path);
	names_put(dir);
	for (;;)
		for (char **file = files; *file; file++) {
			thing_put(dir, *file, any() % 9);
			usleep(3000);
			unlinkat(dir, *file, AT_REMOVEDIR);
			unlinkat(dir, *file, 0);
			copy_put(dir, base, *file);
			usleep(3000);
		}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	name = argc > 2 ? argv[2] : "";
	if (!strcmp(what, "valid") && argc == 4)
		valid_run(argv[3]);
	if (!strcmp(what, "base"))
		return base_run();
	if (!strcmp(what, "lies"))
		for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
			puts(lies[i].name);
	if (!strcmp(what, "lies"))
		return 0;
	if (!strcmp(what, "lie") && argc == 5)
		return lie_tell(argv[2], argv[3], argv[4]);
	if (!strcmp(what, "flip") && argc == 3)
		flip_run(argv[2]);
	if (!strcmp(what, "resize") && argc == 3)
		resize_run(argv[2]);
	if (!strcmp(what, "churn") && argc > 4)
		churn_run(argv[2], argv + 4, argv[3]);
	fprintf(stderr, "usage: see the head of daemon.c\n");
	return 2;
}
