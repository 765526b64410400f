// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_count.c - what each program counts for one frame: by kind, at every length it can be cut to,
 * and for frames of garbage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/prog/fixture.h"

static struct watch *lab;

static void need(void)
{
	if (!fixture_ready())
		skip();
	if (!lab)
		lab = fixture_load(LO_IFINDEX);
}

/* A frame of len bytes is also tried at every shorter length that the kernel runs. */
static void check_all_lengths(struct bytes frame, const char *what)
{
	check_frame(lab, &frame, what);
	while (frame.len > 14) {
		frame.len--;
		check_frame(lab, &frame, what);
	}
}

static struct bytes echo4(uint8_t type, size_t options, size_t payload)
{
	static const uint8_t data[1400] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
	struct bytes b;

	put_eth(&b, 0x0800);
	put_ipv4(&b, 1, options, 0, 8 + payload);
	put_icmp(&b, type, 0, 77, 5, data, payload);
	return b;
}

static struct bytes echo6(uint8_t type, size_t payload)
{
	static const uint8_t data[1400] = {9, 8, 7};
	struct bytes b;

	put_eth(&b, 0x86dd);
	put_ipv6(&b, 58, 8 + payload);
	put_icmp(&b, type, 0, 78, 6, data, payload);
	return b;
}

/* Exact figures, written out: the reference itself is held to them. */
static void test_one_echo(void **state)
{
	struct vl_counters expected = {.packets = 1, .bytes = 98, .segments = 1, .ipv4 = 1};
	struct bytes b = echo4(8, 0, 56);
	struct vl_counters reference = {}, none = {};

	(void)state;
	need();
	expected.icmp4.echo_request = 1;
	expect_frame(b.at, b.len, &reference);
	assert_counted(&none, &reference, &expected, "reference", b.at, b.len);
	check_frame(lab, &b, "echo request");

	expected = (struct vl_counters){.packets = 1, .bytes = 118, .segments = 1, .ipv6 = 1};
	expected.icmp6.echo_reply = 1;
	b = echo6(129, 56);
	memset(&reference, 0, sizeof(reference));
	expect_frame(b.at, b.len, &reference);
	assert_counted(&none, &reference, &expected, "reference", b.at, b.len);
	check_frame(lab, &b, "echo reply v6");
}

static void test_every_icmp_type(void **state)
{
	(void)state;
	need();
	for (int type = 0; type < 256; type++) {
		struct bytes v4 = echo4(type, 0, 8), v6 = echo6(type, 8);

		check_frame(lab, &v4, "icmp type");
		check_frame(lab, &v6, "icmpv6 type");
	}
}

static void test_ipv4_options(void **state)
{
	(void)state;
	need();
	for (size_t options = 4; options <= 40; options += 4)
		check_all_lengths(echo4(8, options, 4), "echo with options");
}

static void test_fragments(void **state)
{
	struct bytes b;

	(void)state;
	need();
	put_eth(&b, 0x0800); /* the first one has the header, even an echo's */
	put_ipv4(&b, 1, 0, 0x2000, 64);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	put_zeros(&b, 56);
	check_all_lengths(b, "first fragment");
	put_eth(&b, 0x0800); /* a later one starts with what looks like an echo request */
	put_ipv4(&b, 1, 0, 0x2008, 64);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	put_zeros(&b, 56);
	check_all_lengths(b, "later fragment");
	put_eth(&b, 0x0800);
	put_ipv4(&b, 17, 0, 0x0001, 8);
	put_udp(&b, 0);
	check_all_lengths(b, "last fragment of udp");
	put_eth(&b, 0x0800); /* do not fragment is no fragment */
	put_ipv4(&b, 17, 0, 0x4000, 8);
	put_udp(&b, 0);
	check_all_lengths(b, "udp with DF");
}

static void put_extension(struct bytes *b, uint8_t next, uint8_t len, size_t size)
{
	put(b, (uint8_t[]){next, len}, 2);
	put_zeros(b, size - 2);
}

static void test_ipv6_extensions(void **state)
{
	struct bytes b;

	(void)state;
	need();
	put_eth(&b, 0x86dd); /* hop-by-hop, routing, fragment (atomic), AH, destination options */
	put_ipv6(&b, 0, 8 + 24 + 8 + 24 + 16 + 16);
	put_extension(&b, 43, 0, 8);
	put_extension(&b, 44, 2, 24);
	put_extension(&b, 51, 0, 8);
	put_extension(&b, 60, 4, 24);
	put_extension(&b, 58, 1, 16);
	put_icmp(&b, 128, 0, 3, 4, "abcdefgh", 8);
	check_all_lengths(b, "all extensions");

	for (size_t n = 1; n <= 10; n++) { /* up to seven are walked */
		put_eth(&b, 0x86dd);
		put_ipv6(&b, 60, 8 * n + 8);
		for (size_t i = 1; i <= n; i++)
			put_extension(&b, i == n ? 58 : 60, 0, 8);
		put_icmp(&b, 128, 0, 3, 4, NULL, 0);
		check_frame(lab, &b, "destination options");
	}
	put_eth(&b, 0x86dd); /* later fragment */
	put_ipv6(&b, 44, 8 + 16);
	put(&b, "\x3a\0\0\x08\0\0\0\1", 8);
	put_icmp(&b, 128, 0, 3, 4, "abcdefgh", 8);
	check_all_lengths(b, "later fragment v6");
	put_eth(&b, 0x86dd); /* first fragment: offset 0, more to come */
	put_ipv6(&b, 44, 8 + 16);
	put(&b, "\x3a\0\0\x01\0\0\0\1", 8);
	put_icmp(&b, 128, 0, 3, 4, "abcdefgh", 8);
	check_all_lengths(b, "first fragment v6");
	put_eth(&b, 0x86dd); /* a header of 2,048 bytes that is not there */
	put_ipv6(&b, 0, 64);
	put_extension(&b, 58, 255, 8);
	put_icmp(&b, 128, 0, 3, 4, NULL, 0);
	put_zeros(&b, 48);
	check_all_lengths(b, "long extension");
	put_eth(&b, 0x86dd); /* and one that is */
	put_ipv6(&b, 0, 2048 + 8);
	put_extension(&b, 58, 255, 2048);
	put_icmp(&b, 128, 0, 3, 4, NULL, 0);
	check_frame(lab, &b, "long extension in full");
	put_eth(&b, 0x86dd); /* payload length 0: what follows is padding */
	put_ipv6(&b, 58, 0);
	put_icmp(&b, 128, 0, 3, 4, NULL, 0);
	check_all_lengths(b, "icmp in the padding");
}

static void test_vlan(void **state)
{
	static const uint16_t outer[] = {0x8100, 0x88a8};
	struct bytes b;

	(void)state;
	need();
	for (size_t i = 0; i < 2; i++) {
		put_eth(&b, outer[i]);
		put16(&b, 42);
		put16(&b, 0x0800);
		put_ipv4(&b, 1, 0, 0, 8);
		put_icmp(&b, 8, 0, 1, 1, NULL, 0);
		check_all_lengths(b, "tagged echo");
	}
	put_eth(&b, 0x88a8);
	put16(&b, 42);
	put16(&b, 0x8100);
	put16(&b, 43);
	put16(&b, 0x0800);
	put_ipv4(&b, 1, 0, 0, 8);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	check_all_lengths(b, "QinQ");
}

static void test_other_kinds(void **state)
{
	static const uint8_t flags[] = {0x02, 0x12, 0x10, 0x11, 0x04, 0x14, 0x07, 0xff};
	struct bytes b;

	(void)state;
	need();
	put_eth(&b, 0x0806);
	put_zeros(&b, 46);
	check_all_lengths(b, "arp");
	put_eth(&b, 0x88cc);
	put_zeros(&b, 46);
	check_all_lengths(b, "lldp");
	put_eth(&b, 38); /* 802.3: a length */
	put_zeros(&b, 46);
	check_all_lengths(b, "802.3");
	for (size_t i = 0; i < sizeof(flags); i++) {
		put_eth(&b, 0x0800);
		put_ipv4(&b, 6, 0, 0x4000, 20);
		put_tcp(&b, flags[i]);
		check_all_lengths(b, "tcp");
		put_eth(&b, 0x86dd);
		put_ipv6(&b, 6, 20);
		put_tcp(&b, flags[i]);
		check_all_lengths(b, "tcp v6");
	}
	put_eth(&b, 0x0800);
	put_ipv4(&b, 132, 0, 0, 12);
	put_zeros(&b, 12);
	check_all_lengths(b, "sctp");
	put_eth(&b, 0x0800); /* each family has its own ICMP */
	put_ipv4(&b, 58, 0, 0, 8);
	put_icmp(&b, 128, 0, 1, 1, NULL, 0);
	check_all_lengths(b, "icmpv6 in ipv4");
	put_eth(&b, 0x86dd);
	put_ipv6(&b, 1, 8);
	put_icmp(&b, 8, 0, 1, 1, NULL, 0);
	check_all_lengths(b, "icmp in ipv6");
}

/* An error with a quote, whole and cut; what is in the quote is not counted. */
static void test_errors(void **state)
{
	struct bytes b;

	(void)state;
	need();
	for (int type = 3; type <= 12; type++) {
		put_eth(&b, 0x0800);
		put_ipv4(&b, 1, 0, 0, 8 + 28);
		put_icmp(&b, type, 1, 0, 0, NULL, 0);
		put_ipv4(&b, 1, 0, 0, 64);
		put_icmp(&b, 8, 0, 9, 9, NULL, 0);
		check_all_lengths(b, "icmp error");
	}
	for (int type = 1; type <= 4; type++) {
		put_eth(&b, 0x86dd);
		put_ipv6(&b, 58, 8 + 48);
		put_icmp(&b, type, 0, 0, 1280, NULL, 0);
		put_ipv6(&b, 58, 64);
		put_icmp(&b, 128, 0, 9, 9, NULL, 0);
		check_all_lengths(b, "icmpv6 error");
	}
}

static void test_impossible_lengths(void **state)
{
	struct bytes b;

	(void)state;
	need();
	for (int total = 0; total < 64; total++) { /* what the IP header claims */
		b = echo4(8, 0, 16);
		b.at[14 + 3] = total;
		check_frame(lab, &b, "total length");
		b = echo6(128, 16);
		b.at[14 + 5] = total;
		check_frame(lab, &b, "payload length");
	}
	for (int first = 0; first < 256; first++) { /* version and header length */
		b = echo4(8, 0, 56);
		b.at[14] = first;
		check_frame(lab, &b, "version and ihl");
		b = echo6(128, 56);
		b.at[14] = first;
		check_frame(lab, &b, "version");
	}
}

static uint64_t random_state = 0x2545f4914f6cdd1dull;

static uint32_t random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state >> 32;
}

static uint8_t pick(const uint8_t *list, size_t n)
{
	return random32() % 8 ? list[random32() % n] : random32();
}

/* Noise, bent towards what parsers look at, so that it gets past the first check. */
static struct bytes garbage(void)
{
	static const uint8_t types[][2] = {{8, 0},	 {8, 0},       {8, 0},
					   {0x86, 0xdd}, {0x86, 0xdd}, {0x86, 0xdd},
					   {8, 6},	 {0x81, 0},    {0x88, 0xa8}};
	static const uint8_t protos[] = {1, 58, 6, 17, 0, 43, 44, 51, 60, 59};
	static const uint8_t kinds[] = {0, 3, 8, 11, 128, 129, 135, 1, 2};
	struct bytes b = {.len = 14 + random32() % 200};

	for (size_t i = 0; i < b.len; i++)
		b.at[i] = random32() % 4 ? random32() % 3 : random32();
	if (random32() % 16)
		memcpy(b.at + 12, types[random32() % 9], 2);
	if (b.len < 14 + 60)
		return b;
	if (b.at[12] == 8 && random32() % 8) {
		b.at[14] = random32() % 4 ? 0x45 + random32() % 11 : random32();
		b.at[16] = random32() % 8 ? 0 : 1;
		b.at[17] = random32();
		b.at[20] = random32() % 4 ? 0 : random32();
		b.at[21] = random32() % 4 ? 0 : 1;
		b.at[23] = pick(protos, 4);
		b.at[14 + (b.at[14] & 15) * 4] = pick(kinds, sizeof(kinds));
	} else if (b.at[12] == 0x86 && random32() % 8) {
		b.at[14] = 0x60 | random32() % 16;
		b.at[18] = random32() % 8 ? 0 : 1;
		b.at[19] = random32();
		b.at[20] = pick(protos, sizeof(protos));
		for (size_t at = 54; at + 8 <= b.len; at += 8) {
			b.at[at] = pick(protos, sizeof(protos));
			b.at[at + 1] = random32() % 8 ? random32() % 3 : random32();
			b.at[at + 2] = 0;
			b.at[at + 3] = random32() % 4 ? random32() % 2 : random32();
		}
	}
	return b;
}

static void test_garbage(void **state)
{
	(void)state;
	need();
	for (int i = 0; i < 10000; i++) {
		struct bytes b = garbage();
		char title[32];

		snprintf(title, sizeof(title), "garbage %d", i);
		check_frame(lab, &b, title);
	}
}

static void test_segments(void **state)
{
	struct vl_counters before, after, expected = {};
	struct run how = {.gso_segs = 7, .gso_size = 100};
	struct bytes b;

	(void)state;
	need();
	put_eth(&b, 0x0800);
	put_ipv4(&b, 6, 0, 0x4000, 20 + 700);
	put_tcp(&b, 0x10);
	put_zeros(&b, 700);
	expect_frame(b.at, b.len, &expected);
	expected.segments = 7;
	before = counters_of(lab, VL_HOOK_OUT, 0);
	assert_int_equal(run_frame(lab, VL_HOOK_OUT, b.at, b.len, &how), 0);
	after = counters_of(lab, VL_HOOK_OUT, 0);
	assert_counted(&before, &after, &expected, "a super-packet of 7", b.at, b.len);
}

/* XDP with headers outside the linear part; 6.18 lets a test choose where it ends. */
static void test_xdp_not_linear(void **state)
{
	struct bytes frames[] = {echo4(8, 40, 1200), echo6(128, 1200)};

	(void)state;
	need();
	for (size_t i = 0; i < 2; i++) {
		struct vl_counters expected = {};

		expect_frame(frames[i].at, frames[i].len, &expected);
		for (uint32_t linear = 14; linear < 120; linear++) {
			struct vl_counters before = counters_of(lab, VL_HOOK_XDP, 0), after;
			int ret = run_frame(lab, PROG_XDP_NATIVE, frames[i].at, frames[i].len,
					    &(struct run){.xdp_linear = linear});

			if (ret == -EINVAL && linear == 14) {
				print_message("this kernel runs XDP on linear frames only\n");
				skip();
			}
			assert_int_equal(ret, 0);
			after = counters_of(lab, VL_HOOK_XDP, 0);
			assert_counted(&before, &after, &expected, "xdp with frags", frames[i].at,
				       frames[i].len);
		}
	}
}

/* The ARP request by which vethlab sees that a link carries frames. */
static struct bytes proof_frame(void)
{
	static const uint8_t to[6] = {255, 255, 255, 255, 255, 255}, from[6] = {};
	struct bytes b;

	put_eth_header(&b, to, from, 0x0806);
	put(&b, "\0\1\x08\0\6\4\0\1", 8);
	put_zeros(&b, 10); /* from nobody */
	put(&b, "vethlb", 6);
	put(&b, "\xc0\0\2\1", 4);
	return b;
}

/* It is noted at each hook, and counted at none. */
static void test_proof_frame(void **state)
{
	const struct vl_counters none = {};
	struct vl_end entries[FIXTURE_ENDS];
	struct bytes b = proof_frame();
	struct err err = {};

	(void)state;
	need();
	assert_int_equal(b.len, 42);
	assert_int_equal(watch_n_ends(lab), FIXTURE_ENDS);
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		enum vl_hook hook = prog_hook(prog);
		struct vl_counters before = counters_of(lab, hook, 0), after;
		const struct vl_end end = {.in_use = 1, .ifindex = LO_IFINDEX};

		assert_int_equal(watch_name_end(lab, 0, &end, &err), 0);
		assert_int_equal(run_frame(lab, prog, b.at, b.len, &(struct run){}), 0);
		after = counters_of(lab, hook, 0);
		assert_counted(&before, &after, &none, prog_titles[prog], b.at, b.len);
		assert_int_equal(watch_frame_seen(lab, entries, &err), 0);
		for (int end_number = 0; end_number < FIXTURE_ENDS; end_number++)
			for (int h = 0; h < VL_HOOKS; h++)
				assert_int_equal(entries[end_number].proof_seen[h],
						 !end_number && h == (int)hook);
		assert_int_equal(entries[0].in_use, 1);
		assert_int_equal(entries[0].ifindex, LO_IFINDEX);
	}
}

/* What differs from it in any byte that tells it, or is shorter, is counted like all ARP. */
static void test_like_proof_frame(void **state)
{
	static const uint8_t ranges[][2] = {{6, 12}, {22, 42}}; /* source; what ARP tells */
	struct bytes b = proof_frame();

	(void)state;
	need();
	for (int r = 0; r < 2; r++) {
		for (int at = ranges[r][0]; at < ranges[r][1]; at++) {
			b.at[at] ^= 0x20;
			check_frame(lab, &b, "nearly a proof frame");
			b.at[at] ^= 0x20;
		}
	}
	b.len--;
	check_all_lengths(b, "a part of a proof frame");
}

/* An interface that is no end of the lab: nothing is counted, and the packet goes on. */
static void test_stranger(void **state)
{
	struct bytes b = echo4(8, 0, 56);
	struct vl_counters none = {}, after;
	struct watch *other;

	(void)state;
	need();
	fixture_unload(lab);
	lab = NULL;
	other = fixture_load(LO_IFINDEX + 1);
	for (int prog = 0; prog < WATCH_PROGS; prog++) {
		assert_int_equal(run_frame(other, prog, b.at, b.len, &(struct run){}), 0);
		for (uint32_t end = 0; end < FIXTURE_ENDS; end++) {
			after = counters_of(other, prog_hook(prog), end);
			assert_counted(&none, &after, &none, "stranger", b.at, b.len);
		}
	}
	fixture_unload(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_echo),	   cmocka_unit_test(test_every_icmp_type),
		cmocka_unit_test(test_ipv4_options),	   cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_ipv6_extensions),	   cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_other_kinds),	   cmocka_unit_test(test_errors),
		cmocka_unit_test(test_impossible_lengths), cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_segments),	   cmocka_unit_test(test_xdp_not_linear),
		cmocka_unit_test(test_proof_frame),	   cmocka_unit_test(test_like_proof_frame),
		cmocka_unit_test(test_stranger), /* last: it takes the lab down */
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
