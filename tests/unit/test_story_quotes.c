// SPDX-License-Identifier: GPL-2.0-only
/* test_story_quotes.c - an ICMP error about TCP or UDP belongs to the packet that it quotes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "bpf/wire_other.h"
#include "tests/unit/story_fixture.h"

enum { UNREACHABLE = 3, PORT = 3, TOO_BIG = 4, REDIRECT = 5 };

/* b's or r's error about a packet as it was at one hook; mark: of its header (bpf/records.h). */
static struct vl_event error_about(const struct vl_event *packet, uint64_t time_ns, unsigned end,
				   enum vl_hook hook, uint64_t mark)
{
	bool by_r = end == R_W && hook == VL_HOOK_OUT;
	struct vl_event event = error_record(time_ns, end, hook, UNREACHABLE, by_r ? TOO_BIG : PORT,
					     by_r ? "10.0.1.254" : "10.0.2.1", "10.0.1.1");

	event.payload = mark;
	event.quote = (struct vl_quote){.id = packet->other.from_port,
					.seq = packet->other.to_port,
					.proto = packet->other.protocol};
	memcpy(event.quote.src, packet->src, sizeof(packet->src));
	memcpy(event.quote.dst, packet->dst, sizeof(packet->dst));
	return event;
}

static void fill_datagram(struct vl_event e[4], uint16_t id, uint64_t time_ns)
{
	static const unsigned ends[] = {A_X, R_W, R_E, B_Y};

	for (int i = 0; i < 4; i++) {
		e[i] = datagram_record(time_ns + i, ends[i], i % 2 ? VL_HOOK_IN : VL_HOOK_OUT,
				       i < 2 ? 64 : 63);
		e[i].other.ip_id = id;
		e[i].payload = id;
	}
}

/* The error goes back to a: behind NAT as that has changed the packet. */
static void fill_error(struct vl_event e[4], const struct vl_event *packet, uint64_t mark,
		       uint64_t time_ns)
{
	static const unsigned ends[] = {B_Y, R_E, R_W, A_X};

	for (int i = 0; i < 4; i++) {
		e[i] = error_about(&packet[3 - i], time_ns + i, ends[i],
				   i % 2 ? VL_HOOK_IN : VL_HOOK_OUT, mark);
		memcpy(e[i].dst, packet[3 - i].src, 16);
		e[i].icmp_code = PORT;
		memcpy(e[i].src, packet[3 - i].dst, 16);
		e[i].ttl = i < 2 ? 64 : 63;
	}
}

static void test_datagrams(void **state)
{
	for (int nat = 0; nat < 2; nat++) {
		struct vl_event e[16];
		struct story *story;

		(void)state;
		fill_datagram(e, 7, 100);
		fill_datagram(e + 4, 8, 110);
		for (int i = 2; nat && i < 8; i += i == 3 ? 3 : 1) {
			memcpy(e[i].src, "\x0a\0\2\xfe", 4);
			e[i].other.from_port = 1024;
		}
		/* About the first of two: its identification tells. */
		fill_error(e + 8, e, 7ull << 32 | 28 << 16, 120);
		fill_error(e + 12, e + 4, 8ull << 32 | 28 << 16, 130);
		story = story_of(e, 16, 2);
		for (int i = 0; i < 2; i++) {
			const struct itinerary *it = first_of(story);

			assert_int_equal(it->packet.other.ip_id, 7 + i);
			assert_int_equal(it->n_hops, 8);
			assert_int_equal(it->fate, FATE_REFUSED);
			assert_string_equal(it->answerer->name, "b");
			assert_int_equal(it->hops[4].step, STEP_TURN);
			assert_int_equal(it->round_trip_ns, 23);
			assert_int_equal(it->alike, 0);
			assert_false(it->asymmetric);
			story_forget(story, it);
		}
		story_free(story);
	}
}

/* A segment of those that GSO makes of a packet is too big behind the router. */
static void test_segments(void **state)
{
	struct vl_event e[] = {
		segment(1, A_X, VL_HOOK_OUT, 64, 1000, 3000),
		segment(2, R_W, VL_HOOK_IN, 64, 1000, 3000),
		{0},
		{0},
	};
	struct story *story;

	(void)state;
	e[0].other.segments = e[1].other.segments = 3;
	e[2] = error_about(&e[1], 3, R_W, VL_HOOK_OUT, 101ull << 32 | 2000);
	e[3] = error_about(&e[1], 4, A_X, VL_HOOK_IN, 101ull << 32 | 2000);
	e[2].info = e[3].info = 1400;
	memcpy(e[3].src, e[2].src, 16);
	e[3].icmp_code = TOO_BIG;
	story = story_of(e, 4, 1);
	assert_int_equal(first_of(story)->fate, FATE_REFUSED);
	assert_string_equal(first_of(story)->answerer->name, "r");
	assert_false(first_of(story)->hops[3].incomplete);
	story_free(story);
}

/* Another sequence number, identification, length or port: it is about another packet. */
static void test_others(void **state)
{
	struct vl_event tcp = segment(1, A_X, VL_HOOK_OUT, 64, 1000, 100), udp;
	uint64_t marks[] = {100ull << 32 | 999, 100ull << 32 | 1100, 101ull << 32 | 1000};

	(void)state;
	for (int i = 0; i < 3; i++)
		story_free(story_of(
			(struct vl_event[]){tcp, error_about(&tcp, 2, R_W, VL_HOOK_OUT, marks[i])},
			2, 2));
	udp = datagram_record(1, A_X, VL_HOOK_OUT, 64);
	story_free(story_of(
		(struct vl_event[]){udp, error_about(&udp, 2, R_W, VL_HOOK_OUT, 29 << 16)}, 2, 2));
	story_free(story_of(
		(struct vl_event[]){udp, error_about(&udp, 2, R_W, VL_HOOK_OUT, 28 << 16)}, 2, 1));
	story_free(story_of((struct vl_event[]){udp, error_about(&udp, 2, R_W, VL_HOOK_OUT, 0)}, 2,
			    1)); /* an older recording does not tell */
	udp.other.to_port++;
	tcp = udp;
	udp.other.to_port++;
	story_free(story_of(
		(struct vl_event[]){udp, error_about(&tcp, 2, R_W, VL_HOOK_OUT, 28 << 16)}, 2, 2));
}

/* Two packets that nothing in the quote tells apart: the newest, and that it may be another. */
static void assert_rivals(const struct vl_event packets[2], uint64_t mark)
{
	struct vl_event e[] = {packets[0], packets[1],
			       error_about(&packets[0], 3, R_W, VL_HOOK_OUT, mark)};
	struct story *story = story_of(e, 3, 2);

	assert_int_equal(first_of(story)->n_hops, 1);
	assert_int_equal(first_of(story)->alike, 0);
	story_forget(story, first_of(story));
	assert_int_equal(first_of(story)->n_hops, 2);
	assert_int_equal(first_of(story)->alike, 1);
	story_free(story);
}

static void test_rivals(void **state)
{
	struct vl_event datagrams[] = {datagram_record(1, A_X, VL_HOOK_OUT, 64),
				       datagram_record(2, A_X, VL_HOOK_OUT, 64)};
	const struct vl_event segments[] = {segment(1, A_X, VL_HOOK_OUT, 64, 1000, 100),
					    segment(2, A_X, VL_HOOK_OUT, 64, 1100, 100)};

	(void)state;
	datagrams[1].payload++;
	assert_rivals(datagrams, 28 << 16);
	assert_rivals(segments, 0); /* an older recording does not tell */
}

/* The router passes it on. */
static void test_redirect(void **state)
{
	struct vl_event e[5];
	struct story *story;

	(void)state;
	fill_datagram(e, 7, 1);
	e[4] = error_about(e, 9, R_W, VL_HOOK_OUT, 7ull << 32 | 28 << 16);
	e[4].icmp_type = REDIRECT;
	e[4].icmp_code = 1;
	story = story_of(e, 5, 1);
	assert_int_equal(first_of(story)->fate, FATE_DELIVERED);
	story_free(story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_datagrams), cmocka_unit_test(test_segments),
		cmocka_unit_test(test_others),	  cmocka_unit_test(test_rivals),
		cmocka_unit_test(test_redirect),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
