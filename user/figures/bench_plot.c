// SPDX-License-Identifier: GPL-2.0-only
/* bench_plot.c - what `vethlab bench` found as bars, for a terminal. */
#include <stdio.h>
#include <string.h>

#include "user/output/output.h"
#include "user/figures/bench_report.h"

enum { LABEL_SIZE = 64, BAR_MAX = 200, BAR_MIN = 10 };

static bool same_kind(const struct series *a, const struct series *b)
{
	return a->work.what == b->work.what && a->work.size == b->work.size;
}

/* "xdp-native gro,threaded" */
static void label_of(const struct series *series, char label[LABEL_SIZE])
{
	char set[BENCH_SET_SIZE];

	bench_set_words(series->set, set);
	snprintf(label, LABEL_SIZE, "%s%s%s", bench_hooks_word(series->hooks), set[0] ? " " : "",
		 set);
}

/* '=' up to where the interval of the median begins, '-' to its end, '|' the median. */
static const char *bar_of(const struct statistics *stats, double most, int width,
			  char bar[BAR_MAX + 1])
{
	int low = most > 0 ? stats->low / most * width : 0;
	int high = most > 0 ? stats->high / most * width : 0;
	int median = most > 0 ? stats->median / most * width : 0;

	high = high < width ? high : width - 1;
	median = median < width ? median : width - 1;
	memset(bar, '=', low < width ? low : width);
	if (high >= low)
		memset(bar + low, '-', high - low + 1);
	bar[median] = '|';
	bar[high + 1] = '\0';
	return bar;
}

static void print_kind(const struct bench_report *report, size_t first, int labels, FILE *f)
{
	const struct series *kind = &report->list[first];
	int width = output_width(f) - labels - 2 - 2 - 11;
	char label[LABEL_SIZE], bar[BAR_MAX + 1], value[OUTPUT_NUMBER_SIZE];
	double most = 0;

	width = width < BAR_MIN ? BAR_MIN : width > BAR_MAX ? BAR_MAX : width;
	for (size_t i = first; i < report->n; i++)
		if (same_kind(&report->list[i], kind) && report->list[i].stats.high > most)
			most = report->list[i].stats.high;
	fprintf(f, "\n%s", bench_what_word(kind->work.what));
	if (kind->work.size)
		fprintf(f, ", frames of %u bytes", kind->work.size);
	fputc('\n', f);
	for (size_t i = first; i < report->n; i++) {
		const struct series *series = &report->list[i];

		if (!same_kind(series, kind))
			continue;
		label_of(series, label);
		bench_value_text(series->work.what, series->stats.median, value);
		fprintf(f, "%-*s  %11s  %s\n", labels, label, value,
			bar_of(&series->stats, most, width, bar));
	}
}

void bench_print_plot(const struct bench_report *report, FILE *f)
{
	char label[LABEL_SIZE];
	int labels = 0;

	for (size_t i = 0; i < report->n; i++) {
		label_of(&report->list[i], label);
		labels = (int)strlen(label) > labels ? (int)strlen(label) : labels;
	}
	fputs("\nMedians (|) and their intervals (-):\n", f);
	for (size_t i = 0; i < report->n; i++) {
		size_t k = 0;

		while (!same_kind(&report->list[k], &report->list[i]))
			k++;
		if (k == i)
			print_kind(report, i, labels, f);
	}
}
