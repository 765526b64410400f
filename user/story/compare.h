/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compare.h - two runs side by side: which ways echoes took, what became of them, how long each
 * step took. Pure: of itineraries and nothing else. Places are compared by name, so that the labs
 * of the two runs may be two versions of one.
 */
#ifndef VETHLAB_USER_STORY_COMPARE_H
#define VETHLAB_USER_STORY_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "user/base/statistics.h"
#include "user/story/story.h"

enum side { SIDE_A, SIDE_B, SIDES };

/* The ends that a request or its answer passed: "a:x > r:w, r:e > b:y". */
struct compared_way {
	bool back;  /* of the answer */
	char *text; /* owned */
	uint64_t n[SIDES];
	bool differs; /* only one run has it */
};

/* What became of echoes. */
struct compared_fate {
	enum fate fate;
	const char *node; /* that answered, refused or dropped it, or where it waits; NULL: not
			   * known */
	struct drop drop; /* FATE_DROPPED: one of them */
	uint8_t family, icmp_type, icmp_code; /* FATE_REFUSED */
	uint32_t icmp_info;
	const char *end; /* FATE_LOST, FATE_DELIVERED: where it was seen last */
	uint8_t hook;
	enum leg leg;
	uint64_t n[SIDES];
	double p;     /* chance of shares so far apart if nothing changed (Fisher's exact test) */
	bool differs; /* only one run has it, or p is below COMPARE_P */
};

/* How long one kind of step took; the round trip has no ends. */
struct compared_time {
	enum leg leg;
	enum step step;	       /* STEP_FIRST: the whole round trip */
	const char *from, *to; /* names of ends */
	double *values[SIDES]; /* nanoseconds; owned */
	size_t n[SIDES], room[SIDES];
	struct statistics stats[SIDES];
	bool too_few; /* for an interval of one of the medians */
	bool differs;
};

/* All echoes between two addresses. */
struct compared_flow {
	struct ip_addr from, to;
	const char *origin; /* the node that asks; NULL: not known */
	uint64_t echoes[SIDES];
	struct compared_way *ways;
	struct compared_fate *fates;
	struct compared_time *times;
	size_t n_ways, n_fates, n_times;
	bool differs;
};

struct comparison {
	struct compared_flow *flows;
	size_t n_flows;
	bool with_times;
	double threshold; /* share by which medians must be apart: 0.1 */
	bool differs;
};

/* Shares of fates and medians count as different at this level; times need so many echoes a run. */
#define COMPARE_P 0.01
enum { COMPARE_TIMES_MIN = 6 };

/*
 * Add an itinerary of one run (enum side). Names of nodes and ends are borrowed, so its lab must
 * outlive the comparison; all else is copied. Returns 0 or -ENOMEM.
 */
int comparison_add(struct comparison *comparison, int side, const struct itinerary *itinerary);
/*
 * What differs, once all are added. A way or a fate that only one run has does; fates of both, by
 * their shares; times where the 95 % intervals of the medians (base/statistics.h) do not meet and
 * the medians are apart by more than the threshold. Returns 0 or -ENOMEM.
 */
int comparison_judge(struct comparison *comparison);
/* Free what the comparison has; it is empty then. */
void comparison_free(struct comparison *comparison);

#endif
