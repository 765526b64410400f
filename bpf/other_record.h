/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * other_record.h - a record of each packet that is no ICMP, or that has a tag, for each tracer that
 * asks for such packets (VL_F_ANY). Without such a tracer, a packet costs one look at `control`.
 */
#ifndef VETHLAB_BPF_OTHER_RECORD_H
#define VETHLAB_BPF_OTHER_RECORD_H

#include "bpf/packet_record.h"
#include "bpf/wire_other.h"

enum { TAGS_MAX = 2 };

/* Byte i is not 0: session i has a tracer, and it asks for packets other than ICMP. */
static __always_inline __u64 active_for_any(void)
{
	struct vl_control *ctl;
	__u32 zero = 0;

	ctl = bpf_map_lookup_elem(&control, &zero);
	return ctl ? *(volatile __u64 *)&ctl->any & *(volatile __u64 *)&ctl->active : 0;
}

/*
 * Move *off behind the VLAN tags in the frame's bytes. type: the ethertype before *off. Returns the
 * ethertype behind the tags. The id of the first goes to ev, unless ev has one.
 */
static __always_inline __u16 pass_tags(const struct frame *f, __u16 type, __u32 *off,
				       struct vl_event *ev)
{
	for (int i = 0; i < TAGS_MAX && (type == WIRE_VLAN || type == WIRE_QINQ); i++) {
		struct tag_wire copy;
		const struct tag_wire *tag = frame_view(f, *off, sizeof(copy), &copy);

		if (!tag)
			break;
		if (!ev->other.vlan)
			ev->other.vlan = VL_TAGGED | (bpf_ntohs(tag->tci) & 0xfff);
		type = bpf_ntohs(tag->type);
		*off += sizeof(copy);
	}
	return type;
}

/* Fill *ev from a frame. A tag that was taken out of the frame's bytes is in *ev already. */
static __always_inline void other_fill(struct vl_event *ev, const struct frame *f, __u32 end,
				       __u32 hook)
{
	__u32 off = ETH_SIZE;
	__u8 copy[12];
	const __u8 *macs;
	__u16 type;

	ev->time_ns = bpf_ktime_get_ns();
	ev->end = end;
	ev->len = f->len;
	ev->cpu = bpf_get_smp_processor_id();
	ev->hook = hook;
	type = pass_tags(f, frame_ethertype(f), &off, ev);
	if (wire_other(frame_fetch, frame_walk, f, type, off, f->len, ev))
		return;
	macs = frame_view(f, 0, sizeof(copy), copy);
	if (macs) {
		__builtin_memcpy(ev->dst, macs, 6);
		__builtin_memcpy(ev->src, macs + 6, 6);
	}
}

/* Global functions, so that packets that nobody asks for do not pay for this code. */
__noinline int trace_other_skb(struct __sk_buff *skb, __u32 end, __u32 hook, __u64 active)
{
	struct frame f = frame_of_skb(skb);
	struct vl_event *ev;
	__u32 zero = 0, segments = skb->gso_segs;

	ev = bpf_map_lookup_elem(&scratch, &zero);
	if (!ev)
		return 0;
	__builtin_memset(ev, 0, sizeof(*ev));
	if (skb->vlan_present)
		ev->other.vlan = VL_TAGGED | (skb->vlan_tci & 0xfff);
	ev->other.segments = segments ? segments : 1;
	other_fill(ev, &f, end, hook);
	return event_deliver_skb(skb, ev, VL_ICMP_CLASSES, active);
}

__noinline int trace_other_xdp(struct xdp_md *xdp, __u32 end, __u32 hook, __u64 active)
{
	struct frame f = frame_of_xdp(xdp);
	struct vl_event *ev;
	__u32 zero = 0;

	ev = bpf_map_lookup_elem(&scratch, &zero);
	if (!ev)
		return 0;
	__builtin_memset(ev, 0, sizeof(*ev));
	ev->other.segments = 1;
	other_fill(ev, &f, end, hook);
	return event_deliver_xdp(xdp, ev, VL_ICMP_CLASSES, active);
}

/* A record of a frame that is no ICMP, or has a tag, for each tracer that asks for such. */
static __always_inline void trace_other(const struct frame *f, __u32 end, enum vl_hook hook)
{
	__u64 active = active_for_any();

	if (__builtin_expect(!active, 1))
		return;
	if (f->xdp)
		trace_other_xdp(f->ctx, end, hook, active);
	else
		trace_other_skb(f->ctx, end, hook, active);
}

#endif
