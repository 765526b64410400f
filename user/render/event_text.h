/* SPDX-License-Identifier: GPL-2.0-only */
/* event_text.h - packet records as lines and objects, and ICMP messages in words. */
#ifndef VETHLAB_USER_RENDER_EVENT_TEXT_H
#define VETHLAB_USER_RENDER_EVENT_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/vethlab.h"
#include "topology/model.h"

enum { ICMP_TEXT_SIZE = 64, OTHER_TEXT_SIZE = 160, ADDRESSES_TEXT_SIZE = 2 * IP_TEXT_SIZE + 32 };

/* One word of at most 8 letters: "request", "reply", "unreach", "exceeded", ... */
const char *icmp_word(uint8_t family, uint8_t type);
/*
 * The same for a record; of a later fragment "fragment", of what is no ICMP "udp", "tcp",
 * "who-has", "is-at", "proto47", "0x88cc".
 */
const char *event_word(const struct vl_event *event);
/* "host unreachable", "packet too big (mtu 1400)"; info: the second word of the header. */
const char *icmp_text(uint8_t family, uint8_t type, uint8_t code, uint32_t info,
		      char buf[ICMP_TEXT_SIZE]);
/* The same for a record of ICMP; of a redirect of IPv6 with its gateway. */
const char *event_icmp_text(const struct vl_event *event, char buf[ICMP_TEXT_SIZE]);

/* Of a packet that is no ICMP: "SYN, seq 1, len 0", "len 512, vlan 5"; "" of ARP. */
const char *other_text(const struct vl_event *event, char buf[OTHER_TEXT_SIZE]);
/* "10.0.0.1 > 10.0.0.2", "[fd00::1]:4000 > [fd00::2]:80", of other ethertypes MAC addresses. */
const char *addresses_text(const struct vl_event *event, char buf[ADDRESSES_TEXT_SIZE]);
/* Either of them. */
const char *address_text(const struct vl_event *event, bool destination, char buf[IP_TEXT_SIZE]);

/* What the lines of one trace have in common. */
struct event_layout {
	int end_width;	  /* columns of the longest end name */
	uint64_t zero_ns; /* CLOCK_MONOTONIC of time 0 */
	bool fold;	  /* f is a terminal: what does not fit a line goes on below */
};

struct event_layout event_layout_for(const struct lab *lab, uint64_t zero_ns);
void event_print_header(const struct event_layout *layout, FILE *f);
/* The line of a packet. place: an end or a node; what: the hook; rest: what follows its addresses.
 */
void event_print_packet(const struct event_layout *layout, const struct vl_event *event,
			const char *place, const char *what, const char *rest, FILE *f);
/* Likewise; end: where the record was made. */
void event_print(const struct event_layout *layout, const struct vl_event *event,
		 const struct end *end, FILE *f);
/*
 * The record as one JSON object that starts with its schema tag, without a line's end. At the rate
 * of a flood, building a tree for each costs several times as much.
 */
void event_write_json(const struct vl_event *event, const struct end *end, const char *schema,
		      FILE *f);
/* What tells a packet that is no ICMP from others, as a tree. */
json_t *other_json(const struct vl_event *event);
/* The fields of the record as a tree, without a schema tag: it may stand in another document. */
json_t *event_json(const struct vl_event *event, const struct end *end);

#endif
