// SPDX-License-Identifier: GPL-2.0-only
/* walk.c - from node to node, as the route look-ups say. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/lab/end_state.h"
#include "user/path/asking.h"

int path_ask_open(struct path_asking *asking, const struct node *node, struct err *err)
{
	int ret;

	asking->netns_fd = running_open_netns(asking->run, node, err);
	if (asking->netns_fd < 0)
		return asking->netns_fd;
	ret = nl_open(&asking->nl, asking->netns_fd, err);
	if (ret) {
		close(asking->netns_fd);
		asking->netns_fd = -1;
	}
	return ret;
}

void path_ask_close(struct path_asking *asking)
{
	nl_close(asking->nl);
	asking->nl = NULL;
	ruleset_free(asking->ruleset);
	asking->ruleset = NULL;
	asking->source_nat = false;
	if (asking->netns_fd >= 0)
		close(asking->netns_fd);
	asking->netns_fd = -1;
}

const struct end *path_end_of(const struct running *run, const struct node *node, uint32_t ifindex)
{
	for (size_t i = 0; i < node->n_ends; i++)
		if (running_ifindex(run, node->ends[i]) == ifindex)
			return node->ends[i];
	return NULL;
}

const char *path_bridge_of(const struct end *end)
{
	if (end->bridge[0]) /* of an observed lab, whose nodes may have several */
		return end->bridge;
	return end->node->kind == NODE_BRIDGE && !end->no_port ? end->node->bridge.dev : NULL;
}

const char *path_bridge(const struct node *node, const char *dev)
{
	for (size_t i = 0; i < node->n_ends; i++) {
		const char *bridge = path_bridge_of(node->ends[i]);

		if (bridge && !strcmp(dev, bridge))
			return bridge;
	}
	return node->kind == NODE_BRIDGE && !strcmp(dev, node->bridge.dev) ? node->bridge.dev
									   : NULL;
}

/* mtu: left alone if the end is gone or unseen. */
int path_end_state(const struct running *run, const struct end *end, enum end_state *state,
		   uint32_t *mtu, struct err *err)
{
	struct path_asking peer = {.run = run};
	struct link_info info;
	int ret;

	*state = END_UNSEEN;
	if (running_is_unseen(run, end->node))
		return 0;
	ret = path_ask_open(&peer, end->node, err);
	if (ret)
		return ret;
	ret = link_get(peer.nl, running_ifindex(run, end), NULL, &info, err);
	*state = ret == -ENODEV ? END_GONE : ret ? END_DOWN : end_state_of(&info);
	if (!ret)
		*mtu = info.mtu;
	path_ask_close(&peer);
	return ret == -ENODEV ? 0 : ret;
}

/* The interface that the route names, in words and as an end. */
static int name_way_out(struct path_asking *asking, struct path_hop *hop, struct link_info *info,
			struct err *err)
{
	int ret = link_get(asking->nl, hop->route.ifindex, NULL, info, err);

	if (ret == -ENODEV)
		return 0; /* gone in between: then the route is, too */
	if (ret)
		return ret;
	snprintf(hop->dev, sizeof(hop->dev), "%s", info->ifname);
	path_read_tunnel(asking, info);
	hop->out = path_end_of(asking->run, hop->node, hop->route.ifindex);
	if (!hop->out)
		snprintf(hop->kind, sizeof(hop->kind), "%s", info->kind);
	if (!hop->out && info->peer_ifindex && !(info->flags & IFF_NOARP)) {
		ret = path_find_lower(asking, hop, err);
		if (ret)
			return ret;
	}
	hop->next = hop->route.via.family ? hop->route.via : asking->path->to;
	return 0;
}

static int stop(struct path_asking *asking, enum path_end end, const struct end *culprit)
{
	asking->path->end = end;
	asking->path->at = NULL;
	path_verdict_text(asking, culprit);
	return 0;
}

/* A node that forwards may rewrite the source: to the address that it would use itself. */
static int look_for_nat(struct path_asking *asking, struct path_hop *hop, struct err *err)
{
	struct route_question own = {.to = asking->path->to,
				     .protocol = path_protocol(&asking->path->to)};
	struct path *path = asking->path;
	struct route_answer route;
	int ret;

	if (!hop->in || asking->question->reply || path->nat)
		return 0;
	hop->nat = asking->source_nat;
	if (!hop->nat)
		return 0;
	ret = route_get(asking->nl, &own, &route, err);
	if (ret || route.error || !route.source.family)
		return ret;
	path->nat = hop->node;
	path->original = path->from;
	path->from = route.source;
	return 0;
}

static void note_mtu(struct path *path, unsigned mtu, const struct path_hop *hop, bool other_end)
{
	if (path->mtu && mtu >= path->mtu)
		return;
	path->widest_first = !path->mtu;
	path->mtu = mtu;
	snprintf(path->narrow, sizeof(path->narrow), "%s:%s",
		 other_end ? hop->out->peer->node->name : hop->node->name,
		 other_end ? hop->out->peer->ifname : hop->dev);
}

/* What the sender sets; a route's metric outranks its namespace's (ip4_dst_hoplimit). */
static unsigned time_to_live(struct path_asking *asking, const struct path_hop *hop)
{
	int ttl = (int)hop->route.hop_limit;

	if (ttl)
		return ttl < 255 ? ttl : 255;
	if (asking->path->to.family == AF_INET6)
		ttl = path_sysctl(asking, 64, "net.ipv6.conf.%s.hop_limit", hop->dev);
	else
		ttl = path_sysctl(asking, 64, "net.ipv4.ip_default_ttl", "");
	return ttl > 0 && ttl < 255 ? ttl : 255;
}

static enum path_end not_taken(const struct path_asking *asking)
{
	if (asking->by_fdb)
		return PATH_NOT_BRIDGED;
	if (asking->program_at)
		return PATH_PROGRAM;
	if (!asking->by_mac)
		return PATH_NO_NEIGHBOR;
	return asking->port ? PATH_NOT_BRIDGED : asking->stranger ? PATH_LEAVES : PATH_WRONG_MAC;
}

/* A bridge drops what its port, or who is behind it, does not take. */
static int stop_at_bridge(struct path_asking *asking, const struct path_hop *hop,
			  const struct end *narrow)
{
	size_t n = hop->n_bridges < PATH_BRIDGES_MAX ? hop->n_bridges : PATH_BRIDGES_MAX;
	int ret = stop(asking, PATH_TOO_BIG, narrow);

	for (size_t i = 0; i < n; i++) {
		const struct end *out = hop->bridges[i].out;

		if (out && (out == narrow || out->peer == narrow))
			asking->path->at = out->node;
	}
	return ret;
}

/* Look at the way out of the last hop. Returns 1 to go on to *next, 0 if the walk ends here. */
static int take_way_out(struct path_asking *asking, struct path_hop *hop, bool first_only,
			const struct end **next, struct err *err)
{
	struct link_info info = {0};
	enum end_state peer = END_UP, state;
	const struct end *narrow;
	uint32_t mtu, peer_mtu = 0;
	int ret = name_way_out(asking, hop, &info, err);

	if (ret)
		return ret;
	if (!hop->out && !path_bridge(hop->node, hop->dev))
		return stop(asking, PATH_LEAVES, NULL);
	state = end_state_of(&info);
	if (hop->out_is_lower)
		ret = path_end_state(asking->run, hop->out, &state, &peer_mtu, err);
	if (ret)
		return ret;
	if (hop->out && state == END_DOWN)
		return stop(asking, PATH_LINK_DOWN, hop->out);
	if (hop->out)
		ret = path_end_state(asking->run, hop->out->peer, &peer, &peer_mtu, err);
	if (ret)
		return ret;
	if (peer == END_UNSEEN)
		return stop(asking, PATH_LEAVES, NULL);
	if (peer == END_DOWN || peer == END_GONE)
		return stop(asking, PATH_LINK_DOWN, hop->out->peer);
	if (!hop->in)
		asking->ttl = time_to_live(asking, hop);
	mtu = hop->route.mtu ? hop->route.mtu : info.mtu;
	note_mtu(asking->path, mtu, hop, false);
	if (hop->out && peer_mtu + PATH_VLAN_TAG < mtu)
		note_mtu(asking->path, peer_mtu, hop, true);
	if (!path_fits(asking, hop, mtu, peer_mtu, &narrow))
		return stop(asking, PATH_TOO_BIG, narrow);
	if (first_only)
		return stop(asking, PATH_ARRIVES, NULL);
	ret = path_meet_rules_out(asking, hop, err);
	if (ret)
		return ret;
	ret = look_for_nat(asking, hop, err);
	if (ret)
		return ret;
	ret = path_find_neighbor(asking, hop, next, err);
	if (ret)
		return ret;
	if (!*next)
		return stop(asking, not_taken(asking), hop->out);
	narrow = NULL;
	ret = path_pass_bridges(asking, hop, &narrow, err);
	if (ret)
		return ret;
	if (narrow)
		return stop_at_bridge(asking, hop, narrow);
	hop->asks = !asking->by_mac;
	asking->path->n_readings = 0; /* they explain how the walk ends */
	ret = hop->asks ? path_doubt_neighbor(asking, asking->path, hop->node, err) : 0;
	return ret ? ret : 1;
}

static int arrive(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	int ret = path_meet_rules_at_end(asking, hop, err);

	if (ret)
		return ret;
	if (!hop->in)
		return stop(asking, PATH_STAYS, NULL);
	if (!asking->question->reply &&
	    path_sysctl_noted(asking, 0, path_ignore_key(asking->path), "") == 1)
		return stop(asking, PATH_IGNORED, hop->in);
	return stop(asking, PATH_ARRIVES, hop->in);
}

/* Whether an answer has come to the node that rewrote the request's source, and goes on from there.
 */
static bool undo_nat(struct path_asking *asking, struct path_hop *hop)
{
	const struct path *there = asking->question->there;

	if (!there || there->nat != hop->node || hop->nat)
		return false;
	hop->nat = true;
	asking->path->to = there->original;
	return true;
}

static bool is_to_many(const struct route_answer *route)
{
	return route->type == RTN_BROADCAST || route->type == RTN_MULTICAST;
}

/* Who is at the other end of the link: how much it takes, and whether it answers broadcasts. */
static int read_receiver(struct path_asking *asking, const struct end *end, uint32_t *mtu,
			 struct err *err)
{
	struct path_asking there = {.run = asking->run, .netns_fd = -1};
	enum end_state state;
	int ret = path_end_state(asking->run, end, &state, mtu, err);

	if (ret || state == END_UNSEEN || path_bridge_of(end))
		return ret;
	ret = path_ask_open(&there, end->node, err);
	if (ret)
		return ret;
	asking->receiver = end->node;
	asking->answers_broadcasts =
		!path_sysctl(&there, 1, "net.ipv4.icmp_echo_ignore_broadcasts", "");
	path_ask_close(&there);
	return 0;
}

static int stop_to_many(struct path_asking *asking, struct path_hop *hop, struct err *err)
{
	uint32_t mtu, peer_mtu = UINT32_MAX - PATH_VLAN_TAG;
	struct link_info info = {0};
	const struct end *narrow;
	int ret = name_way_out(asking, hop, &info, err);

	if (!ret && hop->out)
		ret = read_receiver(asking, hop->out->peer, &peer_mtu, err);
	if (ret)
		return ret;
	mtu = hop->route.mtu ? hop->route.mtu : info.mtu;
	if (hop->out && !hop->in) {
		note_mtu(asking->path, mtu, hop, false);
		if (peer_mtu + PATH_VLAN_TAG < mtu)
			note_mtu(asking->path, peer_mtu, hop, true);
		if (!path_fits(asking, hop, mtu, peer_mtu, &narrow))
			return stop(asking, PATH_TOO_BIG, narrow);
	}
	return stop(asking,
		    hop->in || hop->out || path_bridge(hop->node, hop->dev) ? PATH_TO_MANY
									    : PATH_LEAVES,
		    NULL);
}

/* The interface by which the packet comes in, as IP sees it: of a port its bridge. */
static int name_way_in(const struct path_asking *asking, const struct path_hop *hop,
		       struct link_info *in, struct err *err)
{
	int ret;

	*in = (struct link_info){0};
	if (!hop->in)
		return 0;
	ret = link_get(asking->nl, path_in_ifindex(asking, hop), NULL, in, err);
	if (!ret && in->is_port)
		ret = link_get(asking->nl, in->master, NULL, in, err);
	return ret == -ENODEV ? 0 : ret;
}

/*
 * An answer of IPv6 prefers the way by which the question came, and one to a link-local address has
 * no other one (icmpv6_echo_reply() in net/ipv6/icmp.c). *ifindex stays 0 for any other packet.
 */
static int bind_answer(const struct path_asking *asking, const struct path_hop *hop,
		       uint32_t *ifindex, struct err *err)
{
	const struct path *there = asking->question->there;
	struct link_info in;
	int ret;

	if (!there || hop->in || asking->path->to.family != AF_INET6)
		return 0;
	ret = name_way_in(asking, &there->hops[there->n_hops - 1], &in, err);
	*ifindex = ret ? 0 : in.ifindex;
	return ret;
}

/* Whether the packet has been at this end before, just as it is. */
static bool was_here(const struct path *path, const struct path_hop *hop)
{
	for (const struct path_hop *before = path->hops; before < hop; before++)
		if (before->node == hop->node && before->in == hop->in &&
		    ip_equal(&before->to, &hop->to) && ip_equal(&before->from, &hop->from))
			return true;
	return false;
}

/* A node that would forward the packet: may it? Returns 1 if so. */
static int forward(struct path_asking *asking, struct path_hop *hop)
{
	const struct path *path = asking->path;

	/* IPv6 looks up a way for what it then does not forward (ip6_forward). */
	if (path->to.family == AF_INET6 && !path_forwards_ipv6(asking))
		return path_refuse_ipv6_forward(asking, hop);
	if (was_here(path, hop))
		return stop(asking, PATH_LOOP, NULL);
	if (path->n_hops > asking->ttl)
		return stop(asking, PATH_TTL, NULL);
	/* By the interface that it came in by the kernel sends it on, whatever its source is. */
	if (path->to.family == AF_INET6 && ip_is_link_local(&path->from) &&
	    hop->route.ifindex != asking->in.ifindex)
		return stop(asking, PATH_SCOPE, NULL);
	return 1;
}

/* One node: where does it send the packet? Returns as take_way_out(). */
static int walk_node(struct path_asking *asking, struct path_hop *hop, bool first_only,
		     const struct end **next, struct err *err)
{
	struct path *path = asking->path;
	struct route_question question = {
		.to = path->to, .from = path->from, .protocol = path_protocol(&path->to)};
	int ret = name_way_in(asking, hop, &asking->in, err);

	if (!ret)
		ret = bind_answer(asking, hop, &question.out_ifindex, err);
	if (ret)
		return ret;
	ret = path_meet_rules_in(asking, hop, err);
	if (ret)
		return ret;
	if (hop->in && path_is_ipv6_off(asking, hop)) {
		/* An ipvlan takes its frames before (ipvlan_handle_frame is an rx_handler). */
		ret = hop->in_ifindex ? 0 : path_change_to_ipvlan(asking, hop, err);
		if (ret)
			return ret < 0 ? ret : walk_node(asking, hop, first_only, next, err);
		path_refuse_no_ipv6(asking, hop);
		return 0;
	}
	question.in_ifindex = asking->in.ifindex;
	ret = route_get(asking->nl, &question, &hop->route, err);
	if (ret)
		return ret;
	if (hop->in && !hop->in_ifindex && (hop->route.error || hop->route.type != RTN_LOCAL)) {
		ret = path_change_to_ipvlan(asking, hop, err);
		if (ret)
			return ret < 0 ? ret : walk_node(asking, hop, first_only, next, err);
	}
	if (hop->route.error)
		return path_refuse(asking, hop, err);
	if (!path->from.family)
		path->from = hop->route.source;
	if (hop->route.type == RTN_LOCAL && undo_nat(asking, hop))
		return walk_node(asking, hop, first_only, next, err);
	if (hop->route.type == RTN_LOCAL)
		return arrive(asking, hop, err);
	if (is_to_many(&hop->route))
		return stop_to_many(asking, hop, err);
	ret = hop->in ? forward(asking, hop) : 1;
	return ret > 0 ? take_way_out(asking, hop, first_only, next, err) : ret;
}

static int walk(const struct running *run, const struct path_question *question, struct path *path,
		bool first_only, struct err *err)
{
	struct path_asking asking = {
		.run = run, .question = question, .path = path, .netns_fd = -1};
	const struct node *node = question->node;
	const struct end *in = NULL;
	int ret;

	*path = (struct path){.to = question->to, .from = question->from};
	do {
		struct path_hop *hop = &path->hops[path->n_hops++];

		*hop = (struct path_hop){
			.node = node, .in = in, .to = path->to, .from = path->from};
		path_come_in_by(hop, asking.upper);
		ret = path_ask_open(&asking, hop->node, err);
		if (!ret)
			ret = walk_node(&asking, hop, first_only, &in, err);
		path_ask_close(&asking);
		if (ret > 0)
			node = in->node;
	} while (ret > 0);
	uppers_free(&asking.uppers);
	if (!path->at)
		path->at = path->hops[path->n_hops - 1].node;
	return ret;
}

int path_walk(const struct running *run, const struct path_question *question, struct path *path,
	      struct err *err)
{
	return walk(run, question, path, false, err);
}

int path_first(const struct running *run, const struct path_question *question, struct path *path,
	       struct err *err)
{
	return walk(run, question, path, true, err);
}

int path_walk_back(const struct running *run, const struct path *there, unsigned len,
		   struct path *back, struct err *err)
{
	struct path_question question = {.node = there->hops[there->n_hops - 1].node,
					 .to = there->from,
					 .from = there->to,
					 .len = len,
					 .reply = true,
					 .there = there};

	return path_walk(run, &question, back, err);
}
