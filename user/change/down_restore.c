// SPDX-License-Identifier: GPL-2.0-only
/* down_restore.c - what the kernel dropped with an end is added again (down_record.h). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/change/down_record.h"
#include "user/lab/node.h"

static int restore_neighbor(const struct neighbor *neighbor, struct nl *nl, uint32_t ifindex,
			    const struct end *end, struct err *err)
{
	char text[IP_TEXT_SIZE], action[96];
	struct nl_what what = {end->name, action, {0}, 0};
	int ret;

	snprintf(action, sizeof(action), "add the neighbor %s",
		 ip_format(&neighbor->addr, text, sizeof(text)));
	ret = neighbor_add(nl, ifindex, &neighbor->addr, neighbor->mac, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

static int restore_route(const struct down_route *down, struct nl *nl, const struct running *run,
			 const struct end *end, struct err *err)
{
	struct node_devices devices = {run, end->node};
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {end->node->name, action, {0}, EEXIST};
	int ret;

	snprintf(action, sizeof(action), "add the route to %s",
		 ip_prefix_format(&down->route.to, text, sizeof(text)));
	ret = route_add(nl, &down->route, down->protocol, node_device, &devices, &what, err);
	return ret ? ret : nl_flush(nl, err);
}

/* Those without a gateway come last, which are restored first: gateways are looked up in them. */
static int compare_routes(const void *a, const void *b)
{
	const struct route *x = &((const struct down_route *)a)->route;
	const struct route *y = &((const struct down_route *)b)->route;

	return !!(y->n_hops && y->hops[0].via.family) - !!(x->n_hops && x->hops[0].via.family);
}

/* One that the kernel refuses, as by another end that is down, does not keep the others out. */
static int restore_routes(struct down_record *record, struct nl *nl, const struct running *run,
			  const struct end *end, struct err *err)
{
	size_t n = record->n_routes, n_refused = 0;
	int first = 0;

	if (n)
		qsort(record->routes, n, sizeof(*record->routes), compare_routes);
	while (n--) {
		struct down_route down = record->routes[n];
		int ret = restore_route(&down, nl, run, end, first ? NULL : err);

		if (!ret) {
			route_clear(&down.route);
			continue;
		}
		first = first ? first : ret;
		/* Behind those that are still to be tried. */
		record->routes[record->n_routes - ++n_refused] = down;
	}
	if (n_refused)
		memmove(record->routes, &record->routes[record->n_routes - n_refused],
			n_refused * sizeof(*record->routes));
	record->n_routes = n_refused;
	return first;
}

int down_record_restore(struct down_record *record, struct nl *nl, const struct running *run,
			const struct end *end, struct err *err)
{
	uint32_t ifindex = running_ifindex(run, end);
	int ret;

	/* The kernel lists the newest first, and prefers it as a source. */
	for (; record->n_addresses; record->n_addresses--) {
		ret = node_add_addresses(nl, ifindex, end->name,
					 &record->addresses[record->n_addresses - 1], 1, AF_UNSPEC,
					 EEXIST, err);
		ret = ret ? ret : nl_flush(nl, err);
		if (ret)
			return ret;
	}
	for (; record->n_neighbors; record->n_neighbors--) {
		ret = restore_neighbor(&record->neighbors[record->n_neighbors - 1], nl, ifindex,
				       end, err);
		if (ret)
			return ret;
	}
	return restore_routes(record, nl, run, end, err);
}
