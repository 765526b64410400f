// SPDX-License-Identifier: GPL-2.0-only
/* end_gaps.c - see end_gaps.h. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/base/clock.h"
#include "user/lab/end_gaps.h"

static void gaps_path(const struct running *run, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, LAB_DIR "/%s/gaps", run->name);
}

int end_gaps_add(const struct running *run, uint32_t number, uint8_t hooks, struct err *err)
{
	char path[PATH_MAX];
	int error = 0;
	FILE *f;

	gaps_path(run, path);
	f = fopen(path, "ae");
	if (!f ||
	    fprintf(f, "%" PRIu32 " %u %" PRIu64 "\n", number, hooks, clock_monotonic_ns()) < 0 ||
	    fflush(f))
		error = errno;
	if (f)
		fclose(f);
	return error ? err_set(err, err_code_of(error), error, "cannot write %s: %s", path,
			       strerror(error))
		     : 0;
}

int end_gaps_read(struct end_gaps **out, const struct running *run, struct err *err)
{
	cleanup_free struct end_gaps *gaps = calloc(run->capacity + 1, sizeof(*gaps));
	uint64_t until_ns;
	uint32_t number;
	unsigned hooks;
	char path[PATH_MAX];
	FILE *f;

	if (!gaps)
		return err_set(err, ERR_SYSTEM, ENOMEM, "out of memory");
	gaps_path(run, path);
	f = fopen(path, "re");
	if (!f && errno != ENOENT)
		return err_set(err, err_code_of(errno), errno, "cannot read %s: %s", path,
			       strerror(errno));
	while (f && fscanf(f, "%" SCNu32 " %u %" SCNu64, &number, &hooks, &until_ns) == 3)
		for (int hook = 0; number < run->capacity && hook < VL_HOOKS; hook++)
			if (hooks & 1 << hook)
				gaps[number].until_ns[hook] = until_ns;
	if (f)
		fclose(f);
	*out = cleanup_take(gaps);
	return 0;
}
