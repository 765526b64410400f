// SPDX-License-Identifier: GPL-2.0-only
/* quoted_packets.c - see quoted_packets.h. */
#include "user/story/quoted_packets.h"

#include <string.h>

#include "bpf/match.h"
#include "bpf/wire_other.h"

/* An error comes soon after its packet: it is among those that were seen last. */
enum { CANDIDATES_MAX = 1024 };

static bool same_flow(const struct vl_event *packet, const struct vl_quote *quote)
{
	return packet->other.protocol == quote->proto && packet->other.from_port == quote->id &&
	       packet->other.to_port == quote->seq &&
	       !memcmp(packet->src, quote->src, sizeof(quote->src)) &&
	       !memcmp(packet->dst, quote->dst, sizeof(quote->dst));
}

/* Whether any record of the packet, of whose addresses NAT may have made others, has the quote's.
 */
static bool has_flow(const struct itinerary *itinerary, const struct vl_quote *quote)
{
	if (same_flow(&itinerary->packet, quote) || same_flow(&itinerary->newest, quote))
		return true;
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].leg == LEG_REQUEST &&
		    same_flow(&itinerary->hops[i].event, quote))
			return true;
	return false;
}

/* Whether the quoted header may be that of the packet or, GSO, of a segment of it (records.h). */
static bool has_mark(const struct vl_event *packet, uint64_t mark)
{
	const struct vl_other *other = &packet->other;
	uint16_t id = mark >> 32, ahead = id - other->ip_id;
	uint32_t word = mark;

	if (!mark)
		return true; /* not told */
	if (packet->family == 4 && id && other->ip_id && ahead >= other->segments)
		return false;
	if (other->protocol == PROTO_TCP)
		return word - other->seq < (other->bytes ? other->bytes : 1);
	/* A part does not say how long the whole datagram is. */
	return other->segments > 1 || packet->flags & VL_EV_FRAGMENT ||
	       word >> 16 == other->bytes + UDP_SIZE;
}

/* Of the quoted header (records.h); 0: not told. */
static uint64_t mark_of(const struct vl_event *event)
{
	/* A redirect of IPv6 has something else there. */
	return event_is_redirect(event) && event->family == 6 ? 0 : event->payload;
}

static bool is_quoted(const struct itinerary *itinerary, const struct vl_event *event)
{
	const struct vl_event *packet = &itinerary->packet;

	return itinerary->is_packet && packet->family == event->family &&
	       !event_is_later_fragment(packet) && has_flow(itinerary, &event->quote) &&
	       has_mark(packet, mark_of(event));
}

struct echo *quoted_packet_find(struct story *story, const struct vl_event *event)
{
	uint64_t mark = mark_of(event);
	/* Of these no two packets that are near in time have the same. */
	bool certain = mark >> 32 || (mark && event->quote.proto == PROTO_TCP);
	struct echo *found = NULL;
	unsigned n = 0, more = 0;

	if (!quotes_ports(event) || (!event->quote.id && !event->quote.seq))
		return NULL;
	for (struct echo *echo = story->newest; echo && n < CANDIDATES_MAX;
	     echo = echo->older, n++) {
		if (!is_quoted(&echo->itinerary, event))
			continue;
		if (found)
			more++;
		else
			found = echo;
		if (certain)
			break;
	}
	if (found && found->itinerary.rivals < more)
		found->itinerary.rivals = more;
	return found;
}
