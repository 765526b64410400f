/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frames.h - frames made byte by byte, for the unit tests, the tests of the eBPF programs, the
 * helpers of the lab tests and the benchmarks.
 */
#ifndef VETHLAB_TESTS_COMMON_FRAMES_H
#define VETHLAB_TESTS_COMMON_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	size_t len;
	uint8_t at[9216];
};

/* Each appends to *b; numbers are in host order. */
void put(struct bytes *b, const void *data, size_t len);
void put_zeros(struct bytes *b, size_t len);
void put16(struct bytes *b, uint16_t value);
void put32(struct bytes *b, uint32_t value);
/* Start a frame: an Ethernet header; put_eth() from 02:00:00:00:00:01 to 02:00:00:00:00:02. */
void put_eth_header(struct bytes *b, const uint8_t to[6], const uint8_t from[6],
		    uint16_t ethertype);
void put_eth(struct bytes *b, uint16_t ethertype);

struct ipv4_header {
	uint8_t src[4], dst[4]; /* network order */
	uint8_t proto, ttl;
	uint16_t id;
	uint16_t frag;	   /* flags and offset, as they stand in the header */
	size_t options;	   /* bytes of them, a multiple of 4: each "no operation" */
	size_t payload;	   /* bytes that the header says follow */
	bool has_checksum; /* or 0 in its place */
};
void put_ipv4_header(struct bytes *b, const struct ipv4_header *header);

struct ipv6_header {
	uint8_t src[16], dst[16]; /* network order */
	uint8_t next, hop_limit;
	size_t payload;
};
void put_ipv6_header(struct bytes *b, const struct ipv6_header *header);

/* From 10.0.0.1 to 10.0.0.2, TTL 60; options: bytes of them (a multiple of 4); payload: length. */
void put_ipv4(struct bytes *b, uint8_t proto, size_t options, uint16_t frag, size_t payload);
/* From fd00::1 to fd00::2, hop limit 61. */
void put_ipv6(struct bytes *b, uint8_t next, size_t payload);
/* 8 bytes and those of data. */
void put_icmp(struct bytes *b, uint8_t type, uint8_t code, uint16_t id, uint16_t seq,
	      const void *data, size_t len);
void put_tcp(struct bytes *b, uint8_t flags);
void put_udp(struct bytes *b, size_t payload);

#endif
