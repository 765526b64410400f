// SPDX-License-Identifier: GPL-2.0-only
/* ping_report.c - what `vethlab ping` prints. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/hook_word.h"
#include "user/render/ping_remarks.h"
#include "user/render/ping_report.h"
#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/itinerary_text.h"
#include "user/base/statistics.h"
#include "user/ledger/ledger.h"
#include "user/output/output.h"

static const char *result_word(enum echo_result result)
{
	static const char *const words[] = {[ECHO_PENDING] = "pending",
					    [ECHO_ANSWERED] = "answered",
					    [ECHO_REFUSED] = "refused",
					    [ECHO_UNANSWERED] = "unanswered",
					    [ECHO_NOT_SENT] = "not-sent"};

	return words[result];
}

static uint8_t family_of(const struct ping *ping)
{
	return ping->trip.target.addr.family == AF_INET6 ? 6 : 4;
}

static void print_unwatched(const struct running *run)
{
	char text[LAB_NAME_MAX + 128];

	if (running_has_programs(run))
		snprintf(text, sizeof(text),
			 "the pins of lab %s are gone, which `vethlab show` tells of: there are no "
			 "itineraries",
			 run->name);
	else
		snprintf(text, sizeof(text), "no program watches lab %s: there are no itineraries",
			 run->name);
	output_wrap("", text, stdout);
}

void ping_print_start(const struct ping *ping)
{
	char target[TARGET_TEXT_SIZE], text[TARGET_TEXT_SIZE + NODE_NAME_MAX + 64];

	if (ping->trip.json)
		return;
	snprintf(text, sizeof(text), "%s from %s: %u data bytes",
		 target_text(&ping->trip.target, target, sizeof(target)), ping->trip.from->name,
		 ping->options.size);
	output_wrap("PING ", text, stdout);
	if (!ping->watched)
		print_unwatched(ping->trip.run);
	output_flush(stdout);
}

static void print_answer(const struct ping *ping, uint16_t seq, const struct echo_state *state)
{
	const struct echo_answer *answer = &state->answer;
	char from[IP_TEXT_SIZE], text[ICMP_TEXT_SIZE], time[OUTPUT_NUMBER_SIZE];

	switch (state->result) {
	case ECHO_ANSWERED:
		printf("%u bytes from %s: icmp_seq=%u ttl=%u time=%s%s\n", answer->len,
		       ip_format(&answer->from, from, sizeof(from)), seq, answer->ttl,
		       answer->rtt_ns ? output_duration(answer->rtt_ns, time) : "?",
		       answer->corrupt ? " (its payload is not what was sent)" : "");
		break;
	case ECHO_REFUSED:
		printf("From %s: icmp_seq=%u %s\n", ip_format(&answer->from, from, sizeof(from)),
		       seq,
		       icmp_text(family_of(ping), answer->type, answer->code, answer->info, text));
		break;
	case ECHO_NOT_SENT:
		printf("icmp_seq=%u was not sent (kernel: %s)\n", seq, strerror(state->error));
		break;
	default:
		printf("icmp_seq=%u: no answer within %s\n", seq,
		       output_duration(ping->options.timeout_ns, time));
		break;
	}
}

/* What is known of an echo without any record: it stayed inside, or it was not seen. */
static void print_unseen(const struct ping *ping, const struct echo_state *state)
{
	char target[TARGET_TEXT_SIZE], text[PATH_TEXT_SIZE];

	snprintf(text, sizeof(text),
		 "stayed on lo inside %s: %s is its own address, so the packet never crosses a "
		 "veth",
		 ping->trip.from->name, target_text(&ping->trip.target, target, sizeof(target)));
	if (ping->local)
		output_wrap("  ", text, stdout);
	else if (state->result != ECHO_NOT_SENT && ping->blind)
		printf("  it was seen at no end of the lab (the programs of %zu end%s were taken "
		       "off)\n",
		       ping->blind, ping->blind == 1 ? "" : "s");
	else if (state->result == ECHO_ANSWERED && ping->has_why && ping->why.end == PATH_LEAVES)
		output_wrap("  ", ping->why.text, stdout);
	else if (state->result != ECHO_NOT_SENT)
		printf(state->lost ? "  no record of it came\n"
				   : "  it was seen at no end of the lab\n");
}

static void print_why(struct ping *ping)
{
	if (!ping->has_why || ping->why_told)
		return;
	ping->why_told = true;
	if (path_is_good(&ping->why)) {
		/* An ICMP error is an explanation of its own. */
		if (ping->tally.unanswered)
			output_wrap("  ",
				    "by the nodes' routes it arrives and is answered; what filters "
				    "(nft, tc, XDP) do is not looked at",
				    stdout);
		return;
	}
	output_wrap("  why: ", ping->why.text, stdout);
	if (ping->why.hint[0])
		output_wrap("  try: ", ping->why.hint, stdout);
}

/*
 * Whether all that could be said of its end is where it was seen last, which is in its way already,
 * while the nodes' tables have a cause that is told below.
 */
static bool is_told_by_why(const struct ping *ping, const struct itinerary *itinerary)
{
	bool limited = itinerary->not_seen && itinerary->not_seen[0];
	char text[FATE_TEXT_SIZE];

	if (limited || itinerary->last < 0 || itinerary->hops[itinerary->last].incomplete)
		return false;
	return ping->has_why && !ping->why_told && !path_is_good(&ping->why) &&
	       !ping_refutes_why(ping, itinerary) && itinerary->fate == FATE_LOST &&
	       !itinerary_cause(itinerary, text, sizeof(text));
}

static void print_programs(const struct ping *ping)
{
	char text[END_NAME_SIZE + PATH_PROGRAM_SIZE + 96];

	for (size_t i = 0; i < ping->n_programs; i++) {
		bool leaves = ping->programs[i].leaves;

		snprintf(text, sizeof(text),
			 "at %s what %s meets a program of others %s(%s), which may take it or "
			 "send it elsewhere",
			 ping->programs[i].end->name, leaves ? "leaves" : "comes in",
			 leaves ? "" : "first ", ping->programs[i].text);
		output_wrap("  ", text, stdout);
	}
}

static json_t *programs_json(const struct ping *ping)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ping->n_programs; i++)
		output_json_append(list,
				   output_json_pack("{s:s, s:b, s:o}", "end",
						    ping->programs[i].end->name, "leaves",
						    ping->programs[i].leaves, "program",
						    output_json_text(ping->programs[i].text)));
	return list;
}

static void print_text(struct ping *ping, uint16_t seq, const struct echo_state *state,
		       const struct itinerary *itinerary)
{
	char why[FATE_TEXT_SIZE];

	print_answer(ping, seq, state);
	if (itinerary && ping->options.stack && itinerary->n_acts)
		itinerary_print_all(itinerary, stdout);
	else if (itinerary && (itinerary->n_hops || itinerary->n_drops))
		itinerary_print(itinerary, stdout);
	else if ((ping->watched || ping->local) && !(itinerary && itinerary->fate == FATE_WAITING))
		print_unseen(ping, state);
	if (itinerary && itinerary->fate == FATE_DROPPED) {
		if (!itinerary_unanswered_text(itinerary, why, sizeof(why)))
			itinerary_drop_text(itinerary, why);
		output_wrap("  ", why, stdout);
	} else if (itinerary && (itinerary->n_hops || itinerary->fate == FATE_WAITING) &&
		   state->result == ECHO_UNANSWERED && !is_told_by_why(ping, itinerary)) {
		output_wrap("  ", itinerary_fate_text(itinerary, why), stdout);
	}
	print_programs(ping);
	ping_print_remarks(state, itinerary);
	if (itinerary)
		ping_print_redirects(ping->trip.run, itinerary);
	/* A drop that was seen, or a question, explains more than routes that are good. */
	if (state->result != ECHO_ANSWERED && !ping_refutes_why(ping, itinerary) &&
	    !(itinerary && (itinerary->death >= 0 || itinerary->fate == FATE_WAITING) &&
	      path_is_good(&ping->why)))
		print_why(ping);
	output_flush(stdout);
}

static json_t *why_json(const struct ping *ping)
{
	json_t *why =
		output_json_pack("{s:s, s:s, s:o}", "end", path_end_word(ping->why.end), "at",
				 ping->why.at->name, "text", output_json_text(ping->why.text));

	if (ping->why.hint[0])
		output_json_set(why, "hint", output_json_text(ping->why.hint));
	return why;
}

static void print_json(const struct ping *ping, uint16_t seq, const struct echo_state *state,
		       const struct itinerary *itinerary)
{
	const struct echo_answer *answer = &state->answer;
	char addr[IP_TEXT_SIZE], text[ICMP_TEXT_SIZE];
	json_t *line = output_json_document("vethlab.ping/1");

	output_json_set(line, "from", output_json_text(ping->trip.from->name));
	output_json_set(line, "to",
			output_json_text(ip_format(&ping->trip.target.addr, addr, sizeof(addr))));
	output_json_set(line, "seq", json_integer(seq));
	output_json_set(line, "result", output_json_text(result_word(state->result)));
	if (state->result == ECHO_ANSWERED || state->result == ECHO_REFUSED) {
		ip_format(&answer->from, addr, sizeof(addr));
		output_json_set(line, "answer_from", output_json_text(addr));
		output_json_set(line, "ttl", json_integer(answer->ttl));
		output_json_set(line, "bytes", json_integer(answer->len));
		output_json_set(line, "corrupt", json_boolean(answer->corrupt));
		if (answer->rtt_ns)
			output_json_set(line, "rtt_ns", json_integer(answer->rtt_ns));
	}
	if (state->result == ECHO_REFUSED)
		output_json_set(line, "error",
				output_json_text(icmp_text(family_of(ping), answer->type,
							   answer->code, answer->info, text)));
	if (state->result == ECHO_NOT_SENT)
		output_json_set(line, "error", output_json_text(strerror(state->error)));
	if (ping->n_programs)
		output_json_set(line, "programs_of_others", programs_json(ping));
	if ((state->result != ECHO_ANSWERED ||
	     (!(itinerary && itinerary->n_hops) && ping->why.end == PATH_LEAVES)) &&
	    ping->has_why && !path_is_good(&ping->why) && !ping_refutes_why(ping, itinerary))
		output_json_set(line, "why", why_json(ping));
	ping_put_remarks(line, state, itinerary);
	if (itinerary)
		ping_put_redirects(line, ping->trip.run, itinerary);
	output_json_set(line, "stayed_on_lo", json_boolean(ping->local));
	output_json_set(line, "itinerary", itinerary ? itinerary_json(itinerary) : json_null());
	output_json_line(line, stdout);
}

void ping_print_echo(struct ping *ping, uint16_t seq, const struct echo_state *state,
		     const struct itinerary *itinerary)
{
	if (ping->options.quiet)
		return;
	if (ping->trip.json)
		print_json(ping, seq, state, itinerary);
	else
		print_text(ping, seq, state, itinerary);
}

static uint64_t under_way(const struct ping_tally *tally)
{
	return tally->sent - tally->answered - tally->refused - tally->unanswered - tally->not_sent;
}

static void print_losses(const struct ping_tally *tally)
{
	for (size_t i = 0; i < tally->n_losses; i++) {
		const struct ping_loss *loss = &tally->losses[i];
		char text[256], lead[64];

		snprintf(lead, sizeof(lead), "%" PRIu64 " without answer: ", loss->count);
		if (loss->dropped)
			drop_sentence(&loss->drop, text, sizeof(text));
		output_wrap(lead,
			    loss->dropped	? text
			    : loss->text[0]	? loss->text
			    : tally->incomplete ? "seen at no end of the lab; records were lost"
						: "seen at no end of the lab",
			    stdout);
	}
}

static bool any_drop(const struct ping_tally *tally)
{
	for (size_t i = 0; i < tally->n_losses; i++)
		if (tally->losses[i].dropped)
			return true;
	return false;
}

/* "blue answered", "default:veth0 -> blue:veth1" */
static void print_slowest(const struct ping_tally *tally)
{
	const struct ping_step *step = ping_slowest(tally);
	char mean[OUTPUT_NUMBER_SIZE], max[OUTPUT_NUMBER_SIZE], text[2 * END_NAME_SIZE + 128];

	if (!step)
		return;
	output_duration(step->sum_ns / step->count, mean);
	output_duration(step->max_ns, max);
	if (step->step == STEP_FIRST || step->step == STEP_GAP)
		snprintf(text, sizeof(text), "inside %s, %s (%s), mean %s, max %s",
			 step->node->name,
			 step->step == STEP_FIRST ? "before the first hook"
						  : "between the last hook and the socket",
			 leg_name(step->leg), mean, max);
	else if (step->step == STEP_LINK)
		snprintf(text, sizeof(text), "the link %s -> %s (%s), mean %s, max %s",
			 step->from->name, step->end->name, leg_name(step->leg), mean, max);
	else
		snprintf(text, sizeof(text), "inside %s (%s), mean %s, max %s", step->node->name,
			 leg_name(step->leg), mean, max);
	output_wrap("slowest step: ", text, stdout);
}

static void print_summary_text(struct ping *ping)
{
	const struct ping_tally *tally = &ping->tally;
	const uint64_t *rtts = tally->rtts;
	size_t n = tally->n_rtts;
	/* All that is known of a single echo was told with it. */
	bool several = tally->sent - tally->not_sent > 1;
	char target[TARGET_TEXT_SIZE], time[4][OUTPUT_NUMBER_SIZE];
	char text[TARGET_TEXT_SIZE + NODE_NAME_MAX + 64];

	snprintf(text, sizeof(text), "%s from %s ---",
		 target_text(&ping->trip.target, target, sizeof(target)), ping->trip.from->name);
	output_wrap("--- ", text, stdout);
	printf("%" PRIu64 " sent, %" PRIu64 " answered", tally->sent - tally->not_sent,
	       tally->answered);
	if (tally->unanswered)
		printf(", %" PRIu64 " unanswered", tally->unanswered);
	if (tally->refused)
		printf(", %" PRIu64 " refused by ICMP errors", tally->refused);
	if (tally->not_sent)
		printf(", %" PRIu64 " could not be sent", tally->not_sent);
	if (under_way(tally))
		printf(", %" PRIu64 " still under way", under_way(tally));
	if (tally->duplicates)
		printf(", %" PRIu64 " answered again", tally->duplicates);
	if (tally->late)
		printf(", %" PRIu64 " answered too late", tally->late);
	if (tally->corrupt)
		printf(", %" PRIu64 " damaged", tally->corrupt);
	fputc('\n', stdout);
	if (n == 1 && ping->options.quiet)
		printf("round trip %s\n", output_duration(rtts[0], time[0]));
	else if (n > 1)
		printf("round trip min %s, p50 %s, p99 %s, max %s\n",
		       output_duration(tally->min_ns, time[0]),
		       output_duration(rtts[statistics_rank(n, 0.5)], time[1]),
		       output_duration(rtts[statistics_rank(n, 0.99)], time[2]),
		       output_duration(tally->max_ns, time[3]));
	if (several)
		print_slowest(tally);
	if (several || ping->options.quiet)
		print_losses(tally);
	ping_print_silent(tally);
	if (ping->options.quiet && !ping->why_refuted &&
	    !(any_drop(tally) && path_is_good(&ping->why)))
		print_why(ping);
	if (ping->lost_records)
		printf("%" PRIu64 " records were lost: the ways of %" PRIu64
		       " echo%s may be incomplete\n",
		       ping->lost_records, tally->incomplete, tally->incomplete == 1 ? "" : "es");
}

static json_t *losses_json(const struct ping_tally *tally)
{
	json_t *list = json_array();

	for (size_t i = 0; i < tally->n_losses; i++) {
		const struct ping_loss *loss = &tally->losses[i];
		json_t *item = output_json_pack("{s:I}", "count", (json_int_t)loss->count);

		if (loss->dropped)
			output_json_set(item, "drop", drop_json(&loss->drop));
		else if (loss->end)
			output_json_set(item, "last_seen",
					output_json_pack("{s:s, s:s, s:s}", "end", loss->end->name,
							 "hook", hook_word(loss->hook), "leg",
							 leg_name(loss->leg)));
		if (!loss->dropped && loss->text[0])
			output_json_set(item, "fate", output_json_text(fate_name(loss->fate)));
		output_json_append(list, item);
	}
	return list;
}

static json_t *slowest_json(const struct ping_step *step)
{
	json_t *object = output_json_pack("{s:s, s:I, s:I, s:I}", "leg", leg_name(step->leg),
					  "steps", (json_int_t)step->count, "mean_ns",
					  (json_int_t)(step->sum_ns / step->count), "max_ns",
					  (json_int_t)step->max_ns);

	if (step->step == STEP_LINK) {
		output_json_set(object, "from", output_json_end(step->from));
		output_json_set(object, "to", output_json_end(step->end));
	} else {
		output_json_set(object, "inside", output_json_text(step->node->name));
		if (step->step == STEP_FIRST || step->step == STEP_GAP)
			output_json_set(
				object, "unseen",
				output_json_text(step->step == STEP_FIRST ? "before" : "after"));
	}
	return object;
}

static void print_summary_json(const struct ping *ping)
{
	const struct ping_tally *t = &ping->tally;
	json_t *doc = output_json_document("vethlab.ping-summary/1");
	char addr[IP_TEXT_SIZE];
	json_t *sums = output_json_pack(
		"{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "from",
		ping->trip.from->name, "to", ip_format(&ping->trip.target.addr, addr, sizeof(addr)),
		"sent", (json_int_t)(t->sent - t->not_sent), "answered", (json_int_t)t->answered,
		"unanswered", (json_int_t)t->unanswered, "refused", (json_int_t)t->refused,
		"not_sent", (json_int_t)t->not_sent, "under_way", (json_int_t)under_way(t),
		"duplicates", (json_int_t)t->duplicates, "late", (json_int_t)t->late, "corrupt",
		(json_int_t)t->corrupt, "lost_records", (json_int_t)ping->lost_records, "losses",
		losses_json(t));

	output_json_merge(doc, sums);
	output_json_set(doc, "incomplete", json_integer(t->incomplete));
	if (t->n_silent)
		output_json_set(doc, "no_icmp_error", ping_silent_json(t));
	if (t->n_rtts)
		output_json_set(doc, "rtt_ns",
				output_json_pack(
					"{s:I, s:I, s:I, s:I}", "min", (json_int_t)t->min_ns, "p50",
					(json_int_t)t->rtts[statistics_rank(t->n_rtts, 0.5)], "p99",
					(json_int_t)t->rtts[statistics_rank(t->n_rtts, 0.99)],
					"max", (json_int_t)t->max_ns));
	if (ping_slowest(t))
		output_json_set(doc, "slowest_step", slowest_json(ping_slowest(t)));
	if (ping->has_why && !ping->why_refuted && !path_is_good(&ping->why))
		output_json_set(doc, "why", why_json(ping));
	output_json_line(doc, stdout);
}

void ping_print_summary(struct ping *ping)
{
	statistics_sort_u64(ping->tally.rtts, ping->tally.n_rtts);
	if (ping->trip.json)
		print_summary_json(ping);
	else
		print_summary_text(ping);
}
