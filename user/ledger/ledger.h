/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ledger.h - both ends of each link joined: what was sent, what arrived, what is missing. Pure:
 * from counters and the lab's model to one structure, which every format is written from.
 *
 * Functions that return int return 0, or -errno and fill *err where they take one. What they made
 * is the caller's to free; after a failure there is nothing to free. Numbers of counters are
 * packets or segments, as their names say, bytes are those of whole frames.
 */
#ifndef VETHLAB_USER_LEDGER_LEDGER_H
#define VETHLAB_USER_LEDGER_LEDGER_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"
#include "topology/model.h"
#include "user/lab/end_state.h"
#include "user/lab/lab.h"
#include "user/ledger/losses.h"
#include "user/ledger/timing.h"
#include "user/watch/watch.h"

#define STATS_SCHEMA "vethlab.stats/1"

/* A time in ns since the epoch, as UTC: "2026-11-23T15:44:01.250Z". Returns buf. */
enum { TIME_TEXT_SIZE = 32 };
const char *ledger_time(uint64_t time_ns, char buf[TIME_TEXT_SIZE]);

/*
 * Which programs of an end are still attached. An end is blind at a hook whose program was taken
 * off: what passes there is not known.
 */
struct blind_end {
	struct end_hooks hooks;
	/*
	 * When they were known to count: when the lab was built, or the reading was made that this
	 * one counts from. CLOCK_MONOTONIC.
	 */
	uint64_t attached_ns;
	/* By hook: when vethlab attached its program again since then, likewise; 0: never. */
	uint64_t again_ns[VL_HOOKS];
};

/*
 * The counters of a lab at one moment. For each direction of a link it is a moment at which no
 * packet was between its two hooks, if one was found.
 */
struct snapshot {
	uint64_t time_ns; /* CLOCK_REALTIME, nanoseconds since the epoch */
	/* CLOCK_MONOTONIC: when it was read, from when on it counts, when the lab was built. */
	uint64_t read_ns, since_ns, built_ns;
	size_t n_ends;
	enum watch_tc tc; /* how the tc programs are attached */
	bool observed;	  /* as struct running has it */
	bool partial; /* from a file without some links; ends of the others have SNAPSHOT_KNOWN */
	uint8_t *attached;		     /* n_ends: bits 1 << enum vl_hook, SNAPSHOT_KNOWN */
	struct vl_counters *hooks[VL_HOOKS]; /* n_ends each, zero where nothing is attached */
	/*
	 * n_ends, by the end that sends: segments that may have been under way between the hooks
	 * when the counters were read, or the ones they count from; 0: certainly none.
	 */
	uint64_t *passing;
	struct blind_end *blind; /* n_ends: whose programs were taken off */
	struct losses losses;	 /* owned; not known where the lab counts no drops */
	struct timing *timing;	 /* owned; NULL: was not read */
};

enum { SNAPSHOT_KNOWN = 1 << VL_HOOKS };

/* All zero, nothing attached. 0 or -ENOMEM. The caller frees *snapshot. */
int snapshot_init(struct snapshot *snapshot, size_t n_ends);
void snapshot_free(struct snapshot *snapshot); /* the contents */
/* 0 or -ENOMEM. The caller frees *copy. */
int snapshot_copy(struct snapshot *copy, const struct snapshot *snapshot);
/* Add what more has counted to sum, which keeps its times. 0 or -ENOMEM. */
int snapshot_add(struct snapshot *sum, const struct snapshot *more);
/* now becomes what was counted after since was read. Both count from the same moment. */
void snapshot_subtract(struct snapshot *now, const struct snapshot *since);

/* How long a time the counters cover, in ns. */
static inline uint64_t snapshot_span(const struct snapshot *snapshot)
{
	return snapshot->read_ns > snapshot->since_ns ? snapshot->read_ns - snapshot->since_ns : 0;
}

/*
 * Read what `stats --json` wrote of the lab that runs as name. ERR_USAGE: there is no such file, or
 * it is something else. Ends that the lab does not have are passed over.
 */
int snapshot_load(struct snapshot *snapshot, const char *path, const char *name,
		  const struct lab *lab, size_t n_ends, struct err *err);

/* One direction of a link. */
struct ledger_entry {
	const struct end *from;	     /* to is from->peer */
	bool has_sent, has_received; /* there is a hook that tells */
	enum vl_hook received_at;    /* the receiver's first hook that sees all */
	struct vl_counters sent, received;
	/*
	 * sent and received on the wire, in segments: a super-packet may be cut on its way, so that
	 * packets need not agree. Generic XDP cannot see how many segments a packet has; where a
	 * tc hook stands behind it, that one tells.
	 */
	uint64_t sent_segments, received_segments;
	uint64_t lost; /* segments sent and not received: at least those that were dropped */
	/*
	 * sent = received + dropped + unexplained - unseen, in segments: what the kernel told of
	 * as dropped between the two hooks, and the rest. The rest is all if nobody counts drops.
	 * Both unexplained and unseen are at least that many: where packets of a type that are
	 * missing and others of it that were not seen sent stand in one count, they cannot be told
	 * apart.
	 */
	uint64_t dropped, unexplained;
	uint64_t unseen;  /* segments received and not seen sent: past `out`, or under way while
			     reading */
	uint64_t passing; /* as in struct snapshot */
	/*
	 * Hooks of from (out) and of its peer (xdp, in) whose programs were taken off. Then
	 * has_sent or has_received is false, since their counters stand still, and losses are not
	 * known.
	 */
	uint8_t blind_from, blind_to;
	/*
	 * Where packets are unexplained: the program of others between the two hooks that may take
	 * them ("XDP program 17 (theirs)"); "": none, or not looked for. program_leaves: it meets
	 * what leaves by `from`; else what comes in at its peer.
	 */
	char program[64];
	bool program_leaves;
};

struct ledger {
	const struct lab *lab;		 /* borrowed */
	const struct snapshot *snapshot; /* borrowed */
	const char *name;		 /* borrowed: the name that the lab runs under */
	size_t n_entries;		 /* 2 a link: entry i leaves lab_end(lab, i) */
	struct ledger_entry *entries;
	/* Borrowed: what passed since the last look (--watch); NULL: there was none. */
	const struct ledger *recent;
};

/*
 * 0 or -ENOMEM. The counters of an end are at end->number in the snapshot. Pointers to lab,
 * snapshot and name are kept; the caller frees *ledger.
 */
int ledger_make(struct ledger *ledger, const char *name, const struct lab *lab,
		const struct snapshot *snapshot);
void ledger_free(struct ledger *ledger); /* the contents */
/*
 * Fill ledger_entry.program where packets are unexplained. A node that cannot be asked counts as
 * one without programs of others.
 */
void ledger_read_programs(struct ledger *ledger, const struct running *run);

/*
 * One after the other, the hooks at which a direction is blind: start with *state 0. False: there
 * are no more.
 */
struct ledger_blind {
	const struct end *end;
	enum vl_hook hook;
	const char *attachment, *gone;	/* words: see lab/end_state.h */
	uint64_t attached_ns, again_ns; /* as in struct blind_end */
};
bool ledger_next_blind(const struct ledger *ledger, size_t entry, unsigned *state,
		       struct ledger_blind *blind);

/* Per second, of what the sending end's hook saw (else the receiving one's). */
struct ledger_rate {
	double packets; /* on the wire: segments */
	double bits;
};
struct ledger_rate ledger_rate(const struct ledger *recent, size_t entry);

/*
 * What is missing of one kind. False: it cannot be told: super-packets were cut under way, packets
 * came that `out` did not see, or XDP saw frames without the VLAN tags that they have.
 */
struct counter_field;
bool ledger_lost_of(const struct ledger_entry *entry, const struct counter_field *field,
		    uint64_t *lost);

/* Which parts of a lab to print: all filters that are set must match. */
struct ledger_filter {
	const struct link *link; /* NULL: every link */
	const struct node *node; /* NULL: every node; else links with an end there */
};
bool ledger_shows(const struct ledger_filter *filter, const struct link *link);

/* docs/schema/stats.json, which snapshot_load() reads back. The caller owns the document; NULL: no
 * memory. */
json_t *ledger_to_json(const struct ledger *ledger, const struct ledger_filter *filter);

#endif
