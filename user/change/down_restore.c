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

/* Which routes are added: gateways and nexthop objects are looked up in those that need neither. */
enum route_pass { PASS_LINKED, PASS_BY_OBJECT, PASS_BY_GATEWAY };

static enum route_pass pass_of(const struct route *route)
{
	if (route->body && route->body->object)
		return PASS_BY_OBJECT;
	return route->n_hops && route->hops[0].via.family ? PASS_BY_GATEWAY : PASS_LINKED;
}

/* One that the kernel refuses, as by another end that is down, does not keep the others out. */
static int restore_routes(struct down_record *record, enum route_pass pass, struct nl *nl,
			  const struct running *run, const struct end *end, struct err *err)
{
	size_t n_left = 0;
	int first = 0;

	/* Of two in one place the kernel takes the first, which is the one that it used last. */
	for (size_t i = 0; i < record->n_routes; i++) {
		struct down_route down = record->routes[i];
		bool chosen = pass_of(&down.route) == pass;
		int ret = chosen ? restore_route(&down, nl, run, end, first ? NULL : err) : 0;

		if (chosen && !ret) {
			route_clear(&down.route);
			continue;
		}
		first = first ? first : ret;
		record->routes[n_left++] = down;
	}
	record->n_routes = n_left;
	return first;
}

int down_record_restore_waiting(struct down_record *record, struct nl *nl,
				const struct running *run, const struct end *end, struct err *err)
{
	int first = down_objects_restore(&record->objects, nl, end->name, err);
	int ret = restore_routes(record, PASS_BY_OBJECT, nl, run, end, first ? NULL : err);

	return first ? first : ret;
}

static int restore_hops(struct down_record *record, struct nl *nl, const struct running *run,
			const struct end *end, bool has_carrier, struct err *err)
{
	int first = restore_routes(record, PASS_LINKED, nl, run, end, err), ret = 0;

	if (has_carrier)
		ret = down_record_restore_waiting(record, nl, run, end, first ? NULL : err);
	first = first ? first : ret;
	ret = restore_routes(record, PASS_BY_GATEWAY, nl, run, end, first ? NULL : err);
	return first ? first : ret;
}

int down_record_restore(struct down_record *record, struct nl *nl, const struct running *run,
			const struct end *end, bool has_carrier, struct err *err)
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
	return restore_hops(record, nl, run, end, has_carrier, err);
}
