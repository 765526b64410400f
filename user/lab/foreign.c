// SPDX-License-Identifier: GPL-2.0-only
/* foreign.c - see foreign.h. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/process.h"
#include "user/base/workers.h"
#include "user/lab/foreign.h"

enum { LO_IFINDEX = 1 };
/* Another process or worker may take the name that was just found to be free. */
enum { NAME_TRIES = 32 };

/* What the workers share. */
struct move_out {
	struct removed_netns *list; /* sorted by inode */
	size_t n;
	const struct journal_head *head;
	const struct notes *notes;
	int target_fd; /* the namespace of the calling thread: where interfaces are moved to */
	pthread_mutex_t lock; /* of notes */
};

__attribute__((format(printf, 2, 3))) static void tell(struct move_out *move, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pthread_mutex_lock(&move->lock);
	notes_vtell(move->notes, fmt, ap);
	pthread_mutex_unlock(&move->lock);
	va_end(ap);
}

/* ---- processes ------------------------------------------------------------------------------- */

static int by_inode(const void *a, const void *b)
{
	const struct removed_netns *x = a, *y = b;

	return x->id.inode < y->id.inode ? -1 : x->id.inode > y->id.inode;
}

/* A process keeps its namespace alive. vethlab ends no processes of others. */
static void check_process(struct move_out *move, const char *pid)
{
	struct removed_netns *netns, key = {.held = false};
	char path[64], name[PROCESS_NAME_SIZE];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.16s/ns/net", pid);
	if (stat(path, &st))
		return;
	key.id.inode = st.st_ino;
	netns = bsearch(&key, move->list, move->n, sizeof(key), by_inode);
	if (!netns || atoi(pid) == getpid())
		return;
	netns->held = true;
	process_name(atoi(pid), name);
	tell(move,
	     "%s: process %s (%s) keeps the network namespace alive; its name and the lab's "
	     "interfaces are removed",
	     netns->name, pid, name);
}

static void check_processes(struct move_out *move)
{
	cleanup_closedir DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			check_process(move, entry->d_name);
}

/* ---- interfaces ------------------------------------------------------------------------------ */

/* The interfaces of one namespace, except lo. */
struct interfaces {
	const struct journal_head *head;
	struct link_info *foreign;
	size_t n_foreign, n_own;
	uint32_t own_ifindex; /* of one of the lab's own */
	bool no_memory;
};

static bool on_link(const struct link_info *info, void *arg)
{
	struct interfaces *interfaces = arg;
	const struct journal_head *head = interfaces->head;

	if (info->ifindex == LO_IFINDEX)
		return true;
	if (info->ifindex - head->ifindex_base < head->range) {
		interfaces->own_ifindex = info->ifindex;
		interfaces->n_own++;
		return true;
	}
	if (array_reserve_one(&interfaces->foreign, interfaces->n_foreign, sizeof(*info))) {
		interfaces->no_memory = true;
		return false;
	}
	interfaces->foreign[interfaces->n_foreign++] = *info;
	return true;
}

/*
 * Hardware, or an interface whose lower device is in another namespace. The peer of a veth is not a
 * lower device.
 */
static bool must_be_moved(const struct link_info *info)
{
	return !info->kind[0] || (info->link_netnsid >= 0 && strcmp(info->kind, "veth") != 0);
}

/* Whether what stands upon a device of a removed namespace is destroyed with that device. */
static bool goes_away(struct move_out *move, const struct removed_netns *netns, struct nl *nl,
		      uint32_t ifindex, struct link_info *lower)
{
	if (link_get(nl, ifindex, NULL, lower, NULL))
		return false;
	return lower->ifindex - move->head->ifindex_base < move->head->range ||
	       (!netns->held && !must_be_moved(lower));
}

/*
 * The namespace of the lab in which the lower device of an interface is, if they go together; NULL:
 * it is elsewhere, or stays. nl: of the interface's own namespace.
 */
static const struct removed_netns *goes_with(struct move_out *move, struct nl *nl,
					     const struct link_info *info, struct link_info *lower)
{
	if (info->link_netnsid < 0 || !info->peer_ifindex)
		return NULL;
	for (size_t i = 0; i < move->n; i++) {
		cleanup_close int fd = netns_open(move->list[i].name, NULL);
		cleanup_nl struct nl *there = NULL;
		int32_t nsid;

		if (fd < 0 || netns_nsid(nl, fd, &nsid, NULL) || nsid != info->link_netnsid)
			continue;
		if (!nl_open(&there, fd, NULL) &&
		    goes_away(move, &move->list[i], there, info->peer_ifindex, lower))
			return &move->list[i];
	}
	return NULL;
}

static int move_interface(struct move_out *move, struct nl *nl, const struct link_info *info,
			  const char *name, struct err *err)
{
	struct nl_what what = {info->ifname, "be handed back", {0}, 0};
	int ret = link_move(nl, info->ifindex, move->target_fd, name, &what, err);

	return ret ? ret : nl_flush(nl, err);
}

/* A name that is free in the target: devN, as the kernel itself names hardware that it moves. */
static int free_name(struct move_out *move, char name[IFNAME_MAX + 1], struct err *err)
{
	cleanup_nl struct nl *nl = NULL;
	struct link_info taken;
	int ret = nl_open(&nl, move->target_fd, err);

	for (unsigned i = 0; !ret; i++) {
		snprintf(name, IFNAME_MAX + 1, "dev%u", i);
		ret = link_get(nl, 0, name, &taken, err);
	}
	return ret == -ENODEV ? 0 : ret;
}

/* Move an interface under its own name, or if that is taken, under a free one; name is which. */
static int move_and_name(struct move_out *move, struct nl *nl, const struct link_info *info,
			 char name[IFNAME_MAX + 1], struct err *err)
{
	int ret;

	snprintf(name, IFNAME_MAX + 1, "%s", info->ifname);
	ret = move_interface(move, nl, info, name, err);
	for (int i = 0; i < NAME_TRIES && ret == -EEXIST; i++) {
		err_clear(err);
		ret = free_name(move, name, err);
		if (!ret)
			ret = move_interface(move, nl, info, name, err);
	}
	return ret;
}

static int move_out(struct move_out *move, struct nl *nl, const char *node,
		    const struct link_info *info, struct err *err)
{
	char name[IFNAME_MAX + 1];
	struct err taken = {0};
	int ret = move_and_name(move, nl, info, name, &taken);

	if (!ret) {
		tell(move, "%s: interface %s is not the lab's: handed back to this namespace as %s",
		     node, info->ifname, name);
		return 0;
	}
	if (err && !err->code)
		*err = taken;
	if (ret == -EEXIST) /* not because of its name: free ones were tried */
		err_hint(err,
			 "%s: an alternative name of it is taken here: ip -n %s link property del "
			 "dev %s altname ..., then try again",
			 node, node, info->ifname);
	else
		err_hint(err,
			 "%s: move it elsewhere (ip -n %s link set %s netns ...), then try again",
			 node, node, info->ifname);
	return ret;
}

/* Delete the lab's own interfaces. Each is listed anew: a veth's peer is deleted with it. */
static int delete_own(struct move_out *move, struct nl *nl, struct err *err)
{
	struct nl_what what = {"an interface of the lab", "be removed", {0}, ENODEV};
	struct interfaces interfaces = {.head = move->head};
	int ret;

	do {
		interfaces.n_own = 0;
		ret = link_list(nl, on_link, &interfaces, err);
		if (!ret && interfaces.n_own)
			ret = link_delete(nl, interfaces.own_ifindex, &what, err);
		if (!ret)
			ret = nl_flush(nl, err);
	} while (!ret && interfaces.n_own);
	free(interfaces.foreign);
	return ret;
}

static int move_interfaces(struct move_out *move, const struct removed_netns *netns, struct nl *nl,
			   const struct interfaces *interfaces, struct err *err)
{
	for (size_t i = 0; i < interfaces->n_foreign; i++) {
		const struct link_info *info = &interfaces->foreign[i];
		bool moves = must_be_moved(info);
		struct link_info lower;
		const struct removed_netns *with =
			moves && info->kind[0] ? goes_with(move, nl, info, &lower) : NULL;
		int ret;

		if (with) {
			tell(move,
			     "%s: interface %s (%s) is not the lab's and goes with %s:%s, upon "
			     "which it stands",
			     netns->name, info->ifname, info->kind, with->name, lower.ifname);
		} else if (moves) {
			ret = move_out(move, nl, netns->name, info, err);
			if (ret)
				return ret;
		} else if (!netns->held) {
			tell(move,
			     "%s: interface %s (%s) is not the lab's and goes with its "
			     "network namespace",
			     netns->name, info->ifname, info->kind);
		}
	}
	return 0;
}

static int clear_netns(struct move_out *move, const struct removed_netns *netns, struct nl *nl,
		       struct err *err)
{
	struct interfaces interfaces = {.head = move->head};
	int ret = link_list(nl, on_link, &interfaces, err);

	if (!ret && interfaces.no_memory)
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", netns->name);
	if (!ret)
		ret = move_interfaces(move, netns, nl, &interfaces, err);
	free(interfaces.foreign);
	return ret || !netns->held ? ret : delete_own(move, nl, err);
}

static int clear_one(size_t i, void *arg, struct err *err)
{
	struct move_out *move = arg;
	struct removed_netns *netns = &move->list[i];
	cleanup_nl struct nl *nl = NULL;
	cleanup_close int fd = -1;
	struct netns_id now;
	char mark[8];
	int ret;

	ret = netns_name_state(netns->name, mark, sizeof(mark), err);
	if (ret != NETNS_NAME_MOUNTED)
		return ret < 0 ? ret : 0;
	fd = netns_open(netns->name, err);
	if (fd < 0)
		return fd;
	ret = netns_enter(fd, &now, err);
	if (ret || !netns_same(&now, &netns->id))
		return ret;
	netns->fd = cleanup_take_fd(&fd);
	ret = nl_open(&nl, -1, err);
	return ret ? ret : clear_netns(move, netns, nl, err);
}

int foreign_move_out(struct removed_netns *list, size_t n, const struct journal_head *head,
		     const struct notes *notes, struct err *err)
{
	struct move_out move = {list, n, head, notes, -1, PTHREAD_MUTEX_INITIALIZER};
	int ret;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		list[i].fd = -1;
	netns_raise_file_limit();
	move.target_fd = netns_open_self(err);
	if (move.target_fd < 0)
		return move.target_fd;
	qsort(list, n, sizeof(*list), by_inode);
	check_processes(&move);
	ret = workers_run(n, clear_one, &move, err);
	close(move.target_fd);
	pthread_mutex_destroy(&move.lock);
	return ret;
}
