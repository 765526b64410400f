/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame.h - from a frame to what it carries. Every parser takes a frame and an offset, checks each
 * length, and returns an enum and a view in host byte order. Nothing is written to the packet.
 *
 * Headers are read where they lie if they are in the linear part, else they are copied out of
 * the fragments (bpf_*_load_bytes): pulling them would change the packet that is observed.
 */
#ifndef VETHLAB_BPF_FRAME_H
#define VETHLAB_BPF_FRAME_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/vethlab.h"

enum { ETH_SIZE = 14, IPV4_SIZE = 20, IPV6_SIZE = 40, ICMP_SIZE = 8, TCP_SIZE = 20, UDP_SIZE = 8 };

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_ARP = 0x0806,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
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
	/* No header is looked for further in; it also bounds offsets for the verifier. */
	HEADERS_MAX = 0x3fff,
};

/* Wire layouts: big endian inside, read only in this file. */
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

struct ipv6_wire {
	__u8 version_class;
	__u8 flow[3];
	__be16 payload_len;
	__u8 nexthdr;
	__u8 hop_limit;
	__be32 saddr[4], daddr[4];
};

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

struct tcp_wire {
	__be16 source, dest;
	__be32 seq, ack;
	__u8 offset;
	__u8 flags;
	__be16 window;
	__be16 check;
	__be16 urgent;
};

/* A frame under inspection. */
struct frame {
	void *ctx;	       /* struct __sk_buff * or struct xdp_md * */
	bool xdp;	       /* which; a constant wherever frames are made, so it costs nothing */
	void *data, *data_end; /* the linear part */
	__u32 len;	       /* of the whole frame, in bytes */
};

static __always_inline struct frame frame_of_skb(struct __sk_buff *skb)
{
	return (struct frame){
		.ctx = skb,
		.data = (void *)(long)skb->data,
		.data_end = (void *)(long)skb->data_end,
		.len = skb->len,
	};
}

static __always_inline struct frame frame_of_xdp(struct xdp_md *xdp)
{
	return (struct frame){
		.ctx = xdp,
		.xdp = true,
		.data = (void *)(long)xdp->data,
		.data_end = (void *)(long)xdp->data_end,
		.len = bpf_xdp_get_buff_len(xdp),
	};
}

/*
 * size bytes (a constant) at off: a pointer into the packet, or to copy when they are not in the
 * linear part; NULL if the frame has no such bytes. off <= HEADERS_MAX.
 */
static __always_inline const void *frame_view(const struct frame *f, __u32 off, __u32 size,
					      void *copy)
{
	const void *p;
	long ret;

	/* Kernels such as 6.1 forget the bound of an offset that was on the stack meanwhile. */
	if (!__builtin_constant_p(off)) {
		barrier_var(off);
		if (off > HEADERS_MAX)
			return NULL;
	}
	p = f->data + off;
	if (__builtin_expect(p + size <= f->data_end, 1))
		return p;
	if (off + size > f->len)
		return NULL;
	if (f->xdp)
		ret = bpf_xdp_load_bytes(f->ctx, off, copy, size);
	else
		ret = bpf_skb_load_bytes(f->ctx, off, copy, size);
	return ret ? NULL : copy;
}

/* The Ethernet header's type, or 0 (which is no type) when the frame is too short to have one. */
static __always_inline __u16 frame_ethertype(const struct frame *f)
{
	__be16 copy;
	const __be16 *type = frame_view(f, ETH_SIZE - 2, 2, &copy);

	return type ? bpf_ntohs(*type) : 0;
}

/* What an IP packet has behind its headers. */
enum ip_kind {
	IP_TRANSPORT, /* a transport header of ip_view.proto, at ip_view.off if it is not cut */
	IP_FRAGMENT,  /* a fragment after the first: proto is known, but there is no header */
	IP_MALFORMED, /* cut short or impossible */
};

struct ip_view {
	__u32 off;	/* of the transport header, from the frame's start */
	__u32 end;	/* where the packet ends: its own length, or the frame's if that is less */
	__u32 frag_id;	/* of a fragment; else 0 */
	__u16 frag_off; /* in bytes */
	__u8 proto;
	__u8 flags; /* VL_EV_FRAGMENT, VL_EV_MORE, VL_EV_CUT */
};

/*
 * Where a packet of len bytes (as its header says) at off ends. Padding behind it is not part of
 * it. A frame over 64 KiB with length 0 is a "BIG TCP" super-packet: the field cannot hold its
 * length.
 */
static __always_inline __u32 ip_end(const struct frame *f, __u32 off, __u32 len, __u8 *flags)
{
	if (off + len <= f->len)
		return off + len;
	*flags |= VL_EV_CUT;
	return f->len;
}

static __always_inline enum ip_kind ipv4_parse(const struct frame *f, __u32 off,
					       struct ip_view *view)
{
	struct ipv4_wire copy;
	const struct ipv4_wire *ip = frame_view(f, off, IPV4_SIZE, &copy);
	__u32 ihl, len, frag;

	if (!ip || ip->version_ihl >> 4 != 4)
		return IP_MALFORMED;
	ihl = (ip->version_ihl & 0xf) * 4;
	len = bpf_ntohs(ip->tot_len);
	if (!len && f->len > 0xffff)
		len = f->len - off;
	if (ihl < IPV4_SIZE || len < ihl)
		return IP_MALFORMED;
	frag = bpf_ntohs(ip->frag_off);
	view->flags = 0;
	view->end = ip_end(f, off, len, &view->flags);
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
 * off is at most HEADERS_MAX: make the verifier forget what else it knows about it, so that
 * iterations of a loop look alike to it and it does not walk every way through all of them.
 */
static __always_inline __u32 blur(__u32 off)
{
	asm volatile("%0 &= %1" : "+r"(off) : "i"(HEADERS_MAX));
	return off;
}

static __always_inline bool ipv6_extension(__u8 proto)
{
	return proto == PROTO_HOP_BY_HOP || proto == PROTO_ROUTING || proto == PROTO_FRAGMENT ||
	       proto == PROTO_AH || proto == PROTO_DEST_OPTS;
}

/* Walk extension headers from view->off, where the first is view->proto. */
static __always_inline enum ip_kind ipv6_walk(const struct frame *f, struct ip_view *view)
{
	for (int i = 0; i < IPV6_EXTENSIONS && ipv6_extension(view->proto); i++) {
		struct ipv6_extension_wire copy;
		const struct ipv6_extension_wire *ext;
		__u32 size, frag, id = 0;

		if (view->off > HEADERS_MAX || view->off + sizeof(copy) > view->end)
			return IP_MALFORMED;
		view->off = blur(view->off);
		ext = frame_view(f, view->off, sizeof(copy), &copy);
		if (!ext)
			return IP_MALFORMED;
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
		if (frag & (IPV6_MORE_FRAGMENTS | IPV6_OFFSET)) {
			view->flags |=
				VL_EV_FRAGMENT | (frag & IPV6_MORE_FRAGMENTS ? VL_EV_MORE : 0);
			view->frag_id = id;
			view->frag_off = frag & IPV6_OFFSET;
		}
		if (frag & IPV6_OFFSET)
			return IP_FRAGMENT;
	}
	return ipv6_extension(view->proto) ? IP_MALFORMED : IP_TRANSPORT;
}

/* Global functions, so that the verifier goes through them once, not once a caller's path. */
__noinline int ipv6_walk_skb(struct __sk_buff *skb, struct ip_view *view)
{
	struct frame f = frame_of_skb(skb);

	return view ? ipv6_walk(&f, view) : IP_MALFORMED;
}

__noinline int ipv6_walk_xdp(struct xdp_md *xdp, struct ip_view *view)
{
	struct frame f = frame_of_xdp(xdp);

	return view ? ipv6_walk(&f, view) : IP_MALFORMED;
}

static __always_inline enum ip_kind ipv6_parse(const struct frame *f, __u32 off,
					       struct ip_view *view)
{
	struct ipv6_wire copy;
	const struct ipv6_wire *ip = frame_view(f, off, IPV6_SIZE, &copy);
	struct ip_view walked;
	enum ip_kind kind;
	__u32 len;

	if (!ip || ip->version_class >> 4 != 6)
		return IP_MALFORMED;
	len = IPV6_SIZE + bpf_ntohs(ip->payload_len);
	if (len == IPV6_SIZE && f->len > 0xffff)
		len = f->len - off;
	view->flags = 0;
	view->end = ip_end(f, off, len, &view->flags);
	view->off = off + IPV6_SIZE;
	view->proto = ip->nexthdr;
	view->frag_id = 0;
	view->frag_off = 0;
	if (__builtin_expect(view->proto == PROTO_TCP || view->proto == PROTO_UDP ||
				     view->proto == PROTO_ICMPV6,
			     1))
		return IP_TRANSPORT;
	walked = *view; /* a copy: one whose address is given away stays in memory for everybody */
	kind = f->xdp ? ipv6_walk_xdp(f->ctx, &walked) : ipv6_walk_skb(f->ctx, &walked);
	*view = walked;
	return kind;
}

/* Size bytes of the transport header (or what follows it, at off), if the packet has them. */
static __always_inline const void *ip_payload(const struct frame *f, const struct ip_view *view,
					      __u32 off, __u32 size, void *copy)
{
	if (off > HEADERS_MAX || off + size > view->end)
		return NULL;
	return frame_view(f, off, size, copy);
}

/*
 * The IP header of an echo as nearly all are: IPv4 without options, no fragment, whole, its headers
 * in the linear part. NULL: the frame has to be parsed. The ICMP header is right behind.
 */
static __always_inline const struct ipv4_wire *plain_echo4(const struct frame *f)
{
	const __be16 *type = f->data + ETH_SIZE - 2;
	const struct ipv4_wire *ip = f->data + ETH_SIZE;
	const struct icmp_wire *icmp = (const void *)(ip + 1);

	if ((const void *)(icmp + 1) > f->data_end || *type != bpf_htons(ETHERTYPE_IPV4) ||
	    ip->protocol != PROTO_ICMP || ip->version_ihl != 0x45 ||
	    ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_OFFSET) ||
	    bpf_ntohs(ip->tot_len) < IPV4_SIZE + ICMP_SIZE ||
	    ETH_SIZE + bpf_ntohs(ip->tot_len) > f->len || (icmp->type != 8 && icmp->type != 0))
		return NULL;
	return ip;
}

/* Messages that quote the packet they are about, right behind their header. */
static __always_inline bool icmp_quotes(__u8 family, __u8 type)
{
	if (family == 4)
		return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

/* Errors that mean that the quoted packet has gone no further. */
static __always_inline bool icmp_reports_loss(__u8 family, __u8 type)
{
	if (family == 4)
		return type == 3 || type == 11 || type == 12;
	return type >= 1 && type <= 4;
}

#endif
