/* SPDX-License-Identifier: GPL-2.0-only */
/* change.h - makes one change of a running lab inside one node, for change_apply.c. */
#ifndef VETHLAB_USER_CHANGE_CHANGE_H
#define VETHLAB_USER_CHANGE_CHANGE_H

#include "topology/lab_diff.h"
#include "user/lab/lab.h"

/* Where a change is made: in the namespace netns_fd, in which the calling thread is. */
struct change_site {
	const struct running *run; /* the lab that the change's node belongs to */
	int netns_fd;
	struct nl *nl; /* a socket of that namespace; requests may remain in its batch */
};

/*
 * Make a change inside its node. It is no error if the node is already as it shall be. Does nothing
 * for the changes that build.h makes (new nodes and links, addresses, neighbors, sysctls,
 * commands).
 */
int change_make(const struct change_site *site, const struct lab_change *change, struct err *err);

#endif
