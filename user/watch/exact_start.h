/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exact_start.h - the counters at both ends of a link at a moment at which no packet was between
 * them, while packets cross the link all the time. A ledger that begins there counts each packet at
 * both ends or at neither.
 */
#ifndef VETHLAB_USER_WATCH_EXACT_START_H
#define VETHLAB_USER_WATCH_EXACT_START_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bpf/vethlab.h"
#include "user/base/err.h"

struct watch;

/* One direction of a link. */
struct watch_exact_start {
	uint32_t from, to; /* numbers of the two ends */
	uint64_t dropped;  /* segments that the kernel is known to have dropped between them */
	struct vl_counters out, xdp, in; /* result: of from, to, to; zero where there is no hook */
	/*
	 * Result: segments that may have been between the hooks then, if no moment was found
	 * at which none was.
	 */
	uint64_t passing;

	/* While it is looked for. */
	struct vl_counters at_start[VL_HOOKS];
	int64_t missing; /* of the best moment so far: sent, neither received nor dropped */
	unsigned steady; /* moments at which no counter moved */
	bool found;
};

/*
 * Look for such a moment of each direction, for some 20 ms at most of this thread's own time:
 * between two readings that agree, no packet passed a hook. whole: the counters have all packets
 * since the first, so that nothing is missing when nothing is under way. Else, and where something
 * is missing for good, it is the moment with the least missing of many.
 */
int watch_find_exact_start(struct watch *watch, struct watch_exact_start *starts, size_t n,
			   bool whole, struct err *err);

/*
 * The two ends of a link of others do not get their programs at the same moment. Once both have
 * them, this keeps what was counted until then in the maps `begun_*`; every reading subtracts it.
 */
int watch_note_start(struct watch *watch, struct watch_exact_start *starts, size_t n,
		     struct err *err);

#endif
