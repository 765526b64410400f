/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * routing.h - `routing: static`: shortest paths over the lab's graph, IPv4 and IPv6, as routes of
 * its nodes. A hop is a segment where both neighbours have an address of one subnet; only nodes
 * that forward the family relay; equally short paths become next hops of one route. Interfaces that
 * are down carry nothing.
 *
 * Destinations are the subnets of the lab and the addresses of lo. A route that the file writes is
 * kept, and none is computed beside it. A new node that does not forward and whose next hops are
 * the same for everything gets a default route. Beyond ROUTING_PLAIN_MAX routes of a node and
 * family, neighbouring subnets with the same next hops are merged, as long as the merged prefix
 * holds nothing else.
 */
#ifndef VETHLAB_TOPOLOGY_ROUTING_H
#define VETHLAB_TOPOLOGY_ROUTING_H

#include "topology/model.h"
#include "topology/segments.h"

enum {
	ROUTING_PLAIN_MAX = 32,		 /* routes of a node that stay as they are */
	ROUTING_ROUTES_MAX = 250 * 1000, /* of all nodes; more is an error */
};

/* where: of `routing:`, for the routes. Returns 0 or -ENOMEM; too many routes are a finding. */
int routing_compute(struct lab *lab, const struct segments *segments, struct where where,
		    struct diags *diags);

#endif
