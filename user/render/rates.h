/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rates.h - the ledger as it changes: the rates of each direction with their recent past, a frame
 * at a time.
 */
#ifndef VETHLAB_USER_RENDER_RATES_H
#define VETHLAB_USER_RENDER_RATES_H

#include "user/ledger/ledger.h"

struct rates; /* the last rates of every direction */

/* n_entries: directions of the ledger. NULL: no memory. */
struct rates *rates_new(size_t n_entries);
void rates_free(struct rates *rates); /* NULL is allowed */
/* Take the rates of recent: a ledger of what passed in the last interval. */
void rates_add(struct rates *rates, const struct ledger *recent);
/*
 * Print one frame: a line for each direction that filter shows, with packets and bits per second,
 * losses since the start, and the past rates as a sparkline where width columns leave room. If
 * there are more than room lines (0: any number fits), the directions with the least recent traffic
 * are left out. ledger->recent must be set.
 */
void rates_print(const struct rates *rates, const struct ledger *ledger,
		 const struct ledger_filter *filter, int width, unsigned room, FILE *f);

/*
 * Write n values into buf as blocks of eight heights, the largest one full; utf8 false: as ASCII
 * characters. What does not fit into size bytes is left out.
 */
void rates_sparkline(const double *values, size_t n, bool utf8, char *buf, size_t size);

#endif
