/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * down_record.h - what the kernel drops when an end is set down, and does not bring back when it is
 * set up: IPv6 addresses that somebody has given to it (of the link-local ones, those that the lab
 * file has), static neighbors, and the routes of all tables that leave by it, but for those that
 * the kernel makes for addresses. It is kept in LAB_DIR/LAB/down-NUMBER until the end is set
 * up.
 */
#ifndef VETHLAB_USER_CHANGE_DOWN_RECORD_H
#define VETHLAB_USER_CHANGE_DOWN_RECORD_H

#include "user/lab/lab.h"

struct down_route {
	struct route route; /* owned */
	uint8_t protocol;   /* RTPROT_*: who made it */
};

struct down_record {
	struct address *addresses;
	struct neighbor *neighbors;
	struct down_route *routes;
	size_t n_addresses, n_neighbors, n_routes;
};

void down_record_free(struct down_record *record);
static inline void cleanup_down_record_fn(struct down_record *record)
{
	down_record_free(record);
}
#define cleanup_down_record __attribute__((cleanup(cleanup_down_record_fn)))

/* What the kernel has now that it may drop with the end. *record is empty before. */
int down_record_read(struct down_record *record, struct nl *nl, const struct running *run,
		     const struct end *end, struct err *err);
/* Take out of *record what *left has too. */
void down_record_subtract(struct down_record *record, const struct down_record *left);

/* Write the file; it is whole or as it was. That of an empty record says that nothing went. */
int down_record_save(const struct down_record *record, const struct running *run,
		     const struct end *end, struct err *err);
enum down_part {
	DOWN_ALL,
	DOWN_ADDED,	 /* what the lab file did not have when the record was written */
	DOWN_UNCOMPARED, /* of that: what running_take_live() does not look at: other tables,
			    daemons' */
};
/* -ENOENT: there is none (err stays clear). *record is empty before. */
int down_record_load(struct down_record *record, const struct running *run, const struct end *end,
		     enum down_part part, struct err *err);
/* Remove the file of an end by its number, if there is one. */
void down_record_forget(const char *lab, uint32_t number);

/*
 * Add all of it that is missing; nl is a socket of the end's namespace. What was added is taken out
 * of *record, so that after a failure it has what is left. After a route that the kernel refuses,
 * the others are added all the same; err is about the first of those refused.
 */
int down_record_restore(struct down_record *record, struct nl *nl, const struct running *run,
			const struct end *end, struct err *err);

#endif
