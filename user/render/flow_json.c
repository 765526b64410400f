// SPDX-License-Identifier: GPL-2.0-only
/* flow_json.c - flows as JSON: docs/schema/flows.json, docs/schema/flow.json. */
#include <string.h>
#include <sys/socket.h>

#include "bpf/wire_other.h"
#include "user/base/hook_word.h"
#include "user/output/output.h"
#include "user/render/flow_text.h"

static const char *const verdict_words[] = {
	[FLOW_ORIGINAL_LOST] = "original lost",
	[FLOW_ORIGINAL_LATE] = "original late",
	[FLOW_BEHIND_HOLE] = "behind a hole",
	[FLOW_NOT_ACKED] = "not acknowledged",
	[FLOW_ACK_LOST] = "acknowledgement lost",
	[FLOW_ACK_LATE] = "acknowledgement late",
	[FLOW_SPURIOUS] = "spurious",
	[FLOW_CANNOT_TELL] = "cannot tell",
};
static const char *const missing_words[] = {
	[FLOW_NO_ORIGINAL] = "no original",	[FLOW_ALIKE] = "alike",
	[FLOW_NO_RECEIVER] = "no receiver",	[FLOW_LOST_RECORDS] = "lost records",
	[FLOW_NO_ACKS] = "no acknowledgements",
};

const char *flow_verdict_word(enum flow_verdict verdict)
{
	return verdict_words[verdict];
}

const char *flow_missing_word(enum flow_missing missing)
{
	return missing_words[missing];
}

static void set_text(json_t *object, const char *key, const char *text)
{
	output_json_set(object, key, output_json_text(text));
}

static void set_number(json_t *object, const char *key, uint64_t number)
{
	output_json_set(object, key, json_integer(number));
}

static json_t *side_json(const struct lab *lab, const struct flow_tuple *tuple, bool to)
{
	struct ip_addr addr = {.family = tuple->family == 6 ? AF_INET6 : AF_INET};
	json_t *side = json_object();
	char text[IP_TEXT_SIZE];
	struct node *node;
	struct end *end;

	memcpy(addr.bytes, to ? tuple->dst : tuple->src, tuple->family == 6 ? 16 : 4);
	set_text(side, "address", ip_format(&addr, text, sizeof(text)));
	set_number(side, "port", to ? tuple->to_port : tuple->from_port);
	if (!lab_find_address(lab, &addr, &node, &end))
		return side;
	set_text(side, "node", node->name);
	if (end)
		set_text(side, "end", end->name);
	return side;
}

static json_t *trips_json(const struct flow_way *way)
{
	json_t *trips = json_array();

	for (size_t i = 0; i < way->n_trips; i++) {
		const struct flow_trip *trip = &way->trips[i];
		json_t *one;

		if (!trip->n)
			continue;
		one = json_object();
		set_text(one, "end", trip->end->name);
		set_number(one, "count", trip->n);
		set_number(one, "min_ns", trip->min_ns);
		set_number(one, "p50_ns", flow_trip_median(trip));
		set_number(one, "max_ns", trip->max_ns);
		output_json_append(trips, one);
	}
	return trips;
}

static json_t *points_json(const struct flow_way *way)
{
	json_t *points = json_array();

	for (size_t i = 0; i < way->n_points; i++) {
		const struct flow_point *point = &way->points[i];
		json_t *one = json_object();

		set_text(one, "end", point->end->name);
		set_text(one, "hook", hook_word(point->hook));
		set_number(one, "packets", point->packets);
		set_number(one, "frames", point->segments);
		set_number(one, "payload_bytes", point->payload);
		output_json_append(points, one);
	}
	return points;
}

static json_t *way_json(const struct flow_way *way, const struct lab *lab, bool tcp)
{
	json_t *one = json_object();

	output_json_set(one, "from", side_json(lab, &way->sent, false));
	output_json_set(one, "to", side_json(lab, &way->sent, true));
	if (flow_is_translated(way)) {
		output_json_set(one, "arrives_from", side_json(lab, &way->arriving, false));
		output_json_set(one, "arrives_to", side_json(lab, &way->arriving, true));
	}
	set_number(one, "packets", way->packets);
	set_number(one, "frames", way->segments);
	set_number(one, "gso_packets", way->gso);
	set_number(one, "payload_bytes", way->payload);
	set_number(one, "wire_bytes", way->wire);
	set_number(one, "arrived", way->arrived);
	set_number(one, "dropped", way->dropped);
	set_number(one, "never_sent", way->unsent);
	set_number(one, "copies", way->copies);
	set_number(one, "strays", way->strays);
	output_json_set(one, "hooks", points_json(way));
	if (!tcp)
		return one;
	set_number(one, "retransmitted", way->retransmitted);
	set_number(one, "reordered", way->reordered);
	set_number(one, "dup_acks", way->dup_acks);
	set_number(one, "zero_windows", way->zero_windows);
	set_number(one, "skipped_bytes", way->skipped_bytes);
	if (way->mss) {
		set_number(one, "mss", way->mss);
		set_number(one, "mss_arriving", way->mss_arriving);
	}
	output_json_set(one, "round_trips", trips_json(way));
	return one;
}

static json_t *place_json(const struct flow_place *place)
{
	static const char *const words[] = {"unknown", "dropped", "link", "node"};
	json_t *one = json_object();

	set_text(one, "where", words[place->how]);
	if (place->node)
		set_text(one, "node", place->node->name);
	if (place->end)
		set_text(one, "last_end", place->end->name);
	if (place->how == FLOW_LEFT) {
		set_text(one, "next_end", place->end->peer->name);
		output_json_set(one, "next_end_saw_nothing", json_boolean(place->silent));
	}
	if (place->cause) {
		set_text(one, "reason", place->cause->reason);
		if (*place->cause->function)
			set_text(one, "function", place->cause->function);
	}
	return one;
}

static json_t *tallies_json(const struct flow *flow)
{
	json_t *tallies = json_array();

	for (size_t i = 0; i < flow->n_tallies; i++) {
		const struct flow_tally *tally = &flow->tallies[i];
		json_t *one = json_object();

		set_number(one, "way", tally->way);
		set_number(one, "count", tally->n);
		set_text(one, "verdict", flow_verdict_word(tally->verdict));
		if (tally->missing)
			set_text(one, "missing", flow_missing_word(tally->missing));
		if (tally->verdict == FLOW_ORIGINAL_LOST || tally->verdict == FLOW_ACK_LOST)
			output_json_set(one, "place", place_json(&tally->place));
		output_json_append(tallies, one);
	}
	return tallies;
}

static json_t *reset_json(const struct flow_reset *reset)
{
	json_t *one = json_object();

	if (reset->by)
		set_text(one, "by", reset->by->name);
	set_number(one, "way", reset->way);
	output_json_set(one, "answers_syn", json_boolean(reset->answers_syn));
	output_json_set(one, "not_its_address", json_boolean(reset->foreign));
	if (reset->cause) {
		set_text(one, "reason", reset->cause->reason);
		set_text(one, "function", reset->cause->function);
	}
	return one;
}

static json_t *error_json(const struct flow_error *error)
{
	json_t *one = json_object();

	if (error->by)
		set_text(one, "by", error->by->name);
	set_number(one, "type", error->type);
	set_number(one, "code", error->code);
	set_number(one, "count", error->n);
	return one;
}

static json_t *error_drop_json(const struct flow_error_drop *drop)
{
	json_t *one = json_object();

	set_text(one, "by", drop->by->name);
	set_number(one, "type", drop->type);
	set_number(one, "code", drop->code);
	set_number(one, "count", drop->n);
	set_text(one, "reason", drop->cause->reason);
	set_text(one, "function", drop->cause->function);
	return one;
}

json_t *flow_as_json(const struct flow *flow, const struct lab *lab, uint64_t zero_ns)
{
	bool tcp = flow->protocol == PROTO_TCP;
	json_t *one = json_object(), *ways = json_array();

	set_number(one, "id", flow->id);
	set_text(one, "protocol", tcp ? "tcp" : "udp");
	set_number(one, "family", flow->family);
	set_text(one, "state", flow_state_word(flow_state(flow)));
	output_json_set(one, "begins_ns", json_integer((int64_t)(flow->first_ns - zero_ns)));
	output_json_set(one, "last_ns", json_integer((int64_t)(flow->last_ns - zero_ns)));
	if (tcp)
		output_json_set(one, "from_its_middle", json_boolean(flow->from_middle));
	if (flow_handshake_ns(flow))
		set_number(one, "handshake_ns", flow_handshake_ns(flow));
	if (flow->reset.seen)
		output_json_set(one, "reset", reset_json(&flow->reset));
	if (flow->error.n)
		output_json_set(one, "icmp_error", error_json(&flow->error));
	if (flow->error_drop.n)
		output_json_set(one, "icmp_errors_dropped", error_drop_json(&flow->error_drop));
	for (unsigned side = 0; side < 2; side++)
		output_json_append(ways, way_json(&flow->ways[side], lab, tcp));
	output_json_set(one, "ways", ways);
	output_json_set(one, tcp ? "sent_again" : "losses", tallies_json(flow));
	set_number(one, "not_judged", flow->repairs_left_out);
	return one;
}

json_t *flows_as_json(const struct flows *flows, const struct lab *lab, uint64_t zero_ns)
{
	struct flows_totals totals = flows_totals(flows);
	json_t *document = output_json_document("vethlab.flows/1"), *list = json_array();

	set_text(document, "lab", lab->name);
	set_number(document, "seen", totals.seen);
	set_number(document, "table_size", totals.most);
	set_number(document, "left", totals.left);
	set_number(document, "left_open", totals.left_open);
	set_number(document, "lost_records", totals.lost_records);
	for (const struct flow *flow = NULL; (flow = flows_next(flows, flow));)
		if (flow->chosen)
			output_json_append(list, flow_as_json(flow, lab, zero_ns));
	output_json_set(document, "flows", list);
	return document;
}

static void set_time(json_t *object, const char *key, uint64_t ns, uint64_t zero_ns)
{
	output_json_set(object, key, json_integer((int64_t)(ns - zero_ns)));
}

static json_t *hops_json(const struct flow_packet *packet, uint64_t zero_ns)
{
	json_t *hops = json_array();

	for (size_t i = 0; i < packet->n_hops; i++) {
		const struct flow_hop *hop = &packet->hops[i];
		json_t *one = output_json_end(hop->end);

		set_text(one, "hook", hook_word(hop->hook));
		set_time(one, "at_ns", hop->time_ns, zero_ns);
		if (packet->bytes)
			set_number(one, "bytes", hop->bytes);
		output_json_append(hops, one);
	}
	return hops;
}

static json_t *repair_json(const struct flow_repair *repair, uint64_t zero_ns)
{
	json_t *one = json_object();

	if (repair->original_ns)
		set_time(one, "original_at_ns", repair->original_ns, zero_ns);
	set_text(one, "verdict", flow_verdict_word(repair->verdict));
	if (repair->missing)
		set_text(one, "missing", flow_missing_word(repair->missing));
	if (repair->verdict == FLOW_ORIGINAL_LOST || repair->verdict == FLOW_ACK_LOST)
		output_json_set(one, "place", place_json(&repair->place));
	return one;
}

static json_t *packet_json(const struct flow *flow, const struct flow_packet *packet,
			   uint64_t zero_ns)
{
	bool tcp = flow->protocol == PROTO_TCP;
	json_t *one = json_object();

	set_number(one, "way", packet->way);
	set_text(one, "kind", flow_packet_word(flow, packet));
	set_time(one, "at_ns", packet->time_ns, zero_ns);
	set_number(one, "payload_bytes", packet->bytes);
	if (tcp) {
		set_number(one, "seq", packet->seq);
		if (packet->tcp_flags & TCP_FLAG_ACK)
			set_number(one, "ack", packet->ack);
		output_json_set(one, "sent_again", json_boolean(packet->again));
	}
	output_json_set(one, "alike", json_boolean(packet->alike));
	output_json_set(one, "settled", json_boolean(packet->settled));
	if (packet->arrived_ns)
		set_time(one, "arrived_at_ns", packet->arrived_ns, zero_ns);
	if (packet->dropped_ns)
		set_time(one, "dropped_at_ns", packet->dropped_ns, zero_ns);
	if (packet->place.how != FLOW_LOST_NOWHERE)
		output_json_set(one, "lost", place_json(&packet->place));
	if (packet->repair && packet->again)
		output_json_set(one, "why", repair_json(packet->repair, zero_ns));
	output_json_set(one, "hops", hops_json(packet, zero_ns));
	return one;
}

json_t *flow_story_as_json(const struct flows *flows, const struct flow *flow,
			   const struct flow_story *story, const struct lab *lab, uint64_t zero_ns)
{
	json_t *document = output_json_document("vethlab.flow/1"), *packets = json_array();
	char words[FLOW_LINE_SIZE];

	set_text(document, "lab", lab->name);
	set_number(document, "lost_records", flows_totals(flows).lost_records);
	output_json_set(document, "flow", flow_as_json(flow, lab, zero_ns));
	for (size_t i = 0; i < story->n_packets; i++)
		output_json_append(packets, packet_json(flow, &story->packets[i], zero_ns));
	output_json_set(document, "packets", packets);
	set_number(document, "packets_left_out", story->left_out);
	if (story->decides)
		set_number(document, "decided_by", (uint64_t)(story->decides - story->packets));
	set_text(document, "verdict", flow_end_words(flow, story, lab, words));
	return document;
}
