// SPDX-License-Identifier: GPL-2.0-only
/* packet_key.c - what tells a packet from others, and numbers for echoes. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "user/capture/capture.h"

enum {
	MACS = 12,
	TYPE = 2,
	TAG = 4,
	IPV4_SIZE = 20,
	IPV6_SIZE = 40,
	ICMP_SIZE = 8,
	TOKEN = 8,
	EXTENSIONS = 7,		 /* more make no sense (RFC 8200, 4.1) */
	IPV4_FRAGMENTS = 0x3fff, /* "more", and the offset */
	IPV4_OFFSET = 0x1fff,
	IPV6_OFFSET = 0xfff8,
};

/* Bytes that are left to read. */
struct rest {
	const uint8_t *at;
	uint32_t len;
};

static void skip(struct rest *rest, uint32_t n)
{
	n = n < rest->len ? n : rest->len;
	rest->at += n;
	rest->len -= n;
}

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

/* The header at rest, which moves on to what IP carries. False: it is none. */
static bool read_ipv4(struct packet_key *key, struct rest *rest)
{
	const uint8_t *ip = rest->at;
	uint16_t fragment;

	if (rest->len < IPV4_SIZE || ip[0] >> 4 != 4 || (ip[0] & 0xf) * 4 < IPV4_SIZE)
		return false;
	fragment = get16(ip + 6);
	key->family = 4;
	key->proto = ip[9];
	key->ip_id = get16(ip + 4);
	key->fragment = fragment & IPV4_FRAGMENTS;
	key->offset = fragment & IPV4_OFFSET;
	memcpy(key->src, ip + 12, 4);
	memcpy(key->dst, ip + 16, 4);
	/* Whatever lies behind the packet is not its own: padding, or an old buffer. */
	if (get16(ip + 2) >= IPV4_SIZE && get16(ip + 2) < rest->len)
		rest->len = get16(ip + 2);
	skip(rest, (ip[0] & 0xf) * 4);
	return true;
}

static bool read_ipv6(struct packet_key *key, struct rest *rest)
{
	const uint8_t *ip = rest->at;

	if (rest->len < IPV6_SIZE || ip[0] >> 4 != 6)
		return false;
	key->family = 6;
	key->proto = ip[6];
	memcpy(key->src, ip + 8, 16);
	memcpy(key->dst, ip + 24, 16);
	if (get16(ip + 4) && (uint32_t)get16(ip + 4) + IPV6_SIZE < rest->len)
		rest->len = get16(ip + 4) + IPV6_SIZE;
	skip(rest, IPV6_SIZE);
	for (int i = 0; i < EXTENSIONS && rest->len >= 8 && !key->offset; i++) {
		const uint8_t *ext = rest->at;

		if (key->proto == IPPROTO_FRAGMENT) {
			key->fragment = true;
			key->offset = get16(ext + 2) & IPV6_OFFSET;
			key->ip_id = (uint32_t)get16(ext + 4) << 16 | get16(ext + 6);
		} else if (key->proto != IPPROTO_HOPOPTS && key->proto != IPPROTO_ROUTING &&
			   key->proto != IPPROTO_DSTOPTS) {
			break;
		}
		skip(rest, key->proto == IPPROTO_FRAGMENT ? 8 : (ext[1] + 1) * 8);
		key->proto = ext[0];
	}
	return true;
}

static bool is_icmp(const struct packet_key *key)
{
	return key->proto == (key->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
}

static bool is_echo(uint8_t family, uint8_t type)
{
	return family == 4 ? type == 8 || type == 0 : type == 128 || type == 129;
}

static bool is_error(uint8_t family, uint8_t type)
{
	return family == 4 ? type == 3 || type == 4 || type == 5 || type == 11 || type == 12
			   : type >= 1 && type <= 4;
}

/* The IP packet at rest, without what an ICMP error quotes. */
static bool read_ip(struct packet_key *key, struct rest *rest)
{
	bool is_ip =
		rest->len && rest->at[0] >> 4 == 6 ? read_ipv6(key, rest) : read_ipv4(key, rest);

	if (!is_ip)
		return false;
	key->has_head = !key->offset && rest->len >= PACKET_HEAD;
	if (key->has_head)
		memcpy(key->head, rest->at, PACKET_HEAD);
	if (!key->has_head || !is_icmp(key))
		return true;
	if (is_echo(key->family, key->head[0])) {
		key->echo.family = key->family;
		key->echo.id = get16(key->head + 4);
		key->echo.seq = get16(key->head + 6);
		if (rest->len >= ICMP_SIZE + TOKEN)
			memcpy(&key->echo.payload, rest->at + ICMP_SIZE, TOKEN);
	}
	return true;
}

struct packet_key packet_key_of(uint16_t ethertype, const uint8_t *bytes, uint32_t len)
{
	struct packet_key key = {.ethertype = ethertype}, quoted = {0};
	struct rest rest = {bytes, len};
	bool is_ip = (ethertype == 0x0800 || ethertype == 0x86dd) && read_ip(&key, &rest);

	if (!is_ip) {
		key.family = 0;
		memcpy(key.src, bytes, len < 16 ? len : 16);
		if (len > 16)
			memcpy(key.dst, bytes + 16, len < 32 ? len - 16 : 16);
	} else if (key.has_head && is_icmp(&key) && is_error(key.family, key.head[0])) {
		skip(&rest, ICMP_SIZE);
		if (read_ip(&quoted, &rest))
			key.echo = quoted.echo;
	}
	return key;
}

struct packet_key frame_key_of(const uint8_t *bytes, uint32_t len)
{
	uint32_t at = MACS;
	uint16_t type = 0;

	while (len >= at + TYPE && ((type = get16(bytes + at)) == 0x8100 || type == 0x88a8))
		at += TAG;
	return len >= at + TYPE ? packet_key_of(type, bytes + at + TYPE, len - at - TYPE)
				: (struct packet_key){0};
}

/* One echo has one payload, whatever NAT does to its id; a frame cut short has only the id. */
static bool same_echo(const struct echo_key *a, const struct echo_key *b)
{
	return a->family == b->family && a->seq == b->seq && a->payload == b->payload &&
	       (a->payload || a->id == b->id);
}

static bool same_addresses(const struct packet_key *a, const struct packet_key *b)
{
	return !memcmp(a->src, b->src, 16) && !memcmp(a->dst, b->dst, 16);
}

/* The transport headers; the checksum of UDP may be left to the device, and NAT changes ports. */
static bool same_head(const struct packet_key *a, const struct packet_key *b, bool translated)
{
	size_t from = translated ? 4 : 0, to = a->proto == IPPROTO_UDP ? 6 : PACKET_HEAD;

	if (a->has_head != b->has_head)
		return !a->offset; /* one of them is cut short */
	if (translated && a->proto != IPPROTO_TCP && a->proto != IPPROTO_UDP)
		return true;
	return !memcmp(a->head + from, b->head + from, to - from);
}

bool packet_key_same(const struct packet_key *a, const struct packet_key *b, bool translated)
{
	if (a->ethertype != b->ethertype || a->family != b->family || a->proto != b->proto ||
	    a->offset != b->offset)
		return false;
	if (a->echo.family && b->echo.family)
		return a->head[0] == b->head[0] && same_echo(&a->echo, &b->echo);
	if (a->ip_id != b->ip_id || !same_head(a, b, translated))
		return false;
	if (!translated)
		return same_addresses(a, b);
	return a->ip_id || (a->family && a->has_head && a->proto == IPPROTO_TCP);
}

/* ---- numbers --------------------------------------------------------------------------------- */

enum { PLACES = 1 << 17, TRIES = 64 };

struct echo_numbers {
	uint32_t n;
	struct numbered {
		struct echo_key key;
		uint32_t number; /* 0: free */
	} places[PLACES];
};

struct echo_numbers *echo_numbers_new(void)
{
	return calloc(1, sizeof(struct echo_numbers));
}

void echo_numbers_free(struct echo_numbers *numbers)
{
	free(numbers);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
	return ((hash ^ value) * 0x9e3779b97f4a7c15ull) ^ (hash >> 29);
}

/* The place of a key: its own, or one that is free or was taken longest ago. */
static struct numbered *place_of(struct echo_numbers *numbers, const struct echo_key *key)
{
	uint64_t hash = mix(mix(key->family, key->seq), key->payload ? key->payload : key->id);
	uint32_t at = (hash >> 40) & (PLACES - 1);
	struct numbered *oldest = &numbers->places[at];

	for (int i = 0; i < TRIES; i++, at = (at + 1) & (PLACES - 1)) {
		struct numbered *place = &numbers->places[at];

		if (!place->number || same_echo(&place->key, key))
			return place;
		if (place->number < oldest->number)
			oldest = place;
	}
	oldest->number = 0;
	return oldest;
}

/* What the fragments of one packet share, as a key that no echo has. */
static struct echo_key fragments_key(const struct packet_key *key)
{
	uint64_t hash = mix(key->proto, key->ip_id), part;

	for (int i = 0; i < 2; i++) {
		memcpy(&part, key->src + 8 * i, 8);
		hash = mix(hash, part);
		memcpy(&part, key->dst + 8 * i, 8);
		hash = mix(hash, part);
	}
	return (struct echo_key){.family = key->family + 100, .payload = hash | 1};
}

uint32_t echo_number(struct echo_numbers *numbers, const struct packet_key *key)
{
	struct echo_key fragments = fragments_key(key);
	struct numbered *place;
	uint32_t number;

	if (!key->echo.family)
		return key->fragment && key->offset ? place_of(numbers, &fragments)->number : 0;
	place = place_of(numbers, &key->echo);
	if (!place->number)
		*place = (struct numbered){key->echo, ++numbers->n};
	number = place->number;
	/* The parts that follow have nothing but the identification in common with it. */
	if (key->fragment)
		*place_of(numbers, &fragments) = (struct numbered){fragments, number};
	return number;
}
