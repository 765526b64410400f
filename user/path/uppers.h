/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uppers.h - devices upon ends of the lab: what a macvlan or an ipvlan takes from an end goes to
 * the namespace that the device is in, which may be another node's.
 */
#ifndef VETHLAB_USER_PATH_UPPERS_H
#define VETHLAB_USER_PATH_UPPERS_H

#include "user/lab/lab.h"
#include "user/net/net.h"

/* A device of a node upon an end of the same or of another one. */
struct upper {
	const struct node *node;
	const struct end *lower;
	uint32_t ifindex;
	uint8_t mac[6];
	char ifname[IFNAME_MAX + 1];
	char kind[16]; /* "macvlan", "macvtap", "ipvlan", "ipvtap" */
};

/* Those in the nodes of a lab; in namespaces that are no nodes they are not looked for. */
struct uppers {
	struct upper *list; /* owned */
	size_t n;
	bool read;
	bool too_many; /* nodes: nothing was looked for */
};

enum { UPPERS_NODES_MAX = 256 };

/* Read them once. A node that cannot be opened has none. Returns 0, or -errno with err set. */
int uppers_read(struct uppers *uppers, const struct running *run, struct err *err);
void uppers_free(struct uppers *uppers);

/* Whether it shares the MAC address of its end, and is told apart by IP addresses. */
bool upper_is_ipvlan(const struct upper *upper);
/* Whether a process takes what comes, and not the node's stack (macvtap, ipvtap). */
bool upper_is_tap(const struct upper *upper);
/* The one with that ifindex in a node; NULL: none. */
const struct upper *uppers_find(const struct uppers *uppers, const struct node *node,
				uint32_t ifindex);

#endif
