// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_session.c - sessions: each part of a filter, several tracers, full buffers, and tracers that
 * are killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/prog/records.h"

static void test_filters(void **state)
{
	uint64_t token, other = 1;
	const uint8_t src4[16] = {10, 0, 0, 1}, dst4[16] = {10, 0, 0, 2}, net[16] = {10, 0, 0, 0};
	const uint8_t src6[16] = {0xfd, [15] = 1}, near6[16] = {0xfd, [15] = 3};
	struct bytes v4 = echo4(7, 8), v6 = echo6(7, 9);

	(void)state;
	records_need();
	memcpy(&token, "payload!", 8);
	struct {
		const char *what;
		struct vl_filter filter;
		int v4, v6;
	} cases[] = {
		{"nothing", {}, 1, 1},
		{"id", {.fields = VL_F_ID, .id = 7}, 1, 1},
		{"other id", {.fields = VL_F_ID, .id = 8}, 0, 0},
		{"seq", {.fields = VL_F_SEQ, .seq = 8}, 1, 0},
		{"id and seq", {.fields = VL_F_ID | VL_F_SEQ, .id = 7, .seq = 9}, 0, 1},
		{"family 4", {.fields = VL_F_FAMILY, .family = 4}, 1, 0},
		{"family 6", {.fields = VL_F_FAMILY, .family = 6}, 0, 1},
		{"requests", {.fields = VL_F_TYPES, .types = 1 << VL_ICMP_ECHO_REQUEST}, 1, 0},
		{"replies", {.fields = VL_F_TYPES, .types = 1 << VL_ICMP_ECHO_REPLY}, 0, 1},
		{"no type", {.fields = VL_F_TYPES}, 0, 0},
		{"token", {.fields = VL_F_TOKEN, .token = token}, 1, 0},
		{"token by id", {.fields = VL_F_TOKEN, .token = other, .id = 7}, 1, 1},
		{"other token", {.fields = VL_F_TOKEN, .token = other, .id = 1}, 0, 0},
		{"end", {.fields = VL_F_END, .end = 0}, 1, 1},
		{"other end", {.fields = VL_F_END, .end = 1}, 0, 0},
		{"link", {.fields = VL_F_LINK, .link = 3}, 1, 1},
		{"other link", {.fields = VL_F_LINK, .link = 0}, 0, 0},
		{"node", {.fields = VL_F_NODE, .node = 5}, 1, 1},
		{"other node", {.fields = VL_F_NODE | VL_F_LINK, .link = 3, .node = 4}, 0, 0},
		{"src", {.fields = VL_F_SRC, .src_len = 32}, 1, 0},
		{"dst is no src", {.fields = VL_F_DST, .dst_len = 32}, 0, 0},
		{"addr", {.fields = VL_F_ADDR, .addr_len = 32}, 1, 0},
		{"net /30", {.fields = VL_F_SRC | VL_F_DST, .src_len = 30, .dst_len = 30}, 1, 0},
		{"net /31", {.fields = VL_F_SRC | VL_F_DST, .src_len = 31, .dst_len = 31}, 0, 0},
		{"everything /0", {.fields = VL_F_SRC}, 1, 1},
		{"src v6", {.fields = VL_F_SRC, .src_len = 128}, 0, 1},
		{"v6 /126", {.fields = VL_F_ADDR, .addr_len = 126}, 0, 1},
		{"v6 /127", {.fields = VL_F_ADDR, .addr_len = 127}, 0, 1},
		{"v6 /128", {.fields = VL_F_ADDR, .addr_len = 128}, 0, 0},
	};
	size_t n = sizeof(cases) / sizeof(*cases);

	memcpy(cases[n - 10].filter.src, src4, 16);
	memcpy(cases[n - 9].filter.dst, src4, 16);
	memcpy(cases[n - 8].filter.addr, dst4, 16);
	memcpy(cases[n - 7].filter.src, net, 16);
	memcpy(cases[n - 7].filter.dst, net, 16);
	memcpy(cases[n - 6].filter.src, net, 16);
	memcpy(cases[n - 6].filter.dst, net, 16);
	memcpy(cases[n - 4].filter.src, src6, 16);
	for (int i = 1; i <= 3; i++)
		memcpy(cases[n - i].filter.addr, near6, 16);
	for (size_t i = 0; i < n; i++) {
		struct watch_session *session = open_session(&cases[i].filter);
		int got4, got6;

		run_at(VL_HOOK_OUT, &v4);
		got4 = take(session).n;
		run_at(VL_HOOK_OUT, &v6);
		got6 = take(session).n;
		if (got4 != cases[i].v4 || got6 != cases[i].v6)
			fail_msg("%s: %d and %d records, expected %d and %d", cases[i].what, got4,
				 got6, cases[i].v4, cases[i].v6);
		watch_session_close(session);
	}
}

static void test_eight_sessions(void **state)
{
	struct watch_session *sessions[VL_SESSIONS], *one_more = NULL;
	struct bytes b = echo4(3, 3);
	struct err err = {};

	(void)state;
	records_need();
	for (int i = 0; i < VL_SESSIONS; i++)
		sessions[i] = open_session(&(struct vl_filter){.fields = VL_F_ID, .id = i});
	assert_int_equal(watch_session_open(&one_more, lab, &(struct vl_filter){}, 0, &err),
			 -EBUSY);
	assert_null(one_more);
	run_at(VL_HOOK_OUT, &b);
	for (int i = 0; i < VL_SESSIONS; i++)
		assert_int_equal(take(sessions[i]).n, i == 3);
	watch_session_close(sessions[3]);
	sessions[3] = open_session(&(struct vl_filter){.fields = VL_F_ID, .id = 3});
	run_at(VL_HOOK_OUT, &b);
	assert_int_equal(take(sessions[3]).n, 1);
	for (int i = 0; i < VL_SESSIONS; i++)
		watch_session_close(sessions[i]);
}

static void count_record(const struct vl_event *event, void *arg)
{
	assert_int_equal(event->id, 1);
	++*(int *)arg;
}

/* Each CPU has a buffer: stay on this one. *before: to go back to. */
static void stay_here(cpu_set_t *before)
{
	cpu_set_t one;

	assert_int_equal(sched_getaffinity(0, sizeof(*before), before), 0);
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* Records come each once and in order, whether their batch was full, or read half-way before. */
static void count_up(const struct vl_event *event, void *arg)
{
	assert_int_equal(event->seq, *(uint16_t *)arg);
	++*(uint16_t *)arg;
}

static void test_batches(void **state)
{
	struct watch_session *session;
	struct err err = {};
	uint16_t sent = 0, got = 0;
	cpu_set_t all;

	(void)state;
	records_need();
	session = open_session(&(struct vl_filter){});
	stay_here(&all);
	for (int polled = 1; polled <= 3 * VL_BATCH; polled++) {
		for (int i = 0; i < polled; i++) {
			struct bytes b = echo4(1, sent++);

			run_at(VL_HOOK_OUT, &b);
		}
		assert_int_equal(watch_session_poll(session, 0, count_up, &got, &err), polled);
		assert_int_equal(got, sent);
	}
	assert_int_equal(watch_session_poll(session, 0, count_up, &got, &err), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(watch_session_lost(session), 0);
	watch_session_close(session);
}

/* A full buffer loses records: what was delivered and what was counted as lost is all there was. */
static void test_full_buffer(void **state)
{
	struct watch_session *session = NULL;
	struct bytes b = echo4(1, 1);
	struct err err = {};
	cpu_set_t all;
	int delivered = 0, ret;

	(void)state;
	records_need();
	assert_int_equal(watch_session_open(&session, lab, &(struct vl_filter){}, 8, &err), 0);
	stay_here(&all);
	for (int i = 0; i < 1000; i++)
		run_at(VL_HOOK_OUT, &b);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	ret = watch_session_poll(session, 0, count_record, &delivered, &err);
	assert_int_equal(ret, delivered);
	/* Whole batches that fit into 8 KiB, and at most the records that no batch is full of. */
	assert_in_range(delivered, 5 * VL_BATCH, 8192 / sizeof(struct vl_event) + VL_BATCH);
	assert_int_equal(delivered + watch_session_lost(session), 1000);
	run_at(VL_HOOK_OUT, &b); /* there is room again */
	assert_int_equal(watch_session_poll(session, 0, count_record, &delivered, &err), 1);
	watch_session_close(session);
}

static struct vl_control read_control(void)
{
	struct vl_control control;
	uint32_t zero = 0;

	assert_int_equal(bpf_map_lookup_elem(lab->maps[MAP_CONTROL], &zero, &control), 0);
	return control;
}

/*
 * kill -9 of a tracer: its buffers leave the map by themselves, the next batch clears its byte,
 * and its slot serves the next tracer, which gets none of the records before its time.
 */
static void test_killed_tracer(void **state)
{
	struct bytes b = echo4(1, 1);
	struct watch_session *session;
	int ready[2], status;
	cpu_set_t all;
	char byte;
	pid_t child;

	(void)state;
	records_need();
	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct watch_session *own = NULL;
		struct err err = {};

		if (watch_session_open(&own, lab, &(struct vl_filter){}, 0, &err))
			_exit(1);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_not_equal(read_control().active & 0xff, 0);
	stay_here(&all);
	for (int i = 0; i < VL_BATCH; i++) /* while it lives, its byte stays */
		run_at(VL_HOOK_OUT, &b);
	assert_int_not_equal(read_control().active & 0xff, 0);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	for (int i = 0; i < VL_BATCH; i++)
		run_at(VL_HOOK_OUT, &b);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	assert_int_equal(read_control().active, 0);

	session = open_session(&(struct vl_filter){});
	assert_int_not_equal(read_control().active & 0xff, 0); /* slot 0 again */
	run_at(VL_HOOK_OUT, &b);
	assert_int_equal(take(session).n, 1);
	assert_int_equal(watch_session_lost(session), 0);
	watch_session_close(session);
	assert_int_equal(read_control().active, 0);
	close(ready[0]);
}

/* A killed tracer's slot that no packet has cleared yet: the next tracer starts clean. */
static void test_slot_left_dirty(void **state)
{
	struct watch_session *session;
	struct vl_control control;
	struct bytes b = echo4(1, 1);
	uint32_t zero = 0;

	(void)state;
	records_need();
	control = read_control();
	control.active |= 0x55;
	control.last |= 0x55;
	assert_int_equal(bpf_map_update_elem(lab->maps[MAP_CONTROL], &zero, &control, 0), 0);
	session = open_session(&(struct vl_filter){});
	assert_int_not_equal(read_control().active & 0xff, 0x55);
	run_at(VL_HOOK_OUT, &b);
	assert_int_equal(take(session).n, 1);
	watch_session_close(session);
}

/* ---- CPUs that come and go: only where the machine is the test's own (tests/vm)
 * ------------------ */

static void set_online(bool online)
{
	int fd = open("/sys/devices/system/cpu/cpu1/online", O_WRONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, online ? "1" : "0", 1), 1);
	close(fd);
}

static void need_own_machine(void)
{
	if (!getenv("OWN_MACHINE")) {
		print_message("OWN_MACHINE is not set: CPUs of this machine stay online\n");
		skip();
	}
	if (access("/sys/devices/system/cpu/cpu1/online", W_OK)) {
		print_message("there is no CPU 1 that can go offline\n");
		skip();
	}
	records_need();
}

/* Send n records from CPU 1. */
static void send_from_1(int n)
{
	struct bytes b = echo4(1, 1);
	cpu_set_t all, one;

	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	CPU_SET(1, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	for (int i = 0; i < n; i++)
		run_at(VL_HOOK_OUT, &b);
	CPU_SET(0, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* Poll until the session knows of n records, delivered or lost. */
static int known(struct watch_session *session, int n)
{
	struct err err = {};
	int delivered = 0;

	for (int i = 0; i < 100 && delivered + (int)watch_session_lost(session) < n; i++)
		assert_true(watch_session_poll(session, 50, count_record, &delivered, &err) >= 0);
	assert_int_equal(delivered + watch_session_lost(session), n);
	return delivered;
}

static void pass_ticks(struct watch_session *session)
{
	struct err err = {};
	int delivered = 0;

	usleep(50000); /* CPUs are looked at every 20 ms */
	assert_int_equal(watch_session_poll(session, 0, count_record, &delivered, &err), 0);
}

/* A CPU that was offline when the tracer began. */
static void test_cpu_comes(void **state)
{
	struct watch_session *session;
	int lost;

	(void)state;
	need_own_machine();
	set_online(false);
	session = open_session(&(struct vl_filter){});
	set_online(true);
	send_from_1(2 * VL_BATCH); /* the tracer has not looked: full batches are lost */
	assert_int_not_equal(read_control().active & 0xff, 0);
	lost = 2 * VL_BATCH - known(session, 2 * VL_BATCH);
	assert_in_range(lost, VL_BATCH, 2 * VL_BATCH);
	pass_ticks(session);
	send_from_1(100 * VL_BATCH + 3);
	assert_int_equal(known(session, 100 * VL_BATCH + 3 + lost), 100 * VL_BATCH + 3);
	watch_session_close(session);
}

/* One that goes and comes back while the tracer looks, and while it does not. */
static void test_cpu_comes_back(void **state)
{
	struct watch_session *session;
	uint64_t lost;

	(void)state;
	need_own_machine();
	session = open_session(&(struct vl_filter){});
	send_from_1(VL_BATCH + 1);
	assert_int_equal(known(session, VL_BATCH + 1), VL_BATCH + 1);
	set_online(false);
	pass_ticks(session);
	set_online(true);
	pass_ticks(session);
	send_from_1(10 * VL_BATCH);
	assert_int_equal(known(session, 10 * VL_BATCH), 10 * VL_BATCH);
	assert_int_equal(watch_session_lost(session), 0);
	set_online(false);
	set_online(true);
	send_from_1(2 * VL_BATCH);
	known(session, 2 * VL_BATCH);
	lost = watch_session_lost(session);
	send_from_1(10 * VL_BATCH);
	assert_int_equal(known(session, 10 * VL_BATCH + lost), 10 * VL_BATCH);
	watch_session_close(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filters),	      cmocka_unit_test(test_eight_sessions),
		cmocka_unit_test(test_batches),	      cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_killed_tracer), cmocka_unit_test(test_slot_left_dirty),
		cmocka_unit_test(test_cpu_comes),     cmocka_unit_test(test_cpu_comes_back),
	};

	return cmocka_run_group_tests(tests, NULL, records_unload);
}
