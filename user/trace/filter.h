/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filter.h - which records and stories of records a user wants to see, from the words of a filter.
 */
#ifndef VETHLAB_USER_TRACE_FILTER_H
#define VETHLAB_USER_TRACE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "topology/model.h"
#include "user/base/err.h"
#include "user/story/story.h"

/*
 * A story is told whole or it is judged wrong: an answer that the filter hides looks like none. So
 * for stories `packets` keeps only what is the same of all packets of an echo, and the rest, in
 * `chosen`, chooses among the stories.
 */
struct record_filter {
	struct vl_filter packets; /* for the kernel, or event_matches() */
	struct vl_filter chosen;  /* of stories: those that it fits somewhere */
	bool itineraries;	  /* whole stories instead of single records */
	bool events;		  /* the user says: single records */
	bool failed;		  /* only echoes that were not answered */
	bool dropped;		  /* only echoes of which a node dropped something; or only drops */
	uint64_t slower_ns;	  /* only round trips that took as long or longer; 0: all */
};

/* The keywords of the filter, ended by NULL; what takes a value is told by the verbs' option
 * tables. */
extern const char *const record_filter_words[];

/*
 * Add the words of a filter: `node N`, `end N:I`, `link N:I`, `addr A[/L]`, `src A`, `dst A`, `type
 * T[,T]`, `id N`, `seq N`, `v4`, `v6`, `any`, `tcp`, `udp`, `icmp`, `arp`, `sctp`, `proto N`, `port
 * N`, `sport N`, `dport N`, `flags F[,F]`, `vlan N`, `failed`, `dropped`, `slower-than TIME`; a
 * node, an end or an address may stand alone. All of them must fit; of a list, one. 0, or -EINVAL
 * with err set (ERR_USAGE).
 */
int record_filter_parse(struct record_filter *filter, int argc, char **argv, const struct lab *lab,
			struct err *err);

/* Whether it is a story that the user wants to see. lab: the one of the itinerary. */
bool record_filter_wants(const struct record_filter *filter, const struct lab *lab,
			 const struct itinerary *itinerary);

#endif
