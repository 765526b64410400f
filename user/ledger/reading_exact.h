/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * reading_exact.h - makes the counters of both ends of a direction those of one moment, although
 * they are read one after the other while packets cross the link. For reading.c.
 */
#ifndef VETHLAB_USER_LEDGER_READING_EXACT_H
#define VETHLAB_USER_LEDGER_READING_EXACT_H

#include "user/ledger/reading.h"

/*
 * snapshot: the counters of hooks and the losses that were read first; then: the hooks, read after
 * them. A direction that has moved between the two gets the values of a moment at which nothing was
 * under way on it, where there is one within some 20 ms. 0 or -errno.
 */
int reading_make_exact(const struct reading *reading, struct snapshot *snapshot,
		       const struct snapshot *then, struct err *err);

#endif
