// SPDX-License-Identifier: GPL-2.0-only
/* test_story_echoes.c - which records belong together, and how long they are kept. */
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

/* The filter of a session, applied to records of a file. */
static void test_matches(void **state)
{
	struct vl_event e = REQ(1000, R_E, VL_HOOK_OUT, 63);
	struct vl_filter f = {0};

	(void)state;
	assert_true(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_END, .end = R_W};
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_LINK, .link = 1};
	assert_true(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_NODE, .node = lab_find_node(lab, "a")->index};
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_SRC, .src_len = 23, .src = {10, 0, 0, 0}};
	assert_true(event_matches(&e, &f, lab));
	f.src_len = 24;
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){.fields = VL_F_ADDR, .addr_len = 32, .addr = {10, 0, 2, 1}};
	assert_true(event_matches(&e, &f, lab));
	f.addr[3] = 2;
	assert_false(event_matches(&e, &f, lab));
	f = (struct vl_filter){
		.fields = VL_F_TYPES | VL_F_SEQ, .types = 1 << VL_ICMP_ECHO_REQUEST, .seq = 1};
	assert_true(event_matches(&e, &f, lab));
	f.types = 1 << VL_ICMP_ECHO_REPLY;
	assert_false(event_matches(&e, &f, lab));
	/* An error is judged by what it quotes. */
	e = error_record(1000, R_W, VL_HOOK_OUT, 3, 1, "10.0.1.254", "10.0.1.1");
	f = (struct vl_filter){.fields = VL_F_ID, .id = 7};
	assert_true(event_matches(&e, &f, lab));
	f.id = 0;
	assert_false(event_matches(&e, &f, lab));
	/* A later fragment has no id that could match, unless all of them are wanted. */
	e = REQ(1000, R_W, VL_HOOK_OUT, 63);
	e.flags = VL_EV_FRAGMENT;
	e.id = e.seq = e.icmp_type = 0;
	e.frag_off = 1480;
	assert_false(event_matches(&e, &f, lab));
	f.fields |= VL_F_FRAGMENTS;
	assert_true(event_matches(&e, &f, lab));
	f.fields |= VL_F_NODE;
	f.node = lab_find_node(lab, "a")->index;
	assert_false(event_matches(&e, &f, lab));
}

/* The same id and seq with another payload is another echo; the newest one is found. */
static void test_reused_id(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event first = REQ(1000, A_X, VL_HOOK_OUT, 64);
	struct vl_event second = REQ(900000, A_X, VL_HOOK_OUT, 64);
	const struct itinerary *it;

	(void)state;
	second.payload++;
	assert_int_equal(story_add(story, &first), 1);
	assert_int_equal(story_add(story, &second), 1);
	assert_int_equal(story_in_flight(story), 2);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, 1);
	assert_int_equal(it->hops[0].event.time_ns, 900000);
	story_drop(story, 4, 7, 1);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->hops[0].event.time_ns, 1000);
	story_free(story);
}

/* A filler payload tells nothing: two echoes of two senders stay two. */
static void test_filler_payload(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event a = REQ(1000, A_X, VL_HOOK_OUT, 64), b = REQ(1005, A_X, VL_HOOK_OUT, 64);

	(void)state;
	a.payload = b.payload = 0xabababababababab;
	b.id = 8;
	assert_int_equal(story_add(story, &a), 1);
	assert_int_equal(story_add(story, &b), 1);
	assert_int_equal(story_in_flight(story), 2);
	story_free(story);
}

/* What belongs to no echo is refused, whatever its bytes are. */
static void test_not_an_echo(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e = REQ(1000, A_X, VL_HOOK_OUT, 64);

	(void)state;
	e.end = END_COUNT; /* no such end */
	assert_int_equal(story_add(story, &e), 0);
	e = REQ(1000, A_X, VL_HOOKS, 64);
	assert_int_equal(story_add(story, &e), 0);
	e = REQ(1000, A_X, VL_HOOK_OUT, 64);
	e.icmp_type = 13; /* timestamp */
	assert_int_equal(story_add(story, &e), 0);
	e = error_record(1000, A_X, VL_HOOK_OUT, 3, 3, "10.0.1.1", "10.0.1.254");
	e.quote.icmp_type = 13; /* about a timestamp */
	assert_int_equal(story_add(story, &e), 0);
	assert_null(story_itinerary(story, 4, 7, 1));
	assert_int_equal(story_in_flight(story), 0);
	story_free(story);
}

/* Quiet echoes come oldest first; an echo that a record came for is not quiet. */
static void test_quiet(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event a = REQ(1000, A_X, VL_HOOK_OUT, 64), b = REQ(2000, A_X, VL_HOOK_OUT, 64);
	struct vl_event more = REQ(3000, R_W, VL_HOOK_IN, 64);
	const struct itinerary *it;

	(void)state;
	b.seq = more.seq = 2;
	a.seq = 3;
	b.payload++;
	more.payload++;
	story_add(story, &b);
	story_add(story, &a);
	story_add(story, &more);
	assert_null(story_quiet(story, 1000));
	it = story_quiet(story, 1001);
	assert_int_equal(it->seq, 3);
	story_forget(story, it);
	assert_null(story_quiet(story, 2500));
	it = story_quiet(story, 3001);
	assert_int_equal(it->seq, 2);
	assert_int_equal(it->n_hops, 2);
	story_forget(story, it);
	assert_int_equal(story_in_flight(story), 0);
	story_free(story);
}

/* Thousands of echoes under way; and one that loops for ever does not eat the memory. */
static void test_many(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it;

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		struct vl_event e = REQ(1000 + i, A_X, VL_HOOK_OUT, 64);

		e.seq = i;
		e.payload += i;
		assert_int_equal(story_add(story, &e), 1);
	}
	assert_int_equal(story_in_flight(story), 20000);
	for (unsigned i = 0; i < 20000; i++)
		story_drop(story, 4, 7, i);
	assert_int_equal(story_in_flight(story), 0);
	for (unsigned i = 0; i < ITINERARY_HOPS_MAX + 5; i++) {
		struct vl_event e = REQ(1000 + i, A_X, VL_HOOK_OUT, 64);

		assert_int_equal(story_add(story, &e), 1);
	}
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, ITINERARY_HOPS_MAX);
	assert_int_equal(it->left_out, 5);
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),	       cmocka_unit_test(test_reused_id),
		cmocka_unit_test(test_filler_payload), cmocka_unit_test(test_not_an_echo),
		cmocka_unit_test(test_quiet),	       cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
