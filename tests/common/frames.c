// SPDX-License-Identifier: GPL-2.0-only
/* frames.c - see frames.h. */
#include "tests/common/frames.h"

#include <assert.h>
#include <string.h>

void put(struct bytes *b, const void *data, size_t len)
{
	assert(b->len + len <= sizeof(b->at));
	if (len)
		memcpy(b->at + b->len, data, len);
	b->len += len;
}

void put_zeros(struct bytes *b, size_t len)
{
	assert(b->len + len <= sizeof(b->at));
	memset(b->at + b->len, 0, len);
	b->len += len;
}

void put16(struct bytes *b, uint16_t value)
{
	put(b, (uint8_t[]){value >> 8, value & 0xff}, 2);
}

void put32(struct bytes *b, uint32_t value)
{
	put16(b, value >> 16);
	put16(b, value & 0xffff);
}

void put_eth_header(struct bytes *b, const uint8_t to[6], const uint8_t from[6], uint16_t ethertype)
{
	b->len = 0;
	put(b, to, 6);
	put(b, from, 6);
	put16(b, ethertype);
}

void put_eth(struct bytes *b, uint16_t ethertype)
{
	static const uint8_t to[6] = {2, 0, 0, 0, 0, 2}, from[6] = {2, 0, 0, 0, 0, 1};

	put_eth_header(b, to, from, ethertype);
}

static uint16_t checksum(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += at[i] << 8 | at[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

void put_ipv4_header(struct bytes *b, const struct ipv4_header *header)
{
	size_t at = b->len, len = 20 + header->options;
	uint16_t sum;

	put(b, (uint8_t[]){0x40 + len / 4, 0}, 2);
	put16(b, len + header->payload);
	put16(b, header->id);
	put16(b, header->frag);
	put(b, (uint8_t[]){header->ttl, header->proto}, 2);
	put16(b, 0);
	put(b, header->src, 4);
	put(b, header->dst, 4);
	for (size_t i = 0; i < header->options; i++)
		put(b, "\x01", 1); /* no operation */
	if (!header->has_checksum)
		return;
	sum = checksum(b->at + at, len);
	b->at[at + 10] = sum >> 8;
	b->at[at + 11] = sum & 0xff;
}

void put_ipv4(struct bytes *b, uint8_t proto, size_t options, uint16_t frag, size_t payload)
{
	const struct ipv4_header header = {
		.src = {10, 0, 0, 1},
		.dst = {10, 0, 0, 2},
		.proto = proto,
		.ttl = 60,
		.id = 0x1234,
		.frag = frag,
		.options = options,
		.payload = payload,
	};

	put_ipv4_header(b, &header);
}

void put_ipv6_header(struct bytes *b, const struct ipv6_header *header)
{
	put32(b, 0x60000000);
	put16(b, header->payload);
	put(b, (uint8_t[]){header->next, header->hop_limit}, 2);
	put(b, header->src, 16);
	put(b, header->dst, 16);
}

void put_ipv6(struct bytes *b, uint8_t next, size_t payload)
{
	const struct ipv6_header header = {
		.src = {0xfd, [15] = 1},
		.dst = {0xfd, [15] = 2},
		.next = next,
		.hop_limit = 61,
		.payload = payload,
	};

	put_ipv6_header(b, &header);
}

void put_icmp(struct bytes *b, uint8_t type, uint8_t code, uint16_t id, uint16_t seq,
	      const void *data, size_t len)
{
	put(b, (uint8_t[]){type, code}, 2);
	put16(b, 0);
	put16(b, id);
	put16(b, seq);
	put(b, data, len);
}

void put_tcp(struct bytes *b, uint8_t flags)
{
	put16(b, 40000);
	put16(b, 80);
	put32(b, 1);
	put32(b, 2);
	put(b, (uint8_t[]){0x50, flags}, 2);
	put16(b, 1024);
	put32(b, 0);
}

void put_udp(struct bytes *b, size_t payload)
{
	put16(b, 40000);
	put16(b, 53);
	put16(b, 8 + payload);
	put16(b, 0);
	put_zeros(b, payload);
}
