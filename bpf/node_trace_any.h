/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node_trace_any.h - drops of packets of any protocol: programs of bpf/node_trace.bpf.c. One makes
 * records of what it reads in the headers, the other hands on a packet's first bytes.
 */
#ifndef VETHLAB_BPF_NODE_TRACE_ANY_H
#define VETHLAB_BPF_NODE_TRACE_ANY_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/node_trace.h"
#include "bpf/proof_frame.h"

/* The node of the device that the route of a packet names: a TCP socket clears skb->dev. */
static __always_inline __u32 *node_of_route(const struct sk_buff *skb)
{
	struct dst_entry *dst = (struct dst_entry *)(skb->_skb_refdst & ~1ul);
	__u32 inode = dst ? BPF_CORE_READ(dst, dev, nd_net.net, ns.inum) : 0;

	return bpf_map_lookup_elem(&nodes, &inode);
}

/* As node_of_packet(), also for a packet whose skb->dev a TCP socket has cleared. */
static __always_inline __u32 *node_of_any(const struct sk_buff *skb)
{
	__u32 *node = node_of_packet(skb);
	struct net_device *dev = skb->dev;

	if (node)
		return node;
	/* clang 19 makes one `or` of two tests for NULL, which the verifier refuses. */
	barrier_var(dev);
	return dev ? NULL : node_of_route(skb);
}

/* Whether it is no packet, but a buffer that is tried and freed when NAPI starts (6.1). */
static __always_inline bool is_tried_buffer(const struct sk_buff *skb)
{
	return !skb->len && !skb->protocol;
}

/* Drops of what is no ICMP. Attached only if the filter asks for any packet (VL_F_ANY). */
SEC("tp_btf/kfree_skb")
int BPF_PROG(on_other_drop, struct sk_buff *skb, void *location, int reason)
{
	struct vl_drop drop = {};
	__u32 *node;

	(void)ctx;
	if (is_tried_buffer(skb))
		return 0;
	node = node_of_any(skb);
	if (!node || proof_frame_is_skb(skb) || !read_other(skb, &drop.packet) ||
	    is_other_icmp(&drop.packet) || !wanted(&drop.packet))
		return 0;
	stamp_drop(&drop, VL_STACK_DROP, *node, skb, location, reason);
	give(&drop, sizeof(drop));
	return 0;
}

/* Drops of any protocol, for a capture alone: user space parses the bytes as it does frames. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(on_frame_drop, struct sk_buff *skb, void *location, int reason)
{
	struct vl_frame_drop drop = {};
	__u32 *node;

	(void)ctx;
	if (is_tried_buffer(skb))
		return 0;
	node = node_of_any(skb);
	if (!node || proof_frame_is_skb(skb))
		return 0;
	/* A packet may be shorter: then the rest is read from skb_shared_info, which ends its
	 * buffer and is longer than this. So it fails only if the offset is wrong. */
	if (bpf_probe_read_kernel(drop.bytes, sizeof(drop.bytes),
				  skb->head + skb->network_header)) {
		count_lost();
		return 0;
	}
	stamp_drop(&drop.at, VL_STACK_DROP, *node, skb, location, reason);
	drop.protocol = bpf_ntohs(skb->protocol);
	give(&drop, sizeof(drop));
	return 0;
}

#endif
