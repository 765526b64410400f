// SPDX-License-Identifier: GPL-2.0-only
/* change_preflight.c - see change_preflight.h. */
#include <errno.h>
#include <string.h>

#include "user/lab/allocate.h"
#include "user/change/change_preflight.h"
#include "user/base/workers.h"

/* ---- what is touched ------------------------------------------------------------------------- */

static void touch_node(struct apply *apply, const struct node *node, unsigned bits)
{
	apply->touch.nodes[node->index] |= bits;
}

/* A new link: its ends are new, and sysctls of their nodes may be about them. */
static void touch_link(struct apply *apply, const struct lab_change *change)
{
	for (int side = 0; side < 2; side++) {
		const struct end *end = change->link->ends[side];

		apply->touch.ends[end->number] |= change->done ? TOUCH_REPAIR : TOUCH_FRESH;
		touch_node(apply, end->node, TOUCH_REPAIR | TOUCH_SYSCTLS);
	}
}

/* A removed link: the kernel removes routes with it, of which other ends can serve some. */
static void touch_removed_link(struct apply *apply, const struct link *link)
{
	for (int side = 0; side < 2; side++) {
		const struct node *node =
			lab_find_node(apply->build.run->lab, link->ends[side]->node->name);

		if (node)
			touch_node(apply, node, TOUCH_REPAIR);
	}
}

/* An address of an end, lo or a bridge that stays. change->end is of either lab. */
static void touch_address(struct apply *apply, const struct lab_change *change)
{
	const struct lab *lab = apply->build.run->lab;
	const struct node *node = lab_find_node(lab, change->node->name);

	if (change->end)
		apply->touch.ends[change->end->number] |= TOUCH_REPAIR;
	touch_node(apply, node, change->end ? TOUCH_REPAIR : TOUCH_REPAIR | TOUCH_LO);
}

static void touch_change(struct apply *apply, const struct lab_change *change)
{
	switch (change->kind) {
	case CHANGE_NODE_ADD:
		/* Undoing: a foreign namespace still exists, without what the lab had in it. */
		touch_node(apply, change->node,
			   !change->done ? TOUCH_FRESH
					 : TOUCH_REPAIR | TOUCH_LO | TOUCH_SYSCTLS |
						   (change->bridge ? TOUCH_BRIDGE : 0));
		break;
	case CHANGE_LINK_ADD:
		touch_link(apply, change);
		break;
	case CHANGE_LINK_REMOVE:
		touch_removed_link(apply, change->link);
		break;
	case CHANGE_STATE:
		if (change->end->up)
			apply->touch.ends[change->end->number] |= TOUCH_WAIT;
		touch_address(apply, change);
		break;
	case CHANGE_MTU: /* below 1280 the kernel removes IPv6 addresses */
	case CHANGE_ADDRESS_ADD:
	case CHANGE_ADDRESS_REMOVE:
		touch_address(apply, change);
		break;
	case CHANGE_LO:
		touch_node(apply, change->node, TOUCH_LO | TOUCH_REPAIR);
		break;
	case CHANGE_SYSCTL_SET:
		touch_node(apply, change->node, TOUCH_SYSCTLS);
		break;
	case CHANGE_NEIGHBOR_SET:
	case CHANGE_ROUTE_SET:
		touch_node(apply, change->node, TOUCH_REPAIR);
		break;
	default:
		break;
	}
}

/* ---- namespaces ------------------------------------------------------------------------------ */

/* Open the namespace of a change's node, unless it is open. */
static int open_node(struct apply *apply, const struct lab_change *change, struct err *err)
{
	const struct running *run = preflight_is_of_was(change) ? apply->was : apply->build.run;
	int *fds = preflight_is_of_was(change) ? apply->was_fds : apply->build.fds;
	int *fd = &fds[change->node->index];

	if (*fd < 0)
		*fd = running_open_netns(run, change->node, err);
	return *fd < 0 ? *fd : 0;
}

/* Whether the node was never made or is gone, so that nothing can be done in it. */
static bool is_missing(struct apply *apply, const struct lab_change *change)
{
	const struct running *run = preflight_is_of_was(change) ? apply->was : apply->build.run;

	return !run->nodes[change->node->index].id.inode || open_node(apply, change, NULL);
}

static bool link_exists(struct apply *apply, const struct lab_change *change)
{
	const struct running *run = apply->build.run;
	struct lab_change first = {CHANGE_LINK_ADD, change->link->ends[0]->node};
	struct link_info info;
	cleanup_nl struct nl *nl = NULL;

	if (is_missing(apply, &first) || nl_open(&nl, apply->build.fds[first.node->index], NULL))
		return false;
	return !link_get(nl, running_ifindex(run, change->link->ends[0]), NULL, &info, NULL);
}

static bool bridge_exists(struct apply *apply, const struct node *node)
{
	struct link_info info;
	cleanup_nl struct nl *nl = NULL;

	if (nl_open(&nl, apply->build.fds[node->index], NULL))
		return false;
	return !link_get(nl, running_bridge_ifindex(apply->build.run, node), NULL, &info, NULL);
}

/*
 * Undoing: mark what was never made as done, so that it is not undone. The kernel is asked, since a
 * batch of requests may have failed in its middle.
 */
static void mark_never_made(struct apply *apply)
{
	for (size_t i = 0; i < apply->diff->n; i++) {
		struct lab_change *change = &apply->diff->list[i];
		const struct node *node = change->node;

		if (change->kind == CHANGE_LINK_ADD) {
			change->done = link_exists(apply, change);
		} else if (change->kind == CHANGE_NODE_ADD) {
			change->done = !is_missing(apply, change);
			change->bridge = change->done && node->kind == NODE_BRIDGE &&
					 !bridge_exists(apply, node);
		} else if (preflight_is_of_was(change)) {
			change->done = is_missing(apply, change);
		}
	}
}

static bool needs_netns(const struct apply *apply, const struct lab_change *change)
{
	if (change->done || change->kind == CHANGE_NODE_ADD)
		return false;
	return change->kind < CHANGE_NODE_ADD ||
	       !(node_touch(&apply->touch, change->node) & TOUCH_FRESH);
}

static int open_touched(struct apply *apply, struct err *err)
{
	const struct lab *lab = apply->build.run->lab;
	int ret;

	for (size_t i = 0; i < apply->diff->n; i++) {
		if (!needs_netns(apply, &apply->diff->list[i]))
			continue;
		ret = open_node(apply, &apply->diff->list[i], err);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < lab->n_nodes; i++) {
		struct lab_change kept = {CHANGE_LINK_ADD, lab->nodes[i]};

		if (!apply->touch.nodes[i] || apply->touch.nodes[i] & TOUCH_FRESH)
			continue;
		ret = open_node(apply, &kept, err);
		if (ret)
			return ret;
	}
	return 0;
}

int preflight_touch(struct apply *apply, struct err *err)
{
	if (apply->undoing)
		mark_never_made(apply);
	for (size_t i = 0; i < apply->diff->n; i++)
		touch_change(apply, &apply->diff->list[i]);
	return open_touched(apply, err);
}

/* ---- before anything is changed -------------------------------------------------------------- */

static bool is_built_again(const struct lab_diff *diff, const struct node *node)
{
	for (size_t i = 0; i < diff->n; i++)
		if (diff->list[i].kind == CHANGE_NODE_ADD && diff->list[i].node == node)
			return diff->list[i].reason;
	return false;
}

static int check_fresh_nodes(struct apply *apply, struct err *err)
{
	struct running *run = apply->build.run;
	int ret;

	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		const struct node *node = run->lab->nodes[i];

		if (!(apply->touch.nodes[i] & TOUCH_FRESH))
			continue;
		/* A node that is built again gets the name that it has now. */
		if (!run->nodes[i].ours || !is_built_again(apply->diff, node)) {
			ret = allocate_check_name(run, node, err);
			if (ret)
				return ret;
		}
		ret = allocate_foreign(run, node, &apply->build.fds[i], err);
		if (ret)
			return ret;
	}
	return 0;
}

/* The name of a new end must be free in a node that stays, or be the name of a removed end. */
static int check_name(struct apply *apply, struct nl *nl, const struct end *end, struct err *err)
{
	struct link_info info;
	int ret;

	if (!(end_touch(&apply->touch, end) & TOUCH_FRESH) ||
	    lab_find_end(apply->was->lab, end->name))
		return 0;
	ret = link_get(nl, 0, end->ifname, &info, err);
	if (ret == -ENODEV || ret)
		return ret == -ENODEV ? 0 : ret;
	return allocate_name_taken(
		end, &info,
		"it stays as it is, and so does the lab; rename the end in the lab file", err);
}

static int check_names(struct apply *apply, struct err *err)
{
	const struct lab *lab = apply->build.run->lab;
	int ret;

	for (size_t i = 0; i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];
		cleanup_nl struct nl *nl = NULL;

		if (!apply->touch.nodes[i] || apply->touch.nodes[i] & TOUCH_FRESH)
			continue;
		ret = nl_open(&nl, apply->build.fds[i], err);
		for (size_t j = 0; !ret && j < node->n_ends; j++)
			ret = check_name(apply, nl, node->ends[j], err);
		if (ret)
			return ret;
	}
	return 0;
}

/* The programs that the lab asked for when it was built are loaded, and no others. */
static int check_hooks(const struct apply *apply, struct err *err)
{
	const struct running *run = apply->build.run;
	const struct watch *watch = apply->build.watch;

	for (size_t i = 0; i < lab_n_ends(run->lab); i++) {
		const struct end *end = lab_end(run->lab, i);
		unsigned hooks = running_hooks(run, end);
		bool xdp = hooks != HOOKS_NONE && running_xdp(run, end) != XDP_MODE_OFF;

		if (!(end_touch(&apply->touch, end) & TOUCH_FRESH) ||
		    ((!(hooks & HOOKS_IN) || (watch && watch_has_hook(watch, VL_HOOK_IN))) &&
		     (!(hooks & HOOKS_OUT) || (watch && watch_has_hook(watch, VL_HOOK_OUT))) &&
		     (!xdp || (watch && watch_has_hook(watch, VL_HOOK_XDP)))))
			continue;
		err_set(err, ERR_FAILED, ENOENT,
			"%s: lab %s was built without a program that this end wants", end->name,
			run->name);
		err_hint(err, "`vethlab down %s`, then `up`, loads it", run->name);
		err_at(err, end->where);
		return -ENOENT;
	}
	return 0;
}

int preflight_check(struct apply *apply, struct err *err)
{
	int ret = check_hooks(apply, err);

	if (ret)
		return ret;
	ret = check_fresh_nodes(apply, err);
	return ret ? ret : check_names(apply, err);
}

/* ---- what undoing must know ------------------------------------------------------------------ */

static bool on_link(const struct link_info *info, void *arg)
{
	struct running *was = arg;
	struct end *end = lab_find_number(was->lab, info->ifindex - was->ifindex_base);

	if (end && !end->has_mac && !strcmp(end->ifname, info->ifname))
		memcpy(end->mac, info->mac, sizeof(info->mac));
	return true;
}

/* An end that undoing makes again gets the MAC address that it had, also if the kernel chose it. */
static int note_node(size_t i, void *arg, struct err *err)
{
	struct apply *apply = arg;
	cleanup_nl struct nl *nl = NULL;
	int ret;

	if (apply->was_fds[i] < 0)
		return 0;
	ret = nl_open(&nl, apply->was_fds[i], err);
	return ret ? ret : link_list(nl, on_link, apply->was, err);
}

int preflight_note(struct apply *apply, struct err *err)
{
	int ret;

	for (size_t i = 0; i < apply->diff->n; i++) {
		const struct lab_change *change = &apply->diff->list[i];
		const struct link *link = change->kind == CHANGE_LINK_REMOVE ? change->link
					  : change->kind == CHANGE_MAC	     ? change->was_end->link
									     : NULL;

		for (int side = 0; link && side < 2; side++) {
			struct lab_change of = {CHANGE_LINK_REMOVE, link->ends[side]->node};

			ret = open_node(apply, &of, err);
			if (ret)
				return ret;
		}
	}
	return workers_run(apply->was->lab->n_nodes, note_node, apply, err);
}
