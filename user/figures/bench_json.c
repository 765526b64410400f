// SPDX-License-Identifier: GPL-2.0-only
/* bench_json.c - what `vethlab bench` found, as JSON and as CSV. */
#include <string.h>

#include "user/output/output.h"
#include "user/figures/bench_report.h"

static json_t *stats_to_json(const struct statistics *stats)
{
	return output_json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "median", stats->median,
				"min", stats->min, "max", stats->max, "low", stats->low, "high",
				stats->high, "confidence", stats->confidence, "spread",
				stats->spread);
}

/* Without those that so few times cannot tell from the largest. */
static json_t *trips_to_json(uint64_t n, const double times[BENCH_PERCENTILES])
{
	static const char *const names[] = {"p50", "p90", "p99", "p99.9", "max"};
	json_t *one = output_json_pack("{s:I}", "count", (json_int_t)n);

	for (int p = 0; p < BENCH_PERCENTILES; p++)
		if (histogram_can_tell(n, bench_percentiles[p]))
			output_json_set(one, names[p], json_real(times[p]));
	return one;
}

static json_t *way_to_json(const struct echo_steps *way)
{
	return output_json_pack("{s:I, s:f, s:f, s:f, s:f}", "echoes", (json_int_t)way->echoes,
				"there_ns", way->there, "residence_ns", way->residence, "back_ns",
				way->back, "stack_ns", way->stack);
}

static void add_trips(json_t *one, const struct series *series)
{
	double times[BENCH_PERCENTILES];

	if (series->trips->n) {
		bench_trip_times(series, times);
		output_json_set(one, "trip_ns", trips_to_json(series->trips->n, times));
	}
	if (series->kernel_trips->count) {
		bench_kernel_times(series, times);
		output_json_set(one, "kernel_trip_ns",
				trips_to_json(series->kernel_trips->count, times));
	}
	if (series->steps.echoes)
		output_json_set(one, "way", way_to_json(&series->steps));
}

static void add_cpu(json_t *one, const struct series *series)
{
	const struct {
		const char *name;
		double ns;
	} known[] = {{"send_cpu_ns", series->send_cpu},
		     {"receive_cpu_ns", series->receive_cpu},
		     {"send_busy_ns", series->send_busy},
		     {"receive_busy_ns", series->receive_busy}};

	for (int i = 0; i < 4; i++)
		if (known[i].ns >= 0)
			output_json_set(one, known[i].name, json_real(known[i].ns));
}

static json_t *series_to_json(const struct series *series)
{
	json_t *one = stats_to_json(&series->stats), *values = json_array(), *sub;
	char frame[OUTPUT_NUMBER_SIZE], set[BENCH_SET_SIZE];

	output_json_set(one, "what", output_json_text(bench_what_word(series->work.what)));
	output_json_set(one, "hooks", output_json_text(bench_hooks_word(series->hooks)));
	output_json_set(one, "frame", output_json_text(bench_frame_text(series, frame)));
	output_json_set(one, "set", output_json_text(bench_set_words(series->set, set)));
	output_json_set(one, "unit", output_json_text(bench_what_unit(series->work.what)));
	output_json_set(one, "noisy", json_boolean(statistics_noisy(&series->stats)));
	output_json_set(one, "less_is_better", json_boolean(bench_what_is_time(series->work.what)));
	for (size_t i = 0; i < series->n; i++)
		output_json_append(values, json_real(series->values[i]));
	output_json_set(one, "values", values);
	if (bench_pps_threads(&series->work))
		output_json_set(one, "threads", json_integer(bench_pps_threads(&series->work)));
	if (series->sent) {
		output_json_set(one, "sent", json_integer(series->sent));
		output_json_set(one, "received", json_integer(series->received));
	}
	add_cpu(one, series);
	add_trips(one, series);
	if (series->ratio.n) {
		sub = stats_to_json(&series->ratio);
		output_json_set(sub, "says",
				output_json_text(statistics_verdict_word(
					statistics_verdict(&series->ratio))));
		output_json_set(one, "ratio", sub);
	}
	return one;
}

json_t *bench_machine_to_json(const struct bench_machine *machine)
{
	return output_json_pack("{s:s, s:o, s:i, s:b, s:s, s:s}", "kernel", machine->kernel, "cpu",
				output_json_text(machine->cpu), "cpus", machine->cpus, "virtual",
				machine->virtual, "governor", machine->governor, "mitigations",
				machine->mitigations);
}

static json_t *machine_to_json(const struct bench_report *report)
{
	const struct bench_options *options = report->options;
	json_t *one = bench_machine_to_json(&report->machine);

	if (options->pinned)
		output_json_set(
			one, "affinity",
			output_json_pack("{s:i, s:i, s:b}", "sender", options->cpus[0], "receiver",
					 options->cpus[1], "share_core",
					 bench_share_core(options->cpus[0], options->cpus[1])));
	return one;
}

static json_t *programs_to_json(const struct bench_report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->n_programs; i++)
		for (size_t k = 0; k < report->programs[i].n; k++) {
			const struct program_cost *program = &report->programs[i].list[k];

			output_json_append(
				list, output_json_pack("{s:s, s:s, s:f, s:I}", "program",
						       program->name, "hooks",
						       bench_hooks_word(report->programs[i].hooks),
						       "run_ns", program->ns, "runs",
						       (json_int_t)program->runs));
		}
	return list;
}

json_t *bench_to_json(const struct bench_report *report)
{
	json_t *doc = output_json_document("vethlab.bench/1"), *list = json_array();
	char did[BENCH_SENTENCES_MAX][BENCH_SENTENCE_SIZE];
	size_t n_did = bench_describe_link(report, did);
	json_t *texts = json_array();

	output_json_set(doc, "machine", machine_to_json(report));
	output_json_set(doc, "link",
			output_json_pack("{s:o, s:o, s:b, s:i}", "from",
					 output_json_text(report->link.from.name), "to",
					 output_json_text(report->link.to.name), "own",
					 report->link.own, "mtu", report->link.from.mtu));
	for (size_t i = 0; i < n_did; i++)
		output_json_append(texts, output_json_text(did[i]));
	output_json_set(json_object_get(doc, "link"), "did", texts);
	output_json_set(doc, "runs", json_integer(report->options->runs));
	output_json_set(doc, "run_s", json_real(report->options->time_s));
	output_json_set(doc, "threads", json_integer(report->options->threads));
	output_json_set(doc, "took_ns", json_integer(report->took_ns));
	output_json_set(doc, "sender", output_json_text("own"));
	for (size_t i = 0; i < report->n; i++)
		output_json_append(list, series_to_json(&report->list[i]));
	output_json_set(doc, "results", list);
	output_json_set(doc, "programs", programs_to_json(report));
	return doc;
}

void bench_print_csv(const struct bench_report *report, FILE *f)
{
	char frame[OUTPUT_NUMBER_SIZE], set[BENCH_SET_SIZE];

	fputs("what,hooks,frame,set,unit,run,value\n", f);
	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		bench_set_words(series->set, set);
		for (char *c = set; *c; c++)
			*c = *c == ',' ? '+' : *c; /* a comma ends a field */
		for (size_t run = 0; run < series->n; run++)
			fprintf(f, "%s,%s,%s,%s,%s,%zu,%.0f\n", bench_what_word(series->work.what),
				bench_hooks_word(series->hooks), bench_frame_text(series, frame),
				set, bench_what_unit(series->work.what), run + 1,
				series->values[run]);
	}
}
