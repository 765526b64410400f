// SPDX-License-Identifier: GPL-2.0-only
/* plan.c - vethlab plan: what apply would change. */
#include "user/cmd/change_file.h"

static int plan_main(int argc, char **argv, struct err *err)
{
	struct change_plan plan = {0};
	struct change_args args = {0};
	struct lab *lab;
	int ret = change_file_read(&cmd_plan, &args, argc, argv, &lab, err);

	if (ret)
		return ret;
	ret = lab_plan(&plan, &(struct change_options){args.common.lab, args.keep_foreign}, lab,
		       err);
	if (!ret)
		change_file_print(&plan, false, args.common.json, NULL);
	change_plan_free(&plan);
	return ret ? (int)err->code : 0;
}

static const struct cmd_operand operands[] = {
	{"FILE", .kind = VALUE_LAB_FILE | VALUE_BUNDLED,
	 .text = "the lab file, changed since the lab was built"},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"lab", 'l', .show = SHOW_LETTER, .group = OPTIONS_COMMON, .early = true, .value = "LAB",
	 .kind = VALUE_LAB, .text = "a lab that runs by another name (up --as)",
	 INTO_TEXT(struct cmd_args, lab)},
	OPTION_KEEP_FOREIGN,
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_plan = {
	.name = "plan",
	.summary = "say what apply would change, and which traffic that disturbs",
	.operands = operands,
	.options = options,
	.notes = "What was changed by hand is told too, as root.\n",
	.run = plan_main,
};
