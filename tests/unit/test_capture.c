// SPDX-License-Identifier: GPL-2.0-only
/* test_capture.c - which frames of a capture are one packet, and which echo they belong to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/common/frames.h"
#include "user/capture/capture.h"

enum { ETH = 14, IPV4 = 20, FRAME = 128, ECHO_TYPE = 8, REPLY = 0, ICMP = 1, TCP = 6, UDP = 17 };

static void set16(uint8_t *p, uint16_t value)
{
	p[0] = value >> 8;
	p[1] = value;
}

/* An IPv4 header at p with n bytes behind it. */
static void put_ip(uint8_t *p, uint8_t proto, uint8_t src, uint8_t dst, uint16_t id, uint16_t n)
{
	struct bytes b = {.len = 0};
	const struct ipv4_header header = {
		.src = {10, 0, 0, src},
		.dst = {10, 0, 0, dst},
		.proto = proto,
		.ttl = 64,
		.id = id,
		.payload = n,
	};

	put_ipv4_header(&b, &header);
	memcpy(p, b.at, b.len);
}

/* An echo of 16 bytes at p; payload 0: none. */
static void put_echo(uint8_t *p, uint8_t type, uint16_t id, uint16_t seq, uint8_t payload)
{
	struct bytes b = {.len = 0};
	uint8_t data[8];

	memset(data, payload, sizeof(data));
	put_icmp(&b, type, 0, id, seq, data, sizeof(data));
	memcpy(p, b.at, b.len);
}

static uint8_t *new_frame(uint8_t frame[FRAME])
{
	memset(frame, 0, FRAME);
	set16(frame + 12, 0x0800);
	return frame + ETH;
}

static struct packet_key echo_frame(uint8_t type, uint8_t src, uint16_t id, uint16_t seq,
				    uint8_t payload)
{
	uint8_t frame[FRAME], *ip = new_frame(frame);

	put_ip(ip, ICMP, src, 9, 1, 16);
	put_echo(ip + IPV4, type, id, seq, payload);
	return frame_key_of(frame, ETH + IPV4 + 16);
}

static struct packet_key datagram(uint8_t proto, uint8_t src, uint16_t ip_id, uint16_t port,
				  uint16_t word)
{
	uint8_t frame[FRAME], *ip = new_frame(frame);

	put_ip(ip, proto, src, 9, ip_id, 20);
	set16(ip + IPV4, port);
	set16(ip + IPV4 + 4, word);
	return frame_key_of(frame, ETH + IPV4 + 20);
}

static void test_echoes(void **state)
{
	struct packet_key a = echo_frame(ECHO_TYPE, 1, 7, 1, 5);
	struct packet_key nat = echo_frame(ECHO_TYPE, 2, 8, 1, 5);
	struct packet_key reply = echo_frame(REPLY, 1, 7, 1, 5);
	struct packet_key next = echo_frame(ECHO_TYPE, 1, 7, 2, 5);
	struct packet_key other = echo_frame(ECHO_TYPE, 1, 7, 1, 6);

	(void)state;
	assert_true(packet_key_same(&a, &a, false));
	assert_true(packet_key_same(&a, &nat, false)); /* its payload tells */
	assert_false(packet_key_same(&a, &reply, false));
	assert_false(packet_key_same(&a, &next, true));
	assert_false(packet_key_same(&a, &other, true));
}

static void test_datagrams(void **state)
{
	struct packet_key a = datagram(UDP, 1, 77, 1000, 20), nat = datagram(UDP, 2, 77, 1001, 20);
	struct packet_key other = datagram(UDP, 1, 78, 1000, 20);
	struct packet_key longer = datagram(UDP, 2, 77, 1001, 21);
	struct packet_key none = datagram(UDP, 1, 0, 1000, 20),
			  none_nat = datagram(UDP, 2, 0, 1, 20);
	struct packet_key tcp = datagram(TCP, 1, 0, 1000, 5), tcp_nat = datagram(TCP, 2, 0, 1, 5);

	(void)state;
	assert_true(packet_key_same(&a, &a, false));
	assert_false(packet_key_same(&a, &nat, false));
	assert_true(packet_key_same(&a, &nat, true));
	assert_false(packet_key_same(&a, &other, true));
	assert_false(packet_key_same(&a, &longer, true));
	assert_false(
		packet_key_same(&none, &none_nat, true));   /* nothing tells that it is the same */
	assert_true(packet_key_same(&tcp, &tcp_nat, true)); /* its sequence number does */
	assert_false(packet_key_same(&a, &tcp, true));
}

/* A VLAN tag stands before it in one frame, and the kernel gives its drop without any. */
static void test_layers(void **state)
{
	uint8_t frame[FRAME], tagged[FRAME + 4], *ip = new_frame(frame);
	struct packet_key key, drop, vlan;

	(void)state;
	put_ip(ip, UDP, 1, 9, 5, 20);
	key = frame_key_of(frame, ETH + IPV4 + 20);
	drop = packet_key_of(0x0800, ip, FRAME - ETH);
	memcpy(tagged, frame, 12);
	set16(tagged + 12, 0x8100);
	memcpy(tagged + 16, frame + 12, FRAME - 12);
	vlan = frame_key_of(tagged, sizeof(tagged));
	assert_true(packet_key_same(&key, &drop, false));
	assert_true(packet_key_same(&key, &vlan, false));
	/* What is no IP is told by its first bytes. */
	key = packet_key_of(0x0806, ip, 28);
	ip[27]++;
	drop = packet_key_of(0x0806, ip, 28);
	assert_false(packet_key_same(&key, &drop, false));
}

/* Cut short anywhere: nothing is read behind the end (a copy has no more), and nothing is claimed.
 */
static void test_cut(void **state)
{
	uint8_t frame[FRAME], *ip = new_frame(frame), *cut;
	struct packet_key key;

	(void)state;
	put_ip(ip, ICMP, 1, 9, 5, 64);
	ip[IPV4] = 3;
	put_ip(ip + IPV4 + 8, ICMP, 2, 9, 6, 16);
	put_echo(ip + IPV4 + 8 + IPV4, ECHO_TYPE, 7, 1, 5);
	for (uint32_t len = 0; len <= FRAME; len++) {
		cut = malloc(len + !len);
		memcpy(cut, frame, len);
		key = frame_key_of(cut, len);
		free(cut);
		assert_int_equal(key.family, len >= ETH + IPV4 ? 4 : 0);
		assert_int_equal(key.echo.family, len >= ETH + 2 * IPV4 + 16 ? 4 : 0);
	}
}

/*
 * The same of IPv6 with a routing header, on both sides of a router: wherever it is cut behind its
 * addresses, it is one packet, although the hop limits differ.
 */
static void test_cut_in_extensions(void **state)
{
	enum { IPV6 = 40, ROUTING = 24, LEN = ETH + IPV6 + ROUTING + 8 };
	uint8_t frame[LEN] = {0}, *ip = frame + ETH;
	struct packet_key before, behind;

	(void)state;
	set16(frame + 12, 0x86dd);
	ip[0] = 0x60;
	set16(ip + 4, ROUTING + 8);
	ip[6] = 43; /* a routing header follows, then UDP */
	ip[8 + 15] = 1;
	ip[24 + 15] = 2;
	ip[IPV6] = UDP;
	ip[IPV6 + 1] = ROUTING / 8 - 1;
	set16(ip + IPV6 + ROUTING, 1000);
	for (uint32_t len = ETH + IPV6; len <= LEN; len++) {
		uint8_t *cut = malloc(len);

		ip[7] = 64;
		memcpy(cut, frame, len);
		before = frame_key_of(cut, len);
		cut[ETH + 7] = 63;
		behind = frame_key_of(cut, len);
		free(cut);
		assert_int_equal(before.family, 6);
		assert_int_equal(before.dst[15], 2);
		assert_true(packet_key_same(&before, &behind, false));
	}
	assert_int_equal(before.proto, UDP);
	assert_true(before.has_head);
}

static void test_numbers(void **state)
{
	struct packet_key a = echo_frame(ECHO_TYPE, 1, 7, 1, 5),
			  b = echo_frame(ECHO_TYPE, 1, 7, 2, 5);
	struct packet_key reply = echo_frame(REPLY, 9, 7, 1, 5), later, datagram_key;
	struct echo_numbers *numbers = echo_numbers_new();
	uint8_t frame[FRAME], *ip = new_frame(frame);

	(void)state;
	assert_non_null(numbers);
	assert_int_equal(echo_number(numbers, &a), 1);
	assert_int_equal(echo_number(numbers, &b), 2);
	assert_int_equal(echo_number(numbers, &reply), 1);
	datagram_key = datagram(UDP, 1, 1, 1000, 20);
	assert_int_equal(echo_number(numbers, &datagram_key), 0);
	/* An error that quotes an echo has its number. */
	put_ip(ip, ICMP, 9, 1, 5, 64);
	ip[IPV4] = 11;
	put_ip(ip + IPV4 + 8, ICMP, 1, 9, 6, 16);
	put_echo(ip + IPV4 + 8 + IPV4, ECHO_TYPE, 7, 2, 5);
	a = frame_key_of(frame, FRAME);
	assert_int_equal(echo_number(numbers, &a), 2);
	/* A first part and a later one; one of a packet whose first part was not seen. */
	ip = new_frame(frame);
	put_ip(ip, ICMP, 1, 9, 50, 16);
	set16(ip + 6, 0x2000);
	put_echo(ip + IPV4, ECHO_TYPE, 7, 3, 5);
	a = frame_key_of(frame, FRAME);
	assert_int_equal(echo_number(numbers, &a), 3);
	set16(ip + 6, 0x0002);
	later = frame_key_of(frame, FRAME);
	assert_int_equal(echo_number(numbers, &later), 3);
	set16(ip + 4, 51);
	later = frame_key_of(frame, FRAME);
	assert_int_equal(echo_number(numbers, &later), 0);
	echo_numbers_free(numbers);
}

/* More echoes than there is room for: each still has a number that its reply shares. */
static void test_many_numbers(void **state)
{
	struct echo_numbers *numbers = echo_numbers_new();
	struct packet_key key = echo_frame(ECHO_TYPE, 1, 7, 1, 5);

	(void)state;
	assert_non_null(numbers);
	for (uint32_t i = 1; i <= 400000; i++) {
		key.echo.seq = i;
		key.echo.payload = i;
		if (echo_number(numbers, &key) != i || echo_number(numbers, &key) != i)
			fail_msg("echo %u has another number", i);
	}
	echo_numbers_free(numbers);
}

static void test_notes(void **state)
{
	struct node node = {.name = "a"}, other = {.name = "b"};
	struct end end = {.node = &node}, peer = {.node = &other};
	struct held_frames held = {0};
	struct held_frame frame = {.bytes = (uint8_t *)"", .len = 1};
	struct frame_drop drop = {.node = &other, .end = &peer, .text = "x"};

	(void)state;
	end.peer = &peer;
	peer.peer = &end;
	frame.key = drop.key = datagram(UDP, 1, 77, 1000, 20);
	/* Out of a, and then twice into b: the last one before the drop is it, then the one before.
	 */
	for (int i = 0; i < 4; i++) {
		frame.time_ns = 1000000 * (i + 1);
		frame.end = i ? &peer : &end;
		frame.out = !i;
		assert_int_equal(held_frames_add(&held, &frame), 0);
	}
	held_frames_sort(&held);
	drop.time_ns = 3500000;
	assert_true(held_frames_note_drop(&held, &drop));
	assert_string_equal(held.list[2].note, "x");
	assert_true(held_frames_note_drop(&held, &drop));
	assert_string_equal(held.list[1].note, "x");
	/* It did not get in: what left the other end. */
	assert_true(held_frames_note_drop(&held, &drop));
	assert_string_equal(held.list[0].note, "x");
	assert_false(held_frames_note_drop(&held, &drop));
	assert_null(held.list[3].note);
	held_frames_free(&held);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echoes),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_in_extensions),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_many_numbers),
		cmocka_unit_test(test_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
