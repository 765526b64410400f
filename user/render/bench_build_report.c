// SPDX-License-Identifier: GPL-2.0-only
/* bench_build_report.c - what `vethlab bench build` found, as text and as JSON. */
#include "user/output/output.h"
#include "user/render/bench_report.h"

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
	output_json_set(doc, "shape", json_string(build->shape->kind->name));
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
