// SPDX-License-Identifier: GPL-2.0-only
/*
 * rule_match.c - the expressions of one rule, in their order: loads into registers, comparisons,
 * statements (net/netfilter/nft_payload.c, nft_meta.c, nft_cmp.c, nft_bitwise.c, nft_immediate.c).
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include "user/net/net.h"
#include "user/net/rule_match.h"

enum { REGISTERS = 24, VALUE_MAX = 16 }; /* NFT_REG32_15 is 23 */

/* What is known of a register. */
struct value {
	bool known;
	uint8_t len, bytes[VALUE_MAX];
};

struct state {
	const struct ruleset_packet *packet;
	struct rule_outcome *outcome;
	struct value registers[REGISTERS];
};

static uint32_t number(const struct nlattr *const *attrs, int type)
{
	return attrs[type] ? ntohl(mnl_attr_get_u32(attrs[type])) : 0;
}

enum { ATTRS_MAX = 16 };

static void split(const struct nlattr *nest, const struct nlattr *attrs[ATTRS_MAX])
{
	const struct nlattr *attr;

	memset(attrs, 0, ATTRS_MAX * sizeof(*attrs));
	mnl_attr_for_each_nested(attr, nest)
		if (mnl_attr_get_type(attr) < ATTRS_MAX)
			attrs[mnl_attr_get_type(attr)] = attr;
}

static struct value *register_of(struct state *state, uint32_t n)
{
	return n < REGISTERS ? &state->registers[n] : &state->registers[0];
}

static void maybe(struct state *state)
{
	if (state->outcome->fits == RULE_YES)
		state->outcome->fits = RULE_MAYBE;
}

/* NFTA_DATA_VALUE of an attribute with data; false: it is none, or longer than is kept. */
static bool take_data(struct value *value, const struct nlattr *nest)
{
	const struct nlattr *attrs[ATTRS_MAX];

	if (!nest)
		return false;
	split(nest, attrs);
	if (!attrs[NFTA_DATA_VALUE] || mnl_attr_get_payload_len(attrs[NFTA_DATA_VALUE]) > VALUE_MAX)
		return false;
	value->known = true;
	value->len = mnl_attr_get_payload_len(attrs[NFTA_DATA_VALUE]);
	memcpy(value->bytes, mnl_attr_get_payload(attrs[NFTA_DATA_VALUE]), value->len);
	return true;
}

static uint8_t icmp_protocol(const struct ruleset_packet *packet)
{
	return packet->to.family == AF_INET6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
}

/* ---- loads ----------------------------------------------------------------------------------- */

/* A header of which some bytes are known. */
struct header {
	uint8_t bytes[40];
	bool known[40];
};

static void put(struct header *header, size_t offset, const void *bytes, size_t n)
{
	memcpy(header->bytes + offset, bytes, n);
	memset(header->known + offset, true, n);
}

static void network_header(struct header *header, const struct ruleset_packet *packet)
{
	bool v6 = packet->to.family == AF_INET6;
	uint8_t protocol = icmp_protocol(packet);
	size_t bytes = v6 ? 16 : 4;

	put(header, v6 ? 6 : 9, &protocol, 1);
	if (packet->solicits)
		return;
	if (packet->from.family)
		put(header, v6 ? 8 : 12, packet->from.bytes, bytes);
	put(header, v6 ? 24 : 16, packet->to.bytes, bytes);
}

static void transport_header(struct header *header, const struct ruleset_packet *packet)
{
	uint8_t type_code[2] = {packet->to.family == AF_INET6
					? (packet->reply ? ICMP6_ECHO_REPLY : ICMP6_ECHO_REQUEST)
					: (packet->reply ? ICMP_ECHOREPLY : ICMP_ECHO)};

	if (!packet->solicits)
		put(header, 0, type_code, 2);
}

static void load_payload(struct state *state, const struct nlattr *const *attrs)
{
	struct value *to = register_of(state, number(attrs, NFTA_PAYLOAD_DREG));
	uint32_t base = number(attrs, NFTA_PAYLOAD_BASE);
	uint32_t offset = number(attrs, NFTA_PAYLOAD_OFFSET), len = number(attrs, NFTA_PAYLOAD_LEN);
	struct header header = {0};

	if (attrs[NFTA_PAYLOAD_SREG]) { /* it writes into the packet */
		state->outcome->act = RULE_OTHER;
		return;
	}
	*to = (struct value){0};
	if (base == NFT_PAYLOAD_NETWORK_HEADER)
		network_header(&header, state->packet);
	else if (base == NFT_PAYLOAD_TRANSPORT_HEADER)
		transport_header(&header, state->packet);
	if (len > VALUE_MAX || offset > sizeof(header.bytes) - VALUE_MAX)
		return;
	to->known = !memchr(header.known + offset, false, len);
	to->len = len;
	memcpy(to->bytes, header.bytes + offset, len);
}

static void set_name(struct value *to, const char *name)
{
	if (!name)
		return;
	*to = (struct value){.known = true, .len = VALUE_MAX};
	snprintf((char *)to->bytes, VALUE_MAX, "%s", name);
}

static void load_meta(struct state *state, const struct nlattr *const *attrs)
{
	struct value *to = register_of(state, number(attrs, NFTA_META_DREG));
	const struct ruleset_packet *packet = state->packet;
	bool v6 = packet->to.family == AF_INET6;
	uint16_t type = htons(v6 ? ETH_P_IPV6 : ETH_P_IP);

	if (attrs[NFTA_META_SREG]) { /* a mark, which may choose routes */
		state->outcome->act = RULE_OTHER;
		return;
	}
	*to = (struct value){0};
	switch (number(attrs, NFTA_META_KEY)) {
	case NFT_META_L4PROTO:
		*to = (struct value){true, 1, {icmp_protocol(packet)}};
		break;
	case NFT_META_NFPROTO:
		*to = (struct value){true, 1, {v6 ? NFPROTO_IPV6 : NFPROTO_IPV4}};
		break;
	case NFT_META_PROTOCOL:
		*to = (struct value){.known = true, .len = sizeof(type)};
		memcpy(to->bytes, &type, sizeof(type));
		break;
	case NFT_META_IIFNAME:
		set_name(to, packet->in);
		break;
	case NFT_META_OIFNAME:
		set_name(to, packet->out);
		break;
	}
}

static void do_bitwise(struct state *state, const struct nlattr *const *attrs)
{
	struct value from = *register_of(state, number(attrs, NFTA_BITWISE_SREG));
	struct value *to = register_of(state, number(attrs, NFTA_BITWISE_DREG));
	struct value mask = {0}, xor = {
					 0};
	bool whole = take_data(&mask, attrs[NFTA_BITWISE_MASK]) &&
		     take_data(&xor, attrs[NFTA_BITWISE_XOR]);

	*to = from;
	to->known = from.known && whole && mask.len == from.len && xor.len == from.len;
	for (size_t i = 0; to->known && i < to->len; i++)
		to->bytes[i] = (from.bytes[i] & mask.bytes[i]) ^ xor.bytes[i];
}

/* ---- comparisons and statements -------------------------------------------------------------- */

static void compare(struct state *state, const struct nlattr *const *attrs)
{
	const struct value *from = register_of(state, number(attrs, NFTA_CMP_SREG));
	uint32_t op = number(attrs, NFTA_CMP_OP);
	struct value with = {0};
	bool same;

	if (!take_data(&with, attrs[NFTA_CMP_DATA]) || !from->known || with.len > from->len ||
	    (op != NFT_CMP_EQ && op != NFT_CMP_NEQ)) {
		maybe(state);
		return;
	}
	same = !memcmp(from->bytes, with.bytes, with.len);
	if (same != (op == NFT_CMP_EQ))
		state->outcome->fits = RULE_NO;
}

static void do_immediate(struct state *state, const struct nlattr *const *attrs)
{
	struct rule_outcome *outcome = state->outcome;
	const struct nlattr *data[ATTRS_MAX], *verdict[ATTRS_MAX];
	uint32_t to = number(attrs, NFTA_IMMEDIATE_DREG);

	if (to != NFT_REG_VERDICT) {
		*register_of(state, to) = (struct value){0};
		take_data(register_of(state, to), attrs[NFTA_IMMEDIATE_DATA]);
		return;
	}
	if (outcome->act == RULE_OTHER || !attrs[NFTA_IMMEDIATE_DATA])
		return;
	outcome->act = RULE_OTHER;
	split(attrs[NFTA_IMMEDIATE_DATA], data);
	if (!data[NFTA_DATA_VERDICT])
		return;
	split(data[NFTA_DATA_VERDICT], verdict);
	switch ((int)number(verdict, NFTA_VERDICT_CODE)) {
	case NF_ACCEPT:
		outcome->act = RULE_ACCEPT;
		break;
	case NFT_RETURN:
		outcome->act = RULE_RETURN;
		break;
	case NFT_JUMP:
	case NFT_GOTO:
		if (!verdict[NFTA_VERDICT_CHAIN])
			return;
		outcome->act = RULE_JUMP;
		snprintf(outcome->target, sizeof(outcome->target), "%s",
			 mnl_attr_get_str(verdict[NFTA_VERDICT_CHAIN]));
		break;
	}
}

/* "target" is iptables': with the target's name inside. */
static bool is_source_nat(const char *name, const struct nlattr *const *attrs)
{
	const char *target;

	if (!strcmp(name, "nat"))
		return number(attrs, NFTA_NAT_TYPE) == NFT_NAT_SNAT;
	if (strcmp(name, "target") || !attrs[NFTA_TARGET_NAME])
		return !strcmp(name, "masq");
	target = mnl_attr_get_str(attrs[NFTA_TARGET_NAME]);
	return !strcmp(target, "MASQUERADE") || !strcmp(target, "SNAT");
}

/* "match" is iptables': each packet fits a comment. */
static bool is_comment(const char *name, const struct nlattr *const *attrs)
{
	return !strcmp(name, "match") && attrs[NFTA_MATCH_NAME] &&
	       !strcmp(mnl_attr_get_str(attrs[NFTA_MATCH_NAME]), "comment");
}

/* What is not evaluated, but does nothing to the packet. It may load a register. */
static bool is_match(const char *name, const struct nlattr *const *attrs)
{
	static const char *const names[] = {"range",	 "limit", "match",  "fib",	"rt",
					    "socket",	 "osf",	  "quota",  "hash",	"numgen",
					    "connlimit", "xfrm",  "tunnel", "byteorder"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(name, names[i]))
			return true;
	if (!strcmp(name, "ct"))
		return !attrs[NFTA_CT_SREG];
	if (!strcmp(name, "exthdr"))
		return !attrs[NFTA_EXTHDR_SREG];
	/* A map may have verdicts. */
	return !strcmp(name, "lookup") &&
	       (!attrs[NFTA_LOOKUP_DREG] || number(attrs, NFTA_LOOKUP_DREG) != NFT_REG_VERDICT);
}

static void run_expression(struct state *state, const char *name, const struct nlattr *nest)
{
	const struct nlattr *attrs[ATTRS_MAX] = {0};

	if (nest)
		split(nest, attrs);
	if (!strcmp(name, "payload")) {
		load_payload(state, attrs);
	} else if (!strcmp(name, "meta")) {
		load_meta(state, attrs);
	} else if (!strcmp(name, "bitwise")) {
		do_bitwise(state, attrs);
	} else if (!strcmp(name, "cmp")) {
		compare(state, attrs);
	} else if (!strcmp(name, "immediate")) {
		do_immediate(state, attrs);
	} else if (is_source_nat(name, attrs)) {
		state->outcome->act = RULE_SOURCE_NAT;
	} else if (is_comment(name, attrs)) {
		return;
	} else if (is_match(name, attrs)) {
		maybe(state);
		memset(state->registers, 0, sizeof(state->registers));
	} else if (strcmp(name, "counter") && strcmp(name, "log")) {
		state->outcome->act = RULE_OTHER;
	}
}

void rule_match(const struct nlattr *expressions, const struct ruleset_packet *packet,
		struct rule_outcome *outcome)
{
	struct state state = {.packet = packet, .outcome = outcome};
	const struct nlattr *expression, *attr;

	*outcome = (struct rule_outcome){.fits = RULE_YES};
	mnl_attr_for_each_nested(expression, expressions) {
		const struct nlattr *data = NULL;
		const char *name = "";

		mnl_attr_for_each_nested(attr, expression) {
			if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME)
				name = mnl_attr_get_str(attr);
			else if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA)
				data = attr;
		}
		run_expression(&state, name, data);
		if (outcome->fits == RULE_NO)
			return;
	}
}
