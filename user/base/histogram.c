// SPDX-License-Identifier: GPL-2.0-only
/* histogram.c - see histogram.h. */
#include <math.h>

#include "user/base/histogram.h"

/* Below 2^(LOW + 1) a bin a nanosecond; from there on 2^LOW bins an octave. */
static unsigned bin_of(uint64_t ns)
{
	unsigned log;

	if (ns < 1u << (POOL_LOW + 1))
		return ns;
	if (ns >> POOL_HIGH)
		return POOL_BINS - 1;
	log = 63 - __builtin_clzll(ns);
	return ((log - POOL_LOW) << POOL_LOW) + (ns >> (log - POOL_LOW));
}

static uint64_t middle_of(unsigned bin)
{
	unsigned shift = bin >> POOL_LOW;

	if (bin < 1u << (POOL_LOW + 1))
		return bin;
	shift--;
	return ((uint64_t)(bin - (shift << POOL_LOW)) << shift) + (1ull << shift) / 2;
}

void histogram_add(struct histogram *pool, uint64_t ns)
{
	if (!pool->n || ns < pool->min)
		pool->min = ns;
	if (ns > pool->max)
		pool->max = ns;
	pool->n++;
	pool->bins[bin_of(ns)]++;
}

uint64_t histogram_percentile(const struct histogram *pool, double p)
{
	uint64_t rank = ceil(p * pool->n), seen = 0, ns;
	unsigned bin;

	if (rank >= pool->n)
		return pool->max;
	for (bin = 0; bin + 1 < POOL_BINS; bin++) {
		seen += pool->bins[bin];
		if (seen && seen >= rank)
			break;
	}
	ns = middle_of(bin);
	return ns < pool->min ? pool->min : ns > pool->max ? pool->max : ns;
}

bool histogram_can_tell(uint64_t n, double p)
{
	return p >= 1 ? n > 0 : p <= 0.5 ? n > 0 : n * (1 - p) >= 2 - 1e-6;
}
