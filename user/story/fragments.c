// SPDX-License-Identifier: GPL-2.0-only
/*
 * fragments.c - the IP fragments of one packet. The first one has the ICMP header and stands as a
 * hop; the later ones are counted where that hop is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/hash.h"
#include "user/story/story.h"

bool event_is_later_fragment(const struct vl_event *event)
{
	return (event->flags & VL_EV_FRAGMENT) && event->frag_off;
}

/* A hash of what RFC 791 and RFC 8200 tell a packet's fragments by. */
uint64_t event_packet(const struct vl_event *event)
{
	uint64_t hash = hash_bytes(HASH_START, event->src, sizeof(event->src));

	hash = hash_bytes(hash, event->dst, sizeof(event->dst));
	return hash_bytes(hash, &event->frag_id, sizeof(event->frag_id));
}

/* By packet, hook and bytes; of the same bytes, the earlier one first. */
static int fragment_compare(const void *a, const void *b)
{
	const struct fragment *x = a, *y = b;

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

static bool fragment_is_before(const void *element, const void *key)
{
	return fragment_compare(element, key) < 0;
}

/* The first fragment of a packet at a hook; n_fragments if there is none. */
static size_t find_fragments(const struct itinerary *itinerary, uint64_t packet,
			     const struct vl_event *event)
{
	const struct fragment key = {.packet = packet, .end = event->end, .hook = event->hook};

	return array_lower_bound(itinerary->fragments, itinerary->n_fragments,
				 sizeof(*itinerary->fragments), &key, fragment_is_before);
}

/* A hop of a packet that comes in fragments, or may be one. */
struct pass {
	struct hop *hop;
	uint64_t packet;
};

static int pass_compare_place(const struct pass *x, const struct pass *y)
{
	const struct vl_event *a = &x->hop->event, *b = &y->hop->event;

	if (x->packet != y->packet)
		return x->packet < y->packet ? -1 : 1;
	if (a->end != b->end)
		return a->end < b->end ? -1 : 1;
	return (int)a->hook - (int)b->hook;
}

static int pass_compare(const void *a, const void *b)
{
	const struct pass *x = a, *y = b;
	uint64_t s = x->hop->event.time_ns, t = y->hop->event.time_ns;
	int ret = pass_compare_place(x, y);

	return ret ? ret : s < t ? -1 : s > t;
}

/* Count the fragments of a packet at a hop that were seen in [from, until). */
static void join(const struct itinerary *itinerary, const struct pass *pass, uint64_t from,
		 uint64_t until)
{
	struct hop *hop = pass->hop;
	uint64_t packet = pass->packet;
	uint32_t reached = hop->event.frag_len; /* bytes without a gap */
	bool more = hop->event.flags & VL_EV_MORE;
	const struct fragment *before = NULL;

	for (size_t i = find_fragments(itinerary, packet, &hop->event); i < itinerary->n_fragments;
	     i++) {
		const struct fragment *fragment = &itinerary->fragments[i];

		if (fragment->packet != packet || fragment->end != hop->event.end ||
		    fragment->hook != hop->event.hook)
			break;
		if (fragment->time_ns >= until || fragment->time_ns < from ||
		    (before && before->off == fragment->off))
			continue;
		before = fragment;
		hop->fragments++;
		if (fragment->off == reached) {
			reached += fragment->len;
			more = fragment->more;
		}
		if (fragment->time_ns > hop->event.time_ns + hop->fragments_ns)
			hop->fragments_ns = fragment->time_ns - hop->event.time_ns;
	}
	hop->incomplete = more;
}

/*
 * Of a packet that comes by again (a loop), the fragments are told from those of the other passes
 * by their time: not before this pass, unless it is the first one, and not after the next one's
 * first hop.
 */
static int join_passes(struct itinerary *itinerary)
{
	size_t n = itinerary->n_hops, first = 0;
	cleanup_free struct pass *passes = calloc(n, sizeof(*passes));

	if (!passes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		passes[i] =
			(struct pass){&itinerary->hops[i], event_packet(&itinerary->hops[i].event)};
	qsort(passes, n, sizeof(*passes), pass_compare);
	for (size_t i = 0; i < n; i++) {
		uint64_t at = passes[i].hop->event.time_ns, from = 0, until = UINT64_MAX;

		if (pass_compare_place(&passes[first], &passes[i]))
			first = i;
		if (!(passes[i].hop->event.flags & VL_EV_FRAGMENT))
			continue;
		if (passes[first].hop->event.time_ns < at)
			from = at;
		if (i > first && passes[i - 1].hop->event.time_ns == at)
			until = at;
		else if (i + 1 < n && !pass_compare_place(&passes[i], &passes[i + 1]))
			until = passes[i + 1].hop->event.time_ns;
		join(itinerary, &passes[i], from, until);
	}
	return 0;
}

int itinerary_join_fragments(struct itinerary *itinerary)
{
	bool any = false;

	if (itinerary->n_fragments)
		qsort(itinerary->fragments, itinerary->n_fragments, sizeof(*itinerary->fragments),
		      fragment_compare);
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		itinerary->hops[i].fragments = 1;
		any |= itinerary->hops[i].event.flags & VL_EV_FRAGMENT;
	}
	return any ? join_passes(itinerary) : 0;
}
