// SPDX-License-Identifier: GPL-2.0-only
/* test_topology_diff.c - what turns one lab into another, each kind of change by itself, and big
 * labs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "topology/lab_diff.h"

static const char *const kind_names[CHANGE_KINDS] = {
	[CHANGE_ROUTE_REMOVE] = "-route",
	[CHANGE_NEIGHBOR_REMOVE] = "-neighbor",
	[CHANGE_ADDRESS_REMOVE] = "-address",
	[CHANGE_SYSCTL_RESET] = "-sysctl",
	[CHANGE_LINK_REMOVE] = "-link",
	[CHANGE_NODE_REMOVE] = "-node",
	[CHANGE_NODE_ADD] = "+node",
	[CHANGE_LINK_ADD] = "+link",
	[CHANGE_SYSCTL_SET] = "sysctl",
	[CHANGE_BRIDGE] = "bridge",
	[CHANGE_LO] = "lo",
	[CHANGE_NFT] = "nft",
	[CHANGE_MTU] = "mtu",
	[CHANGE_MAC] = "mac",
	[CHANGE_TXQUEUELEN] = "txqueuelen",
	[CHANGE_OFFLOADS] = "offloads",
	[CHANGE_STATE] = "state",
	[CHANGE_ADDRESS_ADD] = "+address",
	[CHANGE_NEIGHBOR_SET] = "neighbor",
	[CHANGE_ROUTE_SET] = "route",
	[CHANGE_EXEC] = "exec",
};

/* What a change is about, as one word. */
static const char *about(const struct lab_change *change, char buf[IP_TEXT_SIZE])
{
	if (change->address)
		return ip_prefix_format(&change->address->prefix, buf, IP_TEXT_SIZE);
	if (change->route)
		return ip_prefix_format(&change->route->to, buf, IP_TEXT_SIZE);
	if (change->neighbor)
		return ip_format(&change->neighbor->addr, buf, IP_TEXT_SIZE);
	if (change->sysctl)
		return change->sysctl->key;
	return "";
}

/* "kind object about (reason)" a line. */
static void describe(const struct lab_diff *diff, char *text, size_t size)
{
	char buf[IP_TEXT_SIZE];
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < diff->n && used < size; i++) {
		const struct lab_change *change = &diff->list[i];
		const char *word = about(change, buf);

		used += snprintf(text + used, size - used, "%s %s%s%s%s%s%s%s\n",
				 kind_names[change->kind],
				 change->end	? change->end->name
				 : change->link ? change->link->ends[0]->name
						: change->node->name,
				 change->bridge && change->address ? ":bridge" : "",
				 word[0] ? " " : "", word, change->reason ? " (" : "",
				 change->reason ?: "", change->reason ? ")" : "");
	}
}

/* The nodes and links of two labs, and what turns the first into the second. */
struct row {
	const char *was, *now, *changes;
};

/* A lab without errors; warnings are no matter here. */
static struct lab *read_lab(const char *text)
{
	struct diags diags = {};
	struct lab *lab = lab_read_text(text, strlen(text), "t.yaml", &diags);

	diags_free(&diags);
	assert_non_null(lab);
	return lab;
}

static void check(const struct row *row, const struct lab_diff_options *options)
{
	struct lab *was = read_lab(row->was), *now = read_lab(row->now);
	struct lab_diff diff;
	char text[4096];

	assert_int_equal(lab_diff_make(&diff, was, now, options), 0);
	describe(&diff, text, sizeof(text));
	assert_string_equal(text, row->changes);
	lab_diff_free(&diff);
	/* Nothing is to be done to become what it is. */
	assert_int_equal(lab_diff_make(&diff, now, now, options), 0);
	assert_int_equal(diff.n, 0);
	lab_diff_free(&diff);
	lab_free(was);
	lab_free(now);
}

#define AB	  "lab: x\nnodes: {a: {}, b: {}}\nlinks:\n"
#define ABC	  "lab: x\nnodes: {a: {}, b: {}, c: {}}\nlinks:\n"
#define ONE(more) "- {endpoints: ['a:x', 'b:y']" more "}\n"

static const struct row link_rows[] = {
	{AB ONE(""), AB ONE(""), ""},
	/* The other way round, further down: the same link. */
	{ABC ONE("") "- endpoints: [b, c]\n",
	 ABC "- endpoints: [b, c]\n- endpoints: ['b:y', 'a:x']\n", ""},
	{AB, AB ONE(""), "+link a:x\n"},
	{AB ONE(""), AB, "-link a:x\n"},
	{AB ONE(""), AB "- {endpoints: ['a:x', 'b:z']}\n", "-link a:x\n+link a:x\n"},
	{AB ONE(""), AB ONE(", mtu: 1400"), "mtu a:x\nmtu b:y\n"},
	{AB ONE(", mtu: 1500"), AB ONE(""), ""},
	{AB ONE(""), AB "- endpoints: ['a:x', {end: 'b:y', mtu: 1400}]\n", "mtu b:y\n"},
	{AB ONE(""), AB "- endpoints: ['a:x', {end: 'b:y', mac: '02:00:00:00:00:01'}]\n",
	 "mac b:y\n"},
	{AB ONE(""), AB "- endpoints: ['a:x', {end: 'b:y', up: false}]\n", "state b:y\n"},
	{AB ONE(""), AB ONE(", txqueuelen: 10"), "txqueuelen a:x\ntxqueuelen b:y\n"},
	{AB ONE(""), AB ONE(", features: {gro: on}"), "offloads a:x\noffloads b:y\n"},
	{AB ONE(""), AB ONE(", queues: 2"),
	 "-link a:x (its queues change)\n+link a:x (its queues change)\n"},
	{AB ONE(""), AB ONE(", xdp: generic"),
	 "-link a:x (its XDP mode changes)\n+link a:x (its XDP mode changes)\n"},
	{AB ONE(""), "xdp: native\n" AB ONE(""),
	 "-link a:x (its XDP mode changes)\n+link a:x (its XDP mode changes)\n"},
	{AB ONE(""), "xdp: off\n" AB ONE(""), ""},
	{AB ONE(""), AB ONE(", hooks: [in]"),
	 "-link a:x (its hooks change)\n+link a:x (its hooks change)\n"},
	{AB "- endpoints: [{end: 'a:x', address: [10.0.0.1/24, 10.0.1.1/24]}, 'b:y']\n",
	 AB "- endpoints: [{end: 'a:x', address: [10.0.2.1/24, 10.0.1.1/24]}, 'b:y']\n",
	 "-address a:x 10.0.0.1/24\n+address a:x 10.0.2.1/24\n"},
};

#define BAB "lab: x\nnodes: {a: {kind: bridge}, b: {}}\nlinks:\n"

static const struct row port_rows[] = {
	{BAB ONE(""), BAB "- endpoints: [{end: 'a:x', port: false}, 'b:y']\n",
	 "-link a:x (an end of it joins or leaves its bridge)\n"
	 "+link a:x (an end of it joins or leaves its bridge)\n"},
};

static void test_links(void **state)
{
	const struct lab_diff_options options = {};

	(void)state;
	for (size_t i = 0; i < sizeof(link_rows) / sizeof(*link_rows); i++)
		check(&link_rows[i], &options);
	check(&port_rows[0], &options);
}

/* What the command line said counts for both, whatever the files say. */
static void test_options(void **state)
{
	const struct lab_diff_options xdp = {.xdp = XDP_MODE_OFF}, hooks = {.hooks = HOOKS_NONE};

	(void)state;
	check(&(struct row){AB ONE(""), AB ONE(", xdp: native"), ""}, &xdp);
	check(&(struct row){AB ONE(""), AB ONE(", hooks: [in], xdp: native"), ""}, &hooks);
}

#define A(more)	 "lab: x\nnodes: {a: {" more "}}\n"
#define BR(more) "lab: x\nnodes: {a: {kind: bridge, " more "}}\n"

static const struct row node_rows[] = {
	{A(""), "lab: x\nnodes: {b: {}, a: {}}\n", "+node b\n"},
	{"lab: x\nnodes: {b: {}, a: {}}\n", A(""), "-node b\n"},
	{"lab: x\nnodes: {b: {}, a: {}}\n", "lab: y\nabout: z\nnodes: {a: {}, b: {}}\n", ""},
	{A(""), A("netns: host"),
	 "-node a (it is another namespace)\n+node a (it is another namespace)\n"},
	{A(""), BR(""), "-node a (it becomes a bridge)\n+node a (it becomes a bridge)\n"},
	{BR(""), BR("dev: br7"),
	 "-node a (its bridge has another name)\n+node a (its bridge has another name)\n"},
	{A(""), A("sysctls: inherit"),
	 "-node a (it inherits settings now)\n+node a (it inherits settings now)\n"},
	{A("sysctls: {inherit: true, net.ipv4.ip_default_ttl: 9}"),
	 A("sysctls: {inherit: true, net.ipv4.ip_default_ttl: 8}"),
	 "sysctl a net.ipv4.ip_default_ttl\n"},
	{BR(""), BR("stp: true"), "bridge a\n"},
	{BR("ageing: 300"), BR("ageing: 20"), "bridge a\n"},
	{BR("address: 10.0.0.1/24"), BR("address: 10.0.0.2/24"),
	 "-address a:bridge 10.0.0.1/24\n+address a:bridge 10.0.0.2/24\n"},
	{A(""), A("forward: both"),
	 "sysctl a net.ipv4.ip_forward\nsysctl a net.ipv6.conf.all.forwarding\n"},
	{A("forward: v4"), A(""), "-sysctl a net.ipv4.ip_forward\n"},
	{A("sysctls: {net.ipv4.ip_default_ttl: 9}"), A("sysctls: {net.ipv4.ip_default_ttl: 8}"),
	 "sysctl a net.ipv4.ip_default_ttl\n"},
	{A(""), A("lo: {address: 10.9.9.9/32}"), "+address a 10.9.9.9/32\n"},
	{A(""), A("nft: 'add table ip x'"), "nft a\n"},
	{A(""), A("exec: 'true'"), "exec a\n"},
	{A(""), A("routes: [blackhole 10.0.0.0/8]"), "route a 10.0.0.0/8\n"},
	{A("routes: [blackhole 10.0.0.0/8]"), A("routes: [unreachable 10.0.0.0/8]"),
	 "route a 10.0.0.0/8\n"},
	{A("routes: [blackhole 10.0.0.0/8]"), A("routes: [blackhole 10.0.0.0/8 metric 5]"),
	 "-route a 10.0.0.0/8\nroute a 10.0.0.0/8\n"},
	{A("routes: [blackhole 10.0.0.0/8, blackhole 10.1.0.0/16]"),
	 A("routes: [blackhole 10.1.0.0/16, blackhole 10.0.0.0/8]"), ""},
	/* A namespace that stays when it leaves the lab: what is in it must be taken out. */
	{"lab: x\nnodes: {b: {}, a: {netns: host, forward: v4, routes: [blackhole 10.0.0.0/8]}}\n",
	 "lab: x\nnodes: {b: {}}\n",
	 "-route a 10.0.0.0/8\n-sysctl a net.ipv4.ip_forward\n-node a\n"},
};

static void test_nodes(void **state)
{
	const struct lab_diff_options options = {};

	(void)state;
	for (size_t i = 0; i < sizeof(node_rows) / sizeof(*node_rows); i++)
		check(&node_rows[i], &options);
}

/* Built again: all links of the node with it, the rest is left alone. */
static void test_rebuilt(void **state)
{
	static const char links[] = "links: [{endpoints: [a, b]}, {endpoints: [b, c]}]\n";
	const struct lab_diff_options options = {};
	char was[256], now[256];

	(void)state;
	snprintf(was, sizeof(was), "lab: x\nnodes: {a: {}, b: {}, c: {}}\n%s", links);
	snprintf(now, sizeof(now), "lab: x\nnodes: {a: {kind: bridge}, b: {}, c: {}}\n%s", links);
	check(&(struct row){was, now,
			    "-link a:eth0 (a node of it is built again)\n"
			    "-node a (it becomes a bridge)\n"
			    "+node a (it becomes a bridge)\n"
			    "+link a:eth0 (a node of it is built again)\n"},
	      &options);
}

static const struct row neighbor_rows[] = {
	{"lab: x\nnodes: {a: {neighbors: [{address: 10.0.0.9, mac: '02:00:00:00:00:01', dev: x}]}, "
	 "b: "
	 "{}}\nlinks:\n" ONE(""),
	 "lab: x\nnodes: {a: {neighbors: [{address: 10.0.0.9, mac: '02:00:00:00:00:02', dev: x},\n"
	 " {address: 10.0.0.8, mac: '02:00:00:00:00:01', dev: x}]}, b: {}}\nlinks:\n" ONE(""),
	 "neighbor a 10.0.0.8\nneighbor a 10.0.0.9\n"},
	{"lab: x\nnodes: {a: {neighbors: [{address: 10.0.0.9, mac: '02:00:00:00:00:01', dev: x}]}, "
	 "b: "
	 "{}}\nlinks:\n" ONE(""),
	 AB ONE(""), "-neighbor a 10.0.0.9\n"},
};

static void test_neighbors(void **state)
{
	const struct lab_diff_options options = {};

	(void)state;
	for (size_t i = 0; i < sizeof(neighbor_rows) / sizeof(*neighbor_rows); i++)
		check(&neighbor_rows[i], &options);
}

/* A star of n links, from link `first` on. */
static struct lab *star(size_t first, size_t n)
{
	size_t size = 80 * (n + 2), used = 0;
	struct lab *lab;
	char *text = malloc(size);

	assert_non_null(text);
	used += snprintf(text + used, size - used, "lab: x\nnodes: {a: {}, b: {}}\nlinks:\n");
	for (size_t i = first; i < first + n; i++)
		used += snprintf(
			text + used, size - used,
			"- endpoints: ['a:x%zu', {end: 'b:y%zu', address: 10.%zu.%zu.1/32}]\n", i,
			i, i / 250, i % 250);
	lab = read_lab(text);
	free(text);
	return lab;
}

/* 10,000 links, of which 100 go and 100 come. */
static void test_big(void **state)
{
	const struct lab_diff_options options = {};
	struct lab *was = star(0, 10000), *now = star(100, 10000);
	struct lab_diff diff;

	(void)state;
	assert_int_equal(lab_diff_make(&diff, was, now, &options), 0);
	assert_int_equal(diff.n, 200);
	for (size_t i = 0; i < diff.n; i++)
		assert_int_equal(diff.list[i].kind, i < 100 ? CHANGE_LINK_REMOVE : CHANGE_LINK_ADD);
	assert_string_equal(diff.list[0].link->ends[0]->name, "a:x0");
	assert_string_equal(diff.list[199].link->ends[0]->name, "a:x10099");
	lab_diff_free(&diff);
	lab_free(was);
	lab_free(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),	  cmocka_unit_test(test_options),
		cmocka_unit_test(test_nodes),	  cmocka_unit_test(test_rebuilt),
		cmocka_unit_test(test_neighbors), cmocka_unit_test(test_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
