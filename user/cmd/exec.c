// SPDX-License-Identifier: GPL-2.0-only
/* exec.c - vethlab exec: run a command inside a node. */
#include "user/cmd/node_command.h"

/* -l LAB, or `--`, may stand behind the node, too. What is left is the command. */
static int parse_behind_node(struct cmd_args *args, char **argv, char ***command, struct err *err)
{
	char *verb = argv[0], *node = args->argv[0];
	struct cmd_args behind;
	int ret;

	args->argv[0] = verb; /* what errors call it */
	ret = cmd_parse(&cmd_exec, &behind, args->argc, args->argv, err);
	args->argv[0] = node;
	if (ret)
		return ret;
	if (behind.lab)
		args->lab = behind.lab;
	*command = behind.argv;
	return behind.argc ? 0 : cmd_usage(err, &cmd_exec, "which command?");
}

static int exec_main(int argc, char **argv, struct err *err)
{
	char **command = NULL;
	struct cmd_args args;
	int fd, ret = cmd_parse(&cmd_exec, &args, argc, argv, err);

	if (ret)
		return ret;
	if (!args.argc)
		return cmd_usage(err, &cmd_exec, "in which node?");
	ret = parse_behind_node(&args, argv, &command, err);
	if (ret)
		return ret;
	fd = node_open(&args, err);
	return fd < 0 ? (int)err->code : node_become(fd, command, err);
}

static const struct cmd_operand operands[] = {
	{"NODE", .kind = VALUE_NODE, .text = "the node", .row = NO_ROW},
	{"COMMAND", .kind = VALUE_COMMAND, .text = "the program, found in PATH", .row = NO_ROW},
	{"ARGUMENTS", .kind = VALUE_COMMAND, .optional = true, .text = "its arguments",
	 .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .early = true),
	OPTION_JSON(struct cmd_args, .hidden = true),
	OPTIONS_END,
};

const struct cmd cmd_exec = {
	.name = "exec",
	.summary = "run a command inside a node",
	.operands = operands,
	.options = options,
	.stops = true,
	.notes = "The exit status is the command's.\n",
	.examples = "vethlab exec blue ip address\n",
	.run = exec_main,
};
