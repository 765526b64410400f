/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ruleset.h - what the nft rules of a namespace may do to an echo; iptables-nft makes such rules,
 * too. Matches on addresses, protocols, ICMP types and names of interfaces are evaluated as
 * net/netfilter/nft_*.c evaluate them; of all other matches it is not known whether they fit.
 */
#ifndef VETHLAB_USER_NET_RULESET_H
#define VETHLAB_USER_NET_RULESET_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/ip.h"
#include "user/base/err.h"

/* The kernel's numbers (enum nf_inet_hooks, nf_br), but for those of devices. */
enum ruleset_hook {
	RULESET_PREROUTING,
	RULESET_INPUT,
	RULESET_FORWARD,
	RULESET_OUTPUT,
	RULESET_POSTROUTING,
	RULESET_INGRESS, /* of a device, as all of family netdev and inet's ingress */
	RULESET_EGRESS,
};
const char *ruleset_hook_word(enum ruleset_hook hook);

/* Whose hook: that of IP, of a bridge, or of ARP (INPUT and OUTPUT alone). */
enum ruleset_layer { RULESET_IP, RULESET_BRIDGE, RULESET_ARP };

/* An echo request or its reply at a hook. */
struct ruleset_packet {
	struct ip_addr from, to; /* from of family 0: not known */
	bool reply;		 /* of a connection that exists: chains of type nat do not see it */
	bool solicits; /* IPv6: what asks for a neighbor: its type and addresses are not known */
	const char *in, *out; /* interfaces; "": none; NULL: not known */
};

struct ruleset_answer {
	bool source_nat; /* a rule that may fit rewrites the source */
	bool unsure;	 /* a rule that may fit drops, rewrites or marks it: */
	char where[128]; /* the first such, "table ip t, chain c" */
};

struct ruleset;

/*
 * Read all chains and rules. A kernel without nf_tables has none. The caller frees *ruleset. 0, or
 * -errno with *err filled.
 */
int ruleset_read(struct ruleset **ruleset, int netns_fd, struct err *err);
void ruleset_free(struct ruleset *ruleset); /* NULL is allowed */

/* What the chains at a hook may do. */
void ruleset_look(const struct ruleset *ruleset, enum ruleset_layer layer, enum ruleset_hook hook,
		  const struct ruleset_packet *packet, struct ruleset_answer *answer);

#endif
