/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * preflight.h - what comes before a running lab is changed: what is touched, its namespaces, checks
 * that need not change anything. For change_apply.c.
 */
#ifndef VETHLAB_USER_LAB_PREFLIGHT_H
#define VETHLAB_USER_LAB_PREFLIGHT_H

#include "user/lab/change_apply.h"
#include "user/lab/build.h"

/* A change of a running lab under way. All but the arrays is borrowed. */
struct apply {
	struct build build; /* of the lab that shall be */
	struct running *was;
	int *was_fds; /* namespaces of its nodes; -1: not open */
	struct lab_diff *diff;
	struct touch touch;
	const struct notes *notes; /* NULL: nobody listens */
	bool back;		   /* after a failure: some changes may not have been made */
};

/* Whether a change's node is of the lab that was; else it is of the one that shall be. */
static inline bool preflight_is_of_was(const struct lab_change *change)
{
	return change->kind <= CHANGE_NODE_REMOVE;
}

/*
 * Find what the diff touches and open its namespaces. Putting back, changes that need not be undone
 * are marked done first: that looks at the kernel, since a batch may have failed in its middle.
 */
int preflight_touch(struct apply *apply, struct err *err);
/* Names, programs and namespaces that the new lab needs are there and free. Changes nothing. */
int preflight_check(struct apply *apply, struct err *err);
/* Note in the lab that was what only the kernel knows and put_back() needs: MAC addresses. */
int preflight_note(struct apply *apply, struct err *err);

#endif
