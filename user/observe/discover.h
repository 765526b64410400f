/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * discover.h - the network namespaces that this process can see, and the ends of veth links in
 * them. Discovering changes nothing. It holds descriptors of the namespaces, and so keeps them
 * alive, until discovery_free() is called.
 */
#ifndef VETHLAB_USER_OBSERVE_DISCOVER_H
#define VETHLAB_USER_OBSERVE_DISCOVER_H

#include <limits.h>

#include "topology/observed.h"
#include "user/net/net.h"

struct discovered_netns {
	struct netns_id id;
	int fd;
	enum netns_kind kind; /* NETNS_HOST: this process's own; NETNS_PATH; NETNS_PID */
	char path[PATH_MAX]; /* by which it was found: a file below NETNS_DIR, mounted elsewhere, or
				in /proc */
	int pid;	     /* NETNS_PID: the oldest process in it; else 0 */
	char name[NODE_NAME_MAX + 1]; /* that a node for it may have; not unique */
	bool generated; /* name is one that a program generated: a container's host name is better
			 */
	struct nl *nl;	/* a socket in it; NULL before it is read */
};

struct discovery {
	struct discovered_netns *netns; /* this process's own is the first */
	size_t n_netns;
	struct discovered_end *ends; /* in the order of their namespaces */
	size_t n_ends;
	struct discovered_address *addresses;
	size_t n_addresses;
	struct discovered_link *links; /* point into ends */
	size_t n_links;
	bool any_generated; /* one of the namespaces has a generated name */
	size_t unreadable;  /* namespaces that went away meanwhile, or that we may not enter */
};

/* Discover everything. The caller frees *discovery with discovery_free(); not after a failure. */
int discovery_make(struct discovery *discovery, struct err *err);
void discovery_free(struct discovery *discovery);
/* The index of a namespace in discovery->netns, or -1. */
int discovery_find_netns(const struct discovery *discovery, const struct netns_id *id);

#endif
