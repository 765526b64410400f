/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rule_match.h - one nft rule: whether it fits a packet, as far as that is known, and what it then
 * does. For ruleset.c.
 */
#ifndef VETHLAB_USER_NET_RULE_MATCH_H
#define VETHLAB_USER_NET_RULE_MATCH_H

#include <libmnl/libmnl.h>

#include "user/net/ruleset.h"

enum rule_fits { RULE_NO, RULE_MAYBE, RULE_YES };

enum rule_act {
	RULE_NOTHING, /* counts or logs */
	RULE_ACCEPT,
	RULE_RETURN,
	RULE_JUMP,
	RULE_SOURCE_NAT,
	RULE_OTHER, /* drops, rejects, queues, rewrites or marks the packet, or what is not known */
};

struct rule_outcome {
	enum rule_fits fits;
	enum rule_act act;
	char target[64]; /* of RULE_JUMP: the chain */
};

/* expressions: NFTA_RULE_EXPRESSIONS. */
void rule_match(const struct nlattr *expressions, const struct ruleset_packet *packet,
		struct rule_outcome *outcome);

#endif
