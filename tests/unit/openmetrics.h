/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * openmetrics.h - a strict reader of OpenMetrics 1.0 text, as far as vethlab writes it: gauges,
 * counters and histograms.
 */
#ifndef VETHLAB_TESTS_OPENMETRICS_H
#define VETHLAB_TESTS_OPENMETRICS_H

#include <stddef.h>

/* NULL: text is valid; else what is wrong in which line, in buf. n_samples: how many it has. */
const char *openmetrics_problem(const char *text, size_t *n_samples, char *buf, size_t size);

#endif
