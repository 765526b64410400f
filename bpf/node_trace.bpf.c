// SPDX-License-Identifier: GPL-2.0-only
/*
 * node_trace.bpf.c - what the stacks of a lab's nodes do with ICMP packets between two ends, and
 * which packets of other protocols they drop (bpf/node_trace_any.h). Each tracer loads and attaches
 * these programs for itself, and they end with it: they cost nothing while nobody traces. A kernel
 * that lacks some of these tracepoints runs the programs of the others (user/watch/node_trace.c).
 *
 * Without `detail` there are records of drops, of the last route that was looked up before a drop,
 * of neighbours and of ICMP errors. A packet that is forwarded or delivered has none, unless a node
 * takes it in by a device that is no end (a macvlan upon another node's end).
 */
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/node_trace.h"
#include "bpf/node_trace_any.h"
#include "bpf/node_trace_route.h"
#include "bpf/question.h"

char LICENSE[] SEC("license") = "GPL";

/* The last packet about which this CPU made an ICMP error (its address): it is dropped next. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} reported SEC(".maps");

enum {
	IFF_LOOPBACK = 1 << 3,
	RT_SCOPE_NOWHERE = 255,
	ERROR_AGAIN = 11,
	ERROR_ACCESS = 13,
	ERROR_INVALID = 22,
	ERROR_NET_UNREACHABLE = 101,
	ERROR_HOST_UNREACHABLE = 113,
};

enum { /* include/uapi/linux/rtnetlink.h */
       RTN_LOCAL = 2,
       RTN_BLACKHOLE = 6,
       RTN_UNREACHABLE = 7,
       RTN_PROHIBIT = 8,
};

enum { /* include/uapi/linux/neighbour.h */
       NUD_INCOMPLETE = 0x01,
       NUD_FAILED = 0x20,
       NUD_VALID = 0xde,
};

enum { NEIGH_PARM_UCAST_PROBES = 1 }; /* include/net/neighbour.h: NEIGH_VAR_UCAST_PROBES */

/* ---- routes ---------------------------------------------------------------------------------- */

SEC("tp_btf/fib_table_lookup")
int BPF_PROG(on_route, __u32 table, const struct flowi4 *flow, const struct fib_nh_common *nhc,
	     int error)
{
	struct vl_stack r = {};
	const struct net_device *dev = NULL;
	const struct net *net = NULL;

	(void)ctx;
	r.at.packet.family = 4;
	*(__be32 *)r.at.packet.src = flow->saddr;
	*(__be32 *)r.at.packet.dst = flow->daddr;
	r.table = table;
	r.error = error;
	r.code = error == -ERROR_AGAIN		    ? VL_ROUTE_NONE
		 : error == -ERROR_INVALID	    ? VL_ROUTE_BLACKHOLE
		 : error == -ERROR_HOST_UNREACHABLE ? VL_ROUTE_UNREACHABLE
		 : error == -ERROR_ACCESS	    ? VL_ROUTE_PROHIBIT
						    : VL_ROUTE_UNICAST;
	if (nhc) {
		dev = nhc->nhc_dev;
		if (!error && nhc->nhc_scope == RT_SCOPE_NOWHERE)
			r.code = VL_ROUTE_LOCAL;
		if (nhc->nhc_gw_family) {
			r.next_family = nhc->nhc_gw_family == 2 ? 4 : 6;
			bpf_probe_read_kernel(r.next, r.next_family == 4 ? 4 : 16, &nhc->nhc_gw);
		}
	}
	if (dev) {
		net = dev->nd_net.net;
		bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	}
	tell_route(&r, net, dev, flow->__fl_common.flowic_iif, flow->__fl_common.flowic_proto);
	return 0;
}

SEC("tp_btf/fib6_table_lookup")
int BPF_PROG(on_route6, const struct net *net, const struct fib6_result *result,
	     struct fib6_table *table, const struct flowi6 *flow)
{
	struct vl_stack r = {};
	const struct fib6_nh *nh = result->nh;
	const struct net_device *dev = NULL;

	(void)ctx;
	r.at.packet.family = 6;
	bpf_probe_read_kernel(r.at.packet.src, 16, &flow->saddr);
	bpf_probe_read_kernel(r.at.packet.dst, 16, &flow->daddr);
	r.table = table->tb6_id;
	if (result->f6i == net->ipv6.fib6_null_entry) {
		r.code = VL_ROUTE_NONE;
		r.error = -ERROR_NET_UNREACHABLE;
	} else if (result->fib6_type == RTN_BLACKHOLE) {
		r.code = VL_ROUTE_BLACKHOLE;
		r.error = -ERROR_INVALID;
	} else if (result->fib6_type == RTN_UNREACHABLE) {
		r.code = VL_ROUTE_UNREACHABLE;
		r.error = -ERROR_HOST_UNREACHABLE;
	} else if (result->fib6_type == RTN_PROHIBIT) {
		r.code = VL_ROUTE_PROHIBIT;
		r.error = -ERROR_ACCESS;
	} else {
		r.code = result->fib6_type == RTN_LOCAL ? VL_ROUTE_LOCAL : VL_ROUTE_UNICAST;
		if (nh)
			dev = nh->nh_common.nhc_dev;
		if (nh && nh->nh_common.nhc_gw_family) {
			r.next_family = 6;
			bpf_probe_read_kernel(r.next, 16, &nh->nh_common.nhc_gw);
		}
	}
	if (dev)
		bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	tell_route(&r, net, dev, flow->__fl_common.flowic_iif, flow->__fl_common.flowic_proto);
	return 0;
}

/* ---- packets --------------------------------------------------------------------------------- */

static __always_inline bool is_no_socket(int reason)
{
	return reason == (int)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NO_SOCKET);
}

/*
 * Whether a drop is no loss: raw sockets have got their copies of an ICMP message, and then the
 * kernel finds no ping socket for it and drops it as NO_SOCKET. That happens to each answer of each
 * ping that has a raw socket.
 */
static __always_inline bool is_end_of_answer(const struct vl_event *ev, int reason)
{
	return !(ev->flags & VL_EV_FLOW) && !is_request(ev) && is_no_socket(reason);
}

/*
 * Whether the drop of a packet that is no ICMP gets a record: only if an ICMP error was made about
 * it, or if it is UDP without a socket, about which an error is made. Older kernels have no
 * tracepoint where errors are made, and no kernel has one for those of IPv6.
 */
static __always_inline bool flow_counts(const struct sk_buff *skb, const struct vl_event *ev,
					int reason)
{
	__u32 zero = 0;
	__u64 *last = bpf_map_lookup_elem(&reported, &zero);
	bool was_reported = last && *last == (__u64)skb;

	if (was_reported)
		*last = 0;
	return was_reported || (ev->quote.proto == PROTO_UDP && is_no_socket(reason));
}

/*
 * Write a record if the packet that is dropped asks for a neighbour's address, or answers that: an
 * echo may wait for it. Not inlined: with its record and that of on_drop() in one frame too little
 * of the 512 bytes of stack is left for the functions that read a packet.
 */
static __noinline bool tell_question(const struct sk_buff *skb, const struct vl_event *ev,
				     __u32 node, void *location, int reason)
{
	const struct net_device *dev = skb->dev;
	struct vl_stack r = {};

	if (!read_question(skb, ev, &r))
		return false;
	r.at.packet.flags = VL_EV_LOOSE;
	stamp_drop(&r.at, VL_STACK_QUESTION, node, skb, location, reason);
	if (dev)
		bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
	return true;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(on_drop, struct sk_buff *skb, void *location, int reason)
{
	struct vl_drop drop = {};
	bool icmp;
	__u32 *node;

	(void)ctx;
	node = node_of_packet(skb);
	if (!node)
		return 0;
	icmp = read_packet(skb, &drop.packet);
	if (with_questions && tell_question(skb, &drop.packet, *node, location, reason))
		return 0;
	if (!icmp && with_others)
		return 0; /* on_other_drop() makes its record */
	if (!icmp && !(read_flow(skb, &drop.packet) && flow_counts(skb, &drop.packet, reason)))
		return 0;
	if (!wanted(&drop.packet) || is_end_of_answer(&drop.packet, reason))
		return 0;
	tell_last(&drop.packet, *node, skb->skb_iif, false);
	stamp_drop(&drop, VL_STACK_DROP, *node, skb, location, reason);
	give(&drop, sizeof(drop));
	return 0;
}

/* Whether dev is no end: a macvlan, say, upon an end of another node. */
static __always_inline bool is_no_end(const struct net_device *dev)
{
	return dev && !(dev->flags & IFF_LOOPBACK) &&
	       place_end(dev->nd_net.net->ns.inum, dev->ifindex) >= n_ends;
}

/* The kernel's own ICMP has taken a packet, and has answered it or could not. */
SEC("tp_btf/consume_skb")
int BPF_PROG(on_consume, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct vl_stack r = {};
	struct looked_up *last;
	bool all = detail || is_no_end(dev);
	__u32 zero = 0, *node;

	last = bpf_map_lookup_elem(&look_ups, &zero);
	if (!last || (!all && (!last->record.at.packet.family || !last->record.error)))
		return 0;
	node = node_of_packet(skb);
	if (!node || !read_packet(skb, &r.at.packet) || !wanted(&r.at.packet) ||
	    packet_class(&r.at.packet) == VL_ICMP_ECHO_REPLY)
		return 0;
	tell_last(&r.at.packet, *node, skb->skb_iif, true);
	if (!all || !consume_tells_where)
		return 0;
	stamp(&r.at, VL_STACK_DELIVER, *node, dev);
	r.at.packet.len = skb->len;
	r.at.location = ctx[1];
	if (dev)
		bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
	return 0;
}

/* A packet came in by lo: its node sent it to an address of its own. */
static __always_inline void tell_loopback(const struct sk_buff *skb,
					  const struct node_trace_taken *taken)
{
	const struct net_device *dev = skb->dev;
	struct vl_stack r = {};

	r.at.packet = taken->packet;
	stamp(&r.at, VL_STACK_LOOPBACK, taken->node, dev);
	r.at.packet.len = skb->len;
	bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
}

/* Attached with detail only: a packet comes into a stack, after XDP and before tc. */
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(on_receive, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct node_trace_taken *taken;
	__u32 zero = 0, *node;

	(void)ctx;
	taken = bpf_map_lookup_elem(&taken_in, &zero);
	if (!taken)
		return 0;
	taken->valid = false;
	node = node_of_net(dev->nd_net.net);
	if (!node)
		return 0;
	__builtin_memset(&taken->packet, 0, sizeof(taken->packet));
	if (!read_packet(skb, &taken->packet) || !wanted(&taken->packet))
		return 0;
	taken->task = bpf_get_current_pid_tgid();
	taken->node = *node;
	taken->ifindex = dev->ifindex;
	taken->netns = dev->nd_net.net->ns.inum;
	taken->valid = true;
	if (dev->flags & IFF_LOOPBACK)
		tell_loopback(skb, taken);
	return 0;
}

/* Attached with detail only: a process reads a packet from its socket. */
SEC("tp_btf/skb_copy_datagram_iovec")
int BPF_PROG(on_read, const struct sk_buff *skb, int len)
{
	struct sock *sk = skb->sk;
	struct vl_stack r = {};
	__u32 *node;

	(void)ctx;
	(void)len;
	node = sk ? node_of_net(sk->__sk_common.skc_net.net) : NULL;
	if (!node || !read_packet(skb, &r.at.packet) || !wanted(&r.at.packet))
		return 0;
	stamp(&r.at, VL_STACK_DELIVER, *node, NULL);
	r.at.packet.len = skb->len;
	r.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(r.name, sizeof(r.name));
	give(&r, sizeof(r));
	return 0;
}

SEC("tp_btf/icmp_send")
int BPF_PROG(on_icmp, const struct sk_buff *skb, int type, int code)
{
	struct net_device *dev = skb->dev;
	struct vl_stack r = {};
	__u32 zero = 0, *node;
	__u64 *last;

	(void)ctx;
	node = node_of_packet(skb);
	if (!node || !(read_packet(skb, &r.at.packet) || read_flow(skb, &r.at.packet)) ||
	    !wanted(&r.at.packet))
		return 0;
	last = bpf_map_lookup_elem(&reported, &zero);
	if (last && r.at.packet.flags & VL_EV_FLOW)
		*last = (__u64)skb;
	if (detail)
		tell_error_route(&r.at.packet, *node);
	stamp(&r.at, VL_STACK_ICMP, *node, dev);
	r.what = type;
	r.code = code;
	give(&r, sizeof(r));
	return 0;
}

/* ---- neighbours and bridges ------------------------------------------------------------------ */

/*
 * Fill ev from the packet that has just begun to wait for a neighbour: the last one of the queue.
 * False: the queue is empty by now, or the packet does not match the filter; ev may be filled in
 * part.
 */
static __always_inline bool read_waiting(const struct neighbour *n, struct vl_event *ev)
{
	const struct sk_buff *skb = n->arp_queue.prev;

	return n->arp_queue.qlen && read_packet(skb, ev) && wanted(ev);
}

/*
 * How often a neighbour was asked. For a neighbour whose address it does not know the kernel's
 * count begins at the number of unicast probes, as if those had been sent (__neigh_event_send).
 */
static __always_inline __u8 times_asked(const struct neighbour *n)
{
	int probes = n->probes.counter, known = n->parms->data[NEIGH_PARM_UCAST_PROBES];

	return probes > known ? probes - known : probes;
}

static __always_inline void tell_neighbor(const struct neighbour *n, enum vl_neighbor_news news,
					  const __u8 *mac)
{
	const struct net_device *dev = n->dev;
	struct vl_stack r = {};
	bool v4 = n->tbl->family == 2; /* AF_INET */
	__u32 *node = dev ? node_of_net(dev->nd_net.net) : NULL;

	if (!node)
		return;
	if (news != VL_NEIGHBOR_ASKED || !read_waiting(n, &r.at.packet)) {
		__builtin_memset(&r.at.packet, 0, sizeof(r.at.packet));
		r.at.packet.family = v4 ? 4 : 6;
		r.at.packet.flags = VL_EV_LOOSE;
	}
	stamp(&r.at, VL_STACK_NEIGHBOR, *node, dev);
	r.what = news;
	r.code = n->probes.counter;
	r.asked = times_asked(n);
	r.next_family = v4 ? 4 : 6;
	bpf_probe_read_kernel(r.next, v4 ? 4 : 16, n->primary_key);
	if (mac)
		bpf_probe_read_kernel(r.mac, 6, mac);
	bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
}

/* waits is not 0: a packet is queued until the neighbour's address is known. */
SEC("tp_btf/neigh_event_send_done")
int BPF_PROG(on_ask, struct neighbour *n, int waits)
{
	(void)ctx;
	if (waits)
		tell_neighbor(n, VL_NEIGHBOR_ASKED, NULL);
	return 0;
}

SEC("tp_btf/neigh_timer_handler")
int BPF_PROG(on_timer, struct neighbour *n, int error)
{
	(void)ctx;
	(void)error;
	if (n->nud_state == NUD_INCOMPLETE)
		tell_neighbor(n, VL_NEIGHBOR_AGAIN, NULL);
	else if (n->nud_state == NUD_FAILED)
		tell_neighbor(n, VL_NEIGHBOR_FAILED, NULL);
	return 0;
}

/* The tracepoint is hit before the entry changes: nud_state is the old state, state the new. */
SEC("tp_btf/neigh_update")
int BPF_PROG(on_neighbor, struct neighbour *n, const __u8 *mac, __u8 state)
{
	__u8 before = n->nud_state;

	(void)ctx;
	if (state & NUD_VALID && !(before & NUD_VALID))
		tell_neighbor(n,
			      before == NUD_INCOMPLETE ? VL_NEIGHBOR_ANSWERED : VL_NEIGHBOR_LEARNED,
			      mac);
	return 0;
}

/*
 * Attached with detail only: a bridge learns a MAC address. It learned it from the packet that this
 * CPU took in last, if that is an ICMP packet that came in by the same port.
 */
SEC("tp_btf/br_fdb_update")
int BPF_PROG(on_learn, struct net_bridge *br, struct net_bridge_port *port, const __u8 *mac)
{
	const struct net_device *dev = port ? port->dev : NULL;
	struct vl_stack r = {};
	struct node_trace_taken *taken;
	__u32 zero = 0, *node;

	(void)ctx;
	(void)br;
	node = dev ? node_of_net(dev->nd_net.net) : NULL;
	taken = bpf_map_lookup_elem(&taken_in, &zero);
	if (!node || !taken)
		return 0;
	r.at.packet.flags = VL_EV_LOOSE;
	if (is_at_taken(taken, dev->nd_net.net) && taken->ifindex == (__u32)dev->ifindex)
		r.at.packet = taken->packet;
	stamp(&r.at, VL_STACK_LEARN, *node, dev);
	bpf_probe_read_kernel(r.mac, 6, mac);
	bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
	return 0;
}
