// SPDX-License-Identifier: GPL-2.0-only
/* upper_search.c - what devices upon ends take, and what leaves by them and by tunnels. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "user/lab/end_state.h"
#include "user/path/reach.h"

uint32_t path_in_ifindex(const struct path_asking *asking, const struct path_hop *hop)
{
	return hop->in_ifindex ? hop->in_ifindex : running_ifindex(asking->run, hop->in);
}

void path_come_in_by(struct path_hop *hop, const struct upper *upper)
{
	if (!upper)
		return;
	hop->node = upper->node;
	hop->in_ifindex = upper->ifindex;
	snprintf(hop->in_dev, sizeof(hop->in_dev), "%s", upper->ifname);
}

int path_find_lower(struct path_asking *asking, struct path_hop *hop, struct err *err)
{
	const struct upper *upper;
	int ret = uppers_read(&asking->uppers, asking->run, err);

	if (ret)
		return ret;
	upper = uppers_find(&asking->uppers, hop->node, hop->route.ifindex);
	if (!upper || upper_is_tap(upper))
		return 0;
	hop->out = upper->lower;
	hop->out_is_lower = true;
	return path_doubt_lower(asking, upper->lower, true, err);
}

/* Whether a device upon an end that the frame comes to takes it. */
static int upper_takes(struct path_asking *asking, const struct upper *upper,
		       const struct ip_addr *next, bool *takes, struct err *err)
{
	struct path_asking there = {.run = asking->run, .netns_fd = -1};
	struct route_question question = {.to = *next};
	struct route_answer route;
	struct link_info link;
	int ret;

	*takes = false;
	if (asking->by_mac && (upper_is_ipvlan(upper) ||
			       memcmp(upper->mac, asking->neighbor.mac, sizeof(upper->mac)) != 0))
		return 0;
	ret = path_ask_open(&there, upper->node, err);
	if (ret)
		return ret;
	ret = link_get(there.nl, upper->ifindex, NULL, &link, err);
	if (!ret && end_state_of(&link) == END_UP && asking->by_mac) {
		*takes = true;
	} else if (!ret && end_state_of(&link) == END_UP) {
		ret = route_get(there.nl, &question, &route, err);
		*takes = !ret && !route.error && route.type == RTN_LOCAL;
	}
	path_ask_close(&there);
	return ret == -ENODEV ? 0 : ret;
}

/* What a process does that has a tap open cannot be read, nor the modes that let devices upon one
 * end hear each other. */
static void doubt_upper(struct path_asking *asking, const struct upper *upper)
{
	path_doubt(asking->path, upper->node,
		   upper_is_tap(upper) ? "the process that reads a tap"
				       : "the mode of devices upon one end",
		   "%s, %s upon %s", upper->ifname, upper->kind, upper->lower->name);
}

/* The devices upon the end of the list at that place. */
int path_visit_uppers(struct path_asking *asking, const struct ip_addr *next,
		      const struct reached *reached, bool *takes, struct err *err)
{
	for (size_t i = 0; !*takes && !reached->tag && i < asking->uppers.n; i++) {
		const struct upper *upper = &asking->uppers.list[i];
		int ret;

		if (upper->lower != reached->in)
			continue;
		ret = upper_takes(asking, upper, next, takes, err);
		if (ret)
			return ret;
		if (upper_is_tap(upper) && (*takes || !asking->by_mac)) {
			doubt_upper(asking, upper);
			if (*takes)
				asking->tap = upper;
			*takes = false;
		}
		if (*takes)
			asking->upper = upper;
	}
	return 0;
}

/* Those beside the hop's own way out, upon the same end, if that is the owner's. */
int path_visit_siblings(struct path_asking *asking, const struct path_hop *hop, struct err *err)
{
	for (size_t i = 0; hop->out_is_lower && i < asking->uppers.n; i++) {
		const struct upper *upper = &asking->uppers.list[i];
		bool takes;
		int ret;

		if (upper->lower != hop->out ||
		    (upper->node == hop->node && upper->ifindex == hop->route.ifindex))
			continue;
		ret = upper_takes(asking, upper, &hop->next, &takes, err);
		if (ret)
			return ret;
		if (takes)
			doubt_upper(asking, upper);
	}
	return 0;
}

/* The ipvlan upon an end that has the address of the packet; NULL: none. */
static int find_ipvlan(struct path_asking *asking, const struct end *in, const struct upper **found,
		       struct err *err)
{
	*found = NULL;
	for (size_t i = 0; !*found && i < asking->uppers.n; i++) {
		const struct upper *upper = &asking->uppers.list[i];
		struct path_asking by_address = {.run = asking->run};
		bool takes;
		int ret;

		if (upper->lower != in || !upper_is_ipvlan(upper) || upper_is_tap(upper))
			continue;
		ret = upper_takes(&by_address, upper, &asking->path->to, &takes, err);
		if (ret)
			return ret;
		if (takes)
			*found = upper;
	}
	return 0;
}

int path_change_to_ipvlan(struct path_asking *asking, struct path_hop *hop, struct err *err)
{
	const struct upper *upper;
	int ret = uppers_read(&asking->uppers, asking->run, err);

	if (!ret)
		ret = find_ipvlan(asking, hop->in, &upper, err);
	if (ret || !upper)
		return ret;
	path_ask_close(asking);
	path_come_in_by(hop, upper);
	ret = path_ask_open(asking, hop->node, err);
	return ret ? ret : 1;
}

void path_read_tunnel(struct path_asking *asking, const struct link_info *info)
{
	struct route_question question = {.to = info->tunnel_to};
	struct route_answer route;
	struct link_info link;

	asking->tunnel_to = info->tunnel_to;
	asking->tunnel_id = info->tunnel_id;
	asking->tunnel_port = info->tunnel_port;
	asking->tunnel_protocol = info->tunnel_protocol;
	asking->tunnel_dev[0] = '\0';
	asking->tunnel_out = TUNNEL_OUT_UNKNOWN;
	if (!info->tunnel_to.family)
		return;
	/* One that was moved keeps the namespace that it was made in for its own packets. */
	if (info->link_netnsid >= 0) {
		asking->tunnel_out = TUNNEL_OUT_ELSEWHERE;
		return;
	}
	if (route_get(asking->nl, &question, &route, NULL))
		return;
	if (route.error) {
		asking->tunnel_out = TUNNEL_OUT_NO_ROUTE;
	} else if (!link_get(asking->nl, route.ifindex, NULL, &link, NULL)) {
		snprintf(asking->tunnel_dev, sizeof(asking->tunnel_dev), "%s", link.ifname);
		asking->tunnel_out = TUNNEL_OUT_DEVICE;
	}
}

/* What is known of the way of a tunnel's packets. */
static void tell_tunnel_out(const struct path_asking *asking, const struct node *node, char *text,
			    size_t size)
{
	switch (asking->tunnel_out) {
	case TUNNEL_OUT_DEVICE:
		snprintf(text, size, ", whose packets leave by %s:%s", node->name,
			 asking->tunnel_dev);
		break;
	case TUNNEL_OUT_NO_ROUTE:
		snprintf(text, size, ", whose packets have no route");
		break;
	case TUNNEL_OUT_ELSEWHERE:
		snprintf(text, size, ", whose packets leave in another network namespace");
		break;
	case TUNNEL_OUT_UNKNOWN:
		snprintf(text, size, ", of whose packets no route could be read");
		break;
	}
}

/* The command that shows the tunnel's packets, if they leave by an end of the lab. */
static void tell_tunnel_trace(const struct path_asking *asking, const struct node *node, char *text,
			      size_t size)
{
	char name[END_NAME_SIZE];
	const struct end *end;

	text[0] = '\0';
	snprintf(name, sizeof(name), "%s:%s", node->name, asking->tunnel_dev);
	end = lab_find_end(asking->run->lab, name);
	if (asking->tunnel_out != TUNNEL_OUT_DEVICE || !end || !asking->tunnel_protocol)
		return;
	if (asking->tunnel_port)
		snprintf(text, size, "; `vethlab trace -i %s udp port %u` shows them", end->name,
			 asking->tunnel_port);
	else
		snprintf(text, size, "; `vethlab trace -i %s proto %u` shows them", end->name,
			 asking->tunnel_protocol);
}

bool path_say_tunnel(struct path_asking *asking, const struct path_hop *hop)
{
	bool elsewhere = asking->tunnel_out == TUNNEL_OUT_ELSEWHERE;
	char to[IP_TEXT_SIZE], id[32] = "", out[END_NAME_SIZE + 64], trace[END_NAME_SIZE + 64];
	const struct node *node = hop->node;
	struct node *owner = NULL;
	struct end *end = NULL;

	if (!asking->tunnel_to.family)
		return false;
	ip_format(&asking->tunnel_to, to, sizeof(to));
	if (!elsewhere) /* there the address may be somebody else's */
		lab_find_address(asking->run->lab, &asking->tunnel_to, &owner, &end);
	if (asking->tunnel_id)
		snprintf(id, sizeof(id), " with id %u", asking->tunnel_id);
	tell_tunnel_out(asking, node, out, sizeof(out));
	tell_tunnel_trace(asking, node, trace, sizeof(trace));
	path_say(asking->path,
		 "%s sends it by %s, %s %s tunnel%s to %s%s%s%s%s: what is in them is not "
		 "followed%s",
		 node->name, hop->dev, hop->kind[0] == 'i' ? "an" : "a", hop->kind, id, to,
		 owner ? " (" : "", owner ? owner->name : "", owner ? ")" : "", out, trace);
	if (!elsewhere)
		path_suggest(asking->path, "vethlab why %s %s", node->name, to);
	return true;
}

void path_find_program(struct path_asking *asking, const struct end *in)
{
	if (asking->program_at)
		return;
	path_program_at(asking->run, in, PATH_MEETS_IN, asking->program);
	if (asking->program[0])
		asking->program_at = in;
}
