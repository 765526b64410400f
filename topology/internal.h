/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h - what lab_diff.c and lab_diff_node.c share. */
#ifndef VETHLAB_TOPOLOGY_INTERNAL_H
#define VETHLAB_TOPOLOGY_INTERNAL_H

#include "topology/lab_diff.h"

struct differ {
	struct lab_diff *diff;
	const struct lab *was, *now;
	const struct lab_diff_options *options;
	bool no_memory;
};

struct addresses {
	const struct address *list;
	size_t n;
};

/* Copy a change to the end of the list. */
void differ_add(struct differ *d, const struct lab_change *change);
/* What is inside a node that stays: addresses, routes, settings. */
void differ_node(struct differ *d, const struct node *was, const struct node *now);
/* What must be taken out of a namespace that leaves the lab and is not deleted. */
void differ_leave_node(struct differ *d, const struct node *was);
/* Addresses of one interface; change says whose. */
void differ_addresses(struct differ *d, const struct lab_change *change, struct addresses was,
		      struct addresses now);

#endif
