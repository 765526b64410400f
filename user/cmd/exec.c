// SPDX-License-Identifier: GPL-2.0-only
/* exec.c - vethlab exec and shell: a command inside a node. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/cmd.h"

enum { EXIT_NOT_RUNNABLE = 126, EXIT_NOT_FOUND = 127 }; /* as the shell has them */

/*
 * This process becomes the command, so that signals, the terminal and the exit status are the
 * command's own. Only the network namespace is entered: the command keeps this file system, and
 * with it /sys/fs/bpf (ip-netns-exec mounts a fresh /sys).
 */
static int become(int netns_fd, char **command, struct err *err)
{
	if (setns(netns_fd, CLONE_NEWNET)) {
		err_set(err, errno == EPERM ? ERR_PRIVILEGE : ERR_SYSTEM, errno,
			"cannot enter the network namespace: %s", strerror(errno));
		return err->code;
	}
	execvp(command[0], command);
	err_set(err, ERR_FAILED, errno, "cannot run %s: %s", command[0], strerror(errno));
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
}

/* Open the namespace of the node that the first operand names. Returns a descriptor or -1. */
static int open_node(const struct cmd_args *args, struct err *err)
{
	struct running *run = NULL;
	struct node *node;
	int fd;

	if (lab_open(&run, args->lab, err))
		return -1;
	node = running_find_node(run, args->argv[0], err);
	fd = node ? running_open_netns(run, node, err) : -1;
	running_free(run);
	return fd;
}

/* -l LAB, or `--`, may stand behind the node, too. What is left is the command. */
static int parse_behind_node(struct cmd_args *args, char **argv, char ***command, struct err *err)
{
	char *verb = argv[0], *node = args->argv[0];
	struct cmd_args behind;
	int ret;

	args->argv[0] = verb; /* what errors call it */
	ret = cmd_parse(&behind, args->argc, args->argv, true, err);
	args->argv[0] = node;
	if (ret)
		return ret;
	if (behind.lab)
		args->lab = behind.lab;
	*command = behind.argv;
	return behind.argc ? 0 : cmd_usage(err, verb, "which command?");
}

int cmd_exec(int argc, char **argv, struct err *err)
{
	struct cmd_args args;
	char **command = NULL;
	int fd, ret = cmd_parse(&args, argc, argv, true, err);

	if (!ret && !args.argc)
		ret = cmd_usage(err, "exec", "in which node?");
	if (!ret)
		ret = parse_behind_node(&args, argv, &command, err);
	if (ret)
		return ret;
	fd = open_node(&args, err);
	return fd < 0 ? (int)err->code : become(fd, command, err);
}

int cmd_shell(int argc, char **argv, struct err *err)
{
	char *shell = getenv("SHELL"), fallback[] = "/bin/sh";
	char *command[] = {shell && *shell ? shell : fallback, NULL};
	struct cmd_args args;
	int fd, ret = cmd_parse(&args, argc, argv, false, err);

	if (ret)
		return ret;
	if (args.argc != 1)
		return cmd_usage(err, "shell", "in which node?");
	fd = open_node(&args, err);
	if (fd < 0)
		return err->code;
	setenv("VETHLAB_NODE", args.argv[0], 1); /* for a prompt that says where one is */
	return become(fd, command, err);
}
