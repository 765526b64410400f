// SPDX-License-Identifier: GPL-2.0-only
/* check.c - vethlab check: everything that is wrong with lab files, touching nothing. */
#include <limits.h>
#include <stdio.h>

#include "topology/bundled_labs.h"
#include "user/base/confine.h"
#include "user/cmd/cmd.h"
#include "user/output/output.h"

struct check_args {
	const char *lab; /* -l */
	bool json, verbose, schema;
};

static json_t *json_finding(const struct diag *diag)
{
	json_t *finding = output_json_pack("{s:s, s:i, s:i, s:o}", "severity",
					   diag->severity == SEVERITY_ERROR ? "error" : "warning",
					   "line", diag->where.line, "column", diag->where.column,
					   "what", output_json_text(diag->what));

	if (diag->hint)
		output_json_set(finding, "hint", output_json_text(diag->hint));
	if (diag->name)
		output_json_set(finding, "name", output_json_text(diag->name));
	if (diag->severity == SEVERITY_ALLOWED)
		output_json_set(finding, "reason", output_json_text(diag->reason));
	return finding;
}

static json_t *json_file(const char *path, const struct lab *lab, const struct diags *diags)
{
	json_t *file =
		output_json_pack("{s:o, s:b}", "file", output_json_text(path), "good", lab != NULL);
	json_t *findings = json_array(), *allowed = json_array();

	if (lab) {
		output_json_set(file, "lab", output_json_text(lab->name));
		output_json_set(file, "nodes", json_integer(lab->n_nodes));
		output_json_set(file, "links", json_integer(lab->n_links));
	}
	for (size_t i = 0; i < diags->count; i++)
		output_json_append(diags->list[i].severity == SEVERITY_ALLOWED ? allowed : findings,
				   json_finding(&diags->list[i]));
	output_json_set(file, "findings", findings);
	output_json_set(file, "allowed", allowed);
	return file;
}

/* Check one file. Text goes out at once, JSON into files. Returns whether it is good. */
static bool check_file(const char *path, bool verbose, json_t *files)
{
	struct diags diags = {0};
	struct lab *lab = lab_read_file(path, &diags);
	bool good = lab;

	if (files)
		output_json_append(files, json_file(path, lab, &diags));
	else
		output_diags(&diags, stdout);
	if (!files && verbose)
		output_allowed(&diags, stdout);
	if (!files && lab)
		printf("%s: %s can be built: %zu node%s, %zu link%s\n", path, lab->name,
		       lab->n_nodes, lab->n_nodes == 1 ? "" : "s", lab->n_links,
		       lab->n_links == 1 ? "" : "s");
	diags_free(&diags);
	lab_free(lab);
	return good;
}

static int check_main(int argc, char **argv, struct err *err)
{
	json_t *files = NULL, *document;
	char path[PATH_MAX];
	struct check_args args = {0};
	struct cmd_words words;
	int ret = options_parse(&cmd_check, &args, argc, argv, &words, err);

	if (ret)
		return ret;
	if (args.lab)
		return cmd_usage(err, &cmd_check, "it reads files, not running labs");
	if (args.schema && words.argc)
		return cmd_usage(err, &cmd_check, "--schema reads no file");
	if (args.schema)
		return fputs(bundled_schema, stdout) < 0 ? ERR_SYSTEM : 0;
	if (!words.argc)
		return cmd_usage(err, &cmd_check, "which lab file?");
	confine_to_reading();
	if (args.json)
		files = json_array();
	for (int i = 0; i < words.argc; i++) {
		if (cmd_lab_path(words.argv[i], path, sizeof(path), err)) {
			json_decref(files);
			return err->code;
		}
		if (!check_file(path, args.verbose, files))
			ret = ERR_INPUT;
	}
	if (args.json) {
		document = output_json_document("vethlab.check/1");
		output_json_set(document, "files", files);
		output_json_print(document, stdout);
	}
	return ret;
}

static const struct cmd_operand operands[] = {
	{"FILE|NAME", .kind = VALUE_LAB_FILE | VALUE_BUNDLED, .many = true,
	 .text = "a lab file, or the name of a bundled lab", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"verbose", 'v', .show = SHOW_LETTER, .text = "also what the file allows, with the reason",
	 INTO_BOOL(struct check_args, verbose)},
	{"schema", .text = "print the JSON schema of lab files, for editors",
	 INTO_BOOL(struct check_args, schema)},
	OPTION_LAB(struct check_args, .hidden = true),
	OPTION_JSON(struct check_args),
	OPTIONS_END,
};

const struct cmd cmd_check = {
	.name = "check",
	.summary = "list everything that is wrong with a lab file",
	.operands = operands,
	.options = options,
	.notes = "Nothing is touched. The exit status is 3 if a file has errors, not for "
		 "warnings.\n",
	.run = check_main,
};
