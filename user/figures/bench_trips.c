// SPDX-License-Identifier: GPL-2.0-only
/* bench_trips.c - round trips: how long, by the sender and by the kernel, and where the time goes.
 */
#include <string.h>

#include "user/output/output.h"
#include "user/figures/bench_trips.h"

static bool is_trip(const struct series *series)
{
	return series->trips->n > 0;
}

/* The column is worth its width only then. */
static bool trips_lost(const struct bench_report *report)
{
	for (size_t i = 0; i < report->n; i++)
		if (is_trip(&report->list[i]) && report->list[i].sent > report->list[i].received)
			return true;
	return false;
}

/* Without a unit: "2.70 k". */
static const char *count_text(uint64_t n, char *buf)
{
	output_rate(n, "", buf);
	for (size_t len = strlen(buf); len && buf[len - 1] == ' '; len--)
		buf[len - 1] = '\0';
	return buf;
}

static void add_times(struct table *table, uint64_t n, const double times[BENCH_PERCENTILES])
{
	char buf[OUTPUT_NUMBER_SIZE];

	table_cell(table, "%s", count_text(n, buf));
	for (int p = 0; p < BENCH_PERCENTILES; p++)
		table_cell(table, "%s",
			   histogram_can_tell(n, bench_percentiles[p])
				   ? output_duration(times[p], buf)
				   : "");
}

static void add_rows(struct table *table, const struct series *series, bool lost)
{
	double times[BENCH_PERCENTILES];
	char buf[OUTPUT_NUMBER_SIZE];

	bench_trip_times(series, times);
	table_cell(table, "%s", bench_what_word(series->work.what));
	add_times(table, series->trips->n, times);
	table_cell(table, "%s", bench_spread_text(series, buf));
	if (lost)
		table_cell(table, "%s", bench_lost_text(series, buf));
	if (!series->kernel_trips->count)
		return;
	bench_kernel_times(series, times);
	table_cell(table, "%s", "  kernel");
	add_times(table, series->kernel_trips->count, times);
	for (int i = 0; i < 1 + lost; i++)
		table_cell(table, "%s", "");
}

static void print_times(const struct bench_report *report, FILE *f)
{
	static const struct table_column columns[] = {
		{"round trips", TABLE_LEFT}, {"count", TABLE_RIGHT},  {"p50", TABLE_RIGHT},
		{"p90", TABLE_RIGHT},	     {"p99", TABLE_RIGHT},    {"p99.9", TABLE_RIGHT},
		{"max", TABLE_RIGHT},	     {"spread", TABLE_RIGHT}, {"lost", TABLE_RIGHT}};
	bool lost = trips_lost(report), many = bench_many_hooks(report);
	struct table *table = table_new(columns, lost ? 9 : 8);
	const struct series *last = NULL;

	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];

		if (!is_trip(series))
			continue;
		if (many && (!last || last->hooks != series->hooks))
			table_line(table, "%s", bench_hooks_word(series->hooks));
		last = series;
		add_rows(table, series, lost);
	}
	if (last) {
		fputc('\n', f);
		table_print(table, f);
	}
	table_free(table);
}

static void print_steps(const struct bench_report *report, FILE *f)
{
	static const struct table_column columns[] = {
		{"an echo's time", TABLE_LEFT},	 {"link there", TABLE_RIGHT},
		{"other node", TABLE_RIGHT},	 {"link back", TABLE_RIGHT},
		{"sender's stack", TABLE_RIGHT}, {"echoes", TABLE_RIGHT}};
	struct table *table = table_new(columns, 6);
	bool many = bench_many_hooks(report);
	char buf[OUTPUT_NUMBER_SIZE];
	size_t rows = 0;

	for (size_t i = 0; i < report->n; i++) {
		const struct series *series = &report->list[i];
		const struct echo_steps *steps = &series->steps;

		if (!steps->echoes)
			continue;
		rows++;
		table_cell(table, "%s%s%s", bench_what_word(series->work.what), many ? " " : "",
			   many ? bench_hooks_word(series->hooks) : "");
		table_cell(table, "%s", output_duration(steps->there, buf));
		table_cell(table, "%s", output_duration(steps->residence, buf));
		table_cell(table, "%s", output_duration(steps->back, buf));
		table_cell(table, "%s", output_duration(steps->stack, buf));
		table_cell(table, "%zu", steps->echoes);
	}
	if (rows) {
		fputc('\n', f);
		table_print(table, f);
	}
	table_free(table);
}

void bench_print_trips(const struct bench_report *report, FILE *f)
{
	const struct bench_options *options = report->options;
	bool wants = !options->topics || options->topics & TOPIC_RTT;

	print_times(report, f);
	print_steps(report, f);
	if (options->argc && wants && !report->link.watched) {
		fputc('\n', f);
		output_wrap("kernel: ",
			    "nothing watches both ends of this link: there is no histogram of the "
			    "kernel's, no word on where an echo's time goes, and none on programs",
			    f);
	}
}
