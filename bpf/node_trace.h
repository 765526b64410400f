/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node_trace.h - what the programs in the stacks of a lab's nodes share: which nodes and packets
 * they tell of, and the ring that they tell it to.
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
/* Drops of ARP and of neighbour discovery, too, whoever asks whom. */
const volatile bool with_questions = false;
/* Drops of any protocol: the filter has VL_F_ANY. */
const volatile bool with_others = false;
/* Older kernels do not tell where a packet is consumed: then nobody can tell who took it. */
const volatile bool consume_tells_where = false;
/* Of it, what is about packets counts; places are user space's. */
const volatile struct vl_filter filter = {};
/* A ping's own: where it asks, and whom (family 0: no ping). */
const volatile __u32 own_node = 0;
const volatile __u8 target_family = 0;
const volatile __u8 target[16] = {};

/* Inode of a namespace -> place of its node in the lab. */
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

/* The packet that this CPU took in last: what the stack does next, it does with this one. */
struct node_trace_taken {
	struct vl_event packet;
	__u64 task; /* pid and tgid that the CPU had then: they stay until it is done with the
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
 * Whether the CPU may still be at the packet that it took in last. Where a process asks for a route
 * (RTM_GETROUTE), that packet is long gone. net: where something happens now; NULL if not known.
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

/* The compiler must not take what is set before the load for the zeros that it is now. */
static __always_inline const void *as_loaded(const volatile void *constant)
{
	const void *p = (const void *)constant;

	asm volatile("" : "+r"(p));
	return p;
}

static __always_inline bool wanted(const struct vl_event *ev)
{
	if (ev->flags & VL_EV_OTHER)
		return match_other(as_loaded(&filter), ev);
	if (ev->flags & VL_EV_FLOW)
		return match_flow(as_loaded(&filter), ev);
	return match_packet(as_loaded(&filter), ev, packet_class(ev));
}

/* What records of ICMP are about. */
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

/* A packet on its way out has a socket before the route has named a device. */
static __always_inline __u32 *node_of_packet(const struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct sock *sk = skb->sk;

	if (dev)
		return node_of_net(dev->nd_net.net);
	return sk ? node_of_net(sk->__sk_common.skc_net.net) : NULL;
}

/* dev: the device that it is about, or NULL. */
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

/* As stamp(), and what the kernel says of a drop. */
static __always_inline void stamp_drop(struct vl_drop *at, enum vl_stack_kind kind, __u32 node,
				       const struct sk_buff *skb, const void *location, int reason)
{
	stamp(at, kind, node, skb->dev);
	at->packet.len = skb->len;
	at->reason = reason;
	at->location = (__u64)location;
}

/* A record that cannot be given. */
static __always_inline void count_lost(void)
{
	__u32 zero = 0;
	__u64 *count = bpf_map_lookup_elem(&lost, &zero);

	if (count)
		(*count)++;
}

static __always_inline void give(const void *record, __u32 size)
{
	/* User space looks by the clock: a wake-up costs more than the record. */
	if (bpf_ringbuf_output(&records, (void *)record, size, BPF_RB_NO_WAKEUP))
		count_lost();
}

#endif
