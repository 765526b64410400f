// SPDX-License-Identifier: GPL-2.0-only
/* interface.c - requests that change links and addresses. */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/veth.h>
#include <net/if.h>

#include "user/net/net.h"

/* A put that did not fit shows as a request that is too long, which nl_commit() refuses. */
static bool put_end(struct nlmsghdr *nlh, const struct veth_end *end)
{
	bool fits = mnl_attr_put_strz_check(nlh, NL_ROOM, IFLA_IFNAME, end->ifname) &&
		    mnl_attr_put_u32_check(nlh, NL_ROOM, IFLA_NET_NS_FD, end->netns_fd);

	if (end->mtu)
		fits &= mnl_attr_put_u32_check(nlh, NL_ROOM, IFLA_MTU, end->mtu);
	if (end->group)
		fits &= mnl_attr_put_u32_check(nlh, NL_ROOM, IFLA_GROUP, end->group);
	if (end->mac)
		fits &= mnl_attr_put_check(nlh, NL_ROOM, IFLA_ADDRESS, 6, end->mac);
	if (end->has_txqueuelen)
		fits &= mnl_attr_put_u32_check(nlh, NL_ROOM, IFLA_TXQLEN, end->txqueuelen);
	if (end->queues) {
		fits &= mnl_attr_put_u32_check(nlh, NL_ROOM, IFLA_NUM_TX_QUEUES, end->queues);
		fits &= mnl_attr_put_u32_check(nlh, NL_ROOM, IFLA_NUM_RX_QUEUES, end->queues);
	}
	return fits;
}

static int commit_if(struct nl *nl, bool fits, const struct nl_what *what, struct err *err)
{
	if (!fits)
		return err_set(err, ERR_SYSTEM, EMSGSIZE, "%s: cannot %s: the request is too long",
			       what->object, what->action);
	return nl_commit(nl, what, err);
}

int link_add_veth(struct nl *nl, const struct veth_end ends[2], const struct nl_what *what,
		  struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *info, *data, *peer;
	bool fits;

	ifi->ifi_index = ends[0].ifindex;
	if (ends[0].up)
		ifi->ifi_flags = ifi->ifi_change = IFF_UP;
	fits = put_end(nlh, &ends[0]);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(nlh, VETH_INFO_PEER);
	/* The peer's attributes stand behind an ifinfomsg of its own. */
	ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	ifi->ifi_index = ends[1].ifindex;
	fits &= put_end(nlh, &ends[1]);
	mnl_attr_nest_end(nlh, peer);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return commit_if(nl, fits, what, err);
}

int link_set_up(struct nl *nl, uint32_t ifindex, bool up, const struct nl_what *what,
		struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = up ? IFF_UP : 0;
	return nl_commit(nl, what, err);
}

int link_set(struct nl *nl, uint32_t ifindex, const struct link_settings *settings,
	     const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	if (settings->mtu)
		mnl_attr_put_u32(nlh, IFLA_MTU, settings->mtu);
	if (settings->mac)
		mnl_attr_put(nlh, IFLA_ADDRESS, 6, settings->mac);
	if (settings->has_txqueuelen)
		mnl_attr_put_u32(nlh, IFLA_TXQLEN, settings->txqueuelen);
	return nl_commit(nl, what, err);
}

int link_delete(struct nl *nl, uint32_t ifindex, const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_DELLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	return nl_commit(nl, what, err);
}

int link_move(struct nl *nl, uint32_t ifindex, int netns_fd, const char *name,
	      const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	mnl_attr_put_u32(nlh, IFLA_NET_NS_FD, netns_fd);
	mnl_attr_put_strz(nlh, IFLA_IFNAME, name);
	return nl_commit(nl, what, err);
}

static int address_request(struct nl *nl, uint16_t type, uint16_t flags, uint32_t ifindex,
			   const struct ip_prefix *prefix, uint8_t protocol,
			   const struct nl_what *what, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, type, flags);
	struct ifaddrmsg *ifa = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifa));
	size_t bytes = address_bytes(&prefix->addr);

	ifa->ifa_family = prefix->addr.family;
	ifa->ifa_prefixlen = prefix->len;
	ifa->ifa_index = ifindex;
	/*
	 * Addresses of a lab are unique by its rules; duplicate address detection (RFC 4862) would
	 * keep a fresh IPv6 address unusable for 1 to 2 s.
	 */
	if (prefix->addr.family == AF_INET6 && type == RTM_NEWADDR)
		ifa->ifa_flags = IFA_F_NODAD;
	mnl_attr_put(nlh, IFA_LOCAL, bytes, prefix->addr.bytes);
	mnl_attr_put(nlh, IFA_ADDRESS, bytes, prefix->addr.bytes);
	if (protocol)
		mnl_attr_put_u8(nlh, IFA_PROTO, protocol);
	return nl_commit(nl, what, err);
}

int address_add(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		const struct nl_what *what, struct err *err)
{
	return address_add_marked(nl, ifindex, prefix, 0, what, err);
}

int address_add_marked(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		       uint8_t protocol, const struct nl_what *what, struct err *err)
{
	return address_request(nl, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, prefix,
			       protocol, what, err);
}

int address_delete(struct nl *nl, uint32_t ifindex, const struct ip_prefix *prefix,
		   const struct nl_what *what, struct err *err)
{
	return address_request(nl, RTM_DELADDR, 0, ifindex, prefix, 0, what, err);
}
