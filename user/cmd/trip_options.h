/* SPDX-License-Identifier: GPL-2.0-only */
/* trip_options.h - what ping, traceroute and why share: FROM TO [-l LAB] [-4|-6] [-j]. */
#ifndef VETHLAB_USER_CMD_TRIP_OPTIONS_H
#define VETHLAB_USER_CMD_TRIP_OPTIONS_H

#include <sys/socket.h>

#include "user/cmd/cmd.h"
#include "user/path/target.h"

/* The operands that were typed. 0 or ERR_USAGE. */
int trip_operands(const struct cmd *cmd, struct trip *trip, const struct cmd_words *words,
		  struct err *err);

/* -4 or -6: the option's constant; target is a struct trip. */
int take_family(const struct cmd *cmd, const struct cmd_option *option, const char *value,
		void *target, struct err *err);

/* Entries of the tables of those verbs; of is the verb's struct, with a struct trip called trip. */
#define OPTIONS_FAMILY(of)                                                                         \
	{.letter = '4',                                                                            \
	 .group = OPTIONS_COMMON,                                                                  \
	 .text = "by IPv4",                                                                        \
	 .row = NO_ROW,                                                                            \
	 .constant = AF_INET,                                                                      \
	 INTO_CALL(take_family, struct trip, of, trip)},                                           \
	{                                                                                          \
		.letter = '6', .alternative = true, .group = OPTIONS_COMMON, .text = "by IPv6",    \
		.row = NO_ROW, .constant = AF_INET6, INTO_CALL(take_family, struct trip, of, trip) \
	}
#define OPTION_TRIP_LAB(of)                                                                        \
	{                                                                                          \
		.name = "lab", .letter = 'l', .show = SHOW_LETTER, .group = OPTIONS_COMMON,        \
		.value = "LAB", .kind = VALUE_LAB, .text = "the lab, where several run",           \
		.row = NO_ROW, INTO_TEXT(of, trip.lab)                                             \
	}
#define OPTION_TRIP_JSON(of)                                                                       \
	{                                                                                          \
		.name = "json", .letter = 'j', .show = SHOW_LETTER, .group = OPTIONS_COMMON,       \
		.text = "output for programs", .row = NO_ROW, INTO_BOOL(of, trip.json)             \
	}
#define OPERANDS_TRIP(...)                                                                         \
	{"FROM", .kind = VALUE_NODE, .text = "a node", __VA_ARGS__},                               \
	{                                                                                          \
		"TO", .kind = VALUE_ADDRESS | VALUE_NODE | VALUE_END,                              \
		      .text = "an address, a node, or an end (node:interface)", __VA_ARGS__        \
	}

#endif
