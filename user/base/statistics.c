// SPDX-License-Identifier: GPL-2.0-only
/* statistics.c - see statistics.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/statistics.h"

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

void statistics_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_size);
}

size_t statistics_rank(size_t n, double p)
{
	double rank = ceil(p * n);

	return rank < 1 ? 0 : rank > n ? n - 1 : (size_t)rank - 1;
}

double statistics_percentile(const double *sorted, size_t n, double p)
{
	return n ? sorted[statistics_rank(n, p)] : 0;
}

/*
 * How many values may be left off at each side so that the interval between covers the median in
 * 95 % of all samples: the number of values below the median is binomial(n, 1/2). Never more than
 * leaves one value; 0 where even the extremes cover less. *confidence is what it covers.
 */
static size_t trim(size_t n, double *confidence)
{
	/* ln P(X = i), since 0.5^n is 0 in a double from n = 1,075 on; and P(X <= i). */
	double log_term = n * log(0.5), tail = 0;
	size_t k = 0;

	*confidence = 1 - 2 * exp(log_term);
	for (size_t i = 0; 2 * (i + 1) < n; i++) {
		tail += exp(log_term);
		if (2 * tail > 1 - STATS_CONFIDENCE)
			break;
		k = i;
		*confidence = 1 - 2 * tail;
		log_term += log((double)(n - i) / (i + 1));
	}
	return k;
}

bool statistics_of(struct statistics *stats, const double *values, size_t n)
{
	double *sorted;
	size_t k;

	*stats = (struct statistics){.n = n};
	if (!n)
		return true;
	sorted = malloc(n * sizeof(*sorted));
	if (!sorted)
		return false;
	memcpy(sorted, values, n * sizeof(*sorted));
	statistics_sort(sorted, n);
	stats->median = n % 2 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
	stats->min = sorted[0];
	stats->max = sorted[n - 1];
	k = trim(n, &stats->confidence);
	stats->low = sorted[k];
	stats->high = sorted[n - 1 - k];
	if (stats->median != 0)
		stats->spread = (stats->high - stats->low) / fabs(stats->median);
	free(sorted);
	return true;
}

bool statistics_ratio(struct statistics *stats, const double *values, const double *base, size_t n)
{
	double *ratios = malloc((n + 1) * sizeof(*ratios));
	size_t pairs = 0;
	bool done;

	*stats = (struct statistics){0};
	if (!ratios)
		return false;
	for (size_t i = 0; i < n; i++)
		if (base[i] != 0)
			ratios[pairs++] = values[i] / base[i];
	done = statistics_of(stats, ratios, pairs);
	free(ratios);
	return done;
}

bool statistics_noisy(const struct statistics *stats)
{
	return stats->n < 2 || stats->spread > STATS_NOISY;
}

enum statistics_verdict statistics_verdict(const struct statistics *ratio)
{
	if (ratio->confidence < STATS_CONFIDENCE)
		return STATS_TOO_FEW;
	if (ratio->high < 1)
		return STATS_LESS;
	if (ratio->low > 1)
		return STATS_MORE;
	/* The interval holds 1: that means something only if it is narrow. */
	return statistics_noisy(ratio) ? STATS_TOO_NOISY : STATS_SAME;
}

const char *statistics_verdict_word(enum statistics_verdict verdict)
{
	static const char *const words[] = {
		[STATS_SAME] = "same",	     [STATS_LESS] = "less",	  [STATS_MORE] = "more",
		[STATS_TOO_NOISY] = "noisy", [STATS_TOO_FEW] = "too few",
	};

	return words[verdict];
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

void statistics_sort_u64(uint64_t *values, size_t n)
{
	if (n)
		qsort(values, n, sizeof(*values), compare_u64);
}
