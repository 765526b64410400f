/* SPDX-License-Identifier: GPL-2.0-only */
/* node.h - what is done inside one node's namespace, in the order in which `up` does it. */
#ifndef VETHLAB_USER_LAB_NODE_H
#define VETHLAB_USER_LAB_NODE_H

#include "user/lab/lab.h"

/*
 * Call these on a thread that may change namespace; they leave it in the node's. netns_fd stays
 * open and is the caller's.
 */

/* lo, addresses, programs on the ends; nothing is up yet, so that no packet goes uncounted. */
int node_prepare(const struct running *run, struct watch *watch, const struct node *node,
		 int netns_fd, struct err *err);
/* clsact filters, ends up, routes. */
int node_start(const struct running *run, struct watch *watch, const struct node *node,
	       int netns_fd, struct err *err);
/*
 * Wait until every end that should be up, and whose peer should be, is operational (RFC 2863
 * up): then its queue takes packets. ERR_FAILED names the first end that does not come up.
 */
int node_wait_up(const struct running *run, const struct node *node, int netns_fd,
		 struct err *err);

#endif
