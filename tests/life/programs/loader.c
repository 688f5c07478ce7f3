/* SPDX-License-Identifier: MIT */
/*
 * loader.c - loads and unloads an instrumented library, many times: it goes each time, and nothing
 * grows.
 *
 *   loader LIBRARY TIMES     kills itself at the end, so that the arena stays
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fasttrace.h"

struct resources {
	long maps, descriptors, pages;
};

static void fail(const char *what)
{
	fprintf(stderr, "loader: %s\n", what);
	exit(1);
}

static struct resources resources_now(void)
{
	struct resources r = {0, 0, 0};
	FILE *f = fopen("/proc/self/maps", "re");
	DIR *d = opendir("/proc/self/fd");
	long size;

	for (int c; f && (c = getc(f)) != EOF;)
		r.maps += c == '\n';
	if (f)
		fclose(f);
	while (d && readdir(d))
		r.descriptors++;
	if (d)
		closedir(d);
	f = fopen("/proc/self/statm", "re");
	if (!f || fscanf(f, "%ld %ld", &size, &r.pages) != 2)
		fail("statm");
	fclose(f);
	return r;
}

static void load_once(const char *path, int n)
{
	void *library = dlopen(path, RTLD_NOW);
	void (*call)(int);

	if (!library)
		fail(dlerror());
	*(void **)&call = dlsym(library, "plugin_call");
	if (!call)
		fail(dlerror());
	call(n);
	if (dlclose(library))
		fail(dlerror());
	if (dlopen(path, RTLD_NOW | RTLD_NOLOAD))
		fail("the library is still loaded");
}

int main(int argc, char **argv)
{
	int times = argc > 2 ? atoi(argv[2]) : 0;
	struct resources before, after;

	if (times < 200)
		fail("LIBRARY TIMES");
	for (int i = 0; i < 100; i++)
		load_once(argv[1], i);
	FASTTRACE(loader, warm);
	before = resources_now();
	for (int i = 100; i < times; i++)
		load_once(argv[1], i);
	after = resources_now();
	printf("maps %ld %ld, descriptors %ld %ld, pages %ld %ld\n", before.maps, after.maps,
	       before.descriptors, after.descriptors, before.pages, after.pages);
	if (after.maps > before.maps || after.descriptors > before.descriptors ||
	    after.pages > before.pages + 64)
		fail("something grows");
	fflush(stdout);
	FASTTRACE(loader, done, (times, times));
	kill(getpid(), SIGKILL);
	return 1;
}
