// SPDX-License-Identifier: GPL-2.0-only
/* netns_wait.c - see netns_wait.h. */
#include <errno.h>
#include <linux/if_link.h>
#include <linux/net_namespace.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/net/netns_wait.h"
#include "user/net/net.h"

/* Of the link in the namespace that watches: its end there, and a name that nobody has in the other
 * one. */
enum { LO_IFINDEX = 1, WATCHING_IFINDEX };
#define GOING_NAME "vethlab-leaves"

struct netns_wait {
	struct nl *nl, *events; /* keep the namespace that watches */
	size_t n, kept;		/* namespaces, and those that somebody keeps */
	bool *is_kept;		/* by its place, which is its nsid in the namespace that watches */
	bool linked;		/* the link to the last is there */
};

struct starting {
	struct netns_wait *wait;
	const int *netns_fds;
	int ret;
	struct err *err;
};

static int name_namespaces(struct nl *nl, const struct starting *starting)
{
	struct nl_what what = {"a network namespace", "be remembered", {0}, 0};
	int ret = 0;

	for (size_t i = 0; !ret && i < starting->wait->n; i++) {
		struct nlmsghdr *nlh = nl_begin(nl, RTM_NEWNSID, 0);
		struct rtgenmsg *gen = mnl_nlmsg_put_extra_header(nlh, sizeof(*gen));

		gen->rtgen_family = AF_UNSPEC;
		mnl_attr_put_u32(nlh, NETNSA_FD, starting->netns_fds[i]);
		mnl_attr_put_u32(nlh, NETNSA_NSID, i);
		ret = nl_commit(nl, &what, starting->err);
	}
	return ret ? ret : nl_flush(nl, starting->err);
}

static int link_last(struct nl *nl, int here, const struct starting *starting)
{
	struct nl_what what = {"a network namespace", "be linked to", {0}, 0};
	struct veth_end ends[2] = {
		{.ifname = "watch", .netns_fd = here, .ifindex = WATCHING_IFINDEX},
		{.ifname = GOING_NAME, .netns_fd = starting->netns_fds[starting->wait->n - 1]},
	};
	int ret = link_add_veth(nl, ends, &what, starting->err);

	return ret ? ret : nl_flush(nl, starting->err);
}

/* here: the descriptor of the namespace that the thread is in. */
static int link_and_listen(struct starting *starting, int here)
{
	struct netns_wait *wait = starting->wait;
	int ret = nl_open(&wait->nl, -1, starting->err);

	if (ret)
		return ret;
	ret = name_namespaces(wait->nl, starting);
	if (ret)
		return ret;
	ret = link_last(wait->nl, here, starting);
	if (ret)
		return ret;
	ret = nl_open(&wait->events, -1, starting->err);
	if (ret)
		return ret;
	ret = nl_listen(wait->events, RTNLGRP_NSID, starting->err);
	return ret ? ret : nl_listen(wait->events, RTNLGRP_LINK, starting->err);
}

/* On a thread of its own, which stays in the new namespace. Events are asked for when what makes
 * some is done. */
static void *start(void *arg)
{
	struct starting *starting = arg;
	struct netns_wait *wait = starting->wait;
	struct netns_id id;
	int here = netns_new(&id, starting->err);

	starting->ret = here < 0 ? here : link_and_listen(starting, here);
	wait->linked = true;
	if (here >= 0)
		close(here);
	return NULL;
}

int netns_wait_start(struct netns_wait **out, const int *netns_fds, size_t n, struct err *err)
{
	struct netns_wait *wait = calloc(1, sizeof(*wait));
	struct starting starting = {wait, netns_fds, 0, err};
	pthread_t thread;
	int ret;

	if (wait)
		wait->is_kept = malloc(n * sizeof(*wait->is_kept));
	if (!wait || !wait->is_kept) {
		netns_wait_free(wait);
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	memset(wait->is_kept, true, n * sizeof(*wait->is_kept));
	wait->n = wait->kept = n;
	ret = -pthread_create(&thread, NULL, start, &starting);
	if (ret)
		err_set(err, ERR_SYSTEM, -ret, "cannot start a thread: %s", strerror(-ret));
	else
		pthread_join(thread, NULL);
	ret = ret ? ret : starting.ret;
	if (ret)
		netns_wait_free(wait);
	else
		*out = wait;
	return ret;
}

static int on_event(const struct nlmsghdr *nlh, void *arg)
{
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct netns_wait *wait = arg;
	const struct nlattr *attr;

	if (nlh->nlmsg_type == RTM_DELLINK && ifi->ifi_index == WATCHING_IFINDEX)
		wait->linked = false;
	if (nlh->nlmsg_type != RTM_DELNSID)
		return MNL_CB_OK;
	mnl_attr_for_each(attr, nlh, sizeof(struct rtgenmsg)) {
		uint32_t nsid = mnl_attr_get_type(attr) == NETNSA_NSID ? mnl_attr_get_u32(attr)
								       : UINT32_MAX;

		if (nsid >= wait->n || !wait->is_kept[nsid])
			continue;
		wait->is_kept[nsid] = false;
		wait->kept--;
	}
	return MNL_CB_OK;
}

int netns_wait_until(struct netns_wait *wait, int timeout_ms)
{
	int64_t end = clock_monotonic_ms() + timeout_ms, left;

	while (wait->kept || wait->linked) {
		left = end - clock_monotonic_ms();
		if (left <= 0 || nl_event(wait->events, left, on_event, wait, NULL) == -ETIMEDOUT)
			return -ETIMEDOUT;
	}
	return 0;
}

size_t netns_wait_left(const struct netns_wait *wait)
{
	return wait->kept + wait->linked;
}

static int ignore_answer(const struct nlmsghdr *nlh, void *arg)
{
	(void)nlh;
	(void)arg;
	return MNL_CB_OK;
}

/* Its lo is asked for: the kernel takes a reference for that, or says EINVAL if there is none left
 * (rtnl_get_net_ns_capable in net/core/rtnetlink.c). */
bool netns_wait_is_held(struct netns_wait *wait, size_t i)
{
	struct nl_what what = {.object = "a network namespace", .action = "be looked at"};
	struct nlmsghdr *nlh = nl_begin(wait->nl, RTM_GETLINK, 0);
	struct ifinfomsg *ifi = mnl_nlmsg_put_extra_header(nlh, sizeof(*ifi));

	ifi->ifi_index = LO_IFINDEX;
	mnl_attr_put_u32(nlh, IFLA_TARGET_NETNSID, i);
	return wait->is_kept[i] &&
	       nl_dump(wait->nl, nlh, ignore_answer, NULL, &what, NULL) != -EINVAL;
}

void netns_wait_unlink(struct netns_wait *wait)
{
	struct nl_what what = {"a network namespace", "be let go", {0}, ENODEV};

	if (wait->linked && !link_delete(wait->nl, WATCHING_IFINDEX, &what, NULL))
		nl_flush(wait->nl, NULL);
	wait->linked = false;
}

void netns_wait_free(struct netns_wait *wait)
{
	if (!wait)
		return;
	nl_close(wait->nl);
	nl_close(wait->events);
	free(wait->is_kept);
	free(wait);
}
