/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_quote.h - where ICMP messages quote the packet that they are about, and what a redirect of
 * IPv6 (RFC 4861, 4.5 and 4.6.3) says, by the parser of wire.h.
 */
#ifndef VETHLAB_BPF_WIRE_QUOTE_H
#define VETHLAB_BPF_WIRE_QUOTE_H

#include "bpf/wire.h"

enum { REDIRECTED_HEADER = 4, REDIRECT_OPTIONS_MAX = 4 };

/* A redirect of IPv6, behind its ICMP header; options follow. */
struct nd_redirect_wire {
	__be32 target[4], destination[4];
};

struct nd_option_wire {
	__u8 type;
	__u8 len; /* in units of 8 bytes, these two included */
};

static __always_inline bool icmp_is_nd_redirect(__u8 family, __u8 type)
{
	return family == 6 && type == ICMPV6_REDIRECT;
}

/*
 * The offset of the packet that an ICMP message of this type quotes: behind its header, or in an
 * option of a redirect of IPv6. 0: it quotes none. The message is at off of source and ends at end.
 */
static __always_inline __u32 wire_quote_offset(wire_fetch *fetch, const void *source, __u32 off,
					       __u32 end, __u8 family, __u8 type)
{
	if (!icmp_is_nd_redirect(family, type))
		return off + ICMP_SIZE;
	off += ICMP_SIZE + sizeof(struct nd_redirect_wire);
	for (int i = 0; i < REDIRECT_OPTIONS_MAX; i++) {
		struct nd_option_wire copy;
		const struct nd_option_wire *option;

		if (off > HEADERS_MAX || off + sizeof(copy) > end)
			return 0;
		off = blur(off);
		option = fetch(source, off, sizeof(copy), &copy);
		if (!option || !option->len)
			return 0;
		if (option->type == REDIRECTED_HEADER)
			return off + 8;
		off += option->len * 8;
	}
	return 0;
}

/*
 * The interface identifier of the router that the redirect of IPv6 at off of source names, as it
 * stands in memory: its address is link-local (RFC 4861, 8.1). 0: it names the destination itself,
 * or its address begins otherwise than by fe80::/64.
 */
static __always_inline __u64 wire_nd_gateway(wire_fetch *fetch, const void *source, __u32 off)
{
	__be32 copy[4];
	const __be32 *target;
	__u64 id;

	if (off > HEADERS_MAX)
		return 0;
	target = fetch(source, off + ICMP_SIZE, sizeof(copy), copy);
	if (!target || target[0] != bpf_htonl(0xfe800000) || target[1])
		return 0;
	__builtin_memcpy(&id, target + 2, sizeof(id));
	return id;
}

#endif
