/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * aggregate.h - which networks of a lab are halves of a bigger one: a forest whose leaves are the
 * networks. It is the same for all nodes; whether two halves are reached the same way is each
 * node's own matter. For routing.c.
 */
#ifndef VETHLAB_TOPOLOGY_AGGREGATE_H
#define VETHLAB_TOPOLOGY_AGGREGATE_H

#include "topology/shortest_paths.h"

struct aggregate_node {
	struct ip_prefix network;
	int half[2]; /* -1: a leaf; else lower and upper half, which come before it */
};

struct aggregate_forest {
	struct aggregate_node
		*nodes; /* the first n_leaves are the graph's targets, in their order */
	size_t n, n_leaves;
	unsigned *roots; /* by network */
	size_t n_roots;
};

/* Returns 0 or -ENOMEM. No inner node is a target itself. */
int aggregate_build(struct aggregate_forest *forest, const struct path_graph *graph);
void aggregate_free(struct aggregate_forest *forest);

#endif
