// SPDX-License-Identifier: GPL-2.0-only
/*
 * change_apply.c - makes the changes of a plan to a running lab. Removals come first, since
 * additions may have the same names, addresses and routes. Whole nodes are removed last, when
 * nothing can fail any more, except those that are replaced by one of the same name. Meanwhile the
 * lab has no state.json: if the process dies, `down`, `gc` and the next `up` undo the lab by its
 * journal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/workers.h"
#include "user/change/change.h"
#include "user/lab/foreign.h"
#include "user/change/change_preflight.h"
#include "user/change/edit.h"
#include "user/lab/state.h"

/* ---- changes inside nodes ------------------------------------------------------------------ */

/* Changes of one kind in one node: they follow each other in the diff. */
struct change_range {
	size_t first, n;
};

struct kind_changes {
	struct apply *apply;
	struct change_range *ranges;
};

static int change_range(size_t i, void *arg, struct err *err)
{
	struct kind_changes *changes = arg;
	struct apply *apply = changes->apply;
	const struct lab_change *change = &apply->diff->list[changes->ranges[i].first];
	bool of_was = preflight_is_of_was(change);
	struct change_site site = {
		.run = of_was ? apply->was : apply->build.run,
		.netns_fd = (of_was ? apply->was_fds : apply->build.fds)[change->node->index],
	};
	cleanup_nl struct nl *nl = NULL;
	int ret = build_interrupted(&apply->build, err);

	if (ret)
		return ret;
	ret = node_enter(site.netns_fd, &nl, err);
	site.nl = nl;
	for (size_t j = 0; !ret && j < changes->ranges[i].n; j++)
		if (!change[j].done)
			ret = change_make(&site, &change[j], err);
	return ret ? ret : nl_flush(nl, err);
}

/* Make all changes of a kind, in several nodes at the same time. */
static int change_all(struct apply *apply, enum lab_change_kind kind, struct err *err)
{
	struct kind_changes changes = {.apply = apply};
	const struct lab_change *list = apply->diff->list;
	size_t n = 0;
	int ret;

	changes.ranges = calloc(apply->diff->n + 1, sizeof(*changes.ranges));
	if (!changes.ranges)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < apply->diff->n; i++) {
		if (list[i].kind != kind || list[i].done)
			continue;
		if (n && list[changes.ranges[n - 1].first].node == list[i].node)
			changes.ranges[n - 1].n = i + 1 - changes.ranges[n - 1].first;
		else
			changes.ranges[n++] = (struct change_range){i, 1};
	}
	ret = workers_run(n, change_range, &changes, err);
	free(changes.ranges);
	return ret;
}

static int change_kinds(struct apply *apply, enum lab_change_kind first, enum lab_change_kind last,
			struct err *err)
{
	int ret;

	for (int kind = first; kind <= (int)last; kind++) {
		ret = change_all(apply, kind, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- whole nodes and links ----------------------------------------------------------------- */

static int forget_end(struct apply *apply, const struct end *end, enum lab_change_kind kind,
		      struct err *err)
{
	int ret = watch_forget_end(apply->build.watch, end->number, err);

	/* The counters of a link go on if it is made again to undo a failed change. */
	if (ret || kind != CHANGE_LINK_ADD || apply->undoing)
		return ret;
	return watch_clear_end(apply->build.watch, end->number, err);
}

/* Detach the programs from the ends of links that are removed or added. */
static int forget_ends(struct apply *apply, enum lab_change_kind kind, struct err *err)
{
	int ret;

	for (size_t i = 0; apply->build.watch && i < apply->diff->n; i++) {
		const struct lab_change *change = &apply->diff->list[i];

		if (change->kind != kind || change->done)
			continue;
		for (int side = 0; side < 2; side++) {
			ret = forget_end(apply, change->link->ends[side], kind, err);
			if (ret)
				return ret;
		}
	}
	return 0;
}

/*
 * List the lab's namespaces that are to be removed: those of nodes that are built again (replaced),
 * or those of the other nodes. Returns how many.
 */
static size_t list_removed(const struct apply *apply, bool replaced, struct removed_netns *list)
{
	size_t n = 0;

	for (size_t i = 0; i < apply->diff->n; i++) {
		const struct lab_change *change = &apply->diff->list[i];
		const struct running_node *node = NULL;

		if (change->kind == CHANGE_NODE_REMOVE && !change->done &&
		    !change->reason != replaced)
			node = &apply->was->nodes[change->node->index];
		if (!node || !node->ours)
			continue;
		snprintf(list[n].name, sizeof(list[n].name), "%s", node->netns_name);
		list[n++].id = node->id;
	}
	return n;
}

/* Remove namespaces as `down` does, with what others put into them. */
static int remove_nodes(struct apply *apply, bool replaced, struct err *err)
{
	const struct journal_head head = {
		.ifindex_base = apply->was->ifindex_base,
		.range = apply->was->capacity + apply->was->slots,
		.group = apply->was->group,
	};
	cleanup_free struct removed_netns *list = calloc(apply->diff->n + 1, sizeof(*list));
	char mark[64];
	size_t n;
	int ret;

	if (!list)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	n = list_removed(apply, replaced, list);
	netns_mark(apply->was->name, mark);
	ret = foreign_move_out(list, n, &head, apply->notes, err);
	if (!ret)
		return netns_removal_unname(list, n, mark, err);
	netns_removal_close(list, n);
	return ret;
}

static int remove_all(struct apply *apply, struct err *err)
{
	int ret = change_kinds(apply, CHANGE_ROUTE_REMOVE, CHANGE_LINK_REMOVE, err);

	if (ret)
		return ret;
	ret = forget_ends(apply, CHANGE_LINK_REMOVE, err);
	if (ret)
		return ret;
	ret = change_kinds(apply, CHANGE_NODE_REMOVE, CHANGE_NODE_REMOVE, err);
	return ret ? ret : remove_nodes(apply, true, err);
}

static int make_all(struct apply *apply, struct err *err)
{
	struct build *build = &apply->build;
	int ret = netns_prepare_dir(err);

	if (ret)
		return ret;
	ret = forget_ends(apply, CHANGE_LINK_ADD, err);
	if (ret)
		return ret;
	ret = build_make(build, err);
	if (ret)
		return ret;
	ret = change_kinds(apply, CHANGE_BRIDGE, CHANGE_STATE, err);
	if (ret)
		return ret;
	ret = build_start(build, err);
	if (ret)
		return ret;
	ret = change_all(apply, CHANGE_ROUTE_SET, err);
	if (ret)
		return ret;
	return apply->undoing ? build_exec(build, err) : build_check(build, err);
}

/* ---- the whole plan -------------------------------------------------------------------------- */

static int open_watch(struct watch **watch, const struct running *run, struct err *err)
{
	int ret = running_open_watch(watch, run, err);

	if (ret == -ENOENT && (!err || !err->code))
		return 0; /* the lab has no programs */
	return ret ? ret : watch_open_programs(*watch, err);
}

/* Call apply_close(), after a failure too. */
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
	if (ret)
		return ret;
	ret = journal_open(&apply->build.journal, now->name, err);
	if (ret)
		return ret;
	ret = open_watch(&apply->build.watch, now, err);
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

static int make_changes(struct apply *apply, struct err *err)
{
	int ret = remove_all(apply, err);

	return ret ? ret : make_all(apply, err);
}

/*
 * Undo a failed change: make the changes from the lab as it should be to the lab as it was. late:
 * the programs that were loaded for it.
 */
static int undo_changes(struct change_plan *plan, unsigned late, struct err *err)
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
		ret = make_changes(&apply, err);
	if (!ret)
		ret = remove_nodes(&apply, false, err);
	if (!ret)
		ret = watch_unload_late(plan->was->name, late, err);
	if (!ret)
		ret = state_write(plan->was, err);
	apply_close(&apply);
	lab_diff_free(&diff);
	return ret;
}

/* Undo the changes; err says whether that succeeded. */
static void after_failure(struct change_plan *plan, unsigned late, struct err *err)
{
	struct err undo_err = {0};
	int failed = undo_changes(plan, late, &undo_err);
	size_t used = err ? strlen(err->what) : 0;

	if (!err)
		return;
	if (!failed) {
		snprintf(err->what + used, sizeof(err->what) - used, "; lab %s is as it was",
			 plan->was->name);
		return;
	}
	snprintf(err->what + used, sizeof(err->what) - used, "; and putting it back failed: %.200s",
		 undo_err.what);
	err->hint[0] = '\0';
	err_hint(err,
		 "half of lab %s is changed, it does not count as running: `vethlab down %s` "
		 "removes it",
		 plan->was->name, plan->was->name);
}

static int prepare(struct apply *apply, struct change_plan *plan, const struct lab_options *options,
		   struct err *err)
{
	int ret = apply_open(apply, plan->was, plan->now, &plan->diff, options, err);

	if (ret)
		return ret;
	ret = preflight_check(apply, err);
	if (ret)
		return ret;
	ret = preflight_note(apply, err);
	if (ret)
		return ret;
	ret = state_reserve(plan->now, err);
	return ret ? ret : state_hide(plan->now->name, err);
}

/* An end was set up, or its peer: what was added to it by hand, or by commands of the file, stays
 * or goes. */
static void release_down(const struct change_plan *plan, const struct end *end, bool keep_foreign,
			 const struct notes *notes)
{
	bool ours = plan->now->nodes[end->node->index].ours; /* else it stays (live.c) */
	bool compared = !keep_foreign && !end->node->n_exec && ours;
	struct err err = {0};

	if (edit_restore_added(plan->now, end, compared ? DOWN_UNCOMPARED : DOWN_ADDED, &err))
		notes_tell(notes,
			   "%s: not all is back that went down with it: %s; `vethlab link %s up` "
			   "tries again",
			   end->name, err.what, end->name);
}

static void forget_downs(const char *lab, uint32_t number)
{
	down_record_forget(lab, number, DOWN_BY_STATE);
	down_record_forget(lab, number, DOWN_BY_CARRIER);
}

/* What the kernel dropped with an end that was set up or removed since is of no use any more. */
static void release_downs(const struct change_plan *plan, bool keep_foreign,
			  const struct notes *notes)
{
	for (size_t i = 0; i < plan->diff.n; i++) {
		const struct lab_change *change = &plan->diff.list[i];

		if (change->kind == CHANGE_STATE && change->end->up) {
			release_down(plan, change->end, keep_foreign, notes);
			release_down(plan, change->end->peer, keep_foreign, notes); /* a carrier */
		}
		for (int side = 0; change->kind == CHANGE_LINK_REMOVE && side < 2; side++)
			forget_downs(plan->now->name, change->link->ends[side]->number);
	}
}

static int apply_plan(struct change_plan *plan, bool keep_foreign, const struct notes *notes,
		      const volatile int *interrupted, struct err *err)
{
	const struct lab_options options = {.interrupted = interrupted};
	struct apply apply = {.notes = notes};
	int ret = prepare(&apply, plan, &options, err);
	bool begun = !ret;
	unsigned late;

	if (!ret)
		ret = make_changes(&apply, err);
	late = watch_late_programs(apply.build.watch);
	/* Close the descriptors of namespaces first: they would keep a removed one alive. */
	apply_close(&apply);
	if (!ret)
		ret = remove_nodes(&apply, false, err);
	state_release(plan->now->name); /* it is for these files, and for undoing */
	if (!ret)
		ret = state_write(plan->now, err);
	if (!ret)
		release_downs(plan, keep_foreign, notes);
	if (ret && begun)
		after_failure(plan, late, err);
	return ret;
}

/* Those that are still missing: a link that was made again has its own. */
static int attach_programs(struct change_plan *plan, const char *node, const struct notes *notes,
			   struct err *err)
{
	free(cleanup_take(plan->programs));
	plan->n_programs = 0;
	return reattach_find(&plan->programs, &plan->n_programs, plan->now, node, err)
		       ?: reattach(plan->programs, plan->n_programs, plan->now, notes, err);
}

/* The changes are not undone for that. */
static void tell_changed(const struct change_plan *plan, struct err *err)
{
	size_t used = err ? strlen(err->what) : 0;

	if (err)
		snprintf(err->what + used, sizeof(err->what) - used,
			 "; the changes of lab %s are made", plan->now->name);
}

int lab_apply(struct change_plan *plan, const struct change_options *options, struct lab *lab,
	      const struct notes *notes, const volatile int *interrupted, struct err *err)
{
	const char *running = options->name || !lab ? options->name : lab->name;
	bool changes;
	int lock, ret;

	*plan = (struct change_plan){0};
	if (lab_state(running) == LAB_BROKEN) { /* lab_lock() would make files for it */
		ret = lab_plan(plan, options, lab, err);
		return ret ? ret
			   : err_set(err, ERR_FAILED, EAGAIN,
				     "lab %s has come up this moment: try again", running);
	}
	lock = lab_lock(running, err);
	if (lock < 0) {
		lab_free(lab);
		return lock;
	}
	ret = lab_plan(plan, options, lab, err);
	changes = !ret && (plan->diff.n || strcmp(plan->was->lab->text, plan->now->lab->text) != 0);
	if (changes)
		ret = apply_plan(plan, options->keep_foreign, notes, interrupted, err);
	if (!ret && plan->n_programs) {
		ret = attach_programs(plan, options->node, notes, err);
		if (ret && changes)
			tell_changed(plan, err);
	}
	close(lock);
	return ret;
}
