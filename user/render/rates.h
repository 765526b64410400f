/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rates.h - the ledger as it changes: rates with their recent past, redrawn in place. Nothing about
 * the terminal is changed but where the cursor stands, so nothing needs to be restored.
 */
#ifndef VETHLAB_USER_RENDER_RATES_H
#define VETHLAB_USER_RENDER_RATES_H

#include "user/ledger/ledger.h"

struct rates; /* the last rates of every direction */

struct rates *rates_new(size_t n_entries);
void rates_free(struct rates *rates); /* NULL is allowed */
/* Take the rates of recent: a ledger of what passed in the last interval. */
void rates_add(struct rates *rates, const struct ledger *recent);
/*
 * One frame: a line a direction with packets and bits per second, losses since the start, and the
 * past rates as a sparkline where width leaves room. Of more than room lines (0: any number fit)
 * those are left out on which least has passed lately. ledger->recent must be set.
 */
void rates_print(const struct rates *rates, const struct ledger *ledger,
		 const struct ledger_filter *filter, int width, unsigned room, FILE *f);

/* Values as blocks of eight heights (in ASCII where the locale is not UTF-8), the largest full. */
void rates_sparkline(const double *values, size_t n, bool utf8, char *buf, size_t size);

#endif
