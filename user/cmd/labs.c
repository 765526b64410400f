// SPDX-License-Identifier: GPL-2.0-only
/* labs.c - vethlab labs: the bundled labs, and what to look at in each. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/base/cleanup.h"
#include "user/cmd/cmd.h"
#include "user/cmd/lesson.h"
#include "user/output/output.h"

/* Read a bundled lab; NULL: it has errors, which are told. */
static struct lab *read_lab(const char *name, struct err *err)
{
	struct diags diags = {0};
	char path[PATH_MAX];
	struct lab *lab;

	if (cmd_lab_path(name, path, sizeof(path), err))
		return NULL;
	lab = lab_read_file(path, &diags);
	if (!lab) {
		output_diags(&diags, stderr);
		err_set(err, ERR_INPUT, 0, "%s has errors", path);
	}
	diags_free(&diags);
	return lab;
}

static json_t *json_lab(const char *name, const struct lab *lab)
{
	json_t *one = output_json_pack("{s:o, s:o}", "lab", output_json_text(name), "file",
				       output_json_text(lab->path));

	output_json_set(one, "about", lab->about ? output_json_text(lab->about) : json_null());
	return one;
}

static int list(bool json, struct err *err)
{
	static const struct table_column columns[] = {{"lab", TABLE_LEFT}, {"about", TABLE_LEFT}};
	struct table *table = table_new(columns, 2);
	json_t *labs = json_array();
	char **names;
	size_t n;
	int ret = cmd_bundled_list(&names, &n, err);

	for (size_t i = 0; !ret && i < n; i++) {
		struct lab *lab = read_lab(names[i], err);

		if (!lab) {
			ret = -err->error;
			break;
		}
		table_cell(table, "%s", names[i]);
		table_cell(table, "%s", lab->about ?: "");
		output_json_append(labs, json_lab(names[i], lab));
		lab_free(lab);
	}
	if (!err->code && json) {
		json_t *doc = output_json_document("vethlab.labs/1");

		output_json_set(doc, "labs", json_incref(labs));
		output_json_print(doc, stdout);
	} else if (!err->code) {
		table_print(table, stdout);
		printf("\n`vethlab labs NAME` tells what to look at, `vethlab up NAME` builds "
		       "it.\n");
	}
	json_decref(labs);
	table_free(table);
	cmd_bundled_free(names, n);
	return err->code;
}

static int show(const char *name, bool json, struct err *err)
{
	struct lab *lab;
	cleanup_free char *look = NULL;
	char try[LESSON_TRY_SIZE];

	if (!cmd_is_lab_name(name))
		return cmd_usage(err, &cmd_labs, "'%s' is not the name of a bundled lab", name);
	lab = read_lab(name, err);
	if (!lab)
		return err->code;
	look = lesson_look_at(lab->text);
	if (json) {
		json_t *doc = output_json_document("vethlab.labs/1"), *one = json_lab(name, lab);

		output_json_set(one, "look_at", look ? output_json_text(look) : json_null());
		output_json_set(one, "try",
				lesson_first_try(lab->text, NULL, try) ? output_json_text(try)
								       : json_null());
		output_json_set(doc, "labs", output_json_pack("[o]", one));
		output_json_print(doc, stdout);
	} else {
		output_print(stdout, "%s: %s\n", name, lab->about ?: "");
		if (look)
			printf("\n%s", look);
		printf("\n`vethlab up %s` builds it, `vethlab graph %s` draws it.\n", name, name);
	}
	lab_free(lab);
	return 0;
}

static int labs_main(int argc, char **argv, struct err *err)
{
	struct cmd_args args;
	int ret = cmd_parse(&cmd_labs, &args, argc, argv, err);

	if (ret)
		return ret;
	if (args.lab)
		return cmd_usage(err, &cmd_labs,
				 "it is about bundled labs; `vethlab ls` lists what runs");
	if (args.argc > 1)
		return cmd_usage(err, &cmd_labs, "one lab at a time");
	return args.argc ? show(args.argv[0], args.json, err) : list(args.json, err);
}

static const struct cmd_operand operands[] = {
	{"NAME", .kind = VALUE_BUNDLED, .optional = true, .text = "what to look at in this one",
	 .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .hidden = true),
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_labs = {
	.name = "labs",
	.summary = "the bundled labs, and what to look at in each",
	.operands = operands,
	.options = options,
	.run = labs_main,
};
