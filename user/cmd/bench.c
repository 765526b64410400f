// SPDX-License-Identifier: GPL-2.0-only
/* bench.c - `vethlab bench`: how fast a veth link is, and what watching it costs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/cmd/bench_options.h"
#include "user/ledger/reading.h"
#include "user/output/output.h"
#include "user/figures/bench_report.h"

/* ---- running ------------------------------------------------------------------------------- */

static void tell(const struct series *now, size_t done, size_t of, void *arg)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%zu of %zu: %s, %s", done + 1, of, bench_what_word(now->work.what),
		bench_hooks_word(now->hooks));
	fflush(stderr);
}

static int plan_and_measure(struct bench_suite *bench, const struct bench_baseline *old,
			    bool terminal, struct err *err)
{
	int ret = bench_plan(bench, err);

	if (ret)
		return ret;
	ret = old->doc ? bench_baseline_check(old, bench->list, bench->n, err) : 0;
	return ret ? ret : bench_measure_planned(bench, terminal ? tell : NULL, NULL, err);
}

static int measure(struct bench_suite *bench, const struct bench_baseline *old, struct err *err)
{
	bool terminal = isatty(2);
	int ret = plan_and_measure(bench, old, terminal, err);

	if (terminal) {
		fprintf(stderr, "\r\033[K");
		fflush(stderr);
	}
	return ret;
}

static int run(struct bench_suite *bench, struct bench_report *report,
	       const struct bench_baseline *old, struct err *err)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	int ret = measure(bench, old, err);

	*report = (struct bench_report){
		.options = &bench->options,
		.list = bench->list,
		.n = bench->n,
		.programs = bench->programs,
		.n_programs = bench->n_programs,
		.no_statistics = bench->no_statistics,
		.took_ns = clock_ns(CLOCK_MONOTONIC) - start,
	};
	if (bench->n)
		report->link = *bench->list[0].link;
	bench_machine(&report->machine);
	return ret;
}

static int show(const struct bench_report *report, const struct bench_args *args,
		const struct bench_baseline *old, struct err *err)
{
	json_t *doc = bench_to_json(report);
	struct bench_compared compared = {0};

	if (args->format == BENCH_TEXT)
		bench_print_text(report, stdout);
	if (args->plot)
		bench_print_plot(report, stdout);
	if (args->format == BENCH_CSV)
		bench_print_csv(report, stdout);
	if (old->doc)
		compared = bench_compare(old, report, args->threshold, doc,
					 args->format == BENCH_TEXT ? stdout : NULL);
	if (args->format == BENCH_JSON)
		output_json_print(doc, stdout);
	else
		json_decref(doc);
	if (!compared.worse)
		return 0;
	/* Behind what it is about, on a terminal: main prints the error. */
	fflush(stdout);
	err_set(err, ERR_FAILED, 0, "%zu of %zu results are worse than in %s by more than %g %%",
		compared.worse, compared.n, args->compare, args->threshold);
	return ERR_FAILED;
}

/* Measure in labs that are gone when this returns. */
static int run_guarded(struct bench_suite *bench, struct bench_report *report,
		       const struct bench_baseline *old, struct err *err)
{
	struct bench_guard guard = {0};
	int ret = bench_guard_begin(&guard, err), removed;

	if (ret)
		return ret;
	interrupt_catch_signals();
	ret = run(bench, report, old, err);
	removed = bench_remove_labs(bench, err);
	bench_guard_end(&guard);
	return ret ? ret : removed;
}

static int bench_main(int argc, char **argv, struct err *err)
{
	struct bench_report report = {0};
	struct bench_baseline old = {0};
	struct bench_args args;
	struct bench_suite *bench;
	int status;

	if (argc > 1 && !strcmp(argv[1], "build"))
		return cmd_bench_build.run(argc - 1, argv + 1, err);
	if (bench_parse(&args, argc, argv, err) ||
	    (args.compare && bench_baseline_load(&old, args.compare, err)))
		return err->code;
	bench = bench_suite_new();
	if (!bench) {
		bench_baseline_free(&old);
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	bench->options = args.options;
	status = run_guarded(bench, &report, &old, err) ? (int)err->code
							: show(&report, &args, &old, err);
	bench_suite_free(bench);
	bench_baseline_free(&old);
	return status;
}

static const struct cmd *const verbs[] = {&cmd_bench_build, NULL};

const struct cmd cmd_bench = {
	.name = "bench",
	.summary = "how fast a veth link is, and what watching it costs",
	.operands = bench_operands,
	.options = bench_options,
	.verbs = verbs,
	.usage_end = "...",
	.about = "Without a link, it builds labs of its own and removes them afterwards.\n",
	.notes = "If it is killed, another process of its own removes the labs.\n"
		 "`bench build [SHAPE SIZE...] [--runs N] [-j]` measures how long a generated lab\n"
		 "(chain 100) takes to build and to remove: watched, not, and by ip -batch.\n",
	.examples = "vethlab bench --what rtt,tcp\n"
		    "vethlab bench blue:veth1 --what tcp --time 2\n",
	.run = bench_main,
};
