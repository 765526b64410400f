// SPDX-License-Identifier: GPL-2.0-only
/* test_story_fragments.c - the IP fragments of an echo are one packet. */
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

/* Fragment number n of so many, of 1480 bytes each. */
static struct vl_event fragment(struct vl_event whole, unsigned n, unsigned of)
{
	whole.frag_id = 4711;
	whole.frag_off = 1480 * n;
	whole.frag_len = 1480;
	whole.flags |= VL_EV_FRAGMENT;
	if (n + 1 < of)
		whole.flags |= VL_EV_MORE;
	if (n) {
		whole.time_ns += n;
		whole.flags &= ~VL_EV_PAYLOAD;
		whole.icmp_type = 0;
		whole.id = whole.seq = 0;
		whole.payload = 0;
	}
	return whole;
}

static void add_all(struct story *story, const struct vl_event *whole, size_t n, unsigned of)
{
	for (size_t i = 0; i < n; i++) {
		for (unsigned k = 0; k < of; k++) {
			struct vl_event e = fragment(whole[i], k, of);

			assert_int_equal(story_add(story, &e), 1);
		}
	}
}

static void test_parts_are_one_packet(void **state)
{
	struct story *story = story_new(lab);
	const struct vl_event whole[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
		REQ(1200, R_E, VL_HOOK_OUT, 63), REQ(1210, B_Y, VL_HOOK_IN, 63),
		REP(1400, B_Y, VL_HOOK_OUT, 64), REP(1410, R_E, VL_HOOK_IN, 64),
		REP(1600, R_W, VL_HOOK_OUT, 63), REP(1610, A_X, VL_HOOK_IN, 63)};
	const struct itinerary *it;

	(void)state;
	add_all(story, whole, 8, 45);
	assert_int_equal(story_in_flight(story), 1);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, 8);
	assert_int_equal(it->fate, FATE_ANSWERED);
	for (size_t i = 0; i < it->n_hops; i++) {
		assert_int_equal(it->hops[i].fragments, 45);
		assert_false(it->hops[i].incomplete);
		assert_int_equal(it->hops[i].fragments_ns, 44);
	}
	story_free(story);
}

/* Parts come in any order, some of them before the first one, each of them twice. */
static void test_any_order(void **state)
{
	struct vl_event e[2 * 2 * 5];
	unsigned seed = 1;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct story *story = story_new(lab);
		const struct itinerary *it;
		int n = 0;

		for (unsigned k = 0; k < 5; k++) {
			for (int twice = 0; twice < 2; twice++) {
				e[n++] = fragment(REQ(1000, A_X, VL_HOOK_OUT, 64), k, 5);
				e[n++] = fragment(REQ(1010, R_W, VL_HOOK_IN, 64), k, 5);
			}
		}
		for (int i = n - 1; i > 0; i--) {
			int j = rand_r(&seed) % (i + 1);
			struct vl_event swap = e[i];

			e[i] = e[j];
			e[j] = swap;
		}
		it = TELL(story, e);
		assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10");
		assert_int_equal(it->hops[0].fragments, 5);
		assert_int_equal(it->hops[1].fragments, 5);
		assert_false(it->hops[1].incomplete);
		assert_int_equal(story_in_flight(story), 1);
		story_free(story);
	}
}

/* One fragment got lost on the link: the story says where, and the packet is not whole there. */
static void test_missing_part(void **state)
{
	for (unsigned lost = 1; lost < 4; lost++) {
		struct story *story = story_new(lab);
		const struct vl_event left = REQ(1000, A_X, VL_HOOK_OUT, 64);
		const struct itinerary *it;

		(void)state;
		add_all(story, &left, 1, 4);
		for (unsigned k = 0; k < 4; k++) {
			struct vl_event e = fragment(REQ(1010, R_W, VL_HOOK_IN, 64), k, 4);

			if (k != lost)
				assert_int_equal(story_add(story, &e), 1);
		}
		it = story_itinerary(story, 4, 7, 1);
		assert_int_equal(it->hops[0].fragments, 4);
		assert_false(it->hops[0].incomplete);
		assert_int_equal(it->hops[1].fragments, 3);
		assert_true(it->hops[1].incomplete);
		assert_int_equal(it->fate, FATE_LOST);
		story_free(story);
	}
}

/* Later fragments whose first one is never seen are nobody's, and fall quiet like an echo. */
static void test_orphans(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e = fragment(REQ(1000, R_W, VL_HOOK_IN, 64), 1, 3);
	const struct itinerary *it;

	(void)state;
	assert_int_equal(story_add(story, &e), 1);
	e.frag_id++;
	assert_int_equal(story_add(story, &e), 1);
	assert_int_equal(story_in_flight(story), 2);
	assert_null(story_itinerary(story, 4, 7, 1));
	it = story_quiet(story, 2000);
	assert_non_null(it);
	assert_int_equal(it->n_hops, 0);
	assert_int_equal(it->n_fragments, 1);
	assert_int_equal(it->fate, FATE_UNSEEN);
	story_forget(story, it);
	assert_int_equal(story_in_flight(story), 1);
	story_free(story);
}

/* The same packet comes by again: each pass has its own fragments. */
static void test_loop(void **state)
{
	struct story *story = story_new(lab);
	const struct vl_event whole[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 3), REQ(1010, R_W, VL_HOOK_IN, 3),
		REQ(1100, R_W, VL_HOOK_OUT, 2), REQ(1110, A_X, VL_HOOK_IN, 2),
		REQ(1200, A_X, VL_HOOK_OUT, 1), REQ(1210, R_W, VL_HOOK_IN, 1)};
	const struct itinerary *it;

	(void)state;
	add_all(story, whole, 6, 3);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, 6);
	assert_true(it->hops[4].again);
	for (size_t i = 0; i < it->n_hops; i++)
		assert_false(it->hops[i].incomplete);
	assert_int_equal(it->hops[0].fragments, 3);
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts_are_one_packet),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_missing_part),
		cmocka_unit_test(test_orphans),
		cmocka_unit_test(test_loop),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
