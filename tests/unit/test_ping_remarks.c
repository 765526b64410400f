// SPDX-License-Identifier: GPL-2.0-only
/* test_ping_remarks.c - time of a round trip that no hook saw, and echoes beside which records were
 * lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/story_fixture.h"
#include "user/render/ping_remarks.h"

static struct echo_state answered(uint64_t sent_ns, uint64_t rtt_ns)
{
	return (struct echo_state){
		.result = ECHO_ANSWERED, .sent_ns = sent_ns, .answer.rtt_ns = rtt_ns};
}

/* a asks b over the router; the records begin at 1000 ms. */
static const struct itinerary *late(struct story *story)
{
	struct vl_event e[9];

	fill_routed(e);
	for (int i = 0; i < 9; i++)
		e[i].time_ns += 1000000000;
	return TELL(story, e);
}

static void assert_slowest(const struct ping_tally *tally, enum step step, unsigned end,
			   uint64_t ns)
{
	const struct ping_step *slowest = ping_slowest(tally);

	assert_non_null(slowest);
	assert_int_equal(slowest->step, step);
	assert_ptr_equal(slowest->end, lab_end(lab, end));
	assert_int_equal(slowest->max_ns, ns);
}

static void test_before(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it = late(story);
	struct echo_state echo = answered(767001000, 233000080);
	struct ping *ping = calloc(1, sizeof(*ping));
	struct ping_rest rest = ping_rest_of(&echo, it);

	(void)state;
	assert_int_equal(rest.before_ns, 233000000);
	assert_int_equal(rest.after_ns, 0);
	assert_true(rest.before_long);
	assert_int_equal(ping_count(ping, &echo, it, ""), 0);
	assert_slowest(&ping->tally, STEP_FIRST, A_X, 233000000);
	free(ping->tally.rtts);
	free(ping);
	story_free(story);
}

static void test_after(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it = late(story);
	struct echo_state echo = answered(1000000990, 90000090);
	struct ping *ping = calloc(1, sizeof(*ping));
	struct ping_rest rest = ping_rest_of(&echo, it);

	(void)state;
	assert_int_equal(rest.before_ns, 10);
	assert_int_equal(rest.after_ns, 90000000);
	assert_false(rest.before_long);
	assert_int_equal(ping_count(ping, &echo, it, ""), 0);
	assert_slowest(&ping->tally, STEP_GAP, A_X, 90000000);
	free(ping->tally.rtts);
	free(ping);
	story_free(story);
}

/* Some microseconds of a call are no step: the ways of packets are what is told. */
static void test_ordinary(void **state)
{
	struct story *story = story_new(lab);
	const struct itinerary *it = late(story);
	struct echo_state echo = answered(999999000, 2200);
	struct ping_rest rest = ping_rest_of(&echo, it);

	(void)state;
	assert_int_equal(rest.before_ns, 2000);
	assert_false(rest.before_long || rest.after_long);
	story_free(story);
}

static void test_lost_records(void **state)
{
	struct echo_state echo = {.result = ECHO_UNANSWERED, .lost = 3};
	struct ping *ping = calloc(1, sizeof(*ping));
	json_t *line = json_object();

	(void)state;
	ping_put_remarks(line, &echo, NULL);
	assert_true(json_is_true(json_object_get(line, "incomplete")));
	assert_int_equal(json_integer_value(json_object_get(line, "lost_records")), 3);
	assert_int_equal(ping_count(ping, &echo, NULL, ""), 0);
	echo.lost = 0;
	assert_int_equal(ping_count(ping, &echo, NULL, ""), 0);
	assert_int_equal(ping->tally.incomplete, 1);
	json_decref(line);
	free(ping);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_before),
		cmocka_unit_test(test_after),
		cmocka_unit_test(test_ordinary),
		cmocka_unit_test(test_lost_records),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
