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
/*
 * Before an end is set down: read what the kernel may drop with it, and keep that in the end's
 * file. An end that is down already keeps the file that it has, and *record is read from that.
 */
int edit_begin_down(struct down_record *record, const struct running *run, const struct end *end,
		    struct err *err);
/* After it: leave in *record, and in the file, what the kernel has dropped. */
int edit_finish_down(struct down_record *record, const struct running *run, const struct end *end,
		     struct err *err);
/*
 * After an end was set up: add what the kernel dropped when `link down` set it down. If that is not
 * known, since something else did: the addresses and static neighbors of the end and the routes
 * that leave by it, as the lab file has them; or, if it was up before, only the routes of those
 * addresses that it has. *restored: what was missing and is not any more.
 */
int edit_restore_end(struct down_record *restored, const struct running *run, const struct end *end,
		     bool was_up, struct err *err);
/*
 * The same after apply has set an end up, and made it what the lab file says: add only what the
 * kernel dropped and the file did not have (DOWN_ADDED, DOWN_UNCOMPARED). What cannot be added yet
 * stays in the end's file.
 */
int edit_restore_added(const struct running *run, const struct end *end, enum down_part part,
		       struct err *err);
/* Add a route to a node, or delete it. A deletion without metric or hops matches any. */
int edit_route(const struct running *run, const struct node *node, const struct route *route,
	       bool add, struct err *err);

#endif
