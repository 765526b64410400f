// SPDX-License-Identifier: GPL-2.0-only
/* test_wire.c - the parser of packet headers (bpf/wire.h), on bytes in memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire_quote.h"

#define B(n) ((n) >> 8), ((n)&0xff) /* 16 bits in network order */

/* IPv4 10.0.0.1 > 10.0.0.2, identification 0x1234, TTL 64. */
#define V4_IHL(ihl, len, frag, proto)                                                              \
	0x40 | (ihl), 0, B(len), 0x12, 0x34, B(frag), 64, (proto), 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
#define V4(len, proto) V4_IHL(5, len, 0, proto)
/* IPv6 fd00::1 > fd00::2, hop limit 63. */
#define V6(len, next)                                                                              \
	0x60, 0, 0, 0, B(len), (next), 63, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,      \
		0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2
/* An extension header of 8 (units + 1) bytes is this and 8 * units zeros; AH counts by 4. */
#define EXT(next, units)      (next), (units), 0, 0, 0, 0, 0, 0
#define EIGHT		      0, 0, 0, 0, 0, 0, 0, 0
#define FRAG(next, off, more) (next), 0, B((off) | (more)), 0, 0, 0xab, 0xcd
#define ECHO4(id, seq)	      8, 0, 0, 0, B(id), B(seq)
#define ECHO6(id, seq)	      128, 0, 0, 0, B(id), B(seq)
#define PORTS(from, to)	      B(from), B(to), 0, 8, 0, 0

struct wire_case {
	const char *name;
	uint8_t family;
	uint8_t bytes[160];
	uint32_t len;
	enum ip_kind kind;
	struct ip_view view; /* not of IP_MALFORMED */
};

#define CASE(name, family, kind, view, ...)                                                        \
	{                                                                                          \
		name, family, {__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), kind,               \
		{                                                                                  \
			view                                                                       \
		}                                                                                  \
	}
#define VIEW(...) __VA_ARGS__
#define NO_VIEW	  0
#define F	  VL_EV_FRAGMENT
#define FM	  (VL_EV_FRAGMENT | VL_EV_MORE)

/* Fields of a view: off, end, frag_id, frag_off, proto, flags. */
static const struct wire_case cases[] = {
	CASE("v4", 4, IP_TRANSPORT, VIEW(20, 28, 0, 0, 1, 0), V4(28, 1), ECHO4(1, 2)),
	CASE("v4, padded", 4, IP_TRANSPORT, VIEW(20, 28, 0, 0, 1, 0), V4(28, 1), ECHO4(1, 2),
	     EIGHT),
	CASE("v4, cut", 4, IP_TRANSPORT, VIEW(20, 28, 0, 0, 1, VL_EV_CUT), V4(100, 1), ECHO4(1, 2)),
	CASE("v4, options", 4, IP_TRANSPORT, VIEW(28, 36, 0, 0, 17, 0), V4_IHL(7, 36, 0, 17), EIGHT,
	     PORTS(1, 2)),
	CASE("v4, cut in its options", 4, IP_MALFORMED, NO_VIEW, V4_IHL(15, 80, 0, 1), EIGHT),
	CASE("v4, header length 4", 4, IP_MALFORMED, NO_VIEW, V4_IHL(4, 28, 0, 1), EIGHT),
	CASE("v4, shorter than its header", 4, IP_MALFORMED, NO_VIEW, V4(19, 1), EIGHT),
	CASE("v4, length 0", 4, IP_MALFORMED, NO_VIEW, V4(0, 6), EIGHT),
	CASE("v4, 19 bytes", 4, IP_MALFORMED, NO_VIEW, 0x45, 0, 0, 28, EIGHT, 1, 1, 1, 1, 1, 1, 1),
	CASE("v4, says version 6", 4, IP_MALFORMED, NO_VIEW, V6(8, 58), ECHO6(1, 2)),
	CASE("v4, do not fragment", 4, IP_TRANSPORT, VIEW(20, 28, 0, 0, 1, 0),
	     V4_IHL(5, 28, 0x4000, 1), ECHO4(1, 2)),
	CASE("v4, first fragment", 4, IP_TRANSPORT, VIEW(20, 28, 0x1234, 0, 1, FM),
	     V4_IHL(5, 28, 0x2000, 1), ECHO4(1, 2)),
	CASE("v4, middle fragment", 4, IP_FRAGMENT, VIEW(20, 28, 0x1234, 1480, 1, FM),
	     V4_IHL(5, 28, 0x2000 | 185, 1), EIGHT),
	CASE("v4, last fragment", 4, IP_FRAGMENT, VIEW(20, 28, 0x1234, 1480, 1, F),
	     V4_IHL(5, 28, 185, 1), EIGHT),
	CASE("v4, AH is a protocol", 4, IP_TRANSPORT, VIEW(20, 28, 0, 0, 51, 0), V4(28, 51),
	     EXT(1, 4)),
	CASE("v6", 6, IP_TRANSPORT, VIEW(40, 48, 0, 0, 58, 0), V6(8, 58), ECHO6(1, 2)),
	CASE("v6, padded", 6, IP_TRANSPORT, VIEW(40, 48, 0, 0, 58, 0), V6(8, 58), ECHO6(1, 2),
	     EIGHT),
	CASE("v6, cut", 6, IP_TRANSPORT, VIEW(40, 48, 0, 0, 58, VL_EV_CUT), V6(64, 58),
	     ECHO6(1, 2)),
	CASE("v6, says version 4", 6, IP_MALFORMED, NO_VIEW, V4(28, 1), ECHO4(1, 2), EIGHT, EIGHT),
	CASE("v6, no next header", 6, IP_TRANSPORT, VIEW(40, 40, 0, 0, 59, 0), V6(0, 59)),
	CASE("v6, 36 bytes", 6, IP_MALFORMED, NO_VIEW, 0x60, 0, 0, 0, EIGHT, EIGHT, EIGHT, EIGHT),
	CASE("hop-by-hop", 6, IP_TRANSPORT, VIEW(48, 56, 0, 0, 58, 0), V6(16, 0), EXT(58, 0),
	     ECHO6(1, 2)),
	CASE("hop-by-hop of 16 bytes", 6, IP_TRANSPORT, VIEW(56, 64, 0, 0, 58, 0), V6(24, 0),
	     EXT(58, 1), EIGHT, ECHO6(1, 2)),
	CASE("routing", 6, IP_TRANSPORT, VIEW(64, 72, 0, 0, 17, 0), V6(32, 43), EXT(17, 2), EIGHT,
	     EIGHT, PORTS(1, 2)),
	CASE("destination options", 6, IP_TRANSPORT, VIEW(48, 56, 0, 0, 6, 0), V6(16, 60),
	     EXT(6, 0), EIGHT),
	CASE("AH of 24 bytes", 6, IP_TRANSPORT, VIEW(64, 72, 0, 0, 58, 0), V6(32, 51), EXT(58, 4),
	     EIGHT, EIGHT, ECHO6(1, 2)),
	CASE("hop-by-hop, routing, AH, options", 6, IP_TRANSPORT, VIEW(80, 88, 0, 0, 58, 0),
	     V6(48, 0), EXT(43, 0), EXT(51, 0), EXT(60, 2), EIGHT, EXT(58, 0), ECHO6(1, 2)),
	CASE("seven of them", 6, IP_TRANSPORT, VIEW(96, 104, 0, 0, 58, 0), V6(64, 60), EXT(60, 0),
	     EXT(60, 0), EXT(60, 0), EXT(60, 0), EXT(60, 0), EXT(60, 0), EXT(58, 0), ECHO6(1, 2)),
	CASE("eight of them", 6, IP_MALFORMED, NO_VIEW, V6(72, 60), EXT(60, 0), EXT(60, 0),
	     EXT(60, 0), EXT(60, 0), EXT(60, 0), EXT(60, 0), EXT(60, 0), EXT(58, 0), ECHO6(1, 2)),
	CASE("an extension longer than the packet", 6, IP_MALFORMED, NO_VIEW, V6(16, 60),
	     EXT(58, 2), ECHO6(1, 2)),
	CASE("an extension behind the packet", 6, IP_MALFORMED, NO_VIEW, V6(8, 60), EXT(60, 0),
	     EXT(58, 0)),
	CASE("an extension that is cut", 6, IP_MALFORMED, NO_VIEW, V6(16, 60), 58, 0, 0, 0),
	CASE("v6, first fragment", 6, IP_TRANSPORT, VIEW(48, 56, 0xabcd, 0, 58, FM), V6(16, 44),
	     FRAG(58, 0, 1), ECHO6(1, 2)),
	CASE("v6, later fragment", 6, IP_FRAGMENT, VIEW(48, 56, 0xabcd, 1448, 58, F), V6(16, 44),
	     FRAG(58, 1448, 0), EIGHT),
	CASE("v6, middle fragment of options", 6, IP_FRAGMENT, VIEW(48, 56, 0xabcd, 8, 60, FM),
	     V6(16, 44), FRAG(60, 8, 1), EIGHT),
	CASE("v6, atomic fragment (RFC 6946)", 6, IP_TRANSPORT, VIEW(48, 56, 0, 0, 58, 0),
	     V6(16, 44), FRAG(58, 0, 0), ECHO6(1, 2)),
};

static enum ip_kind parse(const struct wire_case *c, uint32_t len, struct ip_view *view,
			  uint8_t *ttl)
{
	const struct wire_memory memory = {c->bytes, len};
	uint8_t src[16] = {0}, dst[16] = {0};
	const struct ip_fields fields = {src, dst, ttl};

	return wire_ip(wire_memory_fetch, wire_memory_walk, &memory, 0, len, c->family, view,
		       &fields);
}

static void test_headers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct wire_case *c = &cases[i];
		struct ip_view view = {0};
		uint8_t ttl = 0;
		enum ip_kind kind = parse(c, c->len, &view, &ttl);

		if (kind != c->kind)
			fail_msg("%s: kind %d, not %d", c->name, kind, c->kind);
		if (kind == IP_MALFORMED)
			continue;
		if (memcmp(&view, &c->view, sizeof(view)) || ttl != (c->family == 4 ? 64 : 63))
			fail_msg("%s: off %u, end %u, frag_id %x, frag_off %u, proto %u, flags %x",
				 c->name, view.off, view.end, view.frag_id, view.frag_off,
				 view.proto, view.flags);
	}
}

/* A frame that is cut anywhere is malformed, or cut, and nothing behind the cut is read. */
static void test_cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct wire_case *c = &cases[i];

		for (uint32_t len = 0; len < c->len; len++) {
			struct ip_view view = {0};
			uint8_t ttl;
			enum ip_kind kind = parse(c, len, &view, &ttl);

			if (kind == IP_MALFORMED)
				continue;
			assert_true(view.off <= view.end);
			assert_true(view.end <= len);
			if (c->kind != IP_MALFORMED && len < c->view.end)
				assert_true(view.flags & VL_EV_CUT);
		}
	}
}

/* The length field of a packet over 64 KiB is 0; so it is of one whose frame is known in part. */
static void test_length_zero(void **state)
{
	const uint8_t v4[] = {V4(0, 6)}, v6[] = {V6(0, 6)};
	struct ipv4_wire ip4;
	struct ipv6_wire ip6;
	struct ip_view view;

	(void)state;
	memcpy(&ip4, v4, sizeof(ip4));
	memcpy(&ip6, v6, sizeof(ip6));
	assert_int_equal(wire_ipv4(&ip4, 14, 0x12345, &view), IP_TRANSPORT);
	assert_int_equal(view.off, 34);
	assert_int_equal(view.end, 0x12345);
	assert_int_equal(wire_ipv6(&ip6, 14, 0x12345, &view), IP_TRANSPORT);
	assert_int_equal(view.off, 54);
	assert_int_equal(view.end, 0x12345);
	assert_int_equal(wire_ipv4(&ip4, 0, WIRE_LENGTH_UNKNOWN, &view), IP_TRANSPORT);
	assert_int_equal(wire_ipv4(&ip4, 14, 0xffff, &view), IP_MALFORMED);
}

/* ---- quotes ---------------------------------------------------------------------------------- */

static __u64 quote_mark; /* of the last quote_of() */

static enum ip_kind quote_of(uint8_t family, const uint8_t *bytes, uint32_t len,
			     struct vl_quote *quote)
{
	const struct wire_memory memory = {bytes, len};

	*quote = (struct vl_quote){0};
	quote_mark = 0;
	return wire_quote(wire_memory_fetch, wire_memory_walk, &memory, 0, len, family, quote,
			  &quote_mark);
}

static void assert_quote(const struct vl_quote *quote, uint8_t proto, uint8_t type, uint16_t id,
			 uint16_t seq)
{
	assert_int_equal(quote->proto, proto);
	assert_int_equal(quote->icmp_type, type);
	assert_int_equal(quote->id, id);
	assert_int_equal(quote->seq, seq);
}

#define QUOTE(family, quote, ...)                                                                  \
	quote_of(family, (uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}), quote)

static void test_quotes_v4(void **state)
{
	struct vl_quote quote;

	(void)state;
	/* A quote has 8 bytes behind the IP header, whose length says more. */
	assert_int_equal(QUOTE(4, &quote, V4(84, 1), ECHO4(0x1122, 7)), IP_TRANSPORT);
	assert_quote(&quote, 1, 8, 0x1122, 7);
	assert_int_equal(quote.ttl, 64);
	assert_memory_equal(quote.src, ((uint8_t[16]){10, 0, 0, 1}), 16);
	assert_memory_equal(quote.dst, ((uint8_t[16]){10, 0, 0, 2}), 16);
	assert_int_equal(QUOTE(4, &quote, V4_IHL(6, 84, 0, 1), 1, 1, 1, 0, ECHO4(3, 4)),
			 IP_TRANSPORT);
	assert_quote(&quote, 1, 8, 3, 4);
	assert_int_equal(QUOTE(4, &quote, V4(84, 17), PORTS(5000, 33434)), IP_TRANSPORT);
	assert_quote(&quote, 17, 0, 5000, 33434);
	assert_true(quote_mark == 0x123400080000); /* identification, length, checksum */
	assert_int_equal(QUOTE(4, &quote, V4(84, 6), B(5000), B(80), 0xf1, 2, 3, 4), IP_TRANSPORT);
	assert_quote(&quote, 6, 0, 5000, 80);
	assert_true(quote_mark == 0x1234f1020304); /* identification, sequence number */
	assert_int_equal(QUOTE(4, &quote, V4(84, 47), EIGHT), IP_TRANSPORT);
	assert_quote(&quote, 47, 0, 0, 0);
	/* Of ICMP only an echo has id and seq: this one is a timestamp request. */
	assert_int_equal(QUOTE(4, &quote, V4(84, 1), 13, 0, 0, 0, B(3), B(4)), IP_TRANSPORT);
	assert_quote(&quote, 1, 13, 0, 0);
	assert_int_equal(QUOTE(4, &quote, V4(84, 1), 8, 0, 0, 0), IP_TRANSPORT); /* cut */
	assert_quote(&quote, 1, 0, 0, 0);
	assert_int_equal(QUOTE(4, &quote, V4_IHL(5, 84, 185, 1), ECHO4(3, 4)), IP_FRAGMENT);
	assert_quote(&quote, 1, 0, 0, 0);
	assert_int_equal(QUOTE(4, &quote, 0x45, 0, 0, 84), IP_MALFORMED);
	assert_int_equal(QUOTE(4, &quote, V4(19, 1), ECHO4(3, 4)), IP_MALFORMED);
}

static void test_quotes_v6(void **state)
{
	struct vl_quote quote;

	(void)state;
	assert_int_equal(QUOTE(6, &quote, V6(64, 58), ECHO6(0x1122, 7)), IP_TRANSPORT);
	assert_quote(&quote, 58, 128, 0x1122, 7);
	assert_int_equal(quote.ttl, 63);
	assert_int_equal(quote.src[15], 1);
	assert_int_equal(quote.dst[15], 2);
	/* Behind extension headers. */
	assert_int_equal(QUOTE(6, &quote, V6(64, 0), EXT(58, 0), ECHO6(3, 4)), IP_TRANSPORT);
	assert_quote(&quote, 58, 128, 3, 4);
	assert_int_equal(QUOTE(6, &quote, V6(64, 51), EXT(58, 4), EIGHT, EIGHT, ECHO6(3, 4)),
			 IP_TRANSPORT);
	assert_quote(&quote, 58, 128, 3, 4);
	assert_int_equal(QUOTE(6, &quote, V6(64, 44), FRAG(17, 0, 1), PORTS(5, 6)), IP_TRANSPORT);
	assert_quote(&quote, 17, 0, 5, 6);
	assert_true(quote_mark == 0x80000); /* IPv6 has no identification */
	assert_int_equal(QUOTE(6, &quote, V6(64, 44), FRAG(58, 8, 0), ECHO6(3, 4)), IP_FRAGMENT);
	assert_quote(&quote, 58, 0, 0, 0);
	assert_int_equal(QUOTE(6, &quote, V6(64, 60), EXT(58, 3), ECHO6(3, 4)), IP_MALFORMED);
	/* ICMP of IPv4 in IPv6 is no ICMP. */
	assert_int_equal(QUOTE(6, &quote, V6(64, 1), ECHO4(3, 4)), IP_TRANSPORT);
	assert_quote(&quote, 1, 0, 0, 0);
}

/* What an ICMP message of IPv6 quotes, and the router that a redirect names. */
static uint32_t quote_offset(const uint8_t *bytes, uint32_t len)
{
	const struct wire_memory memory = {bytes, len};

	return wire_quote_offset(wire_memory_fetch, &memory, 0, len, 6, bytes[0]);
}

static uint64_t nd_gateway(const uint8_t *bytes, uint32_t len)
{
	const struct wire_memory memory = {bytes, len};

	return wire_nd_gateway(wire_memory_fetch, &memory, 0);
}

#define OFFSET(...)  quote_offset((uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))
#define GATEWAY(...) nd_gateway((uint8_t[]){__VA_ARGS__}, sizeof((uint8_t[]){__VA_ARGS__}))
#define ROUTER	     0xfe, 0x80, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8
#define ADDRESS	     0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9
#define REDIRECT     137, 0, 0, 0, 0, 0, 0, 0, ROUTER, ADDRESS
#define OPTION(type) type, 1, 0, 0, 0, 0, 0, 0

static void test_nd_redirects(void **state)
{
	const uint8_t id[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint64_t gateway = GATEWAY(REDIRECT);

	(void)state;
	assert_memory_equal(&gateway, id, sizeof(id));
	assert_int_equal(GATEWAY(137, 0, 0, 0, 0, 0, 0, 0, ADDRESS, ADDRESS), 0);
	assert_int_equal(GATEWAY(137, 0, 0, 0, 0, 0, 0, 0, 0xfe, 0x80), 0);
	/* Behind the MAC address of the router, if that is known; other messages quote at once. */
	assert_int_equal(OFFSET(REDIRECT, OPTION(4), EIGHT), 48);
	assert_int_equal(OFFSET(REDIRECT, OPTION(2), OPTION(4), EIGHT), 56);
	assert_int_equal(OFFSET(REDIRECT, 14, 2, EIGHT, 0, 0, 0, 0, 0, 0, OPTION(4)), 64);
	assert_int_equal(OFFSET(1, 0, 0, 0, 0, 0, 0, 0, EIGHT), 8);
	/* None, one of no length, one that is cut, too many before it. */
	assert_int_equal(OFFSET(REDIRECT), 0);
	assert_int_equal(OFFSET(REDIRECT, OPTION(2)), 0);
	assert_int_equal(OFFSET(REDIRECT, 2, 0, OPTION(4)), 0);
	assert_int_equal(OFFSET(REDIRECT, 2), 0);
	assert_int_equal(OFFSET(REDIRECT, OPTION(2), OPTION(2), OPTION(2), OPTION(2), OPTION(4)),
			 0);
}

/* ---- ICMP ------------------------------------------------------------------------------------ */

static void test_types(void **state)
{
	static const uint8_t quotes4[] = {3, 4, 5, 11, 12}, quotes6[] = {1, 2, 3, 4, 137};

	(void)state;
	for (int type = 0; type < 256; type++) {
		bool four = memchr(quotes4, type, sizeof(quotes4));
		bool six = memchr(quotes6, type, sizeof(quotes6));

		assert_int_equal(icmp_quotes(4, type), four);
		assert_int_equal(icmp_quotes(6, type), six);
		assert_int_equal(icmp_reports_loss(4, type), four && type != 4 && type != 5);
		assert_int_equal(icmp_reports_loss(6, type), six && type != 137);
		assert_int_equal(icmp_is_echo(4, type), icmp_class(4, type) <= VL_ICMP_ECHO_REPLY);
		assert_int_equal(icmp_is_echo(6, type), icmp_class(6, type) <= VL_ICMP_ECHO_REPLY);
	}
	assert_int_equal(icmp_class(4, icmp_echo_request(4)), VL_ICMP_ECHO_REQUEST);
	assert_int_equal(icmp_class(6, icmp_echo_request(6)), VL_ICMP_ECHO_REQUEST);
	assert_int_equal(icmp_class(4, 0), VL_ICMP_ECHO_REPLY);
	assert_int_equal(icmp_class(4, 4), VL_ICMP_OTHER);
	assert_int_equal(icmp_class(4, 11), VL_ICMP_TIME_EXCEEDED);
	assert_int_equal(icmp_class(6, 2), VL_ICMP_UNREACHABLE);
	assert_int_equal(icmp_class(6, 135), VL_ICMP_ND);
	assert_true(ip_is_icmp(4, 1) && ip_is_icmp(6, 58));
	assert_false(ip_is_icmp(4, 58) || ip_is_icmp(6, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers),	    cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_length_zero), cmocka_unit_test(test_quotes_v4),
		cmocka_unit_test(test_quotes_v6),   cmocka_unit_test(test_nd_redirects),
		cmocka_unit_test(test_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
