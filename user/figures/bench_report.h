/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench_report.h - what `vethlab bench` and `vethlab bench build` found, as text, JSON and CSV, and
 * beside the document of another run. JSON is a new reference; no function fails.
 */
#ifndef VETHLAB_USER_FIGURES_BENCH_REPORT_H
#define VETHLAB_USER_FIGURES_BENCH_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "user/figures/bench_cells.h"

void bench_print_text(const struct bench_report *report, FILE *f);
/* Medians and their intervals as bars, by kind of measurement. */
void bench_print_plot(const struct bench_report *report, FILE *f);
/* A line a run; the header line names the fields. */
void bench_print_csv(const struct bench_report *report, FILE *f);
/* vethlab.bench/1, see docs. */
json_t *bench_to_json(const struct bench_report *report);

/* The kernel, the CPUs, their governor and mitigations; of whatever was measured there. */
void bench_print_machine(const struct bench_machine *machine, FILE *f);
json_t *bench_machine_to_json(const struct bench_machine *machine);

/* What bench_build_measure() found. */
void bench_build_print_text(const struct bench_build *build, FILE *f);
void bench_build_print_json(const struct bench_build *build, FILE *f);

/* What another run found, from the document of --json. */
struct bench_baseline {
	json_t *doc;
	const char *path; /* borrowed */
};
/* ERR_USAGE: it cannot be read, or is no such document. bench_baseline_free() is due on success. */
int bench_baseline_load(struct bench_baseline *old, const char *path, struct err *err);
void bench_baseline_free(struct bench_baseline *old);
/* ERR_USAGE if it has none of the results that list will have. */
int bench_baseline_check(const struct bench_baseline *old, const struct series *list, size_t n,
			 struct err *err);

/* worse: by more than the threshold, the intervals apart; of n that both have. */
struct bench_compared {
	size_t n, worse;
};
/*
 * Print what changed by more than threshold percent to f (NULL: nowhere) and add it to doc, the
 * report as bench_to_json() made it: what is worse and better, what else differs in how it was
 * measured, what only one of both has.
 */
struct bench_compared bench_compare(const struct bench_baseline *old,
				    const struct bench_report *report, double threshold,
				    json_t *doc, FILE *f);

#endif
