/* SPDX-License-Identifier: GPL-2.0-only */
/* record_args.h - the options that trace, record, replay and diff share. */
#ifndef VETHLAB_USER_CMD_RECORD_ARGS_H
#define VETHLAB_USER_CMD_RECORD_ARGS_H

#include "user/cmd/cmd.h"
#include "user/render/record_view.h"

struct record_args {
	struct record_view_options view;
	const char *lab;     /* -l */
	const char *operand; /* of record and replay: the file */
	bool wants_operand;
	int argc; /* words of the filter, for record_filter_parse() */
	char **argv;
};

/*
 * Parse the options of a verb that shows records; operands that are not the file are kept in argc
 * and argv. Returns 0 or ERR_USAGE.
 */
int record_args_parse(const struct cmd *cmd, struct record_args *args, int argc, char **argv,
		      struct err *err);

/* For the tables of those verbs: the words of the filter, and what takes -i and --events. */
extern const struct cmd_choice filter_choices[];
int take_itineraries(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		     void *args, struct err *err);
int take_events(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		void *args, struct err *err);

#define OPERAND_FILTER                                                                             \
	{                                                                                          \
		"FILTER", .kind = VALUE_FILTER, .choices = filter_choices, .optional = true,       \
			  .text = "words that all must fit", .row = NO_ROW                         \
	}
/* Fields of struct cmd_option that follow: texts, and what differs. */
#define OPTION_ITINERARIES(...)                                                                    \
	{                                                                                          \
		.name = "itineraries", .letter = 'i', INTO_ARGS(take_itineraries), __VA_ARGS__     \
	}
#define OPTION_EVENTS(...)                                                                         \
	{                                                                                          \
		.name = "events", INTO_ARGS(take_events), __VA_ARGS__                              \
	}
#define OPTION_STACK(...)                                                                          \
	{                                                                                          \
		.name = "stack", INTO_BOOL(struct record_args, view.stack), __VA_ARGS__            \
	}
#define OPTION_COUNT(...)                                                                          \
	{                                                                                          \
		.name = "count", .letter = 'c', .show = SHOW_LETTER, .value = "N",                 \
		.kind = VALUE_NUMBER, .least = 1, .wrong = "that is no number of lines",           \
		INTO_U64(struct record_args, view.count), __VA_ARGS__                              \
	}
#define OPTION_FOR(...)                                                                            \
	{                                                                                          \
		.name = "for", .value = "TIME", .kind = VALUE_DURATION, .least = 1,                \
		.wrong = "that is no time (10s, 500ms)",                                           \
		.text = "end after 10s, 500ms, ...; a bare number is seconds",                     \
		INTO_U64(struct record_args, view.for_ns), __VA_ARGS__                             \
	}
#define OPTION_RECORD_JSON(...)                                                                    \
	{                                                                                          \
		.name = "json", .letter = 'j', .show = SHOW_LETTER, .group = OPTIONS_COMMON,       \
		.text = "output for programs", .row = NO_ROW,                                      \
		INTO_BOOL(struct record_args, view.json), __VA_ARGS__                              \
	}

#endif
