/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * journal.h - the file LAB_DIR/NAME/journal: what must be undone when a lab is taken down. For the
 * lab, change and observe rooms. undo.h undoes it.
 *
 * Each line is written before the step that it describes, so that the next `down`, `up` or `gc`
 * finds everything that exists, wherever a process was killed. A last line that is incomplete
 * belongs to a step that was not begun. The lines:
 *
 *	vethlab 1 BOOT BASE RANGE GROUP		the first line: struct journal_head
 *	netns INODE COOKIE NAME			a namespace of the lab gets a name below NETNS_DIR
 *	end INODE COOKIE IFINDEX IFNAME		an interface of the lab in a foreign namespace
 *	sysctl INODE COOKIE KEY VALUE		a setting of a foreign namespace, as it was before;
 *						in VALUE a newline is \n and \ is \\
 *	route INODE COOKIE KIND METRIC PREFIX	a route with the lab's mark in a foreign namespace
 *	address INODE COOKIE IFINDEX PREFIX	an address with the mark, there
 *	clsact INODE COOKIE IFINDEX		a clsact qdisc of ours, there
 *	filter INODE COOKIE IFINDEX HOOK PROGRAM	a filter of vethlab on a foreign interface
 *
 * INODE and COOKIE identify the namespace (struct netns_id). A foreign namespace or interface is
 * one that vethlab did not make. Interfaces in namespaces of the lab have no line: they are removed
 * with the namespace, and so are their peers.
 */
#ifndef VETHLAB_USER_LAB_JOURNAL_H
#define VETHLAB_USER_LAB_JOURNAL_H

#include <stdio.h>

#include "user/lab/lab.h"
#include "user/watch/tc_filter.h"

enum { BOOT_ID_SIZE = 40, JOURNAL_HEAD_SIZE = 128 }; /* of the first line, with its newline */
enum { JOURNAL_WORD_SIZE = 512 }; /* of a name, key, address or prefix in a line, with its NUL */

/* The first line. */
struct journal_head {
	char boot[BOOT_ID_SIZE];      /* when it was written: nothing survives a reboot */
	uint32_t ifindex_base, range; /* the lab's ifindexes are base to base + range - 1 */
	uint32_t group; /* of the lab's interfaces in foreign namespaces: they are known by it */
};

/* ---- writing ------------------------------------------------------------------------------- */

struct journal;

/* Begin a journal with its first line; one that exists is emptied. The caller closes *journal. */
int journal_create(struct journal **journal, const char *name, const struct journal_head *head,
		   struct err *err);
/*
 * Open the journal of a running lab, to append to it; an incomplete last line is removed. The
 * caller closes *journal.
 */
int journal_open(struct journal **journal, const char *name, struct err *err);
void journal_close(struct journal *journal); /* NULL is allowed */

/*
 * Each appends one line, and is called before its step. Thread-safe. -errno: the line is missing,
 * so the step must not be done; nothing of the line is left, or else the file cannot be written.
 */
int journal_netns(struct journal *journal, const char *netns_name, const struct netns_id *id,
		  struct err *err);
int journal_end(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		const char *ifname, struct err *err);
/* value: what the sysctl is before the change, of any length, with any bytes but NUL. */
int journal_sysctl(struct journal *journal, const struct netns_id *id, const char *key,
		   const char *value, struct err *err);
int journal_route(struct journal *journal, const struct netns_id *id, const struct route *route,
		  struct err *err);
int journal_address(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		    const struct ip_prefix *prefix, struct err *err);
int journal_clsact(struct journal *journal, const struct netns_id *id, uint32_t ifindex,
		   struct err *err);
int journal_filter(struct journal *journal, const struct netns_id *id,
		   const struct watch_filter *filter, struct err *err);

/* ---- reading ------------------------------------------------------------------------------- */

enum journal_kind {
	JOURNAL_NETNS,
	JOURNAL_END,
	JOURNAL_SYSCTL,
	JOURNAL_ROUTE,
	JOURNAL_ADDRESS,
	JOURNAL_CLSACT,
	JOURNAL_FILTER,
};

/* One line: kind and namespace, and what its kind says. */
struct journal_step {
	enum journal_kind kind;
	struct netns_id id;
	char name[JOURNAL_WORD_SIZE]; /* of the namespace, the interface, the sysctl */
	char *value;		      /* owned: of the sysctl */
	uint32_t ifindex;	      /* from 1; of the end, the address, clsact, the filter */
	struct ip_prefix prefix;      /* of the route, the address */
	enum route_kind route_kind;
	uint32_t metric;
	enum vl_hook hook;
	uint32_t prog_id;
};

/* A line that is none of a journal. */
struct journal_unread {
	size_t number; /* from 1 */
	char *text;    /* owned; up to its first NUL */
};

/* All complete lines of a journal. */
struct journal_lines {
	bool has_head; /* whether the first line is a valid one; else it is among the unread */
	struct journal_head head;
	struct journal_step *steps; /* oldest first */
	size_t n, room;
	struct journal_unread *unread;
	size_t n_unread;
};

/*
 * Read a journal; the caller frees *lines with journal_lines_free(). -ENOENT: there is none (err
 * stays clear). A journal that cannot be read completely is an error, since a line that is not read
 * would not be undone; one that is not understood is none.
 */
int journal_read(struct journal_lines *lines, const char *name, struct err *err);
/* The same from f; *lines is empty before, and freed by the caller in any case. */
int journal_read_file(struct journal_lines *lines, FILE *f);
void journal_lines_free(struct journal_lines *lines);
/* Append a step that no line tells of. Takes its value, unless memory runs out (-ENOMEM). */
int journal_add_step(struct journal_lines *lines, const struct journal_step *step);
/*
 * What one line but the first says, without its newline; the caller frees step->value. -EINVAL: a
 * word is missing, unknown or out of its range, or one is too many.
 */
int journal_parse(struct journal_step *step, const char *line);
/* Read only the first line. -ENOENT: there is no journal, or it has no valid first line. */
int journal_head(const char *name, struct journal_head *head);
/*
 * What a sysctl was before the lab changed it for the first time; the caller frees *value.
 * -ENOENT: the lab did not change it.
 */
int journal_find_sysctl(const char *name, const struct netns_id *id, const char *key, char **value);

/* ---- marks --------------------------------------------------------------------------------- */

/* The id of this boot (/proc/sys/kernel/random/boot_id). */
int boot_id(char id[BOOT_ID_SIZE], struct err *err);
/*
 * What a file below NETNS_DIR contains until the namespace of lab name is mounted on it: it tells
 * whose file it is, if vethlab is killed between the two.
 */
void netns_mark(const char *name, char mark[64]);
/*
 * The ranges of all labs are between these, far above what the kernel hands out by itself: it
 * counts up from 1 in each namespace.
 */
enum { LAB_IFINDEX_START = 1000000, LAB_IFINDEX_END = 1 << 30 };

#endif
