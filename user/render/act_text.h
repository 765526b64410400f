/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * act_text.h - what a node's stack did with a packet, as text and JSON: look-ups, neighbors, ICMP
 * errors, delivery.
 */
#ifndef VETHLAB_USER_RENDER_ACT_TEXT_H
#define VETHLAB_USER_RENDER_ACT_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "user/render/event_text.h"
#include "user/story/story.h"

enum { ACT_TEXT_SIZE = 256 };

/* "route", "neighbor", "icmp-error", "learned", "loopback", "delivered", "question-drop" */
const char *act_word(const struct act *act);
/* "route to 10.0.2.2: main, via 10.0.2.1 dev eth1" */
const char *act_text(const struct act *act, char buf[ACT_TEXT_SIZE]);
/* "a blackhole route", by enum vl_route_type */
const char *act_refusal(uint8_t type);
/* The gateway, or the neighbor. */
const char *act_next(const struct vl_stack *record, char buf[IP_TEXT_SIZE]);
/* "ARP request", "solicitation", "advertisement" */
const char *act_question_word(const struct vl_stack *record);
/* "the solicitation died in sw, NETFILTER_DROP in nft_do_chain: a netfilter rule says so" */
const char *act_question_text(const struct act *act, char buf[ACT_TEXT_SIZE]);
/* One line of a trace. */
void act_print(const struct event_layout *layout, const struct act *act, FILE *f);
/* As one JSON object with its schema tag, without a line's end (see event_write_json()). */
void act_write_json(const struct act *act, const char *schema, FILE *f);
/* The same fields as a tree, without a schema tag. */
json_t *act_json(const struct act *act);

#endif
