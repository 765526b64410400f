/* SPDX-License-Identifier: GPL-2.0-only */
/* apply.h - a running lab becomes what a lab file says now; what is the same is left alone. */
#ifndef VETHLAB_USER_LAB_APPLY_H
#define VETHLAB_USER_LAB_APPLY_H

#include "topology/lab_diff.h"
#include "user/lab/lab.h"

/* A running lab, what it shall be, and what is between them. */
struct change_plan {
	struct running *was, *now;
	struct lab_diff diff; /* borrows from both */
};

/*
 * Compare the running lab `name` (NULL: the lab's own name) with lab, which is taken in any case.
 * Asks the kernel nothing and needs no root. plan is the caller's to free with change_plan_free(),
 * after a failure too.
 */
int lab_plan(struct change_plan *plan, const char *name, struct lab *lab, struct err *err);
/*
 * The same under the lab's lock, and make the changes. A failure puts back what was done, and err
 * says whether that worked. interrupted: looked at between steps; not 0 undoes. notes: as for
 * lab_down(), of the nodes that go.
 */
int lab_apply(struct change_plan *plan, const char *name, struct lab *lab,
	      const struct notes *notes, const volatile int *interrupted, struct err *err);
void change_plan_free(struct change_plan *plan);

#endif
