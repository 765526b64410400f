// SPDX-License-Identifier: GPL-2.0-only
/* test_filter.c - the words of a filter about protocols, ports, flags and tags: what they are read
 * as, what is said of those that are wrong, and which records they fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bpf/wire_other.h"
#include "tests/unit/story_fixture.h"
#include "user/trace/filter.h"

enum { WORDS_MAX = 16 };

/* The words of a filter, with a blank between them. */
static int parse(const char *text, struct record_filter *filter, struct err *err)
{
	char copy[256], *argv[WORDS_MAX], *rest = copy, *word;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	*filter = (struct record_filter){0};
	*err = (struct err){0};
	while ((word = strsep(&rest, " ")))
		if (*word)
			argv[argc++] = word;
	return record_filter_parse(filter, argc, argv, lab, err);
}

static void test_words(void **state)
{
	static const struct {
		const char *text;
		struct vl_filter filter;
	} cases[] = {
		{"any", {.fields = VL_F_ANY}},
		{"tcp", {.fields = VL_F_ANY | VL_F_PROTOCOL, .protocol = 6}},
		{"any tcp proto 6", {.fields = VL_F_ANY | VL_F_PROTOCOL, .protocol = 6}},
		{"udp port 53",
		 {.fields = VL_F_ANY | VL_F_PROTOCOL | VL_F_PORT, .protocol = 17, .port = 53}},
		{"sport 1 dport 65535",
		 {.fields = VL_F_ANY | VL_F_SPORT | VL_F_DPORT, .sport = 1, .dport = 65535}},
		{"flags syn,rst",
		 {.fields = VL_F_ANY | VL_F_PROTOCOL | VL_F_FLAGS,
		  .protocol = 6,
		  .tcp_flags = 0x06}},
		{"flags cwr tcp",
		 {.fields = VL_F_ANY | VL_F_PROTOCOL | VL_F_FLAGS,
		  .protocol = 6,
		  .tcp_flags = 0x80}},
		{"arp", {.fields = VL_F_ANY | VL_F_ARP | VL_F_FAMILY, .family = 4}},
		{"icmp vlan 4094", {.fields = VL_F_ANY | VL_F_ICMP | VL_F_VLAN, .vlan = 4094}},
		{"sctp v6",
		 {.fields = VL_F_ANY | VL_F_PROTOCOL | VL_F_FAMILY, .protocol = 132, .family = 6}},
		{"proto 1 type echo",
		 {.fields = VL_F_ANY | VL_F_PROTOCOL | VL_F_TYPES, .protocol = 1, .types = 3}},
	};
	struct record_filter filter;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (parse(cases[i].text, &filter, &err))
			fail_msg("%s: %s", cases[i].text, err.what);
		if (memcmp(&filter.packets, &cases[i].filter, sizeof(filter.packets)))
			fail_msg("%s: another filter", cases[i].text);
	}
}

static void test_wrong_words(void **state)
{
	static const struct {
		const char *text, *what;
	} cases[] = {
		{"port", "filter: 'port' needs a value behind it"},
		{"tcp port", "filter, word 2: 'port' needs a value behind it"},
		{"port 65536", "filter, word 1: '65536' is no number up to 65535"},
		{"a tcp vlan 4095", "filter, word 3: '4095' is no number up to 4094"},
		{"proto 256", "filter, word 1: '256' is no number up to 255"},
		{"proto tcp", "filter, word 1: 'tcp' is no number up to 255"},
		{"flags syn,sny", "filter, word 1: there is no TCP flag 'sny'"},
		{"flags ,", "filter, word 1: there is no TCP flag ''"},
		{"tcp udp", "filter, word 2: two protocols at once: no packet is both"},
		{"udp flags syn", "filter, word 2: two protocols at once: no packet is both"},
		{"arp icmp", "filter, word 2: two protocols at once: no packet is both"},
		{"v6 arp", "filter, word 2: IPv4 and IPv6 at once: no packet is both"},
		{"port 1 port 2", "filter, word 3: port is there twice, and no packet fits both"},
		{"type echo port 5",
		 "filter: ICMP and another protocol at once: no packet is both"},
		{"vlan 5 type request", "filter: type, id and seq of tagged packets are not read"},
		{"port 5 icmp", "filter: a port of a protocol that has none"},
		{"arp sport 5", "filter: a port of a protocol that has none"},
		{"proto 47 dport 5", "filter: a port of a protocol that has none"},
		{"tpc", "filter: there is no keyword, node, end or address 'tpc'"},
	};
	struct record_filter filter;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_not_equal(parse(cases[i].text, &filter, &err), 0);
		assert_string_equal(err.what, cases[i].what);
	}
	assert_non_null(strstr(err.hint, "tcp"));
}

/* What user space applies to a recording is what the programs apply (tests/prog/test_other.c). */
static void test_recorded(void **state)
{
	const struct vl_event tcp = {.end = A_X,
				     .family = 4,
				     .flags = VL_EV_OTHER,
				     .src = {10, 0, 1, 1},
				     .other = {.ethertype = WIRE_IPV4,
					       .protocol = 6,
					       .from_port = 40000,
					       .to_port = 80,
					       .tcp_flags = 0x12,
					       .vlan = VL_TAGGED | 5}};
	static const struct {
		const char *text;
		bool fits;
	} cases[] = {
		{"any", true},
		{"tcp", true},
		{"udp", false},
		{"port 80", true},
		{"sport 80", false},
		{"dport 80", true},
		{"flags syn", true},
		{"flags fin,rst", false},
		{"vlan 5", true},
		{"vlan 6", false},
		{"a", true},
		{"any b", false},
		{"any a", true},
		{"any src 10.0.1.1", true},
		{"tcp dst 10.0.1.1", false},
		{"any type echo", false},
		{"arp", false},
		{"icmp", false},
		{"v4", false},
		{"any v6", false},
		{"proto 6", true},
	};
	struct record_filter filter;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(cases[i].text, &filter, &err), 0);
		if (!strcmp(cases[i].text, "a"))
			filter.packets.fields |= VL_F_ANY;
		if (event_matches(&tcp, &filter.packets, lab) != cases[i].fits)
			fail_msg("%s: %s", cases[i].text,
				 cases[i].fits ? "it does not fit" : "it fits");
	}
}

/* In stories an ICMP error belongs to the protocol that it is about; records alone are as
 * tcpdump's. */
static void test_about(void **state)
{
	const struct vl_event error = {.end = A_X,
				       .family = 4,
				       .flags = VL_EV_QUOTED,
				       .icmp_type = 3,
				       .src = {10, 0, 2, 1},
				       .quote = {.id = 40000, .seq = 99, .proto = 17}};
	static const struct {
		const char *text;
		bool fits, in_stories;
	} cases[] = {
		{"any", true, true},	   {"udp", false, true},  {"tcp", false, false},
		{"icmp", true, true},	   {"arp", false, false}, {"proto 1", true, true},
		{"proto 17", false, true},
	};
	struct record_filter filter;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_int_equal(parse(cases[i].text, &filter, &err), 0);
		assert_int_equal(event_matches(&error, &filter.packets, lab), cases[i].fits);
		filter.packets.fields |= VL_F_ABOUT;
		assert_int_equal(event_matches(&error, &filter.packets, lab), cases[i].in_stories);
	}
}

/* The headers of frames in memory: what the programs read (tests/prog/test_other.c), any bytes. */
static void test_any_bytes(void **state)
{
	static const uint16_t types[] = {WIRE_IPV4, WIRE_IPV6, WIRE_ARP, 0x88cc};
	uint8_t bytes[96];
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 200000; round++) {
		struct wire_memory memory = {bytes, (seed >> 8) % (sizeof(bytes) + 1)};
		struct vl_event event = {0};

		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = seed >> 24;
		}
		bytes[0] = round % 2 ? 0x45 : 0x60;
		bytes[round % 2 ? 9 : 6] = round % 3 ? 6 : 17;
		wire_other(wire_memory_fetch, wire_memory_walk, &memory, types[round % 4], 0,
			   memory.len, &event);
		assert_true(event.other.bytes <= sizeof(bytes));
		assert_true(event.flags & VL_EV_OTHER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),	  cmocka_unit_test(test_wrong_words),
		cmocka_unit_test(test_about),	  cmocka_unit_test(test_recorded),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, story_setup, story_teardown);
}
