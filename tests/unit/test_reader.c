// SPDX-License-Identifier: GPL-2.0-only
/* test_reader.c - a lab file becomes a lab. */
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
#include "topology/rules.h"
#include "topology/reader_walk.h"

static void assert_prefix(const struct address *address, const char *expected)
{
	char buf[IP_TEXT_SIZE];

	assert_string_equal(ip_prefix_format(&address->prefix, buf, sizeof(buf)), expected);
}
static void test_blue(void **state)
{
	struct diags diags = {};
	struct lab *lab = lab_read_file("topology/labs/blue.yaml", &diags);
	struct end *veth0, *veth1, *veth2, *veth3;

	(void)state;
	assert_non_null(lab);
	assert_int_equal(diags.errors, 0);
	/* It means to have two links in one subnet, and says why. */
	assert_int_equal(diags_warnings(&diags), 0);
	assert_int_equal(diags.count, 1);
	assert_int_equal(diags.list[0].severity, SEVERITY_ALLOWED);
	assert_string_equal(diags.list[0].name, FINDING_SHARED_SUBNET);
	assert_non_null(strstr(diags.list[0].reason, "not two systems"));
	assert_string_equal(lab->name, "blue");
	assert_string_equal(lab->about, "Two veth links between the default namespace and blue");
	assert_int_equal(lab->n_nodes, 2);
	assert_int_equal(lab->n_links, 2);
	assert_int_equal(lab->nodes[0]->netns, NETNS_HOST);
	assert_int_equal(lab->nodes[1]->netns, NETNS_NEW);
	assert_true(lab->nodes[1]->lo_up);
	veth0 = lab_find_end(lab, "default:veth0");
	veth1 = lab_find_end(lab, "blue:veth1");
	veth2 = lab_find_end(lab, "default:veth2");
	veth3 = lab_find_end(lab, "blue:veth3");
	assert_prefix(&veth0->addresses[0], "10.1.1.2/24");
	assert_prefix(&veth1->addresses[0], "10.1.1.1/24");
	assert_prefix(&veth3->addresses[0], "10.1.1.3/24");
	assert_int_equal(veth2->n_addresses, 0);
	assert_false(veth0->up);
	assert_true(veth1->up);
	assert_false(veth2->up);
	assert_true(veth3->up);
	assert_ptr_equal(veth0->peer, veth1);
	assert_ptr_equal(veth3->peer, veth2);
	assert_int_equal(veth0->number, 0);
	assert_int_equal(veth3->number, 3);
	assert_ptr_equal(lab->nodes[1]->ends[1], veth3);
	lab_free(lab);
	diags_free(&diags);
}
/* Each name can be allowed; what is not found is told; an allowance of one leaves the others. */
static void test_allow(void **state)
{
	static const char two_subnets[] =
		"nodes: {a: {}, b: {}}\nlinks:\n"
		"- endpoints: [{end: a, address: 10.0.0.1/24, mtu: 1400}, b]\n"
		"- endpoints: [{end: a, address: 10.0.0.2/24}, b]\n";
	char text[512], expected[256];

	(void)state;
	for (size_t i = 0; i < RULES_NAMES; i++) {
		snprintf(text, sizeof(text), "lab: x\nallow: {%s: y}\nnodes: {a: {}}\n",
			 rules_names[i]);
		snprintf(expected, sizeof(expected),
			 "2:9: warning: allow: nothing in this lab is %s\n"
			 "\ttake it out, so that it hides nothing later\n",
			 rules_names[i]);
		lab_free(read_expecting(text, expected));
	}
	snprintf(text, sizeof(text), "lab: x\nallow: {shared-subnet: y, mtu-differs: z}\n%s",
		 two_subnets);
	lab_free(read_good(text));
	snprintf(text, sizeof(text), "lab: x\nallow: {mtu-differs: z}\n%s", two_subnets);
	lab_free(read_expecting(text,
				"6:33: warning: the subnet 10.0.0.0/24 of a:eth1 is on another "
				"link too, as 10.0.0.0/24 of a:eth0\n"
				"\ta subnet is one wire: a node sends all of it out of one "
				"interface\n"));
	read_bad("lab: x\nallow: [shared-subnet]\nnodes: {a: {}}\n",
		 "2:8: error: allow: a map of findings and why each is meant is expected, not a "
		 "list\n"
		 "\tallow: {shared-subnet: \"the reason\"}\n");
	read_bad("lab: x\nallow: {shared-subnet: ''}\nnodes: {a: {}}\n",
		 "2:24: error: shared-subnet: \"\" is not why it is meant\n");
}
static void test_links(void **state)
{
	struct lab *lab = read_good(
		"lab: x\n"
		"nodes: {a: {}, b: , c: null}\n"
		"links:\n"
		"- endpoints: ['a:eth1', \"b:lan\"]\n"
		"- endpoints: [a, b]\n"
		"- endpoints: [a, c]\n"
		"  mtu: 9000\n"
		"  up: false\n"
		"  queues: 4\n"
		"  txqueuelen: 0\n"
		"  features: {tx_checksum: off, tso: false, gro: on}\n"
		"  xdp: native\n"
		"  hooks: [in, out]\n"
		"- endpoints:\n"
		"  - {end: a, addresses: [10.0.0.1/24, fd00::1/64], mac: 02:00:00:00:00:0a}\n"
		"  - {end: c, mtu: 1400, up: true}\n"
		"  mtu: 1400\n"
		"  up: false\n"
		"  hooks: none\n"
		"xdp: off\n"
		"hooks: out\n");
	struct link *link = lab->links[2];
	struct end *end;

	(void)state;
	assert_string_equal(lab_end(lab, 0)->name, "a:eth1");
	assert_string_equal(lab_end(lab, 1)->name, "b:lan");
	assert_string_equal(lab_end(lab, 2)->name, "a:eth0"); /* keeps out of eth1's way */
	assert_string_equal(lab_end(lab, 3)->name, "b:eth0");
	assert_string_equal(lab_end(lab, 4)->name, "a:eth2");
	assert_string_equal(lab_end(lab, 5)->name, "c:eth0");
	for (unsigned i = 0; i < lab_n_ends(lab); i++)
		assert_int_equal(lab_end(lab, i)->number, i);
	assert_int_equal(link->mtu, 9000);
	assert_int_equal(link->queues, 4);
	assert_true(link->has_txqueuelen);
	assert_int_equal(link->txqueuelen, 0);
	assert_int_equal(link->tx_checksum, SETTING_OFF);
	assert_int_equal(link->tso, SETTING_OFF);
	assert_int_equal(link->gro, SETTING_ON);
	assert_int_equal(link->xdp, XDP_MODE_NATIVE);
	assert_int_equal(link->hooks, HOOKS_IN | HOOKS_OUT);
	assert_false(link->ends[0]->up || link->ends[1]->up);
	assert_int_equal(lab->links[0]->hooks, HOOKS_DEFAULT);
	assert_int_equal(lab->links[3]->hooks, HOOKS_NONE);
	assert_int_equal(lab->xdp, XDP_MODE_OFF);
	assert_int_equal(lab->hooks, HOOKS_OUT);
	end = lab_end(lab, 6);
	assert_int_equal(end->n_addresses, 2);
	assert_prefix(&end->addresses[1], "fd00::1/64");
	assert_true(end->has_mac);
	assert_int_equal(end->mac[5], 10);
	assert_false(end->up);
	assert_true(end->peer->up);
	assert_int_equal(end->peer->mtu, 1400);
	assert_int_equal(end->where.line, 15);
	assert_int_equal(end->where.column, 11);
	assert_int_equal(lab->nodes[0]->n_ends, 4);
	lab_free(lab);
}
static void test_nodes(void **state)
{
	struct lab *lab = read_good(
		"lab: x\n"
		"nodes:\n"
		"  host: {netns: host}\n"
		"  other: {netns: /run/netns/other}\n"
		"  process: {pid: 42}\n"
		"  router:\n"
		"    forward: v4\n"
		"    lo: {up: false, addresses: [192.0.2.1/32, fd01::1/128]}\n"
		"    sysctls: {net.ipv4.conf.all.rp_filter: 0}\n"
		"    exec: [ip route, 'echo a: b']\n"
		"    nft: |\n"
		"      table ip t {}\n"
		"  quiet: {lo: down, forward: both, exec: 'true'}\n"
		"  br: {kind: bridge, dev: lan, stp: true, vlan_filtering: yes, ageing: 0}\n"
		"  br2: {kind: bridge, address: 10.0.0.9/24}\n");
	struct node *router = lab_find_node(lab, "router"), *br = lab_find_node(lab, "br");

	(void)state;
	assert_int_equal(lab->nodes[1]->netns, NETNS_PATH);
	assert_string_equal(lab->nodes[1]->netns_path, "/run/netns/other");
	assert_int_equal(lab->nodes[2]->netns, NETNS_PID);
	assert_int_equal(lab->nodes[2]->netns_pid, 42);
	assert_true(router->forward_v4 && !router->forward_v6);
	assert_false(router->lo_up);
	assert_int_equal(router->n_lo_addresses, 2);
	assert_prefix(&router->lo_addresses[1], "fd01::1/128");
	assert_int_equal(router->n_sysctls, 1);
	assert_string_equal(router->sysctls[0].key, "net.ipv4.conf.all.rp_filter");
	assert_string_equal(router->sysctls[0].value, "0");
	assert_int_equal(router->n_exec, 2);
	assert_string_equal(router->exec[1].line, "echo a: b");
	assert_int_equal(router->exec[1].where.line, 10);
	assert_string_equal(router->nft, "table ip t {}\n");
	assert_false(lab_find_node(lab, "quiet")->lo_up);
	assert_true(lab_find_node(lab, "quiet")->forward_v6);
	assert_int_equal(lab_find_node(lab, "quiet")->n_exec, 1);
	assert_int_equal(br->kind, NODE_BRIDGE);
	assert_string_equal(br->bridge.dev, "lan");
	assert_true(br->bridge.stp && br->bridge.vlan_filtering && br->bridge.has_ageing);
	assert_string_equal(lab_find_node(lab, "br2")->bridge.dev, "br0");
	assert_prefix(&lab_find_node(lab, "br2")->bridge_addresses[0], "10.0.0.9/24");
	lab_free(lab);
}
/* A route that check takes fits a request; the first next hop too many is told where it stands. */
static void test_many_next_hops(void **state)
{
	static const char rest[] = "]}]}\n  b: {}\nlinks:\n- endpoints: ['a:e', b]\n";
	char text[8192];
	int n = sprintf(text, "lab: x\nnodes:\n  a: {routes: [{to: 10.9.0.0/16, nexthops: [\n");
	struct lab *lab;

	(void)state;
	for (int i = 0; i < ROUTE_HOPS_MAX; i++)
		n += sprintf(text + n, "%s    {dev: e}", i ? ",\n" : "");
	strcpy(text + n, rest);
	lab = read_good(text);
	assert_int_equal(lab->nodes[0]->routes[0].n_hops, ROUTE_HOPS_MAX);
	lab_free(lab);
	sprintf(text + n, ",\n    {dev: e},\n    {dev: e}%s", rest);
	read_bad(text, "260:5: error: vethlab makes routes of at most 256 next hops\n");
}
static void test_routes(void **state)
{
	struct lab *lab =
		read_good("lab: x\n"
			  "nodes:\n"
			  "  a:\n"
			  "    routes:\n"
			  "    - {to: default, via: 10.0.0.2}\n"
			  "    - {to: default, via: fd00::2, metric: 7}\n"
			  "    - {to: 10.9.0.0/16, nexthops: [{via: 10.0.0.2, weight: 3}, {dev: "
			  "eth0}, 10.0.0.3]}\n"
			  "    - {to: 10.8.0.0/16, kind: blackhole}\n"
			  "    - 192.0.2.7 via 10.0.0.2 dev eth0 metric 10\n"
			  "    - unreachable fd09::/64\n"
			  "    - prohibit default\n"
			  "    neighbors:\n"
			  "    - {address: 10.0.0.7, mac: '02:00:00:00:00:07', dev: eth0}\n"
			  "  b: {}\n"
			  "links:\n"
			  "- endpoints:\n"
			  "  - {end: a, addresses: [10.0.0.1/24, fd00::1/64]}\n"
			  "  - {end: b, addresses: [10.0.0.2/24, 10.0.0.3/24, fd00::2/64]}\n");
	struct node *a = lab->nodes[0];
	char buf[IP_TEXT_SIZE];

	(void)state;
	assert_int_equal(a->n_routes, 7);
	assert_int_equal(a->routes[0].to.addr.family, AF_INET);
	assert_int_equal(a->routes[0].to.len, 0);
	assert_int_equal(a->routes[0].n_hops, 1);
	assert_int_equal(a->routes[0].hops[0].weight, 1);
	assert_int_equal(a->routes[1].to.addr.family, AF_INET6);
	assert_int_equal(a->routes[1].metric, 7);
	assert_int_equal(a->routes[2].n_hops, 3);
	assert_int_equal(a->routes[2].hops[0].weight, 3);
	assert_string_equal(a->routes[2].hops[1].dev, "eth0");
	assert_string_equal(ip_format(&a->routes[2].hops[2].via, buf, sizeof(buf)), "10.0.0.3");
	assert_int_equal(a->routes[3].kind, ROUTE_BLACKHOLE);
	assert_int_equal(a->routes[3].n_hops, 0);
	assert_string_equal(ip_prefix_format(&a->routes[4].to, buf, sizeof(buf)), "192.0.2.7/32");
	assert_string_equal(a->routes[4].hops[0].dev, "eth0");
	assert_int_equal(a->routes[4].metric, 10);
	assert_int_equal(a->routes[4].where.line, 9);
	assert_int_equal(a->routes[5].kind, ROUTE_UNREACHABLE);
	assert_string_equal(ip_prefix_format(&a->routes[5].to, buf, sizeof(buf)), "fd09::/64");
	assert_int_equal(a->routes[6].kind, ROUTE_PROHIBIT);
	assert_int_equal(a->routes[6].to.addr.family, AF_INET);
	assert_int_equal(a->n_neighbors, 1);
	assert_int_equal(a->neighbors[0].mac[5], 7);
	assert_string_equal(a->neighbors[0].dev, "eth0");
	lab_free(lab);
}
static void test_defaults_and_vars(void **state)
{
	struct lab *lab = read_good(
		"lab: x\n"
		"vars: {who: lab, net: 10.7.0, money: $}\n"
		"defaults:\n"
		"  nodes: {forward: both, vars: {who: any}, exec: 'echo ${node} ${who}'}\n"
		"  links: {mtu: 1400, up: false}\n"
		"nodes:\n"
		"  a: {}\n"
		"  b: {forward: v6, vars: {who: me}}\n"
		"  c: {exec: 'a=1; echo $a $${a} ${lab} ${money}$'}\n"
		"links:\n"
		"- endpoints: [{end: a, address: '${net}.1/24'}, b]\n"
		"- endpoints: [a, c]\n"
		"  mtu: 1500\n");

	(void)state;
	assert_true(lab->nodes[0]->forward_v4);
	assert_false(lab->nodes[1]->forward_v4);
	assert_string_equal(lab->nodes[0]->exec[0].line, "echo a any");
	assert_string_equal(lab->nodes[1]->exec[0].line, "echo b me");
	assert_string_equal(lab->nodes[2]->exec[0].line, "a=1; echo $a ${a} x $$");
	assert_prefix(&lab_end(lab, 0)->addresses[0], "10.7.0.1/24");
	assert_int_equal(lab->links[0]->mtu, 1400);
	assert_int_equal(lab->links[1]->mtu, 1500);
	assert_false(lab_end(lab, 3)->up);
	lab_free(lab);

	/* An error in defaults is told once, not once a node. */
	read_bad("lab: x\n"
		 "defaults: {nodes: {forward: v5, exec: '${wo}'}, links: {endpoints: []}}\n"
		 "nodes: {a: {}, b: {vars: {who: me}}}\n"
		 "links: [endpoints: [a, b], endpoints: [a, b]]\n",
		 "2:29: error: forward: \"v5\" is not v4, v6, both or none\n"
		 "2:39: error: there is no variable ${wo}\n"
		 "\twrite it under `vars:`, or $${wo} if it is not ours to put in\n"
		 "2:57: error: unknown key \"endpoints\" in `defaults`\n"
		 "\tkeys of `defaults`: mtu, up, txqueuelen, queues, features, addresses, xdp, "
		 "hooks\n");
}
/* Texts in every style of YAML come out as they were meant. */
static void test_styles(void **state)
{
	static const struct {
		const char *yaml, *text;
	} rows[] = {
		{"plain text", "plain text"},
		{"plain\n  and folded", "plain and folded"},
		{"'it''s'", "it's"},
		{"'a''''b'", "a''b"},
		{"''", ""},
		{"''''", "'"},
		{"''''''", "''"},
		{"'a''''''''''''''''''''''4'", "a'''''''''''4"},
		{"'one  \n    two'", "one two"},
		{"'one\n\n\n  two ''x'' '", "one\n\ntwo 'x' "},
		{"'one\r\n  two'", "one two"},
		{"\"a\\tb \\u00e9 \\\"c\\\"\"", "a\tb \xc3\xa9 \"c\""},
		{"|\n  line ''\n   more\n", "line ''\n more\n"},
		{">-\n  folded\n  text\n", "folded text"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lab *lab;
		char text[256];

		snprintf(text, sizeof(text), "lab: x\nnodes: {a: {}}\nabout: %s\n", rows[i].yaml);
		lab = read_good(text);
		assert_string_equal(lab->about, rows[i].text);
		lab_free(lab);
	}
}
/* What the kernel takes is not refused: gateways on the link and of IPv6, unnumbered ends. */
static void test_taken_by_the_kernel(void **state)
{
	(void)state;
	lab_free(read_good(
		"lab: x\n"
		"nodes:\n"
		"  pod:\n"
		"    routes: [169.254.1.1/32 dev eth0, default via 169.254.1.1 dev eth0]\n"
		"    neighbors: [{address: 169.254.1.1, mac: '02:00:00:00:00:0b', dev: eth0}]\n"
		"  h: {}\n"
		"links:\n"
		"  - endpoints: [{end: 'pod:eth0', address: 10.65.0.2/32}, 'h:c0']\n"));
	lab_free(read_expecting(
		"lab: x\n"
		"nodes:\n"
		"  pod:\n"
		"    routes: [169.254.1.1/32 dev eth0, default via 169.254.1.1 dev eth0]\n"
		"  h: {}\n"
		"links:\n"
		"  - endpoints: [{end: 'pod:eth0', address: 10.65.0.2/32}, 'h:c0']\n",
		"4:39: warning: nobody in the lab has the address of the gateway 169.254.1.1\n"
		"\tit works where the other end answers for it (proxy_arp), or with an entry of "
		"`neighbors:`\n"));
	lab_free(
		read_good("lab: x\n"
			  "nodes:\n"
			  "  a: {lo: {address: 10.9.0.2/24}, routes: [10.10.0.0/16 via 10.9.0.1]}\n"
			  "  b: {}\n"
			  "links: [{endpoints: [a, b]}]\n"));
	lab_free(read_good("lab: x\n"
			   "nodes: {a: {routes: ['172.16.1.0/24 via fd00::2']}, b: {}}\n"
			   "links:\n"
			   "  - endpoints: [{end: 'a:e', address: fd00::1/64}, "
			   "{end: 'b:e', address: fd00::2/64}]\n"));
	lab_free(read_good("lab: x\n"
			   "nodes: {h: {}, a: {}, b: {}}\n"
			   "links:\n"
			   "  - endpoints: [{end: 'h:vA', address: 10.244.0.1/32}, 'a:e']\n"
			   "  - endpoints: [{end: 'h:vB', address: 10.244.0.1/32}, 'b:e']\n"));
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_blue),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_many_next_hops),
		cmocka_unit_test(test_defaults_and_vars),
		cmocka_unit_test(test_taken_by_the_kernel),
		cmocka_unit_test(test_styles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}