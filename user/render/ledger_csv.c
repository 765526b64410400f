// SPDX-License-Identifier: GPL-2.0-only
/* ledger_csv.c - the ledger for a spreadsheet: a line a direction. */
#include <inttypes.h>
#include <string.h>

#include "user/base/hook_word.h"
#include "user/ledger/counter_fields.h"
#include "user/output/output.h"
#include "user/render/ledger_report.h"

enum { NAME_SIZE = 2 * END_NAME_SIZE + 8 };

static void print_text(const char *text, FILE *f)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fprintf(f, "%s,", text);
		return;
	}
	fputc('"', f);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', f);
		fputc(*text, f);
	}
	fputs("\",", f);
}

static void print_number(bool known, uint64_t number, char after, FILE *f)
{
	if (known)
		fprintf(f, "%" PRIu64, number);
	if (after)
		fputc(after, f);
}

static void print_header(FILE *f)
{
	char key[COUNTER_KEY_SIZE];

	fputs("time,span_ns,lab,link,from,to,sent,received,received_at,lost,dropped,unexplained,"
	      "unseen,passing,drops_missed,bytes_sent,"
	      "bytes_received",
	      f);
	for (size_t i = 0; i < n_counter_fields; i++)
		if (counter_fields[i].role != COUNTER_AMOUNT)
			fprintf(f, ",sent.%1$s,received.%1$s",
				counter_key(&counter_fields[i], key));
	fputc('\n', f);
}

static void print_entry(const struct ledger *ledger, const struct ledger_entry *entry, FILE *f)
{
	bool sent = entry->has_sent, received = entry->has_received;
	char text[NAME_SIZE];

	fprintf(f, "%s,%" PRIu64 ",", ledger_time(ledger->snapshot->time_ns, text),
		snapshot_span(ledger->snapshot));
	print_text(ledger->name, f);
	print_text(output_link(entry->from->link, text, sizeof(text)), f);
	print_text(entry->from->name, f);
	print_text(entry->from->peer->name, f);
	print_number(sent, entry->sent_segments, ',', f);
	print_number(received, entry->received_segments, ',', f);
	print_text(received ? hook_word(entry->received_at) : "", f);
	print_number(sent && received, entry->lost, ',', f);
	print_number(sent && received && ledger->snapshot->losses.known, entry->dropped, ',', f);
	print_number(sent && received, entry->unexplained, ',', f);
	print_number(sent && received, entry->unseen, ',', f);
	print_number(sent && received, entry->passing, ',', f);
	print_number(ledger->snapshot->losses.known, losses_missed(&ledger->snapshot->losses), ',',
		     f);
	print_number(sent, entry->sent.bytes, ',', f);
	print_number(received, entry->received.bytes, 0, f);
	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];

		if (field->role == COUNTER_AMOUNT)
			continue;
		fputc(',', f);
		print_number(sent, counter_get(&entry->sent, field), ',', f);
		print_number(received, counter_get(&entry->received, field), 0, f);
	}
	fputc('\n', f);
}

void ledger_print_csv(const struct ledger *ledger, const struct ledger_filter *filter, bool header,
		      FILE *f)
{
	if (header)
		print_header(f);
	for (size_t i = 0; i < ledger->n_entries; i++)
		if (ledger_shows(filter, ledger->entries[i].from->link))
			print_entry(ledger, &ledger->entries[i], f);
}
