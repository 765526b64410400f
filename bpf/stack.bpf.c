// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack.bpf.c - what the stacks of a lab's nodes do with ICMP packets between two ends: drops. Loaded
 * and attached by a tracer for itself, and gone with it: nobody tracing costs nothing.
 */
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/places.h"
#include "bpf/vethlab.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 n_ends = 0;
/* One ping's packets only: its id, or its first payload bytes (NAT changes the id). */
const volatile bool by_token = false;
const volatile __u16 token_id = 0;
const volatile __u64 token = 0;

/* Inode of a namespace -> place of its node in the lab. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set before load */
	__type(key, __u32);
	__type(value, __u32);
} nodes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
} drops SEC(".maps");

/* Records that the ring had no room for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_IPV6 = 0x86dd,
	PROTO_ICMP = 1,
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

/* The IP packet at p: its addresses into ev. Returns the ICMP header, or NULL. */
static __always_inline const void *read_ipv4(const unsigned char *p, struct vl_event *ev)
{
	struct ipv4_bytes ip;
	__u32 ihl;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), p) || ip.version_ihl >> 4 != 4)
		return NULL;
	ihl = (ip.version_ihl & 0xf) * 4;
	if (ip.proto != PROTO_ICMP || ihl < IPV4_SIZE)
		return NULL;
	if (ip.fragment & bpf_htons(FRAGMENT_OFFSET))
		return NULL; /* a later fragment: no header */
	if (ip.fragment & bpf_htons(FRAGMENT_MORE))
		ev->flags |= VL_EV_FRAGMENT;
	ev->family = 4;
	ev->ttl = ip.ttl;
	__builtin_memcpy(ev->src, ip.src, 4);
	__builtin_memcpy(ev->dst, ip.dst, 4);
	return p + ihl;
}

static __always_inline const void *read_ipv6(const unsigned char *p, struct vl_event *ev)
{
	struct ipv6_bytes ip;

	if (bpf_probe_read_kernel(&ip, sizeof(ip), p) || ip.proto != PROTO_ICMPV6)
		return NULL;
	ev->family = 6;
	ev->ttl = ip.ttl;
	__builtin_memcpy(ev->src, ip.src, 16);
	__builtin_memcpy(ev->dst, ip.dst, 16);
	return p + IPV6_SIZE;
}

static __always_inline bool is_echo(__u8 family, __u8 type)
{
	return family == 4 ? type == 8 || type == 0 : type == 128 || type == 129;
}

static __always_inline bool is_error(__u8 family, __u8 type)
{
	return family == 4 ? type == 3 || type == 11 || type == 12 || type == 5 :
			     type >= 1 && type <= 4;
}

/* The packet that the ICMP error at icmp quotes. */
static __always_inline void read_quote(const void *icmp, struct vl_event *ev)
{
	const unsigned char *inner = icmp + ICMP_HEADER;
	struct vl_event quoted = {};
	struct icmp_bytes echo = {};
	const void *p;

	p = ev->family == 4 ? read_ipv4(inner, &quoted) : read_ipv6(inner, &quoted);
	if (!p || bpf_probe_read_kernel(&echo, ICMP_HEADER, p))
		return;
	ev->flags |= VL_EV_QUOTED;
	ev->quote.proto = ev->family == 4 ? PROTO_ICMP : PROTO_ICMPV6;
	ev->quote.icmp_type = echo.type;
	ev->quote.ttl = quoted.ttl;
	ev->quote.id = bpf_ntohs(echo.id);
	ev->quote.seq = bpf_ntohs(echo.seq);
	__builtin_memcpy(ev->quote.src, quoted.src, 16);
	__builtin_memcpy(ev->quote.dst, quoted.dst, 16);
}

/* Fill ev from the packet. False: it is no ICMP. */
static __always_inline bool read_packet(const struct sk_buff *skb, struct vl_event *ev)
{
	const unsigned char *ip = skb->head + skb->network_header;
	__be16 protocol = skb->protocol;
	struct icmp_bytes icmp = {};
	const void *p = NULL;

	if (protocol == bpf_htons(ETHERTYPE_IPV4))
		p = read_ipv4(ip, ev);
	else if (protocol == bpf_htons(ETHERTYPE_IPV6))
		p = read_ipv6(ip, ev);
	if (!p || bpf_probe_read_kernel(&icmp, ICMP_HEADER, p))
		return false;
	ev->icmp_type = icmp.type;
	ev->icmp_code = icmp.code;
	if (is_echo(ev->family, icmp.type)) {
		ev->id = bpf_ntohs(icmp.id);
		ev->seq = bpf_ntohs(icmp.seq);
		if (!bpf_probe_read_kernel(&ev->payload, 8, p + ICMP_HEADER))
			ev->flags |= VL_EV_PAYLOAD;
	} else if (is_error(ev->family, icmp.type)) {
		ev->info = (__u32)bpf_ntohs(icmp.id) << 16 | bpf_ntohs(icmp.seq);
		read_quote(p, ev);
	}
	return true;
}

static __always_inline bool wanted(const struct vl_event *ev)
{
	__u16 id = ev->flags & VL_EV_QUOTED ? ev->quote.id : ev->id;

	return !by_token || id == token_id ||
	       (ev->flags & VL_EV_PAYLOAD && ev->payload == token);
}

/*
 * Raw sockets get copies of ICMP messages; then the kernel looks for a ping socket and, if there
 * is none, lets go of the answer as NO_SOCKET. That happens to each answer of each ping.
 */
static __always_inline bool is_end_of_answer(const struct vl_event *ev, int reason)
{
	bool request = ev->icmp_type == (ev->family == 4 ? 8 : 128);

	return !request &&
	       reason == (int)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NO_SOCKET);
}

static __always_inline void give(const struct vl_drop *drop)
{
	__u32 zero = 0;
	__u64 *count;

	if (!bpf_ringbuf_output(&drops, (void *)drop, sizeof(*drop), 0))
		return;
	count = bpf_map_lookup_elem(&lost, &zero);
	if (count)
		(*count)++;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(on_drop, struct sk_buff *skb, void *location, int reason)
{
	struct net_device *dev = skb->dev;
	struct vl_drop drop = {};
	struct sock *sk;
	__u32 inode = 0, *node;

	if (dev) {
		inode = dev->nd_net.net->ns.inum;
		drop.ifindex = dev->ifindex;
	} else {
		sk = skb->sk; /* on its way out, before the route has named a device */
		if (sk)
			inode = sk->__sk_common.skc_net.net->ns.inum;
	}
	(void)ctx;
	node = bpf_map_lookup_elem(&nodes, &inode);
	if (!node || !read_packet(skb, &drop.packet) || !wanted(&drop.packet) ||
	    is_end_of_answer(&drop.packet, reason))
		return 0;
	drop.packet.time_ns = bpf_ktime_get_ns();
	drop.packet.cpu = bpf_get_smp_processor_id();
	drop.packet.hook = VL_HOOKS;
	drop.packet.len = skb->len;
	drop.packet.end = place_end(inode, drop.ifindex);
	if (drop.packet.end >= n_ends)
		drop.packet.end = VL_NO_END;
	drop.node = *node;
	drop.reason = reason;
	drop.location = (__u64)location;
	give(&drop);
	return 0;
}
