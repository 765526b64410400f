/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.h - what to undo of a lab, for the lab and observe rooms: LAB_DIR/NAME/journal. Each line
 * is written before the step that it undoes, so that a crash at any point leaves nothing that the
 * next `down`, `up` or `gc` cannot find. A line that is cut short belongs to a step that was not
 * begun.
 */
#ifndef VETHLAB_USER_LAB_JOURNAL_H
#define VETHLAB_USER_LAB_JOURNAL_H

#include "user/lab/lab.h"
#include "user/watch/tc_filter.h"

enum { BOOT_ID_SIZE = 40 };

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
int journal_undo(const char *name, const struct notes *notes, struct err *err);

/* This boot's id (/proc/sys/kernel/random/boot_id). */
int boot_id(char id[BOOT_ID_SIZE], struct err *err);
/* What a namespace file of the lab holds before the namespace is mounted on it. */
void netns_mark(const char *name, char mark[64]);

#endif
