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

/* An end that the bridge of its node has as a port. */
static inline bool end_is_port(const struct end *end)
{
	return end->node->kind == NODE_BRIDGE && !end->no_port;
}

/* The first port of a bridge, whose segment is that of the bridge's own interface; NULL: none. */
const struct end *bridge_port(const struct node *node);

static inline unsigned segment_of(const struct segments *segments, const struct end *end)
{
	return segments->of_link[end->link->index];
}

#endif
