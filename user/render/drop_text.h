/* SPDX-License-Identifier: GPL-2.0-only */
/* drop_text.h - why a node's stack dropped a packet, in words. */
#ifndef VETHLAB_USER_RENDER_DROP_TEXT_H
#define VETHLAB_USER_RENDER_DROP_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "user/ledger/losses.h"
#include "user/render/event_text.h"
#include "user/story/story.h"

/*
 * What the kernel's reason means to whoever looks for the fault, or its function where the reason
 * tells nothing (base/drop_causes.h); NULL: nothing more than their names.
 */
const char *drop_explain(const char *reason, const char *function);
/* "r1 dropped the request: a netfilter rule (nft, iptables) says so" */
void drop_sentence(const struct drop *drop, char *buf, size_t size);
/* The place: the end that the packet was at, or the node. */
const char *drop_place(const struct drop *drop, const struct lab *lab);
/* One line of a trace. */
void drop_print(const struct event_layout *layout, const struct drop *drop, const struct lab *lab,
		FILE *f);
json_t *drop_json(const struct drop *drop);
/* {"protocol", "from_port", "to_port"}: of what is no ICMP. */
json_t *flow_json(uint8_t protocol, uint16_t from_port, uint16_t to_port);

/*
 * Drops that the ledger cannot tell apart, or may not have: a line for each cause, the first one
 * after `before`. f NULL: nothing is written. Returns how many lines there are.
 */
unsigned missed_print(const struct losses *losses, const char *before, FILE *f);

#endif
