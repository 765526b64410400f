/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * skb.h - the ICMP packet in a kernel's sk_buff, read from anywhere in the stack by the parser of
 * wire.h. Headers must be in the linear part, as the stack itself needs them there.
 */
#ifndef VETHLAB_BPF_SKB_H
#define VETHLAB_BPF_SKB_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/wire_other.h"
#include "bpf/wire_quote.h"

enum { DEVICE_ETHERNET = 1 }; /* ARPHRD_ETHER of linux/if_arp.h: also of veth and of bridges */

/* A wire_fetch; the source is a pointer to the address of the IP header. */
static __always_inline const void *skb_fetch(const void *source, __u32 off, __u32 size, void *copy)
{
	__u64 ip = *(const __u64 *)source;

	return bpf_probe_read_kernel(copy, size, (const void *)(ip + off)) ? NULL : copy;
}

/* An ICMP header and the payload's first bytes. */
struct icmp_bytes {
	struct icmp_wire icmp;
	__u64 payload;
};

/* The address of the IP header; sets ev->family. 0: it is no IP. */
static __always_inline __u64 find_ip(const struct sk_buff *skb, struct vl_event *ev)
{
	__be16 protocol = skb->protocol;

	if (protocol == bpf_htons(WIRE_IPV4))
		ev->family = 4;
	else if (protocol == bpf_htons(WIRE_IPV6))
		ev->family = 6;
	else
		return 0;
	return (__u64)skb->head + skb->network_header;
}

/* Bytes of the packet from its IP header on, wherever skb->data is by now. */
static __always_inline __u32 ip_length(const struct sk_buff *skb)
{
	return skb->len + (__u32)((__u64)skb->data - (__u64)skb->head) - skb->network_header;
}

/* Global functions: the verifier goes through each once. ip is the address of the IP header. */
__noinline int skb_extensions(__u64 ip, struct ip_view *view)
{
	return view ? wire_extensions(skb_fetch, &ip, view) : IP_MALFORMED;
}

/* A wire_walk. */
static __always_inline enum ip_kind skb_walk(const void *source, struct ip_view *view)
{
	return skb_extensions(*(const __u64 *)source, view);
}

/* The packet at off from ip, as an ICMP error quotes it; it ends at end. Returns enum ip_kind. */
__noinline int read_quote(__u64 ip, __u32 off, __u32 end, struct vl_event *ev)
{
	enum ip_kind kind;
	__u64 mark = 0;

	if (!ev)
		return IP_MALFORMED;
	kind = wire_quote(skb_fetch, skb_walk, &ip, off, end, ev->family, &ev->quote, &mark);
	if (kind != IP_MALFORMED)
		ev->flags |= VL_EV_QUOTED;
	if (mark && !icmp_is_nd_redirect(ev->family, ev->icmp_type))
		ev->payload = mark;
	return kind;
}

/* Fields of ev from the ICMP header; len: bytes from there to the packet's end. True: it quotes. */
static __always_inline bool take_icmp(struct vl_event *ev, const struct icmp_bytes *bytes,
				      __u32 len)
{
	const struct icmp_wire *icmp = &bytes->icmp;

	ev->icmp_type = icmp->type;
	ev->icmp_code = icmp->code;
	if (icmp_is_echo(ev->family, icmp->type)) {
		ev->id = bpf_ntohs(icmp->id);
		ev->seq = bpf_ntohs(icmp->seq);
		if (len >= sizeof(*bytes)) {
			ev->payload = bytes->payload;
			ev->flags |= VL_EV_PAYLOAD;
		}
		return false;
	}
	if (!icmp_quotes(ev->family, icmp->type))
		return false;
	ev->info = (__u32)bpf_ntohs(icmp->id) << 16 | bpf_ntohs(icmp->seq);
	return true;
}

/*
 * Fill ev, whose family is set, from the packet of len bytes at ip. Returns the offset of the
 * packet that it quotes, 0 if it is ICMP that quotes none, -1 if it is no ICMP.
 */
__noinline int read_headers(__u64 ip, __u32 len, struct vl_event *ev)
{
	struct icmp_bytes bytes = {};
	struct ip_view view = {};
	struct ip_fields fields;

	if (!ev)
		return -1;
	fields = (struct ip_fields){ev->src, ev->dst, &ev->ttl};
	if (wire_ip(skb_fetch, skb_walk, &ip, 0, len, ev->family, &view, &fields) != IP_TRANSPORT ||
	    !ip_is_icmp(ev->family, view.proto) || view.off > HEADERS_MAX ||
	    !skb_fetch(&ip, view.off, ICMP_SIZE, &bytes.icmp))
		return -1;
	ev->flags |= view.flags & VL_EV_FRAGMENT;
	len = view.end - view.off;
	if (len >= sizeof(bytes) &&
	    !skb_fetch(&ip, view.off + ICMP_SIZE, sizeof(bytes.payload), &bytes.payload))
		len = ICMP_SIZE;
	if (!take_icmp(ev, &bytes, len))
		return 0;
	if (icmp_is_nd_redirect(ev->family, ev->icmp_type))
		ev->payload = wire_nd_gateway(skb_fetch, &ip, view.off);
	return wire_quote_offset(skb_fetch, &ip, view.off, view.end, ev->family, ev->icmp_type);
}

/* The headers of most ICMP packets (IPv4 without options), to be read at once. */
struct plain_bytes {
	__u32 align; /* so that the payload is */
	struct ipv4_wire ip;
	struct icmp_bytes icmp;
};

/* Fill ev from such a packet. As read_headers(); -1: it is something else, and ev is as it was. */
static __always_inline int read_plain(__u64 ip, struct vl_event *ev)
{
	struct plain_bytes plain;
	__u32 len;

	/* The read may go beyond a shorter packet; what is there is not used. */
	if (bpf_probe_read_kernel(&plain.ip, sizeof(plain) - sizeof(plain.align), (void *)ip))
		return -1;
	len = bpf_ntohs(plain.ip.tot_len);
	if (plain.ip.version_ihl != 0x45 || plain.ip.protocol != PROTO_ICMP ||
	    plain.ip.frag_off & bpf_htons(IPV4_OFFSET | IPV4_MORE_FRAGMENTS) ||
	    len < IPV4_SIZE + ICMP_SIZE)
		return -1;
	ev->ttl = plain.ip.ttl;
	__builtin_memcpy(ev->src, &plain.ip.saddr, 4);
	__builtin_memcpy(ev->dst, &plain.ip.daddr, 4);
	return take_icmp(ev, &plain.icmp, len - IPV4_SIZE) ? IPV4_SIZE + ICMP_SIZE : 0;
}

/* Fill ev, which is all zero, from the packet. False: it is no ICMP, and ev may be filled in part.
 */
static __always_inline bool read_packet(const struct sk_buff *skb, struct vl_event *ev)
{
	__u64 ip = find_ip(skb, ev);
	int quoted = -1;

	if (!ip)
		return false;
	if (ev->family == 4)
		quoted = read_plain(ip, ev);
	if (quoted < 0)
		quoted = read_headers(ip, ip_length(skb), ev);
	if (quoted > 0)
		read_quote(ip, quoted, ip_length(skb), ev);
	return quoted >= 0;
}

/* Fill ev from a packet that is no ICMP (VL_EV_FLOW). False: it is, or no IP. */
static __always_inline bool read_flow(const struct sk_buff *skb, struct vl_event *ev)
{
	__u64 ip = find_ip(skb, ev);

	if (!ip)
		return false;
	ev->flags = 0;
	if (read_quote(ip, 0, ip_length(skb), ev) != IP_TRANSPORT ||
	    ip_is_icmp(ev->family, ev->quote.proto))
		return false;
	ev->flags |= VL_EV_FLOW;
	ev->ttl = ev->quote.ttl;
	__builtin_memcpy(ev->src, ev->quote.src, sizeof(ev->src));
	__builtin_memcpy(ev->dst, ev->quote.dst, sizeof(ev->dst));
	return true;
}

/* A packet's bytes from its network header on, as far as they are in the linear part. */
struct linear_bytes {
	__u64 at;
	__u32 len;
};

/* A wire_fetch of it. */
static __always_inline const void *linear_fetch(const void *source, __u32 off, __u32 size,
						void *copy)
{
	const struct linear_bytes *linear = source;

	if (off + size > linear->len)
		return NULL;
	return bpf_probe_read_kernel(copy, size, (const void *)(linear->at + off)) ? NULL : copy;
}

/* A wire_walk of it. */
static __always_inline enum ip_kind linear_walk(const void *source, struct ip_view *view)
{
	return skb_extensions(((const struct linear_bytes *)source)->at, view);
}

/*
 * The packet of ethertype type at `at`, of which len bytes are there and linear of them in the
 * linear part, into ev as wire_other() does, whose answer it returns. A global function: the
 * verifier goes through it once.
 */
__noinline int read_other_at(__u64 at, __u32 linear, __u32 len, __u32 type, struct vl_event *ev)
{
	struct linear_bytes bytes = {at, linear};

	return ev ? wire_other(linear_fetch, linear_walk, &bytes, type, 0, len, ev) : 0;
}

/*
 * The MAC addresses of a packet into ev, if its Ethernet header is there: it has none before its
 * device was chosen, or where the device has headers of another kind. What was read in part counts
 * as not read.
 */
static __always_inline void read_macs(const struct sk_buff *skb, struct vl_event *ev)
{
	const struct net_device *dev = skb->dev;
	__u32 mac = skb->mac_header;
	struct {
		__u8 to[6], from[6];
	} macs;

	if (mac == 0xffff || mac + ETH_SIZE > skb->network_header || !dev ||
	    dev->type != DEVICE_ETHERNET ||
	    bpf_probe_read_kernel(&macs, sizeof(macs), skb->head + mac))
		return;
	__builtin_memcpy(ev->dst, macs.to, 6);
	__builtin_memcpy(ev->src, macs.from, 6);
}

/*
 * Fill ev, which is all zero, from a packet of any protocol but ICMP. Its VLAN tag is not read:
 * kernels before 6.2 leave an old one in skb->vlan_tci when they remove it.
 */
static __always_inline bool read_other(const struct sk_buff *skb, struct vl_event *ev)
{
	__u64 at = (__u64)skb->head + skb->network_header;
	__u32 linear = skb->tail - skb->network_header;
	__u16 type = bpf_ntohs(skb->protocol), segments;
	struct skb_shared_info *shared = (void *)(skb->head + skb->end);

	if (skb->tail < skb->network_header)
		return false;
	if (!read_other_at(at, linear, ip_length(skb), type, ev))
		read_macs(skb, ev);
	segments = BPF_CORE_READ(shared, gso_segs);
	ev->other.segments = segments ? segments : 1;
	return true;
}

static __always_inline enum vl_icmp_class packet_class(const struct vl_event *ev)
{
	return icmp_class(ev->family, ev->icmp_type);
}

#endif
