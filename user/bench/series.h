/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * series.h - measurements repeated in turns: A B C A B C, so that whatever the machine does
 * meanwhile happens to all of them.
 */
#ifndef VETHLAB_USER_BENCH_SERIES_H
#define VETHLAB_USER_BENCH_SERIES_H

#include "user/bench/bench.h"

/* tell (NULL is allowed) is called before each measurement. -EINTR: interrupted. */
int series_run(struct series *list, size_t n, size_t rounds, uint64_t time_ns,
	       void (*tell)(const struct series *now, size_t done, size_t of, void *arg), void *arg,
	       struct err *err);
/* Frees what each of them holds, not the list. */
void series_free(struct series *list, size_t n);

#endif
