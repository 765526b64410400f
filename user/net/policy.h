/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy.h - which rule or route of a namespace decides about a packet of TOS 0, found by reading
 * all rules and tables (RTM_GETRULE, RTM_GETROUTE). Where the kernel refuses a packet, route_get()
 * has only an errno, which several causes share.
 */
#ifndef VETHLAB_USER_POLICY_H
#define VETHLAB_USER_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/ip.h"
#include "user/base/err.h"
#include "user/net/net.h"

struct policy_question {
	struct ip_addr to, from; /* from of family 0: any */
	const char *in_ifname;	 /* by which it came; "lo": sent by the node itself */
	uint8_t protocol;	 /* IPPROTO_*; 0: not known */
};

enum policy_by {
	POLICY_NOTHING, /* no rule and no table has anything for it */
	POLICY_ROUTE,	/* a route of a table */
	POLICY_RULE,	/* a rule that itself refuses */
};

struct policy_answer {
	enum policy_by by;
	bool unsure;	   /* a rule before it asks for marks, ports, users or devices' groups */
	uint8_t type;	   /* RTN_*, as if by a route if it is by a rule */
	uint32_t priority; /* of the rule */
	bool has_from;	   /* the rule is for some sources only: */
	struct ip_prefix from;		/* these */
	char in_ifname[IFNAME_MAX + 1]; /* the rule is for what comes by it; "": by any */
	uint32_t table;			/* of the route */
	struct ip_prefix route;		/* its destination */
	uint32_t ifindex;		/* by which it leaves; 0: none, or several */
};

/*
 * Routes with the flag RTNH_F_DEAD are left out, as the kernel leaves them out; metrics and the
 * marks of packets are not looked at. 0, or -errno with *err filled.
 */
int policy_look(struct nl *nl, const struct policy_question *question, struct policy_answer *answer,
		struct err *err);

#endif
