// SPDX-License-Identifier: GPL-2.0-only
/* ledger_text.c - the ledger as a person reads it. */
#include <inttypes.h>

#include "user/base/hook_word.h"
#include "user/ledger/counter_fields.h"
#include "user/render/blind_text.h"
#include "user/render/drop_text.h"
#include "user/output/output.h"
#include "user/render/ledger_report.h"

/* Columns that the numbers leave for names in a terminal of 80. */
enum { NAME_COLUMNS = 42, NAME_SIZE = 2 * END_NAME_SIZE + 8 };

struct page {
	const struct ledger *ledger;
	struct table *table;
	bool colour, all;
	const struct losses *losses;
	/* What a short page leaves out, of its directions. */
	uint64_t packets, housekeeping, harmless;
};

static void cell_number(struct page *page, bool known, uint64_t number, bool alarming)
{
	if (!known)
		table_cell(page->table, "-");
	else if (alarming && number && page->colour)
		table_red_cell(page->table, "%" PRIu64, number);
	else
		table_cell(page->table, "%" PRIu64, number);
}

/* ---- packets by type ------------------------------------------------------------------------- */

static void print_kind(struct page *page, const struct ledger_entry *entry, const char *indent,
		       const char *words, uint64_t sent, uint64_t received, const uint64_t *lost)
{
	if (!sent && !received)
		return;
	table_cell(page->table, "%s%s", indent, words);
	cell_number(page, entry->has_sent, sent, false);
	cell_number(page, entry->has_received, received, false);
	if (lost)
		cell_number(page, true, *lost, true);
	else
		table_cell(page->table, "%s", "");
	table_cell(page->table, "%s", "");
}

/* The rows of types add up to the row above them: a super-packet is one packet of its type. */
static void print_kinds(struct page *page, const struct ledger_entry *entry)
{
	if (entry->sent.packets != entry->sent_segments ||
	    entry->received.packets != entry->received_segments)
		print_kind(page, entry, "  ", "packets at the hooks", entry->sent.packets,
			   entry->received.packets, NULL);
	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];
		bool part = field->role == COUNTER_PART;
		uint64_t lost;
		bool known = ledger_lost_of(entry, field, &lost);

		if (field->role == COUNTER_TYPE || part)
			print_kind(page, entry, part ? "    " : "  ", field->words,
				   counter_get(&entry->sent, field),
				   counter_get(&entry->received, field), known ? &lost : NULL);
	}
	print_kind(page, entry, "  ", "other ip protocols", counters_other_ip(&entry->sent),
		   counters_other_ip(&entry->received), NULL);
}

/* ---- what was lost, and why ------------------------------------------------------------------ */

static void print_drop(struct page *page, const char *where, const struct watch_drop *drop)
{
	const char *meaning = losses_meaning(drop);
	char cause[2 * SYMBOL_NAME_SIZE + 8];

	table_sentence(page->table, "  ", "%s: %" PRIu64 " by %s%s", where,
		       (uint64_t)drop->count.segments, losses_cause(drop, cause, sizeof(cause)),
		       losses_is_ordinary(drop) ? " (harmless)" : "");
	if (meaning)
		table_sentence(page->table, "    ", "%s", meaning);
}

static void print_stage(struct page *page, const struct ledger_entry *entry,
			enum watch_drop_stage stage, const char *where)
{
	const struct watch_drop *drop;
	size_t place = 0;

	while ((drop = losses_next(page->losses, entry->from, &place))) {
		if (drop->stage != stage)
			continue;
		if (page->all || !losses_is_ordinary(drop))
			print_drop(page, where, drop);
		else
			page->harmless += drop->count.segments;
	}
}

/* The line of conservation: what was lost is dropped for a known reason, or unexplained. */
static void print_losses(struct page *page, const struct ledger_entry *entry)
{
	char where[NODE_NAME_MAX + 32];

	snprintf(where, sizeof(where), "dropped in %s, before `out`", entry->from->node->name);
	print_stage(page, entry, WATCH_DROP_BEFORE_OUT, where);
	print_stage(page, entry, WATCH_DROP_ON_LINK, "lost on the link");
	if (entry->unexplained || (entry->lost && page->all))
		table_line(page->table, "  lost on the link: %" PRIu64 " unexplained%s",
			   entry->unexplained,
			   page->losses->known ? "" : " (this lab does not count drops)");
	if (entry->unexplained && entry->program[0])
		table_line(page->table,
			   "    what %s %s meets a program of others %s(%s), which may take it",
			   entry->program_leaves ? "leaves by" : "comes in at",
			   entry->program_leaves ? entry->from->name : entry->from->peer->name,
			   entry->program_leaves ? "" : "first ", entry->program);
	snprintf(where, sizeof(where), "dropped in %s, after `in`", entry->from->peer->node->name);
	print_stage(page, entry, WATCH_DROP_AFTER_IN, where);
}

static void print_notes(struct page *page, const struct ledger_entry *entry)
{
	if (entry->unseen)
		table_line(page->table,
			   "  (%" PRIu64
			   " came that `out` did not see: sent past it, or under way)",
			   entry->unseen);
	if (entry->passing)
		table_line(page->table,
			   "  (up to %" PRIu64 " were under way when this began, or was read)",
			   entry->passing);
}

static void print_blind_hook(struct page *page, const struct ledger_blind *blind)
{
	const struct snapshot *snapshot = page->ledger->snapshot;
	char text[BLIND_TEXT_SIZE], time[TIME_TEXT_SIZE];

	if (blind->again_ns)
		table_line(page->table,
			   "  blind: the `%s` program of %s (%s) was taken off, and attached again "
			   "%s",
			   hook_word(blind->hook), blind->end->name, blind->attachment,
			   ledger_time(snapshot->time_ns - (snapshot->read_ns - blind->again_ns),
				       time));
	else
		table_line(
			page->table, "  blind: %s",
			blind_text(blind->end, blind->hook, blind->attachment, blind->gone, text));
}

static void print_blind(struct page *page, const struct ledger_entry *entry)
{
	const struct ledger *ledger = page->ledger;
	struct ledger_blind blind = {0};
	unsigned state = 0;

	while (ledger_next_blind(ledger, (size_t)(entry - ledger->entries), &state, &blind))
		print_blind_hook(page, &blind);
	if (blind.end)
		table_line(page->table,
			   "    (it was%s when this count began: what was lost is not known)",
			   blind.attached_ns < ledger->snapshot->since_ns ? " not even" : "");
}

/* ---- the page -------------------------------------------------------------------------------- */

static void print_entry(struct page *page, const struct ledger_entry *entry)
{
	char name[NAME_SIZE], bytes[OUTPUT_NUMBER_SIZE];
	const struct vl_counters *of = entry->has_sent ? &entry->sent : &entry->received;
	bool both = entry->has_sent && entry->has_received;

	output_direction(entry->from, name, sizeof(name));
	if (output_columns(name) > NAME_COLUMNS) {
		table_line(page->table, "%s", name);
		table_cell(page->table, "  all");
	} else {
		table_cell(page->table, "%s", name);
	}
	cell_number(page, entry->has_sent, entry->sent_segments, false);
	cell_number(page, entry->has_received, entry->received_segments, false);
	cell_number(page, both, entry->lost, true);
	table_cell(page->table, "%s", output_rate((double)of->bytes, "B", bytes));
	if (page->all)
		print_kinds(page, entry);
	print_blind(page, entry);
	print_losses(page, entry);
	print_notes(page, entry);
	page->packets += of->packets;
	page->housekeeping += counters_housekeeping(of);
}

static void print_header(const struct ledger *ledger, FILE *f)
{
	char age[OUTPUT_NUMBER_SIZE];

	fprintf(f, "lab %s: packets of the last %s\n\n", ledger->name,
		output_age(snapshot_span(ledger->snapshot), age));
}

/* What the nodes say and drop by themselves, in any lab: in one line, so that it hides nothing. */
static void print_folded(const struct page *page, FILE *f)
{
	char packets[96] = "", drops[48] = "", text[192];

	if (page->all || (!page->housekeeping && !page->harmless))
		return;
	if (page->housekeeping)
		snprintf(packets, sizeof(packets),
			 "%" PRIu64 " of %" PRIu64
			 " packets (ARP, neighbor discovery, other ICMPv6)",
			 page->housekeeping, page->packets);
	if (page->harmless)
		snprintf(drops, sizeof(drops), "%s%" PRIu64 " harmless drop%s",
			 page->housekeeping ? ", " : "", page->harmless,
			 page->harmless == 1 ? "" : "s");
	snprintf(text, sizeof(text), "%s%s; -v shows all", packets, drops);
	fputc('\n', f);
	output_wrap("housekeeping: ", text, f);
}

void ledger_print(const struct ledger *ledger, const struct ledger_filter *filter, bool all,
		  FILE *f)
{
	static const struct table_column columns[] = {
		{"", TABLE_LEFT},      {"sent", TABLE_RIGHT},	{"received", TABLE_RIGHT},
		{"lost", TABLE_RIGHT}, {"volume", TABLE_RIGHT},
	};
	struct page page = {.ledger = ledger,
			    .table = table_new(columns, sizeof(columns) / sizeof(*columns)),
			    .colour = output_colour(f),
			    .all = all,
			    .losses = &ledger->snapshot->losses};
	const struct link *link = NULL;

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct ledger_entry *entry = &ledger->entries[i];

		if (!ledger_shows(filter, entry->from->link))
			continue;
		if (all && link && entry->from->link != link)
			table_line(page.table, "%s", "");
		link = entry->from->link;
		print_entry(&page, entry);
	}
	print_header(ledger, f);
	if (link)
		table_print(page.table, f);
	else
		fputs("no links\n", f);
	print_folded(&page, f);
	blind_print_ledger(ledger, filter, f);
	missed_print(page.losses, "\n", f);
	table_free(page.table);
}
