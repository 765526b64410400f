// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_end_stub.c - a lab whose ends have numbers that their ifindexes do not tell: each hook knows
 * its end by its door, drops are put to it by place, and filters of other people stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/prog/fixture.h"
#include "user/watch/drops.h"
#include "user/watch/tc_filter.h"

enum { BASE = 3100, N = 25 };

/* Numbers of the ends with interfaces BASE and BASE + 1. */
static const uint32_t numbers[2] = {3, 1};
static const struct nl_what what = {.object = "the pair", .action = "be made"};
static struct watch *lab;
static struct nl *nl;

static void start(void)
{
	const struct watch_config config = {.lab = FIXTURE_LAB,
					    .ifindex_base = 7,
					    .n_ends = FIXTURE_ENDS,
					    .in = true,
					    .out = true,
					    .xdp_generic = true,
					    .xdp_native = true,
					    .observed = true};
	struct err err = {};
	struct stat self;

	if (!fixture_ready())
		skip();
	assert_int_equal(stat("/proc/self/ns/net", &self), 0);
	fixture_pair(&nl, BASE, 1500);
	if (watch_load(&lab, &config, &err) || watch_pin(lab, &err))
		fail_msg("%s (%s)", err.what, err.hint);
	for (uint32_t i = 0; i < 2; i++) {
		struct vl_end end = {.in_use = 1,
				     .ifindex = BASE + i,
				     .peer = numbers[!i],
				     .netns = self.st_ino};

		assert_int_equal(watch_name_end(lab, numbers[i], &end, &err), 0);
		assert_int_equal(watch_place_end(lab, numbers[i], &end, &err), 0);
	}
	watch_close(lab); /* what is attached later is attached by another process */
	assert_int_equal(watch_open(&lab, FIXTURE_LAB, &err), 0);
	assert_int_equal(watch_open_programs(lab, &err), 0);
}

static int stop(void **state)
{
	struct err err = {};

	(void)state;
	if (!lab)
		return 0;
	fixture_unload(lab);
	lab = NULL;
	if (link_delete(nl, BASE, &what, &err) || nl_flush(nl, &err))
		fail_msg("%s", err.what);
	nl_close(nl);
	return 0;
}

static void send_echoes(int n)
{
	int sender = fixture_socket(BASE);
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	for (int i = 0; i < n; i++)
		assert_int_equal(send(sender, b.at, b.len, 0), b.len);
	close(sender);
}

/* Waits until the end with BASE + 1 has counted them, and sees that nobody else has. */
static void await(enum vl_hook hook, uint64_t n)
{
	for (int i = 0; i < 3000 && counters_of(lab, hook, numbers[1]).packets < n; i++)
		poll(NULL, 0, 1);
	for (uint32_t end = 0; end < FIXTURE_ENDS; end++) {
		assert_int_equal(counters_of(lab, hook, end).packets, end == numbers[1] ? n : 0);
		assert_int_equal(counters_of(lab, VL_HOOK_OUT, end).packets,
				 end == numbers[0] ? n : 0);
	}
	assert_int_equal(counters_of(lab, hook, numbers[1]).icmp4.echo_request, n);
}

static void test_tcx(void **state)
{
	struct err err = {};

	(void)state;
	if (fixture_ready() && watch_tc_available() != WATCH_TC_TCX) {
		print_message("this kernel has no tcx (6.6)\n");
		skip();
	}
	start();
	for (uint32_t i = 0; i < 2; i++)
		if (watch_attach_tcx(lab, numbers[i], BASE + i, "the end", &err))
			fail_msg("%s", err.what);
	send_echoes(N);
	await(VL_HOOK_IN, N);
	/* One end is left alone again; the other one goes on. */
	assert_int_equal(watch_forget_end(lab, numbers[0], &err), 0);
	send_echoes(N);
	for (int i = 0; i < 3000 && counters_of(lab, VL_HOOK_IN, numbers[1]).packets < 2 * N; i++)
		poll(NULL, 0, 1);
	assert_int_equal(counters_of(lab, VL_HOOK_IN, numbers[1]).packets, 2 * N);
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, numbers[0]).packets, N);
}

static void try_xdp(enum xdp_mode mode)
{
	struct err err = {};

	start();
	if (watch_attach_xdp(lab, numbers[1], BASE + 1, mode, "the end", &err))
		fail_msg("%s (%s)", err.what, err.hint);
	send_echoes(N);
	for (int i = 0; i < 3000 && counters_of(lab, VL_HOOK_XDP, numbers[1]).packets < N; i++)
		poll(NULL, 0, 1);
	assert_int_equal(counters_of(lab, VL_HOOK_XDP, numbers[1]).packets, N);
	assert_int_equal(counters_of(lab, VL_HOOK_XDP, 0).packets, 0);
}

static void test_xdp(void **state)
{
	try_xdp(XDP_MODE_GENERIC);
	stop(state);
	try_xdp(XDP_MODE_NATIVE);
}

/* A program that is loaded later and cannot be pinned is attached to no end. */
static void test_late_pin_fails(void **state)
{
	struct err err = {};
	char path[256];

	(void)state;
	start();
	close(lab->progs[PROG_XDP_NATIVE]);
	lab->progs[PROG_XDP_NATIVE] = -1;
	watch_path(path, FIXTURE_LAB, "%s", watch_prog_names[PROG_XDP_NATIVE]);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("nowhere", path), 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(watch_attach_xdp(lab, numbers[i], BASE + i, XDP_MODE_NATIVE,
						  "the end", &err),
				 -EEXIST);
	assert_int_equal(unlink(path), 0);
	err = (struct err){};
	if (watch_attach_xdp(lab, numbers[1], BASE + 1, XDP_MODE_NATIVE, "the end", &err))
		fail_msg("%s (%s)", err.what, err.hint);
	assert_int_equal(access(path, F_OK), 0);
}

static void test_drops(void **state)
{
	struct watch_drop *drops;
	struct err err = {};
	struct watch_missed missed;
	uint64_t n_packets = 0;
	size_t n;

	(void)state;
	start();
	send_echoes(N); /* to a MAC address that the receiver does not have */
	for (int i = 0; i < 3000 && n_packets < N; i++) {
		if (watch_read_drops(lab, &drops, &n, &missed, &err) == -ENOENT) {
			print_message("this kernel has no BTF: drops are not counted\n");
			skip();
		}
		assert_in_range(n, 0, 1);
		n_packets = n ? drops[0].count.packets : 0;
		if (n) {
			assert_int_equal(drops[0].end, numbers[1]);
			assert_int_equal(drops[0].stage, WATCH_DROP_AFTER_IN);
		}
		free(drops);
		poll(NULL, 0, 1);
	}
	assert_int_equal(n_packets, N);
	/* A number that is given out again starts at 0. */
	assert_int_equal(watch_clear_end(lab, numbers[1], &err), 0);
	assert_int_equal(watch_read_drops(lab, &drops, &n, &missed, &err), 0);
	assert_int_equal(n, 0);
	free(drops);
}

static struct watch_filter add_filter(uint32_t i, enum vl_hook hook)
{
	struct watch_filter filter = {.ifindex = BASE + i, .hook = hook};
	struct err err = {};
	int prog = watch_filter_load(lab, numbers[i], &filter, &err);

	if (prog < 0 || watch_filter_add(nl, &filter, prog, "the end", &err))
		fail_msg("%s", err.what);
	close(prog);
	assert_true(filter.prog_id);
	return filter;
}

/* Beside a filter of another protocol at the best priority, on a qdisc of somebody else. */
static void test_filters(void **state)
{
	struct watch_filter out, in, other;
	struct err err = {};

	(void)state;
	start();
	assert_int_equal(watch_clsact_look(nl, BASE, "v", &err), TC_CLSACT_NONE);
	assert_int_equal(system("tc qdisc add dev v3100 clsact"), 0);
	assert_int_equal(system("tc qdisc add dev v3101 clsact"), 0);
	assert_int_equal(system("tc filter add dev v3101 ingress pref 1 protocol ip bpf bytecode "
				"'1,6 0 0 0'"),
			 0); /* matches nothing */
	assert_int_equal(watch_clsact_look(nl, BASE, "v", &err), TC_CLSACT_THERE);
	out = add_filter(0, VL_HOOK_OUT);
	in = add_filter(1, VL_HOOK_IN);
	assert_int_equal(out.priority, 1);
	assert_int_equal(in.priority, 2);
	send_echoes(N);
	await(VL_HOOK_IN, N);
	/* Somebody else's in the same place is not taken off. */
	other = in;
	other.prog_id = out.prog_id;
	assert_int_equal(watch_filter_remove(nl, &other, "v", &err), 0);
	send_echoes(N);
	await(VL_HOOK_IN, 2 * N);
	assert_int_equal(watch_filter_remove(nl, &in, "v", &err), 0);
	assert_int_equal(watch_filter_remove(nl, &in, "v", &err), 0);
	assert_int_equal(watch_filter_remove(nl, &out, "v", &err), 0);
	assert_int_equal(watch_clsact_remove(nl, BASE, "v", &err), 0);
	assert_int_equal(watch_clsact_remove(nl, BASE + 1, "v", &err), 0);
	assert_int_equal(watch_clsact_look(nl, BASE, "v", &err), TC_CLSACT_NONE);
	assert_int_equal(watch_clsact_look(nl, BASE + 1, "v", &err), TC_CLSACT_THERE);
	assert_int_equal(system("tc filter show dev v3101 ingress | grep -q bytecode"), 0);
	assert_int_equal(system("tc filter show dev v3101 ingress | grep -q vethlab"), 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_tcx, stop),
		cmocka_unit_test_teardown(test_xdp, stop),
		cmocka_unit_test_teardown(test_late_pin_fails, stop),
		cmocka_unit_test_teardown(test_drops, stop),
		cmocka_unit_test_teardown(test_filters, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
