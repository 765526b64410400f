// SPDX-License-Identifier: GPL-2.0-only
/* bench_cells.c - see bench_cells.h. */
#include <stdio.h>
#include <string.h>

#include "user/output/output.h"
#include "user/figures/bench_cells.h"
#include "user/watch/echo_times.h"

const char *bench_value_text(enum bench_what what, double value, char *buf)
{
	const char *unit = bench_what_unit(what);

	if (bench_what_is_time(what))
		return output_duration(value, buf);
	return output_rate(value, unit, buf);
}

const char *bench_confidence_text(const struct statistics *stats, char *buf)
{
	snprintf(buf, OUTPUT_NUMBER_SIZE, "%d %%", (int)(100 * stats->confidence));
	return buf;
}

/* "0", "0.3 %", "12 %" */
const char *bench_lost_text(const struct series *series, char *buf)
{
	uint64_t lost = series->sent > series->received ? series->sent - series->received : 0;
	double percent = series->sent ? 100.0 * lost / series->sent : 0;

	if (!series->sent)
		return strcpy(buf, "");
	if (percent == 0)
		return strcpy(buf, "0");
	snprintf(buf, OUTPUT_NUMBER_SIZE,
		 percent < 0.1	? "<0.1 %%"
		 : percent < 10 ? "%.1f %%"
				: "%.0f %%",
		 percent);
	return buf;
}

const char *bench_spread_text(const struct series *series, char *buf)
{
	if (series->stats.n < 2)
		return strcpy(buf, "");
	snprintf(buf, OUTPUT_NUMBER_SIZE, series->stats.spread < 0.1 ? "%.1f %%%s" : "%.0f %%%s",
		 100 * series->stats.spread, statistics_noisy(&series->stats) ? "?" : "");
	return buf;
}

const char *bench_frame_text(const struct series *series, char *buf)
{
	if (series->work.what == BENCH_TCP)
		return strcpy(buf, series->set & BENCH_SET_NO_TSO ? "MTU" : "TSO");
	if (!series->work.size)
		return strcpy(buf, "");
	snprintf(buf, OUTPUT_NUMBER_SIZE, "%u", series->work.size);
	return buf;
}

static bool any_of(const struct bench_report *report, enum bench_what first, enum bench_what last)
{
	for (size_t i = 0; i < report->n; i++)
		if (report->list[i].work.what >= first && report->list[i].work.what <= last)
			return true;
	return false;
}

static bool any_hooks(const struct bench_report *report, enum bench_hooks hooks)
{
	for (size_t i = 0; i < report->n; i++)
		if (report->list[i].hooks == hooks)
			return true;
	return false;
}

size_t bench_describe_link(const struct bench_report *report,
			   char did[BENCH_SENTENCES_MAX][BENCH_SENTENCE_SIZE])
{
	const struct bench_options *options = report->options;
	bool own = !options->argc, pps = any_of(report, BENCH_PPS_DROP, BENCH_PPS_SOCKET);
	char set[BENCH_SET_SIZE];
	size_t n = 0;

	if (!own)
		snprintf(did[n++], BENCH_SENTENCE_SIZE, "%s to %s, as it is: nothing was changed",
			 report->link.from.name, report->link.to.name);
	else if (options->matrix)
		snprintf(did[n++], BENCH_SENTENCE_SIZE,
			 "veth pairs in labs of the bench's own, removed "
			 "again; TSO, GRO and threads are set at both ends");
	else
		snprintf(did[n++], BENCH_SENTENCE_SIZE,
			 "a veth pair in labs of the bench's own, removed again, GRO off%s%s",
			 options->set ? "; set at both ends: " : "",
			 bench_set_words(options->set, set));
	if (pps)
		snprintf(did[n++], BENCH_SENTENCE_SIZE,
			 "into XDP, tc and socket with GRO on, for NAPI, and "
			 "%u queues; %u threads send, one less into a socket that is read",
			 options->threads, options->threads);
	if (own && any_hooks(report, BENCH_HOOKS_NATIVE))
		snprintf(did[n++], BENCH_SENTENCE_SIZE, "native XDP takes TSO from the other end");
	if (any_of(report, BENCH_UDP, BENCH_UDP))
		snprintf(did[n++], BENCH_SENTENCE_SIZE, "UDP is received with a buffer of 4 MiB");
	if (any_of(report, BENCH_PPS_SOCKET, BENCH_PPS_SOCKET))
		snprintf(did[n++], BENCH_SENTENCE_SIZE,
			 "the socket for live frames has one of 8 MiB");
	return n;
}

void bench_trip_times(const struct series *series, double times[BENCH_PERCENTILES])
{
	for (int p = 0; p < BENCH_PERCENTILES; p++)
		times[p] = histogram_percentile(series->trips, bench_percentiles[p]);
}

void bench_kernel_times(const struct series *series, double times[BENCH_PERCENTILES])
{
	for (int p = 0; p < BENCH_PERCENTILES; p++)
		times[p] = watch_times_percentile(series->kernel_trips, bench_percentiles[p]);
}

bool bench_many_hooks(const struct bench_report *report)
{
	for (size_t i = 1; i < report->n; i++)
		if (report->list[i].hooks != report->list[0].hooks)
			return true;
	return false;
}
