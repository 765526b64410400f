// SPDX-License-Identifier: GPL-2.0-only
/* refresh.c - see refresh.h: from what is seen to what the lab shall be, and there. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/lab/features.h"
#include "user/lab/journal.h"
#include "user/lab/state.h"
#include "user/lab/teardown.h"
#include "user/observe/observe.h"
#include "user/observe/draft.h"
#include "user/watch/exact_start.h"

static int no_memory(const char *name, struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "lab %s: out of memory", name);
}

/* ---- what is there already ------------------------------------------------------------------- */

/* The lab as it was; *was is NULL if there is none. */
static int read_was(struct running **was, const struct observe_options *options, struct err *err)
{
	int ret = state_read(was, options->name, err);

	if (ret == -ENOENT)
		return options->again ? -ENOENT : 0;
	if (ret)
		return ret;
	if ((*was)->observed)
		return 0;
	running_free(*was);
	*was = NULL;
	err_set(err, ERR_FAILED, EALREADY, "lab %s runs, and vethlab built it; nothing was changed",
		options->name);
	err_hint(err, "--name NAME gives what is observed another name");
	return -EALREADY;
}

/* Programs were loaded for other hooks, and are attached in another way. */
static int check_same(const struct running *was, const struct observe_options *options,
		      struct err *err)
{
	const char *what = NULL;

	if (options->hooks != HOOKS_DEFAULT && options->hooks != was->hooks)
		what = "--hooks";
	else if (options->xdp != XDP_MODE_DEFAULT && options->xdp != was->xdp)
		what = "--xdp";
	else if (options->tc != WATCH_TC_AUTO && options->tc != was->tc)
		what = "--tc";
	if (!what)
		return 0;
	err_set(err, ERR_FAILED, EINVAL, "lab %s is observed with another %s; nothing was changed",
		was->name, what);
	err_hint(err, "`vethlab down %s` first, or --name NAME for a second lab", was->name);
	return -EINVAL;
}

/* ---- a new lab ------------------------------------------------------------------------------- */

static int choose_hooks(struct running *now, const struct observe_options *options, struct err *err)
{
	now->hooks = options->hooks == HOOKS_DEFAULT ? HOOKS_IN | HOOKS_OUT : options->hooks;
	now->xdp = options->xdp == XDP_MODE_DEFAULT ? XDP_MODE_OFF : options->xdp;
	now->tc = now->hooks == HOOKS_NONE	 ? WATCH_TC_NONE
		  : options->tc == WATCH_TC_AUTO ? watch_tc_available()
						 : options->tc;
	if (now->tc == WATCH_TC_TCX && watch_tc_available() != WATCH_TC_TCX) {
		err_set(err, ERR_PRIVILEGE, EOPNOTSUPP,
			"--tc tcx: this kernel has no tcx (6.6 does)");
		err_hint(err, "--tc clsact counts the same, and is what --tc auto takes here");
		return -EOPNOTSUPP;
	}
	return 0;
}

/* Journal, programs, pins: as `up` makes them. */
static int begin(struct running *now, const struct observe_options *options, struct watch **watch,
		 struct journal **journal, struct err *err)
{
	struct watch_config config = {.lab = now->name, .n_ends = now->capacity, .observed = true};
	struct journal_head head = {0};
	int ret = choose_hooks(now, options, err);

	if (!ret)
		ret = lab_undo(now->name, NULL, err); /* what a crash left */
	if (!ret)
		ret = boot_id(head.boot, err);
	if (!ret)
		ret = journal_create(journal, now->name, &head, err);
	config.in = now->hooks & HOOKS_IN;
	config.out = now->hooks & HOOKS_OUT;
	config.xdp = now->xdp != XDP_MODE_OFF;
	if (!ret && !config.in && !config.out && !config.xdp)
		ret = err_set(err, ERR_USAGE, EINVAL, "--hooks none without --xdp watches nothing");
	if (!ret)
		ret = watch_load(watch, &config, err);
	if (!ret)
		ret = watch_mount_bpffs(err);
	now->mounted_bpffs = ret == 1;
	if (ret >= 0)
		ret = watch_pin(*watch, err);
	now->started = time(NULL);
	return ret;
}

static int go_on(struct running *now, struct watch **watch, struct journal **journal,
		 struct err *err)
{
	int ret = watch_open(watch, now->name, err);

	if (ret == -ENOENT && (!err || !err->code)) {
		err_set(err, ERR_FAILED, ENOENT, "lab %s: its pinned programs are gone", now->name);
		err_hint(err, "`vethlab down %s`, then observe again", now->name);
	}
	if (!ret)
		ret = watch_open_programs(*watch, err);
	return ret ? ret : journal_open(journal, now->name, err);
}

/* ---- the change ------------------------------------------------------------------------------ */

static int name_end(const struct running *now, struct watch *watch, const struct end *end,
		    struct err *err)
{
	struct vl_end words = {
		.in_use = 1,
		.ifindex = running_ifindex(now, end),
		.link = end->link->index,
		.peer = end->peer->number,
		.node_index = end->node->index,
		.netns = now->nodes[end->node->index].id.inode,
	};
	int ret;

	snprintf(words.lab, sizeof(words.lab), "%s", now->name);
	snprintf(words.node, sizeof(words.node), "%s", end->node->name);
	snprintf(words.ifname, sizeof(words.ifname), "%s", end->ifname);
	ret = watch_name_end(watch, end->number, &words, err);
	if (ret || running_is_unseen(now, end->node))
		return ret;
	return watch_place_end(watch, end->number, &words, err);
}

static int drop_links(const struct draft *draft, struct watch *watch,
		      const struct observe_listener *listener, struct err *err)
{
	const struct running *was = draft->was;
	int ret = 0;

	for (size_t i = 0; was && !ret && i < was->lab->n_links; i++) {
		const struct link *link = was->lab->links[i];

		if (draft_keeps(draft, link))
			continue;
		for (int side = 0; !ret && side < 2; side++)
			ret = observe_detach(was, watch, link->ends[side], err);
		if (!ret && listener && listener->went)
			listener->went(was, link, listener->arg);
	}
	return ret;
}

static int take_link(const struct draft *draft, struct running *now, struct watch *watch,
		     struct journal *journal, const struct link *link,
		     const struct observe_listener *listener, struct err *err)
{
	int ret = 0;

	/* What an observer that died in the middle left under these numbers goes first. */
	for (int side = 0; !ret && side < 2; side++) {
		ret = observe_detach(now, watch, link->ends[side], err);
		if (!ret)
			ret = watch_clear_end(watch, link->ends[side]->number, err);
	}
	for (int side = 0; !ret && side < 2; side++)
		ret = name_end(now, watch, link->ends[side], err);
	for (int side = 0; !ret && side < 2; side++) {
		struct observe_end job = {
			.run = now,
			.watch = watch,
			.journal = journal,
			.end = link->ends[side],
			.notes = listener ? listener->notes : NULL,
			.hooks = now->hooks,
			.xdp = now->xdp,
			.netns_fd = draft_netns_fd(draft, link->ends[side]->node),
		};

		if (job.netns_fd >= 0)
			ret = observe_attach(&job, err);
	}
	if (!ret && listener && listener->came)
		listener->came(now, link, listener->arg);
	return ret;
}

/* Both ends have their programs: the ledgers of the new links begin. */
static int begin_links(const struct draft *draft, const struct running *now, struct watch *watch,
		       struct err *err)
{
	struct watch_exact_start *cuts = calloc(lab_n_ends(now->lab) + 1, sizeof(*cuts));
	size_t n = 0;
	int ret;

	if (!cuts)
		return no_memory(now->name, err);
	for (size_t i = 0; i < now->lab->n_links; i++)
		for (int side = 0; !draft->links[i].was && side < 2; side++) {
			const struct end *end = now->lab->links[i]->ends[side];

			cuts[n++] = (struct watch_exact_start){.from = end->number,
							       .to = end->peer->number};
		}
	ret = n ? watch_note_start(watch, cuts, n, err) : 0;
	free(cuts);
	return ret;
}

static int interrupted(const struct observe_options *options, struct err *err)
{
	if (!options->interrupted || !*options->interrupted)
		return 0;
	return err_set(err, ERR_FAILED, EINTR, "interrupted: what was done is undone");
}

static int commit(const struct draft *draft, struct running *now,
		  const struct observe_options *options, const struct observe_listener *listener,
		  struct err *err)
{
	struct journal *journal = NULL;
	struct watch *watch = NULL;
	int ret = draft->was ? go_on(now, &watch, &journal, err)
			     : begin(now, options, &watch, &journal, err);

	if (!ret)
		ret = drop_links(draft, watch, listener, err);
	for (size_t i = 0; !ret && i < now->lab->n_links; i++) {
		if (!draft->links[i].was)
			ret = interrupted(options, err);
		if (!ret && !draft->links[i].was)
			ret = take_link(draft, now, watch, journal, now->lab->links[i], listener,
					err);
	}
	if (!ret)
		ret = begin_links(draft, now, watch, err);
	/* Places in the lab have changed. */
	for (size_t i = 0; !ret && i < lab_n_ends(now->lab); i++)
		ret = name_end(now, watch, lab_end(now->lab, i), err);
	if (!ret)
		ret = state_write(now, err);
	watch_close(watch);
	journal_close(journal);
	return ret;
}

/* Nothing stays of a lab that was not there before; one that was keeps what it had. */
static void take_back(const struct draft *draft, const struct running *now, struct err *err)
{
	struct err undo = {0};
	struct watch *watch = NULL;

	if (!draft->was) {
		if (lab_remove(now->name, NULL, &undo))
			err_hint(err, "and undoing it failed: %s; try `vethlab down %s`", undo.what,
				 now->name);
		return;
	}
	if (watch_open(&watch, now->name, &undo))
		return;
	for (size_t i = 0; i < now->lab->n_links; i++)
		for (int side = 0; !draft->links[i].was && side < 2; side++)
			observe_detach(now, watch, now->lab->links[i]->ends[side], &undo);
	watch_close(watch);
}

/* Under the lab's lock. Takes draft->was on success. */
static int change(struct running **run, struct draft *draft, const struct observe_options *options,
		  const struct observe_listener *listener, struct err *err)
{
	struct running *now = NULL;
	int ret = draft_running(&now, draft, err);

	if (!ret) {
		ret = commit(draft, now, options, listener, err);
		if (ret)
			take_back(draft, now, err);
	}
	if (ret) {
		running_free(now);
		return ret;
	}
	*run = now;
	return 1;
}

static int observe_locked(struct running **run, const struct discovery *seen,
			  const struct observe_options *options,
			  const struct observe_listener *listener, struct err *err)
{
	struct running *was = NULL;
	struct draft draft;
	int ret = read_was(&was, options, err);

	if (!ret && was)
		ret = check_same(was, options, err);
	if (!ret)
		ret = draft_make(&draft, seen, was, options, listener ? listener->notes : NULL,
				 err);
	if (!ret) {
		ret = was || draft.n_links || options->may_be_empty
			      ? change(run, &draft, options, listener, err)
			      : -ENODATA;
		draft_free(&draft);
	}
	running_free(was);
	return ret;
}

/* Whether the lab is already what there is; *run is the lab then. */
static int is_current(struct running **run, const struct discovery *seen,
		      const struct observe_options *options, struct err *err)
{
	struct running *was = NULL;
	struct draft draft;
	int ret = read_was(&was, options, err), same = 0;

	if (!ret && was)
		ret = check_same(was, options, err);
	if (ret || !was) {
		running_free(was);
		return ret;
	}
	ret = draft_make(&draft, seen, was, options, NULL, err);
	if (!ret) {
		same = draft_changes_nothing(&draft);
		draft_free(&draft);
	}
	if (!same)
		running_free(was);
	else
		*run = was;
	return ret ? ret : same;
}

int observe_refresh(struct running **run, const struct observe_options *options,
		    const struct observe_listener *listener, struct err *err)
{
	struct discovery seen;
	int lock, ret;

	if (lab_name_problem(options->name))
		return err_set(err, ERR_USAGE, EINVAL, "lab name '%s': %s", options->name,
			       lab_name_problem(options->name));
	ret = lab_privileges(err);
	if (!ret)
		ret = discovery_make(&seen, err);
	if (ret)
		return ret;
	/* A lock makes others wait, and files: not for nothing. */
	ret = is_current(run, &seen, options, err);
	if (ret) {
		discovery_free(&seen);
		return ret < 0 ? ret : 0;
	}
	lock = lab_lock(options->name, err);
	ret = lock < 0 ? lock : observe_locked(run, &seen, options, listener, err);
	if (lock >= 0 && ret < 0 && !lab_has_files(options->name))
		files_remove(options->name, NULL);
	if (lock >= 0)
		close(lock);
	discovery_free(&seen);
	return ret < 0 && err && err->code == ERR_SYSTEM && err->error == ENOMEM
		       ? no_memory(options->name, err)
		       : ret;
}
