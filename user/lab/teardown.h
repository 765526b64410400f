/* SPDX-License-Identifier: GPL-2.0-only */
/* teardown.h - a lab is taken down, for the lab and observe rooms. */
#ifndef VETHLAB_USER_LAB_TEARDOWN_H
#define VETHLAB_USER_LAB_TEARDOWN_H

#include "user/lab/lab.h"

/* Undo everything of a lab but its files. The caller holds the lock. */
int lab_undo(const char *name, const struct notes *notes, struct err *err);
/* lab_down() for a caller that holds the lock: the lab stops to run, is undone, loses its files. */
int lab_remove(const char *name, const struct notes *notes, struct err *err);

#endif
