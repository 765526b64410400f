// SPDX-License-Identifier: GPL-2.0-only
/* walk.c - from node to node, as the route look-ups say. */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "user/lab/end_state.h"
#include "user/path/path.h"

static int ask_open(struct path_asking *asking, const struct node *node, struct err *err)
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

static void ask_close(struct path_asking *asking)
{
	nl_close(asking->nl);
	asking->nl = NULL;
	if (asking->netns_fd >= 0)
		close(asking->netns_fd);
	asking->netns_fd = -1;
}

static const struct end *end_of_ifindex(const struct running *run, const struct node *node,
					uint32_t ifindex)
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
static int end_state_ask(const struct running *run, const struct end *end, enum end_state *state,
			 uint32_t *mtu, struct err *err)
{
	struct path_asking peer = {.run = run};
	struct link_info info;
	int ret;

	*state = END_UNSEEN;
	if (running_is_unseen(run, end->node))
		return 0;
	ret = ask_open(&peer, end->node, err);
	if (ret)
		return ret;
	ret = link_get(peer.nl, running_ifindex(run, end), NULL, &info, err);
	*state = ret == -ENODEV ? END_GONE : ret ? END_DOWN : end_state_of(&info);
	if (!ret)
		*mtu = info.mtu;
	ask_close(&peer);
	return ret == -ENODEV ? 0 : ret;
}

/* Whether a node takes packets to addr for itself, by its own tables. */
static int owns(const struct running *run, const struct node *node, const struct ip_addr *addr,
		bool *answer, struct err *err)
{
	struct route_question question = {.to = *addr};
	struct path_asking there = {.run = run};
	struct route_answer route;
	int ret = ask_open(&there, node, err);

	if (ret)
		return ret;
	ret = route_get(there.nl, &question, &route, err);
	*answer = !ret && !route.error && route.type == RTN_LOCAL;
	ask_close(&there);
	return ret;
}

/* What a search through bridges has to look at: ends by which a frame enters a node. */
struct reach {
	const struct end *list[PATH_HOPS_MAX * 4];
	size_t n;
};

static void reach_add(struct reach *reach, const struct end *end)
{
	for (size_t i = 0; i < reach->n; i++)
		if (reach->list[i] == end)
			return;
	if (reach->n < sizeof(reach->list) / sizeof(*reach->list))
		reach->list[reach->n++] = end;
}

/* Behind each port of a bridge but one. */
static void reach_ports(struct reach *reach, const struct node *node, const char *dev,
			const struct end *but)
{
	for (size_t i = 0; i < node->n_ends; i++) {
		const char *bridge = path_bridge_of(node->ends[i]);

		if (bridge && !strcmp(bridge, dev) && node->ends[i] != but)
			reach_add(reach, node->ends[i]->peer);
	}
}

/* Whether the bridge that an end is a port of is up: else nothing that comes in there goes on. */
static int bridge_is_up(const struct running *run, const struct end *port, bool *up,
			struct err *err)
{
	struct path_asking there = {.run = run};
	struct link_info info;
	int ret = ask_open(&there, port->node, err);

	if (ret)
		return ret;
	ret = link_get(there.nl, 0, path_bridge_of(port), &info, err);
	*up = !ret && end_state_of(&info) != END_DOWN;
	ask_close(&there);
	return ret == -ENODEV ? 0 : ret;
}

/* A frame for `next` leaves by out: the end by which it enters the node that has that address. */
static int find_neighbor(struct path_asking *asking, const struct path_hop *hop,
			 const struct end **found, struct err *err)
{
	const struct running *run = asking->run;
	struct reach reach = {0};
	int ret = 0;

	*found = NULL;
	if (hop->out)
		reach_add(&reach, hop->out->peer);
	else
		reach_ports(&reach, hop->node, hop->dev, NULL);
	for (size_t i = 0; !ret && !*found && i < reach.n; i++) {
		const struct end *in = reach.list[i];
		bool mine = false, awake = true;
		enum end_state state;
		uint32_t mtu;

		ret = end_state_ask(run, in, &state, &mtu, err);
		if (!ret && state == END_UP && path_bridge_of(in))
			ret = bridge_is_up(run, in, &awake, err);
		if (!awake)
			asking->dead_port = in;
		if (ret || state != END_UP || !awake)
			continue;
		ret = owns(run, in->node, &hop->next, &mine, err);
		if (mine)
			*found = in;
		if (path_bridge_of(in))
			reach_ports(&reach, in->node, path_bridge_of(in), in);
	}
	return ret;
}

static bool sysctl_is(struct path_asking *asking, const char *key, const char *value)
{
	char now[32];

	return !sysctl_read(asking->netns_fd, key, now, sizeof(now), NULL) && !strcmp(now, value);
}

/* Why a node refuses to route: the look-up only gives an errno, which several causes share. */
static enum path_end refusal(struct path_asking *asking, const struct path_hop *hop)
{
	bool v6 = asking->path->to.family == AF_INET6;
	const char *forwarding = v6 ? "net.ipv6.conf.all.forwarding" : "net.ipv4.ip_forward";
	struct route_question own = {.to = asking->path->to};
	struct route_answer route;

	if (hop->route.error == EXDEV)
		return PATH_SPOOFED;
	/*
	 * Newer kernels say EINVAL for every cause. What is for the node itself is not forwarded:
	 * only its source can be wrong.
	 */
	if (hop->in && !route_get(asking->nl, &own, &route, NULL) && route.type == RTN_LOCAL)
		return PATH_SPOOFED;
	if (hop->in && sysctl_is(asking, forwarding, "0"))
		return PATH_NO_FORWARD;
	/* Asked as the sender, a node tells a route that refuses from none at all. */
	if (!route_get(asking->nl, &own, &route, NULL) && route.error && route.error != ENETUNREACH)
		return PATH_REFUSED;
	if (hop->route.error == EINVAL && !route.error)
		return PATH_SPOOFED;
	return hop->route.error == ENETUNREACH || hop->in ? PATH_NO_ROUTE : PATH_REFUSED;
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
	hop->out = end_of_ifindex(asking->run, hop->node, hop->route.ifindex);
	hop->next = hop->route.via.family ? hop->route.via : asking->path->to;
	return 0;
}

static int stop(struct path_asking *asking, enum path_end end, const struct end *culprit)
{
	asking->path->end = end;
	path_verdict_text(asking, culprit);
	return 0;
}

/* A node that forwards may rewrite the source: to the address that it would use itself. */
static int look_for_nat(struct path_asking *asking, struct path_hop *hop, struct err *err)
{
	struct route_question own = {.to = asking->path->to};
	struct path *path = asking->path;
	struct route_answer route;
	int ret;

	if (!hop->in || asking->question->reply || path->nat)
		return 0;
	ret = source_nat_look(asking->netns_fd, &hop->nat, err);
	if (ret || !hop->nat)
		return ret;
	ret = route_get(asking->nl, &own, &route, err);
	if (ret || route.error || !route.source.family)
		return ret;
	path->nat = hop->node;
	path->original = path->from;
	path->from = route.source;
	return 0;
}

enum { VLAN_TAG = 4 };

/*
 * Whether the packet fits. The sender cuts what is too long for its own interface. A router cuts
 * IPv4 only, and of that only what may be cut: the kernel forbids it for requests that fit the
 * sender's MTU (path MTU discovery), but not for answers to echoes. A veth drops what its other end
 * could not receive, up to a VLAN tag more than the MTU (is_skb_forwardable in net/core/dev.c).
 */
static bool fits(struct path_asking *asking, const struct path_hop *hop, uint32_t mtu,
		 uint32_t peer_mtu, const struct end **culprit)
{
	bool v4 = asking->path->to.family == AF_INET;

	if (!asking->question->len)
		return true;
	if (!hop->in) {
		asking->size = asking->question->len;
		asking->may_cut = v4 && (asking->question->reply || asking->size > mtu ||
					 !sysctl_is(asking, "net.ipv4.ip_no_pmtu_disc", "0"));
	}
	*culprit = hop->out;
	if (asking->size > mtu && hop->in && !asking->may_cut)
		return false;
	if (asking->size > mtu)
		asking->size = mtu;
	if (!hop->out || asking->size <= peer_mtu + VLAN_TAG)
		return true;
	*culprit = hop->out->peer;
	return false;
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

/* Look at the way out of the last hop. Returns 1 to go on to *next, 0 if the walk ends here. */
static int take_way_out(struct path_asking *asking, struct path_hop *hop, bool first_only,
			const struct end **next, struct err *err)
{
	struct link_info info = {0};
	enum end_state peer = END_UP;
	const struct end *narrow;
	uint32_t mtu, peer_mtu = 0;
	int ret = name_way_out(asking, hop, &info, err);

	if (ret)
		return ret;
	if (!hop->out && !path_bridge(hop->node, hop->dev))
		return stop(asking, PATH_LEAVES, NULL);
	if (hop->out && end_state_of(&info) == END_DOWN)
		return stop(asking, PATH_LINK_DOWN, hop->out);
	if (hop->out)
		ret = end_state_ask(asking->run, hop->out->peer, &peer, &peer_mtu, err);
	if (ret)
		return ret;
	if (peer == END_UNSEEN)
		return stop(asking, PATH_LEAVES, NULL);
	if (peer == END_DOWN || peer == END_GONE)
		return stop(asking, PATH_LINK_DOWN, hop->out->peer);
	mtu = hop->route.mtu ? hop->route.mtu : info.mtu;
	note_mtu(asking->path, mtu, hop, false);
	if (hop->out && peer_mtu + VLAN_TAG < mtu)
		note_mtu(asking->path, peer_mtu, hop, true);
	if (!fits(asking, hop, mtu, peer_mtu, &narrow))
		return stop(asking, PATH_TOO_BIG, narrow);
	if (first_only)
		return stop(asking, PATH_ARRIVES, NULL);
	ret = look_for_nat(asking, hop, err);
	if (ret)
		return ret;
	ret = find_neighbor(asking, hop, next, err);
	if (ret)
		return ret;
	return *next ? 1 : stop(asking, PATH_NO_NEIGHBOR, hop->out);
}

static int arrive(struct path_asking *asking, const struct path_hop *hop)
{
	bool v6 = asking->path->to.family == AF_INET6;

	if (!hop->in)
		return stop(asking, PATH_STAYS, NULL);
	if (!asking->question->reply &&
	    sysctl_is(asking,
		      v6 ? "net.ipv6.icmp.echo_ignore_all" : "net.ipv4.icmp_echo_ignore_all", "1"))
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

static int stop_to_many(struct path_asking *asking, struct path_hop *hop, struct err *err)
{
	struct link_info info;
	int ret = name_way_out(asking, hop, &info, err);

	if (ret)
		return ret;
	return stop(asking,
		    hop->in || hop->out || path_bridge(hop->node, hop->dev) ? PATH_TO_MANY
									    : PATH_LEAVES,
		    NULL);
}

/* One node: where does it send the packet? Returns as take_way_out(). */
static int walk_node(struct path_asking *asking, struct path_hop *hop, bool first_only,
		     const struct end **next, struct err *err)
{
	struct path *path = asking->path;
	struct route_question question = {.to = path->to, .from = path->from};
	struct link_info bridge;
	int ret;

	if (hop->in && path_bridge_of(hop->in)) {
		ret = link_get(asking->nl, 0, path_bridge_of(hop->in), &bridge, err);
		if (ret && ret != -ENODEV)
			return ret;
		question.in_ifindex = ret ? 0 : bridge.ifindex;
	} else if (hop->in) {
		question.in_ifindex = running_ifindex(asking->run, hop->in);
	}
	ret = route_get(asking->nl, &question, &hop->route, err);
	if (ret)
		return ret;
	if (hop->route.error)
		return stop(asking, refusal(asking, hop), hop->in);
	if (!path->from.family)
		path->from = hop->route.source;
	/* IPv6 looks up a way for what it then does not forward (ip6_forward). */
	if (hop->in && path->to.family == AF_INET6 && hop->route.type != RTN_LOCAL &&
	    sysctl_is(asking, "net.ipv6.conf.all.forwarding", "0"))
		return stop(asking, PATH_NO_FORWARD, hop->in);
	if (hop->route.type == RTN_LOCAL && undo_nat(asking, hop))
		return walk_node(asking, hop, first_only, next, err);
	if (hop->route.type == RTN_LOCAL)
		return arrive(asking, hop);
	if (is_to_many(&hop->route))
		return stop_to_many(asking, hop, err);
	if (path->n_hops == PATH_HOPS_MAX)
		return stop(asking, PATH_LOOP, NULL);
	return take_way_out(asking, hop, first_only, next, err);
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

		*hop = (struct path_hop){.node = node, .in = in};
		ret = ask_open(&asking, node, err);
		if (!ret)
			ret = walk_node(&asking, hop, first_only, &in, err);
		ask_close(&asking);
		if (ret > 0)
			node = in->node;
	} while (ret > 0);
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
