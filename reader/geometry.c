/* SPDX-License-Identifier: MIT */
/*
 * geometry.c - how large the rings of threads to come are (ft-layout.h, I10).
 */
#include "ft-reader.h"

int fasttrace_geometry_get(const struct fasttrace_arena *a, struct fasttrace_geometry *geometry)
{
	struct ft_geometry g = ft_geometry_of(ft_load_relaxed(&a->shared->geometry)); /* I10 */

	if (a->broken || !ft_geometry_valid(g))
		return -EPROTO;
	geometry->subbuf_bytes = UINT64_C(1) << g.subbuf_shift;
	geometry->subbufs = UINT32_C(1) << g.subbufs_shift;
	return 0;
}

int fasttrace_geometry_set(struct fasttrace_arena *a, const struct fasttrace_geometry *geometry)
{
	uint64_t before = ft_load_relaxed(&a->shared->geometry), control, bytes; /* I10 */
	enum ft_mode mode = (enum ft_mode)a->info.mode;
	struct ft_geometry g;

	if (!ft_subbuf_valid(geometry->subbuf_bytes) || !ft_subbufs_valid(geometry->subbufs))
		return -EINVAL;
	if (!a->consumer)
		return -EBUSY;
	g = ft_geometry_make(geometry->subbuf_bytes, geometry->subbufs);
	bytes = ft_ring_bytes(mode, g, &control);
	if (!ft_geometry_fits(mode, g, bytes, a->size - a->buffers_offset))
		return -ENOSPC;
	/* Nobody but us writes it. */
	if (a->broken || !ft_cas(&a->shared->geometry, before, ft_geometry_word(g)))
		return -EPROTO;
	FASTTRACE_POINT(geometry_set);
	return 0;
}
