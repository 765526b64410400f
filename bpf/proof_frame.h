/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proof_frame.h - the frame that vethlab sends out of an end to see that its link carries frames.
 * User space sends it. The programs recognize it: neither the frame nor its drops are counted, and
 * no tracer gets a record of them.
 */
#ifndef VETHLAB_BPF_PROOF_FRAME_H
#define VETHLAB_BPF_PROOF_FRAME_H

#ifdef __bpf__
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "bpf/wire.h"
#else
#include <linux/types.h>
#endif

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
	__be16 hardware, protocol;
	__u8 hardware_size, protocol_size;
	__be16 operation;
	__u8 sender_mac[6], sender_ip[4], target_mac[6], target_ip[4];
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

static inline __attribute__((always_inline)) int proof_frame_is(const struct proof_frame *frame)
{
	static const __u8 mark[6] = PROOF_FRAME_MARK, target_ip[4] = PROOF_FRAME_TARGET_IP;
	int differs = 0;

	for (int i = 0; i < 6; i++)
		differs |= frame->from[i] | frame->sender_mac[i] | (frame->target_mac[i] ^ mark[i]);
	for (int i = 0; i < 4; i++)
		differs |= frame->sender_ip[i] | (frame->target_ip[i] ^ target_ip[i]);
	return !differs;
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
