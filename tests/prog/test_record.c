// SPDX-License-Identifier: GPL-2.0-only
/* test_record.c - records: each field, what gives one, and what ICMP errors quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "tests/prog/records.h"

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
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
	records_need();
	session = open_session(&all);
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		struct vl_event event, expected = {
					       .len = v4.len,
					       .family = 4,
					       .icmp_type = 8,
					       .ttl = 60,
					       .flags = VL_EV_PAYLOAD,
					       .id = 0x1234,
					       .seq = 0x0506,
					       .info = 0x12340506,
					       .src = {10, 0, 0, 1},
					       .dst = {10, 0, 0, 2},
				       };

		memcpy(&expected.payload, "payload!", 8);
		event = record_of(session, prog, &v4);
		assert_memory_equal(&event, &expected, sizeof(event));

		expected = (struct vl_event){
			.len = v6.len,
			.family = 6,
			.icmp_type = 129,
			.ttl = 61,
			.flags = VL_EV_PAYLOAD,
			.id = 0x4321,
			.seq = 0x0605,
			.info = 0x43210605,
			.src = {0xfd, [15] = 1},
			.dst = {0xfd, [15] = 2},
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
	records_need();
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
	records_need();
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
	records_need();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_fields),
		cmocka_unit_test(test_what_is_recorded),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_quoted_ports),
	};

	return cmocka_run_group_tests(tests, NULL, records_unload);
}
