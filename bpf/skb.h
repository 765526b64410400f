/* SPDX-License-Identifier: GPL-2.0-only */
/* skb.h - the ICMP packet in a kernel's sk_buff, read from anywhere in the stack. */
#ifndef VETHLAB_BPF_SKB_H
#define VETHLAB_BPF_SKB_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ICMPV6 = 58,
	IPV4_SIZE = 20,
	IPV6_SIZE = 40,
	ICMP_HEADER = 8,
	FRAGMENT_OFFSET = 0x1fff,
	FRAGMENT_MORE = 0x2000,
};

/* Headers as they stand in memory. */
struct ipv4_bytes {
	__u8 version_ihl, tos;
	__be16 len, id, fragment;
	__u8 ttl, proto;
	__be16 checksum;
	__u8 src[4], dst[4];
};

struct ipv6_bytes {
	__be32 flow;
	__be16 len;
	__u8 proto, ttl;
	__u8 src[16], dst[16];
};

struct icmp_bytes {
	__u8 type, code;
	__be16 checksum;
	__be16 id, seq; /* or the second word */
	__u64 payload;
};

/* Where an IP header's fields go. */
struct ip_fields {
	__u8 *src, *dst, *ttl, *flags;
	__u8 proto; /* out */
	__u32 len;  /* out: bytes behind it, as it says */
};

/* The IP packet at p. Returns what is behind its header, or NULL. */
static __always_inline const void *read_ipv4(const unsigned char *p, struct ip_fields *out)
{
	struct ipv4_bytes ip;
	__u32 ihl, total;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), p) || ip.version_ihl >> 4 != 4)
		return NULL;
	ihl = (ip.version_ihl & 0xf) * 4;
	if (ihl < IPV4_SIZE)
		return NULL;
	if (ip.fragment & bpf_htons(FRAGMENT_OFFSET))
		return NULL; /* a later fragment: no header */
	if (ip.fragment & bpf_htons(FRAGMENT_MORE))
		*out->flags |= VL_EV_FRAGMENT;
	*out->ttl = ip.ttl;
	out->proto = ip.proto;
	total = bpf_ntohs(ip.len);
	out->len = total > ihl ? total - ihl : 0;
	__builtin_memcpy(out->src, ip.src, 4);
	__builtin_memcpy(out->dst, ip.dst, 4);
	return p + ihl;
}

static __always_inline const void *read_ipv6(const unsigned char *p, struct ip_fields *out)
{
	struct ipv6_bytes ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), p))
		return NULL;
	*out->ttl = ip.ttl;
	out->proto = ip.proto;
	out->len = bpf_ntohs(ip.len);
	__builtin_memcpy(out->src, ip.src, 16);
	__builtin_memcpy(out->dst, ip.dst, 16);
	return p + IPV6_SIZE;
}

static __always_inline bool is_echo(__u8 family, __u8 type)
{
	return family == 4 ? type == 8 || type == 0 : type == 128 || type == 129;
}

static __always_inline bool is_error(__u8 family, __u8 type)
{
	return family == 4 ? type == 3 || type == 11 || type == 12 || type == 5
			   : type >= 1 && type <= 4;
}

static __always_inline bool is_icmp(__u8 family, __u8 proto)
{
	return proto == (family == 4 ? PROTO_ICMP : PROTO_ICMPV6);
}

/* A packet of any protocol, at its IP header, as an ICMP error quotes it. */
static __always_inline void read_quoted(const unsigned char *ip, struct vl_event *ev)
{
	struct vl_quote *quote = &ev->quote;
	struct icmp_bytes icmp = {};
	__be16 ports[2] = {};
	__u8 flags = 0;
	struct ip_fields fields = {quote->src, quote->dst, &quote->ttl, &flags, 0, 0};
	const void *p;

	p = ev->family == 4 ? read_ipv4(ip, &fields) : read_ipv6(ip, &fields);
	if (!p)
		return;
	if (is_icmp(ev->family, fields.proto)) {
		if (bpf_probe_read_kernel(&icmp, ICMP_HEADER, p))
			return;
		quote->icmp_type = icmp.type;
		quote->id = bpf_ntohs(icmp.id);
		quote->seq = bpf_ntohs(icmp.seq);
	} else if (fields.proto == PROTO_UDP || fields.proto == PROTO_TCP) {
		if (bpf_probe_read_kernel(ports, sizeof(ports), p))
			return;
		quote->id = bpf_ntohs(ports[0]);
		quote->seq = bpf_ntohs(ports[1]);
	}
	quote->proto = fields.proto;
	ev->flags |= VL_EV_QUOTED;
}

/* Its IP header; sets ev->family. NULL: it is no IP. */
static __always_inline const unsigned char *find_ip(const struct sk_buff *skb, struct vl_event *ev)
{
	__be16 protocol = skb->protocol;

	if (protocol == bpf_htons(ETHERTYPE_IPV4))
		ev->family = 4;
	else if (protocol == bpf_htons(ETHERTYPE_IPV6))
		ev->family = 6;
	else
		return NULL;
	return skb->head + skb->network_header;
}

/* The ICMP header at p; len: bytes of the packet from there on. */
static __always_inline void take_icmp(struct vl_event *ev, const struct icmp_bytes *icmp,
				      const unsigned char *p, __u32 len)
{
	ev->icmp_type = icmp->type;
	ev->icmp_code = icmp->code;
	if (is_echo(ev->family, icmp->type)) {
		ev->id = bpf_ntohs(icmp->id);
		ev->seq = bpf_ntohs(icmp->seq);
		if (len >= sizeof(*icmp)) {
			ev->payload = icmp->payload;
			ev->flags |= VL_EV_PAYLOAD;
		}
	} else if (is_error(ev->family, icmp->type)) {
		ev->info = (__u32)bpf_ntohs(icmp->id) << 16 | bpf_ntohs(icmp->seq);
		read_quoted(p + ICMP_HEADER, ev);
	}
}

/* Most packets: IPv4 without options, and ICMP, in one read. */
struct plain_bytes {
	__u32 align; /* so that the payload is */
	struct ipv4_bytes ip;
	struct icmp_bytes icmp;
};

/* Fill ev from such a packet. False: it is something else, and ev is as it was. */
static __always_inline bool read_plain(const unsigned char *ip, struct vl_event *ev)
{
	struct plain_bytes plain;
	__u32 len;

	/* Of a packet that is shorter, what lies behind it is read, and not used. */
	if (bpf_probe_read_kernel(&plain.ip, sizeof(plain) - sizeof(plain.align), ip))
		return false;
	len = bpf_ntohs(plain.ip.len);
	if (plain.ip.version_ihl != 0x45 || plain.ip.proto != PROTO_ICMP ||
	    plain.ip.fragment & bpf_htons(FRAGMENT_OFFSET | FRAGMENT_MORE) ||
	    len < IPV4_SIZE + ICMP_HEADER)
		return false;
	ev->ttl = plain.ip.ttl;
	__builtin_memcpy(ev->src, plain.ip.src, 4);
	__builtin_memcpy(ev->dst, plain.ip.dst, 4);
	take_icmp(ev, &plain.icmp, ip + IPV4_SIZE, len - IPV4_SIZE);
	return true;
}

/* Fill ev, which is all zero, from the packet. False: it is no ICMP, and ev may be filled in part.
 */
static __always_inline bool read_packet(const struct sk_buff *skb, struct vl_event *ev)
{
	const unsigned char *ip = find_ip(skb, ev);
	struct icmp_bytes icmp = {};
	struct ip_fields fields = {ev->src, ev->dst, &ev->ttl, &ev->flags, 0, 0};
	const void *p;

	if (!ip)
		return false;
	if (ev->family == 4 && read_plain(ip, ev))
		return true;
	p = ev->family == 4 ? read_ipv4(ip, &fields) : read_ipv6(ip, &fields);
	if (!p || !is_icmp(ev->family, fields.proto) ||
	    bpf_probe_read_kernel(&icmp, ICMP_HEADER, p))
		return false;
	if (fields.len >= sizeof(icmp) &&
	    bpf_probe_read_kernel(&icmp.payload, sizeof(icmp.payload), p + ICMP_HEADER))
		fields.len = ICMP_HEADER;
	take_icmp(ev, &icmp, p, fields.len);
	return true;
}

/* Fill ev from a packet that is no ICMP (VL_EV_FLOW). False: it is, or no IP. */
static __always_inline bool read_flow(const struct sk_buff *skb, struct vl_event *ev)
{
	const unsigned char *ip = find_ip(skb, ev);

	if (!ip)
		return false;
	ev->flags = 0;
	read_quoted(ip, ev);
	if (!(ev->flags & VL_EV_QUOTED) || is_icmp(ev->family, ev->quote.proto))
		return false;
	ev->flags |= VL_EV_FLOW;
	ev->ttl = ev->quote.ttl;
	__builtin_memcpy(ev->src, ev->quote.src, sizeof(ev->src));
	__builtin_memcpy(ev->dst, ev->quote.dst, sizeof(ev->dst));
	return true;
}

static __always_inline enum vl_icmp_class packet_class(const struct vl_event *ev)
{
	return ev->family == 4 ? vl_icmp4_class(ev->icmp_type) : vl_icmp6_class(ev->icmp_type);
}

#endif
