// SPDX-License-Identifier: GPL-2.0-only
/* apply.c - vethlab apply: a running lab becomes what its file says now. */
#include "user/base/interrupt.h"
#include "user/cmd/change_file.h"

static int apply_main(int argc, char **argv, struct err *err)
{
	struct notes notes = {cmd_note, NULL};
	struct change_plan plan = {0};
	struct change_args args = {0};
	struct lab *lab;
	int ret = change_file_read(&cmd_apply, &args, argc, argv, &lab, err);

	if (ret)
		return ret;
	interrupt_catch_signals();
	if (args.common.json)
		notes.arg = json_array();
	ret = lab_apply(&plan, &(struct change_options){args.common.lab, args.keep_foreign}, lab,
			&notes, &interrupt_requested, err);
	if (!ret) {
		change_file_print(&plan, true, args.common.json, json_incref(notes.arg));
		ret = change_file_finish(plan.was->name, err);
	}
	json_decref(notes.arg);
	change_plan_free(&plan);
	return ret ? (int)err->code : 0;
}

static const struct cmd_operand operands[] = {
	{"FILE", .kind = VALUE_LAB_FILE | VALUE_BUNDLED,
	 .text = "the lab file, changed since the lab was built", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .early = true),
	OPTION_KEEP_FOREIGN,
	OPTION_JSON(struct cmd_args),
	OPTIONS_END,
};

const struct cmd cmd_apply = {
	.name = "apply",
	.summary = "change a running lab into what its file says now",
	.operands = operands,
	.options = options,
	.notes = "What is the same is left alone: its links keep their counters and their flows.\n"
		 "What was changed by hand is as in the file after it, as by `vethlab reset`.\n"
		 "If a step fails, everything is put back. `vethlab plan` says what would be "
		 "done.\n",
	.run = apply_main,
};
