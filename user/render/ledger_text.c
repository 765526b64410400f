// SPDX-License-Identifier: GPL-2.0-only
/* ledger_text.c - the ledger as a person reads it. */
#include <inttypes.h>

#include "user/ledger/counter_fields.h"
#include "user/render/drop_text.h"
#include "user/output/output.h"
#include "user/render/ledger_report.h"

/* Columns that the numbers leave for names in a terminal of 80. */
enum { NAME_COLUMNS = 40, NAME_SIZE = 2 * END_NAME_SIZE + 8 };

struct page {
	struct table *table;
	bool colour;
};

static void cell_number(struct page *page, bool known, uint64_t number, bool alarming)
{
	if (!known)
		table_cell(page->table, "-");
	else if (alarming && number && page->colour)
		table_cell(page->table, "\033[31m%" PRIu64 "\033[0m", number);
	else
		table_cell(page->table, "%" PRIu64, number);
}

static void print_kind(struct page *page, const struct ledger_entry *entry, const char *words,
		       uint64_t sent, uint64_t received, const uint64_t *lost)
{
	if (!sent && !received)
		return;
	table_cell(page->table, "    %s", words);
	cell_number(page, entry->has_sent, sent, false);
	cell_number(page, entry->has_received, received, false);
	if (lost)
		cell_number(page, true, *lost, true);
	else
		table_cell(page->table, "%s", "");
	table_cell(page->table, "%s", "");
}

static void print_kinds(struct page *page, const struct ledger_entry *entry)
{
	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];
		uint64_t lost;
		bool known = ledger_lost_of(entry, field, &lost);

		if (field->role == COUNTER_TYPE)
			print_kind(page, entry, field->words, counter_get(&entry->sent, field),
				   counter_get(&entry->received, field), known ? &lost : NULL);
	}
	print_kind(page, entry, "other ip protocols", counters_other_ip(&entry->sent),
		   counters_other_ip(&entry->received), NULL);
}

static void print_notes(struct page *page, const struct ledger_entry *entry)
{
	char text[OUTPUT_NUMBER_SIZE];

	if (entry->sent.packets != entry->sent_segments)
		table_line(page->table,
			   "    (sent as %" PRIu64 " packets, most of several segments: %s each)",
			   (uint64_t)entry->sent.packets,
			   output_rate((double)entry->sent.bytes / (double)entry->sent.packets, "B",
				       text));
	if (entry->unseen)
		table_line(page->table,
			   "    (%" PRIu64
			   " came that `out` did not see: sent past it, or under way)",
			   entry->unseen);
	if (entry->passing)
		table_line(page->table,
			   "    (up to %" PRIu64 " were under way when this began, or was read)",
			   entry->passing);
}

static void print_drop(struct page *page, const char *where, const struct watch_drop *drop)
{
	const char *meaning = drop_explain(drop->reason, drop->place);
	char cause[2 * SYMBOL_NAME_SIZE + 8];

	table_line(page->table, "    %s: %" PRIu64 " by %s", where, (uint64_t)drop->count.segments,
		   losses_cause(drop, cause, sizeof(cause)));
	if (meaning)
		table_line(page->table, "      %s", meaning);
}

static void print_stage(struct page *page, const struct ledger_entry *entry,
			const struct losses *losses, enum watch_drop_stage stage, const char *where)
{
	for (size_t i = 0; i < losses->n; i++) {
		const struct watch_drop *drop = &losses->list[i];

		if (drop->stage == stage && losses_of(drop, entry->from) &&
		    !losses_is_ordinary(drop))
			print_drop(page, where, drop);
	}
}

/* The line of conservation: what was lost is dropped for a known reason, or unexplained. */
static void print_losses(struct page *page, const struct ledger_entry *entry,
			 const struct losses *losses)
{
	char where[NODE_NAME_MAX + 32];

	snprintf(where, sizeof(where), "dropped in %s, before `out`", entry->from->node->name);
	print_stage(page, entry, losses, WATCH_DROP_BEFORE_OUT, where);
	print_stage(page, entry, losses, WATCH_DROP_ON_LINK, "lost on the link");
	if (entry->lost)
		table_line(page->table, "    lost on the link: %" PRIu64 " unexplained%s",
			   entry->unexplained,
			   losses->known ? "" : " (this lab does not count drops)");
	snprintf(where, sizeof(where), "dropped in %s, after `in`", entry->from->peer->node->name);
	print_stage(page, entry, losses, WATCH_DROP_AFTER_IN, where);
}

static void print_entry(struct page *page, const struct ledger_entry *entry,
			const struct losses *losses)
{
	char name[NAME_SIZE], bytes[OUTPUT_NUMBER_SIZE];
	const struct vl_counters *of = entry->has_sent ? &entry->sent : &entry->received;
	bool both = entry->has_sent && entry->has_received;

	output_direction(entry->from, name, sizeof(name));
	if (output_columns(name) > NAME_COLUMNS) {
		table_line(page->table, "  %s", name);
		table_cell(page->table, "    all");
	} else {
		table_cell(page->table, "  %s", name);
	}
	cell_number(page, entry->has_sent, entry->sent_segments, false);
	cell_number(page, entry->has_received, entry->received_segments, false);
	cell_number(page, both, entry->lost, true);
	table_cell(page->table, "%s", output_rate((double)of->bytes, "B", bytes));
	print_kinds(page, entry);
	print_losses(page, entry, losses);
	print_notes(page, entry);
}

static void print_header(const struct ledger *ledger, FILE *f)
{
	char age[OUTPUT_NUMBER_SIZE];

	fprintf(f, "lab %s: packets of the last %s\n\n", ledger->name,
		output_age(snapshot_span(ledger->snapshot), age));
}

void ledger_print(const struct ledger *ledger, const struct ledger_filter *filter, FILE *f)
{
	static const struct table_column columns[] = {
		{"", TABLE_LEFT},      {"sent", TABLE_RIGHT},	{"received", TABLE_RIGHT},
		{"lost", TABLE_RIGHT}, {"volume", TABLE_RIGHT},
	};
	struct page page = {table_new(columns, sizeof(columns) / sizeof(*columns)),
			    output_colour(f)};
	const struct link *link = NULL;
	char name[NAME_SIZE];

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct ledger_entry *entry = &ledger->entries[i];

		if (!ledger_shows(filter, entry->from->link))
			continue;
		if (entry->from->link != link) {
			if (link)
				table_line(page.table, "%s", "");
			link = entry->from->link;
			table_line(page.table, "%s", output_link(link, name, sizeof(name)));
		}
		print_entry(&page, entry, &ledger->snapshot->losses);
	}
	print_header(ledger, f);
	if (link)
		table_print(page.table, f);
	else
		fputs("no links\n", f);
	if (ledger->snapshot->losses.missed)
		fprintf(f, "\n%" PRIu64 " more drops were of too many kinds to be told apart\n",
			ledger->snapshot->losses.missed);
	table_free(page.table);
}
