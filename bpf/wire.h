/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire.h - the one parser of packet headers, for BPF programs and for user space: IPv4 (RFC 791),
 * IPv6 and its extension headers (RFC 8200, 4302), ICMP (RFC 792, 4443) and the packets that ICMP
 * errors quote.
 *
 * Every decision is a pure function over a header and an offset. The caller gives a wire_fetch,
 * which reads a few bytes from a source: a frame of tc or XDP (bpf/frame.h), an sk_buff
 * (bpf/skb.h), or memory (struct wire_memory, user space). Views are in host byte order, addresses
 * in network order. Every length is checked: a packet that is cut short or impossible is
 * IP_MALFORMED, and nothing is read behind its end. Offsets count from the beginning of the source.
 */
#ifndef VETHLAB_BPF_WIRE_H
#define VETHLAB_BPF_WIRE_H

#ifdef __bpf__
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_helpers.h>
#else
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#endif

#include <bpf/bpf_endian.h>

#include "bpf/vethlab.h"

enum { ETH_SIZE = 14, IPV4_SIZE = 20, IPV6_SIZE = 40, ICMP_SIZE = 8, TCP_SIZE = 20, UDP_SIZE = 8 };

enum wire_type {
	WIRE_IPV4 = 0x0800,
	WIRE_ARP = 0x0806,
	WIRE_VLAN = 0x8100,
	WIRE_IPV6 = 0x86dd,
	WIRE_QINQ = 0x88a8,
};

/* IP protocol numbers, IPv6 extension headers among them. */
enum {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_AH = 51,
	PROTO_ICMPV6 = 58,
	PROTO_DEST_OPTS = 60,
};

enum { ICMPV6_REDIRECT = 137 };

enum {
	IPV4_MORE_FRAGMENTS = 0x2000,
	IPV4_OFFSET = 0x1fff,
	IPV6_MORE_FRAGMENTS = 0x0001,
	IPV6_OFFSET = 0xfff8,
	/*
	 * RFC 8200, 4.1 has each extension header once, destination options twice: six. A packet
	 * with more than seven is malformed to us.
	 */
	IPV6_EXTENSIONS = 7,
	/* No header is looked for behind this offset; it also is a bound for the verifier. */
	HEADERS_MAX = 0x3fff,
	/* The length of a frame of which only the beginning is known. */
	WIRE_LENGTH_UNKNOWN = 0x10000,
};

/* Headers as they are in a packet: big endian inside. */
struct ipv4_wire {
	__u8 version_ihl;
	__u8 tos;
	__be16 tot_len;
	__be16 id;
	__be16 frag_off;
	__u8 ttl;
	__u8 protocol;
	__be16 check;
	__be32 saddr, daddr;
};
_Static_assert(sizeof(struct ipv4_wire) == IPV4_SIZE, "struct ipv4_wire has changed");

struct ipv6_wire {
	__u8 version_class;
	__u8 flow[3];
	__be16 payload_len;
	__u8 nexthdr;
	__u8 hop_limit;
	__be32 saddr[4], daddr[4];
};
_Static_assert(sizeof(struct ipv6_wire) == IPV6_SIZE, "struct ipv6_wire has changed");

struct ipv6_extension_wire {
	__u8 nexthdr;
	__u8 len; /* 8-byte units after the first (AH: 4-byte units after the second) */
	__be16 frag_off;
	__be32 id;
};

struct icmp_wire {
	__u8 type;
	__u8 code;
	__be16 check;
	__be16 id;
	__be16 seq;
};
_Static_assert(sizeof(struct icmp_wire) == ICMP_SIZE, "struct icmp_wire has changed");

struct tcp_wire {
	__be16 source, dest;
	__be32 seq, ack;
	__u8 offset;
	__u8 flags;
	__be16 window;
	__be16 check;
	__be16 urgent;
};
_Static_assert(sizeof(struct tcp_wire) == TCP_SIZE, "struct tcp_wire has changed");

struct udp_wire {
	__be16 source, dest;
	__be16 len;
	__be16 check;
};
_Static_assert(sizeof(struct udp_wire) == UDP_SIZE, "struct udp_wire has changed");

/*
 * size bytes (a constant) at off (at most HEADERS_MAX) of source: where they are, or copy after
 * they were copied to it, or NULL if there are no such bytes.
 */
typedef const void *wire_fetch(const void *source, __u32 off, __u32 size, void *copy);

/* ---- IP ------------------------------------------------------------------------------------ */

/* What an IP packet has behind its IP headers. */
enum ip_kind {
	IP_TRANSPORT, /* a transport header of ip_view.proto, at ip_view.off if it is not cut */
	IP_FRAGMENT,  /* a fragment after the first: proto is known, but there is no header */
	IP_MALFORMED, /* cut short or impossible */
};

struct ip_view {
	__u32 off;	/* of the transport header */
	__u32 end;	/* where the packet ends: its own length, or the frame's if that is less */
	__u32 frag_id;	/* of a fragment; else 0 */
	__u16 frag_off; /* in bytes */
	__u8 proto;
	__u8 flags; /* VL_EV_FRAGMENT, VL_EV_MORE, VL_EV_CUT */
};

/* The fields of an IP header that records have. Addresses of IPv4 are in the first four bytes. */
struct ip_fields {
	__u8 *src, *dst, *ttl; /* where they go */
};

/*
 * Where a packet of len bytes (as its header says) at off ends, in a frame of frame_len. Padding
 * behind it is not part of it.
 */
static __always_inline __u32 ip_end(__u32 off, __u32 len, __u32 frame_len, __u8 *flags)
{
	if (off + len <= frame_len)
		return off + len;
	*flags |= VL_EV_CUT;
	return frame_len;
}

/*
 * The IPv4 header ip, which is at off in a frame of frame_len bytes. A frame over 64 KiB with
 * length 0 is a "BIG TCP" super-packet: the field cannot hold its length.
 */
static __always_inline enum ip_kind wire_ipv4(const struct ipv4_wire *ip, __u32 off,
					      __u32 frame_len, struct ip_view *view)
{
	__u32 ihl, len, frag;

	if (ip->version_ihl >> 4 != 4)
		return IP_MALFORMED;
	ihl = (ip->version_ihl & 0xf) * 4;
	len = bpf_ntohs(ip->tot_len);
	if (!len && frame_len > 0xffff)
		len = frame_len - off;
	if (ihl < IPV4_SIZE || len < ihl)
		return IP_MALFORMED;
	frag = bpf_ntohs(ip->frag_off);
	view->flags = 0;
	view->end = ip_end(off, len, frame_len, &view->flags);
	view->off = off + ihl;
	view->proto = ip->protocol;
	view->frag_id = 0;
	view->frag_off = 0;
	if (view->off > view->end)
		return IP_MALFORMED; /* the frame ends inside the options */
	if (frag & (IPV4_MORE_FRAGMENTS | IPV4_OFFSET)) {
		view->flags |= VL_EV_FRAGMENT | (frag & IPV4_MORE_FRAGMENTS ? VL_EV_MORE : 0);
		view->frag_id = bpf_ntohs(ip->id);
		view->frag_off = (frag & IPV4_OFFSET) * 8;
	}
	return frag & IPV4_OFFSET ? IP_FRAGMENT : IP_TRANSPORT;
}

/*
 * The fixed IPv6 header ip, likewise. It returns IP_TRANSPORT, but if view->proto is an extension
 * header, those from view->off on are still to be parsed (wire_extensions).
 */
static __always_inline enum ip_kind wire_ipv6(const struct ipv6_wire *ip, __u32 off,
					      __u32 frame_len, struct ip_view *view)
{
	__u32 len;

	if (ip->version_class >> 4 != 6)
		return IP_MALFORMED;
	len = IPV6_SIZE + bpf_ntohs(ip->payload_len);
	if (len == IPV6_SIZE && frame_len > 0xffff)
		len = frame_len - off;
	view->flags = 0;
	view->end = ip_end(off, len, frame_len, &view->flags);
	view->off = off + IPV6_SIZE;
	view->proto = ip->nexthdr;
	view->frag_id = 0;
	view->frag_off = 0;
	return IP_TRANSPORT;
}

static __always_inline bool ipv6_extension(__u8 proto)
{
	return proto == PROTO_HOP_BY_HOP || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_AH || proto == PROTO_DEST_OPTS;
}

/* One extension header ext of kind view->proto: view then tells of what follows it. */
static __always_inline enum ip_kind wire_extension(const struct ipv6_extension_wire *ext,
						   struct ip_view *view)
{
	__u32 size, frag, id = 0;

	if (view->proto == PROTO_FRAGMENT) {
		size = 8;
		frag = bpf_ntohs(ext->frag_off);
		id = bpf_ntohl(ext->id);
	} else {
		size = view->proto == PROTO_AH ? (ext->len + 2) * 4 : (ext->len + 1) * 8;
		frag = 0;
	}
	view->proto = ext->nexthdr;
	view->off += size;
	if (view->off > view->end)
		return IP_MALFORMED;
	if (frag & (IPV6_MORE_FRAGMENTS | IPV6_OFFSET)) { /* else it is whole (RFC 6946) */
		view->flags |= VL_EV_FRAGMENT | (frag & IPV6_MORE_FRAGMENTS ? VL_EV_MORE : 0);
		view->frag_id = id;
		view->frag_off = frag & IPV6_OFFSET;
	}
	return frag & IPV6_OFFSET ? IP_FRAGMENT : IP_TRANSPORT;
}

/*
 * Returns off, which is at most HEADERS_MAX. The verifier forgets all else that it knew about it:
 * so the iterations of a loop look the same to it, and it does not check each combination of them.
 */
static __always_inline __u32 blur(__u32 off)
{
#ifdef __bpf__
	asm volatile("%0 &= %1" : "+r"(off) : "i"(HEADERS_MAX));
#endif
	return off;
}

/* All extension headers, from view->off, where the first is view->proto. */
static __always_inline enum ip_kind wire_extensions(wire_fetch *fetch, const void *source,
						    struct ip_view *view)
{
	for (int i = 0; i < IPV6_EXTENSIONS && ipv6_extension(view->proto); i++) {
		struct ipv6_extension_wire copy;
		const struct ipv6_extension_wire *ext;
		enum ip_kind kind;

		if (view->off > HEADERS_MAX || view->off + sizeof(copy) > view->end)
			return IP_MALFORMED;
		view->off = blur(view->off);
		ext = fetch(source, view->off, sizeof(copy), &copy);
		if (!ext)
			return IP_MALFORMED;
		kind = wire_extension(ext, view);
		if (kind != IP_TRANSPORT)
			return kind;
	}
	return ipv6_extension(view->proto) ? IP_MALFORMED : IP_TRANSPORT;
}

/*
 * wire_extensions() of one kind of source. In a BPF program it calls a global function, which the
 * verifier checks once, and not once for each caller.
 */
typedef enum ip_kind wire_walk(const void *source, struct ip_view *view);

/*
 * The IP packet of family (4 or 6) at off of source, in a frame of frame_len bytes. If its own
 * header is there, *fields are filled, even if what follows is malformed.
 */
static __always_inline enum ip_kind wire_ip(wire_fetch *fetch, wire_walk *walk, const void *source,
					    __u32 off, __u32 frame_len, __u8 family,
					    struct ip_view *view, const struct ip_fields *fields)
{
	if (off > HEADERS_MAX || off + (family == 4 ? IPV4_SIZE : IPV6_SIZE) > frame_len)
		return IP_MALFORMED;
	if (family == 4) {
		struct ipv4_wire copy;
		const struct ipv4_wire *ip = fetch(source, off, sizeof(copy), &copy);
		enum ip_kind kind;

		if (!ip)
			return IP_MALFORMED;
		kind = wire_ipv4(ip, off, frame_len, view);
		*fields->ttl = ip->ttl;
		__builtin_memcpy(fields->src, &ip->saddr, 4);
		__builtin_memcpy(fields->dst, &ip->daddr, 4);
		return kind;
	} else {
		struct ipv6_wire copy;
		const struct ipv6_wire *ip = fetch(source, off, sizeof(copy), &copy);

		if (!ip || wire_ipv6(ip, off, frame_len, view) == IP_MALFORMED)
			return IP_MALFORMED;
		*fields->ttl = ip->hop_limit;
		__builtin_memcpy(fields->src, ip->saddr, 16);
		__builtin_memcpy(fields->dst, ip->daddr, 16);
	}
	return ipv6_extension(view->proto) ? walk(source, view) : IP_TRANSPORT;
}

/* ---- ICMP ---------------------------------------------------------------------------------- */

/* What an ICMP (RFC 792) or ICMPv6 (RFC 4443, 4861) type means to a path. */
static __always_inline enum vl_icmp_class icmp4_class(__u8 type)
{
	switch (type) {
	case 8:
		return VL_ICMP_ECHO_REQUEST;
	case 0:
		return VL_ICMP_ECHO_REPLY;
	case 3:
		return VL_ICMP_UNREACHABLE;
	case 11:
		return VL_ICMP_TIME_EXCEEDED;
	case 5:
		return VL_ICMP_REDIRECT;
	default:
		return VL_ICMP_OTHER;
	}
}

static __always_inline enum vl_icmp_class icmp6_class(__u8 type)
{
	switch (type) {
	case 128:
		return VL_ICMP_ECHO_REQUEST;
	case 129:
		return VL_ICMP_ECHO_REPLY;
	case 1: /* destination unreachable */
	case 2: /* packet too big: what v4 says by an unreachable code */
		return VL_ICMP_UNREACHABLE;
	case 3:
		return VL_ICMP_TIME_EXCEEDED;
	case 137:
		return VL_ICMP_REDIRECT;
	case 133:
	case 134:
	case 135:
	case 136:
		return VL_ICMP_ND;
	default:
		return VL_ICMP_OTHER;
	}
}

static __always_inline enum vl_icmp_class icmp_class(__u8 family, __u8 type)
{
	return family == 4 ? icmp4_class(type) : icmp6_class(type);
}

/* Whether proto is ICMP for IPv4 or ICMPv6 for IPv6. */
static __always_inline bool ip_is_icmp(__u8 family, __u8 proto)
{
	return proto == (family == 4 ? PROTO_ICMP : PROTO_ICMPV6);
}

/* The type of an echo request, and whether a type is that or a reply's: these have id and seq. */
static __always_inline __u8 icmp_echo_request(__u8 family)
{
	return family == 4 ? 8 : 128;
}

static __always_inline bool icmp_is_echo(__u8 family, __u8 type)
{
	return family == 4 ? type == 8 || type == 0 : type == 128 || type == 129;
}

/*
 * Messages that quote the packet they are about; where, says wire_quote_offset() of wire_quote.h.
 * Source quench (4) does, too (RFC 792), though nobody may send it any more (RFC 6633).
 */
static __always_inline bool icmp_quotes(__u8 family, __u8 type)
{
	if (family == 4)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return (type >= 1 && type <= 4) || type == ICMPV6_REDIRECT;
}

/* Errors that mean that the quoted packet has gone no further. */
static __always_inline bool icmp_reports_loss(__u8 family, __u8 type)
{
	if (family == 4)
		return type == 3 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

/* The identification of the IP header at off of source; 0 where there is none, as in IPv6. */
static __always_inline __u16 wire_ip_id(wire_fetch *fetch, const void *source, __u32 off,
					__u8 family)
{
	__be16 copy;
	const __be16 *id;

	if (family != 4 || off > HEADERS_MAX)
		return 0;
	id = fetch(source, off + offsetof(struct ipv4_wire, id), sizeof(copy), &copy);
	return id ? bpf_ntohs(*id) : 0;
}

#ifndef __bpf__
/* ---- memory -------------------------------------------------------------------------------- */

/* A source of wire_memory_fetch(): len bytes, borrowed. */
struct wire_memory {
	const void *bytes;
	__u32 len;
};

/* A wire_fetch of struct wire_memory. Always a copy, since headers in memory may be unaligned. */
static inline const void *wire_memory_fetch(const void *source, __u32 off, __u32 size, void *copy)
{
	const struct wire_memory *memory = source;

	if (off > memory->len || size > memory->len - off)
		return NULL;
	return memcpy(copy, (const char *)memory->bytes + off, size);
}

/* A wire_walk of struct wire_memory. */
static inline enum ip_kind wire_memory_walk(const void *source, struct ip_view *view)
{
	return wire_extensions(wire_memory_fetch, source, view);
}
#endif

#endif
