// SPDX-License-Identifier: GPL-2.0-only
/* kernel_histogram.c - what came into the kernel's own histogram of round trips while something was
 * measured.
 */
#include <errno.h>
#include <stdlib.h>

#include "user/bench/internal.h"
#include "user/watch/echo_times.h"

struct bench_kept {
	struct watch *watch;
	uint32_t end;
	struct vl_times *all; /* of all ends: room to read into */
	struct vl_times before;
};

static bool read_end(struct bench_kept *kept, struct vl_times *times)
{
	if (watch_read_times(kept->watch, WATCH_ECHO_RTT, kept->all, NULL))
		return false;
	*times = kept->all[kept->end];
	return true;
}

int bench_kept_open(struct bench_kept **out, const struct bench_link *link, struct err *err)
{
	struct bench_kept *kept;
	int ret;

	if (!link->watched)
		return 0;
	kept = calloc(1, sizeof(*kept));
	if (!kept)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	kept->end = link->from.number;
	ret = watch_open(&kept->watch, link->run->name, err);
	if (!ret) {
		kept->all = calloc(watch_n_ends(kept->watch) + 1, sizeof(*kept->all));
		if (!kept->all || kept->end >= watch_n_ends(kept->watch))
			ret = err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	/* Without times, as a lab may be built: there is nothing to read. */
	if (ret || !read_end(kept, &kept->before)) {
		bench_kept_close(kept);
		return ret;
	}
	*out = kept;
	return 0;
}

void bench_kept_close(struct bench_kept *kept)
{
	if (!kept)
		return;
	watch_close(kept->watch);
	free(kept->all);
	free(kept);
}

void bench_kept_begin(struct bench_kept *kept)
{
	if (kept)
		read_end(kept, &kept->before);
}

void bench_kept_add(struct bench_kept *kept, struct vl_times *sum)
{
	struct vl_times now, part = {0};
	uint32_t last = 0;

	if (!kept || !sum || !read_end(kept, &now))
		return;
	for (uint32_t bin = 0; bin < VL_TIME_BINS; bin++) {
		part.bins[bin] = now.bins[bin] - kept->before.bins[bin];
		part.count += part.bins[bin];
		last = part.bins[bin] ? bin : last;
	}
	/* The extremes of this part are known to a bin, unless the part is all there is. */
	part.max_ns = now.max_ns;
	if (kept->before.count && last + 1 < VL_TIME_BINS && now.max_ns >= vl_time_start(last + 1))
		part.max_ns = vl_time_start(last + 1) - 1;
	if (part.count)
		watch_times_add(sum, &part);
}
