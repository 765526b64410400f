/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frames.h - frames made byte by byte, and what a hook shall count for them, worked out by code
 * that shares nothing with the BPF programs.
 */
#ifndef VETHLAB_TESTS_COMMON_FRAMES_H
#define VETHLAB_TESTS_COMMON_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"

struct bytes {
	size_t len;
	uint8_t at[9216];
};

/* Each appends to *b; numbers are in host order. */
void put(struct bytes *b, const void *data, size_t len);
void put_zeros(struct bytes *b, size_t len);
void put16(struct bytes *b, uint16_t value);
void put32(struct bytes *b, uint32_t value);
/* Start a frame: an Ethernet header. */
void put_eth(struct bytes *b, uint16_t ethertype);
/* From 10.0.0.1 to 10.0.0.2, TTL 60; options: bytes of them (a multiple of 4); payload: length. */
void put_ipv4(struct bytes *b, uint8_t proto, size_t options, uint16_t frag, size_t payload);
/* From fd00::1 to fd00::2, hop limit 61. */
void put_ipv6(struct bytes *b, uint8_t next, size_t payload);
/* 8 bytes and those of data. */
void put_icmp(struct bytes *b, uint8_t type, uint8_t code, uint16_t id, uint16_t seq,
	      const void *data, size_t len);
void put_tcp(struct bytes *b, uint8_t flags);
void put_udp(struct bytes *b, size_t payload);

/* What counting this frame adds to a hook's counters (no VLAN tag in metadata). */
void expect_frame(const uint8_t *frame, size_t len, struct vl_counters *sum);

#endif
