// SPDX-License-Identifier: GPL-2.0-only
/* link_check.c - see link_check.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/base/clock.h"
#include "user/base/workers.h"
#include "user/lab/link_check.h"

/* ---- ends come up, and send frames ----------------------------------------------------------- */

enum { WAIT_UP_MS = 10000 };

struct node_waiting {
	const struct node_job *job;
	const struct running *run;
	const struct node *node;
	bool *up; /* by place in node->ends */
	size_t left;
};

static bool is_awaited(const struct node_job *job, const struct end *end)
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
		waiting->left -= is_awaited(waiting->job, end);
	}
	return true;
}

static int not_up(const struct node_waiting *waiting, struct err *err)
{
	for (size_t i = 0; i < waiting->node->n_ends; i++) {
		const struct end *end = waiting->node->ends[i];

		if (!is_awaited(waiting->job, end) || waiting->up[i])
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
	int ret = 0;

	for (size_t i = 0; !ret && i < job->node->n_ends; i++) {
		const struct end *end = job->node->ends[i];

		if (!is_sender(job, end))
			continue;
		ret = watch_frame_send(job->frame_prog, running_ifindex(job->run, end), end->name,
				       err);
		job->uncounted[end->number] = !has_in_program(job, end->peer);
		if (ret)
			err_at(err, end->where);
	}
	return ret;
}

static int count_frames(const struct node_job *job, struct nl *nl, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < job->node->n_ends; i++) {
		const struct end *end = job->node->ends[i];
		struct link_info info;

		if (!job->uncounted[end->number])
			continue;
		ret = link_get(nl, running_ifindex(job->run, end), NULL, &info, err);
		if (ret == -ENODEV) /* somebody has deleted it just now: it carries nothing */
			ret = 0;
		else if (!ret)
			job->uncounted[end->number] = !info.tx_packets;
	}
	return ret;
}

static int recount_node(const struct node_job *job, struct err *err)
{
	struct nl *nl = NULL;
	bool any = false;
	int ret;

	for (size_t i = 0; i < job->node->n_ends; i++)
		any |= job->uncounted[job->node->ends[i]->number];
	if (!any)
		return 0;
	ret = node_enter(job->netns_fd, &nl, err);
	if (!ret)
		ret = count_frames(job, nl, err);
	nl_close(nl);
	return ret;
}

/* Listen first, look then: nothing that changes in between is missed. */
static int wait_for_events(struct nl *nl, struct node_waiting *waiting, struct err *err)
{
	struct nl *events = NULL;
	int ret = nl_open(&events, -1, err);

	if (!ret)
		ret = nl_listen(events, RTNLGRP_LINK, err);
	if (!ret)
		ret = link_list(nl, on_link_state, waiting, err);
	while (!ret && waiting->left) {
		ret = link_event(events, WAIT_UP_MS, on_link_state, waiting, err);
		if (ret == -ETIMEDOUT)
			ret = not_up(waiting, err);
	}
	nl_close(events);
	return ret;
}

int link_check_wait_up(const struct node_job *job, struct err *err)
{
	const struct node *node = job->node;
	struct node_waiting waiting = {.job = job, .run = job->run, .node = node};
	struct nl *nl = NULL;
	int ret;

	for (size_t i = 0; i < node->n_ends; i++)
		waiting.left += is_awaited(job, node->ends[i]);
	if (!waiting.left)
		return 0;
	waiting.up = calloc(node->n_ends, sizeof(*waiting.up));
	if (!waiting.up)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", node->name);
	ret = node_enter(job->netns_fd, &nl, err);
	if (!ret) /* mostly all is up by now */
		ret = link_list(nl, on_link_state, &waiting, err);
	if (!ret && waiting.left)
		ret = wait_for_events(nl, &waiting, err);
	if (!ret)
		ret = send_frames(job, err);
	if (!ret)
		ret = count_frames(job, nl, err);
	nl_close(nl);
	free(waiting.up);
	return ret;
}

/* ---- the frames arrive ----------------------------------------------------------------------- */

/* How long all frames together may take from end to end. */
enum { PROVE_MS = 2000 };

enum { DID_NOT_LEAVE = 1, DID_NOT_ARRIVE = 2 };

struct proof {
	struct build *build;
	struct vl_counters *counters; /* NULL: no programs */
	uint8_t *lost;		      /* by number of the end that sent: DID_NOT_*; 0: seen */
};

static void mark(struct proof *proof, const struct end *end, unsigned how)
{
	if (node_end_should_be_up(end) && end_touch(proof->build->touch, end) & TOUCH_FRESH)
		proof->lost[end->number] |= how;
}

/* What the programs at one hook have not counted: `out` tells of their end, `in` of its peer. */
static int look_at_hook(struct proof *proof, enum vl_hook hook, struct err *err)
{
	struct build *build = proof->build;
	unsigned wanted = hook == VL_HOOK_OUT ? HOOKS_OUT : HOOKS_IN;
	int ret;

	if (!build->watch || !watch_has_hook(build->watch, hook))
		return 0;
	ret = watch_read(build->watch, hook, proof->counters, err);
	for (size_t i = 0; !ret && i < lab_n_ends(build->run->lab); i++) {
		const struct end *end = lab_end(build->run->lab, i);

		if (running_hooks(build->run, end) & wanted && !proof->counters[end->number].arp)
			mark(proof, hook == VL_HOOK_OUT ? end : end->peer,
			     hook == VL_HOOK_OUT ? DID_NOT_LEAVE : DID_NOT_ARRIVE);
	}
	return ret;
}

static int recount(size_t i, void *arg, struct err *err)
{
	struct build *build = arg;
	struct node_job job = build_node_job(build, i);

	return recount_node(&job, err);
}

/* Ends whose peers have no program; all of them were counted when their frames were sent, mostly.
 */
static int look_at_interfaces(struct proof *proof, struct err *err)
{
	struct build *build = proof->build;
	const struct lab *lab = build->run->lab;
	bool any = false;
	int ret = 0;

	for (size_t i = 0; i < lab_n_ends(lab); i++)
		any |= build->uncounted[lab_end(lab, i)->number];
	if (any)
		ret = workers_run(lab->n_nodes, recount, build, err);
	for (size_t i = 0; !ret && any && i < lab_n_ends(lab); i++)
		if (build->uncounted[lab_end(lab, i)->number])
			mark(proof, lab_end(lab, i), DID_NOT_ARRIVE);
	return ret;
}

/* Returns of how many ends the frame was not seen, or -errno. */
static int look(struct proof *proof, struct err *err)
{
	const struct lab *lab = proof->build->run->lab;
	int ret, n = 0;

	memset(proof->lost, 0, proof->build->run->capacity);
	ret = look_at_hook(proof, VL_HOOK_OUT, err);
	if (!ret)
		ret = look_at_hook(proof, VL_HOOK_IN, err);
	if (!ret)
		ret = look_at_interfaces(proof, err);
	for (size_t i = 0; !ret && i < lab_n_ends(lab); i++)
		n += !!proof->lost[lab_end(lab, i)->number];
	return ret ? ret : n;
}

/* All of them: the first in the error, the others as far as the hint has room. */
static int tell_lost(const struct proof *proof, int n, struct err *err)
{
	const struct lab *lab = proof->build->run->lab;
	const struct end *first = NULL;
	char others[44] = "", more[32] = "";
	size_t used = 0;
	int told = 1;

	for (size_t i = 0; i < lab_n_ends(lab); i++) {
		const struct end *end = lab_end(lab, i);

		if (!proof->lost[end->number])
			continue;
		if (!first) {
			first = end;
		} else if (used + strlen(end->name) + 2 < sizeof(others)) {
			used += snprintf(others + used, sizeof(others) - used, "%s%s",
					 used ? ", " : "", end->name);
			told++;
		}
	}
	if (proof->lost[first->number] & DID_NOT_LEAVE)
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

/* Frames cross a veth in the softirq that follows the send; a busy machine may take a moment. */
static int wait_for_frames(struct proof *proof, struct err *err)
{
	struct timespec pause = {.tv_nsec = 1000000};
	int64_t end = clock_monotonic_ms() + PROVE_MS;
	int n, ret;

	while ((n = look(proof, err)) > 0 && clock_monotonic_ms() < end) {
		ret = build_interrupted(proof->build, err);
		if (ret)
			return ret;
		nanosleep(&pause, NULL);
	}
	return n > 0 ? tell_lost(proof, n, err) : n;
}

int link_check_frames(struct build *build, struct err *err)
{
	struct proof proof = {.build = build};
	int ret;

	proof.lost = calloc(build->run->capacity + 1, sizeof(*proof.lost));
	if (build->watch)
		proof.counters = calloc(watch_n_ends(build->watch), sizeof(*proof.counters));
	if (!proof.lost || (build->watch && !proof.counters))
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	else
		ret = wait_for_frames(&proof, err);
	free(proof.counters);
	free(proof.lost);
	return ret;
}
