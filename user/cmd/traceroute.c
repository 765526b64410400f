// SPDX-License-Identifier: GPL-2.0-only
/* traceroute.c - vethlab traceroute: probes with rising TTL, each hop as node and end. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/cmd/trip_options.h"
#include "user/trace/probe.h"
#include "user/trace/stream.h"
#include "user/render/record_view.h"
#include "user/render/drop_text.h"
#include "user/render/event_text.h"
#include "user/render/itinerary_text.h"
#include "user/output/output.h"
#include "user/path/path.h"

enum { QUIET_HOPS_MAX = 3 };

struct route_options {
	struct trip trip;
	uint64_t wait_ns;
	unsigned max_ttl;
};

/* What one probe brought to light. */
struct route_hop {
	unsigned ttl;
	bool answered;
	struct echo_answer answer;
	const struct itinerary *itinerary; /* NULL: no record */
};

static int parse_args(int argc, char **argv, struct route_options *options, struct err *err)
{
	struct cmd_words words;
	int ret;

	*options = (struct route_options){0};
	ret = options_parse(&cmd_traceroute, options, argc, argv, &words, err);
	if (ret)
		return ret;
	return trip_operands(&cmd_traceroute, &options->trip, &words, err);
}

/* Send with this TTL and wait for what comes back. */
static int send_probe(struct probe *probe, struct route_hop *hop, uint64_t wait_ns, struct err *err)
{
	uint64_t until = clock_monotonic_ns() + wait_ns, now;
	struct echo_answer answer;
	int ret = echo_set_ttl(probe->sender, hop->ttl, err);

	if (ret)
		return ret;
	ret = echo_send(probe->sender, hop->ttl, err);
	if (ret)
		return ret;
	while (!interrupt_requested && !hop->answered && (now = clock_monotonic_ns()) < until) {
		struct pollfd fd = {.fd = echo_fd(probe->sender), .events = POLLIN};
		struct timespec left = {.tv_sec = (until - now) / 1000000000,
					.tv_nsec = (until - now) % 1000000000};

		ppoll(&fd, 1, &left, NULL);
		while ((ret = echo_receive(probe->sender, &answer, err)) > 0) {
			if (answer.seq != hop->ttl || hop->answered)
				continue; /* late, of a probe that was given up */
			hop->answered = true;
			hop->answer = answer;
		}
		if (ret)
			return ret;
	}
	ret = probe_drain(probe, err);
	if (ret)
		return ret;
	hop->itinerary = probe_itinerary(probe, hop->ttl);
	return 0;
}

/* Nanoseconds that the packet of a leg spent on links and in nodes on the way; -1: not known. */
static int64_t leg_time(const struct itinerary *itinerary, bool there)
{
	int64_t first = -1, last = -1;

	for (size_t i = 0; i < itinerary->n_hops; i++) {
		const struct hop *hop = &itinerary->hops[i];

		if ((hop->leg == LEG_REQUEST) != there)
			continue;
		if (first < 0)
			first = hop->at_ns;
		last = hop->at_ns;
	}
	return last - first > 0 ? last - first : -1;
}

/* The end at which the probe came to the node that answered it. */
static const struct end *arrival_end(const struct itinerary *itinerary)
{
	const struct end *end = NULL;

	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].leg == LEG_REQUEST &&
		    itinerary->hops[i].event.hook != VL_HOOK_OUT)
			end = itinerary->hops[i].end;
	return end;
}

/* The answer, if a node made it by a device behind another node's end; else NULL. */
static const struct hop *odd_maker(const struct itinerary *itinerary)
{
	for (size_t i = 0; i < itinerary->n_hops; i++)
		if (itinerary->hops[i].maker)
			return &itinerary->hops[i];
	return NULL;
}

static const char *time_text(int64_t ns, char buf[OUTPUT_NUMBER_SIZE])
{
	return ns < 0 ? "?" : output_duration(ns, buf);
}

static void print_hop(const struct route_hop *hop, uint8_t family)
{
	const struct itinerary *itinerary = hop->itinerary;
	const struct end *at = itinerary ? arrival_end(itinerary) : NULL;
	char from[IP_TEXT_SIZE], text[ICMP_TEXT_SIZE], rtt[OUTPUT_NUMBER_SIZE];
	char there[OUTPUT_NUMBER_SIZE], back[OUTPUT_NUMBER_SIZE];
	char lead[END_NAME_SIZE + IP_TEXT_SIZE + 64], remark[256] = "";
	const struct hop *made = itinerary ? odd_maker(itinerary) : NULL;
	int used = 0;

	if (!hop->answered) {
		printf("%2u  no answer", hop->ttl);
		if (itinerary && itinerary->last >= 0) {
			fputs("; ", stdout);
			itinerary_print_fate(itinerary, stdout);
		}
		putchar('\n');
		return;
	}
	snprintf(lead, sizeof(lead), "%2u  %-16s  %-15s  %8s  ", hop->ttl, at ? at->name : "?",
		 ip_format(&hop->answer.from, from, sizeof(from)),
		 hop->answer.rtt_ns ? output_duration(hop->answer.rtt_ns, rtt) : "?");
	if (itinerary)
		used = snprintf(remark, sizeof(remark), "there %s, back %s%s",
				time_text(leg_time(itinerary, true), there),
				time_text(leg_time(itinerary, false), back),
				itinerary->asymmetric ? ", by other links" : "");
	if (made)
		used += snprintf(remark + used, sizeof(remark) - used, ", by %s's %s behind %s",
				 made->maker->name, made->maker_dev, made->end->name);
	if (hop->answer.error && hop->answer.type != (family == AF_INET6 ? 3 : 11))
		snprintf(remark + used, sizeof(remark) - used, "%s%s", used ? "; " : "",
			 icmp_text(family == AF_INET6 ? 6 : 4, hop->answer.type, hop->answer.code,
				   hop->answer.info, text));
	output_wrap(lead, remark, stdout);
}

/* As the text has them: "there" and "back", of a probe that was answered. */
static void add_leg_times(json_t *line, const struct itinerary *itinerary)
{
	int64_t there = leg_time(itinerary, true), back = leg_time(itinerary, false);

	if (there >= 0)
		output_json_set(line, "there_ns", json_integer(there));
	if (back >= 0)
		output_json_set(line, "back_ns", json_integer(back));
}

static void print_hop_json(const struct route_hop *hop)
{
	const struct end *at = hop->itinerary ? arrival_end(hop->itinerary) : NULL;
	json_t *line = output_json_document("vethlab.traceroute/1");
	char from[IP_TEXT_SIZE];

	output_json_set(line, "ttl", json_integer(hop->ttl));
	output_json_set(line, "answered", json_boolean(hop->answered));
	if (hop->answered) {
		output_json_set(line, "from",
				output_json_text(ip_format(&hop->answer.from, from, sizeof(from))));
		output_json_set(line, "type", json_integer(hop->answer.type));
		output_json_set(line, "code", json_integer(hop->answer.code));
		if (hop->answer.rtt_ns)
			output_json_set(line, "rtt_ns", json_integer(hop->answer.rtt_ns));
		if (hop->itinerary)
			add_leg_times(line, hop->itinerary);
	}
	if (at)
		output_json_set(line, "at", output_json_end(at));
	output_json_set(line, "itinerary",
			hop->itinerary ? itinerary_json(hop->itinerary) : json_null());
	output_json_line(line, stdout);
}

/* Whether records of a probe may be missing although it left the node that sends. */
static bool may_be_missed(const struct probe *probe)
{
	return !probe->session || probe->local || probe->blind || probe_lost(probe);
}

/*
 * Whether the probe never left the node that sends: neither would one with a larger TTL, and an
 * error about it is the node's own (ARP that nobody answered), no hop of the way.
 */
static bool never_left(const struct probe *probe, const struct route_hop *hop)
{
	return !may_be_missed(probe) && (!hop->itinerary || !hop->itinerary->n_hops);
}

static void print_never_left(const struct probe *probe, const struct route_hop *hop)
{
	const struct node *from = probe->config.from;
	struct path_question question = {.node = from, .to = probe->config.target.addr};
	char text[PATH_TEXT_SIZE + 128];
	struct path path;

	snprintf(text, sizeof(text), "it did not leave %s", from->name);
	if (!path_walk(probe->config.run, &question, &path, NULL) && !path_is_good(&path))
		snprintf(text, sizeof(text), "it did not leave %s: %s", from->name, path.text);
	else if (hop->itinerary && hop->itinerary->death >= 0)
		drop_sentence(&hop->itinerary->drops[hop->itinerary->death], text, sizeof(text));
	output_wrap(" 1  ", text, stdout);
}

/* Until the target answers, an error ends the way, or too many probes in a row stay unanswered. */
static int trace_route(struct probe *probe, const struct route_options *options, bool *arrived,
		       bool *more, struct err *err)
{
	uint8_t family = probe->config.target.addr.family;
	unsigned quiet = 0;
	bool nowhere = false;

	for (unsigned ttl = 1; ttl <= options->max_ttl && !interrupt_requested; ttl++) {
		struct route_hop hop = {.ttl = ttl};
		int ret = send_probe(probe, &hop, options->wait_ns, err);

		if (ret)
			return ret;
		if (interrupt_requested && !hop.answered)
			break; /* it was not waited for */
		nowhere = never_left(probe, &hop);
		if (options->trip.json)
			print_hop_json(&hop);
		else if (nowhere)
			print_never_left(probe, &hop);
		else
			print_hop(&hop, family);
		output_flush(stdout);
		*arrived = hop.answered && !hop.answer.error;
		quiet = hop.answered ? 0 : quiet + 1;
		if (*arrived || nowhere || quiet == QUIET_HOPS_MAX)
			break;
		if (hop.answered && hop.answer.type != (family == AF_INET6 ? 3 : 11))
			break;
		*more = hop.answered && ttl == options->max_ttl;
		probe_forget(probe, ttl);
	}
	return 0;
}

/* more: it was still under way at the last TTL. */
static void print_not_there(const struct route_options *options, bool more)
{
	if (more)
		printf("not there within %u hop%s: -m N asks for more\n", options->max_ttl,
		       options->max_ttl == 1 ? "" : "s");
	if (!interrupt_requested)
		output_print(stdout, "  try: vethlab why %s %s\n", options->trip.from_word,
			     options->trip.to_word);
}

static void print_start(const struct probe *probe, const struct route_options *options)
{
	const struct probe_config *config = &probe->config;
	char target[TARGET_TEXT_SIZE], text[TARGET_TEXT_SIZE + NODE_NAME_MAX + 64];

	snprintf(text, sizeof(text), "from %s to %s, at most %u hop%s", config->from->name,
		 target_text(&config->target, target, sizeof(target)), options->max_ttl,
		 options->max_ttl == 1 ? "" : "s");
	output_wrap("", text, stdout);
	if (probe->local)
		output_wrap("", "it is the node's own address: packets to it stay on lo", stdout);
}

static int run(const struct route_options *options, bool *arrived, struct err *err)
{
	const struct trip *trip = &options->trip;
	struct probe_config config = {.run = trip->run,
				      .from = trip->from,
				      .target = trip->target,
				      .size = 56,
				      .depth = NODE_TRACE_REASONS};
	cleanup_probe struct probe probe = {0};
	bool more = false;
	int ret = probe_open(&probe, &config, err);

	if (ret)
		return ret;
	if (!trip->json)
		print_start(&probe, options);
	interrupt_catch_signals();
	ret = trace_route(&probe, options, arrived, &more, err);
	if (ret)
		return ret;
	if (!*arrived && !trip->json)
		print_not_there(options, more);
	if (probe_lost(&probe))
		fprintf(stderr, "%" PRIu64 " records were lost\n", probe_lost(&probe));
	return 0;
}

static int traceroute_main(int argc, char **argv, struct err *err)
{
	struct route_options options;
	bool arrived = false;
	bool failed = parse_args(argc, argv, &options, err) || trip_open(&options.trip, err) ||
		      run(&options, &arrived, err);

	trip_close(&options.trip);
	return failed ? (int)err->code : !arrived;
}

static const struct cmd_operand operands[] = {
	OPERANDS_TRIP(.row = NO_ROW),
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{.letter = 'm',
	 .value = "MAX",
	 .kind = VALUE_NUMBER,
	 .least = 1,
	 .most = 255,
	 .initial = "30",
	 .wrong = "that is not 1 to 255",
	 .text = "the largest TTL (30)",
	 INTO_UNSIGNED(struct route_options, max_ttl)},
	{.letter = 'W',
	 .value = "TIME",
	 .kind = VALUE_DURATION,
	 .least = 1,
	 .initial = "1s",
	 .wrong = "that is no time",
	 .text = "how long to wait for an answer (1s)",
	 INTO_U64(struct route_options, wait_ns)},
	OPTIONS_FAMILY(struct route_options),
	OPTION_TRIP_LAB(struct route_options),
	OPTION_TRIP_JSON(struct route_options),
	OPTIONS_END,
};

const struct cmd cmd_traceroute = {
	.name = "traceroute",
	.summary = "probe with rising TTL: each hop as node and end",
	.operands = operands,
	.options = options,
	.notes = "The exit status is 1 if TO did not answer.\n",
	.run = traceroute_main,
};
