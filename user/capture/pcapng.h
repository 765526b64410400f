/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng.h - captures that Wireshark and tshark open (draft-ietf-opsawg-pcapng): Ethernet frames of
 * named interfaces, with nanosecond stamps and comments.
 */
#ifndef VETHLAB_USER_CAPTURE_PCAPNG_H
#define VETHLAB_USER_CAPTURE_PCAPNG_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* The section header: first in the file. Values in host byte order, as the format allows. */
void pcapng_start(FILE *f, const char *application);
/* Interfaces are numbered from 0 in the order of these calls. filter: NULL for none. */
void pcapng_interface(FILE *f, const char *name, const char *description, uint32_t snap,
		      const char *filter);

struct pcapng_packet {
	uint32_t interface;
	uint64_t time_ns; /* since the epoch */
	const uint8_t *bytes;
	uint32_t len, whole; /* bytes there, bytes that the frame had */
	bool out;
	const char *comment; /* NULL: none */
};
void pcapng_packet(FILE *f, const struct pcapng_packet *packet);
/* The statistics of an interface: last, once for each. */
void pcapng_statistics(FILE *f, uint32_t interface, uint64_t start_ns, uint64_t end_ns,
		       uint64_t received, uint64_t lost);

#endif
