// SPDX-License-Identifier: GPL-2.0-only
/* run_build.c - `vethlab bench build`: how long labs take to build and to remove. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "topology/shapes.h"
#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/base/number.h"
#include "user/base/statistics.h"
#include "user/bench/suite.h"
#include "user/cmd/cmd.h"
#include "user/output/output.h"

enum { CASES = 3 };

struct build_args {
	struct shape_options shape;
	unsigned runs;
	bool json;
};

/* A way of building, and what it took. */
struct build_case {
	const char *by, *word;
	unsigned hooks;
	bool ip;
	double up[BENCH_RUNS_MAX], down[BENCH_RUNS_MAX]; /* ns */
	struct statistics up_stats, down_stats;
	struct statistics up_ratio,
		down_ratio; /* to the time of ip -batch, in pairs of runs; n 0: none */
};

struct built {
	const struct build_args *args;
	struct bench_machine machine;
	char *text; /* the lab file */
	size_t len, nodes, links;
	struct build_case cases[CASES];
	int n_cases; /* the last is ip -batch's, if it is there */
};

static bool whole(const char *text, unsigned least, unsigned most, unsigned *value)
{
	uint64_t found;

	if (!number_parse(text, least, most, &found))
		return false;
	*value = found;
	return true;
}

static int parse_shape(struct shape_options *shape, int argc, char **argv, struct err *err)
{
	static char *const usual[] = {"chain", "100"};
	int i;

	if (!argc) {
		argc = 2;
		argv = (char **)usual;
	}
	for (shape->kind = generate_kinds; shape->kind->name; shape->kind++)
		if (!strcmp(shape->kind->name, argv[0]))
			break;
	if (!shape->kind->name)
		return cmd_usage(err, "bench",
				 "build: there is no shape '%s'; `vethlab help "
				 "generate` lists them",
				 argv[0]);
	for (i = 0; i < GENERATE_SIZES_MAX && shape->kind->sizes[i].name; i++) {
		const struct shape_size *size = &shape->kind->sizes[i];

		shape->sizes[i] = size->normal;
		if (i + 1 >= argc ? !size->normal
				  : !whole(argv[i + 1], size->least, size->most, &shape->sizes[i]))
			return cmd_usage(err, "bench", "build: %s of %s is a number from %u to %u",
					 size->name, shape->kind->name, size->least, size->most);
	}
	if (i + 1 < argc)
		return cmd_usage(err, "bench", "build: %s has no use for '%s'", shape->kind->name,
				 argv[i + 1]);
	return 0;
}

static int parse(struct build_args *args, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {
		{"runs", required_argument, NULL, 'r'}, {"json", no_argument, NULL, 'j'}, {NULL}};
	int c;

	*args = (struct build_args){.runs = 5};
	args->shape.v4 = true;
	optind = 1;
	opterr = 0;
	while ((c = getopt_long(argc, argv, ":j", longs, NULL)) != -1) {
		if (c == 'j')
			args->json = true;
		else if (c != 'r')
			return cmd_bad_option(err, "bench", c, argv);
		else if (!whole(optarg, 1, BENCH_RUNS_MAX, &args->runs))
			return cmd_usage(err, "bench", "--runs %s: not a number from 1 to %d",
					 optarg, BENCH_RUNS_MAX);
	}
	return parse_shape(&args->shape, argc - optind, argv + optind, err);
}

static int write_lab(struct built *built, struct err *err)
{
	FILE *f = open_memstream(&built->text, &built->len);
	int ret;

	if (!f)
		return err_set(err, ERR_SYSTEM, errno, "out of memory");
	ret = shape_write(f, &built->args->shape, err);
	if (fclose(f) && !ret)
		ret = err_set(err, ERR_SYSTEM, errno, "out of memory");
	return ret;
}

/* Reading the file is no part of the time: `up` of a file does it, but it is the file's matter. */
static int build_once(struct built *built, const struct build_case *one, double *up_ns,
		      double *down_ns, struct err *err)
{
	struct lab_options options = {.hooks = one->hooks, .interrupted = &interrupt_requested};
	struct diags diags = {0};
	struct lab *lab = lab_read_text(built->text, built->len, "bench", &diags);
	struct running *run;
	char name[LAB_NAME_MAX + 1];
	uint64_t start;
	int lock, ret;

	diags_free(&diags);
	if (!lab)
		return err_set(err, ERR_SYSTEM, EINVAL, "the generated lab cannot be read");
	built->nodes = lab->n_nodes;
	built->links = lab->n_links;
	if (one->ip) {
		ret = bench_ip(lab, up_ns, down_ns, err);
		lab_free(lab);
		return ret;
	}
	snprintf(name, sizeof(name), "bench-%d", (int)getpid());
	options.as = name;
	options.hold = &lock;
	if (one->hooks == HOOKS_NONE)
		options.xdp = XDP_MODE_OFF;
	start = clock_ns(CLOCK_MONOTONIC);
	ret = lab_up(&run, lab, &options, err);
	if (ret)
		return ret;
	*up_ns = clock_ns(CLOCK_MONOTONIC) - start;
	start = clock_ns(CLOCK_MONOTONIC);
	ret = lab_release(name, lock, err);
	*down_ns = clock_ns(CLOCK_MONOTONIC) - start;
	running_free(run);
	return ret;
}

static int sum_up(struct built *built, struct err *err)
{
	const struct build_case *ip = &built->cases[built->n_cases - 1];
	size_t n = built->args->runs;
	bool enough = true;

	for (int i = 0; i < built->n_cases; i++) {
		struct build_case *one = &built->cases[i];

		enough = enough && statistics_of(&one->up_stats, one->up, n) &&
			 statistics_of(&one->down_stats, one->down, n);
		if (ip->ip && !one->ip)
			enough = enough && statistics_ratio(&one->up_ratio, one->up, ip->up, n) &&
				 statistics_ratio(&one->down_ratio, one->down, ip->down, n);
	}
	return enough ? 0 : err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
}

static int build_all(struct built *built, struct err *err)
{
	int ret = write_lab(built, err);

	for (unsigned run = 0; !ret && run < built->args->runs; run++)
		for (int i = 0; !ret && i < built->n_cases; i++) {
			struct build_case *one = &built->cases[i];

			ret = build_once(built, one, &one->up[run], &one->down[run], err);
		}
	return ret ? ret : sum_up(built, err);
}

static void add_row(struct table *table, const char *what, const struct build_case *one,
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

static void print_text(const struct built *built)
{
	static const struct table_column columns[] = {
		{"", TABLE_LEFT},	 {"by", TABLE_LEFT},	  {"watched", TABLE_LEFT},
		{"median", TABLE_RIGHT}, {"min", TABLE_RIGHT},	  {"max", TABLE_RIGHT},
		{"spread", TABLE_RIGHT}, {"of ip's", TABLE_RIGHT}};
	struct table *table = table_new(columns, 8);

	bench_print_machine(&built->machine, stdout);
	putchar('\n');
	printf("%s: %zu nodes, %zu links, %u run%s each, in turns\n\n",
	       built->args->shape.kind->name, built->nodes, built->links, built->args->runs,
	       built->args->runs == 1 ? "" : "s");
	for (int i = 0; i < built->n_cases; i++) {
		const struct build_case *one = &built->cases[i];

		add_row(table, "build", one, &one->up_stats, &one->up_ratio);
		add_row(table, "remove", one, &one->down_stats, &one->down_ratio);
	}
	table_print(table, stdout);
	table_free(table);
	putchar('\n');
	if (built->n_cases == CASES)
		output_wrap("ip -batch: ",
			    "one for namespaces and links, one more a namespace for addresses "
			    "and routes; nodes do not forward, and `netns del` does not wait for "
			    "what it removes",
			    stdout);
	else
		puts("ip is not in PATH: not compared");
}

static json_t *times_to_json(const double *values, size_t n, const struct statistics *stats)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_real(values[i]));
	return json_pack("{s:f, s:f, s:b, s:o}", "median", stats->median, "spread", stats->spread,
			 "noisy", statistics_noisy(stats), "values", list);
}

static void print_json(const struct built *built)
{
	json_t *doc = output_json_document("vethlab.bench-build/1"), *list = json_array();

	json_object_set_new(doc, "machine", bench_machine_to_json(&built->machine));
	json_object_set_new(doc, "shape", json_string(built->args->shape.kind->name));
	json_object_set_new(doc, "nodes", json_integer(built->nodes));
	json_object_set_new(doc, "links", json_integer(built->links));
	for (int i = 0; i < built->n_cases; i++) {
		const struct build_case *one = &built->cases[i];
		unsigned runs = built->args->runs;
		json_t *result =
			json_pack("{s:s, s:s, s:o, s:o}", "by", one->by, "hooks", one->word,
				  "up_ns", times_to_json(one->up, runs, &one->up_stats), "down_ns",
				  times_to_json(one->down, runs, &one->down_stats));

		if (one->up_ratio.n) {
			json_object_set_new(result, "up_ratio", json_real(one->up_ratio.median));
			json_object_set_new(result, "down_ratio",
					    json_real(one->down_ratio.median));
		}
		json_array_append_new(list, result);
	}
	json_object_set_new(doc, "results", list);
	output_json_print(doc, stdout);
}

int bench_build(int argc, char **argv, struct err *err)
{
	struct bench_guard guard = {0};
	struct build_args args;
	struct built *built;
	int ret = parse(&args, argc, argv, err);

	if (ret) {
		err->hint[0] = '\0'; /* of `bench`, not of this */
		err_hint(err, "usage: vethlab bench build [SHAPE SIZE...] [--runs N] [-j]");
		return err->code;
	}
	built = calloc(1, sizeof(*built));
	if (!built)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	built->args = &args;
	bench_machine(&built->machine);
	built->cases[0] = (struct build_case){.by = "vethlab", .word = "none", .hooks = HOOKS_NONE};
	built->cases[1] = (struct build_case){.by = "vethlab", .word = "default"};
	built->cases[2] = (struct build_case){.by = "ip -batch", .word = "none", .ip = true};
	built->n_cases = bench_ip_there() ? CASES : CASES - 1;
	ret = bench_guard_begin(&guard, err);
	interrupt_catch_signals();
	if (!ret)
		ret = build_all(built, err);
	bench_guard_end(&guard);
	if (!ret && args.json)
		print_json(built);
	else if (!ret)
		print_text(built);
	free(built->text);
	free(built);
	return ret ? (int)err->code : 0;
}
