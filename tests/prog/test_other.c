// SPDX-License-Identifier: GPL-2.0-only
/* test_other.c - records of packets that are no ICMP: each field, which filters get which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "tests/prog/records.h"

static const uint8_t mac_a[6] = {2, 0, 0, 0, 0, 1}, mac_b[6] = {2, 0, 0, 0, 0, 2};

/* Linux's options of an established connection, or of a SYN: the time is 0x01020304. */
static const char established[] = "\1\1\x08\x0a\1\2\3\4\5\6\7\x08",
		  of_syn[] = "\2\4\5\xb4\4\2\x08\x0a\1\2\3\4\0\0\0\0\1\3\3\7";

static struct bytes tcp4(uint8_t flags, const char *options, size_t n_options, size_t payload)
{
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4_header(&b, &(struct ipv4_header){.src = {10, 0, 0, 1},
						  .dst = {10, 0, 0, 2},
						  .proto = 6,
						  .ttl = 60,
						  .id = 0x1234,
						  .payload = 20 + n_options + payload});
	put16(&b, 40000);
	put16(&b, 80);
	put32(&b, 0xfffffff0);
	put32(&b, 77);
	put16(&b, (20 + n_options) / 4 << 12 | flags);
	put16(&b, 0x2345); /* window */
	put_zeros(&b, 4);
	put(&b, options, n_options);
	put_zeros(&b, payload);
	return b;
}

static struct bytes udp6(uint16_t from, uint16_t to, const char *payload)
{
	struct bytes b;

	put_eth(&b, 0x86dd);
	put_ipv6(&b, 17, 8 + strlen(payload));
	put16(&b, from);
	put16(&b, to);
	put16(&b, 8 + strlen(payload));
	put16(&b, 0);
	put(&b, payload, strlen(payload));
	return b;
}

static struct bytes arp(uint16_t operation)
{
	struct bytes b;

	put_eth(&b, 0x0806);
	put(&b, "\0\1\x08\0\6\4", 6);
	put16(&b, operation);
	put(&b, mac_a, 6);
	put(&b, "\x0a\0\0\1", 4);
	put_zeros(&b, 6);
	put(&b, "\x0a\0\0\2", 4);
	put_zeros(&b, 18);
	return b;
}

/* With a tag in its bytes: what XDP sees, and what a program that is run so gets at tc. */
static struct bytes tagged(const struct bytes *frame, uint16_t tci)
{
	struct bytes b = {};

	put(&b, frame->at, 12);
	put16(&b, 0x8100);
	put16(&b, tci);
	put(&b, frame->at + 12, frame->len - 12);
	return b;
}

/* One frame at a hook gives one record. */
static struct vl_event record_of(struct watch_session *session, int prog, const struct bytes *b)
{
	struct got got;

	run_at(prog, b);
	got = take(session);
	assert_int_equal(got.n, 1);
	assert_int_equal(got.events[0].len, b->len);
	assert_int_equal(got.events[0].hook, prog_hook(prog));
	assert_true(got.events[0].flags & VL_EV_OTHER);
	return got.events[0];
}

static void test_tcp(void **state)
{
	struct bytes data = tcp4(0x18, established, 12, 100), syn = tcp4(0x02, of_syn, 20, 0),
		     bare = tcp4(0x04, NULL, 0, 0);
	struct watch_session *session;

	(void)state;
	records_need();
	session = open_session(&(struct vl_filter){.fields = VL_F_ANY});
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		struct vl_event event = record_of(session, prog, &data);

		assert_int_equal(event.family, 4);
		assert_int_equal(event.ttl, 60);
		assert_int_equal(event.flags, VL_EV_OTHER);
		assert_memory_equal(event.src, "\x0a\0\0\1", 4);
		assert_memory_equal(event.dst, "\x0a\0\0\2", 4);
		assert_int_equal(event.other.ethertype, 0x0800);
		assert_int_equal(event.other.protocol, 6);
		assert_int_equal(event.other.ip_id, 0x1234);
		assert_int_equal(event.other.from_port, 40000);
		assert_int_equal(event.other.to_port, 80);
		assert_int_equal(event.other.seq, 0xfffffff0);
		assert_int_equal(event.other.ack, 77);
		assert_int_equal(event.other.tcp_flags, 0x18);
		assert_int_equal(event.other.bytes, 100);
		assert_int_equal(event.other.tsval, 0x01020304);
		assert_int_equal(event.other.mss, 0);
		assert_int_equal(event.other.has_window, 1);
		assert_int_equal(event.other.window, 0x2345);
		assert_int_equal(event.other.segments, 1);
		assert_int_equal(event.other.vlan, 0);
		event = record_of(session, prog, &syn);
		assert_int_equal(event.other.tsval, 0x01020304);
		assert_int_equal(event.other.mss, 1460);
		assert_int_equal(event.other.bytes, 0);
		event = record_of(session, prog, &bare);
		assert_int_equal(event.other.tsval, 0);
		assert_int_equal(event.other.tcp_flags, 0x04);
	}
	data.len -= 60; /* the headers' lengths hold, not the frame's */
	assert_int_equal(record_of(session, VL_HOOK_IN, &data).flags, VL_EV_OTHER | VL_EV_CUT);
	data.len = 14 + 20 + 10;
	assert_int_equal(record_of(session, VL_HOOK_IN, &data).other.to_port, 80);
	watch_session_close(session);
}

/* The hash of the content tells payloads apart by how they begin and end. */
static void test_udp(void **state)
{
	static const char *const payloads[] = {"a",
					       "b",
					       "abcd",
					       "abce",
					       "abcdefgh",
					       "abcdefgi",
					       "abcdefghijklmnopqrstuvwxyz",
					       "abcdefghijklmnopqrstuvwxyZ",
					       "Abcdefghijklmnopqrstuvwxyz"};
	enum { N = sizeof(payloads) / sizeof(*payloads) };
	struct watch_session *session;
	struct vl_event event;
	uint64_t hashes[N];
	struct bytes b;

	(void)state;
	records_need();
	session = open_session(&(struct vl_filter){.fields = VL_F_ANY});
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		for (size_t i = 0; i < N; i++) {
			b = udp6(5000, 53, payloads[i]);
			event = record_of(session, prog, &b);
			assert_int_equal(event.family, 6);
			assert_int_equal(event.flags, VL_EV_OTHER | VL_EV_PAYLOAD);
			assert_int_equal(event.other.protocol, 17);
			assert_int_equal(event.other.from_port, 5000);
			assert_int_equal(event.other.bytes, strlen(payloads[i]));
			if (prog)
				assert_int_equal(event.payload, hashes[i]);
			hashes[i] = event.payload;
			for (size_t j = 0; j < i; j++)
				assert_int_not_equal(hashes[j], hashes[i]);
		}
	}
	b = udp6(5001, 54, "");
	event = record_of(session, VL_HOOK_OUT, &b);
	assert_int_equal(event.flags, VL_EV_OTHER);
	assert_int_equal(event.other.bytes, 0);
	watch_session_close(session);
}

static void test_arp_and_tags(void **state)
{
	struct watch_session *session;
	struct vl_event event;
	struct bytes b, t;

	(void)state;
	records_need();
	session = open_session(&(struct vl_filter){.fields = VL_F_ANY});
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		b = arp(1);
		event = record_of(session, prog, &b);
		assert_int_equal(event.family, 4);
		assert_int_equal(event.other.operation, 1);
		assert_memory_equal(event.src, "\x0a\0\0\1", 4);
		assert_memory_equal(event.dst, "\x0a\0\0\2", 4);
		assert_memory_equal(&event.payload, mac_a, 6);

		put_eth(&b, 0x88cc);
		put_zeros(&b, 50);
		event = record_of(session, prog, &b);
		assert_int_equal(event.family, 0);
		assert_int_equal(event.other.ethertype, 0x88cc);
		assert_memory_equal(event.src, mac_a, 6);
		assert_memory_equal(event.dst, mac_b, 6);

		b = tcp4(0x10, NULL, 0, 0);
		t = tagged(&b, 0x6005);
		t = tagged(&t, 0x6007); /* outside of it */
		event = record_of(session, prog, &t);
		assert_int_equal(event.other.vlan, VL_TAGGED | 7);
		assert_int_equal(event.other.to_port, 80);
		b = echo4(1, 2); /* without a tag it is a record of ICMP */
		t = tagged(&b, 9);
		event = record_of(session, prog, &t);
		assert_int_equal(event.other.protocol, 1);
	}
	watch_session_close(session);
}

/* The second fragment of a datagram, and a header that is none. */
static void test_fragments(void **state)
{
	struct vl_filter by_port = {.fields = VL_F_ANY | VL_F_PORT, .port = 53}, wide = by_port;
	struct watch_session *session, *narrow, *widened;
	struct vl_event event;
	struct bytes b;

	(void)state;
	records_need();
	wide.fields |= VL_F_FRAGMENTS;
	session = open_session(&(struct vl_filter){.fields = VL_F_ANY});
	narrow = open_session(&by_port);
	widened = open_session(&wide);
	put_eth(&b, 0x0800);
	put_ipv4(&b, 17, 0, 0x0010, 16);
	put_udp(&b, 8);
	put_zeros(&b, 8);
	event = record_of(session, VL_HOOK_IN, &b);
	assert_int_equal(event.frag_off, 128);
	assert_int_equal(event.frag_len, 16);
	assert_int_equal(event.other.protocol, 17);
	assert_int_equal(event.other.to_port, 0);
	assert_int_equal(take(narrow).n, 0);
	assert_int_equal(take(widened).n, 1);
	b.at[14] = 0x4f; /* options behind the end */
	event = record_of(session, VL_HOOK_IN, &b);
	assert_true(event.flags & VL_EV_CUT);
	watch_session_close(session);
	watch_session_close(narrow);
	watch_session_close(widened);
}

/* Frames of each kind, and which of them each filter gets. */
static void test_filters(void **state)
{
	enum { ECHO, TCP, SYN, UDP, ARP, VLAN, FRAMES };
	struct bytes frames[FRAMES] = {echo4(7, 8), tcp4(0x10, NULL, 0, 0),
				       tcp4(0x02, of_syn, 20, 0), udp6(80, 53, "question"), arp(2)};
	const struct {
		const char *what;
		struct vl_filter filter;
		int got[FRAMES];
	} cases[] = {
		{"nothing", {}, {1}},
		{"any", {.fields = VL_F_ANY}, {1, 1, 1, 1, 1, 1}},
		{"TCP without any", {.fields = VL_F_PROTOCOL, .protocol = 6}, {}},
		{"TCP", {.fields = VL_F_ANY | VL_F_PROTOCOL, .protocol = 6}, {0, 1, 1, 0, 0, 1}},
		{"UDP", {.fields = VL_F_ANY | VL_F_PROTOCOL, .protocol = 17}, {0, 0, 0, 1}},
		{"protocol 1", {.fields = VL_F_ANY | VL_F_PROTOCOL, .protocol = 1}, {1}},
		{"ICMP", {.fields = VL_F_ANY | VL_F_ICMP}, {1}},
		{"ARP", {.fields = VL_F_ANY | VL_F_ARP}, {0, 0, 0, 0, 1}},
		{"port", {.fields = VL_F_ANY | VL_F_PORT, .port = 80}, {0, 1, 1, 1, 0, 1}},
		{"no port 0", {.fields = VL_F_ANY | VL_F_PORT}, {}},
		{"from", {.fields = VL_F_ANY | VL_F_SPORT, .sport = 80}, {0, 0, 0, 1}},
		{"to", {.fields = VL_F_ANY | VL_F_DPORT, .dport = 80}, {0, 1, 1, 0, 0, 1}},
		{"SYN", {.fields = VL_F_ANY | VL_F_FLAGS, .tcp_flags = 0x02}, {0, 0, 1}},
		{"SYN or ACK",
		 {.fields = VL_F_ANY | VL_F_FLAGS, .tcp_flags = 0x12},
		 {0, 1, 1, 0, 0, 1}},
		{"tag", {.fields = VL_F_ANY | VL_F_VLAN, .vlan = 5}, {0, 0, 0, 0, 0, 1}},
		{"other tag", {.fields = VL_F_ANY | VL_F_VLAN, .vlan = 4}, {}},
		{"no tag is not tag 0", {.fields = VL_F_ANY | VL_F_VLAN}, {}},
		{"IPv6", {.fields = VL_F_ANY | VL_F_FAMILY, .family = 6}, {0, 0, 0, 1}},
		{"an id is of ICMP", {.fields = VL_F_ANY | VL_F_ID, .id = 7}, {1}},
		{"source",
		 {.fields = VL_F_ANY | VL_F_SRC, .src_len = 32, .src = {10, 0, 0, 1}},
		 {1, 1, 1, 0, 1, 1}},
		{"other node", {.fields = VL_F_ANY | VL_F_NODE, .node = 4}, {}},
	};

	(void)state;
	records_need();
	frames[VLAN] = tagged(&frames[TCP], 5);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct watch_session *session = open_session(&cases[i].filter);

		for (int frame = 0; frame < FRAMES; frame++) {
			int n;

			run_at(VL_HOOK_OUT, &frames[frame]);
			n = take(session).n;
			if (n != cases[i].got[frame])
				fail_msg("%s: frame %d: %d records", cases[i].what, frame, n);
		}
		watch_session_close(session);
	}
}

/* A tracer that asks for any, and one that does not, each get their own. */
static void test_beside(void **state)
{
	struct watch_session *icmp, *any;
	struct bytes echo, tcp = tcp4(0x10, NULL, 0, 0);

	(void)state;
	records_need();
	echo = echo4(1, 1);
	icmp = open_session(&(struct vl_filter){});
	any = open_session(&(struct vl_filter){.fields = VL_F_ANY});
	run_at(VL_HOOK_OUT, &tcp);
	run_at(VL_HOOK_OUT, &echo);
	assert_int_equal(take(icmp).n, 1);
	assert_int_equal(take(any).n, 2);
	watch_session_close(any);
	any = open_session(&(struct vl_filter){}); /* in the same slot */
	run_at(VL_HOOK_OUT, &tcp);
	assert_int_equal(take(any).n, 0);
	watch_session_close(any);
	watch_session_close(icmp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp),	     cmocka_unit_test(test_udp),
		cmocka_unit_test(test_arp_and_tags), cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_filters),	     cmocka_unit_test(test_beside),
	};

	return cmocka_run_group_tests(tests, NULL, records_unload);
}
