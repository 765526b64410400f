// SPDX-License-Identifier: GPL-2.0-only
/* refresh.c - observe_refresh(): drafts the lab from a discovery, and changes the lab to it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/machine_features.h"
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

/* ---- the lab as it was ----------------------------------------------------------------------- */

/* Read the lab as it was; *was stays NULL if there is none. */
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

/* An observed lab cannot change its hooks: its programs are loaded for those that it began with. */
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
	return watch_tc_check(now->tc, err);
}

/* Begin the journal, load the programs and pin them, as `up` does. */
static int begin_lab(struct running *now, const struct observe_options *options,
		     struct watch **watch, struct journal **journal, struct err *err)
{
	struct watch_config config = {.lab = now->name, .n_ends = now->capacity, .observed = true};
	struct journal_head head = {0};
	int ret = choose_hooks(now, options, err);

	if (ret)
		return ret;
	ret = lab_undo(now->name, NULL, err); /* what a crash left */
	if (ret)
		return ret;
	ret = boot_id(head.boot, err);
	if (ret)
		return ret;
	ret = journal_create(journal, now->name, &head, err);
	if (ret)
		return ret;
	config.in = now->hooks & HOOKS_IN;
	config.out = now->hooks & HOOKS_OUT;
	config.xdp_generic = now->xdp == XDP_MODE_GENERIC;
	config.xdp_native = now->xdp == XDP_MODE_NATIVE;
	if (!config.in && !config.out && now->xdp == XDP_MODE_OFF)
		return err_set(err, ERR_USAGE, EINVAL,
			       "--hooks none without --xdp watches nothing");
	ret = watch_load(watch, &config, err);
	if (ret)
		return ret;
	ret = watch_mount_bpffs(err);
	now->mounted_bpffs = ret == 1;
	if (ret < 0)
		return ret;
	now->started = time(NULL);
	return watch_pin(*watch, err);
}

static int reopen_lab(struct running *now, struct watch **watch, struct journal **journal,
		      struct err *err)
{
	int ret = running_open_watch(watch, now, err);

	if (ret == -ENOENT && (!err || !err->code)) {
		err_set(err, ERR_FAILED, ENOENT, "lab %s: its pinned programs are gone", now->name);
		err_hint(err, "`vethlab down %s`, then observe again", now->name);
	}
	if (ret)
		return ret;
	ret = watch_open_programs(*watch, err);
	return ret ? ret : journal_open(journal, now->name, err);
}

/* ---- the change ------------------------------------------------------------------------------ */

/* A change of an observed lab from draft->was to now. All is borrowed but watch and journal. */
struct observe_change {
	const struct draft *draft;
	struct running *now;
	const struct observe_options *options;
	const struct observe_listener *listener;
	struct watch *watch;
	struct journal *journal;
};

/* Write an end of the lab into the maps. */
static int write_end(const struct running *now, struct watch *watch, const struct end *end,
		     struct err *err)
{
	struct vl_end entry = {
		.in_use = 1,
		.ifindex = running_ifindex(now, end),
		.link = end->link->index,
		.peer = end->peer->number,
		.node_index = end->node->index,
		.netns = now->nodes[end->node->index].id.inode,
	};
	int ret;

	snprintf(entry.lab, sizeof(entry.lab), "%s", now->name);
	snprintf(entry.node, sizeof(entry.node), "%s", end->node->name);
	snprintf(entry.ifname, sizeof(entry.ifname), "%s", end->ifname);
	ret = watch_name_end(watch, end->number, &entry, err);
	if (ret || running_is_unseen(now, end->node))
		return ret;
	return watch_place_end(watch, end->number, &entry, err);
}

static int detach_link(const struct running *run, struct watch *watch, const struct link *link,
		       struct err *err)
{
	int ret = observe_detach(run, watch, link->ends[0], err);

	return ret ? ret : observe_detach(run, watch, link->ends[1], err);
}

static int remove_links(const struct draft *draft, struct watch *watch,
			const struct observe_listener *listener, struct err *err)
{
	const struct running *was = draft->was;
	int ret;

	for (size_t i = 0; was && i < was->lab->n_links; i++) {
		const struct link *link = was->lab->links[i];

		if (draft_keeps(draft, link))
			continue;
		ret = detach_link(was, watch, link, err);
		if (ret)
			return ret;
		if (listener && listener->removed)
			listener->removed(was, link, listener->arg);
	}
	return 0;
}

static int attach_end(const struct observe_change *change, const struct end *end, struct err *err)
{
	const struct observe_end job = {
		.run = change->now,
		.watch = change->watch,
		.journal = change->journal,
		.end = end,
		.notes = change->listener ? change->listener->notes : NULL,
		.hooks = change->now->hooks,
		.xdp = change->now->xdp,
		.netns_fd = draft_netns_fd(change->draft, end->node),
	};

	return job.netns_fd < 0 ? 0 : observe_attach(&job, err);
}

static int add_link(const struct observe_change *change, const struct link *link, struct err *err)
{
	const struct observe_listener *listener = change->listener;
	int ret;

	for (int side = 0; side < 2; side++) {
		/* An observer that died in the middle may have left programs under this number. */
		ret = observe_detach(change->now, change->watch, link->ends[side], err);
		if (ret)
			return ret;
		ret = watch_clear_end(change->watch, link->ends[side]->number, err);
		if (ret)
			return ret;
	}
	for (int side = 0; side < 2; side++) {
		ret = write_end(change->now, change->watch, link->ends[side], err);
		if (ret)
			return ret;
	}
	for (int side = 0; side < 2; side++) {
		ret = attach_end(change, link->ends[side], err);
		if (ret)
			return ret;
	}
	if (listener && listener->added)
		listener->added(change->now, link, listener->arg);
	return 0;
}

/* Note where the ledgers of the new links start: both ends of each have their programs now. */
static int start_links(const struct draft *draft, const struct running *now, struct watch *watch,
		       struct err *err)
{
	struct watch_exact_start *starts = calloc(lab_n_ends(now->lab) + 1, sizeof(*starts));
	size_t n = 0;
	int ret;

	if (!starts)
		return no_memory(now->name, err);
	for (size_t i = 0; i < now->lab->n_links; i++)
		for (int side = 0; !draft->links[i].was && side < 2; side++) {
			const struct end *end = now->lab->links[i]->ends[side];

			starts[n++] = (struct watch_exact_start){.from = end->number,
								 .to = end->peer->number};
		}
	ret = n ? watch_note_start(watch, starts, n, err) : 0;
	free(starts);
	return ret;
}

static int interrupted(const struct observe_options *options, struct err *err)
{
	if (!options->interrupted || !*options->interrupted)
		return 0;
	return err_set(err, ERR_FAILED, EINTR, "interrupted: what was done is undone");
}

static int commit(struct observe_change *change, struct err *err)
{
	const struct draft *draft = change->draft;
	struct running *now = change->now;
	int ret = draft->was
			  ? reopen_lab(now, &change->watch, &change->journal, err)
			  : begin_lab(now, change->options, &change->watch, &change->journal, err);

	if (ret)
		return ret;
	ret = remove_links(draft, change->watch, change->listener, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < now->lab->n_links; i++) {
		if (draft->links[i].was)
			continue;
		ret = interrupted(change->options, err);
		if (ret)
			return ret;
		ret = add_link(change, now->lab->links[i], err);
		if (ret)
			return ret;
	}
	ret = start_links(draft, now, change->watch, err);
	if (ret)
		return ret;
	/* The indexes of kept links and nodes may have changed. */
	for (size_t i = 0; i < lab_n_ends(now->lab); i++) {
		ret = write_end(now, change->watch, lab_end(now->lab, i), err);
		if (ret)
			return ret;
	}
	return state_write(now, err);
}

/* A lab that did not exist before is removed; one that did keeps the links that it had. */
static void undo_change(const struct draft *draft, const struct running *now, struct err *err)
{
	struct err undo_err = {0};
	struct watch *watch = NULL;

	if (!draft->was) {
		if (lab_remove(now->name, NULL, &undo_err))
			err_hint_also(err, "undoing it failed: %s; try `vethlab down %s`",
				      undo_err.what, now->name);
		return;
	}
	if (watch_open(&watch, now->name, &undo_err))
		return;
	for (size_t i = 0; i < now->lab->n_links; i++)
		for (int side = 0; !draft->links[i].was && side < 2; side++)
			observe_detach(now, watch, now->lab->links[i]->ends[side], &undo_err);
	watch_close(watch);
}

/* Change the lab to the draft, under the lab's lock. Returns 1 or -errno. */
static int apply_draft(struct running **run, const struct draft *draft,
		       const struct observe_options *options,
		       const struct observe_listener *listener, struct err *err)
{
	struct observe_change change = {.draft = draft, .options = options, .listener = listener};
	int ret = draft_running(&change.now, draft, err);

	if (ret)
		return ret;
	ret = commit(&change, err);
	watch_close(change.watch);
	journal_close(change.journal);
	if (ret) {
		undo_change(draft, change.now, err);
		running_free(change.now);
		return ret;
	}
	*run = change.now;
	return 1;
}

/* The lab as it was, checked against the options, and a draft of what it shall be. */
static int read_and_draft(struct running **was, struct draft *draft,
			  const struct discovery *discovery, const struct observe_options *options,
			  const struct notes *notes, struct err *err)
{
	int ret = read_was(was, options, err);

	if (ret)
		return ret;
	ret = *was ? check_same(*was, options, err) : 0;
	return ret ? ret : draft_make(draft, discovery, *was, options, notes, err);
}

static int observe_locked(struct running **run, const struct discovery *discovery,
			  const struct observe_options *options,
			  const struct observe_listener *listener, struct err *err)
{
	cleanup_running struct running *was = NULL;
	cleanup_draft struct draft draft = {0};
	int ret = read_and_draft(&was, &draft, discovery, options,
				 listener ? listener->notes : NULL, err);

	if (ret)
		return ret;
	if (!was && !draft.n_links && !options->may_be_empty)
		return -ENODATA;
	return apply_draft(run, &draft, options, listener, err);
}

/* Whether nothing is to be changed. Returns 1 with the lab in *run, 0, or -errno. */
static int is_current(struct running **run, const struct discovery *discovery,
		      const struct observe_options *options, struct err *err)
{
	cleanup_running struct running *was = NULL;
	cleanup_draft struct draft draft = {0};
	int ret = read_was(&was, options, err);

	if (ret || !was)
		return ret;
	ret = check_same(was, options, err);
	if (ret)
		return ret;
	ret = draft_make(&draft, discovery, was, options, NULL, err);
	if (ret)
		return ret;
	if (!draft_changes_nothing(&draft))
		return 0;
	*run = cleanup_take(was);
	return 1;
}

int observe_refresh(struct running **run, const struct observe_options *options,
		    const struct observe_listener *listener, struct err *err)
{
	struct discovery discovery;
	int lock, ret;

	if (lab_name_problem(options->name))
		return err_set(err, ERR_USAGE, EINVAL, "lab name '%s': %s", options->name,
			       lab_name_problem(options->name));
	ret = lab_privileges(err);
	if (ret)
		return ret;
	ret = discovery_make(&discovery, err);
	if (ret)
		return ret;
	/* Without the lock first: locking makes files, and others wait. */
	ret = is_current(run, &discovery, options, err);
	if (ret) {
		discovery_free(&discovery);
		return ret < 0 ? ret : 0;
	}
	lock = lab_lock(options->name, err);
	ret = lock < 0 ? lock : observe_locked(run, &discovery, options, listener, err);
	if (lock >= 0 && ret < 0 && !lab_has_files(options->name))
		files_remove(options->name, NULL);
	if (lock >= 0)
		close(lock);
	discovery_free(&discovery);
	return ret < 0 && err && err->code == ERR_SYSTEM && err->error == ENOMEM
		       ? no_memory(options->name, err)
		       : ret;
}
