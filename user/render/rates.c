// SPDX-License-Identifier: GPL-2.0-only
/* rates.c - rates of every direction, and what they were in the last minutes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "user/render/blind_text.h"
#include "user/render/drop_text.h"
#include "user/render/rates.h"
#include "user/output/output.h"

enum { PAST = 64, NAME_SIZE = 2 * END_NAME_SIZE + 8, LINE_SIZE = 512 };
/* LATELY: how many of the last readings tell how busy a direction is. */
enum { HEAD_LINES = 3, LATELY = 5 };
/* Columns beside the name (two blanks, pps, bit/s, lost), and the shortest sparkline. */
enum { NUMBER_COLUMNS = 2 + 10 + 2 + 12 + 2 + 6, SPARK_MIN = 8 };

struct rates {
	size_t n_entries, filled;
	double (*past)[PAST]; /* packets per second, the latest last */
};

struct rates *rates_new(size_t n_entries)
{
	struct rates *rates = calloc(1, sizeof(*rates));

	if (!rates)
		return NULL;
	rates->n_entries = n_entries;
	rates->past = calloc(n_entries + 1, sizeof(*rates->past));
	if (!rates->past) {
		free(rates);
		return NULL;
	}
	return rates;
}

void rates_free(struct rates *rates)
{
	if (!rates)
		return;
	free(rates->past);
	free(rates);
}

void rates_add(struct rates *rates, const struct ledger *recent)
{
	for (size_t i = 0; i < rates->n_entries && i < recent->n_entries; i++) {
		double *past = rates->past[i];

		memmove(past, past + 1, (PAST - 1) * sizeof(*past));
		past[PAST - 1] = ledger_rate(recent, i).packets;
	}
	if (rates->filled < PAST)
		rates->filled++;
}

void rates_sparkline(const double *values, size_t n, bool utf8, char *buf, size_t size)
{
	static const char *const blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
	static const char *const ascii[] = {" ", ".", ":", "-", "=", "+", "*", "%", "#"};
	double most = 0;
	size_t len = 0;

	for (size_t i = 0; i < n; i++)
		if (values[i] > most)
			most = values[i];
	buf[0] = '\0';
	for (size_t i = 0; i < n; i++) {
		/* Only 0 is blank; the least traffic has a height. */
		int height = values[i] <= 0 ? 0 : 1 + (int)(7 * values[i] / most);
		const char *block = utf8 ? blocks[height] : ascii[height];

		if (len + strlen(block) >= size)
			break;
		strcpy(buf + len, block);
		len += strlen(block);
	}
}

/* setlocale(3) would change how numbers are written as well. */
static bool locale_is_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return false;
}

static int name_width(const struct ledger *ledger, const struct ledger_filter *filter)
{
	int widest = 0;
	char name[NAME_SIZE];

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct end *from = ledger->entries[i].from;

		if (!ledger_shows(filter, from->link))
			continue;
		if ((int)output_columns(output_direction(from, name, sizeof(name))) > widest)
			widest = (int)output_columns(name);
	}
	return widest;
}

/* How a direction is laid out: the name before the numbers, or on lines of its own above them. */
struct layout {
	int names;	/* columns of what stands before the numbers */
	unsigned lines; /* of a direction */
	size_t sparks;
	int width;
};

static struct layout choose_layout(int widest, int width)
{
	enum { INDENT = 2 };
	struct layout layout = {.names = widest, .lines = 1, .width = width};
	int left = width - widest - NUMBER_COLUMNS - 2;

	if (width && left < SPARK_MIN) {
		layout.names = INDENT;
		layout.lines = widest > width ? 3 : 2;
		left = width - INDENT - NUMBER_COLUMNS - 2;
	}
	layout.sparks = left < SPARK_MIN ? 0 : left > PAST ? PAST : (size_t)left;
	return layout;
}

/* A name that is longer than a line is broken before its arrow; all take the same number of lines.
 */
static void print_name(const struct layout *layout, const char *name, FILE *f)
{
	const char *arrow = strstr(name, " -> ");

	if (layout->lines == 1)
		fprintf(f, "%s%*s", name, layout->names - (int)output_columns(name), "");
	else if (layout->lines == 3 && arrow)
		fprintf(f, "%.*s\n%s\n%*s", (int)(arrow - name), name, arrow + 1, layout->names,
			"");
	else
		fprintf(f, "%s\n%*s", name, layout->names, "");
}

static void print_entry(const struct rates *rates, const struct ledger *ledger, size_t i,
			const struct layout *layout, FILE *f)
{
	const struct ledger_entry *entry = &ledger->entries[i];
	struct ledger_rate rate = ledger_rate(ledger->recent, i);
	char name[NAME_SIZE], pps[OUTPUT_NUMBER_SIZE], bits[OUTPUT_NUMBER_SIZE],
		spark[4 * PAST + 1];
	char lost[OUTPUT_NUMBER_SIZE] = "-";
	size_t sparks = layout->sparks < rates->filled ? layout->sparks : rates->filled;

	output_direction(entry->from, name, sizeof(name));
	if (entry->has_sent && entry->has_received)
		snprintf(lost, sizeof(lost), "%" PRIu64, entry->lost);
	rates_sparkline(rates->past[i] + PAST - sparks, sparks, locale_is_utf8(), spark,
			sizeof(spark));
	print_name(layout, name, f);
	fprintf(f, "  %10s  %12s  %6s%s%s\n", output_rate(rate.packets, "pps", pps),
		output_rate(rate.bits, "bit/s", bits), lost, sparks ? "  " : "", spark);
}

/* A direction to show, and its recent packets: of several readings, for a steady order. */
struct busy {
	size_t entry;
	double packets;
};

static int by_packets(const void *a, const void *b)
{
	const struct busy *x = a, *y = b;

	if (x->packets != y->packets)
		return x->packets > y->packets ? -1 : 1;
	return x->entry < y->entry ? -1 : 1;
}

/* The directions that filter lets through, in the lab's order: the caller frees them. NULL: no
 * memory. */
static struct busy *list_shown(const struct rates *rates, const struct ledger *ledger,
			       const struct ledger_filter *filter, size_t *n)
{
	struct busy *list = calloc(ledger->n_entries + 1, sizeof(*list));

	*n = 0;
	for (size_t i = 0; list && i < ledger->n_entries; i++) {
		if (!ledger_shows(filter, ledger->entries[i].from->link))
			continue;
		list[*n] = (struct busy){.entry = i};
		for (size_t k = PAST - LATELY; i < rates->n_entries && k < PAST; k++)
			list[*n].packets += rates->past[i][k];
		++*n;
	}
	return list;
}

void rates_print(const struct rates *rates, const struct ledger *ledger,
		 const struct ledger_filter *filter, int width, unsigned room, FILE *f)
{
	struct layout layout = choose_layout(name_width(ledger, filter), width);
	unsigned missed = missed_print(&ledger->snapshot->losses, NULL, NULL);
	size_t blind = blind_count(ledger, filter);
	unsigned head = HEAD_LINES + missed + !!blind;
	time_t now = (time_t)(ledger->snapshot->time_ns / 1000000000);
	char clock[16], age[OUTPUT_NUMBER_SIZE];
	size_t n, shown;
	struct busy *list = list_shown(rates, ledger, filter, &n);
	struct tm tm;

	localtime_r(&now, &tm);
	strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	fprintf(f, "lab %s, %s; lost: of the last %s\n\n", ledger->name, clock,
		output_age(snapshot_span(ledger->snapshot), age));
	fprintf(f, "%*s  %10s  %12s  %6s\n", layout.names, "", "packets", "bits", "lost");
	shown = n;
	if (list && room &&
	    n * layout.lines + head > room) { /* the last line tells of the others */
		shown = room > head + layout.lines ? (room - head - 1) / layout.lines : 1;
		qsort(list, n, sizeof(*list), by_packets);
	}
	for (size_t i = 0; list && i < shown; i++)
		print_entry(rates, ledger, list[i].entry, &layout, f);
	if (shown < n)
		fprintf(f, "and %zu more with less traffic: --link or --node picks\n", n - shown);
	if (blind)
		fprintf(f, "%zu direction%s blind: `vethlab stats` tells why\n", blind,
			blind == 1 ? " is" : "s are");
	missed_print(&ledger->snapshot->losses, "", f);
	free(list);
}
