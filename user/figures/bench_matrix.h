/* SPDX-License-Identifier: GPL-2.0-only */
/* bench_matrix.h - the tables of --matrix, of the report that bench_print_text() prints. */
#ifndef VETHLAB_USER_FIGURES_BENCH_MATRIX_H
#define VETHLAB_USER_FIGURES_BENCH_MATRIX_H

#include "user/figures/bench_cells.h"

void bench_print_matrix(const struct bench_report *report, FILE *f);

#endif
