// SPDX-License-Identifier: GPL-2.0-only
/* test_compare.c - two runs side by side: what counts as a difference. */
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
#include "user/render/run_diff.h"

/* What an echo of the router's lab may be like. */
struct echo_kind {
	unsigned inside_r; /* nanoseconds that r needs for the request */
	bool dropped, refused;
	const char *dst;
};

/* Echo number seq of a run into the comparison. */
static void add_echo(struct comparison *comparison, int side, unsigned seq,
		     const struct echo_kind *kind)
{
	struct story *story = story_new(lab);
	struct vl_event e[9];
	size_t n = 9;

	fill_routed(e);
	for (size_t i = 3; i < 9; i++)
		e[i].time_ns += kind->inside_r;
	if (kind->dropped || kind->refused)
		n = 3;
	for (size_t i = 0; i < n; i++) {
		e[i].seq = seq;
		e[i].payload += seq;
		if (kind->dst && e[i].icmp_type == 8)
			e[i].dst[3] = 77;
		assert_int_equal(story_add(story, &e[i]), 1);
	}
	if (kind->dropped) {
		struct vl_drop drop = {.packet = e[2], .node = lab_find_node(lab, "r")->index};

		drop.packet.hook = VL_HOOKS;
		drop.packet.time_ns++;
		assert_int_equal(story_add_drop(story, &drop, "NETFILTER_DROP", "nft_do_chain"), 1);
	} else if (kind->refused) {
		struct vl_event error[2] = {
			error_record(1030, R_W, VL_HOOK_OUT, 11, 0, "10.0.1.254", "10.0.1.1"),
			error_record(1040, A_X, VL_HOOK_IN, 11, 0, "10.0.1.254", "10.0.1.1")};

		for (int i = 0; i < 2; i++) {
			error[i].quote.seq = seq;
			assert_int_equal(story_add(story, &error[i]), 1);
		}
	}
	assert_int_equal(comparison_add(comparison, side, story_itinerary(story, 4, 7, seq)), 0);
	story_free(story);
}

static struct comparison begin(void)
{
	return (struct comparison){.with_times = true, .threshold = 0.1};
}

static const struct compared_time *round_trip(const struct compared_flow *flow)
{
	for (size_t i = 0; i < flow->n_times; i++)
		if (flow->times[i].step == STEP_FIRST)
			return &flow->times[i];
	return NULL;
}

static void test_same(void **state)
{
	struct comparison comparison = begin();

	(void)state;
	for (unsigned i = 0; i < 50; i++)
		for (int side = 0; side < SIDES; side++)
			add_echo(&comparison, side, i,
				 &(struct echo_kind){.inside_r = 1000 + (i * 37 + side) % 100});
	assert_int_equal(comparison_judge(&comparison), 0);
	assert_false(comparison.differs);
	assert_int_equal(comparison.n_flows, 1);
	assert_int_equal(comparison.flows[0].n_ways, 2);
	assert_string_equal(comparison.flows[0].ways[0].text, "a:x > r:w, r:e > b:y");
	assert_string_equal(comparison.flows[0].ways[1].text, "b:y > r:e, r:w > a:x");
	assert_int_equal(comparison.flows[0].n_fates, 1);
	assert_int_equal(comparison.flows[0].fates[0].n[SIDE_B], 50);
	comparison_free(&comparison);
}

static void test_slower(void **state)
{
	struct comparison comparison = begin();
	size_t slower = 0;

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		add_echo(&comparison, SIDE_A, i, &(struct echo_kind){.inside_r = 1000 + i * 10});
		add_echo(&comparison, SIDE_B, i, &(struct echo_kind){.inside_r = 1500 + i * 10});
	}
	assert_int_equal(comparison_judge(&comparison), 0);
	assert_true(comparison.differs);
	for (size_t i = 0; i < comparison.flows[0].n_times; i++) {
		const struct compared_time *time = &comparison.flows[0].times[i];

		if (!time->differs)
			continue;
		slower++;
		assert_true(time->step == STEP_FIRST || time->step == STEP_NODE);
		assert_true(time->stats[SIDE_B].median - time->stats[SIDE_A].median == 500);
	}
	assert_int_equal(slower, 2); /* inside r, and with it the round trip */
	comparison_free(&comparison);
}

/* Medians that are apart by less than the threshold, or whose intervals meet, say nothing. */
static void test_noise(void **state)
{
	struct comparison comparison = begin();

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		add_echo(&comparison, SIDE_A, i, &(struct echo_kind){.inside_r = 10000});
		add_echo(&comparison, SIDE_B, i, &(struct echo_kind){.inside_r = 10500});
	}
	assert_int_equal(comparison_judge(&comparison), 0);
	assert_false(comparison.differs);
	comparison.threshold = 0.01;
	assert_int_equal(comparison_judge(&comparison), 0);
	assert_true(comparison.differs);
	comparison_free(&comparison);

	comparison = begin();
	for (unsigned i = 0; i < 20; i++) {
		add_echo(&comparison, SIDE_A, i, &(struct echo_kind){.inside_r = 1000 + i * 1000});
		add_echo(&comparison, SIDE_B, i, &(struct echo_kind){.inside_r = 5000 + i * 1000});
	}
	assert_int_equal(comparison_judge(&comparison), 0);
	assert_false(comparison.differs);
	comparison_free(&comparison);
}

/* Five echoes are too few for an interval of the median, however slow they are. */
static void test_too_few(void **state)
{
	for (unsigned n = 4; n <= 7; n++) {
		struct comparison comparison = begin();

		(void)state;
		for (unsigned i = 0; i < n; i++) {
			add_echo(&comparison, SIDE_A, i, &(struct echo_kind){.inside_r = 1000});
			add_echo(&comparison, SIDE_B, i, &(struct echo_kind){.inside_r = 90000});
		}
		assert_int_equal(comparison_judge(&comparison), 0);
		assert_int_equal(round_trip(&comparison.flows[0])->too_few, n < COMPARE_TIMES_MIN);
		assert_int_equal(comparison.differs, n >= COMPARE_TIMES_MIN);
		comparison_free(&comparison);
	}
}

/* One echo is enough where a fate is new. */
static void test_new_fate(void **state)
{
	struct comparison comparison = begin();
	const struct compared_flow *flow;

	(void)state;
	add_echo(&comparison, SIDE_A, 1, &(struct echo_kind){0});
	add_echo(&comparison, SIDE_B, 1, &(struct echo_kind){.dropped = true});
	assert_int_equal(comparison_judge(&comparison), 0);
	assert_true(comparison.differs);
	flow = &comparison.flows[0];
	assert_int_equal(flow->n_fates, 2);
	assert_int_equal(flow->fates[0].fate, FATE_ANSWERED);
	assert_int_equal(flow->fates[1].fate, FATE_DROPPED);
	assert_string_equal(flow->fates[1].node, "r");
	assert_int_equal(flow->fates[1].n[SIDE_B], 1);
	/* The way of the dropped one ends in r. */
	assert_int_equal(flow->n_ways, 3);
	assert_string_equal(flow->ways[2].text, "a:x > r:w");
	comparison_free(&comparison);
}

/* Fates of both runs: by their shares. */
static void test_shares(void **state)
{
	static const struct {
		unsigned a, b; /* dropped of 20 */
		bool differs;
	} cases[] = {{1, 2, false}, {5, 9, false}, {1, 12, true}, {10, 1, true}, {3, 3, false}};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(*cases); c++) {
		struct comparison comparison = {.threshold = 0.1};

		for (unsigned i = 0; i < 20; i++) {
			add_echo(&comparison, SIDE_A, i,
				 &(struct echo_kind){.dropped = i < cases[c].a});
			add_echo(&comparison, SIDE_B, i,
				 &(struct echo_kind){.dropped = i < cases[c].b});
		}
		assert_int_equal(comparison_judge(&comparison), 0);
		assert_int_equal(comparison.differs, cases[c].differs);
		comparison_free(&comparison);
	}
}

static void test_flow_of_one_run(void **state)
{
	struct comparison comparison = begin();

	(void)state;
	add_echo(&comparison, SIDE_A, 1, &(struct echo_kind){0});
	add_echo(&comparison, SIDE_B, 1, &(struct echo_kind){0});
	add_echo(&comparison, SIDE_B, 2, &(struct echo_kind){.dst = "77", .refused = true});
	assert_int_equal(comparison_judge(&comparison), 0);
	assert_int_equal(comparison.n_flows, 2);
	assert_false(comparison.flows[0].differs);
	assert_true(comparison.flows[1].differs);
	comparison_free(&comparison);
}

/* What is printed, whole. */
static void test_text(void **state)
{
	struct run_diff diff = {.file = {"before.rec", "after.rec"},
				.lab = {"story", "story"},
				.records = {180, 88},
				.echoes = {20, 20},
				.comparison = begin()};
	char text[4096];
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		add_echo(&diff.comparison, SIDE_A, i, &(struct echo_kind){.inside_r = 1000});
		add_echo(
			&diff.comparison, SIDE_B, i,
			&(struct echo_kind){.inside_r = 4000, .dropped = i < 4, .refused = i == 4});
	}
	assert_int_equal(comparison_judge(&diff.comparison), 0);
	run_diff_print(&diff, f);
	fclose(f);
	assert_string_equal(
		text,
		"--- before.rec: lab story, 20 echoes in 180 records\n"
		"+++ after.rec: lab story, 20 echoes in 88 records\n"
		"a 10.0.1.1 > 10.0.2.1: 20 echoes, then 20\n"
		"  + way there: a:x > r:w (5 of 20)\n"
		"  + way back: r:w > a:x (1 of 20)\n"
		"  + r dropped the request: a netfilter rule (nft, iptables) says so (4 of 20)\n"
		"  + refused by r: time to live exceeded (1 of 20)\n"
		"  ~ round trip: 1.08 us -> 4.08 us (+278 %)\n"
		"  ~ inside r, request: 1.01 us -> 4.01 us (+298 %)\n"
		"  times differ where the 95 % intervals of their medians, by ranks, do not meet\n"
		"  and the medians are more than 10 % apart\n");
	comparison_free(&diff.comparison);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_slower),
		cmocka_unit_test(test_noise),
		cmocka_unit_test(test_too_few),
		cmocka_unit_test(test_new_fate),
		cmocka_unit_test(test_shares),
		cmocka_unit_test(test_flow_of_one_run),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
