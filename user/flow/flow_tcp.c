// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_tcp.c - what TCP says by its segments (RFC 9293): the handshake, what is sent again, out of
 * order or acknowledged twice, the end; and the round trips at each end of the lab.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/base/statistics.h"
#include "user/flow/internal.h"
#include "user/story/story.h"

enum { FLAGS_OF_CONTROL = TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST };

/* ---- round trips ------------------------------------------------------------------------------
 */

static struct flow_trip *trip_at(struct flow_way *way, const struct end *end)
{
	for (size_t i = 0; i < way->n_trips; i++)
		if (way->trips[i].end == end)
			return &way->trips[i];
	return NULL;
}

/* Of more than FLOW_SAMPLES_MAX, every second one is kept, then every fourth, and so on. */
static int add_sample(struct flow_trip *trip, uint64_t ns)
{
	if (!trip->n || ns < trip->min_ns)
		trip->min_ns = ns;
	if (ns > trip->max_ns)
		trip->max_ns = ns;
	if (!trip->every)
		trip->every = 1;
	if (trip->n++ % trip->every)
		return 0;
	if (trip->n_samples == FLOW_SAMPLES_MAX) {
		for (size_t i = 0; i < FLOW_SAMPLES_MAX / 2; i++)
			trip->samples[i] = trip->samples[2 * i];
		trip->n_samples /= 2;
		trip->every *= 2;
		return 0;
	}
	if (array_reserve_one(&trip->samples, trip->n_samples, sizeof(*trip->samples)))
		return -ENOMEM;
	trip->samples[trip->n_samples++] = ns;
	return 0;
}

/* One segment at a time is timed, as RFC 6298 allows; one that is sent again never (Karn). */
static int start_trip(struct flow_way *way, const struct end *end, uint64_t time_ns, uint32_t seq)
{
	struct flow_trip *trip = trip_at(way, end);

	if (!trip) {
		if (way->n_trips == FLOW_POINTS_MAX)
			return 0;
		if (array_reserve_one(&way->trips, way->n_trips, sizeof(*way->trips)))
			return -ENOMEM;
		trip = &way->trips[way->n_trips++];
		*trip = (struct flow_trip){.end = end};
	}
	if (!trip->from) {
		trip->from = time_ns;
		trip->seq = seq;
	}
	return 0;
}

static int add_trips(struct flow_way *way, struct flow_way *back, const struct vl_event *event,
		     const struct end *end, const struct way_news *news)
{
	const struct flow_sent *sent = news->sent;
	struct flow_trip *trip = trip_at(back, end);

	if (!sent || !news->first_here)
		return 0;
	if (trip && trip->from && event->other.tcp_flags & TCP_FLAG_ACK &&
	    seq_ahead(event->other.ack, trip->seq) >= 0) {
		uint64_t ns = event->time_ns - trip->from;

		trip->from = 0;
		if (add_sample(trip, ns))
			return -ENOMEM;
	}
	if (sent->again)
		for (size_t i = 0; i < way->n_trips; i++)
			way->trips[i].from = 0;
	if (!sent->length || sent->again || event->other.tcp_flags & TCP_FLAG_RST)
		return 0;
	return start_trip(way, end, event->time_ns, event->other.seq + seq_length(&event->other));
}

uint64_t flow_trip_median(const struct flow_trip *trip)
{
	uint64_t sorted[FLOW_SAMPLES_MAX];

	if (!trip->n_samples)
		return 0;
	memcpy(sorted, trip->samples, trip->n_samples * sizeof(*sorted));
	statistics_sort_u64(sorted, trip->n_samples);
	return sorted[statistics_rank(trip->n_samples, 0.5)];
}

const struct flow_trip *flow_way_trip(const struct flow_way *way)
{
	for (size_t i = 0; way->has_source && i < way->n_trips; i++)
		if (way->trips[i].end == way->points[way->source].end)
			return way->trips[i].n ? &way->trips[i] : NULL;
	return NULL;
}

/* ---- what is sent -----------------------------------------------------------------------------
 */

/* The packet whose sequence numbers are sent again: the newest before it that has the first of
 * them, which is what its sender waits for; or, if there is none, that has any. */
static uint64_t find_original(const struct flow_way *way, const struct flow_sent *again)
{
	uint64_t first = window_first(way->packets_kept), i = window_end(way->packets_kept) - 1;
	uint64_t newest = UINT64_MAX;

	while (i-- > first) {
		const struct flow_sent *sent = window_at(way->packets_kept, i);
		int32_t ahead = seq_ahead(again->seq, sent->seq);

		if (ahead >= 0 && (uint32_t)ahead < sent->length)
			return i;
		if (newest == UINT64_MAX && sent->length && ahead < 0 &&
		    (uint32_t)-ahead < again->length)
			newest = i;
	}
	return newest;
}

/* A keep-alive or a probe of a closed window repeats one byte that was acknowledged. */
static bool is_probe(const struct flow_way *way, const struct flow_way *back,
		     const struct flow_sent *sent)
{
	return sent->bytes <= 1 && !(sent->flags & FLAGS_OF_CONTROL) &&
	       sent->seq + 1 == way->next_seq && back->has_ack &&
	       seq_ahead(back->ack, way->next_seq) >= 0;
}

static int add_again(struct flow *flow, unsigned side, struct flow_sent *sent)
{
	struct flow_way *way = &flow->ways[side];
	uint64_t number = find_original(way, sent);
	struct flow_sent *original = window_at(way->packets_kept, number);
	const struct flow_repair repair = {.time_ns = sent->time_ns,
					   .original_ns = original ? original->time_ns : 0,
					   .seq = sent->seq,
					   .bytes = sent->bytes,
					   .way = side,
					   .tcp_flags = sent->flags,
					   .verdict = FLOW_CANNOT_TELL,
					   .missing = FLOW_NO_ORIGINAL,
					   .original = number,
					   .again = window_end(way->packets_kept) - 1};

	sent->again = true;
	if (original)
		original->repeated = true;
	way->retransmitted++;
	return repair_add(flow, &repair);
}

/* Sequence numbers of a packet where its way begins. */
static int add_seq(struct flow *flow, unsigned side, struct flow_sent *sent)
{
	struct flow_way *way = &flow->ways[side];
	uint32_t next = sent->seq + sent->length;
	int32_t ahead = seq_ahead(sent->seq, way->next_seq);

	if (!sent->length || sent->flags & TCP_FLAG_RST)
		return 0;
	if (!way->has_seq) {
		way->has_seq = true;
		way->first_seq = sent->seq;
		way->next_seq = next;
		return 0;
	}
	if (ahead > 0)
		way->skipped_bytes += ahead;
	if (ahead < 0 && !is_probe(way, &flow->ways[!side], sent) && add_again(flow, side, sent))
		return -ENOMEM;
	if (seq_ahead(next, way->next_seq) > 0)
		way->next_seq = next;
	return 0;
}

static void add_ack(struct flow *flow, unsigned side, const struct flow_sent *sent,
		    const struct vl_other *other)
{
	struct flow_way *way = &flow->ways[side], *back = &flow->ways[!side];
	bool bare = !sent->bytes && !(sent->flags & FLAGS_OF_CONTROL);

	if (sent->flags & TCP_FLAG_RST || !(sent->flags & TCP_FLAG_ACK))
		return;
	way->zero_windows += other->has_window && !other->window;
	if (way->has_ack && bare && sent->ack == way->ack && other->window == way->window &&
	    back->has_seq && seq_ahead(back->next_seq, sent->ack) > 0)
		way->dup_acks++;
	if (!way->has_ack || seq_ahead(sent->ack, way->ack) > 0)
		way->ack = sent->ack;
	way->has_ack = true;
	way->window = other->window;
	if (back->fin && seq_ahead(way->ack, back->fin_seq) >= 0)
		back->fin_acked = true;
}

/* A reset answers a packet if it has that one's acknowledgement, or acknowledges it. */
static bool answers(const struct flow_reset *reset, const struct flow_sent *sent)
{
	return sent->flags & TCP_FLAG_ACK
		       ? reset->seq == sent->ack
		       : reset->has_ack && reset->ack == sent->seq + sent->length;
}

/* The node that made a reset: that sends it first, if it does not only forward it from outside of
 * the lab, as may be where others of the way were seen first, too. */
static const struct node *reset_maker(const struct flows *flows, const struct flow_way *way,
				      const struct vl_event *event, const struct flow_sent *sent)
{
	struct ip_addr source = event_source(event);
	struct node *owner;
	struct end *end;

	if (event->hook != VL_HOOK_OUT)
		return NULL;
	if (!lab_find_address(flows->lab, &source, &owner, &end) &&
	    sent->first == (way->has_source ? way->source : 0))
		return NULL;
	return lab_end(flows->lab, event->end)->node;
}

static void add_reset(const struct flows *flows, struct flow *flow, unsigned side,
		      const struct vl_event *event, const struct flow_sent *sent)
{
	const struct flow_way *back = &flow->ways[!side];
	uint64_t last = window_end(back->packets_kept), first = window_first(back->packets_kept);
	struct flow_reset *reset = &flow->reset;

	if (reset->seen)
		return;
	*reset = (struct flow_reset){.seen = true,
				     .by = reset_maker(flows, &flow->ways[side], event, sent),
				     .way = side,
				     .answers_syn = back->syn && !flow->ways[side].syn,
				     .time_ns = event->time_ns,
				     .seq = event->other.seq,
				     .ack = event->other.ack,
				     .has_ack = event->other.tcp_flags & TCP_FLAG_ACK};
	reset->foreign = reset->by && !node_owns(flows->lab, reset->by, event_source(event));
	for (uint64_t i = last; i-- > first && last - i <= 8;) {
		const struct flow_sent *dropped = window_at(back->packets_kept, i);

		if (dropped->dropped_at && dropped->dropped_at == reset->by &&
		    answers(reset, dropped))
			reset->cause = dropped->cause;
	}
}

void tcp_dropped(struct flow *flow, unsigned side, const struct flow_sent *sent)
{
	struct flow_reset *reset = &flow->reset;

	if (reset->seen && reset->way != side && !reset->cause && reset->by == sent->dropped_at &&
	    answers(reset, sent))
		reset->cause = sent->cause;
}

static void add_control(struct flow *flow, unsigned side, const struct vl_event *event,
			struct flow_sent *sent)
{
	struct flow_way *way = &flow->ways[side];

	if (sent->flags & TCP_FLAG_SYN) {
		way->syn = true;
		if (!(sent->flags & TCP_FLAG_ACK) && !flow->syn_ns)
			flow->syn_ns = event->time_ns;
	}
	if (!side && flow->ways[1].syn && sent->flags & TCP_FLAG_ACK && !flow->established_ns &&
	    !(sent->flags & (TCP_FLAG_SYN | TCP_FLAG_RST)))
		flow->established_ns = event->time_ns;
	if (sent->flags & TCP_FLAG_FIN) {
		way->fin = true;
		way->fin_seq = sent->seq + sent->length;
	}
}

static void add_arrival(struct flow *flow, unsigned side, const struct vl_event *event,
			const struct flow_sent *sent)
{
	struct flow_way *way = &flow->ways[side];
	uint32_t next = sent->seq + sent->length;

	if (side && sent->flags & TCP_FLAG_SYN && !flow->synack_ns)
		flow->synack_ns = event->time_ns;
	if (!sent->length || sent->flags & TCP_FLAG_RST)
		return;
	if (way->has_arrived && !sent->again && seq_ahead(sent->seq, way->arrived_next) < 0)
		way->reordered++;
	if (!way->has_arrived || seq_ahead(next, way->arrived_next) > 0)
		way->arrived_next = next;
	way->has_arrived = true;
}

/* Whoever changes it makes it smaller, so a SYN that is lost before does not undo that. */
static void add_mss(struct flow_way *way, uint16_t mss, bool sender)
{
	if (!way->mss || (sender && mss < way->mss))
		way->mss = way->mss_arriving = mss;
	else if (!sender && mss < way->mss_arriving)
		way->mss_arriving = mss;
}

int tcp_add(struct flows *flows, struct flow *flow, unsigned side, const struct vl_event *event,
	    const struct way_news *news)
{
	struct flow_way *way = &flow->ways[side];
	struct flow_sent *sent = news->sent;
	/* What a node on the way makes, or was not seen where it was made, has no place in the
	 * order of what is sent. */
	bool sender = news->is_new && (!way->has_source || sent->first == way->source);

	if (event->other.tcp_flags & TCP_FLAG_SYN && event->other.mss)
		add_mss(way, event->other.mss, sender);
	if (news->is_new && sent->flags & TCP_FLAG_RST)
		add_reset(flows, flow, side, event, sent);
	if (sender) {
		add_control(flow, side, event, sent);
		if (add_seq(flow, side, sent))
			return -ENOMEM;
		add_ack(flow, side, sent, &event->other);
	}
	if (news->arrived)
		add_arrival(flow, side, event, sent);
	return add_trips(way, &flow->ways[!side], event, lab_end(flows->lab, event->end), news);
}

/* ---- what it comes to -------------------------------------------------------------------------
 */

/* Destination unreachable (RFC 792, RFC 4443 3.1), but for a packet that is too big: the flow goes
 * on with smaller ones. A time to live that ran out, too, says nothing of who is asked. */
static bool is_refused(const struct flow_error *error)
{
	if (!error->n)
		return false;
	return error->family == 6 ? error->type == 1 : error->type == 3 && error->code != 4;
}

static enum flow_state udp_state(const struct flow *flow)
{
	if (flow->ways[0].seen && flow->ways[1].seen)
		return FLOW_ANSWERED;
	return is_refused(&flow->error) ? FLOW_REFUSED : FLOW_UNANSWERED;
}

enum flow_state flow_state(const struct flow *flow)
{
	const struct flow_way *ways = flow->ways;

	if (flow->protocol != PROTO_TCP)
		return udp_state(flow);
	if (ways[0].fin_acked && ways[1].fin_acked)
		return FLOW_CLOSED;
	if (flow->reset.seen)
		return flow->reset.answers_syn ? FLOW_REFUSED : FLOW_RESET;
	if (ways[0].fin || ways[1].fin)
		return FLOW_CLOSING;
	if (flow->established_ns || flow->from_middle)
		return FLOW_ESTABLISHED;
	if (ways[1].syn)
		return FLOW_HANDSHAKE;
	return is_refused(&flow->error) ? FLOW_REFUSED : FLOW_UNANSWERED;
}

uint64_t flow_handshake_ns(const struct flow *flow)
{
	return flow->syn_ns && flow->established_ns ? flow->established_ns - flow->syn_ns : 0;
}

bool flow_is_translated(const struct flow_way *way)
{
	return !tuple_equal(&way->sent, &way->arriving);
}
