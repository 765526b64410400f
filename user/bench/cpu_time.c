// SPDX-License-Identifier: GPL-2.0-only
/*
 * cpu_time.c - how long the CPUs of both sides were busy, as /proc/stat says: threads, softirqs,
 * NAPI threads and whatever else ran there. What the kernel does for a packet is charged to no
 * thread of the bench where it is done in a softirq or in a thread of the kernel.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "user/base/clock.h"
#include "user/bench/internal.h"

/* Ticks in which a CPU did nothing for this machine: idle, iowait, and stolen by a hypervisor. */
static bool read_idle(FILE *f, int cpu, unsigned long long *idle)
{
	unsigned long long v[8];
	char line[512];
	int number;

	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &number, &v[0],
			   &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) == 9 &&
		    number == cpu) {
			*idle = v[3] + v[4] + v[7];
			return true;
		}
	return false;
}

struct cpu_time cpu_time_read(const struct bench_link *link)
{
	struct cpu_time busy = {.at = clock_monotonic_ns()};
	FILE *f = link->from.cpu >= 0 ? fopen("/proc/stat", "re") : NULL;

	busy.known = f && read_idle(f, link->from.cpu, &busy.idle[0]) &&
		     read_idle(f, link->to.cpu, &busy.idle[1]);
	if (f)
		fclose(f);
	return busy;
}

static double busy_ns(const struct cpu_time *before, const struct cpu_time *after, int side)
{
	double tick = 1e9 / sysconf(_SC_CLK_TCK);
	double ns = after->at - before->at - (after->idle[side] - before->idle[side]) * tick;

	return ns > 0 ? ns : 0;
}

void cpu_time_since(const struct bench_link *link, const struct cpu_time *before, double units,
		    struct bench_sample *sample)
{
	struct cpu_time after = cpu_time_read(link);

	if (!before->known || !after.known)
		return;
	sample->units = units;
	sample->span = after.at - before->at;
	sample->send_busy = busy_ns(before, &after, 0);
	if (link->from.cpu != link->to.cpu)
		sample->receive_busy = busy_ns(before, &after, 1);
}
