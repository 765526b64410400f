/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * internal.h - a lab's files below LAB_DIR/NAME, private to the lab room: lock, journal, state.
 *
 * The journal says what to undo, each line written before the step that it undoes, so that a
 * crash at any point leaves nothing that the next `down`, `up` or `gc` cannot find. Lines that
 * are cut short belong to a step that was not begun.
 */
#ifndef VETHLAB_USER_LAB_INTERNAL_H
#define VETHLAB_USER_LAB_INTERNAL_H

#include <stdio.h>

#include "user/lab/lab.h"
#include "user/watch/tc_filter.h"

enum { BOOT_ID_SIZE = 40 };

/* ---- privileges ------------------------------------------------------------------------------ */

/* Whether this process may change labs. -EPERM: err names the missing capabilities and steps. */
int lab_privileges(struct err *err);

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

/* ---- journal --------------------------------------------------------------------------------- */

/* The first line: what the rest belongs to. */
struct journal_head {
	char boot[BOOT_ID_SIZE];      /* of the boot it was written in: nothing survives a reboot */
	uint32_t ifindex_base, range; /* ifindexes of the lab: range from the base on */
	uint32_t group;		      /* mark of our ends in namespaces that are not ours */
};

struct journal;

int journal_create(struct journal **journal, const char *name, const struct journal_head *head,
		   struct err *err);
/* Append to the journal of a running lab. */
int journal_open(struct journal **journal, const char *name, struct err *err);
void journal_close(struct journal *journal); /* NULL is allowed */

/* We are about to give this namespace of ours a name below NETNS_DIR. Thread-safe. */
int journal_netns(struct journal *journal, const char *netns_name, const struct netns_id *id,
		  struct err *err);
/* We are about to make an interface in a namespace that is not ours. Thread-safe. */
int journal_end(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		const char *ifname, struct err *err);

/* We are about to change a sysctl in a namespace that is not ours; value is what it was. */
int journal_sysctl(struct journal *journal, const struct netns_id *id, const char *key,
		   const char *value, struct err *err);
/* We are about to add a route, with our mark, in a namespace that is not ours. Thread-safe. */
int journal_route(struct journal *journal, const struct netns_id *id, const struct route *route,
		  struct err *err);
/* We are about to add an address, with our mark, to an interface of others. Thread-safe. */
int journal_address(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		    const struct ip_prefix *prefix, struct err *err);
/* We are about to put a clsact qdisc, or a filter, on an interface that others made. */
int journal_clsact(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		   struct err *err);
int journal_filter(struct journal *journal, const struct netns_id *id,
		   const struct watch_filter *filter, struct err *err);
/* Take our filters off one interface, which is not to be watched any more. */
int journal_undo_filters(const char *name, const struct netns_id *id, uint32_t ifindex,
			 struct err *err);
/* What a sysctl was before the first change. -ENOENT: there was none. */
int journal_find_sysctl(const char *name, const struct netns_id *id, const char *key, char *value,
			size_t size);

/* Reads the first line. -ENOENT: there is no journal, or it has no whole first line. */
int journal_head(const char *name, struct journal_head *head);

/*
 * Undo what the journal says, last step first. What is gone or not ours any more is passed over.
 * Returns 0, 1 if not all namespaces of ours are gone yet (notes say why), or -errno.
 */
int journal_undo(const char *name, const struct lab_notes *notes, struct err *err);

/* This boot's id (/proc/sys/kernel/random/boot_id). */
int boot_id(char id[BOOT_ID_SIZE], struct err *err);
/* What a namespace file of the lab holds before the namespace is mounted on it. */
void netns_mark(const char *name, char mark[64]);

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

/* Undo everything of a lab but its files. The caller holds the lock. */
int lab_undo(const char *name, const struct lab_notes *notes, struct err *err);
/* lab_down() for a caller that holds the lock: the lab stops to run, is undone, loses its files. */
int lab_remove(const char *name, const struct lab_notes *notes, struct err *err);

#endif
