/* SPDX-License-Identifier: MIT */
/* target_fuse_input.h - what the steps of target_fuse.c take from an input: nodes, files, names, numbers. */
#ifndef TARGET_FUSE_INPUT_H
#define TARGET_FUSE_INPUT_H

#include "target_fuse_kernel.h"

/* The input, read from its beginning; behind its end are zeros. */
static const uint8_t *input;
static size_t input_left;

static uint8_t take8(void)
{
	if (!input_left)
		return 0;
	input_left--;
	return *input++;
}

static uint32_t take(unsigned bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | take8();
	return value;
}

/* What steps pick from: 0 is the newest. */
static struct known *pick_known(void)
{
	uint8_t n = take8();

	return kernel.nnodes ? &kernel.nodes[kernel.nnodes - 1 - n % kernel.nnodes] : NULL;
}

static uint64_t pick_ino(void)
{
	uint8_t n = take8();

	if (n >= 0xf0)
		return take(4) * UINT64_C(0x9e3779b97f4a7c15);
	if (n >= 0xe0 || !kernel.nnodes)
		return FUSE_ROOT_ID;
	return kernel.nodes[kernel.nnodes - 1 - n % kernel.nnodes].ino;
}

static struct open_file *pick_file(void)
{
	uint8_t n = take8();

	return kernel.nfiles ? &kernel.files[kernel.nfiles - 1 - n % kernel.nfiles] : NULL;
}

/* A known name, one of a listing, or any bytes. */
static const char *pick_name(void)
{
	static const char *const names[] = {"README",
					    "control",
					    "tracing_on",
					    "error_log",
					    "comm",
					    "exe",
					    "cmdline",
					    "state",
					    "mode",
					    "subbuf_size",
					    "subbufs",
					    "clock",
					    "stats",
					    "events",
					    "threads",
					    "ctf-metadata",
					    "snapshot",
					    "enable",
					    "metadata",
					    "format",
					    "id",
					    "name",
					    "subbuf",
					    "stream",
					    "drain",
					    "fuzz",
					    "tick",
					    "4711",
					    "4711.1",
					    "1",
					    "00000000000000000000",
					    "00000000000000000001",
					    "trace",
					    "trace_pipe",
					    "marker"};
	static char text[1025];
	uint8_t n = take8();
	size_t len;

	if (n < 0x40)
		return names[n % G_N_ELEMENTS(names)];
	if (n < 0xf0)
		return kernel.nnames ? kernel.names[n % MIN(kernel.nnames, NAMES)] : "";
	len = take(n == 0xff ? 2 : 1) % sizeof(text);
	for (size_t i = 0; i < len; i++)
		text[i] = (char)take8();
	text[len] = '\0';
	return text;
}

static const char *pick_text(size_t *bytes)
{
	static const char *const words[] = {"flush",	 "active",   "0",     "1",
					    " flush \n", "bogus",    "",      "1\n",
					    "\n\n",	 "active\t", "64K\n", "4096"};
	static const char *const others[] = {"clear", "start",	   "stop",    "tsc",
					     "8",     "overwrite", "block\n", "8192"};
	static char text[1 << 17];
	uint8_t n = take8();

	if (n >= 0xd0 && n < 0xe0) {
		*bytes = strlen(others[n % G_N_ELEMENTS(others)]);
		return others[n % G_N_ELEMENTS(others)];
	}
	if (n < 0xe0) {
		*bytes = strlen(words[n % G_N_ELEMENTS(words)]);
		return words[n % G_N_ELEMENTS(words)];
	}
	*bytes = n >= 0xf8 ? sizeof(text) : take8();
	for (size_t i = 0; i < *bytes; i++)
		text[i] = (char)take8();
	return text;
}

static uint64_t pick_offset(void)
{
	static const uint64_t wild[] = {0, 1, 79, 80, 4095, 4096, INT64_MAX, UINT64_MAX};
	uint8_t n = take8();

	return n < 0x80 ? 0 : n < 0xc0 ? wild[n % G_N_ELEMENTS(wild)] : take(2);
}

static uint32_t pick_size(void)
{
	static const uint32_t wild[] = {0, 1, 24, 100, 4096, 1 << 17, 1 << 20, UINT32_MAX};
	uint8_t n = take8();

	return n < 0xc0 ? wild[n % G_N_ELEMENTS(wild)] : take(2);
}

#endif
