// SPDX-License-Identifier: GPL-2.0-only
/* verbs.c - the list of all verbs. */
#include <string.h>

#include "topology/model.h"
#include "user/cmd/cmd.h"

const struct cmd *const cmds[] = {
	/* build */
	&cmd_labs, &cmd_check, &cmd_generate, &cmd_up, &cmd_down, &cmd_plan, &cmd_apply, &cmd_reset,
	&cmd_link, &cmd_route, &cmd_exec, &cmd_shell, &cmd_gc, &cmd_doctor, &cmd_completion,
	/* look */
	&cmd_ls, &cmd_show, &cmd_graph, &cmd_trace, &cmd_record, &cmd_replay, &cmd_flows, &cmd_flow,
	&cmd_capture, &cmd_observe,
	/* explain */
	&cmd_ping, &cmd_traceroute, &cmd_why, &cmd_diff,
	/* measure */
	&cmd_stats, &cmd_bench, NULL};

const struct cmd_group cmd_groups[] = {
	{&cmd_labs, "build and change a lab"},
	{&cmd_ls, "look at it"},
	{&cmd_ping, "explain what a packet does"},
	{&cmd_stats, "measure"},
	{NULL, NULL},
};

const struct cmd *cmd_find(const char *name)
{
	for (const struct cmd *const *cmd = cmds; *cmd; cmd++)
		if (!strcmp((*cmd)->name, name))
			return *cmd;
	return NULL;
}

int cmd_unknown(const char *typed, struct err *err)
{
	const char *names[sizeof(cmds) / sizeof(*cmds)], *near;
	size_t n = 0;

	for (const struct cmd *const *cmd = cmds; *cmd; cmd++)
		names[n++] = (*cmd)->name;
	near = nearest_name(typed, names, n);
	if (*typed == '-') {
		err_set(err, ERR_USAGE, 0, "%s is no verb: an option needs one behind it", typed);
		err_hint(err, "vethlab VERB [ARGUMENTS]; `vethlab help` lists the verbs");
		return ERR_USAGE;
	}
	err_set(err, ERR_USAGE, 0, "there is no verb '%s'", typed);
	if (near)
		err_hint(err, "did you mean '%s'? `vethlab help` lists the verbs", near);
	else
		err_hint(err, "`vethlab help` lists the verbs");
	return ERR_USAGE;
}
