/* SPDX-License-Identifier: MIT */
/*
 * growth.c [ROUNDS] - figure `growth`: what an event takes where there are many threads, processes or
 * event classes, beside one of each.
 *
 * Each thread has a ring of 4 x 16 KiB, which 1,000 threads of a process get as well as one. It goes
 * round it twice; then, while all others do the same, it records EVENTS events: processor time, for
 * there are more threads than processors. Of each run it is the median thread's. Of many classes each
 * has a call site's descriptor of its own; either one of them is recorded, or all by turns, which
 * adds what the processor's caches have to fetch for so many sites.
 */
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fasttrace.h>

enum { EVENTS = 300000, WARM_UP = 8192, MAX_WRITERS = 1000, MAX_CLASSES = 10000, MAX_ROUNDS = 99 };

static const struct growth {
	const char *name, *one; /* what it is compared with */
	int processes, threads, classes;
	bool by_turns;
} growths[] = {
	{"10 threads", "one thread", 1, 10, 1, false},
	{"100 threads", "one thread", 1, 100, 1, false},
	{"1000 threads", "one thread", 1, 1000, 1, false},
	{"50 processes", "one process", 50, 1, 1, false},
	{"200 processes", "one process", 200, 1, 1, false},
	{"100 classes", "one class", 1, 1, 100, false},
	{"10000 classes", "one class", 1, 1, 10000, false},
	{"100 classes by turns", "one class", 1, 1, 100, true},
	{"10000 classes by turns", "one class", 1, 1, 10000, true},
};

enum { GROWTHS = sizeof(growths) / sizeof(*growths) };

static const struct growth single = {NULL, NULL, 1, 1, 1, false};

/* Of one run; shared by all its processes. */
static struct shared {
	pthread_barrier_t begin;
	uint32_t lost; /* threads whose events are not all recorded */
	double ns[MAX_WRITERS];
} * shared;

static const struct growth *now;
static struct fasttrace_event *sites; /* as many as there are classes */
static char (*texts)[32];
static double values[GROWTHS][2][MAX_ROUNDS];

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What FASTTRACE(growth, cN, (value, value)) is, of a site that is made at run time. */
static inline void record(struct fasttrace_event *site, uint64_t value)
{
	struct fasttrace_reservation r;
	uint32_t id = fasttrace_event_id(site);
	unsigned char *p = id ? fasttrace_reserve(&r, 2, id) : NULL;

	if (!p)
		return;
	memcpy(p + 8, &value, 8);
	fasttrace_commit(&r);
}

static void sites_make(int n)
{
	sites = calloc((size_t)n, sizeof(*sites));
	texts = calloc((size_t)n, sizeof(*texts));
	for (int i = 0; sites && texts && i < n; i++) {
		snprintf(texts[i], sizeof(texts[i]), "growth, c%d, (value, i)", i);
		sites[i] = (struct fasttrace_event){.on = &fasttrace_unregistered,
						    .text = texts[i],
						    .abi = FASTTRACE_ABI,
						    .level = FASTTRACE_INFO,
						    .nfields = 1,
						    .kind = FASTTRACE_KIND_EVENT,
						    .types = {FASTTRACE_TYPE_U64}};
		record(&sites[i], 0);
	}
}

__attribute__((noinline)) static void one_class(uint64_t n)
{
	struct fasttrace_event *site = &sites[now->classes / 2];

	for (uint64_t i = 0; i < n; i++)
		record(site, i);
}

__attribute__((noinline)) static void by_turns(uint64_t n)
{
	struct fasttrace_event *site = sites, *end = sites + now->classes;

	for (uint64_t i = 0; i < n; i++) {
		record(site, i);
		if (++site == end)
			site = sites;
	}
}

static void *writer(void *at)
{
	void (*loop)(uint64_t) = now->by_turns ? by_turns : one_class;
	double began;

	loop(WARM_UP > now->classes ? WARM_UP : (uint64_t)now->classes);
	pthread_barrier_wait(&shared->begin);
	began = cpu_ns();
	loop(EVENTS);
	*(double *)at = (cpu_ns() - began) / EVENTS;
	if (!fasttrace_self->slot || !fasttrace_event_id(&sites[now->classes - 1]))
		__atomic_add_fetch(&shared->lost, 1, __ATOMIC_RELAXED);
	return NULL;
}

static int process(double *ns)
{
	pthread_t id[MAX_WRITERS];
	pthread_attr_t small;

	sites_make(now->classes);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	for (int i = 0; i < now->threads; i++)
		if (pthread_create(&id[i], &small, writer, &ns[i]))
			exit(1);
	for (int i = 0; i < now->threads; i++)
		pthread_join(id[i], NULL);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ns per event of the median thread. Every process is new, and leaves nothing: it exits. */
static double run(const struct growth *growth)
{
	int writers = growth->processes * growth->threads, status, failed = 0;
	pthread_barrierattr_t attr;

	now = growth;
	pthread_barrierattr_init(&attr);
	pthread_barrierattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_barrier_init(&shared->begin, &attr, (unsigned)writers);
	shared->lost = 0;
	for (int i = 0; i < growth->processes; i++) {
		pid_t pid = fork();

		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			exit(process(&shared->ns[i * growth->threads]));
		}
		failed |= pid < 0;
	}
	while (!failed && wait(&status) > 0)
		failed = status;
	if (failed || shared->lost) {
		fprintf(stderr, "growth: %s: it failed; %u threads have lost events\n",
			growth->name ? growth->name : "one", shared->lost);
		exit(1); /* and those that wait for others end */
	}
	qsort(shared->ns, (size_t)writers, sizeof(double), compare);
	return shared->ns[writers / 2];
}

static void print(const struct growth *growth, const char *subject, const char *label,
		  const double *ns, int rounds)
{
	printf("{\"figure\": \"growth\", \"case\": \"%s\", \"subject\": \"%s\"", growth->name,
	       subject);
	if (label)
		printf(", \"label\": \"%s\"", label);
	printf(", \"unit\": \"ns\", \"values\": [");
	for (int i = 0; i < rounds; i++)
		printf("%s%.3f", i ? ", " : "", ns[i]);
	puts("]}");
}

/* What is measured is as we say, whatever the environment does. */
static void environment_set(char **argv)
{
	static const char *const set[][2] = {
		{"FASTTRACE", "on"},	    {"FASTTRACE_MODE", "overwrite"},
		{"FASTTRACE_EVENTS", "*"},  {"FASTTRACE_SUBBUF_SIZE", "16K"},
		{"FASTTRACE_SUBBUFS", "4"}, {"FASTTRACE_MAX_MEMORY", "256M"},
	};
	bool again = false;

	for (size_t i = 0; i < sizeof(set) / sizeof(*set); i++) {
		const char *is = getenv(set[i][0]);

		again |= !is || strcmp(is, set[i][1]) != 0;
		setenv(set[i][0], set[i][1], 1);
	}
	if (again)
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 7;

	environment_set(argv);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED || rounds < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: growth [ROUNDS], 1 to %d\n", MAX_ROUNDS);
		return 2;
	}
	for (int i = 0; i < rounds; i++)
		for (int g = 0; g < GROWTHS; g++) {
			values[g][0][i] = run(&growths[g]);
			values[g][1][i] = run(&single);
		}
	for (int g = 0; g < GROWTHS; g++) {
		print(&growths[g], "fasttrace", NULL, values[g][0], rounds);
		print(&growths[g], "none", growths[g].one, values[g][1], rounds);
	}
	return 0;
}
