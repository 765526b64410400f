/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * link_choice.h - which of the discovered links an observed lab watches: those that were asked for,
 * that no other lab watches, and that a lab file can name.
 */
#ifndef VETHLAB_USER_OBSERVE_LINK_CHOICE_H
#define VETHLAB_USER_OBSERVE_LINK_CHOICE_H

#include "user/observe/observe.h"

/*
 * Which end this is, whatever it is called. If its namespace cannot be seen, netns.inode is 0 and
 * netns.cookie is made of the inode of the peer's namespace and the id that this one has for it.
 */
struct end_identity {
	struct netns_id netns;
	uint32_t ifindex;
};

struct end_identity end_identity_of(const struct discovery *discovery,
				    const struct discovered_link *link, int side);

struct chosen_link {
	const struct discovered_link *link;
	const struct link *was; /* the same link in the lab as it was; NULL: it is new */
	bool swapped;		/* link->ends[0] is was->ends[1] */
};

/*
 * Choose links: first those of the lab as it was, in its order, then new ones, in the order of the
 * discovery. was: NULL, there is no lab yet. notes (NULL: nobody listens) are told which new links
 * are left out. The caller frees *list, which borrows from discovery and was. 0 or -ENOMEM.
 */
int link_choice_make(struct chosen_link **list, size_t *n, const struct discovery *discovery,
		     const struct running *was, const struct observe_options *options,
		     const struct notes *notes);

#endif
