// SPDX-License-Identifier: GPL-2.0-only
/* snapshot.c - the counters of a lab at one moment: copied, subtracted, read back from a file. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "user/base/hook_word.h"
#include "user/ledger/counter_fields.h"
#include "user/ledger/ledger.h"

int snapshot_init(struct snapshot *snapshot, size_t n_ends)
{
	*snapshot = (struct snapshot){.n_ends = n_ends};
	/* An end more than there are: a lab without links is no failed allocation. */
	snapshot->attached = calloc(n_ends + 1, 1);
	snapshot->passing = calloc(n_ends + 1, sizeof(*snapshot->passing));
	snapshot->blind = calloc(n_ends + 1, sizeof(*snapshot->blind));
	for (int hook = 0; hook < VL_HOOKS; hook++)
		snapshot->hooks[hook] = calloc(n_ends + 1, sizeof(struct vl_counters));
	if (snapshot->attached && snapshot->passing && snapshot->blind &&
	    snapshot->hooks[VL_HOOK_OUT] && snapshot->hooks[VL_HOOK_XDP] &&
	    snapshot->hooks[VL_HOOK_IN])
		return 0;
	snapshot_free(snapshot);
	return -ENOMEM;
}

void snapshot_free(struct snapshot *snapshot)
{
	losses_free(&snapshot->losses);
	timing_free(snapshot->timing);
	free(snapshot->attached);
	free(snapshot->passing);
	free(snapshot->blind);
	for (int hook = 0; hook < VL_HOOKS; hook++)
		free(snapshot->hooks[hook]);
	*snapshot = (struct snapshot){0};
}

int snapshot_copy(struct snapshot *copy, const struct snapshot *snapshot)
{
	size_t n = snapshot->n_ends;
	int rc = snapshot_init(copy, n);

	if (rc)
		return rc;
	if (snapshot->timing)
		copy->timing = timing_copy(snapshot->timing);
	if ((snapshot->timing && !copy->timing) || losses_copy(&copy->losses, &snapshot->losses)) {
		snapshot_free(copy);
		return -ENOMEM;
	}
	copy->time_ns = snapshot->time_ns;
	copy->read_ns = snapshot->read_ns;
	copy->since_ns = snapshot->since_ns;
	copy->built_ns = snapshot->built_ns;
	copy->tc = snapshot->tc;
	copy->observed = snapshot->observed;
	memcpy(copy->attached, snapshot->attached, n);
	memcpy(copy->blind, snapshot->blind, n * sizeof(*copy->blind));
	memcpy(copy->passing, snapshot->passing, n * sizeof(*copy->passing));
	for (int hook = 0; hook < VL_HOOKS; hook++)
		memcpy(copy->hooks[hook], snapshot->hooks[hook], n * sizeof(struct vl_counters));
	return 0;
}

/*
 * An end that did not count when the time began has missed some of what passed, also if somebody
 * has attached its programs again.
 */
static void carry_blind(struct blind_end *now, const struct blind_end *since)
{
	now->hooks.missing |= since->hooks.missing;
	now->hooks.unpinned |= since->hooks.unpinned;
	if (since->hooks.missing)
		now->attached_ns = since->attached_ns;
}

void snapshot_subtract(struct snapshot *now, const struct snapshot *since)
{
	now->since_ns = since->read_ns;
	losses_subtract(&now->losses, &since->losses);
	if (now->timing && since->timing)
		timing_subtract(now->timing, since->timing);
	for (size_t i = 0; i < now->n_ends && i < since->n_ends; i++)
		now->passing[i] += since->passing[i];
	for (size_t i = 0; i < now->n_ends && i < since->n_ends; i++)
		carry_blind(&now->blind[i], &since->blind[i]);
	for (int hook = 0; hook < VL_HOOKS; hook++)
		for (size_t i = 0; i < now->n_ends && i < since->n_ends; i++)
			counters_subtract(&now->hooks[hook][i], &since->hooks[hook][i]);
}

int snapshot_add(struct snapshot *sum, const struct snapshot *more)
{
	for (int hook = 0; hook < VL_HOOKS; hook++)
		for (size_t i = 0; i < sum->n_ends && i < more->n_ends; i++)
			counters_add(&sum->hooks[hook][i], &more->hooks[hook][i]);
	if (sum->timing && more->timing)
		timing_add(sum->timing, more->timing);
	return losses_add(&sum->losses, &more->losses);
}

const char *ledger_time(uint64_t time_ns, char buf[TIME_TEXT_SIZE])
{
	time_t seconds = (time_t)(time_ns / 1000000000);
	size_t len;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	len = strftime(buf, TIME_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, TIME_TEXT_SIZE - len, ".%03uZ",
		 (unsigned)(time_ns % 1000000000 / 1000000));
	return buf;
}

static bool end_from_json(struct snapshot *snapshot, const struct lab *lab, const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "end"));
	const struct end *end = name ? lab_find_end(lab, name) : NULL;
	const json_t *hooks = json_object_get(json, "hooks");

	/* An end that the lab does not have any more has nothing to be subtracted from. */
	if (!end || end->number >= snapshot->n_ends)
		return name;
	for (int hook = 0; hook < VL_HOOKS; hook++) {
		const json_t *counters = json_object_get(hooks, hook_word(hook));

		if (!counters)
			continue;
		if (!counters_from_json(counters, &snapshot->hooks[hook][end->number]))
			return false;
		snapshot->attached[end->number] |= 1 << hook;
	}
	if (snapshot->partial)
		snapshot->attached[end->number] |= SNAPSHOT_KNOWN;
	return true;
}

static int damaged(const char *path, const char *why, struct err *err)
{
	err_set(err, ERR_INPUT, EINVAL, "%s: %s", path, why);
	err_hint(err, "a snapshot is what `vethlab stats --json > FILE` writes");
	return -EINVAL;
}

static bool timing_from_json(struct timing *timing, const struct lab *lab, const json_t *json)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(json, "times"), i, one)
		if (!timing_times_from_json(timing, lab, one))
			return false;
	json_array_foreach(json_object_get(json, "echoes"), i, one)
		if (!timing_echo_from_json(timing, lab, one))
			return false;
	return true;
}

/* "blind" of a direction. */
static void blind_from_direction(struct snapshot *snapshot, const struct lab *lab,
				 const json_t *direction)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(direction, "blind"), i, one) {
		const char *name = json_string_value(json_object_get(one, "end"));
		const char *word = json_string_value(json_object_get(one, "hook"));
		const struct end *end = name ? lab_find_end(lab, name) : NULL;

		if (json_object_get(one, "again_ns")) /* it counted when that was read */
			continue;
		for (int hook = 0; end && word && hook < VL_HOOKS; hook++)
			if (end->number < snapshot->n_ends && !strcmp(word, hook_word(hook)))
				snapshot->blind[end->number].hooks.missing |= 1 << hook;
		if (end && end->number < snapshot->n_ends)
			snapshot->blind[end->number].attached_ns =
				(uint64_t)json_integer_value(json_object_get(one, "attached_ns"));
	}
}

/* "passing" and "blind" of each direction. */
static void state_from_links(struct snapshot *snapshot, const struct lab *lab, const json_t *json)
{
	const json_t *link, *direction;
	size_t i, j;

	json_array_foreach(json_object_get(json, "links"), i, link) {
		json_array_foreach(json_object_get(link, "directions"), j, direction) {
			const char *from = json_string_value(json_object_get(direction, "from"));
			const struct end *end = from ? lab_find_end(lab, from) : NULL;
			json_int_t n = json_integer_value(json_object_get(direction, "passing"));

			if (end && end->number < snapshot->n_ends && n > 0)
				snapshot->passing[end->number] = (uint64_t)n;
			blind_from_direction(snapshot, lab, direction);
		}
	}
}

/* "drops" of each direction; null where the lab counted none. */
static int losses_from_links(struct losses *losses, const struct lab *lab, const json_t *json)
{
	const json_t *link, *direction;
	size_t i, j;
	int rc = 0;

	losses_read_missed(losses, json);
	json_array_foreach(json_object_get(json, "links"), i, link) {
		json_array_foreach(json_object_get(link, "directions"), j, direction) {
			const json_t *drops = json_object_get(direction, "drops");

			if (json_is_array(drops)) {
				losses->known = true;
				rc = rc ? rc : losses_from_json(losses, lab, drops);
			}
		}
	}
	losses_settle(losses);
	return rc;
}

static int from_json(struct snapshot *snapshot, const char *path, const json_t *json,
		     const char *name, const struct lab *lab, struct err *err)
{
	const char *schema = json_string_value(json_object_get(json, "schema"));
	const char *of = json_string_value(json_object_get(json, "lab"));
	const json_t *end;
	size_t i;

	if (!schema || strcmp(schema, STATS_SCHEMA))
		return damaged(path, "it is not a document of " STATS_SCHEMA, err);
	if (!of || strcmp(of, name))
		return err_set(err, ERR_INPUT, EINVAL, "%s: it is of lab %s, not of %s", path,
			       of ? of : "?", name);
	snapshot->read_ns = (uint64_t)json_integer_value(json_object_get(json, "read_ns"));
	snapshot->since_ns = (uint64_t)json_integer_value(json_object_get(json, "since_ns"));
	snapshot->built_ns = (uint64_t)json_integer_value(json_object_get(json, "built_ns"));
	if (!snapshot->read_ns || !snapshot->since_ns || !snapshot->built_ns)
		return damaged(path, "it does not say from when on it counts", err);
	snapshot->partial = json_is_true(json_object_get(json, "partial"));
	json_array_foreach(json_object_get(json, "ends"), i, end)
		if (!end_from_json(snapshot, lab, end))
			return damaged(path, "its counters are damaged", err);
	state_from_links(snapshot, lab, json);
	if (losses_from_links(&snapshot->losses, lab, json))
		return damaged(path, "its drops are damaged", err);
	if (!json_object_get(json, "times"))
		return 0;
	snapshot->timing = timing_new(snapshot->n_ends);
	if (!snapshot->timing)
		return err_set(err, ERR_SYSTEM, ENOMEM, "%s: %s", path, strerror(ENOMEM));
	if (!timing_from_json(snapshot->timing, lab, json))
		return damaged(path, "its times are damaged", err);
	return 0;
}

int snapshot_load(struct snapshot *snapshot, const char *path, const char *name,
		  const struct lab *lab, size_t n_ends, struct err *err)
{
	json_error_t error;
	json_t *json;
	FILE *f;
	int rc;

	f = fopen(path, "re");
	if (!f)
		return err_set(err, ERR_INPUT, errno, "cannot read %s: %s", path, strerror(errno));
	errno = 0;
	json = json_loadf(f, 0, &error);
	rc = ferror(f) ? errno : 0;
	fclose(f);
	if (rc && !json) /* a directory, say */
		return err_set(err, ERR_INPUT, rc, "cannot read %s: %s", path, strerror(rc));
	if (!json)
		return damaged(path, error.text, err);
	rc = snapshot_init(snapshot, n_ends);
	if (rc) {
		json_decref(json);
		return err_set(err, ERR_SYSTEM, -rc, "%s: %s", path, strerror(-rc));
	}
	rc = from_json(snapshot, path, json, name, lab, err);
	json_decref(json);
	if (rc)
		snapshot_free(snapshot);
	return rc;
}
