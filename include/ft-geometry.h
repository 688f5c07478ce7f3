/* SPDX-License-Identifier: MIT */
/*
 * ft-geometry.h - how large a ring is: its bounds, as a person writes it, and as one word.
 */
#ifndef FT_GEOMETRY_H
#define FT_GEOMETRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FT_MIN_SUBBUF	    (UINT64_C(4) << 10)
#define FT_MAX_SUBBUF	    (UINT64_C(16) << 20)
#define FT_SUBBUF_ACCEPTED  "a power of two from 4K to 16M"
#define FT_MIN_SUBBUFS	    UINT64_C(2)
#define FT_MAX_SUBBUFS	    UINT64_C(4096)
#define FT_SUBBUFS_ACCEPTED "a power of two from 2 to 4096"

struct ft_geometry {
	uint32_t subbuf_shift; /* log2 of a sub-buffer's bytes */
	uint32_t subbufs_shift;
};

/* What a thread gets past half of a bound: 4 x 16K. */
#define FT_GEOMETRY_SMALL ((struct ft_geometry){14, 2})

/** ft_number_parse() - digits and one of K, M, G, in either case. False: it is no such number. */
static inline bool ft_number_parse(const char *text, size_t len, uint64_t *out)
{
	static const char units[] = "KMG";
	uint64_t n = 0;
	size_t i = 0;

	for (; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(text[i] - '0'), &n))
			return false;
	if (!i || i + 1 < len)
		return false;
	for (unsigned u = 0; i < len; u++) {
		if (!units[u] || __builtin_mul_overflow(n, 1024, &n))
			return false;
		if ((text[i] & ~0x20) == units[u])
			break;
	}
	*out = n;
	return true;
}

static inline bool ft_subbuf_valid(uint64_t bytes)
{
	return bytes >= FT_MIN_SUBBUF && bytes <= FT_MAX_SUBBUF && !(bytes & (bytes - 1));
}

static inline bool ft_subbufs_valid(uint64_t n)
{
	return n >= FT_MIN_SUBBUFS && n <= FT_MAX_SUBBUFS && !(n & (n - 1));
}

/* Both are valid. */
static inline struct ft_geometry ft_geometry_make(uint64_t subbuf_bytes, uint64_t subbufs)
{
	return (struct ft_geometry){(uint32_t)__builtin_ctzll(subbuf_bytes),
				    (uint32_t)__builtin_ctzll(subbufs)};
}

static inline bool ft_geometry_valid(struct ft_geometry g)
{
	return g.subbuf_shift >= 12 && g.subbuf_shift <= 24 && g.subbufs_shift >= 1 &&
	       g.subbufs_shift <= 12;
}

static inline bool ft_geometry_same(struct ft_geometry a, struct ft_geometry b)
{
	return a.subbuf_shift == b.subbuf_shift && a.subbufs_shift == b.subbufs_shift;
}

/* struct ft_arena.geometry: { subbufs_shift:32, subbuf_shift:32 } */
static inline uint64_t ft_geometry_word(struct ft_geometry g)
{
	return (uint64_t)g.subbufs_shift << 32 | g.subbuf_shift;
}

static inline struct ft_geometry ft_geometry_of(uint64_t word)
{
	return (struct ft_geometry){(uint32_t)word, (uint32_t)(word >> 32)};
}

#endif
