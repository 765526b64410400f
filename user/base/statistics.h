/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * statistics.h - medians of repeated measurements, their confidence intervals, and ratios of two
 * measurements. Pure. The intervals are those of the sign test, by ranks: nothing is assumed about
 * how the values are distributed.
 */
#ifndef VETHLAB_USER_BASE_STATISTICS_H
#define VETHLAB_USER_BASE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An interval wider than this share of its median is noisy: the median says little. */
#define STATS_NOISY 0.05
/* How often an interval must cover the true median to be used; it takes 6 values at least. */
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
 * The same for the ratios values[i] / base[i]. Both of a pair are measured one right after the
 * other, so that slow changes of the machine cancel out. Pairs with base 0 are left out.
 */
bool statistics_ratio(struct statistics *stats, const double *values, const double *base, size_t n);
bool statistics_noisy(const struct statistics *stats);

/*
 * What a ratio says. Less, more: its interval does not contain 1. Same: it contains 1 and is
 * narrow. Too noisy: it contains 1 and is wide. Too few: there are too few pairs for an interval of
 * STATS_CONFIDENCE, whatever the ratio is.
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
void statistics_sort_u64(uint64_t *values, size_t n);

#endif
