// SPDX-License-Identifier: GPL-2.0-only
/* rules.c - rules of nodes and links. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/strmap.h"
#include "topology/rules.h"

enum {
	IPV6_MTU_MIN = 1280, /* RFC 8200, 5 */
};

const char *const rules_names[RULES_NAMES] = {
	FINDING_SHARED_SUBNET,	FINDING_SHARED_ADDRESS, FINDING_SHARED_MAC,
	FINDING_SUBNET_LENGTHS, FINDING_TWO_INTERFACES, FINDING_ADDRESS_OF_PORT,
	FINDING_MTU_DIFFERS,	FINDING_BRIDGE_LOOP,	FINDING_UNKNOWN_GATEWAY,
	FINDING_TWO_SUBNETS,	FINDING_NO_FORWARDING,
};

/* ---- nodes --------------------------------------------------------------------------------- */

/* One namespace is one node: by what it is called, "host", a path or a process. */
static int check_namespaces(const struct lab *lab, struct diags *diags)
{
	char(*keys)[32] = calloc(lab->n_nodes + 1, sizeof(*keys));
	struct strmap seen = {};
	int result = keys ? 0 : -ENOMEM;

	for (size_t i = 0; i < lab->n_nodes && !result; i++) {
		struct node *node = lab->nodes[i], *first;
		const char *key = keys[i];

		if (node->netns == NETNS_NEW)
			continue;
		if (node->netns == NETNS_PATH)
			key = node->netns_path;
		else if (node->netns == NETNS_PID)
			snprintf(keys[i], sizeof(*keys), "pid %d", node->netns_pid);
		else
			strcpy(keys[i], "host");
		first = strmap_add(&seen, key, node);
		if (!first)
			result = -ENOMEM;
		else if (first != node)
			diags_add(diags, SEVERITY_ERROR, node->where,
				  "a namespace is one node: give it all the links",
				  "node %s is the same namespace as %s (%s)", node->name,
				  first->name, key);
	}
	strmap_free(&seen);
	free(keys);
	return result;
}

static void check_bridge_dev(const struct node *node, struct diags *diags)
{
	for (size_t i = 0; node->kind == NODE_BRIDGE && i < node->n_ends; i++)
		if (!strcmp(node->bridge.dev, node->ends[i]->ifname))
			diags_add(diags, SEVERITY_ERROR, node->ends[i]->where,
				  "name the bridge with `dev:`, or this end",
				  "%s has the name of the bridge itself", node->ends[i]->name);
}

/* ---- links --------------------------------------------------------------------------------- */

static void check_end(const struct end *end, struct diags *diags)
{
	static const uint8_t zero[6];

	if (end->has_mac && (end->mac[0] & 1))
		diags_add(diags, SEVERITY_ERROR, end->where,
			  "the second hexadecimal digit must be even: 02:...",
			  "%s: the MAC address is a multicast address", end->name);
	else if (end->has_mac && !memcmp(end->mac, zero, sizeof(zero)))
		diags_add(diags, SEVERITY_ERROR, end->where, NULL,
			  "%s: the MAC address is all zero", end->name);
	if (end_is_port(end) && end->n_addresses)
		diags_warn(diags, FINDING_ADDRESS_OF_PORT, end->addresses[0].where,
			   "give it to the bridge (`address:` of the node), or say `port: false`",
			   "%s is a port of a bridge: its address answers to nobody", end->name);
	for (size_t i = 0; i < end->n_addresses; i++) {
		if (end->addresses[i].prefix.addr.family != AF_INET6 ||
		    end_mtu(end) >= IPV6_MTU_MIN)
			continue;
		diags_add(diags, SEVERITY_ERROR, end->addresses[i].where,
			  "raise the MTU to 1280 or more, or use IPv4 alone",
			  "%s has an MTU of %u, and the kernel has no IPv6 below 1280", end->name,
			  end_mtu(end));
	}
}

/* Two MTUs on one wire: packets of the bigger one die without a word. */
static int check_mtus(const struct lab *lab, const struct segments *segments, struct diags *diags)
{
	const struct end **first = calloc(segments->count + 1, sizeof(*first));
	bool *told = calloc(segments->count + 1, sizeof(*told));
	int result;

	for (size_t i = 0; first && told && i < lab_n_ends(lab); i++) {
		const struct end *end = lab_end(lab, i);
		unsigned segment = segment_of(segments, end);

		if (!first[segment])
			first[segment] = end;
		if (end_mtu(first[segment]) == end_mtu(end) || told[segment])
			continue;
		told[segment] = true;
		diags_warn(diags, FINDING_MTU_DIFFERS, end->where,
			   "what is sent into the smaller one is lost without an ICMP error",
			   "MTU %u of %s differs from the %u of %s on the same wire", end_mtu(end),
			   end->name, end_mtu(first[segment]), first[segment]->name);
	}
	result = first && told ? 0 : -ENOMEM;
	free(first);
	free(told);
	return result;
}

static int mac_compare(const void *a, const void *b)
{
	const struct end *x = *(const struct end *const *)a, *y = *(const struct end *const *)b;
	int order = memcmp(x->mac, y->mac, sizeof(x->mac));

	return order ?: x->link->index < y->link->index ? -1 : x->link->index > y->link->index;
}

/* One MAC address twice on a wire: a bridge sends to the one that spoke last. */
static int check_macs(const struct lab *lab, const struct segments *segments, struct diags *diags)
{
	const struct end **list = calloc(lab_n_ends(lab) + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		if (lab_end(lab, i)->has_mac)
			list[n++] = lab_end(lab, i);
	qsort(list, n, sizeof(*list), mac_compare);
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j-- && !memcmp(list[j]->mac, list[i]->mac, 6);) {
			if (segment_of(segments, list[j]) != segment_of(segments, list[i]))
				continue;
			diags_warn(diags, FINDING_SHARED_MAC, list[i]->where,
				   "frames for one of them go to the other",
				   "%s and %s have one MAC address on one wire", list[j]->name,
				   list[i]->name);
			break;
		}
	free(list);
	return 0;
}

/* A circle of bridges without STP carries the first broadcast around forever. */
static int check_loops(const struct lab *lab, struct diags *diags)
{
	unsigned *parent = calloc(lab->n_nodes + 1, sizeof(*parent));

	if (!parent)
		return -ENOMEM;
	for (size_t i = 0; i < lab->n_nodes; i++)
		parent[i] = i;
	for (size_t i = 0; i < lab->n_links; i++) {
		const struct end *a = lab->links[i]->ends[0], *b = a->peer;
		unsigned x = a->node->index, y = b->node->index;

		if (!end_is_port(a) || !end_is_port(b) || !a->up || !b->up)
			continue;
		while (parent[x] != x)
			x = parent[x] = parent[parent[x]];
		while (parent[y] != y)
			y = parent[y] = parent[parent[y]];
		if (x == y && !(a->node->bridge.stp && b->node->bridge.stp))
			diags_warn(diags, FINDING_BRIDGE_LOOP, a->where,
				   "say `stp: true` for the bridges, or leave the link out",
				   "%s -- %s closes a loop of bridges: a broadcast circles in it "
				   "forever",
				   a->name, b->name);
		parent[x] = y;
	}
	free(parent);
	return 0;
}

/* ---- all ----------------------------------------------------------------------------------- */

int rules_check(const struct lab *lab, const struct segments *segments, bool complete,
		struct diags *diags)
{
	int result = check_namespaces(lab, diags);

	for (size_t i = 0; i < lab->n_nodes && result == 0; i++) {
		check_bridge_dev(lab->nodes[i], diags);
		result = rules_node_addresses(lab->nodes[i], diags);
		rules_routes(lab, lab->nodes[i], complete, diags);
	}
	for (size_t i = 0; i < lab_n_ends(lab); i++)
		check_end(lab_end(lab, i), diags);
	if (complete && result == 0)
		result = check_mtus(lab, segments, diags) ?: check_macs(lab, segments, diags);
	if (result == 0)
		result = check_loops(lab, diags)
				 ?: rules_lab_addresses(lab, segments, complete, diags);
	return result;
}
