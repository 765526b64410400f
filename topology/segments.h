/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * segments.h - which links are one wire: a bridge joins its links into one segment, every other
 * link is a segment of its own. Ends of one segment hear each other's broadcasts.
 */
#ifndef VETHLAB_TOPOLOGY_SEGMENTS_H
#define VETHLAB_TOPOLOGY_SEGMENTS_H

#include "topology/model.h"

struct segments {
	unsigned *of_link; /* number of the segment, by link->index */
	size_t count;	   /* numbers are 0 to count - 1, in the order of their first links */
};

/* Returns 0 or -ENOMEM. */
int segments_find(struct segments *segments, const struct lab *lab);
void segments_free(struct segments *segments);

static inline unsigned segment_of(const struct segments *segments, const struct end *end)
{
	return segments->of_link[end->link->index];
}

#endif
