/* SPDX-License-Identifier: GPL-2.0-only */
/* bench_trips.h - the tables of round trips, of the report that bench_print_text() prints. */
#ifndef VETHLAB_USER_FIGURES_BENCH_TRIPS_H
#define VETHLAB_USER_FIGURES_BENCH_TRIPS_H

#include "user/figures/bench_cells.h"

void bench_print_trips(const struct bench_report *report, FILE *f);

#endif
