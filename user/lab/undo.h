/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * undo.h - undoes the steps that a lab's journal lists, for the lab and observe rooms. What does
 * not exist any more, or is not vethlab's any more, is left out without an error.
 */
#ifndef VETHLAB_USER_LAB_UNDO_H
#define VETHLAB_USER_LAB_UNDO_H

#include "user/lab/journal.h"

/*
 * Undo all steps, the last one first, and remove the namespaces of the lab; by_marks: also those
 * that only the files below NETNS_DIR tell to be the lab's. run: its state, which tells of
 * namespaces and ends that the journal does not have; NULL: there is none. notes are told what the
 * journal should say and does not. The journal stays. 0, also if there is no journal or it is of an
 * earlier boot; 1 if not all namespaces are gone yet (notes say why); or -errno. If an interface
 * cannot be moved out of a namespace that is to be removed, nothing is undone; after another
 * failure the remaining steps are undone all the same, and err is the first failure.
 */
int undo_lab(const char *name, const struct running *run, bool by_marks, const struct notes *notes,
	     struct err *err);
/* Remove the filters of an observed lab from one interface, which it watches no longer. */
int undo_filters(const char *name, const struct netns_id *id, uint32_t ifindex, struct err *err);

#endif
