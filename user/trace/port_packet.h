/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port_packet.h - whether a packet belongs to one probe of a port, wherever on its way it was seen.
 * Pure.
 *
 * Addresses and ports change where NAT rewrites them; content does not. So a TCP packet is the
 * probe's if its sequence or acknowledgement number follows from the probe's first one, and a
 * datagram is if it carries the probe's token; or else by addresses and ports, both ways.
 */
#ifndef VETHLAB_USER_TRACE_PORT_PACKET_H
#define VETHLAB_USER_TRACE_PORT_PACKET_H

#include <stdbool.h>
#include <stdint.h>

/* What tells the packets of one probe from others. */
struct port_flow {
	uint8_t family;		  /* 4 or 6 */
	bool tcp;		  /* else UDP */
	uint16_t from, to;	  /* ports, as the sender has them */
	uint8_t src[16], dst[16]; /* likewise; IPv4 in the first four bytes */
	bool has_first;		  /* TCP: first is known */
	uint32_t first;		  /* sequence number of the SYN */
	uint64_t token; /* UDP: the first payload bytes, as they stand in memory; 0: none */
	uint16_t size;	/* UDP: payload bytes */
};

enum port_packet {
	PORT_PACKET_NONE, /* it is another flow's */
	PORT_PACKET_SYN,
	PORT_PACKET_SEGMENT, /* of TCP, the sender's, after its SYN */
	PORT_PACKET_DATAGRAM,
	PORT_PACKET_SYN_ACK,
	PORT_PACKET_RST,
	PORT_PACKET_ANSWER, /* what else comes back */
	PORT_PACKET_ERROR,  /* an ICMP error about any of them */
	/*
	 * A later fragment of a datagram from the sender's address to the other one: it has no
	 * ports, and nobody knows the identification of the probe's, so that it may be another's.
	 */
	PORT_PACKET_FRAGMENT,
};

/* The len bytes of a packet, which begin with its network header and may be cut short. */
enum port_packet port_packet_of(const struct port_flow *flow, uint16_t ethertype, const void *bytes,
				uint32_t len);
/* "SYN", "datagram", "ICMP error", ... */
const char *port_packet_word(enum port_packet packet);

#endif
