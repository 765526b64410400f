// SPDX-License-Identifier: GPL-2.0-only
/* live.c - see live.h. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/workers.h"
#include "user/change/live.h"
#include "user/change/live_settings.h"
#include "user/lab/node.h"

enum { MTU_IPV6 = 1280 /* bytes: below it an interface has no IPv6 */ };

struct live_address {
	uint32_t ifindex;
	struct ip_prefix prefix;
	bool is_given;
};

struct live_route {
	struct route route; /* owned */
	uint8_t protocol;
	size_t place; /* in the kernel's list */
	bool taken;   /* it is one of the lab file's */
};

/* What one namespace has. */
struct live_node {
	struct running *run;
	struct node *node;
	bool extra; /* what the file does not say is taken too */
	bool exact; /* and so is what it cannot say of a route that it has */
	struct link_info *links;
	struct live_address *addresses;
	struct live_route *routes;
	struct neighbor *neighbors;
	size_t n_links, n_addresses, n_routes, n_neighbors;
	struct live_sysctls sysctls;
	bool no_memory;
};

static bool keep_link(const struct link_info *info, void *arg)
{
	struct live_node *live = arg;

	if (array_reserve_one(&live->links, live->n_links, sizeof(*info)))
		live->no_memory = true;
	else
		live->links[live->n_links++] = *info;
	return !live->no_memory;
}

static bool keep_address(uint32_t ifindex, const struct ip_prefix *prefix, bool is_given, void *arg)
{
	struct live_node *live = arg;

	if (array_reserve_one(&live->addresses, live->n_addresses, sizeof(*live->addresses)))
		live->no_memory = true;
	else
		live->addresses[live->n_addresses++] =
			(struct live_address){ifindex, *prefix, is_given};
	return !live->no_memory;
}

static bool keep_route(const struct route *route, uint8_t protocol, void *arg)
{
	struct live_node *live = arg;
	struct live_route kept = {.protocol = protocol, .place = live->n_routes};

	if (array_reserve_one(&live->routes, live->n_routes, sizeof(*live->routes)) ||
	    route_copy(&kept.route, route)) {
		live->no_memory = true;
		return false;
	}
	live->routes[live->n_routes++] = kept;
	return true;
}

static int compare_links(const void *a, const void *b)
{
	uint32_t x = ((const struct link_info *)a)->ifindex;
	uint32_t y = ((const struct link_info *)b)->ifindex;

	return x < y ? -1 : x > y;
}

/* The links are sorted by then. */
static const struct link_info *live_link(const struct live_node *live, uint32_t ifindex)
{
	struct link_info key = {.ifindex = ifindex};

	return live->n_links ? bsearch(&key, live->links, live->n_links, sizeof(key), compare_links)
			     : NULL;
}

static void name_link(uint32_t ifindex, char dev[IFNAME_MAX + 1], void *arg)
{
	const struct link_info *info = live_link(arg, ifindex);

	snprintf(dev, IFNAME_MAX + 1, "%s", info ? info->ifname : "");
}

static bool has_address(const struct live_node *live, uint32_t ifindex,
			const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < live->n_addresses; i++)
		if (live->addresses[i].ifindex == ifindex &&
		    live->addresses[i].prefix.len == prefix->len &&
		    ip_equal(&live->addresses[i].prefix.addr, &prefix->addr))
			return true;
	return false;
}

/* The addresses of one interface. The file's keep their places in it. */
static void take_addresses(struct live_node *live, uint32_t ifindex, struct address **list,
			   size_t *n)
{
	const struct link_info *info = live_link(live, ifindex);
	size_t said = 0;

	if (!info)
		return;
	for (size_t i = 0; i < *n; i++) {
		const struct ip_prefix *prefix = &(*list)[i].prefix;

		if (has_address(live, ifindex, prefix) ||
		    (prefix->addr.family == AF_INET6 && info->mtu < MTU_IPV6))
			(*list)[said++] = (*list)[i];
	}
	*n = said;
	for (size_t i = 0; live->extra && i < live->n_addresses; i++) {
		const struct live_address *address = &live->addresses[i];

		if (address->ifindex != ifindex || !address->is_given ||
		    node_lists_address(*list, said, &address->prefix))
			continue;
		if (array_reserve_one(list, *n, sizeof(**list))) {
			live->no_memory = true;
			return;
		}
		(*list)[(*n)++] =
			(struct address){.prefix = address->prefix, .where = live->node->where};
	}
}

static void take_end(struct live_node *live, struct end *end)
{
	uint32_t ifindex = running_ifindex(live->run, end);
	const struct link_info *info = live_link(live, ifindex);

	end->gone = !info;
	if (!info)
		return;
	end->up = info->flags & IFF_UP;
	if (end_mtu(end) != info->mtu)
		end->mtu = info->mtu;
	take_addresses(live, ifindex, &end->addresses, &end->n_addresses);
}

static uint32_t metric_of(const struct route *route)
{
	return route->metric			   ? route->metric
	       : route->to.addr.family == AF_INET6 ? ROUTE_METRIC_V6
						   : 0;
}

/* By what the kernel tells routes apart: destination and metric, and what no lab file has. */
static int compare_places(const struct route *a, const struct route *b)
{
	uint32_t x = metric_of(a), y = metric_of(b);
	int order = ip_compare(&a->to.addr, &b->to.addr);

	if (order || a->to.len != b->to.len)
		return order ? order : a->to.len < b->to.len ? -1 : 1;
	if (x != y)
		return x < y ? -1 : 1;
	return (a->body && a->body->apart) - (b->body && b->body->apart);
}

static int compare_live_routes(const void *a, const void *b)
{
	const struct live_route *x = a, *y = b;
	int order = compare_places(&x->route, &y->route);

	return order ? order : x->place < y->place ? -1 : x->place > y->place;
}

static bool has_hop(const struct route *route, const struct nexthop *said)
{
	for (size_t i = 0; i < route->n_hops; i++)
		if (ip_equal(&route->hops[i].via, &said->via) &&
		    (!said->dev[0] || !strcmp(route->hops[i].dev, said->dev)) &&
		    (route->n_hops == 1 || route->hops[i].weight == (said->weight ?: 1)))
			return true;
	return false;
}

static bool is_same_route(const struct live_node *live, const struct route *said,
			  const struct route *other)
{
	if (said->kind != other->kind || said->n_hops != other->n_hops ||
	    (live->exact && other->body))
		return false;
	for (size_t i = 0; i < said->n_hops; i++)
		if (!has_hop(other, &said->hops[i]))
			return false;
	return true;
}

static bool is_before(const void *element, const void *said)
{
	const struct live_route *route = element;

	return compare_places(&route->route, said) < 0;
}

/* The kernel's route in the place of one of the file, the same one before others; NULL: none. */
static struct live_route *find_route(struct live_node *live, const struct route *said)
{
	struct live_route *other = NULL;

	for (size_t i = array_lower_bound(live->routes, live->n_routes, sizeof(*live->routes), said,
					  is_before);
	     i < live->n_routes && !compare_places(&live->routes[i].route, said); i++) {
		struct live_route *route = &live->routes[i];

		if (route->taken)
			continue;
		if (is_same_route(live, said, &route->route))
			return route;
		other = other ?: route;
	}
	return other;
}

/* The route of the file is as found in the kernel. */
static void take_route(const struct live_node *live, struct route *route, struct live_route *found)
{
	found->taken = true;
	if (is_same_route(live, route, &found->route))
		return;
	route_clear(route);
	route->kind = found->route.kind;
	route->hops = cleanup_take(found->route.hops);
	route->n_hops = found->route.n_hops;
	route->body = cleanup_take(found->route.body);
}

static void take_added_routes(struct live_node *live)
{
	struct node *node = live->node;

	for (size_t i = 0; i < live->n_routes; i++) {
		struct live_route *found = &live->routes[i];

		if (found->taken ||
		    !live_compares_route(live->run, live->node, &found->route, found->protocol))
			continue;
		if (array_reserve_one(&node->routes, node->n_routes, sizeof(*node->routes))) {
			live->no_memory = true;
			return;
		}
		found->route.computed = found->protocol == RTPROT_STATIC;
		found->route.where = node->where;
		node->routes[node->n_routes++] = found->route;
		found->route.hops = NULL;
		found->route.body = NULL;
	}
}

static void take_routes(struct live_node *live)
{
	bool ours = live->run->nodes[live->node->index].ours;
	struct node *node = live->node;
	size_t said = 0;

	for (size_t i = 0; i < node->n_routes; i++) {
		struct route *route = &node->routes[i];
		struct live_route *found = find_route(live, route);

		/* One that others made in their namespace stays, also in the place of the lab's. */
		if (found && (ours || found->protocol == ROUTE_OURS))
			take_route(live, route, found);
		if (found || node_route_is_gone(node, route))
			node->routes[said++] = *route;
		else
			route_clear(route);
	}
	node->n_routes = said;
	if (live->extra)
		take_added_routes(live);
}

static void take_node(struct live_node *live)
{
	struct node *node = live->node;
	const struct link_info *lo = live_link(live, LO_IFINDEX);

	for (size_t i = 0; i < node->n_ends; i++)
		take_end(live, node->ends[i]);
	live->no_memory |=
		live_neighbors_take(live->neighbors, live->n_neighbors, node, live->extra);
	live_sysctls_take(&live->sysctls, node, live->extra);
	take_routes(live);
	/* What else is in a namespace of others is theirs. */
	if (!live->run->nodes[node->index].ours)
		return;
	if (lo)
		node->lo_up = lo->flags & IFF_UP;
	take_addresses(live, LO_IFINDEX, &node->lo_addresses, &node->n_lo_addresses);
	if (node->kind == NODE_BRIDGE)
		take_addresses(live, running_bridge_ifindex(live->run, node),
			       &node->bridge_addresses, &node->n_bridge_addresses);
}

static void free_live(struct live_node *live)
{
	for (size_t i = 0; i < live->n_routes; i++)
		route_clear(&live->routes[i].route);
	live_sysctls_free(&live->sysctls);
	free(live->neighbors);
	free(live->routes);
	free(live->addresses);
	free(live->links);
}

static int read_live(struct live_node *live, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	cleanup_close int fd = running_open_netns(live->run, live->node, err);
	int ret;

	if (fd < 0)
		return fd;
	ret = nl_open(&nl, fd, err);
	if (ret)
		return ret;
	ret = link_list(nl, keep_link, live, err);
	if (ret)
		return ret;
	if (live->n_links)
		qsort(live->links, live->n_links, sizeof(*live->links), compare_links);
	ret = address_list_given(nl, keep_address, live, err);
	if (ret)
		return ret;
	ret = route_list(nl, false, name_link, keep_route, live, err);
	if (ret)
		return ret;
	if (live->n_routes)
		qsort(live->routes, live->n_routes, sizeof(*live->routes), compare_live_routes);
	ret = live_neighbors_read(&live->neighbors, &live->n_neighbors, nl, live->run, live->node,
				  err);
	return ret ? ret : live_sysctls_read(&live->sysctls, fd, live->node, err);
}

struct live_reading {
	struct running *run;
	const char *only; /* a node; NULL: all */
	bool keep_foreign;
};

static int take_one(size_t i, void *arg, struct err *err)
{
	const struct live_reading *reading = arg;
	struct node *node = reading->run->lab->nodes[i];
	struct live_node live = {
		.run = reading->run,
		.node = node,
		/* What a command of the file made cannot be told from what was made by hand. */
		.extra = reading->run->nodes[i].ours && !reading->keep_foreign && !node->n_exec,
		.exact = !node->n_exec,
	};
	struct err cause = {0};
	int ret;

	if (reading->only && strcmp(reading->only, node->name) != 0)
		return 0;
	ret = read_live(&live, &cause);
	if (!ret && !live.no_memory)
		take_node(&live);
	free_live(&live);
	if (live.no_memory)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	if (ret == -ESTALE) { /* who changes it is told that it is gone */
		node->gone = true;
		return 0;
	}
	if (ret && err)
		*err = cause;
	return ret;
}

int running_take_live(struct running *run, const char *node, bool keep_foreign, struct err *err)
{
	struct live_reading reading = {run, node, keep_foreign};
	int ret = workers_run(run->lab->n_nodes, take_one, &reading, err);

	if (ret)
		return ret;
	/* The index of the lab is by address too. */
	return lab_index(run->lab) ? err_set(err, ERR_SYSTEM, ENOMEM, "out of memory") : 0;
}
