/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * wire_other.h - the fields by which a packet that is no ICMP is told from others (struct
 * vl_other), by the parser of wire.h: TCP (RFC 9293), UDP (RFC 768), the ports of SCTP, DCCP and
 * UDP-Lite, ARP (RFC 826). Pure functions; the caller gives a wire_fetch that reads the bytes.
 */
#ifndef VETHLAB_BPF_WIRE_OTHER_H
#define VETHLAB_BPF_WIRE_OTHER_H

#include "bpf/wire.h"

enum {
	PROTO_DCCP = 33,
	PROTO_SCTP = 132,
	PROTO_UDPLITE = 136,
	TCP_FLAG_FIN = 0x01,
	TCP_FLAG_SYN = 0x02,
	TCP_FLAG_RST = 0x04,
	TCP_FLAG_PSH = 0x08,
	TCP_FLAG_ACK = 0x10,
	TCP_FLAG_URG = 0x20,
	TCP_FLAG_ECE = 0x40,
	TCP_FLAG_CWR = 0x80,
};

/* An ARP packet for IPv4 over Ethernet. */
struct arp_wire {
	__be16 hardware, protocol;
	__u8 hardware_len, protocol_len;
	__be16 operation;
	__u8 sender_mac[6], sender[4];
	__u8 target_mac[6], target[4];
};
_Static_assert(sizeof(struct arp_wire) == 28, "struct arp_wire has changed");

/* An 802.1Q tag without its ethertype: what follows that. */
struct tag_wire {
	__be16 tci, type;
};

/* The timestamp option where Linux puts it: at byte 2 of the options, or in a SYN at byte 6. */
struct tcp_options_wire {
	__u8 start[2], kind, len;
	__u8 value[4];
	__u8 rest[4];
};

/* Whether they begin with the maximum segment size (kind 2, RFC 9293), whose value is next. */
static __always_inline bool tcp_is_mss(const struct tcp_options_wire *options)
{
	return options->start[0] == 2 && options->start[1] == 4;
}

static __always_inline bool has_ports(__u8 protocol)
{
	return protocol == PROTO_TCP || protocol == PROTO_UDP || protocol == PROTO_SCTP ||
	       protocol == PROTO_DCCP || protocol == PROTO_UDPLITE;
}

static __always_inline __u64 content_mix(__u64 hash, __u64 word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 29;
}

/* Add a word of that type at off to the hash; false: the source has no such bytes. */
#define CONTENT_ADD(fetch, source, off, type, hash)                                                \
	({                                                                                         \
		type word_ = 0, copy_;                                                             \
		const void *at_ = (off) <= HEADERS_MAX                                             \
					  ? fetch(source, blur(off), sizeof(type), &copy_)         \
					  : NULL;                                                  \
		if (at_)                                                                           \
			__builtin_memcpy(&word_, at_, sizeof(type));                               \
		*(hash) = content_mix(*(hash), word_);                                             \
		at_ != NULL;                                                                       \
	})

/*
 * A hash of the n bytes at off: of the first 16 and the last 8, or of all if they are fewer; never
 * 0. 0: the source has not all that are hashed, or n is 0.
 */
static __always_inline __u64 wire_content(wire_fetch *fetch, const void *source, __u32 off, __u32 n)
{
	__u64 hash = n;
	bool there = n > 0;

	if (n >= 8) {
		there = CONTENT_ADD(fetch, source, off, __u64, &hash);
		if (n >= 16)
			there &= CONTENT_ADD(fetch, source, off + 8, __u64, &hash);
		there &= CONTENT_ADD(fetch, source, off + n - 8, __u64, &hash);
	} else if (n >= 4) {
		there = CONTENT_ADD(fetch, source, off, __u32, &hash);
		there &= CONTENT_ADD(fetch, source, off + n - 4, __u32, &hash);
	} else if (n) {
		there = CONTENT_ADD(fetch, source, off, __u8, &hash);
		there &= CONTENT_ADD(fetch, source, off + n / 2, __u8, &hash);
		there &= CONTENT_ADD(fetch, source, off + n - 1, __u8, &hash);
	}
	return there ? hash | 1 : 0;
}

static __always_inline void wire_tcp(wire_fetch *fetch, const void *source,
				     const struct ip_view *ip, struct vl_other *other)
{
	struct tcp_options_wire options_copy;
	const struct tcp_options_wire *options;
	struct tcp_wire copy;
	const struct tcp_wire *tcp = fetch(source, ip->off, TCP_SIZE, &copy);
	__u32 size;

	if (!tcp)
		return;
	other->seq = bpf_ntohl(tcp->seq);
	other->ack = bpf_ntohl(tcp->ack);
	other->tcp_flags = tcp->flags;
	other->window = bpf_ntohs(tcp->window);
	other->has_window = 1;
	size = (tcp->offset >> 4) * 4;
	if (size < TCP_SIZE || ip->off + size > ip->end)
		return;
	other->bytes = ip->end - ip->off - size;
	if (size < TCP_SIZE + sizeof(*options))
		return;
	options = fetch(source, ip->off + TCP_SIZE, sizeof(*options), &options_copy);
	if (options && tcp_is_mss(options) && other->tcp_flags & TCP_FLAG_SYN)
		other->mss = (__u16)options->kind << 8 | options->len;
	if (options && (options->kind != 8 || options->len != 10) &&
	    size >= TCP_SIZE + 4 + sizeof(*options))
		options = fetch(source, ip->off + TCP_SIZE + 4, sizeof(*options), &options_copy);
	if (options && options->kind == 8 && options->len == 10) {
		__builtin_memcpy(&size, options->value, 4);
		other->tsval = bpf_ntohl(size);
	}
}

/*
 * Fill *other, whose protocol is set, from what is behind the IP headers that ip describes;
 * *content is the hash of its payload. Fields for which there are no bytes stay as they are.
 */
static __always_inline void wire_transport(wire_fetch *fetch, const void *source,
					   const struct ip_view *ip, struct vl_other *other,
					   __u64 *content)
{
	struct icmp_wire copy;
	const struct icmp_wire *ports;
	__u32 size = 0;

	if (ip->off > HEADERS_MAX || ip->off > ip->end)
		return;
	other->bytes = ip->end - ip->off;
	if (has_ports(other->protocol) && other->bytes >= UDP_SIZE) {
		ports = fetch(source, ip->off, sizeof(copy), &copy);
		if (!ports)
			return;
		other->from_port = (__u16)ports->type << 8 | ports->code;
		other->to_port = bpf_ntohs(ports->check);
		if (other->protocol == PROTO_TCP) {
			if (other->bytes >= TCP_SIZE)
				wire_tcp(fetch, source, ip, other);
			return;
		}
		if (other->protocol == PROTO_UDP || other->protocol == PROTO_UDPLITE)
			size = UDP_SIZE;
	}
	other->bytes -= size;
	*content = wire_content(fetch, source, ip->off + size, other->bytes);
}

/* Fill *ev from the ARP packet at off. False: it is not for IPv4 over Ethernet; ev is as it was. */
static __always_inline bool wire_arp(wire_fetch *fetch, const void *source, __u32 off,
				     struct vl_event *ev)
{
	struct arp_wire copy;
	const struct arp_wire *arp =
		off <= HEADERS_MAX ? fetch(source, off, sizeof(copy), &copy) : NULL;

	if (!arp || arp->protocol != bpf_htons(WIRE_IPV4) || arp->hardware_len != 6 ||
	    arp->protocol_len != 4)
		return false;
	ev->family = 4;
	ev->other.operation = bpf_ntohs(arp->operation);
	__builtin_memcpy(ev->src, arp->sender, 4);
	__builtin_memcpy(ev->dst, arp->target, 4);
	__builtin_memcpy(&ev->payload, arp->sender_mac, 6);
	ev->flags |= VL_EV_PAYLOAD;
	return true;
}

/*
 * Fill *ev, whose family and other.ethertype are set, from the IP packet at off of source, in a
 * frame of frame_len bytes. If it is cut short or impossible, from what could be read of it.
 */
static __always_inline void wire_other_ip(wire_fetch *fetch, wire_walk *walk, const void *source,
					  __u32 off, __u32 frame_len, struct vl_event *ev)
{
	const struct ip_fields fields = {ev->src, ev->dst, &ev->ttl};
	struct ip_view ip = {};
	enum ip_kind kind = wire_ip(fetch, walk, source, off, frame_len, ev->family, &ip, &fields);

	ev->other.ip_id = wire_ip_id(fetch, source, off, ev->family);
	if (kind == IP_MALFORMED) {
		ev->flags |= VL_EV_CUT;
		return;
	}
	ev->flags |= ip.flags;
	ev->other.protocol = ip.proto;
	if (ip.flags & VL_EV_FRAGMENT) {
		ev->frag_id = ip.frag_id;
		ev->frag_off = ip.frag_off;
		ev->frag_len = ip.end - ip.off;
	}
	if (kind == IP_TRANSPORT)
		wire_transport(fetch, source, &ip, &ev->other, &ev->payload);
	else
		ev->other.bytes = ip.end - ip.off;
	if (ev->payload)
		ev->flags |= VL_EV_PAYLOAD;
}

/*
 * Fill *ev from the packet of ethertype type (host order, no tag) at off of source, in a frame of
 * frame_len bytes. The fields that this writes must be zero before. Sets VL_EV_OTHER. Returns false
 * if it is neither IP nor ARP: then the caller has to fill in the MAC addresses.
 */
static __always_inline bool wire_other(wire_fetch *fetch, wire_walk *walk, const void *source,
				       __u16 type, __u32 off, __u32 frame_len, struct vl_event *ev)
{
	ev->flags |= VL_EV_OTHER;
	ev->other.ethertype = type;
	if (type == WIRE_ARP && wire_arp(fetch, source, off, ev))
		return true;
	if (type != WIRE_IPV4 && type != WIRE_IPV6) {
		if (off < frame_len) {
			ev->other.bytes = frame_len - off;
			ev->payload = wire_content(fetch, source, off, ev->other.bytes);
		}
		if (ev->payload)
			ev->flags |= VL_EV_PAYLOAD;
		return false;
	}
	ev->family = type == WIRE_IPV4 ? 4 : 6;
	wire_other_ip(fetch, walk, source, off, frame_len, ev);
	return true;
}

#endif
