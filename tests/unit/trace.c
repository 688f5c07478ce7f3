/* SPDX-License-Identifier: MIT */
/* trace.c - see trace.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "ft-walk.h"
#include "table.h"
#include "trace.h"

struct fasttrace_arena *arena;
char text[65536];
char warnings[4096];
static char dir[64];
static unsigned char packet[8192];
static size_t packet_bytes;
static uint32_t packet_pad;

int trace_setup(void **state)
{
	(void)state;
	arena = table_new();
	strcpy(dir, "/tmp/test_metadata.XXXXXX");
	assert_non_null(mkdtemp(dir));
	packet_bytes = FASTTRACE_HEADER_BYTES;
	return 0;
}

int trace_teardown(void **state)
{
	char path[128];

	(void)state;
	table_free(arena);
	for (unsigned i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s/%u", dir, i);
		unlink(path);
	}
	snprintf(path, sizeof(path), "%s/metadata", dir);
	unlink(path);
	return rmdir(dir);
}

void file_write(const char *name, const void *data, size_t bytes)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, bytes, f), bytes);
	assert_int_equal(fclose(f), 0);
}

char *metadata(void)
{
	char *tsdl;
	size_t len;

	assert_int_equal(fasttrace_arena_metadata(arena, &tsdl, &len), 0);
	assert_int_equal(strlen(tsdl), len);
	return tsdl;
}

void packet_add(unsigned id, uint64_t time, const void *payload, size_t bytes)
{
	unsigned char *p = table_event(packet + packet_bytes, time, id);

	memcpy(p, payload, bytes);
	packet_pad = (uint32_t)-bytes & 7;
	packet_bytes += 8 + bytes + packet_pad;
}

void packet_write(const char *name, struct ft_packet_fields f)
{
	f.bytes = packet_bytes;
	f.pad = packet_pad;
	ft_packet_header(arena, &f, packet);
	file_write(name, packet, packet_bytes);
	memset(packet, 0xee, sizeof(packet));
	packet_bytes = FASTTRACE_HEADER_BYTES;
}

static void output_read(const char *command, char *out, size_t size)
{
	FILE *f = popen(command, "r");
	size_t len;

	assert_non_null(f);
	len = fread(out, 1, size - 1, f);
	out[len] = '\0';
	assert_int_equal(pclose(f), 0);
}

void babeltrace(const char *options)
{
	char command[256];

	if (system("command -v babeltrace2 >/dev/null"))
		skip();
	snprintf(command, sizeof(command),
		 "prlimit --as=2000000000 babeltrace2 %s %s 2>%s.err </dev/null", options, dir,
		 dir);
	output_read(command, text, sizeof(text));
	snprintf(command, sizeof(command), "cat %s.err; rm %s.err", dir, dir);
	output_read(command, warnings, sizeof(warnings));
}

void trace_read_warned(const char *options)
{
	char *tsdl = metadata();

	file_write("metadata", tsdl, strlen(tsdl));
	free(tsdl);
	babeltrace(options);
}

void trace_read(const char *options)
{
	trace_read_warned(options);
	assert_string_equal(warnings, "");
}

void assert_has(const char *what)
{
	if (!strstr(text, what))
		fail_msg("missing: %s\nin: %s", what, text);
}
