// SPDX-License-Identifier: GPL-2.0-only
/* expected.c - see expected.h. */
#include "tests/prog/expected.h"

#include <stdbool.h>

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
