/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * packet_record.h - a record of each ICMP packet for each tracer whose filter matches it, and how
 * records of all kinds get to tracers. A tracer has a slot: a filter, a byte in `control`, and a
 * perf buffer for each CPU.
 */
#ifndef VETHLAB_BPF_PACKET_RECORD_H
#define VETHLAB_BPF_PACKET_RECORD_H

#include "bpf/count.h"
#include "bpf/match.h"
#include "bpf/wire_quote.h"

#ifndef ENOENT
#define ENOENT 2
#endif

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1); /* set before load: as many as the maps of counters */
	__type(key, __u32);
	__type(value, struct vl_end);
} ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vl_lab);
} lab SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, VL_SESSIONS);
	__type(key, __u32);
	__type(value, struct vl_filter);
} sessions SEC(".maps");

/* Mapped into tracers' memory, so that they and the programs change `active` by compare-and-swap.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vl_control);
} control SEC(".maps");

/* Mapped into tracers' memory, too: they read records there whose batch is not full yet. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, VL_SESSIONS); /* set before load: VL_SESSIONS * CPUs */
	__type(key, __u32);
	__type(value, struct vl_batch);
} staged SEC(".maps");

/* Entry slot * n_cpus + cpu is the perf buffer of that session on that CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__uint(max_entries, VL_SESSIONS); /* likewise */
	__type(key, __u32);
	__type(value, __u32);
} tracers SEC(".maps");

/*
 * The record that a program fills. It is not on the stack, since it would take a fourth of what a
 * program and the functions that it calls have together. No other program of vethlab's hooks runs
 * on this CPU before the record is delivered: hooks run with softirqs off, one after the other.
 */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vl_event);
} scratch SEC(".maps");

/* How many CPUs are possible (libbpf_num_possible_cpus). */
const volatile __u32 n_cpus = 1;

/* The addresses of the IP header at l3; not written if the frame does not have them. */
static __always_inline void event_addresses(const struct frame *f, __u32 l3, __u8 family,
					    __u8 src[16], __u8 dst[16])
{
	if (l3 > HEADERS_MAX)
		return;
	if (family == 4) {
		struct ipv4_wire copy;
		const struct ipv4_wire *ip = frame_view(f, l3, IPV4_SIZE, &copy);

		if (ip) {
			__builtin_memcpy(src, &ip->saddr, 4);
			__builtin_memcpy(dst, &ip->daddr, 4);
		}
	} else {
		struct ipv6_wire copy;
		const struct ipv6_wire *ip = frame_view(f, l3, IPV6_SIZE, &copy);

		if (ip) {
			__builtin_memcpy(src, ip->saddr, 16);
			__builtin_memcpy(dst, ip->daddr, 16);
		}
	}
}

/* The time to live (hop limit) of the IP header at l3. */
static __always_inline __u8 event_ttl(const struct frame *f, __u32 l3, __u8 family)
{
	__u8 copy;
	const __u8 *ttl;

	if (l3 > HEADERS_MAX)
		return 0;
	ttl = frame_view(f, l3 + (family == 4 ? 8 : 7), 1, &copy);
	return ttl ? *ttl : 0;
}

/*
 * The packet that the ICMP error at off quotes, into ev. The error ends at end, and so does the
 * quote, whatever length its header says.
 */
static __always_inline int event_quote(const struct frame *f, struct vl_event *ev, __u32 off,
				       __u32 end)
{
	__u32 quote = wire_quote_offset(frame_fetch, f, off, end, ev->family, ev->icmp_type);

	if (quote && wire_quote(frame_fetch, frame_walk, f, quote, end, ev->family, &ev->quote,
				&ev->payload) != IP_MALFORMED)
		ev->flags |= VL_EV_QUOTED;
	if (icmp_is_nd_redirect(ev->family, ev->icmp_type))
		ev->payload = wire_nd_gateway(frame_fetch, f, off);
	return 0;
}

/*
 * The __noinline functions from here on are global: the verifier checks each once, for any
 * arguments, and not once for each path of each caller. A context must be passed by its own type,
 * so there is one function for tc and one for XDP.
 */
__noinline int event_quote_skb(struct __sk_buff *skb, struct vl_event *ev, __u32 off, __u32 end)
{
	struct frame f = frame_of_skb(skb);

	return ev ? event_quote(&f, ev, off, end) : 0;
}

__noinline int event_quote_xdp(struct xdp_md *xdp, struct vl_event *ev, __u32 off, __u32 end)
{
	struct frame f = frame_of_xdp(xdp);

	return ev ? event_quote(&f, ev, off, end) : 0;
}

/* The quote of an ICMP error into *ev, whose family and icmp_type are set. */
static __always_inline void event_quote_of(const struct frame *f, struct vl_event *ev,
					   const struct icmp_packet *pkt)
{
	if (f->xdp)
		event_quote_xdp(f->ctx, ev, pkt->ip.off, pkt->ip.end);
	else
		event_quote_skb(f->ctx, ev, pkt->ip.off, pkt->ip.end);
}

/* Fill *ev, which is all zero, from a packet and its ICMP header (NULL: a later fragment). */
static __always_inline void event_fill(struct vl_event *ev, const struct frame *f,
				       const struct icmp_packet *pkt, const struct icmp_wire *icmp,
				       enum vl_icmp_class class, __u64 now)
{
	__u64 copy;
	const __u64 *payload;

	ev->time_ns = now;
	ev->end = pkt->end;
	ev->len = f->len;
	ev->cpu = bpf_get_smp_processor_id();
	ev->hook = pkt->hook;
	ev->family = pkt->family;
	ev->flags = pkt->ip.flags;
	ev->ttl = event_ttl(f, pkt->l3, pkt->family);
	event_addresses(f, pkt->l3, pkt->family, ev->src, ev->dst);
	if (pkt->ip.flags & VL_EV_FRAGMENT) {
		ev->frag_id = pkt->ip.frag_id;
		ev->frag_off = pkt->ip.frag_off;
		ev->frag_len = pkt->ip.end - pkt->ip.off;
	}
	if (!icmp)
		return;
	ev->icmp_type = icmp->type;
	ev->icmp_code = icmp->code;
	ev->info = (__u32)bpf_ntohs(icmp->id) << 16 | bpf_ntohs(icmp->seq);
	if (class <= VL_ICMP_ECHO_REPLY) {
		ev->id = bpf_ntohs(icmp->id);
		ev->seq = bpf_ntohs(icmp->seq);
		payload = ip_payload(f, &pkt->ip, pkt->ip.off + ICMP_SIZE, sizeof(copy), &copy);
		if (payload) {
			__builtin_memcpy(&ev->payload, payload, sizeof(copy));
			ev->flags |= VL_EV_PAYLOAD;
		}
	} else if (icmp_quotes(pkt->family, icmp->type)) {
		event_quote_of(f, ev, pkt);
	}
}

/* Whether an end is where the filter asks. `ends` is read only if that is a link or a node. */
static __always_inline bool place_matches(const struct vl_filter *filter, __u32 end)
{
	const struct vl_end *e;

	if (!(filter->fields & (VL_F_LINK | VL_F_NODE)))
		return match_place(filter, end, 0, 0);
	e = bpf_map_lookup_elem(&ends, &end);
	return e && match_place(filter, end, e->link, e->node_index);
}

/* Whether a record matches the filter. class: VL_ICMP_CLASSES if it has none. */
__noinline int filter_matches(const struct vl_filter *filter, const struct vl_event *ev,
			      __u32 class)
{
	if (!filter || !ev)
		return false;
	if (ev->flags & VL_EV_OTHER)
		return match_other(filter, ev) && place_matches(filter, ev->end);
	return !filter->fields ||
	       (place_matches(filter, ev->end) && match_packet(filter, ev, class));
}

/* A tracer was killed: put its byte of `active` to 0, unless another one has taken the slot. */
static __always_inline void forget_session(struct vl_control *ctl, __u64 active, __u32 slot)
{
	__u64 mask = 0xffull << (8 * slot), seen;

	for (int i = 0; i < 4; i++) { /* if all fail, the next batch tries again */
		seen = __sync_val_compare_and_swap(&ctl->active, active, active & ~mask);
		if (seen == active || (seen ^ active) & mask)
			break;
		active = seen;
	}
}

/*
 * Give *ev to session slot. If its buffer of this CPU is gone, its tracer was killed. A batch that
 * does not get into a buffer (no room, or this CPU never had one) leaves a gap in the numbers of
 * the batches that the tracer gets.
 */
static __always_inline void deliver_to(void *ctx, struct vl_control *ctl, __u64 active, __u32 slot,
				       const struct vl_event *ev)
{
	__u32 key = slot * n_cpus + ev->cpu, place;
	struct vl_batch *batch = bpf_map_lookup_elem(&staged, &key);

	if (!batch)
		return;
	place = batch->head % VL_BATCH;
	batch->events[place] = *ev;
	if (place == VL_BATCH - 1 &&
	    bpf_perf_event_output(ctx, &tracers, key, batch, sizeof(*batch)) == -ENOENT &&
	    batch->buffered == (active >> (8 * slot) & 0xff))
		forget_session(ctl, active, slot);
	/* Last, so that a tracer that sees the new number finds the record, and the batch. */
	__sync_fetch_and_add(&batch->head, 1);
}

/* Give *ev to each active session whose filter matches it. */
static __always_inline int event_deliver(void *ctx, struct vl_event *ev, __u32 class, __u64 active)
{
	struct vl_control *ctl;
	__u32 slot = 0;

	ctl = bpf_map_lookup_elem(&control, &slot);
	if (!ctl || !ev)
		return 0;
	for (int i = 0; i < VL_SESSIONS; i++) {
		struct vl_filter *filter;

		slot = i;
		if (!(active >> (8 * i) & 0xff))
			continue;
		filter = bpf_map_lookup_elem(&sessions, &slot);
		if (filter && filter_matches(filter, ev, class))
			deliver_to(ctx, ctl, active, slot, ev);
	}
	return 0;
}

__noinline int event_deliver_skb(struct __sk_buff *skb, struct vl_event *ev, __u32 class,
				 __u64 active)
{
	return event_deliver(skb, ev, class, active);
}

__noinline int event_deliver_xdp(struct xdp_md *xdp, struct vl_event *ev, __u32 class, __u64 active)
{
	return event_deliver(xdp, ev, class, active);
}

/* Byte i is not 0: session i has a tracer. */
static __always_inline __u64 active_sessions(void)
{
	struct vl_control *ctl;
	__u32 zero = 0;

	ctl = bpf_map_lookup_elem(&control, &zero);
	return ctl ? *(volatile __u64 *)&ctl->active : 0;
}

static __always_inline void trace_icmp(const struct frame *f, const struct icmp_packet *pkt,
				       enum vl_icmp_class class, __u64 now, __u64 active)
{
	const struct icmp_wire *icmp = NULL;
	struct icmp_wire copy;
	struct vl_event *ev;
	__u32 zero = 0;

	ev = bpf_map_lookup_elem(&scratch, &zero);
	if (!ev)
		return;
	if (!pkt->later)
		icmp = ip_payload(f, &pkt->ip, pkt->ip.off, ICMP_SIZE, &copy);
	__builtin_memset(ev, 0, sizeof(*ev));
	event_fill(ev, f, pkt, icmp, class, now);
	if (f->xdp)
		event_deliver_xdp(f->ctx, ev, class, active);
	else
		event_deliver_skb(f->ctx, ev, class, active);
}

#endif
