// SPDX-License-Identifier: GPL-2.0-only
/* routes.c - requests that change routes, and what the kernel says about them. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/net/net.h"
#include "user/net/route_body.h"

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
	struct nlmsghdr *nlh;
	struct rtmsg *rtm;

	if (route->body && route->body->size > NL_ROOM - MNL_NLMSG_HDRLEN)
		return err_set(err, ERR_SYSTEM, EMSGSIZE, "%s: cannot %s: the request is too long",
			       what->object, what->action);
	nlh = nl_begin(nl, type, flags);
	if (route->body) {
		route_body_put(nlh, route->body);
		return nl_commit(nl, what, err);
	}
	rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
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

/* ---- reading ------------------------------------------------------------------------------- */

enum { READ_HOPS = ROUTE_HOPS_MAX };

struct route_visit {
	void (*name)(uint32_t ifindex, char dev[IFNAME_MAX + 1], void *arg);
	bool (*cb)(const struct route *route, uint8_t protocol, void *arg);
	void *arg;
	bool all; /* tables and types */
	bool no_memory;
};

static void parse_via(const struct nlattr *attr, struct ip_addr *via)
{
	const unsigned char *bytes = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	uint16_t family;

	if (len < sizeof(family))
		return;
	memcpy(&family, bytes, sizeof(family));
	via->family = family;
	if (len == sizeof(family) + address_bytes(via))
		memcpy(via->bytes, bytes + sizeof(family), len - sizeof(family));
}

static void parse_hop_attr(const struct nlattr *attr, uint8_t family, struct nexthop *hop)
{
	if (mnl_attr_get_type(attr) == RTA_VIA) {
		parse_via(attr, &hop->via);
	} else if (mnl_attr_get_type(attr) == RTA_GATEWAY) {
		hop->via.family = family;
		if (mnl_attr_get_payload_len(attr) == address_bytes(&hop->via))
			memcpy(hop->via.bytes, mnl_attr_get_payload(attr),
			       address_bytes(&hop->via));
	}
}

static void parse_multipath(const struct route_visit *visit, const struct nlattr *nest,
			    struct route *route)
{
	const struct rtnexthop *rtnh = mnl_attr_get_payload(nest);
	int left = mnl_attr_get_payload_len(nest);

	/* RTNH_OK() reads the length before it looks whether there is one. */
	for (; left >= (int)sizeof(*rtnh) && RTNH_OK(rtnh, left) && route->n_hops < READ_HOPS;
	     rtnh = RTNH_NEXT(rtnh)) {
		struct nexthop *hop = &route->hops[route->n_hops++];
		const struct nlattr *attr;

		left -= RTNH_ALIGN(rtnh->rtnh_len);
		hop->weight = rtnh->rtnh_hops + 1;
		visit->name(rtnh->rtnh_ifindex, hop->dev, visit->arg);
		for (attr = (const struct nlattr *)RTNH_DATA(rtnh);
		     mnl_attr_ok(attr, (const char *)rtnh + rtnh->rtnh_len - (const char *)attr);
		     attr = mnl_attr_next(attr))
			parse_hop_attr(attr, route->to.addr.family, hop);
	}
}

static int kind_of(uint8_t type)
{
	for (size_t i = 0; i < sizeof(route_types) / sizeof(*route_types); i++)
		if (route_types[i] == type)
			return i;
	return -1;
}

bool route_kind_known(uint8_t type)
{
	return kind_of(type) >= 0;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct route_visit *visit = arg;
	struct nexthop hops[READ_HOPS] = {0}, one = {.weight = 1};
	struct route route = {.hops = hops, .to.len = rtm->rtm_dst_len};
	uint32_t table = rtm->rtm_table;
	const struct nlattr *attr;
	int kind = kind_of(rtm->rtm_type);

	if (nlh->nlmsg_type != RTM_NEWROUTE || !visit->cb || (kind < 0 && !visit->all) ||
	    (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6) ||
	    rtm->rtm_flags & RTM_F_CLONED)
		return MNL_CB_OK;
	route.kind = kind < 0 ? ROUTE_UNICAST : kind; /* its body has the type */
	route.to.addr.family = rtm->rtm_family;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		uint16_t type = mnl_attr_get_type(attr);

		parse_hop_attr(attr, rtm->rtm_family, &one);
		if (type == RTA_TABLE)
			table = mnl_attr_get_u32(attr);
		else if (type == RTA_PRIORITY)
			route.metric = mnl_attr_get_u32(attr);
		else if (type == RTA_OIF)
			visit->name(mnl_attr_get_u32(attr), one.dev, visit->arg);
		else if (type == RTA_MULTIPATH)
			parse_multipath(visit, attr, &route);
		else if (type == RTA_DST &&
			 mnl_attr_get_payload_len(attr) == address_bytes(&route.to.addr))
			memcpy(route.to.addr.bytes, mnl_attr_get_payload(attr),
			       address_bytes(&route.to.addr));
	}
	if (route.kind == ROUTE_UNICAST && !route.n_hops)
		hops[route.n_hops++] = one;
	if (table != RT_TABLE_MAIN && !visit->all)
		return MNL_CB_OK;
	visit->no_memory |= route_body_make(&route, nlh) != 0;
	if (visit->no_memory || !visit->cb(&route, rtm->rtm_protocol, visit->arg))
		visit->cb = NULL;
	free(route.body);
	return MNL_CB_OK;
}

int route_list(struct nl *nl, bool all,
	       void (*name)(uint32_t ifindex, char dev[IFNAME_MAX + 1], void *arg),
	       bool (*cb)(const struct route *route, uint8_t protocol, void *arg), void *arg,
	       struct err *err)
{
	struct route_visit visit = {.name = name, .cb = cb, .arg = arg, .all = all};
	struct nl_what what = {.object = "routes", .action = "be listed"};
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int ret = 0;

	for (int i = 0; !ret && i < 2; i++) {
		struct nlmsghdr *nlh = nl_begin(nl, RTM_GETROUTE, NLM_F_DUMP);
		struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

		rtm->rtm_family = families[i];
		ret = nl_dump(nl, nlh, on_route, &visit, &what, err);
	}
	if (!ret && visit.no_memory)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	return ret;
}

int route_read(const void *body, size_t size,
	       void (*name)(uint32_t ifindex, char dev[IFNAME_MAX + 1], void *arg),
	       bool (*cb)(const struct route *route, uint8_t protocol, void *arg), void *arg)
{
	struct route_visit visit = {.name = name, .cb = cb, .arg = arg, .all = true};
	cleanup_free struct nlmsghdr *nlh = calloc(1, MNL_NLMSG_HDRLEN + size);

	if (!nlh)
		return -ENOMEM;
	if (size < sizeof(struct rtmsg))
		return -EINVAL;
	nlh->nlmsg_len = MNL_NLMSG_HDRLEN + size;
	nlh->nlmsg_type = RTM_NEWROUTE;
	memcpy(mnl_nlmsg_get_payload(nlh), body, size);
	on_route(nlh, &visit);
	return visit.no_memory ? -ENOMEM : 0;
}
