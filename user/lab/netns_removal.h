/* SPDX-License-Identifier: GPL-2.0-only */
/* netns_removal.h - the namespaces of a lab go: `down` waits for it, or says what keeps them. */
#ifndef VETHLAB_USER_LAB_NETNS_REMOVAL_H
#define VETHLAB_USER_LAB_NETNS_REMOVAL_H

#include "user/lab/lab.h"

/* A namespace of ours that is about to lose its name. */
struct removed_netns {
	char name[2 * NODE_NAME_MAX]; /* below NETNS_DIR */
	struct netns_id id;
	bool held; /* by a process: it lives on without its name */
	int fd;	   /* of it, open from foreign_hand_back() to netns_removal_unname(); -1: none */
};

/*
 * Then take their names away, which carry the mark where nothing is mounted on them, and close
 * them; the last one after all others. What is somebody else's by now is passed over. A failure
 * does not keep the others from going; one of the failures is told.
 */
int netns_removal_unname(struct removed_netns *homes, size_t n, const char *mark, struct err *err);
/* Only close them: they stay. */
void netns_removal_close(struct removed_netns *homes, size_t n);
/*
 * netns_removal_unname(), and wait until the kernel has taken the namespaces apart. What keeps one
 * longer, and what takes longer, goes to notes. 0: they are gone, but those that processes hold; 1:
 * not all are; or -errno.
 */
int netns_removal_wait(struct removed_netns *homes, size_t n, const char *mark,
		       const struct notes *notes, struct err *err);

#endif
