// SPDX-License-Identifier: GPL-2.0-only
/* neighbor_search.c - who behind a link, through bridges, takes a frame for a next hop. */
#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/lab/end_state.h"
#include "user/path/asking.h"

/* What a search through bridges has to look at: ends by which a frame enters a node. */
struct reach {
	const struct end **list;
	size_t n;
};

static int reach_add(struct reach *reach, const struct end *end)
{
	int ret;

	for (size_t i = 0; i < reach->n; i++)
		if (reach->list[i] == end)
			return 0;
	ret = array_reserve_one(&reach->list, reach->n, sizeof(*reach->list));
	if (ret)
		return ret;
	reach->list[reach->n++] = end;
	return 0;
}

/* Behind each port of a bridge but one. */
static int reach_ports(struct reach *reach, const struct node *node, const char *dev,
		       const struct end *but)
{
	for (size_t i = 0; i < node->n_ends; i++) {
		const char *bridge = path_bridge_of(node->ends[i]);
		int ret = 0;

		if (bridge && !strcmp(bridge, dev) && node->ends[i] != but)
			ret = reach_add(reach, node->ends[i]->peer);
		if (ret)
			return ret;
	}
	return 0;
}

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
	int ret;

	if (asking->by_mac)
		return has_mac(arrival, asking->neighbor.mac, takes, err);
	ret = route_get(arrival->there.nl, &question, &route, err);
	if (ret)
		return ret;
	*takes = !route.error && route.type == RTN_LOCAL;
	return *takes ? 0 : answers_for(asking, arrival, next, takes, err);
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
	if (!bridge)
		return 1;
	ret = link_get(nl, 0, bridge, &arrival->taker, err);
	if (ret && ret != -ENODEV)
		return ret;
	if (!ret && end_state_of(&arrival->taker) != END_DOWN)
		return 1;
	asking->blocked = true;
	asking->dead_port = arrival->in;
	return 0;
}

static int visit(struct path_asking *asking, const struct ip_addr *next, const struct end *in,
		 struct reach *reach, bool *takes, struct err *err)
{
	struct arrival arrival = {.in = in, .there = {.run = asking->run, .netns_fd = -1}};
	int ret;

	if (running_is_unseen(asking->run, in->node))
		return 0;
	ret = path_ask_open(&arrival.there, in->node, err);
	if (ret)
		return ret;
	ret = enter(asking, &arrival, err);
	if (ret > 0) {
		ret = look_at(asking, &arrival, next, takes, err);
		if (!ret && path_bridge_of(in))
			ret = reach_ports(reach, in->node, path_bridge_of(in), in);
	}
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

/* Everybody behind the hop's way out, until one takes it. */
static int search(struct path_asking *asking, const struct path_hop *hop, const struct end **found,
		  struct err *err)
{
	struct reach reach = {0};
	bool takes = false;
	int ret;

	*found = NULL;
	if (hop->out)
		ret = reach_add(&reach, hop->out->peer);
	else
		ret = reach_ports(&reach, hop->node, hop->dev, NULL);
	for (size_t i = 0; !ret && !takes && i < reach.n; i++) {
		const struct end *in = reach.list[i];

		ret = visit(asking, &hop->next, in, &reach, &takes, err);
		if (takes)
			*found = in;
	}
	free(reach.list);
	return ret == -ENOMEM ? err_set(err, ERR_SYSTEM, ENOMEM, "path: out of memory") : ret;
}

int path_find_neighbor(struct path_asking *asking, const struct path_hop *hop,
		       const struct end **found, struct err *err)
{
	const struct end *owner = NULL;
	int ret;

	asking->dead_port = asking->mute_proxy = NULL;
	asking->stranger = asking->blocked = false;
	ret = read_neighbor(asking, hop, err);
	if (!ret)
		ret = search(asking, hop, found, err);
	if (!ret && !*found && asking->blocked)
		asking->by_mac = false; /* what has the MAC may be behind what is down */
	if (ret || *found || !asking->by_mac ||
	    asking->neighbor.state & (NUD_PERMANENT | NUD_NOARP))
		return ret;
	/* Somebody told that MAC: the owner of the address, which had another one then, or none of
	 * the lab. */
	asking->by_mac = false;
	ret = search(asking, hop, &owner, err);
	asking->by_mac = true;
	asking->stranger = !owner;
	return ret;
}
