/* SPDX-License-Identifier: MIT */
/* daemon-labels.h - daemon.c's daemon, ordered to die at one label of the sources after the other. */
#ifndef DAEMON_LABELS_H
#define DAEMON_LABELS_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "points-page.h"
#include "row.h"

#define LABEL_SECONDS 0.3 /* for the daemon to pass the label, under load */
#define LABEL_PASSES  12

static struct points *labels; /* NULL: it dies at any instant */
static const char *labels_path;
static enum point label_last;
static uint64_t label_tries[POINTS], label_deaths[POINTS];

/* The program under test has labels of its own perhaps: the page is not for it. */
static void labels_make(void)
{
	const char *path = getenv("FASTTRACE_POINTS");
	int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
	void *at = MAP_FAILED;

	if (!path)
		return;
	if (fd >= 0 && !ftruncate(fd, sizeof(*labels)))
		at = mmap(NULL, sizeof(*labels), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		perror(path);
		exit(2);
	}
	close(fd);
	labels_path = strdup(path);
	unsetenv("FASTTRACE_POINTS");
	labels = at;
	labels->armed = 1; /* count what is passed */
}

/* In the process that becomes the daemon. */
static void labels_tell(void)
{
	if (labels)
		setenv("FASTTRACE_POINTS", labels_path, 1);
}

/* Of the labels that were ever passed, the next that was tried least. */
static enum point label_next(void)
{
	enum point best = POINT_none;

	for (unsigned i = 1; i < POINTS; i++) {
		enum point at = (enum point)(1 + (label_last + i - 1) % (POINTS - 1));

		if (labels->hits[at] && (best == POINT_none || label_tries[at] < label_tries[best]))
			best = at;
	}
	return best;
}

/* @begins: the daemon is about to be started. False: no labels, or none that is known. */
static bool label_arm(bool begins)
{
	enum point at = labels ? label_next() : POINT_none;

	if (at == POINT_none)
		return false;
	label_last = at;
	label_tries[at]++;
	labels->done = 0;
	labels->order[0] =
		(struct point_order){.at = at,
				     .pass = begins ? 0 : (uint32_t)random_below(LABEL_PASSES),
				     .deed = POINT_KILL};
	__atomic_store_n(&labels->orders, 1, __ATOMIC_SEQ_CST);
	return true;
}

/* Did it die there? Then it is waited for: until it is gone, it holds the lock. */
static bool label_await(void)
{
	double end = now() + LABEL_SECONDS;

	while (!__atomic_load_n(&labels->done, __ATOMIC_ACQUIRE) && now() < end)
		usleep(200);
	__atomic_store_n(&labels->orders, 0, __ATOMIC_SEQ_CST);
	usleep(1000); /* who has seen the order by now carries it out */
	if (!__atomic_load_n(&labels->done, __ATOMIC_ACQUIRE))
		return false;
	waitpid((pid_t)labels->pid, NULL, 0);
	label_deaths[label_last]++;
	return true;
}

static bool labels_row(uint64_t errors_found)
{
	uint64_t deaths = 0;
	unsigned at = 0, passed = 0;
	char tried[80];

	if (!labels)
		return false;
	for (unsigned i = 1; i < POINTS; i++) {
		deaths += label_deaths[i];
		at += label_deaths[i] != 0;
		passed += labels->hits[i] != 0;
	}
	snprintf(tried, sizeof(tried), "%llu kills, at %u of %u labels that it passes",
		 (unsigned long long)deaths, at, passed);
	row("daemon killed at labels, under load, with the program and without", tried,
	    "what could be read is lost never; a new daemon serves what is left; sums are exact",
	    "%llu errors", (unsigned long long)errors_found);
	return true;
}

#endif
