/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ledger_report.h - what the ledger looks like: text, OpenMetrics, CSV, written to f. As JSON it
 * can be read back: ledger_to_json() of ledger.h.
 */
#ifndef VETHLAB_USER_RENDER_LEDGER_REPORT_H
#define VETHLAB_USER_RENDER_LEDGER_REPORT_H

#include <stdio.h>

#include "user/ledger/ledger.h"

/*
 * The ledger as a person reads it: a line a direction, what was lost or dropped and why, and what
 * is of no interest in one line at the end. all: packets by type, and every drop. Lines fit f, as
 * output_wrap() does it.
 */
void ledger_print(const struct ledger *ledger, const struct ledger_filter *filter, bool all,
		  FILE *f);
/* Times and fates of echoes, likewise. The snapshot has a timing. */
void ledger_print_times(const struct ledger *ledger, const struct ledger_filter *filter, FILE *f);
/*
 * OpenMetrics 1.0, ended by "# EOF". Labels: lab, link, from, to, hook, type; `from` and `to` are
 * the direction, also at the receiver's hooks.
 */
void ledger_print_openmetrics(const struct ledger *ledger, const struct ledger_filter *filter,
			      FILE *f);
/* A line a direction (RFC 4180, but lines end by \n); what is not known is empty. */
void ledger_print_csv(const struct ledger *ledger, const struct ledger_filter *filter, bool header,
		      FILE *f);

#endif
