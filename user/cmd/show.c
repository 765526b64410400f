// SPDX-License-Identifier: GPL-2.0-only
/* show.c - vethlab show: one running lab, as the kernel has it now. */
#include <errno.h>

#include "user/base/cleanup.h"
#include "user/cmd/cmd.h"
#include "user/lab/end_state.h"
#include "user/output/output.h"
#include "user/render/show_text.h"

struct show_args {
	const char *lab; /* NULL: not said */
	bool json, verbose;
};

static int parse(struct show_args *args, int argc, char **argv, struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(&cmd_show, args, argc, argv, &words, err);

	if (ret)
		return ret;
	if (words.argc > 1 || (words.argc && args->lab))
		return cmd_usage(err, &cmd_show, "one lab at a time");
	if (words.argc)
		args->lab = words.argv[0];
	return 0;
}

/* What is left of the programs on its ends; *hooks stays NULL if maps are not pinned. */
static int read_hooks(struct end_hooks **hooks, const struct running *run, struct err *err)
{
	struct watch *watch = NULL;
	int ret = running_open_watch(&watch, run, err);

	if (ret == -ENOENT)
		err_clear(err);
	if (ret)
		return ret == -ENOENT ? 0 : ret;
	ret = end_hooks_read(hooks, run, watch, err);
	watch_close(watch);
	return ret;
}

static int show_main(int argc, char **argv, struct err *err)
{
	struct devconf_settings *inherited = NULL;
	cleanup_free struct end_hooks *hooks = NULL;
	struct end_status *ends = NULL;
	cleanup_running struct running *run = NULL;
	struct show_args args = {0};
	int ret = parse(&args, argc, argv, err);

	if (ret)
		return ret;
	if (lab_open(&run, args.lab, err) || end_status_read(&ends, run, err))
		return err->code;
	ret = running_inherited(&inherited, run, err);
	if (!ret)
		ret = read_hooks(&hooks, run, err);
	if (!ret && args.json)
		output_json_print(running_json(run, ends, inherited, hooks), stdout);
	else if (!ret)
		running_print(run, ends, inherited, hooks, args.verbose, stdout);
	running_settings_free(inherited, run);
	end_status_free(ends, run);
	return ret ? (int)err->code : 0;
}

static const struct cmd_operand operands[] = {
	{"LAB", .kind = VALUE_LAB, .optional = true, .text = "a lab that runs", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	{"verbose", 'v', .text = "also inodes, ifindexes and MAC addresses", .usage = "-v",
	 INTO_BOOL(struct show_args, verbose)},
	OPTION_LAB(struct show_args, .hidden = true),
	OPTION_JSON(struct show_args),
	OPTIONS_END,
};

const struct cmd cmd_show = {
	.name = "show",
	.summary = "show a running lab: nodes, ends, state, addresses",
	.operands = operands,
	.options = options,
	.run = show_main,
};
