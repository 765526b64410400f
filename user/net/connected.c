// SPDX-License-Identifier: GPL-2.0-only
/* connected.c - the routes that the kernel makes for addresses. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/clock.h"
#include "user/net/net.h"

enum { METRIC_V6 = 256 }; /* IP6_RT_PRIO_ADDRCONF: of a connected route that the kernel makes */
/*
 * The kernel makes the local route of an IPv6 address in a work of its own (addrconf_dad_work()),
 * later than the address. So long it may take; then it has failed, or the machine has much to do,
 * as with thousands of addresses or while others' namespaces go: all of that waits for one lock.
 */
enum { MAKES_MS = 2000, AGAIN_MS = 60000, LOOK_MS = 2, LOOK_MS_MAX = 128 };

/* The addresses of one family. */
struct connected_reading {
	struct connected *list;
	size_t n;
	uint8_t family;
};

static int by_ifindex(const void *a, const void *b)
{
	const struct connected *one = a, *other = b;

	return (one->ifindex > other->ifindex) - (one->ifindex < other->ifindex);
}

static bool has_lower_ifindex(const void *element, const void *key)
{
	const struct connected *one = element;
	const uint32_t *ifindex = key;

	return one->ifindex < *ifindex;
}

/* The first of the list with an ifindex or a larger one. */
static size_t first_with(const struct connected_reading *reading, uint32_t ifindex)
{
	return array_lower_bound(reading->list, reading->n, sizeof(*reading->list), &ifindex,
				 has_lower_ifindex);
}

static void take_route(struct connected *one, const struct rtmsg *rtm, uint32_t table,
		       const struct ip_prefix *to)
{
	struct ip_prefix network = ip_network(&one->prefix);

	if (one->prefix.addr.family != to->addr.family)
		return;
	/* Those of an interface in a VRF are in the table of that. */
	if (rtm->rtm_protocol == RTPROT_KERNEL && rtm->rtm_type == RTN_LOCAL)
		table = RT_TABLE_LOCAL;
	else if (rtm->rtm_protocol == RTPROT_KERNEL)
		table = RT_TABLE_MAIN;
	if (table == RT_TABLE_LOCAL && rtm->rtm_type == RTN_LOCAL &&
	    to->len == 8 * address_bytes(&to->addr) &&
	    !memcmp(&to->addr, &one->prefix.addr, sizeof(to->addr)))
		one->has_local = true;
	if (table == RT_TABLE_MAIN && rtm->rtm_type == RTN_UNICAST && to->len == network.len &&
	    !memcmp(&to->addr, &network.addr, sizeof(to->addr)))
		one->has_network = true;
}

static int on_route(const struct nlmsghdr *nlh, void *arg)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	const struct connected_reading *reading = arg;
	struct ip_prefix to = {.len = rtm->rtm_dst_len};
	uint32_t ifindex = 0, table = rtm->rtm_table;
	const struct nlattr *attr;

	if (nlh->nlmsg_type != RTM_NEWROUTE || rtm->rtm_family != reading->family)
		return MNL_CB_OK;
	to.addr.family = rtm->rtm_family;
	mnl_attr_for_each(attr, nlh, sizeof(*rtm)) {
		size_t len = mnl_attr_get_payload_len(attr);

		if (mnl_attr_get_type(attr) == RTA_DST && len == address_bytes(&to.addr))
			memcpy(to.addr.bytes, mnl_attr_get_payload(attr), len);
		else if (mnl_attr_get_type(attr) == RTA_OIF)
			ifindex = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == RTA_TABLE)
			table = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == RTA_GATEWAY)
			return MNL_CB_OK;
	}
	for (size_t i = first_with(reading, ifindex);
	     ifindex && i < reading->n && reading->list[i].ifindex == ifindex; i++)
		take_route(&reading->list[i], rtm, table, &to);
	return MNL_CB_OK;
}

static int read_family(struct nl *nl, struct connected *list, size_t n, uint8_t family,
		       struct err *err)
{
	struct connected_reading reading = {list, n, family};
	struct nl_what what = {.object = "routes", .action = "be listed"};
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETROUTE, NLM_F_DUMP);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = family;
	return nl_dump(nl, nlh, on_route, &reading, &what, err);
}

static int read_routes(struct nl *nl, struct connected *list, size_t n, struct err *err)
{
	static const uint8_t families[] = {AF_INET, AF_INET6};
	int ret;

	for (size_t i = 0; i < n; i++)
		list[i].has_local = list[i].has_network = false;
	for (size_t f = 0; f < 2; f++) {
		size_t i = 0;

		while (i < n && list[i].prefix.addr.family != families[f])
			i++;
		ret = i < n ? read_family(nl, list, n, families[f], err) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

/* Whether a route to the network is missing. The kernel makes none for an IPv4 address of /32. */
static bool lacks_network(const struct connected *one)
{
	return !one->has_network && !one->is_lo &&
	       (one->prefix.addr.family == AF_INET6 || one->prefix.len < 32);
}

/* local: the route to the address itself, else the one to its network. */
static int add_route(struct nl *nl, const struct connected *one, bool local, struct err *err)
{
	bool v6 = one->prefix.addr.family == AF_INET6;
	struct ip_prefix to = local ? one->prefix : ip_network(&one->prefix);
	struct nl_what what = {one->object, "add the route of an address", one->where, EEXIST};
	size_t bytes = address_bytes(&to.addr);
	/* Appended, since another interface may have the same network. */
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_APPEND);
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));

	rtm->rtm_family = to.addr.family;
	rtm->rtm_dst_len = local ? 8 * bytes : to.len;
	rtm->rtm_table = local ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
	rtm->rtm_protocol = RTPROT_KERNEL;
	rtm->rtm_scope = v6 ? RT_SCOPE_UNIVERSE : local ? RT_SCOPE_HOST : RT_SCOPE_LINK;
	rtm->rtm_type = local ? RTN_LOCAL : RTN_UNICAST;
	mnl_attr_put(nlh, RTA_DST, bytes, to.addr.bytes);
	mnl_attr_put_u32(nlh, RTA_OIF, one->ifindex);
	if (v6)
		mnl_attr_put_u32(nlh, RTA_PRIORITY, METRIC_V6);
	else
		mnl_attr_put(nlh, RTA_PREFSRC, bytes, one->prefix.addr.bytes);
	return nl_commit(nl, &what, err);
}

/* A new IPv6 address gets both routes: a local one of the user would have another metric. */
static int add_address_again(struct nl *nl, const struct connected *one, struct err *err)
{
	struct nl_what remove = {one->object, "remove an address that has no route", one->where,
				 EADDRNOTAVAIL};
	struct nl_what add = {one->object, "add an address again", one->where, EEXIST};
	int ret = address_delete(nl, one->ifindex, &one->prefix, &remove, err);

	return ret ? ret : address_add(nl, one->ifindex, &one->prefix, &add, err);
}

static int add_missing(struct nl *nl, const struct connected *one, struct err *err)
{
	int ret = 0;

	if (!one->has_local && one->prefix.addr.family == AF_INET6)
		return add_address_again(nl, one, err);
	if (!one->has_local)
		ret = add_route(nl, one, true, err);
	if (!ret && lacks_network(one))
		ret = add_route(nl, one, false, err);
	return ret;
}

static bool is_whole(const struct connected *one)
{
	return one->has_local && !lacks_network(one);
}

/* The local route of an IPv6 address may still come. */
static bool may_come(const struct connected *one)
{
	return !one->has_local && one->prefix.addr.family == AF_INET6;
}

/*
 * Read the routes until none of the list is missing, or no missing one may still come, or the time
 * is over. first: one that is missing, or NULL.
 */
static int read_until(struct nl *nl, struct connected *list, size_t n, unsigned timeout_ms,
		      const volatile int *interrupted, const struct connected **first,
		      struct err *err)
{
	uint64_t end = clock_ns(CLOCK_MONOTONIC) + timeout_ms * 1000000ULL;
	int look_ms = LOOK_MS; /* a look takes time, too, which those lack whose work it is */

	for (;; look_ms = look_ms < LOOK_MS_MAX ? 2 * look_ms : look_ms) {
		bool wait = false;
		int ret = read_routes(nl, list, n, err);

		if (ret)
			return ret;
		*first = NULL;
		for (size_t i = 0; i < n; i++) {
			if (is_whole(&list[i]))
				continue;
			*first = *first ?: &list[i];
			wait |= may_come(&list[i]);
		}
		if (!wait || clock_ns(CLOCK_MONOTONIC) >= end)
			return 0;
		if (interrupted && *interrupted)
			return err_set(err, ERR_FAILED, EINTR,
				       "interrupted while the kernel made routes of addresses");
		poll(NULL, 0, look_ms);
	}
}

int connected_repair(struct nl *nl, struct connected *list, size_t n,
		     const volatile int *interrupted, struct err *err)
{
	const struct connected *missing = NULL;
	char text[IP_TEXT_SIZE];
	int ret = nl_flush(nl, err);

	qsort(list, n, sizeof(*list), by_ifindex);
	if (ret)
		return ret;
	ret = read_until(nl, list, n, MAKES_MS, interrupted, &missing, err);
	if (ret || !missing)
		return ret;
	for (size_t i = 0; i < n; i++) {
		ret = is_whole(&list[i]) ? 0 : add_missing(nl, &list[i], err);
		if (ret)
			return ret;
	}
	ret = nl_flush(nl, err);
	if (ret)
		return ret;
	ret = read_until(nl, list, n, AGAIN_MS, interrupted, &missing, err);
	if (ret || !missing)
		return ret;
	err_set(err, ERR_FAILED, ENETUNREACH,
		missing->has_local
			? "%s: its address %s has no connected route, although it was added"
		: missing->prefix.addr.family == AF_INET
			? "%s: its address %s has no local route, although it was added"
			: "%s: its address %s has no local route: the kernel made none "
			  "within a minute after the address was added again",
		missing->object, ip_prefix_format(&missing->prefix, text, sizeof(text)));
	err_at(err, missing->where);
	return -ENETUNREACH;
}
