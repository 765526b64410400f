// SPDX-License-Identifier: GPL-2.0-only
/* exact_start.c - see exact_start.h. */
#include "user/base/clock.h"
#include "user/watch/exact_start.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "user/watch/internal.h"

/*
 * BURST looks at a direction at a time, then the CPU is given to others: it may be this process
 * that keeps a packet from its way. ENOUGH steady moments of BEST_NS tell what is missing for good,
 * once every CPU has left the packets that it had at hand. Times are those that this thread has run
 * or paused: while it waits for a CPU it looks at nothing.
 */
enum { BURST = 8, ENOUGH = 64, PAUSE_NS = 50000, BEST_NS = 2000000, GIVE_UP_NS = 20000000 };

struct sides {
	struct vl_counters hooks[VL_HOOKS];
};

/* The sender first: what passes between two look-ups is then more received, and not lost. */
static int read_sides(struct watch *watch, const struct watch_exact_start *cut, struct sides *sides)
{
	static const enum vl_hook order[] = {VL_HOOK_OUT, VL_HOOK_XDP, VL_HOOK_IN};
	int rc = 0;

	for (int i = 0; i < VL_HOOKS && !rc; i++) {
		struct vl_counters *sum = &sides->hooks[order[i]];

		rc = watch_sum_entry(watch, MAP_COUNT_OUT + order[i],
				     order[i] == VL_HOOK_OUT ? cut->from : cut->to, sum);
		watch_subtract_words(sum, &cut->at_start[order[i]], sizeof(*sum));
	}
	return rc;
}

static uint64_t received(const struct sides *sides)
{
	uint64_t xdp = sides->hooks[VL_HOOK_XDP].segments, in = sides->hooks[VL_HOOK_IN].segments;

	return in > xdp ? in : xdp;
}

static void take(struct watch_exact_start *cut, const struct sides *sides, int64_t missing)
{
	cut->missing = missing;
	cut->out = sides->hooks[VL_HOOK_OUT];
	cut->xdp = sides->hooks[VL_HOOK_XDP];
	cut->in = sides->hooks[VL_HOOK_IN];
}

static int look(struct watch *watch, struct watch_exact_start *cut)
{
	struct sides first, second;
	int64_t missing;
	int rc = read_sides(watch, cut, &first);

	if (!rc)
		rc = read_sides(watch, cut, &second);
	if (rc)
		return rc;
	missing = (int64_t)(first.hooks[VL_HOOK_OUT].segments - received(&first) - cut->dropped);
	if (memcmp(&first, &second, sizeof(first))) {
		if (cut->steady)
			return 0;
		take(cut, &first, missing);
		cut->passing = second.hooks[VL_HOOK_OUT].segments -
			       first.hooks[VL_HOOK_OUT].segments + (missing > 0 ? missing : 0);
		return 0;
	}
	if (!cut->steady || missing < cut->missing) {
		take(cut, &first, missing);
		cut->passing = missing > 0 ? (uint64_t)missing : 0;
	}
	cut->steady++;
	return 0;
}

/*
 * Wait until no CPU is within the stack's handling of a packet that it began before: a CPU that a
 * hypervisor has stopped, or that an interrupt keeps, may hold one for long, and all counters are
 * steady meanwhile. An RCU grace period ends when each CPU has left its softirqs; membarrier(2)
 * waits for one, but where CPUs have no tick (nohz_full), which leaves the pauses.
 */
static void wait_for_cpus(void)
{
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

/* What one search has done so far. */
struct exact_search {
	uint64_t from_ns; /* CPU time of this thread */
	unsigned pauses;
	uint64_t settled_ns; /* when all CPUs had left what they had at hand; 0: not yet */
};

static uint64_t spent_ns(const struct exact_search *search)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID) - search->from_ns +
	       (uint64_t)search->pauses * PAUSE_NS;
}

static int look_often(struct watch *watch, struct watch_exact_start *cut, bool whole,
		      const struct exact_search *search)
{
	for (int i = 0; i < BURST && !cut->found; i++) {
		int rc = look(watch, cut);

		if (rc)
			return rc;
		cut->found = cut->steady && whole && !cut->missing;
	}
	if (search->settled_ns && cut->steady >= ENOUGH &&
	    spent_ns(search) - search->settled_ns >= BEST_NS)
		cut->found = true;
	if (cut->found)
		cut->passing = 0;
	return 0;
}

/* Whether a direction has been steady for so long that something seems to be missing for good. */
static bool seems_missing(const struct watch_exact_start *starts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!starts[i].found && starts[i].steady >= ENOUGH)
			return true;
	return false;
}

static void settle(struct watch_exact_start *starts, size_t n, struct exact_search *search)
{
	wait_for_cpus();
	for (size_t i = 0; i < n; i++)
		if (!starts[i].found)
			starts[i].steady = 0;
	search->settled_ns = spent_ns(search) + 1;
}

int watch_find_exact_start(struct watch *watch, struct watch_exact_start *starts, size_t n,
			   bool whole, struct err *err)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	struct exact_search search = {.from_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID)};
	size_t left = n;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		starts[i].steady = 0;
		starts[i].found = false;
		watch_read_start(watch, starts[i].from, starts[i].to, starts[i].at_start);
	}
	/* A round more than there is time for if the ends are many. */
	for (bool first = true; left && !rc && (first || spent_ns(&search) < GIVE_UP_NS);
	     first = false) {
		left = 0;
		for (size_t i = 0; i < n && !rc; i++) {
			if (!starts[i].found)
				rc = look_often(watch, &starts[i], whole, &search);
			left += !starts[i].found;
		}
		if (!left || rc)
			break;
		nanosleep(&pause, NULL);
		search.pauses++;
		if (!search.settled_ns && seems_missing(starts, n))
			settle(starts, n, &search);
	}
	return rc ? watch_fail(err, -rc, watch->lab, "read its counters", "CAP_BPF") : 0;
}
