// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_story_ends.c - how echoes end, and what is said of it: delivered, vanished, back by another
 * way, a probe that is no echo; with records that are missing, came twice or in any order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/story_fixture.h"
#include "user/render/itinerary_text.h"

/* ---- what is said ---------------------------------------------------------------------------- */

enum { TEXT_SIZE = 8192 };

/* Title and hops; or with the stacks. */
static const char *told(const struct itinerary *it, bool all, char buf[TEXT_SIZE])
{
	FILE *f = fmemopen(buf, TEXT_SIZE, "w");

	assert_non_null(f);
	itinerary_print_title(it, 0, f);
	if (all)
		itinerary_print_all(it, f);
	else
		itinerary_print(it, f);
	fclose(f);
	return buf;
}

static void assert_says(const struct itinerary *it, const char *expected)
{
	char buf[TEXT_SIZE];

	if (!strstr(told(it, true, buf), expected))
		fail_msg("it does not say '%s': %s", expected, buf);
}

static void assert_fate(const struct itinerary *it, enum fate fate, const char *expected)
{
	char buf[FATE_TEXT_SIZE];

	assert_non_null(it);
	assert_int_equal(it->fate, fate);
	assert_string_equal(itinerary_fate_text(it, buf), expected);
}

/* ---- records --------------------------------------------------------------------------------- */

static struct vl_drop drop_of(const struct vl_event *packet, uint64_t time_ns, unsigned node)
{
	struct vl_drop drop = {.packet = *packet, .node = node, .location = 0x1000, .reason = 3};

	drop.packet.time_ns = time_ns;
	drop.packet.end = VL_NO_END;
	drop.packet.hook = VL_HOOKS;
	return drop;
}

static void add_drop(struct story *story, const struct vl_event *packet, uint64_t time_ns,
		     unsigned node, const char *reason, const char *function)
{
	const struct vl_drop drop = drop_of(packet, time_ns, node);

	assert_int_equal(story_add_drop(story, &drop, reason, function), 1);
}

/* A route that a node did not find for a packet. */
static void add_no_route(struct story *story, const struct vl_event *packet, uint64_t time_ns,
			 unsigned node, enum vl_route_use use)
{
	struct vl_stack record = {.at = drop_of(packet, time_ns, node),
				  .error = -101,
				  .table = 254,
				  .what = use,
				  .code = VL_ROUTE_NONE};

	record.at.kind = VL_STACK_ROUTE;
	record.at.location = 0;
	if (use == VL_ROUTE_ANSWER) {
		memcpy(record.at.packet.dst, packet->src, sizeof(packet->src));
		memcpy(record.at.packet.src, packet->dst, sizeof(packet->dst));
	}
	assert_int_equal(story_add_stack(story, &record, "", ""), 1);
}

static void request_to_b(struct vl_event e[4])
{
	e[0] = REQ(1000, A_X, VL_HOOK_OUT, 64);
	e[1] = REQ(1010, R_W, VL_HOOK_IN, 64);
	e[2] = REQ(1020, R_E, VL_HOOK_OUT, 63);
	e[3] = REQ(1030, B_Y, VL_HOOK_IN, 63);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void test_delivered(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[4];

	(void)state;
	request_to_b(e);
	assert_fate(tell(story, e, 3), FATE_LOST, "the request was last seen at r:e out");
	assert_fate(TELL(story, e), FATE_DELIVERED,
		    "the request was delivered to b (b:y in), which was not seen to answer");
	story_free(story);
}

/* Whoever vanishes where something cannot be seen is told with that. */
static void test_not_seen(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[4];

	(void)state;
	request_to_b(e);
	story_cannot_see(story, "what the nodes drop, 12 lost records");
	assert_fate(tell(story, e, 2), FATE_LOST,
		    "the request was last seen at r:w in (not seen here: what the nodes drop, 12 "
		    "lost records)");
	story_free(story);
}

/* Where records were lost, the first hop that was seen is not where an echo began. */
static void test_lost_beginning(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it;
	struct vl_event e[9];

	(void)state;
	fill_routed(e);
	it = tell(story, &e[3], 6); /* from where it leaves the router */
	assert_string_equal(it->origin->name, "r");
	story_free(story);
	story = story_new(lab);
	story_cannot_see(story, "12 lost records");
	it = tell(story, &e[3], 6);
	assert_string_equal(it->origin->name, "a");
	assert_int_equal(it->hops[0].step, STEP_GAP);
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_says(it, ": answered by b, 60 ns after it was first seen on its way\n");
	assert_says(it, "where it came from was not seen");
	story_drop(story, 4, 7, 1);
	it = tell(story, &e[4], 2); /* at b alone */
	assert_string_equal(it->origin->name, "a");
	assert_fate(it, FATE_LOST,
		    "the reply was last seen at b:y out (not seen here: 12 lost records)");
	story_free(story);
}

/* b knows no way back: the act says more than the place. */
static void test_no_route_back(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[4];

	(void)state;
	request_to_b(e);
	add_no_route(story, &e[3], 1040, NODE_B, VL_ROUTE_ANSWER); /* before its hops: any order */
	assert_fate(TELL(story, e), FATE_DELIVERED,
		    "b has no route back to 10.0.1.1: reply dropped in b");
	story_free(story);
}

/* The first failure is the cause; that of the ICMP error about it comes after. */
static void test_first_cause(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[4];

	(void)state;
	request_to_b(e);
	tell(story, e, 2);
	add_no_route(story, &e[1], 1015, NODE_R, VL_ROUTE_ANSWER);
	add_no_route(story, &e[1], 1012, NODE_R, VL_ROUTE_FORWARD);
	add_drop(story, &e[1], 1013, NODE_R, "IP_INNOROUTES", "ip_error");
	assert_fate(story_itinerary(story, 4, 7, 1), FATE_DROPPED,
		    "r has no route to 10.0.2.1: request dropped in r");
	story_free(story);
}

/* An answer that came home by another link than the request left by. */
static void test_asymmetric(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[6];
	const struct itinerary *it;

	(void)state;
	request_to_b(e);
	e[4] = REP(1040, B_K, VL_HOOK_OUT, 64);
	e[5] = REP(1050, A_K, VL_HOOK_IN, 64);
	it = TELL(story, e);
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_true(it->asymmetric);
	assert_says(it, "the answer came back by other links than the request took");
	story_free(story);
}

/* A bridge floods to those that it is not for: the packet itself got as far as the bridge. */
static void test_stray_copies(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		record(1000, C_Z, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1010, BR_0, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1020, BR_2, VL_HOOK_OUT, 8, 64, "10.0.3.1", "10.0.3.2"),
		record(1030, E_Z, VL_HOOK_IN, 8, 64, "10.0.3.1", "10.0.3.2"),
	};

	(void)state;
	TELL(story, e);
	add_drop(story, &e[3], 1040, NODE_E, "OTHERHOST", "ip_rcv_core");
	assert_fate(story_itinerary(story, 4, 7, 1), FATE_LOST,
		    "the request was last seen at br:p0 in");
	story_free(story);
}

/* The middle is missing: it is not invented. */
static void test_gaps(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[9];
	const struct itinerary *it;

	(void)state;
	fill_routed(e);
	assert_int_equal(story_add(story, &e[0]), 1);
	assert_int_equal(story_add(story, &e[4]), 1);
	assert_int_equal(story_add(story, &e[8]), 1);
	it = story_itinerary(story, 4, 7, 1);
	assert_story(it, "Q|a:x out 0+0; Q?b:y in 30+30; A?a:x in 80+50");
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_null(it->answerer); /* nobody was seen to make the reply */
	assert_says(it, "after 30 ns; what lies between was not seen");
	assert_says(it, ": answered in 80 ns\n");
	story_free(story);
	story = story_new(lab);
	assert_int_equal(story_add(story, &e[4]), 1);
	it = story_itinerary(story, 4, 7, 1);
	assert_says(it, "where it came from was not seen");
	story_free(story);
}

/* Drops and acts that come twice, and before what they are about, tell the same story. */
static void test_twice_and_backwards(void **state)
{
	struct story *story = story_new(lab), *again = story_new(lab);
	struct vl_event e[4];
	char once[TEXT_SIZE], twice[TEXT_SIZE];
	const struct itinerary *it;

	(void)state;
	request_to_b(e);
	tell(story, e, 2);
	add_no_route(story, &e[1], 1012, NODE_R, VL_ROUTE_FORWARD);
	add_drop(story, &e[1], 1013, NODE_R, "IP_INNOROUTES", "ip_error");
	told(story_itinerary(story, 4, 7, 1), true, once);
	for (int i = 0; i < 2; i++) {
		add_drop(again, &e[1], 1013, NODE_R, "IP_INNOROUTES", "ip_error");
		add_no_route(again, &e[1], 1012, NODE_R, VL_ROUTE_FORWARD);
		assert_int_equal(story_add(again, &e[1]), 1);
		assert_int_equal(story_add(again, &e[0]), 1);
	}
	it = story_itinerary(again, 4, 7, 1);
	assert_int_equal(it->n_drops, 1);
	assert_int_equal(it->n_acts, 1);
	assert_int_equal(it->n_hops, 2);
	assert_string_equal(told(it, true, twice), once);
	story_free(story);
	story_free(again);
}

/* The drop is missing, the look-up before it is not; and the other way round. */
static void test_half_a_death(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[4];

	(void)state;
	request_to_b(e);
	tell(story, e, 2);
	add_no_route(story, &e[1], 1012, NODE_R, VL_ROUTE_FORWARD);
	assert_fate(story_itinerary(story, 4, 7, 1), FATE_LOST,
		    "r has no route to 10.0.2.1: request dropped in r");
	story_free(story);
	story = story_new(lab);
	add_drop(story, &e[1], 1013, NODE_R, "IP_INNOROUTES", "ip_error");
	assert_fate(story_itinerary(story, 4, 7, 1), FATE_DROPPED,
		    "r has no route to 10.0.2.1: request dropped in r");
	story_free(story);
}

/* ---- probes that are no echoes --------------------------------------------------------------- */

/* b's error about a UDP packet from a, which has no ports where ends see it. */
static struct vl_event port_error(uint64_t time_ns, unsigned end, enum vl_hook hook, uint8_t ttl)
{
	struct vl_event e = error_record(time_ns, end, hook, 3, 3, "10.0.2.1", "10.0.1.1");

	e.ttl = ttl;
	e.quote = (struct vl_quote){
		.src = {10, 0, 1, 1}, .dst = {10, 0, 2, 1}, .proto = 17, .ttl = 63};
	return e;
}

static void test_no_socket(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		port_error(1000, B_Y, VL_HOOK_OUT, 64),
		port_error(1010, R_E, VL_HOOK_IN, 64),
		port_error(1020, R_W, VL_HOOK_OUT, 63),
		port_error(1030, A_X, VL_HOOK_IN, 63),
	};
	struct vl_event probe = {.family = 4,
				 .flags = VL_EV_FLOW | VL_EV_QUOTED,
				 .ttl = 63,
				 .src = {10, 0, 1, 1},
				 .dst = {10, 0, 2, 1}};
	const struct itinerary *it;

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		e[i].quote.id = 40000;
		e[i].quote.seq = 9;
	}
	probe.quote = e[0].quote;
	add_drop(story, &probe, 1005, NODE_B, "NO_SOCKET", "__udp4_lib_rcv");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(story_add(story, &e[i]), 1);
	assert_int_equal(story_in_flight(story), 1);
	it = story_quiet(story, UINT64_MAX);
	assert_story(it, "E|b:y out 0+0; E>r:e in 10+10; E~r:w out 20+10; E>a:x in 30+10");
	assert_int_equal(it->fate, FATE_REFUSED);
	assert_int_equal(it->protocol, 17);
	assert_string_equal(it->origin->name, "a");
	assert_string_equal(it->answerer->name, "b");
	assert_false(it->asymmetric); /* the way there was not seen */
	assert_says(it, "udp 10.0.1.1:40000 > 10.0.2.1:9: refused by b: port unreachable; nobody "
			"listens at port 9 of b\n");
	assert_says(it, "b: port unreachable");
	story_free(story);
}

/* Without the error, as where it is not sent: a packet that nobody waited for. */
static void test_no_socket_alone(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event probe = {.family = 4,
				 .flags = VL_EV_FLOW | VL_EV_QUOTED,
				 .src = {10, 0, 1, 1},
				 .dst = {10, 0, 2, 1},
				 .quote = {.src = {10, 0, 1, 1},
					   .dst = {10, 0, 2, 1},
					   .proto = 17,
					   .id = 40000,
					   .seq = 9}};
	const struct itinerary *it;

	(void)state;
	add_drop(story, &probe, 1005, NODE_B, "NO_SOCKET", "__udp4_lib_rcv");
	it = story_quiet(story, UINT64_MAX);
	assert_fate(it, FATE_DROPPED, "b dropped the packet: no socket waits for it");
	assert_string_equal(it->origin->name, "a");
	story_forget(story, it);
	/* A filter of the one socket that a datagram is for: no copy, as one of ICMP would be. */
	add_drop(story, &probe, 1005, NODE_B, "SOCKET_FILTER", "udp_queue_rcv_one_skb");
	it = story_quiet(story, UINT64_MAX);
	assert_fate(it, FATE_DROPPED, "b dropped the packet: the socket's own filter says so");
	story_free(story);
}

/* Errors whose quotes end before the ports. An echo's story is another one. */
static void test_ports_unknown(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e = port_error(1000, B_Y, VL_HOOK_OUT, 64),
			echo = REQ(900, A_X, VL_HOOK_OUT, 64);
	const struct itinerary *it;

	(void)state;
	assert_int_equal(story_add(story, &echo), 1);
	assert_int_equal(story_add(story, &e), 1);
	assert_int_equal(story_in_flight(story), 2);
	it = story_quiet(story, UINT64_MAX);
	assert_int_equal(it->protocol, 0);
	story_forget(story, it);
	it = story_quiet(story, UINT64_MAX);
	assert_says(it, "udp 10.0.1.1 > 10.0.2.1: the ICMP error was last seen at b:y out\n");
	story_free(story);
}

/* Two probes between the same addresses, to two ports: two stories. */
static void test_ports_apart(void **state)
{
	struct story *story = story_new(lab);
	struct vl_event e[] = {
		port_error(1000, B_Y, VL_HOOK_OUT, 64), port_error(1001, B_Y, VL_HOOK_OUT, 64),
		port_error(1010, R_E, VL_HOOK_IN, 64),	port_error(1011, R_E, VL_HOOK_IN, 64),
		port_error(1030, A_X, VL_HOOK_IN, 63),	port_error(1031, A_X, VL_HOOK_IN, 63),
	};
	struct vl_event probe = {.family = 4,
				 .flags = VL_EV_FLOW | VL_EV_QUOTED,
				 .src = {10, 0, 1, 1},
				 .dst = {10, 0, 2, 1}};
	const struct itinerary *it;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		e[i].quote.id = 40000;
		e[i].quote.seq = 33434 + i % 2;
		assert_int_equal(story_add(story, &e[i]), 1);
	}
	assert_int_equal(story_in_flight(story), 2);
	probe.quote = e[1].quote;
	add_drop(story, &probe, 1002, NODE_B, "NO_SOCKET", "__udp4_lib_rcv");
	assert_int_equal(story_in_flight(story), 2);
	it = story_quiet(story, UINT64_MAX);
	assert_int_equal(it->n_hops, 3);
	assert_int_equal(it->n_drops, 0);
	assert_says(it, "udp 10.0.1.1:40000 > 10.0.2.1:33434: refused by b: port unreachable\n");
	story_forget(story, it);
	it = story_quiet(story, UINT64_MAX);
	assert_int_equal(it->n_hops, 3);
	assert_int_equal(it->n_drops, 1);
	assert_says(it,
		    "udp 10.0.1.1:40000 > 10.0.2.1:33435: refused by b: port unreachable; nobody "
		    "listens at port 33435 of b\n");
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivered),	    cmocka_unit_test(test_not_seen),
		cmocka_unit_test(test_lost_beginning),	    cmocka_unit_test(test_no_route_back),
		cmocka_unit_test(test_first_cause),	    cmocka_unit_test(test_asymmetric),
		cmocka_unit_test(test_stray_copies),	    cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_twice_and_backwards), cmocka_unit_test(test_half_a_death),
		cmocka_unit_test(test_no_socket),	    cmocka_unit_test(test_no_socket_alone),
		cmocka_unit_test(test_ports_unknown),	    cmocka_unit_test(test_ports_apart),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
