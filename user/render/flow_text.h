/* SPDX-License-Identifier: GPL-2.0-only */
/* flow_text.h - flows as text and as JSON. Times are shown since zero_ns (CLOCK_MONOTONIC). */
#ifndef VETHLAB_USER_RENDER_FLOW_TEXT_H
#define VETHLAB_USER_RENDER_FLOW_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "user/flow/flow.h"

enum {
	FLOW_WORDS_SIZE = 512,
	FLOW_NAME_SIZE = 96,
	FLOW_LINE_SIZE = FLOW_WORDS_SIZE + 3 * FLOW_NAME_SIZE
};

/* "pc:40000", "192.0.2.1:80", "[2001:db8::1]:80": an address by the node that has it. */
const char *flow_side_name(const struct lab *lab, const struct flow_tuple *tuple, bool to,
			   char buf[FLOW_NAME_SIZE]);
/* "established", "reset by r" */
const char *flow_state_words(const struct flow *flow, char buf[FLOW_WORDS_SIZE]);
/* Where a packet was lost: "it left a:x and did not reach r:w". */
const char *flow_place_words(const struct flow_place *place, char buf[FLOW_WORDS_SIZE]);
/* "NETFILTER_DROP at nft_do_chain: a netfilter rule (nft, iptables) says so" */
const char *flow_cause_words(const struct flow_cause *cause, char buf[FLOW_WORDS_SIZE]);
/* "r dropped the ICMP error ...: ..."; NULL: no such error was dropped. */
const char *flow_error_drop_words(const struct flow *flow, char buf[FLOW_LINE_SIZE]);
/* What became of what was sent again, or lost: "it was lost: it left a:x and did not reach r:w". */
const char *flow_verdict_words(const struct flow *flow, enum flow_verdict verdict,
			       enum flow_missing missing, const struct flow_place *place,
			       char buf[FLOW_WORDS_SIZE]);
/* "3 from a:40000 sent again: the original was lost: ..." */
const char *flow_tally_words(const struct flow *flow, const struct flow_tally *tally,
			     const struct lab *lab, char buf[FLOW_LINE_SIZE]);
/* "NAT: it arrives as nat:1024 > web:80"; NULL: it arrives as it was sent. */
const char *flow_nat_words(const struct flow_way *way, const struct lab *lab,
			   char buf[FLOW_LINE_SIZE]);
/* The flows that are chosen, a line each, with lines below it about what went wrong. detail: all
 * that is counted. */
void flows_print(const struct flows *flows, const struct lab *lab, bool detail, bool colour,
		 FILE *f);
/* "SYN", "SYN-ACK", "ACK", "FIN", "RST", "segment", "datagram" */
const char *flow_packet_word(const struct flow *flow, const struct flow_packet *packet);
/*
 * One flow, packet by packet, and what it came to. all: every packet of the story; else of many
 * retransmissions (UDP: losses) the first ones.
 */
void flow_story_print(const struct flow *flow, const struct flow_story *story,
		      const struct lab *lab, bool all, FILE *f);
/* What it came to: "reset by b: ...". */
const char *flow_end_words(const struct flow *flow, const struct flow_story *story,
			   const struct lab *lab, char buf[FLOW_LINE_SIZE]);
/* docs/schema/flow.json */
json_t *flow_story_as_json(const struct flows *flows, const struct flow *flow,
			   const struct flow_story *story, const struct lab *lab, uint64_t zero_ns);
/* docs/schema/flows.json */
json_t *flows_as_json(const struct flows *flows, const struct lab *lab, uint64_t zero_ns);
json_t *flow_as_json(const struct flow *flow, const struct lab *lab, uint64_t zero_ns);
/* The words of JSON for the same. */
const char *flow_state_word(enum flow_state state);
const char *flow_verdict_word(enum flow_verdict verdict);
const char *flow_missing_word(enum flow_missing missing);
/* What is not there: flows that had to leave, records that were lost. To stderr. */
void flows_tell_limits(const struct flows *flows);

#endif
