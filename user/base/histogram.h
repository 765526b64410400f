/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * histogram.h - counts of times in bins, and percentiles of them. All times are in nanoseconds.
 * Pure; nothing allocates.
 *
 * struct histogram holds the times of several runs, so that a percentile is one of all of them: a
 * run of 0.3 s has 300 paced echoes, whose 99.9th percentile would only be the largest. Its bins
 * are log-linear. bins_percentile() serves other bins as well, such as those of struct vl_times.
 */
#ifndef VETHLAB_USER_BASE_HISTOGRAM_H
#define VETHLAB_USER_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Counts of times, in bins of ascending time. */
struct bins {
	const unsigned long long *counts; /* __u64 of BPF maps is this type */
	uint32_t n;
	/* The time that stands for those of a bin: its middle. Called with 0 to n - 1. */
	uint64_t (*middle)(uint32_t bin);
	uint64_t min, max; /* the shortest and the longest time that was counted */
};

/*
 * The time that a share p (0..1) of the counted times does not exceed (nearest rank): the middle of
 * the bin that it is in, moved to min or max if it is outside of them. The last of all times is
 * max. 0 if nothing was counted.
 */
uint64_t bins_percentile(const struct bins *bins, double p);

/*
 * Below 2^(LOW + 1) ns each bin is one nanosecond wide, above there are 2^LOW bins an octave. So a
 * bin is at most 1/128 of its times wide, and a percentile is within 0.4 % of the true one. The
 * last bin holds all that is longer than 2^HIGH ns.
 */
enum {
	HISTOGRAM_LOW = 7,
	HISTOGRAM_HIGH = 40,
	HISTOGRAM_BINS = (HISTOGRAM_HIGH - HISTOGRAM_LOW + 1) << HISTOGRAM_LOW,
};

/* All zero: empty. */
struct histogram {
	uint64_t n, min, max;
	unsigned long long bins[HISTOGRAM_BINS];
};

void histogram_add(struct histogram *histogram, uint64_t ns);
/* The time that a share p (0..1) does not exceed; 0 if the histogram is empty. */
uint64_t histogram_percentile(const struct histogram *histogram, double p);
/*
 * Whether n times suffice for percentile p to be another one than the largest: at least two of them
 * must be above it. The median and the maximum need one time.
 */
bool histogram_can_tell(uint64_t n, double p);

#endif
