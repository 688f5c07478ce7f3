/* SPDX-License-Identifier: MIT */
/*
 * config.c - the environment of the tracer.
 *
 * A bad value costs one line on stderr, which names the variable, the value and what is accepted;
 * the default is used, and the program runs.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "ft-create.h"
#include "ft-rules.h"

#define FILE_NAME_BYTES 128 /* of an arena, behind the directory */

static void complain(const char *name, const char *value, const char *accepted)
{
	ft_complain("fasttrace: ", name, "=", value, ": expected ", accepted, "\n", NULL);
}

static bool memory_valid(uint64_t bytes)
{
	return bytes >= UINT64_C(64) << 10 && bytes <= UINT64_C(1) << 40;
}

static void size_get(const char *name, const char *accepted, bool (*valid)(uint64_t n),
		     uint64_t *out)
{
	const char *value = getenv(name);
	uint64_t n;

	if (!value || !*value)
		return;
	if (!ft_number_parse(value, strlen(value), &n) || !valid(n))
		complain(name, value, accepted);
	else
		*out = n;
}

/* "2s", "500ms", "10us", "1" (seconds), "inf". */
static bool time_parse(const char *s, uint64_t *ns)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {{"", 1000000000}, {"s", 1000000000}, {"ms", 1000000}, {"us", 1000}, {"ns", 1}};
	const char *unit = s + strspn(s, "0123456789");
	uint64_t n;

	if (!strcmp(s, "inf")) {
		*ns = UINT64_MAX;
		return true;
	}
	if (!ft_number_parse(s, (size_t)(unit - s), &n))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (!strcmp(unit, units[i].unit) && !__builtin_mul_overflow(n, units[i].ns, &n)) {
			*ns = n;
			return true;
		}
	return false;
}

static void timeout_get(uint64_t *ns)
{
	const char *value = getenv("FASTTRACE_BLOCK_TIMEOUT");

	if (value && *value && !time_parse(value, ns))
		complain("FASTTRACE_BLOCK_TIMEOUT", value, "a time such as 2s or 500ms, or inf");
}

static void mode_get(enum ft_mode *mode)
{
	static const char *const names[] = {"overwrite", "discard", "block"};
	const char *value = getenv("FASTTRACE_MODE");

	if (!value || !*value)
		return;
	for (int i = 0; i < 3; i++)
		if (!strcmp(value, names[i])) {
			*mode = (enum ft_mode)i;
			return;
		}
	complain("FASTTRACE_MODE", value, "overwrite, discard or block");
}

static void off_get(bool *off)
{
	const char *value = getenv("FASTTRACE");

	*off = getauxval(AT_SECURE) != 0; /* a set-user-id program records for nobody */
	if (!value || !*value || !strcmp(value, "on"))
		return;
	if (!strcmp(value, "off"))
		*off = true;
	else
		complain("FASTTRACE", value, "on or off");
}

/* An absolute path, so that chdir() does not matter, without slashes at its end, which follow
 * links. */
static void path_get(const char *name, char *out, size_t size)
{
	const char *value = getenv(name), *slash = "";
	char cwd[PATH_MAX] = "";
	size_t len;

	if (!value || !*value)
		return;
	if (value[0] != '/') {
		if (!getcwd(cwd, sizeof(cwd))) {
			complain(name, value,
				 "an absolute path, for there is no working directory");
			return;
		}
		slash = "/";
	}
	if (strlen(cwd) + strlen(slash) + strlen(value) + FILE_NAME_BYTES >= size) {
		complain(name, value, "a shorter path");
		return;
	}
	ft_text_join(out, size, cwd, slash, value, NULL);
	for (len = strlen(out); len > 1 && out[len - 1] == '/'; len--)
		out[len - 1] = '\0';
}

static void events_get(char *out, size_t size)
{
	const char *value = getenv("FASTTRACE_EVENTS");

	if (!value)
		return;
	if (!ft_rules_valid((struct ft_span){value, strlen(value)}))
		complain("FASTTRACE_EVENTS", value, FT_RULES_ACCEPTED);
	else if (strlen(value) >= size)
		complain("FASTTRACE_EVENTS", value, "4095 bytes at most");
	else
		ft_text_join(out, size, value, NULL);
}

void ft_config_get(struct ft_config *config)
{
	char uid[21];

	*config = (struct ft_config){.mode = FT_OVERWRITE,
				     .subbuf_bytes = UINT64_C(128) << 10,
				     .subbufs = 8,
				     .max_bytes = UINT64_C(256) << 20,
				     .block_timeout_ns = UINT64_C(2000000000)};
	off_get(&config->off);
	if (config->off)
		return;
	ft_text_join(config->dir, sizeof(config->dir), "/dev/shm/fasttrace-",
		     ft_text_u64(uid, (uint64_t)geteuid()), NULL);
	path_get("FASTTRACE_DIR", config->dir, sizeof(config->dir));
	path_get("FASTTRACE_MOUNT", config->mount, sizeof(config->mount));
	mode_get(&config->mode);
	timeout_get(&config->block_timeout_ns);
	events_get(config->events, sizeof(config->events));
	size_get("FASTTRACE_SUBBUF_SIZE", FT_SUBBUF_ACCEPTED, ft_subbuf_valid,
		 &config->subbuf_bytes);
	size_get("FASTTRACE_SUBBUFS", FT_SUBBUFS_ACCEPTED, ft_subbufs_valid, &config->subbufs);
	size_get("FASTTRACE_MAX_MEMORY", "a size from 64K to 1024G", memory_valid,
		 &config->max_bytes);
}
