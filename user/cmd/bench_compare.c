// SPDX-License-Identifier: GPL-2.0-only
/* bench_compare.c - what changed since another run of `vethlab bench`. */
#include <errno.h>
#include <string.h>

#include "user/cmd/bench.h"
#include "user/out/out.h"

int bench_old_load(struct bench_old *old, const char *path, struct err *err)
{
	json_error_t error;
	const char *schema;

	old->doc = json_load_file(path, 0, &error);
	if (!old->doc) {
		err_set(err, ERR_USAGE, EINVAL, "%s:%d: %s", path, error.line < 0 ? 0 : error.line,
			error.text);
		err_hint(err, "save one with `vethlab bench --json > %s`", path);
		return -EINVAL;
	}
	schema = json_string_value(json_object_get(old->doc, "schema"));
	if (schema && !strcmp(schema, "vethlab.bench/1") &&
	    json_is_array(json_object_get(old->doc, "results")))
		return 0;
	err_set(err, ERR_USAGE, EINVAL, "%s is no document of `vethlab bench --json`", path);
	return -EINVAL;
}

void bench_old_free(struct bench_old *old)
{
	json_decref(old->doc);
	old->doc = NULL;
}

static bool is(const json_t *one, const char *key, const char *value)
{
	const char *found = json_string_value(json_object_get(one, key));

	return found && !strcmp(found, value);
}

/* The same measurement in the old document, or NULL. */
static const json_t *find(const struct bench_old *old, const struct series *series)
{
	char frame[OUT_NUMBER_SIZE], set[BENCH_SET_SIZE];
	const json_t *one;
	size_t i;

	bench_frame_text(series, frame);
	bench_set_words(series->set, set);
	json_array_foreach(json_object_get(old->doc, "results"), i, one)
		if (is(one, "what", bench_what_word(series->work.what)) &&
		    is(one, "hooks", bench_hooks_word(series->hooks)) && is(one, "frame", frame) &&
		    is(one, "set", set))
			return one;
	return NULL;
}

static double field(const json_t *one, const char *key)
{
	return json_number_value(json_object_get(one, key));
}

struct change {
	double before, percent;
	bool worse, past, apart; /* apart: the intervals of the medians do not meet */
};

static struct change change_of(const json_t *was, const struct series *series, double threshold)
{
	const struct stats *now = &series->stats;
	struct change change = {.before = field(was, "median")};

	if (change.before > 0)
		change.percent = 100 * (now->median / change.before - 1);
	change.worse = bench_what_is_time(series->work.what) ? change.percent > 0
							     : change.percent < 0;
	change.past = change.percent > threshold || change.percent < -threshold;
	change.apart = now->low > field(was, "high") || now->high < field(was, "low");
	return change;
}

static const char *verdict(const struct change *change)
{
	if (!change->past)
		return "same";
	if (!change->apart)
		return "noisy";
	return change->worse ? "worse" : "better";
}

static void add_row(struct table *table, const struct series *series, const struct change *change)
{
	char before[OUT_NUMBER_SIZE], now[OUT_NUMBER_SIZE], set[BENCH_SET_SIZE];

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

static json_t *change_to_json(const struct series *series, const struct change *change)
{
	char set[BENCH_SET_SIZE];

	return json_pack("{s:s, s:s, s:s, s:i, s:f, s:f, s:f, s:s}", "what",
			 bench_what_word(series->work.what), "hooks",
			 bench_hooks_word(series->hooks), "set",
			 bench_set_words(series->set, set), "size", series->work.size, "before",
			 change->before, "now", series->stats.median, "percent", change->percent,
			 "says", verdict(change));
}

/* A figure of another machine says nothing about this one: worth a word. */
static void tell_other_machine(const struct bench_old *old, const struct bench_report *report,
			       FILE *f)
{
	const json_t *machine = json_object_get(old->doc, "machine");
	const char *kernel = json_string_value(json_object_get(machine, "kernel"));
	const char *cpu = json_string_value(json_object_get(machine, "cpu"));

	if (kernel && strcmp(kernel, report->machine.kernel))
		fprintf(f, "before, the kernel was %s\n", kernel);
	if (cpu && strcmp(cpu, report->machine.cpu))
		fprintf(f, "before, the CPU was %s: another machine?\n", cpu);
}

size_t bench_compare(const struct bench_old *old, const struct bench_report *report, json_t *doc,
		     FILE *f)
{
	static const struct table_column columns[] = {
		{"compared", TABLE_LEFT}, {"hooks", TABLE_LEFT}, {"frame", TABLE_RIGHT},
		{"before", TABLE_RIGHT}, {"now", TABLE_RIGHT}, {"change", TABLE_RIGHT},
		{"says", TABLE_LEFT}};
	struct table *table = table_new(columns, 7);
	json_t *list = json_array();
	size_t worse = 0, found = 0;

	for (size_t i = 0; i < report->n; i++) {
		const json_t *was = find(old, &report->list[i]);
		struct change change;

		if (!was)
			continue;
		found++;
		change = change_of(was, &report->list[i], report->options->threshold);
		worse += change.worse && change.past && change.apart;
		add_row(table, &report->list[i], &change);
		json_array_append_new(list, change_to_json(&report->list[i], &change));
	}
	if (f) {
		fprintf(f, "\nBeside %s, %g %% allowed:\n", report->options->compare,
			report->options->threshold);
		tell_other_machine(old, report, f);
		if (found)
			table_print(table, f);
		else
			fputs("nothing in it was measured now\n", f);
	}
	table_free(table);
	if (doc)
		json_object_set_new(doc, "changes", json_incref(list));
	json_decref(list);
	return worse;
}
