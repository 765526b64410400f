/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nexthops.h - nexthop objects (ip-nexthop(8), net/ipv4/nexthop.c): next hops that routes name by
 * an id, and groups of them. The kernel deletes those of an interface, and takes them out of
 * groups, when the interface is set down or loses its carrier; routes by an object go with it.
 * Contract as net.h.
 */
#ifndef VETHLAB_USER_NET_NEXTHOPS_H
#define VETHLAB_USER_NET_NEXTHOPS_H

#include <linux/nexthop.h>

#include "user/net/net.h"

struct nexthop_object {
	uint32_t id;
	uint32_t ifindex; /* 0: a group, or a blackhole */
	bool is_group;
	size_t size;
	unsigned char *bytes; /* of its message in a dump: struct nhmsg and attributes */
};

/* Of the message in a dump: object->bytes is the caller's, and is not copied. 0 or -EINVAL. */
int nexthop_read(struct nexthop_object *object, unsigned char *bytes, size_t size);
/* All objects of a namespace; object is valid during the call only. cb returns false to stop. */
int nexthop_list(struct nl *nl, bool (*cb)(const struct nexthop_object *object, void *arg),
		 void *arg, struct err *err);
/* The members of a group; they point into its bytes. 0: it has none, or is no group. */
size_t nexthop_members(const struct nexthop_object *object, const struct nexthop_grp **members);
/* Add an object that is no group. -EEXIST: its id is taken. */
int nexthop_add(struct nl *nl, const struct nexthop_object *object, const struct nl_what *what,
		struct err *err);
/* Add a group with these members, or give them to the one that has its id. */
int nexthop_set_group(struct nl *nl, const struct nexthop_object *group,
		      const struct nexthop_grp *members, size_t n, const struct nl_what *what,
		      struct err *err);
/* "1 via 10.0.1.2 dev x", "10 group 1/2,3" as ip-nexthop(8) has it. dev: the name of its interface.
 */
void nexthop_words(const struct nexthop_object *object, const char *dev, char *buf, size_t size);

#endif
