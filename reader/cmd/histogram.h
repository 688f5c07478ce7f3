/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how numbers are distributed, in memory that does not grow with how many they are.
 *
 * Log-linear buckets, as those of Gil Tene's HdrHistogram: each power of two is cut into 128 of the
 * same width. A percentile is the middle of its bucket, so at most 1/256, 0.4 %, beside the number.
 * A bucket is the first bits of a double, exponent and mantissa: no table, any magnitude.
 */
#ifndef FT_HISTOGRAM_H
#define FT_HISTOGRAM_H

#include <glib.h>
#include <stdint.h>

#define FT_HISTOGRAM_BITS 7 /* of the mantissa */

struct ft_histogram {
	GHashTable *buckets; /* key -> how many; at most 2^19 of them, as many as there are keys */
	uint64_t count;
	long double total; /* of integers exact up to 2^64 at least */
	double min, max;
};

/** ft_histogram_add() - @value: finite. The struct is zeroed at first. */
void ft_histogram_add(struct ft_histogram *histogram, double value);
/** ft_histogram_at() - the number that @share of them, 0 to 1, are not above; there is one at least. */
double ft_histogram_at(const struct ft_histogram *histogram, double share);
/**
 * ft_histogram_draw() - a row for each power of two, or a part of it if they are few.
 * @format: of a bound, to be freed.
 */
void ft_histogram_draw(const struct ft_histogram *histogram, char *(*format)(double), GString *to);
void ft_histogram_clear(struct ft_histogram *histogram);

#endif
