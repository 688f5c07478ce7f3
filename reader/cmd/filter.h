/* SPDX-License-Identifier: MIT */
/*
 * filter.h - which events are wanted: by time, name, level, thread and fields.
 */
#ifndef FT_FILTER_H
#define FT_FILTER_H

#include "ft-ctf.h"

struct ft_filter {
	/* As the command line has them; NULL: not given. To be freed by ft_filter_clear(). */
	char *from, *to, *last, *events, *level;
	char **tids, **where;
	/* What that means. */
	int64_t from_ns, to_ns;
	GArray *numbers;       /* of int64_t: tids */
	GPtrArray *conditions; /* of struct ft_where: all must hold */
	bool any;	       /* is there anything to look at for each event? */
};

#define FT_FILTER_ENTRIES 8
/** ft_filter_entries() - its options, FT_FILTER_ENTRIES with the end, for ft_usage_parse(). Static. */
const GOptionEntry *ft_filter_entries(void);
/** ft_filter_options - what the options have set. */
extern struct ft_filter ft_filter_options;

/** ft_filter_parse() - Return: EXIT_SUCCESS; FT_EXIT_USAGE, and it was told why. */
int ft_filter_parse(struct ft_filter *filter);
/** ft_filter_begin() - all traces are open: which of their classes are wanted, and since when. */
void ft_filter_begin(struct ft_filter *filter, struct ft_ctf_reader *reader);
/** ft_filter_declared() - the same of one trace, whenever it declares more. */
void ft_filter_declared(const struct ft_filter *filter, struct ft_ctf_trace *trace);
/** ft_filter_since() - what is the last of it ends then. */
void ft_filter_since(struct ft_filter *filter, int64_t end_ns);
/** ft_filter_passes() - is what comes next of a stream wanted? */
bool ft_filter_passes(const struct ft_filter *filter, struct ft_ctf_stream *stream);
void ft_filter_clear(struct ft_filter *filter);

#endif
