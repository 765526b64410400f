/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vethlab.h - the one header that the BPF programs and user space share: map keys and values,
 * event records, limits. It is also the interface for other people's programs (docs/maps.md).
 *
 * All fields are in host byte order unless they say otherwise; addresses are in network order.
 * Every struct is free of holes and its size is asserted, so that both sides agree.
 */
#ifndef VETHLAB_BPF_VETHLAB_H
#define VETHLAB_BPF_VETHLAB_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#include "bpf/records.h"

/*
 * Raised when a map's key or value changes its shape or its meaning. It is in the map `lab`.
 * 2: programs write proof_seen of struct vl_end, and do not count proof frames.
 */
#define VL_VERSION 2

#define VL_LAB_SIZE  32	   /* lab name with its zero */
#define VL_NODE_SIZE 64	   /* node name with its zero */
#define VL_SESSIONS  8	   /* tracers that can watch one lab at a time */
#define VL_NO_END    (~0u) /* no end has this number */

/* A hook of an end. A packet from A to B passes A's out, then B's xdp (if any), then B's in. */
enum vl_hook {
	VL_HOOK_OUT, /* tc egress */
	VL_HOOK_XDP,
	VL_HOOK_IN, /* tc ingress */
	VL_HOOKS,
};

/* ICMP messages by what they mean to a path. The rows of v4 and v6 have one shape. */
struct vl_icmp_counters {
	__u64 echo_request;  /* v4 type 8, v6 type 128 */
	__u64 echo_reply;    /* v4 type 0, v6 type 129 */
	__u64 unreachable;   /* v4 type 3 (fragmentation needed too), v6 types 1 and 2 (too big) */
	__u64 time_exceeded; /* v4 type 11, v6 type 3 */
	__u64 redirect;	     /* v4 type 5, v6 type 137 */
	__u64 nd;	     /* v6 types 133 to 136; 0 for v4 */
	__u64 other;
};

/*
 * What passed one hook of one end, on one CPU: value of the per-CPU arrays count_out, count_xdp,
 * count_in, whose key is the end's number. Sum the CPUs.
 *
 * packets = arp + ipv4 + ipv6 + vlan + other, always.
 */
struct vl_counters {
	__u64 packets;	/* as the hook saw them: a TSO/GSO super-packet is one */
	__u64 bytes;	/* frame length with the Ethernet header, without an offloaded VLAN tag */
	__u64 segments; /* packets as a wire would have them: max(gso_segs, 1) each; xdp: 1 each */
	/* by ethertype */
	__u64 arp;
	__u64 ipv4;
	__u64 ipv6;
	__u64 vlan;  /* tagged (802.1Q, 802.1ad): not looked into */
	__u64 other; /* any other ethertype, and frames too short to have one */
	/* within ipv4 and ipv6 */
	__u64 fragments; /* fragments after the first: no transport header to read */
	__u64 malformed; /* cut short or impossible headers: nothing below is counted */
	__u64 tcp;
	__u64 tcp_syn; /* SYN set, ACK or not */
	__u64 tcp_fin;
	__u64 tcp_rst;
	__u64 udp;
	struct vl_icmp_counters icmp4;
	struct vl_icmp_counters icmp6;
};
_Static_assert(sizeof(struct vl_counters) == 29 * 8, "struct vl_counters has changed");

enum vl_lab_flag {
	VL_LAB_OBSERVED = 1 << 0, /* others made its links, with any ifindexes */
};

/* Value of the array `lab` (one entry): the lab that the other maps belong to. */
struct vl_lab {
	__u32 version;	    /* VL_VERSION */
	__u32 n_ends;	    /* entries in use of `ends` and the counters */
	__u32 ifindex_base; /* end = ifindex - ifindex_base, unless VL_LAB_OBSERVED */
	__u32 flags;	    /* enum vl_lab_flag */
	__u64 started_ns;   /* CLOCK_MONOTONIC, when the lab was built */
	char name[VL_LAB_SIZE];
};
_Static_assert(sizeof(struct vl_lab) == 24 + VL_LAB_SIZE, "struct vl_lab has changed");

/* Value of the array `ends`, whose key is the end's number: what the end is called, and where. */
struct vl_end {
	__u32 in_use; /* 0: no such end */
	__u32 ifindex;
	__u32 link;
	__u32 peer;	  /* number of the other end of the link */
	__u32 node_index; /* place of the node in the lab */
	/* By enum vl_hook. 1: the program there saw a proof frame (bpf/proof_frame.h). */
	__u8 proof_seen[4];
	__u64 netns; /* inode of the network namespace */
	char lab[VL_LAB_SIZE];
	char node[VL_NODE_SIZE];
	char ifname[VL_IFNAME_SIZE];
};
_Static_assert(sizeof(struct vl_end) == 32 + VL_LAB_SIZE + VL_NODE_SIZE + VL_IFNAME_SIZE,
	       "struct vl_end has changed");
_Static_assert(VL_HOOKS < 4, "struct vl_end has no place for each hook");

/*
 * Key of the hash `places`, which a lab has that vethlab did not build; the value is the end's
 * number (32 bits). An ifindex is unique in its namespace only.
 */
struct vl_place {
	__u32 netns; /* inode of the network namespace */
	__u32 ifindex;
};
_Static_assert(sizeof(struct vl_place) == 8, "struct vl_place has changed");

/*
 * Key of the per-CPU hash `drop_count`: packets that the kernel freed with a reason, at an end.
 * Names of reasons are in the kernel's BTF (enum skb_drop_reason), those of functions in
 * /proc/kallsyms.
 */
enum vl_drop_arrived {
	VL_DROP_LEAVING,  /* on its way out by the end, or on the link */
	VL_DROP_CAME_IN,  /* in the stack of the end's node */
	VL_DROP_ARRIVING, /* given to the end by its peer, and not yet received by the stack */
};

struct vl_drop_key {
	__u64 location; /* the address behind the kernel's call that freed the packet */
	__u32 end;
	__u32 reason;
	__u32 arrived;	    /* enum vl_drop_arrived */
	__u32 to_multicast; /* 1: VL_DROP_CAME_IN, and the IP destination is a multicast address */
};
_Static_assert(sizeof(struct vl_drop_key) == 24, "struct vl_drop_key has changed");

struct vl_drop_counters {
	__u64 packets;
	__u64 bytes;	/* skb->len: with or without the headers of lower layers, by the place */
	__u64 segments; /* max(gso_segs, 1) each */
};
_Static_assert(sizeof(struct vl_drop_counters) == 24, "struct vl_drop_counters has changed");

/* Key of the per-CPU array `drop_missed`: why a drop is not in `drop_count`. */
enum vl_drop_missed {
	VL_DROP_MISSED_FULL,	  /* `drop_count` has as many kinds as it has room for */
	VL_DROP_MISSED_NO_MEMORY, /* the kernel could not allocate an entry */
	VL_DROP_MISSED_BUSY,	  /* it could not lock the map just then, or gave another error */
	VL_DROP_MISSED_CAUSES,
};

/* ---- time ---------------------------------------------------------------------------------- */

/*
 * Times in log-linear bins: 32 for each doubling from 64 ns to 2^34 ns (17 s), so that the middle
 * of a bin differs by at most 1.6 % from the times in it. All that is shorter is in bin 0, all that
 * is longer in the last one.
 */
#define VL_TIME_LOW  6	/* log2 of the first bin's start, in ns */
#define VL_TIME_HIGH 34 /* log2 of where the last bin starts */
#define VL_TIME_SUB  5	/* log2 of the bins of a doubling */
#define VL_TIME_BINS (((VL_TIME_HIGH - VL_TIME_LOW) << VL_TIME_SUB) + 2)

/*
 * Value of the arrays `transit`, `residence` and `echo_rtt`, whose key is an end's number. All CPUs
 * add to one entry, atomically: only ICMP echoes are timed, and an entry for each CPU would take
 * 7 KB times CPUs times ends.
 *
 * transit: from `out` of this end to the first hook of its peer. residence: from the first hook of
 * this end to `out` of another end of its node. echo_rtt: from a request at `out` of this end to
 * its reply at `in` (or xdp, where there is no `in`).
 */
struct vl_times {
	__u64 count; /* of the bins */
	__u64 sum_ns;
	__u64 min_plus; /* the shortest, plus 1; 0: none yet */
	__u64 max_ns;
	__u64 negative; /* not in the bins: the clock of the later hook's CPU was behind */
	__u64 bins[VL_TIME_BINS];
};
_Static_assert(sizeof(struct vl_times) == (5 + 898) * 8, "struct vl_times has changed");

/* The bin that ns falls into. */
static inline __attribute__((always_inline)) __u32 vl_time_bin(__u64 ns)
{
	__u64 rest = ns;
	__u32 log = 0;

	if (ns < 1ull << VL_TIME_LOW)
		return 0;
	if (ns >= 1ull << VL_TIME_HIGH)
		return VL_TIME_BINS - 1;
	/*
	 * log2, for which eBPF has no instruction; without branches, each of which would double
	 * what the verifier walks through. The highest bit of 2^step - 1 - rest: whether rest >=
	 * 2^step.
	 */
	for (__u32 step = 32; step; step /= 2) {
		__u32 half = (((1ull << step) - 1 - rest) >> 63) * step;

		rest >>= half;
		log += half;
	}
	return 1 + ((log - VL_TIME_LOW) << VL_TIME_SUB) +
	       (ns >> (log - VL_TIME_SUB) & ((1 << VL_TIME_SUB) - 1));
}

/* The shortest time that falls into a bin (1 to VL_TIME_BINS - 1), in ns; bin 0 starts at 0. */
static inline __attribute__((always_inline)) __u64 vl_time_start(__u32 bin)
{
	__u32 place = bin - 1, log = VL_TIME_LOW + (place >> VL_TIME_SUB);

	if (!bin)
		return 0;
	return (1ull << log) + ((__u64)(place & ((1 << VL_TIME_SUB) - 1)) << (log - VL_TIME_SUB));
}

/*
 * What became of the echo requests that left an end: value of the per-CPU array `echo_count`.
 * requests = answered + late + failed + forgotten + waiting + unanswered: user space finds
 * those that wait in `echoes`, and the rest is unanswered.
 */
struct vl_echo_counters {
	__u64 requests;	  /* at `out` */
	__u64 answered;	  /* replies that came in time */
	__u64 late;	  /* replies that came after the timeout */
	__u64 failed;	  /* an ICMP error came that quotes the request */
	__u64 forgotten;  /* not followed further: another echo took its entry of `echoes`, or it
			     got none */
	__u64 duplicates; /* replies after the first */
	__u64 reordered;  /* replies to a request that left before one that was answered already */
	__u64 unmatched;  /* replies to requests that `echoes` does not know */
	__u64 errors;	  /* ICMP errors made by this end's node about echoes that came in here */
	__u64 crowded;	  /* entries of any kind that were replaced while they waited */
};
_Static_assert(sizeof(struct vl_echo_counters) == 10 * 8, "struct vl_echo_counters has changed");

/* Value of the array `settings` (one entry), which may be changed at any time. */
struct vl_settings {
	__u64 echo_timeout_ns; /* a request without a reply for so long is unanswered */
};
#define VL_ECHO_TIMEOUT_NS 1000000000ull

enum vl_echo_kind {
	VL_ECHO_ON_LINK,      /* a request that left `end`, and its reply on the same link */
	VL_ECHO_NODE_REQUEST, /* a request that came in at `end`, in its node */
	VL_ECHO_NODE_REPLY,   /* a reply, likewise; it takes the entry of its request */
	VL_ECHO_FLOW, /* one id and pair of addresses: the latest request that was answered */
};

enum vl_echo_flag {
	VL_ECHO_ARRIVED = 1 << 0,   /* the request was seen at the other end */
	VL_ECHO_REPLIED = 1 << 1,   /* the reply left the other end */
	VL_ECHO_RETURNED = 1 << 2,  /* the reply was seen at this end */
	VL_ECHO_ANSWERED = 1 << 3,  /* and counted, so that another one is a duplicate;
				       NODE_REQUEST: its reply was made in the node */
	VL_ECHO_FAILED = 1 << 4,    /* an ICMP error quoted the request */
	VL_ECHO_LEFT = 1 << 5,	    /* NODE_*: it left the node again */
	VL_ECHO_REQUESTED = 1 << 6, /* ON_LINK: the request was seen; without: only its reply */
	VL_ECHO_LOCAL = 1 << 7,	    /* ON_LINK: the end's node made the request */
};

/* An echo that is followed. */
struct vl_echo {
	__u64 tag; /* hash of addresses, id, kind and place, xor seq; 0: free */
	__u64 ns;  /* when the request left (ON_LINK, FLOW), or the packet came in (NODE_*) */
	__u32 replied_after; /* when the reply left, in ns after that (at most 4 s) */
	__u32 end;
	__u16 id, seq;
	__u8 kind;	/* enum vl_echo_kind */
	__u8 flags;	/* enum vl_echo_flag */
	__u8 displaced; /* an echo whose own entry this is was put into another one */
	__u8 reserved;
};
_Static_assert(sizeof(struct vl_echo) == 32, "struct vl_echo has changed");

/* Entries of the array `echoes`, whose value is struct vl_echo; bpf/echo_entries.h has their order.
 */
#define VL_ECHOES 65536

#endif
