// SPDX-License-Identifier: GPL-2.0-only
/* shell.c - vethlab shell: a shell inside a node. */
#include <stdlib.h>

#include "user/cmd/node_command.h"

static int shell_main(int argc, char **argv, struct err *err)
{
	char *shell = getenv("SHELL"), fallback[] = "/bin/sh";
	char *command[] = {shell && *shell ? shell : fallback, NULL};
	struct cmd_args args;
	int fd, ret = cmd_parse(&cmd_shell, &args, argc, argv, err);

	if (ret)
		return ret;
	if (args.argc != 1)
		return cmd_usage(err, &cmd_shell, "in which node?");
	fd = node_open(&args, err);
	if (fd < 0)
		return err->code;
	setenv("VETHLAB_NODE", args.argv[0], 1); /* for a prompt that says where one is */
	return node_become(fd, command, err);
}

static const struct cmd_operand operands[] = {
	{"NODE", .kind = VALUE_NODE, .text = "the node", .row = NO_ROW},
	OPERANDS_END,
};

static const struct cmd_option options[] = {
	OPTION_LAB(struct cmd_args, .early = true),
	OPTION_JSON(struct cmd_args, .hidden = true),
	OPTIONS_END,
};

const struct cmd cmd_shell = {
	.name = "shell",
	.summary = "a shell inside a node",
	.operands = operands,
	.options = options,
	.notes = "$SHELL, with VETHLAB_NODE set for its prompt. `exit` leaves it.\n",
	.run = shell_main,
};
