/* SPDX-License-Identifier: GPL-2.0-only */
/* duration.h - durations as people type them. */
#ifndef VETHLAB_USER_BASE_DURATION_H
#define VETHLAB_USER_BASE_DURATION_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Parse "10s", "50us", "1.5 ms", "2min" into nanoseconds; a number without a unit is in seconds.
 * Returns false, with *ns unchanged, if text is no duration or above 10^18 ns.
 */
bool duration_parse(const char *text, uint64_t *ns);

#endif
