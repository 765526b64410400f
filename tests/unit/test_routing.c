// SPDX-License-Identifier: GPL-2.0-only
/* test_routing.c - computed routes and planned addresses, one by one: which, and how few. */
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
#include "topology/reader_walk.h"
#include "topology/routing.h"

/* ---- generated shapes ---------------------------------------------------------------------- */

/* A mesh routes nothing: each node reaches each other's address on their own link. */
static void test_mesh(void **state)
{
	struct lab *lab = paper_generate("mesh", 12, 0, 0, false);

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
	struct lab *lab = paper_generate("chain", 1000, 0, 0, false);
	size_t most;

	(void)state;
	assert_in_range(routes_of(lab, &most), 2 * 1000, 40 * 1000);
	assert_in_range(most, 2, 40);
	/* A merged route holds nothing that is not in the lab: routers do not know 10.0.16.0/20. */
	for (size_t i = 1; i + 1 < lab->n_nodes; i++) {
		struct ip_addr outside;
		int len;

		assert_true(ip_parse("10.0.15.160", &outside));
		assert_null(paper_look_up(lab->nodes[i], &outside, &len));
		assert_true(ip_parse("fd00:0:0:3e7::", &outside));
		assert_null(paper_look_up(lab->nodes[i], &outside, &len));
	}
	lab_free(lab);
}

static void test_ecmp(void **state)
{
	struct lab *lab = paper_generate("clos", 4, 3, 1, false);
	struct node *leaf = lab_find_node(lab, "leaf1"), *host = lab_find_node(lab, "h1-1");
	const struct route *route;
	int len;

	(void)state;
	route = paper_look_up(leaf, &lab_find_end(lab, "h3-1:eth0")->addresses[0].prefix.addr,
			      &len);
	assert_int_equal(route->n_hops, 4);
	assert_true(route->computed);
	route = paper_look_up(leaf, &lab_find_end(lab, "h3-1:eth0")->addresses[1].prefix.addr,
			      &len);
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
	assert_int_equal(paper_check_reach(lab, 1), 5 * 16);
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
	struct shape_options options = {.sizes = {33, 33}, .v4 = true, .v6 = true};
	char *text = NULL;
	struct err err = {};
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	for (options.kind = generate_kinds; strcmp(options.kind->name, "grid"); options.kind++)
		;
	assert_true(shape_write(f, &options, &err) < 0);
	assert_int_equal(err.code, ERR_USAGE);
	assert_string_equal(err.what, "the lab is too big for `routing: static`: more than 250000 "
				      "routes, or too much to search");
	err_clear(&err);
	options.sizes[0] = options.sizes[1] = 1000;
	assert_true(shape_write(f, &options, &err) < 0);
	assert_string_equal(err.what, "that would be more than 100000 nodes or links");
	fclose(f);
	assert_string_equal(text, "");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mesh),	   cmocka_unit_test(test_merged),
		cmocka_unit_test(test_ecmp),	   cmocka_unit_test(test_bridges),
		cmocka_unit_test(test_who_relays), cmocka_unit_test(test_host_and_taken),
		cmocka_unit_test(test_too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
