/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reading.h - the counters of a running lab, read and reduced by those of an earlier moment.
 * Functions return 0, or -errno with *err filled.
 */
#ifndef VETHLAB_USER_LEDGER_READING_H
#define VETHLAB_USER_LEDGER_READING_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "user/lab/lab.h"
#include "user/ledger/ledger.h"
#include "user/watch/watch.h"

struct reading {
	struct running *run;		   /* owned */
	struct watch *watch;		   /* owned; NULL while paused */
	uint64_t built_ns;		   /* which life of the lab: struct snapshot */
	bool with_times;		   /* read times and fates of echoes too */
	const struct ledger_filter *shown; /* borrowed: what a base must have; NULL: all */
	struct snapshot base;		   /* subtracted from what is read; n_ends 0: nothing is */
};

/* lab: NULL: the only one that runs. reading is the caller's to close, also after a failure. */
int reading_open(struct reading *reading, const char *lab, struct err *err);
void reading_close(struct reading *reading);
/* As in cleanup.h: cleanup_reading struct reading reading = {0}; */
#define cleanup_reading __attribute__((cleanup(reading_close)))

/*
 * From when on packets count: since the lab was built (all), the last reading_reset(), or the
 * making of the document in the file at since (NULL: none).
 */
int reading_set_base(struct reading *reading, bool all, const char *since, struct err *err);
/*
 * Count from now on: the moment is *time_ns in ns since the epoch, and *read_ns of CLOCK_MONOTONIC.
 * It is kept in a file; the counters are not written to, so that no packet of this moment is lost.
 */
int reading_reset(struct reading *reading, uint64_t *read_ns, uint64_t *time_ns, struct err *err);

/*
 * Read all counters, each direction as of a moment at which nothing was under way on it, if there
 * was one within some 20 ms. Both results are the caller's to free.
 */
int reading_take(const struct reading *reading, struct ledger *ledger, struct snapshot *snapshot,
		 struct err *err);
/*
 * Close the lab's maps and programs between two readings: `down` waits until nobody has them open.
 * reading_resume() fails with -ENOENT once the lab was taken down, even if it runs again.
 */
void reading_pause(struct reading *reading);
int reading_resume(struct reading *reading, struct err *err);

#endif
