// SPDX-License-Identifier: GPL-2.0-only
/* flow_story_text.c - one flow as text: its packets hop by hop, and what it came to. */
#include <inttypes.h>
#include <string.h>

#include "bpf/wire_other.h"
#include "user/base/hook_word.h"
#include "user/output/output.h"
#include "user/render/event_text.h"
#include "user/render/flow_text.h"

enum { REPAIRS_SHOWN = 3, LEAD_SIZE = 2 * END_NAME_SIZE + 64 };

const char *flow_packet_word(const struct flow *flow, const struct flow_packet *packet)
{
	if (flow->protocol != PROTO_TCP)
		return "datagram";
	if (packet->tcp_flags & TCP_FLAG_RST)
		return "RST";
	if (packet->tcp_flags & TCP_FLAG_SYN)
		return packet->tcp_flags & TCP_FLAG_ACK ? "SYN-ACK" : "SYN";
	if (packet->tcp_flags & TCP_FLAG_FIN)
		return "FIN";
	return packet->bytes ? "segment" : "ACK";
}

/* ---- a packet ---------------------------------------------------------------------------------
 */

/* "segment from a:40000, sent again after 202 ms, at 312 ms: seq 1, 1448 bytes" */
static void print_title(const struct flow *flow, const struct flow_packet *packet,
			const struct lab *lab, FILE *f)
{
	const struct flow_way *way = &flow->ways[packet->way];
	char from[FLOW_NAME_SIZE], at[OUTPUT_NUMBER_SIZE], after[OUTPUT_NUMBER_SIZE];
	char line[FLOW_LINE_SIZE];
	int len = snprintf(line, sizeof(line), "%s from %s%s", flow_packet_word(flow, packet),
			   flow_side_name(lab, &way->sent, false, from),
			   packet->again ? ", sent again" : "");

	if (packet->again && packet->first_ns)
		len += snprintf(line + len, sizeof(line) - len, " after %s,",
				output_duration(packet->time_ns - packet->first_ns, after));
	len += snprintf(line + len, sizeof(line) - len, " at %s",
			output_duration(packet->time_ns - flow->first_ns, at));
	if (flow->protocol == PROTO_TCP && packet->bytes && flow->from_middle &&
	    way->payload < INT32_MAX && (int32_t)(packet->seq - way->first_seq) < 0)
		len += snprintf(line + len, sizeof(line) - len,
				": %" PRIu32 " bytes before the first that was seen",
				way->first_seq - packet->seq);
	else if (flow->protocol == PROTO_TCP && packet->bytes)
		len += snprintf(line + len, sizeof(line) - len, ": seq %" PRIu32,
				packet->seq - way->first_seq);
	if (packet->bytes)
		snprintf(line + len, sizeof(line) - len, "%s %" PRIu32 " byte%s",
			 flow->protocol == PROTO_TCP ? "," : ":", packet->bytes,
			 packet->bytes == 1 ? "" : "s");
	output_wrap("", line, f);
}

/* The end where a packet was dropped, or if that is not known, the node. */
static const char *drop_end(const struct flow_place *place)
{
	return place->end && place->end->node == place->node ? place->end->name : place->node->name;
}

static int hops_width(const struct flow_packet *packet)
{
	int width = packet->place.how == FLOW_DROPPED
			    ? (int)output_columns(drop_end(&packet->place))
			    : 0;

	for (size_t i = 0; i < packet->n_hops; i++) {
		int columns = (int)output_columns(packet->hops[i].end->name);

		if (columns > width)
			width = columns;
	}
	return width;
}

static void hop_remark(const struct flow_packet *packet, const struct flow_hop *hop, char *buf,
		       size_t size)
{
	const struct flow_hop *from = hop == packet->hops ? NULL : hop - 1;
	char time[OUTPUT_NUMBER_SIZE];
	size_t len = 0;

	buf[0] = 0;
	if (from)
		output_duration(hop->time_ns - from->time_ns, time);
	if (from && from->hook == VL_HOOK_OUT && hop->hook != VL_HOOK_OUT &&
	    from->end->peer == hop->end)
		len = snprintf(buf, size, "crossed the link in %s", time);
	else if (from && from->hook != VL_HOOK_OUT && hop->hook == VL_HOOK_OUT &&
		 from->end->node == hop->end->node)
		len = snprintf(buf, size, "%s passed it on in %s", hop->end->node->name, time);
	if (packet->bytes && hop->bytes < packet->bytes)
		snprintf(buf + len, size - len, "%s%" PRIu32 " of %" PRIu32 " bytes",
			 len ? ", " : "", hop->bytes, packet->bytes);
}

static void print_hop(uint64_t ns, const char *place, const char *what, const char *remark,
		      int width, FILE *f)
{
	char at[OUTPUT_NUMBER_SIZE], lead[LEAD_SIZE];
	bool more = *remark;

	snprintf(lead, sizeof(lead), "  %8s  %s%*s  %s%*s", output_duration(ns, at), place,
		 width - (int)output_columns(place), "", what, more ? 5 - (int)strlen(what) : 0,
		 "");
	output_wrap(lead, remark, f);
}

static void print_hops(const struct flow_packet *packet, FILE *f)
{
	bool dropped = packet->place.how == FLOW_DROPPED;
	int width = hops_width(packet);
	char remark[FLOW_WORDS_SIZE];

	for (size_t i = 0; i < packet->n_hops; i++) {
		const struct flow_hop *hop = &packet->hops[i];

		if (dropped && hop->time_ns > packet->dropped_ns) {
			print_hop(packet->dropped_ns - packet->time_ns, drop_end(&packet->place),
				  "dropped", "", width, f);
			dropped = false;
		}
		hop_remark(packet, hop, remark, sizeof(remark));
		print_hop(hop->time_ns - packet->time_ns, hop->end->name, hook_word(hop->hook),
			  remark, width, f);
	}
	if (dropped)
		print_hop(packet->dropped_ns - packet->time_ns, drop_end(&packet->place), "dropped",
			  "", width, f);
}

/* What became of a packet, where its hops do not say it. */
static const char *fate_words(const struct flow_packet *packet, char buf[FLOW_LINE_SIZE])
{
	char place[FLOW_WORDS_SIZE];

	if (packet->place.how == FLOW_LOST_NOWHERE)
		return NULL;
	flow_place_words(&packet->place, place);
	if (packet->place.how == FLOW_DROPPED && packet->dropped_bytes < packet->bytes)
		snprintf(buf, FLOW_LINE_SIZE, "%" PRIu32 " of %" PRIu32 " bytes were lost: %s",
			 packet->dropped_bytes, packet->bytes, place);
	else if (packet->arrived_ns)
		snprintf(buf, FLOW_LINE_SIZE, "it arrived, and %s", place);
	else if (packet->settled || packet->place.how == FLOW_DROPPED)
		snprintf(buf, FLOW_LINE_SIZE, "lost: %s", place);
	else
		snprintf(buf, FLOW_LINE_SIZE,
			 "not seen to arrive: %s; but the records end less than a second later",
			 place);
	return buf;
}

/* Where the original was lost stands below the original, if that is told. */
static void print_why(const struct flow *flow, const struct flow_story *story,
		      const struct flow_packet *packet, FILE *f)
{
	const struct flow_repair *repair = packet->repair;
	char words[FLOW_WORDS_SIZE], at[OUTPUT_NUMBER_SIZE];
	bool is_told = false;

	for (const struct flow_packet *other = story->packets; other < packet; other++)
		is_told |= other->way == packet->way && other->number == repair->original &&
			   other->place.how != FLOW_LOST_NOWHERE;
	if (is_told && repair->verdict == FLOW_ORIGINAL_LOST)
		snprintf(words, sizeof(words), "what was sent at %s was lost",
			 output_duration(repair->original_ns - flow->first_ns, at));
	else
		flow_verdict_words(flow, repair->verdict, repair->missing, &repair->place, words);
	output_wrap("  why: ", words, f);
}

static void print_packet(const struct flow *flow, const struct flow_story *story,
			 const struct flow_packet *packet, const struct lab *lab, FILE *f)
{
	char fate[FLOW_LINE_SIZE];

	print_title(flow, packet, lab, f);
	if (packet->again && packet->repair)
		print_why(flow, story, packet, f);
	print_hops(packet, f);
	if (packet->alike)
		output_wrap("  ",
			    "records of it and of one that was sent before or after it cannot be "
			    "told apart",
			    f);
	if (fate_words(packet, fate))
		output_wrap("  ", fate, f);
}

/* ---- what it came to --------------------------------------------------------------------------
 */

/* Who made a reset, and why, as far as that was seen. */
static void reset_words(const struct flow *flow, const struct lab *lab, char *buf, size_t size)
{
	const struct flow_reset *reset = &flow->reset;
	const struct flow_way *way = &flow->ways[reset->way];
	char from[FLOW_NAME_SIZE], cause[FLOW_WORDS_SIZE];
	const char *name = flow_side_name(lab, &way->sent, false, from);
	int len;

	if (!reset->by) {
		snprintf(buf, size, "a RST from %s came in; where it was made was not seen", name);
		return;
	}
	len = snprintf(buf, size, "%s made the RST%s%s", reset->by->name,
		       reset->foreign ? ", in the name of " : "", reset->foreign ? name : "");
	if (!reset->foreign && way->maker && way->maker != reset->by)
		len += snprintf(buf + len, size - len, ", and not %s, which sends the rest",
				way->maker->name);
	if (reset->cause)
		snprintf(buf + len, size - len, ": it dropped the packet that the RST answers: %s",
			 flow_cause_words(reset->cause, cause));
	else
		snprintf(buf + len, size - len, "; it dropped no packet for it that was seen%s",
			 reset->foreign ? ""
			 : reset->answers_syn
				 ? ""
				 : ", so that its own socket ended the connection; why an "
				   "application does so, no record tells");
}

/* Of a packet that nothing came back for. */
static void silence_words(const struct flow_packet *packet, const char *word, char *buf,
			  size_t size)
{
	char place[FLOW_WORDS_SIZE];

	if (!packet)
		snprintf(buf, size, "nothing came back");
	else if (packet->place.how != FLOW_LOST_NOWHERE)
		snprintf(buf, size, "the %s %s %s", word,
			 packet->arrived_ns ? "arrived, and" : "was lost:",
			 flow_place_words(&packet->place, place));
	else if (packet->arrived_ns && packet->n_hops)
		snprintf(buf, size, "the %s arrived at %s; nothing was seen to answer it", word,
			 packet->hops[packet->n_hops - 1].end->name);
	else
		snprintf(buf, size, "whether the %s arrived cannot be told", word);
}

static void closing_words(const struct flow *flow, const struct lab *lab, char *buf, size_t size)
{
	char from[FLOW_NAME_SIZE];
	unsigned side = !flow->ways[0].fin;

	if (flow->ways[0].fin && flow->ways[1].fin)
		snprintf(buf, size, "both sides sent FIN; not both were acknowledged");
	else
		snprintf(buf, size, "%s sent FIN, the other side has not",
			 flow_side_name(lab, &flow->ways[side].sent, false, from));
}

const char *flow_end_words(const struct flow *flow, const struct flow_story *story,
			   const struct lab *lab, char buf[FLOW_LINE_SIZE])
{
	const struct flow_packet *decides = story->decides;
	const char *word = decides ? flow_packet_word(flow, decides) : "";
	char state[FLOW_WORDS_SIZE], error[ICMP_TEXT_SIZE];
	int len = snprintf(buf, FLOW_LINE_SIZE, "%s: ", flow_state_words(flow, state));
	char *rest = buf + len;
	size_t size = FLOW_LINE_SIZE - len;

	switch (flow_state(flow)) {
	case FLOW_HANDSHAKE:
	case FLOW_UNANSWERED:
		silence_words(decides, word, rest, size);
		break;
	case FLOW_ESTABLISHED:
		snprintf(rest, size, "no FIN and no RST was seen");
		break;
	case FLOW_CLOSING:
		closing_words(flow, lab, rest, size);
		break;
	case FLOW_CLOSED:
		snprintf(rest, size, "both sides sent FIN, and both were acknowledged");
		break;
	case FLOW_ANSWERED:
		snprintf(rest, size, "datagrams went both ways");
		break;
	case FLOW_RESET:
	case FLOW_REFUSED:
		if (flow->reset.seen)
			reset_words(flow, lab, rest, size);
		else
			snprintf(rest, size, "by the ICMP error \"%s\"",
				 icmp_text(flow->error.family, flow->error.type, flow->error.code,
					   flow->error.info, error));
		break;
	}
	return buf;
}

static void print_verdict(const struct flow *flow, const struct flow_story *story,
			  const struct lab *lab, FILE *f)
{
	char line[FLOW_LINE_SIZE], words[FLOW_WORDS_SIZE], time[OUTPUT_NUMBER_SIZE];

	fputs("verdict\n", f);
	if (flow_handshake_ns(flow))
		fprintf(f, "  connected in %s\n", output_duration(flow_handshake_ns(flow), time));
	for (size_t i = 0; i < flow->n_tallies; i++)
		output_wrap("  ", flow_tally_words(flow, &flow->tallies[i], lab, line), f);
	if (flow->repairs_left_out)
		fprintf(f, "  %" PRIu64 " more sent again: not judged\n", flow->repairs_left_out);
	if (flow_error_drop_words(flow, line))
		output_wrap("  ", line, f);
	output_wrap("  ", flow_end_words(flow, story, lab, line), f);
	if (flow->reset.seen && story->decides && story->decides->place.how != FLOW_LOST_NOWHERE) {
		snprintf(line, sizeof(line), "but that RST %s %s",
			 story->decides->arrived_ns ? "arrived, and" : "was lost:",
			 flow_place_words(&story->decides->place, words));
		output_wrap("  ", line, f);
	}
}

/* ---- the story --------------------------------------------------------------------------------
 */

static void print_heading(const struct flow *flow, const struct lab *lab, FILE *f)
{
	bool turned = !flow->ways[0].seen && flow->ways[1].seen;
	const struct flow_tuple *tuple = &flow->ways[turned].sent;
	char from[FLOW_NAME_SIZE], to[FLOW_NAME_SIZE], words[FLOW_WORDS_SIZE];
	char line[FLOW_LINE_SIZE], time[OUTPUT_NUMBER_SIZE];

	snprintf(line, sizeof(line), "flow %" PRIu64 ": %s %s > %s, %s, in %s", flow->id,
		 flow->protocol == PROTO_TCP ? "tcp" : "udp",
		 flow_side_name(lab, tuple, turned, from), flow_side_name(lab, tuple, !turned, to),
		 flow_state_words(flow, words),
		 output_duration(flow->last_ns - flow->first_ns, time));
	output_wrap("", line, f);
	for (unsigned side = 0; side < 2; side++) {
		const struct flow_way *way = &flow->ways[side];

		if (!way->seen)
			continue;
		snprintf(line, sizeof(line),
			 "from %s: %" PRIu64 " packet%s, %" PRIu64 " byte%s of data",
			 flow_side_name(lab, &way->sent, false, from), way->packets,
			 way->packets == 1 ? "" : "s", way->payload, way->payload == 1 ? "" : "s");
		output_wrap("  ", line, f);
		if (flow_nat_words(way, lab, line))
			output_wrap("    ", line, f);
	}
	if (flow->from_middle)
		fputs("  it began before: seen from its middle\n", f);
}

static void print_error(const struct flow *flow, FILE *f)
{
	const struct flow_error *error = &flow->error;
	char at[OUTPUT_NUMBER_SIZE], text[ICMP_TEXT_SIZE], line[FLOW_LINE_SIZE];

	snprintf(line, sizeof(line), "ICMP error%s%s at %s: %s%s", error->by ? " made by " : "",
		 error->by ? error->by->name : "",
		 output_duration(error->time_ns - flow->first_ns, at),
		 icmp_text(error->family, error->type, error->code, error->info, text),
		 error->n > 1 ? ", the first of several" : "");
	output_wrap("", line, f);
}

/* A retransmission, or of UDP a packet that was lost. */
static bool is_repair(const struct flow *flow, const struct flow_packet *packet)
{
	return packet->again || (packet->repair && flow->protocol != PROTO_TCP);
}

void flow_story_print(const struct flow *flow, const struct flow_story *story,
		      const struct lab *lab, bool all, FILE *f)
{
	bool error_due = flow->error.n;
	uint64_t repairs = 0, hidden = 0;

	print_heading(flow, lab, f);
	for (size_t i = 0; i < story->n_packets; i++) {
		const struct flow_packet *packet = &story->packets[i];

		if (error_due && packet->time_ns > flow->error.time_ns) {
			print_error(flow, f);
			error_due = false;
		}
		repairs += is_repair(flow, packet);
		if (!all && repairs > REPAIRS_SHOWN &&
		    (is_repair(flow, packet) || packet->repeated ||
		     packet->place.how != FLOW_LOST_NOWHERE) &&
		    !(packet->tcp_flags & (TCP_FLAG_FIN | TCP_FLAG_RST))) {
			hidden++;
			continue;
		}
		print_packet(flow, story, packet, lab, f);
	}
	if (error_due)
		print_error(flow, f);
	if (hidden)
		fprintf(f, "%" PRIu64 " more packet%s lost or sent again: -v shows them\n", hidden,
			hidden == 1 ? " was" : "s were");
	if (story->left_out)
		fprintf(f, "%" PRIu64 " more were not kept\n", story->left_out);
	print_verdict(flow, story, lab, f);
}
