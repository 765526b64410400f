// SPDX-License-Identifier: GPL-2.0-only
/* ledger_json.c - the ledger as a document: vethlab.stats/1, described by docs/schema/stats.json.
 */
#include "user/base/hook_word.h"
#include "user/ledger/counter_fields.h"
#include "user/ledger/ledger.h"
#include "user/output/output.h"

enum { NAME_SIZE = 2 * END_NAME_SIZE + 8 };

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *number_or_null(bool known, uint64_t value)
{
	return known ? number(value) : json_null();
}

/* {"icmp4.echo_request": {"sent": 1, "received": 1, "lost": 0}}: kinds that were seen. */
static json_t *kinds_to_json(const struct ledger_entry *entry)
{
	json_t *kinds = json_object();

	for (size_t i = 0; i < n_counter_fields; i++) {
		const struct counter_field *field = &counter_fields[i];
		uint64_t sent = counter_get(&entry->sent, field), lost = 0;
		uint64_t received = counter_get(&entry->received, field);
		bool known = ledger_lost_of(entry, field, &lost);
		char key[COUNTER_KEY_SIZE];

		if ((field->role != COUNTER_TYPE && field->role != COUNTER_PART) ||
		    (!sent && !received))
			continue;
		output_json_set(kinds, counter_key(field, key),
				output_json_pack("{s:o, s:o, s:o}", "sent",
						 number_or_null(entry->has_sent, sent), "received",
						 number_or_null(entry->has_received, received),
						 "lost", number_or_null(known, lost)));
	}
	return kinds;
}

static json_t *entry_to_json(const struct ledger_entry *entry, const struct losses *losses)
{
	bool both = entry->has_sent && entry->has_received;
	json_t *json = output_json_pack("{s:s, s:s}", "from", entry->from->name, "to",
					entry->from->peer->name);

	output_json_set(json, "sent", number_or_null(entry->has_sent, entry->sent_segments));
	output_json_set(json, "received",
			number_or_null(entry->has_received, entry->received_segments));
	output_json_set(json, "received_at",
			entry->has_received ? output_json_text(hook_word(entry->received_at))
					    : json_null());
	output_json_set(json, "lost", number_or_null(both, entry->lost));
	output_json_set(json, "dropped", number_or_null(both && losses->known, entry->dropped));
	output_json_set(json, "unexplained", number_or_null(both, entry->unexplained));
	if (entry->program[0])
		output_json_set(json,
				entry->program_leaves ? "program_of_others_at_sender"
						      : "program_of_others",
				output_json_text(entry->program));
	output_json_set(json, "unseen", number_or_null(both, entry->unseen));
	output_json_set(json, "passing", number_or_null(both, entry->passing));
	output_json_set(json, "bytes_sent", number_or_null(entry->has_sent, entry->sent.bytes));
	output_json_set(json, "bytes_received",
			number_or_null(entry->has_received, entry->received.bytes));
	output_json_set(json, "drops",
			losses->known ? losses_to_json(losses, entry->from) : json_null());
	output_json_set(json, "kinds", kinds_to_json(entry));
	return json;
}

/* The hooks at which a direction is blind. */
static json_t *blind_to_json(const struct ledger *ledger, size_t entry)
{
	json_t *list = json_array();
	struct ledger_blind blind;
	unsigned state = 0;

	while (ledger_next_blind(ledger, entry, &state, &blind)) {
		json_t *one = output_json_pack("{s:s, s:s, s:s, s:s, s:I}", "end", blind.end->name,
					       "hook", hook_word(blind.hook), "attachment",
					       blind.attachment, "gone", blind.gone, "attached_ns",
					       (json_int_t)blind.attached_ns);

		if (blind.again_ns)
			output_json_set(one, "again_ns", json_integer((json_int_t)blind.again_ns));
		output_json_append(list, one);
	}
	return list;
}

/* The ends whose programs could not be looked at. */
static json_t *unchecked_to_json(const struct ledger *ledger, const struct ledger_filter *filter)
{
	const struct snapshot *snapshot = ledger->snapshot;
	json_t *list = json_array();

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct end *end = ledger->entries[i].from;

		if (ledger_shows(filter, end->link) && end->number < snapshot->n_ends &&
		    snapshot->blind[end->number].hooks.is_unknown)
			output_json_append(list, output_json_text(end->name));
	}
	return list;
}

static json_t *end_to_json(const struct end *end, const struct snapshot *snapshot)
{
	json_t *json = output_json_end(end), *hooks = json_object();

	output_json_set(json, "number", number(end->number));
	output_json_set(json, "peer", output_json_text(end->peer->name));
	for (int hook = 0; hook < VL_HOOKS; hook++)
		if (end->number < snapshot->n_ends && snapshot->attached[end->number] & 1 << hook)
			output_json_set(hooks, hook_word(hook),
					counters_to_json(&snapshot->hooks[hook][end->number]));
	output_json_set(json, "hooks", hooks);
	return json;
}

/* What one direction carries per second. */
static json_t *rate_to_json(const struct ledger *recent, size_t entry)
{
	struct ledger_rate rate = ledger_rate(recent, entry);

	return output_json_pack("{s:f, s:f}", "packets", rate.packets, "bits", rate.bits);
}

static json_t *link_to_json(const struct ledger *ledger, size_t first)
{
	char name[NAME_SIZE];
	json_t *json = json_object(), *directions = json_array();

	output_link(ledger->entries[first].from->link, name, sizeof(name));
	output_json_set(json, "link", output_json_text(name));
	for (size_t i = first; i < first + 2; i++) {
		json_t *direction = entry_to_json(&ledger->entries[i], &ledger->snapshot->losses);

		output_json_set(direction, "blind", blind_to_json(ledger, i));
		if (ledger->recent)
			output_json_set(direction, "per_second", rate_to_json(ledger->recent, i));
		output_json_append(directions, direction);
	}
	output_json_set(json, "directions", directions);
	return json;
}

/* "times": of each end and kind that has any; "echoes": of each end. */
static void set_timing(json_t *document, const struct ledger *ledger,
		       const struct ledger_filter *filter)
{
	const struct timing *timing = ledger->snapshot->timing;
	json_t *times = json_array(), *echoes = json_array();

	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct end *end = ledger->entries[i].from;

		if (!ledger_shows(filter, end->link) || end->number >= timing->n_ends)
			continue;
		for (int kind = 0; kind < WATCH_TIMES; kind++)
			if (timing->times[kind][end->number].count)
				output_json_append(times, timing_times_to_json(timing, kind, end));
		output_json_append(echoes, timing_echo_to_json(timing, end));
	}
	output_json_set(document, "times", times);
	output_json_set(document, "echoes", echoes);
}

json_t *ledger_to_json(const struct ledger *ledger, const struct ledger_filter *filter)
{
	json_t *document = output_json_document(STATS_SCHEMA);
	json_t *links = json_array(), *ends = json_array();
	char time[TIME_TEXT_SIZE];

	output_json_set(document, "lab", output_json_text(ledger->name));
	output_json_set(document, "time",
			output_json_text(ledger_time(ledger->snapshot->time_ns, time)));
	output_json_set(document, "read_ns", number(ledger->snapshot->read_ns));
	output_json_set(document, "since_ns", number(ledger->snapshot->since_ns));
	output_json_set(document, "built_ns", number(ledger->snapshot->built_ns));
	for (size_t i = 0; i < ledger->n_entries; i++) {
		const struct ledger_entry *entry = &ledger->entries[i];

		if (!ledger_shows(filter, entry->from->link))
			continue;
		if (i % 2 == 0)
			output_json_append(links, link_to_json(ledger, i));
		output_json_append(ends, end_to_json(entry->from, ledger->snapshot));
	}
	output_json_set(document, "partial",
			json_boolean(json_array_size(ends) < ledger->n_entries));
	losses_set_missed(&ledger->snapshot->losses, document);
	output_json_set(document, "unchecked", unchecked_to_json(ledger, filter));
	output_json_set(document, "links", links);
	output_json_set(document, "ends", ends);
	if (ledger->snapshot->timing)
		set_timing(document, ledger, filter);
	return document;
}
