// SPDX-License-Identifier: GPL-2.0-only
/* change_plan.c - lab_plan(): the diff of a running lab and a lab file, numbers for new ends. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/change/change_apply.h"
#include "user/lab/allocate.h"
#include "user/change/live.h"

static int no_room(const struct running *run, const char *what, uint32_t most, struct err *err)
{
	err_set(err, ERR_FAILED, ENOSPC, "lab %s has room for %u %s, and this needs more",
		run->name, most, what);
	err_hint(err,
		 "a lab is built with room for a quarter more, 64 at least: `vethlab down %s`, "
		 "then `up`",
		 run->name);
	return -ENOSPC;
}

/*
 * Kept nodes keep their slots; a new one gets the lowest free slot. is_new: by node->index. taken:
 * by slot.
 */
static int number_nodes(const struct change_plan *plan, const bool *is_new, bool *taken,
			struct err *err)
{
	const struct running *was = plan->was;
	struct running *now = plan->now;
	uint32_t next = 0;

	for (size_t i = 0; i < was->lab->n_nodes; i++)
		taken[was->nodes[i].slot] = true;
	for (size_t i = 0; i < now->lab->n_nodes; i++) {
		const struct node *node = now->lab->nodes[i];

		if (!is_new[i]) {
			now->nodes[i] = was->nodes[lab_find_node(was->lab, node->name)->index];
			continue;
		}
		while (next < now->slots && taken[next])
			next++;
		if (next == now->slots)
			return no_room(now, "nodes", now->slots, err);
		allocate_name(now, node);
		now->nodes[i].slot = next++;
	}
	return 0;
}

/*
 * Kept ends keep their numbers, and so their counters. A new link gets a pair of numbers that was
 * never used, or if there is none, one that is free. is_new: by link->index. taken: by pair.
 */
static int number_ends(const struct change_plan *plan, const bool *is_new, bool *taken,
		       struct err *err)
{
	const struct running *was = plan->was;
	struct running *now = plan->now;
	uint32_t lowest = 0;

	for (size_t i = 0; i < was->lab->n_links; i++)
		taken[was->lab->links[i]->ends[0]->number / 2] = true;
	for (size_t i = 0; i < now->lab->n_links; i++) {
		struct link *link = now->lab->links[i];
		uint32_t pair;

		for (int side = 0; !is_new[i] && side < 2; side++)
			link->ends[side]->number =
				lab_diff_same_end(was->lab, link->ends[side])->number;
		if (!is_new[i])
			continue;
		while (lowest < now->capacity / 2 && taken[lowest])
			lowest++;
		pair = (now->next_end + 1) / 2 < now->capacity / 2 ? (now->next_end + 1) / 2
								   : lowest;
		if (pair >= now->capacity / 2)
			return no_room(now, "ends", now->capacity, err);
		taken[pair] = true;
		if (2 * pair >= now->next_end)
			now->next_end = 2 * pair + 2;
		for (int side = 0; side < 2; side++)
			link->ends[side]->number = 2 * pair + side;
	}
	return 0;
}

static int number_all(const struct change_plan *plan, struct err *err)
{
	const struct lab *lab = plan->now->lab;
	cleanup_free bool *nodes = calloc(lab->n_nodes + 1, sizeof(*nodes));
	cleanup_free bool *links = calloc(lab->n_links + 1, sizeof(*links));
	cleanup_free bool *taken =
		calloc((size_t)plan->now->slots + plan->now->capacity + 1, sizeof(*taken));
	int ret;

	if (!nodes || !links || !taken)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; i < plan->diff.n; i++) {
		const struct lab_change *change = &plan->diff.list[i];

		if (change->kind == CHANGE_NODE_ADD)
			nodes[change->node->index] = true;
		else if (change->kind == CHANGE_LINK_ADD)
			links[change->link->index] = true;
	}
	ret = number_nodes(plan, nodes, taken, err);
	if (ret)
		return ret;
	ret = number_ends(plan, links, taken + plan->now->slots, err);
	if (ret)
		return ret;
	/* The index of the lab is by number. */
	if (lab_index(plan->now->lab))
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	return 0;
}

/* The lab as it shall run: with what the running lab has and the file does not say. Takes lab. */
static int new_running(struct change_plan *plan, struct lab *lab, struct err *err)
{
	struct running *now = malloc(sizeof(*now));

	if (!now) {
		lab_free(lab);
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	*now = *plan->was;
	now->lab = lab;
	now->lab_copy = NULL;
	now->nodes = calloc(lab->n_nodes + 1, sizeof(*now->nodes));
	plan->now = now;
	if (!now->nodes)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	for (size_t i = 0; now->isolated && i < lab->n_nodes; i++)
		if (lab->nodes[i]->netns == NETNS_HOST)
			lab->nodes[i]->netns = NETNS_NEW;
	return 0;
}

static int same_lab(const struct running *was, const struct lab *lab, struct err *err)
{
	if (was->observed) {
		err_set(err, ERR_FAILED, EINVAL,
			"lab %s is observed: vethlab did not build its links, and does not change "
			"them",
			was->name);
		err_hint(err,
			 "`vethlab up` builds a lab of its own; `vethlab observe` looks again at "
			 "this one");
		return -EINVAL;
	}
	if (!strcmp(was->lab->name, lab->name))
		return 0;
	err_set(err, ERR_FAILED, EINVAL, "%s is lab %s, but %s runs lab %s", lab->path, lab->name,
		was->name, was->lab->name);
	err_hint(err, "`vethlab up %s` builds lab %s", lab->path, lab->name);
	err_at(err, lab->where);
	return -EINVAL;
}

/* The lab's rules in a foreign namespace cannot be told from others, so nothing can remove them. */
static int check_nft(const struct change_plan *plan, struct err *err)
{
	for (size_t i = 0; i < plan->diff.n; i++) {
		const struct lab_change *change = &plan->diff.list[i];

		if (change->kind != CHANGE_NFT || change->node->netns == NETNS_NEW)
			continue;
		err_set(err, ERR_FAILED, EINVAL,
			"%s: nft rules of a namespace that is not the lab's cannot be changed",
			change->node->name);
		err_hint(err, "they stand among the rules of others; change them with nft itself");
		err_at(err, change->node->nft ? change->node->nft_where : change->node->where);
		return -EINVAL;
	}
	return 0;
}

static int open_was(struct change_plan *plan, const char *name, const struct lab *lab,
		    struct err *err)
{
	int ret = lab_open(&plan->was, name || !lab ? name : lab->name, err);

	if (ret == -ENOENT && !name && lab && err && err->error == ENOENT) {
		err->hint[0] = '\0';
		err_hint(err,
			 "`vethlab up %s` builds it; -l LAB names one that runs by another name",
			 lab->path);
	}
	return ret || !lab ? ret : same_lab(plan->was, lab, err);
}

/* The lab file that a lab runs from, read once more. */
static int read_again(struct lab **lab, const struct running *run, struct err *err)
{
	struct diags diags = {0};
	int ret = same_lab(run, run->lab, err);

	if (ret)
		return ret;
	*lab = lab_read_text(run->lab->text, strlen(run->lab->text), run->lab->path, &diags);
	if (!*lab)
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "%s cannot be read again: %s",
			      run->lab->path, diags.count ? diags.list[0].what : strerror(ENOMEM));
	diags_free(&diags);
	return ret;
}

/* Without privileges the namespaces cannot be entered. */
static int take_live(struct change_plan *plan, const struct change_options *asked, bool by_file,
		     struct err *err)
{
	struct err cause = {0};
	int ret = running_take_live(plan->was, asked->node, asked->keep_foreign, &cause);

	plan->by_file = ret && by_file && cause.code == ERR_PRIVILEGE;
	if (!ret || plan->by_file)
		return 0;
	if (err)
		*err = cause;
	return ret;
}

/* What was deleted is not there either when the plan is carried out, unless it is made again. */
static void note_gone(const struct change_plan *plan)
{
	const struct lab *was = plan->was->lab, *now = plan->now->lab;

	for (size_t i = 0; i < was->n_nodes; i++) {
		struct node *same =
			was->nodes[i]->gone ? lab_find_node(now, was->nodes[i]->name) : NULL;

		if (same)
			same->gone = true;
	}
	for (size_t i = 0; i < plan->diff.n; i++)
		if (plan->diff.list[i].kind == CHANGE_NODE_ADD)
			lab_find_node(now, plan->diff.list[i].node->name)->gone = false;
	for (size_t i = 0; i < lab_n_ends(was); i++) {
		const struct end *end = lab_end(was, i);
		struct end *same = end->gone ? lab_find_end(now, end->name) : NULL;

		if (same)
			same->gone = true;
	}
	for (size_t i = 0; i < plan->diff.n; i++)
		for (int side = 0; plan->diff.list[i].kind == CHANGE_LINK_ADD && side < 2; side++)
			plan->diff.list[i].link->ends[side]->gone = false;
}

int lab_plan(struct change_plan *plan, const struct change_options *asked, struct lab *lab,
	     struct err *err)
{
	struct lab_diff_options options;
	bool by_file = lab;
	int ret;

	*plan = (struct change_plan){0};
	ret = open_was(plan, asked->name, lab, err);
	if (!ret && !lab)
		ret = read_again(&lab, plan->was, err);
	if (ret) {
		lab_free(lab);
		return ret;
	}
	ret = new_running(plan, lab, err);
	if (ret)
		return ret;
	ret = take_live(plan, asked, by_file, err);
	if (ret)
		return ret;
	options = (struct lab_diff_options){plan->was->xdp, plan->was->hooks};
	if (lab_diff_make(&plan->diff, plan->was->lab, plan->now->lab, &options))
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	note_gone(plan);
	if (!plan->by_file)
		ret = reattach_find(&plan->programs, &plan->n_programs, plan->was, asked->node,
				    err);
	if (ret)
		return ret;
	ret = check_nft(plan, err);
	return ret ? ret : number_all(plan, err);
}

void change_plan_free(struct change_plan *plan)
{
	lab_diff_free(&plan->diff);
	free(plan->programs);
	running_free(plan->was);
	running_free(plan->now);
	*plan = (struct change_plan){0};
}
