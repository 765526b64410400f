// SPDX-License-Identifier: GPL-2.0-only
/* test_ledger.c - the counters of both ends joined, as text and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lab_fixture.h"
#include "schema.h"
#include "user/ledger/counter_fields.h"
#include "user/output/output.h"
#include "user/render/ledger_report.h"

static void test_balance(void **state)
{
	struct fixture fixture;
	struct ledger ledger;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_pings(&fixture, 3);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.n_entries, 4);
	assert_ptr_equal(ledger.entries[0].from, &fixture.ends[0]);
	assert_int_equal(ledger.entries[0].sent_segments, 100);
	assert_int_equal(ledger.entries[0].received_segments, 97);
	assert_int_equal(ledger.entries[0].received_at, VL_HOOK_IN);
	assert_int_equal(ledger.entries[0].lost, 3);
	assert_int_equal(ledger.entries[0].unseen, 0);
	assert_int_equal(ledger.entries[1].sent_segments, 97);
	assert_int_equal(ledger.entries[1].lost, 0);
	assert_int_equal(ledger.entries[2].sent_segments, 0);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
static void test_more_received_than_sent(void **state)
{
	struct fixture fixture;
	struct ledger ledger;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_echoes(&fixture, 0, VL_HOOK_OUT, 10, false);
	fixture_add_echoes(&fixture, 1, VL_HOOK_IN, 12, false);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].lost, 0);
	assert_int_equal(ledger.entries[0].unseen, 2);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
static void test_unknown_sides(void **state)
{
	struct fixture fixture;
	struct ledger ledger;
	uint64_t lost;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_pings(&fixture, 0);
	fixture.snapshot.attached[1] = OUT_BIT;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_false(ledger.entries[0].has_received);
	/* Nobody looked, so nothing is said to be lost. */
	assert_int_equal(ledger.entries[0].lost, 0);
	assert_false(ledger_lost_of(&ledger.entries[0], &counter_fields[0], &lost));
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
/* One super-packet of 40 segments, cut on the way to a native XDP hook. */
static void test_super_packets_cut(void **state)
{
	struct fixture fixture;
	struct vl_counters *out, *xdp, *in;
	struct ledger ledger;
	uint64_t lost;

	(void)state;
	fixture_setup(&fixture);
	fixture.snapshot.attached[1] = OUT_BIT | XDP_BIT | IN_BIT;
	out = &fixture.snapshot.hooks[VL_HOOK_OUT][0];
	xdp = &fixture.snapshot.hooks[VL_HOOK_XDP][1];
	in = &fixture.snapshot.hooks[VL_HOOK_IN][1];
	*out = (struct vl_counters){
		.packets = 1, .bytes = 58000, .segments = 40, .ipv4 = 1, .tcp = 1};
	*xdp = (struct vl_counters){
		.packets = 40, .bytes = 60574, .segments = 40, .ipv4 = 40, .tcp = 40};
	*in = *xdp;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].received_at, VL_HOOK_XDP);
	assert_int_equal(ledger.entries[0].lost, 0);
	assert_int_equal(ledger.entries[0].unseen, 0);
	for (size_t i = 0; i < n_counter_fields; i++)
		if (!strcmp(counter_fields[i].name, "tcp"))
			assert_false(ledger_lost_of(&ledger.entries[0], &counter_fields[i], &lost));
	ledger_free(&ledger);
	/* Generic XDP sees the super-packet whole, and not that it is one: `in` tells. */
	*xdp = (struct vl_counters){
		.packets = 1, .bytes = 58000, .segments = 1, .ipv4 = 1, .tcp = 1};
	*in = *out;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].received_segments, 40);
	assert_int_equal(ledger.entries[0].lost, 0);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
/* Frames whose VLAN tag is beside their bytes: XDP counts what is in them. Nothing is lost. */
static void test_tags_beside_the_frame(void **state)
{
	struct fixture fixture;
	struct ledger ledger;
	uint64_t lost;

	(void)state;
	fixture_setup(&fixture);
	fixture.snapshot.attached[1] = OUT_BIT | XDP_BIT | IN_BIT;
	fixture.snapshot.hooks[VL_HOOK_OUT][0] = (struct vl_counters){
		.packets = 5, .bytes = 500, .segments = 5, .arp = 1, .vlan = 4};
	fixture.snapshot.hooks[VL_HOOK_IN][1] = fixture.snapshot.hooks[VL_HOOK_OUT][0];
	fixture.snapshot.hooks[VL_HOOK_XDP][1] = (struct vl_counters){
		.packets = 5, .bytes = 500, .segments = 5, .arp = 1, .ipv4 = 4, .udp = 4};
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].lost, 0);
	assert_true(ledger_lost_of(&ledger.entries[0], counter_find("packets"), &lost));
	assert_int_equal(lost, 0);
	assert_false(ledger_lost_of(&ledger.entries[0], counter_find("vlan"), &lost));
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
static void test_since(void **state)
{
	struct fixture fixture;
	struct snapshot before;
	struct ledger ledger;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_pings(&fixture, 1);
	assert_int_equal(snapshot_copy(&before, &fixture.snapshot), 0);
	fixture_add_pings(&fixture, 2);
	fixture.snapshot.read_ns += 5000000000;
	snapshot_subtract(&fixture.snapshot, &before);
	assert_int_equal(snapshot_span(&fixture.snapshot), 5000000000);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].sent_segments, 100);
	assert_int_equal(ledger.entries[0].lost, 2);
	assert_int_equal(ledger.entries[1].received.icmp4.echo_reply, 98);
	ledger_free(&ledger);
	/* A snapshot that is ahead (the lab was built anew) gives 0, not 2^64. */
	before.hooks[VL_HOOK_OUT][0].packets = 1000;
	snapshot_subtract(&fixture.snapshot, &before);
	assert_int_equal(fixture.snapshot.hooks[VL_HOOK_OUT][0].packets, 0);
	snapshot_free(&before);
	fixture_teardown(&fixture);
}
static void test_text(void **state)
{
	struct ledger_filter filter = {0};
	struct fixture fixture;
	struct ledger ledger;
	char *text;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_pings(&fixture, 3);
	fixture.snapshot.hooks[VL_HOOK_OUT][0].packets++;
	fixture.snapshot.hooks[VL_HOOK_OUT][0].segments++;
	fixture.snapshot.hooks[VL_HOOK_OUT][0].ipv4++; /* IGMP, say */
	filter.link = &fixture.links[0];
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	text = fixture_text(&ledger, &filter, false);
	assert_string_equal(text,
			    "lab blue: packets of the last 3 min 12 s\n\n"
			    "                             sent  received  lost   volume\n"
			    "default:veth0 -> blue:veth1   101        97     4  9.80 kB\n"
			    "  lost on the link: 4 unexplained (this lab does not count drops)\n"
			    "blue:veth1 -> default:veth0    97        97     0  9.51 kB\n");
	free(text);
	text = fixture_text(&ledger, &filter, true);
	assert_string_equal(text,
			    "lab blue: packets of the last 3 min 12 s\n\n"
			    "                             sent  received  lost   volume\n"
			    "default:veth0 -> blue:veth1   101        97     4  9.80 kB\n"
			    "  echo request                100        97     3\n"
			    "  other ip protocols            1         0\n"
			    "  lost on the link: 4 unexplained (this lab does not count drops)\n"
			    "blue:veth1 -> default:veth0    97        97     0  9.51 kB\n"
			    "  echo reply                   97        97     0\n");
	free(text);
	/* Both links, 80 columns at most, and no blanks at line ends. */
	text = fixture_text(&ledger, NULL, true);
	assert_non_null(strstr(text, "\n\ndefault:veth2 -> blue:veth3 "));
	assert_null(strstr(text, " \n"));
	free(text);
	text = fixture_text(&ledger, NULL, false);
	assert_non_null(strstr(text, "0  9.51 kB\ndefault:veth2 -> blue:veth3 "));
	assert_null(strstr(text, " \n"));
	free(text);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
/* What the nodes of every lab say and drop by themselves: one line, or all. */
static void test_housekeeping(void **state)
{
	static const struct vl_counters quiet = {.packets = 9,
						 .bytes = 700,
						 .segments = 9,
						 .arp = 2,
						 .ipv6 = 7,
						 .icmp6 = {.nd = 3, .other = 4}};
	struct ledger_filter filter = {0};
	struct fixture fixture;
	struct ledger ledger;
	char *text;

	(void)state;
	fixture_setup(&fixture);
	fixture.snapshot.hooks[VL_HOOK_OUT][0] = quiet;
	fixture.snapshot.hooks[VL_HOOK_IN][1] = quiet;
	fixture_add_drop(&fixture, 1, WATCH_DROP_AFTER_IN, "NOT_SPECIFIED", "ip6_mc_input", 5);
	filter.link = &fixture.links[0];
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	text = fixture_text(&ledger, &filter, false);
	assert_string_equal(
		text,
		"lab blue: packets of the last 3 min 12 s\n\n"
		"                             sent  received  lost  volume\n"
		"default:veth0 -> blue:veth1     9         9     0   700 B\n"
		"blue:veth1 -> default:veth0     0         0     0     0 B\n\n"
		"housekeeping: 9 of 9 packets (ARP, neighbor discovery, other ICMPv6), 5 harmless\n"
		"              drops; -v shows all\n");
	free(text);
	text = fixture_text(&ledger, &filter, true);
	assert_string_equal(text,
			    "lab blue: packets of the last 3 min 12 s\n\n"
			    "                             sent  received  lost  volume\n"
			    "default:veth0 -> blue:veth1     9         9     0   700 B\n"
			    "  arp                           2         2     0\n"
			    "  neighbor discovery (v6)       3         3     0\n"
			    "  other icmp (v6)               4         4     0\n"
			    "  dropped in blue, after `in`: 5 by NOT_SPECIFIED at ip6_mc_input "
			    "(harmless)\n"
			    "    nobody here listens to this multicast group\n"
			    "blue:veth1 -> default:veth0     0         0     0     0 B\n");
	free(text);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
/* Three SYNs of five super-packets that stand for 40 segments: a SYN is one of tcp's, not beside
 * them. */
static void test_rows_add_up(void **state)
{
	static const struct vl_counters sent = {.packets = 8,
						.bytes = 58000,
						.segments = 43,
						.arp = 1,
						.ipv4 = 7,
						.tcp = 5,
						.tcp_syn = 3,
						.tcp_fin = 1,
						.udp = 1,
						.icmp4 = {.echo_request = 1}};
	struct ledger_filter filter = {0};
	struct fixture fixture;
	struct ledger ledger;
	char *text;

	(void)state;
	fixture_setup(&fixture);
	fixture.snapshot.hooks[VL_HOOK_OUT][0] = sent;
	fixture.snapshot.hooks[VL_HOOK_IN][1] = sent;
	filter.link = &fixture.links[0];
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	text = fixture_text(&ledger, &filter, true);
	assert_string_equal(text, "lab blue: packets of the last 3 min 12 s\n\n"
				  "                             sent  received  lost   volume\n"
				  "default:veth0 -> blue:veth1    43        43     0  58.0 kB\n"
				  "  packets at the hooks          8         8\n"
				  "  arp                           1         1     0\n"
				  "  tcp                           5         5\n"
				  "    tcp syn                     3         3     0\n"
				  "    tcp fin                     1         1\n"
				  "  udp                           1         1\n"
				  "  echo request                  1         1     0\n"
				  "blue:veth1 -> default:veth0     0         0     0      0 B\n");
	free(text);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
static void test_text_of_long_names_and_large_numbers(void **state)
{
	struct fixture fixture;
	struct ledger ledger;
	char *text, *line, *rest;

	(void)state;
	fixture_setup(&fixture);
	strcpy(fixture.ends[0].name, "a-node-with-a-name:averylongveth00");
	strcpy(fixture.ends[1].name, "another-one-of-them:averylongveth1");
	fixture_add_echoes(&fixture, 0, VL_HOOK_OUT, 4000000000, false);
	fixture.snapshot.hooks[VL_HOOK_OUT][0].segments += 99000000000;
	memset(fixture.nodes[1].name, 'n', NODE_NAME_MAX);
	fixture_add_drop(&fixture, 1, WATCH_DROP_AFTER_IN, "BRIDGE_INGRESS_STP_STATE",
			 "br_handle_frame_finish", 5);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	text = fixture_text(&ledger, NULL, true);
	assert_non_null(strstr(text, "\n  all "));
	assert_non_null(strstr(text, "103000000000"));
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(output_columns(line) <= 80);
	free(text);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
static json_t *below(json_t *json, const char *a, const char *b, const char *c, const char *d)
{
	json = json_object_get(json_object_get(json, a), b);
	return json_object_get(json_object_get(json, c), d);
}
static void test_json(void **state)
{
	struct fixture fixture;
	struct ledger ledger;
	json_t *json, *directions, *direction, *end;
	char problem[512];
	const char *why;

	(void)state;
	fixture_setup(&fixture);
	fixture.snapshot.attached[0] =
		OUT_BIT; /* the way back is sent, and nobody sees it arrive */
	fixture.snapshot.attached[1] = OUT_BIT | XDP_BIT | IN_BIT;
	fixture_add_pings(&fixture, 3);
	fixture_add_echoes(&fixture, 1, VL_HOOK_XDP, 98, false);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	json = ledger_to_json(&ledger, NULL);
	why = schema_problem("docs/schema/stats.json", json, problem, sizeof(problem));
	if (why)
		fail_msg("%s", why);
	assert_string_equal(json_string_value(json_object_get(json, "time")),
			    "2026-11-23T15:44:01.250Z");
	directions =
		json_object_get(json_array_get(json_object_get(json, "links"), 0), "directions");
	direction = json_array_get(directions, 0);
	assert_int_equal(json_integer_value(json_object_get(direction, "lost")), 2);
	assert_string_equal(json_string_value(json_object_get(direction, "received_at")), "xdp");
	direction = json_array_get(directions, 1);
	assert_true(json_is_null(json_object_get(direction, "lost")));
	assert_true(json_is_null(json_object_get(direction, "received")));
	end = json_array_get(json_object_get(json, "ends"), 1);
	assert_int_equal(json_integer_value(below(end, "hooks", "in", "icmp4", "echo_request")),
			 97);
	json_decref(json);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
/* The validator itself: a document with a fault is refused, and the place is named. */
static void test_schema_refuses(void **state)
{
	struct fixture fixture;
	struct ledger ledger;
	char problem[512];
	json_t *json;

	(void)state;
	fixture_setup(&fixture);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	json = ledger_to_json(&ledger, NULL);
	output_json_set(json_array_get(json_object_get(json, "ends"), 2), "number",
			json_integer(-1));
	assert_non_null(schema_problem("docs/schema/stats.json", json, problem, sizeof(problem)));
	assert_string_equal(problem, "/ends/2/number: is below 0");
	json_object_del(json, "ends");
	assert_non_null(schema_problem("docs/schema/stats.json", json, problem, sizeof(problem)));
	assert_string_equal(problem, ": has no 'ends'");
	json_decref(json);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
static void test_counters_json(void **state)
{
	struct vl_counters counters, back;
	json_t *json;

	(void)state;
	/* Every field another value: two that were mixed up would show. */
	for (size_t i = 0; i < sizeof(counters) / 8; i++)
		((__u64 *)&counters)[i] = 1000 + i;
	json = counters_to_json(&counters);
	assert_true(counters_from_json(json, &back));
	assert_memory_equal(&counters, &back, sizeof(counters));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(json, "icmp6"), "nd")),
			 (json_int_t)counters.icmp6.nd);
	output_json_set(json, "tcp", output_json_text("many"));
	assert_false(counters_from_json(json, &back));
	json_decref(json);
	json = json_array();
	assert_false(counters_from_json(json, &back));
	json_decref(json);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balance),
		cmocka_unit_test(test_more_received_than_sent),
		cmocka_unit_test(test_unknown_sides),
		cmocka_unit_test(test_super_packets_cut),
		cmocka_unit_test(test_tags_beside_the_frame),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_housekeeping),
		cmocka_unit_test(test_rows_add_up),
		cmocka_unit_test(test_text_of_long_names_and_large_numbers),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_schema_refuses),
		cmocka_unit_test(test_counters_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}