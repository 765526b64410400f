/* SPDX-License-Identifier: GPL-2.0-only */
/* internal.h - what the files of the room flow share. */
#ifndef VETHLAB_USER_FLOW_INTERNAL_H
#define VETHLAB_USER_FLOW_INTERNAL_H

#include "bpf/wire_other.h"
#include "user/flow/flow.h"

/* Sequence numbers are compared modulo 2^32 (RFC 9293, 3.4). */
static inline int32_t seq_ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* How many sequence numbers a segment takes. */
static inline uint32_t seq_length(const struct vl_other *other)
{
	return other->bytes + !!(other->tcp_flags & TCP_FLAG_SYN) +
	       !!(other->tcp_flags & TCP_FLAG_FIN);
}

/* ---- packets of a way, as they were sent (flow_window.c) --------------------------------------
 */

enum { POINT_NONE = 0xffff };

/* One packet that was sent. */
struct flow_sent {
	uint64_t time_ns, content;
	uint64_t arrived_ns; /* at its target, whole; 0: not */
	uint64_t dropped_ns; /* the last part of it; 0: not */
	const struct node *arrived_at;
	uint32_t seq, ack, tsval, bytes;
	uint32_t length; /* sequence numbers that it takes */
	const struct flow_cause *cause;
	const struct node *dropped_at; /* NULL: it was not */
	uint32_t dropped_bytes;
	uint16_t ip_id, segments;
	uint16_t first, last; /* points where it was seen first; last, whole */
	uint8_t family, protocol, flags;
	bool again;    /* it is a retransmission */
	bool repeated; /* there is one of it */
	bool alike;    /* a record may be of it or of another */
	bool told;     /* UDP: that it was lost was told */
};

struct flow_window *window_new(void);
/*
 * Before the first packet: keep, too, when packets were seen at each point, and tell of each one
 * that leaves, just before it does.
 */
typedef void (*window_leave)(void *arg, uint64_t number);
void window_follow(struct flow_window *window, window_leave leave, void *arg);
void window_free(struct flow_window *window);
/* Packets have numbers from 0; those from first to end - 1 are kept. */
uint64_t window_first(const struct flow_window *window);
uint64_t window_end(const struct flow_window *window);
/* NULL: it is not kept. */
struct flow_sent *window_at(const struct flow_window *window, uint64_t number);
/* Append a packet that was seen at point. Returns it, or NULL: no memory. */
struct flow_sent *window_add(struct flow_window *window, const struct vl_event *event,
			     unsigned point);
/* How many of the packet's bytes were seen at a point; of one without data: 1 or 0. */
uint32_t window_covered(const struct flow_window *window, uint64_t number, unsigned point);
int window_cover(struct flow_window *window, uint64_t number, unsigned point, uint32_t bytes,
		 uint64_t time_ns);
/* When it was seen there last; 0: not, or the window is not followed. */
uint64_t window_time(const struct flow_window *window, uint64_t number, unsigned point);
/*
 * The packet that a record at a point is of, or a part of; from: where to begin. again: also one
 * of which all was seen there. UINT64_MAX: none.
 */
uint64_t window_match(const struct flow_window *window, const struct vl_event *event,
		      unsigned point, uint64_t from, bool again);
/* Whether a record has the content of a packet, or of a part. */
bool sent_fits(const struct flow_sent *sent, const struct vl_event *event);
/* How many bytes they have in common. */
uint32_t sent_overlap(const struct flow_sent *sent, const struct vl_event *event);
static inline uint32_t sent_size(const struct flow_sent *sent)
{
	return sent->bytes ? sent->bytes : 1;
}
/* The number of the first packet that was sent at time_ns or later. */
uint64_t window_since(const struct flow_window *window, uint64_t time_ns);
/* Forget packets from the first on, while their number is below `before` and done says so. */
void window_trim(struct flow_window *window, uint64_t before,
		 bool (*done)(const struct flow_sent *sent, void *arg), void *arg);

/* ---- one way (flow_way.c)
 * -------------------------------------------------------------------------- */

/* The point of an end and hook, made if it is new. POINT_NONE: no memory, or there are too many. */
unsigned way_point(struct flow_way *way, const struct end *end, uint8_t hook);
void way_free(struct flow_way *way);
/* What a record at a point changed. */
struct way_news {
	struct flow_sent *sent; /* the packet; NULL: a copy of one that is known */
	bool is_new;		/* it was not known */
	bool arrived;		/* now all of it is at its target */
	bool first_here;	/* at this end */
};
int way_add(struct flows *flows, struct flow *flow, unsigned side, const struct vl_event *event,
	    struct way_news *news);
int way_add_drop(const struct flows *flows, struct flow *flow, unsigned side,
		 const struct vl_drop *drop, const struct flow_cause *cause,
		 struct flow_sent **sent);
/* Whether an address of the node, its lo and bridge too, is this. */
bool node_owns(const struct lab *lab, const struct node *node, struct ip_addr addr);

/* ---- a flow that is followed (flow_story.c)
 * -------------------------------------------------------------- */

/* NULL: no memory. flows and flow must live as long as the log. */
struct flow_log *log_new(const struct flows *flows, const struct flow *flow);
void log_free(struct flow_log *log); /* NULL is allowed */
/* Keep of a way's packets what the story will need. */
void log_follow(struct flow_log *log, unsigned side, struct flow_window *window);

/* ---- TCP (flow_tcp.c)
 * ------------------------------------------------------------------------------ */

int tcp_add(struct flows *flows, struct flow *flow, unsigned side, const struct vl_event *event,
	    const struct way_news *news);
void tcp_dropped(struct flow *flow, unsigned side, const struct flow_sent *sent);

/* ---- verdicts (flow_verdict.c)
 * --------------------------------------------------------------------- */

void verdict_judge(const struct flows *flows, const struct flow *flow, struct flow_repair *repair);
/* Where a packet was lost, as far as it is seen. */
struct flow_place sent_place(const struct flows *flows, const struct flow_way *way,
			     const struct flow_sent *sent);
/* The same; FLOW_LOST_NOWHERE: it arrived, or nobody knows whether it did. */
struct flow_place sent_lost(const struct flows *flows, const struct flow *flow, unsigned side,
			    const struct flow_sent *sent);
/* Whether records go on for so long after a packet that nothing more comes of it. */
bool sent_is_settled(const struct flows *flows, const struct flow_sent *sent);
/* A retransmission, or a datagram that was lost. */
int repair_add(struct flow *flow, const struct flow_repair *repair);
/* Of UDP: what was sent before, and did not arrive. */
int verdict_datagrams(const struct flows *flows, struct flow *flow, unsigned side,
		      uint64_t before_ns);
/* A packet arrived whole: if it was judged lost before, that is judged anew. */
void verdict_arrived(const struct flows *flows, struct flow *flow, unsigned side, uint64_t number);
/* Judge those that nothing new can come of, or all, if only for now. */
void verdict_judge_all(const struct flows *flows, struct flow *flow, bool for_now);
/* Sum up the repairs of a flow. */
int verdict_sum(const struct flows *flows, struct flow *flow);

/* ---- the table (flow_table.c) -----------------------------------------------------------------
 */

/* A 5-tuple, and whose it is. */
struct flow_name {
	struct flow_tuple tuple;
	struct flow *flow;
	unsigned side;
	uint64_t hash;
	struct flow_name *next;	    /* in its bucket */
	struct flow_name *next_own; /* of its flow */
};

enum { CONTENTS = 4096 };

struct flows {
	const struct lab *lab;
	size_t most, n;
	struct vl_filter filter;
	bool has_filter;
	struct flow *oldest, *newest;		/* that go on: by their newest record */
	struct flow *oldest_over, *newest_over; /* that are over: by when they ended */
	struct flow_name **buckets;
	size_t n_buckets;
	struct flow **by_id; /* all that are kept, by id */
	size_t by_id_room;
	uint64_t id_base; /* that the first of them has */
	size_t n_gone;	  /* so many of the first have left */
	struct flow_cause **causes;
	size_t n_causes;
	struct {
		uint64_t hash;
		struct flow *flow;
		unsigned side;
	} contents[CONTENTS]; /* whose packet it was that has this content, of the newest */
	bool *seen_in;	      /* of each end: something arrived there */
	bool follows;	      /* flows are followed: */
	uint64_t followed;    /* the one of this id, or all (FLOW_ALL) */
	uint64_t newest_ns;
	struct flows_totals totals;
};

struct flow_tuple tuple_of(const struct vl_event *event);
struct flow_tuple tuple_reversed(const struct flow_tuple *tuple);
bool tuple_equal(const struct flow_tuple *a, const struct flow_tuple *b);
struct flow_name *flows_name(const struct flows *flows, const struct flow_tuple *tuple);
/* Make a tuple known as one of a side of a flow, whosever it was. */
int flows_give_name(struct flows *flows, struct flow *flow, unsigned side,
		    const struct flow_tuple *tuple);
struct flow *flows_make(struct flows *flows, const struct vl_event *event);
/* The flow and the side of it that a record of node belongs to (flow_join.c); made, if it is new.
 */
int flows_join(struct flows *flows, const struct vl_event *event, const struct node *node,
	       struct flow **flow, unsigned *side);
/* A packet was sent: its content tells whose it is, behind NAT too. */
void flows_remember_content(struct flows *flows, struct flow *flow, unsigned side,
			    const struct vl_event *event);
/* It is over, or goes on after all. */
void flows_set_over(struct flows *flows, struct flow *flow, bool over);

#endif
