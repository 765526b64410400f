/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proof_frame.h - the frame that vethlab sends out of an end to see that its link carries frames.
 * User space sends it. The programs recognize it: neither the frame nor its drops are counted, and
 * no tracer gets a record of them.
 */
#ifndef VETHLAB_BPF_PROOF_FRAME_H
#define VETHLAB_BPF_PROOF_FRAME_H

#include "bpf/wire_other.h"

/*
 * An ARP request over Ethernet for IPv4 (RFC 826), in network order. It is from nobody (0.0.0.0, a
 * source MAC of zeros) for an address that nobody has (192.0.2.1, RFC 5737): no host answers, no
 * neighbor table and no bridge learns, a bridge passes it on to nobody (br_handle_frame wants a
 * valid source). A request has no use for a target MAC: this one's is the mark by which it is told
 * from frames of others.
 */
struct proof_frame {
	__u8 to[6], from[6];
	__be16 ethertype;
	struct arp_wire arp;
};
_Static_assert(sizeof(struct proof_frame) == 14 + 28, "struct proof_frame has changed");

#define PROOF_FRAME_MARK                                                                           \
	{                                                                                          \
		'v', 'e', 't', 'h', 'l', 'b'                                                       \
	}
#define PROOF_FRAME_TARGET_IP                                                                      \
	{                                                                                          \
		192, 0, 2, 1                                                                       \
	}

/* Whether an ARP packet is that of a proof frame. */
static inline __attribute__((always_inline)) int proof_frame_is_arp(const struct arp_wire *arp)
{
	static const __u8 mark[6] = PROOF_FRAME_MARK, target[4] = PROOF_FRAME_TARGET_IP;
	int differs = 0;

	for (int i = 0; i < 6; i++)
		differs |= arp->sender_mac[i] | (arp->target_mac[i] ^ mark[i]);
	for (int i = 0; i < 4; i++)
		differs |= arp->sender[i] | (arp->target[i] ^ target[i]);
	return !differs;
}

static inline __attribute__((always_inline)) int proof_frame_is(const struct proof_frame *frame)
{
	int differs = 0;

	for (int i = 0; i < 6; i++)
		differs |= frame->from[i];
	return !differs && proof_frame_is_arp(&frame->arp);
}

#ifdef __bpf__
/* Whether a packet in a stack is one. */
static __always_inline bool proof_frame_is_skb(const struct sk_buff *skb)
{
	struct proof_frame frame;
	__u16 mac = skb->mac_header;

	return skb->protocol == bpf_htons(WIRE_ARP) && mac != 0xffff &&
	       !bpf_probe_read_kernel(&frame, sizeof(frame), skb->head + mac) &&
	       proof_frame_is(&frame);
}
#endif

#endif
