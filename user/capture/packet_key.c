// SPDX-License-Identifier: GPL-2.0-only
/* packet_key.c - what tells a packet from others, and numbers for echoes. */
#include <stdlib.h>
#include <string.h>

#include "bpf/wire_quote.h"
#include "user/capture/capture.h"

enum {
	MACS = 12,
	TYPE = 2,
	TAG = 4,
	TOKEN = 8,
};

static uint16_t get16(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static bool is_icmp(const struct packet_key *key)
{
	return ip_is_icmp(key->family, key->proto);
}

/* The bytes of packet behind its IP headers, as far as they are its own and were captured. */
static struct wire_memory payload_of(const struct wire_memory *packet, const struct ip_view *view)
{
	uint32_t end = view->end < packet->len ? view->end : packet->len;

	if (view->off >= end)
		return (struct wire_memory){0};
	return (struct wire_memory){(const uint8_t *)packet->bytes + view->off, end - view->off};
}

/*
 * Whether the IPv6 packet ends, as far as it was captured, among its extension headers. What was
 * read before that (addresses, the protocol reached) holds: a capture of few bytes is no malformed
 * packet.
 */
static bool is_cut_in_extensions(const struct wire_memory *packet, uint8_t family,
				 const struct ip_view *view)
{
	return family == 6 && packet->len >= IPV6_SIZE &&
	       *(const uint8_t *)packet->bytes >> 4 == 6 && view->off <= view->end &&
	       view->off + sizeof(struct ipv6_extension_wire) > packet->len;
}

/*
 * The IP packet of a family without what an ICMP error quotes; *payload is what IP carries. False:
 * it is none. The packet may be captured in part.
 */
static bool read_ip(struct packet_key *key, uint8_t family, const struct wire_memory *packet,
		    struct wire_memory *payload)
{
	uint8_t ttl;
	const struct ip_fields fields = {key->src, key->dst, &ttl};
	struct ip_view view = {0};
	enum ip_kind kind = wire_ip(wire_memory_fetch, wire_memory_walk, packet, 0,
				    WIRE_LENGTH_UNKNOWN, family, &view, &fields);
	bool cut = kind == IP_MALFORMED && is_cut_in_extensions(packet, family, &view);

	if (kind == IP_MALFORMED && !cut)
		return false;
	key->family = family;
	key->proto = view.proto;
	key->fragment = view.flags & VL_EV_FRAGMENT;
	key->offset = view.frag_off;
	key->ip_id = view.frag_id;
	if (family == 4) /* of every IPv4 packet, and not of fragments alone */
		key->ip_id = get16((const uint8_t *)packet->bytes + offsetof(struct ipv4_wire, id));
	*payload = payload_of(packet, &view);
	key->has_head = !cut && !key->offset && payload->len >= PACKET_HEAD;
	if (key->has_head)
		memcpy(key->head, payload->bytes, PACKET_HEAD);
	if (!key->has_head || !is_icmp(key))
		return true;
	if (icmp_is_echo(family, key->head[0])) {
		key->echo.family = family;
		key->echo.id = get16(key->head + offsetof(struct icmp_wire, id));
		key->echo.seq = get16(key->head + offsetof(struct icmp_wire, seq));
		if (payload->len >= ICMP_SIZE + TOKEN)
			memcpy(&key->echo.payload, (const uint8_t *)payload->bytes + ICMP_SIZE,
			       TOKEN);
	}
	return true;
}

/* The packet that the ICMP message in payload quotes; of length 0: none. */
static struct wire_memory quote_in(const struct packet_key *key, const struct wire_memory *payload)
{
	uint32_t off = wire_quote_offset(wire_memory_fetch, payload, 0, payload->len, key->family,
					 key->head[0]);

	return off && off < payload->len
		       ? (struct wire_memory){(const uint8_t *)payload->bytes + off,
					      payload->len - off}
		       : (struct wire_memory){0};
}

struct packet_key packet_key_of(uint16_t ethertype, const uint8_t *bytes, uint32_t len)
{
	struct packet_key key = {.ethertype = ethertype}, quoted = {0};
	struct wire_memory packet = {bytes, len}, payload, quote;
	uint8_t family = ethertype == WIRE_IPV4 ? 4 : ethertype == WIRE_IPV6 ? 6 : 0;

	if (!family || !read_ip(&key, family, &packet, &payload)) {
		key = (struct packet_key){.ethertype = ethertype};
		memcpy(key.src, bytes, len < 16 ? len : 16);
		if (len > 16)
			memcpy(key.dst, bytes + 16, len < 32 ? len - 16 : 16);
	} else if (key.has_head && is_icmp(&key) && icmp_quotes(key.family, key.head[0])) {
		quote = quote_in(&key, &payload);
		if (read_ip(&quoted, family, &quote, &payload))
			key.echo = quoted.echo;
	}
	return key;
}

struct packet_key frame_key_of(const uint8_t *bytes, uint32_t len)
{
	uint32_t at = MACS;
	uint16_t type = 0;

	while (len >= at + TYPE && ((type = get16(bytes + at)) == WIRE_VLAN || type == WIRE_QINQ))
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
	size_t from = translated ? 4 : 0, to = a->proto == PROTO_UDP ? 6 : PACKET_HEAD;

	if (a->has_head != b->has_head)
		return !a->offset; /* one of them is cut short */
	if (translated && a->proto != PROTO_TCP && a->proto != PROTO_UDP)
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
	return a->ip_id || (a->family && a->has_head && a->proto == PROTO_TCP);
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
