/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * discover.h - the network namespaces that this process can see, and the veth ends in them. Looking
 * changes nothing, and keeps nothing alive once discovery_free() was called.
 */
#ifndef VETHLAB_USER_OBSERVE_DISCOVER_H
#define VETHLAB_USER_OBSERVE_DISCOVER_H

#include <limits.h>

#include "topology/observed.h"
#include "user/net/net.h"

/* A namespace: our own, one below NETNS_DIR, one mounted elsewhere, one that only a process is in.
 */
struct discovered_netns {
	struct netns_id id;
	int fd;
	enum netns_kind kind;	      /* NETNS_HOST: our own */
	char path[PATH_MAX];	      /* by which it was found */
	int pid;		      /* NETNS_PID: the oldest process that is in it */
	char name[NODE_NAME_MAX + 1]; /* what a node could be called after it */
	bool drawn;    /* the name is one that a program drew: a container's is better */
	struct nl *nl; /* NULL: not asked yet */
};

struct discovery {
	struct discovered_netns *netns; /* our own first */
	size_t n_netns;
	struct discovered_end *ends; /* by namespace */
	size_t n_ends;
	struct discovered_address *addresses;
	size_t n_addresses;
	struct discovered_link *links;
	size_t n_links;
	bool any_drawn;	   /* among the namespaces that have names */
	size_t unreadable; /* namespaces that went away meanwhile, or that we may not enter */
};

/* Look at everything. */
int discovery_make(struct discovery *seen, struct err *err);
void discovery_free(struct discovery *seen);
/* The place of a namespace; -1: not seen. */
int discovery_find_netns(const struct discovery *seen, const struct netns_id *id);

#endif
