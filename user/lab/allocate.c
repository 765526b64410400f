// SPDX-License-Identifier: GPL-2.0-only
/* allocate.c - see allocate.h. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/lab/allocate.h"

/* Round numbers read well: 1000003 is end 3 of the first lab. */
enum { RANGE_STEP = 1000 };

void netns_mark(const char *name, char mark[64])
{
	snprintf(mark, 64, "vethlab %s\n", name);
}

/* The lab, other than this one, whose namespace has the name; false: none that can be read. */
static bool find_owner(const struct running *run, const char *name, char lab[LAB_NAME_MAX + 1])
{
	char **labs, path[PATH_MAX];
	size_t n_labs;
	bool found = false;

	if (lab_list(&labs, &n_labs, NULL))
		return false;
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	for (size_t i = 0; i < n_labs && !found; i++) {
		cleanup_running struct running *other = NULL;

		if (!strcmp(labs[i], run->name) || lab_open(&other, labs[i], NULL))
			continue;
		for (size_t j = 0; j < other->lab->n_nodes && !found; j++) {
			cleanup_close int fd = -1;

			if (!other->nodes[j].ours || strcmp(other->nodes[j].netns_name, name) != 0)
				continue;
			fd = netns_open_same(path, &other->nodes[j].id);
			found = fd >= 0;
		}
		if (found)
			snprintf(lab, LAB_NAME_MAX + 1, "%s", labs[i]);
	}
	lab_list_free(labs, n_labs);
	return found;
}

static void tell_mounted(const struct running *run, const char *name, const struct node *node,
			 struct err *err)
{
	char owner[LAB_NAME_MAX + 1];

	if (find_owner(run, name, owner)) {
		err_set(err, ERR_FAILED, EEXIST,
			"%s: the network namespace %s is that of lab %s, which runs", node->name,
			name, owner);
		err_hint(err,
			 "`vethlab down %s` takes it down; `--as NAME` builds this lab with "
			 "namespaces called NAME-%s",
			 owner, node->name);
		return;
	}
	err_set(err, ERR_FAILED, EEXIST, "%s: a network namespace %s exists and is not this lab's",
		node->name, name);
	err_hint(err,
		 "it stays as it is; `--as NAME` builds the lab with namespaces called NAME-%s",
		 node->name);
}

static int name_taken(const struct running *run, const char *name, const struct node *node,
		      struct err *err)
{
	char found[128], mark[64];
	struct netns_id none = {0};
	int state = netns_name_state(name, found, sizeof(found), err);

	if (state < 0)
		return state;
	switch ((enum netns_name_state)state) {
	case NETNS_NAME_FREE:
		return 0;
	case NETNS_NAME_STALE:
		netns_mark(run->name, mark);
		if (!strcmp(found, mark))
			return netns_unname(name, -1, &none, mark, err);
		err_set(err, ERR_FAILED, EEXIST,
			"%s: the file %s/%s exists, without a namespace on it", node->name,
			NETNS_DIR, name);
		err_hint(err, "something crashed and left it; `ip netns delete %s` removes it",
			 name);
		break;
	case NETNS_NAME_MOUNTED:
		tell_mounted(run, name, node, err);
		break;
	}
	if (node->where.line)
		err_at(err, node->where);
	return -EEXIST;
}

void allocate_name(struct running *run, const struct node *node)
{
	struct running_node *running_node = &run->nodes[node->index];

	running_node->ours = node->netns == NETNS_NEW;
	if (running_node->ours)
		snprintf(running_node->netns_name, sizeof(running_node->netns_name), "%s%s%s",
			 run->prefixed ? run->name : "", run->prefixed ? "-" : "", node->name);
}

int allocate_check_name(const struct running *run, const struct node *node, struct err *err)
{
	const struct running_node *running_node = &run->nodes[node->index];

	return running_node->ours ? name_taken(run, running_node->netns_name, node, err) : 0;
}

static int open_foreign(const struct node *node, struct err *err)
{
	struct err refused = {0};
	int fd = node->netns == NETNS_HOST  ? netns_open_self(&refused)
		 : node->netns == NETNS_PID ? netns_open_pid(node->netns_pid, &refused)
					    : netns_open(node->netns_path, &refused);

	if (fd >= 0)
		return fd;
	if (fd == -ENOENT && node->netns == NETNS_PID) {
		err_set(err, ERR_INPUT, ENOENT, "%s: there is no process %d", node->name,
			node->netns_pid);
		err_hint(err, "`pid` is that of a process in the namespace that the node is to be");
	} else if (fd == -ENOENT && node->netns == NETNS_PATH) {
		err_set(err, ERR_INPUT, ENOENT, "%s: there is no network namespace %s", node->name,
			node->netns_path);
		err_hint(err, "without `netns` a new one is made for the node");
	} else if (err && !err->code) {
		*err = refused;
	}
	err_at(err, node->where);
	return fd;
}

/* A namespace may be that of one node only: an end is identified by its namespace. */
static int check_distinct(const struct running *run, const struct node *node, struct err *err)
{
	for (size_t i = 0; i < run->lab->n_nodes; i++) {
		const struct running_node *other = &run->nodes[i];

		if (i == node->index || other->ours ||
		    !netns_same(&other->id, &run->nodes[node->index].id))
			continue;
		err_set(err, ERR_FAILED, EEXIST, "%s: is the same network namespace as %s",
			node->name, run->lab->nodes[i]->name);
		err_at(err, node->where);
		return -EEXIST;
	}
	return 0;
}

int allocate_name_taken(const struct end *end, const struct link_info *info, const char *hint,
			struct err *err)
{
	const char *comma = info->kind[0] ? ", " : "";

	/* The kernel finds interfaces by their alternative names too (__dev_get_by_name()). */
	if (strcmp(end->ifname, info->ifname) != 0)
		err_set(err, ERR_FAILED, EEXIST,
			"%s: %s is an alternative name of the interface %s in that namespace "
			"(ifindex %u%s%s)",
			end->name, end->ifname, info->ifname, info->ifindex, comma, info->kind);
	else
		err_set(err, ERR_FAILED, EEXIST,
			"%s: an interface %s exists in that namespace (ifindex %u%s%s)", end->name,
			end->ifname, info->ifindex, comma, info->kind);
	err_hint(err, "%s", hint);
	err_at(err, end->where);
	return -EEXIST;
}

static int check_interfaces(const struct node *node, int fd, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	struct link_info info;
	int ret = nl_open(&nl, fd, err);

	if (ret)
		return ret;
	for (size_t i = 0; i < node->n_ends; i++) {
		const struct end *end = node->ends[i];

		ret = link_get(nl, 0, end->ifname, &info, err);
		if (ret == -ENODEV)
			continue;
		if (ret)
			return ret;
		return allocate_name_taken(end, &info,
					   "it stays as it is; rename the end in the lab file, or "
					   "use --isolated",
					   err);
	}
	return 0;
}

/* Loaded rules cannot be told from those of others, so `down` could not remove them. */
static int check_rules(const struct node *node, struct err *err)
{
	if (!node->nft)
		return 0;
	err_set(err, ERR_FAILED, EINVAL,
		"%s: nft rules go into namespaces that the lab makes only; this one is not its own",
		node->name);
	err_hint(err, "use --isolated, or load them by hand and take them out by hand");
	err_at(err, node->nft_where);
	return -EINVAL;
}

int allocate_foreign(struct running *run, const struct node *node, int *fd, struct err *err)
{
	struct running_node *running_node = &run->nodes[node->index];
	int ret;

	if (running_node->ours)
		return 0;
	ret = check_rules(node, err);
	if (ret)
		return ret;
	*fd = open_foreign(node, err);
	if (*fd < 0)
		return *fd;
	ret = netns_identify(*fd, &running_node->id, err);
	if (ret)
		return ret;
	ret = check_distinct(run, node, err);
	return ret ? ret : check_interfaces(node, *fd, err);
}

struct ifindex_range {
	uint32_t base, size;
	bool taken;
};

static bool overlaps(const struct ifindex_range *range, uint32_t base, uint32_t size)
{
	return range->base < base + size && base < range->base + range->size;
}

static bool on_foreign_link(const struct link_info *info, void *arg)
{
	struct ifindex_range *range = arg;

	range->taken |= overlaps(range, info->ifindex, 1);
	return !range->taken;
}

static int check_netns(int fd, struct ifindex_range *range, struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	int ret = nl_open(&nl, fd, err);

	return ret ? ret : link_list(nl, on_foreign_link, range, err);
}

/* Fill in range->taken. */
static int check_range(const struct running *run, const int *fds, char **labs, size_t n_labs,
		       struct ifindex_range *range, struct err *err)
{
	struct journal_head head;
	int ret;

	range->taken = false;
	for (size_t i = 0; i < n_labs; i++)
		if (strcmp(labs[i], run->name) && !journal_head(labs[i], &head))
			range->taken |= overlaps(range, head.ifindex_base, head.range);
	for (size_t i = 0; !range->taken && i < run->lab->n_nodes; i++) {
		ret = fds[i] < 0 ? 0 : check_netns(fds[i], range, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Room for what is added to the running lab. */
static uint32_t with_room(size_t n)
{
	return n + (n > 256 ? n / 4 : 64);
}

int allocate_range(struct running *run, const int *fds, struct err *err)
{
	size_t n_ends = lab_n_ends(run->lab), n_labs;
	/* Bridges stand behind the ends, each in its node's slot. */
	uint32_t capacity = with_room(n_ends), slots = with_room(run->lab->n_nodes);
	struct ifindex_range range = {.base = LAB_IFINDEX_START, .size = capacity + slots};
	char **labs;
	int ret = lab_list(&labs, &n_labs, err);

	if (ret)
		return ret;
	for (; range.base < LAB_IFINDEX_END; range.base += RANGE_STEP) {
		ret = check_range(run, fds, labs, n_labs, &range, err);
		if (ret || !range.taken)
			break;
	}
	lab_list_free(labs, n_labs);
	if (ret)
		return ret;
	if (range.taken)
		return err_set(err, ERR_FAILED, ENOSPC, "lab %s: no free range of %u ifindexes",
			       run->name, range.size);
	run->ifindex_base = range.base;
	run->capacity = capacity;
	run->next_end = n_ends;
	run->slots = slots;
	for (size_t i = 0; i < run->lab->n_nodes; i++)
		run->nodes[i].slot = i;
	/* A number that nobody else uses by chance; 0 is the group of all other interfaces. */
	do
		if (getrandom(&run->group, sizeof(run->group), 0) != sizeof(run->group))
			return err_set(err, ERR_SYSTEM, errno, "cannot get a random number: %s",
				       strerror(errno));
	while ((run->group &= 0x7fffffff) < 1 << 16);
	return 0;
}
