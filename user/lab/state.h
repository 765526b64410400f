/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - the files of a lab below LAB_DIR/NAME but its journal, for the lab and observe rooms:
 * lock, lab.yaml, state.json.
 */
#ifndef VETHLAB_USER_LAB_STATE_H
#define VETHLAB_USER_LAB_STATE_H

#include "user/lab/lab.h"

/* ---- lock ------------------------------------------------------------------------------------ */

/*
 * Make LAB_DIR/NAME and hold its lock: one process at a time changes a lab. Returns a descriptor
 * (close it to let go), or -EBUSY with the holder's process id in err, or -errno.
 */
int lab_lock(const char *name, struct err *err);
/* Whether somebody holds it. */
bool lab_is_locked(const char *name);
/* Hold the lock of LAB_DIR itself, while an ifindex range is chosen. Waits. */
int lab_lock_all(struct err *err);

/* ---- state ----------------------------------------------------------------------------------- */

/* Write lab.yaml and state.json, the latter last and at once: from then on the lab runs. */
int state_write(const struct running *run, struct err *err);
/* Read both. -ENOENT: the lab does not run (err stays clear). */
int state_read(struct running **run, const char *name, struct err *err);
/* Remove state.json: from then on the lab does not run. */
int state_remove(const char *name, struct err *err);
/*
 * The same while the lab is changed: it is kept as state.old, which only a person reads. What dies
 * in the middle leaves a lab that does not run, for `down` and gc. state_write() ends it.
 */
int state_hide(const char *name, struct err *err);
/* Whether anything says that there is a lab: else what carries its name is left over. */
bool lab_has_files(const char *name);
/* Remove all files of a lab and its folder, the lock last. */
int files_remove(const char *name, struct err *err);

#endif
