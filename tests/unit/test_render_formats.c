// SPDX-License-Identifier: GPL-2.0-only
/* test_render_formats.c - the ledger as OpenMetrics and as CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab_fixture.h"
#include "openmetrics.h"
#include "user/render/ledger_report.h"

enum { HOOKS_IN_USE = 9, TYPES = 26 }; /* of the ledger below; of struct vl_counters */

/* What print writes of a ledger with 100 pings, 3 lost, and an xdp hook at blue:veth1. */
static char *text_of(void (*print)(const struct ledger *ledger, FILE *f), const char *name)
{
	struct fixture fixture;
	struct ledger ledger;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	fixture_setup(&fixture);
	fixture_add_pings(&fixture, 3);
	fixture_add_echoes(&fixture, 1, VL_HOOK_XDP, 97, false);
	fixture.snapshot.attached[1] |= XDP_BIT;
	if (name)
		strcpy(fixture.ends[0].name, name);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	print(&ledger, f);
	fclose(f);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
	return text;
}

static void show_missed(const struct ledger *ledger, FILE *f)
{
	struct snapshot *snapshot = (struct snapshot *)ledger->snapshot;

	snapshot->losses.known = true;
	snapshot->losses.missed.of[VL_DROP_MISSED_FULL] = 3;
	snapshot->losses.missed.of[VL_DROP_MISSED_NO_MEMORY] = 2;
	snapshot->losses.missed.interrupted = 7;
	snapshot->losses.missed.interrupted_known = true;
	ledger_print_openmetrics(ledger, NULL, f);
	ledger_print_csv(ledger, NULL, false, f);
}

static void show_openmetrics(const struct ledger *ledger, FILE *f)
{
	ledger_print_openmetrics(ledger, NULL, f);
}

static void show_csv(const struct ledger *ledger, FILE *f)
{
	ledger_print_csv(ledger, NULL, true, f);
}

static void assert_valid(const char *text, size_t samples)
{
	char problem[512];
	size_t n;
	const char *why = openmetrics_problem(text, &n, problem, sizeof(problem));

	if (why)
		fail_msg("%s", why);
	assert_int_equal(n, samples);
}

static void test_openmetrics(void **state)
{
	char *text = text_of(show_openmetrics, NULL);

	(void)state;
	/* Start; packets, segments and bytes a hook; types a hook; four gauges a direction. */
	assert_valid(text, 1 + HOOKS_IN_USE * (3 + TYPES) + 4 * 4);
	assert_non_null(strstr(text, "vethlab_packets_total{lab=\"blue\",link=\"default:veth0 -- "
				     "blue:veth1\",from=\"default:veth0\",to=\"blue:veth1\","
				     "hook=\"xdp\"} 97\n"));
	assert_non_null(strstr(text, "from=\"blue:veth1\",to=\"default:veth0\",hook=\"in\","
				     "type=\"icmp4.echo_reply\"} 97\n"));
	assert_non_null(strstr(text, "vethlab_lost_packets{lab=\"blue\",link=\"default:veth0 -- "
				     "blue:veth1\",from=\"default:veth0\",to=\"blue:veth1\"} 3\n"));
	assert_non_null(strstr(text, "vethlab_start_time_seconds{lab=\"blue\"} 1795448449.250\n"));
	free(text);
}

/* Drops that the kernel had no room to tell apart are in every format. */
static void test_missed_drops(void **state)
{
	char *text = text_of(show_missed, NULL);

	(void)state;
	assert_non_null(strstr(text, "\nvethlab_drops_missed_total{lab=\"blue\"} 5\n"));
	assert_non_null(strstr(text, "_by_cause_total{lab=\"blue\",cause=\"no_memory\"} 2\n"));
	assert_non_null(strstr(text, "\nvethlab_drops_interrupted_total{lab=\"blue\"} 7\n"));
	assert_non_null(strstr(text, ",100,97,xdp,3,0,3,0,0,5,9800,"));
	free(text);
}

static void test_openmetrics_escapes(void **state)
{
	char *text = text_of(show_openmetrics, "a\\b\"c\nd:x");

	(void)state;
	assert_valid(text, 1 + HOOKS_IN_USE * (3 + TYPES) + 4 * 4);
	assert_non_null(strstr(text, "from=\"a\\\\b\\\"c\\nd:x\""));
	free(text);
}

#define HISTOGRAM(lines) "# TYPE a histogram\n" lines "# EOF\n"
#define BUCKET(le, n)	 "a_bucket{b=\"c\",le=\"" le "\"} " #n "\n"

/* The reader of the tests itself. */
static void test_reader_refuses(void **state)
{
	static const char *const bad[] = {
		"",
		"# TYPE a counter\na_total 1\n",
		"# TYPE a counter\na_total 1\n# EOF",
		"# TYPE a counter\na_total 1\n# EOF\n\n",
		"# TYPE a counter\na 1\n# EOF\n",
		"# TYPE a gauge\na_total 1\n# EOF\n",
		"# TYPE a counter\na_total -1\n# EOF\n",
		"# TYPE a gauge\na{b=\"c} 1\n# EOF\n",
		"# TYPE a gauge\na{b=\"\\x\"} 1\n# EOF\n",
		"# TYPE a gauge\na{b=\"c\"} 1\na{b=\"c\"} 1\n# EOF\n",
		"# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\n# EOF\n",
		"# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
		"# TYPE a gauge\na one\n# EOF\n",
		"# TYPE a gauge\na 1\n\n# EOF\n",
		"# TYPE a gauge\na 1\n# HELP a late\n# EOF\n",
		/* Histograms: order, growth, the bucket of all, the count, and where they stand. */
		HISTOGRAM(BUCKET("2", 1) BUCKET("1", 1) BUCKET("+Inf", 1) "a_count{b=\"c\"} 1\n"),
		HISTOGRAM(BUCKET("1", 2) BUCKET("2", 1) BUCKET("+Inf", 2) "a_count{b=\"c\"} 2\n"),
		HISTOGRAM(BUCKET("1", 1) BUCKET("2", 1) "a_count{b=\"c\"} 1\n"),
		HISTOGRAM(BUCKET("1", 1) BUCKET("+Inf", 2) "a_count{b=\"c\"} 3\n"),
		HISTOGRAM(BUCKET("1", 1) BUCKET("+Inf", 2)),
		HISTOGRAM(BUCKET("+Inf", 2) "a_count{b=\"d\"} 2\n"),
		HISTOGRAM("a_bucket{b=\"c\"} 2\n"),
		HISTOGRAM("a_sum{b=\"c\"} 2\n"),
	};
	char problem[512];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!openmetrics_problem(bad[i], &n, problem, sizeof(problem)))
			fail_msg("accepted: %s", bad[i]);
	assert_null(
		openmetrics_problem("# TYPE a_seconds gauge\n# UNIT a_seconds seconds\n"
				    "# HELP a_seconds x\na_seconds{b=\"c\",d=\"\"} 1.5\n# EOF\n",
				    &n, problem, sizeof(problem)));
	assert_int_equal(n, 1);
}

/* Fields of a line; a quoted one counts once. */
static size_t count_fields(const char *line)
{
	bool quoted = false;
	size_t n = 1;

	for (; *line && (quoted || *line != '\n'); line++) {
		if (*line == '"')
			quoted = !quoted;
		n += *line == ',' && !quoted;
	}
	return n;
}

static void test_csv(void **state)
{
	char *text = text_of(show_csv, NULL), *line = text;
	size_t fields = count_fields(text), lines = 0;

	(void)state;
	assert_int_equal(fields, 17 + 2 * TYPES);
	for (; *line; line = strchr(line, '\n') + 1, lines++)
		assert_int_equal(count_fields(line), fields);
	assert_int_equal(lines, 1 + 4);
	assert_non_null(strstr(
		text, "\n2026-11-23T15:44:01.250Z,192000000000,blue,default:veth0 -- "
		      "blue:veth1,default:veth0,blue:veth1,100,97,xdp,3,,3,0,0,,9800,9506,"));
	free(text);
	text = text_of(show_csv, "a,\"b\":x");
	assert_non_null(strstr(text, ",\"a,\"\"b\"\":x\","));
	assert_non_null(strstr(text, ",\"a,\"\"b\"\":x -- blue:veth1\","));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openmetrics),  cmocka_unit_test(test_openmetrics_escapes),
		cmocka_unit_test(test_missed_drops), cmocka_unit_test(test_reader_refuses),
		cmocka_unit_test(test_csv),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
