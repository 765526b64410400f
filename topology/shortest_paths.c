// SPDX-License-Identifier: GPL-2.0-only
/* shortest_paths.c - the graph of a lab, and breadth-first search from one node, level by level. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"
#include "topology/shortest_paths.h"

/* ---- the graph ----------------------------------------------------------------------------- */

bool path_graph_forwards(const struct path_graph *graph, unsigned node)
{
	const struct node *n = graph->lab->nodes[node];

	return graph->family == AF_INET ? n->forward_v4 : n->forward_v6;
}

static void add_items(struct path_graph *graph, const struct address *addresses, size_t n,
		      int segment, const struct node *node, const char *dev)
{
	for (size_t i = 0; i < n; i++) {
		const struct ip_prefix *prefix = &addresses[i].prefix;

		if (prefix->addr.family != graph->family || ip_is_link_local(&prefix->addr) ||
		    (prefix->addr.family == AF_INET && prefix->addr.bytes[0] == 127))
			continue;
		if (graph->items)
			graph->items[graph->n_items] = (struct path_item){
				ip_network(prefix), prefix->addr, segment, node->index, dev};
		graph->n_items++;
	}
}

/* All items of the lab; without memory for them they are counted. */
static void collect(struct path_graph *graph, const struct segments *segments)
{
	const struct lab *lab = graph->lab;

	graph->n_items = 0;
	for (size_t i = 0; i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];

		if (node->lo_up)
			add_items(graph, node->lo_addresses, node->n_lo_addresses, PATHS_NO_SEGMENT,
				  node, "lo");
		add_items(graph, node->bridge_addresses, node->n_bridge_addresses,
			  bridge_port(node) ? (int)segment_of(segments, bridge_port(node))
					    : PATHS_NO_SEGMENT,
			  node, node->bridge.dev);
	}
	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		const struct end *end = lab_end(lab, i);

		if (end->up && end->peer->up)
			add_items(graph, end->addresses, end->n_addresses,
				  segment_of(segments, end), end->node, end->ifname);
	}
}

static int item_compare(const void *a, const void *b)
{
	const struct path_item *x = a, *y = b;
	int order = ip_compare(&x->network.addr, &y->network.addr);

	if (order)
		return order;
	if (x->network.len != y->network.len)
		return x->network.len - y->network.len;
	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return ip_compare(&x->addr, &y->addr) ?: (int)x->node - (int)y->node;
}

static bool same_network(const struct path_item *a, const struct path_item *b)
{
	return a->network.len == b->network.len && ip_equal(&a->network.addr, &b->network.addr);
}

/* Runs of the sorted items. */
static void find_runs(struct path_graph *graph)
{
	for (size_t i = 0; i < graph->n_items; i++) {
		const struct path_item *item = &graph->items[i], *before = item - 1;
		struct path_target *target;

		if (!i || !same_network(item, before))
			graph->targets[graph->n_targets++] =
				(struct path_target){.first = i, .one_node = true};
		target = &graph->targets[graph->n_targets - 1];
		target->n++;
		target->one_node &= item->node == graph->items[target->first].node;
		if (!i || !same_network(item, before) || item->segment != before->segment)
			graph->groups[graph->n_groups++] = (struct path_group){.first = i};
		graph->groups[graph->n_groups - 1].n++;
		graph->group_of[i] = graph->n_groups - 1;
	}
}

/* The items of each node, and who is worth a path: routers, and owners of addresses on lo. */
static void find_nodes(struct path_graph *graph)
{
	unsigned *fill = graph->node_first + 1; /* a place later, see below */

	for (size_t i = 0; i < graph->n_items; i++)
		if (graph->items[i].node + 1 < graph->lab->n_nodes)
			fill[graph->items[i].node + 1]++;
	for (size_t i = 1; i < graph->lab->n_nodes; i++)
		fill[i] += fill[i - 1];
	/* Filling moves fill[i] from the start of node i to its end: the start of node i + 1. */
	for (size_t i = 0; i < graph->n_items; i++) {
		const struct path_item *item = &graph->items[i];

		graph->by_node[fill[item->node]++] = i;
		if (item->segment == PATHS_NO_SEGMENT || path_graph_forwards(graph, item->node))
			graph->relevant[item->node] = true;
	}
}

/* How many first hops the node has that are worth a bit; collects them if there is room. */
static size_t find_hops(const struct path_graph *graph, unsigned from, struct first_hop *hops)
{
	size_t n = 0;

	for (unsigned i = graph->node_first[from]; i < graph->node_first[from + 1]; i++) {
		const struct path_item *own = &graph->items[graph->by_node[i]];
		const struct path_group *group = &graph->groups[graph->group_of[graph->by_node[i]]];

		if (own->segment == PATHS_NO_SEGMENT)
			continue;
		for (unsigned j = group->first; j < group->first + group->n; j++) {
			const struct path_item *item = &graph->items[j];

			if (item->node == from || !graph->relevant[item->node])
				continue;
			if (hops)
				hops[n] = (struct first_hop){item, own->dev};
			n++;
		}
	}
	return n;
}

int path_graph_build(struct path_graph *graph, const struct lab *lab,
		     const struct segments *segments, uint8_t family)
{
	size_t most = 0;

	*graph = (struct path_graph){.lab = lab, .family = family};
	collect(graph, segments);
	graph->items = calloc(graph->n_items + 1, sizeof(*graph->items));
	graph->groups = calloc(graph->n_items + 1, sizeof(*graph->groups));
	graph->targets = calloc(graph->n_items + 1, sizeof(*graph->targets));
	graph->group_of = calloc(graph->n_items + 1, sizeof(*graph->group_of));
	graph->by_node = calloc(graph->n_items + 1, sizeof(*graph->by_node));
	graph->node_first = calloc(lab->n_nodes + 2, sizeof(*graph->node_first));
	graph->relevant = calloc(lab->n_nodes + 1, sizeof(*graph->relevant));
	if (!graph->items || !graph->groups || !graph->targets || !graph->group_of ||
	    !graph->by_node || !graph->node_first || !graph->relevant)
		return -ENOMEM;
	collect(graph, segments);
	qsort(graph->items, graph->n_items, sizeof(*graph->items), item_compare);
	find_runs(graph);
	find_nodes(graph);
	for (size_t i = 0; i < lab->n_nodes; i++) {
		size_t n = find_hops(graph, i, NULL);

		most = n > most ? n : most;
	}
	graph->words = most / 64 + 1;
	return 0;
}

void path_graph_free(struct path_graph *graph)
{
	free(graph->items);
	free(graph->groups);
	free(graph->targets);
	free(graph->group_of);
	free(graph->by_node);
	free(graph->node_first);
	free(graph->relevant);
	*graph = (struct path_graph){};
}

/* ---- the search ---------------------------------------------------------------------------- */

int paths_init(struct paths *paths, const struct path_graph *graph)
{
	size_t n_nodes = graph->lab->n_nodes, n_groups = graph->n_groups;

	*paths = (struct paths){.graph = graph};
	paths->hops = calloc(64 * (size_t)graph->words, sizeof(*paths->hops));
	paths->distance = calloc(n_nodes + 1, sizeof(*paths->distance));
	paths->first = calloc((n_nodes + 1) * graph->words, sizeof(*paths->first));
	paths->level = calloc(n_groups + 1, sizeof(*paths->level));
	paths->group_first = calloc((n_groups + 1) * graph->words, sizeof(*paths->group_first));
	paths->queue = calloc(n_nodes + 1, sizeof(*paths->queue));
	paths->touched = calloc(n_groups + 1, sizeof(*paths->touched));
	return paths->hops && paths->distance && paths->first && paths->level &&
			       paths->group_first && paths->queue && paths->touched
		       ? 0
		       : -ENOMEM;
}

void paths_free(struct paths *paths)
{
	free(paths->hops);
	free(paths->distance);
	free(paths->first);
	free(paths->level);
	free(paths->group_first);
	free(paths->queue);
	free(paths->touched);
	*paths = (struct paths){};
}

static void set_add(uint64_t *set, const uint64_t *more, unsigned words)
{
	for (unsigned i = 0; i < words; i++)
		set[i] |= more[i];
}

/* A way to node of this length was found: the first one enters it into the queue's end. */
static uint64_t *reach(struct paths *paths, unsigned node, unsigned distance, size_t *end)
{
	uint64_t *set = paths->first + (size_t)node * paths->graph->words;

	if (paths->distance[node] < distance || !paths->graph->relevant[node])
		return NULL;
	if (paths->distance[node] == PATHS_FAR) {
		paths->distance[node] = distance;
		memset(set, 0, paths->graph->words * sizeof(*set));
		paths->queue[(*end)++] = node;
	}
	return set;
}

size_t paths_hops(struct paths *paths, unsigned from)
{
	paths->from = from;
	paths->n_hops = find_hops(paths->graph, from, paths->hops);
	return paths->n_hops;
}

/* The neighbours: each is a first hop of its own. */
static void reach_neighbours(struct paths *paths, size_t *end)
{
	const struct path_graph *graph = paths->graph;

	for (size_t i = 0; i < paths->n_hops; i++) {
		uint64_t *set = reach(paths, paths->hops[i].gateway->node, 1, end);

		if (set)
			set[i / 64] |= UINT64_C(1) << (i % 64);
	}
	for (unsigned i = graph->node_first[paths->from]; i < graph->node_first[paths->from + 1];
	     i++)
		paths->level[graph->group_of[graph->by_node[i]]] = 0;
}

/* The groups that a router of this level reaches into, before any nearer one. */
static size_t touch_groups(struct paths *paths, unsigned router, unsigned level, size_t n_touched)
{
	const struct path_graph *graph = paths->graph;

	for (unsigned i = graph->node_first[router]; i < graph->node_first[router + 1]; i++) {
		unsigned group = graph->group_of[graph->by_node[i]];
		uint64_t *set = paths->group_first + (size_t)group * graph->words;

		if (paths->level[group] < level)
			continue;
		if (paths->level[group] == PATHS_FAR) {
			paths->level[group] = level;
			memset(set, 0, graph->words * sizeof(*set));
			paths->touched[n_touched++] = group;
		}
		set_add(set, paths->first + (size_t)router * graph->words, graph->words);
	}
	return n_touched;
}

void paths_find(struct paths *paths, unsigned from)
{
	const struct path_graph *graph = paths->graph;
	size_t start = 0, end = 0;

	paths_hops(paths, from);
	memset(paths->distance, 0xff, graph->lab->n_nodes * sizeof(*paths->distance));
	memset(paths->level, 0xff, graph->n_groups * sizeof(*paths->level));
	paths->distance[from] = 0;
	reach_neighbours(paths, &end);
	for (unsigned level = 1; start < end; level++) {
		size_t n_touched = 0, level_end = end;

		for (; start < level_end; start++)
			if (path_graph_forwards(graph, paths->queue[start]))
				n_touched =
					touch_groups(paths, paths->queue[start], level, n_touched);
		for (size_t i = 0; i < n_touched; i++) {
			const struct path_group *group = &graph->groups[paths->touched[i]];
			const uint64_t *more =
				paths->group_first + (size_t)paths->touched[i] * graph->words;

			for (unsigned j = group->first; j < group->first + group->n; j++) {
				unsigned node = graph->items[j].node;
				uint64_t *set = reach(paths, node, level + 1, &end);

				if (set)
					set_add(set, more, graph->words);
			}
		}
	}
}

enum path_reach paths_to(const struct paths *paths, const struct path_target *target, uint64_t *set)
{
	const struct path_graph *graph = paths->graph;
	unsigned nearest = PATHS_FAR;

	memset(set, 0, graph->words * sizeof(*set));
	for (unsigned i = target->first; i < target->first + target->n; i++) {
		unsigned node = graph->items[i].node;

		if (node == paths->from)
			return PATH_CONNECTED;
		/* A host in the network does not relay to the others in it. */
		if (!target->one_node && !path_graph_forwards(graph, node))
			continue;
		if (paths->distance[node] < nearest) {
			nearest = paths->distance[node];
			memset(set, 0, graph->words * sizeof(*set));
		}
		if (nearest != PATHS_FAR && paths->distance[node] == nearest)
			set_add(set, paths->first + (size_t)node * graph->words, graph->words);
	}
	return nearest == PATHS_FAR ? PATH_NONE : PATH_FOUND;
}
