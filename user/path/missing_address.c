// SPDX-License-Identifier: GPL-2.0-only
/*
 * missing_address.c - an address that the lab file gives to an interface, which does not have it
 * now; interfaces where IPv6 is off: by disable_ipv6, or by an MTU that is too small
 * (addrconf_notify in net/ipv6/addrconf.c).
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/path/asking.h"

enum { IPV6_MTU_MIN = 1280 /* RFC 8200, 5 */ };

/* An interface of a node, looked at. */
struct interface {
	const struct node *node;
	struct link_info link;
	bool has_address; /* the one that is looked for */
	bool no_ipv6;
	char what[PATH_WHAT_SIZE], value[24]; /* why IPv6 is off there: what was read */
};

struct sought_address {
	const struct ip_addr *addr;
	bool found;
};

static bool on_address(const struct address_info *info, void *arg)
{
	struct sought_address *search = arg;

	search->found = ip_equal(&info->prefix.addr, search->addr);
	return !search->found;
}

static void read_ipv6(struct path_asking *there, struct interface *interface)
{
	static const char key[] = "net.ipv6.conf.%s.disable_ipv6";
	const char *name = interface->link.ifname;
	int off = path_sysctl(there, -1, key, name);

	if (off > 0) {
		path_sysctl_key(interface->what, key, name);
		snprintf(interface->value, sizeof(interface->value), "%d", off);
	} else if (off < 0 && interface->link.mtu < IPV6_MTU_MIN) {
		snprintf(interface->what, sizeof(interface->what), "the MTU of %s", name);
		snprintf(interface->value, sizeof(interface->value), "%u", interface->link.mtu);
	}
	interface->no_ipv6 = interface->what[0];
}

/* An interface of a node by its ifindex, or by its name if that is 0. False: it cannot be read. */
static bool look(const struct path_asking *asking, const struct node *node, uint32_t ifindex,
		 const char *name, const struct ip_addr *addr, struct interface *interface)
{
	struct path_asking there = {.run = asking->run, .netns_fd = -1};
	struct sought_address search = {.addr = addr};
	int ret;

	*interface = (struct interface){.node = node};
	if (running_is_unseen(asking->run, node) || path_ask_open(&there, node, NULL))
		return false;
	ret = link_get(there.nl, ifindex, name, &interface->link, NULL);
	if (!ret)
		ret = address_list(there.nl, 0, on_address, &search, NULL);
	if (!ret && addr->family == AF_INET6)
		read_ipv6(&there, interface);
	interface->has_address = search.found;
	path_ask_close(&there);
	return !ret;
}

static bool look_at_end(const struct path_asking *asking, const struct end *end,
			const struct ip_addr *addr, struct interface *interface)
{
	return look(asking, end->node, running_ifindex(asking->run, end), NULL, addr, interface);
}

/* The interface to which the lab file gives the address, if that does not have it now. */
static bool look_for_owner(const struct path_asking *asking, const struct ip_addr *addr,
			   struct interface *owner)
{
	struct node *node;
	struct end *end;
	bool seen;

	if (asking->run->observed || !lab_find_address(asking->run->lab, addr, &node, &end))
		return false;
	if (end)
		seen = look_at_end(asking, end, addr, owner);
	else
		seen = look(asking, node, 0,
			    addresses_have(node->bridge_addresses, node->n_bridge_addresses, addr)
				    ? node->bridge.dev
				    : "lo",
			    addr, owner);
	return seen && !owner->has_address;
}

static void note(struct path *path, const struct interface *interface)
{
	if (path->n_readings == PATH_READINGS_MAX)
		return;
	path_note(path, interface->what, "%s", interface->value);
	path->readings[path->n_readings - 1].node = interface->node;
}

/* IPv6 comes back by itself; what the lab file gives to the interface does not. */
static void suggest(struct path_asking *asking, const struct interface *interface)
{
	const char *node = interface->node->name, *name = interface->link.ifname;
	char ipv6[256] = "", reset[NODE_NAME_MAX + 32] = "";

	if (interface->no_ipv6 && strstr(interface->what, "MTU"))
		snprintf(ipv6, sizeof(ipv6), "vethlab exec %s ip link set %s mtu %d", node, name,
			 IPV6_MTU_MIN);
	else if (interface->no_ipv6)
		snprintf(ipv6, sizeof(ipv6), "vethlab exec %s sysctl -w %s=0", node,
			 interface->what);
	if (!asking->run->observed)
		snprintf(reset, sizeof(reset), "vethlab reset %s", node);
	path_suggest(asking->path, "%s%s%s", ipv6, ipv6[0] && reset[0] ? ", then " : "", reset);
}

bool path_say_missing(struct path_asking *asking, const struct path_hop *hop)
{
	char next[IP_TEXT_SIZE], out[END_NAME_SIZE];
	struct path *path = asking->path;
	struct interface at;
	bool given = look_for_owner(asking, &hop->next, &at);

	/* What a bridge passes on, its port's IPv6 has no part in. */
	if (!given && !(hop->next.family == AF_INET6 && hop->out &&
			look_at_end(asking, hop->out->peer, &hop->next, &at) && at.no_ipv6 &&
			!at.link.is_port))
		return false;
	ip_format(&hop->next, next, sizeof(next));
	snprintf(out, sizeof(out), "%s:%s", hop->node->name, hop->dev);
	if (at.no_ipv6)
		note(path, &at);
	if (!given)
		path_say(path,
			 "nobody behind %s has the address %s: IPv6 is off at its other end %s:%s "
			 "(%s is %s)",
			 out, next, at.node->name, at.link.ifname, at.what, at.value);
	else if (at.no_ipv6)
		path_say(path,
			 "nobody behind %s has the address %s: the lab file gives it to %s:%s, "
			 "where IPv6 is off (%s is %s), so that the kernel keeps no IPv6 address "
			 "there",
			 out, next, at.node->name, at.link.ifname, at.what, at.value);
	else
		path_say(path,
			 "nobody behind %s has the address %s: the lab file gives it to %s:%s, "
			 "which does not have it now",
			 out, next, at.node->name, at.link.ifname);
	suggest(asking, &at);
	return true;
}

/* Whether the lab file puts the destination, or a next hop to it, behind the end. */
static bool leads_to(const struct end *end, const struct node *node, const struct ip_addr *to)
{
	for (size_t k = 0; k < end->n_addresses; k++) {
		const struct ip_prefix *prefix = &end->addresses[k].prefix;

		if (ip_prefix_contains(prefix, to))
			return true;
		for (size_t i = 0; i < node->n_routes; i++) {
			const struct route *route = &node->routes[i];

			for (size_t j = 0; ip_prefix_contains(&route->to, to) && j < route->n_hops;
			     j++)
				if (route->hops[j].via.family &&
				    ip_prefix_contains(prefix, &route->hops[j].via))
					return true;
		}
	}
	return false;
}

bool path_say_no_ipv6(struct path_asking *asking, const struct path_hop *hop)
{
	const struct ip_addr *to = &asking->path->to;
	const struct node *node = hop->node;
	char text[IP_TEXT_SIZE];
	struct interface at;

	for (size_t i = 0; to->family == AF_INET6 && i < node->n_ends; i++) {
		if (!leads_to(node->ends[i], node, to) ||
		    !look_at_end(asking, node->ends[i], to, &at) || !at.no_ipv6)
			continue;
		note(asking->path, &at);
		path_say(asking->path,
			 "%s has no route%s to %s: IPv6 is off at %s:%s, which leads there by the "
			 "lab file (%s is %s)",
			 node->name, asking->question->reply ? " back" : "",
			 ip_format(to, text, sizeof(text)), node->name, at.link.ifname, at.what,
			 at.value);
		suggest(asking, &at);
		return true;
	}
	return false;
}

/* ip6_rcv_core() in net/ipv6/ip6_input.c */
static struct interface way_in(struct path_asking *asking, const struct path_hop *hop)
{
	struct interface in = {.node = hop->node, .link = asking->in};

	if (asking->path->to.family == AF_INET6)
		read_ipv6(asking, &in);
	return in;
}

bool path_is_ipv6_off(struct path_asking *asking, const struct path_hop *hop)
{
	return way_in(asking, hop).no_ipv6;
}

void path_refuse_no_ipv6(struct path_asking *asking, const struct path_hop *hop)
{
	struct interface in = way_in(asking, hop);
	struct path *path = asking->path;

	note(path, &in);
	path->end = PATH_NO_IPV6;
	path_say(path, "%s drops it: IPv6 is off at %s, by which it comes in (%s is %s)",
		 hop->node->name, in.link.ifname, in.what, in.value);
	suggest(asking, &in);
}
