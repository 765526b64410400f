// SPDX-License-Identifier: GPL-2.0-only
/* test_ledger_timing.c - times and fates of echoes: subtracted, as text, JSON and OpenMetrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lab_fixture.h"
#include "openmetrics.h"
#include "schema.h"
#include "user/output/output.h"
#include "user/render/ledger_report.h"

/* As bpf/echo_times.h adds it. */
static void add_time(struct vl_times *times, uint64_t ns)
{
	times->count++;
	times->sum_ns += ns;
	times->bins[vl_time_bin(ns)]++;
	if (!times->min_plus || ns + 1 < times->min_plus)
		times->min_plus = ns + 1;
	if (ns > times->max_ns)
		times->max_ns = ns;
}

/* 100 echoes from default:veth0: out in 1 to 100 us, there and back in 10 times that. */
static void setup(struct fixture *fixture)
{
	struct timing *timing;

	fixture_setup(fixture);
	timing = timing_new(4);
	assert_non_null(timing);
	for (uint64_t us = 1; us <= 100; us++) {
		add_time(&timing->times[WATCH_TRANSIT][0], us * 1000);
		add_time(&timing->times[WATCH_ECHO_RTT][0], us * 10000);
	}
	timing->times[WATCH_TRANSIT][1].negative = 7;
	timing->echo[0].count.requests = 103;
	timing->echo[0].count.answered = 100;
	timing->echo[0].unanswered = 2;
	timing->echo[0].waiting = 1;
	timing->echo[1].count.errors = 4;
	fixture->snapshot.timing = timing;
}

static char *text_of(struct fixture *fixture,
		     void (*show)(const struct ledger *ledger, const struct ledger_filter *filter,
				  FILE *f))
{
	struct ledger ledger;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_int_equal(ledger_make(&ledger, "blue", &fixture->lab, &fixture->snapshot), 0);
	show(&ledger, NULL, f);
	fclose(f);
	ledger_free(&ledger);
	return text;
}

static void test_text(void **state)
{
	struct fixture fixture;
	char *text, *line, *rest;

	(void)state;
	setup(&fixture);
	text = text_of(&fixture, ledger_print_times);
	assert_string_equal(
		text, "lab blue: echoes of the last 3 min 12 s\n\n"
		      "    count      min     mean      p50      p90      p99    p99.9      max\n"
		      "transit: from `out` to the first hook of the other end\n"
		      "  default:veth0 -> blue:veth1\n"
		      "      100  1.00 us  50.5 us  49.7 us  89.1 us  99.3 us   100 us   100 us\n"
		      "  blue:veth1 -> default:veth0\n"
		      "        0        -        -        -        -        -        -        -\n"
		      "    (7 not counted: the clock of the later hook's CPU was behind)\n"
		      "round trip: from a request at `out` to its reply at the same end\n"
		      "  default:veth0 -> blue:veth1\n"
		      "      100  10.0 us   505 us   504 us   893 us   991 us  1.00 ms  1.00 ms\n"
		      "\n"
		      "echoes\n"
		      "  default:veth0 -> blue:veth1\n"
		      "    103 requests: 100 answered, 2 unanswered, 1 still waiting\n"
		      "  blue:veth1 -> default:veth0\n"
		      "    4 ICMP errors made here\n");
	free(text);
	/* All at once, in large numbers: still 80 columns. */
	for (size_t i = 0; i < sizeof(struct watch_echo) / 8; i++)
		((uint64_t *)&fixture.snapshot.timing->echo[0])[i] = 4000000000000 + i;
	text = text_of(&fixture, ledger_print_times);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (output_columns(line) > 80)
			fail_msg("%s", line);
	free(text);
	fixture_teardown(&fixture);
}

static void test_none(void **state)
{
	struct fixture fixture;
	char *text;

	(void)state;
	fixture_setup(&fixture);
	fixture.snapshot.timing = timing_new(4);
	text = text_of(&fixture, ledger_print_times);
	assert_string_equal(text, "lab blue: echoes of the last 3 min 12 s\n\nno echoes\n");
	free(text);
	fixture_teardown(&fixture);
}

static void test_subtract(void **state)
{
	struct fixture fixture;
	struct timing *now, *since;
	struct vl_times *transit;

	(void)state;
	setup(&fixture);
	now = fixture.snapshot.timing;
	since = timing_copy(now);
	transit = &now->times[WATCH_TRANSIT][0];
	add_time(transit, 20000);
	add_time(transit, 40000);
	now->echo[0].count.requests += 2;
	now->echo[0].waiting = 3;
	timing_subtract(now, since);
	assert_int_equal(transit->count, 2);
	assert_int_equal(transit->sum_ns, 60000);
	/* What is left lies in two bins; limits are theirs. */
	assert_in_range(watch_times_min(transit), 20000 - 640, 20000);
	assert_in_range(transit->max_ns, 40000, 40000 + 1280);
	assert_in_range(watch_times_percentile(transit, 0.5), 20000 - 320, 20000 + 320);
	assert_int_equal(now->times[WATCH_ECHO_RTT][0].count, 0);
	assert_int_equal(now->times[WATCH_ECHO_RTT][0].max_ns, 0);
	assert_int_equal(now->echo[0].count.requests, 2);
	assert_int_equal(now->echo[0].waiting, 3);
	/* And put together again. */
	timing_add(now, since);
	assert_int_equal(transit->count, 102);
	assert_int_equal(now->echo[0].count.requests, 105);
	assert_int_equal(now->echo[0].waiting, 3);
	timing_free(since);
	fixture_teardown(&fixture);
}

static void test_json(void **state)
{
	char path[] = "/tmp/vethlab-test-XXXXXX", problem[512];
	struct fixture fixture;
	struct snapshot back;
	struct ledger ledger;
	const char *why;
	json_t *json;

	(void)state;
	setup(&fixture);
	add_time(&fixture.snapshot.timing->times[WATCH_RESIDENCE][3], 0);
	add_time(&fixture.snapshot.timing->times[WATCH_RESIDENCE][3], 1ull << 40);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	json = ledger_to_json(&ledger, NULL);
	why = schema_problem("docs/schema/stats.json", json, problem, sizeof(problem));
	if (why)
		fail_msg("%s", why);
	assert_int_equal(close(mkstemp(path)), 0);
	assert_int_equal(json_dump_file(json, path, 0), 0);
	assert_int_equal(snapshot_load(&back, path, "blue", &fixture.lab, 4, NULL), 0);
	unlink(path);
	/* The document leaves out what has no count: there, only `negative` gets lost. */
	fixture.snapshot.timing->times[WATCH_TRANSIT][1].negative = 0;
	for (int kind = 0; kind < WATCH_TIMES; kind++)
		assert_memory_equal(back.timing->times[kind], fixture.snapshot.timing->times[kind],
				    4 * sizeof(struct vl_times));
	assert_memory_equal(back.timing->echo, fixture.snapshot.timing->echo,
			    4 * sizeof(struct watch_echo));
	json_decref(json);
	snapshot_free(&back);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}

static void test_openmetrics(void **state)
{
	enum { LEDGER = 1 + 8 * 29 + 4 * 4, HISTOGRAMS = 3 * 4 * (29 + 3), ECHOES = 12 * 4 };
	struct fixture fixture;
	char *text, problem[512];
	const char *why;
	size_t n;

	(void)state;
	setup(&fixture);
	text = text_of(&fixture, ledger_print_openmetrics);
	why = openmetrics_problem(text, &n, problem, sizeof(problem));
	if (why)
		fail_msg("%s", why);
	assert_int_equal(n, LEDGER + HISTOGRAMS + ECHOES);
	/* Of 1 to 100 us, 65 are below 65.536 us. */
	assert_non_null(strstr(text, "vethlab_transit_seconds_bucket{lab=\"blue\",link=\"default:"
				     "veth0 -- blue:veth1\",from=\"default:veth0\",to=\"blue:veth1"
				     "\",le=\"6.5536e-05\"} 65\n"));
	assert_non_null(
		strstr(text, "from=\"default:veth0\",to=\"blue:veth1\",le=\"+Inf\"} 100\n"));
	assert_non_null(strstr(text, "to=\"blue:veth1\"} 0.005050000\n"));
	free(text);
	fixture_teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),	    cmocka_unit_test(test_none),
		cmocka_unit_test(test_subtract),    cmocka_unit_test(test_json),
		cmocka_unit_test(test_openmetrics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
