/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port_report.h - what `vethlab ping --tcp` and `--udp` print to stdout: JSON if ping->trip.json is
 * set, else text.
 */
#ifndef VETHLAB_USER_RENDER_PORT_REPORT_H
#define VETHLAB_USER_RENDER_PORT_REPORT_H

#include "user/trace/port_ping.h"

/* What is tried, before the first attempt. JSON: nothing. */
void port_print_start(const struct port_ping *ping);
/* ping->trial. With quiet: nothing. False: nobody reads it any more. */
bool port_print_trial(const struct port_ping *ping);
/* The sums. Sorts the times of the tally. */
void port_print_summary(struct port_ping *ping);

#endif
