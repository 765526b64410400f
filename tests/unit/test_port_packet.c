// SPDX-License-Identifier: GPL-2.0-only
/* test_port_packet.c - which packets belong to a probe of a port, before and behind NAT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bpf/wire.h"
#include "user/trace/port_packet.h"

enum { SYN = 0x02, RST = 0x04, ACK = 0x10, FIRST = 0x89abcdef, ROOM = 256 };
#define TOKEN 0x1122334455667788ull

/* From 1 (port 40000) to 2 (port 80): last bytes of 10.0.0.x, or of fd00::x. */
static struct port_flow flow_of(uint8_t family, bool tcp)
{
	struct port_flow flow = {.family = family,
				 .tcp = tcp,
				 .from = 40000,
				 .to = 80,
				 .has_first = tcp,
				 .first = FIRST,
				 .token = tcp ? 0 : TOKEN};

	flow.src[0] = flow.dst[0] = family == 4 ? 10 : 0xfd;
	flow.src[family == 4 ? 3 : 15] = 1;
	flow.dst[family == 4 ? 3 : 15] = 2;
	return flow;
}

struct packet {
	uint8_t family, from, to; /* last bytes of the addresses */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint64_t token; /* of UDP: behind its header */
};

/* The IP header of a packet with n bytes behind it. Returns its length. */
static uint32_t put_ip(uint8_t *at, const struct packet *p, uint8_t proto, uint16_t n)
{
	if (p->family == 4) {
		struct ipv4_wire ip = {.version_ihl = 0x45,
				       .tot_len = bpf_htons(IPV4_SIZE + n),
				       .ttl = 64,
				       .protocol = proto};

		memcpy(at, &ip, sizeof(ip));
		at[12] = at[16] = 10;
		at[15] = p->from;
		at[19] = p->to;
		return IPV4_SIZE;
	}
	memcpy(at,
	       &(struct ipv6_wire){.version_class = 0x60,
				   .payload_len = bpf_htons(n),
				   .nexthdr = proto,
				   .hop_limit = 64},
	       IPV6_SIZE);
	at[8] = at[24] = 0xfd;
	at[23] = p->from;
	at[39] = p->to;
	return IPV6_SIZE;
}

static uint32_t put_tcp(uint8_t *at, const struct packet *p)
{
	const struct tcp_wire tcp = {.source = bpf_htons(p->sport),
				     .dest = bpf_htons(p->dport),
				     .seq = bpf_htonl(p->seq),
				     .ack = bpf_htonl(p->ack),
				     .offset = 0x50,
				     .flags = p->flags};
	uint32_t ip = put_ip(at, p, PROTO_TCP, sizeof(tcp));

	memcpy(at + ip, &tcp, sizeof(tcp));
	return ip + sizeof(tcp);
}

static uint32_t put_udp(uint8_t *at, const struct packet *p)
{
	const struct udp_wire udp = {.source = bpf_htons(p->sport), .dest = bpf_htons(p->dport)};
	uint32_t ip = put_ip(at, p, PROTO_UDP, sizeof(udp) + sizeof(p->token));

	memcpy(at + ip, &udp, sizeof(udp));
	memcpy(at + ip + sizeof(udp), &p->token, sizeof(p->token));
	return ip + sizeof(udp) + sizeof(p->token);
}

/* An ICMP error about the packet of which so many bytes are quoted. */
static uint32_t put_error(uint8_t *at, uint8_t family, const uint8_t *about, uint32_t quoted)
{
	const struct packet outer = {.family = family, .from = 9, .to = 1};
	const struct icmp_wire icmp = {.type = family == 4 ? 3 : 1};
	uint32_t ip =
		put_ip(at, &outer, family == 4 ? PROTO_ICMP : PROTO_ICMPV6, sizeof(icmp) + quoted);

	memcpy(at + ip, &icmp, sizeof(icmp));
	memcpy(at + ip + sizeof(icmp), about, quoted);
	return ip + sizeof(icmp) + quoted;
}

static uint16_t ethertype(uint8_t family)
{
	return family == 4 ? WIRE_IPV4 : WIRE_IPV6;
}

/* Whatever lies behind a packet in its buffer does not count. */
static enum port_packet look(const struct port_flow *flow, const struct packet *p)
{
	uint8_t bytes[ROOM];
	uint32_t len;

	memset(bytes, 0x5a, sizeof(bytes));
	len = flow->tcp ? put_tcp(bytes, p) : put_udp(bytes, p);
	assert_true(len < 128);
	return port_packet_of(flow, ethertype(p->family), bytes, 128);
}

static enum port_packet look_quoted(const struct port_flow *flow, const struct packet *p,
				    uint32_t quoted)
{
	uint8_t bytes[ROOM], about[ROOM];
	uint32_t len = flow->tcp ? put_tcp(about, p) : put_udp(about, p);

	len = put_error(bytes, p->family, about, quoted < len ? quoted : len);
	return port_packet_of(flow, ethertype(p->family), bytes, len);
}

static void test_tcp(void **state)
{
	static const uint8_t families[] = {4, 6};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t f = families[i];
		const struct port_flow flow = flow_of(f, true);

		assert_int_equal(
			look(&flow, &(struct packet){f, 1, 2, 40000, 80, FIRST, 0, SYN, 0}),
			PORT_PACKET_SYN);
		/* Behind NAT: another address, another port. */
		assert_int_equal(look(&flow, &(struct packet){f, 7, 2, 1024, 80, FIRST, 0, SYN, 0}),
				 PORT_PACKET_SYN);
		assert_int_equal(
			look(&flow, &(struct packet){f, 7, 8, 1024, 8080, FIRST + 1, 5, ACK, 0}),
			PORT_PACKET_SEGMENT);
		assert_int_equal(look(&flow, &(struct packet){f, 2, 7, 80, 1024, 3, FIRST + 1,
							      SYN | ACK, 0}),
				 PORT_PACKET_SYN_ACK);
		assert_int_equal(look(&flow, &(struct packet){f, 2, 7, 80, 1024, 0, FIRST + 1,
							      RST | ACK, 0}),
				 PORT_PACKET_RST);
		/* Another flow, with our ports behind NAT; one with our numbers the wrong way. */
		assert_int_equal(look(&flow, &(struct packet){f, 7, 2, 40000, 80, 1, 0, SYN, 0}),
				 PORT_PACKET_NONE);
		assert_int_equal(
			look(&flow, &(struct packet){f, 2, 7, 80, 1024, 0, FIRST + 1, SYN, 0}),
			PORT_PACKET_NONE);
	}
}

/* Later fragments have no ports: those between the addresses count, if the probe has any. */
static void test_fragments(void **state)
{
	uint8_t bytes[ROOM] = {0};
	struct port_flow flow = flow_of(4, false);
	uint32_t len = put_udp(bytes, &(struct packet){4, 1, 2, 5, 6, .token = 1});

	(void)state;
	((struct ipv4_wire *)bytes)->frag_off = bpf_htons(0x2000 | 1480 / 8);
	assert_int_equal(port_packet_of(&flow, WIRE_IPV4, bytes, len), PORT_PACKET_NONE);
	flow.size = 3000;
	assert_int_equal(port_packet_of(&flow, WIRE_IPV4, bytes, len), PORT_PACKET_FRAGMENT);
	bytes[15] = 9;
	assert_int_equal(port_packet_of(&flow, WIRE_IPV4, bytes, len), PORT_PACKET_NONE);
	bytes[15] = 1;
	bytes[9] = PROTO_TCP;
	assert_int_equal(port_packet_of(&flow, WIRE_IPV4, bytes, len), PORT_PACKET_NONE);
}

/* Where the kernel does not let the first number be chosen. */
static void test_tcp_by_addresses(void **state)
{
	struct port_flow flow = flow_of(4, true);

	(void)state;
	flow.has_first = false;
	assert_int_equal(look(&flow, &(struct packet){4, 1, 2, 40000, 80, 5, 0, SYN, 0}),
			 PORT_PACKET_SYN);
	assert_int_equal(look(&flow, &(struct packet){4, 2, 1, 80, 40000, 5, 6, SYN | ACK, 0}),
			 PORT_PACKET_SYN_ACK);
	assert_int_equal(look(&flow, &(struct packet){4, 7, 2, 40000, 80, 5, 0, SYN, 0}),
			 PORT_PACKET_NONE);
	assert_int_equal(look(&flow, &(struct packet){4, 1, 2, 40001, 80, 5, 0, SYN, 0}),
			 PORT_PACKET_NONE);
	/* A number that was not chosen says nothing. */
	assert_int_equal(look(&flow, &(struct packet){4, 7, 8, 1, 2, FIRST, 0, SYN, 0}),
			 PORT_PACKET_NONE);
}

static void test_udp(void **state)
{
	static const uint8_t families[] = {4, 6};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t f = families[i];
		const struct port_flow flow = flow_of(f, false);
		struct packet there = {f, 1, 2, 40000, 80, 0, 0, 0, TOKEN};
		struct packet translated = {f, 7, 2, 1024, 80, 0, 0, 0, TOKEN};
		struct packet back = {f, 2, 1, 80, 40000, 0, 0, 0, 5};
		struct packet echoed = {f, 2, 7, 80, 1024, 0, 0, 0, TOKEN};
		struct packet stranger = {f, 7, 2, 1024, 80, 0, 0, 0, 5};

		assert_int_equal(look(&flow, &there), PORT_PACKET_DATAGRAM);
		assert_int_equal(look(&flow, &translated), PORT_PACKET_DATAGRAM);
		assert_int_equal(look(&flow, &back), PORT_PACKET_ANSWER);
		assert_int_equal(look(&flow, &echoed), PORT_PACKET_ANSWER);
		assert_int_equal(look(&flow, &stranger), PORT_PACKET_NONE);
		/* From an address that it was not sent to: the socket refuses it. */
		back.from = 9;
		assert_int_equal(look(&flow, &back), PORT_PACKET_ANSWER);
	}
}

/* A router must quote 8 bytes of a header, and may quote more (RFC 792, 1812, 4443). */
static void test_errors(void **state)
{
	static const uint8_t families[] = {4, 6};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		uint8_t f = families[i];
		uint32_t ip = f == 4 ? IPV4_SIZE : IPV6_SIZE;
		const struct port_flow tcp = flow_of(f, true), udp = flow_of(f, false);
		const struct packet syn = {f, 7, 2, 1024, 80, FIRST, 0, SYN, 0};
		const struct packet other = {f, 7, 2, 1024, 80, 1, 0, SYN, 0};
		const struct packet datagram = {f, 1, 2, 40000, 80, 0, 0, 0, TOKEN};

		assert_int_equal(look_quoted(&tcp, &syn, ip + 8), PORT_PACKET_ERROR);
		assert_int_equal(look_quoted(&tcp, &syn, ip + 20), PORT_PACKET_ERROR);
		assert_int_equal(look_quoted(&tcp, &syn, ip + 7), PORT_PACKET_NONE);
		assert_int_equal(look_quoted(&tcp, &other, ip + 20), PORT_PACKET_NONE);
		assert_int_equal(look_quoted(&udp, &datagram, ip + 8), PORT_PACKET_ERROR);
		assert_int_equal(look_quoted(&udp, &syn, ip + 20), PORT_PACKET_NONE);
	}
}

/* However a packet is cut, nothing behind its end is read: the sanitizers watch. */
static void test_cut(void **state)
{
	const struct port_flow flow = flow_of(4, true);
	const struct packet syn = {4, 1, 2, 40000, 80, FIRST, 0, SYN, 0};
	uint8_t bytes[ROOM];
	uint32_t len = put_tcp(bytes, &syn);

	(void)state;
	for (uint32_t n = 0; n < len; n++) {
		uint8_t cut[ROOM];

		memcpy(cut, bytes, n);
		assert_int_equal(port_packet_of(&flow, WIRE_IPV4, cut, n),
				 n < IPV4_SIZE + 8 ? PORT_PACKET_NONE : PORT_PACKET_SYN);
	}
	assert_int_equal(port_packet_of(&flow, WIRE_IPV6, bytes, len), PORT_PACKET_NONE);
	assert_int_equal(port_packet_of(&flow, WIRE_ARP, bytes, len), PORT_PACKET_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_tcp_by_addresses),
		cmocka_unit_test(test_udp),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
