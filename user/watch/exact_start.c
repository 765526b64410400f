// SPDX-License-Identifier: GPL-2.0-only
/* exact_start.c - see exact_start.h. */
#include "user/base/clock.h"
#include "user/watch/exact_start.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/watch/internal.h"

/*
 * BURST looks at a direction at a time, then the CPU is given to others: it may be this process
 * that keeps a packet from its way. ENOUGH steady moments of BEST_NS tell what is missing for good.
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

static int look_often(struct watch *watch, struct watch_exact_start *cut, bool whole,
		      uint64_t spent_ns)
{
	for (int i = 0; i < BURST && !cut->found; i++) {
		int rc = look(watch, cut);

		if (rc)
			return rc;
		cut->found = cut->steady && whole && !cut->missing;
	}
	if (cut->steady >= ENOUGH && spent_ns >= BEST_NS)
		cut->found = true;
	if (cut->found)
		cut->passing = 0;
	return 0;
}

int watch_find_exact_start(struct watch *watch, struct watch_exact_start *cuts, size_t n,
			   bool whole, struct err *err)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};
	uint64_t from = clock_monotonic_ns(), spent = 0;
	size_t left = n;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		cuts[i].steady = 0;
		cuts[i].found = false;
		watch_read_start(watch, cuts[i].from, cuts[i].to, cuts[i].at_start);
	}
	/* A round more than there is time for if the ends are many. */
	for (bool first = true; left && !rc && (first || spent < GIVE_UP_NS); first = false) {
		left = 0;
		for (size_t i = 0; i < n && !rc; i++) {
			if (!cuts[i].found)
				rc = look_often(watch, &cuts[i], whole, spent);
			left += !cuts[i].found;
		}
		if (left)
			nanosleep(&pause, NULL);
		spent = clock_monotonic_ns() - from;
	}
	return rc ? watch_fail(err, -rc, watch->lab, "read its counters", "CAP_BPF") : 0;
}
