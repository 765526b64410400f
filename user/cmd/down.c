// SPDX-License-Identifier: GPL-2.0-only
/* down.c - vethlab down: remove a lab. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "user/cmd/cmd.h"
#include "user/output/output.h"

/* The name of the lab that the user means: said, or read from a lab file, or the only one. */
static int lab_name(const struct cmd_args *args, char *name, size_t size, struct err *err)
{
	const char *said = args->argc ? args->argv[0] : args->lab;
	struct diags diags = {0};
	struct lab *lab;
	char **names;
	size_t n;
	int ret;

	if (said && (strchr(said, '/') || strstr(said, ".yaml") || strstr(said, ".yml"))) {
		lab = lab_read_file(said, &diags);
		output_diags(&diags, stderr);
		diags_free(&diags);
		if (!lab)
			return ERR_INPUT;
		snprintf(name, size, "%s", lab->name);
		lab_free(lab);
		return 0;
	}
	if (said) {
		snprintf(name, size, "%s", said);
		return 0;
	}
	ret = lab_list(&names, &n, err);
	if (ret)
		return err->code;
	if (n == 1) {
		snprintf(name, size, "%s", names[0]);
	} else if (n) {
		err_set(err, ERR_FAILED, 0, "several labs run: %s, %s%s", names[0], names[1],
			n > 2 ? ", ..." : "");
		err_hint(err, "say which, as `vethlab ls` lists them");
	} else {
		name[0] = '\0';
	}
	lab_list_free(names, n);
	return n > 1 ? ERR_FAILED : 0;
}

static int down_main(int argc, char **argv, struct err *err)
{
	struct notes notes = {cmd_note, NULL};
	struct cmd_args args;
	char name[256];
	int ret = cmd_parse(&cmd_down, &args, argc, argv, err);

	if (ret)
		return ret;
	if (args.argc > 1 || (args.argc && args.lab))
		return cmd_usage(err, &cmd_down, "one lab at a time");
	ret = lab_name(&args, name, sizeof(name), err);
	if (ret)
		return ret;
	if (args.json)
		notes.arg = json_array();
	ret = name[0] ? lab_down(name, &notes, err) : 0;
	if (!ret && name[0])
		cmd_no_lab(name, err);
	if (err->code) {
		json_decref(notes.arg);
		return err->code;
	}
	if (args.json) {
		json_t *doc = output_json_document("vethlab.down/1");

		output_json_set(doc, "lab", name[0] ? json_string(name) : json_null());
		output_json_set(doc, "removed", json_boolean(ret));
		output_json_set(doc, "notes", notes.arg);
		output_json_print(doc, stdout);
	} else if (ret) {
		printf("%s is down\n", name);
	} else {
		printf("no lab runs; nothing was changed\n");
	}
	return 0;
}

static const struct cmd_operand operands[] = {
	{"LAB|FILE", .kind = VALUE_LAB | VALUE_LAB_FILE, .optional = true,
	 .text = "a lab that runs, or its lab file", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .hidden = true),
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_down = {
	.name = "down",
	.summary = "remove a lab and everything that it made",
	.operands = operands,
	.options = options,
	.notes = "Interfaces of others that are in its namespaces are handed back, or named as\n"
		 "processes in them are. It waits until the kernel has let go; of a lab of 100\n"
		 "nodes or more it does not, and says so. What looks at the lab until Ctrl-C\n"
		 "(trace, record, capture, ping, stats --watch) ends, with exit status 1.\n",
	.run = down_main,
};
