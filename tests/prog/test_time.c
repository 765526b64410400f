// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_time.c - echoes followed: A (end 0) - (end 1) B (end 2) - (end 3) C. Frames are shown to
 * hooks one by one, so that every figure is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/prog/fixture.h"

enum { BASE = 2000 };
#define LONG_NS 600000000000ull

static struct watch *lab;

static void name_ends(void)
{
	static const uint32_t nodes[FIXTURE_ENDS] = {10, 11, 11, 12};
	struct err err = {};

	for (uint32_t i = 0; i < FIXTURE_ENDS; i++) {
		struct vl_end end = {.in_use = 1,
				     .ifindex = BASE + i,
				     .link = i / 2,
				     .peer = i ^ 1,
				     .node_index = nodes[i]};

		assert_int_equal(watch_name_end(lab, i, &end, &err), 0);
	}
}

/*
 * A fresh lab for each test: all figures start at zero. No reply is late, even where the machine
 * stands still for a while.
 */
static void start(void)
{
	static bool made;
	struct err err = {};
	struct nl *nl;

	if (!fixture_ready())
		skip();
	for (uint32_t i = 0; !made && i < FIXTURE_ENDS; i += 2) {
		fixture_pair(&nl, BASE + i, 1500);
		nl_close(nl);
	}
	made = true;
	lab = fixture_load(BASE);
	name_ends();
	assert_int_equal(watch_set_echo_timeout(lab, LONG_NS, &err), 0);
}

static int stop(void **state)
{
	(void)state;
	if (lab)
		fixture_unload(lab);
	lab = NULL;
	return 0;
}

static struct bytes echo(bool v6, bool reply, uint16_t id, uint16_t seq)
{
	struct bytes b;
	uint8_t swap[16];
	size_t at = v6 ? 14 + 8 : 14 + 12, size = v6 ? 16 : 4;

	put_eth(&b, v6 ? 0x86dd : 0x0800);
	if (v6)
		put_ipv6(&b, 58, 16);
	else
		put_ipv4(&b, 1, 0, 0, 16);
	put_icmp(&b, v6 ? (reply ? 129 : 128) : (reply ? 0 : 8), 0, id, seq, "abcdefgh", 8);
	if (reply) {
		memcpy(swap, b.at + at, size);
		memcpy(b.at + at, b.at + at + size, size);
		memcpy(b.at + at + size, swap, size);
	}
	return b;
}

static void show(int prog, uint32_t end, const struct bytes *b)
{
	int ret = run_frame(lab, prog, b->at, b->len, &(struct run){.ifindex = BASE + end});

	if (ret)
		fail_msg("cannot run at end %u: %s", end, strerror(-ret));
}

static void request(int prog, uint32_t end, uint16_t id, uint16_t seq)
{
	struct bytes b = echo(false, false, id, seq);

	show(prog, end, &b);
}

static void reply(int prog, uint32_t end, uint16_t id, uint16_t seq)
{
	struct bytes b = echo(false, true, id, seq);

	show(prog, end, &b);
}

static struct vl_times times_of(enum watch_time kind, uint32_t end)
{
	static struct vl_times all[FIXTURE_ENDS];
	struct err err = {};

	if (watch_read_times(lab, kind, all, &err))
		fail_msg("%s", err.what);
	return all[end];
}

static struct watch_echo echo_of(uint32_t end)
{
	struct watch_echo all[FIXTURE_ENDS];
	struct err err = {};

	if (watch_read_echo(lab, all, &err))
		fail_msg("%s", err.what);
	return all[end];
}

static void assert_counts(enum watch_time kind, const uint64_t expected[FIXTURE_ENDS])
{
	for (uint32_t end = 0; end < FIXTURE_ENDS; end++) {
		struct vl_times times = times_of(kind, end);
		uint64_t sum = 0;

		for (size_t i = 0; i < VL_TIME_BINS; i++)
			sum += times.bins[i];
		if (times.count != expected[end] || sum != times.count || times.negative)
			fail_msg("times %d of end %u: %llu (%lu in bins, %llu negative), expected "
				 "%lu",
				 kind, end, times.count, sum, times.negative, expected[end]);
	}
}

static void walk(bool v6, uint16_t id, uint16_t seq)
{
	struct bytes there = echo(v6, false, id, seq), back = echo(v6, true, id, seq);

	show(VL_HOOK_OUT, 0, &there);
	usleep(3000);
	show(VL_HOOK_XDP, 1, &there);
	show(VL_HOOK_IN, 1, &there);
	usleep(2000);
	show(VL_HOOK_OUT, 2, &there);
	show(VL_HOOK_IN, 3, &there); /* no xdp here */
	show(VL_HOOK_OUT, 3, &back);
	show(VL_HOOK_XDP, 2, &back);
	show(VL_HOOK_IN, 2, &back);
	show(VL_HOOK_OUT, 1, &back);
	show(VL_HOOK_XDP, 0, &back);
	show(VL_HOOK_IN, 0, &back);
}

static void check_walk(bool v6)
{
	struct vl_times first;
	struct watch_echo e;

	start();
	walk(v6, 77, 1);
	assert_counts(WATCH_TRANSIT, (uint64_t[]){1, 1, 1, 1});
	assert_counts(WATCH_RESIDENCE, (uint64_t[]){0, 1, 1, 0});
	assert_counts(WATCH_ECHO_RTT, (uint64_t[]){1, 0, 1, 0});
	for (uint32_t end = 0; end < FIXTURE_ENDS; end++) {
		struct vl_echo_counters expected = {};

		e = echo_of(end);
		expected.requests = expected.answered = end % 2 == 0;
		assert_memory_equal(&e.count, &expected, sizeof(expected));
		assert_int_equal(e.waiting + e.unanswered, 0);
	}
	first = times_of(WATCH_TRANSIT, 0);
	assert_in_range(first.sum_ns, 3000000, LONG_NS);
	assert_int_equal(first.max_ns, first.sum_ns);
	assert_int_equal(watch_times_min(&first), first.sum_ns);
	assert_int_equal(watch_times_percentile(&first, 0.5), first.sum_ns);
	assert_in_range(times_of(WATCH_RESIDENCE, 1).sum_ns, 2000000, LONG_NS);
	assert_in_range(times_of(WATCH_ECHO_RTT, 0).sum_ns,
			first.sum_ns + times_of(WATCH_RESIDENCE, 1).sum_ns, LONG_NS);
	assert_true(times_of(WATCH_ECHO_RTT, 2).sum_ns < times_of(WATCH_ECHO_RTT, 0).sum_ns);
	walk(v6, 77, 2);
	assert_counts(WATCH_TRANSIT, (uint64_t[]){2, 2, 2, 2});
}

static void test_walk(void **state)
{
	(void)state;
	check_walk(false);
}

static void test_walk_v6(void **state)
{
	(void)state;
	check_walk(true);
}

static void test_fates(void **state)
{
	struct err err = {};
	struct watch_echo e;

	(void)state;
	start();
	request(VL_HOOK_OUT, 0, 1, 1);
	e = echo_of(0);
	assert_int_equal(e.waiting, 1);
	assert_int_equal(e.unanswered, 0);
	assert_int_equal(watch_set_echo_timeout(lab, 20000000, &err), 0);
	usleep(21000);
	e = echo_of(0);
	assert_int_equal(e.waiting, 0);
	assert_int_equal(e.unanswered, 1);
	reply(VL_HOOK_IN, 0, 1, 1); /* after all */
	e = echo_of(0);
	assert_int_equal(e.count.late, 1);
	assert_int_equal(e.unanswered, 0);
	reply(VL_HOOK_IN, 0, 1, 1);
	assert_int_equal(echo_of(0).count.duplicates, 1);
	reply(VL_HOOK_IN, 0, 1, 2); /* nobody asked */
	reply(VL_HOOK_IN, 0, 2, 1);
	assert_int_equal(echo_of(0).count.unmatched, 2);

	assert_int_equal(watch_set_echo_timeout(lab, LONG_NS, &err), 0);
	for (int seq = 1; seq <= 5; seq++)
		request(VL_HOOK_OUT, 0, 3, seq);
	reply(VL_HOOK_IN, 0, 3, 1);
	reply(VL_HOOK_IN, 0, 3, 4);
	reply(VL_HOOK_IN, 0, 3, 2); /* behind 4 */
	reply(VL_HOOK_IN, 0, 3, 3); /* behind 4 */
	reply(VL_HOOK_IN, 0, 3, 5);
	e = echo_of(0);
	assert_int_equal(e.count.reordered, 2);
	assert_int_equal(e.count.requests, 6);
	assert_int_equal(e.count.answered, 5);
	assert_int_equal(e.count.forgotten, 0);
}

/* The same id, seq and addresses on two links are two echoes. */
static void test_no_crosstalk(void **state)
{
	(void)state;
	start();
	request(VL_HOOK_OUT, 0, 9, 9);
	request(VL_HOOK_OUT, 3, 9, 9);
	reply(VL_HOOK_IN, 3, 9, 9);
	assert_int_equal(echo_of(0).count.answered, 0);
	assert_int_equal(echo_of(0).waiting, 1);
	assert_int_equal(echo_of(3).count.answered, 1);
	assert_int_equal(echo_of(3).waiting, 0);
	request(VL_HOOK_IN, 1, 9, 9);
	assert_counts(WATCH_TRANSIT, (uint64_t[]){1, 0, 0, 0});
}

static void test_sequence_wraps(void **state)
{
	const int n = 65536 + 100;
	struct watch_echo e;

	(void)state;
	start();
	for (int seq = 0; seq < n; seq++) {
		request(VL_HOOK_OUT, 0, 5, seq);
		request(VL_HOOK_IN, 1, 5, seq);
		reply(VL_HOOK_OUT, 1, 5, seq);
		reply(VL_HOOK_IN, 0, 5, seq);
	}
	e = echo_of(0);
	assert_int_equal(e.count.requests, n);
	assert_int_equal(e.count.answered, n);
	assert_int_equal(e.count.duplicates + e.count.reordered + e.count.unmatched, 0);
	assert_int_equal(e.count.forgotten + e.waiting + e.unanswered, 0);
	assert_counts(WATCH_TRANSIT, (uint64_t[]){n, n, 0, 0});
	assert_counts(WATCH_RESIDENCE, (uint64_t[]){0, 0, 0, 0});
	assert_counts(WATCH_ECHO_RTT, (uint64_t[]){n, 0, 0, 0});
}

/* More that wait than the table holds: each is waiting or forgotten, and what is lost is said. */
static void test_crowd(void **state)
{
	const int n = 100000;
	struct watch_echo e;

	(void)state;
	start();
	for (int i = 0; i < n; i++)
		request(VL_HOOK_OUT, 0, i >> 10, i & 1023);
	e = echo_of(0);
	assert_int_equal(e.count.requests, n);
	assert_int_equal(e.unanswered, 0);
	assert_int_equal(e.waiting + e.count.forgotten, n);
	assert_int_equal(e.count.crowded, e.count.forgotten);
	assert_in_range(e.waiting, 60000, VL_ECHOES);
}

/* Each echo that B passes on is timed there both ways, wherever its entries are. */
static void test_each_residence(void **state)
{
	enum { ECHOES = 1000 };

	(void)state;
	start();
	for (uint16_t seq = 1; seq <= ECHOES; seq++) {
		request(VL_HOOK_OUT, 0, 7, seq);
		request(VL_HOOK_IN, 1, 7, seq);
		request(VL_HOOK_OUT, 2, 7, seq);
		request(VL_HOOK_IN, 3, 7, seq);
		reply(VL_HOOK_OUT, 3, 7, seq);
		reply(VL_HOOK_IN, 2, 7, seq);
		reply(VL_HOOK_OUT, 1, 7, seq);
		reply(VL_HOOK_IN, 0, 7, seq);
	}
	assert_int_equal(times_of(WATCH_RESIDENCE, 1).count, ECHOES);
	assert_int_equal(times_of(WATCH_RESIDENCE, 2).count, ECHOES);
	assert_int_equal(echo_of(0).count.answered, ECHOES);
	assert_int_equal(echo_of(2).count.answered, ECHOES);
	assert_int_equal(echo_of(0).count.reordered + echo_of(2).count.reordered, 0);
}

static struct bytes error_about(const struct bytes *quoted, uint8_t type)
{
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8 + 28);
	put_icmp(&b, type, 0, 0, 0, quoted->at + 14, 28);
	return b;
}

static void test_errors(void **state)
{
	struct bytes there = echo(false, false, 4, 4), back = echo(false, true, 4, 4), error;
	struct watch_echo e;

	(void)state;
	start();
	error = error_about(&there, 11); /* B has let it die */
	show(VL_HOOK_OUT, 0, &there);
	show(VL_HOOK_XDP, 1, &there);
	show(VL_HOOK_IN, 1, &there);
	show(VL_HOOK_OUT, 1, &error);
	show(VL_HOOK_XDP, 0, &error);
	show(VL_HOOK_IN, 0, &error);
	show(VL_HOOK_IN, 0, &error); /* again: a request fails once */
	e = echo_of(0);
	assert_int_equal(e.count.failed, 1);
	assert_int_equal(e.waiting + e.unanswered, 0);
	assert_int_equal(echo_of(1).count.errors, 1);

	there = echo(false, false, 4, 5); /* C says that it is unreachable; B only passes it on */
	error = error_about(&there, 3);
	show(VL_HOOK_OUT, 0, &there);
	show(VL_HOOK_IN, 1, &there);
	show(VL_HOOK_OUT, 2, &there);
	show(VL_HOOK_IN, 3, &there);
	show(VL_HOOK_OUT, 3, &error);
	show(VL_HOOK_IN, 2, &error);
	show(VL_HOOK_OUT, 1, &error);
	show(VL_HOOK_IN, 0, &error);
	assert_int_equal(echo_of(3).count.errors, 1);
	assert_int_equal(echo_of(1).count.errors, 1); /* as before */
	assert_int_equal(echo_of(0).count.failed, 2);
	assert_int_equal(echo_of(2).count.failed, 1);

	there = echo(false, false, 4,
		     6); /* a redirect is no failure, nor is an error about a reply */
	error = error_about(&there, 5);
	show(VL_HOOK_OUT, 0, &there);
	show(VL_HOOK_IN, 0, &error);
	error = error_about(&back, 11);
	show(VL_HOOK_IN, 0, &error);
	e = echo_of(0);
	assert_int_equal(e.count.failed, 2);
	assert_int_equal(e.waiting, 1);
}

/*
 * C refuses each of some requests once all have come in, whatever places the identifier gives them
 * in the table: A's and B's requests fail, and the errors are C's alone.
 */
static void test_errors_of_each(void **state)
{
	enum { IDS = 64, ECHOES = 16 };
	struct bytes there, error;
	uint64_t errors = 0;

	(void)state;
	start();
	for (uint16_t id = 1; id <= IDS; id++) {
		for (uint16_t seq = 1; seq <= ECHOES; seq++) {
			request(VL_HOOK_OUT, 0, id, seq);
			request(VL_HOOK_IN, 1, id, seq);
			request(VL_HOOK_OUT, 2, id, seq);
			request(VL_HOOK_IN, 3, id, seq);
		}
		for (uint16_t seq = 1; seq <= ECHOES; seq++) {
			there = echo(false, false, id, seq);
			error = error_about(&there, 3);
			show(VL_HOOK_OUT, 3, &error);
			show(VL_HOOK_IN, 2, &error);
			show(VL_HOOK_OUT, 1, &error);
			show(VL_HOOK_IN, 0, &error);
		}
		if (echo_of(3).count.errors != (errors += ECHOES))
			fail_msg("errors with identifiers up to %u: %llu, expected %lu", id,
				 echo_of(3).count.errors, errors);
	}
	assert_int_equal(echo_of(0).count.failed, IDS * ECHOES);
	assert_int_equal(echo_of(2).count.failed, IDS * ECHOES);
	assert_int_equal(echo_of(1).count.errors, 0);
	assert_int_equal(echo_of(3).count.crowded, 0);
}

/* What a node answers makes way again: a flood that a node answers displaces nothing. */
static void test_answered_makes_way(void **state)
{
	enum { ECHOES = 1000 };

	(void)state;
	start();
	for (uint16_t seq = 1; seq <= ECHOES; seq++) {
		request(VL_HOOK_OUT, 0, 7, seq);
		request(VL_HOOK_IN, 1, 7, seq);
		reply(VL_HOOK_OUT, 1, 7, seq);
		reply(VL_HOOK_IN, 0, 7, seq);
	}
	for (uint32_t end = 0; end < FIXTURE_ENDS; end++)
		assert_int_equal(echo_of(end).count.crowded + echo_of(end).count.forgotten, 0);
	assert_int_equal(echo_of(0).count.answered, ECHOES);
	assert_int_equal(times_of(WATCH_RESIDENCE, 1).count, 0);
}

static void test_not_wanted(void **state)
{
	const struct watch_config config = {.lab = FIXTURE_LAB,
					    .ifindex_base = BASE,
					    .n_ends = FIXTURE_ENDS,
					    .in = true,
					    .out = true,
					    .no_time = true};
	struct vl_times times[FIXTURE_ENDS];
	struct watch_echo echoes[FIXTURE_ENDS];
	struct err err = {};

	(void)state;
	if (!fixture_ready())
		skip();
	if (watch_load(&lab, &config, &err) || watch_pin(lab, &err))
		fail_msg("%s (%s)", err.what, err.hint);
	name_ends();
	request(VL_HOOK_OUT, 0, 1, 1);
	assert_int_equal(counters_of(lab, VL_HOOK_OUT, 0).icmp4.echo_request, 1);
	assert_int_equal(watch_read_times(lab, WATCH_TRANSIT, times, &err), -2);
	assert_int_equal(watch_read_echo(lab, echoes, &err), -2);
	assert_int_equal(err.code, ERR_NONE);
	watch_close(lab);
	assert_int_equal(watch_open(&lab, FIXTURE_LAB, &err), 0);
	assert_int_equal(watch_read_times(lab, WATCH_TRANSIT, times, &err), -2);
}

/* Every bin holds what falls into it, and its middle is within 1.6 %. No root needed. */
static void test_bins(void **state)
{
	uint32_t last = 0;

	(void)state;
	for (uint64_t ns = 0; ns < 1ull << 36; ns += 1 + ns / 997) {
		uint32_t bin = vl_time_bin(ns);
		struct vl_times one = {.count = 1, .sum_ns = ns, .min_plus = 1, .max_ns = ~0ull};
		uint64_t middle;

		assert_in_range(bin, last, last + 1);
		last = bin;
		assert_true(vl_time_start(bin) <= ns);
		if (bin == VL_TIME_BINS - 1)
			continue;
		assert_true(ns < vl_time_start(bin + 1));
		one.bins[bin] = 2;
		middle = watch_times_percentile(&one, 0.5);
		if (bin && llabs((long long)(middle - ns)) > 0.016 * ns)
			fail_msg("%lu ns is told as %lu", ns, middle);
	}
	assert_int_equal(last, VL_TIME_BINS - 1);
	assert_int_equal(vl_time_start(1), 64);
}

static void test_quantiles(void **state)
{
	struct vl_times t = {.count = 1000, .min_plus = 1000 + 1, .max_ns = 1000000}, sum = {};
	static const double parts[] = {0, 0.5, 0.9, 0.99, 0.999, 1};

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++) {
		t.bins[vl_time_bin(i * 1000)]++;
		t.sum_ns += i * 1000;
	}
	for (size_t i = 0; i < 6; i++) {
		double exact = parts[i] ? parts[i] * 1000000 : 1000;
		uint64_t told = watch_times_percentile(&t, parts[i]);

		assert_in_range(told, exact * 0.984, exact * 1.016);
	}
	assert_int_equal(watch_times_mean(&t), 500500);
	watch_times_add(&sum, &t);
	watch_times_add(&sum, &t);
	assert_int_equal(sum.count, 2000);
	assert_int_equal(watch_times_min(&sum), 1000);
	assert_int_equal(watch_times_percentile(&sum, 0.5), watch_times_percentile(&t, 0.5));
	memset(&sum, 0, sizeof(sum));
	assert_int_equal(watch_times_percentile(&sum, 0.99), 0);
	assert_int_equal(watch_times_min(&sum) + watch_times_mean(&sum), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bins),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test_teardown(test_walk, stop),
		cmocka_unit_test_teardown(test_walk_v6, stop),
		cmocka_unit_test_teardown(test_fates, stop),
		cmocka_unit_test_teardown(test_no_crosstalk, stop),
		cmocka_unit_test_teardown(test_sequence_wraps, stop),
		cmocka_unit_test_teardown(test_each_residence, stop),
		cmocka_unit_test_teardown(test_crowd, stop),
		cmocka_unit_test_teardown(test_errors, stop),
		cmocka_unit_test_teardown(test_errors_of_each, stop),
		cmocka_unit_test_teardown(test_answered_makes_way, stop),
		cmocka_unit_test_teardown(test_not_wanted, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
