// SPDX-License-Identifier: GPL-2.0-only
/* interface_read.c - what the kernel says about interfaces and addresses. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "user/net/net.h"

static void parse_bridge(const struct nlattr *nest, struct link_info *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) == IFLA_BR_VLAN_FILTERING)
			info->vlan_filtering = mnl_attr_get_u8(attr);
}

static void parse_port(const struct nlattr *nest, struct link_info *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_BRPORT_STATE:
			info->port_state = mnl_attr_get_u8(attr);
			break;
		case IFLA_BRPORT_ISOLATED:
			info->isolated = mnl_attr_get_u8(attr);
			break;
		case IFLA_BRPORT_MODE:
			info->hairpin = mnl_attr_get_u8(attr);
			break;
		case IFLA_BRPORT_UNICAST_FLOOD:
			info->no_flood = !mnl_attr_get_u8(attr);
			break;
		case IFLA_BRPORT_LEARNING:
			info->no_learning = !mnl_attr_get_u8(attr);
			break;
		}
	}
}

/* IFLA_GRE_REMOTE, IFLA_IPTUN_REMOTE of linux/if_tunnel.h, which does not go with net/if.h. */
enum { GRE_REMOTE = 7, IPTUN_REMOTE = 3 };

/* Which attributes tell the other end of a tunnel, and its packets, by its kind; 0: none. */
static const struct tunnel {
	const char *kind;
	uint8_t protocol; /* of its packets; 0: that depends on what is in them */
	int to, to_v6, id, port;
} tunnels[] = {
	{"vxlan", IPPROTO_UDP, IFLA_VXLAN_GROUP, IFLA_VXLAN_GROUP6, IFLA_VXLAN_ID, IFLA_VXLAN_PORT},
	{"geneve", IPPROTO_UDP, IFLA_GENEVE_REMOTE, IFLA_GENEVE_REMOTE6, IFLA_GENEVE_ID,
	 IFLA_GENEVE_PORT},
	{"gre", IPPROTO_GRE, GRE_REMOTE},
	{"gretap", IPPROTO_GRE, GRE_REMOTE},
	{"ip6gre", IPPROTO_GRE, 0, GRE_REMOTE},
	{"ip6gretap", IPPROTO_GRE, 0, GRE_REMOTE},
	{"ipip", IPPROTO_IPIP, IPTUN_REMOTE},
	{"sit", 0, IPTUN_REMOTE},
	{"ip6tnl", 0, 0, IPTUN_REMOTE},
};

static void parse_tunnel(const struct nlattr *nest, const struct tunnel *tunnel,
			 struct link_info *info)
{
	static const uint8_t none[16];
	const struct nlattr *attr;

	info->tunnel_protocol = tunnel->protocol;
	mnl_attr_for_each_nested(attr, nest) {
		int type = mnl_attr_get_type(attr);
		bool v4 = type == tunnel->to && mnl_attr_get_payload_len(attr) == 4;
		bool v6 = type == tunnel->to_v6 && mnl_attr_get_payload_len(attr) == 16;
		size_t len = v4 ? 4 : 16;

		if (type && type == tunnel->id)
			info->tunnel_id = mnl_attr_get_u32(attr);
		if (type && type == tunnel->port)
			info->tunnel_port = ntohs(mnl_attr_get_u16(attr));
		if ((!v4 && !v6) || !memcmp(mnl_attr_get_payload(attr), none, len))
			continue;
		info->tunnel_to.family = v4 ? AF_INET : AF_INET6;
		memcpy(info->tunnel_to.bytes, mnl_attr_get_payload(attr), len);
	}
}

static void parse_data(const struct nlattr *nest, struct link_info *info)
{
	if (!strcmp(info->kind, "bridge"))
		parse_bridge(nest, info);
	for (size_t i = 0; i < sizeof(tunnels) / sizeof(*tunnels); i++)
		if (!strcmp(info->kind, tunnels[i].kind))
			parse_tunnel(nest, &tunnels[i], info);
}

/* The kinds come before the data that they tell how to read. */
static void parse_linkinfo(const struct nlattr *nest, struct link_info *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_INFO_KIND:
			snprintf(info->kind, sizeof(info->kind), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_INFO_DATA:
			parse_data(attr, info);
			break;
		case IFLA_INFO_SLAVE_KIND:
			info->is_port = !strcmp(mnl_attr_get_str(attr), "bridge");
			break;
		case IFLA_INFO_SLAVE_DATA:
			if (info->is_port)
				parse_port(attr, info);
			break;
		}
	}
}

static void parse_xdp(const struct nlattr *nest, struct link_info *info)
{
	const struct nlattr *attr;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED)
			info->xdp_attached = mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == IFLA_XDP_PROG_ID)
			info->xdp_prog_id = mnl_attr_get_u32(attr);
	}
}

/* The attribute is aligned to four bytes only. */
static uint64_t parse_tx_packets(const struct nlattr *attr)
{
	const size_t offset = offsetof(struct rtnl_link_stats64, tx_packets);
	uint64_t packets = 0;

	if (mnl_attr_get_payload_len(attr) >= offset + sizeof(packets))
		memcpy(&packets, (const char *)mnl_attr_get_payload(attr) + offset,
		       sizeof(packets));
	return packets;
}

static void parse_link(const struct nlmsghdr *nlh, struct link_info *info)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *attr;

	*info = (struct link_info){
		.ifindex = ifi->ifi_index,
		.flags = ifi->ifi_flags,
		.link_netnsid = -1,
	};
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		switch (mnl_attr_get_type(attr)) {
		case IFLA_IFNAME:
			snprintf(info->ifname, sizeof(info->ifname), "%s", mnl_attr_get_str(attr));
			break;
		case IFLA_LINK:
			info->peer_ifindex = mnl_attr_get_u32(attr);
			break;
		case IFLA_LINK_NETNSID:
			info->link_netnsid = mnl_attr_get_u32(attr);
			break;
		case IFLA_MTU:
			info->mtu = mnl_attr_get_u32(attr);
			break;
		case IFLA_MASTER:
			info->master = mnl_attr_get_u32(attr);
			break;
		case IFLA_GROUP:
			info->group = mnl_attr_get_u32(attr);
			break;
		case IFLA_OPERSTATE:
			info->operstate = mnl_attr_get_u8(attr);
			break;
		case IFLA_ADDRESS:
			if (mnl_attr_get_payload_len(attr) == sizeof(info->mac))
				memcpy(info->mac, mnl_attr_get_payload(attr), sizeof(info->mac));
			break;
		case IFLA_STATS64:
			info->tx_packets = parse_tx_packets(attr);
			break;
		case IFLA_LINKINFO:
			parse_linkinfo(attr, info);
			break;
		case IFLA_XDP:
			parse_xdp(attr, info);
			break;
		}
	}
}

struct link_visit {
	struct link_info *one; /* for link_get */
	bool (*cb)(const struct link_info *info, void *arg);
	void *arg;
};

static int on_link(const struct nlmsghdr *nlh, void *arg)
{
	struct link_visit *visit = arg;
	struct link_info info;

	if (nlh->nlmsg_type != RTM_NEWLINK)
		return MNL_CB_OK;
	parse_link(nlh, &info);
	if (visit->one) {
		*visit->one = info;
		return MNL_CB_STOP;
	}
	/* A dump is read to its end: what is left in the socket would answer the next request. */
	if (visit->cb && !visit->cb(&info, visit->arg))
		visit->cb = NULL;
	return MNL_CB_OK;
}

int link_get(struct nl *nl, uint32_t ifindex, const char *ifname, struct link_info *info,
	     struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct link_visit visit = {.one = info};
	struct nl_what what = {.object = ifname ? ifname : "interface",
			       .action = "be looked up",
			       .ignore = ENODEV};

	if (ifindex)
		ifi->ifi_index = ifindex;
	else
		mnl_attr_put_strz(nlh, IFLA_IFNAME, ifname);
	return nl_dump(nl, nlh, on_link, &visit, &what, err);
}

int link_list(struct nl *nl, bool (*cb)(const struct link_info *info, void *arg), void *arg,
	      struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETLINK, NLM_F_DUMP);
	struct link_visit visit = {.cb = cb, .arg = arg};
	struct nl_what what = {.object = "interfaces", .action = "be listed", .whole = true};

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS); /* half of the answer */
	return nl_dump(nl, nlh, on_link, &visit, &what, err);
}

int link_event(struct nl *nl, int timeout_ms, bool (*cb)(const struct link_info *info, void *arg),
	       void *arg, struct err *err)
{
	struct link_visit visit = {.cb = cb, .arg = arg};

	return nl_event(nl, timeout_ms, on_link, &visit, err);
}

struct address_visit {
	uint32_t ifindex;
	const struct ip_prefix *wanted; /* for address_is_marked() */
	uint8_t protocol;
	bool found;
	bool (*cb)(const struct address_info *info, void *arg);
	/* for address_list_given(), in place of cb */
	bool (*given)(uint32_t ifindex, const struct ip_prefix *prefix, bool is_given, void *arg);
	void *arg;
};

/* Whether somebody has given it to the interface. */
static bool is_given(const struct ifaddrmsg *ifa, uint32_t flags, const struct ip_prefix *prefix)
{
	if (!(flags & IFA_F_PERMANENT))
		return false;
	if (prefix->addr.family == AF_INET)
		return prefix->addr.bytes[0] != 127;
	return ifa->ifa_scope != RT_SCOPE_LINK && ifa->ifa_scope != RT_SCOPE_HOST;
}

static int on_address(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	struct address_visit *visit = arg;
	struct address_info info = {.ifindex = ifa->ifa_index,
				    .flags = ifa->ifa_flags,
				    .prefix.len = ifa->ifa_prefixlen};
	const struct nlattr *attr, *address = NULL, *local = NULL;
	uint8_t protocol = 0;

	if (nlh->nlmsg_type != RTM_NEWADDR || (visit->ifindex && visit->ifindex != ifa->ifa_index))
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifa)) {
		if (mnl_attr_get_type(attr) == IFA_ADDRESS)
			address = attr;
		else if (mnl_attr_get_type(attr) == IFA_LOCAL)
			local = attr;
		else if (mnl_attr_get_type(attr) == IFA_PROTO)
			protocol = mnl_attr_get_u8(attr);
		else if (mnl_attr_get_type(attr) == IFA_FLAGS)
			info.flags = mnl_attr_get_u32(attr);
	}
	/* With a peer address, IFA_ADDRESS is the peer's and IFA_LOCAL our own. */
	attr = local ? local : address;
	if (!attr || mnl_attr_get_payload_len(attr) > sizeof(info.prefix.addr.bytes))
		return MNL_CB_OK;
	info.prefix.addr.family = ifa->ifa_family;
	memcpy(info.prefix.addr.bytes, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	if (visit->wanted && protocol == visit->protocol && info.prefix.len == visit->wanted->len &&
	    !memcmp(&info.prefix.addr, &visit->wanted->addr, sizeof(info.prefix.addr)))
		visit->found = true;
	if (visit->cb && !visit->cb(&info, visit->arg))
		visit->cb = NULL;
	if (visit->given && !visit->given(info.ifindex, &info.prefix,
					  is_given(ifa, info.flags, &info.prefix), visit->arg))
		visit->given = NULL;
	return MNL_CB_OK;
}

static int visit_addresses(struct nl *nl, struct address_visit *visit, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETADDR, NLM_F_DUMP);
	struct nl_what what = {.object = "addresses", .action = "be listed", .whole = true};

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifaddrmsg));
	return nl_dump(nl, nlh, on_address, visit, &what, err);
}

const char *address_unusable_word(uint32_t flags)
{
	return flags & IFA_F_DADFAILED					? "dadfailed"
	       : flags & IFA_F_TENTATIVE && !(flags & IFA_F_OPTIMISTIC) ? "tentative"
									: NULL;
}

int address_list(struct nl *nl, uint32_t ifindex,
		 bool (*cb)(const struct address_info *info, void *arg), void *arg, struct err *err)
{
	struct address_visit visit = {.ifindex = ifindex, .cb = cb, .arg = arg};

	return visit_addresses(nl, &visit, err);
}

int address_list_given(struct nl *nl,
		       bool (*cb)(uint32_t ifindex, const struct ip_prefix *prefix, bool is_given,
				  void *arg),
		       void *arg, struct err *err)
{
	struct address_visit visit = {.given = cb, .arg = arg};

	return visit_addresses(nl, &visit, err);
}

int address_is_marked(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		      uint8_t protocol, struct err *err)
{
	struct address_visit visit = {.ifindex = ifindex, .wanted = prefix, .protocol = protocol};
	int ret = visit_addresses(nl, &visit, err);

	return ret ? ret : visit.found;
}
