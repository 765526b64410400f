/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edit.h - single changes of a running lab, made without a lab file. They last until `down`, or
 * until `apply` changes the same address or route; lab.yaml does not contain them.
 */
#ifndef VETHLAB_USER_CHANGE_EDIT_H
#define VETHLAB_USER_CHANGE_EDIT_H

#include "user/lab/lab.h"

/* Add an address to an end (add), or delete it. */
int edit_address(const struct running *run, const struct end *end, const struct ip_prefix *prefix,
		 bool add, struct err *err);
/*
 * After an end was set up: add its addresses and the routes that leave by it, as the lab file has
 * them, where the kernel removed them when it was set down.
 */
int edit_restore_end(const struct running *run, const struct end *end, struct err *err);
/* Add a route to a node, or delete it. A deletion without metric or hops matches any. */
int edit_route(const struct running *run, const struct node *node, const struct route *route,
	       bool add, struct err *err);

#endif
