/* SPDX-License-Identifier: MIT */
/*
 * histogram.c - log-linear buckets.
 */
#include "histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DROPPED (52 - FT_HISTOGRAM_BITS) /* bits of a double's mantissa */
#define ROWS	20			 /* are few enough to cut powers of two */
#define GAP	4			 /* rows without any that are still drawn */
#define WIDTH	80			 /* of a row, if the bars have room in it */
#define BAR	20			 /* for the longest at least */

/* In the order of the numbers: -1 is the one of the smallest below zero. */
static int key_of(double value)
{
	double magnitude = fabs(value);
	uint64_t bits;

	memcpy(&bits, &magnitude, sizeof(bits));
	return value < 0 ? -1 - (int)(bits >> DROPPED) : (int)(bits >> DROPPED);
}

/* Where a bucket begins, on the side of zero if it lies above it. */
static double key_begin(int key)
{
	uint64_t bits = (uint64_t)(key < 0 ? -key : key) << DROPPED;
	double value;

	memcpy(&value, &bits, sizeof(value));
	return key < 0 ? -value : value;
}

void ft_histogram_add(struct ft_histogram *h, double value)
{
	gpointer key = GINT_TO_POINTER(key_of(value));
	gsize n;

	if (!h->buckets)
		h->buckets = g_hash_table_new(NULL, NULL);
	n = GPOINTER_TO_SIZE(g_hash_table_lookup(h->buckets, key));
	g_hash_table_insert(h->buckets, key, GSIZE_TO_POINTER(n + 1));
	h->min = h->count ? MIN(h->min, value) : value;
	h->max = h->count ? MAX(h->max, value) : value;
	h->total += (long double)value;
	h->count++;
}

static gint keys_compare(gconstpointer a, gconstpointer b)
{
	int x = *(const int *)a, y = *(const int *)b;

	return (x > y) - (x < y);
}

static GArray *keys_sorted(const struct ft_histogram *h)
{
	GArray *keys = g_array_new(FALSE, FALSE, sizeof(int));
	GHashTableIter iter;
	gpointer key;

	g_hash_table_iter_init(&iter, h->buckets);
	while (g_hash_table_iter_next(&iter, &key, NULL)) {
		int k = GPOINTER_TO_INT(key);

		g_array_append_val(keys, k);
	}
	g_array_sort(keys, keys_compare);
	return keys;
}

static uint64_t bucket_count(const struct ft_histogram *h, int key)
{
	return GPOINTER_TO_SIZE(g_hash_table_lookup(h->buckets, GINT_TO_POINTER(key)));
}

double ft_histogram_at(const struct ft_histogram *h, double share)
{
	uint64_t rank = MAX((uint64_t)ceil(share * (double)h->count), 1), seen = 0;
	GArray *keys = keys_sorted(h);
	double value = h->max;

	for (guint i = 0; i < keys->len; i++) {
		int key = g_array_index(keys, int, i);

		seen += bucket_count(h, key);
		if (seen < rank)
			continue;
		value = (key_begin(key) + key_begin(key + 1)) / 2;
		break;
	}
	g_array_unref(keys);
	return CLAMP(value, h->min, h->max);
}

/* Of the rows of a histogram. */
struct rows {
	unsigned shift;
	char *(*format)(double);
	uint64_t most;
	int range, count; /* columns */
};

static char *range_text(const struct rows *rows, int row)
{
	char *from = rows->format(key_begin(row * (1 << rows->shift)));
	char *until = rows->format(key_begin((row + 1) * (1 << rows->shift)));
	char *range = g_strdup_printf(!row	? "%s" /* below the smallest number that there is */
				      : row < 0 ? "(%s, %s]"
						: "[%s, %s)",
				      from, until);

	g_free(from);
	g_free(until);
	return range;
}

static void row_draw(GString *to, const struct rows *rows, int row, uint64_t count)
{
	int room = MAX(WIDTH - rows->range - rows->count - (int)strlen("     |"), BAR);
	int bar = (int)((double)count / (double)rows->most * room + 0.5);
	char *range = range_text(rows, row);

	g_string_append_printf(to, "  %-*s  %*" G_GUINT64_FORMAT " |", rows->range, range,
			       rows->count, count);
	for (int i = 0; i < MAX(bar, count ? 1 : 0); i++)
		g_string_append_c(to, '#');
	g_string_append_c(to, '\n');
	g_free(range);
}

/* Rows are keys without their last bits. */
static int row_of(int key, unsigned shift)
{
	return key >= 0 ? key >> shift : -1 - ((-1 - key) >> shift);
}

/* As many bits as make few rows; at most those of a whole power of two. */
static unsigned shift_choose(const struct ft_histogram *h)
{
	unsigned shift = 0;

	while (shift < FT_HISTOGRAM_BITS &&
	       row_of(key_of(h->max), shift) - row_of(key_of(h->min), shift) >= ROWS)
		shift++;
	return shift;
}

/* A row's number and count, of those that have any, in order. */
struct row {
	int row;
	uint64_t count;
};

static GArray *rows_make(const struct ft_histogram *h, struct rows *of)
{
	GArray *rows = g_array_new(FALSE, FALSE, sizeof(struct row)), *keys = keys_sorted(h);

	for (guint i = 0; i < keys->len; i++) {
		int key = g_array_index(keys, int, i);
		struct row row = {row_of(key, of->shift), bucket_count(h, key)};
		struct row *last =
			rows->len ? &g_array_index(rows, struct row, rows->len - 1) : NULL;

		if (last && last->row == row.row)
			row.count = last->count += row.count;
		else
			g_array_append_val(rows, row);
		of->most = MAX(of->most, row.count);
	}
	g_array_unref(keys);
	return rows;
}

static void columns_find(struct rows *of, const GArray *rows)
{
	char *most = g_strdup_printf("%" G_GUINT64_FORMAT, of->most);

	of->count = (int)strlen(most);
	g_free(most);
	for (guint i = 0; i < rows->len; i++) {
		char *range = range_text(of, g_array_index(rows, struct row, i).row);

		of->range = MAX(of->range, (int)strlen(range));
		g_free(range);
	}
}

void ft_histogram_draw(const struct ft_histogram *h, char *(*format)(double), GString *to)
{
	struct rows of = {.shift = shift_choose(h), .format = format};
	GArray *rows = rows_make(h, &of);

	columns_find(&of, rows);
	for (guint i = 0; i < rows->len; i++) {
		const struct row *r = &g_array_index(rows, struct row, i);
		int gap = i ? r->row - r[-1].row - 1 : 0;

		if (gap > GAP)
			g_string_append(to, "  ...\n");
		for (int g = gap > GAP ? 0 : gap; g > 0; g--)
			row_draw(to, &of, r->row - g, 0);
		row_draw(to, &of, r->row, r->count);
	}
	g_array_unref(rows);
}

void ft_histogram_clear(struct ft_histogram *h)
{
	if (h->buckets)
		g_hash_table_unref(h->buckets);
}
