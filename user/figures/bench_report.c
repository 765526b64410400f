// SPDX-License-Identifier: GPL-2.0-only
/* bench_report.c - what `vethlab bench` and `vethlab bench build` found, as tables; of the latter,
 * as JSON. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "user/output/output.h"
#include "user/figures/bench_matrix.h"
#include "user/figures/bench_report.h"
#include "user/figures/bench_trips.h"
#include "user/render/rates.h"

static void print_link(const struct bench_report *report, FILE *f)
{
	char did[BENCH_SENTENCES_MAX][BENCH_SENTENCE_SIZE],
		line[BENCH_SENTENCES_MAX * BENCH_SENTENCE_SIZE] = "";
	size_t n = bench_describe_link(report, did), used = 0;

	for (size_t i = 0; i < n; i++)
		used += snprintf(line + used, sizeof(line) - used, "%s%s", i ? "; " : "", did[i]);
	output_wrap("link:        ", line, f);
}

void bench_print_machine(const struct bench_machine *machine, FILE *f)
{
	char line[512];

	snprintf(line, sizeof(line), "%s, %s, %u CPU%s%s; frequency governor: %s", machine->kernel,
		 machine->cpu[0] ? machine->cpu : "unknown CPU", machine->cpus,
		 machine->cpus == 1 ? "" : "s", machine->virtual ? ", virtual machine" : "",
		 machine->governor);
	output_wrap("machine:     ", line, f);
	output_wrap("mitigations: ", machine->mitigations[0] ? machine->mitigations : "none", f);
}

static void print_place(const struct bench_report *report, FILE *f)
{
	const struct bench_options *options = report->options;
	char line[1400], age[OUTPUT_NUMBER_SIZE];

	bench_print_machine(&report->machine, f);
	print_link(report, f);
	if (!options->pinned)
		snprintf(line, sizeof(line), "sender and receiver where the kernel puts them");
	else
		snprintf(line, sizeof(line), "sender on CPU %d, receiver on CPU %d: %s",
			 options->cpus[0], options->cpus[1],
			 options->cpus[0] == options->cpus[1]			? "the same"
			 : bench_share_core(options->cpus[0], options->cpus[1]) ? "one core"
										: "two cores");
	output_wrap("affinity:    ", line, f);
	snprintf(line, sizeof(line),
		 "%u runs of %g s each, in turns; %s in all; own senders, no "
		 "libiperf",
		 options->runs, options->time_s, output_age(report->took_ns, age));
	output_wrap("runs:        ", line, f);
}

/* All that the CPU did, where that is known: the kernel's part is in it. Else the thread alone. */
static const char *cpu_text(double thread_ns, double busy_ns, char *buf)
{
	double ns = busy_ns >= 0 ? busy_ns : thread_ns;

	return ns >= 0 ? output_duration(ns, buf) : strcpy(buf, "");
}

static void print_rates(const struct bench_report *report, FILE *f)
{
	static const struct table_column columns[] = {
		{"rates", TABLE_LEFT},	    {"hooks", TABLE_LEFT},  {"frame", TABLE_RIGHT},
		{"delivered", TABLE_RIGHT}, {"lost", TABLE_RIGHT},  {"CPU out", TABLE_RIGHT},
		{"CPU in", TABLE_RIGHT},    {"spread", TABLE_RIGHT}};
	struct table *table = table_new(columns, 8);
	char buf[OUTPUT_NUMBER_SIZE];
	size_t rows = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		double rate =
			bench_what_is_time(series->work.what) ? series->rate : series->stats.median;

		if (rate <= 0) /* of echoes on CPUs that nobody knows */
			continue;
		rows++;
		table_cell(table, "%s", bench_what_word(series->work.what));
		table_cell(table, "%s", bench_hooks_word(series->hooks));
		table_cell(table, "%s", bench_frame_text(series, buf));
		table_cell(table, "%s",
			   output_rate(rate,
				       bench_what_is_time(series->work.what)
					       ? "/s"
					       : bench_what_unit(series->work.what),
				       buf));
		table_cell(table, "%s", bench_lost_text(series, buf));
		table_cell(table, "%s", cpu_text(series->send_cpu, series->send_busy, buf));
		table_cell(table, "%s", cpu_text(series->receive_cpu, series->receive_busy, buf));
		table_cell(table, "%s",
			   bench_what_is_time(series->work.what) ? ""
								 : bench_spread_text(series, buf));
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

/* Of a number of five characters. */
static int decimals(double value)
{
	return value < 9.9995 ? 3 : value < 99.995 ? 2 : value < 999.95 ? 1 : 0;
}

static bool has_base(const struct bench_report *report)
{
	for (size_t i = 0; i < report->options->n_hooks; i++)
		if (report->options->hooks[i] == BENCH_HOOKS_NONE)
			return true;
	return false;
}

static void print_ratios(const struct bench_report *report, FILE *f)
{
	char buf[OUTPUT_NUMBER_SIZE], confidence[OUTPUT_NUMBER_SIZE];
	const struct table_column columns[] = {{"watched by", TABLE_LEFT}, {"what", TABLE_LEFT},
					       {"frame", TABLE_RIGHT},	   {"median", TABLE_RIGHT},
					       {"ratio", TABLE_RIGHT},	   {confidence, TABLE_LEFT},
					       {"says", TABLE_LEFT},	   {"", TABLE_LEFT}};
	struct table *table;
	bool few = false;
	size_t rows = 0;

	bench_confidence_text(&report->list[0].stats, confidence);
	table = table_new(columns, 8);

	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		if (!series->ratio.n)
			continue;
		rows++;
		table_cell(table, "%s", bench_hooks_word(series->hooks));
		table_cell(table, "%s", bench_what_word(series->work.what));
		table_cell(table, "%s", bench_frame_text(series, buf));
		table_cell(table, "%s",
			   bench_value_text(series->work.what, series->stats.median, buf));
		table_cell(table, "%.3f", series->ratio.median);
		table_cell(table, "%.3f..%.*f", series->ratio.low, decimals(series->ratio.high),
			   series->ratio.high);
		table_cell(table, "%s",
			   statistics_verdict_word(statistics_verdict(&series->ratio)));
		/* A bar shows a difference: not where there are too few runs for one. */
		few = few || statistics_verdict(&series->ratio) == STATS_TOO_FEW;
		table_cell(table, "%s", few ? "" : bar(series->ratio.median, buf));
	}
	if (rows) {
		fputs("\nBeside the unobserved link (ratio 1), pair by pair:\n", f);
		table_print(table, f);
		if (few)
			fputs(BENCH_TOO_FEW "\n", f);
	} else if (!report->options->argc && !has_base(report)) {
		fputs("\nNo ratio: `none`, the unobserved link, is not among the --hooks.\n", f);
	}
	table_free(table);
}

/* "one run of vl_out takes 92 ns, ..." */
static void print_programs(const struct bench_report *report, FILE *f)
{
	static const struct table_column columns[] = {{"one run of", TABLE_LEFT},
						      {"hooks", TABLE_LEFT},
						      {"takes", TABLE_RIGHT},
						      {"runs", TABLE_RIGHT}};
	struct table *table = table_new(columns, 4);
	char buf[OUTPUT_NUMBER_SIZE];

	for (size_t i = 0; i < report->n_programs; i++)
		for (size_t k = 0; k < report->programs[i].n; k++) {
			const struct program_cost *program = &report->programs[i].list[k];

			table_cell(table, "%s", program->name);
			table_cell(table, "%s",
				   report->options->argc
					   ? ""
					   : bench_hooks_word(report->programs[i].hooks));
			table_cell(table, "%s", output_duration(program->ns, buf));
			table_cell(table, "%llu", (unsigned long long)program->runs);
		}
	if (report->n_programs) {
		fputc('\n', f);
		table_print(table, f);
	} else if (report->no_statistics) {
		fputs("\nThis kernel keeps no statistics of eBPF programs for us.\n", f);
	}
	table_free(table);
}

static const char *cpu_legend(const struct bench_options *options)
{
	if (!options->pinned)
		return "time of the sender's and the receiver's thread, a packet (tcp: a KiB); "
		       "what the "
		       "kernel does in softirqs is not in it, as threads run where they like";
	if (options->cpus[0] == options->cpus[1])
		return "time that the one CPU of both sides was busy, a packet that arrived (tcp: "
		       "a "
		       "KiB), with all that ran there";
	return "time that the sender's and the receiver's CPU were busy, a packet that arrived "
	       "(tcp: a "
	       "KiB), softirqs, NAPI threads and whatever else ran there included; a veth without "
	       "NAPI "
	       "in threads receives on the sender's CPU, and several threads of live frames send "
	       "from "
	       "both";
}

void bench_print_text(const struct bench_report *report, FILE *f)
{
	print_place(report, f);
	bench_print_trips(report, f);
	if (report->options->matrix) {
		bench_print_matrix(report, f);
	} else {
		print_rates(report, f);
		print_ratios(report, f);
	}
	print_programs(report, f);
	fputc('\n', f);
	if (!report->options->matrix) {
		output_wrap("spread: ",
			    "width of the interval of the median, as a share of it; \"?\": "
			    "above 5 %, the machine was too noisy",
			    f);
		output_wrap("CPU:    ", cpu_legend(report->options), f);
	}
	if (report->n_programs)
		output_wrap("takes:  ",
			    "by BPF statistics, on during 50 ms behind the measurements; "
			    "taking the time is part of it",
			    f);
}

/* ---- bench build -----------------------------------------------------------------------------
 */

static void add_row(struct table *table, const char *what, const struct bench_build_case *one,
		    const struct statistics *stats, const struct statistics *ratio)
{
	char text[OUTPUT_NUMBER_SIZE];

	table_cell(table, "%s", what);
	table_cell(table, "%s", one->by);
	table_cell(table, "%s", one->ip ? "" : one->word);
	table_cell(table, "%s", output_duration(stats->median, text));
	table_cell(table, "%s", output_duration(stats->min, text));
	table_cell(table, "%s", output_duration(stats->max, text));
	table_cell(table, "%.1f %%%s", 100 * stats->spread,
		   statistics_noisy(stats) ? " noisy" : "");
	text[0] = '\0';
	if (ratio->n)
		snprintf(text, sizeof(text), "%.2f", ratio->median);
	table_cell(table, "%s", text);
}

void bench_build_print_text(const struct bench_build *build, FILE *f)
{
	static const struct table_column columns[] = {
		{"", TABLE_LEFT},	 {"by", TABLE_LEFT},	  {"watched", TABLE_LEFT},
		{"median", TABLE_RIGHT}, {"min", TABLE_RIGHT},	  {"max", TABLE_RIGHT},
		{"spread", TABLE_RIGHT}, {"of ip's", TABLE_RIGHT}};
	struct table *table = table_new(columns, 8);

	bench_print_machine(&build->machine, f);
	fputc('\n', f);
	fprintf(f, "%s: %zu nodes, %zu links, %u run%s each, in turns\n\n",
		build->shape->kind->name, build->nodes, build->links, build->runs,
		build->runs == 1 ? "" : "s");
	for (int i = 0; i < build->n_cases; i++) {
		const struct bench_build_case *one = &build->cases[i];

		add_row(table, "build", one, &one->up_stats, &one->up_ratio);
		add_row(table, "remove", one, &one->down_stats, &one->down_ratio);
	}
	table_print(table, f);
	table_free(table);
	fputc('\n', f);
	if (build->n_cases == BENCH_BUILD_CASES)
		output_wrap("ip -batch: ",
			    "one for namespaces and links, one more a namespace for addresses "
			    "and routes; nodes do not forward, and `netns del` does not wait for "
			    "what it removes",
			    f);
	else
		fputs("ip is not in PATH: not compared\n", f);
}

static json_t *times_to_json(const double *values, size_t n, const struct statistics *stats)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		output_json_append(list, json_real(values[i]));
	return output_json_pack("{s:f, s:f, s:b, s:o}", "median", stats->median, "spread",
				stats->spread, "noisy", statistics_noisy(stats), "values", list);
}

void bench_build_print_json(const struct bench_build *build, FILE *f)
{
	json_t *doc = output_json_document("vethlab.bench-build/1"), *list = json_array();

	output_json_set(doc, "machine", bench_machine_to_json(&build->machine));
	output_json_set(doc, "shape", output_json_text(build->shape->kind->name));
	output_json_set(doc, "nodes", json_integer(build->nodes));
	output_json_set(doc, "links", json_integer(build->links));
	for (int i = 0; i < build->n_cases; i++) {
		const struct bench_build_case *one = &build->cases[i];
		unsigned runs = build->runs;
		json_t *result = output_json_pack(
			"{s:s, s:s, s:o, s:o}", "by", one->by, "hooks", one->word, "up_ns",
			times_to_json(one->up, runs, &one->up_stats), "down_ns",
			times_to_json(one->down, runs, &one->down_stats));

		if (one->up_ratio.n) {
			output_json_set(result, "up_ratio", json_real(one->up_ratio.median));
			output_json_set(result, "down_ratio", json_real(one->down_ratio.median));
		}
		output_json_append(list, result);
	}
	output_json_set(doc, "results", list);
	output_json_print(doc, f);
}
