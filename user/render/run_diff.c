// SPDX-License-Identifier: GPL-2.0-only
/* run_diff.c - what changed between two recorded runs, as lines and as a document. */
#include <inttypes.h>
#include <string.h>

#include "user/base/hook_word.h"
#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/itinerary_text.h"
#include "user/ledger/ledger.h"
#include "user/output/output.h"
#include "user/render/run_diff.h"

enum { TEXT_SIZE = 512 };

static const char marks[SIDES] = {'-', '+'};

/* "answered by b", "r1 dropped the request: ...": nothing that two runs cannot have in common. */
static const char *compared_fate_text(const struct compared_fate *fate, char buf[TEXT_SIZE])
{
	char icmp[ICMP_TEXT_SIZE];

	switch (fate->fate) {
	case FATE_ANSWERED:
		snprintf(buf, TEXT_SIZE, "answered%s%s", fate->node ? " by " : "",
			 fate->node ? fate->node : "");
		break;
	case FATE_REFUSED:
		snprintf(buf, TEXT_SIZE, "refused%s%s: %s", fate->node ? " by " : "",
			 fate->node ? fate->node : "",
			 icmp_text(fate->family, fate->icmp_type, fate->icmp_code, fate->icmp_info,
				   icmp));
		break;
	case FATE_DROPPED:
		drop_sentence(&fate->drop, buf, TEXT_SIZE);
		break;
	case FATE_DELIVERED:
		snprintf(buf, TEXT_SIZE, "delivered at %s, and not seen to be answered",
			 fate->end ? fate->end : "?");
		break;
	case FATE_WAITING:
		snprintf(buf, TEXT_SIZE, "the %s waits in %s for a neighbor that does not answer",
			 fate->leg == LEG_ERROR ? "ICMP error" : leg_name(fate->leg), fate->node);
		break;
	case FATE_LOST:
		snprintf(buf, TEXT_SIZE, "lost: the %s was last seen at %s %s",
			 fate->leg == LEG_ERROR ? "ICMP error" : leg_name(fate->leg),
			 fate->end ? fate->end : "?", hook_word(fate->hook));
		break;
	default:
		snprintf(buf, TEXT_SIZE, "not seen");
		break;
	}
	return buf;
}

/* "inside r, request", "link a:x > r:w, request", "round trip" */
static const char *time_text(const struct compared_time *time, char buf[TEXT_SIZE])
{
	const char *colon;

	if (time->step == STEP_FIRST) {
		snprintf(buf, TEXT_SIZE, "round trip");
	} else if (time->step == STEP_LINK) {
		snprintf(buf, TEXT_SIZE, "link %s > %s, %s", time->from, time->to,
			 leg_name(time->leg));
	} else {
		colon = strrchr(time->to, ':');
		snprintf(buf, TEXT_SIZE, "inside %.*s, %s",
			 colon ? (int)(colon - time->to) : (int)strlen(time->to), time->to,
			 leg_name(time->leg));
	}
	return buf;
}

/* "  - WHAT (N of M)": of each side that has it. */
static void print_counted(const char *what, const uint64_t n[SIDES], const uint64_t of[SIDES],
			  FILE *f)
{
	char lead[16], text[4200];

	for (int side = 0; side < SIDES; side++) {
		if (!n[side])
			continue;
		snprintf(lead, sizeof(lead), "  %c ", marks[side]);
		snprintf(text, sizeof(text), "%s (%" PRIu64 " of %" PRIu64 ")", what, n[side],
			 of[side]);
		output_wrap(lead, text, f);
	}
}

static void print_ways(const struct compared_flow *flow, FILE *f)
{
	char text[4150];

	for (size_t i = 0; i < flow->n_ways; i++) {
		const struct compared_way *way = &flow->ways[i];

		if (!way->differs)
			continue;
		snprintf(text, sizeof(text), "way %s: %s", way->back ? "back" : "there", way->text);
		print_counted(text, way->n, flow->echoes, f);
	}
}

static void print_fates(const struct compared_flow *flow, FILE *f)
{
	char text[TEXT_SIZE];

	for (size_t i = 0; i < flow->n_fates; i++)
		if (flow->fates[i].differs)
			print_counted(compared_fate_text(&flow->fates[i], text), flow->fates[i].n,
				      flow->echoes, f);
}

static void print_times(const struct compared_flow *flow, FILE *f)
{
	char what[TEXT_SIZE], a[OUTPUT_NUMBER_SIZE], b[OUTPUT_NUMBER_SIZE], text[TEXT_SIZE + 128];

	for (size_t i = 0; i < flow->n_times; i++) {
		const struct compared_time *time = &flow->times[i];
		double before = time->stats[SIDE_A].median, after = time->stats[SIDE_B].median;

		if (!time->differs)
			continue;
		snprintf(text, sizeof(text), "%s: %s -> %s", time_text(time, what),
			 output_duration(before, a), output_duration(after, b));
		if (before > 0)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " (%+.0f %%)",
				 100 * (after / before - 1));
		output_wrap("  ~ ", text, f);
	}
}

static bool any_too_few(const struct compared_flow *flow)
{
	for (size_t i = 0; i < flow->n_times; i++)
		if (flow->times[i].too_few && flow->times[i].n[SIDE_A] && flow->times[i].n[SIDE_B])
			return true;
	return false;
}

static void print_flow(const struct compared_flow *flow, FILE *f)
{
	char from[IP_TEXT_SIZE], to[IP_TEXT_SIZE], text[TEXT_SIZE];
	uint64_t a = flow->echoes[SIDE_A], b = flow->echoes[SIDE_B];

	snprintf(text, sizeof(text), "%s%s%s > %s: %" PRIu64 " echo%s, then %" PRIu64,
		 flow->origin ? flow->origin : "", flow->origin ? " " : "",
		 ip_format(&flow->from, from, sizeof(from)), ip_format(&flow->to, to, sizeof(to)),
		 a, a == 1 ? "" : "es", b);
	output_wrap("", text, f);
	if (!a || !b) {
		fprintf(f, "  %c only this run has them\n", marks[a ? SIDE_A : SIDE_B]);
		return;
	}
	print_ways(flow, f);
	print_fates(flow, f);
	print_times(flow, f);
}

static void print_side(const struct run_diff *diff, int side, FILE *f)
{
	char text[TEXT_SIZE];

	snprintf(text, sizeof(text),
		 "%.250s: lab %.40s, %" PRIu64 " echo%s in %" PRIu64 " records%s", diff->file[side],
		 diff->lab[side], diff->echoes[side], diff->echoes[side] == 1 ? "" : "es",
		 diff->records[side], diff->cut[side] ? ", cut short" : "");
	if (diff->lost[side])
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 ", %" PRIu64 " more were lost while recording", diff->lost[side]);
	output_wrap((const char[]){marks[side], marks[side], marks[side], ' ', 0}, text, f);
}

/* Both runs have echoes, but between other addresses each. */
static bool nothing_in_common(const struct run_diff *diff)
{
	for (size_t i = 0; i < diff->comparison.n_flows; i++)
		if (diff->comparison.flows[i].echoes[SIDE_A] &&
		    diff->comparison.flows[i].echoes[SIDE_B])
			return false;
	return diff->echoes[SIDE_A] && diff->echoes[SIDE_B];
}

void run_diff_print(const struct run_diff *diff, FILE *f)
{
	const struct comparison *comparison = &diff->comparison;
	char text[TEXT_SIZE];
	bool too_few = false;

	for (int side = 0; side < SIDES; side++)
		print_side(diff, side, f);
	if (nothing_in_common(diff))
		output_wrap("",
			    "the two have no echoes between the same addresses: is that one lab?",
			    f);
	for (size_t i = 0; i < comparison->n_flows; i++) {
		if (comparison->flows[i].differs)
			print_flow(&comparison->flows[i], f);
		too_few |= any_too_few(&comparison->flows[i]);
	}
	if (!comparison->differs)
		fprintf(f, "no difference in ways and losses%s\n",
			comparison->with_times ? ", and none in times beyond noise" : "");
	if (!comparison->with_times)
		return;
	snprintf(text, sizeof(text),
		 "times differ where the 95 %% intervals of their medians, by ranks, do not meet "
		 "and "
		 "the medians are more than %.0f %% apart",
		 100 * comparison->threshold);
	output_wrap("  ", text, f);
	if (too_few)
		output_wrap(
			"  ",
			"some steps have too few echoes to tell: fewer than 6 in one of the runs",
			f);
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *counts_json(const uint64_t n[SIDES])
{
	return output_json_pack("{s:I, s:I}", "a", (json_int_t)n[SIDE_A], "b",
				(json_int_t)n[SIDE_B]);
}

static json_t *ways_json(const struct compared_flow *flow)
{
	json_t *list = json_array();

	for (size_t i = 0; i < flow->n_ways; i++) {
		const struct compared_way *way = &flow->ways[i];

		output_json_append(list, output_json_pack("{s:s, s:s, s:o, s:b}", "direction",
							  way->back ? "back" : "there", "way",
							  way->text, "echoes", counts_json(way->n),
							  "differs", way->differs));
	}
	return list;
}

static json_t *fates_json(const struct compared_flow *flow)
{
	json_t *list = json_array();
	char text[TEXT_SIZE];

	for (size_t i = 0; i < flow->n_fates; i++) {
		const struct compared_fate *fate = &flow->fates[i];
		json_t *item = output_json_pack(
			"{s:s, s:s, s:s?, s:o, s:f, s:b}", "fate", fate_name(fate->fate), "text",
			compared_fate_text(fate, text), "node", fate->node, "echoes",
			counts_json(fate->n), "p", fate->p, "differs", fate->differs);

		if (fate->fate == FATE_DROPPED)
			output_json_set(item, "reason", output_json_text(fate->drop.reason));
		output_json_append(list, item);
	}
	return list;
}

static json_t *stats_json(const struct statistics *stats)
{
	return output_json_pack("{s:I, s:f, s:f, s:f}", "n", (json_int_t)stats->n, "median_ns",
				stats->median, "low_ns", stats->low, "high_ns", stats->high);
}

static json_t *times_json(const struct compared_flow *flow)
{
	json_t *list = json_array();
	char text[TEXT_SIZE];

	for (size_t i = 0; i < flow->n_times; i++) {
		const struct compared_time *time = &flow->times[i];
		json_t *item = output_json_pack(
			"{s:s, s:o, s:o, s:b, s:b}", "text", time_text(time, text), "a",
			stats_json(&time->stats[SIDE_A]), "b", stats_json(&time->stats[SIDE_B]),
			"too_few", time->too_few, "differs", time->differs);

		if (time->step != STEP_FIRST) {
			output_json_set(item, "leg", output_json_text(leg_name(time->leg)));
			output_json_set(item, "from", output_json_text(time->from));
			output_json_set(item, "to", output_json_text(time->to));
		}
		output_json_append(list, item);
	}
	return list;
}

static json_t *side_json(const struct run_diff *diff, int side)
{
	return output_json_pack("{s:o, s:s, s:I, s:I, s:I, s:b}", "file",
				output_json_text(diff->file[side]), "lab", diff->lab[side],
				"echoes", (json_int_t)diff->echoes[side], "records",
				(json_int_t)diff->records[side], "lost",
				(json_int_t)diff->lost[side], "cut", diff->cut[side]);
}

json_t *run_diff_json(const struct run_diff *diff)
{
	const struct comparison *comparison = &diff->comparison;
	json_t *doc = output_json_document("vethlab.diff/1"), *flows = json_array();
	char from[IP_TEXT_SIZE], to[IP_TEXT_SIZE];

	for (size_t i = 0; i < comparison->n_flows; i++) {
		const struct compared_flow *flow = &comparison->flows[i];

		ip_format(&flow->from, from, sizeof(from));
		ip_format(&flow->to, to, sizeof(to));
		output_json_append(flows,
				   output_json_pack("{s:s?, s:s, s:s, s:o, s:b, s:o, s:o, s:o}",
						    "node", flow->origin, "from", from, "to", to,
						    "echoes", counts_json(flow->echoes), "differs",
						    flow->differs, "ways", ways_json(flow), "fates",
						    fates_json(flow), "times", times_json(flow)));
	}
	output_json_set(doc, "a", side_json(diff, SIDE_A));
	output_json_set(doc, "b", side_json(diff, SIDE_B));
	output_json_set(doc, "differs", json_boolean(comparison->differs));
	output_json_set(doc, "threshold", json_real(comparison->threshold));
	output_json_set(doc, "flows", flows);
	return doc;
}
