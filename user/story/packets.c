// SPDX-License-Identifier: GPL-2.0-only
/*
 * packets.c - which itinerary a record of a packet that is no ICMP belongs to.
 *
 * No mark survives the way from one namespace to the next, so a packet is known by its content: TCP
 * by acknowledgement, timestamp, flags and the range of its sequence numbers, of which a part, as
 * GSO cuts it off, or what GRO joins, belongs to the whole; ARP by operation and addresses; all
 * others by IP identification, length and payload. Addresses and ports may be changed in a node
 * alone (NAT).
 */
#include "user/story/packets.h"

#include <errno.h>
#include <string.h>

#include "bpf/wire_other.h"
#include "user/base/hash.h"

enum {
	/* Of TCP with data: records whose sequence numbers have these bits in common share an
	 * alias. */
	RANGE_BITS = 16,
	/* How many of one content are compared with a record: a flood of them costs no more. */
	CANDIDATES_MAX = 64,
	/* Of TCP with data, most of which have other bytes. */
	RANGES_MAX = 4096,
};

bool packet_is_range(const struct vl_event *event)
{
	return event->flags & VL_EV_OTHER && event->other.protocol == PROTO_TCP &&
	       event->other.bytes && !event_is_later_fragment(event);
}

bool packet_ranges_overlap(const struct vl_event *a, const struct vl_event *b)
{
	int64_t ahead = (int32_t)(b->other.seq - a->other.seq);

	return ahead < 0 ? -ahead < b->other.bytes : ahead < a->other.bytes;
}

bool packet_is_multicast(const struct vl_event *event)
{
	/* To everybody: who tells its address, or asks whether it may have one (RFC 5227). */
	if (event->flags & VL_EV_OTHER && event->other.ethertype == WIRE_ARP)
		return !memcmp(event->src, event->dst, 4) || !memcmp(event->src, "\0\0\0\0", 4);
	if (event->family == 4)
		return (event->dst[0] & 0xf0) == 0xe0 || !memcmp(event->dst, "\xff\xff\xff\xff", 4);
	return event->family == 6 ? event->dst[0] == 0xff : event->dst[0] & 1;
}

static bool same_addresses(const struct vl_event *a, const struct vl_event *b)
{
	return !memcmp(a->src, b->src, 16) && !memcmp(a->dst, b->dst, 16) &&
	       a->other.from_port == b->other.from_port && a->other.to_port == b->other.to_port;
}

/* What is the same wherever a packet is seen. */
static uint64_t content_hash(const struct vl_event *event)
{
	const struct vl_other *other = &event->other;
	uint64_t hash = hash_mix(HASH_START, (uint64_t)other->ethertype << 32 | other->protocol);

	if (packet_is_range(event))
		hash = hash_mix(hash, other->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_RST));
	else
		hash = hash_mix(hash, (uint64_t)other->bytes << 32 |
					      (uint64_t)other->tcp_flags << 16 | other->ip_id);
	hash = hash_mix(hash, (uint64_t)other->ack << 32 | other->tsval);
	if (packet_is_range(event))
		return hash;
	hash = hash_mix(hash, (uint64_t)other->seq << 32 | other->operation);
	if (event_is_later_fragment(event))
		hash = hash_mix(hash, (uint64_t)event->frag_id << 16 | event->frag_off);
	hash = hash_mix(hash, event->payload);
	/* What has nothing of its own but addresses is not looked for behind NAT. */
	if (other->protocol == PROTO_TCP ||
	    (event->flags & VL_EV_PAYLOAD && event->family && other->ethertype != WIRE_ARP))
		return hash;
	hash = hash_mix(hash, (uint64_t)other->from_port << 16 | other->to_port);
	hash = hash_bytes(hash, event->src, sizeof(event->src));
	return hash_bytes(hash, event->dst, sizeof(event->dst));
}

static struct alias key_of(const struct vl_event *event, uint32_t seq)
{
	return (struct alias){.family = event->family,
			      .kind = ALIAS_CONTENT,
			      .value = content_hash(event),
			      .seq = packet_is_range(event) ? seq >> RANGE_BITS : 0};
}

/* Whether the IP identification of a part may be one of the whole: GSO counts it up. */
static bool ids_fit(const struct vl_event *whole, const struct vl_event *part)
{
	uint16_t ahead = part->other.ip_id - whole->other.ip_id;

	if (whole->family != 4)
		return true; /* IPv6 has none */
	return ahead < whole->other.segments || (uint16_t)-ahead < part->other.segments;
}

/* Whether the packet arrived at a node, and did not leave it yet. */
static bool is_in(const struct itinerary *itinerary, const struct node *node)
{
	for (size_t i = itinerary->n_hops; i--;)
		if (itinerary->hops[i].end->node == node && itinerary->hops[i].leg == LEG_REQUEST)
			return itinerary->hops[i].event.hook != VL_HOOK_OUT;
	return false;
}

/* Whether a record has the addresses and ports of an answer to another. */
static bool is_way_back(const struct vl_event *there, const struct vl_event *back)
{
	return !memcmp(there->src, back->dst, 16) && !memcmp(there->dst, back->src, 16) &&
	       there->other.from_port == back->other.to_port &&
	       there->other.to_port == back->other.from_port;
}

/* How well a record fits an itinerary: 2: unchanged; 1: NAT may have changed it; 0: not. */
static int fits(const struct itinerary *itinerary, const struct vl_event *event,
		const struct node *node)
{
	const struct vl_event *newest = &itinerary->newest;
	bool range = packet_is_range(event);

	if (range && !(packet_ranges_overlap(&itinerary->packet, event) &&
		       ids_fit(&itinerary->packet, event)))
		return 0;
	if (same_addresses(&itinerary->packet, event) || same_addresses(newest, event))
		return 2;
	if (event->other.protocol == PROTO_TCP)
		return 1; /* sequence numbers and times say enough */
	/* A server may send back what it got. */
	if (is_way_back(&itinerary->packet, event) || is_way_back(newest, event))
		return 0;
	return (event->hook >= VL_HOOKS || event->hook == VL_HOOK_OUT) && is_in(itinerary, node);
}

/* What is known by one key, and may be the packet of a record. */
struct candidates {
	struct echo *best;
	bool unchanged;	 /* addresses and ports of the best are those of the record */
	bool all;	 /* none was left out */
	unsigned fit, n; /* how many fit; were looked at */
};

static struct candidates find_candidates(const struct story *story, struct alias key,
					 const struct vl_event *event, const struct node *node)
{
	struct candidates found = {.all = true};
	unsigned most = packet_is_range(event) ? RANGES_MAX : CANDIDATES_MAX;

	for (struct alias *a = echo_table_find(story, &key); a; a = echo_table_next(a)) {
		int fit;

		if (found.n++ == most) {
			found.all = false;
			break;
		}
		fit = fits(&a->echo->itinerary, event, node);
		if (!fit || (a->echo == found.best && fit < 2))
			continue;
		found.fit++;
		if (fit == 2 || !found.best)
			found.best = a->echo;
		found.unchanged = fit == 2;
		if (found.unchanged)
			break; /* the newest of such */
	}
	return found;
}

/* Say of those that may be the packet, or of all where some were left out, that others may. */
static void mark_candidates(const struct story *story, struct alias key,
			    const struct vl_event *event, const struct node *node,
			    const struct candidates *found)
{
	unsigned n = 0;

	for (struct alias *a = echo_table_find(story, &key); a && n < found->n;
	     a = echo_table_next(a), n++) {
		if (found->all && !fits(&a->echo->itinerary, event, node))
			continue;
		if (a->echo->itinerary.rivals < found->fit - 1)
			a->echo->itinerary.rivals = found->fit - 1;
		a->echo->stale = true;
	}
}

struct echo *packet_find(const struct story *story, const struct vl_event *event,
			 const struct node *node, unsigned *rivals)
{
	struct alias key = key_of(event, event->other.seq);
	struct candidates found = find_candidates(story, key, event, node);

	*rivals = 0;
	if (!found.best && packet_is_range(event)) {
		key = key_of(event, event->other.seq + event->other.bytes - 1);
		found = find_candidates(story, key, event, node);
	}
	if (found.unchanged || (found.all && found.fit < 2))
		return found.best;
	/* Behind NAT it may be any of several: it is told by itself. */
	if (!found.all)
		found.fit = found.n;
	mark_candidates(story, key, event, node, &found);
	*rivals = found.fit - 1;
	return NULL;
}

int packet_name(struct story *story, struct echo *echo, const struct vl_event *event)
{
	struct itinerary *itinerary = &echo->itinerary;
	uint32_t first = event->other.seq,
		 last = event->other.seq + (packet_is_range(event) ? event->other.bytes - 1 : 0);
	struct alias key = key_of(event, first), next = key_of(event, last);

	if (!itinerary->is_packet ||
	    (packet_is_range(event) && event->other.bytes > itinerary->packet.other.bytes)) {
		itinerary->packet = *event; /* the whole, of which others are parts */
		itinerary->is_packet = true;
		if (echo_table_add(story, echo, key) ||
		    (next.seq != key.seq && echo_table_add(story, echo, next)))
			return -ENOMEM;
	}
	itinerary->newest = *event;
	return 0;
}

/* Whether the records at the end and hook of one have all bytes of the packet. */
static bool is_covered(const struct itinerary *itinerary, const struct hop *at)
{
	uint32_t from = itinerary->packet.other.seq;
	int64_t covered = 0;
	bool grown = true;

	while (grown && covered < itinerary->packet.other.bytes) {
		grown = false;
		for (size_t i = 0; i < itinerary->n_hops; i++) {
			const struct vl_event *event = &itinerary->hops[i].event;
			int64_t start = (int32_t)(event->other.seq - from);

			if (itinerary->hops[i].end != at->end || event->hook != at->event.hook ||
			    itinerary->hops[i].leg != LEG_REQUEST || start > covered ||
			    start + event->other.bytes <= covered)
				continue;
			covered = start + event->other.bytes;
			grown = true;
		}
	}
	return covered >= itinerary->packet.other.bytes;
}

bool hop_is_part(const struct hop *hop, const struct hop *whole)
{
	return packet_is_range(&hop->event) && packet_is_range(&whole->event) &&
	       (hop->event.other.seq != whole->event.other.seq ||
		hop->event.other.bytes != whole->event.other.bytes);
}

void packet_mark(struct itinerary *itinerary)
{
	struct hop *hops = itinerary->hops;

	itinerary->alike = itinerary->rivals;
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		if (packet_is_range(&itinerary->packet) && hops[i].leg == LEG_REQUEST)
			hops[i].incomplete = !is_covered(itinerary, &hops[i]);
		itinerary->alike +=
			hops[i].step == STEP_FIRST && hops[i].again && hops[i].leg == LEG_REQUEST;
	}
}
