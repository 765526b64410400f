// SPDX-License-Identifier: GPL-2.0-only
/* match.c - a session's filter applied to records, for recordings: as the kernel side does live. */
#include <string.h>

#include "user/story/story.h"

static bool address_in(const uint8_t a[16], const uint8_t prefix[16], unsigned len)
{
	unsigned whole = len / 8, rest = len % 8;
	uint8_t mask = rest ? 0xff << (8 - rest) : 0;

	return !memcmp(a, prefix, whole) && (!rest || !((a[whole] ^ prefix[whole]) & mask));
}

/* place: of an end in the lab; VL_NO_END where a packet was at none. */
static bool place_fits(const struct vl_filter *filter, const struct lab *lab, uint32_t place,
		       const struct node *node)
{
	const struct end *end = place < lab_n_ends(lab) ? lab_end(lab, place) : NULL;

	if ((filter->fields & VL_F_END) && !(end && filter->end == end->number))
		return false;
	if ((filter->fields & VL_F_LINK) && !(end && filter->link == end->link->index))
		return false;
	return !(filter->fields & VL_F_NODE) || filter->node == node->index;
}

/* An ICMP error is judged by what it quotes; a later fragment and what is no ICMP have no id. */
static bool echo_fits(const struct vl_filter *filter, const struct vl_event *event)
{
	bool quoted = event->flags & VL_EV_QUOTED;
	uint16_t id = quoted ? event->quote.id : event->id;
	uint16_t seq = quoted ? event->quote.seq : event->seq;

	if (!(filter->fields & (VL_F_TOKEN | VL_F_ID | VL_F_SEQ)))
		return true;
	if (event_is_later_fragment(event) || event_protocol(event))
		return false;
	if ((filter->fields & VL_F_ID) && filter->id != id)
		return false;
	if ((filter->fields & VL_F_SEQ) && filter->seq != seq)
		return false;
	return !(filter->fields & VL_F_TOKEN) || filter->id == id ||
	       ((event->flags & VL_EV_PAYLOAD) && filter->token == event->payload);
}

/* No ICMP: the errors about it have types, it has no id. */
static bool flow_fits(const struct vl_filter *filter)
{
	const uint32_t errors = 1u << VL_ICMP_UNREACHABLE | 1u << VL_ICMP_TIME_EXCEEDED;

	return !(filter->fields & (VL_F_TOKEN | VL_F_ID | VL_F_SEQ)) &&
	       (!(filter->fields & VL_F_TYPES) || filter->types & errors);
}

/* All but where it was seen. */
static bool packet_fits(const struct vl_event *event, const struct vl_filter *filter)
{
	uint32_t fields = filter->fields;
	bool later = event_is_later_fragment(event);

	if ((fields & VL_F_FAMILY) && filter->family != event->family)
		return false;
	if (event->flags & VL_EV_FLOW) {
		if (!flow_fits(filter))
			return false;
	} else if (!(later && (fields & VL_F_FRAGMENTS))) {
		if ((fields & VL_F_TYPES) && (later || !(filter->types & 1u << event_class(event))))
			return false;
		if (!echo_fits(filter, event))
			return false;
	}
	if ((fields & VL_F_SRC) && !address_in(event->src, filter->src, filter->src_len))
		return false;
	if ((fields & VL_F_DST) && !address_in(event->dst, filter->dst, filter->dst_len))
		return false;
	return !(fields & VL_F_ADDR) || address_in(event->src, filter->addr, filter->addr_len) ||
	       address_in(event->dst, filter->addr, filter->addr_len);
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
