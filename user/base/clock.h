/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - the time of a clock. Records and counters are stamped with CLOCK_MONOTONIC, captures
 * and documents with CLOCK_REALTIME.
 */
#ifndef VETHLAB_USER_BASE_CLOCK_H
#define VETHLAB_USER_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The time of any clock of clock_gettime(2), in nanoseconds. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now = {0};

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CLOCK_MONOTONIC in nanoseconds, as bpf_ktime_get_ns() gives it. */
static inline uint64_t clock_monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* CLOCK_MONOTONIC in milliseconds, for time limits; signed, so that what is left may be negative.
 */
static inline int64_t clock_monotonic_ms(void)
{
	return (int64_t)(clock_ns(CLOCK_MONOTONIC) / 1000000);
}

/* Nanoseconds since the epoch. */
static inline uint64_t clock_realtime_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

#endif
