/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * drop_causes.h - what is known of the places where Linux drops packets, in one table. A cause is
 * what the kernel tells of a drop: the reason (enum skb_drop_reason of
 * include/net/dropreason-core.h, without its prefix) and the function that freed the packet.
 */
#ifndef VETHLAB_USER_BASE_DROP_CAUSES_H
#define VETHLAB_USER_BASE_DROP_CAUSES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Where the packet was, seen from the hooks of a link. In the order of precedence: where reason and
 * function say different things, the later one is right.
 */
enum drop_stage {
	DROP_UNCLASSIFIED, /* no row of the table knows the cause */
	DROP_IN_NODE,	   /* in a node's stack; which side of a hook, the cause does not tell */
	DROP_AFTER_OUT,	   /* after `out` of the sender: its queueing discipline or driver */
	DROP_BEFORE_IN,	   /* before `in` of the receiver: its ring, backlog or XDP */
};

/* What else is known of a cause. */
enum drop_trait {
	DROP_NO_PACKET = 1 << 0,   /* the kernel made it for a question or a test */
	DROP_COPY = 1 << 1,	   /* the copy of a packet for a socket that captures */
	DROP_ORDINARY = 1 << 2,	   /* every healthy network has such drops */
	DROP_BY_XDP = 1 << 3,	   /* by what runs XDP programs */
	DROP_NO_NEIGHBOR = 1 << 4, /* for want of the next hop's link layer address */
	DROP_TOLD = 1 << 5,	   /* the node tells the sender by an ICMP error, if it may */
	DROP_MULTICAST = 1 << 6,   /* the row is of packets to a multicast address alone */
	DROP_AFTER_XDP = 1 << 7,   /* between `xdp` and `in` of the receiver */
};

struct drop_cause {
	/* Of which drops. At least one of both is there. */
	const char *reason;   /* NULL: any */
	const char *function; /* NULL: any; with a '*' first: any that ends with the rest */
	enum drop_stage stage;
	unsigned traits;     /* enum drop_trait */
	const char *meaning; /* to whoever looks for the fault: "there is no route ..."; or NULL */
	const char *advice;  /* what to look at or to do, a sentence without a dot; or NULL */
};

/* The rows, each for another pair of reason and function. */
const struct drop_cause *drop_causes(size_t *n);

/*
 * What all rows together know of one drop, in reason and function of the result too. The stage is
 * the last in the order of enum drop_stage, the traits are those of all rows. Meaning and advice
 * are each of the first of these rows that has one: that of reason and function both, of the
 * reason, of the function.
 *
 * A function is called as in C, without what a compiler appends (symbols_function() in
 * user/watch); "" is one that the kernel hides.
 */
struct drop_cause drop_classify(const char *reason, const char *function);
/* The same of a packet of which it was seen that it is to a multicast address. */
struct drop_cause drop_classify_multicast(const char *reason, const char *function);

#endif
