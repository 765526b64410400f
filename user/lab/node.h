/* SPDX-License-Identifier: GPL-2.0-only */
/* node.h - what is done inside one node's namespace, in the order in which `up` does it. */
#ifndef VETHLAB_USER_LAB_NODE_H
#define VETHLAB_USER_LAB_NODE_H

#include "user/lab/files.h"

/*
 * Call these on a thread that may change namespace; they leave it in the node's. netns_fd stays
 * open and is the caller's.
 */

/*
 * Sysctls, lo, bridge, programs on the ends, addresses; nothing is up yet, so that no packet goes
 * uncounted.
 */
int node_prepare(const struct running *run, struct watch *watch, struct journal *journal,
		 const struct node *node, int netns_fd, struct err *err);
/* nft rules, clsact filters, ends up, neighbors, routes. */
int node_start(const struct running *run, struct watch *watch, const struct node *node,
	       int netns_fd, struct err *err);
/*
 * Wait until every end that should be up, and whose peer should be, is operational (RFC 2863
 * up): then its queue takes packets, and one ARP request is sent out of it, for build.c to see at the
 * other end. ERR_FAILED names the first end that does not come up.
 */
int node_wait_up(const struct running *run, const struct node *node, int netns_fd,
		 struct err *err);

/* Whether the lab file wants the link of an end to carry packets. */
static inline bool node_end_should_be_up(const struct end *end)
{
	return end->up && end->peer->up;
}

/* The node's exec: commands, once the lab is built. */
int node_exec(const struct node *node, int netns_fd, struct err *err);

#endif
