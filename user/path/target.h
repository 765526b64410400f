/* SPDX-License-Identifier: GPL-2.0-only */
/* target.h - the arguments FROM and TO of ping, traceroute and why: the node and the address. */
#ifndef VETHLAB_USER_PATH_TARGET_H
#define VETHLAB_USER_PATH_TARGET_H

#include "topology/model.h"
#include "user/lab/lab.h"

struct target {
	struct ip_addr addr;
	const struct node *node; /* the node that has addr; NULL: no node of the lab */
	const struct end *end;	 /* the end that has addr; NULL: lo, a bridge, or none */
};

/*
 * Find what the user typed: an address, a node or an end. family: AF_INET, AF_INET6, or 0: IPv4 if
 * there is an IPv4 address, else IPv6. Of several addresses it is the first that `from` can reach
 * by its routes, or the first of all if it can reach none. Returns 0, or -errno with err set.
 */
int target_find(struct target *target, const struct running *run, const struct node *from,
		const char *typed, uint8_t family, struct err *err);
/* "10.1.1.1 (blue:veth1)" */
const char *target_text(const struct target *target, char *buf, size_t size);
enum { TARGET_TEXT_SIZE = IP_TEXT_SIZE + END_NAME_SIZE + 4 };

/* What `ping`, `traceroute` and `why` have in common: FROM TO [-l LAB] [-4|-6] [-j]. */
struct trip {
	const char *lab, *from_word, *to_word;
	uint8_t family; /* 0: not said */
	bool both;	/* -4 and -6 were said: trip_operands() refuses that */
	bool json;
	struct running *run; /* owned */
	const struct node *from;
	struct target target;
};

/* Open the lab and find FROM and TO. Returns 0, or -errno with err set; close trip in any case. */
int trip_open(struct trip *trip, struct err *err);
void trip_close(struct trip *trip);

#endif
