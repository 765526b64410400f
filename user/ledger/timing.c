// SPDX-License-Identifier: GPL-2.0-only
/* timing.c - times and fates of echoes: copied, subtracted, as JSON and back. */
#include <stdlib.h>
#include <string.h>

#include "user/output/output.h"
#include "user/ledger/timing.h"

/* clang-format off */
#define COUNT(name, words) { #name, words, offsetof(struct watch_echo, count.name), ECHO_COUNTER }
#define STATE(name, words, role) { #name, words, offsetof(struct watch_echo, name), role }
/* clang-format on */

const struct echo_field echo_fields[] = {
	COUNT(requests, "requests"),
	COUNT(answered, "answered"),
	STATE(unanswered, "unanswered", ECHO_REST),
	STATE(waiting, "still waiting", ECHO_MOMENT),
	COUNT(late, "answered too late"),
	COUNT(failed, "refused by an ICMP error"),
	COUNT(forgotten, "not followed to their end"),
	COUNT(duplicates, "answered again"),
	COUNT(reordered, "answered out of order"),
	COUNT(unmatched, "replies to no known request"),
	COUNT(errors, "ICMP errors made here"),
	COUNT(crowded, "entries that made way for others"),
};
const size_t n_echo_fields = sizeof(echo_fields) / sizeof(*echo_fields);

_Static_assert(sizeof(echo_fields) / sizeof(*echo_fields) ==
		       sizeof(struct watch_echo) / sizeof(uint64_t),
	       "a field of struct watch_echo has no name here");

static uint64_t *echo_field(struct watch_echo *echo, const struct echo_field *field)
{
	return (uint64_t *)((char *)echo + field->offset);
}

const char *timing_kind_name(enum watch_time kind)
{
	static const char *const names[WATCH_TIMES] = {
		[WATCH_TRANSIT] = "transit",
		[WATCH_RESIDENCE] = "residence",
		[WATCH_ECHO_RTT] = "echo_rtt",
	};

	return names[kind];
}

struct timing *timing_new(size_t n_ends)
{
	struct timing *timing = calloc(1, sizeof(*timing));
	bool good;

	if (!timing)
		return NULL;
	timing->n_ends = n_ends;
	/* One more: a lab without links is no failed allocation. */
	timing->echo = calloc(n_ends + 1, sizeof(*timing->echo));
	good = timing->echo;
	for (int kind = 0; kind < WATCH_TIMES; kind++) {
		timing->times[kind] = calloc(n_ends + 1, sizeof(struct vl_times));
		good = good && timing->times[kind];
	}
	if (good)
		return timing;
	timing_free(timing);
	return NULL;
}

void timing_free(struct timing *timing)
{
	if (!timing)
		return;
	for (int kind = 0; kind < WATCH_TIMES; kind++)
		free(timing->times[kind]);
	free(timing->echo);
	free(timing);
}

struct timing *timing_copy(const struct timing *timing)
{
	struct timing *copy = timing_new(timing->n_ends);

	if (!copy)
		return NULL;
	for (int kind = 0; kind < WATCH_TIMES; kind++)
		memcpy(copy->times[kind], timing->times[kind],
		       timing->n_ends * sizeof(struct vl_times));
	memcpy(copy->echo, timing->echo, timing->n_ends * sizeof(*timing->echo));
	return copy;
}

static uint64_t less(uint64_t now, uint64_t since)
{
	return now > since ? now - since : 0;
}

/* Where a bin ends: the start of the next; the last one goes on for ever. */
static uint64_t bin_end(uint32_t bin)
{
	return bin == VL_TIME_BINS - 1 ? UINT64_MAX : vl_time_start(bin + 1);
}

/* The least and the largest that the bins allow, within what was measured in all. */
static void limits_from_bins(struct vl_times *times)
{
	uint64_t min = UINT64_MAX, max = 0;

	for (uint32_t bin = 0; bin < VL_TIME_BINS; bin++) {
		if (!times->bins[bin])
			continue;
		if (min == UINT64_MAX)
			min = vl_time_start(bin);
		max = bin_end(bin) - 1;
	}
	if (min == UINT64_MAX) {
		times->min_plus = times->max_ns = 0;
		return;
	}
	if (min + 1 > times->min_plus)
		times->min_plus = min + 1;
	if (max < times->max_ns)
		times->max_ns = max;
}

static void times_subtract(struct vl_times *now, const struct vl_times *since)
{
	if (!since->count && !since->negative)
		return;
	now->count = less(now->count, since->count);
	now->sum_ns = less(now->sum_ns, since->sum_ns);
	now->negative = less(now->negative, since->negative);
	for (uint32_t bin = 0; bin < VL_TIME_BINS; bin++)
		now->bins[bin] = less(now->bins[bin], since->bins[bin]);
	limits_from_bins(now);
}

void timing_subtract(struct timing *now, const struct timing *since)
{
	for (size_t i = 0; i < now->n_ends && i < since->n_ends; i++) {
		for (int kind = 0; kind < WATCH_TIMES; kind++)
			times_subtract(&now->times[kind][i], &since->times[kind][i]);
		for (size_t j = 0; j < n_echo_fields; j++) {
			uint64_t *value = echo_field(&now->echo[i], &echo_fields[j]);

			if (echo_fields[j].role != ECHO_MOMENT)
				*value = less(*value, echo_get(&since->echo[i], &echo_fields[j]));
		}
	}
}

void timing_add(struct timing *sum, const struct timing *more)
{
	for (size_t i = 0; i < sum->n_ends && i < more->n_ends; i++) {
		for (int kind = 0; kind < WATCH_TIMES; kind++)
			watch_times_add(&sum->times[kind][i], &more->times[kind][i]);
		for (size_t j = 0; j < n_echo_fields; j++)
			if (echo_fields[j].role != ECHO_MOMENT)
				*echo_field(&sum->echo[i], &echo_fields[j]) +=
					echo_get(&more->echo[i], &echo_fields[j]);
	}
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void set_number(json_t *json, const char *key, uint64_t value)
{
	output_json_set(json, key, json_integer((json_int_t)value));
}

static uint64_t get_number(const json_t *json, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(json, key));

	return value > 0 ? (uint64_t)value : 0;
}

static json_t *bins_to_json(const struct vl_times *times)
{
	json_t *bins = json_array();

	for (uint32_t bin = 0; bin < VL_TIME_BINS; bin++) {
		json_t *end = bin == VL_TIME_BINS - 1 ? json_null()
						      : json_integer((json_int_t)bin_end(bin));

		if (times->bins[bin])
			output_json_append(
				bins, output_json_pack("[I, o, I]", (json_int_t)vl_time_start(bin),
						       end, (json_int_t)times->bins[bin]));
		else
			json_decref(end);
	}
	return bins;
}

json_t *timing_times_to_json(const struct timing *timing, enum watch_time kind,
			     const struct end *end)
{
	const struct vl_times *times = &timing->times[kind][end->number];
	json_t *json =
		output_json_pack("{s:s, s:s, s:s, s:s}", "kind", timing_kind_name(kind), "end",
				 end->name, "peer", end->peer->name, "node", end->node->name);

	set_number(json, "count", times->count);
	set_number(json, "negative", times->negative);
	set_number(json, "sum_ns", times->sum_ns);
	set_number(json, "min_ns", watch_times_min(times));
	set_number(json, "mean_ns", watch_times_mean(times));
	set_number(json, "p50_ns", watch_times_percentile(times, 0.5));
	set_number(json, "p90_ns", watch_times_percentile(times, 0.9));
	set_number(json, "p99_ns", watch_times_percentile(times, 0.99));
	set_number(json, "p999_ns", watch_times_percentile(times, 0.999));
	set_number(json, "max_ns", times->max_ns);
	output_json_set(json, "bins", bins_to_json(times));
	return json;
}

json_t *timing_echo_to_json(const struct timing *timing, const struct end *end)
{
	json_t *json = output_json_pack("{s:s, s:s}", "end", end->name, "peer", end->peer->name);

	for (size_t i = 0; i < n_echo_fields; i++)
		set_number(json, echo_fields[i].name,
			   echo_get(&timing->echo[end->number], &echo_fields[i]));
	return json;
}

/* The end that an object names. False: none is named; *end NULL: the lab has no such end. */
static bool end_of(const struct timing *timing, const struct lab *lab, const json_t *json,
		   const struct end **end)
{
	const char *name = json_string_value(json_object_get(json, "end"));

	*end = name ? lab_find_end(lab, name) : NULL;
	if (*end && (*end)->number >= timing->n_ends)
		*end = NULL;
	return name;
}

static bool bins_from_json(struct vl_times *times, const json_t *bins)
{
	const json_t *bin;
	size_t i;

	json_array_foreach(bins, i, bin) {
		json_int_t start = json_integer_value(json_array_get(bin, 0));
		json_int_t count = json_integer_value(json_array_get(bin, 2));

		if (start < 0 || count < 0)
			return false;
		times->bins[vl_time_bin((uint64_t)start)] += (uint64_t)count;
	}
	return json_is_array(bins);
}

bool timing_times_from_json(struct timing *timing, const struct lab *lab, const json_t *json)
{
	const char *kind = json_string_value(json_object_get(json, "kind"));
	const struct end *end;
	struct vl_times *times;
	int which = 0;

	while (which < WATCH_TIMES && (!kind || strcmp(kind, timing_kind_name(which))))
		which++;
	if (which == WATCH_TIMES || !end_of(timing, lab, json, &end))
		return false;
	if (!end)
		return true;
	times = &timing->times[which][end->number];
	times->count = get_number(json, "count");
	times->negative = get_number(json, "negative");
	times->sum_ns = get_number(json, "sum_ns");
	times->min_plus = times->count ? get_number(json, "min_ns") + 1 : 0;
	times->max_ns = get_number(json, "max_ns");
	return bins_from_json(times, json_object_get(json, "bins"));
}

bool timing_echo_from_json(struct timing *timing, const struct lab *lab, const json_t *json)
{
	const struct end *end;

	if (!end_of(timing, lab, json, &end))
		return false;
	for (size_t i = 0; end && i < n_echo_fields; i++)
		*echo_field(&timing->echo[end->number], &echo_fields[i]) =
			get_number(json, echo_fields[i].name);
	return true;
}
