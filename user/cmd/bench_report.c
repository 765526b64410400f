// SPDX-License-Identifier: GPL-2.0-only
/* bench_report.c - what `vethlab bench` found, as tables, JSON and CSV. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "user/cmd/bench.h"
#include "user/out/out.h"
#include "user/out/rates.h"

const char *bench_value_text(enum bench_what what, double value, char *buf)
{
	const char *unit = bench_what_unit(what);

	if (bench_what_is_time(what))
		return out_duration(value, buf);
	return out_rate(value, unit, buf);
}

static bool is_trip(const struct series *series)
{
	return series->percentiles[BENCH_P50] > 0;
}

static double lost_share(const struct series *series)
{
	return series->sent > series->received
		       ? (double)(series->sent - series->received) / series->sent
		       : 0;
}

/* "0", "0.3 %", "12 %" */
static const char *lost_text(const struct series *series, char *buf)
{
	double percent = 100 * lost_share(series);

	if (!series->sent)
		return strcpy(buf, "");
	if (percent == 0)
		return strcpy(buf, "0");
	snprintf(buf, OUT_NUMBER_SIZE, percent < 0.01 ? "<0.01 %%" : percent < 10 ? "%.2f %%" :
										     "%.0f %%",
		 percent);
	return buf;
}

static const char *spread_text(const struct series *series, char *buf)
{
	if (series->stats.n < 2)
		return strcpy(buf, "");
	snprintf(buf, OUT_NUMBER_SIZE, series->stats.spread < 0.1 ? "%.1f %%%s" : "%.0f %%%s",
		 100 * series->stats.spread, stats_noisy(&series->stats) ? " noisy" : "");
	return buf;
}

static const char *frame_text(const struct series *series, char *buf)
{
	if (series->work.what == BENCH_TCP)
		return strcpy(buf, "TSO");
	if (!series->work.size)
		return strcpy(buf, "");
	snprintf(buf, OUT_NUMBER_SIZE, "%u", series->work.size);
	return buf;
}

/* ---- text ---------------------------------------------------------------------------------- */

static void print_place(const struct bench_report *report, FILE *f)
{
	const struct bench_options *options = report->options;
	const struct bench_machine *machine = &report->machine;
	char line[1400], age[OUT_NUMBER_SIZE];

	snprintf(line, sizeof(line), "%s, %s, %u CPU%s%s; frequency governor: %s", machine->kernel,
		 machine->cpu[0] ? machine->cpu : "unknown CPU", machine->cpus,
		 machine->cpus == 1 ? "" : "s", machine->virtual ? ", virtual machine" : "",
		 machine->governor);
	out_wrap("machine:     ", line, f);
	out_wrap("mitigations: ", machine->mitigations[0] ? machine->mitigations : "none", f);
	if (report->options->argc)
		snprintf(line, sizeof(line), "%s to %s, as it is: nothing was changed",
			 report->link->from.name, report->link->to.name);
	else
		snprintf(line, sizeof(line),
			 "a veth pair in labs of the bench's own, removed again; into XDP, tc and "
			 "socket with GRO on, for NAPI");
	out_wrap("link:        ", line, f);
	if (!options->pinned)
		snprintf(line, sizeof(line), "sender and receiver where the kernel puts them");
	else
		snprintf(line, sizeof(line), "sender on CPU %d, receiver on CPU %d: %s",
			 options->cpus[0], options->cpus[1],
			 options->cpus[0] == options->cpus[1] ? "the same" :
			 bench_share_core(options->cpus[0], options->cpus[1]) ? "one core" :
										"two cores");
	out_wrap("affinity:    ", line, f);
	snprintf(line, sizeof(line), "%u runs of %g s each, in turns; %s in all; own senders, no "
				     "libiperf",
		 options->runs, options->time_s, out_age(report->took_ns, age));
	out_wrap("runs:        ", line, f);
}

/* "tcp-rr", or with what watches the link where that differs: "tcp-rr, xdp-native" */
static const char *trip_name(const struct bench_report *report, const struct series *series,
			     char *buf)
{
	bool one = report->options->n_hooks == 1;

	snprintf(buf, OUT_NUMBER_SIZE, "%s%s%s", bench_what_word(series->work.what),
		 one ? "" : " ", one ? "" : bench_hooks_word(series->hooks));
	return buf;
}

/* The column is worth its width only then. */
static bool trips_lost(const struct bench_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		if (is_trip(&report->list[i]) && lost_share(&report->list[i]) > 0)
			return true;
	return false;
}

static void print_trips(const struct bench_report *report, FILE *f)
{
	static const struct table_column columns[] = {
		{"round trips", TABLE_LEFT}, {"p50", TABLE_RIGHT}, {"p90", TABLE_RIGHT},
		{"p99", TABLE_RIGHT}, {"p99.9", TABLE_RIGHT}, {"max", TABLE_RIGHT},
		{"spread", TABLE_RIGHT}, {"lost", TABLE_RIGHT}};
	bool lost = trips_lost(report);
	struct table *table = table_new(columns, lost ? 8 : 7);
	char buf[OUT_NUMBER_SIZE];
	size_t rows = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		if (!is_trip(series))
			continue;
		rows++;
		table_cell(table, "%s", trip_name(report, series, buf));
		for (int p = 0; p < BENCH_PERCENTILES; p++)
			table_cell(table, "%s", out_duration(series->percentiles[p], buf));
		table_cell(table, "%s", spread_text(series, buf));
		if (lost)
			table_cell(table, "%s", lost_text(series, buf));
	}
	if (rows) {
		fputc('\n', f);
		table_print(table, f);
	}
	table_free(table);
}

static void print_way(const struct bench_report *report, FILE *f)
{
	const struct bench_way *way = &report->way;
	char there[OUT_NUMBER_SIZE], residence[OUT_NUMBER_SIZE], back[OUT_NUMBER_SIZE],
		stack[OUT_NUMBER_SIZE], line[400];

	if (!way->echoes)
		return;
	snprintf(line, sizeof(line),
		 "link there %s, the other node %s, link back %s, the sender's stack %s "
		 "(medians of %zu echoes, stamped by tc at both ends, which takes time too)",
		 out_duration(way->there, there), out_duration(way->residence, residence),
		 out_duration(way->back, back), out_duration(way->stack, stack), way->echoes);
	fputc('\n', f);
	out_wrap("an echo's time: ", line, f);
}

static const char *cpu_text(double ns, char *buf)
{
	return ns >= 0 ? out_duration(ns, buf) : strcpy(buf, "");
}

static void print_rates(const struct bench_report *report, FILE *f)
{
	static const struct table_column columns[] = {
		{"rates", TABLE_LEFT}, {"hooks", TABLE_LEFT}, {"frame", TABLE_RIGHT},
		{"delivered", TABLE_RIGHT}, {"lost", TABLE_RIGHT}, {"CPU out", TABLE_RIGHT},
		{"CPU in", TABLE_RIGHT}, {"spread", TABLE_RIGHT}};
	struct table *table = table_new(columns, 8);
	char buf[OUT_NUMBER_SIZE];
	size_t rows = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		if (bench_what_is_time(series->work.what))
			continue;
		rows++;
		table_cell(table, "%s", bench_what_word(series->work.what));
		table_cell(table, "%s", bench_hooks_word(series->hooks));
		table_cell(table, "%s", frame_text(series, buf));
		table_cell(table, "%s",
			   bench_value_text(series->work.what, series->stats.median, buf));
		table_cell(table, "%s", lost_text(series, buf));
		table_cell(table, "%s", cpu_text(series->send_cpu, buf));
		table_cell(table, "%s", cpu_text(series->receive_cpu, buf));
		table_cell(table, "%s", spread_text(series, buf));
	}
	if (rows) {
		fputc('\n', f);
		table_print(table, f);
	}
	table_free(table);
}

/* A ratio as a bar; 1 is five columns, 7/5 and more are seven. */
static const char *bar(double ratio, char *buf)
{
	int n = lround(5 * ratio);

	memset(buf, '#', 7);
	buf[n < 0 ? 0 : n > 7 ? 7 : n] = '\0';
	return buf;
}

static void print_ratios(const struct bench_report *report, FILE *f)
{
	static const struct table_column columns[] = {
		{"watched by", TABLE_LEFT}, {"what", TABLE_LEFT}, {"frame", TABLE_RIGHT},
		{"median", TABLE_RIGHT}, {"ratio", TABLE_RIGHT}, {"95 %", TABLE_LEFT},
		{"says", TABLE_LEFT}, {"", TABLE_LEFT}};
	struct table *table = table_new(columns, 8);
	char buf[OUT_NUMBER_SIZE];
	size_t rows = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		if (!series->ratio.n)
			continue;
		rows++;
		table_cell(table, "%s", bench_hooks_word(series->hooks));
		table_cell(table, "%s", bench_what_word(series->work.what));
		table_cell(table, "%s", frame_text(series, buf));
		table_cell(table, "%s",
			   bench_value_text(series->work.what, series->stats.median, buf));
		table_cell(table, "%.3f", series->ratio.median);
		table_cell(table, "%.3f..%.3f", series->ratio.low, series->ratio.high);
		table_cell(table, "%s", stats_verdict_word(stats_verdict(&series->ratio)));
		table_cell(table, "%s", bar(series->ratio.median, buf));
	}
	if (rows) {
		fputs("\nBeside the unobserved link (ratio 1), pair by pair:\n", f);
		table_print(table, f);
	}
	table_free(table);
}

void bench_print_text(const struct bench_report *report, FILE *f)
{
	print_place(report, f);
	print_trips(report, f);
	print_way(report, f);
	print_rates(report, f);
	print_ratios(report, f);
	fputc('\n', f);
	out_wrap("spread: ", "width of the interval of the median, as a share of it; above 5 % the "
			     "machine was too noisy", f);
	out_wrap("CPU:    ", "time of the sender's and the receiver's thread, a packet (tcp: a KiB)",
		 f);
}

/* ---- JSON, CSV ----------------------------------------------------------------------------- */

static json_t *stats_to_json(const struct stats *stats)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "median", stats->median, "min",
			 stats->min, "max", stats->max, "low", stats->low, "high", stats->high,
			 "confidence", stats->confidence, "spread", stats->spread);
}

static json_t *series_to_json(const struct series *series)
{
	static const char *const names[] = {"p50", "p90", "p99", "p99.9", "max"};
	json_t *one = stats_to_json(&series->stats), *values = json_array(), *sub;
	char frame[OUT_NUMBER_SIZE];

	json_object_set_new(one, "what", json_string(bench_what_word(series->work.what)));
	json_object_set_new(one, "hooks", json_string(bench_hooks_word(series->hooks)));
	json_object_set_new(one, "frame", json_string(frame_text(series, frame)));
	json_object_set_new(one, "unit", json_string(bench_what_unit(series->work.what)));
	json_object_set_new(one, "noisy", json_boolean(stats_noisy(&series->stats)));
	json_object_set_new(one, "less_is_better",
			    json_boolean(bench_what_is_time(series->work.what)));
	for (size_t i = 0; i < series->n; i++)
		json_array_append_new(values, json_real(series->values[i]));
	json_object_set_new(one, "values", values);
	if (series->sent) {
		json_object_set_new(one, "sent", json_integer(series->sent));
		json_object_set_new(one, "received", json_integer(series->received));
	}
	if (series->send_cpu >= 0)
		json_object_set_new(one, "send_cpu_ns", json_real(series->send_cpu));
	if (series->receive_cpu >= 0)
		json_object_set_new(one, "receive_cpu_ns", json_real(series->receive_cpu));
	if (is_trip(series)) {
		sub = json_object();
		for (int p = 0; p < BENCH_PERCENTILES; p++)
			json_object_set_new(sub, names[p], json_real(series->percentiles[p]));
		json_object_set_new(one, "trip_ns", sub);
	}
	if (series->ratio.n) {
		sub = stats_to_json(&series->ratio);
		json_object_set_new(sub, "says", json_string(stats_verdict_word(
							 stats_verdict(&series->ratio))));
		json_object_set_new(one, "ratio", sub);
	}
	return one;
}

static json_t *machine_to_json(const struct bench_report *report)
{
	const struct bench_machine *machine = &report->machine;
	const struct bench_options *options = report->options;
	json_t *one = json_pack("{s:s, s:s, s:i, s:b, s:s, s:s}", "kernel", machine->kernel, "cpu",
				machine->cpu, "cpus", machine->cpus, "virtual", machine->virtual,
				"governor", machine->governor, "mitigations",
				machine->mitigations);

	if (options->pinned)
		json_object_set_new(one, "affinity",
				    json_pack("{s:i, s:i, s:b}", "sender", options->cpus[0],
					      "receiver", options->cpus[1], "share_core",
					      bench_share_core(options->cpus[0],
							       options->cpus[1])));
	return one;
}

json_t *bench_to_json(const struct bench_report *report)
{
	json_t *doc = out_json_document("vethlab.bench/1"), *list = json_array();
	const struct bench_way *way = &report->way;

	json_object_set_new(doc, "machine", machine_to_json(report));
	json_object_set_new(doc, "link",
			    json_pack("{s:s, s:s, s:b, s:i}", "from", report->link->from.name, "to",
				      report->link->to.name, "own", report->link->own, "mtu",
				      report->link->from.mtu));
	json_object_set_new(doc, "runs", json_integer(report->options->runs));
	json_object_set_new(doc, "run_s", json_real(report->options->time_s));
	json_object_set_new(doc, "threads", json_integer(report->options->threads));
	json_object_set_new(doc, "took_ns", json_integer(report->took_ns));
	json_object_set_new(doc, "sender", json_string("own"));
	for (size_t i = 0; i < report->n; i++)
		json_array_append_new(list, series_to_json(&report->list[i]));
	json_object_set_new(doc, "results", list);
	if (way->echoes)
		json_object_set_new(doc, "way",
				    json_pack("{s:I, s:f, s:f, s:f, s:f}", "echoes",
					      (json_int_t)way->echoes, "there_ns", way->there,
					      "residence_ns", way->residence, "back_ns", way->back,
					      "stack_ns", way->stack));
	return doc;
}

void bench_print_csv(const struct bench_report *report, FILE *f)
{
	char frame[OUT_NUMBER_SIZE];

	fputs("what,hooks,frame,unit,run,value\n", f);
	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		for (size_t run = 0; run < series->n; run++)
			fprintf(f, "%s,%s,%s,%s,%zu,%.0f\n", bench_what_word(series->work.what),
				bench_hooks_word(series->hooks), frame_text(series, frame),
				bench_what_unit(series->work.what), run + 1, series->values[run]);
	}
}
