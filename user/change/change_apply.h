/* SPDX-License-Identifier: GPL-2.0-only */
/* change_apply.h - changes a running lab to what a lab file says; what is the same is kept. */
#ifndef VETHLAB_USER_CHANGE_CHANGE_APPLY_H
#define VETHLAB_USER_CHANGE_CHANGE_APPLY_H

#include "topology/lab_diff.h"
#include "user/change/reattach.h"
#include "user/lab/lab.h"

struct change_plan {
	struct running *was, *now; /* the lab as it runs, and as it shall run; owned */
	struct lab_diff diff;	   /* the changes from one to the other; borrows from both */
	/* Programs of `was` that something else took off; apply attaches them again. Owned. */
	struct missing_programs *programs;
	size_t n_programs;
	bool by_file; /* the namespaces could not be read: `was` is what the file said */
};

struct change_options {
	const char *name;  /* of the running lab; NULL: lab->name */
	bool keep_foreign; /* what was added by hand is left alone */
	const char *node;  /* only this one is compared with the kernel; NULL: all */
};

/*
 * Compare the running lab with lab, which is taken in any case: with the file that it runs from,
 * and with what the kernel has (running_take_live()), so that what was changed by hand is a change.
 * Changes nothing. Without privileges only the files are compared. The caller frees *plan with
 * change_plan_free(), after a failure too.
 *
 * lab NULL: the file that the lab runs from, so that only what was changed by hand is a change.
 * This needs privileges.
 */
int lab_plan(struct change_plan *plan, const struct change_options *options, struct lab *lab,
	     struct err *err);
/*
 * Make a plan as lab_plan() does, under the lab's lock, and carry it out. With lab NULL,
 * options->name must be said. A failure undoes what was
 * done, and err says whether that succeeded: if not, the lab does not run any more. What fails once
 * all changes are made undoes none of them, and err says that. interrupted: as
 * in struct lab_options. notes (NULL: nobody listens) are told what lab_down() would tell of the
 * nodes that are removed.
 */
int lab_apply(struct change_plan *plan, const struct change_options *options, struct lab *lab,
	      const struct notes *notes, const volatile int *interrupted, struct err *err);
void change_plan_free(struct change_plan *plan);

#endif
