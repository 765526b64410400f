// SPDX-License-Identifier: GPL-2.0-only
/* attach_ends.c - attaches programs to interfaces of others, beside the programs of others. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/journal.h"
#include "user/lab/undo.h"
#include "user/observe/observe.h"

static struct observed_end *observed(const struct observe_end *job)
{
	return &job->run->observed[job->end->number];
}

/* An interface that was removed meanwhile is no failure: the next discovery will not find it. */
static bool was_removed(int error)
{
	return error == -ENODEV || error == -ENXIO;
}

static void attach_tcx(const struct observe_end *job)
{
	struct err err = {0};
	int ret = watch_attach_tcx(job->watch, job->end->number, observed(job)->ifindex,
				   job->end->name, &err);

	if (!ret) {
		observed(job)->hooks = job->hooks;
		return;
	}
	watch_forget_end(job->watch, job->end->number, NULL); /* one of two may be attached */
	if (!was_removed(ret))
		notes_tell(job->notes, "%s is not watched: %s", job->end->name, err.what);
}

static void attach_xdp(const struct observe_end *job)
{
	struct err err = {0};
	int ret = watch_attach_xdp(job->watch, job->end->number, observed(job)->ifindex, job->xdp,
				   job->end->name, &err);

	if (!ret)
		observed(job)->xdp = job->xdp;
	else if (ret == -EBUSY || ret == -EEXIST)
		notes_tell(job->notes,
			   "%s has an XDP program of somebody else, which stays: xdp is not "
			   "watched there",
			   job->end->name);
	else if (!was_removed(ret))
		notes_tell(job->notes, "xdp of %s is not watched: %s%s%s", job->end->name, err.what,
			   err.hint[0] ? "; " : "", err.hint);
}

/* Add a filter at one hook, after its line in the journal. */
static int attach_filter(const struct observe_end *job, struct nl *nl, enum vl_hook hook,
			 struct err *err)
{
	const struct netns_id *id = &job->run->nodes[job->end->node->index].id;
	struct watch_filter filter = {.ifindex = observed(job)->ifindex, .hook = hook};
	struct err refused = {0};
	cleanup_close int prog = watch_filter_load(job->watch, job->end->number, &filter, err);
	int ret;

	if (prog < 0)
		return prog == -ENOENT ? 0 : prog;
	ret = journal_filter(job->journal, id, &filter, err);
	if (ret)
		return ret;
	ret = watch_filter_add(nl, &filter, prog, job->end->name, &refused);
	if (!ret)
		observed(job)->hooks |= hook == VL_HOOK_OUT ? HOOKS_OUT : HOOKS_IN;
	if (!ret && filter.priority > 1)
		notes_tell(job->notes,
			   "%s: filters of somebody else stand before ours (priority %u): what "
			   "they drop is not counted",
			   job->end->name, filter.priority);
	if (ret && !was_removed(ret))
		notes_tell(job->notes, "%s is not watched: %s", job->end->name, refused.what);
	return 0;
}

/*
 * Make sure that the interface has a clsact qdisc: that of somebody else, or a new one. Returns
 * what watch_clsact_look() returns; TC_CLSACT_NONE: it cannot have one, and notes were told.
 */
static int make_clsact(const struct observe_end *job, struct nl *nl, struct err *err)
{
	const struct netns_id *id = &job->run->nodes[job->end->node->index].id;
	struct nl_what what = {.object = job->end->name, .action = "make a clsact qdisc"};
	uint32_t ifindex = observed(job)->ifindex;
	struct err refused = {0};
	int ret = watch_clsact_look(nl, ifindex, job->end->name, err);

	if (ret)
		return ret;
	ret = journal_clsact(job->journal, id, ifindex, err);
	if (ret)
		return ret;
	ret = watch_clsact_qdisc(nl, ifindex, &what, &refused);
	if (!ret)
		ret = nl_flush(nl, &refused);
	if (!ret)
		return TC_CLSACT_THERE;
	if (!was_removed(ret))
		notes_tell(job->notes, "%s is not watched: %s", job->end->name, refused.what);
	return TC_CLSACT_NONE;
}

static int attach_clsact(const struct observe_end *job, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	int ret = nl_open(&nl, job->netns_fd, err), qdisc;

	if (ret)
		return ret;
	observed(job)->hooks = 0;
	qdisc = make_clsact(job, nl, err);
	ret = qdisc < 0 ? qdisc : 0;
	if (qdisc == TC_CLSACT_INGRESS_ONLY)
		notes_tell(job->notes,
			   "%s has an ingress qdisc of somebody else in the place of clsact: "
			   "out is not watched there",
			   job->end->name);
	else if (qdisc == TC_CLSACT_THERE && job->hooks & HOOKS_OUT)
		ret = attach_filter(job, nl, VL_HOOK_OUT, err);
	if (!ret && qdisc != TC_CLSACT_NONE && job->hooks & HOOKS_IN)
		ret = attach_filter(job, nl, VL_HOOK_IN, err);
	if (!observed(job)->hooks)
		observed(job)->hooks = HOOKS_NONE;
	return ret;
}

/* Runs in the end's namespace, where bpf links resolve the ifindex. */
static int attach_links(void *arg)
{
	const struct observe_end *job = arg;

	if (job->run->tc == WATCH_TC_TCX)
		attach_tcx(job);
	if (job->xdp != XDP_MODE_OFF)
		attach_xdp(job);
	return 0;
}

int observe_attach(const struct observe_end *job, struct err *err)
{
	int ret;

	observed(job)->hooks = HOOKS_NONE;
	observed(job)->xdp = XDP_MODE_OFF;
	ret = job->run->tc == WATCH_TC_CLSACT ? attach_clsact(job, err) : 0;
	return ret ? ret : netns_run(job->netns_fd, attach_links, (void *)job, err);
}

int observe_detach(const struct running *run, struct watch *watch, const struct end *end,
		   struct err *err)
{
	int ret = watch_forget_end(watch, end->number, err);

	if (ret || run->tc != WATCH_TC_CLSACT || running_is_unseen(run, end->node))
		return ret;
	return undo_filters(run->name, &run->nodes[end->node->index].id, running_ifindex(run, end),
			    err);
}
