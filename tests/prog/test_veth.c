// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_veth.c - programs attached to a real veth pair, and frames sent over it by AF_PACKET: what a
 * single run cannot show (tags in metadata, frames in fragments, frames without a whole header).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/prog/fixture.h"

enum { BASE = 1000, MTU = 9000, ENDS = 2 };

static struct watch *lab;
static struct nl *nl;
static int sender = -1, receiver = -1;

static const struct nl_what what = {.object = "the pair", .action = "be made"};

static void attach(enum watch_tc tc)
{
	struct err err = {};

	for (uint32_t end = 0; end < ENDS; end++) {
		fixture_attach(lab, nl, tc, end, BASE + end);
		if (watch_attach_xdp(lab, end, BASE + end, XDP_MODE_GENERIC, "v", &err))
			fail_msg("%s (%s)", err.what, err.hint);
	}
}

static void start(enum watch_tc tc)
{
	if (!fixture_ready())
		skip();
	if (tc == WATCH_TC_TCX && watch_tc_available() != WATCH_TC_TCX) {
		print_message("this kernel has no tcx (6.6)\n");
		skip();
	}
	fixture_pair(&nl, BASE, MTU);
	lab = fixture_load(BASE);
	attach(tc);
	sender = fixture_socket(BASE);
	receiver = fixture_socket(BASE + 1);
}

static int stop(void **state)
{
	struct err err = {};

	(void)state;
	if (!lab)
		return 0;
	close(sender);
	close(receiver);
	fixture_unload(lab);
	lab = NULL;
	if (link_delete(nl, BASE, &what, &err) || nl_flush(nl, &err))
		fail_msg("%s", err.what);
	nl_close(nl);
	nl = NULL;
	return 0;
}

/*
 * Send a frame from end 0 to end 1 and hold every hook it passes to what is expected there. The
 * capture runs after XDP and before tc: poll the counter at `in` itself, which comes last.
 */
static void send_frame(const struct bytes *b, const struct vl_counters *out,
		       const struct vl_counters *xdp, const struct vl_counters *in,
		       const char *title)
{
	static const int place[VL_HOOKS] = {[VL_HOOK_OUT] = 0, [VL_HOOK_XDP] = 1, [VL_HOOK_IN] = 1};
	const struct vl_counters *expected[VL_HOOKS] = {out, xdp, in};
	struct vl_counters before[VL_HOOKS], after;
	struct pollfd ready = {.fd = receiver, .events = POLLIN};
	uint8_t got[MTU + 100];

	for (int hook = 0; hook < VL_HOOKS; hook++)
		before[hook] = counters_of(lab, hook, place[hook]);
	assert_int_equal(send(sender, b->at, b->len, 0), b->len);
	assert_int_equal(poll(&ready, 1, 5000), 1);
	assert_true(recv(receiver, got, sizeof(got), MSG_TRUNC) > 0);
	for (int i = 0; i < 5000; i++) {
		if (counters_of(lab, VL_HOOK_IN, 1).packets > before[VL_HOOK_IN].packets)
			break;
		poll(NULL, 0, 1);
	}
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		char name[96];

		snprintf(name, sizeof(name), "%s at %s", title, prog_titles[hook]);
		after = counters_of(lab, hook, place[hook]);
		assert_counted(&before[hook], &after, expected[hook], name, b->at, b->len);
	}
}

static void send_plain(const struct bytes *b, const char *title)
{
	struct vl_counters expected = {};

	expect_frame(b->at, b->len, &expected);
	send_frame(b, &expected, &expected, &expected, title);
}

static struct bytes big_echo(size_t payload, bool v6)
{
	static const uint8_t zeros[MTU];
	struct bytes b;

	put_eth(&b, v6 ? 0x86dd : 0x0800);
	if (v6)
		put_ipv6(&b, 58, 8 + payload);
	else
		put_ipv4(&b, 1, 12, 0, 8 + payload);
	put_icmp(&b, v6 ? 128 : 8, 0, 1, 2, zeros, payload);
	return b;
}

static void all_kinds(void)
{
	struct bytes b;

	b = big_echo(56, false);
	send_plain(&b, "echo");
	b = big_echo(56, true);
	send_plain(&b, "echo v6");
	/* Above a page, AF_PACKET leaves only the Ethernet header in the linear part. */
	b = big_echo(6000, false);
	send_plain(&b, "echo in fragments of memory");
	b = big_echo(6000, true);
	send_plain(&b, "echo v6 in fragments of memory");
	b = big_echo(56, false);
	while (b.len > 15) { /* 14: a packet socket takes no frame without payload */
		b.len--;
		send_plain(&b, "cut echo");
	}
	b = big_echo(0, true);
	while (b.len > 15) {
		b.len--;
		send_plain(&b, "cut echo v6");
	}
}

static void test_tcx(void **state)
{
	(void)state;
	start(WATCH_TC_TCX);
	all_kinds();
}

static void test_clsact(void **state)
{
	(void)state;
	start(WATCH_TC_CLSACT);
	all_kinds();
}

/*
 * The kernel takes the tag out of the bytes on its way in, after XDP: in finds it in metadata,
 * four bytes are gone, and it is a tagged frame still.
 */
static void test_vlan_in_metadata(void **state)
{
	struct vl_counters tagged = {}, taken;
	struct bytes b;

	(void)state;
	start(watch_tc_available());
	put_eth(&b, 0x8100);
	put16(&b, 42);
	put16(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	expect_frame(b.at, b.len, &tagged);
	taken = tagged;
	taken.bytes -= 4;
	send_frame(&b, &tagged, &tagged, &taken, "tagged echo");
}

/* Somebody else's clsact stays, and serves. */
static void test_clsact_is_there(void **state)
{
	struct err err = {};
	struct bytes b = big_echo(56, false);

	(void)state;
	start(WATCH_TC_NONE);
	assert_int_equal(watch_clsact_qdisc(nl, BASE, &what, &err), 0);
	assert_int_equal(nl_flush(nl, &err), 0);
	for (uint32_t end = 0; end < ENDS; end++)
		fixture_attach(lab, nl, WATCH_TC_CLSACT, end, BASE + end);
	send_plain(&b, "echo over a clsact that was there");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_tcx, stop),
		cmocka_unit_test_teardown(test_clsact, stop),
		cmocka_unit_test_teardown(test_vlan_in_metadata, stop),
		cmocka_unit_test_teardown(test_clsact_is_there, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
