// SPDX-License-Identifier: GPL-2.0-only
/* node_command.c - a command inside a node, for exec and shell: see node_command.h. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/node_command.h"
#include "user/net/net.h"

enum { EXIT_NOT_RUNNABLE = 126, EXIT_NOT_FOUND = 127 }; /* as the shell has them */

int node_become(int netns_fd, char **command, struct err *err)
{
	int ret;

	if (setns(netns_fd, CLONE_NEWNET)) {
		err_set(err, err_code_of(errno), errno, "cannot enter the network namespace: %s",
			strerror(errno));
		return err->code;
	}
	ret = netns_mount_sysfs();
	if (ret) {
		err_set(err, err_code_of(-ret), -ret,
			"cannot mount a /sys of the network namespace: %s", strerror(-ret));
		return err->code;
	}
	signal(SIGPIPE, SIG_DFL); /* main() ignores it */
	execvp(command[0], command);
	err_set(err, ERR_FAILED, errno, "cannot run %s: %s", command[0], strerror(errno));
	return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_RUNNABLE;
}

int node_open(const struct cmd_args *args, struct err *err)
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
