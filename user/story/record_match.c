// SPDX-License-Identifier: GPL-2.0-only
/* record_match.c - a session's filter (bpf/match.h) applied to records, for recordings. */
#include <string.h>

#include "bpf/match.h"
#include "user/story/story.h"

/* number: of an end in the lab; VL_NO_END where a packet was at none. */
static bool place_fits(const struct vl_filter *filter, const struct lab *lab, uint32_t number,
		       const struct node *node)
{
	const struct end *end = number < lab_n_ends(lab) ? lab_end(lab, number) : NULL;

	return match_place(filter, end ? end->number : VL_NO_END,
			   end ? end->link->index : VL_NO_END, node->index);
}

/* All but where it was seen. */
static bool packet_fits(const struct vl_event *event, const struct vl_filter *filter)
{
	if (event->flags & VL_EV_OTHER)
		return match_other(filter, event);
	if (event->flags & VL_EV_FLOW)
		return match_flow(filter, event);
	return match_packet(filter, event,
			    event_is_later_fragment(event) ? VL_ICMP_CLASSES : event_class(event));
}

bool event_matches(const struct vl_event *event, const struct vl_filter *filter,
		   const struct lab *lab)
{
	return event->end < lab_n_ends(lab) && packet_fits(event, filter) &&
	       place_fits(filter, lab, event->end, lab_end(lab, event->end)->node);
}

bool drop_matches(const struct vl_drop *drop, const struct vl_filter *filter, const struct lab *lab)
{
	return drop->node < lab->n_nodes && packet_fits(&drop->packet, filter) &&
	       place_fits(filter, lab, drop->packet.end, lab->nodes[drop->node]);
}

bool itinerary_matches(const struct itinerary *itinerary, const struct vl_filter *filter,
		       const struct lab *lab)
{
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (event_matches(&itinerary->hops[i].event, filter, lab))
			return true;
	for (size_t i = 0; i < itinerary->n_drops; i++)
		if (!itinerary->drops[i].harmless &&
		    drop_matches(&itinerary->drops[i].record, filter, lab))
			return true;
	for (size_t i = 0; i < itinerary->n_queued; i++)
		if (stack_matches(&itinerary->queued[i].record, filter, lab))
			return true;
	return false;
}

/* Of a look-up the addresses stand for the way that was looked for: back, for an answer. */
bool stack_matches(const struct vl_stack *record, const struct vl_filter *filter,
		   const struct lab *lab)
{
	struct vl_event packet = record->at.packet;
	struct vl_filter fields = *filter;

	if (record->at.node >= lab->n_nodes ||
	    !place_fits(filter, lab, packet.end, lab->nodes[record->at.node]))
		return false;
	if (record->at.kind == VL_STACK_ROUTE &&
	    (record->what == VL_ROUTE_ANSWER || record->what == VL_ROUTE_SOURCE)) {
		memcpy(packet.src, record->at.packet.dst, sizeof(packet.src));
		memcpy(packet.dst, record->at.packet.src, sizeof(packet.dst));
	}
	if (packet.flags & VL_EV_LOOSE) {
		fields.fields &= VL_F_FAMILY | VL_F_DST;
		if (record->at.kind != VL_STACK_ROUTE)
			fields.fields &= VL_F_FAMILY;
		if (record->at.kind == VL_STACK_LEARN)
			fields.fields = 0;
	}
	return packet_fits(&packet, &fields);
}

bool stack_tells(const struct vl_stack *record, const char *function)
{
	return record->at.kind != VL_STACK_DELIVER || record->pid || !strncmp(function, "icmp", 4);
}

bool question_matches(const struct vl_stack *record, const struct vl_filter *filter,
		      const struct lab *lab)
{
	return record->at.node < lab->n_nodes &&
	       match_packet(filter, &record->at.packet, VL_ICMP_ND) &&
	       place_fits(filter, lab, record->at.packet.end, lab->nodes[record->at.node]);
}

bool itinerary_question_matches(const struct itinerary *itinerary, const struct vl_filter *filter,
				const struct lab *lab)
{
	struct vl_filter anywhere = *filter;

	anywhere.fields &= ~(VL_F_END | VL_F_LINK | VL_F_NODE);
	if (!itinerary_matches(itinerary, &anywhere, lab))
		return false;
	for (size_t i = 0; i < itinerary->n_acts; i++)
		if (itinerary->acts[i].record.at.kind == VL_STACK_QUESTION &&
		    stack_matches(&itinerary->acts[i].record, filter, lab))
			return true;
	return false;
}
