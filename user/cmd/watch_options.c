// SPDX-License-Identifier: GPL-2.0-only
/* watch_options.c - the options of up and observe that say what watches an end. */
#include <stdio.h>
#include <string.h>

#include "user/cmd/cmd.h"

const struct cmd_choice hooks_choices[] = {{"in"}, {"out"}, {"none"}, {NULL}};
const struct cmd_choice xdp_choices[] = {{"off"}, {"generic"}, {"native"}, {NULL}};
const struct cmd_choice tc_choices[] = {{"auto"}, {"tcx"}, {"clsact"}, {NULL}};

/* A list of in, out, or none. */
static bool parse_hooks(const char *list, unsigned *hooks)
{
	char copy[64], *save = NULL;

	*hooks = 0;
	if (snprintf(copy, sizeof(copy), "%s", list) >= (int)sizeof(copy))
		return false;
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (!strcmp(word, "in"))
			*hooks |= HOOKS_IN;
		else if (!strcmp(word, "out"))
			*hooks |= HOOKS_OUT;
		else if (!strcmp(word, "none"))
			*hooks |= HOOKS_NONE;
		else
			return false;
	}
	return *hooks && (*hooks == HOOKS_NONE || !(*hooks & HOOKS_NONE));
}

int take_hooks(const struct cmd *cmd, const struct cmd_option *option, const char *value,
	       void *target, struct err *err)
{
	(void)option;
	return parse_hooks(value, target)
		       ? 0
		       : cmd_usage(err, cmd, "--hooks %s: not a list of in, out; or none", value);
}

int take_xdp(const struct cmd *cmd, const struct cmd_option *option, const char *value,
	     void *target, struct err *err)
{
	(void)option;
	return xdp_mode_parse(value, target)
		       ? 0
		       : cmd_usage(err, cmd, "--xdp %s: not native, generic or off", value);
}

int take_tc(const struct cmd *cmd, const struct cmd_option *option, const char *value, void *target,
	    struct err *err)
{
	(void)option;
	return tc_parse(value, target)
		       ? 0
		       : cmd_usage(err, cmd, "--tc %s: not auto, tcx or clsact", value);
}
