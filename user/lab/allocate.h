/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * allocate.h - chooses what a lab takes on this machine: names of namespaces, a range of ifindexes,
 * a group number for its interfaces in foreign namespaces.
 */
#ifndef VETHLAB_USER_LAB_ALLOCATE_H
#define VETHLAB_USER_LAB_ALLOCATE_H

#include "user/lab/journal.h"
#include "user/lab/state.h"

/* Fill in run->nodes[].ours and .netns_name of a node. */
void allocate_name(struct running *run, const struct node *node);
/*
 * Check that this name is free (ERR_FAILED says what has it). A file that a crash of this lab left
 * there is removed.
 */
int allocate_check_name(const struct running *run, const struct node *node, struct err *err);

/*
 * If the namespace of a node is a foreign one: open it, into *fd, which the caller closes; fill in
 * run->nodes[].id; and check that it is no other node's, that no interface in it has the name of
 * one of the node's ends, and that the node has no nft rules. Otherwise do nothing.
 */
int allocate_foreign(struct running *run, const struct node *node, int *fd, struct err *err);

/*
 * Choose ifindex_base, capacity, group and the slots of the nodes, so that the ifindexes are free
 * in all labs and in the open namespaces among fds (by node->index; -1: not open). The caller holds
 * lab_lock_all() from before this until the journal's first line is written.
 */
int allocate_range(struct running *run, const int *fds, struct err *err);

/*
 * Set the error that the name of a new end is taken by the interface info, by its name or by an
 * alternative one; returns -EEXIST.
 */
int allocate_name_taken(const struct end *end, const struct link_info *info, const char *hint,
			struct err *err);

#endif
