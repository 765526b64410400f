// SPDX-License-Identifier: GPL-2.0-only
/*
 * stack.bpf.c - what the stacks of a lab's nodes do with ICMP packets between two ends. Loaded
 * and attached by a tracer for itself, and gone with it: nobody tracing costs nothing. A kernel
 * that has not all of these tracepoints runs the others (user/watch/stack.c).
 *
 * Without `detail` a packet that gets on leaves no record here: only drops, the route that was
 * looked up last before one, neighbours and ICMP errors do.
 */
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/match.h"
#include "bpf/places.h"
#include "bpf/skb.h"
#include "bpf/vethlab.h"

char LICENSE[] SEC("license") = "GPL";

const volatile __u32 n_ends = 0;
const volatile bool detail = false;
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

/* Records that the ring had no room for. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

/* The packet that this CPU took in last: what the stack does next, it does with this one. */
struct taken {
	struct vl_event packet;
	__u32 node, ifindex;
	__u32 valid;
	__u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct taken);
} taken_in SEC(".maps");

/*
 * A look-up that this CPU did and that no record told of; family 0: none. The last one, and the
 * last one that may be for an ICMP error: the kernel tells of the error after that.
 */
struct looked_up {
	struct vl_stack record;
	__u32 iif, proto;
};

/* The packet about which this CPU made an ICMP error last: it is dropped next. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} reported SEC(".maps");

enum { LOOKED_UP_LAST, LOOKED_UP_ERROR, LOOKED_UP };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOOKED_UP);
	__type(key, __u32);
	__type(value, struct looked_up);
} look_ups SEC(".maps");

enum {
	LOOPBACK_IFINDEX = 1,
	IFF_LOOPBACK = 1 << 3,
	RT_SCOPE_NOWHERE = 255,
	LOOK_UP_AGE_NS = 1000000, /* a drop that comes later is about something else */
	/* A look-up that failed, or that was for an ICMP error, is seldom: here what it is about is told
	 * by addresses, and a machine that is emulated or busy is given its time. */
	SELDOM_AGE_NS = 100000000,
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
	if (ev->flags & VL_EV_FLOW)
		return flow_matches(as_loaded(&filter), ev);
	return packet_matches(as_loaded(&filter), ev, packet_class(ev));
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

static __always_inline void give(const void *record, __u32 size)
{
	__u32 zero = 0;
	__u64 *count;

	/* User space looks by the clock: a wake-up costs more than the record. */
	if (!bpf_ringbuf_output(&records, (void *)record, size, BPF_RB_NO_WAKEUP))
		return;
	count = bpf_map_lookup_elem(&lost, &zero);
	if (count)
		(*count)++;
}

/* ---- routes ---------------------------------------------------------------------------------- */

/* What a look-up is for, given the packet that the CPU is at. False: it is for something else. */
static __always_inline bool route_use(const struct vl_event *flow, __u32 iif, __u32 proto,
				      const struct taken *taken, __u8 *use)
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
	if (proto == (packet->family == 4 ? PROTO_ICMP : PROTO_ICMPV6)) {
		*use = VL_ROUTE_ANSWER;
		return is_request(packet) && same_address(flow->src, packet->dst);
	}
	*use = VL_ROUTE_SOURCE;
	return !proto && same_address(flow->src, packet->dst);
}

/* r is about that packet. The addresses stay those that were looked up. */
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

/* Whose look-up it is if no packet is known: of one that a process is about to send. */
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
	return addresses_match(as_loaded(&filter), flow) &&
	       !(filter.fields & VL_F_FAMILY && filter.family != flow->family);
}

/* r: all that the look-up says; its packet has the flow's family and addresses. */
static __always_inline void tell_route(struct vl_stack *r, const struct net *net,
				       const struct net_device *dev, __u32 iif, __u32 proto)
{
	struct looked_up *last;
	struct taken *taken;
	__u32 zero = 0, node = 0;

	last = bpf_map_lookup_elem(&look_ups, &zero);
	taken = bpf_map_lookup_elem(&taken_in, &zero);
	if (!last || !taken)
		return;
	last->record.at.packet.family = 0;
	if (detail && taken->valid &&
	    route_use(&r->at.packet, iif, proto, taken, &r->what)) {
		stamp(&r->at, VL_STACK_ROUTE, taken->node, dev);
		bind(r, &taken->packet);
		give(r, sizeof(*r));
		return;
	}
	stamp(&r->at, VL_STACK_ROUTE, 0, dev);
	if (detail && taken->valid && iif == LOOPBACK_IFINDEX && proto &&
	    same_address(r->at.packet.dst, taken->packet.src)) {
		zero = LOOKED_UP_ERROR;
		last = bpf_map_lookup_elem(&look_ups, &zero);
		/* Without a source: later ones look at where the error would have come in. */
		if (last && !*(__u64 *)r->at.packet.src)
			last->record = *r;
		return;
	}
	if (detail && iif == LOOPBACK_IFINDEX &&
	    proto == (r->at.packet.family == 4 ? PROTO_ICMP : PROTO_ICMPV6) &&
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
}

/*
 * A packet comes to its end: the look-up right before it tells why, or how far it got. iif: of the
 * packet, 0 if it was made here.
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
	if (r->at.packet.family != packet->family)
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

/* An ICMP error about a packet is made: the look-up of its way was one of those right before. */
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
	r.code = error == -ERROR_AGAIN ? VL_ROUTE_NONE :
		 error == -ERROR_INVALID ? VL_ROUTE_BLACKHOLE :
		 error == -ERROR_HOST_UNREACHABLE ? VL_ROUTE_UNREACHABLE :
		 error == -ERROR_ACCESS ? VL_ROUTE_PROHIBIT : VL_ROUTE_UNICAST;
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
	tell_route(&r, net, dev, flow->__fl_common.flowic_iif,
		   flow->__fl_common.flowic_proto);
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
	tell_route(&r, net, dev, flow->__fl_common.flowic_iif,
		   flow->__fl_common.flowic_proto);
	return 0;
}

/* ---- packets --------------------------------------------------------------------------------- */

static __always_inline bool is_no_socket(int reason)
{
	return reason == (int)bpf_core_enum_value(enum skb_drop_reason, SKB_DROP_REASON_NO_SOCKET);
}

/*
 * Raw sockets get copies of ICMP messages; then the kernel looks for a ping socket and, if there
 * is none, lets go of the answer as NO_SOCKET. That happens to each answer of each ping.
 */
static __always_inline bool is_end_of_answer(const struct vl_event *ev, int reason)
{
	return !(ev->flags & VL_EV_FLOW) && !is_request(ev) && is_no_socket(reason);
}

/*
 * Of what is no ICMP, only that is told which an ICMP error is about, or would be: kernels before
 * 6.10 do not tell of errors, nor does any of those of IPv6.
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

SEC("tp_btf/kfree_skb")
int BPF_PROG(on_drop, struct sk_buff *skb, void *location, int reason)
{
	struct net_device *dev = skb->dev;
	struct vl_drop drop = {};
	__u32 *node;

	(void)ctx;
	node = node_of_packet(skb);
	if (!node)
		return 0;
	if (!read_packet(skb, &drop.packet) &&
	    !(read_flow(skb, &drop.packet) && flow_counts(skb, &drop.packet, reason)))
		return 0;
	if (!wanted(&drop.packet) || is_end_of_answer(&drop.packet, reason))
		return 0;
	tell_last(&drop.packet, *node, skb->skb_iif, false);
	stamp(&drop, VL_STACK_DROP, *node, dev);
	drop.packet.len = skb->len;
	drop.reason = reason;
	drop.location = (__u64)location;
	give(&drop, sizeof(drop));
	return 0;
}

/* The kernel's own ICMP has taken a packet, or could not answer it. */
SEC("tp_btf/consume_skb")
int BPF_PROG(on_consume, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct vl_stack r = {};
	struct looked_up *last;
	__u32 zero = 0, *node;

	last = bpf_map_lookup_elem(&look_ups, &zero);
	if (!last || (!detail && (!last->record.at.packet.family || !last->record.error)))
		return 0;
	node = node_of_packet(skb);
	if (!node || !read_packet(skb, &r.at.packet) || !wanted(&r.at.packet) ||
	    packet_class(&r.at.packet) == VL_ICMP_ECHO_REPLY)
		return 0;
	tell_last(&r.at.packet, *node, skb->skb_iif, true);
	if (!detail || !consume_tells_where)
		return 0;
	stamp(&r.at, VL_STACK_DELIVER, *node, dev);
	r.at.packet.len = skb->len;
	r.at.location = ctx[1];
	give(&r, sizeof(r));
	return 0;
}

/* With detail only: a packet comes into a stack, after XDP and before tc. */
SEC("tp_btf/netif_receive_skb")
int BPF_PROG(on_receive, struct sk_buff *skb)
{
	struct net_device *dev = skb->dev;
	struct vl_stack r = {};
	struct taken *taken;
	__u32 zero = 0, *node;

	(void)ctx;
	taken = bpf_map_lookup_elem(&taken_in, &zero);
	if (!taken)
		return 0;
	taken->valid = false;
	node = node_of_net(dev->nd_net.net);
	if (!node || !read_packet(skb, &r.at.packet) || !wanted(&r.at.packet))
		return 0;
	taken->packet = r.at.packet;
	taken->node = *node;
	taken->ifindex = dev->ifindex;
	taken->valid = true;
	if (!(dev->flags & IFF_LOOPBACK))
		return 0;
	stamp(&r.at, VL_STACK_LOOPBACK, *node, dev);
	r.at.packet.len = skb->len;
	bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
	return 0;
}

/* With detail only: a process reads a packet from its socket. */
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

static __always_inline void tell_neighbor(const struct neighbour *n, enum vl_neighbor_news news,
					  const __u8 *mac)
{
	const struct net_device *dev = n->dev;
	struct vl_stack r = {};
	bool v4 = n->tbl->family == 2; /* AF_INET */
	__u32 *node = dev ? node_of_net(dev->nd_net.net) : NULL;

	if (!node)
		return;
	r.at.packet.family = v4 ? 4 : 6;
	r.at.packet.flags = VL_EV_LOOSE;
	stamp(&r.at, VL_STACK_NEIGHBOR, *node, dev);
	r.what = news;
	r.code = n->probes.counter;
	r.next_family = r.at.packet.family;
	bpf_probe_read_kernel(r.next, v4 ? 4 : 16, n->primary_key);
	if (mac)
		bpf_probe_read_kernel(r.mac, 6, mac);
	bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
}

/* waits: the packet is kept until the neighbour's address is known. */
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

/* Called before the entry changes. */
SEC("tp_btf/neigh_update")
int BPF_PROG(on_neighbor, struct neighbour *n, const __u8 *mac, __u8 state)
{
	__u8 before = n->nud_state;

	(void)ctx;
	if (state & NUD_VALID && !(before & NUD_VALID))
		tell_neighbor(n,
			      before == NUD_INCOMPLETE ? VL_NEIGHBOR_ANSWERED :
							 VL_NEIGHBOR_LEARNED,
			      mac);
	return 0;
}

/* With detail only. The packet that taught it is the one that the CPU took in, if that is ICMP. */
SEC("tp_btf/br_fdb_update")
int BPF_PROG(on_learn, struct net_bridge *br, struct net_bridge_port *port, const __u8 *mac)
{
	const struct net_device *dev = port ? port->dev : NULL;
	struct vl_stack r = {};
	struct taken *taken;
	__u32 zero = 0, *node;

	(void)ctx;
	(void)br;
	node = dev ? node_of_net(dev->nd_net.net) : NULL;
	taken = bpf_map_lookup_elem(&taken_in, &zero);
	if (!node || !taken)
		return 0;
	r.at.packet.flags = VL_EV_LOOSE;
	if (taken->valid && taken->ifindex == (__u32)dev->ifindex)
		r.at.packet = taken->packet;
	stamp(&r.at, VL_STACK_LEARN, *node, dev);
	bpf_probe_read_kernel(r.mac, 6, mac);
	bpf_probe_read_kernel(r.name, sizeof(r.name), dev->name);
	give(&r, sizeof(r));
	return 0;
}

/* ---- frames ---------------------------------------------------------------------------------- */

/* The node that a packet was routed to, or out of: a TCP socket has taken the device off. */
static __always_inline __u32 *node_of_route(const struct sk_buff *skb)
{
	struct dst_entry *dst = (struct dst_entry *)(skb->_skb_refdst & ~1ul);
	__u32 inode = dst ? BPF_CORE_READ(dst, dev, nd_net.net, ns.inum) : 0;

	return bpf_map_lookup_elem(&nodes, &inode);
}

/* A capture's, alone: drops of any protocol. User space reads the bytes as it reads frames. */
SEC("tp_btf/kfree_skb")
int BPF_PROG(on_frame_drop, struct sk_buff *skb, void *location, int reason)
{
	struct net_device *dev = skb->dev;
	struct vl_frame_drop drop = {};
	__u32 *node;

	(void)ctx;
	node = node_of_packet(skb);
	if (!node && !dev)
		node = node_of_route(skb);
	if (!node || bpf_probe_read_kernel(drop.bytes, sizeof(drop.bytes),
					   skb->head + skb->network_header))
		return 0;
	stamp(&drop.at, VL_STACK_DROP, *node, dev);
	drop.at.packet.len = skb->len;
	drop.at.reason = reason;
	drop.at.location = (__u64)location;
	drop.protocol = bpf_ntohs(skb->protocol);
	give(&drop, sizeof(drop));
	return 0;
}
