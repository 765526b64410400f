/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * match.h - whether a packet matches a filter. The programs that trace live use it, and user space
 * applies it to recordings. Pure functions over struct vl_filter and struct vl_event
 * (bpf/vethlab.h); they keep no pointer and cannot fail.
 *
 * A filter has a part about the packet (match_packet, match_other, match_flow) and a part about the
 * place where it was seen (match_place); both must match. User space includes <stdbool.h> by
 * itself.
 */
#ifndef VETHLAB_BPF_MATCH_H
#define VETHLAB_BPF_MATCH_H

#ifdef __bpf__
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>
#else
#include <linux/types.h>
#include <stdbool.h>
#endif

#include <bpf/bpf_endian.h>

#include "bpf/vethlab.h"

enum { MATCH_ARP = 0x0806 }; /* ethertype */

/* Whether the first len bits (0 to 128) of two addresses agree. */
static __always_inline bool match_prefix(const __u8 a[16], const __u8 b[16], __u32 len)
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
 * Whether id, seq and payload match. Those of an ICMP error are the ones of the packet that it
 * quotes. A fragment after the first has no ICMP header (has_header is false): no id matches it.
 */
static __always_inline bool match_echo(const struct vl_filter *filter, const struct vl_event *ev,
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

/* Whether the source, the destination, and one of both (VL_F_ADDR) match. */
static __always_inline bool match_addresses(const struct vl_filter *filter,
					    const struct vl_event *ev)
{
	__u32 fields = filter->fields;
	bool src, dst;

	if (fields & VL_F_SRC && !match_prefix(filter->src, ev->src, filter->src_len))
		return false;
	if (fields & VL_F_DST && !match_prefix(filter->dst, ev->dst, filter->dst_len))
		return false;
	if (!(fields & VL_F_ADDR))
		return true;
	src = match_prefix(filter->addr, ev->src, filter->addr_len);
	dst = match_prefix(filter->addr, ev->dst, filter->addr_len);
	return src || dst;
}

/* Whether the ports match, and the packet is TCP with one of the flags. */
static __always_inline bool match_transport(const struct vl_filter *filter,
					    const struct vl_event *ev)
{
	const struct vl_other *other = &ev->other;
	__u32 fields = filter->fields;

	if (fields & VL_F_FLAGS && !(filter->tcp_flags & other->tcp_flags))
		return false;
	if (!(fields & (VL_F_PORT | VL_F_SPORT | VL_F_DPORT)))
		return true;
	if (!other->from_port && !other->to_port)
		return false; /* it has no ports */
	if (fields & VL_F_SPORT && filter->sport != other->from_port)
		return false;
	if (fields & VL_F_DPORT && filter->dport != other->to_port)
		return false;
	return !(fields & VL_F_PORT) || filter->port == other->from_port ||
	       filter->port == other->to_port;
}

/* Whether a packet matches that is no ICMP, or is tagged (VL_EV_OTHER). */
static __always_inline bool match_other(const struct vl_filter *filter, const struct vl_event *ev)
{
	const struct vl_other *other = &ev->other;
	__u32 fields = filter->fields;
	bool later = ev->flags & VL_EV_FRAGMENT && ev->frag_off;

	if (!(fields & VL_F_ANY) || fields & (VL_F_TOKEN | VL_F_ID | VL_F_SEQ | VL_F_TYPES))
		return false;
	if (fields & VL_F_FAMILY && filter->family != ev->family)
		return false;
	if (fields & VL_F_ARP && other->ethertype != MATCH_ARP)
		return false;
	if (fields & VL_F_PROTOCOL &&
	    (!ev->family || other->ethertype == MATCH_ARP || filter->protocol != other->protocol))
		return false;
	if (fields & VL_F_ICMP && other->protocol != (ev->family == 4 ? 1 : 58))
		return false;
	if (fields & VL_F_VLAN && other->vlan != (VL_TAGGED | filter->vlan))
		return false;
	if (!(later && fields & VL_F_FRAGMENTS) && !match_transport(filter, ev))
		return false;
	return match_addresses(filter, ev);
}

/*
 * Whether a packet matches that is no ICMP, but that an ICMP error is about (VL_EV_FLOW). It has no
 * id. A filter for types wants it if it wants errors.
 */
static __always_inline bool match_flow(const struct vl_filter *filter, const struct vl_event *ev)
{
	__u32 fields = filter->fields;

	if (fields & (VL_F_TOKEN | VL_F_ID | VL_F_SEQ | VL_F_NO_ICMP | VL_F_ICMP))
		return false;
	if (fields & VL_F_FAMILY && filter->family != ev->family)
		return false;
	if (fields & VL_F_PROTOCOL && filter->protocol != ev->quote.proto)
		return false;
	if (fields & VL_F_TYPES &&
	    !(filter->types & (1 << VL_ICMP_UNREACHABLE | 1 << VL_ICMP_TIME_EXCEEDED)))
		return false;
	return match_addresses(filter, ev);
}

static __always_inline bool match_icmp_protocol(const struct vl_filter *filter,
						const struct vl_event *ev)
{
	__u32 fields = filter->fields;

	if (!(fields & VL_F_PROTOCOL) || filter->protocol == (ev->family == 4 ? 1 : 58))
		return true;
	return fields & VL_F_ABOUT && quotes_ports(ev) && filter->protocol == ev->quote.proto;
}

/* Whether an ICMP packet matches. class: VL_ICMP_CLASSES for a later fragment, which has none. */
static __always_inline bool match_packet(const struct vl_filter *filter, const struct vl_event *ev,
					 __u32 class)
{
	bool later = class >= VL_ICMP_CLASSES;
	__u32 fields = filter->fields;

	if (fields & VL_F_FAMILY && filter->family != ev->family)
		return false;
	if (fields & VL_F_NO_ICMP || !match_icmp_protocol(filter, ev))
		return false;
	if (!(later && fields & VL_F_FRAGMENTS)) {
		if (fields & VL_F_TYPES && (later || !(filter->types & 1 << class)))
			return false;
		if (!match_echo(filter, ev, !later))
			return false;
	}
	return match_addresses(filter, ev);
}

/* Whether the place matches. end and link are VL_NO_END if the packet was seen at no end. */
static __always_inline bool match_place(const struct vl_filter *filter, __u32 end, __u32 link,
					__u32 node)
{
	if (filter->fields & VL_F_END && filter->end != end)
		return false;
	if (filter->fields & VL_F_LINK && filter->link != link)
		return false;
	return !(filter->fields & VL_F_NODE) || filter->node == node;
}

#endif
