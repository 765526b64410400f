/* SPDX-License-Identifier: GPL-2.0-only */
/* ping_report.h - what `vethlab ping` prints to stdout: JSON if ping->trip.json is set, else text.
 */
#ifndef VETHLAB_USER_RENDER_PING_REPORT_H
#define VETHLAB_USER_RENDER_PING_REPORT_H

#include "user/trace/ping_tally.h"

/* Print what is pinged from where, before the first echo. JSON: nothing. */
void ping_print_start(const struct ping *ping);
/*
 * Print one echo whose result is known; itinerary: NULL if no record of it came. With quiet:
 * nothing.
 */
void ping_print_echo(struct ping *ping, uint16_t seq, const struct echo_state *state,
		     const struct itinerary *itinerary);
/* Print the counts, round-trip times and losses. Sorts the times of ping->tally. */
void ping_print_summary(struct ping *ping);

#endif
