/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shortest_paths.h - the lab as a graph of one address family, and shortest paths from one node to
 * all others by breadth-first search. Every path remembers by which first hops it can begin, as a
 * set of bits. For routing.c.
 */
#ifndef VETHLAB_TOPOLOGY_SHORTEST_PATHS_H
#define VETHLAB_TOPOLOGY_SHORTEST_PATHS_H

#include "topology/model.h"
#include "topology/segments.h"

enum { PATHS_NO_SEGMENT = -1 };

/* An address of a node. Sorted by network, then by segment: runs of them are destinations and
 * groups. */
struct path_item {
	struct ip_prefix network;
	struct ip_addr addr;
	int segment;	 /* PATHS_NO_SEGMENT: on lo */
	unsigned node;	 /* index */
	const char *dev; /* borrowed from the lab */
};

/* Neighbours that reach each other without a router: items of one network on one segment. */
struct path_group {
	unsigned first, n; /* items */
};

/* A network that packets can go to. */
struct path_target {
	unsigned first, n; /* items */
	bool one_node;	   /* all of them are of one node */
};

struct path_graph {
	const struct lab *lab;
	uint8_t family;
	struct path_item *items;
	size_t n_items;
	struct path_group *groups;
	size_t n_groups;
	struct path_target *targets; /* by network */
	size_t n_targets;
	unsigned *group_of; /* by item */
	unsigned *by_node;  /* items of node i: by_node[node_first[i]] to [node_first[i + 1] - 1] */
	unsigned *node_first;
	bool *relevant; /* by node: others may have to know the way to it */
	unsigned words; /* of a set of first hops */
};

/* Returns 0 or -ENOMEM. Interfaces that are down, or whose other end is, are left out. */
int path_graph_build(struct path_graph *graph, const struct lab *lab,
		     const struct segments *segments, uint8_t family);
void path_graph_free(struct path_graph *graph);
bool path_graph_forwards(const struct path_graph *graph, unsigned node);

/* A neighbour as the first hop of paths. */
struct first_hop {
	const struct path_item *gateway;
	const char *dev; /* of the node that the paths begin at */
};

/* Shortest paths from one node. */
struct paths {
	const struct path_graph *graph;
	unsigned from;
	struct first_hop *hops; /* bit i of a set is hops[i] */
	size_t n_hops;
	unsigned *distance;    /* by node, in hops; PATHS_FAR: no path */
	uint64_t *first;       /* by node: graph->words each */
	unsigned *level;       /* by group: the distance of those who reach into it first */
	uint64_t *group_first; /* by group */
	unsigned *queue, *touched;
};

#define PATHS_FAR UINT32_MAX

/* Memory for paths_find(), which may be called again and again. Returns 0 or -ENOMEM. */
int paths_init(struct paths *paths, const struct path_graph *graph);
void paths_free(struct paths *paths);
/* Only the first hops from a node. Returns how many. */
size_t paths_hops(struct paths *paths, unsigned from);
void paths_find(struct paths *paths, unsigned from);

enum path_reach {
	PATH_CONNECTED, /* the node has an address in it */
	PATH_NONE,
	PATH_FOUND,
};
/* The first hops of all shortest paths to a target, into set (graph->words). */
enum path_reach paths_to(const struct paths *paths, const struct path_target *target,
			 uint64_t *set);

#endif
