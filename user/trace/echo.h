/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * echo.h - an ICMP echo sender: a raw socket that lives in one namespace, one id, many sequence
 * numbers. Replies and the ICMP errors that quote its requests come back as answers.
 */
#ifndef VETHLAB_USER_TRACE_ECHO_H
#define VETHLAB_USER_TRACE_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "topology/model.h"

/* Payload bytes: as ping(8) does by itself; 65535 less the IPv4 and ICMP headers. */
enum { ECHO_SIZE = 56, ECHO_SIZE_MAX = 65507 };

struct echo_config {
	struct ip_addr to;
	const char *node;   /* what errors call the sender; borrowed */
	const char *device; /* SO_BINDTODEVICE; NULL: as the node's routes say */
	uint16_t id;
	uint64_t token; /* the first 8 bytes of each payload, as they stand in memory */
	uint16_t size;	/* payload bytes; below 8 the token is cut */
	uint8_t ttl;	/* 0: the kernel's default */
};

struct echo_sender;

/* Needs CAP_NET_RAW in the namespace, and CAP_SYS_ADMIN to enter it (ERR_PRIVILEGE). */
int echo_open(struct echo_sender **sender, int netns_fd, const struct echo_config *config,
	      struct err *err);
void echo_close(struct echo_sender *sender); /* NULL is allowed */
/* Change the time to live of what is sent from now on. */
int echo_set_ttl(struct echo_sender *sender, uint8_t ttl, struct err *err);
/* Send a request. -errno as the kernel says (ENETUNREACH, EHOSTUNREACH, EPERM, EMSGSIZE, ...). */
int echo_send(struct echo_sender *sender, uint16_t seq, struct err *err);

struct echo_answer {
	struct ip_addr from;
	uint16_t seq;
	bool error;	    /* an ICMP error about the request; else its reply */
	bool corrupt;	    /* the reply's payload is not what was sent */
	uint8_t type, code; /* of the ICMP message */
	uint8_t ttl;	    /* as it arrived */
	uint32_t info;	    /* of an error: the second word of its header (MTU, gateway) */
	uint32_t len;	    /* bytes of the ICMP message */
	uint64_t rtt_ns;    /* from the send call to the kernel's receive stamp; 0: not known */
};

/* Readable when there is an answer to receive. */
int echo_fd(const struct echo_sender *sender);
/* 1: *answer is filled; 0: nothing (more) to receive now; or -errno. */
int echo_receive(struct echo_sender *sender, struct echo_answer *answer, struct err *err);

#endif
