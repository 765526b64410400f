/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab_diff.h - what turns one lab into another: a list of changes, in the order in which they are
 * made. Pure: knows both labs, no kernel.
 *
 * A node is the same as one of its name, a link is the same as one with its two end names. What
 * cannot be changed in place is removed and added again, with the reason.
 */
#ifndef VETHLAB_TOPOLOGY_LAB_DIFF_H
#define VETHLAB_TOPOLOGY_LAB_DIFF_H

#include "topology/model.h"

enum lab_change_kind {
	/* removed: node, link and end are of the lab that was */
	CHANGE_ROUTE_REMOVE,
	CHANGE_NEIGHBOR_REMOVE,
	CHANGE_ADDRESS_REMOVE,
	CHANGE_SYSCTL_RESET, /* to what a new namespace has */
	CHANGE_LINK_REMOVE,
	CHANGE_NODE_REMOVE,
	/* added: they are of the lab that shall be */
	CHANGE_NODE_ADD,
	CHANGE_LINK_ADD,
	/* changed in place */
	CHANGE_SYSCTL_SET,
	CHANGE_BRIDGE, /* its options */
	CHANGE_LO,     /* up or down */
	CHANGE_NFT,
	CHANGE_MTU,
	CHANGE_MAC,
	CHANGE_TXQUEUELEN,
	CHANGE_OFFLOADS,
	CHANGE_STATE, /* of an end: up or down */
	CHANGE_ADDRESS_ADD,
	CHANGE_NEIGHBOR_SET,
	CHANGE_ROUTE_SET, /* was_route: the one in whose place it comes; NULL: new */
	/* only told: commands are run once, when a node is built */
	CHANGE_EXEC,
	CHANGE_KINDS,
};

/* One change. Fields that its kind does not use are NULL. All of it is borrowed from the labs. */
struct lab_change {
	enum lab_change_kind kind;
	const struct node *node;
	const struct node *was_node; /* the kept node in the lab that was */
	const struct link *link;
	const struct end *end;	   /* NULL for an address of lo or of the bridge interface */
	const struct end *was_end; /* the kept end in the lab that was */
	bool bridge;		   /* the address is one of the bridge interface */
	const struct address *address;
	const struct route *route, *was_route;
	const struct neighbor *neighbor, *was_neighbor;
	const struct sysctl *sysctl, *was_sysctl;
	const char *reason; /* why a node or link is removed and added again; NULL: it is not */
	bool done;	    /* false here; for the caller that makes the changes */
	size_t place;	    /* in the order in which changes were found */
};

struct lab_diff {
	struct lab_change *list;
	size_t n;
};

/* What the command line of `up` said for all links; it holds for both labs. */
struct lab_diff_options {
	enum xdp_mode xdp; /* XDP_MODE_DEFAULT: nothing */
	unsigned hooks;	   /* HOOKS_DEFAULT: nothing */
};

/*
 * Compare two labs, which must have their index (lab_index) and live as long as the diff. Changes
 * are sorted by kind, within a kind by node, then in the order in which they were found. Returns 0;
 * the caller frees diff with lab_diff_free(). Or -ENOMEM; then diff is empty.
 */
int lab_diff_make(struct lab_diff *diff, const struct lab *was, const struct lab *now,
		  const struct lab_diff_options *options);
void lab_diff_free(struct lab_diff *diff);

/* The end of the other lab that is the same end of the same link; NULL: there is none. */
const struct end *lab_diff_same_end(const struct lab *other, const struct end *end);

#endif
