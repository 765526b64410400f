// SPDX-License-Identifier: GPL-2.0-only
/* test_drop_causes.c - the table of places where Linux drops packets (user/base/drop_causes.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "user/base/drop_causes.h"

static bool same(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}

/* Each row once, complete, and found by what it names. */
static void test_rows(void **state)
{
	size_t n;
	const struct drop_cause *rows = drop_causes(&n);
	int last = 0;

	(void)state;
	assert_true(n > 60);
	for (size_t i = 0; i < n; i++) {
		const struct drop_cause *row = &rows[i];
		struct drop_cause known =
			drop_classify_multicast(row->reason ? row->reason : "NOT_SPECIFIED",
						row->function ? row->function : "");
		int kind = row->reason && row->function ? 0 : row->reason ? 1 : 2;

		assert_true(row->reason || row->function);
		assert_true(row->stage != DROP_UNCLASSIFIED);
		assert_true(!row->meaning || row->meaning[0]);
		assert_true(!row->advice || row->advice[0]);
		/* Names of C, without suffixes; reasons without their prefix. */
		assert_true(!row->function || !strchr(row->function, '.'));
		assert_true(!row->reason || !strstr(row->reason, "DROP_REASON"));
		assert_true(kind >= last); /* the order that drop_classify() needs */
		last = kind;
		for (size_t k = 0; k < i; k++)
			assert_false(same(rows[k].reason, row->reason) &&
				     same(rows[k].function, row->function));
		assert_true(known.stage >= row->stage);
		assert_int_equal(known.traits & row->traits, row->traits);
		if (row->meaning)
			assert_string_equal(known.meaning, row->meaning);
		if (row->advice)
			assert_string_equal(known.advice, row->advice);
	}
}

static void test_precedence(void **state)
{
	struct drop_cause cause;

	(void)state;
	cause = drop_classify("IP_INHDR", "ip_forward");
	assert_string_equal(cause.meaning, "its TTL (hop limit) ran out here");
	cause = drop_classify("IP_INHDR", "ip_rcv_core");
	assert_string_equal(cause.meaning, "its IP header is wrong");
	cause = drop_classify("NOT_SPECIFIED", "ip_forward");
	assert_string_equal(cause.meaning, "it cannot be forwarded (TTL, MTU or options)");
	/* Of a reason and a function that say different things. */
	cause = drop_classify("NETFILTER_DROP", "veth_xmit");
	assert_int_equal(cause.stage, DROP_AFTER_OUT);
	assert_string_equal(cause.meaning, "a netfilter rule (nft, iptables) says so");
	cause = drop_classify("QDISC_DROP", "veth_xdp_rcv_skb");
	assert_int_equal(cause.stage, DROP_BEFORE_IN);
	assert_int_equal(cause.traits, DROP_BY_XDP);
	cause = drop_classify("NEIGH_FAILED", "ping_rcv");
	assert_int_equal(cause.traits, DROP_NO_NEIGHBOR | DROP_ORDINARY);
}

static void test_endings(void **state)
{
	(void)state;
	assert_int_equal(drop_classify("NOT_SPECIFIED", "pfifo_enqueue").stage, DROP_AFTER_OUT);
	assert_int_equal(drop_classify("NOT_SPECIFIED", "_enqueue").stage, DROP_AFTER_OUT);
	assert_int_equal(drop_classify("NOT_SPECIFIED", "enqueue").stage, DROP_UNCLASSIFIED);
	assert_int_equal(drop_classify("NOT_SPECIFIED", "x_enqueue_y").stage, DROP_UNCLASSIFIED);
	/* Only that row is an ending. */
	assert_int_equal(drop_classify("NOT_SPECIFIED", "my_veth_xmit").stage, DROP_UNCLASSIFIED);
}

static void test_unknown(void **state)
{
	static const char *const functions[] = {"", "tcp_v4_rcv", "*", "veth", "veth_xmit_more"};

	(void)state;
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		struct drop_cause cause = drop_classify("reason 777", functions[i]);

		assert_int_equal(cause.stage, DROP_UNCLASSIFIED);
		assert_int_equal(cause.traits, 0);
		assert_null(cause.meaning);
		assert_null(cause.advice);
		assert_string_equal(cause.reason, "reason 777");
		assert_string_equal(cause.function, functions[i]);
	}
	/* One that is hidden is no obstacle to what the reason says. */
	assert_int_equal(drop_classify("NO_SOCKET", "").stage, DROP_IN_NODE);
}

/* What TCP and UDP are dropped for has a meaning; what came twice is no loss of data. */
static void test_transport(void **state)
{
	static const char *const told[] = {
		"TCP_CSUM",
		"UDP_CSUM",
		"TCP_FLAGS",
		"TCP_LISTEN_OVERFLOW",
		"TCP_INVALID_SYN",
		"TCP_INVALID_SEQUENCE",
		"TCP_OVERWINDOW",
		"TCP_ZEROWINDOW",
		"TCP_RFC7323_PAWS",
		"TCP_RESET",
		"TCP_CLOSE",
		"SOCKET_BACKLOG",
		"PROTO_MEM",
		"IP_NOPROTO",
		"XFRM_POLICY",
		"VXLAN_INVALID_HDR",
		"VXLAN_VNI_NOT_FOUND",
		"IP_TUNNEL_ECN",
		"FRAG_REASM_TIMEOUT",
		"SKB_GSO_SEG",
	};
	static const char *const ordinary[] = {"TCP_OLD_DATA", "TCP_OLD_SEQUENCE", "TCP_OFOMERGE",
					       "TCP_OFO_DROP", "TCP_OLD_ACK"};

	(void)state;
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		struct drop_cause cause = drop_classify(told[i], "tcp_v4_rcv");

		assert_non_null(cause.meaning);
		assert_int_equal(cause.stage, DROP_IN_NODE);
		assert_false(cause.traits & DROP_ORDINARY);
	}
	for (size_t i = 0; i < sizeof(ordinary) / sizeof(*ordinary); i++) {
		struct drop_cause cause = drop_classify(ordinary[i], "tcp_rcv_established");

		assert_non_null(cause.meaning);
		assert_true(cause.traits & DROP_ORDINARY);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	   cmocka_unit_test(test_transport),
		cmocka_unit_test(test_precedence), cmocka_unit_test(test_endings),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
