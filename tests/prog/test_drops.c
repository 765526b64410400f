// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_drops.c - packets that the kernel drops at the ends of a pair: counted once, with the reason,
 * at the end and on the side of our hooks where they were lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/prog/fixture.h"
#include "user/watch/drops.h"

enum { BASE = 3000, N = 25 };

static struct watch *lab;
static struct nl *nl;
static int sender = -1;

static const struct nl_what what = {.object = "the pair", .action = "be made"};

static void start(void)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = BASE,
				 .sll_protocol = htons(ETH_P_ALL)};
	struct err err = {};
	struct stat self;

	if (!fixture_ready())
		skip();
	assert_int_equal(stat("/proc/self/ns/net", &self), 0);
	fixture_pair(&nl, BASE, 1500);
	lab = fixture_load(BASE);
	for (uint32_t i = 0; i < 2; i++) {
		struct vl_end end = {.in_use = 1, .ifindex = BASE + i, .peer = !i,
				     .netns = self.st_ino};
		const struct nl_what at = {.object = "end", .action = "attach"};

		assert_int_equal(watch_name_end(lab, i, &end, &err), 0);
		if (watch_clsact_qdisc(lab, nl, BASE + i, &at, &err) ||
		    watch_clsact_filters(lab, nl, BASE + i, &at, &err) || nl_flush(nl, &err))
			fail_msg("%s", err.what);
	}
	sender = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_true(sender >= 0);
	assert_int_equal(bind(sender, (struct sockaddr *)&to, sizeof(to)), 0);
}

static int stop(void **state)
{
	struct err err = {};

	(void)state;
	if (!lab)
		return 0;
	close(sender);
	fixture_unload(lab);
	lab = NULL;
	if (link_delete(nl, BASE, &what, &err) || nl_flush(nl, &err))
		fail_msg("%s", err.what);
	nl_close(nl);
	return 0;
}

static void send_echoes(int n)
{
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	for (int i = 0; i < n; i++) {
		ssize_t ret = send(sender, b.at, b.len, 0);

		/* A queue that drops tells the sender. */
		if (ret < 0 && errno != ENOBUFS)
			fail_msg("send: %s", strerror(errno));
	}
}

/* Waits until n packets are known to be dropped at a place, and returns how the kernel called it. */
static struct watch_drop await(uint32_t end, enum watch_drop_stage stage, uint64_t n)
{
	struct watch_drop *drops, found = {};
	struct err err = {};
	uint64_t missed = 0;
	size_t count = 0;

	for (int i = 0; i < 3000 && found.count.packets < n; i++) {
		int ret = watch_read_drops(lab, &drops, &count, &missed, &err);

		if (ret == -ENOENT) {
			print_message("this kernel has no BTF: drops are not counted\n");
			skip();
		}
		assert_int_equal(ret, 0);
		for (size_t k = 0; k < count; k++)
			if (drops[k].end == end && drops[k].stage == stage)
				found = drops[k];
		free(drops);
		poll(NULL, 0, 1);
	}
	assert_int_equal(missed, 0);
	assert_int_equal(found.count.packets, n);
	assert_int_equal(found.count.segments, n);
	assert_int_equal(count, 1); /* and nothing else was dropped */
	return found;
}

static void test_not_for_us(void **state)
{
	struct watch_drop drop;

	(void)state;
	start();
	send_echoes(N); /* to a MAC address that the receiver does not have */
	drop = await(1, WATCH_DROP_AFTER_IN, N);
	assert_string_equal(drop.reason, "OTHERHOST");
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, N);
}

static void test_peer_is_down(void **state)
{
	struct err err = {};

	(void)state;
	start();
	if (link_set_up(nl, BASE + 1, false, &what, &err) || nl_flush(nl, &err))
		fail_msg("%s", err.what);
	send_echoes(N);
	await(0, WATCH_DROP_ON_LINK, N);
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, 1).packets, 0);
}

/* Packets of an interface with an end's number in another namespace are nobody's. */
static void test_other_namespace(void **state)
{
	struct vl_end elsewhere = {.in_use = 1, .ifindex = BASE + 1, .netns = 1};
	struct watch_drop *drops;
	struct err err = {};
	uint64_t missed;
	size_t n;

	(void)state;
	start();
	assert_int_equal(watch_name_end(lab, 1, &elsewhere, &err), 0);
	send_echoes(N);
	for (int i = 0; i < 3000 && counters_of(lab, VL_HOOK_IN, 1).packets < N; i++)
		poll(NULL, 0, 1);
	poll(NULL, 0, 20);
	if (watch_read_drops(lab, &drops, &n, &missed, &err) == -ENOENT)
		skip();
	assert_int_equal(n, 0);
	free(drops);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_not_for_us, stop),
		cmocka_unit_test_teardown(test_peer_is_down, stop),
		cmocka_unit_test_teardown(test_other_namespace, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
