/* SPDX-License-Identifier: GPL-2.0-only */
/* ping_tally.h - one run of `vethlab ping`: what was asked, what came of each echo, the sums. */
#ifndef VETHLAB_USER_TRACE_PING_TALLY_H
#define VETHLAB_USER_TRACE_PING_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/net/net.h"
#include "user/trace/probe.h"
#include "user/path/path.h"

enum echo_result {
	ECHO_PENDING,
	ECHO_ANSWERED,
	ECHO_REFUSED,	 /* an ICMP error came back */
	ECHO_UNANSWERED, /* nothing came in time */
	ECHO_NOT_SENT,	 /* the kernel refused to send it */
};

struct echo_state {
	enum echo_result result;
	int error;	  /* ECHO_NOT_SENT: positive errno */
	uint64_t sent_ns; /* CLOCK_MONOTONIC */
	uint64_t lost;	  /* records that were lost while it was under way */
	struct echo_answer answer;
};

struct ping_options {
	uint64_t count; /* 0: until interrupted */
	uint64_t interval_ns, timeout_ns;
	uint16_t size;
	uint8_t ttl; /* 0: not said */
	bool quiet;
	bool stack; /* tell what the stacks do between the ends */
};

enum {
	PING_LOSSES = 32,
	PING_STEPS = 256,
	PING_RTTS = 1 << 20,
	PING_SILENT = 16,
	PING_LOSS_TEXT_SIZE = 768
};

/* Where echoes were seen last: how many of them. */
struct ping_loss {
	bool dropped; /* drop says by whom and why; else: */
	struct drop drop;
	const struct end *end; /* NULL: at no end */
	uint8_t hook;
	enum leg leg;
	enum fate fate;
	char text[PING_LOSS_TEXT_SIZE]; /* how it ended; "": it was not seen at all */
	uint64_t count;
};

/*
 * One kind of step of the itineraries, summed over the echoes. STEP_FIRST: from sending to the
 * first hook; STEP_GAP: from the last hook to the socket.
 */
struct ping_step {
	const struct end *end, *from; /* of STEP_FIRST and STEP_GAP the same */
	const struct node *node;      /* inside of it; NULL: STEP_LINK */
	enum step step;
	enum leg leg;
	uint64_t count, sum_ns, max_ns;
};

/* A node that dropped echoes and told nobody by an ICMP error, though it does so by itself. */
struct ping_silent {
	const struct node *node;
	uint64_t count;		  /* of such echoes */
	struct icmp_held_back by; /* what its rate limits held back since the ping began */
	bool known;		  /* by is filled */
};

struct ping_tally {
	uint64_t sent, answered, refused, unanswered, not_sent, late, duplicates, corrupt;
	uint64_t *rtts; /* nanoseconds, of the answered ones, or of PING_RTTS of them by chance */
	size_t n_rtts, room;
	uint64_t n_timed, min_ns, max_ns; /* of all */
	struct ping_loss losses[PING_LOSSES];
	size_t n_losses;
	struct ping_step steps[PING_STEPS];
	size_t n_steps;
	struct ping_silent silent[PING_SILENT];
	size_t n_silent;
	uint64_t incomplete; /* echoes that records were lost beside */
};

enum { PING_PROGRAMS = 4 };

struct ping {
	struct ping_options options;
	struct trip trip;
	bool local;   /* the target is an address of `from` itself */
	bool watched; /* records come */
	size_t blind; /* ends that have lost their programs, at the last echo without an answer */
	struct path why; /* what stops echoes, as the nodes' tables say since the last failure */
	bool has_why, why_told;
	bool why_refuted;		    /* by an echo since why was found: ping_refutes_why() */
	struct icmp_held_back *held_before; /* by node, as the ping began; NULL: not read */
	/* Of others, at ends where the last echo was not seen to come in (ping_find_programs()). */
	struct {
		const struct end *end;
		bool leaves; /* it meets what leaves by that end; else what comes in */
		char text[PATH_PROGRAM_SIZE];
	} programs[PING_PROGRAMS];
	size_t n_programs;
	struct ping_tally tally;
	uint64_t lost_records;
};

/*
 * Look for programs of others where an echo left an end and what came next was not seen, or nothing
 * came. itinerary: NULL is allowed.
 */
void ping_find_programs(struct ping *ping, const struct itinerary *itinerary);
/*
 * Add a settled echo to the sums. end_text: how it ended, in words, if it was not answered; losses
 * are summed by it. Copied. -ENOMEM.
 */
int ping_count(struct ping *ping, const struct echo_state *state, const struct itinerary *itinerary,
	       const char *end_text);
/*
 * What the rate limits of all nodes have held back by now. That a node cannot be asked (it is gone)
 * is no failure of the ping.
 */
void ping_read_held_before(struct ping *ping);
/* What the rate limits of the nodes that made no ICMP errors have held back since then. */
void ping_read_held_back(struct ping *ping);

/*
 * Whether the echo was seen to end at another node than ping->why says: because of what a walk does
 * not evaluate, or since what it reads has changed meanwhile.
 */
bool ping_refutes_why(const struct ping *ping, const struct itinerary *itinerary);
/* What of a round trip no hook saw, in ns: before the first one, and after the last one. */
struct ping_rest {
	uint64_t before_ns, after_ns;
	bool before_long, after_long; /* longer than all that was seen, and worth a word */
};
struct ping_rest ping_rest_of(const struct echo_state *state, const struct itinerary *itinerary);
/* The kind of step that took longest on average; NULL: no itinerary had a step. */
const struct ping_step *ping_slowest(const struct ping_tally *tally);

#endif
