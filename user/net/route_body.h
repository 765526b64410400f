/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * route_body.h - routes in the kernel's own form (struct route_body of topology/model.h): made of
 * what a dump has, told in words, given back to the kernel. For routes.c.
 */
#ifndef VETHLAB_USER_NET_ROUTE_BODY_H
#define VETHLAB_USER_NET_ROUTE_BODY_H

#include "user/net/net.h"

/* Whether enum route_kind has the type (RTN_*). */
bool route_kind_known(uint8_t type);

/*
 * Set route->body, which the caller frees, of the RTM_NEWROUTE message that route was read from. It
 * stays NULL if the fields of route say all. 0 or -ENOMEM.
 */
int route_body_make(struct route *route, const struct nlmsghdr *nlh);
/*
 * Put it into a request of RTM_NEWROUTE or RTM_DELROUTE. What the kernel tells of a route's state
 * is left out (net/ipv4/fib_semantics.c and net/ipv6/route.c refuse it).
 */
void route_body_put(struct nlmsghdr *nlh, const struct route_body *body);

#endif
