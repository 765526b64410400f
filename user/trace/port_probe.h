/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port_probe.h - one attempt to reach a port from inside a namespace, by an ordinary socket:
 * connect() of TCP, or one datagram of UDP. What comes of it is what the socket tells.
 *
 * ICMP errors are read with their maker (IP_RECVERR, RFC 3542 and ip(7)). The sequence number of
 * the SYN is chosen here where the kernel allows it (TCP_REPAIR, CAP_NET_ADMIN), so that the
 * packets of the probe are known where NAT has changed their addresses.
 */
#ifndef VETHLAB_USER_TRACE_PORT_PROBE_H
#define VETHLAB_USER_TRACE_PORT_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "topology/model.h"
#include "user/base/err.h"
#include "user/trace/port_packet.h"

struct port_probe_config {
	int netns_fd;	    /* of the sender's namespace; borrowed */
	const char *node;   /* what errors call the sender; borrowed */
	const char *device; /* SO_BINDTODEVICE; NULL: as the node's routes say; borrowed */
	struct ip_addr to;
	uint16_t port;
	bool tcp;
	uint16_t size; /* UDP: payload bytes; TCP: bytes to send once it is connected; at most
			* ECHO_SIZE_MAX */
	uint8_t ttl;   /* 0: the kernel's default */
};

enum port_result {
	PORT_PENDING,
	PORT_ANSWERED,	 /* TCP: connected, and all bytes acknowledged; UDP: a datagram came back */
	PORT_RESET,	 /* TCP: a RST came back */
	PORT_ICMP_ERROR, /* an ICMP error came back */
	PORT_GIVEN_UP,	 /* the kernel gave up, without a message that the socket tells of */
	PORT_UNANSWERED, /* nothing came in time */
	PORT_NOT_SENT,	 /* the kernel refused to send */
	PORT_UNACKNOWLEDGED, /* TCP: connected, but not all bytes were acknowledged in time */
};

struct port_answer {
	enum port_result result;
	int error;	       /* GIVEN_UP, NOT_SENT: positive errno */
	uint64_t time_ns;      /* from the call to when this process saw the answer */
	struct ip_addr from;   /* ICMP_ERROR: who made it; family 0: not told */
	uint8_t type, code;    /* ICMP_ERROR */
	uint32_t info;	       /* ICMP_ERROR: the MTU, where it tells one */
	uint32_t bytes;	       /* UDP, ANSWERED: of the payload that came back */
	bool connected;	       /* TCP: the SYN was answered, and *acknowledged, mss are set */
	uint32_t acknowledged; /* of the bytes to send */
	uint32_t mss;	       /* payload bytes of a segment at most, as the sender has it then */
};

struct port_probe {
	int fd;
	bool tcp;
	struct port_flow flow;
	uint64_t sent_ns; /* CLOCK_MONOTONIC */
	uint16_t size;	  /* as configured */
	uint16_t unsent;  /* TCP: of it, what the socket has not taken yet */
};

/*
 * Open a socket and send. *answer may be settled already: else it is PORT_PENDING. Returns 0, or
 * -errno with err set (ERR_PRIVILEGE, ERR_SYSTEM) if there is no socket; closing is due on 0.
 */
int port_probe_start(struct port_probe *probe, const struct port_probe_config *config,
		     struct port_answer *answer, struct err *err);
/*
 * Wait for an answer, at most timeout_ms: *answer stays PORT_PENDING if none came. A signal ends
 * the wait.
 */
void port_probe_wait(struct port_probe *probe, int timeout_ms, struct port_answer *answer);
void port_probe_close(struct port_probe *probe);

#endif
