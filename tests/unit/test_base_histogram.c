// SPDX-License-Identifier: GPL-2.0-only
/* test_base_histogram.c - percentiles of times put together, of user/base/histogram.c. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "user/base/histogram.h"

static void within(uint64_t got, double want, double share)
{
	if (fabs(got - want) > share * want)
		fail_msg("got %llu, want %g", (unsigned long long)got, want);
}

static void test_empty(void **state)
{
	struct histogram *pool = calloc(1, sizeof(*pool));

	(void)state;
	assert_non_null(pool);
	assert_int_equal(histogram_percentile(pool, 0.5), 0);
	assert_int_equal(histogram_percentile(pool, 1), 0);
	free(pool);
}

/* Every size of time, alone: the extremes keep it exact. Among others, it is within 0.4 %. */
static void test_each_size(void **state)
{
	(void)state;
	for (double ns = 1; ns < 1e12; ns *= 1.07) {
		struct histogram *pool = calloc(1, sizeof(*pool));

		assert_non_null(pool);
		histogram_add(pool, ns);
		assert_int_equal(histogram_percentile(pool, 0.5), (uint64_t)ns);
		histogram_add(pool, 0);
		histogram_add(pool, 1ull << 39);
		within(histogram_percentile(pool, 0.5), floor(ns < 1ull << 39 ? ns : 1ull << 39),
		       0.004);
		free(pool);
	}
}

static void test_longest(void **state)
{
	struct histogram *pool = calloc(1, sizeof(*pool));

	(void)state;
	assert_non_null(pool);
	for (int i = 0; i < 3; i++)
		histogram_add(pool, UINT64_MAX - i);
	assert_int_equal(histogram_percentile(pool, 1), UINT64_MAX);
	assert_true(histogram_percentile(pool, 0.5) >= pool->min);
	free(pool);
}

/* 1 us, 2 us ... 10 ms, in any order. */
static void test_percentiles(void **state)
{
	static const double parts[] = {0.001, 0.5, 0.9, 0.99, 0.999};
	struct histogram *pool = calloc(1, sizeof(*pool));

	(void)state;
	assert_non_null(pool);
	for (uint64_t i = 0; i < 10000; i++)
		histogram_add(pool, (i * 7919 % 10000 + 1) * 1000);
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		within(histogram_percentile(pool, parts[i]), parts[i] * 1e7, 0.004);
	assert_int_equal(histogram_percentile(pool, 1), 10000000);
	assert_int_equal(pool->n, 10000);
	free(pool);
}

static void test_enough(void **state)
{
	(void)state;
	assert_false(histogram_can_tell(0, 0.5));
	assert_false(histogram_can_tell(0, 1));
	assert_true(histogram_can_tell(1, 0.5));
	assert_true(histogram_can_tell(1, 1));
	assert_false(histogram_can_tell(19, 0.9));
	assert_true(histogram_can_tell(20, 0.9));
	assert_false(histogram_can_tell(1999, 0.999));
	assert_true(histogram_can_tell(2000, 0.999));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),	cmocka_unit_test(test_each_size),
		cmocka_unit_test(test_longest), cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
