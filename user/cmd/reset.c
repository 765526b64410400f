// SPDX-License-Identifier: GPL-2.0-only
/* reset.c - vethlab reset: what was changed by hand is as in the lab file again. */
#include <errno.h>

#include "user/base/cleanup.h"
#include "user/base/interrupt.h"
#include "user/cmd/change_file.h"

struct reset_args {
	struct change_args change;
	bool dry_run;
};

/* One word is a lab, or else a node of the only lab that runs. Sets *node, NULL: all of them. */
static int open_by_word(struct running **run, const char *word, const char **node, struct err *err)
{
	struct err no_lab = {0};
	int ret = lab_open(run, word, &no_lab);

	if (ret != -ENOENT) {
		if (ret && err)
			*err = no_lab;
		return ret;
	}
	if (!lab_open(run, NULL, NULL) && lab_find_node((*run)->lab, word)) {
		*node = word;
		return 0;
	}
	cmd_no_lab(word, err);
	return -ENOENT;
}

static int open_meant(struct running **run, const struct cmd_args *args, const char **node,
		      struct err *err)
{
	int ret;

	if (args->argc == 1 && !args->lab)
		return open_by_word(run, args->argv[0], node, err);
	ret = lab_open(run, args->argc == 2 ? args->argv[0] : args->lab, err);
	if (ret)
		return ret;
	if (args->argc)
		*node = args->argv[args->argc - 1];
	return *node && !running_find_node(*run, *node, err) ? -ENOENT : 0;
}

static int reset(const struct reset_args *args, const struct change_options *options,
		 struct err *err)
{
	bool json = args->change.common.json;
	struct notes notes = {cmd_note, NULL};
	struct change_plan plan = {0};
	int ret;

	if (args->dry_run) {
		ret = lab_plan(&plan, options, NULL, err);
		if (!ret)
			change_file_print(&plan, false, json, NULL);
		change_plan_free(&plan);
		return ret;
	}
	interrupt_catch_signals();
	if (json)
		notes.arg = json_array();
	ret = lab_apply(&plan, options, NULL, &notes, &interrupt_requested, err);
	if (!ret) {
		change_file_print(&plan, true, json, json_incref(notes.arg));
		ret = change_file_finish(plan.was->name, err);
	}
	json_decref(notes.arg);
	change_plan_free(&plan);
	return ret;
}

static int reset_main(int argc, char **argv, struct err *err)
{
	struct reset_args args = {0};
	struct change_options options = {0};
	cleanup_running struct running *run = NULL;
	int ret = cmd_parse(&cmd_reset, &args.change.common, argc, argv, err);

	if (ret)
		return ret;
	if (args.change.common.argc > (args.change.common.lab ? 1 : 2))
		return cmd_usage(err, &cmd_reset, "one lab, and one node of it at most");
	ret = open_meant(&run, &args.change.common, &options.node, err);
	if (ret)
		return err->code;
	options.name = run->name;
	options.keep_foreign = args.change.keep_foreign;
	ret = reset(&args, &options, err);
	return ret ? (int)err->code : 0;
}

static const struct cmd_operand operands[] = {
	{"LAB", .kind = VALUE_LAB, .optional = true, .text = "a lab that runs", .row = NO_ROW},
	{"NODE", .kind = VALUE_NODE, .optional = true, .text = "only this node of it",
	 .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_KEEP_FOREIGN,
	{"dry-run", 'n', .text = "only say what would be changed",
	 INTO_BOOL(struct reset_args, dry_run)},
	OPTION_LAB(struct cmd_args, .hidden = true),
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_reset = {
	.name = "reset",
	.summary = "bring a lab, or one node, back to its lab file",
	.operands = operands,
	.options = options,
	.notes =
		"Compared with the kernel and mended: which ends are up, MTUs, addresses, "
		"routes,\nstatic neighbors, forwarding and the sysctls of the file. What was added "
		"goes.\nCounters go on. One word is a lab, or else a node of the only lab.\n",
	.examples = "vethlab reset blue\n"
		    "vethlab reset blue middle\n",
	.run = reset_main,
};
