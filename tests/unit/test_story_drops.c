// SPDX-License-Identifier: GPL-2.0-only
/* test_story_drops.c - drops join the story of their echo; recordings keep all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "user/render/drop_text.h"
#include "user/trace/recording.h"
#include "user/story/record_queue.h"
#include "user/story/story.h"

static const char lab_text[] = "lab: drops\n"
			       "nodes:\n"
			       "  a: {}\n"
			       "  b: {}\n"
			       "links:\n"
			       "  - endpoints: [{end: 'a:x', address: 10.0.1.1/24}, "
			       "{end: 'b:y', address: 10.0.1.2/24}]\n";

enum { A_X, B_Y };
enum { NODE_A, NODE_B };

static struct lab *lab;

static int setup(void **state)
{
	struct diags diags = {0};

	(void)state;
	lab = lab_read_text(lab_text, sizeof(lab_text) - 1, "drops.yaml", &diags);
	diags_free(&diags);
	return lab ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	lab_free(lab);
	return 0;
}

static struct vl_event record(uint64_t time_ns, unsigned end, enum vl_hook hook, bool reply)
{
	struct vl_event event = {.time_ns = time_ns,
				 .payload = 0x1122334455667788,
				 .end = end,
				 .len = 98,
				 .hook = hook,
				 .family = 4,
				 .icmp_type = reply ? 0 : 8,
				 .ttl = 64,
				 .flags = VL_EV_PAYLOAD,
				 .id = 7,
				 .seq = 1,
				 .src = {10, 0, 1, reply ? 2 : 1},
				 .dst = {10, 0, 1, reply ? 1 : 2}};

	return event;
}

static struct vl_drop drop(uint64_t time_ns, unsigned node, bool reply)
{
	struct vl_drop drop = {.packet = record(time_ns, VL_NO_END, VL_HOOKS, reply),
			       .node = node,
			       .reason = 12,
			       .location = 0xffffffff81000000};

	return drop;
}

static void add(struct story *story, uint64_t time_ns, unsigned end, enum vl_hook hook, bool reply)
{
	struct vl_event event = record(time_ns, end, hook, reply);

	assert_int_equal(story_add(story, &event), 1);
}

static void add_drop(struct story *story, uint64_t time_ns, unsigned node, bool reply,
		     const char *reason)
{
	struct vl_drop d = drop(time_ns, node, reply);

	assert_int_equal(story_add_drop(story, &d, reason, "somewhere"), 1);
}

static void assert_sentence(const struct itinerary *it, const char *expected)
{
	char text[256];

	assert_int_equal(it->fate, FATE_DROPPED);
	drop_sentence(&it->drops[it->death], text, sizeof(text));
	assert_string_equal(text, expected);
}

static void test_request_dropped(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it;

	(void)state;
	add_drop(story, 1030, NODE_B, false, "NETFILTER_DROP"); /* before its hops: any order */
	add(story, 1010, B_Y, VL_HOOK_IN, false);
	add(story, 1000, A_X, VL_HOOK_OUT, false);
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, 2);
	assert_int_equal(it->drops[0].at_ns, 30);
	assert_string_equal(it->origin->name, "a");
	assert_sentence(it, "b dropped the request: a netfilter rule (nft, iptables) says so");
	story_free(story);
}

/* Dropped before it left: no hop at all, and still a story. */
static void test_dropped_at_home(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it;

	(void)state;
	add_drop(story, 1000, NODE_A, false, "NEIGH_FAILED");
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->n_hops, 0);
	assert_int_equal(it->last, -1);
	assert_string_equal(it->origin->name, "a");
	assert_sentence(it, "a dropped the request: nobody answered for the next hop's address "
			    "(ARP or ND)");
	story_free(story);
}

/* The reply came to the link of the node that asked, but its firewall took it. */
static void test_reply_dropped_at_home(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it;

	(void)state;
	add(story, 1000, A_X, VL_HOOK_OUT, false);
	add(story, 1010, B_Y, VL_HOOK_IN, false);
	add(story, 1020, B_Y, VL_HOOK_OUT, true);
	add(story, 1030, A_X, VL_HOOK_IN, true);
	assert_int_equal(story_itinerary(story, 4, 7, 1)->fate, FATE_ANSWERED);
	add_drop(story, 1040, NODE_A, true, "NETFILTER_DROP");
	it = story_itinerary(story, 4, 7, 1);
	assert_false(it->answered);
	assert_sentence(it, "a dropped the reply: a netfilter rule (nft, iptables) says so");
	story_free(story);
}

/*
 * Letting go of what a raw socket has got is no loss; nor is a flooded copy for somebody else, nor
 * one that another raw socket's filter refuses.
 */
static void test_harmless(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it;

	(void)state;
	add(story, 1000, A_X, VL_HOOK_OUT, false);
	add(story, 1010, B_Y, VL_HOOK_IN, false);
	add_drop(story, 1012, NODE_B, false, "OTHERHOST");
	add_drop(story, 1014, NODE_B, false, "SOCKET_FILTER");
	add(story, 1020, B_Y, VL_HOOK_OUT, true);
	add(story, 1030, A_X, VL_HOOK_IN, true);
	add_drop(story, 1040, NODE_A, true, "SOCKET_FILTER");
	add_drop(story, 1050, NODE_A, true, "NO_SOCKET");
	it = story_itinerary(story, 4, 7, 1);
	assert_int_equal(it->fate, FATE_ANSWERED);
	assert_int_equal(it->n_drops, 4);
	for (int i = 0; i < 4; i++)
		assert_true(it->drops[i].harmless);
	assert_int_equal(it->death, -1);
	story_free(story);
}

/* A reason that this program does not know is told by its name and the kernel's function. */
static void test_unknown_reason(void **state)
{
	struct story *story = story_new(lab);

	(void)state;
	add(story, 1000, A_X, VL_HOOK_OUT, false);
	add_drop(story, 1010, NODE_B, false, "SOMETHING_NEW");
	assert_sentence(story_itinerary(story, 4, 7, 1),
			"b dropped the request: SOMETHING_NEW, in somewhere");
	story_free(story);
}

static void test_no_such_node(void **state)
{
	struct story *story = story_new(lab);
	struct vl_drop d = drop(1000, 2, false);

	(void)state;
	assert_int_equal(story_add_drop(story, &d, "XDP", ""), 0);
	assert_int_equal(story_in_flight(story), 0);
	story_free(story);
}

static int collect(const struct vl_stack *record, void *arg)
{
	char *text = arg;

	sprintf(text + strlen(text), "%d%c ", (int)record->at.packet.time_ns,
		record_is_drop(record) ? 'd' : "oxi"[record->at.packet.hook]);
	return 0;
}

/* Records of two CPUs in one order; what may still get company is held back. */
static void test_queue(void **state)
{
	static const struct {
		int time, hook;
	} in[] = {{30, VL_HOOK_OUT}, {50, VL_HOOK_IN}, {20, VL_HOOKS},
		  {30, VL_HOOK_XDP}, {10, VL_HOOK_IN}, {40, VL_HOOK_OUT}};
	struct record_queue queue = {0};
	char text[128] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(in) / sizeof(*in); i++) {
		struct vl_stack r = {.at.packet = record(in[i].time, A_X, in[i].hook, false)};

		assert_int_equal(record_queue_add(&queue, &r), 0);
	}
	assert_int_equal(record_queue_flush(&queue, 40, collect, text), 0);
	assert_string_equal(text, "10i 20d 30o 30x ");
	text[0] = 0;
	assert_int_equal(record_queue_flush(&queue, UINT64_MAX, collect, text), 0);
	assert_string_equal(text, "40o 50i ");
	assert_int_equal(queue.n, 0);
	record_queue_free(&queue);
}

/* ---- recordings ------------------------------------------------------------------------------ */

static char recorded[] = "/tmp/vethlab-test-XXXXXX";

static long write_recording(void)
{
	struct vl_event event = record(1000, A_X, VL_HOOK_OUT, false);
	struct vl_drop d = drop(1010, NODE_B, false);
	struct recording_totals totals;
	struct recorder *recorder;
	struct err err = {0};
	FILE *file;
	long size;

	assert_int_equal(recorder_open(&recorder, recorded, lab, "copy", 900, &err), 0);
	recorder_event(recorder, &event);
	recorder_drop(recorder, &d, "NETFILTER_DROP", "nft_do_chain");
	recorder_drop(recorder, &d, "NETFILTER_DROP", "nft_do_chain");
	assert_int_equal(recorder_close(recorder, 3, &totals, &err), 0);
	assert_int_equal(totals.events, 1);
	assert_int_equal(totals.drops, 2);
	file = fopen(recorded, "r");
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	fclose(file);
	return size;
}

static void test_recording(void **state)
{
	char reason[48], function[48];
	struct recording *recording;
	struct err err = {0};
	struct vl_stack r;

	(void)state;
	write_recording();
	assert_int_equal(recording_open(&recording, recorded, &err), 0);
	assert_string_equal(recording_name(recording), "copy");
	assert_int_equal(recording_start_ns(recording), 900);
	assert_int_equal(lab_n_ends(recording_lab(recording)), 2);
	assert_int_equal(recording_next(recording, &r, &err), RECORDED_EVENT);
	assert_int_equal(r.at.packet.time_ns, 1000);
	assert_false(record_is_drop(&r));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(recording_next(recording, &r, &err), RECORDED_DROP);
		assert_true(record_is_drop(&r));
		recording_drop_names(&r.at, reason, function, recording);
		assert_string_equal(reason, "NETFILTER_DROP");
		assert_string_equal(function, "nft_do_chain");
	}
	assert_int_equal(recording_next(recording, &r, &err), RECORDED_END);
	assert_int_equal(recording_totals(recording).lost, 3);
	recording_close(recording);
}

/* Whoever made it may have written any bytes as names; what is read is printable, on one line. */
static void test_recording_names(void **state)
{
	struct vl_drop d = drop(1010, NODE_B, false);
	struct vl_stack r = {.at = d, .name = "a\n\x1b[2J\xc2\x9b\xff"};
	struct recording_totals totals;
	char reason[48], function[48];
	struct recording *recording;
	struct recorder *recorder;
	struct err err = {0};

	(void)state;
	r.at.kind = VL_STACK_DELIVER;
	assert_int_equal(recorder_open(&recorder, recorded, lab, "c\x1b]0;t\x07", 900, &err), 0);
	recorder_drop(recorder, &d, "R\x1b[2J", "f\xe2\x80\xae\xc3");
	recorder_stack(recorder, &r, "", "");
	assert_int_equal(recorder_close(recorder, 0, &totals, &err), 0);
	assert_int_equal(recording_open(&recording, recorded, &err), 0);
	assert_string_equal(recording_name(recording), "c?]0;t?");
	assert_int_equal(recording_next(recording, &r, &err), RECORDED_DROP);
	recording_drop_names(&r.at, reason, function, recording);
	assert_string_equal(reason, "R?[2J");
	assert_string_equal(function, "f????");
	assert_int_equal(recording_next(recording, &r, &err), RECORDED_STACK);
	assert_string_equal(r.name, "a??[2J???");
	recording_close(recording);
}

/* Cut anywhere, a recording is refused, or read up to the cut and called cut. */
static void test_recording_cut(void **state)
{
	long size = write_recording();

	(void)state;
	for (long n = 0; n < size; n++) {
		struct recording *recording;
		struct err err = {0};
		struct vl_stack r;
		int ret;

		assert_int_equal(truncate(recorded, size), 0);
		write_recording();
		assert_int_equal(truncate(recorded, n), 0);
		ret = recording_open(&recording, recorded, &err);
		if (ret) {
			assert_int_equal(err.code, ERR_INPUT);
			continue;
		}
		do
			ret = recording_next(recording, &r, &err);
		while (ret == RECORDED_EVENT || ret == RECORDED_DROP);
		assert_int_equal(ret, RECORDED_CUT);
		recording_close(recording);
	}
}

/* Whatever bytes are changed: no crash, and no record that the lab cannot have. */
static void test_recording_garbage(void **state)
{
	long size = write_recording();
	unsigned seed = 7;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct recording *recording;
		struct err err = {0};
		struct vl_stack r;
		FILE *file;
		int ret;

		if (round % 50 == 0)
			write_recording();
		file = fopen(recorded, "r+");
		fseek(file, rand_r(&seed) % size, SEEK_SET);
		fputc(rand_r(&seed), file);
		fclose(file);
		if (recording_open(&recording, recorded, &err))
			continue;
		do {
			ret = recording_next(recording, &r, &err);
			if (ret == RECORDED_EVENT)
				assert_true(r.at.packet.end < 2 && r.at.packet.hook < VL_HOOKS);
			if (ret == RECORDED_DROP)
				assert_true(r.at.node < 2);
		} while (ret == RECORDED_EVENT || ret == RECORDED_DROP);
		assert_true(ret == RECORDED_END || ret == RECORDED_CUT);
		recording_close(recording);
	}
}

static int make_file(void **state)
{
	int fd;

	(void)state;
	strcpy(recorded, "/tmp/vethlab-test-XXXXXX");
	fd = mkstemp(recorded);
	return fd < 0 || close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(recorded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request_dropped),
		cmocka_unit_test(test_dropped_at_home),
		cmocka_unit_test(test_reply_dropped_at_home),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_unknown_reason),
		cmocka_unit_test(test_no_such_node),
		cmocka_unit_test(test_queue),
		cmocka_unit_test_setup_teardown(test_recording, make_file, remove_file),
		cmocka_unit_test_setup_teardown(test_recording_names, make_file, remove_file),
		cmocka_unit_test_setup_teardown(test_recording_cut, make_file, remove_file),
		cmocka_unit_test_setup_teardown(test_recording_garbage, make_file, remove_file),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
