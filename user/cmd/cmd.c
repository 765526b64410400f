// SPDX-License-Identifier: GPL-2.0-only
/* cmd.c - what the verbs share: usage errors, signals, finding a lab file. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "user/cmd/cmd.h"

#ifndef VETHLAB_LABS
#define VETHLAB_LABS "/usr/local/share/vethlab/labs"
#endif

volatile int cmd_interrupted;

static void on_signal(int sig)
{
	cmd_interrupted = sig;
}

void cmd_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal }; /* no SA_RESTART: waits end */

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

int cmd_usage(struct err *err, const char *verb, const char *fmt, ...)
{
	char what[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	err_set(err, ERR_USAGE, 0, "%s: %s", verb, what);
	for (const struct cmd *cmd = cmds; cmd->name; cmd++)
		if (!strcmp(cmd->name, verb))
			err_hint(err, "usage: vethlab %s %s", verb, cmd->usage);
	return ERR_USAGE;
}

/* Folder of the running program, without the last slash; "" if /proc does not tell. */
static void program_dir(char *dir, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", dir, size - 1);
	char *slash;

	dir[n > 0 ? n : 0] = '\0';
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
}

int cmd_lab_path(const char *typed, char *path, size_t size, struct err *err)
{
	char dir[PATH_MAX];
	const char *problem;

	/* A path is what looks like one, so that a file called blue does not hide the lab. */
	if (strchr(typed, '/') || strstr(typed, ".yaml") || strstr(typed, ".yml")) {
		if (snprintf(path, size, "%s", typed) >= (int)size)
			return err_set(err, ERR_USAGE, ENAMETOOLONG, "%s: the path is too long",
				       typed);
		return 0;
	}
	problem = lab_name_problem(typed);
	if (problem)
		return err_set(err, ERR_USAGE, EINVAL, "lab name '%s': %s", typed, problem);
	/* Bundled: beside a build tree's program, else where `make install` put them. */
	program_dir(dir, sizeof(dir));
	if (snprintf(path, size, "%s/../topology/labs/%s.yaml", dir, typed) < (int)size &&
	    !access(path, R_OK))
		return 0;
	if (snprintf(path, size, "%s/../share/vethlab/labs/%s.yaml", dir, typed) < (int)size &&
	    !access(path, R_OK))
		return 0;
	if (snprintf(path, size, "%s/%s.yaml", VETHLAB_LABS, typed) < (int)size &&
	    !access(path, R_OK))
		return 0;
	err_set(err, ERR_LABFILE, ENOENT, "there is no bundled lab '%s'", typed);
	err_hint(err, "a lab file is named by its path: ./%s.yaml", typed);
	return -ENOENT;
}
