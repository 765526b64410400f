// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_way.c - the packets of one way of a flow: where each was seen, what is counted of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/flow/internal.h"
#include "user/story/story.h"

/* What is acknowledged may leave after so long, an acknowledgement after this, UDP likewise. */
static const uint64_t data_kept_ns = 2000000000, ack_kept_ns = 5000000000;

unsigned way_point(struct flow_way *way, const struct end *end, uint8_t hook)
{
	for (size_t i = 0; i < way->n_points; i++)
		if (way->points[i].end == end && way->points[i].hook == hook)
			return i;
	if (way->n_points == FLOW_POINTS_MAX ||
	    array_reserve_one(&way->points, way->n_points, sizeof(*way->points)))
		return POINT_NONE;
	way->points[way->n_points] = (struct flow_point){.end = end, .hook = hook};
	return way->n_points++;
}

void way_free(struct flow_way *way)
{
	for (size_t i = 0; i < way->n_trips; i++)
		free(way->trips[i].samples);
	free(way->trips);
	free(way->points);
	window_free(way->packets_kept);
}

bool node_owns(const struct lab *lab, const struct node *node, struct ip_addr addr)
{
	struct node *owner;
	struct end *end;

	return lab_find_address(lab, &addr, &owner, &end) && owner == node;
}

/* A way begins where the node that owns its source sends, before NAT; else where it was seen first.
 */
static void find_source(const struct flows *flows, struct flow_way *way,
			const struct vl_event *event, unsigned point)
{
	const struct flow_point *at = &way->points[point];
	const struct flow_tuple tuple = tuple_of(event);

	if (way->has_source || at->hook != VL_HOOK_OUT ||
	    (way->seen && !tuple_equal(&way->sent, &tuple)) ||
	    !node_owns(flows->lab, at->end->node, event_source(event)))
		return;
	way->has_source = true;
	way->source = point;
	way->maker = at->end->node;
}

static bool is_target(const struct flows *flows, const struct flow *flow, unsigned side,
		      const struct vl_event *event, const struct end *end)
{
	const struct flow_way *back = &flow->ways[!side];

	if (event->hook == VL_HOOK_OUT)
		return false;
	if (back->has_source)
		return back->maker == end->node;
	return node_owns(flows->lab, end->node, event_destination(event));
}

static void count_sent(struct flow_way *way, const struct vl_event *event)
{
	const struct vl_other *other = &event->other;
	uint64_t segments = other->segments ? other->segments : 1;
	uint64_t headers = event->len > other->bytes ? event->len - other->bytes : 0;

	way->packets++;
	way->segments += segments;
	way->gso += segments > 1;
	way->payload += other->bytes;
	way->wire += other->bytes + segments * headers;
	way->last_ns = event->time_ns;
	if (!way->seen) {
		way->seen = true;
		way->sent = way->arriving = tuple_of(event);
		way->first_ns = event->time_ns;
	}
}

/* A record of sent is there at a point: so many more bytes of it. */
static int cover(const struct flows *flows, struct flow *flow, unsigned side, uint64_t number,
		 unsigned point, const struct vl_event *event, struct way_news *news)
{
	struct flow_way *way = &flow->ways[side];
	struct flow_sent *sent = window_at(way->packets_kept, number);
	const struct end *end = way->points[point].end;
	uint32_t bytes = sent->bytes && event->other.bytes && sent->protocol == PROTO_TCP
				 ? sent_overlap(sent, event)
				 : sent_size(sent);

	if (window_cover(way->packets_kept, number, point, bytes, event->time_ns))
		return -ENOMEM;
	sent = window_at(way->packets_kept, number);
	news->sent = sent;
	if (window_covered(way->packets_kept, number, point) < sent_size(sent))
		return 0;
	sent->last = point;
	if (way->points[point].cursor <= number)
		way->points[point].cursor = number + 1;
	if (event->hook == VL_HOOK_OUT && sent->arrived_at == end->node) {
		way->arrived -= !!sent->arrived_ns;
		sent->arrived_ns = 0; /* a node that owns the address before NAT changes it */
	} else if (!sent->arrived_ns && is_target(flows, flow, side, event, end)) {
		sent->arrived_ns = event->time_ns;
		sent->arrived_at = way->target = end->node;
		way->arrived++;
		news->arrived = true;
		verdict_arrived(flows, flow, side, number);
	}
	return 0;
}

/* GRO made one of several: the packets behind the one that was found. */
static int cover_more(const struct flows *flows, struct flow *flow, unsigned side, uint64_t number,
		      unsigned point, const struct vl_event *event)
{
	struct flow_way *way = &flow->ways[side];
	struct flow_sent *sent = window_at(way->packets_kept, number);
	uint32_t left = event->other.bytes - sent_overlap(sent, event);
	struct way_news more = {0};

	if (sent->protocol != PROTO_TCP || !sent->bytes)
		return 0;
	while (left && ++number < window_end(way->packets_kept)) {
		uint32_t common;

		sent = window_at(way->packets_kept, number);
		if (!sent->bytes || !sent_fits(sent, event) ||
		    window_covered(way->packets_kept, number, point) >= sent->bytes)
			continue;
		common = sent_overlap(sent, event);
		if (cover(flows, flow, side, number, point, event, &more))
			return -ENOMEM;
		left -= common < left ? common : left;
	}
	return 0;
}

/* Whether a record may be of one of several that are sent again with nothing new in them. */
static void mark_alike(struct flow *flow, struct flow_way *way, unsigned side,
		       const struct vl_event *event, uint64_t number, unsigned point)
{
	struct flow_sent *sent = window_at(way->packets_kept, number);

	for (size_t i = flow->n_judged; (sent->again || sent->repeated) && i < flow->n_repairs;
	     i++) {
		const struct flow_repair *repair = &flow->repairs[i];
		uint64_t other = number == repair->again ? repair->original : repair->again;
		struct flow_sent *rival = window_at(way->packets_kept, other);

		if (repair->way != side || !rival ||
		    (number != repair->again && number != repair->original) || rival->dropped_at ||
		    !sent_fits(rival, event) ||
		    window_covered(way->packets_kept, other, point) >= sent_size(rival))
			continue;
		sent->alike = rival->alike = true;
	}
}

static bool is_done(const struct flow_sent *sent, void *arg)
{
	const struct flow_way *way = arg;
	uint64_t age = way->last_ns - sent->time_ns;
	bool acked = way->has_ack && sent->length; /* has_ack, ack: of the other way, see caller */

	if (way->last_ns < sent->time_ns || age < data_kept_ns)
		return false;
	if (!sent->length)
		return age >= ack_kept_ns;
	return acked && seq_ahead(way->ack, sent->seq + sent->length) >= 0;
}

/* One that was lost is told first (verdict_datagrams()). */
static bool is_done_udp(const struct flow_sent *sent, void *arg)
{
	const struct flow_way *way = arg;

	return way->last_ns >= sent->time_ns + data_kept_ns && (sent->arrived_ns || sent->told);
}

/* The first packet that a repair which is not judged yet repeats. */
static uint64_t first_needed(const struct flow *flow, unsigned side)
{
	uint64_t first = UINT64_MAX;

	for (size_t i = flow->n_judged; i < flow->n_repairs; i++)
		if (flow->repairs[i].way == side && flow->repairs[i].original < first)
			first = flow->repairs[i].original;
	return first;
}

static int trim(const struct flows *flows, struct flow *flow, unsigned side)
{
	struct flow_way *way = &flow->ways[side];
	struct flow_way acked = {.last_ns = way->last_ns,
				 .has_ack = flow->ways[!side].has_ack,
				 .ack = flow->ways[!side].ack};

	const struct flow_sent *oldest =
		window_at(way->packets_kept, window_first(way->packets_kept));

	if (!oldest || way->last_ns < oldest->time_ns + data_kept_ns)
		return 0;
	if (flow->protocol == PROTO_TCP) {
		window_trim(way->packets_kept, first_needed(flow, side), is_done, &acked);
		return 0;
	}
	if (verdict_datagrams(flows, flow, side, way->last_ns - data_kept_ns))
		return -ENOMEM;
	window_trim(way->packets_kept, UINT64_MAX, is_done_udp, way);
	return 0;
}

static bool is_first_at_end(const struct flow_way *way, uint64_t number, unsigned point)
{
	for (size_t i = 0; i < way->n_points; i++)
		if (i != point && way->points[i].end == way->points[point].end &&
		    window_covered(way->packets_kept, number, i))
			return false;
	return true;
}

static int add_new(const struct flows *flows, struct flow *flow, unsigned side, unsigned point,
		   const struct vl_event *event, struct way_news *news)
{
	struct flow_way *way = &flow->ways[side];

	if (trim(flows, flow, side))
		return -ENOMEM;
	if (!window_add(way->packets_kept, event, point))
		return -ENOMEM;
	count_sent(way, event);
	way->strays += way->has_source && point != way->source;
	news->is_new = news->first_here = true;
	return cover(flows, flow, side, window_end(way->packets_kept) - 1, point, event, news);
}

/*
 * How NAT leaves the way's packets: as what arrived where the packets back begin; else as what is
 * not as it was sent, which a packet that is lost before NAT does not undo.
 */
static void note_arriving(struct flow *flow, unsigned side, const struct vl_event *event,
			  bool arrived)
{
	const struct flow_tuple tuple = tuple_of(event);
	struct flow_way *way = &flow->ways[side];

	if ((arrived && flow->ways[!side].has_source) ||
	    ((arrived || !way->arrived) && !tuple_equal(&way->sent, &tuple)))
		way->arriving = tuple;
}

/* NULL: no memory. */
static struct flow_window *begin_window(struct flow *flow, unsigned side)
{
	struct flow_way *way = &flow->ways[side];

	if (way->packets_kept)
		return way->packets_kept;
	way->packets_kept = window_new();
	if (way->packets_kept && flow->log)
		log_follow(flow->log, side, way->packets_kept);
	return way->packets_kept;
}

int way_add(struct flows *flows, struct flow *flow, unsigned side, const struct vl_event *event,
	    struct way_news *news)
{
	const struct end *end = lab_end(flows->lab, event->end);
	struct flow_way *way = &flow->ways[side];
	unsigned point = way_point(way, end, event->hook);
	uint64_t number;

	*news = (struct way_news){0};
	if (!begin_window(flow, side))
		return -ENOMEM;
	if (point == POINT_NONE)
		return way->n_points == FLOW_POINTS_MAX ? 0 : -ENOMEM;
	find_source(flows, way, event, point);
	way->points[point].packets++;
	way->points[point].segments += event->other.segments ? event->other.segments : 1;
	way->points[point].payload += event->other.bytes;
	if (way->has_source ? point == way->source : way->n_points == 1)
		return add_new(flows, flow, side, point, event, news);
	number = window_match(way->packets_kept, event, point, way->points[point].cursor, false);
	if (number == UINT64_MAX) {
		if (window_match(way->packets_kept, event, point, way->points[point].cursor,
				 true) != UINT64_MAX) {
			way->copies++;
			return 0;
		}
		return add_new(flows, flow, side, point, event, news);
	}
	mark_alike(flow, way, side, event, number, point);
	news->first_here = is_first_at_end(way, number, point);
	if (cover(flows, flow, side, number, point, event, news))
		return -ENOMEM;
	note_arriving(flow, side, event, news->arrived);
	return cover_more(flows, flow, side, number, point, event);
}

/* The packet that a node dropped: that was seen there last, or the newest that fits. */
static struct flow_sent *find_dropped(const struct flow_way *way, const struct vl_event *event,
				      const struct node *node)
{
	uint64_t end = window_end(way->packets_kept), first = window_first(way->packets_kept);
	struct flow_sent *best = NULL;

	if (end > first + FLOW_REPAIRS_MAX)
		first = end - FLOW_REPAIRS_MAX;
	for (uint64_t i = end; i-- > first;) {
		struct flow_sent *sent = window_at(way->packets_kept, i);

		if (sent->dropped_bytes >= sent_size(sent) || !sent_fits(sent, event))
			continue;
		if (sent->last != POINT_NONE && way->points[sent->last].end->node == node)
			return sent;
		if (!best)
			best = sent;
	}
	return best;
}

/* A packet that was dropped before it came to any hook. */
static struct flow_sent *add_unseen(struct flow *flow, unsigned side, const struct vl_event *event)
{
	struct flow_way *way = &flow->ways[side];

	if (!way->seen)
		way->sent = way->arriving = tuple_of(event);
	return begin_window(flow, side) ? window_add(way->packets_kept, event, POINT_NONE) : NULL;
}

/* What a target drops after it acknowledged it was received: it waited to be read as the socket
 * was closed, as a FIN does that ends both. */
static bool was_received(const struct flow *flow, unsigned side, const struct flow_sent *sent,
			 const struct node *node)
{
	const struct flow_way *back = &flow->ways[!side];

	return sent->length && sent->arrived_ns && sent->arrived_at == node && back->has_ack &&
	       seq_ahead(back->ack, sent->seq + sent->length) >= 0;
}

int way_add_drop(const struct flows *flows, struct flow *flow, unsigned side,
		 const struct vl_drop *drop, const struct flow_cause *cause,
		 struct flow_sent **sent)
{
	const struct node *node = flows->lab->nodes[drop->node];
	struct flow_way *way = &flow->ways[side];
	struct flow_sent *found = way->packets_kept ? find_dropped(way, &drop->packet, node) : NULL;

	*sent = NULL;
	if (found && flow->protocol == PROTO_TCP && was_received(flow, side, found, node))
		return 0;
	way->dropped++;
	if (!found) {
		if (!node_owns(flows->lab, node, event_source(&drop->packet)))
			return 0;
		found = add_unseen(flow, side, &drop->packet);
		if (!found)
			return -ENOMEM;
		way->unsent++;
	}
	found->dropped_at = node;
	found->cause = cause;
	found->dropped_ns = drop->packet.time_ns;
	found->dropped_bytes += found->bytes && found->protocol == PROTO_TCP
					? sent_overlap(found, &drop->packet)
					: sent_size(found);
	*sent = found;
	return 0;
}
