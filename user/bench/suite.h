/* SPDX-License-Identifier: GPL-2.0-only */
/* suite.h - what the files of `vethlab bench` share: what was asked for, what was found. */
#ifndef VETHLAB_USER_BENCH_SUITE_H
#define VETHLAB_USER_BENCH_SUITE_H

#include <jansson.h>
#include <stdio.h>

#include "topology/shapes.h"
#include "user/bench/bench.h"
#include "user/bench/series.h"

enum bench_topic { TOPIC_RTT = 1, TOPIC_PPS = 2, TOPIC_TCP = 4, TOPIC_UDP = 8, TOPIC_RR = 16 };
enum { BENCH_SIZES_MAX = 8, BENCH_RUNS_MAX = 1000 };
enum bench_format { BENCH_TEXT, BENCH_JSON, BENCH_CSV };

struct bench_options {
	unsigned topics; /* enum bench_topic; 0: all that the link can */
	enum bench_hooks hooks[BENCH_HOOKS_COUNT];
	size_t n_hooks;
	unsigned sizes[BENCH_SIZES_MAX]; /* bytes of a frame */
	size_t n_sizes;
	bool usual_sizes; /* nobody asked for these: they may be made to fit */
	unsigned runs, threads;
	double time_s; /* of one measurement */
	bool matrix, pinned, plot;
	unsigned set; /* enum bench_set, of the labs of its own */
	int cpus[2];  /* -1: not said */
	enum bench_format format;
	const char *lab, *compare;
	double threshold; /* percent */
	int argc;	  /* LINK or FROM TO */
	char **argv;
};

/* One way of building a lab, and what it took, run by run. */
struct bench_build_case {
	const char *by, *word; /* "vethlab", "ip -batch"; what watches: "none", "default" */
	unsigned hooks;	       /* as lab_options.hooks */
	bool ip;	       /* built by `ip -batch` */
	double up[BENCH_RUNS_MAX], down[BENCH_RUNS_MAX]; /* ns */
	struct statistics up_stats, down_stats;
	/* Ratios to the time of `ip -batch`, of pairs of runs; n 0: there is none. */
	struct statistics up_ratio, down_ratio;
};

enum { BENCH_BUILD_CASES = 3 };
struct bench_build {
	const struct shape_options *shape; /* borrowed */
	unsigned runs;			   /* 1 to BENCH_RUNS_MAX */
	/* What bench_build_measure() found. */
	struct bench_machine machine;
	size_t nodes, links;
	struct bench_build_case cases[BENCH_BUILD_CASES];
	int n_cases; /* the last is that of ip -batch, if there is an ip */
};
/*
 * Build and remove a lab of build->shape, build->runs times in each way, in turns. -EINTR with err
 * set when it was interrupted. Begin a bench_guard before.
 */
int bench_build_measure(struct bench_build *build, struct err *err);
void bench_build_print_text(const struct bench_build *build, FILE *f);
void bench_build_print_json(const struct bench_build *build, FILE *f);

/*
 * Build a lab by `ip -batch` and remove it again: the times in ns. It has no programs and does not
 * forward. -EINTR with err set when it was interrupted.
 */
int bench_ip(const struct lab *lab, double *up_ns, double *down_ns, struct err *err);
bool bench_has_ip(void); /* whether PATH has one */

/* What the programs of one link take. */
struct bench_programs {
	enum bench_hooks hooks;
	size_t n;
	struct bench_program list[BENCH_PROGRAMS_MAX];
};

enum { BENCH_LABS_MAX = BENCH_SETS * BENCH_HOOKS_COUNT, BENCH_SERIES_MAX = 256 };

/* Everything that one call makes: labs, and what is measured in them. */
struct bench {
	struct bench_options options;
	struct bench_lab *labs[BENCH_LABS_MAX];
	size_t n_labs;
	struct running *run;	/* of a link that the user named */
	struct bench_link link; /* and that link */
	struct series list[BENCH_SERIES_MAX];
	size_t n;
	struct bench_programs programs[BENCH_HOOKS_COUNT];
	size_t n_programs;
	bool no_statistics; /* the kernel keeps none, or not for us */
};

/* Make the links and the list of series. bench_tidy() is due whatever this returns. */
int bench_plan(struct bench *bench, struct err *err);
/* Whether all of it can be measured, as far as that can be told before. */
int bench_rehearse(const struct bench *bench, struct err *err);
int bench_add_lab(struct bench *bench, const struct bench_variant *variant,
		  struct bench_link **link, struct err *err);
/* Everything that was made goes, after a failure too; the first failure is the one that is told. */
int bench_tidy(struct bench *bench, struct err *err);

struct bench_report {
	const struct bench_options *options;
	struct bench_machine machine;
	struct bench_link link; /* the first, a copy: its lab is gone by now */
	struct series *list;
	size_t n;
	const struct bench_programs *programs;
	size_t n_programs;
	bool no_statistics;
	uint64_t took_ns;
};

/* What was done to the links, in BENCH_DID_MAX sentences at most: returns how many. */
enum { BENCH_DID_MAX = 6, BENCH_DID_SIZE = 240 };
size_t bench_did(const struct bench_report *report, char did[BENCH_DID_MAX][BENCH_DID_SIZE]);
/* The kernel, the CPUs, their governor and mitigations; of whatever was measured there. */
void bench_print_machine(const struct bench_machine *machine, FILE *f);
json_t *bench_machine_to_json(const struct bench_machine *machine);
void bench_print_text(const struct bench_report *report, FILE *f);
void bench_print_matrix(const struct bench_report *report, FILE *f);
/* Medians and their intervals as bars, by kind of measurement. */
void bench_print_plot(const struct bench_report *report, FILE *f);
/* "TSO", "64", "": what one send hands over. */
const char *bench_frame_text(const struct series *series, char *buf);
void bench_print_csv(const struct bench_report *report, FILE *f);
json_t *bench_to_json(const struct bench_report *report);

#define BENCH_TOO_FEW "too few runs to tell anything apart: 6 are the least, --runs N asks for more"
/* How sure an interval is, never more than it is: "96 %". */
const char *bench_confidence_text(const struct statistics *stats, char *buf);

/* Round trips of all runs, by the sender and by the kernel, as bench_parts says. */
void bench_trip_times(const struct series *series, double times[BENCH_PERCENTILES]);
void bench_kept_times(const struct series *series, double times[BENCH_PERCENTILES]);
/* The tables of round trips, of the report that bench_print_text() prints. */
void bench_print_trips(const struct bench_report *report, FILE *f);
/* Whether something watches in different ways here, so that it has to be said which. */
bool bench_many_hooks(const struct bench_report *report);
const char *bench_lost_text(const struct series *series, char *buf);
const char *bench_spread_text(const struct series *series, char *buf);

/* A value in the unit of what it is of: "7.01 Mpps", "12.4 us". */
const char *bench_value_text(enum bench_what what, double value, char *buf);

/* What another run found, from the document of --json. */
struct bench_old {
	json_t *doc;
};
int bench_old_load(struct bench_old *old, const char *path, struct err *err);
void bench_old_free(struct bench_old *old);
/* ERR_USAGE if it, read from path, has none of the results that list will have. */
int bench_old_check(const struct bench_old *old, const char *path, const struct series *list,
		    size_t n, struct err *err);
/* worse: by more than the threshold, the intervals apart; of n that both have. */
struct bench_compared {
	size_t n, worse;
};
/*
 * Print what changed to f (NULL: nowhere) and add it to doc, the report as bench_to_json() made it:
 * what is worse and better, what else differs in how it was measured, what only one of both has.
 */
struct bench_compared bench_compare(const struct bench_old *old, const struct bench_report *report,
				    json_t *doc, FILE *f);

#endif
