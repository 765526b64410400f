// SPDX-License-Identifier: GPL-2.0-only
/* verdict.c - how a walk ended, in a sentence. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "user/lab/end_state.h"
#include "user/path/path.h"

const char *path_end_word(enum path_end end)
{
	static const char *const words[] = {
		[PATH_ARRIVES] = "arrives",	      [PATH_STAYS] = "stays-on-lo",
		[PATH_NO_ROUTE] = "no-route",	      [PATH_REFUSED] = "refused-by-route",
		[PATH_LEAVES] = "leaves-the-lab",     [PATH_LINK_DOWN] = "link-down",
		[PATH_LINK_GONE] = "link-gone",	      [PATH_NO_NEIGHBOR] = "no-neighbor",
		[PATH_NO_FORWARD] = "not-forwarding", [PATH_SPOOFED] = "rp-filter",
		[PATH_TOO_BIG] = "too-big",	      [PATH_LOOP] = "loop",
		[PATH_IGNORED] = "echo-ignored",      [PATH_TO_MANY] = "to-many",
	};

	return words[end];
}

__attribute__((format(printf, 2, 3))) static void say(struct path *path, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path->text, sizeof(path->text), fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 2, 3))) static void suggest(struct path *path, const char *fmt, ...)
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

/*
 * A link that was deleted behind the lab's back: without it the kernel takes another way, or knows
 * none, which is no fault of that other way. False: no link that the packet needs is gone.
 */
static bool say_gone(struct path_asking *asking, const struct path_hop *hop, const char *to)
{
	const struct end *gone = end_that_would(asking, hop->node, END_GONE);
	struct path *path = asking->path;
	const char *node = hop->node->name;
	const char *known = asking->run->observed ? "seen" : "built";

	if (!gone)
		return false;
	path->end = PATH_LINK_GONE;
	if (hop->dev[0])
		say(path,
		    "the link %s -- %s is gone: it was deleted since the lab was %s, and "
		    "without it %s sends to %s by %s",
		    gone->name, gone->peer->name, known, node, to, hop->dev);
	else
		say(path,
		    "the link %s -- %s is gone: it was deleted since the lab was %s, and "
		    "without it %s has no route to %s",
		    gone->name, gone->peer->name, known, node, to);
	if (!asking->run->observed)
		suggest(path, "vethlab down %s, then up: nothing less brings a deleted link back",
			asking->run->name);
	return true;
}

static void say_to_many(struct path_asking *asking, const struct path_hop *hop, bool v6,
			const char *to)
{
	struct path *path = asking->path;
	bool multicast = hop->route.type == RTN_MULTICAST;

	if (hop->in) {
		say(path, "%s is a broadcast or multicast address: %s does not pass it on", to,
		    hop->node->name);
		return;
	}
	say(path, "%s is a %s address: it goes to everybody behind %s:%s%s", to,
	    multicast ? "multicast" : "broadcast", hop->node->name, hop->dev,
	    v6 ? "" : ", and nodes do not answer such echoes unless told to");
	if (!v6)
		suggest(path, "vethlab exec NODE sysctl -w net.ipv4.icmp_echo_ignore_broadcasts=0");
}

static void say_no_route(struct path_asking *asking, const struct path_hop *hop, const char *to)
{
	const struct end *down = end_that_would(asking, hop->node, END_DOWN);
	const char *back = asking->question->reply ? " back" : "";

	if (down) {
		say(asking->path, "%s is down, so %s has no route%s to %s", down->name,
		    hop->node->name, back, to);
		suggest(asking->path, "vethlab link %s up", down->name);
	} else {
		say(asking->path, "%s has no route%s to %s", hop->node->name, back, to);
		suggest(asking->path, "vethlab exec %s ip%s route", hop->node->name,
			asking->path->to.family == AF_INET6 ? " -6" : "");
	}
}

static void say_leaves(struct path_asking *asking, const struct path_hop *hop, const char *to)
{
	const struct end *down = end_that_would(asking, hop->node, END_DOWN);

	if (down) {
		say(asking->path,
		    "%s is down, so %s has no route to %s through the lab; the kernel would send "
		    "it by %s",
		    down->name, hop->node->name, to, hop->dev);
		suggest(asking->path, "vethlab link %s up", down->name);
	} else if (hop->out) {
		say(asking->path,
		    "%s would send it to %s by %s, whose other end is in a namespace that cannot "
		    "be seen",
		    hop->node->name, to, hop->out->name);
	} else {
		say(asking->path, "%s would send it to %s by %s, which is no end of lab %s",
		    hop->node->name, to, hop->dev, asking->run->name);
	}
}

static const char *refusing_kind(int error)
{
	return error == EACCES	       ? "a prohibit"
	       : error == EHOSTUNREACH ? "an unreachable"
				       : "a blackhole";
}

/* The walk asks as the next node does; a route that refuses says why only to its own node. */
static int own_error(struct path_asking *asking, const struct path_hop *hop)
{
	struct route_question own = {.to = asking->path->to};
	struct route_answer route;

	return !route_get(asking->nl, &own, &route, NULL) && route.error ? route.error
									 : hop->route.error;
}

static void say_no_forward(struct path *path, const struct path_hop *hop, bool v6, const char *to)
{
	const char *key = v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";

	say(path, "%s does not forward IPv%d (%s is 0), and %s is not its address", hop->node->name,
	    v6 ? 6 : 4, key, to);
	suggest(path, "vethlab exec %s sysctl -w %s=1", hop->node->name, key);
}

static void say_neighbor(struct path_asking *asking, const struct path_hop *hop, bool v6)
{
	const struct end *port = asking->dead_port;
	struct path *path = asking->path;
	char next[IP_TEXT_SIZE];
	const char *asks = v6 ? "neighbor solicitations" : "ARP requests";

	ip_format(&hop->next, next, sizeof(next));
	if (port) {
		say(path, "the bridge %s of %s is down, so nobody behind %s answers for %s",
		    path_bridge_of(port), port->node->name, hop->out ? hop->out->name : hop->dev,
		    next);
		suggest(path, "vethlab exec %s ip link set %s up", port->node->name,
			path_bridge_of(port));
		return;
	}
	if (hop->out)
		say(path, "nobody behind %s has the address %s: %s on that link get no answer",
		    hop->out->name, next, asks);
	else
		say(path, "nobody behind %s of %s has the address %s: %s get no answer", hop->dev,
		    hop->node->name, next, asks);
}

/* Whether the source is an address of the node that the packet has come to. */
static bool owns_source(struct path_asking *asking)
{
	struct route_question own = {.to = asking->path->from};
	struct route_answer route;

	return !route_get(asking->nl, &own, &route, NULL) && !route.error &&
	       route.type == RTN_LOCAL;
}

static void say_end(struct path_asking *asking, const struct path_hop *hop,
		    const struct end *culprit, const char *to)
{
	struct path *path = asking->path;
	const char *node = hop->node->name;
	char from[IP_TEXT_SIZE] = "its source";

	if (path->from.family)
		ip_format(&path->from, from, sizeof(from));
	switch (path->end) {
	case PATH_LINK_DOWN:
		say(path, "%s is down, so nothing crosses %s -- %s", culprit->name, hop->out->name,
		    hop->out->peer->name);
		suggest(path, "vethlab link %s up", culprit->name);
		break;
	case PATH_SPOOFED:
		if (owns_source(asking)) {
			say(path, "%s drops it: its source %s is an address of %s itself", node,
			    from, node);
			suggest(path, "vethlab exec %s ip address", node);
			break;
		}
		say(path, "%s drops it as a forgery (rp_filter): it has no route to %s by %s", node,
		    from, culprit ? culprit->name : hop->dev);
		suggest(path, "vethlab exec %s sysctl net.ipv4.conf.all.rp_filter", node);
		break;
	case PATH_TOO_BIG:
		if (culprit && culprit != hop->out)
			say(path,
			    "%s sends %u bytes at once, more than the MTU of the other end, %s: "
			    "the link drops them",
			    hop->out->name, asking->size, culprit->name);
		else
			say(path, "it is %u bytes long, more than the MTU of %s", asking->size,
			    hop->out ? hop->out->name : hop->dev);
		suggest(path, "-s %u: so many payload bytes, or less, fit up to there",
			path->mtu - path_headers(&path->to));
		break;
	case PATH_LOOP:
		say(path, "the routes to %s lead in a ring: %s is reached again and again", to,
		    node);
		break;
	case PATH_IGNORED:
		say(path, "it arrives at %s, which is told to ignore echo requests", node);
		suggest(path, "vethlab exec %s sysctl -a --pattern echo_ignore_all", node);
		break;
	case PATH_STAYS:
		say(path,
		    "%s is an address of %s itself: packets to it stay on lo and never "
		    "cross a veth",
		    to, node);
		break;
	default:
		say(path, "it arrives at %s", node);
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
	case PATH_REFUSED:
		say(path, "%s has %s route for %s: packets to it are dropped there",
		    hop->node->name, refusing_kind(own_error(asking, hop)), to);
		suggest(path, "vethlab exec %s ip route get %s", hop->node->name, to);
		break;
	case PATH_NO_FORWARD:
		say_no_forward(path, hop, v6, to);
		break;
	case PATH_NO_NEIGHBOR:
		say_neighbor(asking, hop, v6);
		break;
	default:
		say_end(asking, hop, culprit, to);
		break;
	}
}
