// SPDX-License-Identifier: GPL-2.0-only
/* bench_matrix.c - the table of `vethlab bench --matrix`: hooks by sizes, for each way to set a
 * link. */
#include <stdio.h>
#include <string.h>

#include "user/output/output.h"
#include "user/figures/bench_matrix.h"

enum { COLUMNS = 3 /* of figures, side by side: what 80 characters hold */, CELL_SIZE = 128 };

/* What a column is of. */
struct column {
	enum bench_what what;
	unsigned size;
};

static size_t find_columns(const struct bench_report *report, struct column *columns, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct bench_work *work = &report->list[i].work;
		size_t k = 0;

		while (k < n && (columns[k].what != work->what || columns[k].size != work->size))
			k++;
		if (k == n && n < max)
			columns[n++] = (struct column){work->what, work->size};
	}
	return n;
}

static const struct series *find(const struct bench_report *report, const struct column *column,
				 unsigned set, enum bench_hooks hooks)
{
	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		if (series->work.what == column->what && series->work.size == column->size &&
		    series->set == set && series->hooks == hooks)
			return series;
	}
	return NULL;
}

static const char *set_title(unsigned set)
{
	switch (set) {
	case 0:
		return "TSO on, GRO off (no NAPI): as the kernel makes a veth link";
	case BENCH_SET_GRO:
		return "TSO on, GRO on (NAPI)";
	case BENCH_SET_GRO | BENCH_SET_THREADED:
		return "TSO on, GRO on, NAPI in threads";
	case BENCH_SET_NO_TSO:
		return "TSO off, GRO off (no NAPI)";
	case BENCH_SET_NO_TSO | BENCH_SET_GRO:
		return "TSO off, GRO on (NAPI)";
	default:
		return "TSO off, GRO on, NAPI in threads";
	}
}

/* A ratio in at most four characters: what is past that is noise. */
static const char *ratio_text(double ratio, char buf[OUTPUT_NUMBER_SIZE])
{
	snprintf(buf, OUTPUT_NUMBER_SIZE,
		 ratio < 9.995	 ? "%.2f"
		 : ratio < 99.95 ? "%.1f"
				 : "%.0f",
		 ratio < 9999 ? ratio : 9999);
	return buf;
}

/*
 * "279 k 0.94 0.92-0.95", its parts below those of the other rows; "0.98?0.91-1.06" of what is too
 * noisy, or too little, to tell. What is compared with nothing has the interval of its own median.
 */
static void cell_text(const struct series *series, char cell[CELL_SIZE])
{
	char value[OUTPUT_NUMBER_SIZE], ratio[OUTPUT_NUMBER_SIZE], low[OUTPUT_NUMBER_SIZE],
		high[OUTPUT_NUMBER_SIZE], interval[2 * OUTPUT_NUMBER_SIZE];
	const struct statistics *own = &series->stats, *beside = &series->ratio;
	enum statistics_verdict verdict = statistics_verdict(beside);
	bool unsure = beside->n ? verdict == STATS_TOO_NOISY || verdict == STATS_TOO_FEW
				: statistics_noisy(own) || own->confidence < STATS_CONFIDENCE;

	output_rate(own->median, "", value);
	if (beside->n)
		ratio_text(beside->median, ratio);
	else
		strcpy(ratio, "1");
	ratio_text(beside->n ? beside->low : own->low / own->median, low);
	ratio_text(beside->n ? beside->high : own->high / own->median, high);
	snprintf(interval, sizeof(interval), "%s-%s", low, high);
	snprintf(cell, CELL_SIZE, "%s %4s%c%9s", value, ratio, unsure ? '?' : ' ', interval);
}

/* One way to set the link; false: nothing was measured of it. */
static bool add_set(const struct bench_report *report, struct table *table,
		    const struct column *columns, size_t n, unsigned set)
{
	const struct bench_options *options = report->options;
	bool any = false;

	for (size_t i = 0; i < options->n_hooks; i++) {
		const struct series *found[COLUMNS];
		char cell[CELL_SIZE];
		bool row = false;

		for (size_t k = 0; k < n; k++) {
			found[k] = find(report, &columns[k], set, options->hooks[i]);
			row = row || found[k];
		}
		if (!row)
			continue;
		if (!any)
			table_line(table, "%s", set_title(set));
		any = true;
		table_cell(table, "%s", bench_hooks_word(options->hooks[i]));
		for (size_t k = 0; k < n; k++) {
			cell[0] = '\0';
			if (found[k])
				cell_text(found[k], cell);
			table_cell(table, "%s", cell);
		}
	}
	return any;
}

static void print_part(const struct bench_report *report, const struct column *columns, size_t n,
		       FILE *f)
{
	static const unsigned sets[BENCH_SETS] = {0, 1, 3, 4, 5, 7, 2, 6};
	char titles[COLUMNS][32];
	struct table_column heads[COLUMNS + 1] = {{"hooks", TABLE_LEFT}};
	struct table *table;

	for (size_t k = 0; k < n; k++) {
		if (columns[k].what == BENCH_TCP)
			strcpy(titles[k], "TCP, bit/s");
		else
			snprintf(titles[k], sizeof(titles[k]), "%u bytes, pps", columns[k].size);
		heads[k + 1] = (struct table_column){titles[k], TABLE_RIGHT};
	}
	table = table_new(heads, n + 1);
	for (size_t i = 0; i < BENCH_SETS; i++)
		add_set(report, table, columns, n, sets[i]);
	fputc('\n', f);
	table_print(table, f);
	table_free(table);
}

void bench_print_matrix(const struct bench_report *report, FILE *f)
{
	struct column columns[BENCH_SIZES_MAX + 1];
	char line[400], confidence[OUTPUT_NUMBER_SIZE];
	size_t n = find_columns(report, columns, BENCH_SIZES_MAX + 1);

	for (size_t i = 0; i < n; i += COLUMNS)
		print_part(report, &columns[i], n - i < COLUMNS ? n - i : COLUMNS, f);
	fputc('\n', f);
	if (n)
		snprintf(line, sizeof(line),
			 "the median; its ratio to the unobserved link that is set alike (of "
			 "`none`: to the "
			 "first `none`), from pairs of runs; the %s interval of that (of the first "
			 "`none`: of "
			 "its own median)",
			 bench_confidence_text(&report->list[0].stats, confidence));
	output_wrap("each:   ", n ? line : "", f);
	if (n && report->list[0].stats.confidence < STATS_CONFIDENCE)
		output_wrap("?:      ", BENCH_TOO_FEW, f);
	else
		output_wrap("?:      ",
			    "the interval holds 1 and is wider than 5 %: the machine was too noisy "
			    "to tell",
			    f);
	output_wrap("blank:  ", "UDP is sent without TSO: switching that off is TCP's matter", f);
	output_wrap("bytes:  ",
		    "one thread sends UDP into a socket that counts and drops; TCP: one "
		    "stream. TSO sends up to 64 KiB at once",
		    f);
}
