/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * frame.h - the bytes of a frame at tc or XDP, and its headers by the parser of wire.h. Nothing is
 * written to the packet.
 *
 * Headers are read where they lie if they are in the linear part, else they are copied out of
 * the fragments (bpf_*_load_bytes): pulling them would change the packet that is observed.
 */
#ifndef VETHLAB_BPF_FRAME_H
#define VETHLAB_BPF_FRAME_H

#include "vmlinux/vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bpf/wire.h"

/* A frame under inspection. */
struct frame {
	void *ctx; /* struct __sk_buff * or struct xdp_md * */
	bool xdp;  /* ctx is a struct xdp_md *; a constant for the compiler, so it costs nothing */
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

	/* The verifier of kernels such as 6.1 forgets a bound if the offset was on the stack since.
	 */
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

/* frame_view() as a wire_fetch. */
static __always_inline const void *frame_fetch(const void *source, __u32 off, __u32 size,
					       void *copy)
{
	return frame_view(source, off, size, copy);
}

static __always_inline enum ip_kind ipv4_parse(const struct frame *f, __u32 off,
					       struct ip_view *view)
{
	struct ipv4_wire copy;
	const struct ipv4_wire *ip = frame_view(f, off, IPV4_SIZE, &copy);

	return ip ? wire_ipv4(ip, off, f->len, view) : IP_MALFORMED;
}

/* Global functions: the verifier checks each once, and not once for each path of each caller. */
__noinline int ipv6_walk_skb(struct __sk_buff *skb, struct ip_view *view)
{
	struct frame f = frame_of_skb(skb);

	return view ? wire_extensions(frame_fetch, &f, view) : IP_MALFORMED;
}

__noinline int ipv6_walk_xdp(struct xdp_md *xdp, struct ip_view *view)
{
	struct frame f = frame_of_xdp(xdp);

	return view ? wire_extensions(frame_fetch, &f, view) : IP_MALFORMED;
}

/* A wire_walk. */
static __always_inline enum ip_kind frame_walk(const void *source, struct ip_view *view)
{
	const struct frame *f = source;

	return f->xdp ? ipv6_walk_xdp(f->ctx, view) : ipv6_walk_skb(f->ctx, view);
}

static __always_inline enum ip_kind ipv6_parse(const struct frame *f, __u32 off,
					       struct ip_view *view)
{
	struct ipv6_wire copy;
	const struct ipv6_wire *ip = frame_view(f, off, IPV6_SIZE, &copy);
	struct ip_view walked;
	enum ip_kind kind;

	if (!ip || wire_ipv6(ip, off, f->len, view) == IP_MALFORMED)
		return IP_MALFORMED;
	if (__builtin_expect(view->proto == PROTO_TCP || view->proto == PROTO_UDP ||
				     view->proto == PROTO_ICMPV6,
			     1))
		return IP_TRANSPORT;
	/* A copy: a variable whose address is an argument is kept in memory, not in registers. */
	walked = *view;
	kind = frame_walk(f, &walked);
	*view = walked;
	return kind;
}

/*
 * size bytes at off, in the transport header or behind it: as frame_view(), and NULL if they are
 * behind the packet's end.
 */
static __always_inline const void *ip_payload(const struct frame *f, const struct ip_view *view,
					      __u32 off, __u32 size, void *copy)
{
	if (off > HEADERS_MAX || off + size > view->end)
		return NULL;
	return frame_view(f, off, size, copy);
}

/*
 * The IP header of the commonest kind of echo: IPv4 without options, no fragment, not cut short,
 * with its headers in the linear part. The ICMP header is right behind. NULL: the frame is none of
 * that kind, and has to be parsed.
 */
static __always_inline const struct ipv4_wire *plain_echo4(const struct frame *f)
{
	const __be16 *type = f->data + ETH_SIZE - 2;
	const struct ipv4_wire *ip = f->data + ETH_SIZE;
	const struct icmp_wire *icmp = (const void *)(ip + 1);

	if ((const void *)(icmp + 1) > f->data_end || *type != bpf_htons(WIRE_IPV4) ||
	    ip->protocol != PROTO_ICMP || ip->version_ihl != 0x45 ||
	    ip->frag_off & bpf_htons(IPV4_MORE_FRAGMENTS | IPV4_OFFSET) ||
	    bpf_ntohs(ip->tot_len) < IPV4_SIZE + ICMP_SIZE ||
	    ETH_SIZE + bpf_ntohs(ip->tot_len) > f->len || (icmp->type != 8 && icmp->type != 0))
		return NULL;
	return ip;
}

#endif
