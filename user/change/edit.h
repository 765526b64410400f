/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edit.h - single changes of a running lab, made without a lab file. They last until `down`, or
 * until `apply` changes the same address or route; lab.yaml does not contain them.
 */
#ifndef VETHLAB_USER_CHANGE_EDIT_H
#define VETHLAB_USER_CHANGE_EDIT_H

#include "user/change/down_record.h"
#include "user/lab/lab.h"

/* Add an address to an end (add), or delete it. */
int edit_address(const struct running *run, const struct end *end, const struct ip_prefix *prefix,
		 bool add, struct err *err);

/* A device that stands upon an end, in the end's namespace: a macvlan, a VLAN. */
struct edit_upper {
	char ifname[IFNAME_MAX + 1], kind[16];
};

/* What was dropped or restored of an end, and of its peer, which loses or gets its carrier. */
struct edit_changes {
	struct down_record end, peer;
	struct down_record waiting; /* of the end, restored: what its kernel takes with a carrier */
	struct edit_upper *uppers;  /* dropped: what these lost with the end is not known */
	size_t n_uppers;
};

void edit_changes_free(struct edit_changes *changes);
static inline void cleanup_edit_changes_fn(struct edit_changes *changes)
{
	edit_changes_free(changes);
}
#define cleanup_edit_changes __attribute__((cleanup(cleanup_edit_changes_fn)))

/*
 * Before an end is set down: read what the kernel may drop with it and with its peer's carrier, and
 * keep that in their files. An end that is down already keeps the file that it has, and
 * dropped->end is read from that.
 */
int edit_begin_down(struct edit_changes *dropped, const struct running *run, const struct end *end,
		    struct err *err);
/* After it: leave in *dropped, and in the files, what the kernel has dropped. */
int edit_finish_down(struct edit_changes *dropped, const struct running *run, const struct end *end,
		     struct err *err);
/*
 * After an end was set up: add what the kernel dropped when `link down` set it down. If that is not
 * known, since something else did: the addresses and static neighbors of the end and the routes
 * that leave by it, as the lab file has them; or, if it was up before, only the routes of those
 * addresses that it has. What it lost with its carrier is added, too. *restored: what was missing
 * and is not any more, and what waits.
 */
int edit_restore_end(struct edit_changes *restored, const struct running *run,
		     const struct end *end, bool was_up, struct err *err);
/*
 * After that, for the end's peer, which may have got a carrier: add the nexthop objects that it
 * lacks for want of one, and the routes by them. What else its files have is left in them.
 * restored->peer is set after a failure, too.
 */
int edit_restore_peer(struct edit_changes *restored, const struct running *run,
		      const struct end *end, struct err *err);
/*
 * The same after apply has set an end up, and made it what the lab file says: add only what the
 * kernel dropped and the file did not have (DOWN_ADDED, DOWN_UNCOMPARED). What cannot be added yet
 * stays in the end's files. Nothing is done to an end that is down.
 */
int edit_restore_added(const struct running *run, const struct end *end, enum down_part part,
		       struct err *err);
/* Add a route to a node, or delete it. A deletion without metric or hops matches any. */
int edit_route(const struct running *run, const struct node *node, const struct route *route,
	       bool add, struct err *err);

#endif
