// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_routing.c - properties of planned addresses and computed routes: whatever the shape of a
 * lab, every node reaches every address, by every branch of every multipath route.
 */
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
#include "topology/generate.h"
#include "topology/ip.h"
#include "topology/routing.h"
#include "topology/segments.h"

/* ---- a network stack on paper -------------------------------------------------------------- */

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

static const struct route *look_up(const struct node *node, const struct ip_addr *addr, int *len)
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
	const struct route *route = look_up(node, &walk->to, &route_len);

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

/* From every node to addr. Returns how many walks were done. */
static size_t walk_all(const struct lab *lab, const struct segments *segments,
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

/* Every node to every step-th address of interfaces and lo. */
static size_t check_reach(const struct lab *lab, size_t step)
{
	struct segments segments;
	size_t n = 0, seen = 0;

	assert_int_equal(segments_find(&segments, lab), 0);
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		for (size_t j = 0; j < lab_end(lab, i)->n_addresses; j++)
			if (seen++ % step == 0)
				n += walk_all(lab, &segments,
					      &lab_end(lab, i)->addresses[j].prefix.addr);
	for (size_t i = 0; i < lab->n_nodes; i++)
		for (size_t j = 0; j < lab->nodes[i]->n_lo_addresses; j++)
			n += walk_all(lab, &segments, &lab->nodes[i]->lo_addresses[j].prefix.addr);
	segments_free(&segments);
	return n;
}

/* ---- generated shapes ---------------------------------------------------------------------- */

static struct lab *generate(const char *kind, unsigned a, unsigned b, unsigned c, bool routes)
{
	struct generate_options options = {
		.sizes = {a, b, c}, .v4 = true, .v6 = true, .routes = routes};
	struct diags diags = {};
	struct err err = {};
	char *text = NULL, *found;
	struct lab *lab;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (options.kind = generate_kinds; strcmp(options.kind->name, kind); options.kind++)
		assert_non_null(options.kind->name);
	assert_int_equal(generate_write(f, &options, &err), 0);
	fclose(f);
	lab = lab_read_text(text, size, kind, &diags);
	found = findings_text(&diags);
	assert_string_equal(found, ""); /* not even warnings */
	free(found);
	free(text);
	diags_free(&diags);
	return lab;
}

static const struct {
	const char *kind;
	unsigned sizes[3];
	size_t nodes, links;
	size_t step; /* of addresses to try: 1 is all */
} shapes[] = {
	{"chain", {2}, 2, 1, 1},	  {"chain", {3}, 3, 2, 1},
	{"chain", {60}, 60, 59, 1},	  {"chain", {1000}, 1000, 999, 97},
	{"ring", {3}, 3, 3, 1},		  {"ring", {4}, 4, 4, 1},
	{"ring", {61}, 61, 61, 1},	  {"star", {1}, 2, 1, 1},
	{"star", {50}, 51, 50, 1},	  {"tree", {1, 2}, 3, 2, 1},
	{"tree", {4, 3}, 121, 120, 1},	  {"mesh", {2}, 2, 1, 1},
	{"grid", {1, 2}, 2, 1, 1},	  {"grid", {5, 7}, 35, 58, 1},
	{"grid", {12, 12}, 144, 264, 7},  {"clos", {2, 3, 2}, 11, 12, 1},
	{"clos", {8, 16, 4}, 88, 192, 3}, {"fat-tree", {2}, 7, 6, 1},
	{"fat-tree", {4}, 36, 48, 1},	  {"fat-tree", {8}, 208, 384, 11},
};

static void check_shapes(bool routes)
{
	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
		const unsigned *sizes = shapes[i].sizes;
		struct lab *lab = generate(shapes[i].kind, sizes[0], sizes[1], sizes[2], routes);

		assert_int_equal(lab->n_nodes, shapes[i].nodes);
		assert_int_equal(lab->n_links, shapes[i].links);
		assert_true(check_reach(lab, shapes[i].step) >= lab->n_nodes);
		lab_free(lab);
	}
}

static void test_shapes(void **state)
{
	(void)state;
	check_shapes(false);
}

/* The same with the routes written out and read again. */
static void test_shapes_spelled_out(void **state)
{
	(void)state;
	check_shapes(true);
}

/* ---- random graphs ------------------------------------------------------------------------- */

/* A number below n, the same on every machine (Numerical Recipes' LCG). */
static unsigned pick(uint32_t *seed, unsigned n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/*
 * A connected lab of routers, leaf hosts and bridges, with links that double others and links that
 * are down, addresses on lo, and pools of any subnet length.
 */
static char *random_lab(uint32_t seed, size_t *size)
{
	unsigned routers = 1 + pick(&seed, 9), hosts = pick(&seed, 6), bridges = pick(&seed, 4);
	char *text = NULL;
	FILE *f = open_memstream(&text, size);

	fprintf(f,
		"lab: random\nrouting: static\npools:\n"
		"  v4: {prefix: 10.0.0.0/12, subnet: %u}\n"
		"  v6: {prefix: 'fd00::/40', subnet: %u}\n"
		"defaults: {links: {addresses: auto}}\nnodes:\n",
		24 + pick(&seed, 8), 64 + pick(&seed, 64));
	for (unsigned i = 0; i < routers; i++) {
		fprintf(f, "  r%u: {forward: both", i);
		if (pick(&seed, 3) == 0)
			fprintf(f, ", lo: {addresses: [192.0.2.%u/32, '2001:db8::%u/128']}", i, i);
		fputs("}\n", f);
	}
	for (unsigned i = 0; i < hosts; i++)
		fprintf(f, "  h%u: {lo: {address: 198.51.100.%u/32}}\n", i, i);
	for (unsigned i = 0; i < bridges; i++)
		fprintf(f, "  b%u: {kind: bridge}\n", i);
	fputs("links:\n", f);
	/* A spanning tree of routers, and more links between any two. */
	for (unsigned i = 1; i < routers; i++)
		fprintf(f, "- {endpoints: [r%u, r%u]}\n", i, pick(&seed, i));
	for (unsigned i = pick(&seed, 8); i > 0; i--)
		fprintf(f, "- {endpoints: [r%u, r%u], up: %s}\n", pick(&seed, routers),
			pick(&seed, routers), pick(&seed, 4) ? "true" : "false");
	for (unsigned i = 0; i < bridges; i++)
		for (unsigned j = 1 + pick(&seed, 4); j > 0; j--)
			fprintf(f, "- {endpoints: [b%u, r%u]}\n", i, pick(&seed, routers));
	/* A host hangs on a router, or on a bridge that has one. */
	for (unsigned i = 0; i < hosts; i++) {
		unsigned at = pick(&seed, routers + bridges);

		if (at < routers)
			fprintf(f, "- {endpoints: [h%u, r%u]}\n", i, at);
		else
			fprintf(f, "- {endpoints: [b%u, h%u]}\n", at - routers, i);
	}
	fclose(f);
	return text;
}

/* Addresses of links that are down belong to nobody that can be reached. */
static void check_reach_up(const struct lab *lab)
{
	struct segments segments;

	assert_int_equal(segments_find(&segments, lab), 0);
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		for (size_t j = 0; lab_end(lab, i)->up && j < lab_end(lab, i)->n_addresses; j++)
			walk_all(lab, &segments, &lab_end(lab, i)->addresses[j].prefix.addr);
	for (size_t i = 0; i < lab->n_nodes; i++)
		for (size_t j = 0; j < lab->nodes[i]->n_lo_addresses; j++)
			walk_all(lab, &segments, &lab->nodes[i]->lo_addresses[j].prefix.addr);
	segments_free(&segments);
}

static void test_random(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 400; seed++) {
		struct diags diags = {};
		size_t size;
		char *text = random_lab(seed, &size), *found;
		struct lab *lab = lab_read_text(text, size, "random", &diags);

		found = findings_text(&diags);
		if (!lab || diags.count)
			fail_msg("seed %u:\n%s%s", seed, found, text);
		check_reach_up(lab);
		lab_free(lab);
		diags_free(&diags);
		free(found);
		free(text);
	}
}

/* A mesh routes nothing: each node reaches each other's address on their own link. */
static void test_mesh(void **state)
{
	struct lab *lab = generate("mesh", 12, 0, 0, false);

	(void)state;
	assert_int_equal(lab->n_links, 66);
	for (size_t i = 0; i < lab->n_nodes; i++) {
		assert_int_equal(lab->nodes[i]->n_routes, 0);
		assert_int_equal(lab->nodes[i]->n_ends, 11);
	}
	lab_free(lab);
}

static size_t routes_of(const struct lab *lab, size_t *most)
{
	size_t n = 0;

	*most = 0;
	for (size_t i = 0; i < lab->n_nodes; i++) {
		n += lab->nodes[i]->n_routes;
		if (lab->nodes[i]->n_routes > *most)
			*most = lab->nodes[i]->n_routes;
	}
	return n;
}

/* Merging keeps tables small: two ways, and about two routes a bit of the subnets' numbers. */
static void test_merged(void **state)
{
	struct lab *lab = generate("chain", 1000, 0, 0, false);
	size_t most;

	(void)state;
	assert_in_range(routes_of(lab, &most), 2 * 1000, 40 * 1000);
	assert_in_range(most, 2, 40);
	/* A merged route holds nothing that is not in the lab: routers do not know 10.0.16.0/20. */
	for (size_t i = 1; i + 1 < lab->n_nodes; i++) {
		struct ip_addr outside;
		int len;

		assert_true(ip_parse("10.0.15.160", &outside));
		assert_null(look_up(lab->nodes[i], &outside, &len));
		assert_true(ip_parse("fd00:0:0:3e7::", &outside));
		assert_null(look_up(lab->nodes[i], &outside, &len));
	}
	lab_free(lab);
}

static void test_ecmp(void **state)
{
	struct lab *lab = generate("clos", 4, 3, 1, false);
	struct node *leaf = lab_find_node(lab, "leaf1"), *host = lab_find_node(lab, "h1-1");
	const struct route *route;
	int len;

	(void)state;
	route = look_up(leaf, &lab_find_end(lab, "h3-1:eth0")->addresses[0].prefix.addr, &len);
	assert_int_equal(route->n_hops, 4);
	assert_true(route->computed);
	route = look_up(leaf, &lab_find_end(lab, "h3-1:eth0")->addresses[1].prefix.addr, &len);
	assert_int_equal(route->n_hops, 4);
	/* A host has one route a family: the default. */
	assert_int_equal(host->n_routes, 2);
	assert_int_equal(host->routes[0].to.len, 0);
	assert_int_equal(host->routes[0].to.addr.family, AF_INET);
	assert_int_equal(host->routes[1].to.addr.family, AF_INET6);
	lab_free(lab);
}

/* ---- labs by hand -------------------------------------------------------------------------- */

/* node's routes as text: "10.0.0.0/24 via 10.1.0.1 dev eth0", a line each. */
static void assert_routes(const struct lab *lab, const char *node, const char *expected)
{
	const struct node *n = lab_find_node(lab, node);
	char *text = NULL, buf[IP_TEXT_SIZE];
	size_t size;
	FILE *f = open_memstream(&text, &size);

	for (size_t i = 0; i < n->n_routes; i++) {
		const struct route *route = &n->routes[i];

		fputs(ip_prefix_format(&route->to, buf, sizeof(buf)), f);
		for (size_t j = 0; j < route->n_hops; j++)
			fprintf(f, " via %s dev %s",
				ip_format(&route->hops[j].via, buf, sizeof(buf)),
				route->hops[j].dev);
		fputc('\n', f);
	}
	fclose(f);
	assert_string_equal(text, expected);
	free(text);
}

static void assert_address(const struct lab *lab, const char *end, size_t i, const char *expected)
{
	char buf[IP_TEXT_SIZE];

	assert_true(i < lab_find_end(lab, end)->n_addresses);
	ip_prefix_format(&lab_find_end(lab, end)->addresses[i].prefix, buf, sizeof(buf));
	assert_string_equal(buf, expected);
}

/* Two bridged LANs, a router between them, pools of the smallest subnets. */
static void test_bridges(void **state)
{
	struct lab *lab = read_good("lab: lans\n"
				    "routing: static\n"
				    "pools:\n"
				    "  v4: {prefix: 10.5.0.0/16, subnet: 31}\n"
				    "  v6: {prefix: 'fd05::/56', subnet: 127}\n"
				    "defaults: {links: {addresses: auto}}\n"
				    "nodes:\n"
				    "  lan1: {kind: bridge}\n"
				    "  lan2: {kind: bridge}\n"
				    "  a1: {}\n"
				    "  a2: {}\n"
				    "  b1: {lo: {addresses: [192.0.2.1/32, '2001:db8::1/128']}}\n"
				    "  r: {forward: both}\n"
				    "  s: {forward: both}\n"
				    "links:\n"
				    "- endpoints: [a1, lan1]\n"
				    "- endpoints: [r, s]\n"
				    "- endpoints: [lan1, a2]\n"
				    "- endpoints: [r, lan1]\n"
				    "- endpoints: [lan2, s]\n"
				    "- endpoints: [lan2, b1]\n");

	(void)state;
	/* Three hosts do not fit into a /31; the next subnet is aligned behind it. */
	assert_address(lab, "a1:eth0", 0, "10.5.0.1/29");
	assert_address(lab, "a2:eth0", 0, "10.5.0.2/29");
	assert_address(lab, "r:eth1", 0, "10.5.0.3/29");
	assert_address(lab, "r:eth0", 0, "10.5.0.8/31");
	assert_address(lab, "s:eth0", 0, "10.5.0.9/31");
	assert_address(lab, "s:eth1", 0, "10.5.0.10/31");
	assert_address(lab, "b1:eth0", 0, "10.5.0.11/31");
	assert_address(lab, "a1:eth0", 1, "fd05::1/125");
	assert_address(lab, "b1:eth0", 1, "fd05::b/127");
	assert_int_equal(lab_find_end(lab, "lan1:eth0")->n_addresses, 0);
	assert_routes(lab, "a1", "0.0.0.0/0 via 10.5.0.3 dev eth0\n::/0 via fd05::3 dev eth0\n");
	assert_routes(lab, "r",
		      "10.5.0.10/31 via 10.5.0.9 dev eth0\n"
		      "192.0.2.1/32 via 10.5.0.9 dev eth0\n"
		      "2001:db8::1/128 via fd05::9 dev eth0\n"
		      "fd05::a/127 via fd05::9 dev eth0\n");
	assert_routes(lab, "lan1", "");
	assert_int_equal(check_reach(lab, 1), 5 * 16);
	lab_free(lab);
}

/* A host in two networks is no router; a wire that is down is no wire; a written route stays. */
static void test_who_relays(void **state)
{
	struct lab *lab = read_good("lab: x\n"
				    "routing: static\n"
				    "pools: {v4: 10.0.0.0/24}\n"
				    "nodes:\n"
				    "  a: {}\n"
				    "  h: {}\n"
				    "  r1: {forward: v4}\n"
				    "  r2: {forward: v6}\n"
				    "  b: {routes: [10.0.0.0/30 via 10.0.0.10 dev eth0 metric 5]}\n"
				    "links:\n"
				    "- {endpoints: [a, h], addresses: auto}\n"
				    "- {endpoints: [a, r1], addresses: auto}\n"
				    "- {endpoints: [b, h], addresses: auto}\n"
				    "- {endpoints: [r1, b], addresses: auto}\n"
				    "- {endpoints: [r1, b], addresses: auto, up: false}\n"
				    "- {endpoints: [r2, a], addresses: auto}\n");

	(void)state;
	/*
	 * 10.0.0.8/30 (b, h) hangs on hosts alone: nobody relays to it. The link that is down has
	 * 10.0.0.16/30. r2 does not forward IPv4, so 10.0.0.20/30 is nobody's way either.
	 */
	assert_routes(lab, "a", "0.0.0.0/0 via 10.0.0.6 dev eth1\n");
	assert_routes(lab, "r1", "");
	assert_routes(lab, "h", "");
	assert_routes(lab, "b",
		      "10.0.0.0/30 via 10.0.0.10 dev eth0\n"
		      "0.0.0.0/0 via 10.0.0.13 dev eth1\n");
	lab_free(lab);
}

/* The host's namespace keeps its own default route; planned subnets avoid written ones. */
static void test_host_and_taken(void **state)
{
	struct lab *lab = read_expecting("lab: x\n"
					 "routing: static\n"
					 "pools: {v4: 10.0.0.0/28}\n"
					 "nodes:\n"
					 "  host: {netns: host}\n"
					 "  r: {forward: v4}\n"
					 "  a: {}\n"
					 "links:\n"
					 "- {endpoints: ['host:up0', r], addresses: auto}\n"
					 "- {endpoints: [r, a], addresses: auto}\n"
					 "- endpoints: [{end: r, address: 10.0.0.5/29}, a]\n",
					 "");

	(void)state;
	assert_address(lab, "host:up0", 0, "10.0.0.9/30");
	assert_address(lab, "r:eth1", 0, "10.0.0.13/30");
	assert_routes(lab, "host",
		      "10.0.0.0/29 via 10.0.0.10 dev up0\n"
		      "10.0.0.12/30 via 10.0.0.10 dev up0\n");
	lab_free(lab);
	read_bad("lab: x\n"
		 "pools: {v4: 10.0.0.0/29}\n"
		 "nodes: {a: {}, b: {}}\n"
		 "links:\n"
		 "- {endpoints: [a, b], addresses: auto}\n"
		 "- {endpoints: [a, b], addresses: auto}\n"
		 "- {endpoints: [a, b], addresses: auto}\n"
		 "- {endpoints: [a, b], addresses: auto}\n",
		 "7:3: error: the pool of IPv4 addresses is used up at this link\n"
		 "\tgive more room: `pools: {v4: ..., v6: ...}`\n");
	lab_free(read_expecting("lab: x\nrouting: static\nnodes: {a: {}, b: {}, c: {}}\n"
				"links: [{endpoints: [a, b], addresses: auto}, "
				"{endpoints: [b, c], addresses: auto}]\n",
				"2:10: warning: `routing: static` finds no ways, since no node "
				"forwards\n\tsay `forward: both` for the routers\n"));
}

static void test_too_big(void **state)
{
	struct generate_options options = {.sizes = {33, 33}, .v4 = true, .v6 = true};
	char *text = NULL;
	struct err err = {};
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	for (options.kind = generate_kinds; strcmp(options.kind->name, "grid"); options.kind++)
		;
	assert_true(generate_write(f, &options, &err) < 0);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.what, "the lab is too big for `routing: static`: more than 250000 "
				      "routes, or too much to search");
	err_clear(&err);
	options.sizes[0] = options.sizes[1] = 1000;
	assert_true(generate_write(f, &options, &err) < 0);
	assert_string_equal(err.what, "that would be more than 100000 nodes or links");
	fclose(f);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),	       cmocka_unit_test(test_shapes_spelled_out),
		cmocka_unit_test(test_random),	       cmocka_unit_test(test_mesh),
		cmocka_unit_test(test_merged),	       cmocka_unit_test(test_ecmp),
		cmocka_unit_test(test_bridges),	       cmocka_unit_test(test_who_relays),
		cmocka_unit_test(test_host_and_taken), cmocka_unit_test(test_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
