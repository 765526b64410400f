// SPDX-License-Identifier: GPL-2.0-only
/* bench_compare.c - what changed since another run of `vethlab bench`. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "user/output/output.h"
#include "user/figures/bench_report.h"

/* Each with what is compared: a figure of 0 would say that nothing changed, whatever is found now.
 */
static bool has_results(const json_t *doc)
{
	const json_t *results = json_object_get(doc, "results"), *one;
	size_t i;

	json_array_foreach(results, i, one)
		if (!(json_number_value(json_object_get(one, "median")) > 0) ||
		    !json_is_number(json_object_get(one, "low")) ||
		    !json_is_number(json_object_get(one, "high")))
			return false;
	return json_array_size(results) > 0;
}

int bench_baseline_load(struct bench_baseline *old, const char *path, struct err *err)
{
	json_error_t error;
	const char *schema;

	old->path = path;
	old->doc = json_load_file(path, 0, &error);
	if (!old->doc) {
		if (error.line > 0)
			err_set(err, ERR_INPUT, EINVAL, "%s:%d: %s", path, error.line, error.text);
		else
			err_set(err, ERR_INPUT, EINVAL, "%s", error.text); /* names the file */
		err_hint(err, "save one with `vethlab bench --json > %s`", path);
		return -EINVAL;
	}
	schema = json_string_value(json_object_get(old->doc, "schema"));
	if (schema && !strcmp(schema, "vethlab.bench/1") && has_results(old->doc))
		return 0;
	err_set(err, ERR_INPUT, EINVAL, "%s is no document of `vethlab bench --json`", path);
	bench_baseline_free(old);
	return -EINVAL;
}

void bench_baseline_free(struct bench_baseline *old)
{
	json_decref(old->doc);
	old->doc = NULL;
}

static bool is(const json_t *one, const char *key, const char *value)
{
	const char *found = json_string_value(json_object_get(one, key));

	return found && !strcmp(found, value);
}

static bool is_same(const json_t *one, const struct series *series)
{
	char frame[OUTPUT_NUMBER_SIZE], set[BENCH_SET_SIZE];

	return is(one, "what", bench_what_word(series->work.what)) &&
	       is(one, "hooks", bench_hooks_word(series->hooks)) &&
	       is(one, "frame", bench_frame_text(series, frame)) &&
	       is(one, "set", bench_set_words(series->set, set));
}

/* The same measurement in the old document, or NULL. */
static const json_t *find(const struct bench_baseline *old, const struct series *series)
{
	const json_t *one;
	size_t i;

	json_array_foreach(json_object_get(old->doc, "results"), i, one)
		if (is_same(one, series))
			return one;
	return NULL;
}

int bench_baseline_check(const struct bench_baseline *old, const struct series *list, size_t n,
			 struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (find(old, &list[i]))
			return 0;
	err_set(err, ERR_USAGE, ENOENT,
		"%s has nothing of what would be measured now: there is nothing to compare",
		old->path);
	err_hint(err,
		 "measure the same as then: --what, --hooks, --size, --set, --matrix, or a link");
	return -ENOENT;
}

static double field(const json_t *one, const char *key)
{
	return json_number_value(json_object_get(one, key));
}

struct bench_change {
	double before, percent;
	bool worse, past, apart; /* apart: the intervals of the medians do not meet */
};

static struct bench_change change_of(const json_t *was, const struct series *series,
				     double threshold)
{
	const struct statistics *now = &series->stats;
	struct bench_change change = {.before = field(was, "median")};

	if (change.before > 0)
		change.percent = 100 * (now->median / change.before - 1);
	change.worse =
		bench_what_is_time(series->work.what) ? change.percent > 0 : change.percent < 0;
	change.past = change.percent > threshold || change.percent < -threshold;
	change.apart = now->low > field(was, "high") || now->high < field(was, "low");
	return change;
}

static const char *verdict(const struct bench_change *change)
{
	if (!change->past)
		return "same";
	if (!change->apart)
		return "noisy";
	return change->worse ? "worse" : "better";
}

static void add_row(struct table *table, const struct series *series,
		    const struct bench_change *change)
{
	char before[OUTPUT_NUMBER_SIZE], now[OUTPUT_NUMBER_SIZE], set[BENCH_SET_SIZE];

	bench_set_words(series->set, set);
	table_cell(table, "%s", bench_what_word(series->work.what));
	table_cell(table, "%s%s%s", bench_hooks_word(series->hooks), set[0] ? " " : "", set);
	if (series->work.size)
		table_cell(table, "%u", series->work.size);
	else
		table_cell(table, "%s", "");
	table_cell(table, "%s", bench_value_text(series->work.what, change->before, before));
	table_cell(table, "%s", bench_value_text(series->work.what, series->stats.median, now));
	table_cell(table, "%+.1f %%", change->percent);
	table_cell(table, "%s", verdict(change));
}

static json_t *change_to_json(const struct series *series, const struct bench_change *change)
{
	char set[BENCH_SET_SIZE];

	return output_json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:s}", "what",
				bench_what_word(series->work.what), "hooks",
				bench_hooks_word(series->hooks), "set",
				bench_set_words(series->set, set), "size", series->work.size,
				"before", change->before, "now", series->stats.median, "percent",
				change->percent, "says", verdict(change));
}

/* ---- what else is different ------------------------------------------------------------------ */

/* Entries {what, before, now} of all that differs below two objects; NULL has nothing. */
static void differ(const json_t *before, const json_t *now, const char *path, json_t *list)
{
	json_t *all = json_object();
	const char *key;
	json_t *unused;

	if (json_is_object(before))
		output_json_merge(all, json_incref((json_t *)before));
	if (json_is_object(now))
		output_json_merge(all, json_incref((json_t *)now));
	json_object_foreach(all, key, unused) {
		const json_t *a = json_object_get(before, key), *b = json_object_get(now, key);
		char what[64];

		if (json_is_array(
			    a ? a
			      : b)) /* link.did follows from what is measured: see only_before */
			continue;
		snprintf(what, sizeof(what), "%s%s%s", path, path[0] ? "." : "", key);
		if (json_is_object(a) || json_is_object(b))
			differ(a, b, what, list);
		else if (!json_equal(a, b))
			output_json_append(list, output_json_pack("{s:s, s:O?, s:O?}", "what", what,
								  "before", a, "now", b));
	}
	json_decref(all);
}

/* Those of the fields that an object has, as an object of their own. */
static json_t *fields_of(const json_t *object, const char *const *keys, size_t n)
{
	json_t *fields = json_object();

	for (size_t i = 0; i < n; i++) {
		json_t *value = json_object_get(object, keys[i]);

		if (value)
			output_json_set(fields, keys[i], json_incref(value));
	}
	return fields;
}

/* How it was measured: a figure of other conditions says little about a change of the link. */
static json_t *find_differences(const json_t *old, const json_t *now)
{
	static const char *const keys[] = {"machine", "link", "runs", "run_s", "threads"};
	const size_t n = sizeof(keys) / sizeof(*keys);
	json_t *a = fields_of(old, keys, n), *b = fields_of(now, keys, n), *list = json_array();

	differ(a, b, "", list);
	json_decref(a);
	json_decref(b);
	return list;
}

static json_t *name_of(const json_t *one)
{
	static const char *const keys[] = {"what", "hooks", "frame", "set"};

	return fields_of(one, keys, 4);
}

/* Names of the results of list that other does not have. */
static json_t *find_only(const json_t *list, const json_t *other)
{
	json_t *only = json_array();
	const json_t *one, *two;
	size_t i, k;

	json_array_foreach(list, i, one) {
		json_t *name = name_of(one);
		bool found = false;

		json_array_foreach(other, k, two) {
			json_t *beside = name_of(two);

			found = found || json_equal(name, beside);
			json_decref(beside);
		}
		if (!found)
			output_json_append(only, json_incref(name));
		json_decref(name);
	}
	return only;
}

static void print_value(const json_t *value, FILE *f)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

	fputs(json_is_string(value) ? json_string_value(value) : text ? text : "nothing", f);
	free(text);
}

static void print_differences(const json_t *list, FILE *f)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		char *line = NULL;
		size_t size;
		FILE *text = open_memstream(&line, &size);

		if (!text)
			continue;
		fprintf(text, "%s was ", json_string_value(json_object_get(one, "what")));
		print_value(json_object_get(one, "before"), text);
		fputs(", is ", text);
		print_value(json_object_get(one, "now"), text);
		if (!fclose(text))
			output_wrap("differs: ", line, f);
		free(line);
	}
}

static void print_only(const char *lead, const json_t *list, FILE *f)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		char line[160];
		size_t used = 0;
		const char *key;
		json_t *value;

		json_object_foreach((json_t *)one, key, value)
			if (json_string_length(value) && used < sizeof(line))
				used += snprintf(line + used, sizeof(line) - used, "%s%s",
						 used ? " " : "", json_string_value(value));
		output_wrap(lead, line, f);
	}
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

struct bench_compared bench_compare(const struct bench_baseline *old,
				    const struct bench_report *report, double threshold,
				    json_t *doc, FILE *f)
{
	static const struct table_column columns[] = {
		{"compared", TABLE_LEFT}, {"hooks", TABLE_LEFT}, {"frame", TABLE_RIGHT},
		{"before", TABLE_RIGHT},  {"now", TABLE_RIGHT},	 {"change", TABLE_RIGHT},
		{"says", TABLE_LEFT}};
	struct table *table = table_new(columns, 7);
	json_t *before = json_object_get(old->doc, "results"),
	       *now = json_object_get(doc, "results");
	json_t *list = json_array(), *differences = find_differences(old->doc, doc);
	json_t *only_before = find_only(before, now), *only_now = find_only(now, before);
	struct bench_compared compared = {0};

	for (size_t i = 0; i < report->n; i++) {
		const json_t *was = find(old, &report->list[i]);
		struct bench_change change;

		if (!was)
			continue;
		compared.n++;
		change = change_of(was, &report->list[i], threshold);
		compared.worse += change.worse && change.past && change.apart;
		add_row(table, &report->list[i], &change);
		output_json_append(list, change_to_json(&report->list[i], &change));
	}
	if (f) {
		fprintf(f, "\nBeside %s, %g %% allowed:\n", old->path, threshold);
		print_differences(differences, f);
		table_print(table, f);
		print_only("only before: ", only_before, f);
		print_only("only now:    ", only_now, f);
	}
	table_free(table);
	output_json_set(doc, "changes", list);
	output_json_set(doc, "differs", differences);
	output_json_set(doc, "only_before", only_before);
	output_json_set(doc, "only_now", only_now);
	return compared;
}
