// SPDX-License-Identifier: GPL-2.0-only
/*
 * echo_times.c - times and fates of echoes, read from the maps that bpf/echo_times.h fills.
 */
#include "user/base/clock.h"
#include "user/base/histogram.h"
#include "user/watch/echo_times.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "user/watch/internal.h"

int watch_read_times(struct watch *watch, enum watch_time kind, struct vl_times *times,
		     struct err *err)
{
	return watch_sum_map(watch, MAP_TIMES + kind, false, sizeof(*times), times, err);
}

void watch_times_add(struct vl_times *to, const struct vl_times *from)
{
	if (from->min_plus && (!to->min_plus || from->min_plus < to->min_plus))
		to->min_plus = from->min_plus;
	if (from->max_ns > to->max_ns)
		to->max_ns = from->max_ns;
	to->count += from->count;
	to->sum_ns += from->sum_ns;
	to->negative += from->negative;
	for (size_t i = 0; i < VL_TIME_BINS; i++)
		to->bins[i] += from->bins[i];
}

uint64_t watch_times_min(const struct vl_times *times)
{
	return times->min_plus ? times->min_plus - 1 : 0;
}

uint64_t watch_times_mean(const struct vl_times *times)
{
	return times->count ? times->sum_ns / times->count : 0;
}

/* Between a bin's first and its last nanosecond; the outer bins are bounded by what was measured.
 */
static uint64_t bin_middle(uint32_t bin)
{
	if (bin == 0)
		return 0;
	if (bin == VL_TIME_BINS - 1)
		return UINT64_MAX;
	return (vl_time_start(bin) + vl_time_start(bin + 1) - 1) / 2;
}

uint64_t watch_times_percentile(const struct vl_times *times, double part)
{
	const struct bins bins = {
		.counts = times->bins,
		.n = VL_TIME_BINS,
		.middle = bin_middle,
		.min = watch_times_min(times),
		.max = times->max_ns,
	};

	return bins_percentile(&bins, part);
}

static int read_settings(struct watch *watch, struct vl_settings *settings, struct err *err)
{
	uint32_t zero = 0;

	if (watch->maps[MAP_SETTINGS] < 0)
		return -ENOENT;
	if (bpf_map_lookup_elem(watch->maps[MAP_SETTINGS], &zero, settings))
		return watch_fail(err, errno, watch->lab, "read its settings", "CAP_BPF");
	if (!settings->echo_timeout_ns)
		settings->echo_timeout_ns = VL_ECHO_TIMEOUT_NS;
	return 0;
}

int watch_set_echo_timeout(struct watch *watch, uint64_t ns, struct err *err)
{
	struct vl_settings settings = {.echo_timeout_ns = ns ? ns : VL_ECHO_TIMEOUT_NS};
	uint32_t zero = 0;

	if (watch->maps[MAP_SETTINGS] < 0)
		return -ENOENT;
	if (bpf_map_update_elem(watch->maps[MAP_SETTINGS], &zero, &settings, BPF_ANY))
		return watch_fail(err, errno, watch->lab, "change its settings", "CAP_BPF");
	return 0;
}

/* Count the requests that wait, in the kernel's own table. */
static int count_waiting(struct watch *watch, struct watch_echo *echo, uint64_t timeout_ns,
			 struct err *err)
{
	const size_t n = VL_ECHOES, size = n * sizeof(struct vl_echo);
	const struct vl_echo *table =
		mmap(NULL, size, PROT_READ, MAP_SHARED, watch->maps[MAP_ECHOES], 0);
	uint64_t now_ns;

	if (table == MAP_FAILED)
		return watch_fail(err, errno, watch->lab, "map its map `echoes`", "CAP_BPF");
	now_ns = clock_monotonic_ns();
	for (size_t i = 0; i < n; i++) {
		const struct vl_echo *e = &table[i];
		uint8_t flags = e->flags;

		if (e->tag && e->kind == VL_ECHO_ON_LINK && flags & VL_ECHO_REQUESTED &&
		    !(flags & (VL_ECHO_ANSWERED | VL_ECHO_FAILED)) && e->end < watch->n_ends &&
		    (now_ns < e->ns || now_ns - e->ns < timeout_ns))
			echo[e->end].waiting++;
	}
	munmap((void *)table, size);
	return 0;
}

int watch_read_echo(struct watch *watch, struct watch_echo *echo, struct err *err)
{
	struct vl_echo_counters *counts;
	struct vl_settings settings;
	int ret = read_settings(watch, &settings, err);

	if (ret)
		return ret;
	counts = calloc(watch->n_ends ? watch->n_ends : 1, sizeof(*counts));
	if (!counts)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: out of memory", watch->lab);
	memset(echo, 0, watch->n_ends * sizeof(*echo));
	/* First those that wait: one that is answered meanwhile is not taken for unanswered. */
	ret = count_waiting(watch, echo, settings.echo_timeout_ns, err);
	if (!ret)
		ret = watch_sum_map(watch, MAP_ECHO_COUNT, true, sizeof(*counts), counts, err);
	for (uint32_t i = 0; i < watch->n_ends && !ret; i++) {
		const struct vl_echo_counters *c = &counts[i];
		uint64_t known = c->answered + c->late + c->failed + c->forgotten + echo[i].waiting;

		echo[i].count = *c;
		echo[i].unanswered = c->requests > known ? c->requests - known : 0;
	}
	free(counts);
	return ret;
}
