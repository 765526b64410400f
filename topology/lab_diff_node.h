/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lab_diff_node.h - for lab_diff.c: the list of changes, and what changes inside a node: addresses,
 * routes, neighbors, sysctls, commands. All of it is borrowed from the two labs. Out of memory is
 * noted in struct differ, so that it is asked for once, at the end.
 */
#ifndef VETHLAB_TOPOLOGY_LAB_DIFF_NODE_H
#define VETHLAB_TOPOLOGY_LAB_DIFF_NODE_H

#include "topology/lab_diff.h"

/* Two labs while they are compared. */
struct differ {
	struct lab_diff *diff; /* the changes so far */
	const struct lab *was, *now;
	const struct lab_diff_options *options;
	bool no_memory; /* a change is missing */
};

struct addresses {
	const struct address *list;
	size_t n;
};

/* Append a copy of a change. */
void differ_add(struct differ *d, const struct lab_change *change);
/* Put the changes in the order that lab_diff_make() promises. */
void differ_sort(struct differ *d);
/* Append what changes inside a node that stays. */
void differ_node(struct differ *d, const struct node *was, const struct node *now);
/* Append what must be taken out of a namespace that leaves the lab and is not deleted. */
void differ_leave_node(struct differ *d, const struct node *was);
/* Append the changes of the addresses of one interface; change says which one. */
void differ_addresses(struct differ *d, const struct lab_change *change, struct addresses was,
		      struct addresses now);

#endif
