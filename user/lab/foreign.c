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

#include "user/lab/foreign.h"
#include "user/base/workers.h"

enum { LO_IFINDEX = 1 };
/* Others may take the name that was just found to be free, the other workers among them. */
enum { NAME_TRIES = 32 };

struct guests {
	struct removed_netns *homes;
	size_t n;
	const struct journal_head *head;
	const struct notes *notes;
	int here;	      /* the calling thread's namespace */
	pthread_mutex_t lock; /* of notes */
};

__attribute__((format(printf, 2, 3))) static void tell(struct guests *guests, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pthread_mutex_lock(&guests->lock);
	notes_vtell(guests->notes, fmt, ap);
	pthread_mutex_unlock(&guests->lock);
	va_end(ap);
}

/* ---- processes ------------------------------------------------------------------------------- */

static int by_inode(const void *a, const void *b)
{
	const struct removed_netns *x = a, *y = b;

	return x->id.inode < y->id.inode ? -1 : x->id.inode > y->id.inode;
}

static void process_name(const char *pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	f = fopen(path, "re");
	if (!f || !fgets(name, size, f))
		snprintf(name, size, "?");
	name[strcspn(name, "\n")] = '\0';
	if (f)
		fclose(f);
}

/* A process in a namespace of ours keeps it alive; it is not ours to end. */
static void look_at_process(struct guests *guests, const char *pid)
{
	struct removed_netns *home, wanted = {.held = false};
	char path[64], name[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.16s/ns/net", pid);
	if (stat(path, &st))
		return;
	wanted.id.inode = st.st_ino;
	home = bsearch(&wanted, guests->homes, guests->n, sizeof(wanted), by_inode);
	if (!home || atoi(pid) == getpid())
		return;
	home->held = true;
	process_name(pid, name, sizeof(name));
	tell(guests,
	     "%s: process %s (%s) keeps the network namespace alive; its name and the lab's "
	     "interfaces are removed",
	     home->name, pid, name);
}

static void look_at_processes(struct guests *guests)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_process(guests, entry->d_name);
	if (dir)
		closedir(dir);
}

/* ---- interfaces ------------------------------------------------------------------------------ */

struct netns_look {
	struct guests *guests;
	struct link_info *list; /* not ours */
	size_t n, ours;
	uint32_t first_of_ours;
	bool no_memory;
};

static bool on_link(const struct link_info *info, void *arg)
{
	struct netns_look *look = arg;
	const struct journal_head *head = look->guests->head;
	struct link_info *more;

	if (info->ifindex == LO_IFINDEX)
		return true;
	if (info->ifindex - head->ifindex_base < head->range) {
		look->first_of_ours = info->ifindex;
		look->ours++;
		return true;
	}
	more = realloc(look->list, (look->n + 1) * sizeof(*more));
	if (!more) {
		look->no_memory = true;
		return false;
	}
	look->list = more;
	look->list[look->n++] = *info;
	return true;
}

/* Hardware, or with its lower device outside. The other end of a veth is no lower device. */
static bool has_a_home(const struct link_info *info)
{
	return !info->kind[0] || (info->link_netnsid >= 0 && strcmp(info->kind, "veth") != 0);
}

static int move(struct guests *guests, struct nl *nl, const struct link_info *info,
		const char *name, struct err *err)
{
	struct nl_what what = {info->ifname, "be handed back", {0}, 0};
	int ret = link_move(nl, info->ifindex, guests->here, name, &what, err);

	return ret ? ret : nl_flush(nl, err);
}

/* A name that nobody has here, as the kernel makes one for hardware that it takes back itself. */
static int free_name(struct guests *guests, char name[IFNAME_MAX + 1], struct err *err)
{
	struct link_info taken;
	struct nl *nl = NULL;
	int ret = nl_open(&nl, guests->here, err);

	for (unsigned i = 0; !ret; i++) {
		snprintf(name, IFNAME_MAX + 1, "dev%u", i);
		ret = link_get(nl, 0, name, &taken, err);
	}
	nl_close(nl);
	return ret == -ENODEV ? 0 : ret;
}

/* Under its own name or, where that is taken, under another one, which is in name then. */
static int move_home(struct guests *guests, struct nl *nl, const struct link_info *info,
		     char name[IFNAME_MAX + 1], struct err *err)
{
	int ret;

	snprintf(name, IFNAME_MAX + 1, "%s", info->ifname);
	ret = move(guests, nl, info, name, err);
	for (int i = 0; i < NAME_TRIES && ret == -EEXIST; i++) {
		err_clear(err);
		ret = free_name(guests, name, err);
		if (!ret)
			ret = move(guests, nl, info, name, err);
	}
	return ret;
}

static int hand_back(struct guests *guests, struct nl *nl, const char *node,
		     const struct link_info *info, struct err *err)
{
	char name[IFNAME_MAX + 1];
	struct err taken = {0};
	int ret = move_home(guests, nl, info, name, &taken);

	if (!ret) {
		tell(guests,
		     "%s: interface %s is not the lab's: handed back to this namespace as %s", node,
		     info->ifname, name);
		return 0;
	}
	if (err && !err->code)
		*err = taken;
	if (ret == -EEXIST) /* not of its name: a free one was tried */
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

/* Veths take their other ends along, which may be in the list too. */
static int remove_ours(struct guests *guests, struct nl *nl, struct err *err)
{
	struct nl_what what = {"an interface of the lab", "be removed", {0}, ENODEV};
	struct netns_look look = {.guests = guests};
	int ret;

	do {
		look.ours = 0;
		ret = link_list(nl, on_link, &look, err);
		if (!ret && look.ours)
			ret = link_delete(nl, look.first_of_ours, &what, err);
		if (!ret)
			ret = nl_flush(nl, err);
	} while (!ret && look.ours);
	free(look.list);
	return ret;
}

static int see_off(struct guests *guests, const struct removed_netns *home, struct nl *nl,
		   struct err *err)
{
	struct netns_look look = {.guests = guests};
	int ret = link_list(nl, on_link, &look, err);

	if (!ret && look.no_memory)
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", home->name);
	for (size_t i = 0; !ret && i < look.n; i++) {
		if (has_a_home(&look.list[i]))
			ret = hand_back(guests, nl, home->name, &look.list[i], err);
		else if (!home->held)
			tell(guests,
			     "%s: interface %s (%s) is not the lab's and goes with its "
			     "network namespace",
			     home->name, look.list[i].ifname, look.list[i].kind);
	}
	free(look.list);
	return ret || !home->held ? ret : remove_ours(guests, nl, err);
}

static int see_off_one(size_t i, void *arg, struct err *err)
{
	struct guests *guests = arg;
	struct removed_netns *home = &guests->homes[i];
	char mark[8];
	struct netns_id now;
	struct nl *nl = NULL;
	int ret, fd;

	ret = netns_name_state(home->name, mark, sizeof(mark), err);
	if (ret != NETNS_NAME_MOUNTED)
		return ret < 0 ? ret : 0;
	fd = netns_open(home->name, err);
	if (fd < 0)
		return fd;
	ret = netns_enter(fd, &now, err);
	if (ret || !netns_same(&now, &home->id)) {
		close(fd);
		return ret;
	}
	home->fd = fd;
	ret = nl_open(&nl, -1, err);
	if (!ret)
		ret = see_off(guests, home, nl, err);
	nl_close(nl);
	return ret;
}

int foreign_move_out(struct removed_netns *homes, size_t n, const struct journal_head *head,
		     const struct notes *notes, struct err *err)
{
	struct guests guests = {homes, n, head, notes, -1, PTHREAD_MUTEX_INITIALIZER};
	int ret;

	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		homes[i].fd = -1;
	netns_many();
	guests.here = netns_open_self(err);
	if (guests.here < 0)
		return guests.here;
	qsort(homes, n, sizeof(*homes), by_inode);
	look_at_processes(&guests);
	ret = workers_run(n, see_off_one, &guests, err);
	close(guests.here);
	pthread_mutex_destroy(&guests.lock);
	return ret;
}
