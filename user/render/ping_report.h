/* SPDX-License-Identifier: GPL-2.0-only */
/* ping_report.h - what `vethlab ping` prints, as text or JSON. */
#ifndef VETHLAB_USER_RENDER_PING_REPORT_H
#define VETHLAB_USER_RENDER_PING_REPORT_H

#include "user/trace/ping_tally.h"

void ping_print_start(const struct ping *ping);
/* An echo that is settled; itinerary: NULL if no record of it came. */
void ping_print_echo(struct ping *ping, uint16_t seq, const struct echo_state *state,
		     const struct itinerary *itinerary);
void ping_print_summary(struct ping *ping);

#endif
