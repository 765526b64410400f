// SPDX-License-Identifier: GPL-2.0-only
/* routes.c - requests that change routes. */
#include <string.h>

#include "user/net/net.h"

static const uint8_t route_types[] = {
	[ROUTE_UNICAST] = RTN_UNICAST,
	[ROUTE_BLACKHOLE] = RTN_BLACKHOLE,
	[ROUTE_UNREACHABLE] = RTN_UNREACHABLE,
	[ROUTE_PROHIBIT] = RTN_PROHIBIT,
};

/* A next hop is at most a struct rtnexthop with an RTA_VIA of IPv6; 128 bytes are for the rest. */
_Static_assert(ROUTE_HOPS_MAX *(sizeof(struct rtnexthop) + NLA_ALIGN(NLA_HDRLEN + 18)) + 128 <=
		       NL_ROOM,
	       "a route with the most next hops fits a request");

static void put_gateway(struct nlmsghdr *nlh, uint8_t family, const struct ip_addr *via)
{
	struct {
		uint16_t family;
		uint8_t bytes[16];
	} __attribute__((packed)) other;

	if (!via->family)
		return;
	if (via->family == family) {
		mnl_attr_put(nlh, RTA_GATEWAY, address_bytes(via), via->bytes);
		return;
	}
	/* An IPv4 route by an IPv6 gateway (RFC 5549). */
	other.family = via->family;
	memcpy(other.bytes, via->bytes, sizeof(other.bytes));
	mnl_attr_put(nlh, RTA_VIA, 2 + address_bytes(via), &other);
}

static void put_multipath(struct nlmsghdr *nlh, const struct route *route,
			  uint32_t (*ifindex)(const char *dev, void *arg), void *arg)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, RTA_MULTIPATH);

	for (size_t i = 0; i < route->n_hops; i++) {
		const struct nexthop *hop = &route->hops[i];
		uint32_t start = nlh->nlmsg_len;
		struct rtnexthop *rtnh = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtnh));

		rtnh->rtnh_hops = hop->weight ? hop->weight - 1 : 0;
		rtnh->rtnh_ifindex = hop->dev[0] ? ifindex(hop->dev, arg) : 0;
		put_gateway(nlh, route->to.addr.family, &hop->via);
		rtnh->rtnh_len = nlh->nlmsg_len - start;
	}
	mnl_attr_nest_end(nlh, nest);
}

static int route_request(struct nl *nl, uint16_t type, uint16_t flags, const struct route *route,
			 uint8_t protocol, uint32_t (*ifindex)(const char *dev, void *arg),
			 void *arg, const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, type, flags);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = route->to.addr.family;
	rtm->rtm_dst_len = route->to.len;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_protocol = protocol;
	rtm->rtm_type = route_types[route->kind];
	rtm->rtm_scope = RT_SCOPE_UNIVERSE;
	if (route->kind == ROUTE_UNICAST && route->n_hops && !route->hops[0].via.family)
		rtm->rtm_scope = RT_SCOPE_LINK;
	if (type == RTM_DELROUTE) /* of any scope */
		rtm->rtm_scope = RT_SCOPE_NOWHERE;
	if (route->to.len)
		mnl_attr_put(nlh, RTA_DST, address_bytes(&route->to.addr), route->to.addr.bytes);
	if (route->metric)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, route->metric);
	if (route->n_hops > 1) {
		put_multipath(nlh, route, ifindex, arg);
	} else if (route->n_hops == 1) {
		put_gateway(nlh, route->to.addr.family, &route->hops[0].via);
		if (route->hops[0].dev[0])
			mnl_attr_put_u32(nlh, RTA_OIF, ifindex(route->hops[0].dev, arg));
	}
	return nl_commit(nl, what, err);
}

int route_add(struct nl *nl, const struct route *route, uint8_t protocol,
	      uint32_t (*ifindex)(const char *dev, void *arg), void *arg,
	      const struct nl_what *what, struct err *err)
{
	return route_request(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route, protocol, ifindex,
			     arg, what, err);
}

int route_replace(struct nl *nl, const struct route *route, uint8_t protocol,
		  uint32_t (*ifindex)(const char *dev, void *arg), void *arg,
		  const struct nl_what *what, struct err *err)
{
	return route_request(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route, protocol,
			     ifindex, arg, what, err);
}

int route_delete(struct nl *nl, const struct route *route, uint8_t protocol,
		 uint32_t (*ifindex)(const char *dev, void *arg), void *arg,
		 const struct nl_what *what, struct err *err)
{
	return route_request(nl, RTM_DELROUTE, 0, route, protocol, ifindex, arg, what, err);
}
