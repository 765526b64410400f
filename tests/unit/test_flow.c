// SPDX-License-Identifier: GPL-2.0-only
/* test_flow.c - records become flows: counts, states, round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "bpf/wire_other.h"
#include "tests/unit/flow_fixture.h"
#include "user/render/flow_text.h"

static void test_closed(void **state)
{
	const struct flow *flow;

	(void)state;
	shake_hands();
	flow = only();
	assert_int_equal(flow_state(flow), FLOW_ESTABLISHED);
	pass(31 * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, FAR);
	pass(41 * MS, true, packet(true, SEQ_B + 1, 0, DATA(1000), A), 0, FAR);
	pass(51 * MS, false, packet(false, DATA(1000), 0, SEQ_B + 1, TCP_FLAG_FIN | A), 0, FAR);
	assert_int_equal(flow_state(only()), FLOW_CLOSING);
	pass(61 * MS, true, packet(true, SEQ_B + 1, 0, DATA(1001), TCP_FLAG_FIN | A), 0, FAR);
	pass(71 * MS, false, packet(false, DATA(1001), 0, SEQ_B + 2, A), 0, FAR);
	flow = only();
	assert_int_equal(flow_state(flow), FLOW_CLOSED);
	assert_int_equal(flow_handshake_ns(flow), 20 * MS);
	assert_int_equal(flow->ways[0].packets, 5);
	assert_int_equal(flow->ways[0].arrived, 5);
	assert_int_equal(flow->ways[1].packets, 3);
	assert_int_equal(flow->ways[0].payload, 1000);
	assert_int_equal(flow->ways[0].wire, 1000 + 5 * 66);
	assert_int_equal(flow->ways[0].mss, 1460);
	assert_int_equal(flow->n_tallies, 0);
	assert_string_equal(flow->ways[0].maker->name, "a");
	assert_string_equal(flow->ways[1].maker->name, "b");
	/* SYN, data, FIN: each 13 ms at a, 7 at b: from there to the acknowledgement's hook. */
	assert_int_equal(flow_way_trip(&flow->ways[0])->n, 3);
	assert_int_equal(flow_trip_median(flow_way_trip(&flow->ways[0])), 13 * MS);
	assert_string_equal(flow->ways[0].trips[3].end->name, "b:y");
	assert_int_equal(flow_trip_median(&flow->ways[0].trips[3]), 7 * MS);
	assert_false(flow->from_middle);
}

/* The window is closed twice; a probe of it is nothing that was sent again. */
static void test_zero_window(void **state)
{
	struct vl_event closed = packet(true, SEQ_B + 1, 0, DATA(1000), A);

	(void)state;
	shake_hands();
	pass(31 * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, FAR);
	closed.other.window = 0;
	pass(41 * MS, true, closed, 0, FAR);
	pass(51 * MS, false, packet(false, DATA(999), 0, SEQ_B + 1, A), 0, FAR);
	closed.other.ip_id = ip_id++;
	pass(61 * MS, true, closed, 0, FAR);
	pass(71 * MS, false, packet(false, DATA(999), 1, SEQ_B + 1, A), 0, FAR);
	assert_int_equal(only()->ways[1].zero_windows, 2);
	assert_int_equal(only()->ways[1].dup_acks, 0);
	assert_int_equal(only()->ways[0].retransmitted, 0);
}

static void test_reordered(void **state)
{
	struct vl_event first = packet(false, DATA(0), 1000, SEQ_B + 1, A);

	(void)state;
	shake_hands();
	pass(31 * MS, false, first, 0, 3);
	pass(41 * MS, false, packet(false, DATA(1000), 1000, SEQ_B + 1, A), 0, FAR);
	pass(51 * MS, false, first, 3, FAR);
	assert_int_equal(only()->ways[0].reordered, 1);
	assert_int_equal(only()->ways[0].retransmitted, 0);
	assert_int_equal(only()->ways[0].arrived, 4);
}

/* One packet of 64 segments is cut in the router; the last is lost and sent again. */
static void test_gso(void **state)
{
	struct vl_event whole = packet(false, DATA(0), 64000, SEQ_B + 1, A), part;
	const struct flow_tally *tally;

	(void)state;
	shake_hands();
	whole.other.segments = 64;
	ip_id += 64;
	pass(31 * MS, false, whole, 0, 2);
	for (unsigned i = 0; i < 64; i++) {
		part = whole;
		part.other.segments = 1;
		part.other.seq += 1000 * i;
		part.other.bytes = 1000;
		part.other.ip_id += i;
		part.len = 1066;
		for (unsigned hop = 2; hop < FAR - (i == 63); hop++)
			pass(33 * MS + i * 1000 + hop, false, part, hop, hop + 1);
	}
	part.other.ip_id = ip_id++;
	pass(301 * MS, false, part, 0, FAR);
	assert_int_equal(only()->ways[0].packets, 4);
	assert_int_equal(only()->ways[0].segments, 2 + 64 + 1);
	assert_int_equal(only()->ways[0].gso, 1);
	assert_int_equal(only()->ways[0].payload, 65000);
	assert_int_equal(only()->ways[0].wire, 65000 + 67 * 66);
	assert_int_equal(only()->ways[0].copies, 0);
	tally = &only()->tallies[0]; /* judging anew makes new ones */
	assert_int_equal(tally->verdict, FLOW_ORIGINAL_LOST);
	assert_string_equal(tally->place.end->name, "r:e");
}

/* GRO joins three before they arrive. */
static void test_gro(void **state)
{
	struct vl_event whole = packet(false, DATA(0), 3000, SEQ_B + 1, A);

	(void)state;
	shake_hands();
	ip_id += 2;
	for (unsigned i = 0; i < 3; i++) {
		struct vl_event part = whole;

		part.other.seq += 1000 * i;
		part.other.bytes = 1000;
		part.other.ip_id += i;
		pass(31 * MS + i, false, part, 0, 1);
	}
	whole.other.segments = 3;
	for (unsigned hop = 1; hop < FAR; hop++)
		pass((32 + hop) * MS, false, whole, hop, hop + 1);
	assert_int_equal(only()->ways[0].packets, 5);
	assert_int_equal(only()->ways[0].arrived, 5);
	assert_int_equal(only()->ways[0].strays, 0);
}

static void test_refused(void **state)
{
	struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN);

	(void)state;
	pass(1 * MS, false, syn, 0, FAR);
	assert_int_equal(flow_state(only()), FLOW_UNANSWERED);
	pass(5 * MS, true, packet(true, 0, 0, SEQ_A + 1, TCP_FLAG_RST | A), 0, FAR);
	drop(6 * MS, syn, NODE_B, "NO_SOCKET"); /* once it has answered */
	assert_int_equal(flow_state(only()), FLOW_REFUSED);
	assert_string_equal(only()->reset.by->name, "b");
	assert_false(only()->reset.foreign);
	assert_string_equal(only()->reset.cause->reason, "NO_SOCKET");
}

/* The router answers in the name of b. */
static void test_reset_by_router(void **state)
{
	struct vl_event data = packet(false, DATA(0), 100, SEQ_B + 1, A);

	(void)state;
	shake_hands();
	pass(31 * MS, false, data, 0, 2);
	pass(33 * MS, true, packet(true, SEQ_B + 1, 0, 0, TCP_FLAG_RST), 2, FAR);
	drop(34 * MS, data, NODE_R, "NETFILTER_DROP");
	assert_int_equal(flow_state(only()), FLOW_RESET);
	assert_string_equal(only()->reset.by->name, "r");
	assert_true(only()->reset.foreign);
	assert_string_equal(only()->reset.cause->reason, "NETFILTER_DROP");
}

/* A server outside of the lab, behind an end of r that has no records: r forwards its reset and did
 * not make it, also where the reset is all that came back. */
static void test_reset_forwarded(void **state)
{
	for (int answered = 0; answered < 2; answered++) {
		struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN),
				answer = packet(true, SEQ_B, 0, SEQ_A + 1, TCP_FLAG_SYN | A),
				reset = packet(true, SEQ_B + 1, 0, SEQ_A + 1, TCP_FLAG_RST | A);

		flow_end(state);
		flow_begin(state);
		inet_pton(AF_INET, "192.0.2.1", syn.dst);
		memcpy(answer.src, syn.dst, 4);
		memcpy(reset.src, syn.dst, 4);
		pass(1 * MS, false, syn, 0, 2);
		if (answered)
			pass(11 * MS, true, answer, 2, FAR);
		pass(21 * MS, true, reset, 2, FAR);
		assert_int_equal(flow_state(only()), answered ? FLOW_RESET : FLOW_REFUSED);
		assert_null(only()->reset.by);
		assert_false(only()->reset.foreign);
	}
}

/* Ports are used again: another flow. */
static void test_ports_again(void **state)
{
	(void)state;
	shake_hands();
	pass(31 * MS, false, packet(false, DATA(0), 0, 0, TCP_FLAG_RST), 0, FAR);
	pass(41 * MS, false, packet(false, 77, 0, 0, TCP_FLAG_SYN), 0, FAR);
	assert_int_equal(flows_totals(flows).seen, 2);
	assert_int_equal(flow_state(flows_find(flows, 1)), FLOW_RESET);
	assert_int_equal(flow_state(flows_find(flows, 2)), FLOW_UNANSWERED);
	assert_int_equal(flows_find(flows, 2)->ways[0].retransmitted, 0);
	assert_null(flows_find(flows, 3));
}

static void test_from_middle(void **state)
{
	(void)state;
	pass(1 * MS, false, packet(false, DATA(0), 100, SEQ_B, A), 1, FAR);
	pass(11 * MS, false, packet(false, DATA(100), 100, SEQ_B, A), 0, FAR);
	pass(21 * MS, false, packet(false, DATA(400), 100, SEQ_B, A), 0, FAR);
	assert_true(only()->from_middle);
	assert_int_equal(flow_state(only()), FLOW_ESTABLISHED);
	assert_int_equal(only()->ways[0].packets, 3);
	assert_int_equal(only()->ways[0].skipped_bytes, 200);
	assert_int_equal(only()->ways[0].retransmitted, 0);
}

static void test_udp(void **state)
{
	struct vl_event event;
	const struct flow *flow;

	(void)state;
	with_nat = true;
	pass(1 * MS, false, datagram(false, 1), 0, FAR);
	pass(11 * MS, true, datagram(true, 2), 0, FAR);
	pass(21 * MS, false, datagram(false, 3), 0, 3);
	pass(5 * SECOND, false, datagram(false, 4), 0, FAR);
	event = datagram(false, 5);
	pass(6 * SECOND, false, event, 0, 2);
	drop(6 * SECOND + 3 * MS, event, NODE_R, "NETFILTER_DROP");
	flow = only();
	assert_int_equal(flow_state(flow), FLOW_ANSWERED);
	assert_int_equal(flow->ways[0].packets, 4);
	assert_int_equal(flow->ways[0].arrived, 2);
	assert_int_equal(flow->n_tallies, 2);
	assert_string_equal(flow->tallies[0].place.end->name, "r:e");
	assert_string_equal(flow->tallies[1].place.cause->reason, "NETFILTER_DROP");
	assert_int_equal(only()->n_tallies, 2); /* each is told once */
}

/* b tells a of its datagram. */
static struct vl_event error_of_b(uint8_t type, uint8_t code)
{
	struct vl_event error = {.family = 4,
				 .icmp_type = type,
				 .icmp_code = code,
				 .hook = VL_HOOK_OUT,
				 .end = B_Y,
				 .time_ns = 5 * MS,
				 .flags = VL_EV_QUOTED,
				 .quote = {.proto = PROTO_UDP, .id = 40000, .seq = 80}};

	inet_pton(AF_INET, "10.0.2.1", error.src);
	inet_pton(AF_INET, "10.0.1.1", error.dst);
	inet_pton(AF_INET, "10.0.1.1", error.quote.src);
	inet_pton(AF_INET, "10.0.2.1", error.quote.dst);
	return error;
}

static void test_udp_refused(void **state)
{
	struct vl_event error = error_of_b(3, 3);

	(void)state;
	pass(1 * MS, false, datagram(false, 1), 0, FAR);
	assert_int_equal(flows_add(flows, &error), 0);
	assert_int_equal(flow_state(only()), FLOW_REFUSED);
	assert_string_equal(only()->error.by->name, "b");
	assert_int_equal(only()->error.n, 1);
}

/* It is seen first where r forwards it. */
static void test_error_forwarded(void **state)
{
	struct vl_event error = error_of_b(3, 3);

	(void)state;
	pass(1 * MS, false, datagram(false, 1), 0, FAR);
	error.end = R_W;
	assert_int_equal(flows_add(flows, &error), 0);
	assert_int_equal(flow_state(only()), FLOW_REFUSED);
	assert_null(only()->error.by);
}

/* What its maker drops came to no hook: it is told beside the flow, and refuses nothing. */
static void test_error_dropped(void **state)
{
	struct vl_event error = error_of_b(3, 4);

	(void)state;
	pass(1 * MS, false, packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN), 0, FAR);
	error.quote.proto = PROTO_TCP;
	for (unsigned i = 0; i < 3; i++)
		drop((11 + i) * MS, error, i < 2 ? NODE_R : NODE_B, "NETFILTER_DROP");
	error.quote.seq = 81; /* of another flow */
	drop(21 * MS, error, NODE_R, "NETFILTER_DROP");
	assert_int_equal(only()->error.n, 0);
	assert_int_equal(only()->error_drop.n, 2);
	assert_string_equal(only()->error_drop.by->name, "r");
	assert_int_equal(only()->error_drop.code, 4);
	assert_string_equal(only()->error_drop.cause->reason, "NETFILTER_DROP");
	assert_int_equal(only()->ways[0].dropped, 0);
	assert_int_equal(flow_state(only()), FLOW_UNANSWERED);
}

/* Which errors mean that nobody answers: port and host unreachable, but not "fragmentation
 * needed", a time that ran out, or IPv6's "packet too big". */
static void test_errors(void **state)
{
	static const struct {
		uint8_t family, type, code;
		bool refuses;
	} errors[] = {{4, 3, 1, true}, {4, 3, 13, true}, {4, 3, 4, false}, {4, 11, 0, false},
		      {6, 1, 4, true}, {6, 2, 0, false}, {6, 3, 0, false}};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		struct vl_event event = datagram(false, 1),
				error = error_of_b(errors[i].type, errors[i].code);

		flow_end(state);
		flow_begin(state);
		event.family = error.family = errors[i].family;
		pass(1 * MS, false, event, 0, FAR);
		assert_int_equal(flows_add(flows, &error), 0);
		assert_int_equal(only()->error.n, 1);
		assert_int_equal(flow_state(only()),
				 errors[i].refuses ? FLOW_REFUSED : FLOW_UNANSWERED);
	}
}

/* The first record of a flow is a drop at a router that does not own its source. */
static void test_drop_first(void **state)
{
	const struct flow *flow;

	(void)state;
	drop(1 * MS, datagram(false, 1), NODE_R, "NETFILTER_DROP");
	flow = only();
	assert_false(flow->ways[0].seen);
	assert_int_equal(flow->ways[0].dropped, 1);
	assert_int_equal(flow->ways[0].sent.family, 4);
	assert_int_equal(flow->ways[0].sent.from_port, 40000);
	assert_int_equal(flow->ways[0].sent.to_port, 80);
	assert_memory_equal(flow->ways[0].sent.src, "\x0a\x00\x01\x01", 4);
	assert_memory_equal(flow->ways[0].sent.dst, "\x0a\x00\x02\x01", 4);
}

/* A way that was not seen keeps its place, and has the addresses of the other in reverse. */
static void test_one_way_json(void **state)
{
	json_t *one, *ways;

	for (unsigned side = 0; side < 2; side++) {
		flow_end(state);
		flow_begin(state);
		if (side)
			pass(1 * MS, true, packet(true, SEQ_B, 0, SEQ_A + 1, TCP_FLAG_SYN | A), 0,
			     FAR);
		else
			pass(1 * MS, false, packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN), 0, FAR);
		one = flow_as_json(only(), lab, 0);
		ways = json_object_get(one, "ways");
		assert_int_equal(json_array_size(ways), 2);
		for (unsigned i = 0; i < 2; i++) {
			json_t *at = json_array_get(ways, i);
			const char *from = json_string_value(
				json_object_get(json_object_get(at, "from"), "node"));

			assert_string_equal(from, i ? "b" : "a");
			assert_int_equal(json_integer_value(json_object_get(at, "packets")),
					 i == side);
		}
		json_decref(one);
	}
}

/* A retransmission that is lost before NAT and before the MSS is made smaller undoes neither. */
static void test_lost_before_nat(void **state)
{
	const struct flow_way *way;

	for (unsigned hops = 1; hops <= FAR; hops++) {
		struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN), clamped = syn;

		flow_end(state);
		flow_begin(state);
		with_nat = true;
		clamped.other.mss = 1000;
		pass(1 * MS, false, syn, 0, 2);
		pass(3 * MS, false, clamped, 2, FAR);
		syn.other.ip_id = ip_id++;
		pass(1001 * MS, false, syn, 0, hops < 2 ? hops : 2);
		clamped.other.ip_id = syn.other.ip_id;
		if (hops > 2)
			pass(1003 * MS, false, clamped, 2, hops);
		way = &only()->ways[0];
		assert_int_equal(way->packets, 2);
		assert_true(flow_is_translated(way));
		assert_int_equal(way->mss, 1460);
		assert_int_equal(way->mss_arriving, 1000);
	}
}

/* No node of the lab has the client's address: the router that hides it behind its own does not
 * send its packets. */
static void test_outside_behind_nat(void **state)
{
	struct vl_event event = datagram(false, 1);
	const struct flow_way *way;

	(void)state;
	with_nat = true;
	inet_pton(AF_INET, "192.0.2.9", event.src);
	pass(1 * MS, false, event, 1, FAR);
	event.payload = 2;
	pass(11 * MS, false, event, 1, FAR);
	way = &only()->ways[0];
	assert_int_equal(way->packets, 2);
	assert_int_equal(way->arrived, 2);
	assert_int_equal(way->strays, 0);
	assert_int_equal(way->copies, 0);
	assert_null(way->maker);
	assert_memory_equal(way->sent.src, "\xc0\x00\x02\x09", 4);
	assert_true(flow_is_translated(way));
}

/* Of 120 the oldest 20 leave, closed ones first. */
static void test_table(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 120; i++) {
		struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN),
				reset = packet(true, 0, 0, SEQ_A + 1, TCP_FLAG_RST | A);

		syn.other.from_port = reset.other.to_port = 1000 + i;
		pass((i * 10 + 1) * MS, false, syn, 0, FAR);
		if (i % 10 == 0)
			pass((i * 10 + 5) * MS, true, reset, 0, FAR);
	}
	assert_int_equal(flows_totals(flows).seen, 120);
	assert_int_equal(flows_totals(flows).left, 20);
	assert_int_equal(flows_totals(flows).left_open, 8);
	assert_int_equal(flows_totals(flows).chosen, 100);
	assert_null(flows_find(flows, 1));
	assert_null(flows_find(flows, 91)); /* it was over */
	assert_non_null(flows_find(flows, 120));
}

static void test_filter(void **state)
{
	const struct vl_filter filter = {.fields = VL_F_ANY | VL_F_DPORT, .dport = 1024};

	(void)state;
	with_nat = true;
	flows_choose(flows, &filter);
	shake_hands();
	assert_true(only()->chosen); /* by the port that NAT gave it */
	pass(1 * SECOND, false, datagram(false, 1), 0, FAR);
	assert_false(flows_find(flows, 2)->chosen);
	assert_int_equal(flows_totals(flows).chosen, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_closed),
		TEST(test_zero_window),
		TEST(test_reordered),
		TEST(test_gso),
		TEST(test_gro),
		TEST(test_refused),
		TEST(test_reset_by_router),
		TEST(test_ports_again),
		TEST(test_from_middle),
		TEST(test_udp),
		TEST(test_udp_refused),
		TEST(test_errors),
		TEST(test_reset_forwarded),
		TEST(test_error_forwarded),
		TEST(test_error_dropped),
		TEST(test_outside_behind_nat),
		TEST(test_lost_before_nat),
		TEST(test_drop_first),
		TEST(test_one_way_json),
		TEST(test_table),
		TEST(test_filter),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
