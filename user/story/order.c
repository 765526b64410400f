// SPDX-License-Identifier: GPL-2.0-only
/*
 * order.c - the hops of one echo in order of cause and time.
 *
 * Stamps of two CPUs are no total order, so time alone can put a packet at B before it left A. Each
 * hop therefore gets the hop that caused it (`from`), and is placed no earlier than that one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/story/hop_causes.h"
#include "user/story/packets.h"

/* A packet passes the hooks of a link in the order of enum vl_hook. */
static int hop_compare(const void *a, const void *b)
{
	const struct hop *x = a, *y = b;

	if (x->event.time_ns != y->event.time_ns)
		return x->event.time_ns < y->event.time_ns ? -1 : 1;
	if (x->leg != y->leg)
		return (int)x->leg - (int)y->leg;
	if (x->event.hook != y->event.hook)
		return (int)x->event.hook - (int)y->event.hook;
	return memcmp(&x->event, &y->event, sizeof(x->event));
}

/* A record that was delivered twice is one hop: equal to the nanosecond, on the same CPU. */
static void drop_duplicates(struct itinerary *itinerary)
{
	struct hop *hops = itinerary->hops;
	size_t n = 0;

	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (!n || memcmp(&hops[i].event, &hops[n - 1].event, sizeof(hops[i].event)))
			hops[n++] = hops[i];
	itinerary->n_hops = n;
}

/* What the place of a hop depends on. */
struct placed {
	uint64_t at_ns;
	int was;   /* its old place */
	int depth; /* how many causes it has, one behind the other; -1: not known yet */
};

/*
 * Set the time of a hop, no earlier than that of its cause, and its depth. Causes may stand behind
 * it still.
 */
static void set_time(struct hop *hops, struct placed *placed, int i)
{
	struct hop *hop = &hops[i];
	const struct hop *from;

	if (placed[i].depth >= 0)
		return;
	hop->at_ns = hop->event.time_ns;
	placed[i].depth = 0;
	if (hop->from >= 0) {
		set_time(hops, placed, hop->from);
		from = &hops[hop->from];
		placed[i].depth = placed[hop->from].depth + 1;
		hop->skewed = hop->event.time_ns < from->event.time_ns;
		if (hop->at_ns < from->at_ns)
			hop->at_ns = from->at_ns;
		hop->step_ns = hop->skewed ? 0 : hop->at_ns - from->at_ns;
	}
	placed[i].at_ns = hop->at_ns;
}

static int placed_compare(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	if (x->depth != y->depth)
		return x->depth - y->depth;
	return x->was - y->was;
}

/* Put each hop i at now[i]. */
static void move_hops(struct hop *hops, int *now, int n)
{
	for (int i = 0; i < n; i++) {
		while (now[i] != i) {
			int to = now[i];
			struct hop moved = hops[i];

			hops[i] = hops[to];
			hops[to] = moved;
			now[i] = now[to];
			now[to] = to;
		}
	}
}

/* Put the hops in order of at_ns, each behind its cause; `from` follows the hops. */
static int place_hops(struct itinerary *itinerary)
{
	int n = itinerary->n_hops;
	cleanup_free struct placed *placed = calloc(itinerary->n_hops, sizeof(*placed));
	cleanup_free int *now = calloc(itinerary->n_hops, sizeof(*now));
	struct hop *hops = itinerary->hops;

	if (!placed || !now)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		placed[i] = (struct placed){.was = i, .depth = -1};
	for (int i = 0; i < n; i++)
		set_time(hops, placed, i);
	qsort(placed, n, sizeof(*placed), placed_compare);
	for (int i = 0; i < n; i++)
		now[placed[i].was] = i;
	for (int i = 0; i < n; i++)
		if (hops[i].from >= 0)
			hops[i].from = now[hops[i].from];
	move_hops(hops, now, n);
	return 0;
}

/* Where a packet was, and its hop there; in order of hops where it was at one place often. */
struct sighting {
	const struct end *end;
	enum leg leg;
	int hop;
	uint32_t part; /* of TCP with data: which */
	uint8_t hook;
};

static int sighting_compare_place(const struct sighting *x, const struct sighting *y)
{
	if (x->end != y->end)
		return x->end->number < y->end->number ? -1 : 1;
	if (x->hook != y->hook)
		return (int)x->hook - (int)y->hook;
	if (x->leg != y->leg)
		return (int)x->leg - (int)y->leg;
	return x->part < y->part ? -1 : x->part > y->part;
}

static int sighting_compare(const void *a, const void *b)
{
	const struct sighting *x = a, *y = b;
	int ret = sighting_compare_place(x, y);

	return ret ? ret : x->hop - y->hop;
}

/* Mark each hop whose leg was at that hook before. */
static int mark_again(struct itinerary *itinerary)
{
	size_t n = itinerary->n_hops;
	cleanup_free struct sighting *sightings = calloc(n, sizeof(*sightings));
	struct hop *hops = itinerary->hops;

	if (!sightings)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		sightings[i] = (struct sighting){
			hops[i].end, hops[i].leg, i,
			packet_is_range(&hops[i].event) ? hops[i].event.other.seq : 0,
			hops[i].event.hook};
	qsort(sightings, n, sizeof(*sightings), sighting_compare);
	for (size_t i = 1; i < n; i++)
		hops[sightings[i].hop].again =
			!sighting_compare_place(&sightings[i - 1], &sightings[i]);
	return 0;
}

/* Mark the hops of one leg that have a cause in common. */
static int mark_branches(struct itinerary *itinerary)
{
	size_t n = itinerary->n_hops;
	/* By cause and leg: 1 + the first hop that it led to. */
	cleanup_free int *first = calloc(n, LEGS * sizeof(*first));
	struct hop *hops = itinerary->hops;

	if (!first)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int *its;

		if (hops[i].from < 0)
			continue;
		its = &first[hops[i].from * LEGS + hops[i].leg];
		if (*its && !hop_is_part(&hops[*its - 1], &hops[i]))
			hops[*its - 1].branch = hops[i].branch = true;
		else
			*its = i + 1;
	}
	return 0;
}

/* What is known of each hop once its cause is: NAT, branches, repeats; times from the first. */
static int mark_hops(struct itinerary *itinerary)
{
	struct hop *hops = itinerary->hops;
	int n = itinerary->n_hops;
	uint64_t first = hops[0].at_ns;

	for (int i = 0; i < n; i++) {
		struct hop *hop = &hops[i];

		hop->at_ns -= first;
		hop->translated = hop->from >= 0 && hop->leg == hops[hop->from].leg &&
				  !hop_same_packet(hop, &hops[hop->from]);
	}
	if (mark_branches(itinerary) || mark_again(itinerary))
		return -ENOMEM;
	return 0;
}

static int drop_compare(const void *a, const void *b)
{
	const struct drop *x = a, *y = b;
	uint64_t s = x->record.packet.time_ns, t = y->record.packet.time_ns;

	return s < t ? -1 : s > t;
}

/* As drop_duplicates(): records of one time may stand in any order. */
static void drop_duplicated_drops(struct itinerary *itinerary)
{
	struct drop *drops = itinerary->drops;
	size_t n = 0;

	for (size_t i = 0; i < itinerary->n_drops; i++) {
		size_t j = n;

		while (j && !drop_compare(&drops[j - 1], &drops[i]) &&
		       memcmp(&drops[j - 1].record, &drops[i].record, sizeof(drops[i].record)))
			j--;
		if (!j || drop_compare(&drops[j - 1], &drops[i]))
			drops[n++] = drops[i];
	}
	itinerary->n_drops = n;
}

/* Of a packet that no end saw: when it began to wait in its node, else its first drop. */
static uint64_t first_without_hops(const struct itinerary *itinerary)
{
	uint64_t first = itinerary->drops[0].record.packet.time_ns;

	for (size_t i = 0; i < itinerary->n_queued; i++)
		if (itinerary->queued[i].record.at.packet.time_ns < first)
			first = itinerary->queued[i].record.at.packet.time_ns;
	return first;
}

static void order_drops(struct itinerary *itinerary)
{
	uint64_t first = itinerary->n_hops ? itinerary->hops[0].event.time_ns : 0;

	if (!itinerary->n_drops)
		return;
	qsort(itinerary->drops, itinerary->n_drops, sizeof(*itinerary->drops), drop_compare);
	drop_duplicated_drops(itinerary);
	if (!itinerary->n_hops)
		first = first_without_hops(itinerary);
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		uint64_t at = itinerary->drops[i].record.packet.time_ns;

		itinerary->drops[i].at_ns = at > first ? at - first : 0;
	}
}

static int order_hops(struct itinerary *itinerary, const struct lab *lab)
{
	if (!itinerary->n_hops)
		return 0;
	qsort(itinerary->hops, itinerary->n_hops, sizeof(*itinerary->hops), hop_compare);
	drop_duplicates(itinerary);
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		struct hop *hop = &itinerary->hops[i];

		*hop = (struct hop){
			.event = hop->event, .end = hop->end, .leg = hop->leg, .from = -1};
	}
	if (itinerary_find_causes(itinerary, lab) || place_hops(itinerary))
		return -ENOMEM;
	return mark_hops(itinerary);
}

int itinerary_order(struct itinerary *itinerary, const struct lab *lab)
{
	int ret = order_hops(itinerary, lab);

	order_drops(itinerary);
	return ret ? ret : itinerary_join_fragments(itinerary);
}
