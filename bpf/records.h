/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * records.h - the maps and records by which tracers and programs talk to each other: filters, who
 * traces, and records of packets at ends and in nodes. A part of vethlab.h, which includes it, but
 * no interface for programs of others.
 */
#ifndef VETHLAB_BPF_RECORDS_H
#define VETHLAB_BPF_RECORDS_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define VL_IFNAME_SIZE 16 /* interface name with its zero */

/*
 * Which fields of a filter are compared. With no bit set every ICMP packet matches. A packet that
 * is no ICMP matches only with VL_F_ANY.
 */
enum vl_filter_field {
	VL_F_TOKEN = 1 << 0, /* id or token matches: the packets of one ping, also behind NAT */
	VL_F_ID = 1 << 1,
	VL_F_SEQ = 1 << 2,
	VL_F_SRC = 1 << 3,
	VL_F_DST = 1 << 4,
	VL_F_ADDR = 1 << 5, /* source or destination */
	VL_F_FAMILY = 1 << 6,
	VL_F_TYPES = 1 << 7, /* the class of an ICMP packet is one of types */
	VL_F_END = 1 << 8,
	VL_F_LINK = 1 << 9,
	VL_F_NODE = 1 << 10,
	VL_F_FRAGMENTS = 1 << 11, /* widens: later fragments match any token, id, seq, type, port */
	VL_F_ANY = 1 << 12,	  /* widens: packets of other protocols, and tagged ones */
	VL_F_PROTOCOL = 1 << 13,
	VL_F_ICMP = 1 << 14, /* ICMP or ICMPv6, by the family */
	VL_F_ARP = 1 << 15,
	VL_F_PORT = 1 << 16, /* from or to */
	VL_F_SPORT = 1 << 17,
	VL_F_DPORT = 1 << 18,
	VL_F_FLAGS = 1 << 19, /* TCP: any of tcp_flags is set */
	VL_F_VLAN = 1 << 20,  /* the outer tag has this id */
	VL_F_ABOUT = 1 << 21, /* widens: ICMP errors about a packet of the protocol match it */
};

/* With one of these no ICMP packet matches that has no tag. */
#define VL_F_NO_ICMP (VL_F_ARP | VL_F_PORT | VL_F_SPORT | VL_F_DPORT | VL_F_FLAGS | VL_F_VLAN)

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
	__u16 port, sport, dport, vlan;
	__u8 protocol;	/* IP protocol number */
	__u8 tcp_flags; /* as byte 13 of a TCP header has them */
	__u8 reserved_too[6];
};
_Static_assert(sizeof(struct vl_filter) == 40 + 48 + 16, "struct vl_filter has changed");

/*
 * Value of the array `control` (one entry). Byte i of active is the generation of session i; 0:
 * it has no tracer. By one load of active a program sees that nobody traces. A tracer sets its byte
 * to another generation than the slot had last, which is byte i of last. A program that finds that
 * the tracer was killed puts the byte to 0. All changes are by compare-and-swap (the map can be
 * mapped into memory). Byte i of any is set before that of active: to the generation if the filter
 * of session i has VL_F_ANY, else to 0.
 */
struct vl_control {
	__u64 active;
	__u64 last;
	__u64 any;
};
_Static_assert(sizeof(struct vl_control) == 24, "struct vl_control has changed");

enum vl_event_flag {
	VL_EV_FRAGMENT = 1 << 0, /* one of several; a later one (frag_off > 0) has no id, seq */
	VL_EV_QUOTED = 1 << 1,	 /* the q_ fields are filled */
	VL_EV_PAYLOAD = 1 << 2,	 /* payload is filled */
	VL_EV_CUT = 1 << 3,	 /* the frame ends before its headers say so */
	VL_EV_MORE = 1 << 4,	 /* a fragment that is not the last */
	VL_EV_LOOSE = 1 << 5,	 /* struct vl_stack: which packet it is about is not known */
	VL_EV_FLOW = 1 << 6,	 /* struct vl_stack: no ICMP packet, but one that an ICMP error is
				  * about (a UDP packet without a socket, say): quote is filled */
	VL_EV_OTHER = 1 << 7,	 /* no ICMP packet, or a tagged one: `other` is filled */
};

/* The packet that an ICMP error quotes (RFC 792, RFC 4443). */
struct vl_quote {
	__u8 src[16], dst[16];
	__u16 id, seq; /* of an echo; of UDP and TCP: source and destination port; else 0 */
	__u8 proto;    /* IP protocol number */
	__u8 icmp_type;
	__u8 ttl;
	__u8 reserved;
};
_Static_assert(sizeof(struct vl_quote) == 40, "struct vl_quote has changed");

enum { VL_TAGGED = 0x1000 };

/*
 * Fields by which a packet that is no ICMP is told from others (VL_EV_OTHER). What the packet does
 * not have is 0.
 */
struct vl_other {
	__u32 seq, ack;		  /* TCP (RFC 9293) */
	__u32 tsval;		  /* TCP: of the timestamp option (RFC 7323) where Linux puts it */
	__u32 bytes;		  /* behind the headers that are read, as those say */
	__u16 from_port, to_port; /* of TCP, UDP, UDP-Lite, DCCP, SCTP */
	__u16 ip_id;		  /* of IPv4 */
	__u16 ethertype;	  /* behind its tags */
	__u16 vlan;		  /* VL_TAGGED | id of the outer tag; 0: it has none */
	__u16 segments;		  /* max(gso_segs, 1) */
	__u16 operation;	  /* ARP */
	__u8 protocol;		  /* IP protocol number, if the ethertype is that of IP */
	__u8 tcp_flags;		  /* byte 13 of the header */
	__u16 window;		  /* TCP: as the header has it, without the scale of the SYN */
	__u16 mss;		  /* TCP: of a SYN whose first option it is */
	__u8 has_window;	  /* window and mss were read: older recordings do not have them */
	__u8 reserved[3];
};
_Static_assert(sizeof(struct vl_other) == 40, "struct vl_other has changed");

/* One packet at one hook of one end: a record of a tracer's buffer. */
struct vl_event {
	__u64 time_ns; /* CLOCK_MONOTONIC (bpf_ktime_get_ns) */
	/*
	 * Of an echo: the 8 bytes behind its header, as they stand in memory. Of a redirect of
	 * IPv6: the interface identifier of the router that it names, likewise (wire_nd_gateway).
	 * Of other ICMP messages that quote TCP or UDP, and of VL_EV_FLOW: that packet's IPv4
	 * identification << 32, and the 4 bytes behind its ports as a number: of TCP the sequence
	 * number, of UDP length << 16 | checksum; 0 in older recordings. Of VL_EV_OTHER: of ARP the
	 * sender's MAC address; of TCP 0; else a hash of the first and the last bytes of the
	 * payload.
	 */
	__u64 payload;
	__u32 end; /* number of the end */
	__u32 len; /* frame length in bytes, Ethernet header included */
	__u16 cpu;
	__u8 hook;   /* enum vl_hook */
	__u8 family; /* 4 (also ARP for IPv4) or 6; of VL_EV_OTHER also 0: src, dst are MACs */
	__u8 icmp_type, icmp_code;
	__u8 ttl;      /* or hop limit */
	__u8 flags;    /* enum vl_event_flag */
	__u16 id, seq; /* echo only, else 0 */
	__u32 info;    /* the second word of the ICMP header: MTU, gateway; host order */
	__u32 frag_id; /* of a fragment: the IP identification that its packet's fragments share */
	__u16 frag_off, frag_len; /* of a fragment: which bytes of the IP payload it has */
	__u8 src[16], dst[16];	  /* IPv4 in the first four bytes */
	union {
		struct vl_quote quote;
		struct vl_other other;
	};
};
_Static_assert(sizeof(struct vl_event) == 48 + 32 + 40, "struct vl_event has changed");

#define VL_BATCH 8

/*
 * Records of one session on one CPU: value of the array `staged`, whose key is slot * n_cpus + CPU.
 * Record i is written to events[i % VL_BATCH]. Each time that the batch is full, the whole value
 * goes to the session's perf buffer of that CPU: bpf_perf_event_output() costs as much for one
 * record as for eight. A batch that is not full is read from the map, which the tracer has mapped
 * into its memory.
 */
struct vl_batch {
	__u64 head; /* records so far, of all tracers that had the slot; in a buffer: one less */
	/*
	 * Generation of the session whose tracer made a buffer for this CPU; 0: it made none, since
	 * the CPU was offline. If the session had a buffer here that is gone, its tracer was
	 * killed. Written by tracers.
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
	VL_STACK_LOOPBACK, /* it came in by lo: the node sent it to itself */
	VL_STACK_DELIVER,  /* the node's own ICMP took it, or a process did */
	VL_STACK_QUESTION, /* the node dropped a question for a neighbour's address, or its answer
			    */
	VL_STACK_KINDS,
};

/* One packet that a node's stack dropped, and the beginning of struct vl_stack. */
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

/* A packet of any protocol that a node's stack dropped, and its first bytes: for a capture. */
struct vl_frame_drop {
	struct vl_drop at; /* of packet: time, CPU, end and len alone */
	__u16 protocol;	   /* the ethertype that the kernel knows it by */
	__u16 reserved[3];
	__u8 bytes[VL_FRAME_BYTES]; /* from its network header on; of a shorter one the rest is
				       arbitrary */
};
_Static_assert(sizeof(struct vl_frame_drop) == sizeof(struct vl_drop) + 8 + VL_FRAME_BYTES,
	       "struct vl_frame_drop has changed");

/* What a route is looked up for. */
enum vl_route_use {
	VL_ROUTE_FORWARD, /* a packet that came in */
	VL_ROUTE_SEND,	  /* a packet that the node makes */
	VL_ROUTE_ANSWER,  /* the reply or the error that the packet brings about */
	VL_ROUTE_SOURCE,  /* the way back to its source, which is checked first (rp_filter) */
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

#endif
