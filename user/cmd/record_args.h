/* SPDX-License-Identifier: GPL-2.0-only */
/* record_args.h - the options that trace, record, replay and diff share. */
#ifndef VETHLAB_USER_CMD_RECORD_ARGS_H
#define VETHLAB_USER_CMD_RECORD_ARGS_H

#include "user/cmd/cmd.h"
#include "user/render/record_view.h"

struct record_args {
	struct record_view_options view;
	const char *lab;     /* -l */
	const char *operand; /* of replay: the file */
	bool wants_operand;
	int argc; /* words of the filter, for record_filter_parse() */
	char **argv;
};

/* Options of a verb that shows records; words that are none are kept in argc and argv. */
int record_args_parse(struct record_args *args, int argc, char **argv, struct err *err);

#endif
