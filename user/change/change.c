// SPDX-License-Identifier: GPL-2.0-only
/* change.c - see change.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "user/change/change.h"
#include "user/lab/node_setup.h"
#include "user/lab/node.h"

enum { VETH_TXQUEUELEN = 1000 /* packets: the kernel's default */ };

/* ---- removals -------------------------------------------------------------------------------- */

static int remove_route(const struct change_site *site, const struct lab_change *change,
			struct err *err)
{
	struct node_devices devices = {site->run, change->node};
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {change->node->name, action, change->route->where, ESRCH};

	snprintf(action, sizeof(action), "remove the route to %s",
		 ip_prefix_format(&change->route->to, text, sizeof(text)));
	return route_delete(site->nl, change->route,
			    node_route_protocol(site->run, change->node, change->route),
			    node_device, &devices, &what, err);
}

static int remove_neighbor(const struct change_site *site, const struct lab_change *change,
			   struct err *err)
{
	struct node_devices devices = {site->run, change->node};
	char text[IP_TEXT_SIZE], action[96];
	struct nl_what what = {change->node->name, action, change->neighbor->where, ENOENT};

	snprintf(action, sizeof(action), "remove the neighbor %s",
		 ip_format(&change->neighbor->addr, text, sizeof(text)));
	return neighbor_delete(site->nl, node_device(change->neighbor->dev, &devices),
			       &change->neighbor->addr, &what, err);
}

static int remove_address(const struct change_site *site, const struct lab_change *change,
			  struct err *err)
{
	uint32_t ifindex = change->end	    ? running_ifindex(site->run, change->end)
			   : change->bridge ? running_bridge_ifindex(site->run, change->node)
					    : LO_IFINDEX;
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {change->end ? change->end->name : change->node->name, action,
			       change->address->where, EADDRNOTAVAIL};

	/* From lo of a foreign namespace, only an address with the lab's mark is removed. */
	if (!change->end && !change->bridge && !site->run->nodes[change->node->index].ours) {
		int ret = nl_flush(site->nl, err);

		if (ret)
			return ret;
		ret = address_is_marked(site->nl, ifindex, &change->address->prefix, ADDRESS_OURS,
					err);
		if (ret <= 0)
			return ret;
	}
	snprintf(action, sizeof(action), "remove address %s",
		 ip_prefix_format(&change->address->prefix, text, sizeof(text)));
	return address_delete(site->nl, ifindex, &change->address->prefix, &what, err);
}

/* From a foreign namespace, only an interface of the lab's group is removed. */
static int remove_interface(const struct change_site *site, const struct lab_change *change,
			    uint32_t ifindex, const char *object, struct err *err)
{
	struct nl_what what = {object, "remove it", change->node->where, ENODEV};
	struct link_info info;
	int ret;

	if (!site->run->nodes[change->node->index].ours) {
		ret = nl_flush(site->nl, err);
		if (ret)
			return ret == -ENODEV ? 0 : ret;
		ret = link_get(site->nl, ifindex, NULL, &info, err);
		if (ret)
			return ret == -ENODEV ? 0 : ret;
		if (info.group != site->run->group)
			return 0;
	}
	return link_delete(site->nl, ifindex, &what, err);
}

/* A bridge in a foreign namespace; others are removed with their namespaces. */
static int remove_bridge(const struct change_site *site, const struct lab_change *change,
			 struct err *err)
{
	if (change->node->kind != NODE_BRIDGE || site->run->nodes[change->node->index].ours)
		return 0;
	return remove_interface(site, change, running_bridge_ifindex(site->run, change->node),
				change->node->bridge.dev, err);
}

/* ---- settings -------------------------------------------------------------------------------- */

static int set_route(const struct change_site *site, const struct lab_change *change,
		     struct err *err)
{
	struct node_devices devices = {site->run, change->node};
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {change->node->name, action, change->route->where, 0};

	snprintf(action, sizeof(action), "set the route to %s",
		 ip_prefix_format(&change->route->to, text, sizeof(text)));
	return route_replace(site->nl, change->route,
			     node_route_protocol(site->run, change->node, change->route),
			     node_device, &devices, &what, err);
}

static int set_state(const struct change_site *site, const struct lab_change *change,
		     struct err *err)
{
	struct nl_what what = {change->end->name, change->end->up ? "set it up" : "set it down",
			       change->end->where, 0};

	return link_set_up(site->nl, running_ifindex(site->run, change->end), change->end->up,
			   &what, err);
}

static int set_lo(const struct change_site *site, const struct lab_change *change, struct err *err)
{
	struct nl_what what = {change->node->name, "change lo", change->node->where, 0};

	if (!site->run->nodes[change->node->index].ours)
		return 0;
	return link_set_up(site->nl, LO_IFINDEX, change->node->lo_up, &what, err);
}

static int set_bridge(const struct change_site *site, const struct lab_change *change,
		      struct err *err)
{
	struct nl_what what = {change->node->name, "change the bridge", change->node->where, 0};

	return link_set_bridge(site->nl, running_bridge_ifindex(site->run, change->node),
			       &change->was_node->bridge, &change->node->bridge, &what, err);
}

/*
 * The MAC address that an end shall have. If the file does not say one and none is known, it is
 * random, as it is when the kernel chooses.
 */
static int choose_mac(const struct end *end, uint8_t mac[6], struct err *err)
{
	const uint8_t *known = node_end_mac(end);

	if (known) {
		memcpy(mac, known, 6);
		return 0;
	}
	if (getrandom(mac, 6, 0) != 6)
		return err_set(err, ERR_SYSTEM, errno, "cannot get a random number: %s",
			       strerror(errno));
	mac[0] = (mac[0] & 0xfc) | 0x02; /* one station, locally administered */
	return 0;
}

static int set_link(const struct change_site *site, const struct lab_change *change,
		    struct err *err)
{
	struct nl_what what = {change->end->name, "change it", change->end->where, 0};
	struct link_settings settings = {0};
	uint8_t mac[6];
	int ret = 0;

	if (change->kind == CHANGE_MTU) {
		what.action = "change its MTU";
		settings.mtu = end_mtu(change->end);
	} else if (change->kind == CHANGE_TXQUEUELEN) {
		what.action = "change its txqueuelen";
		settings.has_txqueuelen = true;
		settings.txqueuelen =
			change->link->has_txqueuelen ? change->link->txqueuelen : VETH_TXQUEUELEN;
	} else {
		what.action = "change its MAC address";
		settings.mac = mac;
		ret = choose_mac(change->end, mac, err);
	}
	return ret ? ret
		   : link_set(site->nl, running_ifindex(site->run, change->end), &settings, &what,
			      err);
}

/*
 * The setting to make; SETTING_DEFAULT: leave it alone. by_default: what a new interface has.
 */
static enum setting new_setting(enum setting was, enum setting now, enum setting by_default)
{
	if (was == now)
		return SETTING_DEFAULT;
	return now == SETTING_DEFAULT ? by_default : now;
}

static int set_offloads(const struct lab_change *change, struct err *err)
{
	const struct link *was = change->was_end->link, *now = change->link;
	struct nl_what what = {change->end->name, "change its offloads", now->where, 0};

	return link_set_offloads(change->end->ifname,
				 new_setting(was->tx_checksum, now->tx_checksum, SETTING_ON),
				 new_setting(was->tso, now->tso, SETTING_ON),
				 new_setting(was->gro, now->gro, SETTING_OFF), &what, err);
}

int change_make(const struct change_site *site, const struct lab_change *change, struct err *err)
{
	switch (change->kind) {
	case CHANGE_ROUTE_REMOVE:
		return remove_route(site, change, err);
	case CHANGE_NEIGHBOR_REMOVE:
		return remove_neighbor(site, change, err);
	case CHANGE_ADDRESS_REMOVE:
		return remove_address(site, change, err);
	case CHANGE_SYSCTL_RESET:
		return node_setup_reset_sysctl(site->run, change->node, site->netns_fd,
					       change->sysctl->key, err);
	case CHANGE_LINK_REMOVE:
		return remove_interface(site, change,
					running_ifindex(site->run, change->link->ends[0]),
					change->link->ends[0]->name, err);
	case CHANGE_NODE_REMOVE:
		return remove_bridge(site, change, err);
	case CHANGE_BRIDGE:
		return set_bridge(site, change, err);
	case CHANGE_LO:
		return set_lo(site, change, err);
	case CHANGE_NFT:
		return node_setup_replace_nft(change->node, err);
	case CHANGE_MTU:
	case CHANGE_MAC:
	case CHANGE_TXQUEUELEN:
		return set_link(site, change, err);
	case CHANGE_OFFLOADS:
		return set_offloads(change, err);
	case CHANGE_STATE:
		return set_state(site, change, err);
	case CHANGE_ROUTE_SET:
		return set_route(site, change, err);
	case CHANGE_NODE_ADD:
	case CHANGE_LINK_ADD:
	case CHANGE_SYSCTL_SET:
	case CHANGE_ADDRESS_ADD:
	case CHANGE_NEIGHBOR_SET:
	case CHANGE_EXEC:
	case CHANGE_KINDS:
		break;
	}
	return 0;
}
