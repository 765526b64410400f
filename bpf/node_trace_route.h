/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * node_trace_route.h - what a route was looked up for. The kernel does not say for which packet it
 * looks up a route: it is joined to the packet that the CPU is at, or to the packet that is dropped
 * or consumed right after it.
 */
#ifndef VETHLAB_BPF_NODE_TRACE_ROUTE_H
#define VETHLAB_BPF_NODE_TRACE_ROUTE_H

#include "bpf/node_trace.h"

/*
 * A look-up of this CPU for which there is no record yet; family 0: there is none. Kept are the
 * last one, and the last one that may be for an ICMP error, since the tracepoint of the error comes
 * after it.
 */
struct looked_up {
	struct vl_stack record;
	__u32 iif, proto;
	__u32 netns; /* inode number; 0: not known */
};

enum { LOOKED_UP_LAST, LOOKED_UP_ERROR, LOOKED_UP };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOOKED_UP);
	__type(key, __u32);
	__type(value, struct looked_up);
} look_ups SEC(".maps");

enum {
	LOOPBACK_IFINDEX = 1,
	LOOK_UP_AGE_NS = 1000000, /* a drop that comes later is about something else */
	/* For look-ups that failed or were for an ICMP error. These are seldom, so the addresses
	 * suffice to tell what they are for, and an emulated or busy machine may take so long. */
	SELDOM_AGE_NS = 100000000,
};

/* *use: what a look-up is for, if it is for the packet that the CPU is at. False: it is not. */
static __always_inline bool route_use(const struct vl_event *flow, __u32 iif, __u32 proto,
				      const struct node_trace_taken *taken, __u8 *use)
{
	const struct vl_event *packet = &taken->packet;

	if (flow->family != packet->family)
		return false;
	if (iif == taken->ifindex && iif != LOOPBACK_IFINDEX) { /* NAT may have changed addresses */
		*use = VL_ROUTE_FORWARD;
		return true;
	}
	if (!same_address(flow->dst, packet->src))
		return false;
	if (ip_is_icmp(packet->family, proto)) {
		*use = VL_ROUTE_ANSWER;
		return is_request(packet) && same_address(flow->src, packet->dst);
	}
	*use = VL_ROUTE_SOURCE;
	return !proto && same_address(flow->src, packet->dst);
}

/* Put into r which packet it is about. Its addresses stay those that were looked up. */
static __always_inline void bind(struct vl_stack *r, const struct vl_event *packet)
{
	struct vl_event *p = &r->at.packet;

	p->payload = packet->payload;
	p->len = packet->len;
	p->icmp_type = packet->icmp_type;
	p->icmp_code = packet->icmp_code;
	p->ttl = packet->ttl;
	p->flags = packet->flags;
	p->id = packet->id;
	p->seq = packet->seq;
	p->info = packet->info;
	p->quote = packet->quote;
}

/*
 * The node of a look-up for a packet that a process is about to send. False: no such node is known,
 * or the flow does not match the filter.
 */
static __always_inline bool sender_node(const struct vl_event *flow, const struct net *net,
					__u32 *node)
{
	const struct task_struct *task;
	const struct nsproxy *nsproxy;
	__u32 *found;

	if (target_family &&
	    (flow->family != target_family || !same_address(flow->dst, as_loaded(target))))
		return false;
	if (!net && target_family) {
		*node = own_node;
		return true;
	}
	if (!net) {
		task = (const struct task_struct *)bpf_get_current_task_btf();
		nsproxy = task->nsproxy;
		net = nsproxy ? nsproxy->net_ns : NULL;
	}
	found = node_of_net(net);
	if (!found)
		return false;
	*node = *found;
	return match_addresses(as_loaded(&filter), flow) &&
	       !(filter.fields & VL_F_FAMILY && filter.family != flow->family);
}

/*
 * Give the record of a look-up, or keep it until it is known what it is for. r: what the look-up
 * says; its packet has the flow's family and addresses.
 */
static __always_inline void tell_route(struct vl_stack *r, const struct net *net,
				       const struct net_device *dev, __u32 iif, __u32 proto)
{
	struct looked_up *last;
	struct node_trace_taken *taken;
	__u32 zero = 0, node = 0;
	bool at_taken;

	last = bpf_map_lookup_elem(&look_ups, &zero);
	taken = bpf_map_lookup_elem(&taken_in, &zero);
	if (!last || !taken)
		return;
	last->record.at.packet.family = 0;
	at_taken = detail && is_at_taken(taken, net);
	if (at_taken && route_use(&r->at.packet, iif, proto, taken, &r->what)) {
		stamp(&r->at, VL_STACK_ROUTE, taken->node, dev);
		bind(r, &taken->packet);
		give(r, sizeof(*r));
		return;
	}
	stamp(&r->at, VL_STACK_ROUTE, 0, dev);
	if (at_taken && iif == LOOPBACK_IFINDEX && proto &&
	    same_address(r->at.packet.dst, taken->packet.src)) {
		zero = LOOKED_UP_ERROR;
		last = bpf_map_lookup_elem(&look_ups, &zero);
		/* Only one without a source is for the error's own way: the kernel's later ones ask
		 * where the error would have come in. */
		if (last && !*(__u64 *)r->at.packet.src)
			last->record = *r;
		return;
	}
	if (detail && iif == LOOPBACK_IFINDEX && ip_is_icmp(r->at.packet.family, proto) &&
	    sender_node(&r->at.packet, net, &node)) {
		r->at.node = node;
		r->at.packet.flags = VL_EV_LOOSE;
		r->what = VL_ROUTE_SEND;
		give(r, sizeof(*r));
		return;
	}
	last->record = *r;
	last->iif = iif;
	last->proto = proto;
	last->netns = net ? net->ns.inum : 0;
}

/* Whether it was done in that node, as far as it is known where: this CPU has left another one
 * since. */
static __always_inline bool is_of_node(const struct looked_up *last, __u32 node)
{
	__u32 netns = last->netns, *found = bpf_map_lookup_elem(&nodes, &netns);

	return !netns || (found && *found == node);
}

/*
 * A packet was dropped or consumed: give the record of the look-up right before, if it was for this
 * packet. iif: of the packet, 0 if the node made it.
 */
static __always_inline void tell_last(const struct vl_event *packet, __u32 node, __u32 iif,
				      bool failed_only)
{
	struct looked_up *last;
	struct vl_stack *r;
	__u32 zero = 0;

	last = bpf_map_lookup_elem(&look_ups, &zero);
	if (!last || !last->record.at.packet.family || (failed_only && !last->record.error))
		return;
	r = &last->record;
	if (bpf_ktime_get_ns() - r->at.packet.time_ns > (r->error ? SELDOM_AGE_NS : LOOK_UP_AGE_NS))
		return;
	if (r->at.packet.family != packet->family || !is_of_node(last, node))
		return;
	if (same_address(r->at.packet.dst, packet->src))
		r->what = last->proto ? VL_ROUTE_ANSWER : VL_ROUTE_SOURCE;
	else if (last->iif == iif || same_address(r->at.packet.dst, packet->dst))
		r->what = iif ? VL_ROUTE_FORWARD : VL_ROUTE_SEND;
	else
		return;
	bind(r, packet);
	r->at.node = node;
	give(r, sizeof(*r));
	r->at.packet.family = 0;
}

/* An ICMP error about a packet is made: give the record of the look-up for the error's way. */
static __always_inline void tell_error_route(const struct vl_event *packet, __u32 node)
{
	__u32 key = LOOKED_UP_ERROR;
	struct looked_up *last = bpf_map_lookup_elem(&look_ups, &key);
	struct vl_stack *r;

	if (!last || last->record.at.packet.family != packet->family)
		return;
	r = &last->record;
	if (same_address(r->at.packet.dst, packet->src) &&
	    bpf_ktime_get_ns() - r->at.packet.time_ns < SELDOM_AGE_NS) {
		r->what = VL_ROUTE_ANSWER;
		r->at.node = node;
		bind(r, packet);
		give(r, sizeof(*r));
	}
	r->at.packet.family = 0;
}

#endif
