// SPDX-License-Identifier: GPL-2.0-only
/* route_body.c - see route_body.h. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/net/route_body.h"

/* What somebody chose, of the flags of a route or a next hop; the others tell its state. */
enum { CHOSEN_FLAGS = RTNH_F_ONLINK | RTNH_F_PERVASIVE };

/* ---- in words, as ip-route(8) has them ------------------------------------------------------ */

struct route_words {
	char *text;
	size_t size, used;
};

static void say(struct route_words *words, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct route_words *words, const char *format, ...)
{
	va_list args;

	if (words->used && words->used + 1 < words->size)
		words->text[words->used++] = ' ';
	va_start(args, format);
	words->used +=
		vsnprintf(words->text + words->used, words->size - words->used, format, args);
	va_end(args);
	if (words->used >= words->size)
		words->used = words->size - 1;
}

static void say_address(struct route_words *words, const char *key, uint8_t family,
			const struct nlattr *attr, int len)
{
	struct ip_addr addr = {.family = family};
	char text[IP_TEXT_SIZE];

	if (mnl_attr_get_payload_len(attr) != address_bytes(&addr))
		return;
	memcpy(addr.bytes, mnl_attr_get_payload(attr), address_bytes(&addr));
	ip_format(&addr, text, sizeof(text));
	if (len < 0)
		say(words, "%s %s", key, text);
	else
		say(words, "%s %s/%d", key, text, len);
}

static void say_metrics(struct route_words *words, const struct nlattr *nest)
{
	static const char *const names[RTAX_MAX + 1] = {
		[RTAX_MTU] = "mtu",
		[RTAX_WINDOW] = "window",
		[RTAX_RTT] = "rtt",
		[RTAX_RTTVAR] = "rttvar",
		[RTAX_SSTHRESH] = "ssthresh",
		[RTAX_CWND] = "cwnd",
		[RTAX_ADVMSS] = "advmss",
		[RTAX_REORDERING] = "reordering",
		[RTAX_HOPLIMIT] = "hoplimit",
		[RTAX_INITCWND] = "initcwnd",
		[RTAX_FEATURES] = "features",
		[RTAX_RTO_MIN] = "rto_min",
		[RTAX_INITRWND] = "initrwnd",
		[RTAX_QUICKACK] = "quickack",
		[RTAX_FASTOPEN_NO_COOKIE] = "fastopen_no_cookie",
	};
	const struct nlattr *attr;
	uint32_t locked = 0; /* by 1 << RTAX_* */

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == RTAX_LOCK)
			locked = mnl_attr_get_u32(attr);
	mnl_attr_for_each_nested(attr, nest) {
		uint16_t type = mnl_attr_get_type(attr);

		if (type == RTAX_CC_ALGO)
			say(words, "congctl %.*s", (int)mnl_attr_get_payload_len(attr),
			    mnl_attr_get_str(attr));
		else if (type == RTAX_LOCK || mnl_attr_get_payload_len(attr) != sizeof(uint32_t))
			continue;
		else if (type <= RTAX_MAX && names[type])
			say(words, "%s %s%u", names[type], locked & 1u << type ? "lock " : "",
			    mnl_attr_get_u32(attr));
		else
			say(words, "metric %u of the kernel: %u", type, mnl_attr_get_u32(attr));
	}
}

static void say_flags(struct route_words *words, unsigned flags)
{
	if (flags & RTNH_F_ONLINK)
		say(words, "onlink");
	if (flags & RTNH_F_PERVASIVE)
		say(words, "pervasive");
}

static void say_hops(struct route_words *words, const struct nlattr *nest)
{
	const struct rtnexthop *rtnh = mnl_attr_get_payload(nest);
	int left = mnl_attr_get_payload_len(nest);

	for (; left >= (int)sizeof(*rtnh) && RTNH_OK(rtnh, left); rtnh = RTNH_NEXT(rtnh)) {
		const struct nlattr *attr = (const struct nlattr *)RTNH_DATA(rtnh);

		left -= RTNH_ALIGN(rtnh->rtnh_len);
		say_flags(words, rtnh->rtnh_flags);
		for (; mnl_attr_ok(attr, (const char *)rtnh + rtnh->rtnh_len - (const char *)attr);
		     attr = mnl_attr_next(attr))
			if (mnl_attr_get_type(attr) == RTA_ENCAP_TYPE)
				say(words, "encap");
			else if (mnl_attr_get_type(attr) == RTA_FLOW)
				say(words, "realm %u", mnl_attr_get_u32(attr));
	}
}

static int32_t expires(const struct nlattr *attr)
{
	struct rta_cacheinfo info = {0};
	size_t len = mnl_attr_get_payload_len(attr);

	memcpy(&info, mnl_attr_get_payload(attr), len < sizeof(info) ? len : sizeof(info));
	return info.rta_expires;
}

static void say_attr(struct route_words *words, const struct rtmsg *rtm, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case RTA_TABLE: /* say_table() */
	case RTA_DST:
	case RTA_PRIORITY:
	case RTA_OIF:
	case RTA_GATEWAY:
	case RTA_VIA:
	case RTA_ENCAP_TYPE:
		break;
	case RTA_MULTIPATH:
		say_hops(words, attr);
		break;
	case RTA_CACHEINFO:
		if (expires(attr) > 0)
			say(words, "expires");
		break;
	case RTA_PREF: /* RFC 4191, 2.1 */
		if (mnl_attr_get_u8(attr))
			say(words, "pref %s", mnl_attr_get_u8(attr) == 1 ? "high" : "low");
		break;
	case RTA_PREFSRC:
		say_address(words, "src", rtm->rtm_family, attr, -1);
		break;
	case RTA_SRC:
		say_address(words, "from", rtm->rtm_family, attr, rtm->rtm_src_len);
		break;
	case RTA_METRICS:
		say_metrics(words, attr);
		break;
	case RTA_FLOW:
		say(words, "realm %u", mnl_attr_get_u32(attr));
		break;
	case RTA_ENCAP:
		say(words, "encap");
		break;
	case RTA_NH_ID:
		say(words, "nhid %u", mnl_attr_get_u32(attr));
		break;
	default:
		say(words, "attribute %u", mnl_attr_get_type(attr));
	}
}

static void say_scope(struct route_words *words, const struct route *route, const struct rtmsg *rtm)
{
	bool linked = route->kind == ROUTE_UNICAST && route->n_hops && !route->hops[0].via.family;

	/* IPv6 has none. */
	if (rtm->rtm_family != AF_INET ||
	    rtm->rtm_scope == (linked ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE))
		return;
	if (rtm->rtm_scope == RT_SCOPE_UNIVERSE || rtm->rtm_scope == RT_SCOPE_LINK ||
	    rtm->rtm_scope == RT_SCOPE_HOST)
		say(words, "scope %s",
		    rtm->rtm_scope == RT_SCOPE_UNIVERSE ? "global"
		    : rtm->rtm_scope == RT_SCOPE_LINK	? "link"
							: "host");
	else
		say(words, "scope %u", rtm->rtm_scope);
}

static void say_type(struct route_words *words, uint8_t type)
{
	static const char *const names[] = {
		[RTN_LOCAL] = "local",	   [RTN_BROADCAST] = "broadcast",
		[RTN_ANYCAST] = "anycast", [RTN_MULTICAST] = "multicast",
		[RTN_THROW] = "throw",
	};

	if (type < sizeof(names) / sizeof(*names) && names[type])
		say(words, "%s", names[type]);
	else if (!route_kind_known(type))
		say(words, "type %u", type);
}

static void say_table(struct route_words *words, uint32_t table)
{
	if (table == RT_TABLE_LOCAL)
		say(words, "table local");
	else if (table == RT_TABLE_DEFAULT)
		say(words, "table default");
	else if (table != RT_TABLE_MAIN)
		say(words, "table %u", table);
}

int route_body_make(struct route *route, const struct nlmsghdr *nlh)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	size_t size = mnl_nlmsg_get_payload_len(nlh);
	struct route_body *body;
	const struct nlattr *attr;
	char text[sizeof(body->words)] = "";
	struct route_words words = {text, sizeof(text), 0};
	uint32_t table = rtm->rtm_table, object = 0;

	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
		if (mnl_attr_get_type(attr) == RTA_TABLE)
			table = mnl_attr_get_u32(attr);
		else if (mnl_attr_get_type(attr) == RTA_NH_ID)
			object = mnl_attr_get_u32(attr);
	say_type(&words, rtm->rtm_type);
	say_table(&words, table);
	if (rtm->rtm_tos)
		say(&words, "tos 0x%02x", rtm->rtm_tos);
	mnl_attr_for_each(attr, nlh, sizeof(*rtm))
		say_attr(&words, rtm, attr);
	say_scope(&words, route, rtm);
	say_flags(&words, rtm->rtm_flags);
	if (!words.used)
		return 0;
	body = calloc(1, sizeof(*body) + size);
	if (!body)
		return -ENOMEM;
	body->object = object;
	body->listable = table == RT_TABLE_MAIN && route_kind_known(rtm->rtm_type);
	body->apart = rtm->rtm_tos || rtm->rtm_src_len || table != RT_TABLE_MAIN;
	memcpy(body->words, text, sizeof(text));
	body->size = size;
	memcpy(body->bytes, rtm, size);
	route->body = body;
	return 0;
}

/* ---- back to the kernel ---------------------------------------------------------------------- */

static void put_hops(struct nlmsghdr *nlh, const struct nlattr *nest)
{
	struct rtnexthop *rtnh =
		(void *)((char *)mnl_nlmsg_get_payload_tail(nlh) + MNL_ATTR_HDRLEN);
	int left = mnl_attr_get_payload_len(nest);

	mnl_attr_put(nlh, RTA_MULTIPATH, left, mnl_attr_get_payload(nest));
	for (; left >= (int)sizeof(*rtnh) && RTNH_OK(rtnh, left); rtnh = RTNH_NEXT(rtnh)) {
		left -= RTNH_ALIGN(rtnh->rtnh_len);
		rtnh->rtnh_flags &= CHOSEN_FLAGS;
	}
}

void route_body_put(struct nlmsghdr *nlh, const struct route_body *body)
{
	const size_t skip = MNL_ALIGN(sizeof(struct rtmsg)), size = body->size - skip;
	struct rtmsg *rtm = mnl_nlmsg_put_extra_header(nlh, sizeof(*rtm));
	const void *attrs = body->bytes + skip;
	bool by_object = nl_find_attr(attrs, size, RTA_NH_ID);
	const struct nlattr *attr;

	memcpy(rtm, body->bytes, sizeof(*rtm));
	rtm->rtm_flags &= CHOSEN_FLAGS;
	mnl_attr_for_each_payload(attrs, size) {
		uint16_t type = mnl_attr_get_type(attr);
		bool is_hop = type == RTA_OIF || type == RTA_GATEWAY || type == RTA_VIA ||
			      type == RTA_MULTIPATH || type == RTA_ENCAP ||
			      type == RTA_ENCAP_TYPE || type == RTA_FLOW;

		if (by_object &&
		    is_hop) /* the object has them; the kernel takes one or the other */
			continue;
		if (type == RTA_MULTIPATH)
			put_hops(nlh, attr);
		else if (type != RTA_CACHEINFO)
			mnl_attr_put(nlh, attr->nla_type, mnl_attr_get_payload_len(attr),
				     mnl_attr_get_payload(attr));
		else if (expires(attr) > 0)
			mnl_attr_put_u32(nlh, RTA_EXPIRES,
					 (expires(attr) + sysconf(_SC_CLK_TCK) - 1) /
						 sysconf(_SC_CLK_TCK));
	}
}
