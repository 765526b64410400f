// SPDX-License-Identifier: GPL-2.0-only
/*
 * vethlab.bpf.c - the observers: one program per hook, for every end of a lab. They count each
 * frame, and write a record of it for each tracer whose filter matches it. They never change a
 * packet or its verdict.
 */
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"
#include "bpf/frame.h"
#include "bpf/count.h"
#include "bpf/packet_record.h"
#include "bpf/other_record.h"
#include "bpf/echo_times.h"
#include "bpf/proof_frame.h"

char LICENSE[] SEC("license") = "GPL";

enum { PACKET_LOOPBACK = 5 }; /* linux/if_packet.h */

/* An end's interface has index ifindex_base + number of the end. */
const volatile __u32 ifindex_base = 0;
/*
 * True for a lab whose links others made. Their ifindexes can be any, so each hook of each end has
 * a few instructions of its own (user/watch/end_stub.c): they write the end's number to `here` and
 * tail-call the programs below. No other program of vethlab runs on this CPU between the two. The
 * verifier removes the branch of end_of() that the lab does not take.
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

/*
 * Instructions that the verifier finds dead and removes. They are here for the time that the
 * programs take to load: later the verifier replaces each call of bpf_map_lookup_elem() by the
 * instructions of that kind of map, and each time vrealloc() copies what is known of all
 * instructions unless there is room (adjust_insn_aux_data() in kernel/bpf/verifier.c). The removed
 * ones leave it. On 6.18 the copies were 40 % of the time to load vl_out. This is not on the path
 * of packets that nobody traces, where the look at `never` would stay.
 */
const volatile bool never = false;

static __always_inline void leave_room(void)
{
	if (never)
		asm volatile(".rept 640\n\tr0 = 0\n\t.endr" ::: "r0");
}

/*
 * Global functions, so that packets that nobody traces do not pay for this code. They look up the
 * ICMP header of pkt once more: a pointer into the packet cannot be an argument of a global
 * function.
 */
__noinline int trace_icmp_skb(struct __sk_buff *skb, const struct icmp_packet *pkt, __u32 class,
			      __u64 now, __u64 active)
{
	struct frame f = frame_of_skb(skb);

	leave_room();
	if (pkt)
		trace_icmp(&f, pkt, class, now, active);
	return 0;
}

__noinline int trace_icmp_xdp(struct xdp_md *xdp, const struct icmp_packet *pkt, __u32 class,
			      __u64 now, __u64 active)
{
	struct frame f = frame_of_xdp(xdp);

	leave_room();
	if (pkt)
		trace_icmp(&f, pkt, class, now, active);
	return 0;
}

/* The time is read once, for the ledger and the tracers: reading it is a third of the work. */
static __always_inline __u64 icmp_time(__u64 active)
{
	return follow_echoes || active ? bpf_ktime_get_ns() : 0;
}

/*
 * A global function, since the verifier knows nothing of the number that one returns. Were it
 * inlined, the verifier would check all that follows once for each class.
 */
__noinline int class_of_type(__u8 family, __u8 type)
{
	return icmp_class(family, type);
}

/*
 * Count a packet by its ICMP type, and follow it if it is an echo or an error about one. Returns
 * its class, by which filters of tracers choose: VL_ICMP_CLASSES for a later fragment, which has no
 * type; -1 if it is not to be traced.
 */
static __always_inline int observe_icmp(const struct frame *f, struct vl_counters *c,
					const struct icmp_packet *pkt, __u64 now)
{
	const struct icmp_wire *icmp;
	enum vl_icmp_class class;
	struct icmp_wire copy;

	if (pkt->later)
		return VL_ICMP_CLASSES;
	icmp = ip_payload(f, &pkt->ip, pkt->ip.off, ICMP_SIZE, &copy);
	if (!icmp) {
		c->malformed++;
		return -1;
	}
	class = class_of_type(pkt->family, icmp->type);
	if (class >= VL_ICMP_CLASSES)
		return -1;
	barrier_var(class); /* else the compiler checks the bound on a copy of what it uses */
	count_icmp(c, pkt->family, class);
	if (follow_echoes)
		follow_icmp(f, pkt, icmp, class, now);
	return class;
}

__noinline int observe_icmp_skb(struct __sk_buff *skb, struct vl_counters *c,
				const struct icmp_packet *pkt, __u64 now)
{
	struct frame f = frame_of_skb(skb);

	return c && pkt ? observe_icmp(&f, c, pkt, now) : -1;
}

__noinline int observe_icmp_xdp(struct xdp_md *xdp, struct vl_counters *c,
				const struct icmp_packet *pkt, __u64 now)
{
	struct frame f = frame_of_xdp(xdp);

	return c && pkt ? observe_icmp(&f, c, pkt, now) : -1;
}

static __always_inline void trace(const struct frame *f, const struct icmp_packet *pkt, int class,
				  __u64 now, __u64 active)
{
	if (f->xdp)
		trace_icmp_xdp(f->ctx, pkt, class, now, active);
	else
		trace_icmp_skb(f->ctx, pkt, class, now, active);
}

/* An ICMP packet at an end. */
static __always_inline void observe_any_icmp(const struct frame *f, struct vl_counters *c,
					     const struct icmp_packet *icmp, __u32 end,
					     enum vl_hook hook)
{
	/* A copy: a variable whose address is an argument is kept in memory, not in registers. */
	struct icmp_packet pkt = *icmp;
	__u64 active = active_sessions(), now = icmp_time(active);
	int class;

	pkt.end = end;
	pkt.hook = hook;
	if (f->xdp)
		class = observe_icmp_xdp(f->ctx, c, &pkt, now);
	else
		class = observe_icmp_skb(f->ctx, c, &pkt, now);
	if (active && class >= 0)
		trace(f, &pkt, class, now, active);
}

/* The same for an echo that plain_echo4() found: nothing is left to parse. */
static __always_inline void observe_echo4(const struct frame *f, struct vl_counters *c,
					  const struct ipv4_wire *ip, __u32 end, enum vl_hook hook)
{
	const struct icmp_wire *icmp = (const void *)(ip + 1);
	__u64 active = active_sessions(), now = icmp_time(active);
	bool reply = !icmp->type;

	c->ipv4++;
	if (reply)
		c->icmp4.echo_reply++;
	else
		c->icmp4.echo_request++;
	if (follow_echoes) {
		__u16 id = bpf_ntohs(icmp->id);
		struct sight s = {.flow = mix(ipv4_addresses(ip, reply), id),
				  .now = now,
				  .end = end,
				  .id = id,
				  .seq = bpf_ntohs(icmp->seq),
				  .hook = hook,
				  .reply = reply};

		follow_echo_here(&s);
	}
	if (active) {
		struct icmp_packet pkt = {.ip = {.off = ETH_SIZE + IPV4_SIZE,
						 .end = ETH_SIZE + bpf_ntohs(ip->tot_len),
						 .proto = PROTO_ICMP},
					  .l3 = ETH_SIZE,
					  .end = end,
					  .hook = hook,
					  .family = 4};

		trace(f, &pkt, reply ? VL_ICMP_ECHO_REPLY : VL_ICMP_ECHO_REQUEST, now, active);
	}
}

/*
 * Whether the frame is vethlab's own (bpf/proof_frame.h), which is no traffic of the lab. If it is,
 * this writes to `ends` that the hook saw it, for the process that sent it.
 */
static __always_inline bool note_proof(const struct frame *f, __u32 end, __u32 hook)
{
	struct proof_frame copy;
	const struct proof_frame *frame = frame_view(f, 0, sizeof(copy), &copy);
	struct vl_end *e;

	if (!frame || !proof_frame_is(frame))
		return false;
	e = bpf_map_lookup_elem(&ends, &end);
	if (e)
		e->proof_seen[hook & 3] = 1; /* a bound that the verifier sees */
	return true;
}

/* Global functions, so that only ARP frames pay for this code. */
__noinline int note_proof_skb(struct __sk_buff *skb, __u32 end, __u32 hook)
{
	struct frame f = frame_of_skb(skb);

	return note_proof(&f, end, hook);
}

__noinline int note_proof_xdp(struct xdp_md *xdp, __u32 end, __u32 hook)
{
	struct frame f = frame_of_xdp(xdp);

	return note_proof(&f, end, hook);
}

static __always_inline int observe_skb(struct __sk_buff *skb, void *map, enum vl_hook hook)
{
	__u32 end = end_of(skb->ifindex), segs;
	struct vl_counters *c = bpf_map_lookup_elem(map, &end);
	const struct ipv4_wire *echo;
	struct icmp_packet icmp;
	struct frame f;
	__u16 type;

	if (!c)
		return TC_ACT_UNSPEC; /* not an end of this lab */
	/* A copy that a node gets of a broadcast that it sends itself: it has no Ethernet header
	 * and crossed no link. */
	if (hook == VL_HOOK_IN && skb->pkt_type == PACKET_LOOPBACK)
		return TC_ACT_UNSPEC;
	f = frame_of_skb(skb);
	type = frame_ethertype(&f);
	if (__builtin_expect(type == WIRE_ARP, 0) && note_proof_skb(skb, end, hook))
		return TC_ACT_UNSPEC;
	c->packets++;
	c->bytes += f.len;
	if (skb->vlan_present) {
		segs = skb->gso_segs;
		c->segments += segs ? segs : 1;
		c->vlan++;
		trace_other(&f, end, hook);
		return TC_ACT_UNSPEC;
	}
	echo = plain_echo4(&f);
	if (echo) {
		c->segments++;
		observe_echo4(&f, c, echo, end, hook);
		return TC_ACT_UNSPEC;
	}
	segs = skb->gso_segs;
	c->segments += segs ? segs : 1;
	if (count_frame(c, &f, type, &icmp))
		observe_any_icmp(&f, c, &icmp, end, hook);
	else
		trace_other(&f, end, hook);
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
	const struct ipv4_wire *echo;
	struct icmp_packet icmp;
	struct frame f;
	__u16 type;

	if (!c)
		return XDP_PASS;
	f = frame_of_xdp(xdp);
	type = frame_ethertype(&f);
	if (__builtin_expect(type == WIRE_ARP, 0) && note_proof_xdp(xdp, end, VL_HOOK_XDP))
		return XDP_PASS;
	c->packets++;
	c->bytes += f.len;
	c->segments++;
	echo = plain_echo4(&f);
	if (echo)
		observe_echo4(&f, c, echo, end, VL_HOOK_XDP);
	else if (count_frame(c, &f, type, &icmp))
		observe_any_icmp(&f, c, &icmp, end, VL_HOOK_XDP);
	else
		trace_other(&f, end, VL_HOOK_XDP);
	return XDP_PASS;
}

/*
 * For generic XDP. Its section is not "xdp.frags": for such a program the kernel would copy packets
 * by skb_pp_cow_data(), which loses mac_len, and then all tc programs at ingress would see frames
 * without their Ethernet header (seen on 6.18).
 */
SEC("xdp")
int vl_xdp(struct xdp_md *xdp)
{
	return observe_xdp(xdp);
}

/* For native XDP, which refuses programs without "frags" if the peer's MTU is about a page or more.
 */
SEC("xdp.frags")
int vl_xdp_frags(struct xdp_md *xdp)
{
	return observe_xdp(xdp);
}
