/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * down_record.h - what the kernel drops when an end is set down, and does not bring back when it is
 * set up: IPv6 addresses that somebody has given to it (of the link-local ones, those that the lab
 * file has), static neighbors, and the routes of all tables that leave by it, but for those that
 * the kernel makes for addresses, and nexthop objects with the routes by them. It is kept in
 * LAB_DIR/LAB/down-NUMBER until the end is set up.
 *
 * Nexthop objects go as well when an end that is up loses its carrier, since its peer is set down
 * (nh_netdev_event() in net/ipv4/nexthop.c). These are kept in down-NUMBER.carrier until it has
 * one.
 */
#ifndef VETHLAB_USER_CHANGE_DOWN_RECORD_H
#define VETHLAB_USER_CHANGE_DOWN_RECORD_H

#include "user/change/down_objects.h"
#include "user/lab/lab.h"

struct down_route {
	struct route route; /* owned */
	uint8_t protocol;   /* RTPROT_*: who made it */
};

struct down_record {
	struct address *addresses;
	struct neighbor *neighbors;
	struct down_route *routes;
	struct down_objects objects;
	size_t n_addresses, n_neighbors, n_routes;
};

void down_record_free(struct down_record *record);
static inline void cleanup_down_record_fn(struct down_record *record)
{
	down_record_free(record);
}
#define cleanup_down_record __attribute__((cleanup(cleanup_down_record_fn)))

/* Why it went, which is a file of its own. */
enum down_cause { DOWN_BY_STATE, DOWN_BY_CARRIER };

static inline bool down_record_is_empty(const struct down_record *record)
{
	return !record->n_addresses && !record->n_neighbors && !record->n_routes &&
	       !record->objects.n;
}

/*
 * What the kernel has now that it may drop with the end, or its carrier. *record is empty before.
 * also: routes by these nexthop objects count, too, whether they are of the end or not; NULL: none.
 */
int down_record_read(struct down_record *record, struct nl *nl, const struct running *run,
		     const struct end *end, enum down_cause cause, const struct down_objects *also,
		     struct err *err);
/* Take out of *record what *left has too. */
void down_record_subtract(struct down_record *record, const struct down_record *left);

/*
 * Write the file; it is whole or as it was. That of an empty record says that nothing went with the
 * end's state; there is no file of an empty one of its carrier. more: written with it; or NULL.
 */
int down_record_save(const struct down_record *record, const struct down_record *more,
		     const struct running *run, const struct end *end, enum down_cause cause,
		     struct err *err);
enum down_part {
	DOWN_ALL,
	DOWN_ADDED,	 /* what the lab file did not have when the record was written */
	DOWN_UNCOMPARED, /* of that: what running_take_live() does not look at: other tables
			    and types, daemons', by interfaces that are not the lab's */
};
/* -ENOENT: there is none (err stays clear). The record is appended to. */
int down_record_load(struct down_record *record, const struct running *run, const struct end *end,
		     enum down_cause cause, enum down_part part, struct err *err);
/* Remove the file of an end by its number, if there is one. */
void down_record_forget(const char *lab, uint32_t number, enum down_cause cause);

/*
 * Add all of it that is missing; nl is a socket of the end's namespace. What was added is taken out
 * of *record, so that after a failure it has what is left. After a route or a nexthop object that
 * the kernel refuses, the others are added all the same; err is about the first of those refused.
 * has_carrier false: nexthop objects and the routes by them are left, without a failure; the kernel
 * takes none.
 */
int down_record_restore(struct down_record *record, struct nl *nl, const struct running *run,
			const struct end *end, bool has_carrier, struct err *err);
/* The same for nexthop objects and the routes by them alone, after the end has got a carrier. The
 * rest is left in *record, without a failure. */
int down_record_restore_waiting(struct down_record *record, struct nl *nl,
				const struct running *run, const struct end *end, struct err *err);

#endif
