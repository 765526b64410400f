// SPDX-License-Identifier: GPL-2.0-only
/* bench.c - `vethlab bench`: how fast a veth link is, and what watching it costs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/base/interrupt.h"
#include "user/bench/suite.h"
#include "user/cmd/bench_options.h"
#include "user/ledger/reading.h"
#include "user/output/output.h"

enum { WAY_ECHOES = 1000, PROGRAMS_NS = 50000000 };

/* ---- running ------------------------------------------------------------------------------- */

static void tell(const struct series *now, size_t done, size_t of, void *arg)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%zu of %zu: %s, %s", done + 1, of, bench_what_word(now->work.what),
		bench_hooks_word(now->hooks));
	fflush(stderr);
}

/* Where the time of an echo goes: needs programs that stamp, at both ends. */
static int find_ways(struct bench *bench, struct err *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < bench->n; i++) {
		struct series *series = &bench->list[i];

		if (bench_what_is_time(series->work.what) && series->link->watched)
			ret = bench_way(series->link, series->work.what, WAY_ECHOES, &series->way,
					err);
	}
	return ret;
}

/* Of one link of each way of watching; once all is measured, for statistics cost time. */
static int find_programs(struct bench *bench, struct err *err)
{
	unsigned seen = 1u << BENCH_HOOKS_NONE;
	int ret = 0;

	for (size_t i = 0; !ret && i < bench->n; i++) {
		const struct series *series = &bench->list[i];
		struct bench_programs *programs = &bench->programs[bench->n_programs];

		if (series->link->own ? seen & 1u << series->hooks : i || !series->link->watched)
			continue;
		seen |= 1u << series->hooks;
		programs->hooks = series->hooks;
		ret = bench_programs(series->link, PROGRAMS_NS, programs->list, &programs->n, err);
		bench->n_programs += !ret && programs->n;
		if (ret && !err->code) {
			bench->no_statistics = true;
			return 0;
		}
	}
	return ret;
}

static int run(struct bench *bench, struct bench_report *report, const struct bench_old *old,
	       struct err *err)
{
	bool terminal = isatty(2);
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	int ret = bench_plan(bench, err);

	if (!ret && bench->options.compare)
		ret = bench_old_check(old, bench->options.compare, bench->list, bench->n, err);
	if (!ret)
		ret = bench_rehearse(bench, err);
	if (!ret)
		ret = series_run(bench->list, bench->n, bench->options.runs,
				 bench->options.time_s * 1e9, terminal ? tell : NULL, NULL, err);
	if (!ret)
		ret = find_ways(bench, err);
	if (!ret)
		ret = find_programs(bench, err);
	if (terminal) {
		fprintf(stderr, "\r\033[K");
		fflush(stderr);
	}
	report->options = &bench->options;
	if (bench->n)
		report->link = *bench->list[0].link;
	report->list = bench->list;
	report->n = bench->n;
	report->programs = bench->programs;
	report->n_programs = bench->n_programs;
	report->no_statistics = bench->no_statistics;
	report->took_ns = clock_ns(CLOCK_MONOTONIC) - start;
	bench_machine(&report->machine);
	return ret;
}

static int show(const struct bench_report *report, const struct bench_old *old, struct err *err)
{
	const struct bench_options *options = report->options;
	json_t *doc = bench_to_json(report);
	struct bench_compared compared = {0};

	if (options->format == BENCH_TEXT)
		bench_print_text(report, stdout);
	if (options->plot)
		bench_print_plot(report, stdout);
	if (options->format == BENCH_CSV)
		bench_print_csv(report, stdout);
	if (options->compare)
		compared = bench_compare(old, report, doc,
					 options->format == BENCH_TEXT ? stdout : NULL);
	if (options->format == BENCH_JSON)
		output_json_print(doc, stdout);
	else
		json_decref(doc);
	if (!compared.worse)
		return 0;
	/* Behind what it is about, on a terminal: main prints the error. */
	fflush(stdout);
	err_set(err, ERR_FAILED, 0, "%zu of %zu results are worse than in %s by more than %g %%",
		compared.worse, compared.n, options->compare, options->threshold);
	return ERR_FAILED;
}

static int bench_main(int argc, char **argv, struct err *err)
{
	struct bench_report report = {0};
	struct bench_old old = {0};
	struct bench_guard guard = {0};
	struct bench *bench;
	int ret, status;

	if (argc > 1 && !strcmp(argv[1], "build"))
		return cmd_bench_build.run(argc - 1, argv + 1, err);
	bench = calloc(1, sizeof(*bench));
	if (!bench)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	bench->link.from.netns_fd = bench->link.to.netns_fd = -1;
	ret = bench_parse(&bench->options, argc, argv, err);
	if (!ret && bench->options.compare)
		ret = bench_old_load(&old, bench->options.compare, err);
	if (!ret)
		ret = bench_guard_begin(&guard, err);
	if (!ret) {
		interrupt_catch_signals();
		ret = run(bench, &report, &old, err);
		status = bench_tidy(bench, err);
		ret = ret ? ret : status;
	}
	bench_guard_end(&guard);
	status = ret ? (int)err->code : show(&report, &old, err);
	series_free(bench->list, bench->n);
	bench_old_free(&old);
	free(bench);
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
	.about = "Without a link: labs of its own, which are gone afterwards.\n",
	.notes = "Killed, it leaves no labs either: a process of its own removes them.\n"
		 "`bench build [SHAPE SIZE...] [--runs N] [-j]` measures how long a generated lab\n"
		 "(chain 100) takes to build and to remove: watched, not, and by ip -batch.\n",
	.examples = "vethlab bench --what rtt,tcp\n"
		    "vethlab bench blue:veth1 --what tcp --time 2\n",
	.run = bench_main,
};
