/* SPDX-License-Identifier: MIT */
/* environment.h - the variables that libfasttrace reads, in the order of their fuzzed values. */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

static const char *const environment_names[] = {"FASTTRACE",
						"FASTTRACE_DIR",
						"FASTTRACE_MOUNT",
						"FASTTRACE_MODE",
						"FASTTRACE_SUBBUF_SIZE",
						"FASTTRACE_SUBBUFS",
						"FASTTRACE_MAX_MEMORY",
						"FASTTRACE_BLOCK_TIMEOUT",
						"FASTTRACE_EVENTS"};
#define ENVIRONMENT_NAMES (sizeof(environment_names) / sizeof(*environment_names))

#endif
