/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench_cells.h - what `vethlab bench` reports, and its figures as short texts. A text is written
 * to buf, of OUTPUT_NUMBER_SIZE bytes, and returned.
 */
#ifndef VETHLAB_USER_FIGURES_BENCH_CELLS_H
#define VETHLAB_USER_FIGURES_BENCH_CELLS_H

#include "user/bench/bench.h"

/* All that is reported. Pointers are borrowed from a struct bench_suite, whose labs may be gone. */
struct bench_report {
	const struct bench_options *options;
	struct bench_machine machine;
	struct bench_link link; /* a copy of the first; its descriptors are closed */
	struct series *list;
	size_t n;
	const struct program_costs *programs;
	size_t n_programs;
	bool no_statistics;
	uint64_t took_ns;
};

/* What was done to the links, in BENCH_SENTENCES_MAX sentences at most: returns how many. */
enum { BENCH_SENTENCES_MAX = 6, BENCH_SENTENCE_SIZE = 240 };
size_t bench_describe_link(const struct bench_report *report,
			   char sentences[BENCH_SENTENCES_MAX][BENCH_SENTENCE_SIZE]);

/* Whether links are watched in different ways, so that each row has to name its way. */
bool bench_many_hooks(const struct bench_report *report);

#define BENCH_TOO_FEW "too few runs to tell anything apart: 6 are the least, --runs N asks for more"
/* The confidence of an interval, rounded down: "96 %". */
const char *bench_confidence_text(const struct statistics *stats, char *buf);
/* A value in the unit of what it is of: "7.01 Mpps", "12.4 us". */
const char *bench_value_text(enum bench_what what, double value, char *buf);
/* What one send hands over: "TSO", "MTU", "64"; "" where that is not asked for. */
const char *bench_frame_text(const struct series *series, char *buf);
/* The share of packets that were lost: "0", "0.3 %"; "" where packets are not counted. */
const char *bench_lost_text(const struct series *series, char *buf);
/* The width of the interval of the median as a share of it: "1.2 %"; "?" behind it: noisy. */
const char *bench_spread_text(const struct series *series, char *buf);

/* Round trips of all runs in ns, by the sender and by the kernel, as bench_percentiles says. */
void bench_trip_times(const struct series *series, double times[BENCH_PERCENTILES]);
void bench_kernel_times(const struct series *series, double times[BENCH_PERCENTILES]);

#endif
