// SPDX-License-Identifier: GPL-2.0-only
/* test_base_statistics.c - medians, their intervals, ratios and verdicts of user/base/statistics.c.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "user/base/statistics.h"

#define N(a) (sizeof(a) / sizeof(*(a)))

static void near(double got, double want)
{
	if (fabs(got - want) > 1e-9 * (fabs(want) + 1))
		fail_msg("got %.12g, want %.12g", got, want);
}

static void test_median(void **state)
{
	const double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2}, one[] = {7};
	struct statistics stats;

	(void)state;
	assert_true(statistics_of(&stats, odd, N(odd)));
	near(stats.median, 2);
	near(stats.min, 1);
	near(stats.max, 3);
	assert_true(odd[0] == 3 && odd[1] == 1); /* the values keep their order */
	assert_true(statistics_of(&stats, even, N(even)));
	near(stats.median, 2.5);
	assert_true(statistics_of(&stats, one, N(one)));
	near(stats.median, 7);
	near(stats.low, 7);
	near(stats.high, 7);
	near(stats.confidence, 0);
	near(stats.spread, 0);
}

static void test_nothing(void **state)
{
	struct statistics stats = {.median = 1};

	(void)state;
	assert_true(statistics_of(&stats, NULL, 0));
	assert_int_equal(stats.n, 0);
	near(stats.median, 0);
	assert_true(statistics_noisy(&stats));
	assert_int_equal(statistics_verdict(&stats), STATS_TOO_FEW);
}

/* The tables of the sign test: which order statistics cover the median in 95 % of all samples. */
static void test_interval(void **state)
{
	static const struct {
		size_t n, low, high; /* ranks from 1 */
		double confidence;
	} table[] = {
		{2, 1, 2, 0.5},		 {5, 1, 5, 0.9375},	      {6, 1, 6, 0.96875},
		{8, 1, 8, 0.9921875},	 {9, 2, 8, 0.9609375},	      {10, 2, 9, 0.978515625},
		{15, 4, 12, 0.96484375}, {20, 6, 15, 0.958610534668}, {25, 8, 18, 0.956714749336},
	};
	double values[25];

	(void)state;
	for (size_t i = 0; i < N(table); i++) {
		struct statistics stats;

		for (size_t k = 0; k < table[i].n; k++)
			values[k] = (k * 7) % table[i].n +
				    1; /* each rank once, mixed: 7 is prime to n */
		assert_true(statistics_of(&stats, values, table[i].n));
		near(stats.low, table[i].low);
		near(stats.high, table[i].high);
		near(stats.confidence, table[i].confidence);
	}
}

/* How often the interval covers the true median of a skewed distribution. */
static void test_coverage(void **state)
{
	enum { TRIALS = 4000, RUNS = 9 };
	unsigned seed = 1, covered = 0;

	(void)state;
	for (int i = 0; i < TRIALS; i++) {
		double values[RUNS];
		struct statistics stats;

		for (int k = 0; k < RUNS; k++)
			values[k] = -log((rand_r(&seed) + 1.0) / (RAND_MAX + 2.0));
		assert_true(statistics_of(&stats, values, RUNS));
		covered += stats.low <= log(2) && log(2) <= stats.high;
	}
	/* 0.9609 is expected; four standard deviations are 0.012. */
	if (covered < 0.948 * TRIALS || covered > 0.974 * TRIALS)
		fail_msg("%u of %d intervals cover the median", covered, TRIALS);
}

static void test_spread(void **state)
{
	const double quiet[] = {100, 101, 99, 100, 102}, loud[] = {100, 120, 90, 100, 101};
	const double twice[] = {100, 100}, zero[] = {0, 0, 0};
	struct statistics stats;

	(void)state;
	assert_true(statistics_of(&stats, quiet, N(quiet)));
	near(stats.spread, 0.03);
	assert_false(statistics_noisy(&stats));
	assert_true(statistics_of(&stats, loud, N(loud)));
	near(stats.spread, 0.3);
	assert_true(statistics_noisy(&stats));
	assert_true(statistics_of(&stats, twice, N(twice)));
	assert_false(statistics_noisy(&stats));
	assert_true(statistics_of(&stats, zero, N(zero)));
	near(stats.spread, 0);
	assert_true(statistics_of(&stats, quiet, 1)); /* one value says nothing about spread */
	assert_true(statistics_noisy(&stats));
}

/* A machine that gets slower all the time: the ratio of the pairs does not. */
static void test_ratio_of_pairs(void **state)
{
	double base[9], values[9];
	struct statistics ratio, stats;

	(void)state;
	for (int i = 0; i < 9; i++) {
		base[i] = 1000 - 90 * i;
		values[i] = 0.9 * base[i];
	}
	assert_true(statistics_of(&stats, base, 9));
	assert_true(statistics_noisy(&stats));
	assert_true(statistics_ratio(&ratio, values, base, 9));
	near(ratio.median, 0.9);
	near(ratio.low, 0.9);
	near(ratio.high, 0.9);
	assert_int_equal(statistics_verdict(&ratio), STATS_LESS);
	base[3] = 0; /* a pair without a base is none */
	assert_true(statistics_ratio(&ratio, values, base, 9));
	assert_int_equal(ratio.n, 8);
}

static void test_verdicts(void **state)
{
	const double base[9] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
	const double more[9] = {1.1, 1.2, 1.1, 1.05, 1.1, 1.2, 1.1, 1.1, 1.3};
	const double same[9] = {1, 1.01, 0.99, 1, 1.01, 0.99, 1, 1, 1};
	const double loud[9] = {1, 1.5, 0.5, 1, 1.5, 0.5, 1, 1.2, 0.9};
	struct statistics ratio;

	(void)state;
	assert_true(statistics_ratio(&ratio, more, base, 9));
	assert_int_equal(statistics_verdict(&ratio), STATS_MORE);
	assert_true(statistics_ratio(&ratio, same, base, 9));
	assert_int_equal(statistics_verdict(&ratio), STATS_SAME);
	assert_true(statistics_ratio(&ratio, loud, base, 9));
	assert_int_equal(statistics_verdict(&ratio), STATS_TOO_NOISY);
	/* Five pairs never make 95 %, however clear they look; that is not noise. Six do. */
	assert_true(statistics_ratio(&ratio, more, base, 5));
	assert_int_equal(statistics_verdict(&ratio), STATS_TOO_FEW);
	assert_string_equal(statistics_verdict_word(STATS_TOO_FEW), "too few");
	assert_true(statistics_ratio(&ratio, more, base, 6));
	assert_int_equal(statistics_verdict(&ratio), STATS_MORE);
}

static void test_percentile(void **state)
{
	double sorted[1000];

	(void)state;
	for (int i = 0; i < 1000; i++)
		sorted[i] = i + 1;
	near(statistics_percentile(sorted, 1000, 0.5), 500);
	near(statistics_percentile(sorted, 1000, 0.9), 900);
	near(statistics_percentile(sorted, 1000, 0.99), 990);
	near(statistics_percentile(sorted, 1000, 0.999), 999);
	near(statistics_percentile(sorted, 1000, 1), 1000);
	near(statistics_percentile(sorted, 1000, 0), 1);
	near(statistics_percentile(sorted, 1, 0.99), 1);
	near(statistics_percentile(sorted, 0, 0.5), 0);
}

/*
 * Of many values, too: 0.5^n is 0 in a double from n = 1,075 on. There the binomial is normal
 * enough to know the ranks: n/2 -+ 1.96 * sqrt(n)/2.
 */
static void test_many(void **state)
{
	static const size_t sizes[] = {1000, 1074, 1075, 1076, 2000, 10000, 100000, 1000000};
	double *values = malloc(1000000 * sizeof(*values));
	struct statistics stats;

	(void)state;
	for (size_t i = 0; i < 1000000; i++)
		values[i] = i;
	for (size_t i = 0; i < N(sizes); i++) {
		double n = sizes[i], half = 1.959964 * sqrt(n) / 2;

		assert_true(statistics_of(&stats, values, sizes[i]));
		assert_true(fabs(stats.low - (n / 2 - half)) < 2);
		assert_true(fabs(stats.high - (n / 2 + half)) < 2);
		assert_true(stats.confidence >= 0.95 && stats.confidence < 0.956);
	}
	free(values);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_median),	 cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_interval), cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_spread),	 cmocka_unit_test(test_ratio_of_pairs),
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_percentile),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
