/* SPDX-License-Identifier: GPL-2.0-only */
/* changes.h - the changes of a lab as text and JSON, and which traffic they disturb. */
#ifndef VETHLAB_USER_RENDER_CHANGES_H
#define VETHLAB_USER_RENDER_CHANGES_H

#include <jansson.h>
#include <stdio.h>

#include "topology/lab_diff.h"

enum { CHANGE_TEXT_SIZE = 512 };

/* How many changes add, change or remove something; notes do not count. */
struct changes_counts {
	size_t added, changed, removed;
};
struct changes_counts changes_count(const struct lab_diff *diff);

/* '+', '-', '~', or ' ' for a note of what is not done. */
char change_sign(const struct lab_change *change);
/* "blue:veth1 mtu 1500 -> 1400" */
const char *change_text(const struct lab_change *change, char buf[CHANGE_TEXT_SIZE]);
/* "packets above 1400 bytes do not pass any more" */
const char *change_disturbs_text(const struct lab_change *change, char buf[CHANGE_TEXT_SIZE]);

/* Print a line for each change. */
void changes_print(const struct lab_diff *diff, FILE *f);
/* The list of changes, as an array. The caller owns it. */
json_t *changes_json(const struct lab_diff *diff);

#endif
