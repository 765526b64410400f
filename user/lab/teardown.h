/* SPDX-License-Identifier: GPL-2.0-only */
/* teardown.h - takes a lab down, for the lab and observe rooms. The caller holds the lab's lock. */
#ifndef VETHLAB_USER_LAB_TEARDOWN_H
#define VETHLAB_USER_LAB_TEARDOWN_H

#include "user/lab/lab.h"

/*
 * Undo everything of a lab but its files: what its journal lists or its state
 * tells, and its pinned programs. 0 if
 * there is nothing. notes: as for lab_down().
 */
int lab_undo(const char *name, const struct notes *notes, struct err *err);
/*
 * As lab_down(): the lab stops running, is undone, and its files are removed, in this order. Of a
 * lab without files (lab_has_files()) only pins are removed: namespaces that marks call its own may
 * be those of a process with another /run.
 */
int lab_remove(const char *name, const struct notes *notes, struct err *err);

#endif
