// SPDX-License-Identifier: GPL-2.0-only
/* ledger_openmetrics.c - the ledger for a monitoring system: OpenMetrics 1.0 text. */
#include <inttypes.h>

#include "user/out/counters.h"
#include "user/out/ledger.h"
#include "user/out/out.h"

enum { NAME_SIZE = 2 * END_NAME_SIZE + 8 };

struct exposition {
	const struct ledger *ledger;
	const struct ledger_filter *filter;
	FILE *f;
};

static void print_escaped(const char *text, FILE *f)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", f);
		else if (*text == '"' || *text == '\\')
			fprintf(f, "\\%c", *text);
		else
			fputc(*text, f);
	}
}

static void print_label(const char *name, const char *value, char before, FILE *f)
{
	fprintf(f, "%c%s=\"", before, name);
	print_escaped(value, f);
	fputc('"', f);
}

/* Without the brace that ends the labels. */
static void print_direction(const struct exposition *to, const char *metric, const struct end *from)
{
	char link[NAME_SIZE];

	fputs(metric, to->f);
	print_label("lab", to->ledger->name, '{', to->f);
	print_label("link", out_link(from->link, link, sizeof(link)), ',', to->f);
	print_label("from", from->name, ',', to->f);
	print_label("to", from->peer->name, ',', to->f);
}

static void print_family(const struct exposition *to, const char *name, const char *type,
			 const char *unit, const char *help)
{
	fprintf(to->f, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(to->f, "# UNIT %s %s\n", name, unit);
	fprintf(to->f, "# HELP %s %s\n", name, help);
}

/* What one direction has at one hook, for one field or for all kinds. */
static void print_hook(const struct exposition *to, const char *metric, const struct end *from,
		       enum vl_hook hook, const struct counter_field *only)
{
	const struct end *end = hook == VL_HOOK_OUT ? from : from->peer;
	const struct snapshot *snapshot = to->ledger->snapshot;
	char key[COUNTER_KEY_SIZE];

	if (end->number >= snapshot->n_ends || !(snapshot->attached[end->number] & 1 << hook))
		return;
	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];

		if (only ? field != only : field->role == COUNTER_AMOUNT)
			continue;
		print_direction(to, metric, from);
		print_label("hook", ledger_hook_name(hook), ',', to->f);
		if (!only)
			print_label("type", counter_key(field, key), ',', to->f);
		fprintf(to->f, "} %" PRIu64 "\n",
			counter_get(&snapshot->hooks[hook][end->number], field));
	}
}

static void print_counters(const struct exposition *to, const char *metric,
			   const struct counter_field *only)
{
	for (size_t i = 0; i < to->ledger->n_entries; i++) {
		const struct end *from = to->ledger->entries[i].from;

		if (!ledger_shows(to->filter, from->link))
			continue;
		for (int hook = 0; hook < VL_HOOKS; hook++)
			print_hook(to, metric, from, hook, only);
	}
}

/* What only both hooks together tell. It may fall again, so it is a gauge. */
static void print_balance(const struct exposition *to)
{
	static const char *const names[] = {"vethlab_lost_packets", "vethlab_unseen_packets"};
	static const char *const helps[] = {
		"Packets (segments) that were sent and not received.",
		"Packets (segments) received and not seen sent: under way while reading.",
	};

	for (int which = 0; which < 2; which++) {
		print_family(to, names[which], "gauge", "packets", helps[which]);
		for (size_t i = 0; i < to->ledger->n_entries; i++) {
			const struct ledger_entry *entry = &to->ledger->entries[i];

			if (!ledger_shows(to->filter, entry->from->link) || !entry->has_sent ||
			    !entry->has_received)
				continue;
			print_direction(to, names[which], entry->from);
			fprintf(to->f, "} %" PRIu64 "\n", which ? entry->unseen : entry->lost);
		}
	}
}

void ledger_print_openmetrics(const struct ledger *ledger, const struct ledger_filter *filter,
			      FILE *f)
{
	struct exposition to = {ledger, filter, f};
	uint64_t start_ns = ledger->snapshot->time_ns - snapshot_span(ledger->snapshot);

	print_family(&to, "vethlab_start_time_seconds", "gauge", "seconds",
		     "When counting began, since the epoch.");
	fputs("vethlab_start_time_seconds", f);
	print_label("lab", ledger->name, '{', f);
	fprintf(f, "} %" PRIu64 ".%03u\n", start_ns / 1000000000,
		(unsigned)(start_ns % 1000000000 / 1000000));
	print_family(&to, "vethlab_packets", "counter", "packets",
		     "Packets as the hook saw them: a TSO super-packet is one.");
	print_counters(&to, "vethlab_packets_total", counter_find("packets"));
	print_family(&to, "vethlab_segments", "counter", "segments",
		     "Packets as they would be on a wire.");
	print_counters(&to, "vethlab_segments_total", counter_find("segments"));
	print_family(&to, "vethlab_bytes", "counter", "bytes",
		     "Frame lengths with the Ethernet header.");
	print_counters(&to, "vethlab_bytes_total", counter_find("bytes"));
	print_family(&to, "vethlab_typed_packets", "counter", "packets",
		     "Packets by type; one packet can be of several (ipv4, tcp, tcp_syn).");
	print_counters(&to, "vethlab_typed_packets_total", NULL);
	print_balance(&to);
	fputs("# EOF\n", f);
}
