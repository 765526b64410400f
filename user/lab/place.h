/* SPDX-License-Identifier: GPL-2.0-only */
/* place.h - where on this machine a lab goes: names of namespaces, a range of ifindexes, a mark. */
#ifndef VETHLAB_USER_LAB_PLACE_H
#define VETHLAB_USER_LAB_PLACE_H

#include "user/lab/files.h"

/*
 * Fill run->nodes[].netns_name and .ours, and check that no name below NETNS_DIR is taken
 * (ERR_FAILED says by what). Leftovers that carry this lab's mark are removed.
 */
int place_names(struct running *run, const char *prefix, struct err *err);

/*
 * Namespaces that are not ours: open them into fds[node->index] (-1 for ours), identify them, and
 * check that no interface there has a name that the lab wants.
 */
int place_foreign(struct running *run, int *fds, struct err *err);

/*
 * Choose ifindex_base, capacity and group, free in all labs and in the namespaces of fds. The
 * caller holds lab_lock_all() until the journal's first line is written.
 */
int place_range(struct running *run, const int *fds, struct err *err);

#endif
