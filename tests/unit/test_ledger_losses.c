// SPDX-License-Identifier: GPL-2.0-only
/* test_ledger_losses.c - where the packets of a direction were lost, as text and as JSON. */
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

/* 100 pings; of 7 requests lost, 5 died in a queue; 2 of those received met a firewall. */
static void add_losses(struct fixture *fixture)
{
	fixture_add_pings(fixture, 7);
	fixture_add_drop(fixture, 0, WATCH_DROP_BEFORE_OUT, "TAP_FILTER", "", 1);
	fixture_add_drop(fixture, 0, WATCH_DROP_ON_LINK, "QDISC_DROP", "__dev_queue_xmit", 5);
	fixture_add_drop(fixture, 1, WATCH_DROP_AFTER_IN, "NETFILTER_DROP", "nf_hook_slow", 2);
	/* In every network: JSON has it, text has not. */
	fixture_add_drop(fixture, 1, WATCH_DROP_AFTER_IN, "NOT_SPECIFIED", "ip6_mc_input", 9);
}
static void test_conservation(void **state)
{
	struct ledger_filter filter = {0};
	struct fixture fixture;
	struct ledger ledger;
	char *text;

	(void)state;
	fixture_setup(&fixture);
	add_losses(&fixture);
	filter.link = &fixture.links[0];
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].lost, 7);
	assert_int_equal(ledger.entries[0].dropped, 5);
	assert_int_equal(ledger.entries[0].unexplained, 2);
	assert_int_equal(ledger.entries[1].dropped, 0);
	text = fixture_text(&ledger, &filter, false);
	assert_string_equal(
		text, "lab blue: packets of the last 3 min 12 s\n\n"
		      "                             sent  received  lost   volume\n"
		      "default:veth0 -> blue:veth1   100        93     7  9.80 kB\n"
		      "  dropped in default, before `out`: 1 by TAP_FILTER\n"
		      "  lost on the link: 5 by QDISC_DROP at __dev_queue_xmit\n"
		      "    a queueing discipline says so: a full queue, netem loss, or no carrier\n"
		      "  lost on the link: 2 unexplained\n"
		      "  dropped in blue, after `in`: 2 by NETFILTER_DROP at nf_hook_slow\n"
		      "    a netfilter rule (nft, iptables) says so\n"
		      "blue:veth1 -> default:veth0    93        93     0  9.11 kB\n\n"
		      "housekeeping: 9 harmless drops; -v shows all\n");
	free(text);
	ledger_free(&ledger);
	/* All is explained: only the whole page says that nothing is left. */
	fixture.snapshot.losses.list[1].count.segments = 7;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	text = fixture_text(&ledger, &filter, false);
	assert_null(strstr(text, "unexplained"));
	free(text);
	text = fixture_text(&ledger, &filter, true);
	assert_non_null(strstr(text, "\n  lost on the link: 0 unexplained\n"));
	free(text);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
/* Frames that went past `out` (PACKET_QDISC_BYPASS) make up for no loss, and are said to be there.
 */
static void test_past_the_hook(void **state)
{
	struct ledger_filter filter = {0};
	struct fixture fixture;
	struct ledger ledger;
	uint64_t lost;
	char *text;

	(void)state;
	fixture_setup(&fixture);
	fixture_add_echoes(&fixture, 0, VL_HOOK_OUT, 18, false);
	fixture_add_echoes(&fixture, 1, VL_HOOK_IN, 28, false);
	fixture_add_drop(&fixture, 0, WATCH_DROP_ON_LINK, "QDISC_DROP", "pfifo_enqueue", 10);
	fixture.snapshot.passing[0] = 2;
	filter.link = &fixture.links[0];
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].lost, 10);
	assert_int_equal(ledger.entries[0].dropped, 10);
	assert_int_equal(ledger.entries[0].unexplained, 0);
	assert_int_equal(ledger.entries[0].unseen, 20);
	assert_int_equal(ledger.entries[0].passing, 2);
	/* 28 echo requests of 18 may be all of them, or not. */
	assert_false(ledger_lost_of(&ledger.entries[0], counter_find("packets"), &lost));
	text = fixture_text(&ledger, &filter, false);
	assert_non_null(strstr(text, "default:veth0 -> blue:veth1    18        28    10  "));
	assert_non_null(strstr(text, "  lost on the link: 10 by QDISC_DROP at pfifo_enqueue\n"));
	assert_non_null(strstr(text, "  (20 came that `out` did not see: sent past it, or under "
				     "way)\n"));
	assert_non_null(strstr(text, "  (up to 2 were under way when this began, or was read)\n"));
	free(text);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
/* Datagrams that went past `out`, and echo requests that are missing: neither hides the other. */
static void test_past_the_hook_and_lost(void **state)
{
	struct vl_counters *in;
	struct fixture fixture;
	struct ledger ledger;

	(void)state;
	fixture_setup(&fixture);
	in = &fixture.snapshot.hooks[VL_HOOK_IN][1];
	fixture_add_echoes(&fixture, 0, VL_HOOK_OUT, 18, false);
	fixture_add_echoes(&fixture, 1, VL_HOOK_IN, 13, false);
	in->packets += 4;
	in->segments += 4;
	in->ipv4 += 4;
	in->udp += 4;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].lost, 5);
	assert_int_equal(ledger.entries[0].unexplained, 5);
	assert_int_equal(ledger.entries[0].unseen, 4);
	ledger_free(&ledger);
	/* More of them than are missing, of a type that has no field (SCTP); a drop explains one.
	 */
	in->udp -= 4;
	in->packets += 3;
	in->segments += 3;
	in->ipv4 += 3;
	fixture_add_drop(&fixture, 0, WATCH_DROP_ON_LINK, "QDISC_DROP", "pfifo_enqueue", 1);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].lost, 5);
	assert_int_equal(ledger.entries[0].dropped, 1);
	assert_int_equal(ledger.entries[0].unexplained, 4);
	assert_int_equal(ledger.entries[0].unseen, 7);
	ledger_free(&ledger);
	/* The segments of super-packets are of no type: their sum alone is known. */
	fixture.snapshot.hooks[VL_HOOK_OUT][0].segments += 2;
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	assert_int_equal(ledger.entries[0].unexplained, 0);
	assert_int_equal(ledger.entries[0].unseen, 1);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}
static void test_losses_json(void **state)
{
	struct fixture fixture;
	struct losses back = {0};
	struct ledger ledger;
	char problem[512];
	const char *why;
	json_t *json, *links, *drops;

	(void)state;
	fixture_setup(&fixture);
	add_losses(&fixture);
	assert_int_equal(ledger_make(&ledger, "blue", &fixture.lab, &fixture.snapshot), 0);
	json = ledger_to_json(&ledger, NULL);
	why = schema_problem("docs/schema/stats.json", json, problem, sizeof(problem));
	if (why)
		fail_msg("%s", why);
	links = json_array_get(json_object_get(json, "links"), 0);
	drops = json_object_get(json_array_get(json_object_get(links, "directions"), 0), "drops");
	assert_int_equal(losses_from_json(&back, &fixture.lab, drops), 0);
	assert_int_equal(back.n, 4);
	assert_int_equal(losses_from_json(&back, &fixture.lab, links), -EINVAL);
	/* Since that: one more in the queue, nothing else; and both together again. */
	fixture.snapshot.losses.list[1].count.segments++;
	fixture.snapshot.losses.list[1].count.packets++;
	losses_subtract(&fixture.snapshot.losses, &back);
	assert_int_equal(fixture.snapshot.losses.n, 1);
	assert_string_equal(fixture.snapshot.losses.list[0].reason, "QDISC_DROP");
	assert_int_equal(losses_on_link(&fixture.snapshot.losses, &fixture.ends[0]), 1);
	assert_int_equal(losses_on_link(&fixture.snapshot.losses, &fixture.ends[1]), 0);
	assert_int_equal(losses_add(&fixture.snapshot.losses, &back), 0);
	assert_int_equal(fixture.snapshot.losses.n, 4);
	assert_int_equal(losses_on_link(&fixture.snapshot.losses, &fixture.ends[0]), 6);
	json_decref(json);
	losses_free(&back);
	ledger_free(&ledger);
	fixture_teardown(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conservation),
		cmocka_unit_test(test_past_the_hook),
		cmocka_unit_test(test_past_the_hook_and_lost),
		cmocka_unit_test(test_losses_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
