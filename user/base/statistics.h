/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * statistics.h - what repeated measurements say: medians, how sure they are, ratios. Pure. All
 * intervals are of the median and by ranks (the sign test turned round), so that nothing is assumed
 * about how the values are distributed, and equal values give equal answers.
 */
#ifndef VETHLAB_USER_BASE_STATISTICS_H
#define VETHLAB_USER_BASE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

/* A median whose interval is wider than this share of it says little: the machine was noisy. */
#define STATS_NOISY 0.05
/* An interval that covers the median less often than this says nothing: 6 values are the least. */
#define STATS_CONFIDENCE 0.95

struct statistics {
	size_t n;
	double median, min, max;
	double low, high;  /* interval of the median */
	double confidence; /* that the interval covers it: 0.95 or more from 6 values on */
	double spread;	   /* (high - low) / median; 0 if the median is 0 */
};

/* n 0: all fields are 0. values keep their order. Returns false without memory. */
bool statistics_of(struct statistics *stats, const double *values, size_t n);
/*
 * Of the ratios values[i] / base[i]: pairs that were measured one right after the other, so that
 * a machine that drifts drifts out of them. Pairs with base 0 are left out.
 */
bool statistics_ratio(struct statistics *stats, const double *values, const double *base, size_t n);
bool statistics_noisy(const struct statistics *stats);

/*
 * What a ratio says: its interval holds 1 or does not. Too noisy: it holds 1 and is wide. Too few:
 * there are not pairs enough for an interval of STATS_CONFIDENCE, however far off it is.
 */
enum statistics_verdict { STATS_SAME, STATS_LESS, STATS_MORE, STATS_TOO_NOISY, STATS_TOO_FEW };
enum statistics_verdict statistics_verdict(const struct statistics *ratio);
const char *statistics_verdict_word(enum statistics_verdict verdict);

/*
 * Which of n sorted values (n > 0), counted from 0, a share p (0..1) of them does not exceed: the
 * nearest-rank percentile. The values may be of any type.
 */
size_t statistics_rank(size_t n, double p);
/* That value of n doubles; 0 if n is 0. */
double statistics_percentile(const double *sorted, size_t n, double p);
void statistics_sort(double *values, size_t n);

#endif
