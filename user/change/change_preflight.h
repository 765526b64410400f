/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * change_preflight.h - what is done before a running lab is changed: find what the changes touch,
 * open its namespaces, check that the changes can be made. For change_apply.c.
 */
#ifndef VETHLAB_USER_CHANGE_CHANGE_PREFLIGHT_H
#define VETHLAB_USER_CHANGE_CHANGE_PREFLIGHT_H

#include "user/change/change_apply.h"
#include "user/lab/build.h"

/* The changes of a running lab while they are made. All but the arrays is borrowed. */
struct apply {
	struct build build;  /* of the lab as it shall be */
	struct running *was; /* the lab as it was */
	int *was_fds;	     /* namespaces of its nodes, by node->index; -1: not open */
	struct lab_diff *diff;
	struct touch touch;
	const struct notes *notes; /* NULL: nobody listens */
	bool undoing; /* it undoes a failed change, some of whose parts may not have been made */
};

/* Whether a change's node belongs to the lab as it was; if not, to the lab as it shall be. */
static inline bool preflight_is_of_was(const struct lab_change *change)
{
	return change->kind <= CHANGE_NODE_REMOVE;
}

/*
 * Fill in apply->touch and open the namespaces that are touched. If undoing, first ask the kernel
 * which changes were never made, and mark those as done: a batch of requests may have failed in its
 * middle.
 */
int preflight_touch(struct apply *apply, struct err *err);
/* Check names, programs and namespaces that the lab as it shall be needs. Changes nothing. */
int preflight_check(struct apply *apply, struct err *err);
/*
 * Store in the lab as it was what undoing needs and only the kernel knows: the MAC addresses of
 * ends that are removed or changed.
 */
int preflight_note(struct apply *apply, struct err *err);

#endif
