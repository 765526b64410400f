// SPDX-License-Identifier: GPL-2.0-only
/* exec.c - vethlab exec: a command inside a node. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
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

int cmd_exec(int argc, char **argv, struct err *err)
{
	struct running *run = NULL;
	struct cmd_args args;
	struct node *node;
	int fd, ret = cmd_parse(&args, argc, argv, true, err);

	if (ret)
		return ret;
	if (args.argc && args.argc < 2)
		return cmd_usage(err, "exec", "which command?");
	if (!args.argc)
		return cmd_usage(err, "exec", "in which node?");
	if (lab_open(&run, args.lab, err))
		return err->code;
	node = cmd_find_node(run, args.argv[0], err);
	fd = node ? running_open_netns(run, node, err) : -1;
	running_free(run);
	if (fd < 0)
		return err->code;
	return become(fd, args.argv + 1, err);
}
