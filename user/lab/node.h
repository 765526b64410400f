/* SPDX-License-Identifier: GPL-2.0-only */
/* node.h - the steps of building inside one node's namespace, in the order of `up`. */
#ifndef VETHLAB_USER_LAB_NODE_H
#define VETHLAB_USER_LAB_NODE_H

#include "user/lab/journal.h"

/* Which nodes and ends the steps work on, when a running lab is changed. */
struct touch {
	uint8_t *nodes,
		*ends; /* by node->index and end->number: TOUCH_* or-ed; 0: leave it alone */
	/*
	 * It is no error if the kernel refuses a route of a kept node. Used to undo a failed
	 * change: the route may have been missing before it, since somebody had set an end down.
	 */
	bool lenient;
};

enum {
	TOUCH_FRESH = 1,  /* it is new: build all of it */
	TOUCH_REPAIR = 2, /* add what may be missing: addresses of an end, neighbors and routes of a
			     node */
	TOUCH_LO = 4,	  /* add what may be missing: addresses of a node's lo and bridge */
	TOUCH_SYSCTLS = 8, /* set the sysctls of a node */
	TOUCH_WAIT = 16,   /* wait until an end is up */
	TOUCH_BRIDGE = 32, /* make the bridge of a node */
};

enum { LO_IFINDEX = 1 }; /* of every namespace */

/* touch NULL: everything is new. */
static inline unsigned node_touch(const struct touch *touch, const struct node *node)
{
	return touch ? touch->nodes[node->index] : TOUCH_FRESH;
}

static inline unsigned end_touch(const struct touch *touch, const struct end *end)
{
	return touch ? touch->ends[end->number] : TOUCH_FRESH;
}

/* One node to work on. All of it is borrowed. */
struct node_job {
	const struct running *run;
	struct watch *watch; /* NULL: no programs */
	int frame_prog;	     /* of watch_frame_load(); -1: a packet socket */
	/*
	 * By end->number: the end has sent its frame (link_check.h), but its interface has not
	 * counted it. Used only where the peer has no `in` program that would count it. A veth
	 * counts as sent what its peer has taken (veth_xmit() in drivers/net/veth.c), which is also
	 * what the peer counts as received.
	 */
	bool *uncounted;
	struct journal *journal;
	const struct touch *touch;
	const struct node *node;
	const volatile int *interrupted; /* not 0: the user wants to stop; NULL: never */
	int netns_fd;
};

/* ---- steps: each runs on a thread that may change namespace, and leaves it in the node's ----- */

/* Set those sysctls that ends copy when they are made. */
int node_default_sysctls(const struct node_job *job, struct err *err);
/*
 * Set the sysctls. This step is done for all nodes before the next step of any node: the kernel
 * does not wait for the rtnl lock when it writes forwarding and the like, but restarts the system
 * call (restart_syscall()) as long as another thread holds the lock, and attaching with tcx holds
 * it for an RCU grace period.
 */
int node_sysctls(const struct node_job *job, struct err *err);
/*
 * Set up lo, the bridge, the programs of the ends and the addresses. The ends are still down, so
 * that no packet passes before it can be counted.
 */
int node_prepare(const struct node_job *job, struct err *err);
/* Load nft rules, attach clsact filters, set the ends up, add neighbors and routes. */
int node_start(const struct node_job *job, struct err *err);
/*
 * Look at the routes that the kernel made for the addresses of new and repaired ends, bridge and
 * lo, and add what is missing (connected_repair()).
 */
int node_address_routes(const struct node_job *job, struct err *err);
/* Run the `exec` commands of a new node, after all links were checked. */
int node_exec(const struct node_job *job, struct err *err);

/* ---- for the change room ------------------------------------------------------------------- */

/*
 * An end was set up that had been down: add what the lab file says and the kernel has removed, its
 * addresses and static neighbors, and the routes that leave by it. nl is a socket in the node's
 * namespace.
 */
int node_restore_end(const struct running *run, struct nl *nl, const struct end *end,
		     struct err *err);

/*
 * An end is up, and was before: add what is missing of the routes that the kernel makes for those
 * addresses of the lab file that the end has now (connected_repair()).
 */
int node_repair_end(const struct running *run, struct nl *nl, const struct end *end,
		    struct err *err);
/* Whether an address, of this length, is in a list. */
bool node_lists_address(const struct address *list, size_t n, const struct ip_prefix *prefix);

/* Whether a route leaves by an end: by its name, or by a gateway in one of its networks. */
bool node_route_leaves_by(const struct route *route, const struct end *end);

/* Whether a route or a neighbor of the lab file is of an end that was deleted (end->gone). */
bool node_route_is_gone(const struct node *node, const struct route *route);
bool node_neighbor_is_gone(const struct node *node, const struct neighbor *neighbor);

/* Whether the lab file wants both ends of a link up. */
static inline bool node_end_should_be_up(const struct end *end)
{
	return end->up && end->peer->up;
}

/*
 * An end's MAC address: the one in the lab file, or else the one that the kernel chose, if
 * preflight_note() has stored it (without has_mac); NULL: unknown.
 */
const uint8_t *node_end_mac(const struct end *end);

/* Move the calling thread into a namespace, for good, and open a socket there. */
int node_enter(int netns_fd, struct nl **nl, struct err *err);

/*
 * Add addresses to an interface of a node, which object names. family: of those to add; AF_UNSPEC:
 * all. ignore: EEXIST if they may exist already, else 0.
 */
int node_add_addresses(struct nl *nl, uint32_t ifindex, const char *object,
		       const struct address *addresses, size_t n, int family, int ignore,
		       struct err *err);
/* Add the static neighbors of the lab file, on one interface; dev NULL: on all. */
int node_add_neighbors(const struct running *run, struct nl *nl, const struct node *node,
		       const char *dev, struct err *err);
/* Add a route of the lab file; ignore as above. */
int node_add_route(const struct running *run, struct nl *nl, const struct node *node,
		   const struct route *route, int ignore, struct err *err);

/* The argument of node_device(). */
struct node_devices {
	const struct running *run;
	const struct node *node;
};
/*
 * For route_add() and the like: the ifindex of a node's interface by name. 0, which the kernel
 * refuses: the node has no such interface. arg: a struct node_devices.
 */
uint32_t node_device(const char *dev, void *arg);
/*
 * The protocol of a node's route: boot or static, as `ip route` calls them; in a foreign namespace
 * the lab's mark, by which `down` finds it.
 */
uint8_t node_route_protocol(const struct running *run, const struct node *node,
			    const struct route *route);
/* Call this before a route is added: in a foreign namespace, the journal gets a line for `down`. */
int node_journal_route(const struct running *run, struct journal *journal, const struct node *node,
		       const struct route *route, struct err *err);

#endif
