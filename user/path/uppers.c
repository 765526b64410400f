// SPDX-License-Identifier: GPL-2.0-only
/* uppers.c - see uppers.h. */
#include "user/path/uppers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/path/asking.h"

bool upper_is_ipvlan(const struct upper *upper)
{
	return !strncmp(upper->kind, "ipv", 3);
}

bool upper_is_tap(const struct upper *upper)
{
	return !strcmp(upper->kind, "macvtap") || !strcmp(upper->kind, "ipvtap");
}

/* The interfaces of one namespace that stand upon another one, as ends do not. */
struct standing {
	struct link_info *list; /* owned */
	size_t n;
	bool no_memory;
};

static bool on_link(const struct link_info *info, void *arg)
{
	static const char *const kinds[] = {"macvlan", "macvtap", "ipvlan", "ipvtap"};
	struct standing *standing = arg;
	bool is_one = false;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		is_one |= !strcmp(info->kind, kinds[i]);
	if (!is_one || !info->peer_ifindex)
		return true;
	standing->no_memory = array_reserve_one(&standing->list, standing->n, sizeof(*info)) != 0;
	if (standing->no_memory)
		return false;
	standing->list[standing->n++] = *info;
	return true;
}

/* The end that an interface of the node at hand stands upon; NULL: none of the lab. */
static const struct end *lower_of(struct path_asking *at, const struct node *own,
				  const struct link_info *info)
{
	const struct lab *lab = at->run->lab;

	if (info->link_netnsid < 0)
		return path_end_of(at->run, own, info->peer_ifindex);
	for (size_t i = 0; i < lab->n_nodes; i++) {
		const struct node *node = lab->nodes[i];
		const struct end *end = path_end_of(at->run, node, info->peer_ifindex);
		cleanup_close int fd = end && !running_is_unseen(at->run, node)
					       ? running_open_netns(at->run, node, NULL)
					       : -1;
		int32_t nsid;

		if (fd >= 0 && !netns_nsid(at->nl, fd, &nsid, NULL) && nsid == info->link_netnsid)
			return end;
	}
	return NULL;
}

static int add(struct uppers *uppers, struct path_asking *at, const struct node *node,
	       const struct link_info *info)
{
	const struct end *lower = lower_of(at, node, info);
	struct upper *upper;

	if (!lower)
		return 0;
	if (array_reserve_one(&uppers->list, uppers->n, sizeof(*uppers->list)))
		return -ENOMEM;
	upper = &uppers->list[uppers->n++];
	*upper = (struct upper){.node = node, .lower = lower, .ifindex = info->ifindex};
	memcpy(upper->mac, info->mac, sizeof(upper->mac));
	snprintf(upper->ifname, sizeof(upper->ifname), "%s", info->ifname);
	snprintf(upper->kind, sizeof(upper->kind), "%s", info->kind);
	return 0;
}

static int read_node(struct uppers *uppers, const struct running *run, const struct node *node,
		     struct err *err)
{
	struct path_asking at = {.run = run, .netns_fd = -1};
	struct standing standing = {0};
	int ret;

	if (running_is_unseen(run, node) || path_ask_open(&at, node, NULL))
		return 0;
	ret = link_list(at.nl, on_link, &standing, err);
	for (size_t i = 0; !ret && !standing.no_memory && i < standing.n; i++)
		standing.no_memory = add(uppers, &at, node, &standing.list[i]) != 0;
	path_ask_close(&at);
	free(standing.list);
	if (!ret && standing.no_memory)
		return err_set(err, ERR_SYSTEM, ENOMEM, "path: out of memory");
	return ret;
}

int uppers_read(struct uppers *uppers, const struct running *run, struct err *err)
{
	int ret = 0;

	if (uppers->read)
		return 0;
	uppers->too_many = run->lab->n_nodes > UPPERS_NODES_MAX;
	for (size_t i = 0; !ret && !uppers->too_many && i < run->lab->n_nodes; i++)
		ret = read_node(uppers, run, run->lab->nodes[i], err);
	uppers->read = !ret;
	return ret;
}

void uppers_free(struct uppers *uppers)
{
	free(uppers->list);
	*uppers = (struct uppers){0};
}

const struct upper *uppers_find(const struct uppers *uppers, const struct node *node,
				uint32_t ifindex)
{
	for (size_t i = 0; i < uppers->n; i++)
		if (uppers->list[i].node == node && uppers->list[i].ifindex == ifindex)
			return &uppers->list[i];
	return NULL;
}
