// SPDX-License-Identifier: GPL-2.0-only
/* test_story_ways.c - ways that are no straight line: errors, NAT, floods, loops. */
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

/* The TTL ran out in r: its error hangs on the echo that it quotes. */
static void test_error(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 1),
		REQ(1010, R_W, VL_HOOK_IN, 1),
		error_record(1030, R_W, VL_HOOK_OUT, 11, 0, "10.0.1.254", "10.0.1.1"),
		error_record(1040, A_X, VL_HOOK_IN, 11, 0, "10.0.1.254", "10.0.1.1"),
	};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; E*r:w out 30+20; E>a:x in 40+10");
	assert_int_equal(it->fate, FATE_REFUSED);
	assert_string_equal(it->answerer->name, "r");
	assert_int_equal(it->round_trip_ns, 40);
	assert_false(it->answered);
	assert_int_equal(it->last, 1); /* where the request died, not where the error arrived */
	story_free(story);
}

/* r rewrites source and id (masquerade): one echo, by its payload; b's reply is part of it. */
static void test_nat(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 64),
		REQ(1010, R_W, VL_HOOK_IN, 64),
		record(1020, R_E, VL_HOOK_OUT, 8, 63, "10.0.2.254", "10.0.2.1"),
		record(1030, B_Y, VL_HOOK_IN, 8, 63, "10.0.2.254", "10.0.2.1"),
		record(1040, B_Y, VL_HOOK_OUT, 0, 64, "10.0.2.1", "10.0.2.254"),
		record(1050, R_E, VL_HOOK_IN, 0, 64, "10.0.2.1", "10.0.2.254"),
		REP(1060, R_W, VL_HOOK_OUT, 63),
		REP(1070, A_X, VL_HOOK_IN, 63),
	};
	const struct itinerary *it;

	(void)state;
	e[2].id = e[3].id = e[4].id = e[5].id = 40000;
	it = TELL(story, e);
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; Q~r:e out 20+10 nat; Q>b:y in 30+10; "
			 "A*b:y out 40+10; A>r:e in 50+10; A~r:w out 60+10 nat; A>a:x in 70+10");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_int_equal(story_in_flight(story), 1);
	assert_ptr_equal(story_itinerary(story, 4, 40000, 1), it);
	/* The error about it quotes the new id. */
	e[0] = error_record(1080, R_E, VL_HOOK_IN, 3, 1, "10.0.2.1", "10.0.2.254");
	e[0].quote.id = 40000;
	assert_int_equal(story_add(story, &e[0]), 1);
	assert_int_equal(story_in_flight(story), 1);
	story_free(story);
}

/* A bridge that has not learned floods: the story is a tree, and the addressee's branch counts. */
static void test_flood(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		record(1000, C_Z, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1010, BR_0, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1020, BR_1, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1030, D_Z, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1040, BR_2, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1050, E_Z, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
	};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|c:z out 0+0; Q>br:p0 in 10+10; Q~br:p1 out 20+10 branch; "
			 "Q>d:z in 30+10; Q~br:p2 out 40+30 branch; Q>e:z in 50+10");
	assert_int_equal(it->hops[2].from, 1);
	assert_int_equal(it->hops[4].from, 1);
	assert_int_equal(it->hops[5].from, 4);
	assert_true(it->delivered);
	assert_int_equal(it->fate, FATE_DELIVERED);
	assert_string_equal(it->hops[it->last].end->name, "d:z");
	story_free(story);
}

/* A routing loop: the packet comes by again with a smaller TTL, and the passes are not mixed up. */
static void test_loop(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 3), REQ(1010, R_W, VL_HOOK_IN, 3),
		REQ(1020, R_W, VL_HOOK_OUT, 2), REQ(1030, A_X, VL_HOOK_IN, 2),
		REQ(1040, A_X, VL_HOOK_OUT, 1), REQ(1050, R_W, VL_HOOK_IN, 1),
	};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10; Q~r:w out 20+10; Q>a:x in 30+10; "
			 "Q~a:x out 40+10 again; Q>r:w in 50+10 again");
	assert_int_equal(it->fate, FATE_LOST);
	assert_string_equal(it->hops[it->last].end->name, "r:w");
	story_free(story);
}

/* A link that duplicates: one departure, two arrivals. */
static void test_duplicated_by_link(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
			       REQ(1015, R_W, VL_HOOK_IN, 64)};
	const struct itinerary *it = TELL(story, e);

	(void)state;
	assert_story(it, "Q|a:x out 0+0; Q>r:w in 10+10 branch; Q>r:w in 15+15 branch again");
	story_free(story);
}

/* A router that knows a better gateway says so, and passes the request on. */
static void test_redirect_decides_nothing(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event lost[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
		error_record(1020, R_W, VL_HOOK_OUT, 5, 1, "10.0.1.2", "10.0.1.1"),
		error_record(1030, A_X, VL_HOOK_IN, 5, 1, "10.0.1.2", "10.0.1.1"),
		REQ(1040, R_E, VL_HOOK_OUT, 63)};
	const struct itinerary *it = TELL(story, lost);

	(void)state;
	assert_int_equal(it->fate, FATE_LOST);
	assert_int_equal(it->arrival, -1);
	assert_string_equal(it->hops[it->last].end->name, "r:e");
	assert_int_equal(it->hops[it->last].leg, LEG_REQUEST);
	story_free(story);
}

/* Its drop is the message's; the request has its own. */
static void test_dropped_redirect(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
			       REQ(1040, R_E, VL_HOOK_OUT, 63)};
	struct vl_drop redirect = {
		.packet = error_record(1020, VL_NO_END, VL_HOOKS, 5, 1, "10.0.1.2", "10.0.1.1"),
		.node = NODE_R};
	const struct itinerary *it;

	(void)state;
	assert_int_equal(story_add_drop(story, &redirect, "NETFILTER_DROP", "nf_hook_slow"), 1);
	it = TELL(story, e);
	assert_int_equal(it->fate, FATE_LOST);
	assert_int_equal(it->death, -1);
	assert_int_equal(it->n_drops, 1);
	story_free(story);
}

static struct vl_drop drop_of(struct vl_event packet, unsigned node)
{
	packet.end = VL_NO_END;
	packet.hook = VL_HOOKS;
	return (struct vl_drop){.packet = packet, .node = node};
}

/* The reply dies of its TTL; that the error about it dies, too, is another matter. */
static void test_dropped_error(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64),
			       REQ(1040, R_E, VL_HOOK_OUT, 63), REQ(1050, B_Y, VL_HOOK_IN, 63),
			       REP(1060, B_Y, VL_HOOK_OUT, 1),	REP(1070, R_E, VL_HOOK_IN, 1)};
	struct vl_drop reply = drop_of(REP(1080, R_E, VL_HOOK_IN, 1), NODE_R);
	struct vl_drop error = drop_of(
		error_record(1090, R_E, VL_HOOK_OUT, 11, 0, "10.0.2.254", "10.0.2.1"), NODE_R);
	const struct itinerary *it;

	(void)state;
	assert_int_equal(story_add_drop(story, &reply, "IP_INHDR", "ip_forward"), 1);
	assert_int_equal(story_add_drop(story, &error, "NETFILTER_DROP", "nf_hook_slow"), 1);
	it = TELL(story, e);
	assert_int_equal(it->fate, FATE_DROPPED);
	assert_int_equal(it->drops[it->death].leg, LEG_REPLY);
	assert_string_equal(it->drops[it->death].reason, "IP_INHDR");
	story_free(story);
}

/* An error that the node that asked drops was no refusal; why the request died is known, though. */
static void test_dropped_refusal(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		REQ(1000, A_X, VL_HOOK_OUT, 1), REQ(1010, R_W, VL_HOOK_IN, 1),
		error_record(1020, R_W, VL_HOOK_OUT, 11, 0, "10.0.1.254", "10.0.1.1"),
		error_record(1030, A_X, VL_HOOK_IN, 11, 0, "10.0.1.254", "10.0.1.1")};
	struct vl_drop request = drop_of(REQ(1015, R_W, VL_HOOK_IN, 1), NODE_R);
	struct vl_drop error = drop_of(e[3], NODE_A);
	const struct itinerary *it;

	(void)state;
	assert_int_equal(story_add_drop(story, &request, "IP_INHDR", "ip_forward"), 1);
	assert_int_equal(TELL(story, e)->fate, FATE_REFUSED);
	assert_int_equal(story_add_drop(story, &error, "NETFILTER_DROP", "nf_hook_slow"), 1);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->fate, FATE_DROPPED);
	assert_int_equal(it->drops[it->death].leg, LEG_REQUEST);
	story_free(story);
}

/* Over a link without a bridge nothing is flooded: the packet was sent to a MAC that r has not. */
static void test_wrong_mac(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {REQ(1000, A_X, VL_HOOK_OUT, 64), REQ(1010, R_W, VL_HOOK_IN, 64)};
	struct vl_drop drop = drop_of(e[1], NODE_R);
	const struct itinerary *it;

	(void)state;
	drop.packet.end = R_W;
	assert_int_equal(story_add_drop(story, &drop, "OTHERHOST", "ip_rcv_core"), 1);
	it = TELL(story, e);
	assert_int_equal(it->fate, FATE_DROPPED);
	assert_false(it->drops[it->death].harmless);
	assert_string_equal(it->hops[it->last].end->name, "r:w");
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_nat),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_loop),
		cmocka_unit_test(test_duplicated_by_link),
		cmocka_unit_test(test_redirect_decides_nothing),
		cmocka_unit_test(test_dropped_redirect),
		cmocka_unit_test(test_dropped_error),
		cmocka_unit_test(test_wrong_mac),
		cmocka_unit_test(test_dropped_refusal),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
