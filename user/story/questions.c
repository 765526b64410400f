// SPDX-License-Identifier: GPL-2.0-only
/*
 * questions.c - where the questions died that an echo's packets wait for: ARP requests and
 * neighbour solicitations, and what answers them.
 *
 * A question goes to all of a segment, and most drop it since it is not for them. What counts is
 * where it had to pass: the node that asks, the one that has the address, and ports of bridges that
 * lead to either or to another bridge.
 */
#include "user/base/drop_causes.h"
#include "user/story/acts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

/* A packet may have joined those that wait for a question of old: it is asked again so soon. */
static const uint64_t question_ns = 1000000000;

static const struct node *node_of(const struct lab *lab, uint8_t family, const uint8_t bytes[16])
{
	struct ip_addr addr = {.family = family == 6 ? AF_INET6 : AF_INET};
	struct node *node = NULL;
	struct end *end = NULL;

	memcpy(addr.bytes, bytes, family == 6 ? 16 : 4);
	return lab_find_address(lab, &addr, &node, &end) ? node : NULL;
}

static bool is_port(const struct end *end)
{
	return (end->node->kind == NODE_BRIDGE && !end->no_port) || end->bridge[0];
}

static bool had_to_pass(const struct vl_stack *question, const struct act *asker,
			const struct lab *lab)
{
	const struct node *node = lab->nodes[question->at.node];
	const struct node *owner = node_of(lab, question->next_family, question->next);
	const struct end *end, *peer;

	if (node == asker->node || node == owner)
		return true;
	if (question->at.packet.end >= lab_n_ends(lab))
		return false;
	end = lab_end(lab, question->at.packet.end);
	peer = end->peer;
	return is_port(end) && (peer->node == asker->node || peer->node == owner || is_port(peer));
}

/* Whether it is a question of that node, or the answer, as far as addresses tell. */
static bool is_its(const struct vl_stack *question, const struct act *asker, const struct lab *lab)
{
	const struct vl_event *packet = &question->at.packet;
	const struct node *other;

	if (question->at.kind != VL_STACK_QUESTION ||
	    question->next_family != asker->record.next_family ||
	    memcmp(question->next, asker->record.next, sizeof(question->next)) ||
	    packet->time_ns + question_ns < asker->since_ns ||
	    packet->time_ns > asker->record.at.packet.time_ns + question_ns)
		return false;
	other = node_of(lab, packet->family,
			question->what == VL_QUESTION_ASKS ? packet->src : packet->dst);
	return !other || other == asker->node;
}

bool drop_is_loss(const char *reason, const char *function)
{
	unsigned traits = drop_classify(reason, function).traits;

	return !(traits & (DROP_ORDINARY | DROP_COPY | DROP_NO_PACKET)) &&
	       strcmp(reason, "OTHERHOST") && strcmp(function, "icmpv6_rcv") &&
	       strcmp(function, "ndisc_rcv");
}

static struct act *find_like(struct itinerary *itinerary, const struct loose_act *question)
{
	for (size_t i = 0; i < itinerary->n_acts; i++) {
		struct act *act = &itinerary->acts[i];

		if (act->record.at.kind == VL_STACK_QUESTION &&
		    act->record.at.node == question->record.at.node &&
		    act->record.what == question->record.what &&
		    !memcmp(act->record.next, question->record.next, sizeof(act->record.next)) &&
		    !strcmp(act->reason, question->reason) &&
		    !strcmp(act->function, question->function))
			return act;
	}
	return NULL;
}

static int add(struct itinerary *itinerary, const struct loose_act *question, const struct lab *lab)
{
	struct act act = {.record = question->record,
			  .node = lab->nodes[question->record.at.node],
			  .asked = 1};
	struct act *like = find_like(itinerary, question);

	if (like) {
		like->asked++;
		if (like->record.at.packet.time_ns < act.record.at.packet.time_ns)
			like->record = act.record;
		return 0;
	}
	snprintf(act.reason, sizeof(act.reason), "%s", question->reason);
	snprintf(act.function, sizeof(act.function), "%s", question->function);
	return itinerary_add_act(itinerary, &act);
}

int itinerary_add_questions(struct itinerary *itinerary, const struct loose_acts *loose,
			    const struct lab *lab)
{
	size_t n = itinerary->n_acts; /* what is added is no neighbour */

	for (size_t i = 0; i < n; i++) {
		struct act asker = itinerary->acts[i];

		if (asker.record.at.kind != VL_STACK_NEIGHBOR ||
		    asker.record.what > VL_NEIGHBOR_FAILED)
			continue;
		for (size_t k = 0; k < loose->n; k++) {
			const struct loose_act *question = &loose->list[k];

			if (is_its(&question->record, &asker, lab) &&
			    had_to_pass(&question->record, &asker, lab) &&
			    drop_is_loss(question->reason, question->function) &&
			    add(itinerary, question, lab))
				return -ENOMEM;
		}
	}
	return 0;
}
