/* SPDX-License-Identifier: MIT */
/*
 * clock.c - time stamps beside the clocks that a user has: how far off at the start, and the drift.
 *
 *     clock [SECONDS]
 *
 * A traced program records bursts of events. Each event carries what CLOCK_MONOTONIC and
 * CLOCK_REALTIME show just before it; so its stamp lies between its own readings and those of the
 * next event, however often the program is interrupted: an interruption only widens the bracket.
 * The reader asks for the metadata at once, when it has had the least time to measure the
 * frequency, and SECONDS later looks at another burst.
 *
 * Two programs run beside each other: one with the clock of this machine, and one that is made to
 * believe that the kernel does not use the TSC. The latter takes a mount namespace, so: root.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <sys/mount.h>

#include "program.h"

#define SOURCE	    "/sys/devices/system/clocksource/clocksource0/current_clocksource"
#define NS_PER_S    INT64_C(1000000000)
#define BURST	    1000
#define START_NS    1000
#define DRIFT_PPM   10.0
#define MIN_SECONDS 5 /* over which a bracket's width is no drift */

struct reading {
	int64_t mono, real;
};

/* An event as it stands in the ring. */
struct event {
	uint64_t header; /* time modulo 2^48, and id */
	struct reading before;
};

struct traced {
	const char *name, *metadata;
	pid_t pid;
	int to, from;
	struct fasttrace_arena *arena;
	int64_t start_mid;
};

static char dir[PATH_MAX];
static unsigned failed;

static int64_t clock_ns(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec * NS_PER_S + ts.tv_nsec;
}

static void check(bool good, const struct traced *t, const char *what)
{
	if (good)
		return;
	printf("FAIL %s: %s\n", t->name, what);
	failed++;
}

/* The traced program. */

static void burst(void)
{
	for (int i = 0; i < BURST; i++) {
		int64_t mono = clock_ns(CLOCK_MONOTONIC), real = clock_ns(CLOCK_REALTIME);

		FASTTRACE(clock, look, (mono, mono), (real, real));
	}
}

static bool source_hide(void)
{
	char path[PATH_MAX + 16];
	int fd;
	bool hidden;

	snprintf(path, sizeof(path), "%s/.source", getenv("FASTTRACE_DIR"));
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	hidden = fd >= 0 && write(fd, "hpet\n", 5) == 5 && !unshare(CLONE_NEWNS) &&
		 !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		 !mount(path, SOURCE, NULL, MS_BIND, NULL);
	if (fd >= 0)
		close(fd);
	return hidden;
}

/* A burst at the start and for each byte that comes, answered by one. */
static int traced_run(int from, int to, bool hide)
{
	char c = 's';

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (hide && !source_hide())
		return write(to, &c, 1) == 1 ? 0 : 1;
	do {
		burst();
		c = '.';
	} while (write(to, &c, 1) == 1 && read(from, &c, 1) == 1);
	return 0;
}

/* This program again, with the environment of a traced one. */
static void traced_exec(int from, int to, bool hide)
{
	char numbers[2][16];

	snprintf(numbers[0], sizeof(numbers[0]), "%d", dup(from));
	snprintf(numbers[1], sizeof(numbers[1]), "%d", dup(to));
	execl("/proc/self/exe", "clock", "--program", numbers[0], numbers[1], hide ? "hide" : "",
	      (char *)NULL);
	_exit(127);
}

static int hear(const struct traced *t)
{
	char c;

	return read(t->from, &c, 1) == 1 ? c : -1;
}

/* False: it could not be started as wanted. */
static bool traced_start(struct traced *t, bool hide)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || (t->pid = fork()) < 0) {
		perror("clock");
		exit(1);
	}
	if (!t->pid)
		traced_exec(in[0], out[1], hide);
	close(in[0]);
	close(out[1]);
	t->to = in[1];
	t->from = out[0];
	return hear(t) == '.';
}

/* The metadata's clock. */
struct clock {
	uint64_t freq, offset;
	int64_t offset_s;
};

static struct clock clock_parse(const char *metadata)
{
	const char *p = strstr(metadata, "freq = ");
	struct clock c;

	if (!p || sscanf(p, "freq = %" SCNu64 "; offset_s = %" SCNd64 "; offset = %" SCNu64,
			 &c.freq, &c.offset_s, &c.offset) != 3) {
		fputs("clock: metadata without a clock\n", stderr);
		exit(1);
	}
	return c;
}

/* Nanoseconds since 1970, as a reader of the trace gets them. */
static int64_t decode(const struct clock *c, uint64_t ticks)
{
	__int128 all = (__int128)c->offset_s * c->freq + c->offset + ticks;

	return (int64_t)(all * NS_PER_S / c->freq);
}

/* What one burst tells. */
struct look {
	unsigned events;
	int64_t off; /* ns by which the worst stamp lies outside of its bracket */
	int64_t mid; /* stamp less CLOCK_MONOTONIC, ns, where the bracket is narrowest */
	int64_t width;
};

static void look_at(struct look *look, int64_t stamp, const struct event *at)
{
	int64_t low = at[0].before.real, high = at[1].before.real;
	int64_t width = at[1].before.mono - at[0].before.mono;
	int64_t off = stamp < low ? low - stamp : stamp > high ? stamp - high : 0;

	look->events++;
	if (off > look->off)
		look->off = off;
	if (width >= look->width)
		return;
	look->width = width;
	look->mid = stamp - at[0].before.mono - width / 2;
}

/* The readable sub-buffers, which are consumed. */
static struct look burst_read(const struct traced *t)
{
	struct clock c = clock_parse(t->metadata);
	struct look look = {.width = INT64_MAX};
	struct fasttrace_buffer_info info;
	struct fasttrace_packet p;
	uint64_t seq;

	if (fasttrace_buffer_get_info(t->arena, 0, &info) ||
	    fasttrace_buffer_switch(t->arena, 0, info.serial, FASTTRACE_ACTIVE))
		return look;
	while (!fasttrace_buffer_next(t->arena, 0, info.serial, 0, &seq, NULL) &&
	       !fasttrace_buffer_get(t->arena, 0, info.serial, seq, &p)) {
		const struct event *e = p.body;

		for (size_t i = 0; i + 1 < p.body_bytes / sizeof(*e); i++) {
			uint64_t low = e[i].header >> 16, ticks;

			ticks = p.begin + ((low - p.begin) & ((UINT64_C(1) << 48) - 1));
			look_at(&look, decode(&c, ticks), &e[i]);
		}
		fasttrace_buffer_put(t->arena, 0, &p);
	}
	return look;
}

static char *metadata_get(const struct traced *t)
{
	char *text = NULL;
	size_t len;

	if (fasttrace_arena_metadata(t->arena, &text, &len)) {
		fprintf(stderr, "clock: no metadata of %s\n", t->name);
		exit(1);
	}
	return text;
}

static void start_check(struct traced *t)
{
	struct look look;

	t->arena = arena_find(dir, t->pid);
	if (!t->arena) {
		fprintf(stderr, "clock: no arena of %s\n", t->name);
		exit(1);
	}
	t->metadata = metadata_get(t);
	look = burst_read(t);
	t->start_mid = look.mid;
	printf("%s (%s, %" PRIu64 " Hz): %u stamps at the start, %" PRId64 " ns off at most; ",
	       t->name,
	       fasttrace_arena_info(t->arena)->raw_clock ? "cycle counter" : "CLOCK_MONOTONIC",
	       fasttrace_arena_info(t->arena)->clock_hz, look.events, look.off);
	printf("narrowest bracket %" PRId64 " ns\n", look.width);
	check(look.events >= BURST / 2, t, "a burst has not been read");
	check(look.off <= START_NS, t, "a stamp is off by more than 1 us");
}

static void drift_check(struct traced *t, double seconds)
{
	struct look look;
	char c = '.', *now;
	double drift;

	check(write(t->to, &c, 1) == 1 && hear(t) == '.', t, "it is gone");
	look = burst_read(t);
	drift = (double)(look.mid - t->start_mid) / seconds / 1e3;
	printf("%s: drift %+.3f ppm over %.1f s; narrowest bracket %" PRId64 " ns\n", t->name,
	       drift, seconds, look.width);
	check(look.events >= BURST / 2, t, "a burst has not been read");
	check(drift < DRIFT_PPM && drift > -DRIFT_PPM, t, "the drift is 10 ppm or more");
	now = metadata_get(t);
	check(!strcmp(now, t->metadata), t, "the metadata has changed");
	free(now);
}

static void traced_end(struct traced *t)
{
	fasttrace_arena_close(t->arena);
	free((char *)(uintptr_t)t->metadata);
	close(t->to);
	close(t->from);
	kill(t->pid, SIGKILL);
	waitpid(t->pid, NULL, 0);
}

static void dir_remove(void)
{
	dir_empty(dir);
	rmdir(dir);
}

int main(int argc, char **argv)
{
	struct traced traced[] = {{.name = "as it is"}, {.name = "without tsc"}};
	double seconds = argc > 1 ? strtod(argv[1], NULL) : MIN_SECONDS, begin;
	unsigned n = 2;

	if (argc == 5 && !strcmp(argv[1], "--program"))
		return traced_run(atoi(argv[2]), atoi(argv[3]), !strcmp(argv[4], "hide"));
	if (seconds < MIN_SECONDS) {
		fprintf(stderr, "usage: clock [SECONDS], at least %d\n", MIN_SECONDS);
		return 2;
	}
	if (!dir_make(dir, sizeof(dir)) || setenv("FASTTRACE_DIR", dir, 1)) {
		perror("clock");
		return 1;
	}
	atexit(dir_remove);
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (unsigned i = 0; i < n; i++)
		if (!traced_start(&traced[i], i == 1)) {
			printf("SKIP %s: the clock source cannot be hidden here\n", traced[i].name);
			traced_end(&traced[--n]);
		}
	for (unsigned i = 0; i < n; i++)
		start_check(&traced[i]);
	begin = now();
	while (now() < begin + seconds)
		usleep(100000);
	for (unsigned i = 0; i < n; i++)
		drift_check(&traced[i], now() - begin);
	for (unsigned i = 0; i < n; i++)
		traced_end(&traced[i]);
	return failed ? 1 : 0;
}
