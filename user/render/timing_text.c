// SPDX-License-Identifier: GPL-2.0-only
/* timing_text.c - times and fates of echoes as a person reads them. */
#include <inttypes.h>
#include <string.h>

#include "user/output/output.h"
#include "user/ledger/timing.h"
#include "user/render/ledger_report.h"

enum { NAME_SIZE = 2 * END_NAME_SIZE + 8, LINE_COLUMNS = 79 };

static void cell_duration(struct table *table, bool known, uint64_t ns)
{
	char text[OUTPUT_NUMBER_SIZE];

	table_cell(table, "%s", known ? output_duration(ns, text) : "-");
}

/* A name in a line of its own, and its numbers below: eight columns leave no room beside it. */
static void print_times(struct table *table, const char *name, const struct vl_times *times)
{
	static const double parts[] = {0.5, 0.9, 0.99, 0.999};
	bool any = times->count;

	if (!times->count && !times->negative)
		return;
	table_line(table, "  %s", name);
	table_cell(table, "%" PRIu64, (uint64_t)times->count);
	cell_duration(table, any, watch_times_min(times));
	cell_duration(table, any, watch_times_mean(times));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		cell_duration(table, any, watch_times_percentile(times, parts[i]));
	cell_duration(table, any, times->max_ns);
	if (times->negative)
		table_line(table,
			   "    (%" PRIu64
			   " not counted: the clock of the later hook's CPU was behind)",
			   (uint64_t)times->negative);
}

static bool any_times(const struct ledger *ledger, const struct ledger_filter *filter,
		      enum watch_time kind)
{
	const struct timing *timing = ledger->snapshot->timing;

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct end *end = ledger->entries[i].from;
		const struct vl_times *times = &timing->times[kind][end->number];

		if (ledger_shows(filter, end->link) && (times->count || times->negative))
			return true;
	}
	return false;
}

/* Of each direction (transit), or of each end that requests left (echo_rtt). */
static void print_kind(struct table *table, const struct ledger *ledger,
		       const struct ledger_filter *filter, enum watch_time kind, const char *title)
{
	const struct timing *timing = ledger->snapshot->timing;
	char name[NAME_SIZE];

	if (!any_times(ledger, filter, kind))
		return;
	table_line(table, "%s", title);
	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct end *end = ledger->entries[i].from;

		if (ledger_shows(filter, end->link))
			print_times(table, output_direction(end, name, sizeof(name)),
				    &timing->times[kind][end->number]);
	}
}

/* What came in at any end of a node and went on. */
static void print_residence(struct table *table, const struct ledger *ledger,
			    const struct ledger_filter *filter)
{
	const struct timing *timing = ledger->snapshot->timing;

	if (!any_times(ledger, filter, WATCH_RESIDENCE))
		return;
	table_line(table, "residence: from coming into a node to leaving it by another end");
	for (size_t i = 0; i < ledger->lab->n_nodes; i++) {
		const struct node *node = ledger->lab->nodes[i];
		struct vl_times sum = {0};

		for (size_t j = 0; j < node->n_ends; j++)
			if (ledger_shows(filter, node->ends[j]->link))
				watch_times_add(
					&sum,
					&timing->times[WATCH_RESIDENCE][node->ends[j]->number]);
		print_times(table, node->name, &sum);
	}
}

/* "100 requests: 98 answered, 2 unanswered", without what did not happen. */
static void print_echo(const struct end *end, const struct watch_echo *echo, FILE *f)
{
	const char *separator = "";
	char text[NAME_SIZE];
	size_t column = 4;

	fprintf(f, "  %s\n    ", output_direction(end, text, sizeof(text)));
	for (size_t i = 0; i < n_echo_fields; i++) {
		uint64_t value = echo_get(echo, &echo_fields[i]);

		if (!value)
			continue;
		snprintf(text, sizeof(text), "%" PRIu64 " %s", value, echo_fields[i].words);
		column += strlen(separator) + strlen(text);
		if (column >= LINE_COLUMNS) {
			fprintf(f, "%.1s\n      %s", separator, text);
			column = 6 + strlen(text);
		} else {
			fprintf(f, "%s%s", separator, text);
		}
		separator = i ? ", " : ": ";
	}
	fputc('\n', f);
}

static bool has_echoes(const struct watch_echo *echo)
{
	for (size_t i = 0; i < n_echo_fields; i++)
		if (echo_get(echo, &echo_fields[i]))
			return true;
	return false;
}

static void print_echoes(const struct ledger *ledger, const struct ledger_filter *filter, FILE *f)
{
	const struct timing *timing = ledger->snapshot->timing;
	bool any = false;

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct end *end = ledger->entries[i].from;
		const struct watch_echo *echo = &timing->echo[end->number];

		if (!ledger_shows(filter, end->link) || !has_echoes(echo))
			continue;
		if (!any)
			fputs("\nechoes\n", f);
		any = true;
		print_echo(end, echo, f);
	}
	if (!any)
		fputs("no echoes\n", f);
}

void ledger_print_times(const struct ledger *ledger, const struct ledger_filter *filter, FILE *f)
{
	static const struct table_column columns[] = {
		{"    count", TABLE_RIGHT}, {"min", TABLE_RIGHT}, {"mean", TABLE_RIGHT},
		{"p50", TABLE_RIGHT},	    {"p90", TABLE_RIGHT}, {"p99", TABLE_RIGHT},
		{"p99.9", TABLE_RIGHT},	    {"max", TABLE_RIGHT},
	};
	struct table *table = table_new(columns, sizeof(columns) / sizeof(*columns));
	char age[OUTPUT_NUMBER_SIZE];
	bool any = false;

	fprintf(f, "lab %s: echoes of the last %s\n\n", ledger->name,
		output_age(snapshot_span(ledger->snapshot), age));
	for (int kind = 0; kind < WATCH_TIMES; kind++)
		any = any || any_times(ledger, filter, kind);
	print_kind(table, ledger, filter, WATCH_TRANSIT,
		   "transit: from `out` to the first hook of the other end");
	print_residence(table, ledger, filter);
	print_kind(table, ledger, filter, WATCH_ECHO_RTT,
		   "round trip: from a request at `out` to its reply at the same end");
	if (any)
		table_print(table, f);
	print_echoes(ledger, filter, f);
	table_free(table);
}
