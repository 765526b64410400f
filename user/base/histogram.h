/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * histogram.h - times of many runs put together, so that percentiles are of all of them: a run of
 * 0.3 s has 300 paced echoes, whose 99.9th percentile would be nothing but the largest. Pure.
 */
#ifndef VETHLAB_USER_BASE_HISTOGRAM_H
#define VETHLAB_USER_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

/* A bin is at most 1/128 of its times wide: a percentile is within 0.4 %. Longer than 2^40 ns: the
 * last. */
enum { POOL_LOW = 7, POOL_HIGH = 40, POOL_BINS = (POOL_HIGH - POOL_LOW + 1) << POOL_LOW };

/* All zero: empty. */
struct histogram {
	uint64_t n, min, max; /* ns */
	uint32_t bins[POOL_BINS];
};

void histogram_add(struct histogram *pool, uint64_t ns);
/* The time that a share p (0..1) does not exceed, never outside of what was added; 0 if there is
 * none. */
uint64_t histogram_percentile(const struct histogram *pool, double p);
/* Whether n times are enough to tell that percentile from the largest: two are above it. */
bool histogram_can_tell(uint64_t n, double p);

#endif
