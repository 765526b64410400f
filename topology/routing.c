// SPDX-License-Identifier: GPL-2.0-only
/* routing.c - shortest paths become routes of nodes: one a network, a default, or merged ones. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"
#include "topology/aggregate.h"
#include "topology/routing.h"
#include "topology/rules.h"

enum {
	/* Nodes times addresses: at the limit the search takes seconds. */
	WORK_MAX = 150 * 1000 * 1000,
	/* Nodes times words of a set: 32 MiB. */
	SETS_MAX = 4 * 1024 * 1024,
};

/* How one node reaches a network, or both halves of a joined one alike. */
struct route_way {
	enum path_reach reach;
	bool mixed; /* a joined network whose halves differ */
	const uint64_t *set;
};

/* What one node's routes are made from. */
struct route_table {
	struct path_graph *graph;
	struct paths paths;
	struct aggregate_forest forest;
	struct route_way *ways; /* by forest node */
	unsigned *chosen;	/* forest nodes that become routes, by network */
	size_t n_chosen;
	uint64_t *sets;	 /* of the targets */
	size_t n_routes; /* computed so far, of all nodes */
	struct where where;
};

static bool same_set(const struct route_table *table, const uint64_t *a, const uint64_t *b)
{
	return !memcmp(a, b, table->graph->words * sizeof(*a));
}

/* A route of the file to the same network, which is to be kept. Computed ones come after them. */
static bool is_written(const struct node *node, const struct ip_prefix *network)
{
	for (size_t i = 0; i < node->n_routes && !node->routes[i].computed; i++)
		if (node->routes[i].to.len == network->len &&
		    ip_equal(&node->routes[i].to.addr, &network->addr))
			return true;
	return false;
}

/* Ways to all targets. Returns how many are found. */
static size_t fill_table(struct route_table *table, const struct node *node)
{
	const struct path_graph *graph = table->graph;
	size_t found = 0;

	paths_find(&table->paths, node->index);
	for (size_t i = 0; i < graph->n_targets; i++) {
		uint64_t *set = table->sets + i * graph->words;
		struct route_way *way = &table->ways[i];

		*way = (struct route_way){paths_to(&table->paths, &graph->targets[i], set), false,
					  set};
		if (way->reach == PATH_FOUND && is_written(node, &table->forest.nodes[i].network))
			way->reach = PATH_NONE;
		found += way->reach == PATH_FOUND;
	}
	return found;
}

/* Whether a default route may be computed for the node. */
static bool may_default(const struct route_table *table, const struct node *node)
{
	struct ip_prefix everything = {.addr.family = table->graph->family};

	return node->netns == NETNS_NEW && !path_graph_forwards(table->graph, node->index) &&
	       !is_written(node, &everything);
}

/*
 * A host whose only neighbour is a router that knows more than the host sees itself: all goes
 * there, and no search is needed. Only without written routes, which may leave nothing to go there.
 */
static bool is_stub(struct route_table *table, const struct node *node)
{
	const struct path_graph *graph = table->graph;
	unsigned gateway;

	if (!may_default(table, node) || (node->n_routes && !node->routes[0].computed) ||
	    paths_hops(&table->paths, node->index) != 1)
		return false;
	gateway = table->paths.hops[0].gateway->node;
	/* With one address on each side there is nothing that both see. */
	if (!path_graph_forwards(graph, gateway) ||
	    graph->node_first[node->index + 1] - graph->node_first[node->index] != 1)
		return false;
	return graph->node_first[gateway + 1] - graph->node_first[gateway] > 1;
}

/*
 * The one way of a host that sends everything the same way: one default route, as hosts have. Not
 * of a router: for what does not exist two of them would send packets to and fro. Not of the host's
 * namespace, which has its own. NULL: there is none.
 */
static const struct route_way *only_way(const struct route_table *table, const struct node *node)
{
	const struct route_way *first = NULL;

	if (!may_default(table, node))
		return NULL;
	for (size_t i = 0; i < table->graph->n_targets; i++) {
		const struct route_way *way = &table->ways[i];

		if (way->reach != PATH_FOUND)
			continue;
		if (first && !same_set(table, first->set, way->set))
			return NULL;
		first = first ?: way;
	}
	/* A host has an address on lo for its neighbours, but is nobody's way to everything. */
	for (size_t i = 0; first && i < table->paths.n_hops; i++)
		if ((first->set[i / 64] >> (i % 64) & 1) &&
		    !path_graph_forwards(table->graph, table->paths.hops[i].gateway->node))
			return NULL;
	return first;
}

/* Two halves that are reached the same way are one; connected ones go any way. */
static struct route_way join_ways(const struct route_table *table, const struct route_way *a,
				  const struct route_way *b)
{
	if (a->mixed || b->mixed || a->reach == PATH_NONE || b->reach == PATH_NONE)
		return (struct route_way){.mixed = true};
	if (a->reach == PATH_FOUND && b->reach == PATH_FOUND && !same_set(table, a->set, b->set))
		return (struct route_way){.mixed = true};
	return a->reach == PATH_FOUND ? *a : *b;
}

static void join_all_ways(struct route_table *table)
{
	const struct aggregate_forest *forest = &table->forest;

	for (size_t i = forest->n_leaves; i < forest->n; i++) {
		const int *half = forest->nodes[i].half;

		table->ways[i] = join_ways(table, &table->ways[half[0]], &table->ways[half[1]]);
	}
}

/* The widest networks below a forest node that are reached in one way. */
static void choose(struct route_table *table, unsigned at)
{
	const struct aggregate_node *node = &table->forest.nodes[at];

	if (table->ways[at].mixed) {
		choose(table, node->half[0]); /* as deep as prefixes are long */
		choose(table, node->half[1]);
	} else if (table->ways[at].reach == PATH_FOUND) {
		table->chosen[table->n_chosen++] = at;
	}
}

static void choose_all(struct route_table *table, size_t found)
{
	table->n_chosen = 0;
	if (found > ROUTING_PLAIN_MAX) {
		join_all_ways(table);
		for (size_t i = 0; i < table->forest.n_roots; i++)
			choose(table, table->forest.roots[i]);
		return;
	}
	for (size_t i = 0; i < table->graph->n_targets; i++)
		if (table->ways[i].reach == PATH_FOUND)
			table->chosen[table->n_chosen++] = i;
}

/* ---- routes -------------------------------------------------------------------------------- */

static int make_route(const struct route_table *table, const struct ip_prefix *to,
		      const uint64_t *set, struct route *route)
{
	size_t n = 0;

	for (unsigned i = 0; i < table->graph->words; i++)
		n += __builtin_popcountll(set[i]);
	*route = (struct route){.to = *to, .computed = true, .where = table->where};
	route->hops = calloc(n, sizeof(*route->hops));
	if (!route->hops)
		return -ENOMEM;
	for (size_t i = 0; route->n_hops < n; i++) {
		struct nexthop *place = &route->hops[route->n_hops];

		if (!(set[i / 64] >> (i % 64) & 1))
			continue;
		place->via = table->paths.hops[i].gateway->addr;
		strcpy(place->dev, table->paths.hops[i].dev);
		place->weight = 1;
		route->n_hops++;
	}
	return 0;
}

/* Room for n more routes of the node; false: no memory, or too many in the lab. */
static bool make_room(struct route_table *table, struct node *node, size_t n)
{
	struct route *routes;

	table->n_routes += n;
	if (table->n_routes > ROUTING_ROUTES_MAX)
		return false;
	routes = reallocarray(node->routes, node->n_routes + n, sizeof(*routes));
	if (routes)
		node->routes = routes;
	return routes;
}

/* One route to everything by a set of first hops. */
static int add_default(struct route_table *table, struct node *node, const uint64_t *set)
{
	struct ip_prefix everything = {.addr.family = table->graph->family};

	if (!make_room(table, node, 1) ||
	    make_route(table, &everything, set, &node->routes[node->n_routes]) < 0)
		return -ENOMEM;
	node->n_routes++;
	return 0;
}

static int route_node(struct route_table *table, struct node *node)
{
	const struct route_way *only;
	size_t found;

	if (is_stub(table, node)) {
		memset(table->sets, 0, table->graph->words * sizeof(*table->sets));
		table->sets[0] = 1;
		return add_default(table, node, table->sets);
	}
	found = fill_table(table, node);
	only = only_way(table, node);
	if (only)
		return add_default(table, node, only->set);
	choose_all(table, found);
	if (table->n_chosen && !make_room(table, node, table->n_chosen))
		return -ENOMEM;
	for (size_t i = 0; i < table->n_chosen; i++) {
		unsigned at = table->chosen[i];

		if (make_route(table, &table->forest.nodes[at].network, table->ways[at].set,
			       &node->routes[node->n_routes]) < 0)
			return -ENOMEM;
		node->n_routes++;
	}
	return 0;
}

/* ---- a family ------------------------------------------------------------------------------ */

static bool too_big(const struct path_graph *graph)
{
	size_t n_nodes = graph->lab->n_nodes;

	return n_nodes * graph->n_items > WORK_MAX || (n_nodes + 1) * graph->words > SETS_MAX ||
	       (graph->n_groups + 1) * graph->words > SETS_MAX;
}

static void tell_too_big(struct where where, struct diags *diags)
{
	diags_add(diags, SEVERITY_ERROR, where,
		  "write the routes that are needed, or let fewer nodes forward",
		  "the lab is too big for `routing: static`: more than %d routes, or too much to "
		  "search",
		  ROUTING_ROUTES_MAX);
}

static int table_init(struct route_table *table, struct path_graph *graph)
{
	size_t n = graph->n_targets + 1;

	table->graph = graph;
	table->ways = calloc(2 * n, sizeof(*table->ways));
	table->chosen = calloc(n, sizeof(*table->chosen));
	table->sets = calloc(n * graph->words, sizeof(*table->sets));
	if (!table->ways || !table->chosen || !table->sets ||
	    aggregate_build(&table->forest, graph) < 0)
		return -ENOMEM;
	return paths_init(&table->paths, graph);
}

static void table_free(struct route_table *table)
{
	paths_free(&table->paths);
	aggregate_free(&table->forest);
	free(table->ways);
	free(table->chosen);
	free(table->sets);
}

static int route_family(struct lab *lab, struct path_graph *graph, struct route_table *table,
			struct diags *diags)
{
	int result;

	if (too_big(graph)) {
		tell_too_big(table->where, diags);
		return 0;
	}
	result = table_init(table, graph);
	for (size_t i = 0; i < lab->n_nodes && result == 0; i++) {
		if (graph->node_first[i] == graph->node_first[i + 1])
			continue; /* no addresses of this family */
		result = route_node(table, lab->nodes[i]);
		if (table->n_routes > ROUTING_ROUTES_MAX) {
			tell_too_big(table->where, diags);
			result = 0;
			break;
		}
	}
	table_free(table);
	return result;
}

/* Several wires and nobody between them: `forward` was forgotten. */
static void check_forwarding(const struct lab *lab, struct where where, struct diags *diags)
{
	bool joined = false;

	for (size_t i = 0; i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];

		if (node->forward_v4 || node->forward_v6)
			return;
		joined |= node->kind == NODE_PLAIN && node->n_ends > 1;
	}
	if (joined)
		diags_warn(diags, FINDING_NO_FORWARDING, where,
			   "say `forward: both` for the routers",
			   "`routing: static` finds no ways, since no node forwards");
}

int routing_compute(struct lab *lab, const struct segments *segments, struct where where,
		    struct diags *diags)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	size_t errors = diags->errors, n_routes = 0;
	int result = 0;

	check_forwarding(lab, where, diags);
	for (int i = 0; i < 2 && result == 0 && diags->errors == errors; i++) {
		struct route_table table = {.where = where, .n_routes = n_routes};
		struct path_graph graph;

		result = path_graph_build(&graph, lab, segments, families[i]);
		if (result == 0)
			result = route_family(lab, &graph, &table, diags);
		n_routes = table.n_routes;
		path_graph_free(&graph);
	}
	return result;
}
