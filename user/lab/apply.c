// SPDX-License-Identifier: GPL-2.0-only
/*
 * apply.c - makes the changes of a plan to a running lab. What goes is removed first, since names,
 * addresses and routes of what comes may be the same; whole nodes go last, when nothing can fail
 * any more, unless one of the same name comes. While it works the lab has no state, so that a kill
 * in the middle leaves a lab that `down`, gc and the next `up` take apart by its journal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/apply.h"
#include "user/lab/build.h"
#include "user/lab/change.h"
#include "user/lab/place.h"
#include "user/lab/workers.h"

struct apply {
	struct build build; /* of the lab that shall be */
	struct running *was;
	int *was_fds; /* namespaces of its nodes; -1: not open */
	struct diff *diff;
	struct touch touch;
	bool back; /* after a failure: some changes may not have been made */
};

/* ---- what is touched ----------------------------------------------------------------------- */

static void touch_node(struct apply *apply, const struct node *node, unsigned bits)
{
	apply->touch.nodes[node->index] |= bits;
}

/* A link comes: its ends are fresh, and sysctls of their nodes may be about them. */
static void touch_link(struct apply *apply, const struct change *change)
{
	for (int side = 0; side < 2; side++) {
		const struct end *end = change->link->ends[side];

		apply->touch.ends[end->number] |= change->done ? TOUCH_REPAIR : TOUCH_FRESH;
		touch_node(apply, end->node, TOUCH_REPAIR | TOUCH_SYSCTLS);
	}
}

/* A link goes: routes of its nodes that lead elsewhere now must be there. */
static void touch_without(struct apply *apply, const struct link *link)
{
	for (int side = 0; side < 2; side++) {
		const struct node *node = lab_find_node(apply->build.run->lab,
							link->ends[side]->node->name);

		if (node)
			touch_node(apply, node, TOUCH_REPAIR);
	}
}

/* An address of an end, lo or a bridge that stays; end is of either lab. */
static void touch_address(struct apply *apply, const struct change *change)
{
	const struct lab *lab = apply->build.run->lab;
	const struct node *node = lab_find_node(lab, change->node->name);

	if (change->end)
		apply->touch.ends[change->end->number] |= TOUCH_REPAIR;
	touch_node(apply, node, change->end ? TOUCH_REPAIR : TOUCH_REPAIR | TOUCH_LO);
}

static void touch_change(struct apply *apply, const struct change *change)
{
	switch (change->kind) {
	case CHANGE_NODE_ADD:
		/* Put back: one that is not ours is there still, but empty of what we had in it. */
		touch_node(apply, change->node,
			   !change->done ? TOUCH_FRESH :
					   TOUCH_REPAIR | TOUCH_LO | TOUCH_SYSCTLS |
						   (change->bridge ? TOUCH_BRIDGE : 0));
		break;
	case CHANGE_LINK_ADD:
		touch_link(apply, change);
		break;
	case CHANGE_LINK_REMOVE:
		touch_without(apply, change->link);
		break;
	case CHANGE_STATE:
		if (change->end->up)
			apply->touch.ends[change->end->number] |= TOUCH_WAIT;
		touch_address(apply, change);
		break;
	case CHANGE_MTU: /* below 1280 the kernel takes IPv6 away */
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

/* ---- namespaces ---------------------------------------------------------------------------- */

/* What the change leaves behind in the lab that was, and the one that shall be has no more of. */
static bool is_of_was(const struct change *change)
{
	return change->kind <= CHANGE_NODE_REMOVE;
}

/* Open the namespace of a change's node, once. */
static int open_node(struct apply *apply, const struct change *change, struct err *err)
{
	const struct running *run = is_of_was(change) ? apply->was : apply->build.run;
	int *fds = is_of_was(change) ? apply->was_fds : apply->build.fds;
	int *fd = &fds[change->node->index];

	if (*fd < 0)
		*fd = running_open_netns(run, change->node, err);
	return *fd < 0 ? *fd : 0;
}

/* Whether the node was never made, or is gone: then nothing is to be done in it. */
static bool is_missing(struct apply *apply, const struct change *change)
{
	const struct running *run = is_of_was(change) ? apply->was : apply->build.run;

	return !run->nodes[change->node->index].id.inode || open_node(apply, change, NULL);
}

static bool link_is_there(struct apply *apply, const struct change *change)
{
	const struct running *run = apply->build.run;
	struct change first = { CHANGE_LINK_ADD, change->link->ends[0]->node };
	struct link_info info;
	struct nl *nl = NULL;
	bool there;

	if (is_missing(apply, &first) || nl_open(&nl, apply->build.fds[first.node->index], NULL))
		return false;
	there = !link_get(nl, running_ifindex(run, change->link->ends[0]), NULL, &info, NULL);
	nl_close(nl);
	return there;
}

static bool bridge_is_there(struct apply *apply, const struct node *node)
{
	struct link_info info;
	struct nl *nl = NULL;
	bool there;

	if (nl_open(&nl, apply->build.fds[node->index], NULL))
		return false;
	there = !link_get(nl, running_bridge_ifindex(apply->build.run, node), NULL, &info, NULL);
	nl_close(nl);
	return there;
}

/*
 * Putting back: what was not done need not be undone. Looks at the kernel, since a batch of
 * requests may have failed in its middle.
 */
static void look(struct apply *apply)
{
	for (size_t i = 0; i < apply->diff->n; i++) {
		struct change *change = &apply->diff->list[i];
		const struct node *node = change->node;

		if (change->kind == CHANGE_LINK_ADD) {
			change->done = link_is_there(apply, change);
		} else if (change->kind == CHANGE_NODE_ADD) {
			change->done = !is_missing(apply, change);
			change->bridge = change->done && node->kind == NODE_BRIDGE &&
					 !bridge_is_there(apply, node);
		} else if (is_of_was(change)) {
			change->done = is_missing(apply, change);
		}
	}
}

static int open_touched(struct apply *apply, struct err *err)
{
	const struct lab *lab = apply->build.run->lab;
	int ret = 0;

	for (size_t i = 0; !ret && i < apply->diff->n; i++) {
		const struct change *change = &apply->diff->list[i];

		if (!change->done && change->kind != CHANGE_NODE_ADD &&
		    !(change->kind > CHANGE_NODE_ADD &&
		      node_touch(&apply->touch, change->node) & TOUCH_FRESH))
			ret = open_node(apply, change, err);
	}
	for (size_t i = 0; !ret && i < lab->n_nodes; i++) {
		struct change kept = { CHANGE_LINK_ADD, lab->nodes[i] };

		if (apply->touch.nodes[i] && !(apply->touch.nodes[i] & TOUCH_FRESH))
			ret = open_node(apply, &kept, err);
	}
	return ret;
}

/* ---- before anything is changed ------------------------------------------------------------ */

static bool has_reason(const struct diff *diff, const struct node *node)
{
	for (size_t i = 0; i < diff->n; i++)
		if (diff->list[i].kind == CHANGE_NODE_ADD && diff->list[i].node == node)
			return diff->list[i].reason;
	return false;
}

static int check_fresh_nodes(struct apply *apply, struct err *err)
{
	struct running *run = apply->build.run;
	int ret = 0;

	for (size_t i = 0; !ret && i < run->lab->n_nodes; i++) {
		const struct node *node = run->lab->nodes[i];

		if (!(apply->touch.nodes[i] & TOUCH_FRESH))
			continue;
		/* One that is built again gets the name that it has now. */
		if (!run->nodes[i].ours || !has_reason(apply->diff, node))
			ret = place_check_name(run, node, err);
		if (!ret)
			ret = place_foreign(run, node, &apply->build.fds[i], err);
	}
	return ret;
}

/* A fresh end's name must be free in a node that stays, or be that of an end that goes. */
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
	err_set(err, ERR_FAILED, EEXIST, "%s: an interface %s exists in that namespace (ifindex %u)",
		end->name, end->ifname, info.ifindex);
	err_hint(err, "it stays as it is, and so does the lab; rename the end in the lab file");
	err_at(err, end->where);
	return -EEXIST;
}

static int check_names(struct apply *apply, struct err *err)
{
	const struct lab *lab = apply->build.run->lab;
	int ret = 0;

	for (size_t i = 0; !ret && i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];
		struct nl *nl = NULL;

		if (!apply->touch.nodes[i] || apply->touch.nodes[i] & TOUCH_FRESH)
			continue;
		ret = nl_open(&nl, apply->build.fds[i], err);
		for (size_t j = 0; !ret && j < node->n_ends; j++)
			ret = check_name(apply, nl, node->ends[j], err);
		nl_close(nl);
	}
	return ret;
}

/* Programs were loaded when the lab was built, those that it wanted then. */
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

/* ---- what must be known to put it back ------------------------------------------------------- */

static bool on_link(const struct link_info *info, void *arg)
{
	struct running *was = arg;
	struct end *end = lab_find_number(was->lab, info->ifindex - was->ifindex_base);

	if (end && !end->has_mac && !strcmp(end->ifname, info->ifname))
		memcpy(end->mac, info->mac, sizeof(info->mac));
	return true;
}

/* The kernel chose MAC addresses where the file did not: an end that comes back gets its own. */
static int note_node(size_t i, void *arg, struct err *err)
{
	struct apply *apply = arg;
	struct nl *nl = NULL;
	int ret;

	if (apply->was_fds[i] < 0)
		return 0;
	ret = nl_open(&nl, apply->was_fds[i], err);
	if (!ret)
		ret = link_list(nl, on_link, apply->was, err);
	nl_close(nl);
	return ret;
}

static int note_macs(struct apply *apply, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < apply->diff->n; i++) {
		const struct change *change = &apply->diff->list[i];
		const struct link *link = change->kind == CHANGE_LINK_REMOVE ? change->link :
					  change->kind == CHANGE_MAC ? change->was_end->link :
								       NULL;

		for (int side = 0; !ret && link && side < 2; side++) {
			struct change of = { CHANGE_LINK_REMOVE, link->ends[side]->node };

			ret = open_node(apply, &of, err);
		}
	}
	return ret ? ret : workers_run(apply->was->lab->n_nodes, note_node, apply, err);
}

/* ---- changes inside nodes ------------------------------------------------------------------ */

/* Changes of one kind in one node, one after the other. */
struct range {
	size_t first, n;
};

struct in_nodes {
	struct apply *apply;
	struct range *ranges;
};

static int change_range(size_t i, void *arg, struct err *err)
{
	struct in_nodes *in = arg;
	struct apply *apply = in->apply;
	const struct change *change = &apply->diff->list[in->ranges[i].first];
	bool of_was = is_of_was(change);
	struct change_site site = {
		.run = of_was ? apply->was : apply->build.run,
		.netns_fd = (of_was ? apply->was_fds : apply->build.fds)[change->node->index],
	};
	int ret = build_interrupted(&apply->build, err);

	if (!ret)
		ret = node_enter(site.netns_fd, &site.nl, err);
	for (size_t j = 0; !ret && j < in->ranges[i].n; j++)
		if (!change[j].done)
			ret = change_make(&site, &change[j], err);
	if (!ret)
		ret = nl_flush(site.nl, err);
	nl_close(site.nl);
	return ret;
}

/* All changes of a kind, several nodes at a time. */
static int change_all(struct apply *apply, enum change_kind kind, struct err *err)
{
	struct in_nodes in = { .apply = apply };
	const struct change *list = apply->diff->list;
	size_t n = 0;
	int ret;

	in.ranges = calloc(apply->diff->n + 1, sizeof(*in.ranges));
	if (!in.ranges)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < apply->diff->n; i++) {
		if (list[i].kind != kind || list[i].done)
			continue;
		if (n && list[in.ranges[n - 1].first].node == list[i].node)
			in.ranges[n - 1].n = i + 1 - in.ranges[n - 1].first;
		else
			in.ranges[n++] = (struct range){ i, 1 };
	}
	ret = workers_run(n, change_range, &in, err);
	free(in.ranges);
	return ret;
}

static int change_kinds(struct apply *apply, enum change_kind first, enum change_kind last,
			struct err *err)
{
	int ret = 0;

	for (int kind = first; !ret && kind <= (int)last; kind++)
		ret = change_all(apply, kind, err);
	return ret;
}

/* ---- nodes and links that go and come ------------------------------------------------------ */

static int forget_ends(struct apply *apply, enum change_kind kind, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && apply->build.watch && i < apply->diff->n; i++) {
		const struct change *change = &apply->diff->list[i];

		for (int side = 0; !ret && side < 2; side++) {
			uint32_t number;

			if (change->kind != kind || change->done)
				continue;
			number = change->link->ends[side]->number;
			ret = watch_forget_end(apply->build.watch, number, err);
			/* A link that is put back goes on counting. */
			if (!ret && kind == CHANGE_LINK_ADD && !apply->back)
				ret = watch_clear_end(apply->build.watch, number, err);
		}
	}
	return ret;
}

/* Take the names of namespaces away: those of nodes that are built again, or the others. */
static int remove_nodes(struct apply *apply, bool again, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < apply->diff->n; i++) {
		const struct change *change = &apply->diff->list[i];
		const struct running_node *place;
		char mark[64];

		if (change->kind != CHANGE_NODE_REMOVE || change->done || !change->reason == again)
			continue;
		place = &apply->was->nodes[change->node->index];
		if (!place->ours)
			continue;
		netns_mark(apply->was->name, mark);
		ret = netns_unname(place->netns_name, &place->id, mark, err);
		ret = ret == -ESTALE ? 0 : ret;
	}
	return ret;
}

static int remove_all(struct apply *apply, struct err *err)
{
	int ret = change_kinds(apply, CHANGE_ROUTE_REMOVE, CHANGE_LINK_REMOVE, err);

	if (!ret)
		ret = forget_ends(apply, CHANGE_LINK_REMOVE, err);
	if (!ret)
		ret = change_kinds(apply, CHANGE_NODE_REMOVE, CHANGE_NODE_REMOVE, err);
	return ret ? ret : remove_nodes(apply, true, err);
}

static int make_all(struct apply *apply, struct err *err)
{
	struct build *build = &apply->build;
	int ret = netns_prepare_dir(err);

	if (!ret)
		ret = forget_ends(apply, CHANGE_LINK_ADD, err);
	if (!ret)
		ret = build_make(build, err);
	if (!ret)
		ret = change_kinds(apply, CHANGE_BRIDGE, CHANGE_STATE, err);
	if (!ret)
		ret = build_start(build, err);
	if (!ret)
		ret = change_all(apply, CHANGE_ROUTE_SET, err);
	if (!ret && !apply->back)
		ret = build_check(build, err);
	return ret;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int apply_open(struct apply *apply, struct running *was, struct running *now,
		      struct diff *diff, const struct lab_options *options, struct err *err)
{
	int ret;

	apply->was = was;
	apply->diff = diff;
	ret = build_open(&apply->build, now, options, err);
	apply->was_fds = malloc((was->lab->n_nodes + 1) * sizeof(*apply->was_fds));
	apply->touch.nodes = calloc(now->lab->n_nodes + 1, 1);
	apply->touch.ends = calloc(now->capacity + 1, 1);
	if (!apply->was_fds || !apply->touch.nodes || !apply->touch.ends)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < was->lab->n_nodes; i++)
		apply->was_fds[i] = -1;
	apply->build.touch = &apply->touch;
	if (!ret)
		ret = journal_open(&apply->build.journal, now->name, err);
	if (!ret) {
		ret = watch_open(&apply->build.watch, now->name, err);
		ret = ret == -ENOENT && (!err || !err->code) ? 0 : ret; /* it has no programs */
	}
	if (!ret && apply->back)
		look(apply);
	for (size_t i = 0; !ret && i < diff->n; i++)
		touch_change(apply, &diff->list[i]);
	return ret ? ret : open_touched(apply, err);
}

static void apply_close(struct apply *apply)
{
	for (size_t i = 0; apply->was_fds && i < apply->was->lab->n_nodes; i++)
		if (apply->was_fds[i] >= 0)
			close(apply->was_fds[i]);
	free(apply->was_fds);
	free(apply->touch.nodes);
	free(apply->touch.ends);
	build_close(&apply->build);
}

/* Make what was again what it was. */
static int put_back(struct plan *plan, struct err *err)
{
	const struct diff_options asked = { plan->was->xdp, plan->was->hooks };
	const struct lab_options options = { 0 };
	struct apply apply = { .back = true };
	struct diff diff;
	int ret;

	if (diff_labs(&diff, plan->now->lab, plan->was->lab, &asked))
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = apply_open(&apply, plan->now, plan->was, &diff, &options, err);
	if (!ret)
		ret = remove_all(&apply, err);
	if (!ret)
		ret = make_all(&apply, err);
	if (!ret)
		ret = remove_nodes(&apply, false, err);
	if (!ret)
		ret = state_write(plan->was, err);
	apply_close(&apply);
	diff_free(&diff);
	return ret;
}

/* The error says what became of the lab. */
static void after_failure(struct plan *plan, struct err *err)
{
	struct err back = { 0 };
	int failed = put_back(plan, &back);
	size_t used = err ? strlen(err->what) : 0;

	if (!err)
		return;
	if (!failed) {
		snprintf(err->what + used, sizeof(err->what) - used, "; lab %s is as it was",
			 plan->was->name);
		return;
	}
	snprintf(err->what + used, sizeof(err->what) - used,
		 "; and putting it back failed: %.200s", back.what);
	err->hint[0] = '\0';
	err_hint(err, "half of lab %s is changed, it does not count as running: `vethlab down %s` "
		      "removes it",
		 plan->was->name, plan->was->name);
}

static int apply_plan(struct plan *plan, const volatile int *interrupted, struct err *err)
{
	const struct lab_options options = { .interrupted = interrupted };
	struct apply apply = { 0 };
	bool begun;
	int ret = apply_open(&apply, plan->was, plan->now, &plan->diff, &options, err);

	if (!ret)
		ret = check_hooks(&apply, err);
	if (!ret)
		ret = check_fresh_nodes(&apply, err);
	if (!ret)
		ret = check_names(&apply, err);
	if (!ret)
		ret = note_macs(&apply, err);
	if (!ret)
		ret = state_hide(plan->now->name, err);
	begun = !ret;
	if (!ret)
		ret = remove_all(&apply, err);
	if (!ret)
		ret = make_all(&apply, err);
	apply_close(&apply); /* before nodes go or come back: descriptors keep namespaces */
	if (ret && begun)
		after_failure(plan, err);
	if (ret)
		return ret;
	ret = remove_nodes(&apply, false, err);
	return ret ? ret : state_write(plan->now, err);
}

int lab_apply(struct plan *plan, const char *name, struct lab *lab,
	      const volatile int *interrupted, struct err *err)
{
	const char *running = name ? name : lab->name;
	int lock, ret;

	*plan = (struct plan){ 0 };
	if (lab_state(running) == LAB_BROKEN) { /* a lock would make files for it */
		ret = lab_plan(plan, name, lab, err);
		return ret ? ret : err_set(err, ERR_FAILED, EAGAIN,
					   "lab %s has come up this moment: try again", running);
	}
	lock = lab_lock(running, err);
	if (lock < 0) {
		lab_free(lab);
		return lock;
	}
	ret = lab_plan(plan, name, lab, err);
	if (!ret && (plan->diff.n || strcmp(plan->was->lab->text, plan->now->lab->text) != 0))
		ret = apply_plan(plan, interrupted, err);
	close(lock);
	return ret;
}
