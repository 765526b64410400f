// SPDX-License-Identifier: GPL-2.0-only
/* acts_merge.c - several records of what a stack did that are one act. */
#include <string.h>

#include "user/story/acts.h"

/* A look-up in several tables is one: the next table is asked at once, unless interrupts, a slow
 * machine or an emulated one come between. */
static const uint64_t tables_ns = 20000000;

/* A record that was delivered twice is one act. Those of one time may stand in any order. */
void acts_drop_duplicates(struct itinerary *itinerary)
{
	struct act *acts = itinerary->acts;
	size_t n = 0;

	for (size_t i = 0; i < itinerary->n_acts; i++) {
		size_t j = n;

		while (j && act_time(&acts[j - 1]) == act_time(&acts[i]) &&
		       memcmp(&acts[j - 1].record, &acts[i].record, sizeof(acts[i].record)))
			j--;
		if (!j || act_time(&acts[j - 1]) != act_time(&acts[i]))
			acts[n++] = acts[i];
	}
	itinerary->n_acts = n;
}

static bool same_neighbor(const struct act *a, const struct act *b)
{
	return a->record.at.kind == VL_STACK_NEIGHBOR && b->record.at.kind == VL_STACK_NEIGHBOR &&
	       a->node == b->node && a->record.at.ifindex == b->record.at.ifindex &&
	       !memcmp(a->record.next, b->record.next, sizeof(a->record.next)) &&
	       act_is_asking(&a->record) == act_is_asking(&b->record);
}

/*
 * When the question that `act` ends was put: the first one that is known, else the look-up that led
 * to it, else when the packet came in; 0: not known.
 */
static uint64_t asked_at(const struct itinerary *itinerary, const struct act *act)
{
	uint64_t at = act_time(act), asked = 0, looked = 0, came = 0;

	for (size_t i = 0; i < itinerary->n_acts; i++) {
		const struct act *other = &itinerary->acts[i];
		uint64_t its = act_time(other);

		if (other == act || other->node != act->node || its > at)
			continue;
		if (same_neighbor(other, act) && (!asked || its < asked))
			asked = its;
		if (other->record.at.kind == VL_STACK_ROUTE && its > looked)
			looked = its;
	}
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (hop->end->node == act->node && hop->event.hook != VL_HOOK_OUT &&
		    hop->event.time_ns <= at)
			came = hop->event.time_ns;
	}
	return asked ? asked : looked ? looked : came;
}

/*
 * Whether an act tells of a question that none before it told of: packets that come while a
 * question is open wait for the same answer, and the kernel's count of questions stays.
 */
static bool is_new_question(const struct itinerary *itinerary, size_t i)
{
	const struct act *act = &itinerary->acts[i];

	if (act->record.what > VL_NEIGHBOR_AGAIN)
		return false;
	while (i-- > 0)
		if (same_neighbor(&itinerary->acts[i], act))
			return itinerary->acts[i].record.what > VL_NEIGHBOR_AGAIN ||
			       itinerary->acts[i].record.code != act->record.code;
	return true;
}

static void read_news(struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		struct act *act = &itinerary->acts[i];

		if (act->record.at.kind != VL_STACK_NEIGHBOR || !act_is_asking(&act->record))
			continue;
		if (act->record.what >= VL_NEIGHBOR_FAILED) {
			uint64_t at = asked_at(itinerary, act);

			act->took_ns = at && at < act_time(act) ? act_time(act) - at : 0;
		}
		act->since_ns = act_time(act);
		act->asked = is_new_question(itinerary, i);
	}
}

/*
 * One act for all that was done about one neighbour: the last news, and how it came. Recordings of
 * old have no count of the questions: then those are counted that were told.
 */
void acts_merge_neighbors(struct itinerary *itinerary)
{
	struct act *acts = itinerary->acts;
	size_t n = 0;

	read_news(itinerary);
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		size_t j = 0;

		while (j < n && !(same_neighbor(&acts[j], &acts[i])))
			j++;
		if (j == n) {
			acts[n++] = acts[i];
			continue;
		}
		/* Being asked may be told after the answer: news of that kind win. */
		acts[i].asked += acts[j].asked;
		acts[i].since_ns = acts[j].since_ns;
		if (acts[i].record.what <= VL_NEIGHBOR_AGAIN &&
		    acts[j].record.what > VL_NEIGHBOR_AGAIN)
			acts[j].asked = acts[i].asked;
		else
			acts[j] = acts[i];
	}
	itinerary->n_acts = n;
	for (size_t i = 0; i < n; i++)
		if (acts[i].record.at.kind == VL_STACK_NEIGHBOR && acts[i].record.asked &&
		    acts[i].asked)
			acts[i].asked = acts[i].record.asked;
}

static bool same_look_up(const struct vl_stack *a, const struct vl_stack *b)
{
	return a->at.kind == VL_STACK_ROUTE && b->at.kind == VL_STACK_ROUTE && a->error &&
	       a->at.node == b->at.node && a->what == b->what &&
	       !memcmp(a->at.packet.dst, b->at.packet.dst, sizeof(a->at.packet.dst)) &&
	       b->at.packet.time_ns - a->at.packet.time_ns < tables_ns;
}

/*
 * For an ICMP error the kernel also looks up where the packet would have come in. The answer says
 * nothing about the packet.
 */
static bool is_for_error(const struct vl_stack *a, const struct vl_stack *b)
{
	return a->at.kind == VL_STACK_ROUTE && b->at.kind == VL_STACK_ROUTE &&
	       a->at.node == b->at.node && a->what == VL_ROUTE_ANSWER &&
	       b->what == VL_ROUTE_SOURCE &&
	       b->at.packet.time_ns - a->at.packet.time_ns < tables_ns;
}

/* The same look-up in another table right after a failed one: only the last counts. */
void acts_merge_tables(struct itinerary *itinerary)
{
	struct act *acts = itinerary->acts;
	size_t n = 0;

	for (size_t i = 0; i < itinerary->n_acts; i++) {
		struct act *last = n ? &acts[n - 1] : NULL;

		if (last && is_for_error(&last->record, &acts[i].record))
			continue;
		if (last && same_look_up(&last->record, &acts[i].record)) {
			if (last->record.table == acts[i].record.table)
				continue; /* once more, for the error that tells of it */
			n--;
		}
		acts[n++] = acts[i];
	}
	itinerary->n_acts = n;
}
