// SPDX-License-Identifier: GPL-2.0-only
/* write.c - a lab as a lab file, everything spelled out. */
#include <string.h>

#include "topology/shapes.h"

static void write_hop(FILE *f, const struct nexthop *hop)
{
	char text[IP_TEXT_SIZE];

	if (hop->via.family)
		fprintf(f, " via %s", ip_format(&hop->via, text, sizeof(text)));
	if (hop->dev[0])
		fprintf(f, " dev %s", hop->dev);
}

static void write_route(FILE *f, const struct route *route)
{
	char text[IP_TEXT_SIZE];

	if (route->to.len)
		ip_prefix_format(&route->to, text, sizeof(text));
	else
		strcpy(text, "default");
	if (route->n_hops == 1) {
		fprintf(f, "      - %s", text);
		write_hop(f, &route->hops[0]);
		fputc('\n', f);
		return;
	}
	fprintf(f, "      - to: \"%s\"\n        nexthops:\n", text);
	for (size_t i = 0; i < route->n_hops; i++) {
		const struct nexthop *hop = &route->hops[i];

		ip_format(&hop->via, text, sizeof(text));
		fprintf(f, "          - {via: \"%s\", dev: \"%s\"}\n", text, hop->dev);
	}
}

static const char *forward_word(const struct node *node)
{
	if (node->forward_v4 && node->forward_v6)
		return "both";
	return node->forward_v4 ? "v4" : node->forward_v6 ? "v6" : NULL;
}

static void write_node(FILE *f, const struct node *node, bool routes)
{
	const char *forward = forward_word(node);

	routes = routes && node->n_routes;
	if (!routes && !forward) {
		fprintf(f, "  %s: {}\n", node->name);
		return;
	}
	if (!routes) {
		fprintf(f, "  %s: {forward: %s}\n", node->name, forward);
		return;
	}
	fprintf(f, "  %s:\n", node->name);
	if (forward)
		fprintf(f, "    forward: %s\n", forward);
	fputs("    routes:\n", f);
	for (size_t i = 0; i < node->n_routes; i++)
		write_route(f, &node->routes[i]);
}

static void write_end(FILE *f, const struct end *end)
{
	char text[IP_TEXT_SIZE];

	fprintf(f, "      - {end: \"%s\"", end->name);
	for (size_t i = 0; i < end->n_addresses; i++)
		fprintf(f, "%s%s", i ? ", " : ", addresses: [",
			ip_prefix_format(&end->addresses[i].prefix, text, sizeof(text)));
	fputs(end->n_addresses ? "]}\n" : "}\n", f);
}

void lab_write(FILE *f, const struct lab *lab, const char *comment, bool routes)
{
	bool computed = false;

	for (size_t i = 0; i < lab->n_nodes; i++)
		computed |= lab->nodes[i]->n_routes > 0;
	fprintf(f, "%slab: %s\n", comment, lab->name);
	if (lab->about)
		fprintf(f, "about: \"%s\"\n", lab->about);
	if (computed && !routes)
		fputs("\n# Routes are the shortest paths over the links below, computed when the "
		      "lab is "
		      "built.\nrouting: static\n",
		      f);
	fputs("\nnodes:\n", f);
	for (size_t i = 0; i < lab->n_nodes; i++)
		write_node(f, lab->nodes[i], routes);
	fputs("\nlinks:\n", f);
	for (size_t i = 0; i < lab->n_links; i++) {
		fputs("  - endpoints:\n", f);
		write_end(f, lab->links[i]->ends[0]);
		write_end(f, lab->links[i]->ends[1]);
	}
}
