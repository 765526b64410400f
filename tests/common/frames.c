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

void put_eth(struct bytes *b, uint16_t ethertype)
{
	b->len = 0;
	put(b, "\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01", 12);
	put16(b, ethertype);
}

void put_ipv4(struct bytes *b, uint8_t proto, size_t options, uint16_t frag, size_t payload)
{
	put(b, (uint8_t[]){0x45 + options / 4, 0}, 2);
	put16(b, 20 + options + payload);
	put16(b, 0x1234);
	put16(b, frag);
	put(b, (uint8_t[]){60, proto}, 2);
	put16(b, 0);
	put(b, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
	for (size_t i = 0; i < options; i++)
		put(b, "\x01", 1); /* no operation */
}

void put_ipv6(struct bytes *b, uint8_t next, size_t payload)
{
	put32(b, 0x60000000);
	put16(b, payload);
	put(b, (uint8_t[]){next, 61}, 2);
	put(b, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	put(b, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
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

/*
 * The reference: a packet is a slice that gets shorter from the front as headers are taken off,
 * and that ends where its IP header says or the frame does.
 */
struct slice {
	const uint8_t *at;
	size_t len;
};

static bool take(struct slice *s, size_t n)
{
	if (s->len < n)
		return false;
	s->at += n;
	s->len -= n;
	return true;
}

static unsigned be16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void expect_icmp(const struct slice *s, bool v6, struct vl_counters *sum)
{
	struct vl_icmp_counters *row = v6 ? &sum->icmp6 : &sum->icmp4;
	static const struct {
		uint8_t v4, v6;
		size_t field;
	} types[] = {
		{8, 128, offsetof(struct vl_icmp_counters, echo_request)},
		{0, 129, offsetof(struct vl_icmp_counters, echo_reply)},
		{3, 1, offsetof(struct vl_icmp_counters, unreachable)},
		{3, 2, offsetof(struct vl_icmp_counters, unreachable)},
		{11, 3, offsetof(struct vl_icmp_counters, time_exceeded)},
		{5, 137, offsetof(struct vl_icmp_counters, redirect)},
	};

	if (s->len < 8) {
		sum->malformed++;
		return;
	}
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		if (s->at[0] == (v6 ? types[i].v6 : types[i].v4)) {
			++*(__u64 *)((char *)row + types[i].field);
			return;
		}
	}
	if (v6 && s->at[0] >= 133 && s->at[0] <= 136)
		row->nd++;
	else
		row->other++;
}

static void expect_transport(struct slice s, unsigned proto, bool v6, struct vl_counters *sum)
{
	if (proto == (v6 ? 58 : 1)) {
		expect_icmp(&s, v6, sum);
	} else if (proto == 17) {
		if (s.len < 8)
			sum->malformed++;
		else
			sum->udp++;
	} else if (proto == 6) {
		if (s.len < 20) {
			sum->malformed++;
			return;
		}
		sum->tcp++;
		sum->tcp_fin += s.at[13] & 1;
		sum->tcp_syn += s.at[13] >> 1 & 1;
		sum->tcp_rst += s.at[13] >> 2 & 1;
	}
}

static void expect_ipv4(struct slice s, struct vl_counters *sum)
{
	size_t header, total;

	if (s.len < 20 || s.at[0] >> 4 != 4)
		goto malformed;
	header = (s.at[0] & 15) * 4;
	total = be16(s.at + 2);
	if (header < 20 || total < header || s.len < header)
		goto malformed;
	if (s.len > total)
		s.len = total;
	if (be16(s.at + 6) & 0x1fff) {
		sum->fragments++;
		return;
	}
	unsigned proto = s.at[9];
	take(&s, header);
	expect_transport(s, proto, false, sum);
	return;
malformed:
	sum->malformed++;
}

static void expect_ipv6(struct slice s, struct vl_counters *sum)
{
	unsigned next, walked;

	if (s.len < 40 || s.at[0] >> 4 != 6)
		goto malformed;
	next = s.at[6];
	if (s.len > 40u + be16(s.at + 4))
		s.len = 40 + be16(s.at + 4);
	take(&s, 40);
	for (walked = 0; next == 0 || next == 43 || next == 44 || next == 51 || next == 60;
	     walked++) {
		const uint8_t *ext = s.at;
		size_t size;

		if (walked == 7 || s.len < 8)
			goto malformed;
		size = next == 44 ? 8 : next == 51 ? (ext[1] + 2) * 4u : (ext[1] + 1) * 8u;
		if (!take(&s, size))
			goto malformed;
		if (next == 44 && be16(ext + 2) >> 3) {
			sum->fragments++;
			return;
		}
		next = ext[0];
	}
	expect_transport(s, next, true, sum);
	return;
malformed:
	sum->malformed++;
}

void expect_frame(const uint8_t *frame, size_t len, struct vl_counters *sum)
{
	struct slice s = {frame, len};

	sum->packets++;
	sum->bytes += len;
	sum->segments++;
	if (!take(&s, 14)) {
		sum->other++;
		return;
	}
	switch (be16(frame + 12)) {
	case 0x0800:
		sum->ipv4++;
		expect_ipv4(s, sum);
		break;
	case 0x86dd:
		sum->ipv6++;
		expect_ipv6(s, sum);
		break;
	case 0x0806:
		sum->arp++;
		break;
	case 0x8100:
	case 0x88a8:
		sum->vlan++;
		break;
	default:
		sum->other++;
	}
}
