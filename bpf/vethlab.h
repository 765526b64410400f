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

/* Raised when a map's key or value changes shape. It is in the map `lab`. */
#define VL_VERSION 1

#define VL_LAB_SIZE    32    /* lab name with its zero */
#define VL_NODE_SIZE   64    /* node name with its zero */
#define VL_IFNAME_SIZE 16    /* interface name with its zero */
#define VL_SESSIONS    8     /* tracers that can watch one lab at a time */
#define VL_NO_END      (~0u) /* no end has this number */

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
	__u64 segments; /* what packets would be on a wire: max(gso_segs, 1) each; xdp: 1 each */
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
	VL_LAB_OBSERVED =
		1 << 0, /* its links were there before: their ifindexes are what they are */
};

/* Value of the array `lab` (one entry): what the other maps belong to. */
struct vl_lab {
	__u32 version;	    /* VL_VERSION */
	__u32 n_ends;	    /* entries in use of `ends` and the counters */
	__u32 ifindex_base; /* end = ifindex - ifindex_base, unless VL_LAB_OBSERVED */
	__u32 flags;	    /* enum vl_lab_flag */
	__u64 started_ns;   /* CLOCK_MONOTONIC, when the lab was built */
	char name[VL_LAB_SIZE];
};
_Static_assert(sizeof(struct vl_lab) == 24 + VL_LAB_SIZE, "struct vl_lab has changed");

/* Value of the array `ends`, whose key is the end's number: the words for it. */
struct vl_end {
	__u32 in_use; /* 0: no such end */
	__u32 ifindex;
	__u32 link;
	__u32 peer;	  /* number of the other end of the link */
	__u32 node_index; /* place of the node in the lab */
	__u32 reserved;
	__u64 netns; /* inode of the network namespace */
	char lab[VL_LAB_SIZE];
	char node[VL_NODE_SIZE];
	char ifname[VL_IFNAME_SIZE];
};
_Static_assert(sizeof(struct vl_end) == 32 + VL_LAB_SIZE + VL_NODE_SIZE + VL_IFNAME_SIZE,
	       "struct vl_end has changed");

/*
 * Key of the hash `places`, which a lab has that vethlab did not build; the value is the end's
 * number (32 bits). An ifindex is unique in its namespace only.
 */
struct vl_place {
	__u32 netns; /* inode of the network namespace */
	__u32 ifindex;
};
_Static_assert(sizeof(struct vl_place) == 8, "struct vl_place has changed");

/* Which parts of a filter count. No bit set: every ICMP packet matches. */
enum vl_filter_field {
	VL_F_TOKEN = 1 << 0, /* id or token matches: one ping's packets, NAT or not */
	VL_F_ID = 1 << 1,
	VL_F_SEQ = 1 << 2,
	VL_F_SRC = 1 << 3,
	VL_F_DST = 1 << 4,
	VL_F_ADDR = 1 << 5, /* source or destination */
	VL_F_FAMILY = 1 << 6,
	VL_F_TYPES = 1 << 7, /* bit vl_icmp_class of types */
	VL_F_END = 1 << 8,
	VL_F_LINK = 1 << 9,
	VL_F_NODE = 1 << 10,
	VL_F_FRAGMENTS = 1 << 11, /* widens: later fragments match any token, id, seq and type */
};

/* ICMP classes in the order of struct vl_icmp_counters. */
enum vl_icmp_class {
	VL_ICMP_ECHO_REQUEST,
	VL_ICMP_ECHO_REPLY,
	VL_ICMP_UNREACHABLE,
	VL_ICMP_TIME_EXCEEDED,
	VL_ICMP_REDIRECT,
	VL_ICMP_ND,
	VL_ICMP_OTHER,
	VL_ICMP_CLASSES,
};

/* Value of the array `sessions`, whose key is the session's slot: what its tracer wants to see. */
struct vl_filter {
	__u32 fields; /* enum vl_filter_field; all that are set must match */
	__u32 types;  /* bits 1 << enum vl_icmp_class */
	__u32 end, link, node;
	__u16 id, seq;			 /* for an ICMP error: those of the packet it quotes */
	__u8 family;			 /* 4 or 6 */
	__u8 src_len, dst_len, addr_len; /* prefix lengths in bits */
	__u32 reserved;
	__u64 token; /* compared with vl_event.payload */
	__u8 src[16], dst[16], addr[16];
};
_Static_assert(sizeof(struct vl_filter) == 40 + 48, "struct vl_filter has changed");

/*
 * Value of the array `control` (one entry). Byte i of active is session i's generation: 0 means
 * nobody traces there. A tracer sets its byte to a value other than the last; a program that finds
 * its session without a reader (the tracer was killed) puts it back to 0. One load tells a program
 * that nobody traces. Byte i of last is the generation that session i had last, for its next
 * tracer. All changes are by compare-and-swap (the map can be mapped into memory).
 */
struct vl_control {
	__u64 active;
	__u64 last;
};
_Static_assert(sizeof(struct vl_control) == 16, "struct vl_control has changed");

enum vl_event_flag {
	VL_EV_FRAGMENT = 1 << 0, /* one of several; a later one (frag_off > 0) has no id, seq */
	VL_EV_QUOTED = 1 << 1,	 /* the q_ fields are filled */
	VL_EV_PAYLOAD = 1 << 2,	 /* payload is filled */
	VL_EV_CUT = 1 << 3,	 /* the frame ends before its headers say so */
	VL_EV_MORE = 1 << 4,	 /* a fragment that is not the last */
	VL_EV_LOOSE = 1 << 5,	 /* struct vl_stack: which packet it is about is not known */
	VL_EV_FLOW = 1 << 6,	 /* struct vl_stack: no ICMP packet, but one that an ICMP error is
				  * about, which quote tells of: a UDP probe that nobody waits for */
};

/* What an ICMP error says about the packet that it is about (RFC 792, RFC 4443). */
struct vl_quote {
	__u8 src[16], dst[16];
	__u16 id, seq; /* when proto is ICMP/ICMPv6 echo; of UDP, TCP: ports from, to, or 0 */
	__u8 proto;    /* IP protocol number */
	__u8 icmp_type;
	__u8 ttl;
	__u8 reserved;
};
_Static_assert(sizeof(struct vl_quote) == 40, "struct vl_quote has changed");

/* One ICMP packet at one hook of one end: a record of a tracer's buffer. */
struct vl_event {
	__u64 time_ns; /* CLOCK_MONOTONIC (bpf_ktime_get_ns) */
	/*
	 * The first 8 bytes after the echo header, as they stand in memory; of a redirect of IPv6
	 * the interface identifier of the router that it names, likewise (wire_nd_gateway).
	 */
	__u64 payload;
	__u32 end; /* number of the end */
	__u32 len; /* frame length in bytes, Ethernet header included */
	__u16 cpu;
	__u8 hook;   /* enum vl_hook */
	__u8 family; /* 4 or 6 */
	__u8 icmp_type, icmp_code;
	__u8 ttl;      /* or hop limit */
	__u8 flags;    /* enum vl_event_flag */
	__u16 id, seq; /* echo only, else 0 */
	__u32 info;    /* the second word of the ICMP header: MTU, gateway; host order */
	__u32 frag_id; /* of a fragment: the IP identification that its packet's fragments share */
	__u16 frag_off, frag_len; /* likewise: which bytes of the IP payload it has */
	__u8 src[16], dst[16];	  /* IPv4 in the first four bytes */
	struct vl_quote quote;
};
_Static_assert(sizeof(struct vl_event) == 48 + 32 + 40, "struct vl_event has changed");

#define VL_BATCH 8

/*
 * Records of one session on one CPU: value of the array `staged`, whose key is slot * n_cpus + CPU,
 * and what its perf buffer gets when VL_BATCH of them are there: bpf_perf_event_output() costs as
 * much for one record as for eight. Record i is in events[i % VL_BATCH] until then; the tracer
 * looks there (the map can be mapped into memory) for what has not filled a batch.
 */
struct vl_batch {
	__u64 head; /* records so far, of all tracers that had the slot; in a buffer: less one */
	/*
	 * Generation of the session that gave this CPU a buffer, written by its tracer; 0: none,
	 * since the CPU was offline. Only where the session had one does a missing buffer mean that
	 * its tracer was killed.
	 */
	__u64 buffered;
	__u64 reserved[6];
	struct vl_event events[VL_BATCH];
};
_Static_assert(sizeof(struct vl_batch) == 64 + VL_BATCH * sizeof(struct vl_event),
	       "struct vl_batch has changed");

/* What a record of bpf/node_trace.bpf.c tells about a packet inside a node. */
enum vl_stack_kind {
	VL_STACK_DROP,	   /* the node dropped it: a struct vl_drop alone */
	VL_STACK_ROUTE,	   /* a route was looked up for it */
	VL_STACK_NEIGHBOR, /* the node asks for a neighbour's address, or knows or gives it up */
	VL_STACK_ICMP,	   /* the node makes an ICMP error about it */
	VL_STACK_LEARN,	   /* a bridge learns at which port a MAC address is */
	VL_STACK_LOOPBACK, /* it came back over lo */
	VL_STACK_DELIVER,  /* the node's own ICMP took it, or a process did */
	VL_STACK_QUESTION, /* the node dropped a question for a neighbour's address, or its answer
			    */
	VL_STACK_KINDS,
};

/* One ICMP packet that a node's stack dropped, and the beginning of struct vl_stack. */
struct vl_drop {
	struct vl_event packet; /* end: VL_NO_END if it was at none; hook: VL_HOOKS */
	__u64 location;		/* where in the kernel: the address after the call; or 0 */
	__u32 reason;		/* enum skb_drop_reason of the running kernel */
	__u32 node;		/* place of the node in the lab */
	__u32 ifindex;		/* of the device that it is about; 0: none */
	__u32 kind;		/* enum vl_stack_kind */
};
_Static_assert(sizeof(struct vl_drop) == sizeof(struct vl_event) + 24,
	       "struct vl_drop has changed");

#define VL_FRAME_BYTES 128

/* A packet of any protocol that a node's stack dropped, and how it begins: for a capture. */
struct vl_frame_drop {
	struct vl_drop at; /* of packet: time, CPU, end and len alone */
	__u16 protocol;	   /* the ethertype that the kernel knows it by */
	__u16 reserved[3];
	__u8 bytes[VL_FRAME_BYTES]; /* from its network header on, whether or not it is so long */
};
_Static_assert(sizeof(struct vl_frame_drop) == sizeof(struct vl_drop) + 8 + VL_FRAME_BYTES,
	       "struct vl_frame_drop has changed");

/* What a route is looked up for. */
enum vl_route_use {
	VL_ROUTE_FORWARD, /* a packet that came in */
	VL_ROUTE_SEND,	  /* one that is made here */
	VL_ROUTE_ANSWER,  /* the reply or the error that the packet brings about */
	VL_ROUTE_SOURCE,  /* the way back to its source, before it is let in (rp_filter) */
};

enum vl_route_type {
	VL_ROUTE_UNICAST,
	VL_ROUTE_LOCAL,
	VL_ROUTE_NONE,
	VL_ROUTE_BLACKHOLE,
	VL_ROUTE_UNREACHABLE,
	VL_ROUTE_PROHIBIT,
};

enum vl_neighbor_news {
	VL_NEIGHBOR_ASKED,    /* for the first time: a packet waits for it */
	VL_NEIGHBOR_AGAIN,    /* asked once more */
	VL_NEIGHBOR_FAILED,   /* nobody answered */
	VL_NEIGHBOR_ANSWERED, /* the packets that waited go on */
	VL_NEIGHBOR_LEARNED,  /* known without having asked: by the other's own question */
};

enum vl_question_part {
	VL_QUESTION_ASKS,    /* an ARP request (RFC 826), a neighbour solicitation (RFC 4861) */
	VL_QUESTION_ANSWERS, /* an ARP reply, a neighbour advertisement */
};

/*
 * What a node's stack did with an ICMP packet. Where the kernel does not say which packet
 * (VL_EV_LOOSE), packet has time, CPU, family and the addresses that are known: of QUESTION, who
 * sent it and to whom.
 */
struct vl_stack {
	struct vl_drop at; /* location: of DELIVER and QUESTION, where the kernel let go of it */
	__s32 error;	   /* ROUTE: 0, or what the look-up returned (negative errno) */
	__u32 table;	   /* ROUTE */
	__u32 pid;	   /* DELIVER: process; 0: the kernel itself */
	__u8 what;	   /* vl_route_use, vl_neighbor_news, vl_question_part; ICMP: type */
	__u8 code;	   /* vl_route_type; ICMP: code; NEIGHBOR: the kernel's count of probes */
	__u8 next_family;  /* 4, 6; 0: next is not there */
	__u8 asked;	   /* NEIGHBOR: questions sent since it was known last; 0: not told */
	__u8 next[16];	   /* ROUTE: gateway; NEIGHBOR, QUESTION: whose address it is */
	__u8 mac[8];	   /* NEIGHBOR, LEARN: zeros where not known */
	char name[VL_IFNAME_SIZE]; /* of the device; DELIVER to a process: of that */
};
_Static_assert(sizeof(struct vl_stack) == sizeof(struct vl_drop) + 56,
	       "struct vl_stack has changed");

/*
 * Key of the per-CPU hash `drop_count`: packets that the kernel freed with a reason, at an end.
 * Names of reasons are in the kernel's BTF (enum skb_drop_reason), those of functions in
 * /proc/kallsyms.
 */
enum vl_drop_arrived {
	VL_DROP_LEAVING, /* on its way out by the end, or in the link */
	VL_DROP_CAME_IN, /* in the stack of the end's node */
	VL_DROP_AT_DOOR, /* handed to the end by its peer, and not in yet */
};

struct vl_drop_key {
	__u64 location; /* the address after the call that freed it */
	__u32 end;
	__u32 reason;
	__u32 arrived;	    /* enum vl_drop_arrived */
	__u32 to_multicast; /* 1: VL_DROP_CAME_IN, and the IP destination is a multicast address */
};
_Static_assert(sizeof(struct vl_drop_key) == 24, "struct vl_drop_key has changed");

struct vl_drop_counters {
	__u64 packets;
	__u64 bytes;	/* as long as they were then: with or without headers of layers below */
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
 * Times in log-linear bins: 32 a doubling from 64 ns to 2^34 ns (17 s), so that the middle of a bin
 * is within 1.6 % of what is in it. Bin 0 is all that is shorter, the last one all that is longer.
 */
#define VL_TIME_LOW  6	/* log2 of the first bin's start, in ns */
#define VL_TIME_HIGH 34 /* log2 of where the last bin starts */
#define VL_TIME_SUB  5	/* log2 of the bins a doubling */
#define VL_TIME_BINS (((VL_TIME_HIGH - VL_TIME_LOW) << VL_TIME_SUB) + 2)

/*
 * Value of the arrays `transit`, `residence` and `echo_rtt`, whose key is an end's number. CPUs
 * share an entry and add atomically: only ICMP echoes come here, and a copy a CPU would cost 7 KB
 * times CPUs times ends.
 *
 * transit: from `out` of this end to the first hook of its peer. residence: from the first hook of
 * this end to `out` of another end of its node. echo_rtt: from a request at `out` of this end to
 * its reply at `in` (or xdp, where there is no `in`).
 */
struct vl_times {
	__u64 count; /* of the bins */
	__u64 sum_ns;
	__u64 min_plus; /* the least, plus 1; 0: none yet */
	__u64 max_ns;
	__u64 negative; /* not in the bins: the later hook's CPU had the earlier clock */
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
	__u64 forgotten;  /* not followed further: `echoes` was full there, or the same id and seq
			     again */
	__u64 duplicates; /* replies after the first */
	__u64 reordered;  /* replies to a request that left before one that was answered already */
	__u64 unmatched;  /* replies to requests that `echoes` does not know */
	__u64 errors;	  /* ICMP errors made by this end's node about echoes that came in here */
	__u64 crowded;	  /* entries of any kind that made way, unfinished, for others */
};
_Static_assert(sizeof(struct vl_echo_counters) == 10 * 8, "struct vl_echo_counters has changed");

/* Value of the array `settings` (one entry): may be changed at any time. */
struct vl_settings {
	__u64 echo_timeout_ns; /* a request without a reply for so long is unanswered */
};
#define VL_ECHO_TIMEOUT_NS 1000000000ull

enum vl_echo_kind {
	VL_ECHO_ON_LINK,      /* a request that left `end`, and its reply on the same link */
	VL_ECHO_NODE_REQUEST, /* a request that came in at `end`, in its node */
	VL_ECHO_NODE_REPLY,   /* a reply, likewise; it takes the entry of its request */
	VL_ECHO_FLOW, /* of one id and pair of addresses: the latest request that was answered */
};

enum vl_echo_flag {
	VL_ECHO_ARRIVED = 1 << 0,   /* the request was seen at the other end */
	VL_ECHO_REPLIED = 1 << 1,   /* the reply left the other end */
	VL_ECHO_RETURNED = 1 << 2,  /* the reply was seen at this end */
	VL_ECHO_ANSWERED = 1 << 3,  /* and counted, so that another one is a duplicate;
				       NODE_REQUEST: its reply was made in the node */
	VL_ECHO_FAILED = 1 << 4,    /* an ICMP error told so */
	VL_ECHO_LEFT = 1 << 5,	    /* NODE_*: it went on, out of the node */
	VL_ECHO_REQUESTED = 1 << 6, /* ON_LINK: the request was seen; without: only its reply */
	VL_ECHO_LOCAL = 1 << 7,	    /* ON_LINK: the request was made in the end's node */
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
	__u8 displaced; /* what would be here was found waiting here, and is elsewhere */
	__u8 reserved;
};
_Static_assert(sizeof(struct vl_echo) == 32, "struct vl_echo has changed");

/* Entries of the array `echoes`, whose value is struct vl_echo: where one is, bpf/echo_entries.h
 * says. */
#define VL_ECHOES 65536

#endif
