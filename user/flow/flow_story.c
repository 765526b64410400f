// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_story.c - one flow, packet by packet: those that tell what became of it are copied as they
 * leave the window of their way, and taken from there at the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/array.h"
#include "user/flow/internal.h"

struct log_way {
	struct flow_log *log;
	unsigned side;
};

struct flow_log {
	const struct flows *flows;
	const struct flow *flow;
	struct log_way ways[2];
	struct flow_packet *packets; /* that left; each owns its hops */
	size_t n, room;
	uint64_t left_out;
	bool out_of_memory;
};

struct flow_log *log_new(const struct flows *flows, const struct flow *flow)
{
	struct flow_log *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	log->flows = flows;
	log->flow = flow;
	for (unsigned side = 0; side < 2; side++)
		log->ways[side] = (struct log_way){log, side};
	return log;
}

static void free_packets(struct flow_packet *packets, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(packets[i].hops);
	free(packets);
}

void log_free(struct flow_log *log)
{
	if (!log)
		return;
	free_packets(log->packets, log->n);
	free(log);
}

static bool ends_handshake(const struct flow *flow, unsigned side, const struct flow_sent *sent)
{
	return !side && flow->established_ns && sent->time_ns == flow->established_ns;
}

/* Whether a packet is one that the story tells (flow.h). */
static bool is_told(const struct flow *flow, unsigned side, uint64_t number,
		    const struct flow_sent *sent)
{
	if (sent->dropped_at)
		return true;
	if (flow->protocol != PROTO_TCP)
		return sent->told || !number;
	return sent->flags & (TCP_FLAG_SYN | TCP_FLAG_FIN | TCP_FLAG_RST) || sent->again ||
	       sent->repeated || ends_handshake(flow, side, sent);
}

static int compare_hops(const void *a, const void *b)
{
	const struct flow_hop *one = a, *other = b;

	return (one->time_ns > other->time_ns) - (one->time_ns < other->time_ns);
}

/* Returns 0 or -ENOMEM. */
static int add_hops(struct flow_packet *packet, const struct flow_way *way)
{
	packet->hops = calloc(way->n_points + 1, sizeof(*packet->hops));
	if (!packet->hops)
		return -ENOMEM;
	for (size_t i = 0; i < way->n_points; i++) {
		uint64_t time_ns = window_time(way->packets_kept, packet->number, i);

		if (time_ns)
			packet->hops[packet->n_hops++] = (struct flow_hop){
				.end = way->points[i].end,
				.hook = way->points[i].hook,
				.time_ns = time_ns,
				.bytes = window_covered(way->packets_kept, packet->number, i)};
	}
	qsort(packet->hops, packet->n_hops, sizeof(*packet->hops), compare_hops);
	return 0;
}

/* Fill in a packet that the window of its way still has. Returns 0 or -ENOMEM. */
static int read_packet(const struct flows *flows, const struct flow *flow, unsigned side,
		       uint64_t number, struct flow_packet *packet)
{
	const struct flow_way *way = &flow->ways[side];
	const struct flow_sent *sent = window_at(way->packets_kept, number);

	*packet = (struct flow_packet){.way = side,
				       .tcp_flags = sent->flags,
				       .again = sent->again,
				       .repeated = sent->repeated,
				       .alike = sent->alike,
				       .settled = sent_is_settled(flows, sent),
				       .number = number,
				       .time_ns = sent->time_ns,
				       .arrived_ns = sent->arrived_ns,
				       .dropped_ns = sent->dropped_ns,
				       .seq = sent->seq,
				       .ack = sent->ack,
				       .bytes = sent->bytes,
				       .dropped_bytes = sent->bytes ? sent->dropped_bytes : 0,
				       .place = sent_lost(flows, flow, side, sent)};
	return add_hops(packet, way);
}

static void keep(void *arg, uint64_t number)
{
	const struct log_way *way = arg;
	struct flow_log *log = way->log;
	const struct flow_window *window = log->flow->ways[way->side].packets_kept;

	if (!is_told(log->flow, way->side, number, window_at(window, number)))
		return;
	if (log->n == FLOW_PACKETS_MAX) {
		log->left_out++;
		return;
	}
	if (array_reserve(&log->packets, &log->room, log->n + 1, sizeof(*log->packets)) ||
	    read_packet(log->flows, log->flow, way->side, number, &log->packets[log->n])) {
		log->out_of_memory = true;
		return;
	}
	log->packets[log->n++].settled = true;
}

void log_follow(struct flow_log *log, unsigned side, struct flow_window *window)
{
	window_follow(window, keep, &log->ways[side]);
}

/* ---- the story --------------------------------------------------------------------------------
 */

void flow_story_free(struct flow_story *story)
{
	free_packets(story->packets, story->n_packets);
	*story = (struct flow_story){0};
}

static int compare_packets(const void *a, const void *b)
{
	const struct flow_packet *one = a, *other = b;

	if (one->time_ns != other->time_ns)
		return one->time_ns < other->time_ns ? -1 : 1;
	if (one->way != other->way)
		return one->way - other->way;
	return (one->number > other->number) - (one->number < other->number);
}

static struct flow_packet *find(const struct flow_story *story, uint64_t time_ns, unsigned way,
				uint64_t number)
{
	const struct flow_packet key = {.time_ns = time_ns, .way = way, .number = number};

	return bsearch(&key, story->packets, story->n_packets, sizeof(key), compare_packets);
}

/* Append a packet, by copying one that left or reading one that is there. */
static int append(struct flow_story *story, const struct flow_packet *left)
{
	struct flow_packet *packet = &story->packets[story->n_packets];

	*packet = *left;
	packet->hops = calloc(left->n_hops + 1, sizeof(*left->hops));
	if (!packet->hops)
		return -ENOMEM;
	memcpy(packet->hops, left->hops, left->n_hops * sizeof(*left->hops));
	story->n_packets++;
	return 0;
}

static int append_kept(const struct flows *flows, const struct flow *flow, unsigned side,
		       struct flow_story *story)
{
	const struct flow_window *window = flow->ways[side].packets_kept;

	for (uint64_t i = window_first(window); i < window_end(window); i++) {
		if (!is_told(flow, side, i, window_at(window, i)))
			continue;
		if (story->n_packets == FLOW_PACKETS_MAX) {
			story->left_out++;
			continue;
		}
		if (read_packet(flows, flow, side, i, &story->packets[story->n_packets]))
			return -ENOMEM;
		story->n_packets++;
	}
	return 0;
}

static void join_repairs(const struct flow *flow, struct flow_story *story)
{
	for (size_t i = 0; i < flow->n_repairs; i++) {
		const struct flow_repair *repair = &flow->repairs[i];
		bool tcp = flow->protocol == PROTO_TCP;
		struct flow_packet *packet = find(story, repair->time_ns, repair->way,
						  tcp ? repair->again : repair->original);
		const struct flow_packet *original =
			find(story, repair->original_ns, repair->way, repair->original);

		if (!packet)
			continue;
		packet->repair = repair;
		packet->first_ns =
			original && original->again ? original->first_ns : repair->original_ns;
	}
}

/* Where records were lost, that nothing was seen of a packet says nothing. */
static void forget_places(const struct flows *flows, struct flow_story *story)
{
	for (size_t i = 0; i < story->n_packets && flows->totals.lost_records; i++)
		if (story->packets[i].place.how != FLOW_DROPPED)
			story->packets[i].place = (struct flow_place){0};
}

static const struct flow_packet *find_decisive(const struct flow *flow,
					       const struct flow_story *story)
{
	const uint8_t shown = TCP_FLAG_SYN | TCP_FLAG_ACK | TCP_FLAG_RST;
	enum flow_state state = flow_state(flow);
	bool reset = (state == FLOW_RESET || state == FLOW_REFUSED) && flow->reset.seen;
	unsigned way = reset ? flow->reset.way : state == FLOW_HANDSHAKE;
	const struct flow_packet *decides = NULL;

	if (!reset && state != FLOW_HANDSHAKE && state != FLOW_UNANSWERED && state != FLOW_REFUSED)
		return NULL;
	for (size_t i = 0; i < story->n_packets; i++) {
		const struct flow_packet *packet = &story->packets[i];

		if (packet->way != way)
			continue;
		if (flow->protocol != PROTO_TCP)
			return packet;
		if (reset && packet->tcp_flags & TCP_FLAG_RST &&
		    packet->time_ns == flow->reset.time_ns)
			return packet;
		if (!reset && (packet->tcp_flags & shown) ==
				      (way ? TCP_FLAG_SYN | TCP_FLAG_ACK : TCP_FLAG_SYN))
			decides = packet;
	}
	return decides;
}

int flow_story_make(const struct flows *flows, const struct flow *flow, struct flow_story *story)
{
	const struct flow_log *log = flow->log;
	cleanup_flow_story struct flow_story made = {0};

	if (!log)
		return -EINVAL;
	if (log->out_of_memory)
		return -ENOMEM;
	made.packets = calloc(FLOW_PACKETS_MAX, sizeof(*made.packets));
	if (!made.packets)
		return -ENOMEM;
	made.left_out = log->left_out;
	for (size_t i = 0; i < log->n; i++)
		if (append(&made, &log->packets[i]))
			return -ENOMEM;
	for (unsigned side = 0; side < 2; side++)
		if (append_kept(flows, flow, side, &made))
			return -ENOMEM;
	qsort(made.packets, made.n_packets, sizeof(*made.packets), compare_packets);
	forget_places(flows, &made);
	join_repairs(flow, &made);
	made.decides = find_decisive(flow, &made);
	*story = made;
	made = (struct flow_story){0};
	return 0;
}
