// SPDX-License-Identifier: GPL-2.0-only
/* trip_options.c - what ping, traceroute and why share: FROM TO. */
#include "user/cmd/trip_options.h"

int take_family(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		void *target, struct err *err)
{
	struct trip *trip = target;

	(void)cmd, (void)value, (void)err;
	trip->both |= trip->family && trip->family != option->constant;
	trip->family = option->constant;
	return 0;
}

int trip_operands(const struct cmd *cmd, struct trip *trip, const struct cmd_words *words,
		  struct err *err)
{
	if (trip->both)
		return cmd_usage(err, cmd, "-4 or -6: not both");
	if (words->argc != 2)
		return cmd_usage(err, cmd, "from which node, to where?");
	trip->from_word = words->argv[0];
	trip->to_word = words->argv[1];
	return 0;
}
