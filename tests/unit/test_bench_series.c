// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_bench_series.c - the order and the sums of user/bench/series.c, with measurements of this
 * file's own, which take no link.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "user/bench/kinds.h"
#include "user/bench/series.h"

struct bench_run {
	unsigned size; /* of the work: which of the series this is */
};

static struct bench_run only; /* one at a time */
static char order[64];	      /* a letter for each measurement */
static size_t n_measured, fail_at;

int bench_open(struct bench_run **run, const struct bench_link *link, const struct bench_work *work,
	       struct err *err)
{
	(void)link;
	(void)err;
	assert_int_equal(only.size, 0);
	only.size = work->size;
	*run = &only;
	return 0;
}

int bench_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		  struct err *err)
{
	assert_int_equal(time_ns, 7);
	order[n_measured++] = 'A' + run->size - 1;
	if (n_measured == fail_at)
		return err_set(err, ERR_FAILED, EINTR, "interrupted");
	sample->value = run->size * 100 + n_measured;
	sample->sent = 10;
	sample->received = 9;
	return 0;
}

void bench_close(struct bench_run *run)
{
	run->size = 0;
}

static void begin(struct series list[3])
{
	memset(list, 0, 3 * sizeof(*list));
	memset(order, 0, sizeof(order));
	n_measured = fail_at = 0;
	for (unsigned i = 0; i < 3; i++) {
		list[i].work.size = i + 1;
		list[i].base = i ? &list[0] : NULL;
	}
}

static void tell(const struct series *now, size_t done, size_t of, void *arg)
{
	size_t *told = arg;

	assert_int_equal(done, *told);
	assert_int_equal(of, 12);
	assert_int_equal(now->work.size, done % 3 + 1);
	(*told)++;
}

static void test_in_turns(void **state)
{
	struct series list[3];
	struct err err = {0};
	size_t told = 0;

	(void)state;
	begin(list);
	assert_int_equal(series_run(list, 3, 4, 7, tell, &told, &err), 0);
	assert_string_equal(order, "ABCABCABCABC");
	assert_int_equal(told, 12);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(list[i].n, 4);
		for (unsigned round = 0; round < 4; round++)
			assert_true(list[i].values[round] == (i + 1) * 100 + round * 3 + i + 1);
		assert_int_equal(list[i].sent, 40);
		assert_int_equal(list[i].received, 36);
		assert_int_equal(list[i].ratio.n, i ? 4 : 0); /* round by round, to the first */
	}
	series_free(list, 3);
}

static void test_interrupted(void **state)
{
	struct series list[3];
	struct err err = {0};

	(void)state;
	begin(list);
	fail_at = 5;
	assert_int_equal(series_run(list, 3, 4, 7, NULL, NULL, &err), -EINTR);
	assert_string_equal(order, "ABCAB");
	assert_int_equal(only.size, 0); /* closed */
	series_free(list, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_turns),
		cmocka_unit_test(test_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
