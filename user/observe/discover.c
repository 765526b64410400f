// SPDX-License-Identifier: GPL-2.0-only
/* discover.c - see discover.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "user/observe/discover.h"

static int no_memory(struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

/* Room for one more zeroed item behind n. NULL: out of memory. */
static void *grow(void *list, size_t *n, size_t size)
{
	void **place = list;
	char *bigger;

	/* Doubled at each power of two. */
	if (!(*n & (*n - 1))) {
		bigger = realloc(*place, (*n ? 2 * *n : 1) * size);
		if (!bigger)
			return NULL;
		*place = bigger;
	}
	memset((char *)*place + *n * size, 0, size);
	return (char *)*place + (*n)++ * size;
}

int discovery_find_netns(const struct discovery *seen, const struct netns_id *id)
{
	for (size_t i = 0; i < seen->n_netns; i++)
		if (netns_same(&seen->netns[i].id, id))
			return i;
	return -1;
}

static struct discovered_netns *find_inode(const struct discovery *seen, uint64_t inode)
{
	for (size_t i = 0; i < seen->n_netns; i++)
		if (seen->netns[i].id.inode == inode)
			return &seen->netns[i];
	return NULL;
}

/* ---- namespaces ------------------------------------------------------------------------------ */

/*
 * The namespace at path, unless it is known. Returns 1 with the new one at the end of the list, 0
 * if there is nothing new at path, or -ENOMEM.
 */
static int add_netns(struct discovery *seen, const char *path, enum netns_kind kind)
{
	struct discovered_netns *netns;
	struct stat st;
	int fd;

	if (stat(path, &st) || find_inode(seen, st.st_ino))
		return 0;
	fd = netns_open(path, NULL);
	if (fd < 0) {
		seen->unreadable += fd == -EACCES || fd == -EPERM || fd == -EMFILE;
		return 0;
	}
	netns = grow(&seen->netns, &seen->n_netns, sizeof(*netns));
	if (!netns) {
		close(fd);
		return -ENOMEM;
	}
	*netns = (struct discovered_netns){.fd = fd, .kind = kind};
	if (netns_identify(fd, &netns->id, NULL)) {
		close(fd);
		seen->n_netns--;
		seen->unreadable++;
		return 0;
	}
	snprintf(netns->path, sizeof(netns->path), "%s", path);
	return 1;
}

static int add_own(struct discovery *seen)
{
	int ret = add_netns(seen, "/proc/thread-self/ns/net", NETNS_HOST);

	if (ret > 0)
		observed_node_name("host", seen->netns[0].name);
	return ret < 0 ? ret : 0;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int add_named(struct discovery *seen)
{
	struct dirent **entries = NULL;
	int n = scandir(NETNS_DIR, &entries, is_name, alphasort), ret = 0;
	struct discovered_netns *netns;
	char path[PATH_MAX];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), NETNS_DIR "/%s", entries[i]->d_name);
		if (ret >= 0)
			ret = add_netns(seen, path, NETNS_PATH);
		if (ret > 0) {
			netns = &seen->netns[seen->n_netns - 1];
			observed_node_name(entries[i]->d_name, netns->name);
			netns->drawn = observed_is_drawn(entries[i]->d_name);
			seen->any_drawn |= netns->drawn;
		}
		free(entries[i]);
	}
	free(entries);
	return ret < 0 ? ret : 0;
}

static bool add_mounted(const char *path, void *arg)
{
	struct discovery *seen = arg;

	/* Its processes have a better name for it than a file of hexadecimal digits. */
	return add_netns(seen, path, NETNS_PATH) >= 0;
}

/* Enters the host name's namespace of a process, on a thread of its own, and asks for the name. */
struct asking {
	int fd;
	struct utsname uts;
	bool answered;
};

static void *ask_hostname(void *arg)
{
	struct asking *asking = arg;

	asking->answered = !setns(asking->fd, CLONE_NEWUTS) && !uname(&asking->uts);
	return NULL;
}

/*
 * The name of a container, which has a host name of its own. A service that may not change this
 * machine's name has it too, in a namespace of its own.
 */
static bool hostname_of(int pid, char name[NODE_NAME_MAX + 1])
{
	char path[64];
	struct asking asking = {0};
	struct utsname here;
	struct stat own, its;
	pthread_t thread;

	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	if (stat("/proc/self/ns/uts", &own) || stat(path, &its) || own.st_ino == its.st_ino)
		return false;
	asking.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (asking.fd < 0)
		return false;
	if (!pthread_create(&thread, NULL, ask_hostname, &asking))
		pthread_join(thread, NULL);
	close(asking.fd);
	if (!asking.answered || !asking.uts.nodename[0])
		return false;
	if (!uname(&here) && !strcmp(here.nodename, asking.uts.nodename))
		return false;
	observed_node_name(asking.uts.nodename, name);
	return true;
}

static void call_by_process(struct discovered_netns *netns, int pid)
{
	char path[64], comm[32] = "", raw[64];
	FILE *f;

	if (hostname_of(pid, netns->name))
		return;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
	snprintf(raw, sizeof(raw), "%s-%d", comm[0] ? comm : "pid", pid);
	observed_node_name(raw, netns->name);
}

static int by_number(const struct dirent **a, const struct dirent **b)
{
	return atoi((*a)->d_name) - atoi((*b)->d_name);
}

static int is_process(const struct dirent *entry)
{
	return entry->d_name[0] >= '1' && entry->d_name[0] <= '9';
}

/* A container's host name tells people more than what a program drew for its namespace. */
static void call_drawn(struct discovery *seen, const char *path, int pid)
{
	struct discovered_netns *netns;
	struct stat st;

	netns = stat(path, &st) ? NULL : find_inode(seen, st.st_ino);
	if (netns && netns->drawn && hostname_of(pid, netns->name))
		netns->drawn = false;
}

/* The oldest process of each namespace that has no other name yet: a container's first one. */
static int add_processes(struct discovery *seen)
{
	struct dirent **entries = NULL;
	int n = scandir("/proc", &entries, is_process, by_number), ret = 0;
	char path[64];

	for (int i = 0; i < n; i++) {
		int pid = atoi(entries[i]->d_name);

		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		if (ret >= 0)
			ret = add_netns(seen, path, NETNS_PID);
		if (ret > 0) {
			seen->netns[seen->n_netns - 1].pid = pid;
			call_by_process(&seen->netns[seen->n_netns - 1], pid);
		} else if (!ret && seen->any_drawn) {
			call_drawn(seen, path, pid);
		}
		free(entries[i]);
	}
	free(entries);
	return ret < 0 ? ret : 0;
}

/* What is mounted and is nobody's by name or process: after the file. */
static int add_rest(struct discovery *seen)
{
	size_t before = seen->n_netns;

	netns_each_mount(add_mounted, seen);
	for (size_t i = before; i < seen->n_netns; i++)
		observed_node_name(strrchr(seen->netns[i].path, '/') + 1, seen->netns[i].name);
	return 0;
}

/* ---- ends and addresses ---------------------------------------------------------------------- */

struct discovering {
	struct discovery *seen;
	unsigned netns;
	struct link_info *all; /* of the namespace: bridges are named by index */
	size_t n_all;
	bool no_memory;
};

static bool on_link(const struct link_info *info, void *arg)
{
	struct discovering *looking = arg;
	struct link_info *place = grow(&looking->all, &looking->n_all, sizeof(*place));

	if (place)
		*place = *info;
	else
		looking->no_memory = true;
	return place;
}

static bool on_address(uint32_t ifindex, const struct ip_prefix *prefix, void *arg)
{
	struct discovering *looking = arg;
	struct discovery *seen = looking->seen;
	struct discovered_address *place =
		grow(&seen->addresses, &seen->n_addresses, sizeof(*place));

	if (place)
		*place = (struct discovered_address){looking->netns, ifindex, *prefix};
	else
		looking->no_memory = true;
	return place;
}

static const char *bridge_name(const struct discovering *looking, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < looking->n_all; i++)
		if (looking->all[i].ifindex == ifindex && !strcmp(looking->all[i].kind, "bridge"))
			return looking->all[i].ifname;
	return "";
}

static void take_ends(struct discovering *looking)
{
	struct discovery *seen = looking->seen;

	for (size_t i = 0; !looking->no_memory && i < looking->n_all; i++) {
		const struct link_info *info = &looking->all[i];
		struct discovered_end *end;

		/* Without a peer's index it is half of a pair whose other half is going. */
		if (strcmp(info->kind, "veth") != 0 || !info->peer_ifindex)
			continue;
		end = grow(&seen->ends, &seen->n_ends, sizeof(*end));
		if (!end) {
			looking->no_memory = true;
			break;
		}
		*end = (struct discovered_end){
			.netns = looking->netns,
			.ifindex = info->ifindex,
			.peer_ifindex = info->peer_ifindex,
			.peer_nsid = info->link_netnsid < 0 ? SEEN_HERE : info->link_netnsid,
		};
		strcpy(end->ifname, info->ifname);
		strcpy(end->bridge, bridge_name(looking, info->master));
	}
}

static int look_into(struct discovery *seen, unsigned i, struct err *err)
{
	struct discovering looking = {.seen = seen, .netns = i};
	struct discovered_netns *netns = &seen->netns[i];
	size_t addresses = seen->n_addresses;
	struct err gone = {0};
	int ret = nl_open(&netns->nl, netns->fd, &gone);

	if (!ret)
		ret = link_list(netns->nl, on_link, &looking, &gone);
	if (!ret)
		ret = address_list(netns->nl, 0, on_address, &looking, &gone);
	if (!ret)
		take_ends(&looking);
	else
		seen->n_addresses = addresses;
	free(looking.all);
	if (looking.no_memory)
		return no_memory(err);
	if (ret && i) { /* it may have gone; the others matter too */
		seen->unreadable++;
		return 0;
	}
	if (ret && err)
		*err = gone;
	return ret;
}

static int32_t ask_nsid(unsigned in, unsigned of, void *arg)
{
	struct discovery *seen = arg;
	int32_t nsid = -1;

	if (!seen->netns[in].nl || netns_nsid(seen->netns[in].nl, seen->netns[of].fd, &nsid, NULL))
		return -1;
	return nsid;
}

int discovery_make(struct discovery *seen, struct err *err)
{
	int ret;

	*seen = (struct discovery){0};
	netns_many(); /* two descriptors each */
	ret = add_own(seen);
	if (!ret)
		ret = add_named(seen);
	if (!ret)
		ret = add_processes(seen);
	if (!ret)
		ret = add_rest(seen);
	if (ret)
		ret = no_memory(err);
	if (!ret && !seen->n_netns)
		ret = err_set(err, ERR_SYSTEM, ENOENT,
			      "cannot see this process's own network "
			      "namespace: is /proc mounted?");
	for (unsigned i = 0; !ret && i < seen->n_netns; i++)
		ret = look_into(seen, i, err);
	if (!ret &&
	    observed_pair(seen->ends, seen->n_ends, ask_nsid, seen, &seen->links, &seen->n_links))
		ret = no_memory(err);
	if (ret)
		discovery_free(seen);
	return ret;
}

void discovery_free(struct discovery *seen)
{
	for (size_t i = 0; i < seen->n_netns; i++) {
		nl_close(seen->netns[i].nl);
		close(seen->netns[i].fd);
	}
	free(seen->netns);
	free(seen->ends);
	free(seen->addresses);
	free(seen->links);
	*seen = (struct discovery){0};
}
