/* SPDX-License-Identifier: GPL-2.0-only */
/* netns_removal.h - removes the namespaces of a lab and waits until the kernel has done it. */
#ifndef VETHLAB_USER_LAB_NETNS_REMOVAL_H
#define VETHLAB_USER_LAB_NETNS_REMOVAL_H

#include "user/lab/lab.h"

/* A namespace of a lab that is to be removed. */
struct removed_netns {
	char name[2 * NODE_NAME_MAX]; /* below NETNS_DIR */
	struct netns_id id;
	bool held; /* a process is in it: it lives on without its name */
	int fd;	   /* a descriptor of it, opened by foreign_move_out(); -1: not open */
};

/*
 * Remove the names of the namespaces, and close their descriptors; the last of the list after all
 * others. mark: what files without a mounted namespace contain (netns_mark()). A name that belongs
 * to another namespace now is left alone. After a failure the others are removed all the same; one
 * of the failures is returned.
 */
int netns_removal_unname(struct removed_netns *list, size_t n, const char *mark, struct err *err);
/* Only close the descriptors: the namespaces stay. */
void netns_removal_close(struct removed_netns *list, size_t n);
/*
 * netns_removal_unname(), then wait until the kernel has destroyed the namespaces, except those
 * that a process holds. 0: they are destroyed; 1: not all of them, and notes (NULL: none) were told
 * why: somebody holds one after 5 s, and who; the kernel made no progress for a minute; or they are
 * many, of which only the beginning is waited for. Or -errno.
 */
int netns_removal_wait(struct removed_netns *list, size_t n, const char *mark,
		       const struct notes *notes, struct err *err);

#endif
