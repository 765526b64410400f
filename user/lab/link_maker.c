// SPDX-License-Identifier: GPL-2.0-only
/* link_maker.c - see link_maker.h. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/lab/link_maker.h"

struct link_maker {
	struct build *build;
	struct nl *nl;
	pthread_t thread;
	pthread_mutex_t lock; /* of all that follows */
	pthread_cond_t changed;
	uint8_t *nodes_ready;	   /* by link->index: how many of its two namespaces exist */
	const struct link **ready; /* links with both namespaces, in the order of becoming so */
	size_t n_ready, n_taken;   /* of ready; the first n_taken were taken by the thread */
	bool no_more;		   /* no other node becomes ready */
	int ret;		   /* 0, or the error of the first link that could not be made */
	struct err err;
};

/* ---- one link ------------------------------------------------------------------------------ */

static struct veth_end veth_end(const struct build *build, const struct end *end)
{
	const struct running *run = build->run;
	const struct link *link = end->link;

	return (struct veth_end){
		.ifname = end->ifname,
		.netns_fd = build->fds[end->node->index],
		.ifindex = running_ifindex(run, end),
		.mtu = end->mtu ? end->mtu : link->mtu,
		.group = run->nodes[end->node->index].ours ? 0 : run->group,
		.mac = node_end_mac(end),
		.txqueuelen = link->txqueuelen,
		.has_txqueuelen = link->has_txqueuelen,
		.queues = link->queues,
	};
}

static int journal_foreign_end(const struct build *build, const struct end *end, struct err *err)
{
	const struct running_node *running_node = &build->run->nodes[end->node->index];

	if (running_node->ours)
		return 0;
	return journal_end(build->journal, &running_node->id, running_ifindex(build->run, end),
			   end->ifname, err);
}

static int make_link(struct link_maker *linker, const struct link *link, struct err *err)
{
	struct build *build = linker->build;
	struct veth_end ends[2] = {veth_end(build, link->ends[0]), veth_end(build, link->ends[1])};
	char action[2 * END_NAME_SIZE];
	struct nl_what what = {link->ends[0]->name, action, link->where, 0};
	int ret = build_next_step(build, err);

	snprintf(action, sizeof(action), "make a veth link to %s", link->ends[1]->name);
	for (int side = 0; !ret && side < 2; side++)
		ret = journal_foreign_end(build, link->ends[side], err);
	return ret ? ret : link_add_veth(linker->nl, ends, &what, err);
}

/* ---- all of them --------------------------------------------------------------------------- */

/* The next link to make, or NULL: *idle says whether there may be one later. */
static const struct link *take(struct link_maker *linker, bool *idle)
{
	const struct link *link = NULL;

	pthread_mutex_lock(&linker->lock);
	*idle = linker->n_taken == linker->n_ready && !linker->no_more;
	if (linker->n_taken < linker->n_ready)
		link = linker->ready[linker->n_taken++];
	pthread_mutex_unlock(&linker->lock);
	return link;
}

static void wait_for_more(struct link_maker *linker)
{
	pthread_mutex_lock(&linker->lock);
	while (linker->n_taken == linker->n_ready && !linker->no_more)
		pthread_cond_wait(&linker->changed, &linker->lock);
	pthread_mutex_unlock(&linker->lock);
}

static void *link_all(void *arg)
{
	struct link_maker *linker = arg;
	struct err err = {0};
	bool idle = true;
	int ret = 0;

	while (!ret) {
		const struct link *link = take(linker, &idle);

		if (link) {
			ret = make_link(linker, link, &err);
			continue;
		}
		/* Send the batch now, while other threads still make namespaces. */
		ret = nl_flush(linker->nl, &err);
		if (!idle)
			break;
		if (!ret)
			wait_for_more(linker);
	}
	pthread_mutex_lock(&linker->lock);
	linker->ret = ret;
	linker->err = err;
	pthread_mutex_unlock(&linker->lock);
	return NULL;
}

static void link_maker_free(struct link_maker *linker)
{
	nl_close(linker->nl);
	pthread_mutex_destroy(&linker->lock);
	pthread_cond_destroy(&linker->changed);
	free(linker->nodes_ready);
	free(linker->ready);
	free(linker);
}

int link_maker_start(struct link_maker **out, struct build *build, struct err *err)
{
	size_t n = build->run->lab->n_links;
	struct link_maker *linker = calloc(1, sizeof(*linker));
	int ret;

	if (!linker)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	linker->build = build;
	pthread_mutex_init(&linker->lock, NULL);
	pthread_cond_init(&linker->changed, NULL);
	linker->nodes_ready = calloc(n + 1, sizeof(*linker->nodes_ready));
	linker->ready = calloc(n + 1, sizeof(*linker->ready));
	ret = !linker->nodes_ready || !linker->ready
		      ? err_set(err, ERR_SYSTEM, ENOMEM, "out of memory")
		      : nl_open(&linker->nl, -1, err);
	if (!ret) {
		ret = -pthread_create(&linker->thread, NULL, link_all, linker);
		if (ret)
			err_set(err, ERR_SYSTEM, -ret, "cannot start a thread: %s", strerror(-ret));
	}
	if (ret)
		link_maker_free(linker);
	else
		*out = linker;
	return ret;
}

void link_maker_node_ready(struct link_maker *linker, const struct node *node)
{
	pthread_mutex_lock(&linker->lock);
	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];

		if (++linker->nodes_ready[end->link->index] == 2 &&
		    end_touch(linker->build->touch, end) & TOUCH_FRESH)
			linker->ready[linker->n_ready++] = end->link;
	}
	pthread_cond_signal(&linker->changed);
	pthread_mutex_unlock(&linker->lock);
}

bool link_maker_has_failed(struct link_maker *linker)
{
	bool failed;

	pthread_mutex_lock(&linker->lock);
	failed = linker->ret;
	pthread_mutex_unlock(&linker->lock);
	return failed;
}

int link_maker_finish(struct link_maker *linker, struct err *err)
{
	int ret;

	pthread_mutex_lock(&linker->lock);
	linker->no_more = true;
	pthread_cond_signal(&linker->changed);
	pthread_mutex_unlock(&linker->lock);
	pthread_join(linker->thread, NULL);
	ret = linker->ret;
	if (ret && err && !err->code)
		*err = linker->err;
	link_maker_free(linker);
	return ret;
}
