/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * count.h - the counters of every end: which frame adds to which field. Each CPU has its own slot
 * for each end and hook, and programs on one CPU do not preempt each other, so no addition needs to
 * be atomic. Not here, but in vethlab.bpf.c: packets, bytes and segments of any frame, and all of a
 * plain IPv4 echo (observe_echo4()).
 */
#ifndef VETHLAB_BPF_COUNT_H
#define VETHLAB_BPF_COUNT_H

#include "bpf/frame.h"

/* The size is set before load: an entry for each end, and more for ends that are added later. */
#define VL_COUNTERS_MAP(name)                                                                      \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);                                           \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, struct vl_counters);                                                 \
	} name SEC(".maps")

VL_COUNTERS_MAP(count_out);
VL_COUNTERS_MAP(count_xdp);
VL_COUNTERS_MAP(count_in);

/* A packet whose IP headers were parsed, for what counts and traces ICMP. */
struct icmp_packet {
	struct ip_view ip;
	__u32 l3; /* offset of the IP header */
	__u32 end;
	__u8 hook;
	__u8 family;
	bool later; /* a fragment after the first: it has no ICMP header */
};

static __always_inline void count_tcp(struct vl_counters *c, const struct frame *f,
				      const struct ip_view *ip)
{
	struct tcp_wire copy;
	const struct tcp_wire *tcp = ip_payload(f, ip, ip->off, sizeof(copy), &copy);
	__u8 flags;

	if (!tcp) {
		c->malformed++;
		return;
	}
	flags = tcp->flags;
	c->tcp++;
	if (__builtin_expect(flags & 0x07, 0)) {
		c->tcp_fin += flags & 0x01;
		c->tcp_syn += flags >> 1 & 0x01;
		c->tcp_rst += flags >> 2 & 0x01;
	}
}

/* Returns true if the packet is ICMP: then the caller counts it by its type. */
static __always_inline bool count_transport(struct vl_counters *c, const struct frame *f,
					    enum ip_kind kind, const struct ip_view *ip,
					    __u8 icmp_proto)
{
	if (kind == IP_MALFORMED) {
		c->malformed++;
		return false;
	}
	if (kind == IP_FRAGMENT) {
		c->fragments++;
		return ip->proto == icmp_proto;
	}
	if (ip->proto == PROTO_TCP) {
		count_tcp(c, f, ip);
	} else if (ip->proto == PROTO_UDP) {
		if (ip->off + UDP_SIZE > ip->end)
			c->malformed++;
		else
			c->udp++;
	} else if (ip->proto == icmp_proto) {
		return true;
	}
	return false;
}

/*
 * Count one frame of an ethertype (0: it has none). Returns true if it is ICMP, which *icmp then
 * describes and the caller counts by its type; false if all is counted.
 */
static __always_inline bool count_frame(struct vl_counters *c, const struct frame *f, __u16 type,
					struct icmp_packet *icmp)
{
	enum ip_kind kind;

	switch (type) {
	case WIRE_IPV4:
		c->ipv4++;
		icmp->family = 4;
		icmp->l3 = ETH_SIZE;
		kind = ipv4_parse(f, ETH_SIZE, &icmp->ip);
		icmp->later = kind == IP_FRAGMENT;
		return count_transport(c, f, kind, &icmp->ip, PROTO_ICMP);
	case WIRE_IPV6:
		c->ipv6++;
		icmp->family = 6;
		icmp->l3 = ETH_SIZE;
		kind = ipv6_parse(f, ETH_SIZE, &icmp->ip);
		icmp->later = kind == IP_FRAGMENT;
		return count_transport(c, f, kind, &icmp->ip, PROTO_ICMPV6);
	case WIRE_ARP:
		c->arp++;
		return false;
	case WIRE_VLAN:
	case WIRE_QINQ:
		c->vlan++;
		return false;
	default:
		c->other++;
		return false;
	}
}

static __always_inline void count_icmp(struct vl_counters *c, __u8 family, enum vl_icmp_class class)
{
	__u64 *row = family == 4 ? &c->icmp4.echo_request : &c->icmp6.echo_request;

	if (class < VL_ICMP_CLASSES)
		row[class]++;
}

#endif
