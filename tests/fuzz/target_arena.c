/* SPDX-License-Identifier: MIT */
/*
 * target_arena.c - an arena mutated at rest, and between two calls of its reader.
 *
 * First byte: mode of the image, or RAW: the rest is the file; ALIVE, CONSUME. Then, one after the
 * other, changes to the file (common_spoil.h) and calls (common_ops.h). The arena is opened at the
 * first call. At the end every call is made on everything.
 */
#include <sys/stat.h>

#include "common_fence.h"
#include "common_ops.h"
#include "common_spoil.h"

#define RAW	 3
#define ALIVE	 4
#define CONSUME	 8
#define MAX_OPS	 64
#define RAW_SIZE (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Changes and calls, until the input ends. False: the arena was refused. */
static bool play(struct ops *o, struct input *in, bool consume)
{
	for (unsigned n = 0; in->size && n < MAX_OPS; n++) {
		uint8_t op = input_u8(in);

		if (op & 0x80) {
			struct spoil s = spoil_read(in, op);

			image_put(s.offset, s.value, s.bytes);
		} else if (op >= SPOIL_FIRST) {
			spoil_many(in, op);
		}
		if (o->a && op >= SPOIL_FIRST)
			fence(o->a);
		if (op < SPOIL_FIRST) {
			if (!o->a && !ops_open(o, consume))
				return false;
			ops_step(o, in, op);
		}
	}
	return o->a || ops_open(o, consume);
}

/* A file of which nothing is left is noticed by who looks at everything. */
static void sweep(struct ops *o)
{
	struct stat st = {.st_size = 1};

	ops_sweep(o);
	CHECK(!fstat(image_fd(), &st));
	CHECK(st.st_size || fasttrace_arena_broken(o->a) == -EPROTO);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct ops o = {.still = true, .fenced = true};
	uint8_t flags = input_u8(&in);

	fasttrace_reader_guard(); /* now: after the fuzzer has installed its own handlers */
	if ((flags & 3) == RAW) {
		image_raw(in.data, in.size, RAW_SIZE);
		in.size = 0;
	} else {
		image_make(flags & 3);
	}
	image_alive(flags & ALIVE);
	check_heap();
	if (play(&o, &in, flags & CONSUME))
		sweep(&o);
	ops_close(&o);
	return 0;
}
