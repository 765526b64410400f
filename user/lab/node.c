// SPDX-License-Identifier: GPL-2.0-only
/* node.c - see node.h. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/node_setup.h"
#include "user/lab/node.h"

const uint8_t *node_end_mac(const struct end *end)
{
	static const uint8_t zero[6];

	return end->has_mac || memcmp(end->mac, zero, sizeof(zero)) ? end->mac : NULL;
}

int node_enter(int netns_fd, struct nl **nl, struct err *err)
{
	if (setns(netns_fd, CLONE_NEWNET))
		return err_set(err, err_code_of(errno), errno,
			       "cannot enter a network namespace: %s", strerror(errno));
	return nl_open(nl, -1, err);
}

int node_add_addresses(struct nl *nl, uint32_t ifindex, const char *object,
		       const struct address *addresses, size_t n, int family, int ignore,
		       struct err *err)
{
	char text[IP_TEXT_SIZE], action[80];
	int ret;

	for (size_t i = 0; i < n; i++) {
		struct nl_what what = {object, action, addresses[i].where, ignore};

		if (family != AF_UNSPEC && addresses[i].prefix.addr.family != family)
			continue;
		snprintf(action, sizeof(action), "add address %s",
			 ip_prefix_format(&addresses[i].prefix, text, sizeof(text)));
		ret = address_add(nl, ifindex, &addresses[i].prefix, &what, err);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * lo of a foreign namespace stays up or down as it is. The lab's addresses on it carry a mark,
 * which tells them from those that it had before, even the same ones.
 */
static int add_to_foreign_lo(const struct running *run, struct journal *journal, struct nl *nl,
			     const struct node *node, struct err *err)
{
	char object[END_NAME_SIZE], text[IP_TEXT_SIZE], action[80];
	int ret;

	snprintf(object, sizeof(object), "%s:lo", node->name);
	for (size_t i = 0; i < node->n_lo_addresses; i++) {
		const struct address *address = &node->lo_addresses[i];
		struct nl_what what = {object, action, address->where, EEXIST};

		snprintf(action, sizeof(action), "add address %s",
			 ip_prefix_format(&address->prefix, text, sizeof(text)));
		ret = journal_address(journal, &run->nodes[node->index].id, LO_IFINDEX,
				      &address->prefix, err);
		if (ret)
			return ret;
		ret = address_add_marked(nl, LO_IFINDEX, &address->prefix, ADDRESS_OURS, &what,
					 err);
		if (ret)
			return ret;
	}
	return 0;
}

static int prepare_lo(const struct running *run, struct journal *journal, struct nl *nl,
		      const struct node *node, struct err *err)
{
	char object[END_NAME_SIZE];
	struct nl_what what = {object, "set it up", node->where, 0};
	int ret;

	if (!run->nodes[node->index].ours)
		return add_to_foreign_lo(run, journal, nl, node, err);
	snprintf(object, sizeof(object), "%s:lo", node->name);
	ret = node->lo_up ? link_set_up(nl, LO_IFINDEX, true, &what, err) : 0;
	if (ret)
		return ret;
	return node_add_addresses(nl, LO_IFINDEX, object, node->lo_addresses, node->n_lo_addresses,
				  AF_UNSPEC, 0, err);
}

static int attach(const struct running *run, struct watch *watch, struct nl *nl,
		  const struct end *end, struct err *err)
{
	struct nl_what what = {end->name, "attach tc programs", end->where, 0};
	uint32_t ifindex = running_ifindex(run, end);
	enum xdp_mode xdp = running_xdp(run, end);
	int ret = 0;

	if (running_hooks(run, end) == HOOKS_NONE)
		return 0;
	if (run->tc == WATCH_TC_TCX)
		ret = watch_attach_tcx(watch, end->number, ifindex, end->name, err);
	else if (run->tc == WATCH_TC_CLSACT)
		ret = watch_clsact_qdisc(nl, ifindex, &what, err);
	if (!ret && xdp != XDP_MODE_OFF)
		ret = watch_attach_xdp(watch, end->number, ifindex, xdp, end->name, err);
	if (ret)
		err_at(err, end->where);
	return ret;
}

/* The bridge interface and its addresses. It has no programs: its ports have them. */
static int prepare_bridge(const struct running *run, struct journal *journal, struct nl *nl,
			  const struct node *node, struct err *err)
{
	const struct running_node *running_node = &run->nodes[node->index];
	struct bridge_link bridge = {.options = &node->bridge,
				     .ifindex = running_bridge_ifindex(run, node),
				     .group = running_node->ours ? 0 : run->group};
	char object[END_NAME_SIZE];
	struct nl_what make = {object, "make the bridge", node->where, 0};
	struct nl_what up = {object, "set it up", node->where, 0};
	int ret;

	if (node->kind != NODE_BRIDGE)
		return 0;
	snprintf(object, sizeof(object), "%s:%s", node->name, node->bridge.dev);
	if (node->bridge.vlan_filtering)
		make.action = "make the bridge with vlan_filtering, which takes "
			      "CONFIG_BRIDGE_VLAN_FILTERING in the kernel";
	if (!running_node->ours) {
		ret = journal_end(journal, &running_node->id, bridge.ifindex, node->bridge.dev,
				  err);
		if (ret)
			return ret;
	}
	ret = link_add_bridge(nl, &bridge, &make, err);
	if (ret)
		return ret;
	ret = node_add_addresses(nl, bridge.ifindex, object, node->bridge_addresses,
				 node->n_bridge_addresses, AF_INET, 0, err);
	if (ret)
		return ret;
	ret = link_set_up(nl, bridge.ifindex, true, &up, err);
	/* See start_end(). */
	return ret ? ret
		   : node_add_addresses(nl, bridge.ifindex, object, node->bridge_addresses,
					node->n_bridge_addresses, AF_INET6, 0, err);
}

static int prepare_end(const struct running *run, struct watch *watch, struct nl *nl,
		       const struct end *end, struct err *err)
{
	struct nl_what port = {end->name, "make it a port of the bridge", end->where, 0};
	struct nl_what offloads = {end->name, "set its offloads", end->link->where, 0};
	uint32_t ifindex = running_ifindex(run, end);
	int ret = attach(run, watch, nl, end, err);

	if (ret)
		return ret;
	ret = link_set_offloads(end->ifname, end->link->tx_checksum, end->link->tso, end->link->gro,
				&offloads, err);
	if (ret)
		return ret;
	if (end->node->kind == NODE_BRIDGE && !end->no_port) {
		ret = link_set_master(nl, ifindex, running_bridge_ifindex(run, end->node), &port,
				      err);
		if (ret)
			return ret;
	}
	return node_add_addresses(nl, ifindex, end->name, end->addresses, end->n_addresses,
				  end->up ? AF_INET : AF_UNSPEC, 0, err);
}

static int set_sysctls(const struct node_job *job, enum node_sysctls which, struct err *err)
{
	const struct node *node = job->node;

	if (!(node_touch(job->touch, node) & (TOUCH_FRESH | TOUCH_SYSCTLS)) ||
	    !node_setup_has_sysctls(node, which))
		return 0;
	if (setns(job->netns_fd, CLONE_NEWNET))
		return err_set(err, ERR_SYSTEM, errno, "cannot enter a network namespace: %s",
			       strerror(errno));
	return node_setup_sysctls(job->run, job->journal, node, which, err);
}

int node_default_sysctls(const struct node_job *job, struct err *err)
{
	return set_sysctls(job, NODE_SYSCTLS_DEFAULTS, err);
}

int node_sysctls(const struct node_job *job, struct err *err)
{
	return set_sysctls(job, NODE_SYSCTLS_ALL, err);
}

int node_prepare(const struct node_job *job, struct err *err)
{
	unsigned touch = node_touch(job->touch, job->node);
	const struct node *node = job->node;
	const struct running *run = job->run;
	cleanup_nl struct nl *nl = NULL;
	int ret = node_enter(job->netns_fd, &nl, err);

	if (!ret && touch & TOUCH_FRESH)
		ret = prepare_lo(run, job->journal, nl, node, err);
	if (!ret && touch & (TOUCH_FRESH | TOUCH_BRIDGE))
		ret = prepare_bridge(run, job->journal, nl, node, err);
	for (size_t i = 0; !ret && i < node->n_ends; i++)
		if (end_touch(job->touch, node->ends[i]) & TOUCH_FRESH)
			ret = prepare_end(run, job->watch, nl, node->ends[i], err);
	return ret ? ret : nl_flush(nl, err);
}

uint32_t node_device(const char *dev, void *arg)
{
	const struct node_devices *devices = arg;

	for (size_t i = 0; i < devices->node->n_ends; i++)
		if (!strcmp(devices->node->ends[i]->ifname, dev))
			return running_ifindex(devices->run, devices->node->ends[i]);
	if (devices->node->kind == NODE_BRIDGE && !strcmp(devices->node->bridge.dev, dev))
		return running_bridge_ifindex(devices->run, devices->node);
	return strcmp(dev, "lo") ? 0 : LO_IFINDEX;
}

uint8_t node_route_protocol(const struct running *run, const struct node *node,
			    const struct route *route)
{
	if (!run->nodes[node->index].ours)
		return ROUTE_OURS;
	return route->computed ? RTPROT_STATIC : RTPROT_BOOT;
}

int node_journal_route(const struct running *run, struct journal *journal, const struct node *node,
		       const struct route *route, struct err *err)
{
	const struct running_node *running_node = &run->nodes[node->index];

	return running_node->ours ? 0 : journal_route(journal, &running_node->id, route, err);
}

int node_add_route(const struct running *run, struct nl *nl, const struct node *node,
		   const struct route *route, int ignore, struct err *err)
{
	struct node_devices devices = {run, node};
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {node->name, action, route->where, ignore};

	snprintf(action, sizeof(action), "add a route to %s",
		 ip_prefix_format(&route->to, text, sizeof(text)));
	return route_add(nl, route, node_route_protocol(run, node, route), node_device, &devices,
			 &what, err);
}

static int add_routes(const struct running *run, struct journal *journal, struct nl *nl,
		      const struct node *node, int ignore, struct err *err)
{
	int ret;

	for (size_t i = 0; i < node->n_routes; i++) {
		if (node_route_is_gone(node, &node->routes[i]))
			continue;
		ret = node_journal_route(run, journal, node, &node->routes[i], err);
		if (ret)
			return ret;
		ret = node_add_route(run, nl, node, &node->routes[i], ignore, err);
		if (ret)
			return ret;
	}
	return 0;
}

int node_add_neighbors(const struct running *run, struct nl *nl, const struct node *node,
		       const char *dev, struct err *err)
{
	struct node_devices devices = {run, node};
	char text[IP_TEXT_SIZE], action[96];
	int ret = 0;

	for (size_t i = 0; !ret && i < node->n_neighbors; i++) {
		const struct neighbor *neighbor = &node->neighbors[i];
		struct nl_what what = {node->name, action, neighbor->where, 0};

		if (node_neighbor_is_gone(node, neighbor) ||
		    (dev && strcmp(neighbor->dev, dev) != 0))
			continue;
		snprintf(action, sizeof(action), "add the neighbor %s on %s",
			 ip_format(&neighbor->addr, text, sizeof(text)), neighbor->dev);
		ret = neighbor_add(nl, node_device(neighbor->dev, &devices), &neighbor->addr,
				   neighbor->mac, &what, err);
	}
	return ret;
}

/*
 * After this a new end carries packets. IPv6 addresses are added once it is up: for those that it
 * has before, the kernel makes the routes without waiting for memory, and ignores a failure
 * (addrconf_permanent_addr() in net/ipv6/addrconf.c).
 */
static int start_end(const struct node_job *job, struct nl *nl, const struct end *end,
		     struct err *err)
{
	struct nl_what filters = {end->name, "attach tc programs", end->where, 0};
	struct nl_what up = {end->name, "set it up", end->where, 0};
	uint32_t ifindex = running_ifindex(job->run, end);
	int ret = 0;

	if (job->run->tc == WATCH_TC_CLSACT && running_hooks(job->run, end) != HOOKS_NONE)
		ret = watch_clsact_filters(job->watch, nl, ifindex, &filters, err);
	if (ret || !end->up)
		return ret;
	ret = link_set_up(nl, ifindex, true, &up, err);
	return ret ? ret
		   : node_add_addresses(nl, ifindex, end->name, end->addresses, end->n_addresses,
					AF_INET6, 0, err);
}

/*
 * Add addresses again that the kernel removed with another one, or with IPv6 when the MTU was below
 * 1280.
 */
static int repair_lo(const struct node_job *job, struct nl *nl, struct err *err)
{
	const struct node *node = job->node;
	char object[END_NAME_SIZE];
	int ret;

	snprintf(object, sizeof(object), "%s:lo", node->name);
	if (!job->run->nodes[node->index].ours)
		ret = add_to_foreign_lo(job->run, job->journal, nl, node, err);
	else
		ret = node_add_addresses(nl, LO_IFINDEX, object, node->lo_addresses,
					 node->n_lo_addresses, AF_UNSPEC, EEXIST, err);
	snprintf(object, sizeof(object), "%s:%s", node->name, node->bridge.dev);
	if (!ret && node->kind == NODE_BRIDGE)
		ret = node_add_addresses(nl, running_bridge_ifindex(job->run, node), object,
					 node->bridge_addresses, node->n_bridge_addresses,
					 AF_UNSPEC, EEXIST, err);
	return ret;
}

/* Flushes nl before it adds routes, and after. */
static int start_routes(const struct node_job *job, struct nl *nl, struct err *err)
{
	bool fresh = node_touch(job->touch, job->node) & TOUCH_FRESH;
	bool lenient = job->touch && job->touch->lenient && !fresh;
	struct err refused = {0};
	int ret = nl_flush(nl, err);

	if (ret)
		return ret;
	ret = add_routes(job->run, job->journal, nl, job->node, fresh ? 0 : EEXIST,
			 lenient ? &refused : err);
	if (!ret)
		ret = nl_flush(nl, lenient ? &refused : err);
	return lenient ? 0 : ret;
}

/* Gateways are looked up in the routes of addresses. Flushes nl first. */
static int repair_address_routes(const struct node_job *job, struct nl *nl, struct err *err)
{
	int ret = nl_flush(nl, err);

	if (ret)
		return ret;
	if (!job->touch->lenient)
		return node_address_routes(job, err);
	node_address_routes(job, NULL);
	return 0;
}

int node_start(const struct node_job *job, struct err *err)
{
	unsigned touch = node_touch(job->touch, job->node);
	const struct node *node = job->node;
	cleanup_nl struct nl *nl = NULL;
	int ret = node_enter(job->netns_fd, &nl, err);

	if (!ret && touch & TOUCH_FRESH)
		ret = node_setup_nft(node, err);
	if (!ret && touch & TOUCH_LO)
		ret = repair_lo(job, nl, err);
	for (size_t i = 0; !ret && i < node->n_ends; i++) {
		const struct end *end = node->ends[i];

		if (end_touch(job->touch, end) & TOUCH_FRESH)
			ret = start_end(job, nl, end, err);
		else if (end_touch(job->touch, end) & TOUCH_REPAIR)
			ret = node_add_addresses(nl, running_ifindex(job->run, end), end->name,
						 end->addresses, end->n_addresses, AF_UNSPEC,
						 EEXIST, err);
	}
	if (ret)
		return ret;
	if (!(touch & (TOUCH_FRESH | TOUCH_REPAIR)))
		return nl_flush(nl, err);
	if (!(touch & TOUCH_FRESH)) {
		ret = repair_address_routes(job, nl, err);
		if (ret)
			return ret;
	}
	ret = node_add_neighbors(job->run, nl, node, NULL, err);
	return ret ? ret : start_routes(job, nl, err);
}

int node_exec(const struct node_job *job, struct err *err)
{
	if (!job->node->n_exec || !(node_touch(job->touch, job->node) & TOUCH_FRESH))
		return 0;
	if (setns(job->netns_fd, CLONE_NEWNET))
		return err_set(err, ERR_SYSTEM, errno, "cannot enter a network namespace: %s",
			       strerror(errno));
	return node_setup_exec(job->node, job->interrupted, err);
}
