/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node_trace.h - what the programs in the stacks of a lab's nodes share: of which nodes and packets
 * they make records, and the ring buffer that these go to.
 */
#ifndef VETHLAB_BPF_NODE_TRACE_H
#define VETHLAB_BPF_NODE_TRACE_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/match.h"
#include "bpf/end_lookup.h"
#include "bpf/skb.h"
#include "bpf/vethlab.h"

const volatile __u32 n_ends = 0;
const volatile bool detail = false;
/* There are records of drops of ARP and of neighbour discovery, too, whoever asks whom. */
const volatile bool with_questions = false;
/* There are records of drops of any protocol: the filter has VL_F_ANY. */
const volatile bool with_others = false;
/* False on older kernels: they do not tell where a packet is consumed, and so not what took it. */
const volatile bool consume_tells_where = false;
/* Its part about packets is applied here; user space applies the part about places. */
const volatile struct vl_filter filter = {};
/* If the tracer is a ping: the node that it sends from, and its target (family 0: it is none). */
const volatile __u32 own_node = 0;
const volatile __u8 target_family = 0;
const volatile __u8 target[16] = {};

/* Inode number of a network namespace -> place of its node in the lab. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set before load */
	__type(key, __u32);
	__type(value, __u32);
} nodes SEC(".maps");

/* struct vl_drop (kind VL_STACK_DROP) and struct vl_stack. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024); /* set before load */
} records SEC(".maps");

/* Records that the ring had no room for, and packets that could not be read. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

/* The packet that came in last on this CPU: what the stack does next is about it. */
struct node_trace_taken {
	struct vl_event packet;
	__u64 task; /* pid and tgid that ran then: the same run until the CPU is done with the
		       packet */
	__u32 node, ifindex;
	__u32 netns; /* inode number */
	__u32 valid;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct node_trace_taken);
} taken_in SEC(".maps");

/*
 * Whether the CPU may still be at the packet that it took in last. If a process asks for a route
 * (RTM_GETROUTE), it is not: another task runs. net: the namespace of what happens now; NULL: not
 * known.
 */
static __always_inline bool is_at_taken(const struct node_trace_taken *taken, const struct net *net)
{
	return taken->valid && taken->task == bpf_get_current_pid_tgid() &&
	       (!net || net->ns.inum == taken->netns);
}

static __always_inline bool same_address(const __u8 *a, const __u8 *b)
{
	return *(const __u64 *)a == *(const __u64 *)b &&
	       *(const __u64 *)(a + 8) == *(const __u64 *)(b + 8);
}

/* A constant that is set before load: the compiler must not take it for the zeros in the source. */
static __always_inline const void *as_loaded(const volatile void *constant)
{
	const void *p = (const void *)constant;

	asm volatile("" : "+r"(p));
	return p;
}

/* Whether a packet matches the tracer's filter, but for the place. */
static __always_inline bool wanted(const struct vl_event *ev)
{
	if (ev->flags & VL_EV_OTHER)
		return match_other(as_loaded(&filter), ev);
	if (ev->flags & VL_EV_FLOW)
		return match_flow(as_loaded(&filter), ev);
	return match_packet(as_loaded(&filter), ev, packet_class(ev));
}

/* Whether a VL_EV_OTHER is ICMP after all, so that it gets its record as such. */
static __always_inline bool is_other_icmp(const struct vl_event *ev)
{
	return ip_is_icmp(ev->family, ev->other.protocol) && !(ev->flags & VL_EV_CUT);
}

static __always_inline bool is_request(const struct vl_event *ev)
{
	return packet_class(ev) == VL_ICMP_ECHO_REQUEST;
}

static __always_inline __u32 *node_of_net(const struct net *net)
{
	__u32 inode = net ? net->ns.inum : 0;

	return bpf_map_lookup_elem(&nodes, &inode);
}

/*
 * The node that a packet is in, by its device; on its way out, before a route has named a device,
 * by its socket. NULL: it is in none of the lab, or has neither.
 */
static __always_inline __u32 *node_of_packet(const struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct sock *sk = skb->sk;

	if (dev)
		return node_of_net(dev->nd_net.net);
	return sk ? node_of_net(sk->__sk_common.skc_net.net) : NULL;
}

/* Fill what all records begin with. dev: the device that it is about, or NULL. */
static __always_inline void stamp(struct vl_drop *at, enum vl_stack_kind kind, __u32 node,
				  const struct net_device *dev)
{
	at->packet.time_ns = bpf_ktime_get_ns();
	at->packet.cpu = bpf_get_smp_processor_id();
	at->packet.hook = VL_HOOKS;
	at->packet.end = VL_NO_END;
	if (dev) {
		at->ifindex = dev->ifindex;
		at->packet.end = place_end(dev->nd_net.net->ns.inum, at->ifindex);
	}
	if (at->packet.end >= n_ends)
		at->packet.end = VL_NO_END;
	at->node = node;
	at->kind = kind;
}

/* As stamp(), of a drop: skb, and where and why the kernel dropped it. */
static __always_inline void stamp_drop(struct vl_drop *at, enum vl_stack_kind kind, __u32 node,
				       const struct sk_buff *skb, const void *location, int reason)
{
	stamp(at, kind, node, skb->dev);
	at->packet.len = skb->len;
	at->reason = reason;
	at->location = (__u64)location;
}

/* A record could not be made, or the ring has no room for it. */
static __always_inline void count_lost(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&lost, &zero);

	if (count)
		(*count)++;
}

static __always_inline void give(const void *record, __u32 size)
{
	/* User space reads at intervals: a wake-up would cost more than the record. */
	if (bpf_ringbuf_output(&records, (void *)record, size, BPF_RB_NO_WAKEUP))
		count_lost();
}

#endif
