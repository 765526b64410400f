/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd.h - the verbs. Each is a struct cmd in a file of its own: the table of its options, and a
 * function that parses the command line by it, calls rooms and prints the result to stdout. It
 * returns the exit status (enum err_code, or a child's) and fills err for main to print.
 */
#ifndef VETHLAB_USER_CMD_H
#define VETHLAB_USER_CMD_H

#include <stdbool.h>
#include <stdint.h>

#include "user/base/err.h"
#include "user/lab/lab.h"
#include "user/options/options.h"

/* The verbs, in the order of `vethlab help`; NULL at the end. */
extern const struct cmd *const cmds[];
/* Where each group of them begins, with its title. */
extern const struct cmd_group cmd_groups[];

extern const struct cmd cmd_up, cmd_down, cmd_gc, cmd_ls, cmd_show, cmd_observe, cmd_exec,
	cmd_shell, cmd_link, cmd_route, cmd_plan, cmd_apply, cmd_reset, cmd_stats, cmd_trace,
	cmd_record, cmd_replay, cmd_diff, cmd_capture, cmd_ping, cmd_doctor, cmd_check, cmd_graph,
	cmd_generate, cmd_traceroute, cmd_why, cmd_bench, cmd_bench_build, cmd_labs, cmd_completion,
	cmd_flows, cmd_flow;

/* The number of the libpcap that `capture` would use; see pcap_filter_version(). */
void cmd_pcap_version(char *number, size_t size);

/* The verb of that name; NULL: there is none. */
const struct cmd *cmd_find(const char *name);
/* The error that there is no such verb, with the one that may be meant; returns ERR_USAGE. */
int cmd_unknown(const char *typed, struct err *err);

/* Arguments of a verb that knows -l LAB and -j only. */
struct cmd_args {
	const char *lab; /* NULL: not said */
	bool json;
	int argc; /* what is left: argv[0] is the first operand */
	char **argv;
};
/* Parse them by the verb's table. Returns 0 or ERR_USAGE. */
int cmd_parse(const struct cmd *cmd, struct cmd_args *args, int argc, char **argv, struct err *err);

/*
 * Entries of a verb's table that many verbs have: of is its struct, with the members lab and json;
 * fields of struct cmd_option may follow.
 */
#define OPTION_LAB(of, ...)                                                                        \
	{                                                                                          \
		.name = "lab", .letter = 'l', .show = SHOW_LETTER, .group = OPTIONS_COMMON,        \
		.value = "LAB", .kind = VALUE_LAB, .text = "the lab, where several run",           \
		.row = NO_ROW, INTO_TEXT(of, lab), __VA_ARGS__                                     \
	}
#define OPTION_JSON(of, ...)                                                                       \
	{                                                                                          \
		.name = "json", .letter = 'j', .show = SHOW_LETTER, .group = OPTIONS_COMMON,       \
		.text = "output for programs", .row = NO_ROW, INTO_BOOL(of, json), __VA_ARGS__     \
	}
/* The last entry. */
#define OPTIONS_END                                                                                \
	{                                                                                          \
		.name = NULL                                                                       \
	}
#define OPERANDS_END                                                                               \
	{                                                                                          \
		.word = NULL                                                                       \
	}

/* Options of verbs that watch ends: choices of --hooks, --xdp, --tc, and what takes them. */
extern const struct cmd_choice hooks_choices[], xdp_choices[], tc_choices[];
int take_hooks(const struct cmd *cmd, const struct cmd_option *option, const char *value,
	       void *target, struct err *err); /* unsigned, of enum hooks */
int take_xdp(const struct cmd *cmd, const struct cmd_option *option, const char *value,
	     void *target, struct err *err); /* enum xdp_mode */
int take_tc(const struct cmd *cmd, const struct cmd_option *option, const char *value, void *target,
	    struct err *err); /* enum watch_tc */

/* Shapes of labs, with the sizes of each. */
extern const struct cmd_choice shape_choices[];

/*
 * A struct notes' tell: one sentence, to stderr or, where arg is a JSON array (json_t *), into
 * that.
 */
void cmd_note(const char *text, void *arg);

/* Tell how many warnings a lab file has, if any, and what shows them; typed: how it was named. */
void cmd_tell_warnings(const struct diags *diags, const char *typed);

/* The error that no lab of that name runs, with the one that may be meant. */
void cmd_no_lab(const char *name, struct err *err);

/* The names of the bundled labs, sorted, for cmd_bundled_free(); ERR_SYSTEM: no memory. */
int cmd_bundled_list(char ***names, size_t *n, struct err *err);
void cmd_bundled_free(char **names, size_t n);
/* Whether what the user typed is a name, of a bundled lab say, and no path of a file. */
bool cmd_is_lab_name(const char *typed);
/*
 * The path of a lab file from what the user typed: a path, - (the standard input), or the name of a
 * bundled lab. A lab that is in no folder has the path of the program's own copy, "bundled:NAME".
 */
int cmd_lab_path(const char *typed, char *path, size_t size, struct err *err);

#endif
