/* SPDX-License-Identifier: MIT */
/*
 * common-consumer.h - a process that reads a thread through the mount while daemons are killed, in
 * every way that there is, and knows what must come next.
 *
 * Of a thread's sub-buffers none that could be read may be lost. None may come twice, but one: that
 * whose last byte was the last thing that the killed daemon answered. Numbers may be missing where
 * the mode says so: where they were overwritten, or lost and counted.
 */
#ifndef COMMON_CONSUMER_H
#define COMMON_CONSUMER_H

#include "common.h"

#define ROUND_THREADS 2
#define BUFFER_BYTES  (1u << 20)
#define HEADER_BYTES  FASTTRACE_PACKET_HEADER_BYTES
#define STUCK_SECONDS 60

enum mode { OVERWRITE, DISCARD, BLOCK, MODES };

/* What the header of a packet says, as it stands in the file. */
struct packet_header {
	uint32_t magic;
	uint8_t uuid[16];
	uint32_t stream_id;
	uint64_t instance, begin, end, content_bits, packet_bits, seq, lost, tid;
};
_Static_assert(sizeof(struct packet_header) == HEADER_BYTES, "packet header");

/* In the notes of the page that all processes of a round share. */
struct shared {
	uint64_t killing, dead; /* daemons, counted before they are killed and behind it */
	uint64_t over;		/* nobody else will be killed */
	uint64_t again, half, snapshots, ways[3];
	struct position at[ROUND_THREADS];
};
static struct shared *shared;

/* One consumer's. */
static struct {
	char dir[300];		 /* of the thread */
	struct position *at;	 /* behind the last whole packet */
	struct position before;	 /* before it */
	uint64_t seq, deaths;	 /* its number; daemons that had died when it was asked for */
	bool pending;		 /* nothing was answered since then */
	char have[BUFFER_BYTES]; /* of a packet that is not complete yet */
	size_t bytes;
} in;

static enum mode mode;

static inline uint64_t load(const uint64_t *count)
{
	return __atomic_load_n(count, __ATOMIC_ACQUIRE);
}

/* The daemon that answered last is alive still: it has heard that its last answer arrived. */
static inline void answered(void)
{
	if (in.pending && load(&shared->killing) == in.deaths)
		in.pending = false;
}

/*
 * The packet behind a daemon's death. The one before it may be here again. If it is not, it has been
 * consumed or, in overwrite mode, put back and overwritten.
 */
static inline void death_settle(const uint64_t *seq)
{
	if (!in.pending)
		return;
	in.pending = false;
	if (seq && *seq == in.seq) {
		*in.at = in.before;
		__atomic_add_fetch(&shared->again, 1, __ATOMIC_RELAXED);
	} else if (mode == OVERWRITE) {
		in.at->unsure += in.at->events - in.before.events;
	}
}

static inline void packet_done(const char *packet, const struct packet_header *h)
{
	struct position *at = in.at;

	death_settle(&h->seq);
	in.before = *at;
	seq_check(at, h->seq, mode == OVERWRITE);
	if (mode != OVERWRITE)
		gap_allow(at); /* where events were lost */
	events_check(at, packet + HEADER_BYTES, h->packet_bits / 8 - HEADER_BYTES);
	if (mode != OVERWRITE && at->missing > h->lost)
		complain_order("missing", at->thread, 0, at->missing, h->lost);
	in.seq = h->seq;
}

/* True when a whole packet stands there. */
static inline bool packet_whole(const char *at, size_t bytes, struct packet_header *h)
{
	if (bytes < HEADER_BYTES)
		return false;
	memcpy(h, at, sizeof(*h));
	if (h->magic != 0xC1FC1FC1 || h->packet_bits / 8 < HEADER_BYTES ||
	    h->packet_bits / 8 > 16384 || h->content_bits > h->packet_bits) {
		complain("no packet", 0, 0, h->magic, h->packet_bits / 8);
		exit(1);
	}
	return bytes >= h->packet_bits / 8;
}

/* What a read has returned. @deaths: before it. Return: packets that are whole now. */
static inline unsigned bytes_take(size_t n, uint64_t daemons)
{
	struct packet_header h;
	unsigned packets = 0;
	size_t at = 0;

	answered();
	in.bytes += n;
	while (packet_whole(in.have + at, in.bytes - at, &h)) {
		packet_done(in.have + at, &h);
		at += h.packet_bits / 8;
		packets++;
	}
	if (packets) {
		in.pending = true;
		in.deaths = daemons;
	}
	memmove(in.have, in.have + at, in.bytes - at);
	in.bytes -= at;
	return packets;
}

/*
 * Read an open file, at most so many packets of it and now and then not to their end. Return: true
 * when it was read to the end of the file.
 */
static inline bool file_read(int fd, unsigned packets)
{
	bool half = !random_below(8), small = half || !random_below(4);
	unsigned done = 0;
	ssize_t n = 1;

	in.bytes = 0;
	while (done < packets || (half && in.bytes < 100)) {
		size_t room = small ? 1 + random_below(5000) : sizeof(in.have) - in.bytes;
		uint64_t daemons = load(&shared->dead);

		n = read(fd, in.have + in.bytes, room);
		if (n <= 0)
			break;
		done += bytes_take((size_t)n, daemons);
	}
	if (!n)
		answered();
	if (in.bytes)
		__atomic_add_fetch(&shared->half, 1, __ATOMIC_RELAXED);
	return !n;
}

/* The oldest name of subbuf/. */
static inline bool subbuf_oldest(char *path, size_t size)
{
	char name[64] = "";
	struct dirent *e;
	DIR *d;

	snprintf(path, size, "%s/subbuf", in.dir);
	d = opendir(path);
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && (!name[0] || strcmp(e->d_name, name) < 0))
			snprintf(name, sizeof(name), "%.60s", e->d_name);
	if (d)
		closedir(d);
	snprintf(path, size, "%s/subbuf/%s", in.dir, name);
	return name[0];
}

/* One visit to the thread's folder. Return: true when all is read. */
static inline bool consumer_visit(bool over)
{
	static const char *const ways[] = {"stream", "drain", "subbuf"};
	unsigned way = over ? 0 : (unsigned)random_below(3);
	char path[400];
	bool end;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", in.dir, ways[way]);
	if (way == 2 && !subbuf_oldest(path, sizeof(path)))
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	answered();
	__atomic_add_fetch(&shared->ways[way], 1, __ATOMIC_RELAXED);
	end = file_read(fd, over ? UINT32_MAX : way == 2 ? 1 : 1 + (unsigned)random_below(40));
	if (!close(fd) && way == 2)
		answered();
	return end && over;
}

static inline void consumer_run(void)
{
	uint64_t over;

	do {
		over = load(&shared->over);
		if (in.pending && load(&shared->killing) != in.deaths)
			usleep(500); /* the mount may be dead */
	} while (!consumer_visit(over));
	death_settle(NULL);
	_exit(0);
}

static inline pid_t consumer_start(unsigned i)
{
	pid_t pid = child_fork();

	if (pid)
		return pid;
	alarm(STUCK_SECONDS);
	in.at = &shared->at[i];
	consumer_run();
	return 0;
}

/* A file of a snapshot: its packets, one after the other; the numbers grow. */
static inline void snapshot_file_check(const char *path)
{
	struct position at = {0};
	struct packet_header h;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, in.have, sizeof(in.have));
	size_t from = 0;

	close(fd);
	while (n > 0 && from < (size_t)n) {
		if (!packet_whole(in.have + from, (size_t)n - from, &h)) {
			complain("snapshot cut", 0, 0, from, (uint64_t)n);
			return;
		}
		gap_allow(&at);
		events_check(&at, in.have + from + HEADER_BYTES, h.packet_bits / 8 - HEADER_BYTES);
		from += h.packet_bits / 8;
	}
}

static inline void snapshot_check(const char *dir)
{
	char path[600];
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && strcmp(e->d_name, "metadata"))
			snapshot_file_check(path);
	}
	if (d)
		closedir(d);
	__atomic_add_fetch(&shared->snapshots, 1, __ATOMIC_RELAXED);
}

#endif
