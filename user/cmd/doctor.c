// SPDX-License-Identifier: GPL-2.0-only
/* doctor.c - vethlab doctor: what this machine can do for a lab, and what to do where it cannot. */
#include <stdio.h>

#include "user/cmd/cmd.h"
#include "user/lab/machine_features.h"
#include "user/output/output.h"

static const char *state_word(const struct feature *feature)
{
	return feature->there ? "yes" : feature->need == FEATURE_NEEDED ? "NO" : "no";
}

static void print_text(const struct feature *features, size_t n)
{
	static const struct table_column columns[] = {
		{NULL, TABLE_LEFT}, {NULL, TABLE_LEFT}, {NULL, TABLE_LEFT}};
	struct table *table = table_new(columns, 3);

	for (size_t i = 0; i < n; i++) {
		table_cell(table, "%s", features[i].name);
		table_cell(table, "%s", state_word(&features[i]));
		table_cell(table, "%s", features[i].found);
		if (features[i].there)
			continue;
		table_cell(table, "%s", "");
		table_cell(table, "%s", "");
		table_cell(table, "-> %s", features[i].without);
	}
	table_print(table, stdout);
	table_free(table);
}

static void print_json(const struct feature *features, size_t n)
{
	json_t *doc = output_json_document("vethlab.doctor/1"), *list = json_array();

	for (size_t i = 0; i < n; i++) {
		json_t *one =
			output_json_pack("{s:s, s:b, s:b, s:s}", "name", features[i].name, "needed",
					 features[i].need == FEATURE_NEEDED, "there",
					 features[i].there, "found", features[i].found);

		if (!features[i].there)
			output_json_set(one, "without", output_json_text(features[i].without));
		output_json_append(list, one);
	}
	output_json_set(doc, "features", list);
	output_json_print(doc, stdout);
}

static int doctor_main(int argc, char **argv, struct err *err)
{
	struct feature features[FEATURES_MAX];
	struct cmd_args args;
	size_t n, missing = 0;
	int ret = cmd_parse(&cmd_doctor, &args, argc, argv, err);

	if (ret)
		return ret;
	if (args.argc)
		return cmd_usage(err, &cmd_doctor, "unexpected '%s'", args.argv[0]);
	n = features_probe(features);
	for (size_t i = 0; i < n; i++)
		missing += !features[i].there && features[i].need == FEATURE_NEEDED;
	if (args.json)
		print_json(features, n);
	else
		print_text(features, n);
	return missing ? ERR_PRIVILEGE : 0;
}

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .hidden = true),
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_doctor = {
	.name = "doctor",
	.summary = "what this machine can do for a lab",
	.options = options,
	.notes = "Exit status 4 if something is missing that every lab needs.\n",
	.run = doctor_main,
};
