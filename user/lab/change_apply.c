// SPDX-License-Identifier: GPL-2.0-only
/*
 * change_apply.c - makes the changes of a plan to a running lab. What goes is removed first, since
 * names, addresses and routes of what comes may be the same; whole nodes go last, when nothing can
 * fail any more, unless one of the same name comes. While it works the lab has no state, so that a
 * kill in the middle leaves a lab that `down`, gc and the next `up` take apart by its journal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/lab/change.h"
#include "user/lab/foreign.h"
#include "user/lab/preflight.h"
#include "user/base/workers.h"
#include "user/lab/state.h"

/* ---- changes inside nodes ------------------------------------------------------------------ */

/* Changes of one kind in one node, one after the other. */
struct change_range {
	size_t first, n;
};

struct in_nodes {
	struct apply *apply;
	struct change_range *ranges;
};

static int change_range(size_t i, void *arg, struct err *err)
{
	struct in_nodes *in = arg;
	struct apply *apply = in->apply;
	const struct lab_change *change = &apply->diff->list[in->ranges[i].first];
	bool of_was = preflight_is_of_was(change);
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
static int change_all(struct apply *apply, enum lab_change_kind kind, struct err *err)
{
	struct in_nodes in = {.apply = apply};
	const struct lab_change *list = apply->diff->list;
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
			in.ranges[n++] = (struct change_range){i, 1};
	}
	ret = workers_run(n, change_range, &in, err);
	free(in.ranges);
	return ret;
}

static int change_kinds(struct apply *apply, enum lab_change_kind first, enum lab_change_kind last,
			struct err *err)
{
	int ret = 0;

	for (int kind = first; !ret && kind <= (int)last; kind++)
		ret = change_all(apply, kind, err);
	return ret;
}

/* ---- nodes and links that go and come ------------------------------------------------------ */

static int forget_ends(struct apply *apply, enum lab_change_kind kind, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && apply->build.watch && i < apply->diff->n; i++) {
		const struct lab_change *change = &apply->diff->list[i];

		for (int side = 0; !ret && side < 2; side++) {
			uint32_t number;

			if (change->kind != kind || change->done)
				continue;
			number = change->link->ends[side]->number;
			ret = watch_forget_end(apply->build.watch, number, err);
			/* A link that is put back goes on counting. */
			if (!ret && kind == CHANGE_LINK_ADD && !apply->undoing)
				ret = watch_clear_end(apply->build.watch, number, err);
		}
	}
	return ret;
}

/* The namespaces of ours that go: those of nodes that are built again, or the others. */
static size_t going_homes(const struct apply *apply, bool again, struct removed_netns *homes)
{
	size_t n = 0;

	for (size_t i = 0; i < apply->diff->n; i++) {
		const struct lab_change *change = &apply->diff->list[i];
		const struct running_node *place = NULL;

		if (change->kind == CHANGE_NODE_REMOVE && !change->done && !change->reason != again)
			place = &apply->was->nodes[change->node->index];
		if (!place || !place->ours)
			continue;
		snprintf(homes[n].name, sizeof(homes[n].name), "%s", place->netns_name);
		homes[n++].id = place->id;
	}
	return n;
}

/* As `down` does: what others put into these namespaces is handed back or named. */
static int remove_nodes(struct apply *apply, bool again, struct err *err)
{
	const struct journal_head head = {
		.ifindex_base = apply->was->ifindex_base,
		.range = apply->was->capacity + apply->was->slots,
		.group = apply->was->group,
	};
	struct removed_netns *homes = calloc(apply->diff->n + 1, sizeof(*homes));
	char mark[64];
	size_t n;
	int ret;

	if (!homes)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	n = going_homes(apply, again, homes);
	netns_mark(apply->was->name, mark);
	ret = foreign_move_out(homes, n, &head, apply->notes, err);
	if (ret)
		netns_removal_close(homes, n);
	else
		ret = netns_removal_unname(homes, n, mark, err);
	free(homes);
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
	if (!ret)
		ret = apply->undoing ? build_exec(build, err) : build_check(build, err);
	return ret;
}

/* ---- all of it ----------------------------------------------------------------------------- */

static int apply_open(struct apply *apply, struct running *was, struct running *now,
		      struct lab_diff *diff, const struct lab_options *options, struct err *err)
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
	apply->touch.lenient = apply->undoing;
	apply->build.touch = &apply->touch;
	if (!ret)
		ret = journal_open(&apply->build.journal, now->name, err);
	if (!ret) {
		ret = watch_open(&apply->build.watch, now->name, err);
		ret = !ret ? watch_open_programs(apply->build.watch, err)
		      : ret == -ENOENT && (!err || !err->code) ? 0
							       : ret; /* it has no programs */
	}
	return ret ? ret : preflight_touch(apply, err);
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
static int put_back(struct change_plan *plan, struct err *err)
{
	const struct lab_diff_options asked = {plan->was->xdp, plan->was->hooks};
	const struct lab_options options = {0};
	struct apply apply = {.undoing = true};
	struct lab_diff diff;
	int ret;

	if (lab_diff_make(&diff, plan->now->lab, plan->was->lab, &asked))
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
	lab_diff_free(&diff);
	return ret;
}

/* The error says what became of the lab. */
static void after_failure(struct change_plan *plan, struct err *err)
{
	struct err back = {0};
	int failed = put_back(plan, &back);
	size_t used = err ? strlen(err->what) : 0;

	if (!err)
		return;
	if (!failed) {
		snprintf(err->what + used, sizeof(err->what) - used, "; lab %s is as it was",
			 plan->was->name);
		return;
	}
	snprintf(err->what + used, sizeof(err->what) - used, "; and putting it back failed: %.200s",
		 back.what);
	err->hint[0] = '\0';
	err_hint(err,
		 "half of lab %s is changed, it does not count as running: `vethlab down %s` "
		 "removes it",
		 plan->was->name, plan->was->name);
}

static int apply_plan(struct change_plan *plan, const struct notes *notes,
		      const volatile int *interrupted, struct err *err)
{
	const struct lab_options options = {.interrupted = interrupted};
	struct apply apply = {.notes = notes};
	bool begun;
	int ret = apply_open(&apply, plan->was, plan->now, &plan->diff, &options, err);

	if (!ret)
		ret = preflight_check(&apply, err);
	if (!ret)
		ret = preflight_note(&apply, err);
	if (!ret)
		ret = state_hide(plan->now->name, err);
	begun = !ret;
	if (!ret)
		ret = remove_all(&apply, err);
	if (!ret)
		ret = make_all(&apply, err);
	apply_close(&apply); /* before nodes go or come back: descriptors keep namespaces */
	if (!ret)
		ret = remove_nodes(&apply, false, err);
	if (!ret)
		ret = state_write(plan->now, err);
	if (ret && begun)
		after_failure(plan, err);
	return ret;
}

int lab_apply(struct change_plan *plan, const char *name, struct lab *lab,
	      const struct notes *notes, const volatile int *interrupted, struct err *err)
{
	const char *running = name ? name : lab->name;
	int lock, ret;

	*plan = (struct change_plan){0};
	if (lab_state(running) == LAB_BROKEN) { /* a lock would make files for it */
		ret = lab_plan(plan, name, lab, err);
		return ret ? ret
			   : err_set(err, ERR_FAILED, EAGAIN,
				     "lab %s has come up this moment: try again", running);
	}
	lock = lab_lock(running, err);
	if (lock < 0) {
		lab_free(lab);
		return lock;
	}
	ret = lab_plan(plan, name, lab, err);
	if (!ret && (plan->diff.n || strcmp(plan->was->lab->text, plan->now->lab->text) != 0))
		ret = apply_plan(plan, notes, interrupted, err);
	close(lock);
	return ret;
}
