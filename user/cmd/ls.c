// SPDX-License-Identifier: GPL-2.0-only
/* ls.c - vethlab ls: the labs of this machine. */
#include <stdio.h>
#include <time.h>

#include "user/cmd/cmd.h"
#include "user/output/output.h"

static const char *const state_words[] = {
	[LAB_RUNNING] = "running",
	[LAB_BUSY] = "changing",
	[LAB_BROKEN] = "broken",
};

static void text_row(struct table *table, const char *name, enum lab_state state,
		     const struct running *run)
{
	char when[32] = "";
	struct tm tm;
	time_t started = run ? (time_t)run->started : 0;

	if (run)
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M", localtime_r(&started, &tm));
	table_cell(table, "%s", name);
	table_cell(table, "%s", run && run->observed ? "observed" : state_words[state]);
	for (int i = 0; i < 2 && !run; i++)
		table_cell(table, "-");
	if (run) {
		table_cell(table, "%zu", run->lab->n_nodes);
		table_cell(table, "%zu", run->lab->n_links);
	}
	table_cell(table, "%s", when);
	table_cell(table, "%s",
		   run && run->observed ? "(links of others)"
		   : run		? run->lab->path
		   : state == LAB_BUSY	? "another vethlab builds or removes it"
					: "left by a crash: `vethlab down` removes it");
}

static json_t *json_row(const char *name, enum lab_state state, const struct running *run)
{
	json_t *object = output_json_pack("{s:o, s:s}", "lab", output_json_text(name), "state",
					  run && run->observed ? "observed" : state_words[state]);

	if (!run)
		return object;
	output_json_set(object, "nodes", json_integer(run->lab->n_nodes));
	output_json_set(object, "links", json_integer(run->lab->n_links));
	output_json_set(object, "started", json_integer(run->started));
	output_json_set(object, "file", output_json_text(run->lab->path));
	return object;
}

static int ls_main(int argc, char **argv, struct err *err)
{
	static const struct table_column columns[] = {
		{"lab", TABLE_LEFT},	{"state", TABLE_LEFT}, {"nodes", TABLE_RIGHT},
		{"links", TABLE_RIGHT}, {"since", TABLE_LEFT}, {"file", TABLE_LEFT},
	};
	struct table *table;
	struct cmd_args args;
	json_t *labs;
	char **names;
	size_t n;
	int ret = cmd_parse(&cmd_ls, &args, argc, argv, err);

	if (ret)
		return ret;
	if (args.argc)
		return cmd_usage(err, &cmd_ls, "unexpected '%s'", args.argv[0]);
	if (lab_list(&names, &n, err))
		return err->code;
	table = table_new(columns, 6);
	labs = json_array();
	for (size_t i = 0; i < n; i++) {
		enum lab_state state = lab_state(names[i]);
		cleanup_running struct running *run = NULL;

		/* What cannot be read is shown as what it is; the rest of the list matters too. */
		if (state == LAB_RUNNING && lab_open(&run, names[i], NULL))
			state = LAB_BROKEN;
		text_row(table, names[i], state, run);
		output_json_append(labs, json_row(names[i], state, run));
	}
	if (args.json) {
		json_t *doc = output_json_document("vethlab.ls/1");

		output_json_set(doc, "labs", json_incref(labs));
		output_json_print(doc, stdout);
	} else if (n) {
		table_print(table, stdout);
	}
	json_decref(labs);
	table_free(table);
	lab_list_free(names, n);
	return 0;
}

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .hidden = true),
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_ls = {
	.name = "ls",
	.summary = "list the labs of this machine",
	.options = options,
	.run = ls_main,
};
