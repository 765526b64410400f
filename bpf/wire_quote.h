/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_quote.h - where ICMP messages quote the packet that they are about, what the quote tells of
 * it, and what a redirect of IPv6 (RFC 4861, 4.5 and 4.6.3) says, by the parser of wire.h.
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

/*
 * The packet at off of source, in a frame that ends at end, as an ICMP error quotes it: all but
 * quote->reserved. Of any transport header each quote has 8 bytes (RFC 792); id and seq stay as
 * they are where there are none. *mark becomes what else tells a quoted packet of TCP or UDP from
 * others (vl_event.payload), or stays as it is.
 */
static __always_inline enum ip_kind wire_quote(wire_fetch *fetch, wire_walk *walk,
					       const void *source, __u32 off, __u32 end,
					       __u8 family, struct vl_quote *quote, __u64 *mark)
{
	const struct ip_fields fields = {quote->src, quote->dst, &quote->ttl};
	struct icmp_wire copy;
	const struct icmp_wire *icmp;
	struct ip_view ip = {};
	enum ip_kind kind;
	bool ports;

	kind = wire_ip(fetch, walk, source, off, end, family, &ip, &fields);
	if (kind == IP_MALFORMED)
		return kind;
	quote->proto = ip.proto;
	ports = ip.proto == PROTO_UDP || ip.proto == PROTO_TCP;
	if (kind != IP_TRANSPORT || !(ports || ip_is_icmp(family, ip.proto)) ||
	    ip.off > HEADERS_MAX || ip.off + ICMP_SIZE > ip.end)
		return kind;
	icmp = fetch(source, ip.off, sizeof(copy), &copy);
	if (!icmp)
		return kind;
#ifdef __bpf__
	/* Else clang makes an `or` of a pointer to the stack and of which field is meant, which
	 * the verifier refuses. */
	barrier_var(icmp);
#endif
	if (ports) {
		quote->id = (__u16)icmp->type << 8 | icmp->code;
		quote->seq = bpf_ntohs(icmp->check);
		*mark = (__u64)wire_ip_id(fetch, source, off, family) << 32 |
			(__u32)bpf_ntohs(icmp->id) << 16 | bpf_ntohs(icmp->seq);
		return kind;
	}
	quote->icmp_type = icmp->type;
	if (icmp_is_echo(family, icmp->type)) {
		quote->id = bpf_ntohs(icmp->id);
		quote->seq = bpf_ntohs(icmp->seq);
	}
	return kind;
}

#endif
