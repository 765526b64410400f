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

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/process.h"
#include "user/observe/container_name.h"
#include "user/observe/discover.h"

static int no_memory(struct err *err)
{
	return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

int discovery_find_netns(const struct discovery *discovery, const struct netns_id *id)
{
	for (size_t i = 0; i < discovery->n_netns; i++)
		if (netns_same(&discovery->netns[i].id, id))
			return i;
	return -1;
}

static struct discovered_netns *find_inode(const struct discovery *discovery, uint64_t inode)
{
	for (size_t i = 0; i < discovery->n_netns; i++)
		if (discovery->netns[i].id.inode == inode)
			return &discovery->netns[i];
	return NULL;
}

/* ---- namespaces ------------------------------------------------------------------------------ */

/*
 * Add the namespace at path. Returns 1 if it is a new one, the last of the list then; 0 if it is
 * known already or cannot be read; or -ENOMEM.
 */
static int add_netns(struct discovery *discovery, const char *path, enum netns_kind kind)
{
	struct discovered_netns *netns;
	cleanup_close int fd = -1;
	struct stat st;

	if (stat(path, &st) || find_inode(discovery, st.st_ino))
		return 0;
	fd = netns_open(path, NULL);
	if (fd < 0) {
		discovery->unreadable += fd == -EACCES || fd == -EPERM || fd == -EMFILE;
		return 0;
	}
	if (array_reserve_one(&discovery->netns, discovery->n_netns, sizeof(*netns)))
		return -ENOMEM;
	netns = &discovery->netns[discovery->n_netns];
	*netns = (struct discovered_netns){.kind = kind};
	if (netns_identify(fd, &netns->id, NULL)) {
		discovery->unreadable++;
		return 0;
	}
	netns->fd = cleanup_take_fd(&fd);
	discovery->n_netns++;
	snprintf(netns->path, sizeof(netns->path), "%s", path);
	return 1;
}

static int add_own(struct discovery *discovery)
{
	int ret = add_netns(discovery, "/proc/thread-self/ns/net", NETNS_HOST);

	if (ret > 0)
		observed_node_name("host", discovery->netns[0].name);
	return ret < 0 ? ret : 0;
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int add_named(struct discovery *discovery)
{
	struct dirent **entries = NULL;
	int n = scandir(NETNS_DIR, &entries, is_name, alphasort), ret = 0;
	struct discovered_netns *netns;
	char path[PATH_MAX];

	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), NETNS_DIR "/%s", entries[i]->d_name);
		if (ret >= 0)
			ret = add_netns(discovery, path, NETNS_PATH);
		if (ret > 0) {
			netns = &discovery->netns[discovery->n_netns - 1];
			observed_node_name(entries[i]->d_name, netns->name);
			netns->generated = observed_is_drawn(entries[i]->d_name);
			discovery->any_generated |= netns->generated;
		}
		free(entries[i]);
	}
	free(entries);
	return ret < 0 ? ret : 0;
}

static bool add_mounted(const char *path, void *arg)
{
	return add_netns(arg, path, NETNS_PATH) >= 0;
}

/* The host name in a UTS namespace, which a thread of its own enters to ask for it. */
struct hostname_query {
	int fd;
	struct utsname uts;
	bool answered;
};

static void *ask_hostname(void *arg)
{
	struct hostname_query *query = arg;

	query->answered = !setns(query->fd, CLONE_NEWUTS) && !uname(&query->uts);
	return NULL;
}

/*
 * The host name of the process's UTS namespace, for want of a container's name. false: it is the
 * machine's own name, which a service with a UTS namespace of its own has too.
 */
static bool hostname_of(int pid, char name[NODE_NAME_MAX + 1])
{
	char path[64];
	struct hostname_query query = {0};
	struct utsname here;
	struct stat own, its;
	pthread_t thread;

	snprintf(path, sizeof(path), "/proc/%d/ns/uts", pid);
	if (stat("/proc/self/ns/uts", &own) || stat(path, &its) || own.st_ino == its.st_ino)
		return false;
	query.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (query.fd < 0)
		return false;
	if (!pthread_create(&thread, NULL, ask_hostname, &query))
		pthread_join(thread, NULL);
	close(query.fd);
	if (!query.answered || !query.uts.nodename[0])
		return false;
	if (!uname(&here) && !strcmp(here.nodename, query.uts.nodename))
		return false;
	observed_node_name(query.uts.nodename, name);
	return true;
}

/* What people call the container of a process. */
static bool name_of_container(int pid, char name[NODE_NAME_MAX + 1])
{
	char raw[256];

	if (!container_name(pid, raw, sizeof(raw)))
		return hostname_of(pid, name);
	observed_node_name(raw, name);
	return true;
}

static void name_by_process(struct discovered_netns *netns, int pid)
{
	char comm[PROCESS_NAME_SIZE], raw[64];

	if (name_of_container(pid, netns->name))
		return;
	snprintf(raw, sizeof(raw), "%s-%d", process_name(pid, comm) ? comm : "pid", pid);
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

/* A namespace with a generated name is called as the container in it, if there is one. */
static void rename_generated(struct discovery *discovery, const char *path, int pid)
{
	struct discovered_netns *netns;
	struct stat st;

	netns = stat(path, &st) ? NULL : find_inode(discovery, st.st_ino);
	if (netns && netns->generated && name_of_container(pid, netns->name))
		netns->generated = false;
}

/* Namespaces without a file, by their oldest processes. */
static int add_processes(struct discovery *discovery)
{
	struct dirent **entries = NULL;
	int n = scandir("/proc", &entries, is_process, by_number), ret = 0;
	char path[64];

	for (int i = 0; i < n; i++) {
		int pid = atoi(entries[i]->d_name);

		snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
		if (ret >= 0)
			ret = add_netns(discovery, path, NETNS_PID);
		if (ret > 0) {
			discovery->netns[discovery->n_netns - 1].pid = pid;
			name_by_process(&discovery->netns[discovery->n_netns - 1], pid);
		} else if (!ret && discovery->any_generated) {
			rename_generated(discovery, path, pid);
		}
		free(entries[i]);
	}
	free(entries);
	return ret < 0 ? ret : 0;
}

/*
 * Namespaces that are mounted somewhere and have no process. Processes are asked first, since their
 * names tell more than those of mounted files, often hexadecimal digits.
 */
static int add_mounts(struct discovery *discovery)
{
	size_t before = discovery->n_netns;

	netns_each_mount(add_mounted, discovery);
	for (size_t i = before; i < discovery->n_netns; i++)
		observed_node_name(strrchr(discovery->netns[i].path, '/') + 1,
				   discovery->netns[i].name);
	return 0;
}

/* ---- ends and addresses ---------------------------------------------------------------------- */

struct netns_reading {
	struct discovery *discovery;
	unsigned netns;		      /* index in discovery->netns */
	struct link_info *interfaces; /* all of the namespace */
	size_t n_interfaces;
	bool no_memory;
};

static bool on_link(const struct link_info *info, void *arg)
{
	struct netns_reading *reading = arg;

	if (array_reserve_one(&reading->interfaces, reading->n_interfaces, sizeof(*info))) {
		reading->no_memory = true;
		return false;
	}
	reading->interfaces[reading->n_interfaces++] = *info;
	return true;
}

static bool on_address(const struct address_info *info, void *arg)
{
	struct netns_reading *reading = arg;
	struct discovery *discovery = reading->discovery;

	if (array_reserve_one(&discovery->addresses, discovery->n_addresses,
			      sizeof(*discovery->addresses))) {
		reading->no_memory = true;
		return false;
	}
	discovery->addresses[discovery->n_addresses++] =
		(struct discovered_address){reading->netns, info->ifindex, info->prefix};
	return true;
}

static const char *bridge_name(const struct netns_reading *reading, uint32_t ifindex)
{
	for (size_t i = 0; ifindex && i < reading->n_interfaces; i++)
		if (reading->interfaces[i].ifindex == ifindex &&
		    !strcmp(reading->interfaces[i].kind, "bridge"))
			return reading->interfaces[i].ifname;
	return "";
}

static void add_ends(struct netns_reading *reading)
{
	struct discovery *discovery = reading->discovery;

	for (size_t i = 0; !reading->no_memory && i < reading->n_interfaces; i++) {
		const struct link_info *info = &reading->interfaces[i];
		struct discovered_end *end;

		/* An end without the index of its peer is being removed. */
		if (strcmp(info->kind, "veth") != 0 || !info->peer_ifindex)
			continue;
		if (array_reserve_one(&discovery->ends, discovery->n_ends, sizeof(*end))) {
			reading->no_memory = true;
			break;
		}
		end = &discovery->ends[discovery->n_ends++];
		*end = (struct discovered_end){
			.netns = reading->netns,
			.ifindex = info->ifindex,
			.peer_ifindex = info->peer_ifindex,
			.peer_nsid = info->link_netnsid < 0 ? SEEN_HERE : info->link_netnsid,
		};
		strcpy(end->ifname, info->ifname);
		strcpy(end->bridge, bridge_name(reading, info->master));
	}
}

/* Open the namespace's socket, and list its interfaces and addresses. */
static int list_netns(struct netns_reading *reading, struct discovered_netns *netns,
		      struct err *err)
{
	int ret = nl_open(&netns->nl, netns->fd, err);

	if (ret)
		return ret;
	ret = link_list(netns->nl, on_link, reading, err);
	return ret ? ret : address_list(netns->nl, 0, on_address, reading, err);
}

static int read_netns(struct discovery *discovery, unsigned i, struct err *err)
{
	struct netns_reading reading = {.discovery = discovery, .netns = i};
	size_t addresses = discovery->n_addresses;
	struct err cause = {0};
	int ret = list_netns(&reading, &discovery->netns[i], &cause);

	if (!ret)
		add_ends(&reading);
	else
		discovery->n_addresses = addresses;
	free(reading.interfaces);
	if (reading.no_memory)
		return no_memory(err);
	if (ret && i) { /* it may be removed by now: the others are read all the same */
		discovery->unreadable++;
		return 0;
	}
	if (ret && err)
		*err = cause;
	return ret;
}

static int32_t ask_nsid(unsigned in, unsigned of, void *arg)
{
	struct discovery *discovery = arg;
	int32_t nsid = -1;

	if (!discovery->netns[in].nl ||
	    netns_nsid(discovery->netns[in].nl, discovery->netns[of].fd, &nsid, NULL))
		return -1;
	return nsid;
}

static int discover(struct discovery *discovery, struct err *err)
{
	int ret;

	if (add_own(discovery) || add_named(discovery) || add_processes(discovery) ||
	    add_mounts(discovery))
		return no_memory(err);
	if (!discovery->n_netns)
		return err_set(err, ERR_SYSTEM, ENOENT,
			       "cannot see this process's own network "
			       "namespace: is /proc mounted?");
	for (unsigned i = 0; i < discovery->n_netns; i++) {
		ret = read_netns(discovery, i, err);
		if (ret)
			return ret;
	}
	if (observed_pair(discovery->ends, discovery->n_ends, ask_nsid, discovery,
			  &discovery->links, &discovery->n_links))
		return no_memory(err);
	return 0;
}

int discovery_make(struct discovery *discovery, struct err *err)
{
	int ret;

	*discovery = (struct discovery){0};
	netns_raise_file_limit(); /* each takes two descriptors */
	ret = discover(discovery, err);
	if (ret)
		discovery_free(discovery);
	return ret;
}

void discovery_free(struct discovery *discovery)
{
	for (size_t i = 0; i < discovery->n_netns; i++) {
		nl_close(discovery->netns[i].nl);
		close(discovery->netns[i].fd);
	}
	free(discovery->netns);
	free(discovery->ends);
	free(discovery->addresses);
	free(discovery->links);
	*discovery = (struct discovery){0};
}
