// SPDX-License-Identifier: GPL-2.0-only
/* neighbor_search.c - who behind a link, through bridges, takes a frame for a next hop. */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/lab/end_state.h"
#include "user/path/reach.h"

/* ---- a node that a frame has come to --------------------------------------------------------- */

/* The end of a node by which a frame comes in, and what takes it there. */
struct arrival {
	const struct end *in;
	struct path_asking there;
	struct link_info link;	/* of the end */
	struct link_info taker; /* the same, or the bridge that it is a port of */
};

struct mac_search {
	const struct arrival *arrival;
	const uint8_t *mac;
	bool found;
};

/* A bridge takes what is for one of its ports, too; an interface what is for one on top of it. */
static bool on_interface(const struct link_info *info, void *arg)
{
	struct mac_search *search = arg;
	const struct link_info *taker = &search->arrival->taker;
	bool part = info->ifindex == taker->ifindex || info->master == taker->ifindex ||
		    (info->peer_ifindex == taker->ifindex && info->link_netnsid < 0 &&
		     strcmp(info->kind, "veth") != 0);

	search->found = part && !memcmp(info->mac, search->mac, sizeof(info->mac));
	return !search->found;
}

static int has_mac(struct arrival *arrival, const uint8_t mac[6], bool *takes, struct err *err)
{
	struct mac_search search = {.arrival = arrival, .mac = mac};
	int ret = link_list(arrival->there.nl, on_interface, &search, err);

	*takes = search.found;
	return ret;
}

static bool proxy_is_on(struct arrival *arrival, bool v6)
{
	static const char *const keys[] = {"net.ipv4.conf.%s.proxy_arp",
					   "net.ipv6.conf.%s.proxy_ndp"};

	return path_sysctl(&arrival->there, 0, keys[v6], "all") > 0 ||
	       path_sysctl(&arrival->there, 0, keys[v6], arrival->taker.ifname) > 0;
}

/*
 * Whether it answers for the address of somebody else: IPv4 for what it would forward to another
 * interface, by proxy_arp or by an entry (arp_process in net/ipv4/arp.c); IPv6 by an entry alone
 * (ndisc_recv_ns in net/ipv6/ndisc.c).
 */
static int answers_for(struct path_asking *asking, struct arrival *arrival,
		       const struct ip_addr *addr, bool *takes, struct err *err)
{
	struct route_question question = {
		.to = *addr, .from = asking->path->from, .in_ifindex = arrival->taker.ifindex};
	bool v6 = addr->family == AF_INET6, on = proxy_is_on(arrival, v6), proxied = false;
	struct route_answer route;
	int ret =
		neighbor_is_proxied(arrival->there.nl, arrival->taker.ifindex, addr, &proxied, err);

	if (ret || (!on && !proxied))
		return ret;
	if (v6) {
		*takes = on && proxied;
		return 0;
	}
	ret = route_get(arrival->there.nl, &question, &route, err);
	if (ret)
		return ret;
	*takes = !route.error && route.type == RTN_UNICAST &&
		 route.ifindex != arrival->taker.ifindex;
	if (!*takes)
		asking->mute_proxy = arrival->in;
	return 0;
}

/* Whether the node takes what is sent to the next hop. */
static int look_at(struct path_asking *asking, struct arrival *arrival, const struct ip_addr *next,
		   bool *takes, struct err *err)
{
	struct route_question question = {.to = *next};
	struct route_answer route;
	char why[ANSWER_WHY_SIZE];
	int ret;

	memcpy(asking->mac, asking->by_mac ? asking->neighbor.mac : arrival->taker.mac,
	       sizeof(asking->mac));
	if (asking->by_mac)
		return has_mac(arrival, asking->neighbor.mac, takes, err);
	ret = route_get(arrival->there.nl, &question, &route, err);
	if (ret)
		return ret;
	if (route.error || route.type != RTN_LOCAL)
		return answers_for(asking, arrival, next, takes, err);
	ret = path_answers_own(asking, &arrival->there, &arrival->taker, next, why, err);
	if (ret < 0)
		return ret;
	*takes = ret;
	if (!ret && !asking->silent) {
		asking->silent = arrival->in;
		snprintf(asking->silent_why, sizeof(asking->silent_why), "%s", why);
	}
	return 0;
}

/* A bridge of which the end is a port now. */
static bool is_port(const struct arrival *arrival)
{
	return arrival->taker.ifindex != arrival->link.ifindex;
}

static void remember_port(struct path_asking *asking, const struct end *port, const char *why)
{
	if (asking->port)
		return;
	asking->port = port;
	snprintf(asking->port_why, sizeof(asking->port_why), "%s", why);
}

/* The end's own state and its bridge's. Returns 1 if what comes in there goes on. */
static int enter(struct path_asking *asking, struct arrival *arrival, struct err *err)
{
	const char *bridge = path_bridge_of(arrival->in);
	struct nl *nl = arrival->there.nl;
	int ret =
		link_get(nl, running_ifindex(asking->run, arrival->in), NULL, &arrival->link, err);

	if (ret && ret != -ENODEV)
		return ret;
	if (ret || end_state_of(&arrival->link) != END_UP) {
		asking->blocked = true;
		return 0;
	}
	arrival->taker = arrival->link;
	if (bridge && !arrival->link.is_port)
		remember_port(asking, arrival->in, "it is a port of no bridge any more");
	if (!arrival->link.is_port)
		return 1;
	ret = link_get(nl, arrival->link.master, NULL, &arrival->taker, err);
	if (ret && ret != -ENODEV)
		return ret;
	if (!ret && end_state_of(&arrival->taker) != END_DOWN)
		return 1;
	asking->blocked = true;
	asking->dead_port = arrival->in;
	remember_port(asking, arrival->in, "its bridge is down");
	return 0;
}

/* What takes it, and what it goes on to. at: the index of the arrival. */
static int pass(struct path_asking *asking, struct arrival *arrival, const struct ip_addr *next,
		struct reach *reach, size_t at, bool *takes, struct err *err)
{
	struct bridged frame = {.asking = &arrival->there,
				.node = arrival->in->node,
				.bridge = &arrival->taker,
				.in = &arrival->link,
				.tag = reach->list[at].tag,
				.from = (ssize_t)at};
	int ret;

	if (!is_port(arrival))
		return frame.tag ? 0 : look_at(asking, arrival, next, takes, err);
	ret = bridged_to_node(&frame, err);
	if (ret > 0)
		ret = look_at(asking, arrival, next, takes, err);
	if (!ret && !*takes)
		ret = bridged_to_ports(&frame, reach, err);
	if (frame.stopped)
		remember_port(asking, frame.stopped, frame.why);
	return ret;
}

static int visit(struct path_asking *asking, const struct ip_addr *next, struct reach *reach,
		 size_t at, bool *takes, struct err *err)
{
	const struct end *in = reach->list[at].in;
	struct arrival arrival = {.in = in, .there = {.run = asking->run, .netns_fd = -1}};
	int ret;

	if (running_is_unseen(asking->run, in->node))
		return 0;
	ret = path_ask_open(&arrival.there, in->node, err);
	if (ret)
		return ret;
	ret = enter(asking, &arrival, err);
	if (ret > 0)
		ret = pass(asking, &arrival, next, reach, at, takes, err);
	path_ask_close(&arrival.there);
	return ret;
}

/* ---- the search ------------------------------------------------------------------------------ */

enum { WITH_MAC = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE };

static const char *state_word(uint16_t state)
{
	return state & NUD_PERMANENT	? "permanent"
	       : state & NUD_NOARP	? "noarp"
	       : state & NUD_REACHABLE	? "reachable"
	       : state & NUD_STALE	? "stale"
	       : state & NUD_DELAY	? "delay"
	       : state & NUD_PROBE	? "probe"
	       : state & NUD_INCOMPLETE ? "incomplete"
	       : state & NUD_FAILED	? "failed"
					: "none";
}

/*
 * Whether the next hop asked for this node's MAC address on the way of the request: who is asked
 * takes the MAC of who asks into an entry that it has (arp_process in net/ipv4/arp.c, ndisc_recv_ns
 * in net/ipv6/ndisc.c), so that what the entry has now does not count for the reply. A router asks
 * with a link-local address in IPv6, which renews another entry.
 */
static bool is_renewed(const struct path_asking *asking, const struct path_hop *hop)
{
	const struct path *there = asking->question->there;
	bool v6 = asking->path->to.family == AF_INET6;

	for (size_t i = 0; there && i + 1 < there->n_hops; i++)
		if (there->hops[i].asks && (!v6 || !i) && there->hops[i + 1].node == hop->node &&
		    (!hop->out || there->hops[i + 1].in == hop->out))
			return true;
	return false;
}

/* The sender's own neighbor table: what it has a MAC for it does not ask for. */
static int read_neighbor(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	struct neighbor_entry *entry = &asking->neighbor;
	char next[IP_TEXT_SIZE], what[96], mac[18];
	int ret = neighbor_get(asking->nl, hop->route.ifindex, &hop->next, entry, err);

	if (ret)
		return ret;
	asking->by_mac = entry->state & WITH_MAC && entry->has_mac &&
			 (entry->state & (NUD_PERMANENT | NUD_NOARP) || !is_renewed(asking, hop));
	if (entry->state == NUD_NONE)
		return 0;
	snprintf(what, sizeof(what), "neighbor %s dev %s",
		 ip_format(&hop->next, next, sizeof(next)), hop->dev);
	path_note(asking->path, what, "%s%s%s", asking->by_mac ? mac_format(entry->mac, mac) : "",
		  asking->by_mac ? " " : "", state_word(entry->state));
	return 0;
}

/* ---- what is between the hop and who takes it ------------------------------------------------ */

/* What a frame meets in a bridge that it crosses from one end to another. */
static int cross(struct path_asking *asking, const struct reached *reached, const struct end *out,
		 struct err *err)
{
	const struct end *in = reached->in;
	struct path_asking there = {.run = asking->run, .question = asking->question};
	struct path_crossing at = {.node = in->node};
	struct link_info port, bridge = {0};
	struct fdb_crossing table = {
		.bridge = &bridge, .in = running_ifindex(asking->run, in), .tag = reached->tag};
	char why[64];
	int ret = path_ask_open(&there, in->node, err);

	if (ret)
		return ret;
	ret = path_doubt_device(&there, asking->path, &at, running_ifindex(asking->run, in), false,
				err);
	if (!ret)
		ret = link_get(there.nl, running_ifindex(asking->run, in), NULL, &port, err);
	if (!ret && port.is_port)
		ret = link_get(there.nl, port.master, NULL, &bridge, err);
	if (!ret && port.is_port)
		ret = path_doubt_bridged(&there, asking->path, in->node, bridge.ifname, err);
	if (out)
		table.out = running_ifindex(asking->run, out);
	if (!ret && port.is_port && out)
		ret = path_look_up(asking, &there, &table, why, err);
	if (ret > 0) {
		asking->port = NULL;
		remember_port(asking, out, why);
		asking->by_fdb = true;
		ret = 0;
	}
	if (!ret && out)
		ret = path_doubt_device(&there, asking->path, &at,
					running_ifindex(asking->run, out), true, err);
	path_ask_close(&there);
	return ret == -ENODEV ? 0 : ret;
}

/* The bridges on the way to the last of the list that was looked at. */
static int cross_bridges(struct path_asking *asking, struct path_hop *hop,
			 const struct reach *reach, size_t found, struct err *err)
{
	const struct reached *to = &reach->list[found];

	for (hop->n_bridges = 0; to->from != REACH_SENDER; to = &reach->list[to->from]) {
		const struct reached *from = &reach->list[to->from];
		const struct end *in = from->in;
		int ret = cross(asking, from, to->in->peer, err);

		if (ret)
			return ret;
		if (hop->n_bridges < PATH_BRIDGES_MAX)
			hop->bridges[hop->n_bridges] = (struct path_bridge){in, to->in->peer};
		hop->n_bridges++;
	}
	return 0;
}

enum { SEARCHED_MAX = 32 }; /* of the ends where nobody took it, so many are looked at for doubts */

/* Nobody takes it: because of rules and programs, perhaps, wherever it may come. */
static int doubt_all(struct path_asking *asking, const struct reach *reach, struct err *err)
{
	for (size_t i = 0; i < reach->n && i < SEARCHED_MAX; i++) {
		int ret = running_is_unseen(asking->run, reach->list[i].in->node)
				  ? 0
				  : cross(asking, &reach->list[i], NULL, err);

		if (ret)
			return ret;
		path_find_program(asking, reach->list[i].in);
	}
	return 0;
}

/* The ends to which the hop's interface leads, without crossing a bridge of another node. */
static int begin(struct path_asking *asking, const struct path_hop *hop, struct reach *reach,
		 struct err *err)
{
	struct link_info bridge;
	struct bridged frame = {
		.asking = asking, .node = hop->node, .bridge = &bridge, .from = REACH_SENDER};
	int ret;

	if (hop->out)
		return reach_add(reach, hop->out->peer, REACH_SENDER, 0);
	ret = link_get(asking->nl, hop->route.ifindex, NULL, &bridge, err);
	if (!ret)
		ret = bridged_to_ports(&frame, reach, err);
	if (frame.stopped)
		remember_port(asking, frame.stopped, frame.why);
	return ret == -ENODEV ? 0 : ret;
}

/*
 * Another end by which the same node answers for the next hop: which of both answers comes last,
 * and decides, nobody knows.
 */
static int search_also(struct path_asking *asking, struct path_hop *hop, struct reach *reach,
		       size_t found, struct err *err)
{
	const struct node *node = reach->list[found].in->node;
	bool takes = false;
	int ret = 0;

	for (size_t i = found + 1; !ret && !takes && i < reach->n; i++) {
		if (reach->list[i].in->node != node)
			continue;
		ret = visit(asking, &hop->next, reach, i, &takes, err);
		if (takes)
			hop->also = reach->list[i].in;
	}
	return ret;
}

/* No node takes it by an end: devices upon ends may. */
static int search_uppers(struct path_asking *asking, struct path_hop *hop,
			 const struct reach *reach, const struct end **found, struct err *err)
{
	bool takes = false;
	int ret = uppers_read(&asking->uppers, asking->run, err);

	if (!asking->by_mac)
		memset(asking->mac, 0, sizeof(asking->mac)); /* not known */
	for (size_t i = 0; !ret && !takes && i < reach->n; i++) {
		ret = path_visit_uppers(asking, &hop->next, &reach->list[i], &takes, err);
		if (!takes)
			continue;
		*found = reach->list[i].in;
		ret = cross_bridges(asking, hop, reach, i, err);
		if (!ret)
			ret = path_doubt_lower(asking, *found, false, err);
	}
	if (!ret && !takes && asking->uppers.too_many)
		path_doubt(asking->path, hop->node, "devices upon ends",
			   "not looked for in more than %d nodes", UPPERS_NODES_MAX);
	return ret || takes ? ret : path_visit_siblings(asking, hop, err);
}

/* Everybody behind the hop's way out, until one takes it. */
static int search(struct path_asking *asking, struct path_hop *hop, const struct end **found,
		  struct err *err)
{
	struct reach reach = {0};
	bool takes = false;
	int ret = begin(asking, hop, &reach, err);

	*found = NULL;
	for (size_t i = 0; !ret && !takes && i < reach.n; i++) {
		ret = visit(asking, &hop->next, &reach, i, &takes, err);
		if (!takes)
			continue;
		*found = reach.list[i].in;
		ret = cross_bridges(asking, hop, &reach, i, err);
		if (!ret && asking->by_fdb)
			*found = NULL;
		else if (!ret && !asking->by_mac)
			ret = search_also(asking, hop, &reach, i, err);
	}
	if (!ret && !takes)
		ret = search_uppers(asking, hop, &reach, found, err);
	if (!ret && asking->by_fdb)
		*found = NULL;
	if (!ret && !*found && !asking->by_fdb && reach.stray)
		path_doubt(asking->path, reach.stray, "what is behind a foreign port", "%s",
			   reach.stray_text);
	if (!ret && !*found && !asking->by_fdb)
		ret = doubt_all(asking, &reach, err);
	free(reach.list);
	return ret == -ENOMEM ? err_set(err, ERR_SYSTEM, ENOMEM, "path: out of memory") : ret;
}

/*
 * Somebody told the MAC that nobody has: the owner of the address, which had another one then, or
 * none of the lab. What stops frames to the MAC that the owner has now stops none of these.
 */
static int find_owner(struct path_asking *asking, struct path_hop *hop, struct err *err)
{
	const struct end *owner = NULL, *port = asking->port;
	char port_why[sizeof(asking->port_why)];
	int ret;

	memcpy(port_why, asking->port_why, sizeof(port_why));
	asking->by_mac = false;
	ret = search(asking, hop, &owner, err);
	asking->by_mac = true;
	asking->upper = NULL;
	asking->stranger = !owner && !asking->by_fdb;
	if (asking->by_fdb) {
		asking->by_fdb = false;
		asking->port = port;
		memcpy(asking->port_why, port_why, sizeof(port_why));
	}
	return ret;
}

int path_find_neighbor(struct path_asking *asking, struct path_hop *hop, const struct end **found,
		       struct err *err)
{
	int ret;

	asking->dead_port = asking->mute_proxy = asking->port = NULL;
	asking->stranger = asking->blocked = asking->by_fdb = false;
	asking->silent = NULL;
	asking->upper = asking->tap = NULL;
	asking->program_at = NULL;
	ret = read_neighbor(asking, hop, err);
	if (!ret)
		ret = path_read_own_next(asking, hop, err);
	if (asking->own_next)
		*found = NULL;
	if (ret || asking->own_next)
		return ret;
	ret = search(asking, hop, found, err);
	if (!ret && !*found && asking->blocked && !asking->port)
		asking->by_mac = false; /* what has the MAC may be behind what is down */
	if (ret || *found || !asking->by_mac || asking->by_fdb ||
	    asking->neighbor.state & (NUD_PERMANENT | NUD_NOARP))
		return ret;
	return find_owner(asking, hop, err);
}
