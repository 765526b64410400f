/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vmlinux.h - the kernel types that our BPF programs use, and nothing else: kept by hand, so that
 * a build needs no BTF of a kernel. `make check` holds it against the running kernel's BTF
 * (vmlinux/test_btf.sh): every type, field and constant here must exist there and be alike.
 *
 * Two kinds:
 * - user API (contexts, constants): their layout is promised; fields stand where they stand.
 * - kernel structs (preserve_access_index): any field may move, so accesses are relocated at load
 *   (CO-RE), and a struct here lists only the fields in use.
 */
#ifndef __VMLINUX_H__
#define __VMLINUX_H__

typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s64 s64;

typedef __u16 __be16;
typedef __u32 __be32;
typedef __u16 __sum16;
typedef __u32 __wsum;

typedef _Bool bool;
enum { false = 0, true = 1 };

/* ---- user API: include/uapi/linux/bpf.h ------------------------------------------------------ */

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4,
	BPF_MAP_TYPE_PERCPU_HASH = 5,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum bpf_update_flag {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
	BPF_EXIST = 2,
};

enum bpf_create_flag {
	BPF_F_NO_PREALLOC = 1 << 0,
	BPF_F_MMAPABLE = 1 << 10,
};

enum bpf_ringbuf_flag {
	BPF_RB_NO_WAKEUP = 1 << 0,
};

enum xdp_action {
	XDP_DROP = 1,
	XDP_PASS = 2,
};

/* Of include/uapi/linux/pkt_cls.h, where it is a macro; TCX_NEXT of linux/bpf.h is the same. */
#define TC_ACT_UNSPEC (-1)
#define TC_ACT_SHOT   2

struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol;
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto;
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
	__u32 napi_id;
	__u32 family;
	__u32 remote_ip4;
	__u32 local_ip4;
	__u32 remote_ip6[4];
	__u32 local_ip6[4];
	__u32 remote_port;
	__u32 local_port;
	__u32 data_meta;
	__u64 flow_keys;
	__u64 tstamp;
	__u32 wire_len;
	__u32 gso_segs;
};

struct xdp_md {
	__u32 data;
	__u32 data_end;
	__u32 data_meta;
	__u32 ingress_ifindex;
	__u32 rx_queue_index;
	__u32 egress_ifindex;
};

/* ---- kernel structs, relocated --------------------------------------------------------------- */

/* Values move from version to version: relocated too. */
enum skb_drop_reason {
	SKB_DROP_REASON_NO_SOCKET = 3,
}; /* preserve_access_index: by bpf_core_enum_value() */

struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct fib6_info;

struct netns_ipv6 {
	struct fib6_info *fib6_null_entry;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
	struct netns_ipv6 ipv6;
} __attribute__((preserve_access_index));

typedef struct {
	struct net *net;
} __attribute__((preserve_access_index)) possible_net_t;

struct net_device {
	char name[16];
	int ifindex;
	unsigned int flags;
	unsigned short type; /* ARPHRD_* */
	possible_net_t nd_net;
} __attribute__((preserve_access_index));

struct sock_common {
	possible_net_t skc_net;
} __attribute__((preserve_access_index));

struct sock {
	struct sock_common __sk_common;
} __attribute__((preserve_access_index));

struct dst_entry {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
	struct sock *sk;
	unsigned long _skb_refdst; /* a struct dst_entry *, and bit 0 */
	unsigned int len;
	int skb_iif;
	__u8 pkt_type : 3;
	__be16 protocol;
	__u16 network_header;
	__u16 mac_header; /* 0xffff: not known */
	unsigned int tail; /* offsets: true on every 64-bit machine */
	unsigned int end;
	unsigned char *head;
	unsigned char *data;
} __attribute__((preserve_access_index));

struct nsproxy {
	struct net *net_ns;
} __attribute__((preserve_access_index));

struct task_struct {
	struct nsproxy *nsproxy;
} __attribute__((preserve_access_index));

struct in6_addr {
	union {
		__u8 u6_addr8[16];
	} in6_u;
} __attribute__((preserve_access_index));

struct flowi_common {
	int flowic_iif;
	__u8 flowic_proto;
} __attribute__((preserve_access_index));

struct flowi4 {
	struct flowi_common __fl_common;
	__be32 saddr;
	__be32 daddr;
} __attribute__((preserve_access_index));

struct flowi6 {
	struct flowi_common __fl_common;
	struct in6_addr daddr;
	struct in6_addr saddr;
} __attribute__((preserve_access_index));

struct fib_nh_common {
	struct net_device *nhc_dev;
	unsigned char nhc_scope;
	u8 nhc_gw_family;
	union {
		__be32 ipv4;
		struct in6_addr ipv6;
	} nhc_gw;
} __attribute__((preserve_access_index));

struct fib6_nh {
	struct fib_nh_common nh_common;
} __attribute__((preserve_access_index));

struct fib6_result {
	struct fib6_nh *nh;
	struct fib6_info *f6i;
	u8 fib6_type;
} __attribute__((preserve_access_index));

struct fib6_table {
	u32 tb6_id;
} __attribute__((preserve_access_index));

struct neigh_table {
	int family;
} __attribute__((preserve_access_index));

typedef struct {
	int counter;
} atomic_t;

struct sk_buff_head {
	struct sk_buff *prev;
	__u32 qlen;
} __attribute__((preserve_access_index));

struct neigh_parms {
	int data[14];
} __attribute__((preserve_access_index));

struct neighbour {
	struct neigh_table *tbl;
	struct neigh_parms *parms;
	struct sk_buff_head arp_queue;
	atomic_t probes;
	u8 nud_state;
	unsigned char ha[32];
	struct net_device *dev;
	u8 primary_key[0];
} __attribute__((preserve_access_index));

struct net_bridge {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct net_bridge_port {
	struct net_device *dev;
} __attribute__((preserve_access_index));

struct skb_shared_info {
	unsigned short gso_segs;
} __attribute__((preserve_access_index));

#endif
