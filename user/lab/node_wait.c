// SPDX-License-Identifier: GPL-2.0-only
/* node_wait.c - a node's ends come up, and send the frames that prove their links. */
#include <errno.h>
#include <stdlib.h>

#include "user/lab/node.h"

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

int node_recount(const struct node_job *job, struct err *err)
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

int node_wait_up(const struct node_job *job, struct err *err)
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
