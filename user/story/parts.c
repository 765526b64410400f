// SPDX-License-Identifier: GPL-2.0-only
/*
 * parts.c - the IP fragments of one packet. The first one has the ICMP header and stands as a hop;
 * the later ones are counted where that hop is.
 */
#include <stdlib.h>
#include <string.h>

#include "user/story/story.h"

bool event_is_later_fragment(const struct vl_event *event)
{
	return (event->flags & VL_EV_FRAGMENT) && event->frag_off;
}

/* FNV-1a over what RFC 791 and RFC 8200 tell a packet's fragments by. */
uint64_t event_packet(const struct vl_event *event)
{
	const uint8_t *fields[] = {event->src, event->dst, (const uint8_t *)&event->frag_id};
	const size_t sizes[] = {sizeof(event->src), sizeof(event->dst), sizeof(event->frag_id)};
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		for (size_t k = 0; k < sizes[i]; k++)
			h = (h ^ fields[i][k]) * 0x100000001b3ull;
	return h;
}

/* By packet, hook and bytes; of the same bytes, the earlier one first. */
static int part_compare(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->packet != y->packet)
		return x->packet < y->packet ? -1 : 1;
	if (x->end != y->end)
		return x->end < y->end ? -1 : 1;
	if (x->hook != y->hook)
		return (int)x->hook - (int)y->hook;
	if (x->off != y->off)
		return (int)x->off - (int)y->off;
	return x->time_ns < y->time_ns ? -1 : x->time_ns > y->time_ns;
}

/* The first part of a packet at a hook; n_parts if there is none. */
static size_t find_parts(const struct itinerary *itinerary, uint64_t packet,
			 const struct vl_event *event)
{
	const struct part key = {.packet = packet, .end = event->end, .hook = event->hook};
	size_t low = 0, high = itinerary->n_parts;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (part_compare(&itinerary->parts[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Of a packet that comes by again (a loop), the parts are told from those of the other passes by
 * their time: not before this pass, unless it is the first one, and not after the next one's first
 * hop.
 */
static void find_pass(const struct itinerary *itinerary, const struct hop *hop, uint64_t *from,
		      uint64_t *until)
{
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct vl_event *other = &itinerary->hops[i].event;

		if (&itinerary->hops[i] == hop || other->end != hop->event.end ||
		    other->hook != hop->event.hook ||
		    event_packet(other) != event_packet(&hop->event))
			continue;
		if (other->time_ns < hop->event.time_ns)
			*from = hop->event.time_ns;
		else if (other->time_ns < *until)
			*until = other->time_ns;
	}
}

static void join(const struct itinerary *itinerary, struct hop *hop)
{
	uint64_t packet = event_packet(&hop->event), from = 0, until = UINT64_MAX;
	uint32_t reached = hop->event.frag_len; /* bytes without a gap */
	bool more = hop->event.flags & VL_EV_MORE;
	const struct part *before = NULL;

	find_pass(itinerary, hop, &from, &until);
	for (size_t i = find_parts(itinerary, packet, &hop->event); i < itinerary->n_parts; i++) {
		const struct part *part = &itinerary->parts[i];

		if (part->packet != packet || part->end != hop->event.end ||
		    part->hook != hop->event.hook)
			break;
		if (part->time_ns >= until || part->time_ns < from ||
		    (before && before->off == part->off))
			continue;
		before = part;
		hop->parts++;
		if (part->off == reached) {
			reached += part->len;
			more = part->more;
		}
		if (part->time_ns > hop->event.time_ns + hop->parts_ns)
			hop->parts_ns = part->time_ns - hop->event.time_ns;
	}
	hop->incomplete = more;
}

void itinerary_join_parts(struct itinerary *itinerary)
{
	if (itinerary->n_parts)
		qsort(itinerary->parts, itinerary->n_parts, sizeof(*itinerary->parts),
		      part_compare);
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		struct hop *hop = &itinerary->hops[i];

		hop->parts = 1;
		if (hop->event.flags & VL_EV_FRAGMENT)
			join(itinerary, hop);
	}
}
