// SPDX-License-Identifier: GPL-2.0-only
/* port_report.c - see port_report.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/statistics.h"
#include "user/output/output.h"
#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/port_report.h"
#include "user/render/record_view.h"

enum { DROP_TEXT_SIZE = 512 };

static const char *result_word(enum port_result result)
{
	static const char *const words[] = {
		[PORT_PENDING] = "pending",   [PORT_ANSWERED] = "answered",
		[PORT_RESET] = "reset",	      [PORT_ICMP_ERROR] = "icmp-error",
		[PORT_GIVEN_UP] = "given-up", [PORT_UNANSWERED] = "unanswered",
		[PORT_NOT_SENT] = "not-sent", [PORT_UNACKNOWLEDGED] = "unacknowledged",
	};

	return words[result];
}

static const char *protocol_word(const struct port_ping *ping)
{
	return ping->tcp ? "tcp" : "udp";
}

/* "10.0.0.2 (server:eth0) port 80" */
static const char *place_text(const struct port_ping *ping, char *buf, size_t size)
{
	char target[TARGET_TEXT_SIZE];

	snprintf(buf, size, "%s port %u", target_text(&ping->trip.target, target, sizeof(target)),
		 ping->port);
	return buf;
}

void port_print_start(const struct port_ping *ping)
{
	char place[TARGET_TEXT_SIZE + 16], text[TARGET_TEXT_SIZE + NODE_NAME_MAX + 96];

	if (ping->trip.json)
		return;
	place_text(ping, place, sizeof(place));
	if (ping->tcp && !ping->options.size)
		snprintf(text, sizeof(text), "%s from %s", place, ping->trip.from->name);
	else
		snprintf(text, sizeof(text), "%s from %s: %u data bytes", place,
			 ping->trip.from->name, ping->options.size);
	output_wrap(ping->tcp ? "TCP " : "UDP ", text, stdout);
	output_flush(stdout);
}

/* ---- one attempt ------------------------------------------------------------------------------
 */

static void print_answer(const struct port_ping *ping)
{
	const struct port_trial *trial = &ping->trial;
	const struct port_answer *answer = &trial->answer;
	char to[IP_TEXT_SIZE], from[IP_TEXT_SIZE], time[OUTPUT_NUMBER_SIZE], text[ICMP_TEXT_SIZE];
	uint64_t seq = trial->number;

	ip_format(&ping->trip.target.addr, to, sizeof(to));
	output_duration(answer->time_ns, time);
	switch (answer->result) {
	case PORT_ANSWERED:
		if (ping->tcp && ping->options.size)
			printf("%u bytes acknowledged by %s port %u: seq=%" PRIu64 " time=%s\n",
			       answer->acknowledged, to, ping->port, seq, time);
		else if (ping->tcp)
			printf("connected to %s port %u: seq=%" PRIu64 " time=%s\n", to, ping->port,
			       seq, time);
		else
			printf("%u bytes from %s port %u: seq=%" PRIu64 " time=%s\n", answer->bytes,
			       to, ping->port, seq, time);
		break;
	case PORT_RESET:
		printf("%srefused by a RST from %s port %u: seq=%" PRIu64 " time=%s\n",
		       answer->connected ? "connected; " : "", to, ping->port, seq, time);
		break;
	case PORT_ICMP_ERROR:
		printf("From %s: seq=%" PRIu64 " %s, time=%s\n",
		       answer->from.family ? ip_format(&answer->from, from, sizeof(from)) : "?",
		       seq,
		       icmp_text(trial->flow.family, answer->type, answer->code, answer->info,
				 text),
		       time);
		break;
	case PORT_NOT_SENT:
		printf("seq=%" PRIu64 " was not sent (kernel: %s)\n", seq, strerror(answer->error));
		break;
	case PORT_UNACKNOWLEDGED:
		output_duration(ping->options.timeout_ns, time);
		printf("seq=%" PRIu64
		       ": connected, but %u of %u bytes were acknowledged within %s\n",
		       seq, answer->acknowledged, ping->options.size, time);
		break;
	case PORT_GIVEN_UP:
		printf("seq=%" PRIu64 ": %sthe kernel gave up after %s (kernel: %s)\n", seq,
		       answer->connected ? "connected; " : "", time, strerror(answer->error));
		break;
	default:
		output_duration(ping->options.timeout_ns, time);
		printf("seq=%" PRIu64 ": no answer within %s\n", seq, time);
		break;
	}
}

/* "fw dropped the SYN (2 times): a netfilter rule ... (NETFILTER_DROP, in nf_hook_slow)" */
static const char *drop_text(const struct port_drop *drop, char buf[DROP_TEXT_SIZE])
{
	const char *meaning = drop_explain(drop->reason, drop->function);
	/* Which datagram's is not known. */
	bool unsure = drop->packet == PORT_PACKET_FRAGMENT;
	char what[48];
	char times[48] = "", names[2 * SYMBOL_NAME_SIZE + 8], place[END_NAME_SIZE + 8] = "";

	if (drop->count > 1)
		snprintf(times, sizeof(times), " (%" PRIu64 " times)", drop->count);
	if (drop->end)
		snprintf(place, sizeof(place), ", at %s", drop->end->name);
	if (unsure)
		snprintf(what, sizeof(what), "a later fragment between these addresses");
	else
		snprintf(what, sizeof(what), "the %s", port_packet_word(drop->packet));
	snprintf(names, sizeof(names), "%s%s%s", drop->reason, drop->function[0] ? ", in " : "",
		 drop->function);
	if (meaning)
		snprintf(buf, DROP_TEXT_SIZE, "%s dropped %s%s%s: %s (%s)", drop->node->name, what,
			 times, place, meaning, names);
	else
		snprintf(buf, DROP_TEXT_SIZE, "%s dropped %s%s%s: %s", drop->node->name, what,
			 times, place, names);
	return buf;
}

static void print_drops(const struct port_drops *drops, const char *lead)
{
	char text[DROP_TEXT_SIZE];

	for (size_t i = 0; i < drops->n; i++)
		output_wrap(lead, drop_text(&drops->list[i], text), stdout);
	if (drops->more)
		printf("%s%" PRIu64 " more drops of other kinds\n", lead, drops->more);
}

static void cell_count(struct table *table, bool known, uint64_t n)
{
	if (known)
		table_cell(table, "%" PRIu64, n);
	else
		table_cell(table, "not counted");
}

static void print_links(const struct port_ping *ping)
{
	static const struct table_column columns[] = {{"", TABLE_LEFT},
						      {"", TABLE_LEFT},
						      {"sent", TABLE_RIGHT},
						      {"arrived", TABLE_RIGHT}};
	const struct port_evidence *evidence = &ping->trial.evidence;
	struct table *table;
	char text[2 * END_NAME_SIZE + 8];

	if (!evidence->n_links)
		return;
	printf("  meanwhile the links on its way by the nodes' tables counted, of all flows,\n"
	       "  %s:\n",
	       ping->tcp ? "TCP segments with SYN" : "UDP datagrams");
	table = table_new(columns, 4);
	for (size_t i = 0; i < evidence->n_links; i++) {
		const struct port_link *link = &evidence->links[i];

		table_cell(table, "   %s", link->back ? "back" : "there");
		table_cell(table, "%s", output_direction(link->from, text, sizeof(text)));
		cell_count(table, link->has_sent, link->sent);
		cell_count(table, link->has_arrived, link->arrived);
	}
	table_print(table, stdout);
	table_free(table);
	if (evidence->more_links)
		printf("    and links that there was no room for\n");
}

/* What the tables say where nothing that was seen says more. */
static bool why_counts(const struct port_trial *trial)
{
	const struct path *why = &trial->why;

	return trial->has_why && !trial->evidence.drops.n &&
	       trial->answer.result != PORT_ANSWERED && trial->answer.result != PORT_RESET &&
	       !path_is_good(why) && why->end != PATH_IGNORED && why->end != PATH_TO_MANY;
}

static void print_why(const struct port_ping *ping)
{
	const struct port_trial *trial = &ping->trial;

	if (why_counts(trial)) {
		output_wrap("  why: ", trial->why.text, stdout);
		if (trial->why.hint[0])
			output_wrap("  try: ", trial->why.hint, stdout);
	} else if (trial->answer.result == PORT_UNANSWERED && trial->has_back &&
		   !trial->evidence.drops.n && !trial->evidence.overflows && trial->has_why &&
		   path_is_good(&trial->why)) {
		output_wrap("  ",
			    "by the nodes' routes (asked for ICMP) it arrives, and an answer comes "
			    "back; what filters (nft, tc, XDP) do is not looked at",
			    stdout);
		if (!ping->tcp)
			output_wrap("  ", "a program that takes datagrams need not answer", stdout);
	}
}

static void print_evidence(const struct port_ping *ping)
{
	const struct port_evidence *evidence = &ping->trial.evidence;
	const struct target *target = &ping->trip.target;
	char text[STORY_NOT_SEEN_SIZE + 64];

	print_drops(&evidence->drops, "  ");
	if (evidence->overflows_known && evidence->overflows) {
		snprintf(text, sizeof(text),
			 "%s found an accept queue full %" PRIu64
			 " time%s meanwhile (ListenOverflows, of all its sockets)",
			 target->node->name, evidence->overflows,
			 evidence->overflows == 1 ? "" : "s");
		output_wrap("  ", text, stdout);
	}
	if (!evidence->drops.n && ping->trial.answer.result != PORT_NOT_SENT)
		printf("  no node was seen to drop a packet of it\n");
	if (evidence->not_seen[0] && ping->trial.answer.result != PORT_NOT_SENT) {
		snprintf(text, sizeof(text), "not seen: %s", evidence->not_seen);
		output_wrap("  ", text, stdout);
	}
	if (ping->trial.answer.result == PORT_UNANSWERED ||
	    ping->trial.answer.result == PORT_GIVEN_UP)
		print_links(ping);
	if (ping->local)
		printf("  %s has the address itself: the packet stays on lo\n",
		       ping->trip.from->name);
	print_why(ping);
}

static json_t *drops_json(const struct port_drops *drops)
{
	json_t *list = json_array();
	char text[DROP_TEXT_SIZE];

	for (size_t i = 0; i < drops->n; i++) {
		const struct port_drop *drop = &drops->list[i];
		json_t *object = output_json_pack(
			"{s:s, s:s, s:I, s:s, s:s, s:o}", "node", drop->node->name, "packet",
			port_packet_word(drop->packet), "count", (json_int_t)drop->count, "reason",
			drop->reason, "function", drop->function, "text",
			output_json_text(drop_text(drop, text)));

		if (drop->end)
			output_json_set(object, "end", output_json_text(drop->end->name));
		output_json_append(list, object);
	}
	return list;
}

static json_t *links_json(const struct port_evidence *evidence)
{
	json_t *list = json_array();

	for (size_t i = 0; i < evidence->n_links; i++) {
		const struct port_link *link = &evidence->links[i];
		json_t *object =
			output_json_pack("{s:s, s:s, s:s}", "way", link->back ? "back" : "there",
					 "from", link->from->name, "to", link->from->peer->name);

		if (link->has_sent)
			output_json_set(object, "sent", json_integer(link->sent));
		if (link->has_arrived)
			output_json_set(object, "arrived", json_integer(link->arrived));
		output_json_append(list, object);
	}
	return list;
}

static void put_evidence(const struct port_ping *ping, json_t *line)
{
	const struct port_trial *trial = &ping->trial;
	const struct port_evidence *evidence = &trial->evidence;

	output_json_set(line, "drops", drops_json(&evidence->drops));
	output_json_set(line, "links", links_json(evidence));
	if (evidence->overflows_known)
		output_json_set(line, "accept_queue_overflows", json_integer(evidence->overflows));
	if (evidence->not_seen[0])
		output_json_set(line, "not_seen", output_json_text(evidence->not_seen));
	if (why_counts(trial)) {
		json_t *why = output_json_pack("{s:s, s:o}", "end", path_end_word(trial->why.end),
					       "text", output_json_text(trial->why.text));

		if (trial->why.hint[0])
			output_json_set(why, "hint", output_json_text(trial->why.hint));
		output_json_set(line, "why", why);
	}
}

static void print_json(const struct port_ping *ping)
{
	const struct port_trial *trial = &ping->trial;
	const struct port_answer *answer = &trial->answer;
	char addr[IP_TEXT_SIZE], text[ICMP_TEXT_SIZE];
	json_t *line = output_json_document("vethlab.ping-port/1");

	output_json_merge(
		line,
		output_json_pack("{s:s, s:s, s:s, s:i, s:i, s:I, s:s, s:b}", "from",
				 ping->trip.from->name, "to",
				 ip_format(&ping->trip.target.addr, addr, sizeof(addr)), "protocol",
				 protocol_word(ping), "port", ping->port, "source_port",
				 trial->flow.from, "seq", (json_int_t)trial->number, "result",
				 result_word(answer->result), "stayed_on_lo", ping->local));
	if (answer->result != PORT_UNANSWERED && answer->result != PORT_NOT_SENT &&
	    answer->result != PORT_UNACKNOWLEDGED)
		output_json_set(line, "time_ns", json_integer(answer->time_ns));
	if (answer->connected && ping->options.size) {
		output_json_set(line, "acknowledged", json_integer(answer->acknowledged));
		output_json_set(line, "mss", json_integer(answer->mss));
	}
	if (answer->result == PORT_ANSWERED && !ping->tcp)
		output_json_set(line, "bytes", json_integer(answer->bytes));
	if (answer->result == PORT_ICMP_ERROR) {
		if (answer->from.family)
			output_json_set(
				line, "answer_from",
				output_json_text(ip_format(&answer->from, addr, sizeof(addr))));
		output_json_set(line, "error",
				output_json_text(icmp_text(trial->flow.family, answer->type,
							   answer->code, answer->info, text)));
	}
	if (answer->result == PORT_NOT_SENT || answer->result == PORT_GIVEN_UP)
		output_json_set(line, "error", output_json_text(strerror(answer->error)));
	if (answer->result != PORT_ANSWERED)
		put_evidence(ping, line);
	else if (trial->evidence.drops.n)
		output_json_set(line, "drops", drops_json(&trial->evidence.drops));
	output_json_line(line, stdout);
}

bool port_print_trial(const struct port_ping *ping)
{
	if (ping->options.quiet)
		return true;
	if (ping->trip.json) {
		print_json(ping);
	} else {
		print_answer(ping);
		if (ping->trial.answer.result != PORT_ANSWERED)
			print_evidence(ping);
		else
			print_drops(&ping->trial.evidence.drops, "  ");
	}
	return !record_view_reader_left();
}

/* ---- sums -------------------------------------------------------------------------------------
 */

static void print_sum(const struct port_ping *ping, enum port_result result, const char *what)
{
	if (ping->tally.by_result[result])
		printf(", %" PRIu64 " %s", ping->tally.by_result[result], what);
}

static void print_summary_text(const struct port_ping *ping)
{
	const struct port_tally *tally = &ping->tally;
	const uint64_t *times = tally->times;
	char place[TARGET_TEXT_SIZE + 16], text[TARGET_TEXT_SIZE + NODE_NAME_MAX + 64];
	char time[3][OUTPUT_NUMBER_SIZE];

	snprintf(text, sizeof(text), "%s from %s ---", place_text(ping, place, sizeof(place)),
		 ping->trip.from->name);
	output_wrap("--- ", text, stdout);
	printf("%" PRIu64 " tried, %" PRIu64 " %s", tally->tried, tally->by_result[PORT_ANSWERED],
	       !ping->tcp	    ? "answered"
	       : ping->options.size ? "acknowledged"
				    : "connected");
	print_sum(ping, PORT_RESET, "refused by RST");
	print_sum(ping, PORT_ICMP_ERROR, "refused by ICMP errors");
	print_sum(ping, PORT_UNANSWERED, "without answer");
	print_sum(ping, PORT_UNACKNOWLEDGED, "connected without acknowledgement");
	print_sum(ping, PORT_GIVEN_UP, "given up by the kernel");
	print_sum(ping, PORT_NOT_SENT, "could not be sent");
	fputc('\n', stdout);
	if (tally->n_times > 1 || (tally->n_times && ping->options.quiet))
		printf("time min %s, p50 %s, max %s\n", output_duration(times[0], time[0]),
		       output_duration(times[statistics_rank(tally->n_times, 0.5)], time[1]),
		       output_duration(times[tally->n_times - 1], time[2]));
	if (tally->tried > 1 || ping->options.quiet)
		print_drops(&tally->drops, "");
}

static void print_summary_json(const struct port_ping *ping)
{
	const struct port_tally *tally = &ping->tally;
	const uint64_t *times = tally->times;
	json_t *doc = output_json_document("vethlab.ping-port-summary/1");
	char addr[IP_TEXT_SIZE];

	output_json_merge(
		doc,
		output_json_pack("{s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}",
				 "from", ping->trip.from->name, "to",
				 ip_format(&ping->trip.target.addr, addr, sizeof(addr)), "protocol",
				 protocol_word(ping), "port", ping->port, "tried",
				 (json_int_t)tally->tried, "answered",
				 (json_int_t)tally->by_result[PORT_ANSWERED], "reset",
				 (json_int_t)tally->by_result[PORT_RESET], "icmp_errors",
				 (json_int_t)tally->by_result[PORT_ICMP_ERROR], "unanswered",
				 (json_int_t)tally->by_result[PORT_UNANSWERED], "given_up",
				 (json_int_t)tally->by_result[PORT_GIVEN_UP], "not_sent",
				 (json_int_t)tally->by_result[PORT_NOT_SENT], "drops",
				 drops_json(&tally->drops)));
	if (ping->tcp && ping->options.size)
		output_json_set(doc, "unacknowledged",
				json_integer(tally->by_result[PORT_UNACKNOWLEDGED]));
	if (tally->n_times)
		output_json_set(
			doc, "time_ns",
			output_json_pack("{s:I, s:I, s:I}", "min", (json_int_t)times[0], "p50",
					 (json_int_t)times[statistics_rank(tally->n_times, 0.5)],
					 "max", (json_int_t)times[tally->n_times - 1]));
	output_json_line(doc, stdout);
}

void port_print_summary(struct port_ping *ping)
{
	statistics_sort_u64(ping->tally.times, ping->tally.n_times);
	if (ping->trip.json)
		print_summary_json(ping);
	else
		print_summary_text(ping);
}
