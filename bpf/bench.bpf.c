// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench.bpf.c - what `vethlab bench` generates and receives packets with. It runs in labs of the
 * bench's own only: some of these programs drop what they see.
 */
#include "vmlinux/vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_SIZE       14
#define ETHERTYPE_IPV4 0x0800

char LICENSE[] SEC("license") = "GPL";

/* Where generated frames go, in the namespace that the generator runs in. */
const volatile __u32 out_ifindex = 0;

/* Packets by key. */
enum { RECEIVED, COUNTS };

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTS);
	__type(key, __u32);
	__type(value, __u64);
} bench_count SEC(".maps");

static __always_inline void count(__u32 key)
{
	__u64 *n = bpf_map_lookup_elem(&bench_count, &key);

	if (n)
		++*n;
}

/* Whether the bench has sent it: IPv4, and not ARP or the neighbour discovery of a new link. */
static __always_inline bool is_ours(const struct xdp_md *xdp)
{
	const __u8 *data = (const void *)(long)xdp->data, *end = (const void *)(long)xdp->data_end;

	return data + ETH_SIZE <= end && *(const __u16 *)(data + 12) == bpf_htons(ETHERTYPE_IPV4);
}

/*
 * Run by BPF_PROG_TEST_RUN with live frames: the kernel makes the frames, and this sends them. It
 * counts nothing: the caller has asked for a number of them.
 */
SEC("xdp")
int bench_generate(struct xdp_md *xdp)
{
	(void)xdp;
	return bpf_redirect(out_ifindex, 0);
}

SEC("xdp")
int bench_drop(struct xdp_md *xdp)
{
	if (!is_ours(xdp))
		return XDP_PASS;
	count(RECEIVED);
	return XDP_DROP;
}

SEC("xdp")
int bench_pass(struct xdp_md *xdp)
{
	if (is_ours(xdp))
		count(RECEIVED);
	return XDP_PASS;
}

SEC("tc")
int bench_tc_drop(struct __sk_buff *skb)
{
	if (skb->protocol != bpf_htons(ETHERTYPE_IPV4))
		return TC_ACT_UNSPEC;
	count(RECEIVED);
	return TC_ACT_SHOT;
}

/* A filter of a UDP socket: each datagram is counted, and does not get into the socket's queue. */
SEC("socket")
int bench_sink(struct __sk_buff *skb)
{
	(void)skb;
	count(RECEIVED);
	return 0;
}
