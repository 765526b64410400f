// SPDX-License-Identifier: GPL-2.0-only
/* ledger_openmetrics.c - the ledger for a monitoring system: OpenMetrics 1.0 text. */
#include <inttypes.h>

#include "user/base/hook_word.h"
#include "user/ledger/counter_fields.h"
#include "user/output/output.h"
#include "user/render/ledger_report.h"
#include "user/watch/watch.h"

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
	print_label("link", output_link(from->link, link, sizeof(link)), ',', to->f);
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

	/* Counters that stand still would say that nothing passes. */
	if (end->number >= snapshot->n_ends ||
	    !(snapshot->attached[end->number] & ~snapshot->blind[end->number].hooks.missing &
	      1 << hook))
		return;
	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];

		if (only ? field != only : field->role == COUNTER_AMOUNT)
			continue;
		print_direction(to, metric, from);
		print_label("hook", hook_word(hook), ',', to->f);
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
static void print_gauge(const struct exposition *to, const char *name, size_t offset,
			const char *help)
{
	print_family(to, name, "gauge", "packets", help);
	for (size_t i = 0; i < to->ledger->n_entries; i++) {
		const struct ledger_entry *entry = &to->ledger->entries[i];

		if (!ledger_shows(to->filter, entry->from->link) || !entry->has_sent ||
		    !entry->has_received)
			continue;
		print_direction(to, name, entry->from);
		fprintf(to->f, "} %" PRIu64 "\n",
			*(const uint64_t *)((const char *)entry + offset));
	}
}

static void print_balance(const struct exposition *to)
{
	print_gauge(to, "vethlab_lost_packets", offsetof(struct ledger_entry, lost),
		    "Packets (segments) that were sent and not received.");
	print_gauge(to, "vethlab_unexplained_packets", offsetof(struct ledger_entry, unexplained),
		    "Lost packets (segments) that the kernel did not report as dropped.");
	print_gauge(
		to, "vethlab_unseen_packets", offsetof(struct ledger_entry, unseen),
		"Packets (segments) received that `out` did not see: sent past it, or under way.");
	print_gauge(
		to, "vethlab_passing_packets", offsetof(struct ledger_entry, passing),
		"Packets (segments) that may have been under way when counting began or ended.");
}

static void print_blind(const struct exposition *to)
{
	print_family(to, "vethlab_blind", "gauge", NULL,
		     "1 where the program of a hook is not attached any more.");
	for (size_t i = 0; i < to->ledger->n_entries; i++) {
		struct ledger_blind blind;
		unsigned state = 0;

		if (!ledger_shows(to->filter, to->ledger->entries[i].from->link))
			continue;
		while (ledger_next_blind(to->ledger, i, &state, &blind)) {
			print_direction(to, "vethlab_blind", to->ledger->entries[i].from);
			print_label("hook", hook_word(blind.hook), ',', to->f);
			fputs("} 1\n", to->f);
		}
	}
}

/* Drops that the families below do not have, or may not have. */
static void print_missed(const struct exposition *to)
{
	const struct losses *losses = &to->ledger->snapshot->losses;

	print_family(to, "vethlab_drops_missed", "counter", NULL,
		     "Drops that the kernel had no entry for in its table of drops.");
	fputs("vethlab_drops_missed_total", to->f);
	print_label("lab", to->ledger->name, '{', to->f);
	fprintf(to->f, "} %" PRIu64 "\n", losses_missed(losses));
	print_family(to, "vethlab_drops_missed_by_cause", "counter", NULL,
		     "The same by cause: the table is full, no memory, it was busy.");
	for (int cause = 0; cause < VL_DROP_MISSED_CAUSES; cause++) {
		fputs("vethlab_drops_missed_by_cause_total", to->f);
		print_label("lab", to->ledger->name, '{', to->f);
		print_label("cause", losses_missed_name(cause), ',', to->f);
		fprintf(to->f, "} %" PRIu64 "\n", (uint64_t)losses->missed.of[cause]);
	}
	if (!losses->missed.interrupted_known)
		return;
	print_family(to, "vethlab_drops_interrupted", "counter", NULL,
		     "Drops of any namespace that came while the program that counts them ran on "
		     "the same CPU.");
	fputs("vethlab_drops_interrupted_total", to->f);
	print_label("lab", to->ledger->name, '{', to->f);
	fprintf(to->f, "} %" PRIu64 "\n", (uint64_t)losses->missed.interrupted);
}

static void print_drops(const struct exposition *to)
{
	const struct losses *losses = &to->ledger->snapshot->losses;

	print_family(to, "vethlab_dropped_packets", "counter", "packets",
		     "Packets (segments) that the kernel dropped at an end, by stage and reason.");
	for (size_t i = 0; i < to->ledger->n_entries; i++) {
		const struct end *from = to->ledger->entries[i].from;
		const struct watch_drop *drop;
		size_t place = 0;

		if (!ledger_shows(to->filter, from->link))
			continue;
		while ((drop = losses_next(losses, from, &place))) {
			print_direction(to, "vethlab_dropped_packets_total", from);
			print_label("stage", losses_stage_name(drop->stage), ',', to->f);
			print_label("reason", drop->reason, ',', to->f);
			print_label("place", drop->place, ',', to->f);
			if (drop->to_multicast)
				print_label("to_multicast", "true", ',', to->f);
			fprintf(to->f, "} %" PRIu64 "\n", (uint64_t)drop->count.segments);
		}
	}
}

/* Bounds of the buckets: each doubling, where bins end too, so that no count is guessed. */
static double bucket_bound(int bucket)
{
	return (double)(1ull << (VL_TIME_LOW + bucket)) / 1e9;
}

static void print_histogram(const struct exposition *to, const char *name, const struct end *end,
			    const struct vl_times *times)
{
	uint64_t below = 0;
	uint32_t bin = 0;
	char metric[96];

	snprintf(metric, sizeof(metric), "%s_bucket", name);
	for (int bucket = 0; bucket <= VL_TIME_HIGH - VL_TIME_LOW; bucket++) {
		for (; vl_time_start(bin) < 1ull << (VL_TIME_LOW + bucket); bin++)
			below += times->bins[bin];
		print_direction(to, metric, end);
		fprintf(to->f, ",le=\"%.12g\"} %" PRIu64 "\n", bucket_bound(bucket), below);
	}
	below += times->bins[VL_TIME_BINS - 1];
	print_direction(to, metric, end);
	fprintf(to->f, ",le=\"+Inf\"} %" PRIu64 "\n", below);
	snprintf(metric, sizeof(metric), "%s_count", name);
	print_direction(to, metric, end);
	fprintf(to->f, "} %" PRIu64 "\n", below);
	snprintf(metric, sizeof(metric), "%s_sum", name);
	print_direction(to, metric, end);
	fprintf(to->f, "} %.9f\n", (double)times->sum_ns / 1e9);
}

static void print_echoes(const struct exposition *to)
{
	const struct timing *timing = to->ledger->snapshot->timing;

	for (size_t field = 0; field < n_echo_fields; field++) {
		const char *suffix = echo_fields[field].role == ECHO_COUNTER ? "_total" : "";
		char name[64], metric[80];

		snprintf(name, sizeof(name), "vethlab_echo_%s", echo_fields[field].name);
		snprintf(metric, sizeof(metric), "%s%s", name, suffix);
		print_family(to, name, *suffix ? "counter" : "gauge", NULL,
			     echo_fields[field].words);
		for (size_t i = 0; i < to->ledger->n_entries; i++) {
			const struct end *end = to->ledger->entries[i].from;

			if (!ledger_shows(to->filter, end->link))
				continue;
			print_direction(to, metric, end);
			fprintf(to->f, "} %" PRIu64 "\n",
				echo_get(&timing->echo[end->number], &echo_fields[field]));
		}
	}
}

/* `from` and `to` are the direction of transit and of the request; residence: of what came in. */
static void print_timing(const struct exposition *to)
{
	static const char *const helps[WATCH_TIMES] = {
		[WATCH_TRANSIT] =
			"ICMP echoes: from out of one end to the first hook of the other.",
		[WATCH_RESIDENCE] = "ICMP echoes: from coming into a node to leaving it.",
		[WATCH_ECHO_RTT] = "ICMP echoes: from the request to its reply, at the same end.",
	};
	const struct timing *timing = to->ledger->snapshot->timing;
	char name[64];

	for (int kind = 0; kind < WATCH_TIMES; kind++) {
		snprintf(name, sizeof(name), "vethlab_%s_seconds", timing_kind_name(kind));
		print_family(to, name, "histogram", "seconds", helps[kind]);
		for (size_t i = 0; i < to->ledger->n_entries; i++) {
			const struct end *from = to->ledger->entries[i].from;
			const struct end *key = kind == WATCH_RESIDENCE ? from->peer : from;

			if (ledger_shows(to->filter, from->link))
				print_histogram(to, name, from, &timing->times[kind][key->number]);
		}
	}
	print_echoes(to);
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
	print_blind(&to);
	if (ledger->snapshot->losses.known) {
		print_missed(&to);
		print_drops(&to);
	}
	if (ledger->snapshot->timing)
		print_timing(&to);
	fputs("# EOF\n", f);
}
