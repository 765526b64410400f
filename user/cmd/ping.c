// SPDX-License-Identifier: GPL-2.0-only
/* ping.c - vethlab ping: send echo requests from a node and tell the way of each. */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/duration.h"
#include "user/base/interrupt.h"
#include "user/base/number.h"
#include "user/cmd/cmd.h"
#include "user/trace/stream.h"
#include "user/render/itinerary_text.h"
#include "user/render/ping_report.h"
#include "user/render/record_view.h"
#include "user/output/output.h"

enum { SEQS = 65536, IN_FLIGHT_MAX = 60000 };
enum { STACK = 256 }; /* an option without a letter */
#define COUNT_MAX      1000000000000000
#define COUNT_NOT_SAID UINT64_MAX
static const uint64_t second_ns = 1000000000, tick_ns = 100000000;

/* The echoes under way: a window of sequence numbers, [first, next). */
struct flight {
	struct ping *ping;
	struct probe probe;
	struct echo_state *states; /* SEQS */
	uint64_t first, next;	   /* seq is their low 16 bits, from 1 */
	uint64_t next_send_ns, look_ns;
};

static int parse_time(uint64_t *ns, int c, const char *value, struct err *err)
{
	uint64_t found;

	if (!duration_parse(value, &found) || found / second_ns > 1000000 || (c == 'W' && !found))
		return cmd_usage(err, "ping",
				 "-%c %s: that is no time (500ms, 2s; a number: seconds)", c,
				 value);
	*ns = found;
	return 0;
}

static int parse_option(struct ping_options *options, int c, const char *value, struct err *err)
{
	static const struct {
		int option;
		uint64_t least, most;
		const char *what;
	} ranges[] = {
		{'c', 0, COUNT_MAX, "a number of echoes (0: until Ctrl-C)"},
		{'s', 0, ECHO_SIZE_MAX, "0 to 65507 payload bytes"},
		{'t', 1, 255, "a TTL from 1 to 255"},
	};
	uint64_t number = 0;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
		if (ranges[i].option == c &&
		    !number_parse(value, ranges[i].least, ranges[i].most, &number))
			return cmd_usage(err, "ping", "-%c %s: that is not %s", c, value,
					 ranges[i].what);
	switch (c) {
	case 'i':
		return parse_time(&options->interval_ns, c, value, err);
	case 'W':
		return parse_time(&options->timeout_ns, c, value, err);
	case 'c':
		options->count = number;
		break;
	case 's':
		options->size = number;
		break;
	case 't':
		options->ttl = number;
		break;
	}
	return 0;
}

static int parse_args(int argc, char **argv, struct ping *ping, struct err *err)
{
	static const struct option longs[] = {TRIP_LONGS,
					      {"flood", no_argument, NULL, 'f'},
					      {"stack", no_argument, NULL, STACK},
					      {NULL}};
	struct ping_options *options = &ping->options;
	bool flood = false;
	int c, ret = 0;

	*options = (struct ping_options){.count = COUNT_NOT_SAID,
					 .interval_ns = second_ns,
					 .timeout_ns = second_ns,
					 .size = 56};
	optind = 1;
	opterr = 0;
	while (!ret &&
	       (c = getopt_long(argc, argv, ":c:i:s:W:t:qf" TRIP_OPTIONS, longs, NULL)) != -1) {
		if (c == 'q') {
			options->quiet = true;
		} else if (c == STACK) {
			options->stack = true;
		} else if (c == 'f') {
			flood = options->quiet = true;
			options->interval_ns = 0;
		} else if (c == ':' || c == '?') {
			return cmd_bad_option(err, "ping", c, argv);
		} else if (!trip_option(&ping->trip, c, optarg)) {
			ret = parse_option(options, c, optarg, err);
		}
	}
	/* As ping -f: until Ctrl-C. Else one, whose way is the answer. */
	if (options->count == COUNT_NOT_SAID)
		options->count = !flood;
	return ret ? ret : trip_operands(&ping->trip, argc, argv, err);
}

static bool is_v6(const struct ping *ping)
{
	return ping->trip.target.addr.family == AF_INET6;
}

static int open_flight(struct flight *flight, struct err *err)
{
	struct ping *ping = flight->ping;
	struct probe_config config = {.run = ping->trip.run,
				      .from = ping->trip.from,
				      .target = ping->trip.target,
				      .size = ping->options.size,
				      .ttl = ping->options.ttl,
				      .depth = ping->options.stack ? NODE_TRACE_ALL
								   : NODE_TRACE_REASONS};
	int ret = probe_open(&flight->probe, &config, err);

	if (ret)
		return ret;
	ping->local = flight->probe.local;
	ping->watched = flight->probe.session;
	flight->first = flight->next = 1;
	flight->states = calloc(SEQS, sizeof(*flight->states));
	return flight->states ? 0 : err_set(err, ERR_SYSTEM, ENOMEM, "ping: out of memory");
}

static void close_flight(struct flight *flight)
{
	probe_close(&flight->probe);
	free(flight->states);
}

/*
 * Ask the nodes' tables what stops an echo on its way, or the answer on its way back. That they
 * cannot be asked (a node is gone) is no failure of the ping.
 */
static void find_why(struct ping *ping)
{
	struct path_question question = {.node = ping->trip.from,
					 .to = ping->trip.target.addr,
					 .len = ping->options.size + (is_v6(ping) ? 48 : 28)};
	struct path path;

	/* A walk costs more than an echo: at high rates the first one has to do. */
	if (ping->has_why && ping->options.interval_ns < tick_ns)
		return;
	if (path_walk(ping->trip.run, &question, &path, NULL))
		return;
	if (path.end == PATH_ARRIVES && path.from.family) {
		struct path there = path;

		if (path_walk_back(ping->trip.run, &there, question.len, &path, NULL))
			return;
	}
	ping->why_told = ping->has_why && !strcmp(ping->why.text, path.text);
	ping->why = path;
	ping->has_why = true;
}

/* An echo has its result: tell it, add it up, forget its records. */
static int settle(struct flight *flight, uint64_t number, enum echo_result result, struct err *err)
{
	struct ping *ping = flight->ping;
	struct echo_state *state = &flight->states[number % SEQS];
	const struct itinerary *itinerary;
	char end_text[FATE_TEXT_SIZE] = "";
	int ret = probe_drain(&flight->probe, err);

	if (ret)
		return ret;
	state->result = result;
	itinerary = probe_itinerary(&flight->probe, number % SEQS);
	if (result != ECHO_ANSWERED)
		find_why(ping);
	if (result != ECHO_ANSWERED && itinerary && itinerary->last >= 0)
		itinerary_end_text(itinerary, end_text);
	ret = ping_count(ping, state, itinerary, end_text);
	if (ret)
		return err_set(err, ERR_SYSTEM, ENOMEM, "ping: out of memory");
	ping_print_echo(ping, number % SEQS, state, itinerary);
	probe_forget(&flight->probe, number % SEQS);
	ping->lost_records = probe_lost(&flight->probe);
	while (flight->first < flight->next &&
	       flight->states[flight->first % SEQS].result != ECHO_PENDING)
		flight->first++;
	return 0;
}

static int take_answers(struct flight *flight, struct err *err)
{
	struct echo_answer answer;
	int ret;

	while ((ret = echo_receive(flight->probe.sender, &answer, err)) > 0) {
		struct echo_state *state = &flight->states[answer.seq];
		/* The newest echo that has this sequence number. */
		uint64_t number =
			flight->next - 1 - (uint16_t)((uint16_t)(flight->next - 1) - answer.seq);

		if (state->result == ECHO_PENDING && number >= flight->first) {
			state->answer = answer;
			ret = settle(flight, number, answer.error ? ECHO_REFUSED : ECHO_ANSWERED,
				     err);
			if (ret)
				return ret;
		} else if (!answer.error && state->result == ECHO_UNANSWERED) {
			flight->ping->tally.late++;
		} else if (!answer.error) {
			flight->ping->tally.duplicates++;
		}
	}
	return ret;
}

static int send_next(struct flight *flight, uint64_t now, struct err *err)
{
	uint64_t number = flight->next++;
	struct echo_state *state = &flight->states[number % SEQS];
	int ret;

	*state = (struct echo_state){.sent_ns = now};
	flight->ping->tally.sent++;
	ret = echo_send(flight->probe.sender, number % SEQS, NULL);
	flight->next_send_ns += flight->ping->options.interval_ns;
	if (flight->next_send_ns < now) /* never a burst to catch up */
		flight->next_send_ns = now + flight->ping->options.interval_ns;
	if (!ret)
		return 0;
	state->error = -ret;
	return settle(flight, number, ECHO_NOT_SENT, err);
}

static bool may_send(const struct flight *flight)
{
	const struct ping_options *options = &flight->ping->options;

	if (options->count && flight->next > options->count)
		return false;
	if (!options->interval_ns)
		return flight->first == flight->next; /* as fast as answers come */
	return flight->next - flight->first < IN_FLIGHT_MAX;
}

static int expire(struct flight *flight, uint64_t now, struct err *err)
{
	for (uint64_t n = flight->first; n < flight->next; n++) {
		const struct echo_state *state = &flight->states[n % SEQS];
		int ret;

		if (state->result != ECHO_PENDING)
			continue;
		if (now < state->sent_ns + flight->ping->options.timeout_ns)
			break; /* those after it were sent later */
		ret = settle(flight, n, ECHO_UNANSWERED, err);
		if (ret)
			return ret;
	}
	return 0;
}

static void wait_for_answer(const struct flight *flight, uint64_t now)
{
	struct pollfd fd = {.fd = echo_fd(flight->probe.sender), .events = POLLIN};
	uint64_t until = now + tick_ns;
	struct timespec timeout = {0};

	if (may_send(flight) && flight->next_send_ns < until)
		until = flight->next_send_ns;
	if (flight->first < flight->next) {
		uint64_t deadline = flight->states[flight->first % SEQS].sent_ns +
				    flight->ping->options.timeout_ns;

		if (deadline < until)
			until = deadline;
	}
	if (until > now)
		timeout.tv_nsec = until - now; /* a tick at most */
	ppoll(&fd, 1, &timeout, NULL);
}

/* Once a tick: is the lab there, and somebody who reads? 1: to go on makes no sense; or -errno. */
static int look_around(struct flight *flight, uint64_t now, struct err *err)
{
	const struct running *run = flight->ping->trip.run;

	if (now < flight->look_ns)
		return 0;
	flight->look_ns = now + tick_ns;
	if (running_is_gone(run))
		return running_taken_down(run, err);
	return record_view_reader_left();
}

static int fly(struct flight *flight, struct err *err)
{
	const struct ping_options *options = &flight->ping->options;
	int ret = 0;

	flight->next_send_ns = clock_monotonic_ns();
	while (!ret && !interrupt_requested) {
		uint64_t now = clock_monotonic_ns();
		const struct itinerary *old;

		ret = look_around(flight, now, err);
		if (ret)
			break;
		if (may_send(flight) && now >= flight->next_send_ns)
			ret = send_next(flight, now, err);
		else if (options->count && flight->next > options->count &&
			 flight->first == flight->next)
			break;
		else
			wait_for_answer(flight, now);
		if (!ret)
			ret = take_answers(flight, err);
		if (!ret)
			ret = probe_drain(&flight->probe, err);
		if (!ret)
			ret = expire(flight, clock_monotonic_ns(), err);
		/* Records that came after their echo was told. */
		while (now > 2 * options->timeout_ns + tick_ns &&
		       (old = story_quiet(flight->probe.story,
					  now - 2 * options->timeout_ns - tick_ns)))
			story_forget(flight->probe.story, old);
	}
	return ret < 0 ? ret : 0;
}

static int run_ping(struct ping *ping, struct err *err)
{
	struct flight flight = {.ping = ping};
	int ret = open_flight(&flight, err);

	if (!ret) {
		interrupt_catch_signals();
		ping_print_start(ping);
		ret = fly(&flight, err);
		ping_print_summary(ping);
	}
	close_flight(&flight);
	return ret;
}

int cmd_ping(int argc, char **argv, struct err *err)
{
	struct ping *ping = calloc(1, sizeof(*ping));
	int ret, status;

	if (!ping)
		return err_set(err, ERR_SYSTEM, ENOMEM, "ping: out of memory");
	ret = parse_args(argc, argv, ping, err);
	if (!ret)
		ret = trip_open(&ping->trip, err);
	if (!ret)
		ret = run_ping(ping, err);
	/* As ping(8): 1 if no answer came at all. */
	status = ret ? (int)err->code : ping->tally.sent && !ping->tally.answered;
	free(ping->tally.rtts);
	trip_close(&ping->trip);
	free(ping);
	return status;
}
