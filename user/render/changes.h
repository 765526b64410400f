/* SPDX-License-Identifier: GPL-2.0-only */
/* changes.h - the changes of a lab in words: what, and which traffic they disturb. */
#ifndef VETHLAB_USER_RENDER_CHANGES_H
#define VETHLAB_USER_RENDER_CHANGES_H

#include <jansson.h>
#include <stdio.h>

#include "topology/lab_diff.h"

enum { OUT_CHANGE_SIZE = 512 };

/* How many changes add, remove, change something; notes are none of them. */
struct plan_counts {
	size_t added, changed, removed;
};
struct plan_counts out_plan_counts(const struct diff *diff);

/* '+', '-', '~', or ' ' for a note of what is not done. */
char out_change_sign(const struct change *change);
/* "blue:veth1 mtu 1500 -> 1400" */
const char *out_change(const struct change *change, char buf[OUT_CHANGE_SIZE]);
/* "packets above 1400 bytes do not pass any more" */
const char *out_disturbs(const struct change *change, char buf[OUT_CHANGE_SIZE]);

/* A line a change. */
void out_plan(const struct diff *diff, FILE *f);
/* The list of changes. */
json_t *out_json_plan(const struct diff *diff);

#endif
