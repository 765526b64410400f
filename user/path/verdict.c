// SPDX-License-Identifier: GPL-2.0-only
/*
 * verdict.c - how a walk ended, in a sentence. What stops a frame at a bridge comes with its words
 * from bridged_frame.c, and why a node does not answer from own_answer.c.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "user/lab/end_state.h"
#include "user/path/asking.h"

const char *path_end_word(enum path_end end)
{
	static const char *const words[] = {
		[PATH_ARRIVES] = "arrives",
		[PATH_STAYS] = "stays-on-lo",
		[PATH_NO_ROUTE] = "no-route",
		[PATH_REFUSED] = "refused-by-route",
		[PATH_PROGRAM] = "foreign-program",
		[PATH_LEAVES] = "leaves-the-lab",
		[PATH_LINK_DOWN] = "link-down",
		[PATH_LINK_GONE] = "link-gone",
		[PATH_NO_NEIGHBOR] = "no-neighbor",
		[PATH_NO_FORWARD] = "not-forwarding",
		[PATH_SPOOFED] = "rp-filter",
		[PATH_OWN_SOURCE] = "own-source",
		[PATH_LOCALNET] = "route-localnet",
		[PATH_SCOPE] = "link-local-source",
		[PATH_NO_IPV6] = "ipv6-off",
		[PATH_UNEXPLAINED] = "refused-unexplained",
		[PATH_NOT_BRIDGED] = "not-bridged",
		[PATH_WRONG_MAC] = "wrong-mac",
		[PATH_TTL] = "ttl-exceeded",
		[PATH_TOO_BIG] = "too-big",
		[PATH_LOOP] = "loop",
		[PATH_IGNORED] = "echo-ignored",
		[PATH_TO_MANY] = "to-many",
	};

	return words[end];
}

void path_say(struct path *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path->text, sizeof(path->text), fmt, ap);
	va_end(ap);
}

void path_suggest(struct path *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path->hint, sizeof(path->hint), fmt, ap);
	va_end(ap);
}

static enum end_state state_of(struct path_asking *asking, const struct end *end)
{
	struct link_info info;
	int ret = link_get(asking->nl, running_ifindex(asking->run, end), NULL, &info, NULL);

	return ret == -ENODEV ? END_GONE : ret ? END_UP : end_state_of(&info);
}

/* An end of the node that is in this state, on whose network addr is by the lab file. */
static const struct end *end_towards(struct path_asking *asking, const struct node *node,
				     const struct ip_addr *addr, enum end_state state)
{
	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];

		for (size_t k = 0; k < end->n_addresses; k++)
			if (ip_prefix_contains(&end->addresses[k].prefix, addr) &&
			    state_of(asking, end) == state)
				return end;
	}
	return NULL;
}

/*
 * An end of this node that is down or gone, on whose network the destination would be, or the next
 * hop of a route of the lab file: the kernel takes such routes away with the link.
 */
static const struct end *end_that_would(struct path_asking *asking, const struct node *node,
					enum end_state state)
{
	const struct ip_addr *to = &asking->path->to;
	const struct end *end = end_towards(asking, node, to, state);

	for (size_t i = 0; !end && i < node->n_routes; i++) {
		const struct route *route = &node->routes[i];

		if (!ip_prefix_contains(&route->to, to))
			continue;
		for (size_t k = 0; !end && k < route->n_hops; k++)
			if (route->hops[k].via.family)
				end = end_towards(asking, node, &route->hops[k].via, state);
	}
	return end;
}

enum { MOVED_NODES_MAX = 64 }; /* an end that is gone is looked for in so many */

/*
 * The node to whose namespace an end was moved, and its name there: the ifindexes of a lab are its
 * own, and stay. NULL: it was not found.
 */
static const struct node *moved_to(struct path_asking *asking, const struct end *end,
				   char ifname[IFNAME_MAX + 1])
{
	const struct running *run = asking->run;
	const struct node *found = NULL;
	struct link_info info;

	if (run->observed || run->lab->n_nodes > MOVED_NODES_MAX)
		return NULL;
	for (size_t i = 0; !found && i < run->lab->n_nodes; i++) {
		struct path_asking there = {.run = run, .netns_fd = -1};
		const struct node *node = run->lab->nodes[i];

		if (node == end->node || running_is_unseen(run, node) ||
		    path_ask_open(&there, node, NULL))
			continue;
		if (!link_get(there.nl, running_ifindex(run, end), NULL, &info, NULL))
			found = node;
		path_ask_close(&there);
	}
	if (found)
		snprintf(ifname, IFNAME_MAX + 1, "%s", info.ifname);
	return found;
}

/*
 * A link that was deleted or taken away behind the lab's back: without it the kernel takes another
 * way, or knows none, which is no fault of that other way. False: no link that the packet needs is
 * gone.
 */
static bool say_gone(struct path_asking *asking, const struct path_hop *hop, const char *to)
{
	const struct end *gone = end_that_would(asking, hop->node, END_GONE);
	struct path *path = asking->path;
	const char *node = hop->node->name;
	const char *known = asking->run->observed ? "seen" : "built";
	char ifname[IFNAME_MAX + 1], how[2 * END_NAME_SIZE + IFNAME_MAX + 64] = "it was deleted";
	const struct node *moved = gone ? moved_to(asking, gone, ifname) : NULL;

	if (!gone)
		return false;
	if (moved)
		snprintf(how, sizeof(how), "%s was moved to %s, where it is %s,", gone->name,
			 moved->name, ifname);
	path->end = PATH_LINK_GONE;
	if (hop->dev[0])
		path_say(path,
			 "the link %s -- %s is gone: %s since the lab was %s, and "
			 "without it %s sends to %s by %s",
			 gone->name, gone->peer->name, how, known, node, to, hop->dev);
	else
		path_say(path,
			 "the link %s -- %s is gone: %s since the lab was %s, and "
			 "without it %s has no route to %s",
			 gone->name, gone->peer->name, how, known, node, to);
	if (!asking->run->observed)
		path_suggest(path,
			     moved ? "vethlab down %s, then up: it is made anew"
				   : "vethlab down %s, then up: nothing less brings a deleted link "
				     "back",
			     asking->run->name);
	return true;
}

static void say_to_many(struct path_asking *asking, const struct path_hop *hop, bool v6,
			const char *to)
{
	struct path *path = asking->path;
	bool multicast = hop->route.type == RTN_MULTICAST;

	if (hop->in) {
		path_say(path, "%s is a broadcast or multicast address: %s does not pass it on", to,
			 hop->node->name);
		return;
	}
	path_say(path, "%s is a %s address: it goes to everybody behind %s:%s%s", to,
		 multicast ? "multicast" : "broadcast", hop->node->name, hop->dev,
		 v6 ? "" : ", and nodes do not answer such echoes unless told to");
	if (v6)
		return;
	if (asking->receiver && asking->answers_broadcasts)
		path_say(path,
			 "%s is a %s address: it goes to everybody behind %s:%s; %s answers such "
			 "echoes (net.ipv4.icmp_echo_ignore_broadcasts is 0)",
			 to, multicast ? "multicast" : "broadcast", hop->node->name, hop->dev,
			 asking->receiver->name);
	else
		path_suggest(path,
			     "vethlab exec %s sysctl -w net.ipv4.icmp_echo_ignore_broadcasts=0",
			     asking->receiver ? asking->receiver->name : "NODE");
}

static void say_no_route(struct path_asking *asking, const struct path_hop *hop, const char *to)
{
	const struct end *down = end_that_would(asking, hop->node, END_DOWN);
	const char *back = asking->question->reply ? " back" : "";

	if (down) {
		path_say(asking->path, "%s is down, so %s has no route%s to %s", down->name,
			 hop->node->name, back, to);
		path_suggest(asking->path, "vethlab link %s up", down->name);
	} else if (!path_say_no_ipv6(asking, hop)) {
		path_say(asking->path, "%s has no route%s to %s", hop->node->name, back, to);
		path_suggest(asking->path, "vethlab exec %s ip%s route", hop->node->name,
			     asking->path->to.family == AF_INET6 ? " -6" : "");
	}
}

static void say_leaves(struct path_asking *asking, const struct path_hop *hop, const char *to)
{
	const struct end *down = end_that_would(asking, hop->node, END_DOWN);

	if (down) {
		path_say(asking->path,
			 "%s is down, so %s has no route to %s through the lab; the kernel would "
			 "send "
			 "it by %s",
			 down->name, hop->node->name, to, hop->dev);
		path_suggest(asking->path, "vethlab link %s up", down->name);
	} else if (asking->stranger && asking->tap) {
		path_say(asking->path,
			 "%s sends it by %s to the MAC of %s:%s, a %s upon %s: whether the node "
			 "takes it, or a process that reads the tap, was not looked at",
			 hop->node->name, hop->dev, asking->tap->node->name, asking->tap->ifname,
			 asking->tap->kind, asking->tap->lower->name);
	} else if (asking->stranger) {
		path_say(asking->path,
			 "%s sends it by %s to a MAC that is of no end of lab %s (%s: %s): "
			 "where "
			 "it goes from there was not looked at",
			 hop->node->name, hop->dev, asking->run->name,
			 asking->path->readings[0].what, asking->path->readings[0].value);
	} else if (hop->out) {
		path_say(asking->path,
			 "%s would send it to %s by %s, whose other end is in a namespace that "
			 "cannot "
			 "be seen",
			 hop->node->name, to, hop->out->name);
	} else if (!path_say_tunnel(asking, hop)) {
		path_say(asking->path,
			 "%s would send it to %s by %s, which is no end of lab %s%s%s%s",
			 hop->node->name, to, hop->dev, asking->run->name,
			 hop->kind[0] ? ": where the packets of its " : "", hop->kind,
			 hop->kind[0] ? " interface go was not looked at" : "");
	}
}

static void suggest_port(struct path_asking *asking)
{
	path_suggest(asking->path, "vethlab exec %s bridge -d link show dev %s",
		     asking->port->node->name, asking->port->ifname);
}

static void say_neighbor(struct path_asking *asking, const struct path_hop *hop, bool v6)
{
	const struct end *port = asking->dead_port;
	struct path *path = asking->path;
	char next[IP_TEXT_SIZE];
	const char *asks = v6 ? "neighbor solicitations" : "ARP requests";

	ip_format(&hop->next, next, sizeof(next));
	if (asking->own_next) {
		path_say(path,
			 "%s asks for the neighbor %s and ignores who answers, since %s has that "
			 "address itself, as %s",
			 hop->node->name, next, hop->out ? hop->out->name : hop->dev,
			 asking->own_next);
		path_suggest(path, "vethlab exec %s ip -6 address show dev %s", hop->node->name,
			     hop->dev);
		return;
	}
	if (port) {
		path_say(path, "the bridge %s of %s is down, so nobody behind %s answers for %s",
			 path_bridge_of(port), port->node->name,
			 hop->out ? hop->out->name : hop->dev, next);
		path_suggest(path, "vethlab exec %s ip link set %s up", port->node->name,
			     path_bridge_of(port));
		return;
	}
	if (asking->port) {
		path_say(path, "nobody answers for %s behind %s, and on that way %s stops %s: %s",
			 next, hop->out ? hop->out->name : hop->dev, asking->port->name, asks,
			 asking->port_why);
		suggest_port(asking);
		return;
	}
	if (asking->silent) {
		path_say(path, "%s has the address %s, but does not answer %s for it by %s: %s",
			 asking->silent->node->name, next, asks, asking->silent->name,
			 asking->silent_why);
		return;
	}
	if (asking->mute_proxy) {
		path_say(path,
			 "nobody behind %s has the address %s; %s answers for other addresses "
			 "(proxy "
			 "ARP), but only for those that it would send out by another interface",
			 hop->out ? hop->out->name : hop->dev, next, asking->mute_proxy->name);
		path_suggest(path, "vethlab exec %s ip route get %s",
			     asking->mute_proxy->node->name, next);
		return;
	}
	if (path_say_missing(asking, hop))
		return;
	if (hop->out)
		path_say(path, "nobody behind %s has the address %s: %s on that link get no answer",
			 hop->out->name, next, asks);
	else
		path_say(path, "nobody behind %s of %s has the address %s: %s get no answer",
			 hop->dev, hop->node->name, next, asks);
}

/* The sender's neighbor table names a MAC. */
static void say_wrong_mac(struct path_asking *asking, const struct path_hop *hop)
{
	const struct path_reading *entry = &asking->path->readings[0];
	bool permanent = asking->neighbor.state & (NUD_PERMANENT | NUD_NOARP);
	struct link_info link;

	path_say(asking->path,
		 "%s sends it to the MAC that its neighbor table has (%s: %s), which no interface "
		 "of the lab behind %s has%s",
		 hop->node->name, entry->what, entry->value, hop->out ? hop->out->name : hop->dev,
		 permanent ? "" : "; so it goes on until the entry is out of date");
	if (asking->neighbor.state & NUD_NOARP &&
	    !link_get(asking->nl, hop->route.ifindex, NULL, &link, NULL) && link.flags & IFF_NOARP)
		path_suggest(asking->path, "vethlab exec %s ip link set %s arp on", hop->node->name,
			     hop->dev);
	else
		path_suggest(asking->path, "vethlab exec %s ip neigh flush dev %s%s",
			     hop->node->name, hop->dev, permanent ? " nud permanent" : "");
}

/* A bridge sends the MAC elsewhere. */
static void say_fdb(struct path_asking *asking, const struct path_hop *hop)
{
	const struct node *bridge = asking->port->node;
	char mac[18];

	path_say(asking->path, "%s sends it to the MAC %s, which %s does not send to %s: %s",
		 hop->node->name, mac_format(asking->mac, mac), bridge->name, asking->port->name,
		 asking->port_why);
	path_suggest(asking->path, "vethlab exec %s bridge fdb show", bridge->name);
}

static void say_end(struct path_asking *asking, const struct path_hop *hop,
		    const struct end *culprit, const char *to)
{
	struct path *path = asking->path;
	const char *node = hop->node->name;
	char from[IP_TEXT_SIZE];

	switch (path->end) {
	case PATH_LINK_DOWN:
		path_say(path, "%s is down, so nothing crosses %s -- %s", culprit->name,
			 hop->out->name, hop->out->peer->name);
		path_suggest(path, "vethlab link %s up", culprit->name);
		break;
	case PATH_TOO_BIG:
		if (culprit && culprit != hop->out && (!hop->out || culprit != hop->out->peer))
			path_say(path,
				 "it is %u bytes long, more than the MTU of %s, behind a bridge: "
				 "that is dropped, and nobody is told",
				 asking->size, culprit->name);
		else if (culprit && culprit != hop->out)
			path_say(path,
				 "%s sends %u bytes at once, more than the MTU of the other end, "
				 "%s: "
				 "the link drops them",
				 hop->out->name, asking->size, culprit->name);
		else if (hop->route.mtu && asking->size > hop->route.mtu)
			path_say(path,
				 "it is %u bytes long, more than the MTU of %s's route to %s (%u)",
				 asking->size, node, to, hop->route.mtu);
		else
			path_say(path, "it is %u bytes long, more than the MTU of %s", asking->size,
				 hop->out ? hop->out->name : hop->dev);
		path_suggest(path, "-s %u is the largest payload that fits up to there",
			     path->mtu - path_headers(&path->to));
		break;
	case PATH_PROGRAM:
		path->at = asking->program_at->node;
		path_say(path,
			 "what %s sends by %s meets a program of others at %s (%s): whether that "
			 "takes it, and where it sends it, was not evaluated",
			 node, hop->out ? hop->out->name : hop->dev, asking->program_at->name,
			 asking->program);
		break;
	case PATH_LOOP:
		path_say(path,
			 "the routes to %s lead in a ring: it comes to %s a second time, with the "
			 "same addresses",
			 to, hop->in ? hop->in->name : node);
		break;
	case PATH_WRONG_MAC:
		say_wrong_mac(asking, hop);
		break;
	case PATH_SCOPE:
		ip_format(&path->from, from, sizeof(from));
		path_say(path,
			 "%s does not forward it: its source %s is link-local, and valid on no "
			 "other link",
			 node, from);
		path_suggest(path, "vethlab exec %s ip -6 address show scope global",
			     path->hops[0].node->name);
		break;
	case PATH_NOT_BRIDGED:
		path->at = asking->port->node;
		if (asking->by_fdb) {
			say_fdb(asking, hop);
			break;
		}
		path_say(path,
			 "%s sends it to the MAC that its neighbor table has (%s: %s); nobody that "
			 "it comes to has it, and %s stops it: %s",
			 node, path->readings[0].what, path->readings[0].value, asking->port->name,
			 asking->port_why);
		suggest_port(asking);
		break;
	case PATH_TTL:
		path_say_ttl(asking, hop, to);
		break;
	case PATH_IGNORED:
		path_say(path, "it arrives at %s, which is told to ignore echo requests: %s is 1",
			 node, path_ignore_key(path));
		path_suggest(path, "vethlab exec %s sysctl -w %s=0", node, path_ignore_key(path));
		break;
	case PATH_STAYS:
		path_say(path,
			 "%s is an address of %s itself: packets to it stay on lo and never "
			 "cross a veth",
			 to, node);
		break;
	default:
		path_say(path, "it arrives at %s", node);
		break;
	}
}

void path_verdict_text(struct path_asking *asking, const struct end *culprit)
{
	struct path *path = asking->path;
	const struct path_hop *hop = &path->hops[path->n_hops - 1];
	bool v6 = path->to.family == AF_INET6;
	char to[IP_TEXT_SIZE];

	ip_format(&path->to, to, sizeof(to));
	if ((path->end == PATH_NO_ROUTE || path->end == PATH_LEAVES ||
	     path->end == PATH_LINK_DOWN || path->end == PATH_NO_NEIGHBOR) &&
	    say_gone(asking, hop, to))
		return;
	switch (path->end) {
	case PATH_TO_MANY:
		say_to_many(asking, hop, v6, to);
		break;
	case PATH_NO_ROUTE:
		say_no_route(asking, hop, to);
		break;
	case PATH_LEAVES:
		say_leaves(asking, hop, to);
		break;
	case PATH_NO_NEIGHBOR:
		say_neighbor(asking, hop, v6);
		break;
	default:
		say_end(asking, hop, culprit, to);
		break;
	}
}
