/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * end_gaps.h - when hooks of a running lab's ends did not count, since something else had taken the
 * programs off, and vethlab attached them again. Kept in LAB_DIR/LAB/gaps until the lab is taken
 * down, so that no reading calls what passed meanwhile lost.
 */
#ifndef VETHLAB_USER_LAB_END_GAPS_H
#define VETHLAB_USER_LAB_END_GAPS_H

#include "user/lab/lab.h"

/* Of one end; by hook, when its last gap ended, CLOCK_MONOTONIC; 0: it has none. */
struct end_gaps {
	uint64_t until_ns[VL_HOOKS];
};

/*
 * Note that these hooks of an end (bits 1 << enum vl_hook) count from now on. Called before they
 * are attached: a reading that is made in between finds them missing.
 */
int end_gaps_add(const struct running *run, uint32_t number, uint8_t hooks, struct err *err);
/* Those of all ends, run->capacity of them by end->number, which the caller frees. */
int end_gaps_read(struct end_gaps **gaps, const struct running *run, struct err *err);

#endif
