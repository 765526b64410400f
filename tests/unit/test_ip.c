// SPDX-License-Identifier: GPL-2.0-only
/* test_ip.c - addresses as text, prefixes, arithmetic. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "topology/ip.h"

static struct ip_prefix prefix(const char *text)
{
	struct ip_prefix parsed = {};

	assert_true(ip_prefix_parse(text, &parsed));
	return parsed;
}

static struct ip_addr addr(const char *text)
{
	struct ip_addr parsed = {};

	assert_true(ip_parse(text, &parsed));
	return parsed;
}

static void test_parse(void **state)
{
	static const char *const bad[] = {
		"",  "10.0.0",	  "10.0.0.1.2", "10.0.0.256", "1.2.3.4/24", "fe80::1%eth0", "g::1",
		":", " 10.0.0.1", "0x0a.0.0.1", "010.0.0.1.", "1:2:3:4",    "::1::"};
	static const char *const bad_prefix[] = {"10.0.0.1",	 "10.0.0.1/",	"10.0.0.1/33",
						 "10.0.0.1/+8",	 "10.0.0.1/8 ", "10.0.0.1/0x8",
						 "::1/129",	 "::1/0000",	"/8",
						 "10.0.0.1/8/8", "10.0.0.1/-1"};
	struct ip_prefix p = {.len = 77};
	struct ip_addr a = {.family = 99};
	char buf[IP_TEXT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(ip_parse(bad[i], &a));
	for (size_t i = 0; i < sizeof(bad_prefix) / sizeof(*bad_prefix); i++)
		assert_false(ip_prefix_parse(bad_prefix[i], &p));
	assert_int_equal(a.family, 99); /* untouched by failures */
	assert_int_equal(p.len, 77);
	assert_string_equal(ip_format(&(struct ip_addr){}, buf, sizeof(buf)), "-");
	a = addr("10.1.2.3");
	assert_int_equal(a.family, AF_INET);
	assert_memory_equal(a.bytes, "\x0a\x01\x02\x03", 4);
	a = addr("FD00:0:0::1");
	assert_string_equal(ip_format(&a, buf, sizeof(buf)), "fd00::1");
	p = prefix("10.1.2.3/24"); /* host bits are kept */
	assert_string_equal(ip_prefix_format(&p, buf, sizeof(buf)), "10.1.2.3/24");
	p = prefix("1111:2222:3333:4444:5555:6666:177.188.199.200/128");
	ip_prefix_format(&p, buf, sizeof(buf));
	assert_string_equal(buf, "1111:2222:3333:4444:5555:6666:b1bc:c7c8/128");
}

static void test_prefixes(void **state)
{
	static const struct {
		const char *prefix, *addr;
		bool inside;
	} rows[] = {
		{"10.1.1.7/24", "10.1.1.200", true},   {"10.1.1.7/24", "10.1.2.1", false},
		{"10.1.1.7/31", "10.1.1.6", true},     {"10.1.1.7/31", "10.1.1.8", false},
		{"0.0.0.0/0", "255.1.1.1", true},      {"0.0.0.0/0", "::", false},
		{"10.128.0.0/9", "10.127.0.1", false}, {"fd00::/63", "fd00:0:0:1::9", true},
		{"fd00::/64", "fd00:0:0:1::9", false}, {"fd00::1/128", "fd00::1", true},
	};
	char buf[IP_TEXT_SIZE];
	struct ip_prefix p, q;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ip_addr a = addr(rows[i].addr);

		p = prefix(rows[i].prefix);
		assert_int_equal(ip_prefix_contains(&p, &a), rows[i].inside);
	}
	p = prefix("10.255.255.255/9");
	q = ip_network(&p);
	assert_string_equal(ip_prefix_format(&q, buf, sizeof(buf)), "10.128.0.0/9");
	p = prefix("fdff:ffff::1/12");
	q = ip_network(&p);
	assert_string_equal(ip_prefix_format(&q, buf, sizeof(buf)), "fdf0::/12");
	p = prefix("10.0.0.0/8");
	q = prefix("10.200.0.1/30");
	assert_true(ip_prefix_overlap(&p, &q));
	assert_true(ip_prefix_overlap(&q, &p));
	p = prefix("10.200.0.5/30");
	assert_false(ip_prefix_overlap(&p, &q));
}

static void test_add(void **state)
{
	static const struct {
		const char *from;
		uint64_t n;
		unsigned shift;
		const char *to; /* NULL: wraps around */
	} rows[] = {
		{"10.0.0.255", 1, 0, "10.0.1.0"},
		{"10.0.0.0", 3, 2, "10.0.0.12"},
		{"10.0.0.0", 16384, 2, "10.1.0.0"},
		{"10.0.0.0", 300, 1, "10.0.2.88"},
		{"255.255.255.252", 1, 2, NULL},
		{"255.255.255.255", 0, 0, "255.255.255.255"},
		{"fd00::", 1, 64, "fd00:0:0:1::"},
		{"fd00::", 0x12345, 64, "fd00:0:1:2345::"},
		{"fd00::", 3, 1, "fd00::6"},
		{"ffff:ffff:ffff:ffff::", 1, 64, NULL},
		{"::ffff:ffff:ffff:ffff", 1, 0, "0:0:0:1::"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct ip_addr a = addr(rows[i].from);
		char buf[IP_TEXT_SIZE];

		assert_int_equal(ip_add(&a, rows[i].n, rows[i].shift), rows[i].to != NULL);
		if (rows[i].to)
			assert_string_equal(ip_format(&a, buf, sizeof(buf)), rows[i].to);
	}
}

static void test_problems(void **state)
{
	static const char *const bad[] = {"224.0.0.5", "239.255.255.255",
					  "240.0.0.1", "255.255.255.255",
					  "0.0.0.0",   "0.1.2.3",
					  "127.0.0.1", "ff02::1",
					  "::",	       "::1"};
	static const char *const good[] = {"10.0.0.1", "223.255.255.255", "1.1.1.1", "fe80::1",
					   "fd00::1"};
	struct ip_addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		a = addr(bad[i]);
		assert_non_null(ip_problem(&a));
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		a = addr(good[i]);
		assert_null(ip_problem(&a));
	}
	a = addr("febf::1");
	assert_true(ip_is_link_local(&a));
	a = addr("fec0::1");
	assert_false(ip_is_link_local(&a));
}

static void test_mac(void **state)
{
	static const char *const bad[] = {"",
					  "02:00:00:00:00",
					  "02:00:00:00:00:0g",
					  "02-00-00-00-00-01",
					  "02:00:00:00:00:01:",
					  "2:0:0:0:0:1",
					  "02:00:00:00:00:1 "};
	uint8_t mac[6] = {9};
	char buf[18];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_false(mac_parse(bad[i], mac));
	assert_int_equal(mac[0], 9);
	assert_true(mac_parse("02:aB:00:00:ff:01", mac));
	assert_string_equal(mac_format(mac, buf), "02:ab:00:00:ff:01");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_add),   cmocka_unit_test(test_problems),
		cmocka_unit_test(test_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
