// SPDX-License-Identifier: GPL-2.0-only
/* paper.c - see paper.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/findings.h"
#include "tests/unit/paper.h"
#include "topology/shapes.h"
#include "topology/ip.h"

enum state { UNKNOWN, ON_THE_WAY, GOOD, BAD };

/* One destination, and what became of packets to it at each node. */
struct walk {
	const struct lab *lab;
	const struct segments *segments;
	struct ip_addr to;
	enum state *state; /* by node: as a router */
};

static bool forwards(const struct node *node, uint8_t family)
{
	return family == AF_INET ? node->forward_v4 : node->forward_v6;
}

static bool owns(const struct node *node, const struct ip_addr *addr)
{
	for (size_t i = 0; i < node->n_lo_addresses; i++)
		if (ip_equal(&node->lo_addresses[i].prefix.addr, addr))
			return true;
	for (size_t i = 0; i < node->n_ends; i++)
		for (size_t j = 0; j < node->ends[i]->n_addresses; j++)
			if (ip_equal(&node->ends[i]->addresses[j].prefix.addr, addr))
				return true;
	return false;
}

/* Who answers to addr on the wire of an end; NULL: nobody. */
static struct node *on_wire(const struct walk *walk, const struct end *from,
			    const struct ip_addr *addr)
{
	struct node *node;
	struct end *end;

	if (!lab_find_address(walk->lab, addr, &node, &end) || !end || !end->up || !end->peer->up ||
	    segment_of(walk->segments, end) != segment_of(walk->segments, from))
		return NULL;
	return node;
}

/* The longest subnet of an interface with addr in it, and that interface. */
static const struct end *connected(const struct node *node, const struct ip_addr *addr, int *len)
{
	const struct end *best = NULL;

	*len = -1;
	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];

		for (size_t j = 0; end->up && j < end->n_addresses; j++) {
			const struct ip_prefix *prefix = &end->addresses[j].prefix;

			if (prefix->len > *len && ip_prefix_contains(prefix, addr)) {
				*len = prefix->len;
				best = end;
			}
		}
	}
	return best;
}

const struct route *paper_look_up(const struct node *node, const struct ip_addr *addr, int *len)
{
	const struct route *best = NULL;

	*len = -1;
	for (size_t i = 0; i < node->n_routes; i++) {
		if (node->routes[i].to.len > *len &&
		    ip_prefix_contains(&node->routes[i].to, addr)) {
			best = &node->routes[i];
			*len = best->to.len;
		}
	}
	return best;
}

static bool arrives(struct walk *walk, const struct node *node, bool source);

/* The next node by one hop of a route, or NULL when the kernel could not use it. */
static const struct node *hop_node(const struct walk *walk, const struct node *node,
				   const struct nexthop *hop)
{
	int len;
	const struct end *end = connected(node, &hop->via, &len);

	assert_non_null(end);
	for (size_t i = 0; i < node->n_ends; i++)
		if (!strcmp(node->ends[i]->ifname, hop->dev))
			return on_wire(walk, node->ends[i], &hop->via);
	return NULL;
}

static bool all_branches(struct walk *walk, const struct node *node)
{
	int direct_len, route_len;
	const struct end *direct = connected(node, &walk->to, &direct_len);
	const struct route *route = paper_look_up(node, &walk->to, &route_len);

	if (direct && direct_len >= route_len) {
		const struct node *owner = on_wire(walk, direct, &walk->to);

		return owner && owns(owner, &walk->to);
	}
	if (!route || !route->n_hops)
		return false;
	for (size_t i = 0; i < route->n_hops; i++) {
		const struct node *next = hop_node(walk, node, &route->hops[i]);

		if (!next || !arrives(walk, next, false))
			return false;
	}
	return true;
}

static bool arrives(struct walk *walk, const struct node *node, bool source)
{
	bool good;

	if (owns(node, &walk->to))
		return true;
	if (!source && !forwards(node, walk->to.family))
		return false;
	if (walk->state[node->index] == UNKNOWN) {
		walk->state[node->index] = ON_THE_WAY;
		good = all_branches(walk, node);
		walk->state[node->index] = good ? GOOD : BAD;
	}
	return walk->state[node->index] == GOOD; /* ON_THE_WAY: a loop */
}

size_t paper_walk_all(const struct lab *lab, const struct segments *segments,
		      const struct ip_addr *addr)
{
	struct walk walk = {lab, segments, *addr, calloc(lab->n_nodes, sizeof(enum state))};
	char text[IP_TEXT_SIZE];
	size_t n = 0;

	for (size_t i = 0; i < lab->n_nodes; i++) {
		if (lab->nodes[i]->kind == NODE_BRIDGE)
			continue;
		if (!arrives(&walk, lab->nodes[i], true))
			fail_msg("%s: %s does not reach %s", lab->name, lab->nodes[i]->name,
				 ip_format(addr, text, sizeof(text)));
		n++;
	}
	free(walk.state);
	return n;
}

size_t paper_check_reach(const struct lab *lab, size_t step)
{
	struct segments segments;
	size_t n = 0, seen = 0;

	assert_int_equal(segments_find(&segments, lab), 0);
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		for (size_t j = 0; j < lab_end(lab, i)->n_addresses; j++)
			if (seen++ % step == 0)
				n += paper_walk_all(lab, &segments,
						    &lab_end(lab, i)->addresses[j].prefix.addr);
	for (size_t i = 0; i < lab->n_nodes; i++)
		for (size_t j = 0; j < lab->nodes[i]->n_lo_addresses; j++)
			n += paper_walk_all(lab, &segments,
					    &lab->nodes[i]->lo_addresses[j].prefix.addr);
	segments_free(&segments);
	return n;
}

size_t paper_check_links(const struct lab *lab)
{
	size_t n = 0;
	int len;

	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		const struct end *end = lab_end(lab, i), *peer = end->peer;

		for (size_t j = 0; j < peer->n_addresses; j++, n++) {
			const struct ip_addr *to = &peer->addresses[j].prefix.addr;
			struct end *found;
			struct node *node;

			assert_ptr_equal(connected(end->node, to, &len), end);
			assert_true(lab_find_address(lab, to, &node, &found));
			assert_ptr_equal(found, peer);
			assert_true(end->up && peer->up);
		}
	}
	return n;
}

struct lab *paper_generate_with(const struct shape_options *options)
{
	struct diags diags = {};
	struct err err = {};
	char *text = NULL, *found;
	struct lab *lab;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(shape_write(f, options, &err), 0);
	fclose(f);
	lab = lab_read_text(text, size, options->kind->name, &diags);
	found = findings_text(&diags);
	assert_string_equal(found, ""); /* not even warnings */
	assert_non_null(lab);
	free(found);
	free(text);
	diags_free(&diags);
	return lab;
}

struct lab *paper_generate(const char *kind, unsigned a, unsigned b, unsigned c, bool routes)
{
	struct shape_options options = {
		.sizes = {a, b, c}, .v4 = true, .v6 = true, .routes = routes};

	for (options.kind = generate_kinds; strcmp(options.kind->name, kind); options.kind++)
		assert_non_null(options.kind->name);
	return paper_generate_with(&options);
}
