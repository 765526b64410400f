/* SPDX-License-Identifier: GPL-2.0-only */
/* node.h - what is done inside one node's namespace, in the order in which `up` does it. */
#ifndef VETHLAB_USER_LAB_NODE_H
#define VETHLAB_USER_LAB_NODE_H

#include "user/lab/journal.h"

/* What a change of a running lab touches, by node->index and by end->number. */
struct touch {
	uint8_t *nodes, *ends; /* TOUCH_*, or-ed; 0: left alone */
	bool lenient; /* repaired routes that the kernel refuses may stay away: putting back, they
			 may have been away before, since somebody had set an end down */
};

enum {
	TOUCH_FRESH = 1,   /* made now */
	TOUCH_REPAIR = 2,  /* of an end its addresses, of a node its neighbors and routes: some may
			      be missing, what is there stays */
	TOUCH_LO = 4,	   /* the same for addresses of lo and the bridge of a node */
	TOUCH_SYSCTLS = 8, /* of a node */
	TOUCH_WAIT = 16,   /* an end that comes up now */
	TOUCH_BRIDGE = 32, /* the bridge of a node, made now */
};

/* touch NULL: all is fresh. */
static inline unsigned node_touch(const struct touch *touch, const struct node *node)
{
	return touch ? touch->nodes[node->index] : TOUCH_FRESH;
}

static inline unsigned end_touch(const struct touch *touch, const struct end *end)
{
	return touch ? touch->ends[end->number] : TOUCH_FRESH;
}

/* One node to work on. All of it is borrowed; netns_fd stays open. */
struct node_job {
	const struct running *run;
	struct watch *watch; /* NULL: no programs */
	int frame_prog;	     /* of watch_frame_load() */
	/*
	 * By end->number: its interface has not counted the frame that was sent out of it. Only
	 * where the peer has no `in` program that would. A veth counts as sent what its peer has
	 * taken (veth_xmit), and that is the peer's count of what it received.
	 */
	bool *uncounted;
	struct journal *journal;
	const struct touch *touch;
	const struct node *node;
	const volatile int *interrupted; /* the user wants to stop: not 0; NULL: never */
	int netns_fd;
};

/* Call these on a thread that may change namespace; they leave it in the node's. */

/*
 * Sysctls, of all nodes before anything else is done in one: the kernel does not wait for its rtnl
 * lock in forwarding and the like, but begins the write anew again and again (restart_syscall()),
 * as long as another worker holds the lock. An attachment by tcx holds it for an RCU grace period.
 */
int node_sysctls(const struct node_job *job, struct err *err);
/* lo, bridge, programs on the ends, addresses; nothing is up yet, so that no packet goes uncounted.
 */
int node_prepare(const struct node_job *job, struct err *err);
/* nft rules, clsact filters, ends up, neighbors, routes. */
int node_start(const struct node_job *job, struct err *err);
/* A fresh node's exec: commands, once the lab is built. */
int node_exec(const struct node_job *job, struct err *err);

/* Whether the lab file wants the link of an end to carry packets. */
static inline bool node_end_should_be_up(const struct end *end)
{
	return end->up && end->peer->up;
}

/*
 * An end's MAC address: the file's, or the kernel's choice where it was noted (bytes without
 * has_mac); NULL: none is known.
 */
const uint8_t *node_end_mac(const struct end *end);

/* Put the calling thread into a namespace for good and open a socket there. */
int node_enter(int netns_fd, struct nl **nl, struct err *err);

/* For route_add() and its like: the ifindex of one of a node's interfaces by name. */
struct node_devices {
	const struct running *run;
	const struct node *node;
};
/* arg: a struct node_devices. 0, which the kernel refuses: the node has none of that name. */
uint32_t node_device(const char *dev, void *arg);
/* The protocol of a node's routes: what it says is static, or our mark where others have routes. */
uint8_t node_route_protocol(const struct running *run, const struct node *node,
			    const struct route *route);
/* Before a route is added: where it does not go with its namespace, `down` must know. */
int node_journal_route(const struct running *run, struct journal *journal, const struct node *node,
		       const struct route *route, struct err *err);

#endif
