/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * echo_times.h - how long echoes took, and what became of them, as the kernel has kept it
 * (bpf/echo_times.h).
 */
#ifndef VETHLAB_USER_WATCH_ECHO_TIMES_H
#define VETHLAB_USER_WATCH_ECHO_TIMES_H

#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"

struct watch;

enum watch_time {
	WATCH_TRANSIT,	 /* by the end that sent: to the first hook of its peer */
	WATCH_RESIDENCE, /* by the end where packets came in: to `out` of another end of the node */
	WATCH_ECHO_RTT,	 /* by the end that requests left: until the reply was in */
	WATCH_TIMES,
};

/*
 * The times of n_ends ends into times. They are read while they change: count may be ahead of or
 * behind the sum of the bins by what came meanwhile. -ENOENT: the lab keeps none (err stays
 * clear).
 */
int watch_read_times(struct watch *watch, enum watch_time kind, struct vl_times *times,
		     struct err *err);
/* Add what from has: the residence of a node is the sum of its ends'. */
void watch_times_add(struct vl_times *to, const struct vl_times *from);
/*
 * The time in ns that a part of all (0 to 1) is not above: within 1.6 % of the truth, and never
 * outside of what was measured. 0 if there is none.
 */
uint64_t watch_times_percentile(const struct vl_times *times, double part);
uint64_t watch_times_min(const struct vl_times *times); /* ns; 0 if there is none */
uint64_t watch_times_mean(const struct vl_times *times);

/* Requests that left an end. */
struct watch_echo {
	struct vl_echo_counters count;
	uint64_t waiting;    /* no reply yet, and the timeout is not over */
	uint64_t unanswered; /* no reply, and it is over */
};

/* Of all ends: n_ends entries into echo. -ENOENT as above. */
int watch_read_echo(struct watch *watch, struct watch_echo *echo, struct err *err);
/* When a request without a reply is unanswered, in ns; 0: the default, VL_ECHO_TIMEOUT_NS. */
int watch_set_echo_timeout(struct watch *watch, uint64_t ns, struct err *err);

#endif
