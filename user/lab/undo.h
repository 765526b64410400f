/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * undo.h - undoes the steps that a lab's journal lists, for the lab and observe rooms. What does
 * not exist any more, or is not vethlab's any more, is left out without an error.
 */
#ifndef VETHLAB_USER_LAB_UNDO_H
#define VETHLAB_USER_LAB_UNDO_H

#include "user/lab/journal.h"

/*
 * Undo all steps, the last one first, and remove the namespaces of the lab. The journal stays. 0,
 * also if there is no journal or it is of an earlier boot; 1 if not all namespaces are gone yet
 * (notes say why); or -errno. If an interface cannot be moved out of a namespace that is to be
 * removed, nothing is undone; after another failure the remaining steps are undone all the same,
 * and err is the first failure.
 */
int undo_journal(const char *name, const struct notes *notes, struct err *err);
/* Remove the filters of an observed lab from one interface, which it watches no longer. */
int undo_filters(const char *name, const struct netns_id *id, uint32_t ifindex, struct err *err);

#endif
