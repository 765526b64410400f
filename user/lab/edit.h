/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edit.h - changes of a running lab that need no file. They last until `down`, or until apply
 * changes the same thing; the lab's own file does not know them.
 */
#ifndef VETHLAB_USER_LAB_EDIT_H
#define VETHLAB_USER_LAB_EDIT_H

#include "user/lab/lab.h"

/* Add an address to an end, or take it away. */
int edit_address(const struct running *run, const struct end *end, const struct ip_prefix *prefix,
		 bool add, struct err *err);
/* The same for a route of a node; what a deletion does not say (metric, hops) matches any. */
int edit_route(const struct running *run, const struct node *node, const struct route *route,
	       bool add, struct err *err);

#endif
