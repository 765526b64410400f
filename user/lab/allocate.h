/* SPDX-License-Identifier: GPL-2.0-only */
/* allocate.h - where on this machine a lab goes: names of namespaces, a range of ifindexes, a mark.
 */
#ifndef VETHLAB_USER_LAB_ALLOCATE_H
#define VETHLAB_USER_LAB_ALLOCATE_H

#include "user/lab/journal.h"
#include "user/lab/state.h"

/* Fill a node's .netns_name and .ours. */
void allocate_name(struct running *run, const struct node *node);
/*
 * Check that its name below NETNS_DIR is free (ERR_FAILED says what has it). A leftover that
 * carries this lab's mark is removed.
 */
int allocate_check_name(const struct running *run, const struct node *node, struct err *err);

/*
 * For a namespace that is not ours: open it into *fd, identify it, and check that it is no other
 * node's and that no interface there has a name that the lab wants. Nothing for one of ours.
 */
int allocate_foreign(struct running *run, const struct node *node, int *fd, struct err *err);

/*
 * Choose ifindex_base, capacity, the nodes' slots and group, free in all labs and in the namespaces
 * of fds. The caller holds lab_lock_all() until the journal's first line is written.
 */
int allocate_range(struct running *run, const int *fds, struct err *err);

#endif
