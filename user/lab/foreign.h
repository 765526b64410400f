/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foreign.h - what others put into namespaces of ours: before these go, interfaces that would not
 * come back are handed to the host's namespace, and everything is named.
 */
#ifndef VETHLAB_USER_LAB_FOREIGN_H
#define VETHLAB_USER_LAB_FOREIGN_H

#include "user/lab/journal.h"

/* A namespace of ours that is about to lose its name. */
struct leaving_netns {
	char name[2 * NODE_NAME_MAX]; /* below NETNS_DIR */
	struct netns_id id;
	bool held; /* by a process: it lives on without its name */
	int fd;	   /* of it, open from foreign_hand_back() to foreign_unname(); -1: none */
};

/*
 * Look at all namespaces of a lab that goes (homes is sorted by inode after it):
 * - hardware, and what stands on an interface outside of its namespace (a macvlan), goes to the
 *   calling thread's namespace, under a new name if its own is taken there. Other interfaces die
 * with the namespace: they are named.
 * - processes are named; the lab's own interfaces are removed from what they keep alive.
 * A namespace that is gone or not ours any more is passed over.
 */
int foreign_hand_back(struct leaving_netns *homes, size_t n, const struct journal_head *head,
		      const struct notes *notes, struct err *err);
/*
 * Then take their names away, which carry the mark where nothing is mounted on them, and close
 * them; the last one after all others. What is somebody else's by now is passed over. A failure
 * does not keep the others from going; one of the failures is told.
 */
int foreign_unname(struct leaving_netns *homes, size_t n, const char *mark, struct err *err);
/* Only close them: they stay. */
void foreign_close(struct leaving_netns *homes, size_t n);

#endif
