/* SPDX-License-Identifier: GPL-2.0-only */
/* change.h - one change of a running lab inside one node, for apply.c. */
#ifndef VETHLAB_USER_LAB_CHANGE_H
#define VETHLAB_USER_LAB_CHANGE_H

#include "topology/lab_diff.h"
#include "user/lab/lab.h"

/* Where a change is made: inside the namespace that the thread is in. */
struct change_site {
	const struct running *run; /* the one that the change's node belongs to */
	int netns_fd;
	struct nl *nl; /* of that namespace; requests may stay in its batch */
};

/*
 * Make a change that is made inside its node. What is as it shall be counts as done. Kinds that
 * building does (add a node or link, addresses, neighbors, sysctls) and commands do nothing here.
 */
int change_make(const struct change_site *site, const struct lab_change *change, struct err *err);

#endif
