/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * observed.h - a lab made of links that others built: which of the ends that namespaces show belong
 * together, what the nodes are called, and the lab file that says so. Pure: what was seen comes as
 * lists.
 */
#ifndef VETHLAB_TOPOLOGY_OBSERVED_H
#define VETHLAB_TOPOLOGY_OBSERVED_H

#include <stdio.h>

#include "topology/model.h"

enum { SEEN_HERE = -1 }; /* the peer is in the same namespace */

/* An end of a veth pair, as its namespace shows it. */
struct discovered_end {
	unsigned netns; /* place in the list of namespaces that were looked at */
	uint32_t ifindex;
	uint32_t peer_ifindex;
	int32_t peer_nsid; /* what netns calls the peer's namespace; SEEN_HERE */
	char ifname[IFNAME_MAX + 1];
	char bridge[IFNAME_MAX + 1]; /* that it is a port of; "": none */
};

struct discovered_address {
	unsigned netns;
	uint32_t ifindex;
	struct ip_prefix prefix;
};

/* A pair. ends[1] is NULL if the other end is in a namespace that is not in the list. */
struct discovered_link {
	const struct discovered_end *ends[2];
};

/*
 * Join ends to pairs, in the order of the ends. nsid tells what namespace `in` calls namespace
 * `of`, -1 if it has no name for it; it is asked once a candidate. Returns 0 or -ENOMEM; *links is
 * the caller's to free.
 */
int observed_pair(const struct discovered_end *ends, size_t n,
		  int32_t (*nsid)(unsigned in, unsigned of, void *arg), void *arg,
		  struct discovered_link **links, size_t *n_links);

/*
 * What a node can be called after a namespace, a host or a process: characters that a lab file does
 * not take become '-'; "" becomes "netns".
 */
void observed_node_name(const char *raw, char name[NODE_NAME_MAX + 1]);
/* The same name, or with -2, -3, ... behind it: the first that is not taken. */
void observed_distinct(char name[NODE_NAME_MAX + 1], bool (*taken)(const char *name, void *arg),
		       void *arg);
/*
 * Whether a program drew the name of a namespace: it ends in a UUID, as Kubernetes' (cni-UUID) and
 * Podman's (netns-UUID).
 */
bool observed_is_drawn(const char *raw);
/* Why a lab file cannot name this interface; NULL: it can. */
const char *observed_ifname_problem(const char *ifname);

/* A node of the lab to be written. kind NETNS_NEW: its namespace cannot be seen. */
struct observed_node {
	char name[NODE_NAME_MAX + 1];
	enum netns_kind kind;
	const char *path; /* NETNS_PATH */
	int pid;	  /* NETNS_PID */
	unsigned netns;	  /* whose addresses are its own; UINT_MAX: nobody's */
};

struct observed_link {
	unsigned nodes[2]; /* places in the list of nodes */
	char ifnames[2][IFNAME_MAX + 1];
	uint32_t ifindexes[2];
};

struct observed {
	const char *name;
	const struct observed_node *nodes;
	size_t n_nodes;
	const struct observed_link *links;
	size_t n_links;
	const struct discovered_address *addresses;
	size_t n_addresses;
};

/*
 * The lab file. Addresses of ends stand at the ends, those of other interfaces of a node at its lo;
 * an address that a node has twice is written once.
 */
void observed_write(FILE *f, const struct observed *observed);

#endif
