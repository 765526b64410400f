// SPDX-License-Identifier: GPL-2.0-only
/* ip.c - see ip.h. */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "topology/ip.h"

unsigned ip_bits(uint8_t family)
{
	return family == AF_INET ? 32 : 128;
}

bool ip_parse(const char *text, struct ip_addr *addr)
{
	struct ip_addr parsed = {};

	parsed.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(parsed.family, text, parsed.bytes) != 1)
		return false;
	*addr = parsed;
	return true;
}

bool ip_prefix_parse(const char *text, struct ip_prefix *prefix)
{
	const char *slash = strchr(text, '/');
	struct ip_prefix parsed = {};
	char addr[IP_TEXT_SIZE];
	unsigned len = 0;

	if (!slash || (size_t)(slash - text) >= sizeof(addr))
		return false;
	memcpy(addr, text, slash - text);
	addr[slash - text] = '\0';
	if (!ip_parse(addr, &parsed.addr))
		return false;
	/* strtoul would take blanks, signs and any number of digits. */
	if (!slash[1] || strlen(slash + 1) > 3)
		return false;
	for (const char *p = slash + 1; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		len = 10 * len + (*p - '0');
	}
	if (len > ip_bits(parsed.addr.family))
		return false;
	parsed.len = len;
	*prefix = parsed;
	return true;
}

const char *ip_format(const struct ip_addr *addr, char *buf, size_t size)
{
	if (!addr->family || !inet_ntop(addr->family, addr->bytes, buf, size))
		snprintf(buf, size, "-");
	return buf;
}

const char *ip_prefix_format(const struct ip_prefix *prefix, char *buf, size_t size)
{
	size_t len;

	ip_format(&prefix->addr, buf, size);
	len = strlen(buf);
	snprintf(buf + len, size - len, "/%u", prefix->len);
	return buf;
}

bool ip_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return a->family == b->family && !memcmp(a->bytes, b->bytes, ip_bits(a->family) / 8);
}

int ip_compare(const struct ip_addr *a, const struct ip_addr *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, ip_bits(a->family) / 8);
}

struct ip_prefix ip_network(const struct ip_prefix *prefix)
{
	struct ip_prefix network = *prefix;
	unsigned bits = ip_bits(prefix->addr.family);

	for (unsigned byte = 0; byte < sizeof(network.addr.bytes); byte++) {
		if (8 * byte >= bits || 8 * byte >= prefix->len)
			network.addr.bytes[byte] = 0;
		else if (prefix->len - 8 * byte < 8)
			network.addr.bytes[byte] &= 0xff << (8 - (prefix->len - 8 * byte));
	}
	return network;
}

bool ip_prefix_contains(const struct ip_prefix *prefix, const struct ip_addr *addr)
{
	struct ip_prefix other = {.addr = *addr, .len = prefix->len};
	struct ip_prefix mine, theirs;

	if (prefix->addr.family != addr->family)
		return false;
	mine = ip_network(prefix);
	theirs = ip_network(&other);
	return ip_equal(&mine.addr, &theirs.addr);
}

bool ip_prefix_overlap(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return ip_prefix_contains(a->len <= b->len ? a : b, a->len <= b->len ? &b->addr : &a->addr);
}

bool ip_add(struct ip_addr *addr, uint64_t n, unsigned shift)
{
	int byte = ip_bits(addr->family) / 8 - 1 - (int)(shift / 8);
	unsigned carry = 0;

	/* A byte at a time; only the first one is shifted, the rest of n then is in place. */
	for (shift %= 8; byte >= 0 && (n || carry); byte--, shift = 0) {
		unsigned sum = addr->bytes[byte] + (unsigned)((n << shift) & 0xff) + carry;

		addr->bytes[byte] = sum;
		carry = sum >> 8;
		n >>= 8 - shift;
	}
	return !n && !carry;
}

const char *ip_problem(const struct ip_addr *addr)
{
	static const uint8_t zero[16], v6_loopback[16] = {[15] = 1};

	if (addr->family == AF_INET) {
		if (addr->bytes[0] >= 224 && addr->bytes[0] < 240)
			return "it is a multicast address";
		if (addr->bytes[0] >= 240)
			return "it is in the reserved range 240.0.0.0/4";
		if (addr->bytes[0] == 127)
			return "it is in 127.0.0.0/8, which belongs to lo";
		if (addr->bytes[0] == 0)
			return "it is in 0.0.0.0/8, which is no address of a node";
		return NULL;
	}
	if (addr->bytes[0] == 0xff)
		return "it is a multicast address";
	if (!memcmp(addr->bytes, zero, sizeof(zero)))
		return "it is the unspecified address";
	if (!memcmp(addr->bytes, v6_loopback, sizeof(v6_loopback)))
		return "it is the loopback address, which every node has";
	return NULL;
}

bool ip_is_link_local(const struct ip_addr *addr)
{
	return addr->family == AF_INET6 && addr->bytes[0] == 0xfe &&
	       (addr->bytes[1] & 0xc0) == 0x80;
}

bool mac_parse(const char *text, uint8_t mac[6])
{
	uint8_t parsed[6];

	if (strlen(text) != 17)
		return false;
	for (int i = 0; i < 6; i++, text += 3) {
		char digits[3] = {text[0], text[1], '\0'};

		if (!isxdigit((unsigned char)text[0]) || !isxdigit((unsigned char)text[1]))
			return false;
		if (text[2] != (i < 5 ? ':' : '\0'))
			return false;
		parsed[i] = strtoul(digits, NULL, 16);
	}
	memcpy(mac, parsed, sizeof(parsed));
	return true;
}

const char *mac_format(const uint8_t mac[6], char buf[18])
{
	snprintf(buf, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		 mac[5]);
	return buf;
}
