// SPDX-License-Identifier: GPL-2.0-only
/* address_routes.c - the routes of the addresses of a node (node.h). */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/lab/node.h"
#include "user/net/net.h"

/* The addresses of one node whose routes are looked at. */
struct address_routes {
	struct connected *list;
	size_t n;
};

static void append_addresses(struct address_routes *routes, uint32_t ifindex, const char *object,
			     const struct address *addresses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		routes->list[routes->n++] = (struct connected){
			.ifindex = ifindex,
			.prefix = addresses[i].prefix,
			.object = object,
			.where = addresses[i].where,
			.is_lo = ifindex == LO_IFINDEX,
		};
}

/* Whether an end is up in the kernel; a user may have set it down. */
static int is_up(struct nl *nl, uint32_t ifindex, struct err *err)
{
	struct link_info info;
	int ret = link_get(nl, ifindex, NULL, &info, err);

	return ret ? (ret == -ENODEV ? 0 : ret) : !!(info.flags & IFF_UP);
}

static int list_end_addresses(const struct node_job *job, struct nl *nl,
			      struct address_routes *routes, struct err *err)
{
	for (size_t i = 0; i < job->node->n_ends; i++) {
		const struct end *end = job->node->ends[i];
		unsigned touch = end_touch(job->touch, end);
		uint32_t ifindex = running_ifindex(job->run, end);
		int up = end->up;

		if (!up || !end->n_addresses || !(touch & (TOUCH_FRESH | TOUCH_REPAIR)))
			continue;
		if (!(touch & TOUCH_FRESH))
			up = is_up(nl, ifindex, err);
		if (up < 0)
			return up;
		if (up)
			append_addresses(routes, ifindex, end->name, end->addresses,
					 end->n_addresses);
	}
	return 0;
}

static size_t count_addresses(const struct node *node)
{
	size_t n = node->n_lo_addresses + node->n_bridge_addresses;

	for (size_t i = 0; i < node->n_ends; i++)
		n += node->ends[i]->n_addresses;
	return n;
}

int node_address_routes(const struct node_job *job, struct err *err)
{
	unsigned touch = node_touch(job->touch, job->node);
	const struct node *node = job->node;
	bool ours = job->run->nodes[node->index].ours;
	struct address_routes routes = {calloc(count_addresses(node) + 1, sizeof(*routes.list)), 0};
	cleanup_free struct connected *list = routes.list;
	cleanup_nl struct nl *nl = NULL;
	char bridge[END_NAME_SIZE];
	int ret;

	if (!list)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	if (!count_addresses(node))
		return 0;
	ret = node_enter(job->netns_fd, &nl, err);
	if (ret)
		return ret;
	snprintf(bridge, sizeof(bridge), "%s:%s", node->name, node->bridge.dev);
	if (touch & (TOUCH_FRESH | TOUCH_LO) && ours && node->lo_up)
		append_addresses(&routes, LO_IFINDEX, node->name, node->lo_addresses,
				 node->n_lo_addresses);
	if (touch & (TOUCH_FRESH | TOUCH_LO | TOUCH_BRIDGE) && node->kind == NODE_BRIDGE)
		append_addresses(&routes, running_bridge_ifindex(job->run, node), bridge,
				 node->bridge_addresses, node->n_bridge_addresses);
	ret = list_end_addresses(job, nl, &routes, err);
	return ret || !routes.n
		       ? ret
		       : connected_repair(nl, routes.list, routes.n, job->interrupted, err);
}

bool node_route_leaves_by(const struct route *route, const struct end *end)
{
	for (size_t i = 0; i < route->n_hops; i++) {
		const struct nexthop *hop = &route->hops[i];

		if (hop->dev[0] && !strcmp(hop->dev, end->ifname))
			return true;
		for (size_t j = 0; !hop->dev[0] && j < end->n_addresses; j++)
			if (hop->via.family == end->addresses[j].prefix.addr.family &&
			    ip_prefix_contains(&end->addresses[j].prefix, &hop->via))
				return true;
	}
	return false;
}

bool node_route_is_gone(const struct node *node, const struct route *route)
{
	for (size_t i = 0; i < node->n_ends; i++)
		if (node->ends[i]->gone && node_route_leaves_by(route, node->ends[i]))
			return true;
	return false;
}

bool node_neighbor_is_gone(const struct node *node, const struct neighbor *neighbor)
{
	for (size_t i = 0; i < node->n_ends; i++)
		if (node->ends[i]->gone && !strcmp(node->ends[i]->ifname, neighbor->dev))
			return true;
	return false;
}

int node_restore_end(const struct running *run, struct nl *nl, const struct end *end,
		     struct err *err)
{
	struct address_routes routes = {calloc(end->n_addresses + 1, sizeof(*routes.list)), 0};
	cleanup_free struct connected *list = routes.list;
	uint32_t ifindex = running_ifindex(run, end);
	int ret;

	if (!list)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = node_add_addresses(nl, ifindex, end->name, end->addresses, end->n_addresses,
				 AF_UNSPEC, EEXIST, err);
	if (ret)
		return ret;
	append_addresses(&routes, ifindex, end->name, end->addresses, end->n_addresses);
	ret = connected_repair(nl, routes.list, routes.n, NULL, err);
	if (!ret)
		ret = node_add_neighbors(run, nl, end->node, end->ifname, err);
	for (size_t i = 0; !ret && i < end->node->n_routes; i++)
		if (node_route_leaves_by(&end->node->routes[i], end))
			ret = node_add_route(run, nl, end->node, &end->node->routes[i], EEXIST,
					     err);
	return ret ? ret : nl_flush(nl, err);
}

bool node_lists_address(const struct address *list, size_t n, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].prefix.len == prefix->len &&
		    ip_equal(&list[i].prefix.addr, &prefix->addr))
			return true;
	return false;
}

struct kept_addresses {
	struct address_routes routes; /* there is room for all of end->addresses */
	const struct end *end;
	uint32_t ifindex;
};

static bool on_address(uint32_t ifindex, const struct ip_prefix *prefix, bool is_given, void *arg)
{
	const struct address address = {.prefix = *prefix, .where = {0}};
	struct kept_addresses *kept = arg;

	(void)is_given;
	if (ifindex == kept->ifindex && kept->routes.n < kept->end->n_addresses &&
	    node_lists_address(kept->end->addresses, kept->end->n_addresses, prefix))
		append_addresses(&kept->routes, ifindex, kept->end->name, &address, 1);
	return true;
}

int node_repair_end(const struct running *run, struct nl *nl, const struct end *end,
		    struct err *err)
{
	struct kept_addresses kept = {
		.routes.list = calloc(end->n_addresses + 1, sizeof(struct connected)),
		.end = end,
		.ifindex = running_ifindex(run, end),
	};
	cleanup_free struct connected *list = kept.routes.list;
	int ret;

	if (!list)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = address_list_given(nl, on_address, &kept, err);
	return ret || !kept.routes.n
		       ? ret
		       : connected_repair(nl, kept.routes.list, kept.routes.n, NULL, err);
}
