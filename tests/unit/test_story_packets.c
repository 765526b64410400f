// SPDX-License-Identifier: GPL-2.0-only
/* test_story_packets.c - itineraries of packets that are no ICMP: content joins them, over NAT,
 * parts and drops; what is not the same packet stays apart, and copies are said to be such. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "bpf/wire_other.h"
#include "tests/unit/story_fixture.h"

static void masquerade(struct vl_event *event)
{
	inet_pton(AF_INET, "10.0.2.254", event->src);
	event->other.from_port = 1024;
}

static void check_way(struct story *story)
{
	static const enum step steps[] = {STEP_FIRST, STEP_LINK, STEP_NODE, STEP_LINK};
	const struct itinerary *it = first_of(story);

	assert_int_equal(it->n_hops, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(it->hops[i].step, steps[i]);
		assert_int_equal(it->hops[i].from, i - 1);
	}
	assert_int_equal(it->fate, FATE_DELIVERED);
	assert_string_equal(it->origin->name, "a");
	assert_int_equal(it->alike, 0);
}

static void test_ways(void **state)
{
	(void)state;
	for (int udp = 0; udp < 2; udp++) {
		for (int nat = 0; nat < 2; nat++) {
			struct vl_event e[4] = {
				segment(1, A_X, VL_HOOK_OUT, 64, 5, udp ? 0 : 100),
				segment(2, R_W, VL_HOOK_IN, 64, 5, udp ? 0 : 100),
				segment(3, R_E, VL_HOOK_OUT, 63, 5, udp ? 0 : 100),
				segment(4, B_Y, VL_HOOK_IN, 63, 5, udp ? 0 : 100),
			};
			struct story *story;

			for (int i = 0; udp && i < 4; i++)
				e[i] = datagram_record(e[i].time_ns, e[i].end, e[i].hook, e[i].ttl);
			if (nat) {
				masquerade(&e[2]);
				masquerade(&e[3]);
			}
			story = story_of(e, 4, 1);
			check_way(story);
			assert_int_equal(first_of(story)->hops[2].translated, nat);
			assert_false(first_of(story)->hops[3].translated);
			story_free(story);
		}
	}
}

/* GSO: what left as one arrives in parts; all of them are needed. */
static void test_parts(void **state)
{
	struct vl_event e[] = {
		segment(1, A_X, VL_HOOK_OUT, 64, 0xffffff00, 3000),
		segment(2, R_W, VL_HOOK_IN, 64, 0xffffff00, 3000),
		segment(3, R_E, VL_HOOK_OUT, 63, 0xffffff00, 1000),
		segment(4, B_Y, VL_HOOK_IN, 63, 0xffffff00, 1000),
		segment(5, R_E, VL_HOOK_OUT, 63, 0xffffff00 + 1000, 1000),
		segment(6, B_Y, VL_HOOK_IN, 63, 0xffffff00 + 1000, 1000),
		segment(7, R_E, VL_HOOK_OUT, 63, 0xffffff00 + 2000, 1000),
		segment(8, B_Y, VL_HOOK_IN, 63, 0xffffff00 + 2000, 1000),
	};
	struct story *story;

	(void)state;
	e[0].other.segments = e[1].other.segments = 3;
	for (int i = 4; i < 8; i++)
		e[i].other.ip_id = 100 + (i - 2) / 2;
	story = story_of(e, 8, 1);
	assert_int_equal(first_of(story)->fate, FATE_DELIVERED);
	assert_int_equal(first_of(story)->hops[7].from, 6);
	assert_true(hop_is_part(&first_of(story)->hops[2], &first_of(story)->hops[1]));
	for (int i = 0; i < 8; i++) {
		assert_false(first_of(story)->hops[i].branch);
		assert_false(first_of(story)->hops[i].again);
	}
	story_free(story);
	story = story_of(e, 7, 1); /* the last one does not arrive */
	assert_int_equal(first_of(story)->fate, FATE_LOST);
	story_free(story);
}

/* Numbers that no packet has: half of all sequence numbers, and data that goes round. */
static void test_far(void **state)
{
	struct vl_event e[] = {
		segment(1, A_X, VL_HOOK_OUT, 64, 0, UINT32_MAX),
		segment(2, R_W, VL_HOOK_IN, 64, 0x80000000, UINT32_MAX),
		segment(3, R_E, VL_HOOK_OUT, 63, 0x7fffffff, 0x7fffffff),
	};
	struct story *story = story_new(lab);

	(void)state;
	assert_non_null(story);
	for (int i = 0; i < 3; i++)
		assert_int_equal(story_add(story, &e[i]), 1);
	while (story_in_flight(story))
		story_forget(story, first_of(story));
	story_free(story);
}

static void test_apart(void **state)
{
	struct vl_event first = segment(1, A_X, VL_HOOK_OUT, 64, 5, 100), other = first;
	struct story *story;

	(void)state;
	other.time_ns = 2;
	other.other.ip_id = 101; /* sent again */
	story = story_of((struct vl_event[]){first, other}, 2, 2);
	story_free(story);
	other = first;
	other.time_ns = 2;
	other.other.tsval = 1; /* likewise, where the timestamps tell it */
	story = story_of((struct vl_event[]){first, other}, 2, 2);
	story_free(story);
	other = first;
	other.other.seq += 100;
	story = story_of((struct vl_event[]){first, other}, 2, 2);
	story_free(story);

	/* The same question of two hosts: not behind NAT, since it never came to c. */
	first = datagram_record(1, A_X, VL_HOOK_OUT, 64);
	other = datagram_record(2, C_Z, VL_HOOK_OUT, 64);
	inet_pton(AF_INET, "10.0.1.9", other.src);
	story = story_of((struct vl_event[]){first, other}, 2, 2);
	story_free(story);
}

/* The same datagram twice, without an identification: nobody can tell which is which. */
static void test_alike(void **state)
{
	struct vl_event e[] = {
		datagram_record(1, A_X, VL_HOOK_OUT, 64),
		datagram_record(2, R_W, VL_HOOK_IN, 64),
		datagram_record(3, A_X, VL_HOOK_OUT, 64),
		datagram_record(4, R_W, VL_HOOK_IN, 64),
	};
	struct story *story = story_of(e, 4, 1);

	(void)state;
	assert_int_equal(first_of(story)->alike, 1);
	assert_int_equal(first_of(story)->fate, FATE_LOST);
	story_free(story);
	e[2].other.ip_id = e[3].other.ip_id = 9;
	story = story_of(e, 4, 2);
	assert_int_equal(first_of(story)->alike, 0);
	story_free(story);
}

static void turn_round(struct vl_event *event)
{
	uint16_t port = event->other.from_port;
	uint8_t src[16];

	memcpy(src, event->src, 16);
	memcpy(event->src, event->dst, 16);
	memcpy(event->dst, src, 16);
	event->other.from_port = event->other.to_port;
	event->other.to_port = port;
}

/* A server that sends back what it got, also behind NAT: the answer is no part of the request. */
static void test_answers(void **state)
{
	(void)state;
	for (int nat = 0; nat < 2; nat++) {
		struct vl_event e[8] = {
			datagram_record(1, A_X, VL_HOOK_OUT, 64),
			datagram_record(2, R_W, VL_HOOK_IN, 64),
			datagram_record(3, R_E, VL_HOOK_OUT, 63),
			datagram_record(4, B_Y, VL_HOOK_IN, 63),
			datagram_record(5, B_Y, VL_HOOK_OUT, 64),
			datagram_record(6, R_E, VL_HOOK_IN, 64),
			datagram_record(7, R_W, VL_HOOK_OUT, 63),
			datagram_record(8, A_X, VL_HOOK_IN, 63),
		};
		struct story *story;

		for (int i = 2; nat && i < 6; i++)
			masquerade(&e[i]);
		for (int i = 4; i < 8; i++)
			turn_round(&e[i]);
		story = story_of(e, 8, 2);
		check_way(story);
		story_forget(story, first_of(story));
		assert_int_equal(first_of(story)->n_hops, 4);
		assert_int_equal(first_of(story)->hops[2].translated, nat);
		assert_int_equal(first_of(story)->fate, FATE_DELIVERED);
		assert_string_equal(first_of(story)->origin->name, "b");
		assert_int_equal(first_of(story)->alike, 0);
		story_free(story);
	}
}

/* Two clients behind NAT ask the same: what is in r at once cannot be told apart there. */
static void test_rivals(void **state)
{
	struct vl_event e[] = {
		datagram_record(1, R_W, VL_HOOK_IN, 64),
		datagram_record(2, R_E, VL_HOOK_OUT, 63),
		datagram_record(3, R_W, VL_HOOK_IN, 64),
		datagram_record(4, R_E, VL_HOOK_OUT, 63),
	};
	struct story *story;

	(void)state;
	inet_pton(AF_INET, "10.0.1.9", e[2].src);
	masquerade(&e[1]);
	masquerade(&e[3]);
	e[3].other.from_port++;
	story = story_of(e, 4, 2); /* one after the other */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(first_of(story)->n_hops, 2);
		assert_int_equal(first_of(story)->alike, 0);
		story_forget(story, first_of(story));
	}
	story_free(story);
	e[1].time_ns = 3;
	e[2].time_ns = 2;
	story = story_of((struct vl_event[]){e[0], e[2], e[1], e[3]}, 4, 4);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(first_of(story)->n_hops, 1);
		assert_int_equal(first_of(story)->alike, 1);
		story_forget(story, first_of(story));
	}
	story_free(story);
}

/* So many of one content that not all are looked at: each is said to be one of many. */
static void test_flood(void **state)
{
	enum { CLIENTS = 70 };
	struct story *story = story_new(lab);

	(void)state;
	assert_non_null(story);
	for (int i = 0; i < CLIENTS; i++) {
		struct vl_event event = datagram_record(i + 1, R_W, VL_HOOK_IN, 64);

		event.src[3] = i + 1;
		assert_int_equal(story_add(story, &event), 1);
	}
	assert_int_equal(story_in_flight(story), CLIENTS);
	while (story_in_flight(story)) {
		assert_true(first_of(story)->alike >= 64);
		story_forget(story, first_of(story));
	}
	story_free(story);
}

static void test_drops(void **state)
{
	struct vl_event e[] = {segment(1, A_X, VL_HOOK_OUT, 64, 5, 0),
			       segment(2, R_W, VL_HOOK_IN, 64, 5, 0)};
	struct vl_drop drop = {.packet = segment(3, R_W, VL_HOOKS, 64, 5, 0), .node = NODE_R};
	struct story *story = story_of(e, 2, 1);

	(void)state;
	assert_int_equal(story_add_drop(story, &drop, "NETFILTER_DROP", "nft_do_chain"), 1);
	assert_int_equal(story_in_flight(story), 1);
	assert_int_equal(first_of(story)->fate, FATE_DROPPED);
	assert_int_equal(first_of(story)->death, 0);
	assert_ptr_equal(first_of(story)->drops[0].node, lab->nodes[NODE_R]);
	story_free(story);

	/* The receiver had the data before: that is no loss (pitfall 40). */
	e[0] = segment(1, A_K, VL_HOOK_OUT, 64, 5, 100);
	e[1] = segment(2, B_K, VL_HOOK_IN, 64, 5, 100);
	drop = (struct vl_drop){.packet = segment(3, B_K, VL_HOOKS, 64, 5, 100), .node = NODE_B};
	story = story_of(e, 2, 1);
	assert_int_equal(story_add_drop(story, &drop, "TCP_OLD_DATA", "tcp_data_queue"), 1);
	assert_true(first_of(story)->drops[0].harmless);
	assert_int_equal(first_of(story)->fate, FATE_DELIVERED);
	story_free(story);
}

/* The fate of a packet that crosses one link and is dropped by nobody. */
static enum fate fate_of(struct vl_event event, unsigned from, unsigned to)
{
	struct vl_event arrived = event;
	enum fate fate;
	struct story *story;

	event.end = from;
	event.hook = VL_HOOK_OUT;
	arrived.time_ns++;
	arrived.end = to;
	arrived.hook = VL_HOOK_IN;
	story = story_of((struct vl_event[]){event, arrived}, 2, 1);
	fate = first_of(story)->fate;
	story_free(story);
	return fate;
}

static void test_arrivals(void **state)
{
	struct vl_event event = {
		.time_ns = 1, .flags = VL_EV_OTHER, .other = {.ethertype = 0x8847, .segments = 1}};
	struct vl_event arp = {.time_ns = 1,
			       .family = 4,
			       .flags = VL_EV_OTHER,
			       .other = {.ethertype = WIRE_ARP, .operation = 1, .segments = 1}};

	(void)state;
	/* Neither IP nor ARP: by MAC addresses. */
	memcpy(event.dst, "\x02\0\0\0\0\x01", 6);
	assert_int_equal(fate_of(event, A_X, R_W), FATE_DELIVERED);
	assert_int_equal(fate_of(event, C_Z, BR_0), FATE_LOST); /* not passed on */
	memcpy(event.dst, "\x01\x80\xc2\0\0\x0e", 6);
	assert_int_equal(fate_of(event, C_Z, BR_0), FATE_DELIVERED);

	/* ARP that tells of an address that it has, or will have; one that nobody has. */
	inet_pton(AF_INET, "10.0.1.9", arp.dst);
	assert_int_equal(fate_of(arp, A_X, R_W), FATE_DELIVERED);
	memcpy(arp.src, arp.dst, 4);
	assert_int_equal(fate_of(arp, A_X, R_W), FATE_DELIVERED);
	inet_pton(AF_INET, "10.0.1.1", arp.src);
	assert_int_equal(fate_of(arp, A_X, R_W), FATE_LOST);

	/* The broadcast address of a network, to one in it and to another. */
	event = datagram_record(1, A_X, VL_HOOK_OUT, 64);
	inet_pton(AF_INET, "10.0.1.255", event.dst);
	assert_int_equal(fate_of(event, A_X, R_W), FATE_DELIVERED);
	assert_int_equal(fate_of(event, A_K, B_K), FATE_LOST);
}

/* What TCP frees without a reason: only a FIN is known to have been taken. */
static void test_without_reason(void **state)
{
	(void)state;
	for (int fin = 0; fin < 2; fin++) {
		uint8_t flags = TCP_FLAG_ACK | (fin ? TCP_FLAG_FIN : 0);
		struct vl_event e[] = {segment(1, A_K, VL_HOOK_OUT, 64, 5, 0),
				       segment(2, B_K, VL_HOOK_IN, 64, 5, 0)};
		struct vl_drop drop = {.packet = segment(3, B_K, VL_HOOKS, 64, 5, 0),
				       .node = NODE_B};
		struct story *story;

		e[0].other.tcp_flags = e[1].other.tcp_flags = flags;
		drop.packet.other.tcp_flags = flags;
		inet_pton(AF_INET, "10.0.4.2", e[0].dst);
		memcpy(e[1].dst, e[0].dst, 4);
		memcpy(drop.packet.dst, e[0].dst, 4);
		story = story_of(e, 2, 1);
		assert_int_equal(story_add_drop(story, &drop, "NOT_SPECIFIED", "tcp_v4_rcv"), 1);
		assert_int_equal(first_of(story)->fate, fin ? FATE_DELIVERED : FATE_DROPPED);
		story_free(story);
	}
}

/* A group, of which c listens, d has no socket and e is no member. */
static void test_groups(void **state)
{
	static const unsigned ends[] = {BR_1, D_Z, BR_2, E_Z};
	struct vl_event e[6] = {datagram_record(1, C_Z, VL_HOOK_OUT, 1),
				datagram_record(2, BR_0, VL_HOOK_IN, 1)};
	struct vl_drop drop = {.packet = datagram_record(7, D_Z, VL_HOOKS, 1), .node = NODE_D};
	struct story *story;

	(void)state;
	for (int i = 0; i < 4; i++)
		e[i + 2] = datagram_record(i + 3, ends[i], i % 2 ? VL_HOOK_IN : VL_HOOK_OUT, 1);
	for (int i = 0; i < 6; i++)
		inet_pton(AF_INET, "239.1.1.1", e[i].dst);
	inet_pton(AF_INET, "239.1.1.1", drop.packet.dst);
	story = story_of(e, 6, 1);
	assert_int_equal(story_add_drop(story, &drop, "NO_SOCKET", "__udp4_lib_mcast_deliver"), 1);
	assert_true(first_of(story)->drops[0].harmless);
	assert_int_equal(first_of(story)->fate, FATE_DELIVERED);
	/* Nobody else took it. */
	drop.node = NODE_E;
	drop.packet.end = E_Z;
	drop.packet.time_ns = 8;
	assert_int_equal(story_add_drop(story, &drop, "NO_SOCKET", "__udp4_lib_mcast_deliver"), 1);
	assert_false(first_of(story)->drops[0].harmless);
	assert_int_equal(first_of(story)->fate, FATE_DROPPED);
	story_free(story);

	story = story_of(e, 6, 1);
	assert_int_equal(story_add_drop(story, &drop, "NOT_SPECIFIED", "ip_rcv_finish_core"), 1);
	assert_true(first_of(story)->drops[0].harmless);
	assert_true(drop_is_multicast(&first_of(story)->drops[0]));
	story_free(story);
}

static void test_arp(void **state)
{
	struct vl_event asks = {.time_ns = 1,
				.end = A_X,
				.hook = VL_HOOK_OUT,
				.family = 4,
				.flags = VL_EV_OTHER | VL_EV_PAYLOAD,
				.payload = 0x1122,
				.other = {.ethertype = WIRE_ARP, .operation = 1, .segments = 1}},
			answers = asks, e[4];
	struct story *story;

	(void)state;
	inet_pton(AF_INET, "10.0.1.1", asks.src);
	inet_pton(AF_INET, "10.0.1.254", asks.dst);
	memcpy(answers.src, asks.dst, 16);
	memcpy(answers.dst, asks.src, 16);
	answers.other.operation = 2;
	answers.payload = 0x3344;
	for (int i = 0; i < 4; i++) {
		e[i] = i < 2 ? asks : answers;
		e[i].time_ns = i + 1;
		e[i].end = i == 0 || i == 3 ? A_X : R_W;
		e[i].hook = i % 2 ? VL_HOOK_IN : VL_HOOK_OUT;
	}
	story = story_of(e, 4, 2);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(first_of(story)->n_hops, 2);
		assert_int_equal(first_of(story)->packet.other.operation, i + 1);
		story_forget(story, first_of(story));
	}
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ways),	 cmocka_unit_test(test_parts),
		cmocka_unit_test(test_apart),	 cmocka_unit_test(test_alike),
		cmocka_unit_test(test_drops),	 cmocka_unit_test(test_arp),
		cmocka_unit_test(test_answers),	 cmocka_unit_test(test_rivals),
		cmocka_unit_test(test_flood),	 cmocka_unit_test(test_far),
		cmocka_unit_test(test_arrivals), cmocka_unit_test(test_without_reason),
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
