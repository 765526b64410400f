// SPDX-License-Identifier: GPL-2.0-only
/* test_flow_story.c - one flow, packet by packet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bpf/wire_other.h"
#include "tests/unit/flow_fixture.h"

static struct flow_story story;

static int begin(void **state)
{
	if (flow_begin(state))
		return -1;
	flows_follow(flows, 1);
	return 0;
}

static int end(void **state)
{
	flow_story_free(&story);
	return flow_end(state);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, end)

/* "a:x@0 r:w@1": hooks, and milliseconds since it was sent. */
static const char *hops_of(const struct flow_packet *packet)
{
	static char text[256];
	int len = 0;

	text[0] = 0;
	for (size_t i = 0; i < packet->n_hops; i++)
		len += snprintf(text + len, sizeof(text) - len, "%s%s@%llu", i ? " " : "",
				packet->hops[i].end->name,
				(unsigned long long)(packet->hops[i].time_ns - packet->time_ns) /
					MS);
	return text;
}

static const struct flow_packet *told(size_t n)
{
	flow_story_free(&story);
	assert_int_equal(flow_story_make(flows, only(), &story), 0);
	assert_int_equal(story.n_packets, n);
	assert_int_equal(story.left_out, 0);
	for (size_t i = 1; i < n; i++)
		assert_true(story.packets[i - 1].time_ns <= story.packets[i].time_ns);
	return story.packets;
}

static void check_handshake(const struct flow_packet *packets)
{
	static const char *const hops[] = {"a:x@0 r:w@1 r:e@2 b:y@3", "b:y@0 r:e@1 r:w@2 a:x@3",
					   "a:x@0 r:w@1 r:e@2 b:y@3"};

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(packets[i].time_ns, (1 + 10 * i) * MS);
		assert_int_equal(packets[i].way, i == 1);
		assert_int_equal(packets[i].arrived_ns, packets[i].time_ns + 3 * MS);
		assert_int_equal(packets[i].place.how, FLOW_LOST_NOWHERE);
		assert_string_equal(hops_of(&packets[i]), hops[i]);
	}
}

/* A segment is lost behind so many hooks at 101 ms, and sent again at 301; others follow for ten
 * seconds, or none does: what is told does not depend on what is still kept. */
static void test_repair(void **state)
{
	static const char *const hops[] = {"", "a:x@0", "a:x@0 r:w@1", "a:x@0 r:w@1 r:e@2"};

	for (unsigned hooks = 1; hooks < FAR; hooks++) {
		for (int more = 0; more < 2; more++) {
			const struct flow_packet *packets;

			end(state);
			begin(state);
			shake_hands();
			pass(101 * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, hooks);
			pass(301 * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, FAR);
			pass(311 * MS, true, packet(true, SEQ_B + 1, 0, DATA(1000), A), 0, FAR);
			for (unsigned i = 0; more && i < 100; i++) {
				pass((401ull + i * 100) * MS, false,
				     packet(false, DATA(1000 + i), 1, SEQ_B + 1, A), 0, FAR);
				pass((411ull + i * 100) * MS, true,
				     packet(true, SEQ_B + 1, 0, DATA(1001 + i), A), 0, FAR);
			}
			packets = told(5);
			check_handshake(packets);
			assert_int_equal(packets[3].time_ns, 101 * MS);
			assert_false(packets[3].again);
			assert_int_equal(packets[3].arrived_ns, 0);
			assert_int_equal(packets[3].settled, more);
			assert_int_equal(packets[3].place.how,
					 hooks == 2 ? FLOW_ENTERED : FLOW_LEFT);
			assert_string_equal(hops_of(&packets[3]), hops[hooks]);
			assert_null(packets[3].repair);
			assert_true(packets[4].again);
			assert_int_equal(packets[4].first_ns, 101 * MS);
			assert_int_equal(packets[4].arrived_ns, 304 * MS);
			assert_int_equal(packets[4].repair->verdict, FLOW_ORIGINAL_LOST);
			assert_null(story.decides);
		}
	}
}

/* Each SYN is lost; the last one decides. What a drop says has its time. */
static void test_no_answer(void **state)
{
	struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN);
	const struct flow_packet *packets;

	(void)state;
	pass(1 * MS, false, syn, 0, 2);
	drop(3 * MS, syn, NODE_R, "NETFILTER_DROP");
	for (unsigned i = 1; i < 3; i++) {
		syn.other.ip_id = ip_id++;
		pass(i * SECOND, false, syn, 0, 1);
	}
	packets = told(3);
	assert_int_equal(packets[0].dropped_ns, 3 * MS);
	assert_int_equal(packets[0].place.how, FLOW_DROPPED);
	assert_string_equal(packets[0].place.end->name, "r:w");
	assert_int_equal(packets[1].first_ns, 1 * MS);
	assert_int_equal(packets[2].first_ns, 1 * MS);
	assert_int_equal(packets[2].repair->original_ns, SECOND);
	assert_ptr_equal(story.decides, &packets[2]);
	flows_lost_records(flows, 1);
	packets = told(3);
	assert_int_equal(packets[0].place.how, FLOW_DROPPED);
	assert_int_equal(packets[1].place.how, FLOW_LOST_NOWHERE);
}

/* Of a SYN-ACK that dies, and of a RST. */
static void test_decides(void **state)
{
	const struct flow_packet *packets;

	pass(1 * MS, false, packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN), 0, FAR);
	pass(11 * MS, true, packet(true, SEQ_B, 0, SEQ_A + 1, TCP_FLAG_SYN | A), 0, 1);
	packets = told(2);
	assert_ptr_equal(story.decides, &packets[1]);
	assert_int_equal(packets[1].place.how, FLOW_LEFT);
	end(state);
	begin(state);
	shake_hands();
	pass(31 * MS, true, packet(true, SEQ_B + 1, 0, SEQ_A + 1, TCP_FLAG_RST | A), 0, FAR);
	pass(41 * MS, true, packet(true, SEQ_B + 1, 0, SEQ_A + 1, TCP_FLAG_RST | A), 0, FAR);
	packets = told(5);
	assert_ptr_equal(story.decides, &packets[3]);
}

/* Both ends: FINs are told, what went well between is not. */
static void test_end(void **state)
{
	const struct flow_packet *packets;
	struct vl_event fin;

	(void)state;
	shake_hands();
	pass(101 * MS, false, packet(false, DATA(0), 1000, SEQ_B + 1, A), 0, FAR);
	pass(111 * MS, true, packet(true, SEQ_B + 1, 0, DATA(1000), A | TCP_FLAG_FIN), 0, FAR);
	fin = packet(false, DATA(1000), 0, SEQ_B + 2, A | TCP_FLAG_FIN);
	pass(121 * MS, false, fin, 0, FAR);
	pass(131 * MS, true, packet(true, SEQ_B + 2, 0, DATA(1001), A), 0, FAR);
	packets = told(5);
	assert_int_equal(packets[3].time_ns, 111 * MS);
	assert_int_equal(packets[4].time_ns, 121 * MS);
	drop(135 * MS, fin, NODE_B, "QUEUE_PURGE"); /* it waited in the socket that is freed */
	packets = told(5);
	assert_int_equal(packets[4].place.how, FLOW_LOST_NOWHERE);
	assert_int_equal(only()->ways[0].dropped, 0);
	assert_int_equal(flow_state(only()), FLOW_CLOSED);
	assert_null(story.decides);
}

/* UDP: the first of each way, and what was lost. */
static void test_datagrams(void **state)
{
	const struct flow_packet *packets;

	(void)state;
	pass(1 * MS, false, datagram(false, 1), 0, FAR);
	pass(11 * MS, true, datagram(true, 2), 0, FAR);
	pass(21 * MS, false, datagram(false, 3), 0, FAR);
	pass(31 * MS, false, datagram(false, 4), 0, 3);
	pass(5 * SECOND, true, datagram(true, 5), 0, FAR);
	packets = told(3);
	assert_null(packets[0].repair);
	assert_int_equal(packets[1].way, 1);
	assert_int_equal(packets[2].time_ns, 31 * MS);
	assert_int_equal(packets[2].place.how, FLOW_LEFT);
	assert_int_equal(packets[2].repair->verdict, FLOW_ORIGINAL_LOST);
}

/* It stays in a table of one, where others have to leave; what is not followed has no story. */
static void test_stays(void **state)
{
	end(state);
	flows = flows_new(lab, 2);
	flows_follow(flows, 1);
	shake_hands();
	pass(31 * MS, true, packet(true, SEQ_B + 1, 0, SEQ_A + 1, TCP_FLAG_RST | A), 0, FAR);
	for (unsigned i = 0; i < 5; i++) {
		struct vl_event syn = packet(false, SEQ_A, 0, 0, TCP_FLAG_SYN);

		syn.other.from_port += 1 + i;
		pass((41 + i) * MS, false, syn, 0, 1);
	}
	assert_int_equal(flows_totals(flows).left, 4);
	assert_int_equal(flows_judge(flows), 0);
	assert_non_null(flows_find(flows, 1));
	assert_int_equal(flow_story_make(flows, flows_find(flows, 1), &story), 0);
	assert_int_equal(story.n_packets, 4);
	assert_int_equal(flow_story_make(flows, flows_find(flows, 6), &story), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(test_repair), STORY(test_no_answer), STORY(test_decides),
		STORY(test_end),    STORY(test_datagrams), STORY(test_stays),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
