// SPDX-License-Identifier: GPL-2.0-only
/* port_ping.c - see port_ping.h. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "user/base/array.h"
#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/trace/port_ping.h"
#include "user/trace/probe.h"

enum { TICK_MS = 100, MS_NS = 1000000 };
/*
 * A node that refuses by RST or an ICMP error sends that before it drops what it is about
 * (tcp_v4_rcv() in net/ipv4/tcp_ipv4.c), so that the drop may be told after the answer.
 */
static const uint64_t drop_comes_ns = 300000000;
/*
 * A connection is there for its sender before the ACK has arrived, which may die on its way. Not
 * waited for where attempts follow each other at once.
 */
static const uint64_t ack_arrives_ns = 20000000;

struct port_run {
	struct port_ping *ping;
	struct port_watch watch;
	struct port_probe_config config;
	struct port_probe probe;
};

static bool is_v6(const struct port_ping *ping)
{
	return ping->trip.target.addr.family == AF_INET6;
}

/*
 * Bytes of the largest IP packet that was sent: of a SYN with the options that Linux has in it; of
 * a segment with a timestamp, of whose bytes the MSS leaves room for it.
 */
static unsigned packet_bytes(const struct port_ping *ping)
{
	const struct port_answer *answer = &ping->trial.answer;
	unsigned ip = is_v6(ping) ? 40 : 20, size = ping->options.size;

	if (!ping->tcp)
		return ip + 8 + size;
	if (answer->connected && size)
		return ip + 32 + (answer->mss && size > answer->mss ? answer->mss : size);
	return ip + 40;
}

static unsigned ms_until(uint64_t now, uint64_t until)
{
	uint64_t ms = until > now ? (until - now + MS_NS - 1) / MS_NS : 0;

	return ms < TICK_MS ? ms : TICK_MS;
}

/* 1: to go on makes no sense; or -errno: the lab is gone. */
static int check_reason_to_go_on(const struct port_ping *ping, struct err *err)
{
	if (running_is_gone(ping->trip.run))
		return running_taken_down(ping->trip.run, err);
	return interrupt_requested;
}

static int wait_for_answer(struct port_run *run, struct err *err)
{
	struct port_trial *trial = &run->ping->trial;
	uint64_t until = run->probe.sent_ns + run->ping->options.timeout_ns;

	while (trial->answer.result == PORT_PENDING) {
		uint64_t now = clock_monotonic_ns();
		int ret = check_reason_to_go_on(run->ping, err);

		if (ret)
			return ret;
		port_probe_wait(&run->probe, ms_until(now, until), &trial->answer);
		/* Drops of others fill the buffer meanwhile. */
		ret = port_watch_drain(&run->watch, &trial->flow, &trial->evidence, err);
		if (ret)
			return ret;
		if (trial->answer.result == PORT_PENDING && now >= until)
			trial->answer.result =
				trial->answer.connected ? PORT_UNACKNOWLEDGED : PORT_UNANSWERED;
	}
	return 0;
}

static uint64_t drop_comes_within(const struct port_ping *ping)
{
	switch (ping->trial.answer.result) {
	case PORT_RESET:
	case PORT_ICMP_ERROR:
		return drop_comes_ns;
	case PORT_ANSWERED:
		return ping->tcp && ping->options.interval_ns ? ack_arrives_ns : 0;
	default:
		return 0;
	}
}

static int wait_for_drop(struct port_run *run, struct err *err)
{
	struct port_trial *trial = &run->ping->trial;
	uint64_t until = clock_monotonic_ns() + drop_comes_within(run->ping);

	for (;;) {
		int ret = port_watch_drain(&run->watch, &trial->flow, &trial->evidence, err);

		if (ret || trial->evidence.drops.n || !run->watch.stack ||
		    clock_monotonic_ns() >= until)
			return ret;
		poll(NULL, 0, 1);
	}
}

/* The ways there and back by the nodes' tables; that they cannot be asked is no failure. */
static int take_evidence(struct port_run *run, struct err *err)
{
	struct port_ping *ping = run->ping;
	struct port_trial *trial = &ping->trial;
	struct path_question question = {
		.node = ping->trip.from, .to = ping->trip.target.addr, .len = packet_bytes(ping)};
	cleanup_free struct path *back = calloc(1, sizeof(*back));
	int ret;

	if (!back)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	trial->has_why = !path_walk(ping->trip.run, &question, &trial->why, NULL);
	if (!trial->has_why)
		memset(&trial->why, 0, sizeof(trial->why));
	trial->has_back = trial->why.end == PATH_ARRIVES && trial->has_why &&
			  trial->why.from.family &&
			  !path_walk_back(ping->trip.run, &trial->why, question.len, back, NULL);
	ret = port_watch_end(&run->watch, &trial->why, trial->has_back ? back : NULL,
			     &trial->evidence, err);
	if (!ret && trial->has_back && !path_is_good(back))
		trial->why = *back;
	return ret;
}

static int count(struct port_ping *ping)
{
	const struct port_trial *trial = &ping->trial;
	struct port_tally *tally = &ping->tally;

	tally->tried++;
	tally->by_result[trial->answer.result]++;
	if (trial->answer.result != PORT_ANSWERED) {
		for (size_t i = 0; i < trial->evidence.drops.n; i++)
			port_drops_add(&tally->drops, &trial->evidence.drops.list[i]);
		tally->drops.more += trial->evidence.drops.more;
		return 0;
	}
	if (tally->n_times == PORT_TIMES_MAX)
		return 0;
	if (array_reserve(&tally->times, &tally->room, tally->n_times + 1, sizeof(*tally->times)))
		return -ENOMEM;
	tally->times[tally->n_times++] = trial->answer.time_ns;
	return 0;
}

/* 0: it has its result; 1: it was interrupted; or -errno. */
static int try_once(struct port_run *run, struct err *err)
{
	struct port_trial *trial = &run->ping->trial;
	int ret = port_watch_begin(&run->watch, &trial->evidence, err);

	if (!ret)
		ret = port_probe_start(&run->probe, &run->config, &trial->answer, err);
	if (ret)
		return ret;
	trial->flow = run->probe.flow;
	ret = wait_for_answer(run, err);
	if (!ret)
		ret = wait_for_drop(run, err);
	if (!ret && trial->answer.result != PORT_ANSWERED)
		ret = take_evidence(run, err);
	port_probe_close(&run->probe);
	return ret;
}

/* 1: interrupted; or -errno. */
static int wait_until(const struct port_ping *ping, uint64_t until_ns, struct err *err)
{
	uint64_t now;
	int ret;

	while ((now = clock_monotonic_ns()) < until_ns) {
		ret = check_reason_to_go_on(ping, err);
		if (ret)
			return ret;
		poll(NULL, 0, ms_until(now, until_ns));
	}
	return 0;
}

static int try_all(struct port_run *run, bool (*settled)(const struct port_ping *ping),
		   struct err *err)
{
	struct port_ping *ping = run->ping;
	const struct ping_options *options = &ping->options;

	for (uint64_t n = 1; !options->count || n <= options->count; n++) {
		uint64_t began = clock_monotonic_ns();
		int ret;

		ping->trial.number = n;
		ping->trial.has_why = ping->trial.has_back = false;
		ret = try_once(run, err);
		if (ret)
			return ret < 0 ? ret : 0;
		if (count(ping))
			return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
		if (!settled(ping) || n == options->count)
			return 0;
		ret = wait_until(ping, began + options->interval_ns, err);
		if (ret)
			return ret < 0 ? ret : 0;
		if (interrupt_requested)
			return 0;
	}
	return 0;
}

int port_ping_run(struct port_ping *ping, void (*started)(const struct port_ping *ping),
		  bool (*settled)(const struct port_ping *ping), struct err *err)
{
	const struct trip *trip = &ping->trip;
	cleanup_close int netns_fd = -1;
	struct probe_way_out way_out;
	struct port_run run = {.ping = ping};
	int ret = probe_find_way_out(&way_out, trip->run, trip->from, &trip->target.addr, err);

	if (ret)
		return ret;
	ping->local = way_out.local;
	netns_fd = running_open_netns(trip->run, trip->from, err);
	if (netns_fd < 0)
		return netns_fd;
	run.config = (struct port_probe_config){.netns_fd = netns_fd,
						.node = trip->from->name,
						.device = way_out.device,
						.to = trip->target.addr,
						.port = ping->port,
						.tcp = ping->tcp,
						.size = ping->options.size,
						.ttl = ping->options.ttl};
	ret = port_watch_open(&run.watch, trip->run, trip->target.node, ping->tcp, err);
	if (!ret) {
		ping->watched = run.watch.watch;
		started(ping);
		ret = try_all(&run, settled, err);
	}
	port_watch_close(&run.watch);
	return ret;
}

void port_ping_free(struct port_ping *ping)
{
	free(ping->tally.times);
	ping->tally.times = NULL;
}
