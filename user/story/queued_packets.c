// SPDX-License-Identifier: GPL-2.0-only
/*
 * queued_packets.c - packets of an echo that wait in a node for a neighbour's link-layer address.
 *
 * The kernel tells the packet when it begins to wait. What it tells of the neighbour from then on,
 * until the packet has left or was dropped, belongs to it.
 */
#include "user/story/acts.h"

#include <errno.h>
#include <string.h>

/* The kernel tells of a question after the packets that it sent for it. */
static const uint64_t late_ns = 100000;
/* That it gave a neighbour up it tells after the packets that it dropped for it, on a slow machine
 * by milliseconds. */
static const uint64_t given_up_ns = 20000000;

static uint64_t time_of(const struct vl_stack *record)
{
	return record->at.packet.time_ns;
}

/* When the packet left its node, or was dropped there; UINT64_MAX: neither was seen. */
static uint64_t left_at(const struct itinerary *itinerary, const struct queued_packet *packet)
{
	uint64_t since = time_of(&packet->record), at = UINT64_MAX;

	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (hop->end->node == packet->node && hop->leg == packet->leg &&
		    hop->event.hook == VL_HOOK_OUT && hop->event.time_ns > since &&
		    hop->event.time_ns + late_ns < at)
			at = hop->event.time_ns + late_ns;
	}
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];
		uint64_t its = drop->record.packet.time_ns;

		if (drop->node == packet->node && drop->leg == packet->leg && its > since &&
		    its + given_up_ns < at)
			at = its + given_up_ns;
	}
	return at;
}

static bool is_about(const struct vl_stack *record, const struct queued_packet *packet)
{
	const struct vl_stack *its = &packet->record;

	return act_is_asking(record) && record->at.node == its->at.node &&
	       record->at.ifindex == its->at.ifindex && record->next_family == its->next_family &&
	       !memcmp(record->next, its->next, sizeof(its->next));
}

/* Whether a node knows or gives up the neighbour: then no packet waits for it any more. */
static bool is_end(const struct vl_stack *record)
{
	return record->what >= VL_NEIGHBOR_FAILED;
}

/* When the neighbour answered or was given up for the first time after the packet began to wait. */
static uint64_t ended_at(const struct loose_acts *loose, const struct queued_packet *packet)
{
	uint64_t at = UINT64_MAX;

	for (size_t i = 0; i < loose->n; i++) {
		const struct vl_stack *record = &loose->list[i].record;

		if (is_about(record, packet) && is_end(record) &&
		    time_of(record) > time_of(&packet->record) && time_of(record) < at)
			at = time_of(record);
	}
	return at;
}

static int add(struct itinerary *itinerary, const struct vl_stack *record,
	       const struct queued_packet *packet)
{
	struct act act = {.record = *record, .node = packet->node};

	act.record.at.packet.flags |= VL_EV_LOOSE; /* chosen: it is chosen anew next time */
	return itinerary_add_act(itinerary, &act);
}

int itinerary_add_queued(struct itinerary *itinerary, const struct loose_acts *loose)
{
	for (size_t i = 0; i < itinerary->n_queued; i++) {
		const struct queued_packet *packet = &itinerary->queued[i];
		uint64_t left = left_at(itinerary, packet), end = ended_at(loose, packet);
		uint64_t until = left < end ? left : end;

		if (add(itinerary, &packet->record, packet))
			return -ENOMEM;
		for (size_t k = 0; k < loose->n; k++) {
			const struct vl_stack *record = &loose->list[k].record;

			if (is_about(record, packet) &&
			    time_of(record) > time_of(&packet->record) &&
			    time_of(record) <= until && add(itinerary, record, packet))
				return -ENOMEM;
		}
	}
	return 0;
}

/* The packet that the echo's fate hangs on: the newest of its last leg. */
static const struct queued_packet *newest(const struct itinerary *itinerary)
{
	const struct queued_packet *best = NULL;

	for (size_t i = 0; i < itinerary->n_queued; i++) {
		const struct queued_packet *packet = &itinerary->queued[i];

		if (!best || packet->leg > best->leg ||
		    (packet->leg == best->leg && time_of(&packet->record) > time_of(&best->record)))
			best = packet;
	}
	return best;
}

/* Whether something of the echo was seen after the packet began to wait: it got on. */
static bool got_on(const struct itinerary *itinerary, const struct queued_packet *packet)
{
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].leg >= packet->leg &&
		    itinerary->hops[i].event.time_ns > time_of(&packet->record))
			return true;
	return false;
}

void itinerary_judge_waiting(struct itinerary *itinerary)
{
	const struct queued_packet *packet = newest(itinerary);

	itinerary->waits_for = -1;
	if (!packet || itinerary->death >= 0 || itinerary->arrival >= 0 ||
	    got_on(itinerary, packet))
		return;
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		const struct vl_stack *record = &itinerary->acts[i].record;

		if (record->at.kind == VL_STACK_NEIGHBOR && is_about(record, packet) &&
		    !is_end(record))
			itinerary->waits_for = i;
	}
	if (itinerary->waits_for < 0)
		return;
	itinerary->fate = FATE_WAITING;
	itinerary->waiter = packet->leg;
}
