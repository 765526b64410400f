// SPDX-License-Identifier: GPL-2.0-only
/* test_flow_verdict.c - what was sent again and why, and where the original was lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "bpf/wire_other.h"
#include "tests/unit/flow_fixture.h"

/* The segment is sent at 101 ms and again at 301; what is judged once nothing more comes of it. */
static const struct flow_tally *again(struct vl_event first, unsigned hooks)
{
	const struct flow *flow;

	first.other.tsval = 7;
	pass(101 * MS, false, first, 0, hooks);
	first.other.tsval = 207;
	first.other.ip_id = ip_id++;
	pass(301 * MS, false, first, 0, FAR);
	pass(311 * MS, true, packet(true, SEQ_B + 1, 0, first.other.seq + first.other.bytes, A), 0,
	     FAR);
	flow = only();
	assert_int_equal(flow->ways[0].retransmitted, 1);
	assert_int_equal(flow->ways[1].retransmitted, 0);
	assert_int_equal(flow->n_tallies, 1);
	assert_int_equal(flow->tallies[0].n, 1);
	assert_int_equal(flow->tallies[0].way, 0);
	return &flow->tallies[0];
}

/* It was lost on either link, or in the router, of IPv4 and behind NAT. */
static void test_original_lost(void **state)
{
	static const enum flow_lost how[] = {0, FLOW_LEFT, FLOW_ENTERED, FLOW_LEFT};
	static const char *const where[] = {NULL, "a:x", "r:w", "r:e"};
	const struct flow_tally *tally;

	for (int nat = 0; nat < 2; nat++) {
		for (unsigned hooks = 1; hooks < FAR; hooks++) {
			flow_end(state);
			flow_begin(state);
			with_nat = nat;
			shake_hands();
			tally = again(packet(false, DATA(0), 1000, SEQ_B + 1, A), hooks);
			assert_int_equal(tally->verdict, FLOW_ORIGINAL_LOST);
			assert_int_equal(tally->place.how, how[hooks]);
			assert_string_equal(tally->place.end->name, where[hooks]);
			assert_false(tally->place.silent);
			assert_int_equal(only()->ways[0].packets, 4);
			assert_int_equal(only()->ways[0].arrived, 3);
			assert_int_equal(flow_is_translated(&only()->ways[0]), nat);
		}
	}
}

/* Nothing ever arrived; and of an address outside of the lab nobody knows where it should. */
static void test_syn_lost(void **state)
{
	for (int outside = 0; outside < 2; outside++) {
		struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN);
		const struct flow *flow;

		flow_end(state);
		flow_begin(state);
		if (outside)
			inet_pton(AF_INET, "192.0.2.1", syn.dst);
		pass(1 * MS, false, syn, 0, 1);
		syn.other.ip_id++;
		pass(1001 * MS, false, syn, 0, 1);
		flow = only();
		assert_int_equal(flow_state(flow), FLOW_UNANSWERED);
		assert_int_equal(flow->n_tallies, 1);
		assert_int_equal(flow->tallies[0].verdict,
				 outside ? FLOW_CANNOT_TELL : FLOW_ORIGINAL_LOST);
		assert_int_equal(flow->tallies[0].missing, outside ? FLOW_NO_RECEIVER : 0);
		assert_int_equal(flow->tallies[0].place.silent, !outside);
	}
}

/*
 * Sent again after so long that the original, once it is acknowledged, would be old enough to be
 * forgotten before its repair is judged.
 */
static void test_repaired_late(void **state)
{
	const struct flow *flow;

	(void)state;
	shake_hands();
	pass(101 * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, 1);
	pass(4301ull * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, FAR);
	pass(4311ull * MS, true, packet(true, SEQ_B + 1, 0, DATA(1000), A), 0, FAR);
	for (unsigned i = 0; i < 30; i++)
		pass((4320ull + i * 100) * MS, false,
		     packet(false, DATA(1000 + i * 10), 10, SEQ_B + 1, A), 0, FAR);
	flow = only();
	assert_int_equal(flow->n_tallies, 1);
	assert_int_equal(flow->tallies[0].verdict, FLOW_ORIGINAL_LOST);
	assert_string_equal(flow->tallies[0].place.end->name, "a:x");
}

/* So many packets a second that the original is no longer kept when a second has passed. */
static void test_fast(void **state)
{
	(void)state;
	shake_hands();
	for (unsigned i = 0; i < 70000; i++) {
		pass(101 * MS + i * 10000, false, packet(false, DATA(i * 100), 100, SEQ_B + 1, A),
		     0, 1);
		if (i == 50)
			pass(101 * MS + i * 10000 + 1, false,
			     packet(false, DATA(1000), 100, SEQ_B + 1, A), 0, 1);
	}
	assert_int_equal(only()->n_tallies, 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ORIGINAL_LOST);
	assert_string_equal(only()->tallies[0].place.end->name, "a:x");
}

/* The kernel's word for it. */
static void test_dropped(void **state)
{
	struct vl_event event = packet(false, DATA(0), 1000, SEQ_B + 1, A);
	const struct flow_tally *tally;

	(void)state;
	shake_hands();
	event.other.tsval = 7;
	pass(99 * MS, false, event, 0, 2);
	drop(102 * MS, event, NODE_R, "NETFILTER_DROP");
	event.other.tsval = 207;
	event.other.ip_id = ip_id++;
	pass(301 * MS, false, event, 0, FAR);
	flows_lost_records(flows, 3); /* the kernel's word is sure all the same */
	assert_int_equal(only()->n_tallies, 1);
	tally = &only()->tallies[0];
	assert_int_equal(tally->verdict, FLOW_ORIGINAL_LOST);
	assert_int_equal(tally->place.how, FLOW_DROPPED);
	assert_string_equal(tally->place.node->name, "r");
	assert_string_equal(tally->place.cause->reason, "NETFILTER_DROP");
}

/* Where records are missing, that nothing was seen means nothing. */
static void test_lost_records(void **state)
{
	const struct flow_tally *tally;

	(void)state;
	shake_hands();
	again(packet(false, DATA(0), 1000, SEQ_B + 1, A), 1);
	flows_lost_records(flows, 1);
	tally = &only()->tallies[0];
	assert_int_equal(tally->verdict, FLOW_CANNOT_TELL);
	assert_int_equal(tally->missing, FLOW_LOST_RECORDS);
}

/* It arrived: what became of its acknowledgement, which passes so many hooks. */
static const struct flow_tally *acked(uint64_t time_ns, unsigned hooks)
{
	struct vl_event event = packet(false, DATA(0), 1000, SEQ_B + 1, A),
			ack = packet(true, SEQ_B + 1, 0, DATA(1000), A);

	shake_hands();
	event.other.tsval = 7;
	pass(101 * MS, false, event, 0, FAR);
	if (time_ns < 301 * MS)
		pass(time_ns, true, ack, 0, hooks);
	event.other.tsval = 207;
	event.other.ip_id = ip_id++;
	pass(301 * MS, false, event, 0, FAR);
	if (time_ns > 301 * MS)
		pass(time_ns, true, ack, 0, hooks);
	assert_int_equal(only()->n_tallies, 1);
	return &only()->tallies[0];
}

static void test_ack_lost(void **state)
{
	const struct flow_tally *tally;

	(void)state;
	tally = acked(150 * MS, 1);
	assert_int_equal(tally->verdict, FLOW_ACK_LOST);
	assert_int_equal(tally->place.how, FLOW_LEFT);
	assert_string_equal(tally->place.end->name, "b:y");
}

static void test_spurious(void **state)
{
	(void)state;
	assert_int_equal(acked(150 * MS, FAR)->verdict, FLOW_SPURIOUS);
}

static void test_not_acked(void **state)
{
	(void)state;
	assert_int_equal(acked(310 * MS, FAR)->verdict, FLOW_NOT_ACKED);
}

/* That there is no record of an acknowledgement means nothing where records are missing, also if it
 * is known only at the end. */
static void test_not_acked_lost_records(void **state)
{
	for (int early = 0; early < 2; early++) {
		const struct flow_tally *tally;

		flow_end(state);
		flow_begin(state);
		flows_lost_records(flows, early);
		tally = acked(310 * MS, FAR);
		assert_int_equal(tally->verdict, early ? FLOW_CANNOT_TELL : FLOW_NOT_ACKED);
		flows_lost_records(flows, 1);
		tally = &only()->tallies[0];
		assert_int_equal(tally->verdict, FLOW_CANNOT_TELL);
		assert_int_equal(tally->missing, FLOW_LOST_RECORDS);
	}
}

/* Nor where nothing is seen of what the receiver sends: at all, or where it sends it. */
static void test_no_acks(void **state)
{
	for (int some = 0; some < 2; some++) {
		struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN);

		flow_end(state);
		flow_begin(state);
		pass(1 * MS, false, syn, 0, FAR);
		if (some)
			pass(2 * MS, true, packet(true, SEQ_B, 0, SEQ_A, A), 1, FAR);
		syn.other.ip_id = ip_id++;
		pass(1001 * MS, false, syn, 0, FAR);
		assert_int_equal(only()->n_tallies, 1);
		assert_int_equal(only()->tallies[0].verdict, FLOW_CANNOT_TELL);
		assert_int_equal(only()->tallies[0].missing, FLOW_NO_ACKS);
	}
}

/* Sent at 299 ms, it arrives at 302. */
static void test_ack_late(void **state)
{
	struct vl_event event = packet(false, DATA(0), 1000, SEQ_B + 1, A),
			ack = packet(true, SEQ_B + 1, 0, DATA(1000), A);

	(void)state;
	shake_hands();
	pass(101 * MS, false, event, 0, FAR);
	pass(299 * MS, true, ack, 0, 2);
	event.other.ip_id = ip_id++;
	pass(301 * MS, false, event, 0, 1);
	for (unsigned hop = 2; hop < FAR; hop++)
		pass((300 + hop) * MS, true, ack, hop, hop + 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ACK_LATE);
}

/* The first of two is lost; both are sent again. */
static void test_behind_hole(void **state)
{
	struct vl_event first = packet(false, DATA(0), 1000, SEQ_B + 1, A),
			second = packet(false, DATA(1000), 1000, SEQ_B + 1, A);

	(void)state;
	shake_hands();
	pass(101 * MS, false, first, 0, 3);
	pass(105 * MS, false, second, 0, FAR);
	pass(110 * MS, true, packet(true, SEQ_B + 1, 0, DATA(0), A), 0, FAR);
	first.other.ip_id = ip_id++;
	pass(301 * MS, false, first, 0, FAR);
	second.other.ip_id = ip_id++;
	pass(305 * MS, false, second, 0, FAR);
	assert_int_equal(only()->n_tallies, 2);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ORIGINAL_LOST);
	assert_string_equal(only()->tallies[0].place.end->name, "r:e");
	assert_int_equal(only()->tallies[1].verdict, FLOW_BEHIND_HOLE);
	assert_int_equal(only()->ways[1].dup_acks, 1);
	assert_int_equal(only()->ways[0].reordered, 0);
}

/* The first of two is lost; both are sent again as one. */
static void test_joined_again(void **state)
{
	(void)state;
	shake_hands();
	pass(101 * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, 3);
	pass(105 * MS, false, packet(false, DATA(1000), 1000, SEQ_B + 1, A), 0, FAR);
	pass(301 * MS, false, packet(false, DATA(0), 2000, SEQ_B + 1, A), 0, FAR);
	assert_int_equal(only()->n_tallies, 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ORIGINAL_LOST);
	assert_string_equal(only()->tallies[0].place.end->name, "r:e");
}

/* Without identification and with one timestamp, nobody can say which of two arrived. */
static void test_alike(void **state)
{
	struct vl_event event = packet(false, DATA(0), 1000, SEQ_B + 1, A);

	(void)state;
	shake_hands();
	pass(101 * MS, false, event, 0, 1);
	pass(102 * MS, false, event, 0, FAR);
	assert_int_equal(only()->tallies[0].verdict, FLOW_CANNOT_TELL);
	assert_int_equal(only()->tallies[0].missing, FLOW_ALIKE);
}

/* What was judged lost after a second arrives after a second and a half, first of UDP. */
static void test_arrives_after_all(void **state)
{
	struct vl_event event = datagram(false, 1);

	(void)state;
	pass(1 * MS, false, event, 0, 3);
	pass(1200 * MS, true, datagram(true, 2), 0, FAR);
	assert_int_equal(only()->n_tallies, 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ORIGINAL_LOST);
	pass(1500 * MS, false, event, 3, FAR);
	assert_int_equal(only()->n_tallies, 0);
	assert_int_equal(only()->repairs_left_out, 0);
	assert_int_equal(only()->ways[0].arrived, 1);
	pass(1600 * MS, false, datagram(false, 3), 0, 3);
	pass(2700ull * MS, true, datagram(true, 4), 0, FAR);
	assert_int_equal(only()->n_tallies, 1);
	assert_int_equal(only()->tallies[0].n, 1);
}

static void test_segment_arrives_after_all(void **state)
{
	struct vl_event first = packet(false, DATA(0), 1000, SEQ_B + 1, A), second = first;

	(void)state;
	shake_hands();
	first.other.tsval = 7;
	second.other.tsval = 207;
	second.other.ip_id = ip_id++;
	pass(101 * MS, false, first, 0, 3);
	pass(301 * MS, false, second, 0, 3);
	pass(1400 * MS, true, packet(true, SEQ_B + 1, 0, DATA(0), A), 0, FAR);
	assert_int_equal(only()->n_tallies, 1);
	assert_int_equal(only()->n_judged, 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ORIGINAL_LOST);
	pass(1600 * MS, false, first, 3, FAR);
	assert_int_equal(only()->n_tallies, 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ORIGINAL_LATE);
}

/* The acknowledgement, likewise. */
static void test_ack_arrives_after_all(void **state)
{
	struct vl_event ack = packet(true, SEQ_B + 1, 0, DATA(1000), A),
			event = packet(false, DATA(0), 1000, SEQ_B + 1, A);

	(void)state;
	shake_hands();
	event.other.tsval = 7;
	pass(101 * MS, false, event, 0, FAR);
	pass(150 * MS, true, ack, 0, 3);
	event.other.tsval = 207;
	event.other.ip_id = ip_id++;
	pass(301 * MS, false, event, 0, FAR);
	pass(1400 * MS, false, packet(false, DATA(1000), 10, SEQ_B + 1, A), 0, FAR);
	assert_int_equal(only()->n_judged, 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ACK_LOST);
	pass(1600 * MS, true, ack, 3, FAR);
	assert_int_equal(only()->n_tallies, 1);
	assert_int_equal(only()->tallies[0].verdict, FLOW_ACK_LATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_original_lost),
		TEST(test_syn_lost),
		TEST(test_repaired_late),
		TEST(test_fast),
		TEST(test_dropped),
		TEST(test_lost_records),
		TEST(test_ack_lost),
		TEST(test_spurious),
		TEST(test_not_acked),
		TEST(test_not_acked_lost_records),
		TEST(test_no_acks),
		TEST(test_ack_late),
		TEST(test_behind_hole),
		TEST(test_joined_again),
		TEST(test_alike),
		TEST(test_arrives_after_all),
		TEST(test_segment_arrives_after_all),
		TEST(test_ack_arrives_after_all),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
