// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_session.c - records: each field, each part of a filter, several tracers, full buffers, and
 * tracers that are killed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/prog/fixture.h"

static struct watch *lab;

static void need(void)
{
	struct vl_end end = {.in_use = 1, .ifindex = LO_IFINDEX, .link = 3, .node_index = 5};
	struct err err = {};

	if (!fixture_ready())
		skip();
	if (lab)
		return;
	lab = fixture_load(LO_IFINDEX);
	assert_int_equal(watch_name_end(lab, 0, &end, &err), 0);
}

struct got {
	struct vl_event events[16];
	int n;
};

static void keep(const struct vl_event *event, void *arg)
{
	struct got *got = arg;

	assert_true(got->n < 16);
	got->events[got->n++] = *event;
}

static struct watch_session *open_session(const struct vl_filter *filter)
{
	struct watch_session *session = NULL;
	struct err err = {};

	if (watch_session_open(&session, lab, filter, 0, &err))
		fail_msg("%s (%s)", err.what, err.hint);
	return session;
}

static void run_at(int prog, const struct bytes *b)
{
	assert_int_equal(run_frame(lab, prog, b->at, b->len, &(struct run){}), 0);
}

/* Everything that is there: records of runs that are over lie in the buffer. */
static struct got take(struct watch_session *session)
{
	struct got got = {};
	struct err err = {};

	assert_true(watch_session_poll(session, 0, keep, &got, &err) >= 0);
	return got;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static struct bytes echo4(uint16_t id, uint16_t seq)
{
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8 + 16);
	put_icmp(&b, 8, 0, id, seq, "payload!and more", 16);
	return b;
}

static struct bytes echo6(uint16_t id, uint16_t seq)
{
	struct bytes b;

	put_eth(&b, 0x86dd);
	put_ipv6(&b, 58, 8 + 16);
	put_icmp(&b, 129, 0, id, seq, "PAYLOAD!and more", 16);
	return b;
}

/* One frame at a hook gives one record; the fields that differ from run to run are checked here. */
static struct vl_event record_of(struct watch_session *session, int prog, const struct bytes *b)
{
	uint64_t before = now_ns();
	struct vl_event event;
	struct got got;

	run_at(prog, b);
	got = take(session);
	assert_int_equal(got.n, 1);
	event = got.events[0];
	assert_in_range(event.time_ns, before, now_ns());
	assert_in_range(event.cpu, 0, 4095);
	assert_int_equal(event.end, 0);
	assert_int_equal(event.hook, prog_hook(prog));
	assert_int_equal(event.len, b->len);
	event.time_ns = event.cpu = event.hook = 0;
	return event;
}

static void test_echo_fields(void **state)
{
	struct vl_filter all = {};
	struct watch_session *session;
	struct bytes v4 = echo4(0x1234, 0x0506), v6 = echo6(0x4321, 0x0605);

	(void)state;
	need();
	session = open_session(&all);
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		struct vl_event event, expected = {
			.len = v4.len, .family = 4, .icmp_type = 8, .ttl = 60,
			.flags = VL_EV_PAYLOAD, .id = 0x1234, .seq = 0x0506, .info = 0x12340506,
			.src = {10, 0, 0, 1}, .dst = {10, 0, 0, 2},
		};

		memcpy(&expected.payload, "payload!", 8);
		event = record_of(session, prog, &v4);
		assert_memory_equal(&event, &expected, sizeof(event));

		expected = (struct vl_event){
			.len = v6.len, .family = 6, .icmp_type = 129, .ttl = 61,
			.flags = VL_EV_PAYLOAD, .id = 0x4321, .seq = 0x0605, .info = 0x43210605,
			.src = {0xfd, [15] = 1}, .dst = {0xfd, [15] = 2},
		};
		memcpy(&expected.payload, "PAYLOAD!", 8);
		event = record_of(session, prog, &v6);
		assert_memory_equal(&event, &expected, sizeof(event));
	}
	assert_int_equal(watch_session_lost(session), 0);
	watch_session_close(session);
}

/* What is not ICMP, or not all there, gives no record; a later fragment gives one without id. */
static void test_what_is_recorded(void **state)
{
	struct vl_filter all = {}, by_id = {.fields = VL_F_ID};
	struct watch_session *session, *narrow;
	struct vl_event event;
	struct bytes b;

	(void)state;
	need();
	session = open_session(&all);
	narrow = open_session(&by_id);
	put_eth(&b, 0x0800);
	put_ipv4(&b, 17, 0, 0, 8);
	put_udp(&b, 0);
	run_at(VL_HOOK_OUT, &b);
	put_eth(&b, 0x0806);
	put_zeros(&b, 46);
	run_at(VL_HOOK_OUT, &b);
	b = echo4(1, 1);
	b.len = 14 + 20 + 7;
	run_at(VL_HOOK_OUT, &b);
	assert_int_equal(take(session).n, 0);

	b = echo4(1, 1); /* the header is there, some payload is not */
	b.len -= 10;
	event = record_of(session, VL_HOOK_IN, &b);
	assert_int_equal(event.flags, VL_EV_CUT);
	assert_int_equal(event.id, 1);
	assert_int_equal(event.payload, 0);

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0x0010, 16);
	put_icmp(&b, 8, 0, 0, 0, "abcdefgh", 8);
	event = record_of(session, VL_HOOK_OUT, &b);
	assert_int_equal(event.flags, VL_EV_FRAGMENT);
	assert_int_equal(event.frag_off, 0x0010 * 8);
	assert_int_equal(event.frag_len, 16);
	assert_int_equal(event.icmp_type, 0);
	assert_int_equal(event.id, 0);
	assert_int_equal(take(narrow).n, 0); /* its id is 0 as well, but it has none */

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0x2000, 16);
	put_icmp(&b, 8, 0, 7, 8, "abcdefgh", 8);
	event = record_of(session, VL_HOOK_OUT, &b);
	assert_int_equal(event.flags, VL_EV_FRAGMENT | VL_EV_MORE | VL_EV_PAYLOAD);
	assert_int_equal(event.frag_off, 0);
	assert_int_equal(event.frag_len, 16);
	assert_int_equal(event.id, 7);
	assert_int_equal(event.frag_id, 0x1234); /* put_ipv4() */
	/* A session may want the later fragments of packets that it knows by their first. */
	assert_int_equal(take(narrow).n, 0);
	watch_session_close(narrow);
	by_id.fields |= VL_F_FRAGMENTS;
	by_id.id = 1;
	narrow = open_session(&by_id);
	run_at(VL_HOOK_OUT, &b);
	assert_int_equal(take(narrow).n, 0); /* a first one, of id 7 */
	put_eth(&b, 0x86dd);
	put_ipv6(&b, 44, 8 + 16);
	put(&b, "\x3a\0\0\x08\0\x01\0\2", 8);
	put_icmp(&b, 128, 0, 3, 4, "abcdefgh", 8);
	event = record_of(narrow, VL_HOOK_IN, &b);
	assert_int_equal(event.flags, VL_EV_FRAGMENT);
	assert_int_equal(event.frag_id, 0x10002);
	assert_int_equal(event.frag_off, 8);
	assert_int_equal(event.frag_len, 16);
	assert_int_equal(event.id, 0);
	watch_session_close(narrow);
	watch_session_close(session);
}

static void check_quote4(struct watch_session *session, size_t whole)
{
	for (size_t quoted = 0; quoted <= whole; quoted++) {
		struct bytes b, q = {};
		struct vl_event event;

		put_ipv4(&q, 1, 4, 0, 64);
		put_icmp(&q, 8, 0, 0x0a0b, 0x0c0d, "12345678", 8);
		put_eth(&b, 0x0800);
		put_ipv4(&b, 1, 0, 0, 8 + quoted);
		put_icmp(&b, 11, 0, 0, 0, q.at, quoted);
		put_zeros(&b, 30); /* padding behind the packet is not part of the quote */
		event = record_of(session, VL_HOOK_IN, &b);
		assert_int_equal(event.icmp_type, 11);
		assert_int_equal(event.flags, quoted < 24 ? 0 : VL_EV_QUOTED);
		if (quoted < 24)
			continue;
		assert_int_equal(event.quote.proto, 1);
		assert_int_equal(event.quote.ttl, 60);
		assert_memory_equal(event.quote.src, "\x0a\0\0\1", 4);
		assert_memory_equal(event.quote.dst, "\x0a\0\0\2", 4);
		assert_int_equal(event.quote.icmp_type, quoted < 32 ? 0 : 8);
		assert_int_equal(event.quote.id, quoted < 32 ? 0 : 0x0a0b);
		assert_int_equal(event.quote.seq, quoted < 32 ? 0 : 0x0c0d);
		assert_int_equal(event.id, 0);
	}
}

static void test_quotes(void **state)
{
	struct vl_filter all = {}, by_id = {.fields = VL_F_ID | VL_F_SEQ, .id = 3, .seq = 4};
	struct watch_session *session, *narrow;
	struct vl_event event;
	struct bytes b;

	(void)state;
	need();
	session = open_session(&all);
	check_quote4(session, 40);
	narrow = open_session(&by_id);
	put_eth(&b, 0x86dd); /* packet too big, of an echo behind a destination options header */
	put_ipv6(&b, 58, 8 + 56 + 8);
	put_icmp(&b, 2, 0, 0, 1280, NULL, 0);
	put_ipv6(&b, 60, 2000);
	put(&b, "\x3a\0\1\4\0\0\0\0", 8);
	put_icmp(&b, 128, 0, 3, 4, "abcdefgh", 8);
	event = record_of(session, VL_HOOK_XDP, &b);
	assert_int_equal(event.flags, VL_EV_QUOTED);
	assert_int_equal(event.info, 1280);
	assert_int_equal(event.quote.proto, 58);
	assert_int_equal(event.quote.ttl, 61);
	assert_int_equal(event.quote.icmp_type, 128);
	assert_int_equal(event.quote.id, 3);
	assert_int_equal(event.quote.seq, 4);
	assert_memory_equal(event.quote.dst, "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	assert_int_equal(take(narrow).n, 1); /* an error is judged by what it quotes */
	watch_session_close(narrow);
	watch_session_close(session);
}

/* Port unreachable, of whose quote so much is there: both ports or none, and no type of ICMP. */
static void put_port_error(struct bytes *b, uint8_t proto, size_t quoted)
{
	struct bytes q = {};

	put_ipv4(&q, proto, 0, 0, 8);
	put_udp(&q, 0); /* the ports of TCP stand in the same place */
	put_eth(b, 0x0800);
	put_ipv4(b, 1, 0, 0, 8 + quoted);
	put_icmp(b, 3, 3, 0, 0, q.at, quoted);
	put_zeros(b, 30);
}

static void test_quoted_ports(void **state)
{
	static const uint8_t protocols[] = {17, 6, 132};
	struct vl_filter all = {}, by_port = {.fields = VL_F_ID | VL_F_SEQ, .id = 40000, .seq = 53};
	struct watch_session *session, *narrow;
	struct vl_event event;
	struct bytes b;

	(void)state;
	need();
	session = open_session(&all);
	narrow = open_session(&by_port);
	for (size_t i = 0; i < 3; i++) {
		for (size_t quoted = 20; quoted <= 28; quoted++) {
			bool told = protocols[i] != 132 && quoted == 28;

			put_port_error(&b, protocols[i], quoted);
			event = record_of(session, i ? VL_HOOK_OUT : VL_HOOK_XDP, &b);
			assert_int_equal(event.icmp_code, 3);
			assert_int_equal(event.flags, VL_EV_QUOTED);
			assert_int_equal(event.quote.proto, protocols[i]);
			assert_int_equal(event.quote.icmp_type, 0);
			assert_int_equal(event.quote.id, told ? 40000 : 0);
			assert_int_equal(event.quote.seq, told ? 53 : 0);
		}
	}
	assert_int_equal(take(narrow).n, 0); /* ports are no id, no seq */
	watch_session_close(narrow);
	watch_session_close(session);
}

static void test_filters(void **state)
{
	uint64_t token, other = 1;
	const uint8_t src4[16] = {10, 0, 0, 1}, dst4[16] = {10, 0, 0, 2}, net[16] = {10, 0, 0, 0};
	const uint8_t src6[16] = {0xfd, [15] = 1}, near6[16] = {0xfd, [15] = 3};
	struct bytes v4 = echo4(7, 8), v6 = echo6(7, 9);

	(void)state;
	need();
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
	need();
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
	need();
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
	need();
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
	need();
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
	need();
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

static int unload(void **state)
{
	(void)state;
	if (lab)
		fixture_unload(lab);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_fields),
		cmocka_unit_test(test_what_is_recorded),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_quoted_ports),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_eight_sessions),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_full_buffer),
		cmocka_unit_test(test_killed_tracer),
		cmocka_unit_test(test_slot_left_dirty),
	};

	return cmocka_run_group_tests(tests, NULL, unload);
}
