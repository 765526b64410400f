// SPDX-License-Identifier: GPL-2.0-only
/* flow_text.c - flows as text: a line each, and what went wrong with it below. */
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include "bpf/wire_other.h"
#include "user/base/drop_causes.h"
#include "user/output/output.h"
#include "user/render/event_text.h"
#include "user/render/flow_text.h"

static const char *const state_words[] = {"handshake", "established", "closing",   "closed",
					  "reset",     "refused",     "no answer", "answered"};

const char *flow_state_word(enum flow_state state)
{
	return state_words[state];
}

static struct ip_addr address_of(const struct flow_tuple *tuple, bool to)
{
	struct ip_addr addr = {.family = tuple->family == 6 ? AF_INET6 : AF_INET};

	memcpy(addr.bytes, to ? tuple->dst : tuple->src, tuple->family == 6 ? 16 : 4);
	return addr;
}

const char *flow_side_name(const struct lab *lab, const struct flow_tuple *tuple, bool to,
			   char buf[FLOW_NAME_SIZE])
{
	struct ip_addr addr = address_of(tuple, to);
	unsigned port = to ? tuple->to_port : tuple->from_port;
	char text[IP_TEXT_SIZE];
	struct node *node;
	struct end *end;

	if (lab_find_address(lab, &addr, &node, &end))
		snprintf(buf, FLOW_NAME_SIZE, "%s:%u", node->name, port);
	else
		snprintf(buf, FLOW_NAME_SIZE, tuple->family == 6 ? "[%s]:%u" : "%s:%u",
			 ip_format(&addr, text, sizeof(text)), port);
	return buf;
}

const char *flow_state_words(const struct flow *flow, char buf[FLOW_WORDS_SIZE])
{
	enum flow_state state = flow_state(flow);
	const struct node *by = NULL;

	if (state == FLOW_RESET || state == FLOW_REFUSED)
		by = flow->reset.seen ? flow->reset.by : flow->error.by;
	snprintf(buf, FLOW_WORDS_SIZE, "%s%s%s", state_words[state], by ? " by " : "",
		 by ? by->name : "");
	return buf;
}

const char *flow_cause_words(const struct flow_cause *cause, char buf[FLOW_WORDS_SIZE])
{
	const char *meaning = drop_classify(cause->reason, cause->function).meaning;

	snprintf(buf, FLOW_WORDS_SIZE, "%s%s%s%s%s", cause->reason, *cause->function ? " at " : "",
		 cause->function, meaning ? ": " : "", meaning ? meaning : "");
	return buf;
}

const char *flow_error_drop_words(const struct flow *flow, char buf[FLOW_LINE_SIZE])
{
	const struct flow_error_drop *drop = &flow->error_drop;
	char cause[FLOW_WORDS_SIZE], error[ICMP_TEXT_SIZE], times[48] = "";

	if (!drop->n)
		return NULL;
	if (drop->n > 1)
		snprintf(times, sizeof(times), " %" PRIu64 " times", drop->n);
	snprintf(buf, FLOW_LINE_SIZE, "%s dropped an ICMP error about it%s, \"%s\": %s",
		 drop->by->name, times,
		 icmp_text(drop->family, drop->type, drop->code, drop->info, error),
		 flow_cause_words(drop->cause, cause));
	return buf;
}

const char *flow_place_words(const struct flow_place *place, char buf[FLOW_WORDS_SIZE])
{
	char cause[FLOW_WORDS_SIZE];

	switch (place->how) {
	case FLOW_DROPPED:
		snprintf(buf, FLOW_WORDS_SIZE, "%.127s dropped it: %.383s", place->node->name,
			 flow_cause_words(place->cause, cause));
		break;
	case FLOW_LEFT:
		snprintf(buf, FLOW_WORDS_SIZE, "it left %s and %s %s%s", place->end->name,
			 place->silent ? "was not seen at" : "did not reach",
			 place->end->peer->name, place->silent ? ", as nothing else was" : "");
		break;
	case FLOW_ENTERED:
		snprintf(buf, FLOW_WORDS_SIZE, "it reached %s and was not seen to go on",
			 place->end->name);
		break;
	default:
		snprintf(buf, FLOW_WORDS_SIZE, "nobody saw where");
	}
	return buf;
}

static const char *missing_words(enum flow_missing missing)
{
	switch (missing) {
	case FLOW_NO_ORIGINAL:
		return "there is no record of what was sent first";
	case FLOW_ALIKE:
		return "it and what was sent first have the same timestamp and identification, so "
		       "records of them cannot be told apart";
	case FLOW_NO_RECEIVER:
		return "no node of the lab has the address that it is for, and nothing came back";
	case FLOW_LOST_RECORDS:
		return "records were lost, and those that are left do not tell it";
	case FLOW_NO_ACKS:
		return "the original arrived, but nothing was seen to leave a node that has its "
		       "receiver's address";
	default:
		return "";
	}
}

const char *flow_verdict_words(const struct flow *flow, enum flow_verdict verdict,
			       enum flow_missing missing, const struct flow_place *place,
			       char buf[FLOW_WORDS_SIZE])
{
	bool tcp = flow->protocol == PROTO_TCP;
	char where[FLOW_WORDS_SIZE];

	switch (verdict) {
	case FLOW_ORIGINAL_LOST:
		snprintf(buf, FLOW_WORDS_SIZE, "%s%s", tcp ? "the original was lost: " : "",
			 flow_place_words(place, where));
		break;
	case FLOW_ORIGINAL_LATE:
		snprintf(buf, FLOW_WORDS_SIZE,
			 "the original arrived, but later than it was sent again");
		break;
	case FLOW_BEHIND_HOLE:
		snprintf(buf, FLOW_WORDS_SIZE,
			 "the original arrived; bytes before it had not, so nothing acknowledged "
			 "it");
		break;
	case FLOW_NOT_ACKED:
		snprintf(buf, FLOW_WORDS_SIZE,
			 "the original arrived; its acknowledgement had not been sent by then");
		break;
	case FLOW_ACK_LOST:
		snprintf(buf, FLOW_WORDS_SIZE,
			 "the original arrived; its acknowledgement was lost: %s",
			 flow_place_words(place, where));
		break;
	case FLOW_ACK_LATE:
		snprintf(buf, FLOW_WORDS_SIZE,
			 "the original arrived; its acknowledgement came later than it was sent "
			 "again");
		break;
	case FLOW_SPURIOUS:
		snprintf(buf, FLOW_WORDS_SIZE,
			 "the original arrived and was acknowledged: spurious");
		break;
	default:
		snprintf(buf, FLOW_WORDS_SIZE, "cannot tell: %s", missing_words(missing));
	}
	return buf;
}

/* ---- the list ---------------------------------------------------------------------------------
 */

const char *flow_tally_words(const struct flow *flow, const struct flow_tally *tally,
			     const struct lab *lab, char buf[FLOW_LINE_SIZE])
{
	char words[FLOW_WORDS_SIZE], from[FLOW_NAME_SIZE];

	flow_verdict_words(flow, tally->verdict, tally->missing, &tally->place, words);
	snprintf(buf, FLOW_LINE_SIZE, "%" PRIu64 " from %s %s: %s", tally->n,
		 flow_side_name(lab, &flow->ways[tally->way].sent, false, from),
		 flow->protocol == PROTO_TCP ? "sent again" : "lost", words);
	return buf;
}

static void add_tallies(struct table *table, const struct flow *flow, const struct lab *lab)
{
	char line[FLOW_LINE_SIZE];

	for (size_t i = 0; i < flow->n_tallies; i++)
		table_sentence(table, "      ", "%s",
			       flow_tally_words(flow, &flow->tallies[i], lab, line));
	if (flow->repairs_left_out)
		table_sentence(table, "      ", "%" PRIu64 " more sent again: not judged",
			       flow->repairs_left_out);
}

const char *flow_nat_words(const struct flow_way *way, const struct lab *lab,
			   char buf[FLOW_LINE_SIZE])
{
	char from[FLOW_NAME_SIZE], to[FLOW_NAME_SIZE];

	if (!way->seen || !flow_is_translated(way))
		return NULL;
	snprintf(buf, FLOW_LINE_SIZE, "NAT: it arrives as %s > %s",
		 flow_side_name(lab, &way->arriving, false, from),
		 flow_side_name(lab, &way->arriving, true, to));
	return buf;
}

static void add_way_detail(struct table *table, const struct flow_way *way, const struct lab *lab)
{
	char from[FLOW_NAME_SIZE], min[OUTPUT_NUMBER_SIZE], median[OUTPUT_NUMBER_SIZE],
		max[OUTPUT_NUMBER_SIZE];

	table_sentence(
		table, "      ",
		"from %s: %" PRIu64 " packets (%" PRIu64 " frames, %" PRIu64 " of GSO), %" PRIu64
		" bytes in %" PRIu64 " on the wire; %" PRIu64 " out of order, %" PRIu64
		" duplicate acknowledgements, %" PRIu64 " zero windows",
		flow_side_name(lab, &way->sent, false, from), way->packets, way->segments, way->gso,
		way->payload, way->wire, way->reordered, way->dup_acks, way->zero_windows);
	if (way->mss)
		table_sentence(table, "      ", "MSS %u%s", way->mss,
			       way->mss_arriving != way->mss ? ", made smaller on the way" : "");
	for (size_t i = 0; i < way->n_trips; i++) {
		const struct flow_trip *trip = &way->trips[i];

		if (trip->n)
			table_sentence(table, "      ",
				       "round trip from %s: min %s, median %s, max %s (%" PRIu64
				       ")",
				       trip->end->name, output_duration(trip->min_ns, min),
				       output_duration(flow_trip_median(trip), median),
				       output_duration(trip->max_ns, max), trip->n);
	}
}

static void add_remarks(struct table *table, const struct flow *flow, const struct lab *lab,
			bool detail)
{
	char handshake[OUTPUT_NUMBER_SIZE], line[FLOW_LINE_SIZE];

	for (unsigned side = 0; side < 2; side++)
		if (flow_nat_words(&flow->ways[side], lab, line))
			table_sentence(table, "      ", "%s", line);
	if (flow->from_middle)
		table_sentence(table, "      ", "it began before: seen from its middle");
	for (unsigned side = 0; side < 2; side++)
		if (flow->ways[side].skipped_bytes)
			table_sentence(table, "      ",
				       "%" PRIu64 " of its bytes have no record where it begins: "
				       "counts may be too small",
				       flow->ways[side].skipped_bytes);
	add_tallies(table, flow, lab);
	if (flow_error_drop_words(flow, line))
		table_sentence(table, "      ", "%s", line);
	if (!detail)
		return;
	if (flow_handshake_ns(flow))
		table_sentence(table, "      ", "handshake %s",
			       output_duration(flow_handshake_ns(flow), handshake));
	for (unsigned side = 0; side < 2; side++)
		if (flow->ways[side].seen)
			add_way_detail(table, &flow->ways[side], lab);
}

/* "1.00M", "117k", "0" */
static const char *short_bytes(uint64_t bytes, char buf[OUTPUT_NUMBER_SIZE])
{
	char *blank;

	output_rate(bytes, "", buf);
	blank = strchr(buf, ' ');
	if (blank)
		memmove(blank, blank + 1, strlen(blank));
	return buf;
}

static void add_row(struct table *table, const struct flow *flow, const struct lab *lab,
		    bool colour)
{
	const struct flow_way *ways = flow->ways;
	bool turned = !ways[0].seen && ways[1].seen;
	const struct flow_tuple *tuple = &ways[turned].sent;
	char from[FLOW_NAME_SIZE], to[FLOW_NAME_SIZE], words[FLOW_WORDS_SIZE];
	char bytes[2][OUTPUT_NUMBER_SIZE];
	enum flow_state state = flow_state(flow);
	bool bad = state == FLOW_RESET || state == FLOW_REFUSED || state == FLOW_UNANSWERED;

	table_cell(table, "%" PRIu64, flow->id);
	table_cell(table, "%s", flow->protocol == PROTO_TCP ? "tcp" : "udp");
	table_cell(table, "%s > %s", flow_side_name(lab, tuple, turned, from),
		   flow_side_name(lab, tuple, !turned, to));
	(bad && colour ? table_red_cell : table_cell)(table, "%s", flow_state_words(flow, words));
	table_cell(table, "%" PRIu64 "/%" PRIu64, ways[0].segments, ways[1].segments);
	table_cell(table, "%s/%s", short_bytes(ways[0].payload, bytes[0]),
		   short_bytes(ways[1].payload, bytes[1]));
}

void flows_print(const struct flows *flows, const struct lab *lab, bool detail, bool colour,
		 FILE *f)
{
	static const struct table_column columns[] = {
		{"id", TABLE_RIGHT},   {"", TABLE_LEFT},	{"flow", TABLE_LEFT},
		{"state", TABLE_LEFT}, {"frames", TABLE_RIGHT}, {"bytes", TABLE_RIGHT}};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
	size_t n = 0;

	for (const struct flow *flow = NULL; (flow = flows_next(flows, flow));) {
		if (!flow->chosen)
			continue;
		add_row(table, flow, lab, colour);
		add_remarks(table, flow, lab, detail);
		n++;
	}
	if (n)
		table_print(table, f);
	else
		fputs("no flow\n", f);
	table_free(table);
}

void flows_tell_limits(const struct flows *flows)
{
	struct flows_totals totals = flows_totals(flows);

	if (totals.left)
		fprintf(stderr,
			"%" PRIu64 " flow%s left: the table has room for %" PRIu64 " (%" PRIu64
			" of those were not over)\n",
			totals.left, totals.left == 1 ? "" : "s", totals.most, totals.left_open);
	if (totals.lost_records)
		fprintf(stderr, "%" PRIu64 " records were lost: counts may be too small\n",
			totals.lost_records);
}
