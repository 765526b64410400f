// SPDX-License-Identifier: GPL-2.0-only
/* bridge.c - requests that change bridges and their ports, and the VLANs of ports. */
#include <errno.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "user/net/net.h"

/* What the kernel gives a new bridge (br_dev_setup in net/bridge/br_device.c). */
enum { BRIDGE_AGEING_S = 300, BRIDGE_FORWARD_DELAY_S = 15 };

/* A second in USER_HZ, the unit of a bridge's times. */
static uint32_t ticks(void)
{
	return sysconf(_SC_CLK_TCK);
}

static int set_bridge(struct nl *nl, uint32_t ifindex, const struct bridge_options *was,
		      const struct bridge_options *now, bool delay, const struct nl_what *what,
		      struct err *err)
{
	uint32_t ageing_s = now->has_ageing ? now->ageing_s : BRIDGE_AGEING_S, hz = ticks();
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *info, *data;

	ifi->ifi_index = ifindex;
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	if (was->stp != now->stp)
		mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, now->stp);
	if (was->vlan_filtering != now->vlan_filtering)
		mnl_attr_put_u8(nlh, IFLA_BR_VLAN_FILTERING, now->vlan_filtering);
	if (was->has_ageing != now->has_ageing || was->ageing_s != now->ageing_s)
		mnl_attr_put_u32(nlh, IFLA_BR_AGEING_TIME, ageing_s * hz);
	if (delay)
		mnl_attr_put_u32(nlh, IFLA_BR_FORWARD_DELAY,
				 now->stp ? BRIDGE_FORWARD_DELAY_S * hz : 0);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return nl_commit(nl, what, err);
}

int link_set_bridge(struct nl *nl, uint32_t ifindex, const struct bridge_options *was,
		    const struct bridge_options *now, const struct nl_what *what, struct err *err)
{
	bool stops = was->stp && !now->stp;
	int ret = set_bridge(nl, ifindex, was, now, !was->stp && now->stp, what, err);

	/* The kernel refuses a delay of 0 as long as there is STP (br_set_forward_delay). */
	if (ret || !stops)
		return ret;
	return set_bridge(nl, ifindex, now, now, true, what, err);
}

int link_add_bridge(struct nl *nl, const struct bridge_link *bridge, const struct nl_what *what,
		    struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct nlattr *info, *data;

	ifi->ifi_index = bridge->ifindex;
	mnl_attr_put_strz(nlh, IFLA_IFNAME, bridge->options->dev);
	if (bridge->group)
		mnl_attr_put_u32(nlh, IFLA_GROUP, bridge->group);
	info = mnl_attr_nest_start(nlh, IFLA_LINKINFO);
	mnl_attr_put_strz(nlh, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(nlh, IFLA_INFO_DATA);
	mnl_attr_put_u32(nlh, IFLA_BR_STP_STATE, bridge->options->stp);
	/* Off is the kernel's default; one without CONFIG_BRIDGE_VLAN_FILTERING refuses even that.
	 */
	if (bridge->options->vlan_filtering)
		mnl_attr_put_u8(nlh, IFLA_BR_VLAN_FILTERING, 1);
	if (bridge->options->has_ageing)
		mnl_attr_put_u32(nlh, IFLA_BR_AGEING_TIME, bridge->options->ageing_s * ticks());
	/* Without STP nothing needs 15 s of listening and learning before a port forwards. */
	if (!bridge->options->stp)
		mnl_attr_put_u32(nlh, IFLA_BR_FORWARD_DELAY, 0);
	mnl_attr_nest_end(nlh, data);
	mnl_attr_nest_end(nlh, info);
	return nl_commit(nl, what, err);
}

int link_set_master(struct nl *nl, uint32_t ifindex, uint32_t master, const struct nl_what *what,
		    struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = ifindex;
	mnl_attr_put_u32(nlh, IFLA_MASTER, master);
	return nl_commit(nl, what, err);
}

/* ---- VLANs of ports -------------------------------------------------------------------------- */

struct vlan_search {
	uint32_t ifindex;
	struct bridge_vlans *vlans;
};

static void take_vlan(struct bridge_vlans *vlans, const struct nlattr *attr)
{
	const struct bridge_vlan_info *info = mnl_attr_get_payload(attr);

	if (mnl_attr_get_payload_len(attr) < sizeof(*info) || info->vid >= 4096)
		return;
	vlans->member[info->vid / 8] |= 1 << info->vid % 8;
	if (info->flags & BRIDGE_VLAN_INFO_UNTAGGED)
		vlans->untagged[info->vid / 8] |= 1 << info->vid % 8;
	if (info->flags & BRIDGE_VLAN_INFO_PVID)
		vlans->pvid = info->vid;
}

static int on_vlans(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct vlan_search *search = arg;
	const struct nlattr *attr, *spec;

	if (nlh->nlmsg_type != RTM_NEWLINK || ifi->ifi_index != (int)search->ifindex)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(*ifi)) {
		if (mnl_attr_get_type(attr) != IFLA_AF_SPEC)
			continue;
		mnl_attr_for_each_nested(spec, attr)
			if (mnl_attr_get_type(spec) == IFLA_BRIDGE_VLAN_INFO)
				take_vlan(search->vlans, spec);
	}
	return MNL_CB_OK;
}

int bridge_vlans_get(struct nl *nl, uint32_t ifindex, struct bridge_vlans *vlans, struct err *err)
{
	struct nlmsghdr *nlh = nl_begin(nl, RTM_GETLINK, NLM_F_DUMP);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));
	struct vlan_search search = {.ifindex = ifindex, .vlans = vlans};
	const struct nl_what what = {.object = "VLANs of ports", .action = "be listed"};

	*vlans = (struct bridge_vlans){0};
	ifi->ifi_family = AF_BRIDGE;
	mnl_attr_put_u32(nlh, IFLA_EXT_MASK, RTEXT_FILTER_BRVLAN);
	return nl_dump(nl, nlh, on_vlans, &search, &what, err);
}
