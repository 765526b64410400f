/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * series.h - measurements repeated in turns: A B C A B C, so that whatever the machine does
 * meanwhile happens to all of them.
 */
#ifndef VETHLAB_USER_BENCH_SERIES_H
#define VETHLAB_USER_BENCH_SERIES_H

#include "user/bench/bench.h"
#include "user/base/statistics.h"

/* One kind of measurement on one link. */
struct series {
	struct bench_work work;
	enum bench_hooks hooks;
	unsigned set;			/* enum bench_set: how the link is set */
	const struct bench_link *link;	/* borrowed */
	const struct series *base;	/* what it is compared with; NULL: nothing */
	double *values;			/* rounds of them */
	size_t n;			/* measured so far */
	uint64_t sent, received;	/* of all rounds */
	double send_cpu, receive_cpu;	/* median over rounds; negative: not known */
	double send_busy, receive_busy; /* CPU ns a packet, over all rounds; negative: not known */
	double rate;		 /* packets (TCP: KiB) a second that this is of; 0: not known */
	struct histogram *trips; /* of all rounds; n 0: these are no round trips */
	struct vl_times *kept;	 /* those that the kernel kept; count 0: it keeps none */
	struct bench_way way;	 /* echoes 0: not looked for */
	struct statistics stats, ratio; /* ratio.n 0: there is none */
	struct bench_sample *samples;	/* rounds of them */
};

/* tell (NULL is allowed) is called before each measurement. -EINTR: interrupted. */
int series_run(struct series *list, size_t n, size_t rounds, uint64_t time_ns,
	       void (*tell)(const struct series *now, size_t done, size_t of, void *arg), void *arg,
	       struct err *err);
/* Frees what each of them holds, not the list. */
void series_free(struct series *list, size_t n);

#endif
