/* SPDX-License-Identifier: GPL-2.0-only */
/* kinds.h - one measurement on one link: opened, run, closed. */
#ifndef VETHLAB_USER_BENCH_KINDS_H
#define VETHLAB_USER_BENCH_KINDS_H

#include "user/bench/bench.h"

/* What one measurement found. */
struct bench_sample {
	double value;		      /* in the unit of the work; of times the median */
	uint64_t sent, received;      /* packets or round trips; 0, 0: not counted (TCP) */
	double send_cpu, receive_cpu; /* CPU ns of each side's threads per packet (TCP: per KiB);
					 negative: not known */
	/*
	 * How long the CPU of a side was busy with whatever it was, in ns, while units packets
	 * (TCP: KiB) arrived; negative: not known, as threads are not pinned. receive_busy: nor if
	 * both are on one.
	 */
	double units, send_busy, receive_busy;
	double span; /* ns that this was measured for */
	/* Where round trips are added to, by the sender's clock and by the kernel; NULL: nowhere.
	 */
	struct histogram *trips;
	struct vl_times *kernel_trips;
};

struct bench_run;

/* Errors: ERR_PRIVILEGE for a kernel without live frames, ERR_FAILED for a link that cannot. */
int bench_open(struct bench_run **run, const struct bench_link *link, const struct bench_work *work,
	       struct err *err);
/*
 * Measure for so long. sample->trips and sample->kernel_trips are the caller's, the rest is filled.
 * -EINTR with err set when link->interrupted.
 */
int bench_measure(struct bench_run *run, uint64_t time_ns, struct bench_sample *sample,
		  struct err *err);
/* NULL is allowed. Takes away what bench_open() attached. */
void bench_close(struct bench_run *run);

#endif
