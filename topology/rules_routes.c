// SPDX-License-Identifier: GPL-2.0-only
/* rules_routes.c - rules of routes, gateways and neighbors. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"
#include "topology/rules.h"

/* Interfaces of an existing namespace are not all ours: nothing can be said about the others. */
static bool knows_all(const struct node *node)
{
	return node->netns == NETNS_NEW;
}

static struct end *node_end(const struct node *node, const char *dev)
{
	for (size_t i = 0; i < node->n_ends; i++)
		if (!strcmp(node->ends[i]->ifname, dev))
			return node->ends[i];
	return NULL;
}

static bool has_dev(const struct node *node, const char *dev)
{
	return node_end(node, dev) || !strcmp(dev, "lo") ||
	       (node->kind == NODE_BRIDGE && !strcmp(dev, node->bridge.dev));
}

/* Returns whether the node has the interface, as far as that is known. */
static bool check_dev(const struct node *node, const char *dev, struct where where,
		      struct diags *diags)
{
	const char *names[64], *near;
	char hint[80] = "";
	size_t n = 0;

	if (!dev[0] || !knows_all(node) || has_dev(node, dev))
		return true;
	for (; n < node->n_ends && n < sizeof(names) / sizeof(*names); n++)
		names[n] = node->ends[n]->ifname;
	near = nearest_name(dev, names, n);
	if (near)
		snprintf(hint, sizeof(hint), "did you mean \"%s\"?", near);
	diags_add(diags, SEVERITY_ERROR, where, near ? hint : NULL, "%s has no interface \"%s\"",
		  node->name, dev);
	return false;
}

static bool in_addresses(const struct address *list, size_t n, const struct ip_addr *addr)
{
	for (size_t i = 0; i < n; i++)
		if (ip_prefix_contains(&list[i].prefix, addr))
			return true;
	return false;
}

static bool node_owns(const struct node *node, const struct ip_addr *addr)
{
	for (size_t i = 0; i < node->n_ends; i++)
		if (addresses_have(node->ends[i]->addresses, node->ends[i]->n_addresses, addr))
			return true;
	return addresses_have(node->lo_addresses, node->n_lo_addresses, addr) ||
	       addresses_have(node->bridge_addresses, node->n_bridge_addresses, addr);
}

/* The interface of the node in whose subnet addr is. */
static struct end *end_towards(const struct node *node, const struct ip_addr *addr, const char *dev)
{
	struct end *down = NULL;

	for (size_t i = 0; i < node->n_ends; i++) {
		struct end *end = node->ends[i];

		if ((dev[0] && strcmp(dev, end->ifname)) ||
		    !in_addresses(end->addresses, end->n_addresses, addr))
			continue;
		if (end->up)
			return end;
		down = end;
	}
	return down;
}

/* Whether a route of the node without a gateway leads to addr, through dev where that is named. */
static bool on_link_route(const struct node *node, const struct ip_addr *addr, const char *dev)
{
	for (size_t i = 0; i < node->n_routes; i++) {
		const struct route *route = &node->routes[i];

		if (route->kind != ROUTE_UNICAST || !route->to.len ||
		    !ip_prefix_contains(&route->to, addr))
			continue;
		for (size_t j = 0; j < route->n_hops; j++)
			if (!route->hops[j].via.family && route->hops[j].dev[0] &&
			    (!dev[0] || !strcmp(dev, route->hops[j].dev)))
				return true;
	}
	return false;
}

static bool has_neighbor(const struct node *node, const struct ip_addr *addr)
{
	for (size_t i = 0; i < node->n_neighbors; i++)
		if (ip_equal(&node->neighbors[i].addr, addr))
			return true;
	return false;
}

static void check_gateway(const struct lab *lab, const struct node *node, const struct route *route,
			  const struct nexthop *hop, struct diags *diags)
{
	struct end *end, *owner_end;
	char text[IP_TEXT_SIZE];
	struct node *owner;

	ip_format(&hop->via, text, sizeof(text));
	if (ip_is_link_local(&hop->via))
		return; /* the kernel makes them up: nothing to compare with */
	/* A subnet of IPv4 on lo is local as a whole, and the kernel takes its addresses as
	 * gateways. */
	if (in_addresses(node->bridge_addresses, node->n_bridge_addresses, &hop->via) ||
	    (hop->via.family == AF_INET &&
	     in_addresses(node->lo_addresses, node->n_lo_addresses, &hop->via)))
		return;
	end = end_towards(node, &hop->via, hop->dev);
	if (!end && on_link_route(node, &hop->via, hop->dev)) {
		if (!has_neighbor(node, &hop->via) &&
		    !lab_find_address(lab, &hop->via, &owner, &owner_end))
			diags_warn(
				diags, FINDING_UNKNOWN_GATEWAY, route->where,
				hop->via.family == AF_INET6
					? "it works where the other end answers for it (proxy_ndp "
					  "and an `ip neigh` entry of type proxy), or with an "
					  "entry "
					  "of `neighbors:`"
					: "it works where the other end answers for it "
					  "(proxy_arp), or with an entry of `neighbors:`",
				"nobody in the lab has the address of the gateway %s", text);
		return;
	}
	if (!end)
		diags_add(diags, SEVERITY_ERROR, route->where,
			  "a gateway is an address in a subnet of one of the node's interfaces",
			  "%s reaches the gateway %s by no interface: the kernel will refuse the "
			  "route",
			  node->name, text);
	else if (!end->up)
		diags_add(diags, SEVERITY_ERROR, route->where, NULL,
			  "the gateway %s is behind %s, which is down: the kernel will refuse the "
			  "route",
			  text, end->name);
	else if (!lab_find_address(lab, &hop->via, &owner, &owner_end))
		diags_warn(diags, FINDING_UNKNOWN_GATEWAY, route->where, NULL,
			   "nobody in the lab has the address of the gateway %s", text);
}

/* lab: NULL as long as it is not complete. */
static void check_hop(const struct lab *lab, const struct node *node, const struct route *route,
		      const struct nexthop *hop, struct diags *diags)
{
	char text[IP_TEXT_SIZE];

	if (!check_dev(node, hop->dev, route->where, diags) || !hop->via.family)
		return;
	ip_format(&hop->via, text, sizeof(text));
	/* An IPv4 route may have an IPv6 gateway (RFC 5549, RTA_VIA); the kernel has no other mix.
	 */
	if (route->to.addr.family == AF_INET6 && hop->via.family == AF_INET)
		diags_add(diags, SEVERITY_ERROR, route->where, NULL,
			  "the gateway %s of an IPv6 route is not of IPv6", text);
	else if (node_owns(node, &hop->via))
		diags_add(diags, SEVERITY_ERROR, route->where,
			  "a gateway is the address of the next node",
			  "the gateway %s is an address of %s itself", text, node->name);
	else if (ip_is_link_local(&hop->via) && !hop->dev[0])
		diags_add(diags, SEVERITY_ERROR, route->where, "add `dev: INTERFACE`",
			  "the link-local gateway %s needs an interface", text);
	else if (lab && knows_all(node))
		check_gateway(lab, node, route, hop, diags);
}

static void check_neighbor(const struct node *node, const struct neighbor *neighbor,
			   struct diags *diags)
{
	check_dev(node, neighbor->dev, neighbor->where, diags);
	if (neighbor->mac[0] & 1)
		diags_add(diags, SEVERITY_ERROR, neighbor->where,
			  "the second hexadecimal digit must be even: 02:...",
			  "the neighbor's MAC address is a multicast address");
}

void rules_routes(const struct lab *lab, const struct node *node, bool complete,
		  struct diags *diags)
{
	for (size_t i = 0; i < node->n_routes; i++) {
		const struct route *route = &node->routes[i];
		struct ip_prefix network = ip_network(&route->to);

		if (!ip_equal(&network.addr, &route->to.addr)) {
			char text[IP_TEXT_SIZE], right[IP_TEXT_SIZE + 16];

			ip_prefix_format(&route->to, text, sizeof(text));
			strcpy(right, "write ");
			ip_prefix_format(&network, right + 6, sizeof(right) - 6);
			diags_add(diags, SEVERITY_ERROR, route->where, right,
				  "%s is an address in a network, not a network", text);
		}
		for (size_t j = 0; j < route->n_hops; j++)
			check_hop(complete ? lab : NULL, node, route, &route->hops[j], diags);
	}
	for (size_t i = 0; i < node->n_neighbors; i++)
		check_neighbor(node, &node->neighbors[i], diags);
}
