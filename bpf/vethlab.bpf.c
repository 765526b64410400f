// SPDX-License-Identifier: GPL-2.0-only
/*
 * vethlab.bpf.c - the observers: one program per hook, for every end of a lab. They count each
 * frame and give ICMP packets to whoever traces. They never change a packet or its verdict.
 */
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"
#include "bpf/parse.h"
#include "bpf/count.h"
#include "bpf/trace.h"
#include "bpf/time.h"

char LICENSE[] SEC("license") = "GPL";

enum { PACKET_LOOPBACK = 5 }; /* linux/if_packet.h */

/* An end's interface has index ifindex_base + number of the end. */
const volatile __u32 ifindex_base = 0;
/*
 * Unless the lab was there before: then each hook of each end has a few instructions of its own
 * (user/watch/door.c) that leave the end's number in `here` and go on to the programs below by a
 * tail call. Nothing of ours comes in between on this CPU. Of the two ways the verifier removes the
 * one that a lab does not go.
 */
const volatile bool observed = false;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} here SEC(".maps");

static __always_inline __u32 end_of(__u32 ifindex)
{
	__u32 zero = 0, *end;

	if (!observed)
		return ifindex - ifindex_base;
	end = bpf_map_lookup_elem(&here, &zero);
	return end ? *end : VL_NO_END;
}

/* Count by ICMP type, and trace. Off the path of all other packets. */
static __always_inline void observe_icmp(const struct frame *f, struct vl_counters *c,
					 const struct icmp_packet *pkt)
{
	enum vl_icmp_class class = VL_ICMP_CLASSES; /* a later fragment has no type */
	const struct icmp_wire *icmp = NULL;
	__u64 active = active_sessions(), now = 0;
	struct icmp_wire copy;

	if (follow_echoes || active)
		now = bpf_ktime_get_ns(); /* one for both: reading the clock is a third of the work */
	if (!pkt->later) {
		icmp = ip_payload(f, &pkt->ip, pkt->ip.off, ICMP_SIZE, &copy);
		if (!icmp) {
			c->malformed++;
			return;
		}
		class = pkt->family == 4 ? vl_icmp4_class(icmp->type) : vl_icmp6_class(icmp->type);
		count_icmp(c, pkt->family, class);
		if (follow_echoes)
			follow_icmp(f, pkt, icmp, class, now);
	}
	if (active)
		trace_icmp(f, pkt, icmp, class, now, active);
}

__noinline int observe_icmp_skb(struct __sk_buff *skb, struct vl_counters *c,
				const struct icmp_packet *pkt)
{
	struct frame f = frame_of_skb(skb);

	if (c && pkt)
		observe_icmp(&f, c, pkt);
	return 0;
}

__noinline int observe_icmp_xdp(struct xdp_md *xdp, struct vl_counters *c,
				const struct icmp_packet *pkt)
{
	struct frame f = frame_of_xdp(xdp);

	if (c && pkt)
		observe_icmp(&f, c, pkt);
	return 0;
}

static __always_inline int observe_skb(struct __sk_buff *skb, void *map, enum vl_hook hook)
{
	__u32 end = end_of(skb->ifindex), segs;
	struct vl_counters *c = bpf_map_lookup_elem(map, &end);
	struct icmp_packet icmp;
	struct frame f;

	if (!c)
		return TC_ACT_UNSPEC; /* not an end of this lab */
	/* The node's own copy of a broadcast that it sends: it has no Ethernet header, and crossed no link. */
	if (hook == VL_HOOK_IN && skb->pkt_type == PACKET_LOOPBACK)
		return TC_ACT_UNSPEC;
	f = frame_of_skb(skb);
	segs = skb->gso_segs;
	c->packets++;
	c->bytes += f.len;
	c->segments += segs ? segs : 1;
	if (skb->vlan_present) {
		c->vlan++;
	} else if (count_frame(c, &f, &icmp)) {
		struct icmp_packet pkt = icmp;

		pkt.end = end;
		pkt.hook = hook;
		observe_icmp_skb(skb, c, &pkt);
	}
	return TC_ACT_UNSPEC;
}

SEC("tc")
int vl_out(struct __sk_buff *skb)
{
	return observe_skb(skb, &count_out, VL_HOOK_OUT);
}

SEC("tc")
int vl_in(struct __sk_buff *skb)
{
	return observe_skb(skb, &count_in, VL_HOOK_IN);
}

static __always_inline int observe_xdp(struct xdp_md *xdp)
{
	__u32 end = end_of(xdp->ingress_ifindex);
	struct vl_counters *c = bpf_map_lookup_elem(&count_xdp, &end);
	struct icmp_packet icmp;
	struct frame f;

	if (!c)
		return XDP_PASS;
	f = frame_of_xdp(xdp);
	c->packets++;
	c->bytes += f.len;
	c->segments++;
	if (count_frame(c, &f, &icmp)) {
		struct icmp_packet pkt = icmp;

		pkt.end = end;
		pkt.hook = VL_HOOK_XDP;
		observe_icmp_xdp(xdp, c, &pkt);
	}
	return XDP_PASS;
}

/*
 * For generic XDP. Not "frags": the kernel would copy packets for such a program by
 * skb_pp_cow_data(), which forgets mac_len, and then tc programs at ingress, ours and others', see
 * frames without their Ethernet header (seen on 6.18).
 */
SEC("xdp")
int vl_xdp(struct xdp_md *xdp)
{
	return observe_xdp(xdp);
}

/* For native XDP, which refuses other programs where the peer's MTU is above a page or so. */
SEC("xdp.frags")
int vl_xdp_frags(struct xdp_md *xdp)
{
	return observe_xdp(xdp);
}
