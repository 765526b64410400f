// SPDX-License-Identifier: GPL-2.0-only
/*
 * build.c - builds a lab: allocates names and ifindexes, loads programs, makes namespaces and
 * links, then sets up each node. Since the journal is written before each step, a failure is undone
 * as `down` undoes what a crash left.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/build.h"
#include "user/lab/teardown.h"
#include "user/lab/node_setup.h"
#include "user/lab/link_maker.h"
#include "user/lab/program_loader.h"
#include "user/lab/allocate.h"
#include "user/lab/link_check.h"
#include "user/base/workers.h"

int build_interrupted(const struct build *build, struct err *err)
{
	if (!build->options->interrupted || !*build->options->interrupted)
		return 0;
	return err_set(err, ERR_FAILED, EINTR, "interrupted: what was done is undone");
}

enum { STEPS_OF_NODE = 7 }; /* its namespace, sysctls, prepare, start, wait, routes, exec */

int build_next_step(struct build *build, struct err *err)
{
	const struct lab *lab = build->run->lab;
	size_t step = atomic_fetch_add(&build->steps, 1) + 1;

	if (build->options->progress)
		build->options->progress(step, STEPS_OF_NODE * lab->n_nodes + lab->n_links,
					 build->options->progress_arg);
	return build_interrupted(build, err);
}

/* Write an end of the lab into the maps. */
static int write_end(const struct build *build, const struct end *end, struct err *err)
{
	const struct running *run = build->run;
	struct vl_end entry = {
		.in_use = 1,
		.ifindex = running_ifindex(run, end),
		.link = end->link->index,
		.peer = end->peer->number,
		.node_index = end->node->index,
		.netns = run->nodes[end->node->index].id.inode,
	};

	snprintf(entry.lab, sizeof(entry.lab), "%s", run->name);
	snprintf(entry.node, sizeof(entry.node), "%s", end->node->name);
	snprintf(entry.ifname, sizeof(entry.ifname), "%s", end->ifname);
	return watch_name_end(build->watch, end->number, &entry, err);
}

/* Choose names and an ifindex range. They are taken once the journal's first line is written. */
static int allocate(struct build *build, struct err *err)
{
	struct running *run = build->run;
	struct journal_head head = {0};
	cleanup_close int lock = -1;
	int ret;

	ret = boot_id(head.boot, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		allocate_name(run, run->lab->nodes[i]);
		ret = allocate_check_name(run, run->lab->nodes[i], err);
		if (ret)
			return ret;
	}
	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		ret = allocate_foreign(run, run->lab->nodes[i], &build->fds[i], err);
		if (ret)
			return ret;
	}
	lock = lab_lock_all(build->options->interrupted, build->options->notes, err);
	if (lock < 0)
		return lock;
	ret = allocate_range(run, build->fds, err);
	if (ret)
		return ret;
	head.ifindex_base = run->ifindex_base;
	head.range = run->capacity + run->slots;
	head.group = run->group;
	return journal_create(&build->journal, run->name, &head, err);
}

static int make_netns(struct build *build, size_t i, struct err *err)
{
	const struct node *node = build->run->lab->nodes[i];
	struct running_node *running_node = &build->run->nodes[i];
	char mark[64];
	int ret = build_next_step(build, err);

	if (ret)
		return ret;
	ret = netns_new(&running_node->id, err);
	if (ret < 0)
		return ret;
	build->fds[i] = ret;
	netns_mark(build->run->name, mark);
	ret = journal_netns(build->journal, running_node->netns_name, &running_node->id, err);
	if (!ret)
		ret = netns_name(build->fds[i], running_node->netns_name, mark, err);
	if (!ret)
		ret = node_setup_new(node, err);
	if (ret && err)
		err_at(err, node->where);
	return ret;
}

/* Its namespace, with all that must be set there before links are made. */
static int prepare_netns(struct build *build, size_t i, struct err *err)
{
	const struct node *node = build->run->lab->nodes[i];
	bool fresh = node_touch(build->touch, node) & TOUCH_FRESH;
	int ret = fresh && build->run->nodes[i].ours ? make_netns(build, i, err) : 0;
	struct node_job job = build_node_job(build, i);

	return ret ? ret : node_default_sysctls(&job, err);
}

struct node_making {
	struct build *build;
	struct link_maker *linker;
};

static int make_node(size_t i, void *arg, struct err *err)
{
	struct node_making *making = arg;
	int ret = link_maker_has_failed(making->linker) ? -ECANCELED
							: prepare_netns(making->build, i, err);

	if (!ret)
		link_maker_node_ready(making->linker, making->build->run->lab->nodes[i]);
	return ret;
}

/* A failed link makes the remaining nodes fail too, so its error is reported first. */
static int make_nodes_and_links(struct build *build, struct err *err)
{
	struct node_making making = {.build = build};
	struct err nodes_err = {0};
	int nodes, links, ret = link_maker_start(&making.linker, build, err);

	if (ret)
		return ret;
	nodes = workers_run(build->run->lab->n_nodes, make_node, &making, &nodes_err);
	links = link_maker_finish(making.linker, err);
	if (links || !nodes)
		return links;
	if (err && !err->code)
		*err = nodes_err;
	return nodes;
}

struct node_job build_node_job(const struct build *build, size_t i)
{
	return (struct node_job){
		.run = build->run,
		.watch = build->watch,
		.frame_prog = build->frame_prog,
		.uncounted = build->uncounted,
		.journal = build->journal,
		.touch = build->touch,
		.node = build->run->lab->nodes[i],
		.interrupted = build->options->interrupted,
		.netns_fd = build->fds[i],
	};
}

/* A step of node.h, for all nodes. */
struct build_step {
	struct build *build;
	int (*fn)(const struct node_job *job, struct err *err);
};

static int step_one(size_t i, void *arg, struct err *err)
{
	struct build_step *step = arg;
	struct build *build = step->build;
	struct node_job job = build_node_job(build, i);
	int ret;

	if (!node_touch(build->touch, job.node))
		return 0;
	ret = build_next_step(build, err);
	return ret ? ret : step->fn(&job, err);
}

static int each_node(struct build *build, int (*fn)(const struct node_job *job, struct err *err),
		     struct err *err)
{
	struct build_step step = {build, fn};

	return workers_run(build->run->lab->n_nodes, step_one, &step, err);
}

/* Set up the nodes as far as that is possible with all ends down. */
static int fill_nodes(struct build *build, struct err *err)
{
	struct running *run = build->run;
	int ret;

	for (size_t i = 0; build->watch && i < lab_n_ends(run->lab); i++) {
		ret = write_end(build, lab_end(run->lab, i), err);
		if (ret)
			return ret;
	}
	ret = each_node(build, node_sysctls, err);
	return ret ? ret : each_node(build, node_prepare, err);
}

int build_make(struct build *build, struct err *err)
{
	int ret = make_nodes_and_links(build, err);

	return ret ? ret : fill_nodes(build, err);
}

int build_start(struct build *build, struct err *err)
{
	return each_node(build, node_start, err);
}

int build_exec(struct build *build, struct err *err)
{
	return each_node(build, node_exec, err);
}

int build_check(struct build *build, struct err *err)
{
	int ret = watch_frame_load(&build->frame_prog, err);

	if (ret)
		return ret;
	build->uncounted = calloc(build->run->capacity + 1, sizeof(*build->uncounted));
	if (!build->uncounted)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	ret = each_node(build, link_check_wait_up, err);
	if (ret)
		return ret;
	ret = link_check_frames(build, err);
	if (ret)
		return ret;
	/* The kernel makes some of them only once the other end is up too. */
	ret = each_node(build, node_address_routes, err);
	if (ret)
		return ret;
	ret = build_exec(build, err);
	return ret ? ret : build_interrupted(build, err);
}

/* While the programs are loaded on another thread. */
static int make_all(struct build *build, struct err *err)
{
	int ret = build_interrupted(build, err);

	if (ret)
		return ret;
	ret = netns_prepare_dir(err);
	return ret ? ret : make_nodes_and_links(build, err);
}

static int build_all(struct build *build, struct err *err)
{
	struct program_loader *loader = NULL;
	int loaded, ret = allocate(build, err);

	if (!ret)
		ret = program_loader_start(&loader, build, err);
	if (!ret)
		ret = make_all(build, err);
	loaded = program_loader_finish(loader, err);
	ret = ret ? ret : loaded;
	if (ret)
		return ret;
	ret = build->watch ? watch_pin(build->watch, err) : 0;
	if (ret)
		return ret;
	ret = fill_nodes(build, err);
	if (ret)
		return ret;
	ret = build_start(build, err);
	if (ret)
		return ret;
	ret = build_check(build, err);
	if (ret)
		return ret;
	build->run->started = time(NULL);
	return state_write(build->run, err);
}

int build_open(struct build *build, struct running *run, const struct lab_options *options,
	       struct err *err)
{
	*build = (struct build){.run = run, .options = options, .frame_prog = -1};
	netns_raise_file_limit();
	build->fds = malloc((run->lab->n_nodes + 1) * sizeof(*build->fds));
	if (!build->fds)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		build->fds[i] = -1;
	return 0;
}

void build_close(struct build *build)
{
	for (size_t i = 0; build->fds && i < build->run->lab->n_nodes; i++)
		if (build->fds[i] >= 0)
			close(build->fds[i]);
	free(build->fds);
	build->fds = NULL;
	free(build->uncounted);
	build->uncounted = NULL;
	journal_close(build->journal);
	watch_close(build->watch);
	if (build->frame_prog >= 0)
		close(build->frame_prog);
	build->frame_prog = -1;
	build->journal = NULL;
	build->watch = NULL;
}

/* The lab as it shall run. */
static struct running *new_running(struct lab *lab, const struct lab_options *options)
{
	struct running *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->lab = lab;
	run->nodes = calloc(lab->n_nodes + 1, sizeof(*run->nodes));
	if (!run->nodes) {
		free(run);
		return NULL;
	}
	snprintf(run->name, sizeof(run->name), "%s", options->as ? options->as : lab->name);
	run->isolated = options->isolated;
	run->prefixed = options->as;
	run->xdp = options->xdp;
	run->hooks = options->hooks;
	run->held = options->hold;
	for (size_t i = 0; run->isolated && i < lab->n_nodes; i++)
		if (lab->nodes[i]->netns == NETNS_HOST)
			lab->nodes[i]->netns = NETNS_NEW;
	return run;
}

static int check_not_running(const struct running *run, struct err *err)
{
	struct running *other = NULL;
	int ret = state_read(&other, run->name, err);
	bool observed = !ret && other->observed;

	running_free(other);
	if (observed) {
		err_set(err, ERR_FAILED, EALREADY,
			"lab %s is observed, links of others are watched under that name; nothing "
			"was changed",
			run->name);
		err_hint(err,
			 "--as NAME builds it under another name; `vethlab down %s` lets go of "
			 "those links",
			 run->name);
		return -EALREADY;
	}
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	err_set(err, ERR_FAILED, EALREADY, "lab %s runs already; nothing was changed", run->name);
	err_hint(err, "`vethlab show %s` shows it, `vethlab down %s` removes it", run->name,
		 run->name);
	return -EALREADY;
}

/* Under the lab's lock: undo what a crash left, build, and undo that if it fails. */
static int build_locked(struct build *build, struct err *err)
{
	struct running *run = build->run;
	int ret = check_not_running(run, err);

	if (ret)
		return ret;
	ret = lab_undo(run->name, build->options->notes, err);
	if (!ret)
		ret = state_forget_records(run->name, err);
	if (!ret)
		ret = build_all(build, err);
	build_close(build);
	if (ret) {
		struct err undo_err = {0};

		if (err && err->error == EMFILE)
			err_hint(err, "a lab needs an open file for each node: raise the limit "
				      "(ulimit -Hn)");
		if (lab_remove(run->name, build->options->notes, &undo_err))
			err_hint_also(err, "undoing it failed: %s; try `vethlab down %s`",
				      undo_err.what, run->name);
	}
	return ret;
}

int lab_up(struct running **out, struct lab *lab, const struct lab_options *options,
	   struct err *err)
{
	struct running *run = new_running(lab, options);
	struct build build;
	int lock, ret;

	if (!run) {
		lab_free(lab);
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	ret = build_open(&build, run, options, err);
	lock = ret ? ret : lab_lock(run->name, err);
	if (lock < 0) {
		build_close(&build);
		running_free(run);
		return lock;
	}
	ret = build_locked(&build, err);
	build_close(&build);
	if (ret || !options->hold)
		close(lock);
	if (ret) {
		running_free(run);
		return ret;
	}
	if (options->hold)
		*options->hold = lock;
	*out = run;
	return 0;
}
