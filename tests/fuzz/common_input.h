/* SPDX-License-Identifier: MIT */
/*
 * common_input.h - an input taken apart, byte by byte; zeros behind its end.
 */
#ifndef COMMON_INPUT_H
#define COMMON_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
	const uint8_t *data;
	size_t size;
};

static inline uint8_t input_u8(struct input *in)
{
	if (!in->size)
		return 0;
	in->size--;
	return *in->data++;
}

static inline uint16_t input_u16(struct input *in)
{
	uint16_t low = input_u8(in);

	return (uint16_t)(low | input_u8(in) << 8);
}

static inline uint32_t input_u32(struct input *in)
{
	uint32_t low = input_u16(in);

	return low | (uint32_t)input_u16(in) << 16;
}

static inline uint64_t input_u64(struct input *in)
{
	uint64_t low = input_u32(in);

	return low | (uint64_t)input_u32(in) << 32;
}

/** input_take() - `bytes` of it at once, or what there is. */
static inline struct input input_take(struct input *in, size_t bytes)
{
	struct input taken = {in->data, bytes < in->size ? bytes : in->size};

	in->data += taken.size;
	in->size -= taken.size;
	return taken;
}

#endif
