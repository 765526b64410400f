/* SPDX-License-Identifier: GPL-2.0-only */
/* node_command.h - a command inside a node, for exec and shell. */
#ifndef VETHLAB_USER_CMD_NODE_COMMAND_H
#define VETHLAB_USER_CMD_NODE_COMMAND_H

#include "user/cmd/cmd.h"

/*
 * Open the network namespace of the node that the first operand names, in the lab that args say.
 * Returns a descriptor, which the caller closes, or -1 with err set.
 */
int node_open(const struct cmd_args *args, struct err *err);

/*
 * Replace this process by a command in that namespace, so that signals, the terminal and the exit
 * status are the command's own. Only the network namespace is entered: the command keeps this file
 * system, and with it /sys/fs/bpf (ip-netns-exec mounts a fresh /sys). Returns only on an error:
 * the exit status, with err set.
 */
int node_become(int netns_fd, char **command, struct err *err);

#endif
