/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foreign.h - what others put into the namespaces of a lab. Before the namespaces are removed,
 * those interfaces that the kernel would destroy though they are not virtual are moved out, and the
 * user is told of everything else.
 */
#ifndef VETHLAB_USER_LAB_FOREIGN_H
#define VETHLAB_USER_LAB_FOREIGN_H

#include "user/lab/journal.h"
#include "user/lab/netns_removal.h"

/*
 * Go through all namespaces that are to be removed; the list is sorted by inode afterwards, and the
 * descriptors of its namespaces are open (netns_removal_close()), after a failure too.
 * - Hardware, and interfaces whose lower device is outside of the namespace (a macvlan) and not in
 *   another one of the list, are moved to the calling thread's namespace, under a new name if
 *   theirs is taken there.
 * - notes (NULL: none) are told of other interfaces, which are destroyed with the namespace, and of
 *   processes in the namespaces.
 * - Where a process keeps a namespace alive, the lab's own interfaces are deleted from it.
 * A namespace that is gone, or whose name belongs to another one now, is left out.
 */
int foreign_move_out(struct removed_netns *list, size_t n, const struct journal_head *head,
		     const struct notes *notes, struct err *err);

#endif
