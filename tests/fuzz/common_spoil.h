/* SPDX-License-Identifier: MIT */
/*
 * common_spoil.h - changes to an arena's file that an input may ask for.
 *
 * A change is 0x80 | kind << 3 | part, buffer, place of 16 bits, and what the kind takes; one of
 * many bytes is a byte SPOIL_FIRST.. and what it takes. All else is for others to read.
 */
#ifndef COMMON_SPOIL_H
#define COMMON_SPOIL_H

#include "common_image.h"
#include "common_input.h"

/* Of a change to one word. */
enum spoil_kind {
	SPOIL_U64,  /* u64 */
	SPOIL_U32,  /* u32 */
	SPOIL_U16,  /* u16 */
	SPOIL_U8,   /* u8 */
	SPOIL_TEXT, /* length of 8 bits, bytes */
	SPOIL_WORD, /* number of an interesting word; the place counts words */
	SPOIL_ADD,  /* what to add, 8 bits with sign; the same */
	SPOIL_BIT,  /* which bit to turn over; the same */
	SPOIL_COPY, /* word that it becomes, 16 bits; the same */
	SPOIL_HALF, /* number of an interesting half word; the place counts halves */
	SPOIL_KINDS = 16
};

/* Of many bytes. */
enum spoil_many {
	SPOIL_FIRST = 0x40,
	SPOIL_TABLE = SPOIL_FIRST, /* an event table: u16 entries, stride / 8, u16 bytes each */
	SPOIL_PLACES,		   /* u16 buffers, all in place of one: u8 */
	SPOIL_PAGES,		   /* all slots of one buffer, u8, closed, full, with page u8 */
	SPOIL_FILL,		   /* part, buffer, u16 place, u32 bytes, u8 */
	SPOIL_SIZE,		   /* u8: the file and what it says of its size, 2^20 to 2^27 */
	SPOIL_RING,		   /* u8 buffer, u8 shifts: another geometry in its place */
	SPOIL_TRUNCATE,		   /* u16: the file ends after so many 64 bytes */
	SPOIL_LAST = SPOIL_TRUNCATE
};

/* What is written, and where. */
struct spoil {
	uint64_t offset;
	size_t bytes;
	unsigned char value[256];
};

/** spoil_read() - a change to a word. @op: its first byte, 0x80 or more. */
struct spoil spoil_read(struct input *in, uint8_t op);

/** spoil_many() - do a change of many bytes. @op: its first byte. */
void spoil_many(struct input *in, uint8_t op);

#endif
