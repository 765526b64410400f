// SPDX-License-Identifier: GPL-2.0-only
/* record_args.c - the options that trace, record, replay and diff share. */
#include "user/cmd/record_args.h"

const struct cmd_choice filter_choices[] = {
	{"node", "N", VALUE_NODE, NULL},
	{"end", "N:I", VALUE_END, NULL},
	{"link", "N:I", VALUE_LINK, NULL},
	{"addr", "A[/L]", VALUE_ADDRESS | VALUE_PREFIX, NULL},
	{"src", "A", VALUE_ADDRESS | VALUE_PREFIX, NULL},
	{"dst", "A", VALUE_ADDRESS | VALUE_PREFIX, NULL},
	{"type", "T[,T]", VALUE_LIST, NULL},
	{"id", "N", VALUE_NUMBER, NULL},
	{"seq", "N", VALUE_NUMBER, NULL},
	{"proto", "N", VALUE_NUMBER, NULL},
	{"port", "N", VALUE_NUMBER, NULL},
	{"sport", "N", VALUE_NUMBER, NULL},
	{"dport", "N", VALUE_NUMBER, NULL},
	{"flags", "F[,F]", VALUE_LIST, NULL},
	{"vlan", "N", VALUE_NUMBER, NULL},
	{"slower-than", "TIME", VALUE_DURATION, NULL},
	{"v4", NULL, VALUE_NONE, NULL},
	{"v6", NULL, VALUE_NONE, NULL},
	{"any", NULL, VALUE_NONE, NULL},
	{"tcp", NULL, VALUE_NONE, NULL},
	{"udp", NULL, VALUE_NONE, NULL},
	{"icmp", NULL, VALUE_NONE, NULL},
	{"arp", NULL, VALUE_NONE, NULL},
	{"sctp", NULL, VALUE_NONE, NULL},
	{"failed", NULL, VALUE_NONE, NULL},
	{"dropped", NULL, VALUE_NONE, NULL},
	{NULL},
};

/* Of -i and --events, the last one holds. */
static void choose(struct record_args *args, bool itineraries)
{
	args->view.filter.itineraries = itineraries;
	args->view.filter.events = !itineraries;
}

int take_itineraries(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		     void *args, struct err *err)
{
	(void)cmd, (void)option, (void)value, (void)err;
	choose(args, true);
	return 0;
}

int take_events(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		void *args, struct err *err)
{
	(void)cmd, (void)option, (void)value, (void)err;
	choose(args, false);
	return 0;
}

int record_args_parse(const struct cmd *cmd, struct record_args *args, int argc, char **argv,
		      struct err *err)
{
	struct cmd_words words;
	int ret = options_parse(cmd, args, argc, argv, &words, err);

	if (ret)
		return ret;
	if (args->wants_operand) {
		if (!words.argc)
			return cmd_usage(err, cmd, "which file?");
		args->operand = *words.argv++;
		words.argc--;
	}
	args->argc = words.argc;
	args->argv = words.argv;
	return 0;
}
