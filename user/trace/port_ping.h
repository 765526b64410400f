/* SPDX-License-Identifier: GPL-2.0-only */
/* port_ping.h - one run of `vethlab ping --tcp` or `--udp`: attempts one after the other. */
#ifndef VETHLAB_USER_TRACE_PORT_PING_H
#define VETHLAB_USER_TRACE_PORT_PING_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/path/path.h"
#include "user/path/target.h"
#include "user/trace/ping_tally.h"
#include "user/trace/port_evidence.h"
#include "user/trace/port_probe.h"

/* One attempt, and what is known of it. */
struct port_trial {
	uint64_t number; /* from 1 */
	struct port_flow flow;
	struct port_answer answer;
	struct port_evidence evidence; /* not of one that was answered */
	struct path why; /* likewise: the way by the nodes' tables, as far as it goes */
	bool has_why;
	bool has_back; /* the way of an answer was looked at too; if it stops, why is that way */
};

enum { PORT_TIMES_MAX = 1 << 16 };

struct port_tally {
	uint64_t tried, by_result[PORT_UNACKNOWLEDGED + 1];
	uint64_t *times; /* ns, of the first PORT_TIMES_MAX that were answered; owned */
	size_t n_times, room;
	struct port_drops drops; /* of attempts without an answer */
};

struct port_ping {
	struct ping_options options; /* not stack */
	bool tcp;		     /* else UDP */
	uint16_t port;
	struct trip trip;
	bool local;   /* the target is an address of `from` itself */
	bool watched; /* something counts at the lab's ends */
	struct port_trial trial;
	struct port_tally tally;
};

/*
 * Try until all is done, the user interrupts, or the lab is gone (an error). started and settled
 * are called when the lab is watched, and after each attempt; settled ends the run by false.
 * ping->trip is open already. 0 or -errno.
 */
int port_ping_run(struct port_ping *ping, void (*started)(const struct port_ping *ping),
		  bool (*settled)(const struct port_ping *ping), struct err *err);
/* Release what a run left in ping->tally. */
void port_ping_free(struct port_ping *ping);

#endif
