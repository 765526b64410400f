/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * flow.h - TCP connections and UDP conversations of a lab, from records of packets. Pure functions
 * over records and the lab's model, as those of user/story/story.h: no kernel, no clock, no output.
 *
 * A flow is the packets of one 5-tuple in both ways. Where a node translates addresses (NAT), the
 * tuples on both sides of it are joined by the packets themselves: the same sequence number,
 * acknowledgement, timestamp and length, or of UDP the same content, in a packet that came into the
 * node with one tuple and left it with another.
 *
 * Records have to come in order of time (user/story/record_queue.h). Times are nanoseconds of
 * CLOCK_MONOTONIC, addresses in network byte order, all other numbers in host byte order. Functions
 * that return int return 0 or -ENOMEM.
 */
#ifndef VETHLAB_USER_FLOW_FLOW_H
#define VETHLAB_USER_FLOW_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "topology/model.h"

enum flow_state {
	FLOW_HANDSHAKE,	  /* a SYN was answered, and its handshake has not ended */
	FLOW_ESTABLISHED, /* or seen from its middle, without a FIN */
	FLOW_CLOSING,	  /* one side sent FIN */
	FLOW_CLOSED,	  /* both did, and both were acknowledged */
	FLOW_RESET,	  /* by flow.reset.by */
	FLOW_REFUSED,	  /* the SYN was answered by RST, or ICMP says: destination unreachable */
	FLOW_UNANSWERED,  /* nothing came back */
	FLOW_ANSWERED,	  /* UDP: packets in both ways */
};

struct flow_tuple {
	uint8_t family, protocol; /* 4 or 6; PROTO_TCP or PROTO_UDP */
	uint8_t src[16], dst[16];
	uint16_t from_port, to_port;
};

/* The kernel's words for a drop. */
struct flow_cause {
	char reason[48], function[48];
};

/* Where a packet was lost, as far as that was seen. */
enum flow_lost {
	FLOW_LOST_NOWHERE, /* not known */
	FLOW_DROPPED,	   /* node's kernel dropped it: cause */
	FLOW_LEFT,	   /* it was sent at end, and did not arrive at its peer */
	FLOW_ENTERED,	   /* it arrived at end, and did not leave its node */
};

struct flow_place {
	enum flow_lost how;
	const struct node *node;
	const struct end *end; /* where it was seen last; NULL: not known */
	const struct flow_cause *cause;
	bool silent; /* FLOW_LEFT: nothing at all was seen to arrive at the peer */
};

/* What is known of why a segment was sent again. */
enum flow_verdict {
	FLOW_ORIGINAL_LOST, /* at place */
	FLOW_ORIGINAL_LATE, /* it arrived, but after it was sent again */
	FLOW_BEHIND_HOLE,   /* it arrived; earlier bytes had not, so nothing acknowledged it */
	FLOW_NOT_ACKED,	    /* it arrived; no acknowledgement had been sent by then */
	FLOW_ACK_LOST,	    /* it arrived; its acknowledgement was lost at place */
	FLOW_ACK_LATE,	    /* it arrived; its acknowledgement came after it was sent again */
	FLOW_SPURIOUS,	    /* it arrived and was acknowledged before */
	FLOW_CANNOT_TELL,   /* missing says why */
};

enum flow_missing {
	FLOW_HAS_ALL,
	FLOW_NO_ORIGINAL,  /* there is no record of the original, or it is no longer kept */
	FLOW_ALIKE,	   /* original and retransmission have nothing that tells them apart */
	FLOW_NO_RECEIVER,  /* the node that it is for is not known: no packet came from it */
	FLOW_LOST_RECORDS, /* records were lost, and with them what may have told it */
	FLOW_NO_ACKS,	   /* it arrived; nothing was seen to leave its receiver */
};

/* A segment that was sent again; of UDP, which nobody sends again: a datagram that was lost. */
struct flow_repair {
	uint64_t time_ns, original_ns; /* sent again; first sent (0: no record) */
	uint32_t seq, bytes;	       /* of the retransmission */
	uint8_t way, tcp_flags;
	enum flow_verdict verdict;
	enum flow_missing missing;
	struct flow_place place;
	uint64_t original, again; /* numbers of both in the window of the way */
};

/* How many of one verdict and one place. */
struct flow_tally {
	uint8_t way;
	enum flow_verdict verdict;
	enum flow_missing missing;
	struct flow_place place;
	uint64_t n;
};

enum { FLOW_SAMPLES_MAX = 128, FLOW_REPAIRS_MAX = 16384, FLOW_POINTS_MAX = 256 };

/* Round trips at one end: from data that passes to the acknowledgement that passes back. */
struct flow_trip {
	const struct end *end;
	uint32_t seq;  /* that an acknowledgement must reach; */
	uint64_t from; /* since when it is waited for; 0: for none */
	uint64_t n, min_ns, max_ns;
	unsigned every;	   /* each of so many is kept, so that the samples fit */
	uint64_t *samples; /* owned */
	size_t n_samples;
};

/* One hook where packets of a way were seen. */
struct flow_point {
	const struct end *end;
	uint8_t hook; /* enum vl_hook */
	uint64_t packets, segments, payload;
	uint64_t cursor; /* number of the packet that is expected next */
};

struct flow_window;
struct flow_log;

/* The packets from one side to the other; counted where they are first seen. */
struct flow_way {
	/* As its sender sends them; of a way that was not seen: as the flow's first record has it.
	 */
	struct flow_tuple sent;
	struct flow_tuple arriving; /* as they arrive, if that was seen: differs from sent by NAT */
	bool seen;
	const struct node *maker;  /* that sends them; NULL: none was seen */
	const struct node *target; /* that they are for; NULL: not known */
	uint64_t first_ns, last_ns;
	uint64_t packets;	/* as the sender's stack gave them to its interface */
	uint64_t segments, gso; /* frames on a wire; packets that are more than one of these */
	uint64_t payload, wire; /* bytes; wire: of all segments, with their headers */
	uint64_t arrived;	/* packets that the target got whole */
	uint64_t retransmitted; /* packets */
	uint64_t reordered;	/* arrived behind later ones, and were sent once */
	uint64_t dup_acks, zero_windows;
	uint64_t copies;	    /* seen more than once at one hook */
	uint64_t strays;	    /* not seen where others of the way begin */
	uint64_t dropped;	    /* by the kernel, not once they were received: records */
	uint64_t unsent;	    /* of these: before they came to any hook */
	uint64_t skipped_bytes;	    /* TCP: sequence numbers that no record has */
	uint16_t mss, mss_arriving; /* of its SYN, the smallest of each; 0: not known */
	struct flow_point *points;  /* in the order in which they were seen first */
	size_t n_points, source;    /* source: the point where packets begin */
	bool has_source;
	struct flow_trip *trips;
	size_t n_trips;
	/* TCP, as the sender sent it. */
	uint32_t next_seq, first_seq, ack, arrived_next;
	uint16_t window;
	bool syn, has_seq, has_ack, has_arrived, fin, fin_acked;
	uint32_t fin_seq;		  /* that acknowledges its FIN */
	struct flow_window *packets_kept; /* NULL: none yet, or the flow ended */
};

struct flow_reset {
	bool seen;
	const struct node *by; /* NULL: where it was made was not seen */
	uint8_t way;
	bool answers_syn;
	bool foreign; /* by is not the node that sends the other packets of that way */
	uint64_t time_ns;
	uint32_t seq, ack;
	bool has_ack;
	const struct flow_cause *cause; /* the drop of the packet that it answers; NULL: none */
};

/* An ICMP error about a packet of the flow. */
struct flow_error {
	const struct node *by; /* NULL: where it was made was not seen */
	uint8_t family, type, code, hook;
	uint32_t info, end; /* end, hook: where it was seen first; n: how many there */
	uint64_t n, time_ns;
};

/* ICMP errors about packets of the flow that the kernel dropped, also as they were made. */
struct flow_error_drop {
	const struct node *by; /* of the first; NULL: there is none */
	const struct flow_cause *cause;
	uint8_t family, type, code;
	uint32_t info;
	uint64_t n; /* how many that node dropped for that cause */
};

struct flow {
	uint64_t id; /* from 1, in the order of their first packets */
	uint8_t protocol, family;
	struct flow_way ways[2]; /* 0: from the side that began */
	bool from_middle;	 /* TCP: no SYN was seen */
	bool chosen;		 /* a record of it fits the filter */
	uint64_t first_ns, last_ns;
	uint64_t syn_ns, synack_ns, established_ns; /* at its first side; 0: not seen */
	struct flow_reset reset;
	struct flow_error error;
	struct flow_error_drop error_drop;
	struct flow_repair *repairs; /* in order of time; at most FLOW_REPAIRS_MAX */
	size_t n_repairs, repairs_room, n_judged;
	uint64_t repairs_left_out;
	struct flow_tally *tallies;
	size_t n_tallies;
	struct flow_log *log; /* of a flow that is followed; else NULL */
	/* Of the table. */
	struct flow *older, *newer;
	struct flow_name *names;
	bool is_over;
};

struct flows;

/* lab: borrowed. most: so many flows are kept; the oldest closed ones leave first. NULL: no memory.
 */
struct flows *flows_new(const struct lab *lab, size_t most);
void flows_free(struct flows *flows); /* NULL is allowed */
/* Choose flows of which a record fits filter, or all (NULL, as at first). Copied. */
void flows_choose(struct flows *flows, const struct vl_filter *filter);
/*
 * Before the first record: follow the flow that will have this id, which then never leaves the
 * table, or all flows (FLOW_ALL), for flow_story_make().
 */
enum { FLOW_ALL = 0 };
void flows_follow(struct flows *flows, uint64_t id);
/* Take a record of an end: TCP, UDP, or an ICMP error about one; others are passed over. */
int flows_add(struct flows *flows, const struct vl_event *event);
/* Take a drop. reason, function: the kernel's names. */
int flows_add_drop(struct flows *flows, const struct vl_drop *drop, const char *reason,
		   const char *function);
/* So many records were lost up to now: what depends on them cannot be told. */
void flows_lost_records(struct flows *flows, uint64_t lost);

struct flows_totals {
	uint64_t seen, chosen; /* flows so far; of those that are kept, how many are chosen */
	uint64_t left;	       /* had to leave, since the table was full */
	uint64_t left_open;    /* of these: were not over */
	uint64_t most;
	uint64_t lost_records;
};

struct flows_totals flows_totals(const struct flows *flows);
/*
 * Judge what is not judged yet, as far as it can be now, and sum it up in the tallies of each flow.
 */
int flows_judge(struct flows *flows);
/* The flows that are kept, by id; flow NULL: the first. NULL: no more. */
const struct flow *flows_next(const struct flows *flows, const struct flow *flow);
const struct flow *flows_find(const struct flows *flows, uint64_t id);

enum flow_state flow_state(const struct flow *flow);
/* From SYN to the acknowledgement of its answer, at the side that began; 0: not seen. */
uint64_t flow_handshake_ns(const struct flow *flow);
/* The median of the samples; 0: there are none. */
uint64_t flow_trip_median(const struct flow_trip *trip);
/* The trip at the end where a way begins; NULL: none was measured. */
const struct flow_trip *flow_way_trip(const struct flow_way *way);
bool flow_is_translated(const struct flow_way *way);

/* ---- one flow, packet by packet ---------------------------------------------------------------
 */

/* One hook that a packet passed. */
struct flow_hop {
	const struct end *end;
	uint8_t hook;	  /* enum vl_hook */
	uint64_t time_ns; /* when the last of its parts passed, of those that were seen */
	uint32_t bytes;	  /* of its data, that were seen there */
};

struct flow_packet {
	uint8_t way, tcp_flags;
	bool again;	 /* TCP: it is a retransmission */
	bool repeated;	 /* TCP: it was sent again */
	bool alike;	 /* hops and loss may be those of another one, which has the same content */
	bool settled;	 /* records go on for so long after it that nothing more comes of it */
	uint64_t number; /* in its way, from 0; as in struct flow_repair */
	uint64_t time_ns, arrived_ns; /* sent; at the node that it is for (0: not, or not whole) */
	uint64_t dropped_ns;	      /* the last part that was; 0: not */
	uint64_t first_ns; /* of a retransmission: when it was sent first; 0: no record of that */
	uint32_t seq, ack, bytes, dropped_bytes;
	struct flow_hop *hops; /* in order of time */
	size_t n_hops;
	/* Where it was lost; FLOW_LOST_NOWHERE: it arrived, or nobody knows whether it did. */
	struct flow_place place;
	/* Why it was sent again, of UDP that it was lost; NULL: neither, or not judged. */
	const struct flow_repair *repair;
};

/* What is kept of a flow: at most so many packets. */
enum { FLOW_PACKETS_MAX = 2 * FLOW_REPAIRS_MAX };

/*
 * The packets that tell what became of a flow, in order of time: of TCP those with SYN, FIN or RST,
 * the one that ends the handshake, those that were sent again, and the retransmissions; of UDP the
 * first of each way; of both what was dropped.
 */
struct flow_story {
	struct flow_packet *packets;
	size_t n_packets;
	uint64_t left_out; /* there was no room for them */
	/*
	 * What decided it: the first RST; of a handshake that did not end, its last SYN or SYN-ACK;
	 * of UDP that nobody answered, the first datagram. NULL: none, or it was left out.
	 */
	const struct flow_packet *decides;
};

/*
 * Tell a flow that was followed, after flows_judge(). story points into the flow until records are
 * added. Returns 0, -ENOMEM, or -EINVAL: the flow was not followed.
 */
int flow_story_make(const struct flows *flows, const struct flow *flow, struct flow_story *story);
void flow_story_free(struct flow_story *story);
#define cleanup_flow_story __attribute__((cleanup(flow_story_free)))

#endif
