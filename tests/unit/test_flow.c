// SPDX-License-Identifier: GPL-2.0-only
/* test_flow.c - records become flows: counts, states, what was sent again and why, round trips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "bpf/wire_other.h"
#include "tests/unit/story_fixture.h"
#include "user/flow/flow.h"

enum { MS = 1000000, FAR = 4 };
#define SECOND (1000ull * MS)

/* The way from a to b, and back. */
static const struct {
	unsigned end;
	enum vl_hook hook;
} way[2][4] = {{{A_X, VL_HOOK_OUT}, {R_W, VL_HOOK_IN}, {R_E, VL_HOOK_OUT}, {B_Y, VL_HOOK_IN}},
	       {{B_Y, VL_HOOK_OUT}, {R_E, VL_HOOK_IN}, {R_W, VL_HOOK_OUT}, {A_X, VL_HOOK_IN}}};

static struct flows *flows;
static uint16_t ip_id;
static bool with_nat;

static int begin(void **state)
{
	(void)state;
	flows = flows_new(lab, 100);
	ip_id = 1;
	with_nat = false;
	return flows ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	flows_free(flows);
	return 0;
}

static struct vl_event packet(bool back, uint32_t seq, uint32_t bytes, uint32_t ack, uint8_t flags)
{
	struct vl_event event = {.family = 4,
				 .ttl = 64,
				 .len = bytes + 66,
				 .flags = VL_EV_OTHER,
				 .other = {.ethertype = WIRE_IPV4,
					   .protocol = PROTO_TCP,
					   .tcp_flags = flags,
					   .from_port = back ? 80 : 40000,
					   .to_port = back ? 40000 : 80,
					   .seq = seq,
					   .ack = ack,
					   .bytes = bytes,
					   .window = 500,
					   .has_window = 1,
					   .mss = flags & TCP_FLAG_SYN ? 1460 : 0,
					   .segments = 1,
					   .ip_id = ip_id++}};

	inet_pton(AF_INET, back ? "10.0.2.1" : "10.0.1.1", event.src);
	inet_pton(AF_INET, back ? "10.0.1.1" : "10.0.2.1", event.dst);
	return event;
}

/* r hides a behind its own address: as a record shows the packet at a hook of the way. */
static void translate(struct vl_event *event, bool back, unsigned hop)
{
	if (!with_nat || (hop < 2) != back)
		return;
	inet_pton(AF_INET, "10.0.2.254", back ? event->dst : event->src);
	*(back ? &event->other.to_port : &event->other.from_port) = 1024;
}

/* The packet passes so many hooks of its way, a millisecond after each other. */
static void pass(uint64_t time_ns, bool back, struct vl_event event, unsigned from, unsigned to)
{
	for (unsigned hop = from; hop < to; hop++) {
		struct vl_event seen = event;

		seen.time_ns = time_ns + (hop - from) * MS;
		seen.end = way[back][hop].end;
		seen.hook = way[back][hop].hook;
		translate(&seen, back, hop);
		assert_int_equal(flows_add(flows, &seen), 0);
	}
}

static void drop(uint64_t time_ns, struct vl_event event, unsigned node, const char *reason)
{
	struct vl_drop record = {.packet = event, .node = node};

	record.packet.time_ns = time_ns;
	record.packet.hook = VL_HOOKS;
	record.packet.end = VL_NO_END;
	assert_int_equal(flows_add_drop(flows, &record, reason, "some_function"), 0);
}

#define A	 TCP_FLAG_ACK
#define SEQ_A	 0xffffff00u /* so that it wraps */
#define SEQ_B	 5000u
#define DATA(at) (SEQ_A + 1 + (at))

/* SYN at 1, SYN-ACK at 11, ACK at 21 ms. */
static void shake_hands(void)
{
	pass(1 * MS, false, packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN), 0, FAR);
	pass(11 * MS, true, packet(true, SEQ_B, 0, SEQ_A + 1, TCP_FLAG_SYN | A), 0, FAR);
	pass(21 * MS, false, packet(false, SEQ_A + 1, 0, SEQ_B + 1, A), 0, FAR);
}

static const struct flow *only(void)
{
	const struct flow *flow = flows_next(flows, NULL);

	assert_int_equal(flows_judge(flows), 0);
	assert_non_null(flow);
	assert_null(flows_next(flows, flow));
	assert_ptr_equal(flows_find(flows, 1), flow);
	return flow;
}

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
			end(state);
			begin(state);
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

		end(state);
		begin(state);
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
	tally = &only()->tallies[0];
	assert_int_equal(only()->ways[0].packets, 4);
	assert_int_equal(only()->ways[0].segments, 2 + 64 + 1);
	assert_int_equal(only()->ways[0].gso, 1);
	assert_int_equal(only()->ways[0].payload, 65000);
	assert_int_equal(only()->ways[0].wire, 65000 + 67 * 66);
	assert_int_equal(only()->ways[0].copies, 0);
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

static struct vl_event datagram(bool back, uint64_t content)
{
	struct vl_event event = packet(back, 0, 20, 0, 0);

	event.flags |= VL_EV_PAYLOAD;
	event.payload = content;
	event.other.protocol = PROTO_UDP;
	event.other.ip_id = 0;
	event.other.mss = event.other.window = event.other.has_window = 0;
	return event;
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

static void test_udp_refused(void **state)
{
	struct vl_event error = {.family = 4,
				 .icmp_type = 3,
				 .icmp_code = 3,
				 .hook = VL_HOOK_OUT,
				 .end = B_Y,
				 .time_ns = 5 * MS,
				 .flags = VL_EV_QUOTED,
				 .quote = {.proto = PROTO_UDP, .id = 40000, .seq = 80}};

	(void)state;
	pass(1 * MS, false, datagram(false, 1), 0, FAR);
	inet_pton(AF_INET, "10.0.1.1", error.quote.src);
	inet_pton(AF_INET, "10.0.2.1", error.quote.dst);
	assert_int_equal(flows_add(flows, &error), 0);
	assert_int_equal(flow_state(only()), FLOW_REFUSED);
	assert_string_equal(only()->error.by->name, "b");
	assert_int_equal(only()->error.n, 1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_closed),	TEST(test_original_lost),
		TEST(test_dropped),	TEST(test_lost_records),
		TEST(test_ack_lost),	TEST(test_spurious),
		TEST(test_not_acked),	TEST(test_ack_late),
		TEST(test_behind_hole), TEST(test_alike),
		TEST(test_zero_window), TEST(test_reordered),
		TEST(test_gso),		TEST(test_gro),
		TEST(test_refused),	TEST(test_reset_by_router),
		TEST(test_ports_again), TEST(test_from_middle),
		TEST(test_udp),		TEST(test_udp_refused),
		TEST(test_table),	TEST(test_filter),
		TEST(test_syn_lost),	TEST(test_fast),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
