// SPDX-License-Identifier: GPL-2.0-only
/* aggregate.c - neighbouring networks joined to bigger ones, as far as it goes. */
#include <errno.h>
#include <stdlib.h>

#include "topology/ip.h"
#include "topology/aggregate.h"

static int network_compare(const void *key, const void *node)
{
	const struct ip_prefix *network = key;
	const struct ip_prefix *target = &((const struct aggregate_node *)node)->network;

	return ip_compare(&network->addr, &target->addr) ?: network->len - target->len;
}

/* Whether some target of the graph is exactly this network. */
static bool is_target(const struct aggregate_forest *forest, const struct ip_prefix *network)
{
	return bsearch(network, forest->nodes, forest->n_leaves, sizeof(*forest->nodes),
		       network_compare);
}

/* The prefix whose halves a and b are; false: they are no halves, or it is a target itself. */
static bool parent_of(const struct aggregate_forest *forest, const struct ip_prefix *a,
		      const struct ip_prefix *b, struct ip_prefix *parent)
{
	struct ip_prefix wider = *a;

	if (a->len != b->len || !a->len)
		return false;
	wider.len--;
	wider = ip_network(&wider);
	if (!ip_prefix_contains(&wider, &b->addr) || is_target(forest, &wider))
		return false;
	*parent = wider;
	return true;
}

int aggregate_build(struct aggregate_forest *forest, const struct path_graph *graph)
{
	size_t n = graph->n_targets;
	unsigned *stack;

	*forest = (struct aggregate_forest){.n = n, .n_leaves = n};
	forest->nodes = calloc(2 * n + 1, sizeof(*forest->nodes));
	forest->roots = stack = calloc(n + 1, sizeof(*stack));
	if (!forest->nodes || !forest->roots)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		forest->nodes[i] = (struct aggregate_node){
			graph->items[graph->targets[i].first].network, {-1, -1}};
	/* What was joined may join again with what is below it. What stays is the roots. */
	for (size_t i = 0, depth = 0; i < n; i++) {
		struct ip_prefix parent;

		stack[depth++] = i;
		while (depth > 1 && parent_of(forest, &forest->nodes[stack[depth - 2]].network,
					      &forest->nodes[stack[depth - 1]].network, &parent)) {
			forest->nodes[forest->n] = (struct aggregate_node){
				parent, {stack[depth - 2], stack[depth - 1]}};
			stack[--depth - 1] = forest->n++;
		}
		forest->n_roots = depth;
	}
	return 0;
}

void aggregate_free(struct aggregate_forest *forest)
{
	free(forest->nodes);
	free(forest->roots);
	*forest = (struct aggregate_forest){};
}
