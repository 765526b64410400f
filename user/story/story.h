/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * story.h - packet records become itineraries. Pure functions over records and the lab's model: no
 * kernel, no clock, no output, so that a recorded run tells the same story on any machine.
 *
 * Records may come in any order (each CPU has its own buffer), twice, or not at all. A story tells
 * no step that it has no records of: where they are missing, the step is a STEP_GAP.
 *
 * An echo is an ICMP echo request with its reply and the ICMP errors about either. Times are
 * nanoseconds of CLOCK_MONOTONIC; names that end in _ns and say "since" are differences of them.
 * Addresses in records are in network byte order, all other numbers in host byte order. Functions
 * that return int return a negative errno, of which -ENOMEM is the only one.
 */
#ifndef VETHLAB_USER_STORY_H
#define VETHLAB_USER_STORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "topology/model.h"

/* Which packet of an echo a record is about. */
enum leg {
	LEG_REQUEST,
	LEG_REPLY,
	LEG_ERROR, /* an ICMP message that quotes the request or the reply */
	LEGS,
};

/* How a packet came to a hop from the hop before. */
enum step {
	STEP_FIRST, /* the packet's first hop: it was made in this node */
	STEP_END,   /* the next hook of the same end: xdp, then in */
	STEP_LINK,  /* over a link: out at one end, then the first hook of its peer (transit) */
	STEP_NODE,  /* through a node: in at one end, out at one (residence) */
	STEP_TURN,  /* the node made this packet because of the one before: a reply, an error */
	STEP_GAP,   /* what lies between was not seen; from is -1 if nothing was seen before */
};

/* One place where a packet was seen, and how it came there. */
struct hop {
	struct vl_event event;
	const struct end *end;
	/* STEP_TURN: the node that made it by a device behind the end, if it is not the end's own
	 * (a macvlan upon the end that was moved there), and that device; else NULL, "". */
	const struct node *maker;
	char maker_dev[VL_IFNAME_SIZE];
	enum leg leg;
	enum step step;
	int from;	/* the hop before: an index into hops, smaller than this one's; -1: none */
	uint64_t at_ns; /* since the first hop of the itinerary, never below that of `from` */
	uint64_t step_ns; /* time of the step; 0 for a first hop */
	bool skewed;	  /* two CPUs stamped the step and say less than 0: step_ns is 0 */
	bool translated;  /* source, destination or id are not those of `from`: NAT */
	bool branch;	  /* `from` led to more than one hop: flooded by a bridge, or duplicated */
	bool again;	  /* this packet was at this hook before: a loop, or sent twice */
	unsigned fragments; /* IP fragments that were seen here; 1: it is whole */
	bool incomplete;    /* some of its fragments, or of a packet's bytes, were not seen here */
	uint64_t fragments_ns; /* from the first fragment to the last one */
};

/* An IP fragment after the first, which has no ICMP header. */
struct fragment {
	uint64_t packet; /* event_packet(): the same for all fragments of a packet */
	uint64_t time_ns;
	uint32_t end;
	uint16_t off, len; /* which bytes of the packet's IP payload */
	uint8_t hook;
	bool more; /* it is not the last */
};

/* A packet of an echo that the stack of a node dropped, with the kernel's words for it. */
struct drop {
	struct vl_drop record;
	const struct node *node;
	enum leg leg;
	uint64_t at_ns;	   /* since the first hop of the itinerary */
	char reason[48];   /* "NETFILTER_DROP" */
	char function[48]; /* "nft_do_chain"; "": not known */
	bool harmless;	   /* the socket had its answer already, or it was a copy for nobody */
};

/*
 * What a node's stack did with a packet of an echo between two hops: looked up a route, asked for a
 * neighbour, made an ICMP error, took it in. All questions for one neighbour are one act, and so
 * are all that one node dropped for one reason, if nothing answered them.
 */
struct act {
	struct vl_stack record; /* NEIGHBOR: what was learned of it last */
	const struct node *node;
	enum leg leg;	   /* whose packet it is about; of a neighbour: LEG_REQUEST */
	uint64_t at_ns;	   /* since the first hop of the itinerary; 0 before that */
	uint64_t took_ns;  /* NEIGHBOR: from the question to its answer or end; 0: not known */
	uint64_t since_ns; /* NEIGHBOR: time of the first record of it (CLOCK_MONOTONIC) */
	unsigned asked;	   /* NEIGHBOR: how often; QUESTION: how many died */
	bool before;	   /* before the first hop */
	bool bad;	   /* it stops the packet: no route, no neighbour */
	char reason[48];   /* QUESTION: of the drop */
	char function[48]; /* DELIVER, QUESTION: of the kernel; "" */
};

/* A packet that a node keeps until it knows a neighbour's link-layer address. */
struct queued_packet {
	struct vl_stack record; /* NEIGHBOR: when it began to wait, and for whom */
	const struct node *node;
	enum leg leg;
};

/* The node that made the packet of a STEP_TURN. */
static inline const struct node *hop_maker(const struct hop *hop)
{
	return hop->maker ? hop->maker : hop->end->node;
}

/* What became of an echo, as far as it was seen. */
enum fate {
	FATE_UNSEEN,	/* no record at all: it never crossed a veth */
	FATE_ANSWERED,	/* the reply came to the node that asked */
	FATE_REFUSED,	/* an ICMP error about it came to the node that asked */
	FATE_LOST,	/* neither: hops[last] is where it was seen last */
	FATE_DROPPED,	/* neither: drops[death] is what happened to it */
	FATE_DELIVERED, /* neither, but it came to its node whole: hops[last] is where */
	FATE_WAITING,	/* neither: it waits in a node for a neighbour: acts[waits_for] */
};

/* The records of one echo (request, reply, the errors about it), in order of cause and time. */
struct itinerary {
	uint8_t family;	  /* 4 or 6 */
	uint16_t id, seq; /* of the first record that came */
	uint8_t protocol; /* 0: an echo. Else of the packets that ICMP errors are about, which only
			   * the errors and the stacks tell of: no end sees them */
	uint16_t from_port, to_port; /* of those, UDP and TCP; of the newest; 0: not known */
	bool is_packet; /* no echo: one packet of another protocol, known by its content: all of it
			 * is LEG_REQUEST, and LEG_ERROR are the ICMP errors about it */
	struct vl_event packet; /* of that: the first record of it, or of the largest part */
	struct vl_event newest; /* of that: the newest record */
	unsigned alike;	 /* of that: how many more like it were sent, which cannot be told apart */
	unsigned rivals; /* of that: how many more may have a record that NAT changed */
	struct hop *hops;
	size_t n_hops, room;
	struct fragment *fragments;
	size_t n_fragments, fragments_room;
	enum fate fate;
	const struct node *origin;   /* the node that asked; NULL: not known */
	const struct node *answerer; /* that made the reply or the error; NULL: not known */
	int last;		     /* hop where the newest packet was seen last; -1: none */
	int arrival;		     /* hop at which the reply or error reached origin; -1: none */
	bool delivered;	    /* the request reached an end of the node that owns its destination */
	bool asymmetric;    /* the reply came by other links than the request */
	bool answered;	    /* fate is FATE_ANSWERED */
	struct drop *drops; /* in order of time */
	size_t n_drops;
	int death;	  /* the drop that ended the request or its answer; -1: none was seen */
	struct act *acts; /* in order of time */
	size_t n_acts;
	struct queued_packet *queued; /* packets that had to wait, in any order */
	size_t n_queued;
	int waits_for;		/* FATE_WAITING: the act of the neighbour; else -1 */
	enum leg waiter;	/* FATE_WAITING: which packet waits */
	uint64_t round_trip_ns; /* first hop to arrival; 0 if there is no arrival */
	const char *not_seen;	/* story_cannot_see(); "": nothing is known to be missing */
	size_t left_out;	/* records beyond ITINERARY_HOPS_MAX, not kept */
};

enum {
	ITINERARY_HOPS_MAX = 1024,
	ITINERARY_DROPS_MAX = 64,
	ITINERARY_ACTS_MAX = 256,
	ITINERARY_FRAGMENTS_MAX = 16384,
	STORY_NOT_SEEN_SIZE = 256,
};

struct story;

/* lab: borrowed for the story's life. NULL: no memory. */
struct story *story_new(const struct lab *lab);
void story_free(struct story *story); /* NULL is allowed */
/* All its echoes are asked by that node: their origin, also where they leave by another node's end,
 * from a device upon it. */
void story_asked_by(struct story *story, const struct node *node);
/*
 * Take a record; copies it. Returns 1 if it belongs to an echo, 0 if it does not (neighbour
 * discovery, an error about something else, an unknown end), or -ENOMEM. A later fragment waits
 * for the first one of its packet: an itinerary may have fragments and neither hops nor drops.
 *
 * A record belongs to the echo that has its sequence number and its first payload bytes, so that an
 * id rewritten by NAT makes no second echo, or else its id and sequence number. An error belongs
 * to the echo that it quotes, or to the packet of TCP or UDP, if that was given before. Other
 * errors are one story for all that come without a pause and quote the same addresses and ports
 * (none where the quote ends before them).
 *
 * Packets that are no ICMP (VL_EV_OTHER) each have an itinerary, which records of the same content
 * belong to; they, and drops of them, have to come in order of time.
 */
int story_add(struct story *story, const struct vl_event *event);
/*
 * Set what of the lab no record tells of ("what nodes drop, 12 lost records"): not_seen of all
 * itineraries. Copied. "": nothing is known to be missing.
 */
void story_cannot_see(struct story *story, const char *what);
/* Take a drop, as story_add() does. reason, function: the kernel's names; copied. */
int story_add_drop(struct story *story, const struct vl_drop *drop, const char *reason,
		   const char *function);
/*
 * Take what else a stack did, as story_add() does; reason, function: the kernel's names for
 * record->at.reason and record->at.location, or "". Copied. The newest 4096 records whose packet
 * the kernel does not tell (VL_EV_LOOSE) are kept, for the echoes that they fit by node, addresses
 * and time; they count as belonging to an echo.
 */
int story_add_stack(struct story *story, const struct vl_stack *record, const char *reason,
		    const char *function);
/*
 * The itinerary of one echo as far as it is known now; the story owns it, and it stays as it is
 * until the next story_add(). NULL: no record of it.
 */
const struct itinerary *story_itinerary(struct story *story, uint8_t family, uint16_t id,
					uint16_t seq);
/* Free one echo and its itinerary; a record of it that comes later begins a new one. */
void story_drop(struct story *story, uint8_t family, uint16_t id, uint16_t seq);
/*
 * The echo whose newest record is the oldest, if that is older than before_ns (CLOCK_MONOTONIC):
 * for streams, which print an itinerary once it is quiet. NULL: none.
 */
const struct itinerary *story_quiet(struct story *story, uint64_t before_ns);
/* Free an itinerary that story_quiet() gave, and its echo. */
void story_forget(struct story *story, const struct itinerary *itinerary);
/* How many echoes the story has. */
size_t story_in_flight(const struct story *story);

/*
 * Put hops and drops in order, and set of each hop the hop that caused it, its times and marks
 * (order.c, hop_causes.c). Returns 0 or -ENOMEM.
 */
int itinerary_order(struct itinerary *itinerary, const struct lab *lab);
/* Of TCP with data: whether two hops have other bytes of the packet, which was cut or joined. */
bool hop_is_part(const struct hop *hop, const struct hop *whole);
/* Set fate, origin, answerer, last, arrival, death and what follows from them. Its hops are in
 * order (fate.c). */
void itinerary_judge(struct itinerary *itinerary, const struct lab *lab);

/* The class of an ICMP message, as the ledger's rows are. */
enum vl_icmp_class event_class(const struct vl_event *event);
/* Count the fragments at each hop, whose order is found (fragments.c). Returns 0 or -ENOMEM. */
int itinerary_join_fragments(struct itinerary *itinerary);
/* The same for all fragments of a packet at all hooks, unless NAT changes its addresses. */
uint64_t event_packet(const struct vl_event *event);
/* Which packet of its echo a record is about. */
enum leg event_leg(const struct vl_event *event);
/*
 * An ICMP redirect (RFC 792, RFC 4861): LEG_ERROR, since it quotes its packet, but the router that
 * sent it passed that packet on. It decides no fate.
 */
bool event_is_redirect(const struct vl_event *event);
/* A fragment after the first: it has no ICMP header, so type, id and seq say nothing. */
bool event_is_later_fragment(const struct vl_event *event);
/* Whether a session with this filter would have got the record. */
bool event_matches(const struct vl_event *event, const struct vl_filter *filter,
		   const struct lab *lab);
bool drop_matches(const struct vl_drop *drop, const struct vl_filter *filter,
		  const struct lab *lab);
/* Whether the filter fits any record of an echo: a hop, or a drop that is not harmless. */
bool itinerary_matches(const struct itinerary *itinerary, const struct vl_filter *filter,
		       const struct lab *lab);
bool stack_matches(const struct vl_stack *record, const struct vl_filter *filter,
		   const struct lab *lab);
/*
 * Whether a record of a stack is of use: the kernel frees packets in more functions than those that
 * deliver them, so a VL_STACK_DELIVER needs a process or a function of ICMP.
 */
bool stack_tells(const struct vl_stack *record, const char *function);
/*
 * Whether a drop of what belongs to no echo was a loss: not of a copy, and not what every healthy
 * network has. Older kernels free each message of neighbour discovery without a reason once they
 * have read it (icmpv6_rcv).
 */
bool drop_is_loss(const char *reason, const char *function);
/* Whether its packet is for everybody or for a group: drop_classify_multicast(). */
bool drop_is_multicast(const struct drop *drop);
/* Whether the filter fits the drop of a question for a neighbor. */
bool question_matches(const struct vl_stack *record, const struct vl_filter *filter,
		      const struct lab *lab);
/* Whether the filter fits a packet of the echo, and its places fit a drop of what that waits for.
 */
bool itinerary_question_matches(const struct itinerary *itinerary, const struct vl_filter *filter,
				const struct lab *lab);
/* The protocol of what an error quotes, or of a packet that is no ICMP; 0: it is ICMP, or none. */
uint8_t event_protocol(const struct vl_event *event);
struct ip_addr event_source(const struct vl_event *event);
struct ip_addr event_destination(const struct vl_event *event);

#endif
