// SPDX-License-Identifier: GPL-2.0-only
/* test_story_stack.c - what stacks do joins the story of the echo that it was done for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/render/act_text.h"
#include "user/render/itinerary_text.h"
#include "user/trace/recording.h"
#include "user/story/record_queue.h"
#include "user/story/story.h"

static const char lab_text[] = "lab: stacks\n"
			       "nodes:\n"
			       "  a: {}\n"
			       "  r: {forward: true}\n"
			       "  b: {}\n"
			       "links:\n"
			       "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24}, "
			       "{end: 'r:w', address: 10.0.1.2/24}]\n"
			       "  - endpoints: [{end: 'r:e', address: 10.0.2.1/24}, "
			       "{end: 'b:y', address: 10.0.2.2/24}]\n";

enum { A_X, R_W, R_E, B_Y };
enum { NODE_A, NODE_R, NODE_B };

static const uint8_t address_a[4] = {10, 0, 1, 1}, address_r[4] = {10, 0, 1, 2},
		     address_r_e[4] = {10, 0, 2, 1}, address_b[4] = {10, 0, 2, 2};

static struct lab *lab;
static struct story *story;

static int setup(void **state)
{
	struct diags diags = {0};

	(void)state;
	lab = lab_read_text(lab_text, sizeof(lab_text) - 1, "stacks.yaml", &diags);
	diags_free(&diags);
	return lab ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	return 0;
}

static int begin(void **state)
{
	(void)state;
	story = story_new(lab);
	return story ? 0 : -1;
}

static int finish(void **state)
{
	(void)state;
	story_free(story);
	return 0;
}

/* ---- records --------------------------------------------------------------------------------- */

static struct vl_event packet(uint64_t time_ns, uint16_t seq)
{
	struct vl_event event = {.time_ns = time_ns,
				 .payload = 0x1122334455660000 + seq,
				 .end = VL_NO_END,
				 .len = 98,
				 .hook = VL_HOOKS,
				 .family = 4,
				 .icmp_type = 8,
				 .ttl = 64,
				 .flags = VL_EV_PAYLOAD,
				 .id = 7,
				 .seq = seq};

	memcpy(event.src, address_a, 4);
	memcpy(event.dst, address_b, 4);
	return event;
}

static void seen(uint64_t time_ns, uint16_t seq, unsigned end, enum vl_hook hook)
{
	struct vl_event event = packet(time_ns, seq);

	event.end = end;
	event.hook = hook;
	assert_int_equal(story_add(story, &event), 1);
}

static struct vl_stack done(uint64_t time_ns, unsigned node, enum vl_stack_kind kind)
{
	struct vl_stack record = {.at = {.packet = packet(time_ns, 1), .node = node, .kind = kind},
				  .name = "dev"};

	return record;
}

static struct vl_stack loose(uint64_t time_ns, unsigned node, enum vl_stack_kind kind)
{
	struct vl_stack record = done(time_ns, node, kind);

	record.at.packet.flags = VL_EV_LOOSE;
	record.at.packet.id = record.at.packet.seq = 0;
	return record;
}

static void add(const struct vl_stack *record)
{
	assert_int_equal(story_add_stack(story, record, "", ""), 1);
}

static void sends(uint64_t time_ns)
{
	struct vl_stack record = loose(time_ns, NODE_A, VL_STACK_ROUTE);

	record.what = VL_ROUTE_SEND;
	record.table = 254;
	record.next_family = 4;
	memcpy(record.next, address_r, 4);
	add(&record);
}

static void name_neighbor(struct vl_stack *record, unsigned end, enum vl_neighbor_news news)
{
	record->what = news;
	record->next_family = 4;
	record->at.packet.end = end;
	record->at.ifindex = 100 + end;
	memcpy(record->next, address_b, 4);
	if (news >= VL_NEIGHBOR_ANSWERED)
		memcpy(record->mac, "\x02\0\0\0\0\x01", 6);
}

static void neighbor(uint64_t time_ns, unsigned node, unsigned end, enum vl_neighbor_news news)
{
	struct vl_stack record = loose(time_ns, node, VL_STACK_NEIGHBOR);

	name_neighbor(&record, end, news);
	add(&record);
}

/* As recordings of old have it: the kernel's own count, which begins at 3 with the first question.
 */
static void probed(uint64_t time_ns, enum vl_neighbor_news news, unsigned probes)
{
	struct vl_stack record = loose(time_ns, NODE_R, VL_STACK_NEIGHBOR);

	name_neighbor(&record, R_E, news);
	record.code = probes;
	add(&record);
}

/* Echo 1 begins to wait in r; n: how often r has asked by then. */
static void queued(uint64_t time_ns, unsigned n)
{
	struct vl_stack record = done(time_ns, NODE_R, VL_STACK_NEIGHBOR);

	name_neighbor(&record, R_E, VL_NEIGHBOR_ASKED);
	record.asked = n;
	add(&record);
}

/* A node drops a question of r for b, or the answer. */
static void question(uint64_t time_ns, unsigned node, unsigned end, enum vl_question_part part,
		     const char *reason, const char *function)
{
	struct vl_stack record = loose(time_ns, node, VL_STACK_QUESTION);
	bool asks = part == VL_QUESTION_ASKS;

	name_neighbor(&record, end, VL_NEIGHBOR_ASKED);
	record.what = part;
	memcpy(asks ? record.at.packet.src : record.at.packet.dst, address_r_e, 4);
	memcpy(asks ? record.at.packet.dst : record.at.packet.src, address_b, 4);
	assert_int_equal(story_add_stack(story, &record, reason, function), 1);
}

static const struct itinerary *told(uint16_t seq)
{
	const struct itinerary *itinerary = story_itinerary(story, 4, 7, seq);

	assert_non_null(itinerary);
	return itinerary;
}

static void assert_act(const struct itinerary *itinerary, size_t i, const char *node,
		       const char *text)
{
	char buf[ACT_TEXT_SIZE];

	assert_true(i < itinerary->n_acts);
	assert_string_equal(itinerary->acts[i].node->name, node);
	assert_string_equal(act_text(&itinerary->acts[i], buf), text);
}

/* ---- tests ----------------------------------------------------------------------------------- */

/* A look-up whose packet the kernel knows stands between the hops where it was. */
static void test_forwarded(void **state)
{
	struct vl_stack record = done(1500, NODE_R, VL_STACK_ROUTE);
	const struct itinerary *itinerary;

	(void)state;
	record.table = 254;
	seen(1000, 1, A_X, VL_HOOK_OUT);
	add(&record);
	seen(1200, 1, R_W, VL_HOOK_IN);
	seen(2000, 1, R_E, VL_HOOK_OUT);
	itinerary = told(1);
	assert_int_equal(itinerary->n_hops, 3);
	assert_int_equal(itinerary->n_acts, 1);
	assert_act(itinerary, 0, "r", "route to 10.0.2.2: main, dev dev");
	assert_int_equal(itinerary->acts[0].at_ns, 500);
	assert_false(itinerary->acts[0].before);
	assert_false(itinerary->acts[0].bad);
}

/* Of two echoes to one address, each has the look-up right before it, and none has both. */
static void test_sent(void **state)
{
	(void)state;
	sends(900);
	seen(1000, 1, A_X, VL_HOOK_OUT);
	sends(5000000);
	seen(5000100, 2, A_X, VL_HOOK_OUT);
	for (int seq = 1; seq <= 2; seq++) {
		const struct itinerary *itinerary = told(seq);

		assert_int_equal(itinerary->n_acts, 1);
		assert_act(itinerary, 0, "a", "route to 10.0.2.2: main, via 10.0.1.2 dev dev");
		assert_true(itinerary->acts[0].before);
		assert_int_equal(itinerary->acts[0].record.at.packet.time_ns,
				 seq == 1 ? 900 : 5000000);
	}
}

/* The look-up of another node, to another address, or after the packet left is not its own. */
static void test_not_its_look_up(void **state)
{
	struct vl_stack other = loose(900, NODE_R, VL_STACK_ROUTE);
	struct vl_stack elsewhere = loose(900, NODE_A, VL_STACK_ROUTE);

	(void)state;
	add(&other);
	memcpy(elsewhere.at.packet.dst, address_r, 4);
	add(&elsewhere);
	sends(1100);
	seen(1000, 1, A_X, VL_HOOK_OUT);
	assert_int_equal(told(1)->n_acts, 0);
}

/* All questions for one neighbour are one act; asking may be told after the answer came. */
static void test_answered(void **state)
{
	const struct itinerary *itinerary;

	(void)state;
	seen(1000, 1, A_X, VL_HOOK_OUT);
	seen(1200, 1, R_W, VL_HOOK_IN);
	neighbor(31200, NODE_R, R_E, VL_NEIGHBOR_ANSWERED);
	seen(31300, 1, R_E, VL_HOOK_OUT);
	neighbor(31400, NODE_R, R_E, VL_NEIGHBOR_ASKED);
	neighbor(2000, NODE_A, A_X, VL_NEIGHBOR_ANSWERED); /* of something else */
	itinerary = told(1);
	assert_int_equal(itinerary->n_acts, 1);
	assert_act(itinerary, 0, "r",
		   "neighbor 10.0.2.2 on dev: asked (ARP), answered 02:00:00:00:00:01 in 30.0 us");
	assert_int_equal(itinerary->acts[0].took_ns, 30000);
}

/* Nobody answered: what was asked comes before the drop, though it is told after it. */
static void test_failed(void **state)
{
	struct vl_drop drop = {.packet = packet(3000000000, 1), .node = NODE_R};
	const struct itinerary *itinerary;

	(void)state;
	seen(1000, 1, A_X, VL_HOOK_OUT);
	seen(1200, 1, R_W, VL_HOOK_IN);
	probed(1300, VL_NEIGHBOR_ASKED, 4);
	probed(1400, VL_NEIGHBOR_ASKED, 4); /* another packet that waits for the same answer */
	probed(1000000000, VL_NEIGHBOR_AGAIN, 5);
	probed(1000000100, VL_NEIGHBOR_ASKED, 5);
	probed(2000000000, VL_NEIGHBOR_AGAIN, 6);
	drop.packet.end = R_E;
	assert_int_equal(story_add_drop(story, &drop, "NEIGH_FAILED", "neigh_invalidate"), 1);
	neighbor(3000050000, NODE_R, R_E, VL_NEIGHBOR_FAILED);
	itinerary = told(1);
	assert_int_equal(itinerary->fate, FATE_DROPPED);
	assert_int_equal(itinerary->n_acts, 1);
	assert_act(itinerary, 0, "r",
		   "neighbor 10.0.2.2 on dev: asked 3 times (ARP), nobody answered");
	assert_true(itinerary->acts[0].bad);
	assert_int_equal(itinerary->acts[0].at_ns, itinerary->drops[0].at_ns);
}

/* It waits when it is told: for whom, how often asked, and where the last question died. */
static void test_waits(void **state)
{
	const struct itinerary *itinerary;
	char text[FATE_TEXT_SIZE];

	(void)state;
	seen(1000, 1, A_X, VL_HOOK_OUT);
	seen(1200, 1, R_W, VL_HOOK_IN);
	queued(1300, 1);
	neighbor(1400, NODE_A, A_X, VL_NEIGHBOR_AGAIN); /* of another node */
	question(1350, NODE_A, VL_NO_END, VL_QUESTION_ASKS, "NETFILTER_DROP", ""); /* a copy */
	question(1360, NODE_B, B_Y, VL_QUESTION_ASKS, "OTHERHOST", "ip6_rcv_core");
	itinerary = told(1);
	assert_int_equal(itinerary->fate, FATE_WAITING);
	assert_int_equal(itinerary->waiter, LEG_REQUEST);
	assert_int_equal(itinerary->n_acts, 1);
	assert_string_equal(
		itinerary_fate_text(itinerary, text),
		"the request waits in r for the neighbor 10.0.2.2 on dev, asked 1 time; "
		"no node was seen to drop the question or an answer");
	question(1500, NODE_B, B_Y, VL_QUESTION_ASKS, "NETFILTER_DROP", "nft_do_chain");
	question(1000000500, NODE_B, B_Y, VL_QUESTION_ASKS, "NETFILTER_DROP", "nft_do_chain");
	itinerary = told(1);
	assert_int_equal(itinerary->fate, FATE_WAITING);
	assert_int_equal(itinerary->n_acts, 2);
	assert_string_equal(itinerary_end_text(itinerary, text),
			    "the request waits in r for the neighbor 10.0.2.2 on dev; the ARP "
			    "request died in b, NETFILTER_DROP in nft_do_chain: a netfilter rule "
			    "(nft, iptables) says so");
	seen(1100000000, 1, R_E, VL_HOOK_OUT);
	assert_int_equal(told(1)->fate, FATE_LOST);
}

/* No end saw it: the drop comes as late as it came after the packet began to wait. */
static void test_waited(void **state)
{
	struct vl_drop drop = {.packet = packet(3000001300, 1), .node = NODE_R};
	const struct itinerary *itinerary;

	(void)state;
	queued(1300, 1);
	assert_int_equal(told(1)->fate, FATE_WAITING);
	assert_ptr_equal(told(1)->origin, lab->nodes[NODE_R]);
	assert_int_equal(story_add_drop(story, &drop, "NEIGH_FAILED", "neigh_invalidate"), 1);
	itinerary = told(1);
	assert_int_equal(itinerary->fate, FATE_DROPPED);
	assert_int_equal(itinerary->waits_for, -1);
	assert_int_equal(itinerary->drops[0].at_ns, 3000000000);
}

/* Several tables asked in turn are one look-up; its result is that of the last. */
static void test_tables(void **state)
{
	struct vl_stack record = done(1500, NODE_R, VL_STACK_ROUTE);
	const struct itinerary *itinerary;

	(void)state;
	seen(1000, 1, A_X, VL_HOOK_OUT);
	seen(1200, 1, R_W, VL_HOOK_IN);
	record.table = 100;
	record.error = -11;
	record.code = VL_ROUTE_NONE;
	add(&record);
	record.table = 254;
	record.at.packet.time_ns = 1510;
	add(&record);
	itinerary = told(1);
	assert_int_equal(itinerary->n_acts, 1);
	assert_act(itinerary, 0, "r", "route to 10.0.2.2: none in table main");
	assert_true(itinerary->acts[0].bad);
}

/* What is said twice does not grow when it is told twice. */
static void test_told_again(void **state)
{
	(void)state;
	sends(900);
	seen(1000, 1, A_X, VL_HOOK_OUT);
	assert_int_equal(told(1)->n_acts, 1);
	seen(1200, 1, R_W, VL_HOOK_IN);
	assert_int_equal(told(1)->n_acts, 1);
	sends(2000);
	assert_int_equal(told(1)->n_acts, 1);
}

/* No end saw it: it stayed on lo, and the acts alone make the story. */
static void test_loopback(void **state)
{
	struct vl_stack record = done(1000, NODE_A, VL_STACK_LOOPBACK);
	const struct itinerary *itinerary;

	(void)state;
	snprintf(record.name, sizeof(record.name), "lo");
	add(&record);
	record = done(1300, NODE_A, VL_STACK_DELIVER);
	record.pid = 42;
	snprintf(record.name, sizeof(record.name), "ping");
	add(&record);
	itinerary = told(1);
	assert_int_equal(itinerary->n_hops, 0);
	assert_int_equal(itinerary->fate, FATE_UNSEEN);
	assert_act(itinerary, 0, "a", "came back over lo");
	assert_act(itinerary, 1, "a", "delivered to ping (process 42)");
	assert_int_equal(itinerary->acts[1].at_ns, 300);
}

/* The kernel lets go of packets in many places; only its ICMP takes them. */
static void test_delivered(void **state)
{
	struct vl_stack record = done(1000, NODE_B, VL_STACK_DELIVER);

	(void)state;
	assert_int_equal(story_add_stack(story, &record, "", "packet_rcv"), 0);
	assert_int_equal(story_add_stack(story, &record, "", "icmp_rcv"), 1);
	record.at.node = 99;
	assert_int_equal(story_add_stack(story, &record, "", "icmp_rcv"), 0);
}

/* Only the newest loose acts are kept, and none is needed for a story. */
static void test_many(void **state)
{
	(void)state;
	for (int i = 0; i < 10000; i++)
		sends(i);
	seen(20000, 1, A_X, VL_HOOK_OUT);
	assert_int_equal(told(1)->n_acts, 1);
	assert_int_equal(told(1)->acts[0].record.at.packet.time_ns, 9999);
}

static char *printed(const struct itinerary *itinerary, bool all)
{
	size_t size;
	char *text;
	FILE *f = open_memstream(&text, &size);

	if (all)
		itinerary_print_all(itinerary, f);
	else
		itinerary_print(itinerary, f);
	fclose(f);
	return text;
}

/* What goes well is told on demand; what stops an echo always. */
static void test_printed(void **state)
{
	struct vl_stack record = done(1500, NODE_R, VL_STACK_ROUTE);
	char *text;

	(void)state;
	record.table = 254;
	seen(1000, 1, A_X, VL_HOOK_OUT);
	seen(1200, 1, R_W, VL_HOOK_IN);
	add(&record);
	text = printed(told(1), false);
	assert_null(strstr(text, "route to"));
	free(text);
	text = printed(told(1), true);
	assert_string_equal(text, "  request     0 ns  a:x  out\n"
				  "            200 ns  r:w  in   crossed the link in 200 ns\n"
				  "            500 ns  r    route to 10.0.2.2: main, dev dev\n");
	free(text);
	record.error = -22;
	record.code = VL_ROUTE_BLACKHOLE;
	record.at.packet.time_ns = 200000;
	add(&record);
	text = printed(told(1), false);
	assert_non_null(strstr(text, "route to 10.0.2.2: a blackhole route in table main\n"));
	free(text);
}

/* A recording keeps them, and names of functions beside. */
static void test_recorded(void **state)
{
	char path[] = "/tmp/vethlab-test-XXXXXX", reason[48], function[48];
	struct vl_stack record = done(1000, NODE_B, VL_STACK_DELIVER), back;
	struct recording_totals totals;
	struct recording *recording;
	struct recorder *recorder;
	struct err err = {0};

	(void)state;
	close(mkstemp(path));
	record.at.location = 0x1234;
	assert_int_equal(recorder_open(&recorder, path, lab, "copy", 900, &err), 0);
	recorder_stack(recorder, &record, "", "icmp_rcv");
	record.at.kind = VL_STACK_DROP;
	recorder_stack(recorder, &record, "NETFILTER_DROP", "nft_do_chain");
	record.at.kind = VL_STACK_LEARN;
	record.at.packet.family = 0;
	record.at.packet.flags = VL_EV_LOOSE;
	recorder_stack(recorder, &record, "", "");
	assert_int_equal(recorder_close(recorder, 0, &totals, &err), 0);
	assert_int_equal(totals.drops, 1);
	assert_int_equal(totals.steps, 2);
	assert_int_equal(recording_open(&recording, path, &err), 0);
	assert_int_equal(recording_next(recording, &back, &err), RECORDED_STACK);
	assert_int_equal(back.at.kind, VL_STACK_DELIVER);
	recording_drop_names(&back.at, reason, function, recording);
	assert_string_equal(function, "icmp_rcv");
	assert_false(record_is_drop(&back) || record_is_event(&back));
	assert_int_equal(recording_next(recording, &back, &err), RECORDED_DROP);
	assert_true(record_is_drop(&back));
	assert_int_equal(recording_next(recording, &back, &err), RECORDED_STACK);
	assert_int_equal(back.at.kind, VL_STACK_LEARN);
	assert_int_equal(recording_next(recording, &back, &err), RECORDED_END);
	assert_int_equal(recording_totals(recording).steps, 2);
	recording_close(recording);
	unlink(path);
}

#define T(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_forwarded),  T(test_sent),     T(test_not_its_look_up), T(test_answered),
		T(test_failed),	    T(test_waits),    T(test_waited),	       T(test_tables),
		T(test_told_again), T(test_loopback), T(test_delivered),       T(test_many),
		T(test_printed),    T(test_recorded),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
