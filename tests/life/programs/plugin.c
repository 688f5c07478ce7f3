/* SPDX-License-Identifier: MIT */
/* plugin.c - an instrumented library that is loaded and unloaded: traces at each turn of its life.
 */
#include "fasttrace.h"

void plugin_call(int n);

static __attribute__((constructor)) void loaded(void)
{
	FASTTRACE(plugin, loaded);
}

static __attribute__((destructor)) void unloaded(void)
{
	FASTTRACE(plugin, unloaded);
}

void plugin_call(int n)
{
	FASTTRACE(plugin, called, (n, n), (from, "a library"));
}
