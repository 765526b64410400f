// SPDX-License-Identifier: GPL-2.0-only
/* verbs.c - the list of all verbs. */
#include <string.h>

#include "topology/model.h"
#include "user/cmd/cmd.h"

const struct cmd *const cmds[] = {
	&cmd_up,    &cmd_down,	 &cmd_gc,	  &cmd_ls,     &cmd_show,     &cmd_observe,
	&cmd_exec,  &cmd_shell,	 &cmd_link,	  &cmd_route,  &cmd_plan,     &cmd_apply,
	&cmd_stats, &cmd_trace,	 &cmd_record,	  &cmd_replay, &cmd_diff,     &cmd_capture,
	&cmd_ping,  &cmd_doctor, &cmd_check,	  &cmd_graph,  &cmd_generate, &cmd_traceroute,
	&cmd_why,   &cmd_bench,	 &cmd_completion, NULL,
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
	err_set(err, ERR_USAGE, 0, "there is no verb '%s'", typed);
	if (near)
		err_hint(err, "did you mean '%s'? `vethlab help` lists the verbs", near);
	else
		err_hint(err, "`vethlab help` lists the verbs");
	return ERR_USAGE;
}
