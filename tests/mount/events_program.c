/* SPDX-License-Identifier: MIT */
/*
 * events_program.c - the traced program of events.sh, and who turns its events on and off.
 *
 *   events_program run SHARED [ROUNDS]  threads go round; what they trace is in go_round()
 *   events_program turn SHARED MORE [FILE WORD]
 *       lets them run, writes WORD to FILE, prints the time and, for each thread, the rounds that
 *       were over right after that; then lets them go MORE rounds
 *   events_program late SHARED          one more event from the next round on
 *   events_program fork SHARED          has it fork a child that goes one round; prints its pid
 *   events_program many COUNT           enters COUNT events, each of another name
 *   events_program odd READY            enters odd ones, then makes the file READY
 *   events_program hostile READY        traces odd ones and odd values, then makes the file READY
 *
 * SHARED is a file that both map.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "fasttrace.h"
#include "ft-layout.h"

#define THREADS	   4
#define RUN_US	   5000
#define EVER	   UINT64_MAX
#define NAME_BYTES 64

struct shared {
	struct {
		uint64_t over; /* rounds */
		uint64_t limit;
		uint64_t held; /* stands at the limit of this turn */
		uint64_t pad[5];
	} thread[THREADS];
	uint64_t turns;
	uint32_t late;
	uint32_t fork;
	int32_t child;
};

static struct shared *shared;

static void *map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *memory;

	if (fd < 0 || ftruncate(fd, sizeof(*shared))) {
		perror(path);
		exit(1);
	}
	memory = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (memory == MAP_FAILED) {
		perror(path);
		exit(1);
	}
	return memory;
}

/* alpha:one has two call sites with different fields. */
static void go_round(uint64_t t, uint64_t n)
{
	if (n % 2)
		FASTTRACE(alpha, one, (thread, t), (n, n));
	else
		FASTTRACE(alpha, one, (thread, t), (n, n), (even, (short)1));
	FASTTRACE_LEVEL(FASTTRACE_DEBUG, alpha, two, (thread, t), (n, n));
	FASTTRACE(beta, one, (thread, t), (n, n));
	FASTTRACE(beta, two, (thread, t), (n, n), (text, "text"), (half, 0.5));
	if (FASTTRACE_ENABLED(beta, asked))
		FASTTRACE(beta, answer, (thread, t), (n, n));
	FASTTRACE_BEGIN(delta, span, (thread, t), (n, n));
	FASTTRACE_END(delta, span);
	if (__atomic_load_n(&shared->late, __ATOMIC_RELAXED))
		FASTTRACE(gamma, late, (thread, t), (n, n));
}

static void *go(void *arg)
{
	uint64_t t = (uintptr_t)arg, turn;

	for (uint64_t n = 0;; n++) {
		for (;; usleep(100)) {
			turn = __atomic_load_n(&shared->turns, __ATOMIC_ACQUIRE);
			if (n < __atomic_load_n(&shared->thread[t].limit, __ATOMIC_ACQUIRE))
				break;
			__atomic_store_n(&shared->thread[t].held, turn, __ATOMIC_RELEASE);
		}
		go_round(t, n);
		__atomic_store_n(&shared->thread[t].over, n + 1, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void child(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	go_round(THREADS, 0);
	__atomic_store_n(&shared->child, getpid(), __ATOMIC_RELEASE);
	for (;;)
		pause();
}

static int run(uint64_t rounds)
{
	pthread_t id;

	FASTTRACE(enable, enable, (n, 0));
	for (uintptr_t t = 0; t < THREADS; t++) {
		shared->thread[t].limit = rounds;
		pthread_create(&id, NULL, go, (void *)t);
	}
	for (;; usleep(1000))
		if (__atomic_exchange_n(&shared->fork, 0, __ATOMIC_ACQ_REL) && !fork())
			child();
	return 1;
}

static void limit(const uint64_t *from, uint64_t more)
{
	for (unsigned t = 0; t < THREADS; t++)
		__atomic_store_n(&shared->thread[t].limit, from ? from[t] + more : more,
				 __ATOMIC_RELEASE);
}

static int turn(uint64_t more, const char *path, const char *word)
{
	uint64_t over[THREADS], turns;
	struct timespec now;

	limit(NULL, EVER);
	usleep(RUN_US);
	if (path) {
		int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

		if (fd < 0 || write(fd, word, strlen(word)) != (ssize_t)strlen(word)) {
			perror(path);
			return 1;
		}
	}
	for (unsigned t = 0; t < THREADS; t++)
		over[t] = __atomic_load_n(&shared->thread[t].over, __ATOMIC_ACQUIRE);
	clock_gettime(CLOCK_REALTIME, &now);
	limit(over, more); /* who has gone further meanwhile stops where it is */
	for (unsigned t = 0; t < THREADS; t++)
		printf("%u %" PRIu64 "\n", t, over[t]);
	printf("time %jd.%09ld\n", (intmax_t)now.tv_sec, now.tv_nsec);
	turns = __atomic_add_fetch(&shared->turns, 1, __ATOMIC_ACQ_REL);
	for (unsigned t = 0; t < THREADS; t++)
		while (__atomic_load_n(&shared->thread[t].held, __ATOMIC_ACQUIRE) != turns)
			usleep(100);
	return 0;
}

static int fork_one(void)
{
	int32_t pid;

	shared->child = 0;
	__atomic_store_n(&shared->fork, 1, __ATOMIC_RELEASE);
	while (!(pid = __atomic_load_n(&shared->child, __ATOMIC_ACQUIRE)))
		usleep(1000);
	printf("%d\n", pid);
	return 0;
}

/* What a call site with these arguments enters into the table. */
static struct ft_event_entry *enter(const char *text, enum fasttrace_kind kind)
{
	struct fasttrace_event *event = calloc(1, sizeof(*event));

	if (!event)
		exit(1);
	event->on = &fasttrace_unregistered;
	event->text = text;
	event->abi = FASTTRACE_ABI;
	event->level = FASTTRACE_INFO;
	event->nfields = strchr(text, '(') != NULL;
	event->kind = (uint8_t)kind;
	event->types[0] = event->nfields ? FASTTRACE_TYPE_U64 : FASTTRACE_TYPE_NONE;
	fasttrace_event_register(event);
	return (void *)((char *)(uintptr_t)event->on - offsetof(struct ft_event_entry, on));
}

static int many(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		char *text = malloc(NAME_BYTES);

		if (!text)
			return 1;
		snprintf(text, NAME_BYTES, "many, event_%u, (n, n)", i);
		enter(text, FASTTRACE_KIND_EVENT);
	}
	enter("last, one", FASTTRACE_KIND_EVENT);
	for (;;)
		pause();
}

/* Names that no tracer would write; not longer than what they replace. */
static void rename_entry(struct ft_event_entry *e, const char *provider, const char *name)
{
	e->provider_len = (uint16_t)strlen(provider);
	e->name_len = (uint16_t)strlen(name);
	memcpy(e->strings, provider, e->provider_len + 1u);
	memcpy(e->strings + e->provider_len + 1, name, e->name_len + 1u);
}

static int stay(const char *ready)
{
	FILE *file = fopen(ready, "w");

	if (!file || fclose(file))
		return 1;
	for (;;)
		pause();
}

static int hostile(const char *ready)
{
	struct fasttrace_reservation r;
	struct ft_event_entry *e;
	char text[] = "x";

	prctl(PR_SET_NAME, "a\nb\033[2J");
	FASTTRACE(hostile, text, (text, "two\nlines \"\\ \033[2J \xc2\x9b \xff end"));
	for (unsigned i = 1; i < 256; i++) {
		text[0] = (char)i;
		FASTTRACE(hostile, byte, (text, text), (c, text[0]));
	}
	e = enter("hostile_provider, hostile_event", FASTTRACE_KIND_EVENT);
	rename_entry(e, "a\nb", "\033[2J\xff");
	if (!fasttrace_reserve(&r, 1, e->id))
		return 1;
	fasttrace_commit(&r);
	return stay(ready);
}

static int odd(const char *ready)
{
	static const char *const names[][2] = {
		{"..", "."},
		{"", ""},
		{"a/b", "/"},
		{"../../x", "y"},
		{"a_b", "z"},
		{"\033[2J", "\n\t"},
		{"\xff\xfe", "\xc2\x9b"},
		{"b-c", "d e"},
	};
	static char text[] = "hostile_provider_0, hostile_event";

	enter("kinds, span, (n, n)", FASTTRACE_KIND_BEGIN);
	enter("kinds, span", FASTTRACE_KIND_END);
	enter("kinds, span", FASTTRACE_KIND_GUARD);
	enter("kinds, asked", FASTTRACE_KIND_GUARD);
	enter("kinds, length, (value, n)", FASTTRACE_KIND_COUNTER);
	enter("enable, first", FASTTRACE_KIND_EVENT);
	enter("enable_, second", FASTTRACE_KIND_EVENT);
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
		text[strlen("hostile_provider_")] = (char)('0' + i);
		rename_entry(enter(text, FASTTRACE_KIND_EVENT), names[i][0], names[i][1]);
	}
	return stay(ready);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";

	if (!strcmp(what, "many"))
		return many((unsigned)atoi(argv[2]));
	if (!strcmp(what, "odd"))
		return odd(argv[2]);
	if (!strcmp(what, "hostile"))
		return hostile(argv[2]);
	if (argc > 2)
		shared = map(argv[2]);
	if (!strcmp(what, "run"))
		return run(argc > 3 ? strtoull(argv[3], NULL, 10) : 100);
	if (!strcmp(what, "turn") && argc > 3)
		return turn(strtoull(argv[3], NULL, 10), argc > 5 ? argv[4] : NULL,
			    argc > 5 ? argv[5] : NULL);
	if (!strcmp(what, "fork"))
		return fork_one();
	if (!strcmp(what, "late")) {
		__atomic_store_n(&shared->late, 1, __ATOMIC_RELEASE);
		return 0;
	}
	fprintf(stderr, "usage: see the head of events_program.c\n");
	return 2;
}
