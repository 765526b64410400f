// SPDX-License-Identifier: GPL-2.0-only
/* test_story.c - records of echoes, written out here, become itineraries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/story_fixture.h"

static void test_routed(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[9];
	const struct itinerary *it;

	(void)state;
	fill_routed(e);
	it = TELL(story, e);
	assert_story(it, routed_story);
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_true(it->answered);
	assert_true(it->delivered);
	assert_false(it->asymmetric);
	assert_string_equal(it->origin->name, "a");
	assert_string_equal(it->answerer->name, "b");
	assert_int_equal(it->round_trip_ns, 80);
	story_free(story);
}

/* Every order of arrival tells the same story; so does every record delivered twice. */
static void test_any_order(void **state)
{
	struct vl_event e[9];
	unsigned seed = 1;

	(void)state;
	fill_routed(e);
	for (int round = 0; round < 200; round++) {
		struct story *story = story_new(lab);

		for (int i = 8; i > 0; i--) {
			int j = rand_r(&seed) % (i + 1);
			struct vl_event swap = e[i];

			e[i] = e[j];
			e[j] = swap;
		}
		assert_story(TELL(story, e), routed_story);
		if (round % 2)
			assert_story(TELL(story, e), routed_story);
		story_free(story);
	}
}

/* Two CPUs stamped the link: "arrival before departure" is 0, and what follows is not moved. */
static void test_clock_skew(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(990, R_W, VL_HOOK_IN, 64),
			       REQ(1020, R_E, VL_HOOK_OUT, 63)};

	(void)state;
	e[1].cpu = e[2].cpu = 1;
	assert_story(TELL(story, e), "Q|a:x out 0+0; Q>r:w in 0+0 skewed; Q~r:e out 20+20");
	story_free(story);
}

/* The same on one CPU is no skew: one CPU's stamps do not go back, so it is another packet. */
static void test_one_cpu_does_not_skew(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(990, R_W, VL_HOOK_IN, 64)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_int_equal(it->hops[0].step, STEP_GAP);
	assert_int_equal(it->hops[0].from, -1);
	assert_string_equal(it->hops[0].end->name, "r:w");
	story_free(story);
}

/* A record is missing in the middle: the story says so and goes on. */
static void test_missing(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event all[9], e[6];
	const struct itinerary *it;

	(void)state;
	fill_routed(all);
	e[0] = all[0];
	e[1] = all[4]; /* r:w in, r:e out were lost */
	e[2] = all[5];
	e[3] = all[6];
	e[4] = all[7];
	e[5] = all[8];
	it = TELL(story, e);
	assert_story(it, "Q|a:x out 0+0; Q?b:y in 30+30; A*b:y out 50+20; A>r:e in 60+10; "
			 "A~r:w out 70+10; A>a:x in 80+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_false(it->asymmetric); /* not known, so not said */
	story_free(story);
}

/* A reply that came home and was refused there was last seen at the last hook it passed. */
static void test_last_hook_at_home(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REP(1080, A_X, VL_HOOK_XDP, 63),
			       REP(1082, A_X, VL_HOOK_IN, 63)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_int_equal(it->hops[it->arrival].event.hook, VL_HOOK_XDP);
	assert_int_equal(it->hops[it->last].event.hook, VL_HOOK_IN);
	story_free(story);
}

/* Only the reply was recorded: a asked all the same, since the reply went to it. */
static void test_only_reply(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REP(1070, R_W, VL_HOOK_OUT, 63), REP(1080, A_X, VL_HOOK_IN, 63)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "A?r:w out 0+0; A>a:x in 10+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_string_equal(it->origin->name, "a");
	assert_null(it->answerer);
	story_free(story);
}

/* A trace of one link: r passed the reply on, which is no reason to say that r answered. */
static void test_partial_view(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
			       REP(1070, R_W, VL_HOOK_OUT, 63), REP(1080, A_X, VL_HOOK_IN, 63)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; A?r:w out 70+60; A>a:x in 80+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_null(it->answerer);
	story_free(story);
}

static void test_lost(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_int_equal(it->fate, FATE_LOST);
	assert_false(it->delivered);
	assert_int_equal(it->last, 1);
	assert_int_equal(it->arrival, -1);
	assert_int_equal(it->round_trip_ns, 0);
	assert_null(it->answerer);
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routed),	   cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_clock_skew), cmocka_unit_test(test_one_cpu_does_not_skew),
		cmocka_unit_test(test_missing),	   cmocka_unit_test(test_last_hook_at_home),
		cmocka_unit_test(test_only_reply), cmocka_unit_test(test_partial_view),
		cmocka_unit_test(test_lost),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
