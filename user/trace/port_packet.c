// SPDX-License-Identifier: GPL-2.0-only
/* port_packet.c - see port_packet.h. */
#include <string.h>

#include "bpf/wire_quote.h"
#include "user/trace/port_packet.h"

/* Every link takes as many bytes in one piece (RFC 791, 3.2; RFC 8200, 5). */
enum { LEAST_MTU_V4 = 68, LEAST_MTU_V6 = 1280 };

enum { TCP_SYN = 0x02, TCP_RST = 0x04, TCP_ACK = 0x10 };

/* A packet under inspection. */
struct inspected {
	const struct port_flow *flow;
	struct wire_memory memory;
	struct ip_view ip;
	uint8_t src[16], dst[16];
};

static bool same_address(const uint8_t *a, const uint8_t *b)
{
	return !memcmp(a, b, 16);
}

/* size bytes of what IP carries, at off of it, if they are its own and are there. */
static bool take(const struct inspected *p, uint32_t off, uint32_t size, void *copy)
{
	return p->ip.off + off + size <= p->ip.end &&
	       wire_memory_fetch(&p->memory, p->ip.off + off, size, copy);
}

static bool goes_there(const struct inspected *p, uint16_t source, uint16_t dest)
{
	const struct port_flow *flow = p->flow;

	return source == flow->from && dest == flow->to && same_address(p->src, flow->src) &&
	       same_address(p->dst, flow->dst);
}

/* From whatever address: an answer that the socket refuses for that is one, too. */
static bool comes_back(const struct inspected *p, uint16_t source, uint16_t dest)
{
	const struct port_flow *flow = p->flow;

	return source == flow->to && dest == flow->from && same_address(p->dst, flow->src);
}

/* ICMP errors quote 8 bytes of a header at least: then there are neither flags nor an ack. */
static enum port_packet inspect_tcp(const struct inspected *p)
{
	const struct port_flow *flow = p->flow;
	struct tcp_wire tcp = {0};
	uint32_t seq, ack;
	bool whole = take(p, 0, TCP_SIZE, &tcp), acks;
	uint16_t source, dest;

	if (!whole && !take(p, 0, 8, &tcp))
		return PORT_PACKET_NONE;
	seq = bpf_ntohl(tcp.seq);
	ack = bpf_ntohl(tcp.ack);
	source = bpf_ntohs(tcp.source);
	dest = bpf_ntohs(tcp.dest);
	acks = tcp.flags & TCP_ACK;
	if (flow->has_first ? seq == flow->first && !acks : goes_there(p, source, dest) && !acks)
		return PORT_PACKET_SYN;
	if ((flow->has_first && seq == flow->first + 1) || goes_there(p, source, dest))
		return PORT_PACKET_SEGMENT;
	if (!(flow->has_first && acks && ack == flow->first + 1) && !comes_back(p, source, dest))
		return PORT_PACKET_NONE;
	if (tcp.flags & TCP_RST)
		return PORT_PACKET_RST;
	return acks && tcp.flags & TCP_SYN ? PORT_PACKET_SYN_ACK : PORT_PACKET_ANSWER;
}

static enum port_packet inspect_udp(const struct inspected *p)
{
	const struct port_flow *flow = p->flow;
	uint16_t source, dest;
	struct udp_wire udp;
	uint64_t token;

	if (!take(p, 0, UDP_SIZE, &udp))
		return PORT_PACKET_NONE;
	source = bpf_ntohs(udp.source);
	dest = bpf_ntohs(udp.dest);
	if (goes_there(p, source, dest))
		return PORT_PACKET_DATAGRAM;
	if (comes_back(p, source, dest))
		return PORT_PACKET_ANSWER;
	if (!flow->token || !take(p, UDP_SIZE, sizeof(token), &token) || token != flow->token)
		return PORT_PACKET_NONE;
	/* NAT has changed it; what is sent back unchanged has the token, too. */
	return source == flow->to && dest != flow->to ? PORT_PACKET_ANSWER : PORT_PACKET_DATAGRAM;
}

static bool is_fragment(const struct inspected *p)
{
	const struct port_flow *flow = p->flow;
	int least = flow->family == 4 ? LEAST_MTU_V4 - IPV4_SIZE : LEAST_MTU_V6 - IPV6_SIZE;

	return !flow->tcp && p->ip.proto == PROTO_UDP && UDP_SIZE + flow->size > least &&
	       same_address(p->src, flow->src) && same_address(p->dst, flow->dst);
}

static enum port_packet inspect(const struct port_flow *flow, struct wire_memory memory,
				bool quoted)
{
	struct inspected p = {.flow = flow, .memory = memory};
	uint8_t ttl;
	const struct ip_fields fields = {p.src, p.dst, &ttl};
	struct icmp_wire icmp;
	uint32_t quote;
	enum ip_kind kind = wire_ip(wire_memory_fetch, wire_memory_walk, &memory, 0,
				    WIRE_LENGTH_UNKNOWN, flow->family, &p.ip, &fields);

	if (kind == IP_FRAGMENT && is_fragment(&p))
		return PORT_PACKET_FRAGMENT;
	if (kind != IP_TRANSPORT)
		return PORT_PACKET_NONE;
	if (p.ip.proto == (flow->tcp ? PROTO_TCP : PROTO_UDP))
		return flow->tcp ? inspect_tcp(&p) : inspect_udp(&p);
	if (quoted || !ip_is_icmp(flow->family, p.ip.proto) || !take(&p, 0, ICMP_SIZE, &icmp) ||
	    !icmp_quotes(flow->family, icmp.type))
		return PORT_PACKET_NONE;
	quote = wire_quote_offset(wire_memory_fetch, &memory, p.ip.off, memory.len, flow->family,
				  icmp.type);
	if (!quote || quote > memory.len)
		return PORT_PACKET_NONE;
	memory.bytes = (const uint8_t *)memory.bytes + quote;
	memory.len -= quote;
	return inspect(flow, memory, true) == PORT_PACKET_NONE ? PORT_PACKET_NONE
							       : PORT_PACKET_ERROR;
}

enum port_packet port_packet_of(const struct port_flow *flow, uint16_t ethertype, const void *bytes,
				uint32_t len)
{
	if (ethertype != (flow->family == 4 ? WIRE_IPV4 : WIRE_IPV6))
		return PORT_PACKET_NONE;
	return inspect(flow, (struct wire_memory){bytes, len}, false);
}

const char *port_packet_word(enum port_packet packet)
{
	static const char *const words[] = {
		[PORT_PACKET_NONE] = "packet",	     [PORT_PACKET_SYN] = "SYN",
		[PORT_PACKET_SEGMENT] = "segment",   [PORT_PACKET_DATAGRAM] = "datagram",
		[PORT_PACKET_SYN_ACK] = "SYN-ACK",   [PORT_PACKET_RST] = "RST",
		[PORT_PACKET_ANSWER] = "answer",     [PORT_PACKET_ERROR] = "ICMP error",
		[PORT_PACKET_FRAGMENT] = "fragment",
	};

	return words[packet];
}
