/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foreign.h - what others put into namespaces of ours: before these go, interfaces that would not
 * come back are handed to the host's namespace, and everything is named.
 */
#ifndef VETHLAB_USER_LAB_FOREIGN_H
#define VETHLAB_USER_LAB_FOREIGN_H

#include "user/lab/journal.h"
#include "user/lab/netns_removal.h"

/*
 * Look at all namespaces of a lab that goes (homes is sorted by inode after it):
 * - hardware, and what stands on an interface outside of its namespace (a macvlan), goes to the
 *   calling thread's namespace, under a new name if its own is taken there. Other interfaces die
 * with the namespace: they are named.
 * - processes are named; the lab's own interfaces are removed from what they keep alive.
 * A namespace that is gone or not ours any more is passed over.
 */
int foreign_hand_back(struct removed_netns *homes, size_t n, const struct journal_head *head,
		      const struct notes *notes, struct err *err);

#endif
