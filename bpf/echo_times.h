/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * echo_times.h - echoes followed from hook to hook: how long they took, and what became of them.
 *
 * One entry of `echoes` is a request on one link. It is made when the request leaves an end, and
 * found again when the request comes in at the other end, when the reply leaves that end, and when
 * the reply comes in. Another entry is a packet inside a node: it is made at the end where the
 * packet comes in, and found again at the end where it leaves.
 */
#ifndef VETHLAB_BPF_ECHO_TIMES_H
#define VETHLAB_BPF_ECHO_TIMES_H

#include "bpf/echo_entries.h"
#include "bpf/packet_record.h"

#define VL_TIMES_MAP(name)                                                                         \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                  \
		__uint(max_entries, 1); /* set before load */                                      \
		__type(key, __u32);                                                                \
		__type(value, struct vl_times);                                                    \
	} name SEC(".maps")

VL_TIMES_MAP(transit);
VL_TIMES_MAP(residence);
VL_TIMES_MAP(echo_rtt);

/* False: no echo is followed, and the verifier removes the code for it. */
const volatile bool follow_echoes = true;
/* The hook where replies that come in are counted: `in`, or xdp in a lab without `in`. */
const volatile __u8 arrival_hook = VL_HOOK_IN;

/*
 * Take ns as the longest or the shortest time, if it is. This is seldom called, so it is a global
 * function, which the verifier checks once.
 */
__noinline int times_extend(struct vl_times *times, __u64 ns)
{
	__u64 old;

	if (!times)
		return 0;
	for (int i = 0; i < 4; i++) { /* other CPUs may change it at the same time */
		old = *(volatile __u64 *)&times->max_ns;
		if (ns <= old || __sync_val_compare_and_swap(&times->max_ns, old, ns) == old)
			break;
	}
	for (int i = 0; i < 4; i++) {
		old = *(volatile __u64 *)&times->min_plus;
		if ((old && ns + 1 >= old) ||
		    __sync_val_compare_and_swap(&times->min_plus, old, ns + 1) == old)
			break;
	}
	return 0;
}

/* Add one time of ns nanoseconds, which is negative if the clocks of two CPUs disagree. */
static __always_inline int times_add(struct vl_times *times, __s64 ns)
{
	__u32 bin;

	if (!times)
		return 0;
	if (ns < 0) {
		__sync_fetch_and_add(&times->negative, 1);
		return 0;
	}
	bin = vl_time_bin(ns);
	if (bin >= VL_TIME_BINS)
		return 0;
	__sync_fetch_and_add(&times->bins[bin], 1);
	__sync_fetch_and_add(&times->sum_ns, ns);
	/* Before the first time min_plus is 0, and so min_plus - 1 is larger than any time. */
	if ((__u64)ns > times->max_ns || (__u64)ns < times->min_plus - 1)
		times_extend(times, ns);
	__sync_fetch_and_add(&times->count, 1);
	return 0;
}

/*
 * A packet leaves a node. If it came in by another end, the time since then is its residence.
 * Returns false if it did not come in: the node made it.
 */
static __always_inline bool leave_node(const struct sight *s, __u32 node)
{
	struct vl_echo *e = echo_find(s->flow, echo_tag(s, VL_ECHO_NODE_REQUEST, node, s->seq));
	__u32 end;

	if (!e)
		return false;
	if (s->reply && e->kind == VL_ECHO_NODE_REQUEST) {
		e->flags |= VL_ECHO_ANSWERED;
		return false;
	}
	if (e->flags & VL_ECHO_LEFT || s->reply != (e->kind == VL_ECHO_NODE_REPLY))
		return true;
	e->flags |= VL_ECHO_LEFT;
	end = e->end;
	times_add(bpf_map_lookup_elem(&residence, &end), s->now - e->ns);
	return true;
}

static __always_inline void enter_node(const struct sight *s, __u32 node)
{
	enum vl_echo_kind kind = s->reply ? VL_ECHO_NODE_REPLY : VL_ECHO_NODE_REQUEST;

	echo_start(s, kind, node, s->seq, s->end, 0);
}

static __always_inline void follow_out(const struct sight *s, const struct vl_end *end)
{
	bool passes = leave_node(s, end->node_index);
	struct vl_echo_counters *count;
	struct vl_echo *e;

	if (!s->reply) {
		e = echo_start(s, VL_ECHO_ON_LINK, s->end, s->seq, s->end,
			       VL_ECHO_REQUESTED | (passes ? 0 : VL_ECHO_LOCAL));
		count = echo_counters(s->end);
		if (count) {
			count->requests++;
			count->forgotten += !e;
		}
		return;
	}
	e = echo_find(s->flow, echo_tag(s, VL_ECHO_ON_LINK, end->peer, s->seq));
	if (!e) /* the request came by another link */
		e = echo_start(s, VL_ECHO_ON_LINK, end->peer, s->seq, end->peer, 0);
	if (!e)
		return;
	if ((s->now - e->ns) >> 32) { /* too late to be timed, or clocks disagree */
		e->flags &= ~(VL_ECHO_REPLIED | VL_ECHO_RETURNED);
		return;
	}
	e->replied_after = s->now - e->ns;
	e->flags = (e->flags | VL_ECHO_REPLIED) & ~VL_ECHO_RETURNED;
}

/*
 * Whether the reply to request e is late in its flow: a request that left after e was answered
 * before. This is told by when the requests left, since sequence numbers wrap, and begin again
 * where an id is used again.
 */
static __always_inline bool out_of_order(const struct sight *s, const struct vl_echo *e)
{
	struct vl_echo *flow = echo_find(s->flow, echo_tag(s, VL_ECHO_FLOW, s->end, 0));
	__u64 left = e->ns;

	if (!flow)
		flow = echo_start(s, VL_ECHO_FLOW, s->end, 0, s->end, 0);
	else if (left < flow->ns)
		return true;
	if (flow)
		flow->ns = left;
	return false;
}

static __always_inline void count_reply(const struct sight *s, struct vl_echo *e)
{
	struct vl_echo_counters *count = echo_counters(s->end);
	__u32 end = s->end;

	if (!count)
		return;
	if (!e || !(e->flags & VL_ECHO_REQUESTED)) {
		count->unmatched++;
		return;
	}
	if (e->flags & VL_ECHO_ANSWERED) {
		count->duplicates++;
		return;
	}
	if (!(e->flags & VL_ECHO_FAILED)) { /* each request is counted once */
		if (s->now - e->ns > echo_timeout() && s->now > e->ns)
			count->late++;
		else
			count->answered++;
	}
	e->flags |= VL_ECHO_ANSWERED;
	count->reordered += out_of_order(s, e);
	times_add(bpf_map_lookup_elem(&echo_rtt, &end), s->now - e->ns);
}

static __always_inline void follow_arrival(const struct sight *s, const struct vl_end *end)
{
	__u32 from = end->peer, requester = s->reply ? s->end : from;
	__u8 seen = s->reply ? VL_ECHO_RETURNED : VL_ECHO_ARRIVED;
	__u8 left = s->reply ? VL_ECHO_REPLIED : VL_ECHO_REQUESTED;
	struct vl_echo *e = echo_find(s->flow, echo_tag(s, VL_ECHO_ON_LINK, requester, s->seq));
	bool first = true;

	if (e && e->flags & left) {
		first = !(e->flags & seen); /* false at `in` if xdp has seen it */
		e->flags |= seen;
		if (first)
			times_add(bpf_map_lookup_elem(&transit, &from),
				  s->now - e->ns - (s->reply ? e->replied_after : 0));
	}
	/* The reply to a request that this node made goes no further. */
	if (first && !(s->reply && e && e->flags & VL_ECHO_LOCAL))
		enter_node(s, end->node_index);
	if (s->reply && s->hook == arrival_hook)
		count_reply(s, e);
}

/* The end where the echo was seen; NULL: the lab has it no more. */
static __always_inline const struct vl_end *sight_end(const struct sight *s)
{
	const struct vl_end *end;
	__u32 number;

	if (!s)
		return NULL;
	number = s->end;
	end = bpf_map_lookup_elem(&ends, &number);
	return end && end->in_use ? end : NULL;
}

static __always_inline void follow_echo_here(const struct sight *s)
{
	const struct vl_end *end = sight_end(s);

	if (!end)
		return;
	if (s->hook == VL_HOOK_OUT)
		follow_out(s, end);
	else
		follow_arrival(s, end);
}

/* Global functions: the verifier checks each once. */
__noinline int follow_echo(const struct sight *s)
{
	if (s)
		follow_echo_here(s);
	return 0;
}

/* An ICMP error passes: s is the echo request that it quotes. */
__noinline int follow_error(const struct sight *s)
{
	const struct vl_end *end = sight_end(s);
	struct vl_echo_counters *count;
	struct vl_echo *e;

	if (!end)
		return 0;
	if (s->hook == VL_HOOK_OUT) {
		/* This node made the error if the request came in and did not leave. */
		e = echo_find(s->flow, echo_tag(s, VL_ECHO_NODE_REQUEST, end->node_index, s->seq));
		if (!e || e->kind != VL_ECHO_NODE_REQUEST ||
		    e->flags & (VL_ECHO_LEFT | VL_ECHO_FAILED))
			return 0;
		count = echo_counters(e->end);
		if (count)
			count->errors++;
	} else {
		e = echo_find(s->flow, echo_tag(s, VL_ECHO_ON_LINK, s->end, s->seq));
		if (s->hook != arrival_hook || !e || !(e->flags & VL_ECHO_REQUESTED) ||
		    e->flags & (VL_ECHO_ANSWERED | VL_ECHO_FAILED))
			return 0;
		count = echo_counters(s->end);
		if (count)
			count->failed++;
	}
	e->flags |= VL_ECHO_FAILED;
	return 0;
}

static __always_inline __u64 ipv4_addresses(const struct ipv4_wire *ip, bool swapped)
{
	return swapped ? (__u64)ip->daddr << 32 | ip->saddr : (__u64)ip->saddr << 32 | ip->daddr;
}

/*
 * The source and the destination of the IP header at l3 as one number. swapped: the other way
 * round, so that a reply gives the number of its request.
 */
static __always_inline __u64 sight_addresses(const struct frame *f, __u32 l3, __u8 family,
					     bool swapped)
{
	if (family == 4) {
		struct ipv4_wire copy;
		const struct ipv4_wire *ip = frame_view(f, l3, IPV4_SIZE, &copy);

		return ip ? ipv4_addresses(ip, swapped) : 0;
	} else {
		struct ipv6_wire copy;
		const struct ipv6_wire *ip = frame_view(f, l3, IPV6_SIZE, &copy);
		__u64 src, dst;

		if (!ip)
			return 0;
		src = mix((__u64)ip->saddr[0] << 32 | ip->saddr[1],
			  (__u64)ip->saddr[2] << 32 | ip->saddr[3]);
		dst = mix((__u64)ip->daddr[0] << 32 | ip->daddr[1],
			  (__u64)ip->daddr[2] << 32 | ip->daddr[3]);
		return swapped ? mix(dst, src) : mix(src, dst);
	}
}

/* Follow an ICMP packet whose header is at pkt->ip.off. */
static __always_inline void follow_icmp(const struct frame *f, const struct icmp_packet *pkt,
					const struct icmp_wire *icmp, enum vl_icmp_class class,
					__u64 now)
{
	struct sight s = {.end = pkt->end, .hook = pkt->hook, .now = now};
	struct vl_event *ev;
	__u32 zero = 0;

	if (class <= VL_ICMP_ECHO_REPLY) {
		s.reply = class == VL_ICMP_ECHO_REPLY;
		s.id = bpf_ntohs(icmp->id);
		s.seq = bpf_ntohs(icmp->seq);
		s.flow = mix(sight_addresses(f, pkt->l3, pkt->family, s.reply), s.id);
		follow_echo(&s);
		return;
	}
	if (!icmp_reports_loss(pkt->family, icmp->type))
		return;
	ev = bpf_map_lookup_elem(&scratch, &zero);
	if (!ev)
		return;
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->family = pkt->family;
	event_quote_of(f, ev, pkt);
	if (!(ev->flags & VL_EV_QUOTED) || ev->quote.icmp_type != icmp_echo_request(pkt->family) ||
	    !ip_is_icmp(pkt->family, ev->quote.proto))
		return;
	s.id = ev->quote.id;
	s.seq = ev->quote.seq;
	s.flow = mix(sight_addresses(f, blur(pkt->ip.off + ICMP_SIZE), pkt->family, false), s.id);
	follow_error(&s);
}

#endif
