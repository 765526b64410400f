// SPDX-License-Identifier: GPL-2.0-only
/* kernel_histogram.c - what came into the kernel's own histogram of round trips while something was
 * measured.
 */
#include <errno.h>
#include <stdlib.h>

#include "user/bench/internal.h"
#include "user/watch/echo_times.h"

struct kernel_histogram {
	struct watch *watch;
	uint32_t end;
	struct vl_times *all; /* of all ends: room to read into */
	struct vl_times before;
};

static bool read_end(struct kernel_histogram *histogram, struct vl_times *times)
{
	if (watch_read_times(histogram->watch, WATCH_ECHO_RTT, histogram->all, NULL))
		return false;
	*times = histogram->all[histogram->end];
	return true;
}

int kernel_histogram_open(struct kernel_histogram **out, const struct bench_link *link,
			  struct err *err)
{
	struct kernel_histogram *histogram;
	int ret;

	if (!link->watched)
		return 0;
	histogram = calloc(1, sizeof(*histogram));
	if (!histogram)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	histogram->end = link->from.number;
	ret = running_open_watch(&histogram->watch, link->run, err);
	if (!ret) {
		histogram->all =
			calloc(watch_n_ends(histogram->watch) + 1, sizeof(*histogram->all));
		if (!histogram->all || histogram->end >= watch_n_ends(histogram->watch))
			ret = err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	}
	/* Without times, as a lab may be built: there is nothing to read. */
	if (ret || !read_end(histogram, &histogram->before)) {
		kernel_histogram_close(histogram);
		return ret;
	}
	*out = histogram;
	return 0;
}

void kernel_histogram_close(struct kernel_histogram *histogram)
{
	if (!histogram)
		return;
	watch_close(histogram->watch);
	free(histogram->all);
	free(histogram);
}

void kernel_histogram_begin(struct kernel_histogram *histogram)
{
	if (histogram)
		read_end(histogram, &histogram->before);
}

void kernel_histogram_add(struct kernel_histogram *histogram, struct vl_times *sum)
{
	struct vl_times now, part = {0};
	uint32_t last = 0;

	if (!histogram || !sum || !read_end(histogram, &now))
		return;
	for (uint32_t bin = 0; bin < VL_TIME_BINS; bin++) {
		part.bins[bin] = now.bins[bin] - histogram->before.bins[bin];
		part.count += part.bins[bin];
		last = part.bins[bin] ? bin : last;
	}
	/* The extremes of this part are known to a bin, unless the part is all there is. */
	part.max_ns = now.max_ns;
	if (histogram->before.count && last + 1 < VL_TIME_BINS &&
	    now.max_ns >= vl_time_start(last + 1))
		part.max_ns = vl_time_start(last + 1) - 1;
	if (part.count)
		watch_times_add(sum, &part);
}
