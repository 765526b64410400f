// SPDX-License-Identifier: GPL-2.0-only
/*
 * drops.bpf.c - counts what the kernel drops at the ends of a lab, by reason and place, for the
 * ledger. It stays attached as long as the lab is up. Records of single drops are made by
 * node_trace.bpf.c, for tracers.
 */
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "bpf/end_lookup.h"
#include "bpf/proof_frame.h"
#include "bpf/vethlab.h"
#include "bpf/wire.h"

char LICENSE[] SEC("license") = "GPL";

enum { PACKET_LOOPBACK = 5 }; /* linux/if_packet.h */

/* The map `ends` of the lab's other programs: before load, user space puts its descriptor here. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct vl_end);
} ends SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC); /* most labs have few entries */
	__uint(max_entries, 1);		      /* set before load */
	__type(key, struct vl_drop_key);
	__type(value, struct vl_drop_counters);
} drop_count SEC(".maps");

/* Drops for which drop_count had no entry, by the cause of that. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VL_DROP_MISSED_CAUSES);
	__type(key, __u32);
	__type(value, struct vl_drop_counters);
} drop_missed SEC(".maps");

/*
 * How far skb has come, whose device is an end: enum vl_drop_arrived. skb_iif is set once a stack
 * has received it. Before that, the driver of the peer has given the packet this device, and
 * skb->data stands behind the Ethernet header. In a packet on its way out skb->data stands at that
 * header, or there is none yet.
 */
static __always_inline __u32 arrived_at(const struct sk_buff *skb, __u32 ifindex)
{
	__u16 mac = skb->mac_header;

	if (skb->skb_iif == (int)ifindex)
		return VL_DROP_CAME_IN;
	if (!skb->skb_iif && mac != 0xffff && skb->data - skb->head == mac + ETH_SIZE)
		return VL_DROP_ARRIVING;
	return VL_DROP_LEAVING;
}

/*
 * The device by which a packet without one is to leave; NULL: it is not leaving. A packet that its
 * node has made itself gets a device only after netfilter's rules for output; until then its route
 * names the device. A packet that came in (skb_iif) has a route too, but to a socket.
 */
static __always_inline struct net_device *way_out(const struct sk_buff *skb)
{
	struct dst_entry *dst = (struct dst_entry *)(skb->_skb_refdst & ~1ul);

	return dst && !skb->skb_iif ? BPF_CORE_READ(dst, dev) : NULL;
}

/* The end at which skb is; VL_NO_END if it is at none of this lab. */
static __always_inline __u32 end_of_skb(const struct sk_buff *skb, __u32 *arrived)
{
	struct net_device *dev = skb->dev, *out = dev ? NULL : way_out(skb);
	__u32 inode, ifindex, end;
	const struct vl_end *e;

	if (out) {
		inode = BPF_CORE_READ(out, nd_net.net, ns.inum);
		ifindex = BPF_CORE_READ(out, ifindex);
		*arrived = VL_DROP_LEAVING;
	} else if (dev) {
		inode = dev->nd_net.net->ns.inum;
		ifindex = dev->ifindex;
		*arrived = arrived_at(skb, ifindex);
	} else {
		struct sock *sk = skb->sk; /* handed to a socket: the device is taken off before */

		if (!sk)
			return VL_NO_END;
		inode = sk->__sk_common.skc_net.net->ns.inum;
		ifindex = skb->skb_iif;
		*arrived = VL_DROP_CAME_IN;
	}
	end = place_end(inode, ifindex);
	e = bpf_map_lookup_elem(&ends, &end);
	/* An ifindex is unique in its namespace only. */
	return e && e->in_use && e->netns == inode ? end : VL_NO_END;
}

/* Errors of the kernel's hash map for a new entry (alloc_htab_elem in kernel/bpf/hashtab.c). */
enum { ERROR_NO_MEMORY = 12, ERROR_TOO_BIG = 7 };

static __always_inline struct vl_drop_counters *counters_for(const struct vl_drop_key *key)
{
	struct vl_drop_counters *c = bpf_map_lookup_elem(&drop_count, key), none = {};
	__u32 missed;
	int ret; /* not long: before 6.4 a function is called that returns only 32 bits */

	if (c)
		return c;
	ret = bpf_map_update_elem(&drop_count, key, &none, BPF_NOEXIST);
	c = bpf_map_lookup_elem(&drop_count, key);
	if (c)
		return c;
	missed = ret == -ERROR_TOO_BIG	   ? VL_DROP_MISSED_FULL
		 : ret == -ERROR_NO_MEMORY ? VL_DROP_MISSED_NO_MEMORY
					   : VL_DROP_MISSED_BUSY;
	return bpf_map_lookup_elem(&drop_missed, &missed);
}

/*
 * Whether it is the copy of a broadcast or multicast that the sending node gets itself
 * (dev_loopback_xmit). Its device is the end by which the packet leaves, but it came by no link.
 */
static __always_inline bool is_looped(const struct sk_buff *skb)
{
	return BPF_CORE_READ_BITFIELD_PROBED(skb, pkt_type) == PACKET_LOOPBACK;
}

/* Whether the IP destination of a packet in a stack is a multicast address. */
static __always_inline bool is_to_multicast(const struct sk_buff *skb)
{
	const unsigned char *ip = skb->head + skb->network_header;
	__u8 first;

	if (skb->protocol == bpf_htons(WIRE_IPV4))
		return !bpf_probe_read_kernel(&first, 1, ip + offsetof(struct ipv4_wire, daddr)) &&
		       (first & 0xf0) == 0xe0;
	if (skb->protocol == bpf_htons(WIRE_IPV6))
		return !bpf_probe_read_kernel(&first, 1, ip + offsetof(struct ipv6_wire, daddr)) &&
		       first == 0xff;
	return false;
}

SEC("tp_btf/kfree_skb")
int BPF_PROG(vl_drops, struct sk_buff *skb, void *location, int reason)
{
	struct vl_drop_key key = {.location = (__u64)location, .reason = reason};
	struct skb_shared_info *shared;
	struct vl_drop_counters *c;
	__u16 segments;

	(void)ctx;
	/* No packet, but a buffer that is tried and freed when NAPI starts (napi_get_frags_check,
	 * 6.1). */
	if (!skb->len && !skb->protocol)
		return 0;
	key.end = end_of_skb(skb, &key.arrived);
	if (key.end == VL_NO_END || is_looped(skb) || proof_frame_is_skb(skb))
		return 0;
	key.to_multicast = key.arrived == VL_DROP_CAME_IN && is_to_multicast(skb);
	c = counters_for(&key);
	if (!c)
		return 0;
	shared = (void *)(skb->head + skb->end);
	segments = BPF_CORE_READ(shared, gso_segs);
	c->packets++;
	c->bytes += skb->len;
	c->segments += segments ? segments : 1;
	return 0;
}
