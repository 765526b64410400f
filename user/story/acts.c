// SPDX-License-Identifier: GPL-2.0-only
/*
 * acts.c - which acts of the nodes' stacks belong to an echo, and their order.
 *
 * Most records name their packet. Two kinds do not (VL_EV_LOOSE). One is the route look-up for a
 * packet that a process is about to send: the newest one before the packet's first hop is taken.
 * The other is what a node does about a neighbour: it is taken for a packet that waits for that
 * neighbour, which is in the same node, leaves by the same link, and came before and left after it.
 */
#include "user/base/drop_causes.h"
#include "user/story/acts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"

enum { LOOSE_MAX = 4096 };
static const uint64_t send_max_ns = 5000000000, ask_max_ns = 5000000000;
/* No record tells when the sender made a packet: questions for its neighbour are looked for in this
 * time before its first hop. */
static const uint64_t unseen_max_ns = 10000000;
/* The record of a question comes after the records of the packets that were sent for it. */
static const uint64_t late_ns = 100000;
/* The record that a neighbour was given up comes after those of the packets that were dropped for
 * it: on a slow machine milliseconds after. */
static const uint64_t given_up_ns = 20000000;

int loose_add(struct loose_acts *loose, const struct vl_stack *record, const char *reason,
	      const char *function)
{
	struct loose_act *one;

	if (!loose->list) {
		loose->list = calloc(LOOSE_MAX, sizeof(*loose->list));
		if (!loose->list)
			return -ENOMEM;
	}
	one = &loose->list[loose->next];
	*one = (struct loose_act){.record = *record};
	if (record->at.kind == VL_STACK_QUESTION) {
		snprintf(one->reason, sizeof(one->reason), "%s", reason);
		snprintf(one->function, sizeof(one->function), "%s", function);
	}
	loose->next = (loose->next + 1) % LOOSE_MAX;
	loose->n += loose->n < LOOSE_MAX;
	loose->n_added++;
	return 0;
}

int itinerary_add_act(struct itinerary *itinerary, const struct act *act)
{
	if (itinerary->n_acts == ITINERARY_ACTS_MAX) {
		itinerary->left_out++;
		return 0;
	}
	if (array_reserve_one(&itinerary->acts, itinerary->n_acts, sizeof(*itinerary->acts)))
		return -ENOMEM;
	itinerary->acts[itinerary->n_acts++] = *act;
	return 0;
}

static bool is_loose(const struct act *act)
{
	return act->record.at.packet.flags & VL_EV_LOOSE;
}

uint64_t act_time(const struct act *act)
{
	return act->record.at.packet.time_ns;
}

/* Forget what was chosen last time: the kernel's own attributions stay (queued packets' too). */
static void drop_chosen(struct itinerary *itinerary)
{
	size_t n = 0;

	for (size_t i = 0; i < itinerary->n_acts; i++)
		if (!is_loose(&itinerary->acts[i]))
			itinerary->acts[n++] = itinerary->acts[i];
	itinerary->n_acts = n;
}

static int take(struct itinerary *itinerary, const struct vl_stack *record, const struct lab *lab)
{
	const struct act act = {.record = *record, .node = lab->nodes[record->at.node]};

	return itinerary_add_act(itinerary, &act);
}

/* When the itinerary begins: at its first hop; without any, with what else is known. */
static uint64_t first_time(const struct itinerary *itinerary)
{
	uint64_t first = UINT64_MAX;

	if (itinerary->n_hops)
		return itinerary->hops[0].event.time_ns;
	if (itinerary->n_drops)
		first = itinerary->drops[0].record.packet.time_ns;
	for (size_t i = 0; i < itinerary->n_queued; i++)
		if (itinerary->queued[i].record.at.packet.time_ns < first)
			first = itinerary->queued[i].record.at.packet.time_ns;
	for (size_t i = 0; first == UINT64_MAX && i < itinerary->n_acts; i++)
		if (act_time(&itinerary->acts[i]) < first)
			first = act_time(&itinerary->acts[i]);
	return first;
}

/* The first record of the request, which has the destination that the route was looked up for.
 * NULL: there is none. */
static const struct vl_event *first_request(const struct itinerary *itinerary)
{
	if (itinerary->n_hops)
		return itinerary->hops[0].leg == LEG_REQUEST ? &itinerary->hops[0].event : NULL;
	if (itinerary->n_drops)
		return itinerary->drops[0].leg == LEG_REQUEST ? &itinerary->drops[0].record.packet
							      : NULL;
	for (size_t i = 0; i < itinerary->n_queued; i++)
		if (itinerary->queued[i].leg == LEG_REQUEST)
			return &itinerary->queued[i].record.at.packet;
	for (size_t i = 0; i < itinerary->n_acts; i++)
		if (itinerary->acts[i].leg == LEG_REQUEST &&
		    itinerary->acts[i].record.at.kind == VL_STACK_LOOPBACK)
			return &itinerary->acts[i].record.at.packet;
	return NULL;
}

/* The look-up by which the sender chose the route. */
static int take_sending(struct itinerary *itinerary, struct loose_acts *loose,
			const struct lab *lab)
{
	const struct vl_event *request = first_request(itinerary);
	struct loose_act *best = NULL;

	for (size_t i = 0; request && i < loose->n; i++) {
		struct loose_act *one = &loose->list[i];
		const struct vl_drop *at = &one->record.at;

		if (at->kind != VL_STACK_ROUTE || one->record.error ||
		    at->packet.time_ns > request->time_ns ||
		    request->time_ns - at->packet.time_ns > send_max_ns ||
		    (one->taken_by && one->taken_by != itinerary) ||
		    (itinerary->origin && lab->nodes[at->node] != itinerary->origin) ||
		    at->packet.family != request->family ||
		    memcmp(at->packet.dst, request->dst, sizeof(request->dst)))
			continue;
		if (!best || at->packet.time_ns > best->record.at.packet.time_ns)
			best = one;
	}
	if (!best)
		return 0;
	best->taken_by = itinerary;
	return take(itinerary, &best->record, lab);
}

/* A packet waits for a neighbour's address in a node, on its way out by an end. */
struct wait {
	const struct node *node;
	uint32_t end;
	uint64_t from_ns, to_ns;
};

bool act_is_asking(const struct vl_stack *record)
{
	return record->at.kind == VL_STACK_NEIGHBOR && record->what != VL_NEIGHBOR_LEARNED;
}

static bool is_in(const struct vl_stack *record, const struct wait *wait)
{
	return record->at.packet.time_ns >= wait->from_ns &&
	       record->at.packet.time_ns <= wait->to_ns;
}

/* Take the questions that the node sent on that link, and if there are any, also what other nodes
 * and bridges learned meanwhile. */
static int take_waiting(struct itinerary *itinerary, const struct loose_acts *loose,
			const struct lab *lab, const struct wait *wait)
{
	bool asked = false;

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < loose->n; i++) {
			const struct vl_stack *record = &loose->list[i].record;
			bool own = act_is_asking(record) &&
				   lab->nodes[record->at.node] == wait->node &&
				   (record->at.packet.end == wait->end ||
				    record->at.packet.end == VL_NO_END);
			bool taught =
				record->at.kind == VL_STACK_LEARN ||
				(record->at.kind == VL_STACK_NEIGHBOR && !act_is_asking(record));

			if (!is_in(record, wait) || !(round ? taught && asked : own))
				continue;
			asked = true;
			if (take(itinerary, record, lab))
				return -ENOMEM;
		}
	}
	return 0;
}

/* When a packet came into a node, or was looked up there, at most so long before a time. */
static uint64_t came_in(const struct itinerary *itinerary, const struct node *node, uint64_t before)
{
	uint64_t max = node == itinerary->origin && itinerary->n_hops ? unseen_max_ns : ask_max_ns;
	uint64_t at = before > max ? before - max : 0;

	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (hop->end->node == node && hop->event.hook != VL_HOOK_OUT &&
		    hop->event.time_ns < before && hop->event.time_ns > at)
			at = hop->event.time_ns;
	}
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		const struct act *act = &itinerary->acts[i];

		if (act->node == node && act->record.at.kind == VL_STACK_ROUTE &&
		    act->record.what == VL_ROUTE_SEND && act_time(act) < before &&
		    act_time(act) > at)
			at = act_time(act);
	}
	return at;
}

/* An answer that came right before a packet left: the packet may have waited for it. */
static bool was_answered(const struct loose_acts *loose, const struct lab *lab,
			 const struct wait *wait)
{
	for (size_t i = 0; i < loose->n; i++) {
		const struct vl_stack *record = &loose->list[i].record;

		if (act_is_asking(record) && record->what == VL_NEIGHBOR_ANSWERED &&
		    lab->nodes[record->at.node] == wait->node && is_in(record, wait))
			return true;
	}
	return false;
}

/* For IPv6 the kernel gives no reason. */
bool drop_had_no_neighbor(const struct drop *drop)
{
	return drop_classify(drop->reason, drop->function).traits & DROP_NO_NEIGHBOR;
}

static int take_neighbors(struct itinerary *itinerary, const struct loose_acts *loose,
			  const struct lab *lab)
{
	if (!loose->n)
		return 0;
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];
		struct wait wait = {.node = hop->end->node, .end = hop->event.end};

		if (hop->event.hook != VL_HOOK_OUT)
			continue;
		wait.from_ns = came_in(itinerary, wait.node, hop->event.time_ns);
		wait.to_ns = hop->event.time_ns;
		if (!was_answered(loose, lab, &wait))
			continue;
		wait.to_ns += late_ns;
		if (take_waiting(itinerary, loose, lab, &wait))
			return -ENOMEM;
	}
	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];
		struct wait wait = {.node = drop->node, .end = drop->record.packet.end};
		uint64_t at = drop->record.packet.time_ns;

		if (!drop_had_no_neighbor(drop))
			continue;
		wait.from_ns = came_in(itinerary, wait.node, at);
		wait.to_ns = at + given_up_ns;
		if (take_waiting(itinerary, loose, lab, &wait))
			return -ENOMEM;
	}
	return 0;
}

static int act_compare(const void *a, const void *b)
{
	uint64_t s = act_time(a), t = act_time(b);

	return s < t ? -1 : s > t;
}

static bool is_bad(const struct vl_stack *record)
{
	return record->at.kind == VL_STACK_QUESTION ||
	       (record->at.kind == VL_STACK_ROUTE && record->error) ||
	       (record->at.kind == VL_STACK_NEIGHBOR && record->what == VL_NEIGHBOR_FAILED);
}

/*
 * The kernel gives a neighbour up after it has dropped what waited for it and has made the ICMP
 * error. It is the cause of both, so it gets a time before them.
 */
static uint64_t before_its_end(const struct itinerary *itinerary, const struct act *act)
{
	uint64_t at = act->at_ns;

	for (size_t i = 0; i < itinerary->n_drops; i++) {
		const struct drop *drop = &itinerary->drops[i];

		if (drop->node == act->node && drop->at_ns < at && drop_had_no_neighbor(drop))
			at = drop->at_ns;
	}
	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if (hop->leg == LEG_ERROR && hop->step == STEP_TURN &&
		    !event_is_redirect(&hop->event) && hop->end->node == act->node &&
		    hop->at_ns < at && hop->at_ns)
			at = hop->at_ns - 1;
	}
	return at;
}

int itinerary_join(struct itinerary *itinerary, struct loose_acts *loose, const struct lab *lab)
{
	uint64_t first;

	drop_chosen(itinerary);
	if (take_sending(itinerary, loose, lab) || take_neighbors(itinerary, loose, lab) ||
	    itinerary_add_queued(itinerary, loose))
		return -ENOMEM;
	if (!itinerary->n_acts)
		return 0;
	qsort(itinerary->acts, itinerary->n_acts, sizeof(*itinerary->acts), act_compare);
	acts_drop_duplicates(itinerary);
	acts_merge_neighbors(itinerary);
	if (itinerary_add_questions(itinerary, loose, lab))
		return -ENOMEM;
	qsort(itinerary->acts, itinerary->n_acts, sizeof(*itinerary->acts), act_compare);
	acts_merge_tables(itinerary);
	first = first_time(itinerary);
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		struct act *act = &itinerary->acts[i];
		uint64_t at = act_time(act);

		act->before = at < first;
		act->at_ns = at > first ? at - first : 0;
		act->bad = is_bad(&act->record);
		if (act->bad && act->record.at.kind == VL_STACK_NEIGHBOR)
			act->at_ns = before_its_end(itinerary, act);
	}
	itinerary_judge_waiting(itinerary);
	return 0;
}
