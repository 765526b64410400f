/* SPDX-License-Identifier: GPL-2.0-only */
/* match.h - whether a packet is one that a tracer's filter wants; where it was seen aside. */
#ifndef VETHLAB_BPF_MATCH_H
#define VETHLAB_BPF_MATCH_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"

/* Whether the first len bits of two addresses agree. */
static __always_inline bool address_matches(const __u8 a[16], const __u8 b[16], __u32 len)
{
	for (int i = 0; i < 4; i++) {
		__u32 bits = len > 32u * i ? len - 32 * i : 0;
		__u32 mask = bits >= 32 ? ~0u : bpf_htonl(~(~0u >> (bits & 31)));
		__u32 x, y;

		__builtin_memcpy(&x, a + 4 * i, 4);
		__builtin_memcpy(&y, b + 4 * i, 4);
		if ((x ^ y) & mask)
			return false;
	}
	return true;
}

/* Whether the packet that an ICMP error quotes has ports where an echo has id and seq. */
static __always_inline bool quotes_ports(const struct vl_event *ev)
{
	return ev->flags & VL_EV_QUOTED && ev->quote.proto != 1 && ev->quote.proto != 58;
}

/*
 * id, seq, payload: an ICMP error is judged by the packet that it quotes; a fragment and what is no
 * ICMP have none.
 */
static __always_inline bool echo_matches(const struct vl_filter *filter, const struct vl_event *ev,
					 bool has_header)
{
	bool quoted = ev->flags & VL_EV_QUOTED;
	__u16 id = quoted ? ev->quote.id : ev->id, seq = quoted ? ev->quote.seq : ev->seq;

	if (!(filter->fields & (VL_F_TOKEN | VL_F_ID | VL_F_SEQ)))
		return true;
	if (!has_header || quotes_ports(ev))
		return false;
	if (filter->fields & VL_F_ID && filter->id != id)
		return false;
	if (filter->fields & VL_F_SEQ && filter->seq != seq)
		return false;
	if (!(filter->fields & VL_F_TOKEN))
		return true;
	return filter->id == id || (ev->flags & VL_EV_PAYLOAD && filter->token == ev->payload);
}

static __always_inline bool addresses_match(const struct vl_filter *filter,
					    const struct vl_event *ev)
{
	__u32 fields = filter->fields;
	bool src, dst;

	if (fields & VL_F_SRC && !address_matches(filter->src, ev->src, filter->src_len))
		return false;
	if (fields & VL_F_DST && !address_matches(filter->dst, ev->dst, filter->dst_len))
		return false;
	if (!(fields & VL_F_ADDR))
		return true;
	src = address_matches(filter->addr, ev->src, filter->addr_len);
	dst = address_matches(filter->addr, ev->dst, filter->addr_len);
	return src || dst;
}

/* A packet that is no ICMP (VL_EV_FLOW): the errors about it have types, it has no id. */
static __always_inline bool flow_matches(const struct vl_filter *filter, const struct vl_event *ev)
{
	__u32 fields = filter->fields;

	if (fields & (VL_F_TOKEN | VL_F_ID | VL_F_SEQ))
		return false;
	if (fields & VL_F_FAMILY && filter->family != ev->family)
		return false;
	if (fields & VL_F_TYPES &&
	    !(filter->types & (1 << VL_ICMP_UNREACHABLE | 1 << VL_ICMP_TIME_EXCEEDED)))
		return false;
	return addresses_match(filter, ev);
}

/* class: VL_ICMP_CLASSES if there is none, as of a later fragment. */
static __always_inline bool packet_matches(const struct vl_filter *filter,
					   const struct vl_event *ev, __u32 class)
{
	bool later = class >= VL_ICMP_CLASSES;
	__u32 fields = filter->fields;

	if (fields & VL_F_FAMILY && filter->family != ev->family)
		return false;
	if (!(later && fields & VL_F_FRAGMENTS)) {
		if (fields & VL_F_TYPES && (later || !(filter->types & 1 << class)))
			return false;
		if (!echo_matches(filter, ev, !later))
			return false;
	}
	return addresses_match(filter, ev);
}

#endif
