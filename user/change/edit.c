// SPDX-License-Identifier: GPL-2.0-only
/* edit.c - see edit.h. */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/change/edit.h"
#include "user/lab/node.h"
#include "user/lab/state.h"

static int open_node(struct nl **nl, const struct running *run, const struct node *node,
		     struct err *err)
{
	cleanup_close int fd = running_open_netns(run, node, err);

	return fd < 0 ? fd : nl_open(nl, fd, err);
}

int edit_address(const struct running *run, const struct end *end, const struct ip_prefix *prefix,
		 bool add, struct err *err)
{
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {.object = end->name, .action = action};
	cleanup_nl struct nl *nl = NULL;
	struct err refused = {0};
	int ret = open_node(&nl, run, end->node, err);

	if (ret)
		return ret;
	snprintf(action, sizeof(action), "%s address %s", add ? "add" : "delete",
		 ip_prefix_format(prefix, text, sizeof(text)));
	ret = (add ? address_add : address_delete)(nl, running_ifindex(run, end), prefix, &what,
						   &refused);
	if (!ret)
		ret = nl_flush(nl, &refused);
	if (ret == -EEXIST)
		return err_set(err, ERR_FAILED, EEXIST, "%s has %s already", end->name, text);
	if (ret == -EADDRNOTAVAIL)
		return err_set(err, ERR_FAILED, EADDRNOTAVAIL, "%s does not have %s", end->name,
			       text);
	if (ret && err)
		*err = refused;
	return ret;
}

/* 1: the end is up, 0: it is down; or -errno. */
static int is_up(struct nl *nl, const struct running *run, const struct end *end, struct err *err)
{
	struct link_info info;
	int ret = link_get(nl, running_ifindex(run, end), NULL, &info, err);

	if (ret == -ENODEV)
		return running_end_gone(run, end, err);
	return ret ? ret : !!(info.flags & IFF_UP);
}

int edit_begin_down(struct down_record *record, const struct running *run, const struct end *end,
		    struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	int ret = open_node(&nl, run, end->node, err), up;

	if (ret)
		return ret;
	up = is_up(nl, run, end, err);
	if (up <= 0) {
		ret = up ? up : down_record_load(record, run, end, DOWN_ALL, err);
		return ret == -ENOENT ? 0 : ret;
	}
	ret = down_record_read(record, nl, run, end, err);
	return ret ? ret : down_record_save(record, run, end, err);
}

int edit_finish_down(struct down_record *record, const struct running *run, const struct end *end,
		     struct err *err)
{
	cleanup_down_record struct down_record left = {0}, before = {0};
	cleanup_nl struct nl *nl = NULL;
	int ret = open_node(&nl, run, end->node, err);

	if (ret)
		return ret;
	ret = down_record_read(&left, nl, run, end, err);
	if (ret)
		return ret;
	down_record_subtract(record, &left);
	/* Without a file, something else had set it down: what went then stays unknown. */
	ret = down_record_load(&before, run, end, DOWN_ALL, err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	return down_record_save(record, run, end, err);
}

/* By the end's file. -ENOENT: there is none. */
static int restore_recorded(struct nl *nl, const struct running *run, const struct end *end,
			    enum down_part part, struct err *err)
{
	cleanup_down_record struct down_record record = {0};
	int ret = down_record_load(&record, run, end, part, err);

	if (ret)
		return ret;
	ret = down_record_restore(&record, nl, run, end, err);
	if (!ret) {
		down_record_forget(run->name, end->number);
		return 0;
	}
	/* What is left is tried again when the end is set up the next time. */
	down_record_save(&record, run, end, NULL);
	return ret;
}

/* By the end's file, or the lab file. */
static int restore(struct nl *nl, const struct running *run, const struct end *end, bool was_up,
		   struct err *err)
{
	int ret = restore_recorded(nl, run, end, DOWN_ALL, err);

	if (ret != -ENOENT || (err && err->code))
		return ret;
	return was_up ? node_repair_end(run, nl, end, err) : node_restore_end(run, nl, end, err);
}

int edit_restore_added(const struct running *run, const struct end *end, enum down_part part,
		       struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	int ret = open_node(&nl, run, end->node, err);

	if (ret)
		return ret;
	ret = restore_recorded(nl, run, end, part, err);
	return ret == -ENOENT && !err->code ? 0 : ret;
}

int edit_restore_end(struct down_record *restored, const struct running *run, const struct end *end,
		     bool was_up, struct err *err)
{
	cleanup_down_record struct down_record before = {0};
	cleanup_nl struct nl *nl = NULL;
	int ret = open_node(&nl, run, end->node, err);

	if (ret)
		return ret;
	ret = down_record_read(&before, nl, run, end, err);
	if (ret)
		return ret;
	ret = restore(nl, run, end, was_up, err);
	if (ret)
		return ret;
	ret = down_record_read(restored, nl, run, end, err);
	if (!ret)
		down_record_subtract(restored, &before);
	return ret;
}

static int check_devices(const struct node_devices *devices, const struct route *route,
			 struct err *err)
{
	for (size_t i = 0; i < route->n_hops; i++) {
		const char *dev = route->hops[i].dev;

		if (!dev[0] || node_device(dev, (void *)devices))
			continue;
		err_set(err, ERR_FAILED, ENODEV, "%s has no interface '%s' of the lab",
			devices->node->name, dev);
		err_hint(err, "`vethlab show %s` lists the ends, written node:interface",
			 devices->run->name);
		return -ENODEV;
	}
	return 0;
}

/* In a foreign namespace, the journal gets a line first, so that `down` removes the route. */
static int journal_added_route(const struct running *run, const struct node_devices *devices,
			       const struct route *route, struct err *err)
{
	struct journal *journal = NULL;
	cleanup_close int lock = -1;
	int ret;

	if (run->nodes[devices->node->index].ours)
		return 0;
	lock = lab_lock_running(run, err);
	if (lock < 0)
		return lock;
	ret = journal_open(&journal, run->name, err);
	if (!ret)
		ret = node_journal_route(run, journal, devices->node, route, err);
	journal_close(journal);
	return ret;
}

/* A route that the lab file does not say itself, but that was computed, has another protocol. */
static int delete_route(struct nl *nl, const struct running *run, const struct route *route,
			struct node_devices *devices, struct nl_what *what, struct err *err)
{
	uint8_t protocol = node_route_protocol(run, devices->node, route);
	int ret;

	if (protocol == RTPROT_BOOT) {
		ret = route_delete(nl, route, protocol, node_device, devices, what, NULL);
		if (!ret)
			ret = nl_flush(nl, NULL);
		if (!ret)
			return 0;
		protocol = RTPROT_STATIC;
	}
	return route_delete(nl, route, protocol, node_device, devices, what, err);
}

/* What the kernel's answer means, where its words ("File exists") do not tell. */
static int tell_refused(int ret, const struct node *node, const struct route *route,
			const struct err *refused, struct err *err)
{
	char text[IP_TEXT_SIZE], metric[24] = "";

	ip_prefix_format(&route->to, text, sizeof(text));
	if (route->metric)
		snprintf(metric, sizeof(metric), " of metric %u", route->metric);
	if (ret == -ESRCH) {
		/* Only routes with the protocols that the lab's have are deleted. */
		err_set(err, ERR_FAILED, ESRCH, "%s has no such route to %s of the lab's",
			node->name, text);
		err_hint(err,
			 "`vethlab exec %s ip route` lists all; one that the kernel made for an "
			 "address goes with the address",
			 node->name);
	} else if (ret == -EEXIST) {
		err_set(err, ERR_FAILED, EEXIST, "%s has a route to %s%s already", node->name, text,
			metric);
		err_hint(err, "give this one another metric, or delete that one first");
	} else if (err) {
		*err = *refused;
	}
	return ret;
}

int edit_route(const struct running *run, const struct node *node, const struct route *route,
	       bool add, struct err *err)
{
	struct node_devices devices = {run, node};
	char text[IP_TEXT_SIZE], action[80];
	struct nl_what what = {.object = node->name, .action = action};
	cleanup_nl struct nl *nl = NULL;
	struct err refused = {0};
	int ret = check_devices(&devices, route, err);

	snprintf(action, sizeof(action), "%s the route to %s", add ? "add" : "delete",
		 ip_prefix_format(&route->to, text, sizeof(text)));
	if (!ret)
		ret = open_node(&nl, run, node, err);
	if (!ret && add)
		ret = journal_added_route(run, &devices, route, err);
	if (ret)
		return ret;
	ret = add ? route_add(nl, route, node_route_protocol(run, node, route), node_device,
			      &devices, &what, &refused)
		  : delete_route(nl, run, route, &devices, &what, &refused);
	if (!ret)
		ret = nl_flush(nl, &refused);
	return ret ? tell_refused(ret, node, route, &refused, err) : 0;
}
