/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * question.h - questions for neighbours' link-layer addresses, and what answers them, in a kernel's
 * sk_buff: ARP (RFC 826) and neighbour discovery (RFC 4861).
 */
#ifndef VETHLAB_BPF_QUESTION_H
#define VETHLAB_BPF_QUESTION_H

#include "bpf/proof_frame.h"
#include "bpf/skb.h"
#include "bpf/wire_other.h"

enum { ARP_REQUEST = 1, ARP_REPLY = 2 };
enum { ND_SOLICITATION = 135, ND_ADVERTISEMENT = 136 }; /* RFC 4861 */

/* Whether it is a question or an answer for IPv4; other operations (RFC 903) are not. */
static __always_inline bool arp_is_ipv4(const struct arp_wire *arp)
{
	return arp->protocol == bpf_htons(WIRE_IPV4) && arp->hardware_len == 6 &&
	       arp->protocol_len == 4 &&
	       (arp->operation == bpf_htons(ARP_REQUEST) || arp->operation == bpf_htons(ARP_REPLY));
}

/*
 * If a packet asks for a neighbour's address or answers that, fill r: its addresses, what and next.
 * ev: the packet, as read_packet() left it. False: it is none of both, or vethlab's own proof
 * frame.
 */
static __always_inline bool read_question(const struct sk_buff *skb, const struct vl_event *ev,
					  struct vl_stack *r)
{
	__u64 header = (__u64)skb->head + skb->network_header;
	struct arp_wire arp = {};

	if (skb->protocol == bpf_htons(WIRE_ARP)) {
		if (bpf_probe_read_kernel(&arp, sizeof(arp), (void *)header) ||
		    !arp_is_ipv4(&arp) || proof_frame_is_arp(&arp))
			return false;
		r->at.packet.family = 4;
		__builtin_memcpy(r->at.packet.src, arp.sender, 4);
		__builtin_memcpy(r->at.packet.dst, arp.target, 4);
		r->what = arp.operation == bpf_htons(ARP_REPLY) ? VL_QUESTION_ANSWERS
								: VL_QUESTION_ASKS;
		__builtin_memcpy(r->next, r->what == VL_QUESTION_ASKS ? arp.target : arp.sender, 4);
		r->next_family = 4;
		return true;
	}
	/* Messages with extension headers are not looked for: hosts send none. */
	if (ev->family != 6 ||
	    (ev->icmp_type != ND_SOLICITATION && ev->icmp_type != ND_ADVERTISEMENT) ||
	    bpf_probe_read_kernel(r->next, 16, (void *)(header + IPV6_SIZE + ICMP_SIZE)))
		return false;
	r->at.packet.family = 6;
	__builtin_memcpy(r->at.packet.src, ev->src, 16);
	__builtin_memcpy(r->at.packet.dst, ev->dst, 16);
	r->what = ev->icmp_type == ND_ADVERTISEMENT ? VL_QUESTION_ANSWERS : VL_QUESTION_ASKS;
	r->next_family = 6;
	return true;
}

#endif
