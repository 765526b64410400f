// SPDX-License-Identifier: GPL-2.0-only
/* kinds.c - the kinds of measurements: their words, and who does each. */
#include <errno.h>
#include <stdlib.h>

#include "user/bench/internal.h"

static const struct {
	const char *word, *unit;
	bool is_time;
	const struct bench_ops *ops;
} kinds[BENCH_WHATS] = {
	[BENCH_PPS_DROP] = {"xdp-drop", "pps", false, &bench_pps_ops},
	[BENCH_PPS_PASS] = {"xdp-pass", "pps", false, &bench_pps_ops},
	[BENCH_PPS_TC] = {"tc-drop", "pps", false, &bench_pps_ops},
	[BENCH_PPS_SOCKET] = {"socket", "pps", false, &bench_pps_ops},
	[BENCH_SEND] = {"send", "pps", false, &bench_bulk_ops},
	[BENCH_TCP] = {"tcp", "bit/s", false, &bench_bulk_ops},
	[BENCH_UDP] = {"udp", "pps", false, &bench_bulk_ops},
	[BENCH_TCP_RR] = {"tcp-rr", "/s", false, &bench_rr_ops},
	[BENCH_UDP_RR] = {"udp-rr", "/s", false, &bench_rr_ops},
	[BENCH_RTT] = {"rtt", "ns", true, &bench_rtt_ops},
	[BENCH_RTT_FLOOD] = {"rtt-flood", "ns", true, &bench_rtt_ops},
};

const char *bench_what_word(enum bench_what what)
{
	return kinds[what].word;
}

const char *bench_what_unit(enum bench_what what)
{
	return kinds[what].unit;
}

bool bench_what_is_time(enum bench_what what)
{
	return kinds[what].is_time;
}

/* A frame of the size has to fit the MTU, which does not count the Ethernet header. */
static int check_size(const struct bench_link *link, const struct bench_work *work, struct err *err)
{
	unsigned mtu = link->from.mtu < link->to.mtu ? link->from.mtu : link->to.mtu;
	unsigned least = link->to.addr.family == AF_INET6 ? BENCH_HEADERS_V6 : BENCH_HEADERS;

	if (!work->size)
		return 0;
	if (work->size < least)
		return err_set(err, ERR_USAGE, EINVAL,
			       "a frame of %u bytes is too small: its headers take %u", work->size,
			       least);
	if (work->size <= mtu + 14)
		return 0;
	err_set(err, ERR_FAILED, EMSGSIZE,
		"a frame of %u bytes does not fit the MTU of %s, %u (and 14 of Ethernet)",
		work->size, link->from.mtu < link->to.mtu ? link->from.name : link->to.name, mtu);
	if (work->what == BENCH_RTT || work->what == BENCH_RTT_FLOOD)
		err_hint(err, "an echo of 56 bytes needs %u; `--what` can leave rtt out",
			 work->size - 14);
	else
		err_hint(err, "--size %u is the largest here", mtu + 14);
	return -EMSGSIZE;
}

int bench_open(struct bench_run **out, const struct bench_link *link, const struct bench_work *work,
	       struct err *err)
{
	struct bench_run *run;
	int ret = check_size(link, work, err);

	if (ret)
		return ret;
	run = calloc(1, sizeof(*run));
	if (!run)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	run->link = *link;
	run->work = *work;
	run->ops = kinds[work->what].ops;
	ret = run->ops->open(run, err);
	if (ret) {
		bench_close(run);
		return ret;
	}
	*out = run;
	return 0;
}

int bench_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		  struct err *err)
{
	struct bench_sample found = {.send_cpu = -1,
				     .receive_cpu = -1,
				     .send_busy = -1,
				     .receive_busy = -1,
				     .trips = sample->trips,
				     .kernel_trips = sample->kernel_trips};
	int ret = run->ops->measure(run, time_ns, &found, err);

	if (ret)
		return ret;
	*sample = found;
	return 0;
}

const double bench_percentiles[] = {0.5, 0.9, 0.99, 0.999, 1};

void bench_add_trips(struct bench_sample *sample, const double *times, size_t n)
{
	for (size_t i = 0; sample->trips && i < n; i++)
		histogram_add(sample->trips, times[i]);
}

void bench_close(struct bench_run *run)
{
	if (!run)
		return;
	if (run->own)
		run->ops->close(run);
	free(run);
}
