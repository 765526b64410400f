// SPDX-License-Identifier: GPL-2.0-only
/* histogram.c - see histogram.h. */
#include "user/base/histogram.h"
#include "user/base/statistics.h"

uint64_t bins_percentile(const struct bins *bins, double p)
{
	uint64_t total = 0, below = 0, rank, ns;
	uint32_t bin;

	for (bin = 0; bin < bins->n; bin++)
		total += bins->counts[bin];
	if (!total)
		return 0;
	rank = statistics_rank(total, p);
	if (rank == total - 1)
		return bins->max;
	if (p <= 0)
		return bins->min;
	for (bin = 0; bin + 1 < bins->n; bin++) {
		below += bins->counts[bin];
		if (below > rank)
			break;
	}
	ns = bins->middle(bin);
	return ns < bins->min ? bins->min : ns > bins->max ? bins->max : ns;
}

static uint32_t bin_of(uint64_t ns)
{
	uint32_t log;

	if (ns < 1u << (HISTOGRAM_LOW + 1))
		return ns;
	if (ns >> HISTOGRAM_HIGH)
		return HISTOGRAM_BINS - 1;
	log = 63 - __builtin_clzll(ns);
	return ((log - HISTOGRAM_LOW) << HISTOGRAM_LOW) + (ns >> (log - HISTOGRAM_LOW));
}

static uint64_t middle_of(uint32_t bin)
{
	uint32_t shift = bin >> HISTOGRAM_LOW;

	if (bin < 1u << (HISTOGRAM_LOW + 1))
		return bin;
	shift--;
	return ((uint64_t)(bin - (shift << HISTOGRAM_LOW)) << shift) + (1ull << shift) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
	if (!histogram->n || ns < histogram->min)
		histogram->min = ns;
	if (ns > histogram->max)
		histogram->max = ns;
	histogram->n++;
	histogram->bins[bin_of(ns)]++;
}

uint64_t histogram_percentile(const struct histogram *histogram, double p)
{
	const struct bins bins = {
		.counts = histogram->bins,
		.n = HISTOGRAM_BINS,
		.middle = middle_of,
		.min = histogram->min,
		.max = histogram->max,
	};

	return bins_percentile(&bins, p);
}

bool histogram_can_tell(uint64_t n, double p)
{
	return p >= 1 ? n > 0 : p <= 0.5 ? n > 0 : n * (1 - p) >= 2 - 1e-6;
}
