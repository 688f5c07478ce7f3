/* SPDX-License-Identifier: MIT */
/*
 * events.h - the directories of events/: all that there are, a provider, an event of one.
 */
#ifndef FT_FS_EVENTS_H
#define FT_FS_EVENTS_H

#include "node.h"

struct ft_event_group {
	struct ft_event_group *parent;
	char *name;	     /* of the directory */
	const char *real;    /* that it stands for; NULL: all there are */
	unsigned first;	     /* id of the first class in it */
	GArray *ids;	     /* of the classes in it */
	GPtrArray *children; /* providers, or events; NULL: it is an event */
	GHashTable *by_name; /* the same by the names of their directories */
};

/** ft_events_find() - what the node stands for, with all classes that there are by now. */
int ft_events_find(struct ft_node *node, struct ft_event_group **group);

#endif
