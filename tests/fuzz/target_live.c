/* SPDX-License-Identifier: MIT */
/*
 * target_live.c - an arena mutated while it is read, and sometimes truncated under the mapping.
 *
 * First byte: mode of the image; ALIVE, CONSUME, TRUNCATE and the half of what is left of the file
 * then. Second: how many changes follow (common_spoil.h). A thread makes them and takes them back,
 * in an order of its own, while this one calls (common_ops.h) and then calls everything.
 */
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common_ops.h"
#include "common_spoil.h"

#define ALIVE	    4
#define CONSUME	    8
#define TRUNCATE    16
#define LEFT_SHIFT  5 /* of three bits: eighths of the file */
#define MAX_CHANGES 32
#define MAX_OPS	    32
#define ROUNDS	    3

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The hostile writer. */
struct mutator {
	struct spoil change[MAX_CHANGES];
	unsigned changes;
	uint64_t left; /* of the file, once it is truncated; all of it: it is not */
	uint64_t seed;
	unsigned char *map;
	volatile sig_atomic_t broken; /* the map's, as the guard notes it */
	uint32_t stop;
};

static void swap_bytes(unsigned char *shared, unsigned char *own, size_t bytes)
{
	uint64_t word;

	if (bytes == 8 && !((uintptr_t)shared % 8)) {
		memcpy(&word, own, 8);
		word = __atomic_exchange_n((uint64_t *)(void *)shared, word, __ATOMIC_RELAXED);
		memcpy(own, &word, 8);
		return;
	}
	for (size_t i = 0; i < bytes; i++) {
		unsigned char was = *(volatile unsigned char *)(shared + i);

		*(volatile unsigned char *)(shared + i) = own[i];
		own[i] = was;
	}
}

static void *mutate(void *arg)
{
	struct mutator *m = arg;

	for (unsigned n = 0; !__atomic_load_n(&m->stop, __ATOMIC_RELAXED); n++) {
		struct spoil *s;

		if (n == 64 && m->left < IMAGE_SIZE && ftruncate(image_fd(), (off_t)m->left))
			abort();
		if (!m->changes)
			continue;
		m->seed = m->seed * UINT64_C(6364136223846793005) + 1442695040888963407;
		s = &m->change[(m->seed >> 33) % m->changes];
		if (s->offset + s->bytes <= IMAGE_SIZE)
			swap_bytes(m->map + s->offset, s->value, s->bytes);
	}
	return NULL;
}

static void changes_read(struct mutator *m, struct input *in)
{
	unsigned n = input_u8(in) % (MAX_CHANGES + 1);

	while (m->changes < n && in->size)
		m->change[m->changes++] = spoil_read(in, 0x80 | input_u8(in));
	m->seed = n;
}

static void play(struct ops *o, struct input in, bool consume)
{
	for (unsigned n = 0; in.size && n < MAX_OPS; n++)
		if (o->a || ops_open(o, consume))
			ops_step(o, &in, input_u8(&in) & (SPOIL_FIRST - 1));
	if (o->a || ops_open(o, consume))
		ops_sweep(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t flags = input_u8(&in);
	struct ops o = {.fenced = true};
	struct mutator m = {.left = IMAGE_SIZE};
	pthread_t thread;

	fasttrace_reader_guard(); /* now: after the fuzzer has installed its own handlers */
	image_make(flags & 3);
	image_alive(flags & ALIVE);
	changes_read(&m, &in);
	for (unsigned i = 0; i < m.changes; i++)
		o.fenced = o.fenced && m.change[i].offset >= IMAGE_PATHS;
	if (flags & TRUNCATE)
		m.left = IMAGE_SIZE / 8 * (flags >> LEFT_SHIFT);
	m.map = mmap(NULL, IMAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, image_fd(), 0);
	CHECK(m.map != MAP_FAILED);
	ft_guard_add(m.map, IMAGE_SIZE, &m.broken);
	check_heap();
	CHECK(!pthread_create(&thread, NULL, mutate, &m));
	for (unsigned round = 0; round < ROUNDS; round++) {
		play(&o, in, flags & CONSUME);
		ops_close(&o);
	}
	__atomic_store_n(&m.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	ft_guard_remove(m.map);
	munmap(m.map, IMAGE_SIZE);
	fuzz_output(); /* what came out is never twice the same */
	return 0;
}
