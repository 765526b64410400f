// SPDX-License-Identifier: GPL-2.0-only
/* link_check.c - see link_check.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/workers.h"
#include "user/lab/link_check.h"

/* ---- ends come up, and send frames ----------------------------------------------------------- */

enum { WAIT_UP_MS = 10000 };

struct node_waiting {
	const struct node_job *job;
	const struct running *run;
	const struct node *node;
	bool *up;    /* in the order of node->ends */
	size_t left; /* how many ends are still waited for */
};

static bool is_waited_for(const struct node_job *job, const struct end *end)
{
	return node_end_should_be_up(end) &&
	       end_touch(job->touch, end) & (TOUCH_FRESH | TOUCH_WAIT);
}

static bool on_link_state(const struct link_info *info, void *arg)
{
	struct node_waiting *waiting = arg;

	for (size_t i = 0; info->operstate == 6 /* IF_OPER_UP */ && i < waiting->node->n_ends;
	     i++) {
		const struct end *end = waiting->node->ends[i];

		if (running_ifindex(waiting->run, end) != info->ifindex || waiting->up[i])
			continue;
		waiting->up[i] = true;
		waiting->left -= is_waited_for(waiting->job, end);
	}
	return true;
}

static int not_up(const struct node_waiting *waiting, struct err *err)
{
	for (size_t i = 0; i < waiting->node->n_ends; i++) {
		const struct end *end = waiting->node->ends[i];

		if (!is_waited_for(waiting->job, end) || waiting->up[i])
			continue;
		err_set(err, ERR_FAILED, ETIMEDOUT, "%s: did not become operational within %d s",
			end->name, WAIT_UP_MS / 1000);
		err_hint(err, "its peer is %s; `ip -d link` in both namespaces tells more",
			 end->peer->name);
		err_at(err, end->where);
		break;
	}
	return -ETIMEDOUT;
}

static bool is_sender(const struct node_job *job, const struct end *end)
{
	return node_end_should_be_up(end) && end_touch(job->touch, end) & TOUCH_FRESH;
}

static bool has_in_program(const struct node_job *job, const struct end *end)
{
	return job->watch && watch_has_hook(job->watch, VL_HOOK_IN) &&
	       running_hooks(job->run, end) & HOOKS_IN;
}

static int send_frames(const struct node_job *job, struct err *err)
{
	cleanup_close int raw = -1;
	int ret;

	for (size_t i = 0; i < job->node->n_ends; i++) {
		const struct end *end = job->node->ends[i];
		uint32_t ifindex = running_ifindex(job->run, end);

		if (!is_sender(job, end))
			continue;
		if (job->frame_prog < 0 && raw < 0)
			raw = watch_frame_open(job->node->name, err);
		if (job->frame_prog < 0 && raw < 0)
			return raw;
		if (raw < 0)
			ret = watch_frame_send(job->frame_prog, ifindex, end->name, err);
		else
			ret = watch_frame_send_by_socket(raw, ifindex, end->name, err);
		job->uncounted[end->number] = !has_in_program(job, end->peer);
		if (ret) {
			err_at(err, end->where);
			return ret;
		}
	}
	return 0;
}

/* Ask the interfaces that have not counted their frames whether they have by now. */
static int count_frames(const struct node_job *job, struct nl *nl, struct err *err)
{
	int ret;

	for (size_t i = 0; i < job->node->n_ends; i++) {
		const struct end *end = job->node->ends[i];
		struct link_info info;

		if (!job->uncounted[end->number])
			continue;
		ret = link_get(nl, running_ifindex(job->run, end), NULL, &info, err);
		if (ret == -ENODEV) /* somebody has deleted it: its frame stays uncounted */
			continue;
		if (ret)
			return ret;
		job->uncounted[end->number] = !info.tx_packets;
	}
	return 0;
}

static int recount_node(const struct node_job *job, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	bool any = false;
	int ret;

	for (size_t i = 0; i < job->node->n_ends; i++)
		any |= job->uncounted[job->node->ends[i]->number];
	if (!any)
		return 0;
	ret = node_enter(job->netns_fd, &nl, err);
	return ret ? ret : count_frames(job, nl, err);
}

static int wait_for_events(struct nl *nl, struct node_waiting *waiting, struct err *err)
{
	cleanup_nl struct nl *events = NULL;
	int ret = nl_open(&events, -1, err);

	if (ret)
		return ret;
	/* Listen before the list is read, so that no change in between is missed. */
	ret = nl_listen(events, RTNLGRP_LINK, err);
	if (ret)
		return ret;
	ret = link_list(nl, on_link_state, waiting, err);
	while (!ret && waiting->left) {
		ret = link_event(events, WAIT_UP_MS, on_link_state, waiting, err);
		if (ret == -ETIMEDOUT)
			return not_up(waiting, err);
	}
	return ret;
}

int link_check_wait_up(const struct node_job *job, struct err *err)
{
	const struct node *node = job->node;
	struct node_waiting waiting = {.job = job, .run = job->run, .node = node};
	cleanup_free bool *up = NULL;
	cleanup_nl struct nl *nl = NULL;
	int ret;

	for (size_t i = 0; i < node->n_ends; i++)
		waiting.left += is_waited_for(job, node->ends[i]);
	if (!waiting.left)
		return 0;
	waiting.up = up = calloc(node->n_ends, sizeof(*up));
	if (!up)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", node->name);
	ret = node_enter(job->netns_fd, &nl, err);
	if (ret)
		return ret;
	/* Without listening first: usually all ends are up by now. */
	ret = link_list(nl, on_link_state, &waiting, err);
	if (!ret && waiting.left)
		ret = wait_for_events(nl, &waiting, err);
	if (ret)
		return ret;
	ret = send_frames(job, err);
	return ret ? ret : count_frames(job, nl, err);
}

/* ---- the frames arrive ----------------------------------------------------------------------- */

/* How long all frames together may take from end to end. */
enum { ARRIVE_MS = 2000 };

enum { DID_NOT_LEAVE = 1, DID_NOT_ARRIVE = 2 };

struct frame_check {
	struct build *build;
	struct vl_end *seen; /* by number of the end: watch_frame_seen(). NULL: no programs */
	uint8_t *missing;    /* by number of the sending end: DID_NOT_* or-ed; 0: it was seen */
};

static void mark(struct frame_check *check, const struct end *end, unsigned how)
{
	if (node_end_should_be_up(end) && end_touch(check->build->touch, end) & TOUCH_FRESH)
		check->missing[end->number] |= how;
}

/* Mark frames that the programs at one hook have not seen: `out` its end's, `in` the peer's. */
static void check_hook(struct frame_check *check, enum vl_hook hook)
{
	struct build *build = check->build;
	unsigned wanted = hook == VL_HOOK_OUT ? HOOKS_OUT : HOOKS_IN;

	if (!watch_has_hook(build->watch, hook))
		return;
	for (size_t i = 0; i < lab_n_ends(build->run->lab); i++) {
		const struct end *end = lab_end(build->run->lab, i);

		if (running_hooks(build->run, end) & wanted &&
		    !check->seen[end->number].proof_seen[hook])
			mark(check, hook == VL_HOOK_OUT ? end : end->peer,
			     hook == VL_HOOK_OUT ? DID_NOT_LEAVE : DID_NOT_ARRIVE);
	}
}

static int check_hooks(struct frame_check *check, struct err *err)
{
	int ret;

	if (!check->build->watch)
		return 0;
	ret = watch_frame_seen(check->build->watch, check->seen, err);
	if (ret)
		return ret;
	check_hook(check, VL_HOOK_OUT);
	check_hook(check, VL_HOOK_IN);
	return 0;
}

static int recount(size_t i, void *arg, struct err *err)
{
	struct build *build = arg;
	struct node_job job = build_node_job(build, i);

	return recount_node(&job, err);
}

/* Ends whose peers have no program. Most frames were counted right after they were sent. */
static int check_interfaces(struct frame_check *check, struct err *err)
{
	struct build *build = check->build;
	const struct lab *lab = build->run->lab;
	bool any = false;
	int ret = 0;

	for (size_t i = 0; i < lab_n_ends(lab); i++)
		any |= build->uncounted[lab_end(lab, i)->number];
	if (any)
		ret = workers_run(lab->n_nodes, recount, build, err);
	for (size_t i = 0; !ret && any && i < lab_n_ends(lab); i++)
		if (build->uncounted[lab_end(lab, i)->number])
			mark(check, lab_end(lab, i), DID_NOT_ARRIVE);
	return ret;
}

/* Returns how many ends' frames were not seen, or -errno. */
static int check_frames(struct frame_check *check, struct err *err)
{
	const struct lab *lab = check->build->run->lab;
	int ret, n = 0;

	memset(check->missing, 0, check->build->run->capacity);
	ret = check_hooks(check, err);
	if (!ret)
		ret = check_interfaces(check, err);
	for (size_t i = 0; !ret && i < lab_n_ends(lab); i++)
		n += !!check->missing[lab_end(lab, i)->number];
	return ret ? ret : n;
}

/* Name the first such end in the error, and as many others as the hint has room for. */
static int tell_missing(const struct frame_check *check, int n, struct err *err)
{
	const struct lab *lab = check->build->run->lab;
	const struct end *first = NULL;
	char others[44] = "", more[32] = "";
	size_t used = 0;
	int told = 1;

	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		const struct end *end = lab_end(lab, i);

		if (!check->missing[end->number])
			continue;
		if (!first) {
			first = end;
		} else if (used + strlen(end->name) + 2 < sizeof(others)) {
			used += snprintf(others + used, sizeof(others) - used, "%s%s",
					 used ? ", " : "", end->name);
			told++;
		}
	}
	if (check->missing[first->number] & DID_NOT_LEAVE)
		err_set(err, ERR_FAILED, EIO, "%s: the frame sent out of it did not leave it",
			first->name);
	else
		err_set(err, ERR_FAILED, EIO, "%s: the frame sent out of it did not arrive at %s",
			first->name, first->peer->name);
	if (told < n)
		snprintf(more, sizeof(more), " and %d more", n - told);
	err_hint(err,
		 "%s%s%s%sthe interface is up but does not carry frames; an nft or tc rule may "
		 "drop them",
		 n > 1 ? "nor did those of " : "", others, more, n > 1 ? ":\n  " : "");
	err_at(err, first->where);
	return -EIO;
}

/* A frame crosses a veth in the softirq after the send, which a busy machine may run late. */
static int wait_for_frames(struct frame_check *check, struct err *err)
{
	struct timespec pause = {.tv_nsec = 1000000};
	int64_t end = clock_monotonic_ms() + ARRIVE_MS;
	int n, ret;

	while ((n = check_frames(check, err)) > 0 && clock_monotonic_ms() < end) {
		ret = build_interrupted(check->build, err);
		if (ret)
			return ret;
		nanosleep(&pause, NULL);
	}
	return n > 0 ? tell_missing(check, n, err) : n;
}

int link_check_frames(struct build *build, struct err *err)
{
	struct frame_check check = {.build = build};
	int ret;

	check.missing = calloc(build->run->capacity + 1, sizeof(*check.missing));
	if (build->watch)
		check.seen = calloc(watch_n_ends(build->watch), sizeof(*check.seen));
	if (!check.missing || (build->watch && !check.seen))
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	else
		ret = wait_for_frames(&check, err);
	free(check.seen);
	free(check.missing);
	return ret;
}
