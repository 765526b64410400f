/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sniffer.h - frames as they pass an interface, whole: a packet socket in its namespace. It sees
 * what tcpdump there would see, in both directions, and goes with its descriptor.
 */
#ifndef VETHLAB_USER_CAPTURE_SNIFFER_H
#define VETHLAB_USER_CAPTURE_SNIFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/err.h"

enum { SNIFF_SNAP_MAX = 262144 };

struct sock_filter; /* <linux/filter.h> */

struct sniff_config {
	const char *object; /* what errors call it: "blue:veth1"; borrowed */
	uint32_t ifindex;
	uint32_t snap;			  /* bytes of a frame to keep; at most SNIFF_SNAP_MAX */
	const struct sock_filter *filter; /* classic BPF that says which frames; NULL: all */
	uint16_t filter_len;
};

struct sniffer;

struct sniffed {
	const uint8_t *bytes; /* of the sniffer, until the next sniff_receive() */
	uint32_t len;	      /* bytes there */
	uint32_t whole;	      /* bytes that the frame had */
	uint64_t time_ns;     /* CLOCK_REALTIME */
	bool out;	      /* sent by the interface; else received */
	bool unsummed;	      /* CHECKSUM_PARTIAL: the transport checksum is left to the device */
};

int sniff_open(struct sniffer **sniffer, int netns_fd, const struct sniff_config *config,
	       struct err *err);
void sniff_close(struct sniffer *sniffer); /* NULL is allowed */
int sniff_fd(const struct sniffer *sniffer);
/* 1: *frame is filled; 0: none now; or -errno (-ENETDOWN: the interface went down or away). */
int sniff_receive(struct sniffer *sniffer, struct sniffed *frame, struct err *err);
/* Frames that found no room since the last call. */
uint32_t sniff_lost(struct sniffer *sniffer);

#endif
