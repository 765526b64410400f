// SPDX-License-Identifier: GPL-2.0-only
/* rtt.c - ICMP echo round trips: how long, and where the time goes. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/bench/internal.h"
#include "user/base/statistics.h"
#include "user/trace/echo.h"

enum {
	TRIPS_MAX = 1 << 20,
	PACE_NS = 1000000,
	FLOOD_NS = 100000, /* more than an echo takes: then all of them are sent */
	WAIT_MS = 100,
	ECHO_HEADERS = 14 + 20 + 8,
	ECHO_HEADERS_V6 = 14 + 40 + 8,
};

struct rtt {
	const struct bench_run *run;
	struct echo_sender *sender;
	struct bench_thread thread;
	double *trips; /* ns, from the send call to the kernel's receive stamp */
	size_t n, sent;
	size_t limit;
	uint16_t seq;
	bool paced;
	struct kernel_histogram *histogram; /* NULL: the kernel keeps no times of this link */
	struct err err;			    /* of the thread */
};

/* One echo and its answer; false: it cannot be sent. */
static bool trip(struct rtt *rtt)
{
	struct pollfd ready = {.fd = echo_fd(rtt->sender), .events = POLLIN};
	uint16_t seq = rtt->seq++;
	struct echo_answer answer;

	if (echo_send(rtt->sender, seq, &rtt->err))
		return false;
	rtt->sent++;
	while (poll(&ready, 1, WAIT_MS) > 0) {
		int got;

		while ((got = echo_receive(rtt->sender, &answer, &rtt->err)) > 0) {
			if (answer.seq != seq || answer.error)
				continue;
			if (answer.rtt_ns)
				rtt->trips[rtt->n++] = answer.rtt_ns;
			return true;
		}
		if (got < 0)
			return false;
	}
	return true; /* lost */
}

static void go(struct bench_thread *self)
{
	struct rtt *rtt = self->arg;
	uint64_t next = clock_monotonic_ns();

	while (!atomic_load_explicit(&self->stop, memory_order_relaxed) && rtt->n < rtt->limit) {
		struct timespec at;

		if (!trip(rtt)) {
			self->error = EIO;
			return;
		}
		atomic_store_explicit(&self->count, rtt->n, memory_order_relaxed);
		if (!rtt->paced)
			continue;
		next += PACE_NS;
		if (next < clock_monotonic_ns()) /* a late answer: no hurry afterwards */
			next = clock_monotonic_ns() + PACE_NS;
		at = (struct timespec){next / 1000000000, next % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
	}
}

static int open_sender(struct rtt *rtt, const struct bench_link *link, unsigned frame, uint16_t id,
		       struct err *err)
{
	unsigned headers = link->to.addr.family == AF_INET6 ? ECHO_HEADERS_V6 : ECHO_HEADERS;
	struct echo_config config = {
		.to = link->to.addr,
		.node = link->from.name,
		.id = id,
		.token = clock_monotonic_ns(),
		.size = frame > headers ? frame - headers : 0,
	};

	rtt->limit = TRIPS_MAX;
	rtt->trips = malloc(TRIPS_MAX * sizeof(*rtt->trips));
	if (!rtt->trips)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	return echo_open(&rtt->sender, link->from.netns_fd, &config, err);
}

static int rtt_open(struct bench_run *run, struct err *err)
{
	struct rtt *rtt = aligned_alloc(_Alignof(struct rtt), sizeof(*rtt));
	int ret;

	if (!rtt)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	memset(rtt, 0, sizeof(*rtt));
	run->own = rtt;
	rtt->run = run;
	rtt->paced = run->work.what == BENCH_RTT;
	ret = kernel_histogram_open(&rtt->histogram, &run->link, err);
	return ret ? ret : open_sender(rtt, &run->link, run->work.size, (uint16_t)getpid(), err);
}

static void rtt_close(struct bench_run *run)
{
	struct rtt *rtt = run->own;

	kernel_histogram_close(rtt->histogram);
	echo_close(rtt->sender);
	free(rtt->trips);
	free(rtt);
}

static int run_thread(struct rtt *rtt, const struct bench_link *link, uint64_t time_ns,
		      struct err *err)
{
	int ret;

	rtt->n = rtt->sent = 0;
	rtt->thread = (struct bench_thread){
		.work = go, .arg = rtt, .cpu = link->from.cpu, .netns_fd = -1};
	err_clear(&rtt->err);
	ret = bench_thread_run(&rtt->thread, link, time_ns, err);
	bench_thread_join(&rtt->thread);
	if (!ret && rtt->thread.error) {
		*err = rtt->err;
		ret = -EIO;
	}
	return ret;
}

static int rtt_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		       struct err *err)
{
	struct rtt *rtt = run->own;
	struct cpu_time before = cpu_time_read(&run->link);
	int ret;

	kernel_histogram_begin(rtt->histogram);
	ret = run_thread(rtt, &run->link, time_ns, err);
	if (ret)
		return ret;
	if (!rtt->sent)
		return err_set(err, ERR_SYSTEM, EBUSY,
			       "%s: the machine was too busy to send an echo within %.3g s",
			       run->link.from.name, (time_ns + BENCH_WAIT_MAX_NS) / 1e9);
	if (!rtt->n) {
		err_set(err, ERR_FAILED, ETIMEDOUT, "%s to %s: none of %zu echoes was answered",
			run->link.from.name, run->link.to.name, rtt->sent);
		err_hint(err, "`vethlab ping` tells where they end");
		return -ETIMEDOUT;
	}
	sample->sent = rtt->sent;
	sample->received = rtt->n;
	cpu_time_since(&run->link, &before, rtt->n, sample);
	kernel_histogram_add(rtt->histogram, sample->kernel_trips);
	bench_add_trips(sample, rtt->trips, rtt->n);
	statistics_sort(rtt->trips, rtt->n);
	sample->value = statistics_percentile(rtt->trips, rtt->n, 0.5);
	return 0;
}

const struct bench_ops bench_rtt_ops = {rtt_open, rtt_measure, rtt_close};

/* ---- where the time goes ------------------------------------------------------------------- */

enum stamp { OUT_OF_FROM, INTO_TO, OUT_OF_TO, INTO_FROM, STAMPS };

struct rtt_way {
	const struct bench_link *link;
	size_t room;
	uint64_t (*stamps)[STAMPS]; /* by seq: CLOCK_MONOTONIC; 0: not seen */
};

static void on_event(const struct vl_event *event, void *arg)
{
	struct rtt_way *way = arg;
	bool at_from = event->end == way->link->from.number;
	enum stamp stamp;

	if (event->seq >= way->room || (!at_from && event->end != way->link->to.number))
		return;
	if (event->hook == VL_HOOK_OUT)
		stamp = at_from ? OUT_OF_FROM : OUT_OF_TO;
	else if (event->hook == VL_HOOK_IN)
		stamp = at_from ? INTO_FROM : INTO_TO;
	else
		return;
	way->stamps[event->seq][stamp] = event->time_ns;
}

static double median_step(const struct rtt_way *way, enum stamp a, enum stamp b, double *values)
{
	size_t n = 0;

	for (size_t i = 0; i < way->room; i++) {
		const uint64_t *s = way->stamps[i];

		/* Two CPUs may have stamped them: a step that runs backwards says nothing. */
		if (s[OUT_OF_FROM] && s[INTO_TO] && s[OUT_OF_TO] && s[INTO_FROM] && s[b] >= s[a])
			values[n++] = s[b] - s[a];
	}
	statistics_sort(values, n);
	return statistics_percentile(values, n, 0.5);
}

static void find_steps(const struct rtt_way *way, const struct rtt *rtt, struct echo_steps *found)
{
	double *values = rtt->trips, whole, seen;

	statistics_sort(values, rtt->n);
	whole = statistics_percentile(values, rtt->n, 0.5);
	*found = (struct echo_steps){0};
	for (size_t i = 0; i < way->room; i++)
		found->echoes += way->stamps[i][OUT_OF_FROM] && way->stamps[i][INTO_TO] &&
				 way->stamps[i][OUT_OF_TO] && way->stamps[i][INTO_FROM];
	found->there = median_step(way, OUT_OF_FROM, INTO_TO, values);
	found->residence = median_step(way, INTO_TO, OUT_OF_TO, values);
	found->back = median_step(way, OUT_OF_TO, INTO_FROM, values);
	seen = median_step(way, OUT_OF_FROM, INTO_FROM, values);
	found->stack = whole > seen ? whole - seen : 0;
}

static int follow(struct rtt_way *way, struct rtt *rtt, struct watch_session *session,
		  struct err *err)
{
	const struct bench_link *link = way->link;
	uint64_t each_ns = rtt->paced ? PACE_NS + PACE_NS / 4 : FLOOD_NS;
	int ret = run_thread(rtt, link, way->room * each_ns, err);

	while (!ret) {
		ret = watch_session_poll(session, 0, on_event, way, err);
		if (ret <= 0)
			break;
		ret = 0;
	}
	return ret;
}

static int trace_echoes(struct rtt_way *way, struct rtt *rtt, struct watch *watch, struct err *err)
{
	struct vl_filter filter = {.fields = VL_F_ID, .id = (uint16_t)(getpid() + 1)};
	struct watch_session *session;
	int ret = watch_session_open(&session, watch, &filter, 0, err);

	if (ret)
		return ret;
	ret = open_sender(rtt, way->link, 98, filter.id, err);
	if (!ret)
		ret = follow(way, rtt, session, err);
	watch_session_close(session);
	return ret;
}

/* The caller closes rtt->sender. */
static int measure_steps(struct rtt_way *way, struct rtt *rtt, struct echo_steps *found,
			 struct err *err)
{
	struct watch *watch;
	int ret = running_open_watch(&watch, way->link->run, err);

	if (ret)
		return ret;
	ret = trace_echoes(way, rtt, watch, err);
	watch_close(watch);
	if (ret)
		return ret;
	find_steps(way, rtt, found);
	return 0;
}

int echo_steps_measure(const struct bench_link *link, enum bench_what what, size_t echoes,
		       struct echo_steps *found, struct err *err)
{
	struct rtt_way way = {.link = link, .room = echoes};
	struct rtt *rtt = aligned_alloc(_Alignof(struct rtt), sizeof(*rtt));
	int ret;

	way.stamps = calloc(echoes, sizeof(*way.stamps));
	if (rtt)
		memset(rtt, 0, sizeof(*rtt));
	if (rtt && way.stamps) {
		rtt->paced = what == BENCH_RTT;
		rtt->limit = echoes;
		ret = measure_steps(&way, rtt, found, err);
	} else {
		ret = err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	if (rtt) {
		echo_close(rtt->sender);
		free(rtt->trips);
	}
	free(rtt);
	free(way.stamps);
	return ret;
}
