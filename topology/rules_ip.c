// SPDX-License-Identifier: GPL-2.0-only
/* rules_ip.c - rules of addresses: usable ones, duplicates, overlapping subnets. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"
#include "topology/rules.h"

/* ---- in a node ----------------------------------------------------------------------------- */

static void check_address(const struct node *node, const struct address *address, bool lo,
			  struct diags *diags)
{
	const struct ip_prefix *prefix = &address->prefix;
	bool loopback = prefix->addr.family == AF_INET && prefix->addr.bytes[0] == 127;
	const char *problem = lo && loopback ? NULL : ip_problem(&prefix->addr);
	char text[IP_TEXT_SIZE];

	ip_prefix_format(prefix, text, sizeof(text));
	if (!problem && !prefix->len)
		problem = "a subnet of length 0 is everything";
	if (problem)
		diags_add(diags, SEVERITY_ERROR, address->where, NULL, "%s cannot have %s: %s",
			  node->name, text, problem);
}

/* An address without a subnet: /32 of IPv4, /128 of IPv6. */
static bool is_host(const struct ip_prefix *prefix)
{
	return prefix->len == ip_bits(prefix->addr.family);
}

struct address_use {
	const struct address *address;
	const char *owner; /* "blue:veth1", "blue:lo" */
	const struct node *node;
	const struct end *end; /* NULL: lo, or a bridge's own interface */
	unsigned order;
	unsigned segment; /* UINT_MAX: lo */
};

static int seen_compare(const void *a, const void *b)
{
	const struct address_use *x = a, *y = b;
	int order = ip_compare(&x->address->prefix.addr, &y->address->prefix.addr);

	return order ?: (int)x->order - (int)y->order;
}

/* All addresses of a node into list (NULL: count them). Returns how many. */
static size_t collect(const struct node *node, struct address_use *list, unsigned order,
		      const struct segments *segments)
{
	const struct {
		const struct address *list;
		size_t n;
		const char *owner;
		unsigned segment;
	} own[] = {
		{node->lo_addresses, node->n_lo_addresses, "lo", UINT32_MAX},
		{node->bridge_addresses, node->n_bridge_addresses, node->bridge.dev,
		 segments && bridge_port(node) ? segment_of(segments, bridge_port(node))
					       : UINT32_MAX},
	};
	size_t n = 0;

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < own[i].n; j++, n++)
			if (list)
				list[n] = (struct address_use){.address = &own[i].list[j],
							       .owner = own[i].owner,
							       .node = node,
							       .order = order + n,
							       .segment = own[i].segment};
	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];

		for (size_t j = 0; j < end->n_addresses; j++, n++)
			if (list)
				list[n] = (struct address_use){
					.address = &end->addresses[j],
					.owner = end->ifname,
					.node = node,
					.end = end,
					.order = order + n,
					.segment = segments ? segment_of(segments, end) : 0};
	}
	return n;
}

int rules_node_addresses(const struct node *node, struct diags *diags)
{
	size_t n = collect(node, NULL, 0, NULL);
	struct address_use *list = calloc(n + 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	collect(node, list, 0, NULL);
	for (size_t i = 0; i < n; i++)
		check_address(node, list[i].address, i < node->n_lo_addresses, diags);
	qsort(list, n, sizeof(*list), seen_compare);
	for (size_t i = 1; i < n; i++) {
		const struct ip_prefix *one = &list[i - 1].address->prefix;
		const struct ip_prefix *two = &list[i].address->prefix;
		bool same_owner = !strcmp(list[i].owner, list[i - 1].owner);
		char text[IP_TEXT_SIZE];

		/*
		 * The kernel refuses an address twice on one interface. One address on the ends of
		 * several links without a subnet is how links are made unnumbered; fe80:: addresses
		 * are per interface.
		 */
		if (!ip_equal(&one->addr, &two->addr) ||
		    (!same_owner && (ip_is_link_local(&two->addr) || is_host(one) || is_host(two))))
			continue;
		ip_format(&two->addr, text, sizeof(text));
		if (same_owner)
			diags_add(diags, SEVERITY_ERROR, list[i].address->where, NULL,
				  "%s has %s twice, on %s and on %s", node->name, text,
				  list[i - 1].owner, list[i].owner);
		else
			diags_warn(diags, FINDING_SHARED_ADDRESS, list[i].address->where,
				   "without a subnet (/32, /128) it may be on several",
				   "%s has %s twice, on %s and on %s", node->name, text,
				   list[i - 1].owner, list[i].owner);
	}
	free(list);
	return 0;
}

/* ---- in the lab ---------------------------------------------------------------------------- */

static void check_duplicates(const struct address_use *list, size_t n, struct diags *diags)
{
	for (size_t i = 1; i < n; i++) {
		const struct address_use *first = &list[i - 1], *second = &list[i];
		char text[IP_TEXT_SIZE];

		/* fe80:: addresses are per link: the same ones everywhere are fine. */
		if (!ip_equal(&first->address->prefix.addr, &second->address->prefix.addr) ||
		    first->node == second->node ||
		    (ip_is_link_local(&first->address->prefix.addr) &&
		     first->segment != second->segment))
			continue;
		diags_warn(diags, FINDING_SHARED_ADDRESS, second->address->where,
			   "either of them may answer for it",
			   "%s is an address of %s:%s and of %s:%s",
			   ip_format(&first->address->prefix.addr, text, sizeof(text)),
			   first->node->name, first->owner, second->node->name, second->owner);
	}
}

/* Subnets sorted by first address, wide ones before what is inside them. */
static int subnet_compare(const void *a, const void *b)
{
	const struct address_use *x = a, *y = b;
	struct ip_prefix p = ip_network(&x->address->prefix), q = ip_network(&y->address->prefix);
	int order = ip_compare(&p.addr, &q.addr);

	if (order)
		return order;
	if (p.len != q.len)
		return p.len - q.len;
	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return (int)x->order - (int)y->order;
}

static void tell_overlap(const struct address_use *first, const struct address_use *second,
			 struct diags *diags)
{
	struct ip_prefix p = ip_network(&first->address->prefix);
	struct ip_prefix q = ip_network(&second->address->prefix);
	char first_text[IP_TEXT_SIZE], second_text[IP_TEXT_SIZE];

	/* The finding is about the later one, with the earlier one to compare. */
	if (second->address->where.line < first->address->where.line) {
		tell_overlap(second, first, diags);
		return;
	}
	diags_warn(diags, FINDING_SHARED_SUBNET, second->address->where,
		   "a subnet is one wire: a node sends all of it out of one interface",
		   "the subnet %s of %s:%s is on another link too, as %s of %s:%s",
		   ip_prefix_format(&q, second_text, sizeof(second_text)), second->node->name,
		   second->owner, ip_prefix_format(&p, first_text, sizeof(first_text)),
		   first->node->name, first->owner);
}

/* One address without a subnet on several ends of a node. */
static bool is_unnumbered_again(const struct address_use *before, const struct address_use *subnet)
{
	return before && before->node == subnet->node && is_host(&subnet->address->prefix) &&
	       is_host(&before->address->prefix) &&
	       ip_equal(&before->address->prefix.addr, &subnet->address->prefix.addr);
}

/*
 * The subnet before in this order is the nearest that can hold a subnet, or is next to it inside a
 * wider one; wide holds the widest so far. One finding a subnet and segment.
 */
static void check_overlaps(struct address_use *list, size_t n, struct diags *diags)
{
	const struct address_use *wide = NULL;

	qsort(list, n, sizeof(*list), subnet_compare);
	for (size_t i = 0; i < n; i++) {
		const struct address_use *subnet = &list[i], *before = i ? &list[i - 1] : NULL;
		bool again;

		if (subnet->segment == UINT32_MAX ||
		    ip_is_link_local(&subnet->address->prefix.addr) ||
		    is_unnumbered_again(before, subnet))
			continue;
		again = before && before->segment == subnet->segment &&
			ip_prefix_contains(&before->address->prefix,
					   &subnet->address->prefix.addr) &&
			before->address->prefix.len == subnet->address->prefix.len;
		if (wide && !again && wide->segment != subnet->segment &&
		    ip_prefix_overlap(&wide->address->prefix, &subnet->address->prefix))
			tell_overlap(wide, subnet, diags);
		if (!wide || !ip_prefix_overlap(&wide->address->prefix, &subnet->address->prefix))
			wide = subnet;
	}
}

/* ---- on one wire ---------------------------------------------------------------------------- */

/* By wire; there as subnet_compare() does. */
static int wire_compare(const void *a, const void *b)
{
	const struct address_use *x = a, *y = b;

	if (x->segment != y->segment)
		return x->segment < y->segment ? -1 : 1;
	return subnet_compare(a, b);
}

static void tell_two_interfaces(const struct address_use *a, const struct address_use *b,
				struct diags *diags)
{
	diags_warn(diags, FINDING_TWO_INTERFACES, b->address->where,
		   b->address->prefix.addr.family == AF_INET6
			   ? "each of them answers neighbor solicitations for its own address, and "
			     "the first one sends"
			   : "either of them answers ARP for both addresses (arp_ignore, "
			     "arp_filter), and the first one sends",
		   "%s is in one subnet on one wire with two interfaces, %s and %s", a->node->name,
		   a->owner, b->owner);
}

static void tell_lengths(const struct address_use *wide, const struct address_use *narrow,
			 struct diags *diags)
{
	struct ip_prefix network = ip_network(&narrow->address->prefix);
	char first[IP_TEXT_SIZE], second[IP_TEXT_SIZE];

	diags_warn(
		diags, FINDING_SUBNET_LENGTHS, narrow->address->where,
		"ends on one wire need one length of their subnet",
		"the subnet %s of %s:%s does not cover %s of %s:%s, which takes it for a neighbor",
		ip_prefix_format(&network, second, sizeof(second)), narrow->node->name,
		narrow->owner, ip_format(&wide->address->prefix.addr, first, sizeof(first)),
		wide->node->name, wide->owner);
}

/* A cable from a node to itself: nobody else is on the wire. */
static bool is_own_cable(const struct address_use *a, const struct address_use *b)
{
	return a->end && b->end && a->end->peer == b->end;
}

/* Whether it puts its end into a subnet of a wire. */
static bool is_in_subnet(const struct address_use *use)
{
	return use->segment != UINT32_MAX && !is_host(&use->address->prefix) &&
	       !ip_is_link_local(&use->address->prefix.addr);
}

/* Each subnet with the widest one on its wire that holds it. The list is as wire_compare() sorts.
 */
static void check_wires(const struct address_use *list, size_t n, struct diags *diags)
{
	const struct address_use *wide = NULL, *told = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct address_use *one = &list[i];
		const struct ip_prefix *prefix = &one->address->prefix;
		struct ip_prefix network = ip_network(prefix);

		if (!is_in_subnet(one))
			continue;
		if (!wide || wide->segment != one->segment ||
		    !ip_prefix_overlap(&wide->address->prefix, prefix)) {
			wide = one;
		} else if (wide->node != one->node) {
			if (prefix->len > wide->address->prefix.len &&
			    !ip_prefix_contains(&network, &wide->address->prefix.addr))
				tell_lengths(wide, one, diags);
		} else if (strcmp(wide->owner, one->owner) && !is_own_cable(wide, one) &&
			   !(told && told->node == one->node && told->segment == one->segment)) {
			tell_two_interfaces(wide, one, diags);
			told = one; /* once, not for each family */
		}
	}
}

static void tell_apart(const struct address_use *a, const struct address_use *b,
		       struct diags *diags)
{
	char first[IP_TEXT_SIZE], second[IP_TEXT_SIZE];

	/* The finding is about the later one. */
	if (b->address->where.line < a->address->where.line) {
		tell_apart(b, a, diags);
		return;
	}
	diags_warn(diags, FINDING_TWO_SUBNETS, b->address->where,
		   "what is on one wire reaches each other in one subnet, else by routes only",
		   "%s of %s:%s is in no subnet of the others on its wire, as %s of %s:%s",
		   ip_prefix_format(&b->address->prefix, second, sizeof(second)), b->node->name,
		   b->owner, ip_prefix_format(&a->address->prefix, first, sizeof(first)),
		   a->node->name, a->owner);
}

/* The addresses of one wire and family, from `first` on: behind the last of them. */
static size_t wire_end(const struct address_use *list, size_t n, size_t first)
{
	size_t i = first;

	while (i < n && list[i].segment == list[first].segment &&
	       list[i].address->prefix.addr.family == list[first].address->prefix.addr.family)
		i++;
	return i;
}

/* Mark the nodes that are in a subnet with another one of the wire. */
static void mark_together(const struct address_use *list, size_t n, size_t *together, size_t mark)
{
	const struct address_use *wide = NULL;

	for (size_t i = 0; i < n; i++) {
		const struct address_use *one = &list[i];

		if (!is_in_subnet(one))
			continue;
		if (!wide || !ip_prefix_overlap(&wide->address->prefix, &one->address->prefix))
			wide = one;
		else if (wide->node != one->node)
			together[one->node->index] = together[wide->node->index] = mark;
	}
}

/*
 * A node that shares no subnet with anybody on its wire, where others have addresses of that
 * family: once a node and wire, or once for two that are alone there. The list is as wire_compare()
 * sorts.
 */
static int check_apart(const struct address_use *list, size_t n, size_t n_nodes,
		       struct diags *diags)
{
	size_t *together = calloc(n_nodes + 1, sizeof(*together)), end;

	if (!together)
		return -ENOMEM;
	for (size_t first = 0; first < n; first = end) {
		end = wire_end(list, n, first);
		mark_together(list + first, end - first, together, end);
		for (size_t i = first; i < end; i++) {
			size_t other = first;

			while (other < end &&
			       (list[other].node == list[i].node || !is_in_subnet(&list[other])))
				other++;
			if (other == end || !is_in_subnet(&list[i]) ||
			    together[list[i].node->index] == end)
				continue;
			tell_apart(&list[i], &list[other], diags);
			together[list[i].node->index] = together[list[other].node->index] = end;
		}
	}
	free(together);
	return 0;
}

int rules_lab_addresses(const struct lab *lab, const struct segments *segments, bool complete,
			struct diags *diags)
{
	struct address_use *list;
	size_t n = 0;
	int ret = 0;

	for (size_t i = 0; i < lab->n_nodes; i++)
		n += collect(lab->nodes[i], NULL, 0, segments);
	list = calloc(n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for (size_t i = 0; i < lab->n_nodes; i++)
		n += collect(lab->nodes[i], list + n, n, segments);
	qsort(list, n, sizeof(*list), seen_compare);
	check_duplicates(list, n, diags);
	if (complete) {
		check_overlaps(list, n, diags);
		qsort(list, n, sizeof(*list), wire_compare);
		check_wires(list, n, diags);
		ret = check_apart(list, n, lab->n_nodes, diags);
	}
	free(list);
	return ret;
}
