// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_verdict.c - why a segment was sent again, and where a packet was lost. Judged by what was
 * seen until it was sent again, and by what came late.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/array.h"
#include "user/flow/internal.h"

/* What has not arrived after so long, or behind so many packets, does not arrive. */
static const uint64_t settled_ns = 1000000000;
enum { SETTLED_PACKETS = 16384 };
enum { ACKS_MAX = 4096 }; /* acknowledgements that are looked at for one retransmission */

struct flow_place sent_place(const struct flows *flows, const struct flow_way *way,
			     const struct flow_sent *sent)
{
	const struct flow_point *last = sent->last == POINT_NONE ? NULL : &way->points[sent->last];
	struct flow_place place = {.end = last ? last->end : NULL};

	if (sent->dropped_at) {
		place.how = FLOW_DROPPED;
		place.node = sent->dropped_at;
		place.cause = sent->cause;
	} else if (last && last->hook == VL_HOOK_OUT) {
		place.how = FLOW_LEFT;
		place.silent = !flows->seen_in[2 * last->end->link->index +
					       (last->end != last->end->link->ends[1])];
	} else if (last) {
		place.how = FLOW_ENTERED;
		place.node = last->end->node;
	}
	return place;
}

int repair_add(struct flow *flow, const struct flow_repair *repair)
{
	if (flow->n_repairs == FLOW_REPAIRS_MAX) {
		flow->repairs_left_out++;
		return 0;
	}
	if (array_reserve(&flow->repairs, &flow->repairs_room, flow->n_repairs + 1,
			  sizeof(*flow->repairs)))
		return -ENOMEM;
	flow->repairs[flow->n_repairs++] = *repair;
	return 0;
}

/* Whether it is known which node the packets of a way are for. */
static bool has_receiver(const struct flows *flows, const struct flow *flow, unsigned side)
{
	const struct flow_way *way = &flow->ways[side];
	struct ip_addr addr = {.family = flow->family == 6 ? AF_INET6 : AF_INET};
	struct node *node;
	struct end *end;

	memcpy(addr.bytes, way->arriving.dst, flow->family == 6 ? 16 : 4);
	return way->target || flow->ways[!side].maker ||
	       lab_find_address(flows->lab, &addr, &node, &end);
}

struct flow_place sent_lost(const struct flows *flows, const struct flow *flow, unsigned side,
			    const struct flow_sent *sent)
{
	if (!sent->dropped_at && (sent->arrived_ns || sent->alike || flows->totals.lost_records ||
				  !has_receiver(flows, flow, side)))
		return (struct flow_place){0};
	return sent_place(flows, &flow->ways[side], sent);
}

bool sent_is_settled(const struct flows *flows, const struct flow_sent *sent)
{
	return flows->newest_ns >= sent->time_ns + settled_ns;
}

static void cannot_tell(struct flow_repair *repair, enum flow_missing missing)
{
	repair->place = (struct flow_place){0};
	repair->verdict = FLOW_CANNOT_TELL;
	repair->missing = missing;
}

static void tell_lost(const struct flows *flows, struct flow_repair *repair,
		      enum flow_verdict verdict, struct flow_place place)
{
	/* A drop of the kernel is sure; that nothing was seen is not, where records are missing. */
	if (place.how == FLOW_LOST_NOWHERE)
		return cannot_tell(repair, FLOW_NO_ORIGINAL);
	if (place.how != FLOW_DROPPED && flows->totals.lost_records)
		return cannot_tell(repair, FLOW_LOST_RECORDS);
	repair->verdict = verdict;
	repair->place = place;
}

/* That no acknowledgement was sent follows from no record of it, where it would have been seen. */
static void tell_not_acked(const struct flows *flows, const struct flow_way *back,
			   struct flow_repair *repair, enum flow_verdict verdict)
{
	if (flows->totals.lost_records)
		return cannot_tell(repair, FLOW_LOST_RECORDS);
	if (!back->has_source)
		return cannot_tell(repair, FLOW_NO_ACKS);
	repair->verdict = verdict;
}

/* Of an original that arrived: what became of the acknowledgements that the other side sent. */
static void judge_acks(const struct flows *flows, const struct flow *flow,
		       struct flow_repair *repair, const struct flow_sent *original)
{
	const struct flow_way *back = &flow->ways[!repair->way];
	uint32_t wanted = original->seq + original->length, highest = original->seq;
	const struct flow_sent *last = NULL;
	uint64_t i = window_since(back->packets_kept, original->arrived_ns), n = 0;
	bool late = false;

	for (; i < window_end(back->packets_kept) && n < ACKS_MAX; i++, n++) {
		const struct flow_sent *ack = window_at(back->packets_kept, i);

		if (ack->time_ns >= repair->time_ns)
			break;
		if (!(ack->flags & TCP_FLAG_ACK))
			continue;
		highest = ack->ack;
		if (seq_ahead(ack->ack, wanted) < 0)
			continue;
		if (ack->arrived_ns && ack->arrived_ns < repair->time_ns) {
			repair->verdict = FLOW_SPURIOUS;
			return;
		}
		late |= ack->arrived_ns != 0;
		last = ack;
	}
	if (late)
		repair->verdict = FLOW_ACK_LATE;
	else if (last && last->alike)
		cannot_tell(repair, FLOW_ALIKE);
	else if (last)
		tell_lost(flows, repair, FLOW_ACK_LOST, sent_place(flows, back, last));
	else
		tell_not_acked(flows, back, repair,
			       seq_ahead(highest, original->seq) < 0 ? FLOW_BEHIND_HOLE
								     : FLOW_NOT_ACKED);
}

void verdict_judge(const struct flows *flows, const struct flow *flow, struct flow_repair *repair)
{
	const struct flow_way *way = &flow->ways[repair->way];
	const struct flow_sent *original = window_at(way->packets_kept, repair->original);

	if (!original)
		return cannot_tell(repair, FLOW_NO_ORIGINAL);
	repair->missing = FLOW_HAS_ALL;
	repair->place = (struct flow_place){0};
	if (original->dropped_at)
		return tell_lost(flows, repair, FLOW_ORIGINAL_LOST,
				 sent_place(flows, way, original));
	if (original->alike)
		return cannot_tell(repair, FLOW_ALIKE);
	if (!original->arrived_ns) {
		if (!has_receiver(flows, flow, repair->way))
			return cannot_tell(repair, FLOW_NO_RECEIVER);
		return tell_lost(flows, repair, FLOW_ORIGINAL_LOST,
				 sent_place(flows, way, original));
	}
	if (original->arrived_ns >= repair->time_ns)
		repair->verdict = FLOW_ORIGINAL_LATE;
	else
		judge_acks(flows, flow, repair, original);
}

void verdict_judge_all(const struct flows *flows, struct flow *flow, bool for_now)
{
	for (size_t i = flow->n_judged; i < flow->n_repairs; i++) {
		struct flow_repair *repair = &flow->repairs[i];
		bool settled = flows->newest_ns >= repair->time_ns + settled_ns ||
			       window_end(flow->ways[repair->way].packets_kept) >=
				       repair->again + SETTLED_PACKETS;

		if (!settled && !for_now)
			break;
		if (flow->protocol == PROTO_TCP)
			verdict_judge(flows, flow, repair);
		if (settled && i == flow->n_judged)
			flow->n_judged++;
	}
}

static void withdraw(struct flow *flow, unsigned side, uint64_t number)
{
	for (size_t i = flow->n_repairs; i-- > 0;) {
		struct flow_repair *repair = &flow->repairs[i];

		if (repair->way != side || repair->original != number)
			continue;
		memmove(repair, repair + 1, (flow->n_repairs - i - 1) * sizeof(*repair));
		flow->n_repairs--;
		flow->n_judged -= i < flow->n_judged;
		return;
	}
	flow->repairs_left_out--; /* there was no room for it */
}

/* Whether the acknowledgements that a repair is judged by are all kept. */
static bool keeps_acks(const struct flow *flow, const struct flow_repair *repair)
{
	const struct flow_window *back = flow->ways[!repair->way].packets_kept;
	const struct flow_sent *original =
		window_at(flow->ways[repair->way].packets_kept, repair->original);

	return original && (!window_first(back) ||
			    window_since(back, original->arrived_ns) > window_first(back));
}

void verdict_arrived(const struct flows *flows, struct flow *flow, unsigned side, uint64_t number)
{
	struct flow_sent *sent = window_at(flow->ways[side].packets_kept, number);

	if (sent->told) {
		withdraw(flow, side, number);
		sent->told = false;
	}
	if (flow->protocol != PROTO_TCP ||
	    (!sent->repeated && sent->arrived_ns < sent->time_ns + settled_ns))
		return;
	for (size_t i = 0; i < flow->n_judged; i++) {
		struct flow_repair *repair = &flow->repairs[i];

		if (repair->way == side
			    ? repair->verdict == FLOW_ORIGINAL_LOST && repair->original == number
			    : repair->verdict == FLOW_ACK_LOST && keeps_acks(flow, repair))
			verdict_judge(flows, flow, repair);
	}
}

int verdict_datagrams(const struct flows *flows, struct flow *flow, unsigned side,
		      uint64_t before_ns)
{
	struct flow_way *way = &flow->ways[side];

	for (uint64_t i = window_first(way->packets_kept); i < window_end(way->packets_kept); i++) {
		struct flow_sent *sent = window_at(way->packets_kept, i);
		struct flow_repair repair = {
			.time_ns = sent->time_ns, .bytes = sent->bytes, .way = side, .original = i};

		if (sent->time_ns >= before_ns)
			break;
		if (sent->told || (sent->arrived_ns && !sent->dropped_at))
			continue;
		if (!sent->dropped_at && flows->newest_ns < sent->time_ns + settled_ns)
			break;
		if (!sent->dropped_at && !has_receiver(flows, flow, side))
			cannot_tell(&repair, FLOW_NO_RECEIVER);
		else
			tell_lost(flows, &repair, FLOW_ORIGINAL_LOST, sent_place(flows, way, sent));
		sent->told = true;
		if (repair_add(flow, &repair))
			return -ENOMEM;
	}
	return 0;
}

static bool same_place(const struct flow_place *a, const struct flow_place *b)
{
	return a->how == b->how && a->node == b->node && a->cause == b->cause &&
	       (a->how == FLOW_DROPPED || a->end == b->end);
}

static struct flow_tally *find_tally(struct flow *flow, const struct flow_repair *repair)
{
	for (size_t i = 0; i < flow->n_tallies; i++) {
		struct flow_tally *tally = &flow->tallies[i];

		if (tally->way == repair->way && tally->verdict == repair->verdict &&
		    tally->missing == repair->missing && same_place(&tally->place, &repair->place))
			return tally;
	}
	return NULL;
}

int verdict_sum(const struct flows *flows, struct flow *flow)
{
	flow->n_tallies = 0;
	for (size_t i = 0; i < flow->n_repairs; i++) {
		struct flow_repair *repair = &flow->repairs[i];
		struct flow_tally *tally;

		/* A recording says at its end that records were lost. */
		if (repair->verdict == FLOW_ORIGINAL_LOST || repair->verdict == FLOW_ACK_LOST)
			tell_lost(flows, repair, repair->verdict, repair->place);
		if (repair->verdict == FLOW_BEHIND_HOLE || repair->verdict == FLOW_NOT_ACKED)
			tell_not_acked(flows, &flow->ways[!repair->way], repair, repair->verdict);
		tally = find_tally(flow, repair);
		if (!tally) {
			if (array_reserve_one(&flow->tallies, flow->n_tallies,
					      sizeof(*flow->tallies)))
				return -ENOMEM;
			tally = &flow->tallies[flow->n_tallies++];
			*tally = (struct flow_tally){.way = repair->way,
						     .verdict = repair->verdict,
						     .missing = repair->missing,
						     .place = repair->place};
		}
		tally->n++;
	}
	return 0;
}
