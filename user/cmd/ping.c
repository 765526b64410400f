// SPDX-License-Identifier: GPL-2.0-only
/* ping.c - vethlab ping: send echo requests from a node and tell the way of each. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/cmd/trip_options.h"
#include "user/trace/port_ping.h"
#include "user/trace/stream.h"
#include "user/render/itinerary_text.h"
#include "user/render/ping_report.h"
#include "user/render/port_report.h"
#include "user/render/record_view.h"
#include "user/output/output.h"

enum { SEQS = 65536, IN_FLIGHT_MAX = 60000 };
#define COUNT_MAX      1000000000000000
#define COUNT_NOT_SAID UINT64_MAX
#define SIZE_NOT_SAID  UINT_MAX
static const uint64_t tick_ns = 100000000;

/* The echoes under way: a window of sequence numbers, [first, next). */
struct flight {
	struct ping *ping;
	struct probe probe;
	struct echo_state *states; /* SEQS */
	uint64_t first, next;	   /* seq is their low 16 bits, from 1 */
	uint64_t next_send_ns, check_ns;
};

struct ping_args {
	struct ping_options options;
	struct trip trip;
	unsigned size, ttl, tcp, udp; /* tcp, udp: ports; 0: not said */
	bool flood;
};

/* As -i 0 -q; an interval behind it holds. */
static int take_flood(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		      void *target, struct err *err)
{
	struct ping_args *args = target;

	(void)cmd, (void)option, (void)value, (void)err;
	args->flood = args->options.quiet = true;
	args->options.interval_ns = 0;
	return 0;
}

/* What a probe of a port has nothing for. */
static int check_port_args(const struct ping_args *args, struct err *err)
{
	if (args->tcp && args->udp)
		return cmd_usage(err, &cmd_ping, "--tcp or --udp: not both");
	if ((args->tcp || args->udp) && (args->flood || args->options.stack))
		return cmd_usage(err, &cmd_ping, "%s is of echoes, not of ports",
				 args->flood ? "--flood" : "--stack");
	return 0;
}

static int parse_args(int argc, char **argv, struct ping_args *args, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_ping, args, argc, argv, &words, err);

	if (!ret)
		ret = check_port_args(args, err);
	if (ret)
		return ret;
	/* As ping -f: until Ctrl-C. Else one, whose way is the answer. */
	if (args->options.count == COUNT_NOT_SAID)
		args->options.count = !args->flood;
	args->options.size = args->size != SIZE_NOT_SAID ? args->size : args->tcp ? 0 : ECHO_SIZE;
	args->options.ttl = args->ttl;
	return trip_operands(&cmd_ping, &args->trip, &words, err);
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
	ping_read_held_before(ping);
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
	ping->why_refuted &= ping->why_told;
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
	ping->lost_records = probe_lost(&flight->probe);
	state->lost = ping->lost_records - state->lost;
	itinerary = probe_itinerary(&flight->probe, number % SEQS);
	ping->blind = flight->probe.blind;
	if (!ping->options.quiet)
		ping_find_programs(ping, itinerary);
	if (result != ECHO_ANSWERED || (ping->watched && !(itinerary && itinerary->n_hops)))
		find_why(ping);
	if (result != ECHO_ANSWERED)
		ping->why_refuted |= ping_refutes_why(ping, itinerary);
	if (result != ECHO_ANSWERED && itinerary &&
	    (itinerary->last >= 0 || itinerary->fate == FATE_WAITING))
		itinerary_end_text(itinerary, end_text);
	ret = ping_count(ping, state, itinerary, end_text);
	if (ret)
		return err_set(err, ERR_SYSTEM, ENOMEM, "ping: out of memory");
	ping_print_echo(ping, number % SEQS, state, itinerary);
	probe_forget(&flight->probe, number % SEQS);
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

	*state = (struct echo_state){.sent_ns = now, .lost = flight->ping->lost_records};
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
static int check_reason_to_go_on(struct flight *flight, uint64_t now, struct err *err)
{
	const struct running *run = flight->ping->trip.run;

	if (now < flight->check_ns)
		return 0;
	flight->check_ns = now + tick_ns;
	if (running_is_gone(run))
		return running_taken_down(run, err);
	return record_view_reader_left();
}

/* All echoes that were asked for have their results. */
static bool is_done(const struct flight *flight)
{
	const struct ping_options *options = &flight->ping->options;

	return options->count && flight->next > options->count && flight->first == flight->next;
}

/* Send the next echo if it is time, else wait; then take what has come. */
static int run_round(struct flight *flight, uint64_t now, struct err *err)
{
	int ret = 0;

	if (may_send(flight) && now >= flight->next_send_ns)
		ret = send_next(flight, now, err);
	else
		wait_for_answer(flight, now);
	if (ret)
		return ret;
	ret = take_answers(flight, err);
	if (ret)
		return ret;
	ret = probe_drain(&flight->probe, err);
	if (ret)
		return ret;
	return expire(flight, clock_monotonic_ns(), err);
}

static int run_flight(struct flight *flight, struct err *err)
{
	const struct ping_options *options = &flight->ping->options;

	flight->next_send_ns = clock_monotonic_ns();
	while (!interrupt_requested) {
		uint64_t now = clock_monotonic_ns();
		const struct itinerary *old;
		int ret = check_reason_to_go_on(flight, now, err);

		if (ret)
			return ret < 0 ? ret : 0;
		if (is_done(flight))
			return 0;
		ret = run_round(flight, now, err);
		if (ret)
			return ret;
		/* Records that came after their echo was told. */
		while (now > 2 * options->timeout_ns + tick_ns &&
		       (old = story_quiet(flight->probe.story,
					  now - 2 * options->timeout_ns - tick_ns)))
			story_forget(flight->probe.story, old);
	}
	return 0;
}

static int run_ping(struct ping *ping, struct err *err)
{
	struct flight flight = {.ping = ping};
	int ret = open_flight(&flight, err);

	if (!ret) {
		interrupt_catch_signals();
		ping_print_start(ping);
		ret = run_flight(&flight, err);
		ping_read_held_back(ping);
		ping_print_summary(ping);
	}
	close_flight(&flight);
	return ret;
}

static int no_memory(struct err *err)
{
	err_set(err, ERR_SYSTEM, ENOMEM, "ping: out of memory");
	return err->code;
}

/* Takes args->trip. */
static int echoes_main(struct ping_args *args, struct err *err)
{
	cleanup_free struct ping *ping = calloc(1, sizeof(*ping));
	bool failed;

	if (!ping)
		return no_memory(err);
	ping->options = args->options;
	ping->trip = args->trip;
	failed = trip_open(&ping->trip, err) || run_ping(ping, err);
	free(ping->tally.rtts);
	free(ping->held_before);
	trip_close(&ping->trip);
	/* As ping(8): 1 if no answer came at all. */
	return failed ? (int)err->code : ping->tally.sent && !ping->tally.answered;
}

static int ports_main(struct ping_args *args, struct err *err)
{
	cleanup_free struct port_ping *ping = calloc(1, sizeof(*ping));
	bool failed;

	if (!ping)
		return no_memory(err);
	ping->options = args->options;
	ping->tcp = args->tcp;
	ping->port = args->tcp ? args->tcp : args->udp;
	ping->trip = args->trip;
	interrupt_catch_signals();
	failed = trip_open(&ping->trip, err) ||
		 port_ping_run(ping, port_print_start, port_print_trial, err);
	if (ping->tally.tried)
		port_print_summary(ping);
	port_ping_free(ping);
	trip_close(&ping->trip);
	return failed ? (int)err->code : ping->tally.tried && !ping->tally.by_result[PORT_ANSWERED];
}

static int ping_main(int argc, char **argv, struct err *err)
{
	struct ping_args args = {.options.count = COUNT_NOT_SAID, .size = SIZE_NOT_SAID};

	if (parse_args(argc, argv, &args, err))
		return err->code;
	return args.tcp || args.udp ? ports_main(&args, err) : echoes_main(&args, err);
}

#define WRONG_PORT "that is not a port from 1 to 65535"
#define WRONG_TIME "that is no time (500ms, 2s; a number: seconds)"
/* A million seconds, and less than one. */
#define TIME_MAX 1000000999999999

_Static_assert(ECHO_SIZE_MAX == 65507, "the error of -s says so");

static const struct cmd_operand operands[] = {
	OPERANDS_TRIP(),
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{.letter = 'c',
	 .value = "N",
	 .kind = VALUE_NUMBER,
	 .most = COUNT_MAX,
	 .otherwise = "1",
	 .wrong = "that is not a number of echoes (0: until Ctrl-C)",
	 .text = "how many echoes (1); 0: until Ctrl-C",
	 INTO_U64(struct ping_args, options.count)},
	{.letter = 'i',
	 .value = "TIME",
	 .kind = VALUE_DURATION,
	 .most = TIME_MAX,
	 .initial = "1s",
	 .wrong = WRONG_TIME,
	 .text = "from one to the next (1s); 0: as fast as answers come",
	 INTO_U64(struct ping_args, options.interval_ns)},
	{.letter = 's',
	 .value = "SIZE",
	 .kind = VALUE_NUMBER,
	 .most = ECHO_SIZE_MAX,
	 .otherwise = "56",
	 .wrong = "that is not 0 to 65507 payload bytes",
	 .text = "payload bytes (56); --tcp: to send once connected (0)",
	 INTO_UNSIGNED(struct ping_args, size)},
	{.letter = 'W',
	 .value = "TIME",
	 .kind = VALUE_DURATION,
	 .least = 1,
	 .most = TIME_MAX,
	 .initial = "1s",
	 .wrong = WRONG_TIME,
	 .text = "how long to wait for an answer (1s)",
	 INTO_U64(struct ping_args, options.timeout_ns)},
	{NULL, 't', .value = "TTL", .kind = VALUE_NUMBER, .least = 1, .most = 255,
	 .otherwise = "the node's default", .wrong = "that is not a TTL from 1 to 255",
	 .text = "time to live (the node's default)", INTO_UNSIGNED(struct ping_args, ttl)},
	{"tcp", .value = "PORT", .kind = VALUE_NUMBER, .least = 1, .most = 65535,
	 .wrong = WRONG_PORT, .text = "connect to this port instead of sending echoes",
	 INTO_UNSIGNED(struct ping_args, tcp)},
	{"udp", .value = "PORT", .kind = VALUE_NUMBER, .least = 1, .most = 65535,
	 .wrong = WRONG_PORT, .alternative = true, .text = "send datagrams to this port instead",
	 INTO_UNSIGNED(struct ping_args, udp)},
	OPTIONS_FAMILY(struct ping_args),
	{.letter = 'q',
	 .group = OPTIONS_OUTPUT,
	 .text = "only the summary",
	 INTO_BOOL(struct ping_args, options.quiet)},
	{"flood", 'f', .group = OPTIONS_OUTPUT,
	 .text = "as fast as answers come, until Ctrl-C or -c, and only the\nsummary",
	 .usage = "--flood", INTO_ARGS(take_flood)},
	{"stack", .text = "also what nodes do between their ends: routes, neighbors, ...",
	 INTO_BOOL(struct ping_args, options.stack)},
	OPTION_TRIP_LAB(struct ping_args),
	OPTION_TRIP_JSON(struct ping_args),
	OPTIONS_END,
};

const struct cmd cmd_ping = {
	.name = "ping",
	.summary = "send echo requests from a node and tell the way of each",
	.operands = operands,
	.options = options,
	.notes =
		"TIME is 500ms, 50us, ...; a bare number is seconds.\n"
		"The exit status is 1 if no answer came at all.\n"
		"--tcp and --udp use a socket of the node: what comes back is told as the socket\n"
		"tells it (connected, RST, ICMP error, nothing), with what the nodes were seen to\n"
		"drop of it.\n",
	.examples = "vethlab ping blue default -c 3\n"
		    "vethlab ping blue default --tcp 80\n",
	.run = ping_main,
};
