/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * state.h - the files of a lab in LAB_DIR/NAME except its journal: the lock, lab.yaml, state.json.
 * For the lab, change and observe rooms.
 */
#ifndef VETHLAB_USER_LAB_STATE_H
#define VETHLAB_USER_LAB_STATE_H

#include <jansson.h>

#include "user/lab/lab.h"

/* ---- lock ------------------------------------------------------------------------------------ */

/*
 * Make LAB_DIR/NAME and take its lock: one process at a time changes a lab. Does not wait. Returns
 * a descriptor, which the caller closes to release the lock; -EBUSY: err names the process that
 * holds it; or -errno. The kernel releases the lock of a process that dies.
 */
int lab_lock(const char *name, struct err *err);
/* Whether a process holds the lock of a lab. Does not take it, not even for a moment. */
bool lab_is_locked(const char *name);
/*
 * Wait for the lock of LAB_DIR itself and take it: it is held while an ifindex range is chosen.
 * The wait is told, and ends with -EINTR if a signal comes and *interrupted (NULL: never) is not 0.
 * Returns a descriptor, which the caller closes to release it, or -errno.
 */
int lab_lock_all(const volatile int *interrupted, const struct notes *notes, struct err *err);

/* ---- state ----------------------------------------------------------------------------------- */

/* The text of state.json, which the caller frees. NULL: no memory, or a name is not UTF-8. */
char *state_format(const struct running *run, const char *boot);
/*
 * Fill in *run, which has its name and its lab, by what state.json says. -EINVAL: err tells the
 * first value that is missing, of another type or out of its range. The caller frees *run in any
 * case.
 */
int state_from_json(struct running *run, json_t *state, struct err *err);
/* Set the error that state.json or lab.yaml is damaged; returns -EINVAL. */
int state_damaged(const char *name, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Write lab.yaml, then state.json, each atomically. From then on the lab runs. */
int state_write(const struct running *run, struct err *err);
/*
 * Read both. The caller frees *run with running_free(). -ENOENT: the lab does not run, or ran
 * before this boot (err stays clear).
 */
int state_read(struct running **run, const char *name, struct err *err);
/* The same of the lab as it was before it was changed or taken down, if it does not run. */
int state_read_any(struct running **run, const char *name, struct err *err);
/*
 * Rename state.json, if there is one, to state.down. From then on the lab does not run; what it
 * made is known until files_remove().
 */
int state_end(const char *name, struct err *err);
/*
 * Take room on the disk for the files of a lab that is to be changed, until state_release(): for
 * what a change, its undoing and state_write() write. -errno: there is none, and nothing was
 * changed.
 */
int state_reserve(const struct running *run, struct err *err);
void state_release(const char *name);
/* Remove state.down and state.old, whose lab was undone. */
void state_forget(const char *name);
/*
 * Remove what was noted of the ends of a lab that was undone: down-NUMBER and gaps. A lab that is
 * built in the same directory has other ends of the same numbers.
 */
int state_forget_records(const char *name, struct err *err);
/*
 * Rename state.json to state.old, which no program reads, while the lab is changed. If the process
 * dies before state_write(), the lab does not run, and `down` and `gc` remove it.
 */
int state_hide(const char *name, struct err *err);
/* Whether there is any file but the lock: else what has the lab's name was left by a crash. */
bool lab_has_files(const char *name);
/* Remove all files of a lab and its directory, the lock last. The caller holds the lock. */
int files_remove(const char *name, struct err *err);

#endif
